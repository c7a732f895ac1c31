//! Keeping processes of runs from what is not theirs: the runner's key, the server's files, other runs' folders.
//!
//! A clean environment and a process group are always there. Where the kernel allows it, each program of a run is
//! also started in user and mount namespaces of its own: this same program ([`confine`]) enters them, hides what is to
//! be hidden, gives up every right that could undo that, and becomes the program of the run.

mod confine;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

pub use confine::{COMMAND, confine};

use crate::RunnerError;
use crate::config::Config;

/// What a runner does about namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Uses them where the kernel allows it, and says what it found.
    #[default]
    Auto,
    /// Does not start without them.
    Required,
    /// Does without.
    Off,
}

/// The namespaces that programs of a runner are started in.
#[derive(Clone, Debug)]
pub(crate) struct Confinement {
    /// The program that enters them.
    confiner: PathBuf,
    /// Files and folders that nobody inside sees, without those that lie in one another.
    hidden: Vec<PathBuf>,
}

impl Confinement {
    /// Finds out what this machine allows, and says so in the log. None when programs run without namespaces.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, RunnerError> {
        if rustix::process::geteuid().is_root() {
            tracing::warn!(
                "the runner runs as root: what belongs to root on this machine can be changed by runs; give the \
                 runner a user of its own"
            );
        }
        let why = match Self::tried(config) {
            Ok(confinement) => {
                tracing::info!(
                    runner.isolation = "namespaces",
                    hidden = ?confinement.hidden,
                    "runs are isolated by user and mount namespaces, process groups and a clean environment"
                );
                return Ok(Some(confinement));
            }
            Err(why) => why,
        };
        if config.isolation == Isolation::Required {
            return Err(RunnerError::NotIsolated(why));
        }
        tracing::warn!(
            runner.isolation = "process-group",
            reason = why,
            "runs are isolated by process groups and a clean environment only: they can read whatever the runner's \
             user can read"
        );
        Ok(None)
    }

    /// The same without a word, or why there is none.
    pub(crate) fn tried(config: &Config) -> Result<Self, String> {
        if config.isolation == Isolation::Off {
            return Err("`isolation` is off".to_owned());
        }
        let confiner = config.confiner.clone().ok_or("the program that embeds this runner cannot confine")?;
        let mut hidden: Vec<PathBuf> =
            config.hidden.iter().filter_map(|path| path.canonicalize().ok()).collect();
        hidden.push(config.work_dir.clone());
        hidden.sort();
        let all = hidden.clone();
        hidden.retain(|path| !all.iter().any(|other| other != path && path.starts_with(other)));
        hidden.dedup();
        if hidden.iter().any(|path| path == Path::new("/")) {
            return Err("`hidden` names the root folder".to_owned());
        }
        let confinement = Self { confiner, hidden };
        // Without a program it only tries.
        let words = confinement.words(&[]);
        let tried = Command::new(&confinement.confiner).args(words).env_clear().output();
        match tried {
            Ok(output) if output.status.success() => Ok(confinement),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("`{}`: {error}", confinement.confiner.display())),
        }
    }

    /// What a command line begins with, so that what follows sees of the hidden places only `shown`.
    pub(crate) fn prefix(&self, shown: &[PathBuf]) -> Vec<OsString> {
        let mut words = vec![self.confiner.clone().into_os_string()];
        words.extend(self.words(shown));
        words
    }

    fn words(&self, shown: &[PathBuf]) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![COMMAND.into()];
        for path in &self.hidden {
            words.extend(["--hide".into(), path.clone().into_os_string()]);
        }
        for path in shown.iter().filter(|path| self.hides(path)) {
            words.extend(["--show".into(), path.clone().into_os_string()]);
        }
        words.push("--".into());
        words
    }

    fn hides(&self, path: &Path) -> bool {
        self.hidden.iter().any(|hidden| path.starts_with(hidden))
    }
}
