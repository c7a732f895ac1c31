//! Starting and ending runs, and what that means for their block (`api-building-blocks.md` §6).

use super::model::{Behavior, Reason, Run, RunEvent, RunState};
use super::{KIND, deadline, deliver, outputs, store};
use crate::block::dependants;
use crate::block::model::{BlockState, Lifecycle, Ordered, Waiting};
use crate::block::resolve::Missing;
use crate::version::implementation;
use crate::version::wire::Version;
use crate::{block, runner, version};
use serde_json::{Value, json};
use stoa_base::{ObjectId, RunId};
use stoa_core::feed::{self, Deed, Entry};
use stoa_core::objects;
use stoa_core::secrets::shown;
use stoa_core::{Call, Outcome, work};
use stoa_db::Tx;

/// Queues a run of a block and moves the block to `PENDING`; a dry run leaves it where it is, and an order that is
/// looked at first waits for approval. A run still queued is superseded.
pub fn start(
    tx: &mut Tx,
    call: &Call,
    ordered: &mut Ordered,
    version: &Version,
    (behavior, reason): (Behavior, Reason),
    plan_of: Option<RunId>,
) -> Outcome<RunId> {
    let id = RunId::new();
    let open = store::open_of(tx, ordered.object.id)?;
    for mut older in open.iter().filter(|run| run.state == RunState::Queued).cloned() {
        older.summary = Some("Superseded by a newer run before a runner took it.".into());
        older.abort_requested_at = Some(call.now); // whoever had it before the queue is told to stop
        close(tx, call, &mut older, RunEvent::Fail)?;
    }
    // Two different runners are told of when the run is claimed (`api-building-blocks.md` §3.5.6).
    let runner_id = version::effective_runner(tx, version)?.unwrap_or(version.runner);
    let runner_owner = objects::by_id(tx, runner::KIND, runner_id)?
        .map_or_else(String::new, |runner| runner.owner().to_owned());
    let kind = version.implementation_type();
    let in_runs = implementation::shape(kind).map_or("", |shape| shape.in_runs);
    let run = store::NewRun {
        id,
        of: (ordered.object.id, ordered.block.definition, ordered.block.version, runner_id),
        implementation: (in_runs, implementation::hands_over(&version.implementation)),
        workspaces: (ordered.workspace(), &ordered.block.operator, &runner_owner),
        behavior: behavior.word(),
        reason: reason.word(),
        author: &call.actor.author_object(),
        plan_of,
    };
    store::insert(tx, &run, call.now)?;
    tell(tx, call, id, ordered, &runner_owner, Deed::Queued, Some(runner_id), Value::Null)?;
    let earlier = open.iter().find(|run| run.state.is_claimed());
    if behavior == Behavior::Detect {
        ordered.status.latest_dry_run = Some(id);
        if ordered.status.is_preview {
            ordered.status.status = BlockState::WaitingForApproval;
            ordered.status.waiting = Some(queued(call, (id, runner_id), earlier));
        }
    } else {
        ordered.status.is_preview = false;
        ordered.status.latest_run = Some(id);
        ordered.status.latest_dry_run = None;
        ordered.status.status = BlockState::Pending;
        ordered.status.waiting = Some(queued(call, (id, runner_id), earlier));
    }
    if in_runs == "MANUAL" && runner_id.to_string() == runner::SHARED {
        work::schedule(tx, super::manual::CONTROLLER, &id.to_string(), call.now)?;
    }
    Ok(id)
}

/// Lets a block wait for inputs. A run still queued would lack them; one that is being executed goes on.
pub fn park(tx: &mut Tx, call: &Call, ordered: &mut Ordered, missing: &Missing) -> Outcome<()> {
    let open = store::open_of(tx, ordered.object.id)?;
    for mut queued in open.into_iter().filter(|run| run.state == RunState::Queued) {
        queued.summary = Some(format!("These inputs are missing now: {}.", missing.keys.join(", ")));
        queued.abort_requested_at = Some(call.now);
        close(tx, call, &mut queued, RunEvent::Fail)?;
    }
    ordered.status.status = missing.state;
    ordered.status.waiting = Some(missing.waiting(call, &ordered.block.operator));
    Ok(())
}

