//! What is known of a run so far, and the reports that bring it to the server while it happens.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stoa_client::runs::{Output, RunApi, Status, StatusUpdate, StepUpdate};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::log::{Log, shortened};
use crate::redact::Redactor;
use crate::stop::{Stop, StopReason};

/// The most a consumer is told by one step.
const USER_MESSAGE: usize = 8 * 1024;

/// The steps of a run, in order. One of them is the current one.
pub(crate) struct Progress {
    state: Mutex<State>,
    news: Notify,
}

struct State {
    steps: Vec<Step>,
    current: usize,
    redactor: Redactor,
}

struct Step {
    id: Cow<'static, str>,
    display_name: Cow<'static, str>,
    status: Status,
    user_message: Option<String>,
    log: Log,
    outputs: BTreeMap<String, Output>,
    is_news: bool,
}

impl Step {
    fn update(&self) -> StepUpdate {
        StepUpdate {
            id: self.id.clone().into_owned(),
            display_name: Some(self.display_name.clone().into_owned()),
            status: Some(self.status),
            user_message: self.user_message.clone(),
            system_message: (!self.log.is_empty()).then(|| self.log.text()),
            outputs: self.outputs.clone(),
        }
    }

    fn end(&mut self, status: Status) {
        self.status = status;
        self.is_news = true;
    }

    /// Whether readers would see no difference.
    fn looks_like(&self, other: &Self) -> bool {
        self.status == other.status
            && self.display_name == other.display_name
            && self.user_message == other.user_message
            && self.log.text() == other.log.text()
    }

    fn has_ended(&self) -> bool {
        matches!(self.status, Status::Succeeded | Status::Failed | Status::Aborted)
    }
}

/// A step that somebody else takes, such as a job of a pipeline, as it is now.
pub(crate) struct OutsideStep {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) status: Status,
    /// What the consumer is told about it.
    pub(crate) user_message: Option<String>,
    /// Its technical log, line by line.
    pub(crate) log: Vec<String>,
}

impl Progress {
    /// All steps wait.
    pub(crate) fn new(steps: &[(&'static str, &'static str)]) -> Self {
        let step = |&(id, display_name): &(&'static str, &'static str)| Step {
            id: id.into(),
            display_name: display_name.into(),
            status: Status::Pending,
            user_message: None,
            log: Log::default(),
            outputs: BTreeMap::new(),
            is_news: true,
        };
        let state =
            State { steps: steps.iter().map(step).collect(), current: 0, redactor: Redactor::default() };
        Self { state: Mutex::new(state), news: Notify::new() }
    }

