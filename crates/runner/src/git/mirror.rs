//! Bare mirrors of repositories, so that each is downloaded once and only news are fetched later.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::address::Transport;
use super::measure::{Count, Most, remove};
use super::{Address, NoSources, Reference, Ssh};
use crate::environment::Environment;
use crate::failure::spoken;
use crate::folder::private_folder;
use crate::process::{AskedToEnd, Finished, NotFinished, Output, Processes, Program, find};
use crate::stop::Stop;

/// Mirrors that nobody asked for in this time are removed when the runner starts.
const UNUSED: Duration = Duration::from_hours(30 * 24);
/// A file that is touched whenever a mirror is used.
const USED: &str = "stoa-used";
/// How much of an answer of git is read.
const ANSWER: usize = 64 * 1024;
/// The default revision of the repository, as it was at the last fetch.
const DEFAULT_REVISION: &str = "refs/stoa/default";

/// All mirrors of a runner.
pub(crate) struct Mirrors {
    folder: PathBuf,
    program: PathBuf,
    processes: Processes,
    /// How long one fetch may take: a server may take the connection and say nothing.
    patience: Duration,
    most: Most,
    /// One user of a mirror at a time.
    in_use: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// What one fetch needs to know.
pub(crate) struct Wanted<'a> {
    pub(crate) address: &'a Address,
    pub(crate) reference: Option<&'a Reference>,
    pub(crate) ssh: Option<&'a Ssh>,
    /// The secret that opens the repository, if any: mirrors are not shared between different ones.
    pub(crate) secret: &'a str,
    /// The run's folder, where the key is and the sources go.
    pub(crate) folder: &'a Path,
}

impl Mirrors {
    /// Mirrors are kept below `folder`.
    pub(crate) fn open(
        folder: PathBuf,
        processes: Processes,
        patience: Duration,
        most: Most,
    ) -> std::io::Result<Self> {
        if !folder.is_dir() {
            private_folder(&folder)?;
        }
        // Without git every run says so itself.
        let program = find("git").unwrap_or_else(|| PathBuf::from("/usr/bin/git"));
        let mirrors =
            Self { folder, program, processes, patience, most, in_use: Mutex::new(BTreeMap::new()) };
        mirrors.write_configuration()?;
        mirrors.remove_unused();
        Ok(mirrors)
    }

    /// Git's configuration: the user's own, and trust in repositories whoever owns them. Which local repositories
    /// are used at all was decided before. Large files go through git's memory in pieces, and what was fetched stays
    /// packed.
    fn write_configuration(&self) -> std::io::Result<()> {
        let own = "[safe]\n\tdirectory = *\n[gc]\n\tauto = 0\n[core]\n\tbigFileThreshold = 16m\n\
                   [fetch]\n\tunpackLimit = 1\n";
        // Without a home there is nothing to include, and git would stop at the attempt.
        let has_home = std::env::var_os("HOME").is_some_and(|home| !home.is_empty());
        let users = if has_home { "[include]\n\tpath = ~/.gitconfig\n" } else { "" };
        fs::write(self.folder.join("config"), format!("{users}{own}"))
    }

    fn remove_unused(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for mirror in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let used = fs::metadata(mirror.join(USED)).and_then(|used| used.modified());
            let age = used.ok().and_then(|used| SystemTime::now().duration_since(used).ok());
            if age.is_none_or(|age| age > UNUSED) {
                let _ = fs::remove_dir_all(mirror);
            }
        }
    }

    /// Brings the mirror up to date and puts the wanted revision into `target`, an existing empty folder. Returns
    /// the commit.
    pub(crate) async fn check_out(
        &self,
        wanted: &Wanted<'_>,
        target: &Path,
        stop: &Stop,
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<String, NoSources> {
        let name = name_of(wanted);
        let lock = {
            let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(in_use.entry(name.clone()).or_default())
        };
        let _mine = if let Ok(mine) = lock.try_lock() {
            mine
        } else {
            line("Another run fetches this repository; waiting for it");
            tokio::select! {
                mine = lock.lock() => mine,
                reason = stop.heard() => return Err(NotFinished::Stopped(reason).into()),
            }
        };
        let git = Git { mirrors: self, mirror: self.folder.join(name), wanted, stop };
        let existed = git.mirror.is_dir();
        let mut updated = git.update(line).await;
        if existed && let Some(why) = updated.as_ref().err().and_then(begin_anew) {
            line(&format!("The mirror of the repository {why} and is made anew"));
            remove(&git.mirror).await?;
            updated = git.update(line).await;
        }
        if let Err(NoSources::TooLarge(_)) = updated {
            remove(&git.mirror).await?;
        }
        updated?;
        fs::write(git.mirror.join(USED), "")?;
        let commit = git.resolve(line).await?;
        git.measure(&commit).await?;
        git.copy(&commit, target, line).await?;
        Ok(commit)
    }
}

