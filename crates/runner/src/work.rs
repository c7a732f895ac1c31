//! One claimed run, from the claim to the last word about it.

use std::path::PathBuf;
use std::sync::Arc;

use stoa_client::runs::{ClaimedRun, Registration, Run, RunApi, RunnerApi, Status, StatusUpdate};
use stoa_seal::PrivateKey;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::dispatch;
use crate::failure::{Failure, spoken};
use crate::folder::RunFolder;
use crate::git::Mirrors;
use crate::journal::{Due, Journal, Sent};
use crate::pipeline::{Stage, Turns};
use crate::process::Processes;
use crate::progress::{Pace, Progress, push};
use crate::stop::{Stop, StopReason};
use crate::tofu::Tools;

/// Everything that the runs of one runner share.
pub(crate) struct Runner {
    pub(crate) config: Config,
    pub(crate) private_key: PrivateKey,
    pub(crate) api: RunnerApi,
    pub(crate) journal: Journal,
    /// The runs whose report in the journal is to be sent.
    pub(crate) due: Due,
    pub(crate) mirrors: Mirrors,
    pub(crate) tools: Tools,
    pub(crate) processes: Processes,
    /// Who starts which pipeline.
    pub(crate) turns: Turns,
}

/// What the work on one run needs.
pub(crate) struct Work<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) claimed: &'a ClaimedRun,
    pub(crate) api: &'a RunApi,
    pub(crate) progress: &'a Progress,
    pub(crate) stop: &'a Stop,
    pub(crate) folder: &'a RunFolder,
    /// Where OpenTofu keeps providers. Nobody else uses it at the same time.
    pub(crate) plugin_cache: PathBuf,
    /// How far an earlier process, or an earlier claim, came with this run.
    pub(crate) left_at: Option<Stage>,
}

/// A run that came to its end.
pub(crate) struct Done {
    pub(crate) status: Status,
    pub(crate) artifact: Option<String>,
    pub(crate) changes_detected: Option<bool>,
}

impl Done {
    /// All is done.
    pub(crate) fn succeeded() -> Self {
        Self { status: Status::Succeeded, artifact: None, changes_detected: None }
    }

    /// Our part is done; somebody outside reports the end.
    pub(crate) fn handed_over() -> Self {
        Self { status: Status::InProgress, ..Self::succeeded() }
    }

    /// Somebody outside has to do something first.
    pub(crate) fn waiting() -> Self {
        Self { status: Status::Pending, ..Self::succeeded() }
    }
}

impl Work<'_> {
    /// A step begins. Should this be the last that is heard of the runner, it is known where it stood.
    pub(crate) fn begin(&self, step: &str) {
        self.progress.begin(step);
        self.runner.keep(self.claimed, &self.progress.interrupted());
    }
}

impl Runner {
    /// Works on a run and reports its end. Returns when everything about it is said, or on disk to be said later, or
    /// on disk to be gone on with.
    pub(crate) async fn work_on(self: Arc<Self>, claimed: ClaimedRun, plugin_cache: PathBuf, stop: Stop) {
        let steps = claimed.run.as_ref().map_or_else(|_| dispatch::UNREADABLE.to_vec(), dispatch::steps);
        let progress = Progress::new(&steps);
        progress.keep_secret([claimed.token.as_str()]);
        // Claimed again, it is no longer over, whatever an earlier attempt had to say.
        self.due.remove(&claimed.uuid);
        let left_at = self.journal.stage_of(&claimed.uuid);
        if left_at.is_none() {
            self.keep(&claimed, &progress.interrupted());
        }
        let api = self.api.run(&claimed.uuid, &claimed.token);
        let source_id = &self.config.runner_uuid;
        let registered = api.register_source(&Registration::new(source_id, steps)).await;
        if let Err(error) = registered {
            tracing::warn!(run.uuid = claimed.uuid, %error, "registering the steps of a run failed");
            // Whether a pipeline has to be stopped is told in answer to a report.
            if left_at.is_none() && matches!(error.status(), Some(401 | 403 | 404 | 410)) {
                self.journal.forget(&claimed.uuid);
                return;
            }
        }

        let over = CancellationToken::new();
        let pace = Pace { push: self.config.push_interval, heartbeat: self.config.heartbeat_interval };
        let reporting = push(&progress, &api, source_id, pace, &stop, &over);
        let working = async {
            let timeout = tokio::time::sleep(self.config.run_timeout);
            let work = self.in_own_folder(&claimed, &api, &progress, &stop, (plugin_cache, left_at));
            tokio::pin!(timeout, work);
            let ended = tokio::select! {
                ended = &mut work => ended,
                () = timeout => {
                    stop.say(StopReason::TimedOut(self.config.run_timeout));
                    work.await
                }
            };
            over.cancel();
            ended
        };
        let ((), ended) = tokio::join!(reporting, working);
        self.say_last_word(&claimed, &api, &progress, ended).await;
    }