    /// These values never show up in a message or log line.
    pub(crate) fn keep_secret<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        self.state().redactor.learn(secrets);
    }

    /// The step with this id begins; those before it that went on have succeeded. An id that is not among the steps
    /// changes nothing: asynchronous runs show all their work as one step.
    pub(crate) fn begin(&self, id: &str) {
        self.change(|state| {
            let Some(position) = state.steps.iter().position(|step| step.id == id) else { return };
            for step in &mut state.steps[..position] {
                if step.status == Status::InProgress {
                    step.end(Status::Succeeded);
                }
            }
            state.current = position;
            if let Some(step) = state.steps.get_mut(position) {
                step.end(Status::InProgress);
            }
        });
    }

    /// The current step is done; what follows is the work of others.
    pub(crate) fn hand_on(&self) {
        self.change(|state| {
            if let Some(step) = state.current() {
                step.end(Status::Succeeded);
            }
        });
    }

    /// Shows the steps of somebody else as they are now, behind those of this run. What did not change is no news.
    pub(crate) fn show(&self, steps: Vec<OutsideStep>) {
        self.change(|state| {
            for step in steps {
                let mut log = Log::default();
                for line in &step.log {
                    log.add(&state.redactor.clean(line));
                }
                let message =
                    step.user_message.map(|text| shortened(&state.redactor.clean(&text), USER_MESSAGE));
                let shown = Step {
                    display_name: state.redactor.clean(&step.display_name).into(),
                    id: step.id.into(),
                    status: step.status,
                    user_message: message,
                    log,
                    outputs: BTreeMap::new(),
                    is_news: true,
                };
                match state.steps.iter_mut().find(|known| known.id == shown.id) {
                    Some(known) if known.looks_like(&shown) => {}
                    Some(known) => *known = shown,
                    None => state.steps.push(shown),
                }
            }
        });
    }

    /// The first step begins.
    pub(crate) fn begin_first(&self) {
        self.change(|state| {
            if let Some(step) = state.current().filter(|step| step.status == Status::Pending) {
                step.end(Status::InProgress);
            }
        });
    }

    /// Adds a line to the technical log of the current step.
    pub(crate) fn log(&self, line: &str) {
        self.change(|state| {
            let line = state.redactor.clean(line);
            if let Some(step) = state.current() {
                step.log.add(&line);
                step.is_news = true;
            }
        });
    }

    /// Tells the consumer something about the current step.
    pub(crate) fn tell_user(&self, message: &str) {
        self.change(|state| {
            let message = shortened(state.redactor.clean(message).trim(), USER_MESSAGE);
            if let Some(step) = state.current().filter(|_| !message.is_empty()) {
                step.user_message = Some(message);
                step.is_news = true;
            }
        });
    }

    /// The outputs of the run, on its last step.
    pub(crate) fn give_outputs(&self, outputs: BTreeMap<String, Output>) {
        self.change(|state| {
            if let Some(step) = state.steps.last_mut() {
                step.outputs = outputs;
                step.is_news = true;
            }
        });
    }

    /// Everything is done.
    pub(crate) fn succeed(&self) {
        self.change(|state| {
            for step in state.steps.iter_mut().filter(|step| step.status == Status::InProgress) {
                step.end(Status::Succeeded);
            }
        });
    }

    /// The current step waits for somebody outside.
    pub(crate) fn wait(&self) {
        self.change(|state| {
            if let Some(step) = state.current() {
                step.end(Status::Pending);
            }
        });
    }

    /// The current step did not come to its end, nor did those after it that have not ended yet. The reason is for the
    /// consumer.
    pub(crate) fn give_up(&self, status: Status, reason: &str) {
        self.tell_user(reason);
        self.change(|state| {
            let current = state.current;
            let Some(name) = state.current().map(|step| step.display_name.clone()) else { return };
            for (position, step) in state.steps.iter_mut().enumerate().skip(current) {
                if position > current && step.has_ended() {
                    continue;
                }
                if position > current && step.status == Status::Pending {
                    step.log.add(&format!("Not executed, because the step \"{name}\" did not succeed"));
                }
                step.end(status);
            }
        });
    }

    /// A report with every step as it is now.
    pub(crate) fn snapshot(&self) -> StatusUpdate {
        let steps = self.state().steps.iter().map(Step::update).collect();
        StatusUpdate { steps, ..StatusUpdate::default() }
    }

    /// The report for the case that this runner suddenly is no more.
    pub(crate) fn interrupted(&self) -> StatusUpdate {
        let mut report = self.snapshot();
        let current = self.state().current;
        report.status = Some(Status::Failed);
        report.summary = Some("The runner stopped while it worked on this run".to_owned());
        for (position, step) in report.steps.iter_mut().enumerate() {
            // What was logged is at the server already, as far as it got.
            step.system_message = None;
            if position >= current {
                step.status = Some(Status::Failed);
            }
            if position == current {
                let message = "The runner stopped while it worked on this step. Please start the run again";
                step.user_message = Some(message.to_owned());
            }
        }
        report
    }

    /// The steps with news since the last time this was asked.
    fn take_news(&self) -> Vec<StepUpdate> {
        let mut state = self.state();
        let news = state
            .steps
            .iter_mut()
            .filter_map(|step| std::mem::take(&mut step.is_news).then(|| step.update()));
        news.collect()
    }

    /// The news did not arrive.
    fn put_back(&self, news: &[StepUpdate]) {
        let mut state = self.state();
        for step in state.steps.iter_mut().filter(|step| news.iter().any(|update| update.id == step.id)) {
            step.is_news = true;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.news.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn current(&mut self) -> Option<&mut Step> {
        self.steps.get_mut(self.current)
    }
}

/// How reports are paced.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Shortest pause after a report.
    pub(crate) push: Duration,
    /// Longest silence.
    pub(crate) heartbeat: Duration,
}

/// Bytes of news that are worth one push interval: a long log is sent whole each time, so it is sent less often.
const BYTES_PER_PUSH: usize = 64 * 1024;
/// How often in a row the server may say that the run is not ours before we believe it.
const REFUSALS: u32 = 3;
/// How long the last report that is on its way may take when the run is over.
const LAST_PUSH: Duration = Duration::from_secs(10);

