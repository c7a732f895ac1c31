//! Following a building block until it has settled or is gone, also when its runs may not be seen.

use super::Ended;
use super::view::View;
use crate::api::{Api, encoded};
use crate::block::why;
use crate::console::Console;
use crate::failure::Failure;
use crate::kinds;
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use stoa_client::{ClientError, ServerEvent};

/// How long to trust that no news means no change.
const LOOK_ANYWAY: Duration = Duration::from_secs(10);
/// How often to look when the server tells no news.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often moving parts of a drawing move.
const FRAME: Duration = Duration::from_millis(100);

/// What a block is followed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// A final status: success or not.
    Settled,
    /// A plan that somebody has to decide about.
    Planned,
    /// The lifecycle `DELETED`, or nothing left at all. The run with this uuid was there before.
    Deleted {
        /// The latest run before the deletion, not worth watching.
        earlier_run: Option<String>,
    },
}

/// Follows a block to the goal and returns it as it then is; `Null` when nothing is left of it.
pub(crate) async fn block(
    api: &Api,
    console: &mut Console,
    view: &mut View,
    uuid: &str,
    goal: &Goal,
) -> Result<Value, Failure> {
    let mut watched = match goal {
        Goal::Deleted { earlier_run } => earlier_run.clone(),
        Goal::Settled | Goal::Planned => None,
    };
    let mut last_run: Option<(String, Ended)> = None;
    let mut told = String::new();
    let mut changes = Changes::open(api, uuid).await;
    loop {
        let block = api.find(&kinds::BLOCK, uuid).await?.unwrap_or(Value::Null);
        let run = block.pointer(newest(goal)).and_then(Value::as_str).map(str::to_owned);
        let unseen = run.clone().filter(|run| watched.as_ref() != Some(run));
        if let (Some(run), true) = (unseen, is_moving(&block, goal)) {
            view.leave(console)?;
            drop(changes);
            let end = super::run(api, console, view, &run).await?;
            last_run = Some((run.clone(), end));
            watched = Some(run);
            changes = Changes::open(api, uuid).await;
            continue;
        }
        if let Some(end) = ended(&block, goal) {
            if last_run.is_none() {
                view.settled(console, &state(&block, goal), &news(uuid, &block))?;
            }
            // The run that went wrong says more than the block does.
            let verdict = last_run.map_or(Ok(()), |(run, end)| end.verdict(&run));
            return match end {
                Ok(()) => Ok(block),
                Err(failure) => Err(verdict.err().unwrap_or(failure)),
            };
        }
        let state = state(&block, goal);
        if state != told && (run.is_none() || watched != run) {
            view.block(console, &state, &news(uuid, &block))?;
        }
        told = state;
        changes.next(console, view, &told).await?;
    }
}

/// How a block is, in one line.
fn state(block: &Value, goal: &Goal) -> String {
    let lifecycle = block.pointer("/status/lifecycle/state").and_then(Value::as_str).unwrap_or("DELETED");
    match (goal, lifecycle) {
        (_, "DELETED") => lifecycle.to_owned(),
        (Goal::Settled | Goal::Planned, _) => why(block),
        (Goal::Deleted { .. }, lifecycle) => format!("{lifecycle}, {}", why(block)),
    }
}

/// How a block is, for programs.
fn news(uuid: &str, block: &Value) -> Value {
    json!({ "uuid": uuid, "status": block["status"] })
}

/// Where a block names the run that leads to the goal.
fn newest(goal: &Goal) -> &'static str {
    if *goal == Goal::Planned { "/status/latestDryRunUuid" } else { "/status/latestRunUuid" }
}

/// Whether a run of the block is queued or under way. What a plan says is of interest also when it is there already.
fn is_moving(block: &Value, goal: &Goal) -> bool {
    *goal == Goal::Planned
        || matches!(block.pointer("/status/status").and_then(Value::as_str), Some("PENDING" | "IN_PROGRESS"))
}

/// Whether the dry run of an order is over, so that people decide about it.
fn is_undecided(block: &Value) -> bool {
    let reason = block.pointer("/status/waiting/reason").and_then(Value::as_str).unwrap_or_default();
    matches!(reason, "PLAN_UNDECIDED" | "PLAN_MISSING" | "DRY_RUN_FAILED" | "DRY_RUN_IMPOSSIBLE")
}

/// Whether the block has come to an end, and whether to the right one.
fn ended(block: &Value, goal: &Goal) -> Option<Result<(), Failure>> {
    let text = |pointer| block.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let status = text("/status/status");
    let lifecycle = text("/status/lifecycle/state");
    let failure = |what: &str| Some(Err(Failure::Operation(format!("the building block {what}"))));
    match goal {
        Goal::Deleted { .. } if block.is_null() => Some(Ok(())),
        Goal::Deleted { .. } => match (lifecycle, status) {
            ("DELETED", _) => Some(Ok(())),
            _ if block.pointer("/status/forcePurge") == Some(&Value::Bool(true)) => None,
            ("MARKED_FOR_DELETION", "FAILED") => failure("is not deleted: its destroy run failed"),
            ("MARKED_FOR_DELETION", "ABORTED") => failure("is not deleted: its destroy run was aborted"),
            ("ACTIVE", _) => failure("is not being deleted"),
            _ => None,
        },
        Goal::Settled | Goal::Planned if block.is_null() || lifecycle == "DELETED" => failure("is gone"),
        Goal::Planned => match text("/status/waiting/reason") {
            "PLAN_UNDECIDED" => Some(Ok(())),
            _ if is_undecided(block) || block.pointer("/status/isPreview").is_none() => {
                failure(&format!("has no plan to apply: {}", why(block)))
            }
            _ if matches!(status, "WAITING_FOR_USER_INPUT" | "WAITING_FOR_OPERATOR_INPUT") => {
                failure(&format!("waits: {}", why(block)))
            }
            _ => None,
        },
        Goal::Settled => match status {
            "SUCCEEDED" => Some(Ok(())),
            "FAILED" => failure("failed"),
            "ABORTED" => failure("was aborted"),
            "WAITING_FOR_USER_INPUT" | "WAITING_FOR_OPERATOR_INPUT" | "WAITING_FOR_APPROVAL" => {
                failure(&format!("waits: {}", why(block)))
            }
            _ => None,
        },
    }
}

/// News that something about an object may have changed.
struct Changes(Option<Box<dyn Stream<Item = Result<ServerEvent, ClientError>> + Send + Unpin>>);

impl Changes {
    /// Listens for changes of one object, from now on.
    async fn open(api: &Api, uuid: &str) -> Self {
        let path = format!("/api/events?uuid={}", encoded(uuid));
        Self(Some(Box::new(api.client().get_stream(&path, None).await)))
    }

    /// Waits for the next news, or as long as it is fair to wait without any.
    async fn next(&mut self, console: &mut Console, view: &mut View, state: &str) -> Result<(), Failure> {
        let wait = if self.0.is_some() { LOOK_ANYWAY } else { LOOK_AGAIN };
        let patience = tokio::time::sleep(wait);
        tokio::pin!(patience);
        let mut frames = tokio::time::interval(FRAME);
        loop {
            let news = async {
                match &mut self.0 {
                    Some(stream) => stream.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut patience => return Ok(()),
                _ = frames.tick() => view.waiting(console, state)?,
                item = news => {
                    if let Some(Ok(_)) = item {
                        return Ok(());
                    }
                    // Without a feed there is still looking.
                    self.0 = None;
                    patience.as_mut().reset(tokio::time::Instant::now() + LOOK_AGAIN);
                }
            }
        }
    }
}
