//! The inside: enter namespaces, hide places, give up rights, become the program of the run.
//!
//! What cannot be undone by what runs here afterwards: the mounts were made with capabilities that are gone before
//! the program starts, and whoever makes further namespaces finds these mounts locked. Processes of other runs, the
//! runner and the server belong to other user namespaces, so their memory, environment and folders (`/proc/PID`) stay
//! closed although the user is the same.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change, mount_remount,
};
use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, UnshareFlags, remove_capability_from_bounding_set, set_no_new_privs};

/// The first word of the command line that leads here.
pub const COMMAND: &str = "confine";
/// How this program ends when it cannot confine.
const CANNOT_CONFINE: u8 = 125;
/// As shells do, when a program cannot be started, or is not there.
const CANNOT_START: u8 = 126;
const NOT_FOUND: u8 = 127;
/// What is put over hidden folders: nothing, of this size at most, for the folders that lead to what is shown.
const EMPTY: &std::ffi::CStr = c"size=1m,mode=0755";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    hidden: Vec<PathBuf>,
    shown: Vec<PathBuf>,
    /// Program and arguments.
    program: Vec<OsString>,
}

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {source}")]
struct CannotConfine {
    doing: String,
    source: io::Error,
}

/// Does what `stoa confine` is asked for: `--hide PATH`… `--show PATH`… `--` PROGRAM ARGUMENT…; becomes the program, or
/// only tries when none is named. To be called before there is a second thread.
pub fn confine(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(wish) = Wish::read(arguments) else {
        eprintln!("stoa confine: expected --hide PATH… --show PATH… -- PROGRAM ARGUMENT…");
        return ExitCode::from(CANNOT_CONFINE);
    };
    if let Err(error) = enter(&wish) {
        eprintln!("stoa confine: {error}");
        return ExitCode::from(CANNOT_CONFINE);
    }
    let Some((program, arguments)) = wish.program.split_first() else { return ExitCode::SUCCESS };
    let error = Command::new(program).args(arguments).exec();
    eprintln!("{}: {error}", Path::new(program).display());
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    ExitCode::from(if is_missing { NOT_FOUND } else { CANNOT_START })
}

impl Wish {
    fn read(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut wish = Self::default();
        loop {
            let word = arguments.next()?;
            match word.to_str()? {
                "--hide" => wish.hidden.push(arguments.next()?.into()),
                "--show" => wish.shown.push(arguments.next()?.into()),
                "--" => break,
                _ => return None,
            }
        }
        wish.program = arguments.collect();
        // What lies in something shown comes after it.
        wish.shown.sort();
        Some(wish)
    }
}

fn doing(doing: impl Into<String>) -> impl FnOnce(io::Error) -> CannotConfine {
    let doing = doing.into();
    move |source| CannotConfine { doing, source }
}

fn enter(wish: &Wish) -> Result<(), CannotConfine> {
    let here = std::env::current_dir().map_err(doing("see the working folder"))?;
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    new_namespaces().map_err(doing("enter user and mount namespaces"))?;
    map_as_before(user, group).map_err(doing("keep user and group"))?;
    // What is mounted here stays here; what the system mounts later still arrives.
    let from_above = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", from_above).map_err(|error| doing("keep mounts to itself")(error.into()))?;

    let kept = wish.shown.iter().filter_map(|path| held(path).transpose());
    let kept = kept.collect::<Result<Vec<_>, _>>()?;
    for path in &wish.hidden {
        hide(path).map_err(doing(format!("hide {}", path.display())))?;
    }
    for (path, place) in &kept {
        show(path, place).map_err(doing(format!("show {}", path.display())))?;
    }
    for path in wish.hidden.iter().filter(|path| path.is_dir()) {
        let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        mount_remount(path, flags, c"")
            .map_err(|error| doing(format!("protect {}", path.display()))(error.into()))?;
    }
    // By its name: the folder that this process stands in lies below what was put over it.
    if let Err(error) = std::env::set_current_dir(&here)
        && !wish.program.is_empty()
    {
        return Err(doing(format!("enter {}", here.display()))(error));
    }
    give_up_rights().map_err(|error| doing("give up rights")(error.into()))
}

#[expect(deprecated, reason = "its successor is unsafe for the sake of a flag that is not used here")]
fn new_namespaces() -> io::Result<()> {
    rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWIPC)?;
    Ok(())
}

/// Inside, user and group are the same as outside, and nobody else exists.
fn map_as_before(user: u32, group: u32) -> io::Result<()> {
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// A place that is to be shown again, kept open while it is hidden. None when it is not there.
fn held(path: &Path) -> Result<Option<(PathBuf, OwnedFd)>, CannotConfine> {
    match open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(place) => Ok(Some((path.to_owned(), place))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(doing(format!("open {}", path.display()))(error.into())),
    }
}

fn hide(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            mount("tmpfs", path, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, EMPTY)?;
        }
        Ok(_) => mount_bind_recursive("/dev/null", path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn show(path: &Path, place: &OwnedFd) -> io::Result<()> {
    let place = PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd()));
    if place.is_dir() {
        std::fs::create_dir_all(path)?;
    } else {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if !path.exists() {
            File::create(path)?;
        }
    }
    mount_bind_recursive(&place, path)?;
    Ok(())
}

/// No capability is left, and none can be had again, not even by root's programs.
fn give_up_rights() -> rustix::io::Result<()> {
    for number in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            // The kernel knows no more of them.
            Err(Errno::INVAL) => break,
            gone => gone?,
        }
    }
    set_no_new_privs(true)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::Wish;

    fn read(words: &[&str]) -> Option<Wish> {
        Wish::read(words.iter().map(OsString::from))
    }

    #[test]
    fn what_follows_the_dashes_is_the_program_whatever_it_is_called() {
        let wish =
            read(&["--hide", "/a", "--show", "/a/b/c", "--show", "/a/b", "--", "--hide", "-x"]).unwrap();
        assert_eq!(wish.hidden, ["/a"].map(PathBuf::from));
        assert_eq!(wish.shown, ["/a/b", "/a/b/c"].map(PathBuf::from));
        assert_eq!(wish.program, ["--hide", "-x"]);
        for words in [&["--hide"][..], &["--hide", "/a"], &["/bin/sh"], &[]] {
            assert_eq!(read(words), None, "{words:?}");
        }
    }
}