/// The reason of a queued run: its runner, or an earlier run of the block that has to end first
/// (`runner-protocol.md` §3.3).
fn queued(call: &Call, (run, runner): (RunId, ObjectId), earlier: Option<&Run>) -> Waiting {
    let Some(earlier) = earlier else {
        return Waiting::new(call.now, "RUN_QUEUED", format!("run {run}"), format!("runner {runner}"));
    };
    let next_look = Some(deadline::of(call, earlier).to_string());
    let who = executing(call, earlier).who;
    Waiting { next_look, ..Waiting::new(call.now, "EARLIER_RUN_OPEN", format!("run {}", earlier.id), who) }
}

/// Why a run that is not over stands still. Dry runs have this word only: their block goes on as it is.
pub fn waits(tx: &mut Tx, call: &Call, run: &Run) -> Outcome<Option<Waiting>> {
    if run.state.is_final() {
        return Ok(None);
    }
    let mut waiting = if run.state.is_claimed() {
        executing(call, run)
    } else {
        let open = store::open_of(tx, run.block)?;
        let earlier = open.iter().find(|other| other.id != run.id && other.state.is_claimed());
        let mut waiting = queued(call, (run.id, run.runner), earlier);
        if run.attempts > 0 && earlier.is_none() {
            waiting.reason = "RUN_OFFERED_AGAIN".into();
        }
        waiting
    };
    waiting.since = run.claimed_at.unwrap_or(run.created_at).to_string();
    Ok(Some(waiting))
}

/// The reason of a block whose run is being executed.
pub fn executing(call: &Call, run: &Run) -> Waiting {
    // After the hand-over only the pipeline can move the run, whatever it says of itself.
    let waiting = run.state == RunState::Waiting || (run.hands_over && run.reported_at.is_some());
    let (reason, who) = if run.abort_requested_at.is_some() {
        ("ABORT_REQUESTED", format!("runner {}, or Stoa when that stays silent", run.runner))
    } else if waiting && run.implementation == "MANUAL" {
        ("OPERATOR_ACTION", format!("the operators in workspace {}", run.owner))
    } else if waiting {
        ("EXTERNAL_SYSTEM", "the external pipeline".to_owned())
    } else {
        ("RUN_IN_PROGRESS", format!("runner {}", run.runner))
    };
    Waiting {
        reason: reason.into(),
        blocker: format!("run {}", run.id),
        who,
        since: call.now.to_string(),
        next_look: Some(deadline::of(call, run).to_string()),
    }
}

/// Writes an entry about a run to the feed.
#[expect(clippy::too_many_arguments, reason = "each is a column of the entry")]
fn tell(
    tx: &mut Tx,
    call: &Call,
    run: RunId,
    ordered: &Ordered,
    runner_owner: &str,
    deed: Deed,
    runner: Option<ObjectId>,
    content: Value,
) -> Outcome<()> {
    let managers = [ordered.block.operator.as_str(), runner_owner];
    feed::record(
        tx,
        call,
        Entry {
            managers: &managers,
            run: Some(run),
            runner,
            content: shown(&content),
            ..Entry::plain(KIND, ObjectId(run.0), Some(ordered.workspace()), deed)
        },
    )
}

/// Writes an entry about a report on a run.
pub fn tell_of(tx: &mut Tx, call: &Call, run: &Run, deed: Deed, content: Value) -> Outcome<()> {
    let managers = [run.owner.as_str(), run.runner_owner.as_str()];
    let runner = (deed == Deed::Queued).then_some(run.runner);
    feed::record(
        tx,
        call,
        Entry {
            managers: &managers,
            run: Some(run.id),
            runner,
            content: shown(&content),
            ..Entry::plain(KIND, ObjectId(run.id.0), Some(&run.workspace), deed)
        },
    )
}

