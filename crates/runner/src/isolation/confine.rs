//! The inside: enter namespaces, hide places, give up rights, become the program of the run.
//!
//! What cannot be undone by what runs here afterwards: the mounts were made with capabilities that are gone before
//! the program starts, and whoever makes further namespaces finds these mounts locked. Processes of other runs, the
//! runner and the server belong to other user namespaces, so their memory, environment and folders (`/proc/PID`) stay
//! closed although the user is the same. With a process namespace they are not even there.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change, mount_remount,
};
use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, UnshareFlags, remove_capability_from_bounding_set, set_no_new_privs};

use super::household;

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
    /// Whether processes get a namespace, too, and how many there may be in it; 0 for any number.
    processes: Option<u32>,
    /// Whether the request to end reaches the program anyway, because its whole group is asked.
    is_group_asked: bool,
    /// Program and arguments.
    program: Vec<OsString>,
}

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {source}")]
pub(super) struct CannotConfine {
    doing: String,
    source: io::Error,
}

/// Does what `stoa confine` is asked for: `--hide PATH`… `--show PATH`… `--processes NUMBER` `--group` `--` PROGRAM
/// ARGUMENT…; becomes the program, or only tries when none is named. To be called before there is a second thread.
pub fn confine(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.by_ref().peekable();
    if arguments.next_if(|word| word == household::FIRST).is_some() {
        return household::be_first(arguments.next().as_deref().and_then(OsStr::to_str));
    }
    let Some(wish) = Wish::read(arguments) else {
        eprintln!(
            "stoa confine: expected --hide PATH… --show PATH… --processes NUMBER --group -- PROGRAM ARGUMENT…"
        );
        return ExitCode::from(CANNOT_CONFINE);
    };
    match enter(&wish) {
        Ok(first) => wish.start(first),
        Err(error) => {
            eprintln!("stoa confine: {error}");
            ExitCode::from(CANNOT_CONFINE)
        }
    }
}

/// How this ends when the program cannot be started; says why.
pub(super) fn cannot_start(program: &OsStr, error: &io::Error) -> ExitCode {
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
                "--processes" => wish.processes = Some(arguments.next()?.to_str()?.parse().ok()?),
                "--group" => wish.is_group_asked = true,
                "--" => break,
                _ => return None,
            }
        }
        wish.program = arguments.collect();
        // What lies in something shown comes after it.
        wish.shown.sort();
        Some(wish)
    }

    /// Becomes the program, or watches over it where there is a process namespace, whose first process this is.
    fn start(&self, first: Option<Child>) -> ExitCode {
        let Some((program, arguments)) = self.program.split_first() else { return ExitCode::SUCCESS };
        match first {
            Some(first) => household::live(program, arguments, !self.is_group_asked, first),
            None => cannot_start(program, &Command::new(program).args(arguments).exec()),
        }
    }
}

pub(super) fn doing(doing: impl Into<String>) -> impl FnOnce(io::Error) -> CannotConfine {
    let doing = doing.into();
    move |source| CannotConfine { doing, source }
}

/// Enters the namespaces; gives back the first process of the process namespace, if there is to be one.
fn enter(wish: &Wish) -> Result<Option<Child>, CannotConfine> {
    let here = std::env::current_dir().map_err(doing("see the working folder"))?;
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    new_namespaces(wish.processes.is_some()).map_err(doing("enter namespaces"))?;
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
    // Last, because from then on `/proc` is the namespace's, to which this process does not belong.
    let first = wish.processes.map(household::start_first).transpose()?;
    give_up_rights()
        .and_then(|()| if first.is_some() { household::keep_no_rights() } else { Ok(()) })
        .map_err(|error| doing("give up rights")(error.into()))?;
    Ok(first)
}

#[expect(deprecated, reason = "its successor is unsafe for the sake of a flag that is not used here")]
fn new_namespaces(of_processes: bool) -> io::Result<()> {
    let mut namespaces = UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWIPC;
    namespaces.set(UnshareFlags::NEWPID, of_processes);
    rustix::thread::unshare(namespaces)?;
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
        assert_eq!((wish.processes, wish.is_group_asked), (None, false));
        let wish = read(&["--processes", "40", "--group", "--"]).unwrap();
        assert_eq!((wish.processes, wish.is_group_asked), (Some(40), true));
        for words in [&["--hide"][..], &["--hide", "/a"], &["--processes", "x", "--"], &["/bin/sh"], &[]] {
            assert_eq!(read(words), None, "{words:?}");
        }
    }
}
