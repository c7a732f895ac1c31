//! The folder a run works in: private, and gone without a trace at the end.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Names the folder in the environment of every process of a run, so that leftovers can be found.
pub(crate) const FOLDER_VARIABLE: &str = "STOA_RUN_FOLDER";

/// A run's own folder. Dropping it removes it, and ends every process that was started in it.
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes an empty folder below `parent`, named after the run.
    pub(crate) fn create(parent: &Path, run_uuid: &str) -> io::Result<Self> {
        let letters: String = run_uuid.chars().filter(char::is_ascii_alphanumeric).collect();
        // Short, because helpers of OpenTofu put sockets below it, whose paths may not be long.
        let name = &letters[letters.len().saturating_sub(12)..];
        let mut path = parent.join(name);
        let mut number = 1;
        while let Err(error) = private_folder(&path) {
            if error.kind() != io::ErrorKind::AlreadyExists || number > 1000 {
                return Err(error);
            }
            path = parent.join(format!("{name}-{number}"));
            number += 1;
        }
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new empty folder inside.
    pub(crate) fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        private_folder(&path)?;
        Ok(path)
    }

    /// A new file inside that only this user can read.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        write_new(&path, content)?;
        Ok(path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        wipe(&self.path);
    }
}

/// Makes a folder only this user can enter.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Writes a file that only this user can read, in place of whatever has its name; never through a link.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

/// Whether links are followed to a file that somebody else made.
#[derive(Clone, Copy)]
pub(crate) enum Links {
    Followed,
    /// They may lead to what only the runner may see.
    Refused,
}

/// The first `most` bytes of a file that somebody else made. Only of a regular one: others may have no end, or never
/// begin.
pub(crate) fn read_of_others(path: &Path, links: Links, most: u64) -> io::Result<Vec<u8>> {
    let mut flags = OFlags::NONBLOCK;
    flags.set(OFlags::NOFOLLOW, matches!(links, Links::Refused));
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut content = Vec::new();
    file.take(most).read_to_end(&mut content)?;
    Ok(content)
}

/// Ends all processes of a folder, then removes it with everything in it.
pub(crate) fn wipe(folder: &Path) {
    end_processes_of(folder);
    if fs::remove_dir_all(folder).is_ok() {
        return;
    }
    // A module may have taken away its own right to enter or change a folder.
    make_removable(folder);
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!(folder = %folder.display(), %error, "a run folder cannot be removed");
        }
        _ => {}
    }
}

fn make_removable(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_removable(&entry.path());
        }
    }
}

/// How often processes are looked for, and the pause in between.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// Kills what left its process group but still carries the folder's name: daemons of a script, or the processes of a
/// runner that was killed. Looks again as long as somebody was found, or somebody is just becoming another program
/// and shows no environment yet.
fn end_processes_of(folder: &Path) {
    let mark = format!("{FOLDER_VARIABLE}={}", folder.display()).into_bytes();
    for _ in 0..LOOKS {
        let Ok(processes) = fs::read_dir("/proc") else { return };
        let mut is_certain = true;
        for process in processes.flatten() {
            let id = process.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            let Some(id) = id else { continue };
            // The handle keeps the number from meaning another process between looking and killing.
            let Ok(handle) = pidfd_open(id, PidfdFlags::empty()) else { continue };
            let Ok(environment) = fs::read(process.path().join("environ")) else { continue };
            if environment.split(|byte| *byte == 0).any(|variable| variable == mark) {
                let _ = pidfd_send_signal(handle, Signal::KILL);
                is_certain = false;
            } else if environment.is_empty() && fs::read_link(process.path().join("exe")).is_ok() {
                is_certain = false;
            }
        }
        if is_certain {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::{Links, RunFolder, read_of_others, write_new};

    const UUID: &str = "e0b7c1fa-8c0d-4a28-bb0b-1f0b1f6f9d77";

    #[test]
    fn a_folder_is_private_and_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(parent.path(), UUID).unwrap();
        let again = RunFolder::create(parent.path(), UUID).unwrap();
        assert_ne!(folder.path(), again.path());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path().to_owned()), 0o700);
        assert_eq!(mode(folder.file("key", b"x").unwrap()), 0o600);
        let locked = folder.folder("locked").unwrap();
        fs::write(locked.join("file"), "x").unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        drop((folder, again));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_are_never_written_through_links() {
        let parent = tempfile::tempdir().unwrap();
        let outside = parent.path().join("outside");
        fs::write(&outside, "untouched").unwrap();
        let link = parent.path().join("link");
        symlink(&outside, &link).unwrap();
        write_new(&link, b"new").unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "untouched");
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
    }

    #[test]
    fn what_others_made_is_read_only_where_it_is_a_file() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "content").unwrap();
        assert_eq!(read_of_others(&file, Links::Refused, 100).unwrap(), b"content");
        assert_eq!(read_of_others(&file, Links::Refused, 3).unwrap(), b"con");
        let link = parent.path().join("link");
        symlink(&file, &link).unwrap();
        assert_eq!(read_of_others(&link, Links::Followed, 100).unwrap(), b"content");
        read_of_others(&link, Links::Refused, 100).unwrap_err();
        let endless = parent.path().join("endless");
        symlink("/dev/zero", &endless).unwrap();
        read_of_others(&endless, Links::Followed, 100).unwrap_err();
        let silent = parent.path().join("silent");
        let made = std::process::Command::new("mkfifo").arg(&silent).status().unwrap();
        assert!(made.success());
        read_of_others(&silent, Links::Refused, 100).unwrap_err();
    }

    #[test]
    fn processes_that_slipped_away_are_ended() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(parent.path(), UUID).unwrap();
        let mut process = std::process::Command::new("sleep")
            .arg("600")
            .env(super::FOLDER_VARIABLE, folder.path())
            .spawn()
            .unwrap();
        drop(folder);
        assert!(!process.wait().unwrap().success());
    }
}