/// A mirror's name: the address and whatever opens it.
fn name_of(wanted: &Wanted<'_>) -> String {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    hash.update(wanted.address.as_str());
    hash.update([0]);
    hash.update(wanted.secret);
    hash.finalize().iter().take(16).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// Why a failure may be the mirror's own: after a crash in the middle of a fetch, or after many fetches.
fn begin_anew(error: &NoSources) -> Option<&'static str> {
    let said = match error {
        NoSources::Git { said, .. } => said,
        NoSources::TooLarge(_) => return Some("has grown too large"),
        NoSources::Refused(_) | NoSources::NotFinished(_) | NoSources::Io(_) => return None,
    };
    let marks = [
        "not a git repository",
        "corrupt",
        "bad object",
        "File exists",
        ".lock",
        "missing blob",
        "unable to read",
    ];
    marks.iter().any(|mark| said.contains(mark)).then_some("is damaged")
}

/// One use of one mirror.
struct Git<'a> {
    mirrors: &'a Mirrors,
    mirror: PathBuf,
    wanted: &'a Wanted<'a>,
    stop: &'a Stop,
}

impl Git<'_> {
    /// Makes the mirror if it is not there, and fetches all branches and tags.
    async fn update(&self, line: &mut (dyn FnMut(&str) + Send)) -> Result<(), NoSources> {
        let address = self.wanted.address;
        if !self.mirror.is_dir() {
            let new = self.mirror.with_extension("new");
            let _ = fs::remove_dir_all(&new);
            self.checked(
                "Cannot make a mirror",
                &self.mirrors.folder,
                |arguments| {
                    arguments.extend(["init", "--quiet", "--bare", "--template=", "--"].map(OsString::from));
                    arguments.push(new.clone().into());
                },
                line,
            )
            .await?;
            // The mirror answers only this runner, which asks for commits by name.
            fs::write(
                new.join("config"),
                "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[uploadpack]\n\tallowAnySHA1InWant = true\n",
            )?;
            fs::rename(&new, &self.mirror)?;
        }
        line(&format!("Fetching {address}"));
        let cannot_fetch = format!("Cannot fetch {address}");
        let most = self.mirrors.most;
        let fetching = self.checked(
            &cannot_fetch,
            &self.mirror,
            |arguments| {
                arguments.extend(
                    ["fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-write-fetch-head"]
                        .map(OsString::from),
                );
                arguments.extend(
                    ["--", address.as_str(), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
                        .map(OsString::from),
                );
                if self.wanted.reference.is_none() {
                    arguments.push(format!("+HEAD:{DEFAULT_REVISION}").into());
                }
            },
            line,
        );
        tokio::select! {
            fetched = fetching => fetched?,
            () = most.outgrown_by(&self.mirror) => return Err(most.of_repository()),
        };
        if most.is_outgrown_by(&self.mirror) { Err(most.of_repository()) } else { Ok(()) }
    }

    /// Refuses a commit that would take too much room.
    async fn measure(&self, commit: &str) -> Result<(), NoSources> {
        let arguments = ["ls-tree", "-r", "-t", "-l", "--full-tree", commit].map(OsString::from);
        let enough = CancellationToken::new();
        let mut count = Count::up_to(self.mirrors.most);
        let mut found = None;
        let mut line = |line: &str| {
            if found.is_none() {
                found = count.add(line);
            }
            if found.is_some() {
                enough.cancel();
            }
        };
        let listing = self.listed(&self.mirror, |all| all.extend(arguments), &mut line, Output::Logged);
        let listed = tokio::select! {
            listed = listing => Some(listed),
            () = enough.cancelled() => None,
        };
        match (found, listed) {
            (Some(too_large), _) => Err(NoSources::TooLarge(too_large)),
            (None, Some(listed)) => {
                let listed = listed?;
                if listed.is_success() {
                    return Ok(());
                }
                let what = "Cannot measure the sources".to_owned();
                Err(NoSources::Git { what, said: listed.errors.trim().to_owned() })
            }
            (None, None) => Ok(()),
        }
    }

    /// The commit that is wanted: a branch, else a tag, else a commit.
    async fn resolve(&self, line: &mut (dyn FnMut(&str) + Send)) -> Result<String, NoSources> {
        let address = self.wanted.address;
        let Some(reference) = self.wanted.reference else {
            return self.commit_of(DEFAULT_REVISION, line).await?.ok_or_else(|| {
                NoSources::refused(format!(
                    "{address} has no default branch: name a branch, a tag or a commit"
                ))
            });
        };
        let name = reference.as_str();
        let mut candidates = vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")];
        if name.starts_with("refs/") {
            candidates.push(name.to_owned());
        }
        if reference.is_commit_like() {
            candidates.push(name.to_owned());
        }
        for candidate in &candidates {
            if let Some(commit) = self.commit_of(candidate, line).await? {
                return Ok(commit);
            }
        }
        if reference.is_full_commit() {
            // A commit that no branch or tag leads to; not every server gives those out.
            let fetched = self
                .run(
                    &self.mirror,
                    |arguments| {
                        arguments.extend(
                            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--"]
                                .map(OsString::from),
                        );
                        arguments.extend([address.as_str(), name].map(OsString::from));
                    },
                    line,
                )
                .await?;
            if fetched.is_success()
                && let Some(commit) = self.commit_of(name, line).await?
            {
                return Ok(commit);
            }
        }
        Err(NoSources::refused(format!("{address} has no branch, tag or commit `{name}`")))
    }

    async fn commit_of(
        &self,
        name: &str,
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Option<String>, NoSources> {
        let found = self
            .run(
                &self.mirror,
                |arguments| {
                    arguments
                        .extend(["rev-parse", "--quiet", "--verify", "--end-of-options"].map(OsString::from));
                    arguments.push(format!("{name}^{{commit}}").into());
                },
                line,
            )
            .await?;
        let commit = String::from_utf8_lossy(&found.output).trim().to_owned();
        Ok(found.is_success().then_some(commit).filter(|commit| !commit.is_empty()))
    }

    /// Puts one commit into a repository of its own, which shares nothing with the mirror.
    async fn copy(
        &self,
        commit: &str,
        target: &Path,
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), NoSources> {
        let what = "Cannot check out the sources";
        self.checked(
            what,
            target,
            |arguments| {
                arguments.extend(["init", "--quiet", "--template="].map(OsString::from));
            },
            line,
        )
        .await?;
        self.checked(
            what,
            target,
            |arguments| {
                arguments.extend(["fetch", "--quiet", "--depth=1", "--no-tags", "--"].map(OsString::from));
                arguments.push(self.mirror.clone().into());
                arguments.push(commit.into());
            },
            line,
        )
        .await?;
        self.checked(
            what,
            target,
            |arguments| {
                arguments.extend(
                    [
                        "-c",
                        "advice.detachedHead=false",
                        "checkout",
                        "--quiet",
                        "--force",
                        "--detach",
                        commit,
                        "--",
                    ]
                    .map(OsString::from),
                );
            },
            line,
        )
        .await?;
        Ok(())
    }

    async fn checked(
        &self,
        what: &str,
        folder: &Path,
        arguments: impl FnOnce(&mut Vec<OsString>),
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Finished, NoSources> {
        let finished = self.run(folder, arguments, line).await?;
        if finished.is_success() {
            return Ok(finished);
        }
        Err(NoSources::Git { what: what.to_owned(), said: finished.errors.trim().to_owned() })
    }

    async fn run(
        &self,
        folder: &Path,
        arguments: impl FnOnce(&mut Vec<OsString>),
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Finished, NoSources> {
        self.listed(folder, arguments, line, Output::Kept(ANSWER)).await
    }

    async fn listed(
        &self,
        folder: &Path,
        arguments: impl FnOnce(&mut Vec<OsString>),
        line: &mut (dyn FnMut(&str) + Send),
        output: Output,
    ) -> Result<Finished, NoSources> {
        let mut all = vec!["-c".into(), "core.hooksPath=/dev/null".into()];
        arguments(&mut all);
        let program = Program {
            path: &self.mirrors.program,
            arguments: all,
            folder,
            environment: &self.environment(),
            shown: self.shown(),
            input: None,
            timeout: Some(self.mirrors.patience),
            asked_to_end: AskedToEnd::Group,
            output,
        };
        match self.mirrors.processes.run(program, self.stop, line).await {
            Err(NotFinished::TookTooLong(limit)) => Err(NoSources::Git {
                what: format!("Cannot fetch {}", self.wanted.address),
                said: format!("the server did not finish within {}", spoken(limit)),
            }),
            result => Ok(result?),
        }
    }

    /// What git sees of the runner's folders, and of hidden places a local repository may be in.
    fn shown(&self) -> Vec<PathBuf> {
        let mut shown = vec![self.mirrors.folder.clone(), self.wanted.folder.to_owned()];
        shown.extend(self.wanted.ssh.and_then(Ssh::remembered).map(Path::to_owned));
        shown.extend(self.wanted.address.local_path());
        shown
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::of_git();
        environment.set("GIT_CONFIG_GLOBAL", self.mirrors.folder.join("config"));
        environment.set("GIT_TERMINAL_PROMPT", "0");
        environment.set("GIT_ASKPASS", "true");
        environment.set("LC_ALL", "C");
        // A server that says next to nothing for a minute will not say more.
        environment.set("GIT_HTTP_LOW_SPEED_LIMIT", "100");
        environment.set("GIT_HTTP_LOW_SPEED_TIME", "60");
        // The mirror itself is read as a local repository; other local ones are refused by their address.
        let protocols = match self.wanted.address.transport() {
            Transport::Local => Transport::Local.protocol().to_owned(),
            remote => format!("{}:{}", Transport::Local.protocol(), remote.protocol()),
        };
        environment.set("GIT_ALLOW_PROTOCOL", protocols);
        if let Some(ssh) = self.wanted.ssh {
            environment.set("GIT_SSH_COMMAND", ssh.command());
        }
        environment
    }
}

#[cfg(test)]
mod tests;
