//! The runner at work: it asks for runs, works on several at once, and stops in an orderly way.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use stoa_client::Client;
use stoa_client::runs::{ClaimedRun, RunnerApi, Status, StatusUpdate};
use stoa_seal::PrivateKey;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::RunnerError;
use crate::config::Config;
use crate::folder::{private_folder, wipe};
use crate::git::{Mirrors, Most};
use crate::isolation::Confinement;
use crate::journal::{Due, Journal};
use crate::pipeline::Turns;
use crate::process::Processes;
use crate::stop::{Stop, StopReason};
use crate::tofu::{Tools, remind};
use crate::wake::listen;
use crate::work::Runner;

/// Pauses after questions for work that went wrong: from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Pause between two attempts to send reports that nobody took.
const RESEND: Duration = Duration::from_secs(2);
/// How long a question for work that is under way may take when the runner stops: its answer may be a run.
const LAST_CLAIM: Duration = Duration::from_secs(5);
/// How long the last words may take on top of what the processes get.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// Works on runs until `shutdown`. Then it claims nothing more, lets its runs go on for the grace period, stops the
/// rest, reports them, and returns. Only one runner works in one folder.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), RunnerError> {
    hide_from_runs();
    let slots = config.parallel.max(1);
    let _lock = lock(&config.work_dir)?;
    let runner = Arc::new(start(config)?);
    tracing::info!(runner.uuid = runner.config.runner_uuid, slots, "runner started");

    let wake = Notify::new();
    let all_said = CancellationToken::new();
    let working = async {
        let mut service = Service {
            runner: Arc::clone(&runner),
            free: (0..slots).rev().collect(),
            runs: JoinSet::new(),
            left: runner.journal.unfinished().into(),
            at_work: BTreeMap::new(),
            stop: Stop::new(),
        };
        service.serve(&wake, &shutdown).await;
        service.wind_down().await;
        all_said.cancel();
    };
    let resending = resend(&runner, &all_said);
    let listening = listen(&runner.api, &runner.config.runner_uuid, &wake, &shutdown);
    tokio::join!(working, resending, listening);
    tracing::info!(runner.uuid = runner.config.runner_uuid, "runner stopped");
    Ok(())
}

/// Keeps processes of runs, which belong to the same user, from reading this process's memory and environment.
fn hide_from_runs() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "processes of runs may be able to look into the runner");
    }
}

