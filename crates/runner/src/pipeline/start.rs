//! Starting a pipeline: written down before, never twice, and looked for when nobody knows whether it happened.

use std::time::Duration;

use stoa_client::runs::{KnownSource, Registration};
use tokio::time::Instant;

use super::pace::Pace;
use super::{External, Found, Pipeline, Stage, Start, Trouble};
use crate::failure::{Failure, spoken};
use crate::stop::StopReason;
use crate::work::{Done, Work};

/// Starts a pipeline that reports by itself.
pub(crate) async fn hand_over<P: Pipeline>(work: &Work<'_>, pipeline: &P) -> Result<Done, Failure> {
    started(work, pipeline, After::HandOver).await?;
    work.progress.hand_on();
    Ok(Done::handed_over())
}

/// What comes after the start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing: the pipeline reports by itself.
    HandOver,
    /// The runner follows it, and so has to know which it is.
    Follow,
}

/// Starts the pipeline, or finds out what an earlier attempt to start it brought.
pub(super) async fn started<P: Pipeline>(
    work: &Work<'_>,
    pipeline: &P,
    after: After,
) -> Result<Option<External>, Failure> {
    work.progress.begin(P::WORDS.trigger.0);
    let external = match &work.left_at {
        Some(stage @ Stage::Started { external, .. }) => {
            work.note(stage)?;
            work.progress.log(&format!("Going on with {}", named(external)));
            Some(external.clone())
        }
        Some(stage @ Stage::Intended { newest }) => {
            work.note(stage)?;
            work.progress
                .log("The runner stopped while it started the pipeline; looking for what it started");
            let search = Search { newest: *newest, start: Start::InDoubt, after };
            search.result(work, pipeline).await?
        }
        Some(Stage::Ahead) | None => {
            // Others that start the same pipeline wait, until it is known which one is ours.
            let _turn = work.unless_stopped(work.runner.turns.take(&pipeline.place())).await?;
            anew(work, pipeline, after).await?
        }
    };
    if let Some(external) = &external {
        if !matches!(work.left_at, Some(Stage::Started { .. })) {
            work.note(&Stage::started(external.clone()))?;
            work.progress.log(&format!("Started {}", named(external)));
        }
        let registration = Registration::new(&work.runner.config.runner_uuid, [P::WORDS.trigger])
            .with_external(external.id.to_string(), external.url.clone());
        if let Err(error) = work.api.register_source(&registration).await {
            tracing::debug!(run.uuid = work.claimed.uuid, %error, "the address of a pipeline was not taken");
        }
    }
    Ok(external)
}

fn named(external: &External) -> String {
    format!("run {} {}", external.id, external.url).trim_end().to_owned()
}

async fn anew<P: Pipeline>(work: &Work<'_>, pipeline: &P, after: After) -> Result<Option<External>, Failure> {
    let config = &work.runner.config;
    let mut attempts = Attempts {
        pace: Pace::new(config.pipeline_poll_interval),
        unreached_until: Instant::now() + config.pipeline_find_timeout,
        limited_until: Instant::now() + config.pipeline_timeout,
    };
    work.progress.log(&format!("Starting {}", pipeline.place()));
    loop {
        work.note(&Stage::Ahead)?;
        let before = match work.unless_stopped(pipeline.before()).await? {
            Ok(before) => before,
            Err(trouble) => {
                attempts.again::<P>(work, trouble).await?;
                continue;
            }
        };
        if let Some(ours) = before.ours {
            work.progress.log("An earlier attempt of this run has started it already");
            return Ok(Some(ours));
        }
        let newest = before.newest;
        if let Some(reason) = work.stop.said() {
            return Err(Failure::Stopped(reason));
        }
        work.note(&Stage::Intended { newest })?;
        let search = |start| Search { newest, start, after };
        // An abort waits for the answer: what was started has to be stopped.
        let answer = tokio::select! {
            answer = pipeline.start() => answer,
            () = shut_down(work) => return Err(Failure::Stopped(StopReason::ShuttingDown)),
        };
        match answer {
            Ok(Some(external)) => return Ok(Some(external)),
            Ok(None) => return search(Start::Confirmed).result(work, pipeline).await,
            Err(Trouble::Unclear(why)) => {
                work.progress.log(&format!("Whether it started is not known: {why}"));
                return search(Start::InDoubt).result(work, pipeline).await;
            }
            Err(trouble) => {
                // Certainly nothing was started.
                work.note(&Stage::Ahead)?;
                attempts.again::<P>(work, trouble).await?;
            }
        }
    }
}

