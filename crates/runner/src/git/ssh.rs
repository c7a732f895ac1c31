//! What ssh may use for one run: its key, and the host keys it may trust.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use stoa_client::runs::KnownHost;

use super::NoSources;
use crate::folder::{RunFolder, write_new};

/// The ssh commands of one run.
#[derive(Clone)]
pub(crate) struct Ssh {
    /// For git, which fetches the sources.
    fetching: OsString,
    /// For the run's own programs.
    running: OsString,
    /// The runner's file of hosts that were seen, and the run's own copy of it.
    noted: Option<(PathBuf, PathBuf)>,
}

/// Which host keys are trusted.
enum Trust {
    /// Those of a file, and no others.
    Only(PathBuf),
    /// Those of a file; a host that is seen for the first time is added to it.
    FirstSight(PathBuf),
}

impl Ssh {
    /// Writes the key and the known host into the run's folder. An empty key leaves it to ssh which key to use.
    /// Without a known host, the runner's own list decides (`SSH_KNOWN_HOSTS`), or else `remembered`, a file in which
    /// hosts are noted when they are seen for the first time.
    pub(crate) fn prepare(
        folder: &RunFolder,
        private_key: &str,
        known_host: Option<&KnownHost>,
        remembered: &Path,
    ) -> Result<Self, NoSources> {
        let trust = match known_host {
            Some(host) => Trust::Only(folder.file("known_hosts", known_hosts_line(host)?.as_bytes())?),
            None => match std::env::var_os("SSH_KNOWN_HOSTS").filter(|file| !file.is_empty()) {
                Some(file) => Trust::Only(file.into()),
                None => Trust::FirstSight(remembered.to_owned()),
            },
        };
        let key = match private_key.trim() {
            "" => None,
            key => Some(folder.file("ssh_key", (key.replace("\r\n", "\n") + "\n").as_bytes())?),
        };
        let (strictness, file, noted) = match trust {
            Trust::Only(file) => ("yes", file, None),
            Trust::FirstSight(file) => {
                // It must be there to be shown to git alone.
                OpenOptions::new().append(true).create(true).mode(0o600).open(&file)?;
                ("accept-new", file.clone(), Some((file, folder.path().join("known_hosts"))))
            }
        };
        let fetching = command(strictness, &file, key.as_deref())?;
        let running = command(strictness, noted.as_ref().map_or(&file, |(_, own)| own), key.as_deref())?;
        Ok(Self { fetching, running, noted })
    }

    /// The value of `GIT_SSH_COMMAND` for git.
    pub(crate) fn command(&self) -> &OsString {
        &self.fetching
    }

    /// The file in which git notes hosts that it sees for the first time, if there is one.
    pub(crate) fn remembered(&self) -> Option<&Path> {
        self.noted.as_ref().map(|(runners, _)| runners.as_path())
    }

    /// The value of `GIT_SSH_COMMAND` for programs of the run. They get a copy of the hosts that were seen: what they
    /// add, or change, is nobody else's.
    pub(crate) fn command_of_run(&self) -> io::Result<&OsString> {
        if let Some((runners, own)) = &self.noted {
            write_new(own, &fs::read(runners)?)?;
        }
        Ok(&self.running)
    }
}

fn command(strictness: &str, known_hosts: &Path, key: Option<&Path>) -> Result<OsString, NoSources> {
    let mut command = OsString::from("ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=20");
    command.push(format!(" -o StrictHostKeyChecking={strictness} -o GlobalKnownHostsFile=/dev/null"));
    command.push(" -o UserKnownHostsFile=");
    command.push(quoted(known_hosts)?);
    if let Some(key) = key {
        command.push(" -o IdentitiesOnly=yes -F /dev/null -i ");
        command.push(quoted(key)?);
    }
    Ok(command)
}

fn known_hosts_line(host: &KnownHost) -> Result<String, NoSources> {
    let fields = [&host.host, &host.key_type, &host.key_value].map(|field| field.trim());
    let is_sound = fields.iter().all(|field| {
        !field.is_empty()
            && !field.starts_with(['#', '@', '-'])
            && !field.chars().any(|c| c.is_whitespace() || c.is_control())
    });
    if is_sound {
        Ok(fields.join(" ") + "\n")
    } else {
        Err(NoSources::refused(
            "The known host of the definition is not usable: host, key type and key are each one word",
        ))
    }
}

/// A path as one word of a shell command. Git hands the command to a shell.
fn quoted(path: &Path) -> Result<String, io::Error> {
    match path.to_str() {
        Some(text) => Ok(format!("'{}'", text.replace('\'', r"'\''"))),
        None => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "the runner's folder must have a readable name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use stoa_client::runs::KnownHost;

    use super::Ssh;
    use crate::folder::RunFolder;

    fn host(host: &str) -> KnownHost {
        KnownHost {
            host: host.to_owned(),
            key_type: "ssh-ed25519".to_owned(),
            key_value: "AAAAC3".to_owned(),
        }
    }

    #[test]
    fn a_key_and_a_host_are_used_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(parent.path(), "run").unwrap();
        let ssh =
            Ssh::prepare(&folder, "KEY\r\nLINE", Some(&host("[git.example.org]:2222")), Path::new("/x"))
                .unwrap();
        let command = ssh.command().to_str().unwrap();
        assert!(command.contains("StrictHostKeyChecking=yes"));
        assert!(command.contains("IdentitiesOnly=yes"));
        assert_eq!(fs::read_to_string(folder.path().join("ssh_key")).unwrap(), "KEY\nLINE\n");
        let known = fs::read_to_string(folder.path().join("known_hosts")).unwrap();
        assert_eq!(known, "[git.example.org]:2222 ssh-ed25519 AAAAC3\n");
    }

    #[test]
    fn a_host_that_is_more_than_a_host_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(parent.path(), "run").unwrap();
        for name in ["", "a b", "a\n*", "@cert-authority"] {
            assert!(Ssh::prepare(&folder, "", Some(&host(name)), Path::new("/x")).is_err());
        }
    }
}