/// Keeps everybody else out of the folder as long as it is held.
fn lock(work_dir: &Path) -> Result<File, RunnerError> {
    let unusable = |path: &Path, source| RunnerError::File { path: path.to_owned(), source };
    if !work_dir.is_dir() {
        if let Some(parent) = work_dir.parent() {
            std::fs::create_dir_all(parent).map_err(|source| unusable(parent, source))?;
        }
        private_folder(work_dir).map_err(|source| unusable(work_dir, source))?;
    }
    let path = work_dir.join("lock");
    let file =
        File::options().create(true).append(true).open(&path).map_err(|source| unusable(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(RunnerError::WorkDirInUse(work_dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(unusable(&path, source)),
    }
}

fn start(mut config: Config) -> Result<Runner, RunnerError> {
    let is_uuid = !config.runner_uuid.is_empty()
        && config.runner_uuid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_uuid {
        return Err(RunnerError::BadConfig(
            "`runner_uuid` must be the uuid of a registered runner".to_owned(),
        ));
    }
    let private_key = PrivateKey::from_pem(&config.private_key_pem)?;
    let unusable = |path: PathBuf| move |source| RunnerError::File { path, source };
    config.work_dir = config.work_dir.canonicalize().map_err(unusable(config.work_dir.clone()))?;

    let runs = config.work_dir.join("runs");
    // Whatever an earlier process left behind, and whatever still works in there.
    for left in std::fs::read_dir(&runs).into_iter().flatten().flatten() {
        wipe(&left.path());
    }
    for folder in [runs, config.work_dir.join("plugins")] {
        if !folder.is_dir() {
            private_folder(&folder).map_err(unusable(folder))?;
        }
    }

    remind(&config.work_dir);

    let node = format!("{}-{}", config.runner_uuid, host());
    let client = Client::new(&config.base_url, config.credential.clone())?.with_headers(&[
        ("x-block-runner-node-id", &node),
        ("x-meshcloud-runner-name", "stoa-runner"),
        ("x-meshcloud-runner-version", env!("CARGO_PKG_VERSION")),
    ])?;
    let confinement = Confinement::of(&config)?;
    let processes = Processes::new(&config.limits, config.kill_grace).confined(confinement);
    let git = config.work_dir.join("git");
    let journal = Journal::open(config.work_dir.join("reports"))?;
    Ok(Runner {
        private_key,
        api: RunnerApi::new(client),
        due: Due::new(journal.unsent()),
        journal,
        mirrors: Mirrors::open(
            git.clone(),
            processes.clone(),
            config.fetch_timeout,
            Most::of(&config.limits),
        )
        .map_err(unusable(git))?,
        tools: Tools::new(&config.binaries),
        processes,
        turns: Turns::default(),
        config,
    })
}

/// This machine's name, of characters that may stand in a header.
fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).take(60).collect()
}

struct Service {
    runner: Arc<Runner>,
    /// Numbers of free places; each place has its own plug-in cache, and low numbers are used first.
    free: Vec<usize>,
    runs: JoinSet<usize>,
    /// What an earlier process left and can be gone on with; it goes before new runs.
    left: VecDeque<ClaimedRun>,
    /// The word to stop for each run at work, and whether it has ended.
    at_work: BTreeMap<String, (Stop, CancellationToken)>,
    stop: Stop,
}

impl Service {
    /// Claims and starts runs until told to stop.
    async fn serve(&mut self, wake: &Notify, shutdown: &CancellationToken) {
        let mut pause = FIRST_PAUSE;
        let mut is_silent = false;
        while !shutdown.is_cancelled() {
            let Some(&slot) = self.free.last() else {
                tokio::select! {
                    ended = self.runs.join_next() => self.freed(ended),
                    () = shutdown.cancelled() => return,
                }
                continue;
            };
            if let Some(claimed) = self.left.pop_front() {
                tracing::info!(run.uuid = claimed.uuid, slot, "going on with a run");
                self.free.pop();
                self.take_back(&claimed).await;
                self.start(claimed, slot);
                continue;
            }
            let runner = Arc::clone(&self.runner);
            // A run that was offered again meanwhile leaves the queue with its report, and is not done twice.
            if shutdown.run_until_cancelled(Box::pin(runner.send_due())).await.is_none() {
                return;
            }
            let claim = runner.api.claim(&runner.config.runner_uuid);
            tokio::pin!(claim);
            let claimed = tokio::select! {
                claimed = &mut claim => claimed,
                () = shutdown.cancelled() => match timeout(LAST_CLAIM, claim).await {
                    Ok(claimed) => claimed,
                    Err(_) => return,
                },
            };
            let rest = match claimed {
                Ok(Some(claimed)) => {
                    tracing::info!(run.uuid = claimed.uuid, slot, "run claimed");
                    self.free.pop();
                    self.start(claimed, slot);
                    (pause, is_silent) = (FIRST_PAUSE, false);
                    continue;
                }
                Ok(None) => {
                    (pause, is_silent) = (FIRST_PAUSE, false);
                    self.runner.config.poll_interval
                }
                Err(error) => {
                    if !is_silent {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "asking for work failed, and will be tried again"
                        );
                    }
                    is_silent = true;
                    // However loud the feed is: not at once.
                    sleep(FIRST_PAUSE).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            tokio::select! {
                () = wake.notified() => {}
                () = sleep(rest) => {}
                ended = self.runs.join_next(), if !self.runs.is_empty() => self.freed(ended),
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Says that the run goes on, before anything is claimed: it may have been offered again meanwhile.
    async fn take_back(&self, claimed: &ClaimedRun) {
        let api = self.runner.api.run(&claimed.uuid, &claimed.token);
        let goes_on = StatusUpdate { status: Some(Status::InProgress), ..StatusUpdate::default() };
        let told = api.patch_status(&self.runner.config.runner_uuid, &goes_on);
        match timeout(LAST_CLAIM, told).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(run.uuid = claimed.uuid, %error, "a run could not be taken back yet");
            }
            Err(_) => tracing::warn!(run.uuid = claimed.uuid, "a run could not be taken back in time"),
        }
    }

    fn start(&mut self, claimed: ClaimedRun, slot: usize) {
        let cache = self.plugin_cache(slot);
        let (runner, stop) = (Arc::clone(&self.runner), self.stop.clone());
        // Each run can be stopped alone, and all of them when the runner stops.
        let (own, ended) = (Stop::new(), CancellationToken::new());
        self.at_work.retain(|_, (_, ended)| !ended.is_cancelled());
        let before = self.at_work.insert(claimed.uuid.clone(), (own.clone(), ended.clone()));
        let done = ended.drop_guard();
        self.runs.spawn(async move {
            let _done = done;
            let run_uuid = claimed.uuid.clone();
            if let Some((earlier, ended)) = before {
                earlier.say(StopReason::ClaimedAgain);
                ended.cancelled().await;
            }
            let work = Arc::clone(&runner).work_on(claimed, cache, own.clone());
            let work = AssertUnwindSafe(work).catch_unwind();
            tokio::pin!(work);
            let ended = tokio::select! {
                ended = &mut work => ended,
                reason = stop.heard() => {
                    own.say(reason);
                    work.await
                }
            };
            if ended.is_err() {
                tracing::error!(run.uuid = run_uuid, "work on a run broke off");
                // What was kept for this case is now the last word.
                runner.due.add(&run_uuid);
            }
            slot
        });
    }

    fn freed(&mut self, ended: Option<Result<usize, JoinError>>) {
        if let Some(Ok(slot)) = ended {
            self.free.push(slot);
            self.free.sort_unstable_by(|a, b| b.cmp(a));
        }
    }

    fn plugin_cache(&self, slot: usize) -> PathBuf {
        let folder = self.runner.config.work_dir.join("plugins").join(slot.to_string());
        if !folder.is_dir()
            && let Err(error) = private_folder(&folder)
        {
            tracing::error!(folder = %folder.display(), %error, "the provider cache cannot be used");
        }
        folder
    }

    /// Lets runs end by themselves for a while, then ends them.
    async fn wind_down(&mut self) {
        let config = &self.runner.config;
        let (grace, rest) = (config.shutdown_grace, config.kill_grace + LAST_WORDS);
        if self.runs.is_empty() {
            return;
        }
        tracing::info!(runs = self.runs.len(), "waiting for runs to end");
        if timeout(grace, self.all_ended()).await.is_err() {
            self.stop.say(StopReason::ShuttingDown);
            if timeout(rest, self.all_ended()).await.is_err() {
                tracing::error!(
                    runs = self.runs.len(),
                    "runs did not end in time; they are reported at the next start"
                );
            }
        }
    }

    async fn all_ended(&mut self) {
        while self.runs.join_next().await.is_some() {}
    }
}

/// Sends what was left by an earlier process, and what nobody took, again and again.
async fn resend(runner: &Runner, until: &CancellationToken) {
    loop {
        let attempt = async {
            runner.send_due().await;
            sleep(RESEND).await;
        };
        // What was under way is still on disk.
        if until.run_until_cancelled(attempt).await.is_none() {
            return;
        }
    }
}