/// Reports news as they happen, and a sign of life when there are none, until `over`. Says stop when the server says
/// that the run was aborted or is no longer ours.
pub(crate) async fn push(
    progress: &Progress,
    run: &RunApi,
    source_id: &str,
    pace: Pace,
    stop: &Stop,
    over: &CancellationToken,
) {
    let mut refusals = 0;
    let mut last_sign = Instant::now();
    while !over.is_cancelled() {
        tokio::select! {
            () = progress.news.notified() => {}
            () = sleep(pace.heartbeat.saturating_sub(last_sign.elapsed())) => {}
            () = over.cancelled() => return,
        }
        let news = progress.take_news();
        if news.is_empty() && last_sign.elapsed() < pace.heartbeat {
            continue;
        }
        let update =
            StatusUpdate { status: Some(Status::InProgress), steps: news, ..StatusUpdate::default() };
        let sending = run.patch_status(source_id, &update);
        tokio::pin!(sending);
        let sent = tokio::select! {
            sent = &mut sending => Some(sent),
            () = over.cancelled() => timeout(LAST_PUSH, sending).await.ok(),
        };
        last_sign = Instant::now();
        let mut pause = pace.push;
        match sent {
            Some(Ok(is_aborted)) => {
                refusals = 0;
                if is_aborted {
                    stop.say(StopReason::Aborted);
                    return;
                }
                pause *= 1 + u32::try_from(size(&update) / BYTES_PER_PUSH).unwrap_or(60);
            }
            Some(Err(error)) => {
                progress.put_back(&update.steps);
                progress.news.notify_one();
                refusals = if error.is_temporary() { 0 } else { refusals + 1 };
                tracing::warn!(%error, "progress of a run was not taken");
                if refusals >= REFUSALS && matches!(error.status(), Some(401 | 403 | 404 | 410)) {
                    stop.say(StopReason::Lost);
                    return;
                }
                pause = pause.max(Duration::from_secs(1));
            }
            None => return,
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = over.cancelled() => return,
        }
    }
}

fn size(update: &StatusUpdate) -> usize {
    update.steps.iter().map(|step| step.system_message.as_ref().map_or(0, String::len)).sum()
}

#[cfg(test)]
mod tests {
    use stoa_client::runs::Status;

    use super::Progress;

    const STEPS: &[(&str, &str)] = &[("a", "First"), ("b", "Second"), ("c", "Third")];

    fn statuses(progress: &Progress) -> Vec<Status> {
        progress.snapshot().steps.iter().filter_map(|step| step.status).collect()
    }

    #[test]
    fn steps_follow_each_other() {
        let progress = Progress::new(STEPS);
        progress.begin("a");
        progress.begin("b");
        assert_eq!(statuses(&progress), [Status::Succeeded, Status::InProgress, Status::Pending]);
        progress.begin("c");
        progress.succeed();
        assert_eq!(statuses(&progress), [Status::Succeeded; 3]);
    }

    #[test]
    fn a_failure_takes_the_later_steps_with_it() {
        let progress = Progress::new(STEPS);
        progress.begin("a");
        progress.begin("b");
        progress.log("working");
        progress.give_up(Status::Failed, "no luck");
        assert_eq!(statuses(&progress), [Status::Succeeded, Status::Failed, Status::Failed]);
        let report = progress.snapshot();
        assert_eq!(report.steps[1].user_message.as_deref(), Some("no luck"));
        assert_eq!(report.steps[1].system_message.as_deref(), Some("working\n"));
        assert_eq!(report.steps[2].user_message, None);
        let why = report.steps[2].system_message.as_deref();
        assert_eq!(why, Some("Not executed, because the step \"Second\" did not succeed\n"));
    }

    #[test]
    fn only_news_is_sent_and_nothing_is_lost() {
        let progress = Progress::new(STEPS);
        assert_eq!(progress.take_news().len(), 3);
        progress.begin("b");
        progress.log("x");
        let news = progress.take_news();
        assert_eq!(news.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["b"]);
        progress.put_back(&news);
        assert_eq!(progress.take_news().len(), 1);
        assert!(progress.take_news().is_empty());
    }

    #[test]
    fn secrets_leave_neither_as_log_nor_as_message() {
        let progress = Progress::new(STEPS);
        progress.keep_secret(["hunter2"]);
        progress.begin("a");
        progress.log("password=hunter2");
        progress.give_up(Status::Failed, "hunter2 is wrong");
        let text = serde_json::to_string(&progress.snapshot()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