/// Ends a run without touching its block.
fn close(tx: &mut Tx, call: &Call, run: &mut Run, event: RunEvent) -> Outcome<()> {
    let Some(state) = run.state.after(event) else { return Ok(()) };
    run.state = state;
    run.ended_at = Some(call.now);
    store::save(tx, run)?;
    work::cancel(tx, deadline::CONTROLLER, &run.id.to_string())?;
    tell_of(tx, call, run, Deed::Reported, json!({ "status": state.shown() }))
}

/// Ends a run and carries the result to its block, its dependants and the block's next run.
pub fn finish(tx: &mut Tx, call: &Call, run: &mut Run, event: RunEvent) -> Outcome<()> {
    if run.state.is_final() {
        return Ok(());
    }
    let Some(object) = objects::by_id_for_update(tx, block::KIND, run.block)? else {
        return close(tx, call, run, event);
    };
    let mut ordered = Ordered::read(object)?;
    let mut event = event;
    let mut delivered = None;
    if event == RunEvent::Succeed && run.behavior == "APPLY" {
        let (_, version) =
            version::by_id(tx, run.version)?.ok_or(stoa_core::Fault::Corrupt { what: "version of a run" })?;
        match outputs::validated(tx, run, &version)? {
            Ok(outputs) => match deliver::to_tenant(tx, call, &ordered, &outputs)? {
                None => delivered = Some(outputs),
                Some(problem) => {
                    run.summary = Some(problem);
                    event = RunEvent::Fail;
                }
            },
            Err(problem) => {
                run.summary = Some(problem);
                event = RunEvent::Fail;
            }
        }
    }
    close(tx, call, run, event)?;
    let newer_waits =
        store::open_of(tx, run.block)?.into_iter().find(|other| other.state == RunState::Queued);
    let was = ordered.status.clone();
    let current = ordered.shows(run);
    if run.behavior != "DETECT" && current {
        ordered.status.status = match run.state {
            RunState::Succeeded => BlockState::Succeeded,
            RunState::Aborted => BlockState::Aborted,
            _ => BlockState::Failed,
        };
        ordered.status.waiting = None;
    } else if ordered.previews(run) {
        ordered.status.waiting = Some(block::preview::waiting(call, run, &ordered));
    }
    if let Some(outputs) = delivered {
        ordered.status.outputs = outputs;
    }
    if run.behavior == "DESTROY" && run.state == RunState::Succeeded {
        block::deletion::complete(tx, call, &mut ordered)?;
    } else {
        block::save_status(tx, call, &mut ordered, Some(run.id))?;
        if ordered.status.outputs != was.outputs || run.state == RunState::Succeeded {
            dependants::wake(tx, call, run.block)?;
        }
        if ordered.status.lifecycle == Lifecycle::MarkedForDeletion && ordered.status.force_purge {
            block::deletion::complete(tx, call, &mut ordered)?;
        }
    }
    if let Some(next) = newer_waits {
        // The slot of the block is free: whoever waits for the newer run may take it now.
        if let Some(object) = objects::by_id_for_update(tx, block::KIND, run.block)? {
            let mut ordered = Ordered::read(object)?;
            if ordered.shows(&next) || ordered.previews(&next) {
                ordered.status.waiting = Some(queued(call, (next.id, next.runner), None));
                block::save_status(tx, call, &mut ordered, Some(next.id))?;
            }
        }
        tell_of(tx, call, &next, Deed::Queued, Value::Null)?;
        if next.implementation == "MANUAL" && next.runner.to_string() == runner::SHARED {
            work::schedule(tx, super::manual::CONTROLLER, &next.id.to_string(), call.now)?;
        }
    }
    Ok(())
}

/// Stops everything that still runs for a block, because the block goes away.
pub fn abandon(tx: &mut Tx, call: &Call, block: ObjectId, why: &str) -> Outcome<()> {
    for mut run in store::open_of(tx, block)? {
        run.summary = Some(why.to_owned());
        close(tx, call, &mut run, RunEvent::Abort)?;
    }
    Ok(())
}

/// A run that cannot be executed at all ends at once, with the reason for its operator.
pub fn reject(tx: &mut Tx, call: &Call, run: &mut Run, why: &str) -> Outcome<()> {
    run.summary = Some(why.to_owned());
    finish(tx, call, run, RunEvent::Fail)
}
