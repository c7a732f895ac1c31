//! Following a pipeline to its end.

use tokio::time::Instant;

use super::pace::Pace;
use super::start::{After, started};
use super::{End, External, Followed, Found, Stage, Start, Trouble};
use crate::failure::{Failure, spoken};
use crate::stop::StopReason;
use crate::work::{Done, Work};

/// How often in a row the system may refuse to show the pipeline before it is given up.
const REFUSALS: u32 = 5;
/// How often stopping a pipeline is tried.
const CANCELS: u32 = 3;

/// Starts a pipeline and follows it to its end.
pub(crate) async fn follow<P: Followed>(work: &Work<'_>, pipeline: &P) -> Result<Done, Failure> {
    let external = match started(work, pipeline, After::Follow).await {
        Ok(Some(external)) => external,
        Ok(None) => return Err(Failure::step(format!("The {} cannot be followed", P::WORDS.one))),
        Err(failure) => {
            if let Failure::Stopped(StopReason::Aborted | StopReason::TimedOut(_)) = &failure {
                cancel_unknown(work, pipeline).await;
            }
            return Err(failure);
        }
    };
    // Somebody may have lost patience while it started.
    if let Some(reason) = work.stop.said() {
        return Err(stopped(work, pipeline, &external, reason).await);
    }
    work.progress.hand_on();
    let ended = to_the_end(work, pipeline, &external).await;
    match ended {
        Err(Failure::Stopped(reason)) => Err(stopped(work, pipeline, &external, reason).await),
        ended => ended,
    }
}

async fn to_the_end<P: Followed>(
    work: &Work<'_>,
    pipeline: &P,
    external: &External,
) -> Result<Done, Failure> {
    let config = &work.runner.config;
    let limit = config.pipeline_timeout;
    let age = work.left_at.as_ref().map(Stage::age).unwrap_or_default();
    let end = Instant::now() + limit.saturating_sub(age);
    let mut pace = Pace::new(config.pipeline_poll_interval);
    let mut refusals = 0;
    loop {
        let pause = match work.unless_stopped(pipeline.look(external)).await? {
            Ok(view) => {
                refusals = 0;
                work.progress.show(view.steps);
                match view.end {
                    None => pace.after_answer(),
                    Some(End::Good) => return Ok(Done::succeeded()),
                    Some(End::Bad(said)) => {
                        work.progress.log(&format!("It ended: {said}"));
                        return Err(Failure::step(format!("The {} ended with `{said}`", P::WORDS.one)));
                    }
                }
            }
            Err(Trouble::Limited(wait)) => wait,
            Err(trouble @ (Trouble::Unreached(_) | Trouble::Unclear(_))) => {
                tracing::debug!(run.uuid = work.claimed.uuid, %trouble, "a pipeline cannot be read at the moment");
                pace.after_error()
            }
            Err(trouble @ (Trouble::Refused { .. } | Trouble::Unusable(_))) => {
                refusals += 1;
                if refusals >= REFUSALS {
                    work.progress.log(&format!("Looking at it: {trouble}"));
                    let what = P::WORDS.one;
                    return Err(Failure::step(format!(
                        "The {what} was started, but how it goes on cannot be read any more"
                    )));
                }
                pace.after_error()
            }
        };
        if !work.pause_until(pause, end).await? {
            work.progress.log(&format!("It took longer than {}", spoken(limit)));
            cancel(work, pipeline, external).await;
            let what = P::WORDS.one;
            return Err(Failure::step(format!(
                "The {what} took longer than {} and was stopped",
                spoken(limit)
            )));
        }
    }
}

/// Stops the pipeline where the run is over; it goes on where only the runner is.
async fn stopped<P: Followed>(
    work: &Work<'_>,
    pipeline: &P,
    external: &External,
    reason: StopReason,
) -> Failure {
    match reason {
        StopReason::Aborted | StopReason::TimedOut(_) => cancel(work, pipeline, external).await,
        StopReason::ShuttingDown | StopReason::Lost | StopReason::ClaimedAgain => {}
    }
    Failure::Stopped(reason)
}

async fn cancel<P: Followed>(work: &Work<'_>, pipeline: &P, external: &External) {
    let mut pace = Pace::new(work.runner.config.pipeline_poll_interval);
    for _ in 0..CANCELS {
        let trouble = match pipeline.cancel(external).await {
            Ok(()) => {
                work.progress.log(&format!("Asked the system to stop run {}", external.id));
                return;
            }
            Err(trouble) => trouble,
        };
        work.progress.log(&format!("Asking the system to stop run {}: {trouble}", external.id));
        tracing::warn!(run.uuid = work.claimed.uuid, "a pipeline could not be stopped");
        if matches!(trouble, Trouble::Refused { .. } | Trouble::Unusable(_)) {
            return;
        }
        tokio::time::sleep(pace.after_error()).await;
    }
}

/// The run was stopped while nobody knew whether its pipeline had been started.
async fn cancel_unknown<P: Followed>(work: &Work<'_>, pipeline: &P) {
    let Some(Stage::Intended { newest }) = work.runner.journal.stage_of(&work.claimed.uuid) else { return };
    match pipeline.find(newest, Start::InDoubt).await {
        Ok(Found::One(external)) => cancel(work, pipeline, &external).await,
        Ok(Found::Several(_) | Found::Nothing) | Err(_) => {
            work.progress.log(&format!("A run of {} may have been started all the same", pipeline.place()));
        }
    }
}
