//! Keeping processes of runs from what is not theirs: the runner's key, the server's files, other runs' folders.
//!
//! A clean environment and a process group are always there. Where the kernel allows it, each program of a run is
//! also started in user and mount namespaces of its own: this same program ([`confine`]) enters them, hides what is to
//! be hidden, gives up every right that could undo that, and becomes the program of the run. Where `/proc` can be shown
//! anew, it gets a process namespace, too, and what it started ends with it.

mod confine;
mod household;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

pub use confine::{COMMAND, confine};

use crate::RunnerError;
use crate::config::Config;
use crate::process::AskedToEnd;

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
    /// How many processes one program may have at a time, or why there are no process namespaces.
    processes: Result<u32, String>,
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
                let hidden = &confinement.hidden;
                match &confinement.processes {
                    Ok(_) => tracing::info!(
                        runner.isolation = "namespaces",
                        ?hidden,
                        "runs are isolated by user, mount and process namespaces, process groups and a clean \
                         environment"
                    ),
                    Err(why) => tracing::info!(
                        runner.isolation = "namespaces",
                        ?hidden,
                        reason = why,
                        "runs are isolated by user and mount namespaces, process groups and a clean environment: \
                         they can see and end processes of the runner's user"
                    ),
                }
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
        let most = u32::try_from(config.limits.program_processes).unwrap_or(u32::MAX);
        let mut confinement = Self { confiner, hidden, processes: Ok(most) };
        let Err(why) = confinement.try_out() else { return Ok(confinement) };
        confinement.processes = Err(why);
        confinement.try_out()?;
        Ok(confinement)
    }

    /// Whether it can be done, or why not.
    fn try_out(&self) -> Result<(), String> {
        // Without a program it only tries.
        let words = self.words(&[], AskedToEnd::Group);
        let tried = Command::new(&self.confiner).args(words).env_clear().output();
        match tried {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")),
            Err(error) => Err(format!("`{}`: {error}", self.confiner.display())),
        }
    }

    /// What a command line begins with, so that what follows sees of the hidden places only `shown`.
    pub(crate) fn prefix(&self, shown: &[PathBuf], asked_to_end: AskedToEnd) -> Vec<OsString> {
        let mut words = vec![self.confiner.clone().into_os_string()];
        words.extend(self.words(shown, asked_to_end));
        words
    }

    fn words(&self, shown: &[PathBuf], asked_to_end: AskedToEnd) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![COMMAND.into()];
        for path in &self.hidden {
            words.extend(["--hide".into(), path.clone().into_os_string()]);
        }
        for path in shown.iter().filter(|path| self.hides(path)) {
            words.extend(["--show".into(), path.clone().into_os_string()]);
        }
        if let Ok(most) = &self.processes {
            words.extend(["--processes".into(), most.to_string().into()]);
            if matches!(asked_to_end, AskedToEnd::Group) {
                words.push("--group".into());
            }
        }
        words.push("--".into());
        words
    }

    fn hides(&self, path: &Path) -> bool {
        self.hidden.iter().any(|hidden| path.starts_with(hidden))
    }
}