async fn shut_down(work: &Work<'_>) {
    if work.stop.heard().await != StopReason::ShuttingDown {
        std::future::pending::<()>().await;
    }
}

/// How long starting is tried.
struct Attempts {
    pace: Pace,
    unreached_until: Instant,
    limited_until: Instant,
}

impl Attempts {
    /// Waits before another attempt, or fails: nothing was started.
    async fn again<P: Pipeline>(&mut self, work: &Work<'_>, trouble: Trouble) -> Result<(), Failure> {
        let (pause, end) = match &trouble {
            Trouble::Refused { .. } | Trouble::Unusable(_) => return Err(not_started::<P>(work, &trouble)),
            Trouble::Limited(wait) => (*wait, self.limited_until),
            Trouble::Unreached(_) | Trouble::Unclear(_) => (self.pace.after_error(), self.unreached_until),
        };
        if pause > end.saturating_duration_since(Instant::now()) {
            return Err(not_started::<P>(work, &trouble));
        }
        work.progress.log(&format!("Not yet started: {trouble}. Trying again in {}", spoken(pause)));
        work.pause(pause).await
    }
}

/// Consumers are told little, operators all (`runner-protocol.md` §13.1).
fn not_started<P: Pipeline>(work: &Work<'_>, trouble: &Trouble) -> Failure {
    work.progress.log(&format!("Not started: {trouble}"));
    Failure::step(format!("The {} could not be started", P::WORDS.one))
}

/// The search for what was started.
struct Search {
    newest: u64,
    start: Start,
    after: After,
}

impl Search {
    async fn result<P: Pipeline>(&self, work: &Work<'_>, pipeline: &P) -> Result<Option<External>, Failure> {
        if self.start == Start::Confirmed && self.after == After::HandOver {
            return Ok(None);
        }
        let limit = work.runner.config.pipeline_find_timeout;
        let end = Instant::now() + limit;
        let mut pace = Pace::new(work.runner.config.pipeline_poll_interval);
        let mut several = 0;
        loop {
            let mut pause = None;
            match work.unless_stopped(pipeline.find(self.newest, self.start)).await? {
                Ok(Found::One(external)) => return Ok(Some(external)),
                Ok(Found::Several(number)) => several = number,
                Ok(Found::Nothing) => several = 0,
                Err(Trouble::Limited(wait)) => pause = Some(wait),
                Err(trouble) => {
                    work.progress.log(&format!("Looking for it: {trouble}"));
                    pause = Some(pace.after_error());
                }
            }
            if self.start == Start::InDoubt
                && let Some(source) = work.unless_stopped(reporter(work)).await?
            {
                let id = source.external_run_id.as_deref().and_then(|id| id.parse().ok());
                let reports = format!("It was started: it reports as `{}`", source.id);
                match (id, self.after) {
                    (Some(id), _) if id > self.newest => {
                        work.progress.log(&reports);
                        let url = source.external_run_url.unwrap_or_default();
                        return Ok(Some(External { id, url }));
                    }
                    (None, After::HandOver) => {
                        work.progress.log(&reports);
                        return Ok(None);
                    }
                    // It belongs to an earlier attempt, or does not say which it is.
                    (Some(_) | None, _) => {}
                }
            }
            let pause = pause.unwrap_or_else(|| pace.after_answer());
            if Instant::now() >= end {
                return Err(self.not_found::<P>(work, (&pipeline.place(), limit), several));
            }
            work.pause_until(pause, end).await?;
        }
    }

    fn not_found<P: Pipeline>(
        &self,
        work: &Work<'_>,
        (place, limit): (&str, Duration),
        several: usize,
    ) -> Failure {
        let (one, limit) = (P::WORDS.one, spoken(limit));
        if several > 1 {
            work.progress.log(&format!("{several} runs of {place} could be the one that was started"));
        } else {
            work.progress
                .log(&format!("No run of {place} that can be told to be ours appeared within {limit}"));
        }
        Failure::step(match self.start {
            Start::Confirmed => format!("The {one} was started, but which of its runs it is cannot be told"),
            Start::InDoubt => format!(
                "It is not known whether the {one} was started, so it was not started a second time. Please let its \
                 operators look before you start the run again"
            ),
        })
    }
}

/// Whoever else reports about this run: the pipeline, if it got as far.
async fn reporter(work: &Work<'_>) -> Option<KnownSource> {
    match work.api.sources().await {
        Ok(sources) => sources.into_iter().find(|source| source.id != work.runner.config.runner_uuid),
        Err(error) => {
            tracing::debug!(run.uuid = work.claimed.uuid, %error, "the sources of a run cannot be read");
            None
        }
    }
}