    async fn in_own_folder(
        &self,
        claimed: &ClaimedRun,
        api: &RunApi,
        progress: &Progress,
        stop: &Stop,
        (plugin_cache, left_at): (PathBuf, Option<Stage>),
    ) -> Result<Done, Failure> {
        progress.begin_first();
        let folder = RunFolder::create(&self.config.work_dir.join("runs"), &claimed.uuid)
            .map_err(Failure::own_folder)?;
        let work =
            Work { runner: self, claimed, api, progress, stop, folder: &folder, plugin_cache, left_at };
        let ended = dispatch::execute(&work).await;
        // Removing a large folder takes a while, and nothing else should wait for it.
        let removed = tokio::task::spawn_blocking(move || drop(folder)).await;
        if let Err(error) = removed {
            tracing::error!(run.uuid = claimed.uuid, %error, "removing a run folder broke off");
        }
        // A run that ended although it was told to stop has ended; one that failed because of it was stopped.
        match (ended, stop.said()) {
            (Err(_), Some(reason)) => Err(Failure::Stopped(reason)),
            (ended, _) => ended,
        }
    }

    async fn say_last_word(
        &self,
        claimed: &ClaimedRun,
        api: &RunApi,
        progress: &Progress,
        ended: Result<Done, Failure>,
    ) {
        let mut report = StatusUpdate::default();
        match ended {
            Ok(done) => {
                match done.status {
                    Status::Pending => progress.wait(),
                    _ => progress.succeed(),
                }
                report.status = Some(done.status);
                report.artifact = done.artifact;
                report.changes_detected = done.changes_detected;
            }
            Err(Failure::Step(message)) => {
                progress.give_up(Status::Failed, &message);
                report.status = Some(Status::Failed);
            }
            Err(Failure::Stopped(StopReason::ClaimedAgain)) => {
                tracing::info!(run.uuid = claimed.uuid, "run claimed again");
                return;
            }
            Err(Failure::Stopped(StopReason::ShuttingDown))
                if self.journal.stage_of(&claimed.uuid).is_some() =>
            {
                tracing::info!(run.uuid = claimed.uuid, "run left for the next start");
                return;
            }
            Err(Failure::Stopped(StopReason::Aborted | StopReason::Lost)) => {
                // The server knows already that the run is over. Its steps are told for the readers of the log, once.
                progress.give_up(Status::Aborted, "The run was aborted");
                self.journal.forget(&claimed.uuid);
                if let Err(error) = api.patch_status(&self.config.runner_uuid, &progress.snapshot()).await {
                    tracing::debug!(run.uuid = claimed.uuid, %error, "the steps of an aborted run were not taken");
                }
                tracing::info!(run.uuid = claimed.uuid, "run aborted");
                return;
            }
            Err(Failure::Stopped(StopReason::TimedOut(limit))) => {
                let message = format!("The run took longer than {} and was stopped", spoken(limit));
                progress.give_up(Status::Failed, &message);
                report.status = Some(Status::Failed);
            }
            Err(Failure::Stopped(StopReason::ShuttingDown)) => {
                let message = "The runner was shut down before the run ended. Please start the run again";
                progress.give_up(Status::Failed, message);
                report.status = Some(Status::Failed);
            }
        }
        report.steps = progress.snapshot().steps;
        tracing::info!(run.uuid = claimed.uuid, run.status = ?report.status, "run ended");
        self.keep(claimed, &report);
        drop(report);
        self.send(&claimed.uuid).await;
    }

    /// Tries to send what is kept about a run. What nobody takes becomes due again.
    async fn send(&self, run_uuid: &str) {
        if self.journal.send(&self.api, run_uuid).await == Sent::Later {
            self.due.add(run_uuid);
        }
    }

    /// Tries to send everything that is due.
    pub(crate) async fn send_due(&self) {
        for run_uuid in self.due.take_all() {
            self.send(&run_uuid).await;
        }
    }

    fn keep(&self, claimed: &ClaimedRun, report: &StatusUpdate) {
        let run = (claimed.uuid.as_str(), claimed.token.as_str());
        if let Err(error) = self.journal.keep(run, &self.config.runner_uuid, report) {
            tracing::error!(run.uuid = claimed.uuid, %error, "a report cannot be written to disk");
        }
    }

    /// The server's address, as processes of this run reach it.
    pub(crate) fn server_url(&self, run: &Run) -> String {
        let own = self.config.base_url.trim_end_matches('/');
        match &run.links.base_url {
            Some(given) if !self.config.prefer_base_url => given.trim_end_matches('/').to_owned(),
            _ => own.to_owned(),
        }
    }

    /// A link of the server, as this runner reaches it.
    pub(crate) fn server_address(&self, run: &Run, href: &str) -> String {
        let given = run.links.base_url.as_deref().map(|given| given.trim_end_matches('/'));
        match given.and_then(|given| href.strip_prefix(given)) {
            Some(path) if path.starts_with('/') => self.server_url(run) + path,
            _ => href.to_owned(),
        }
    }
}
