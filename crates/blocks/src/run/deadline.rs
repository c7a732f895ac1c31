//! Every run ends: silence, lost claims and unanswered aborts have deadlines (`runner-protocol.md` §9, §3.3).

use super::model::{Run, RunEvent};
use super::{engine, store};
use crate::block;
use crate::block::model::{BlockState, Ordered, Waiting};
use serde_json::json;
use std::time::Duration;
use stoa_base::Moment;
use stoa_core::feed::Deed;
use stoa_core::{Call, Outcome, objects};
use stoa_db::Tx;

/// Name of the controller.
pub const CONTROLLER: &str = "run-deadline";
/// A claim without any report is taken for lost after this.
const LOST_CLAIM: Duration = Duration::from_mins(10);
/// A run that was asked to stop and says nothing is stopped after this.
const ABORT_PATIENCE: Duration = Duration::from_mins(1);
/// No run is offered again earlier than this after its claim.
const OFFER_AGAIN: Duration = Duration::from_mins(5);

/// When a claimed run has to be looked at.
pub fn of(call: &Call, run: &Run) -> Moment {
    let silence = run.last_sign() + call.world.settings.run_inactivity;
    let mut due = silence;
    if run.reported_at.is_none() {
        due = due.min(run.last_sign() + LOST_CLAIM.min(call.world.settings.run_inactivity));
    }
    due = due.max(run.claimed_at.unwrap_or(run.created_at) + OFFER_AGAIN);
    // A stop that nobody answers does not wait for the others.
    run.abort_requested_at.map_or(due, |asked| due.min(asked.max(run.last_sign()) + ABORT_PATIENCE))
}

/// Tells on the block when this run is looked at next.
pub fn refresh(tx: &mut Tx, call: &Call, run: &Run) -> Outcome<()> {
    let Some(object) = objects::by_id_for_update(tx, block::KIND, run.block)? else { return Ok(()) };
    let mut ordered = Ordered::read(object)?;
    if !ordered.shows(run) && !ordered.previews(run) {
        return Ok(());
    }
    let waiting = engine::executing(call, run);
    ordered.status.waiting = Some(waiting.going_on(ordered.status.waiting.as_ref()));
    block::save_status(tx, call, &mut ordered, Some(run.id))
}

/// Looks at a run; tells when to look again.
pub fn look(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Ok(id) = key.parse() else { return Ok(None) };
    let Some(mut run) = store::by_id_for_update(tx, id)? else { return Ok(None) };
    if !run.state.is_claimed() {
        return Ok(None);
    }
    let due = of(call, &run);
    if due > call.now {
        refresh(tx, call, &run)?;
        return Ok(Some(due));
    }
    if run.abort_requested_at.is_some() {
        engine::finish(tx, call, &mut run, RunEvent::Abort)?;
        return Ok(None);
    }
    let superseded = store::open_of(tx, run.block)?.iter().any(|other| other.number > run.number);
    let block = objects::by_id_for_update(tx, block::KIND, run.block)?.map(Ordered::read).transpose()?;
    let parked = block.as_ref().is_some_and(|block| block.status.status.lacks_input());
    let silence = call.now.since(run.last_sign()).as_secs() / 60;
    if superseded || parked {
        let instead =
            if superseded { "a newer run is waiting" } else { "inputs are missing for another attempt" };
        run.summary = Some(format!("The runner said nothing for {silence} minutes and {instead}."));
        run.abort_requested_at = Some(call.now);
        engine::finish(tx, call, &mut run, RunEvent::Fail)?;
        return Ok(None);
    }
    let Some(state) = run.state.after(RunEvent::Requeue) else { return Ok(None) };
    run.state = state;
    run.summary = Some(format!(
        "The runner said nothing for {silence} minutes after claim {}; the run is offered again.",
        run.attempts
    ));
    store::save(tx, &run)?;
    engine::tell_of(tx, call, &run, Deed::Queued, json!({ "status": state.shown() }))?;
    if let Some(mut ordered) = block.filter(|block| block.shows(&run) || block.previews(&run)) {
        if ordered.shows(&run) {
            ordered.status.status = BlockState::Pending;
        }
        ordered.status.waiting = Some(Waiting {
            reason: "RUN_OFFERED_AGAIN".into(),
            blocker: format!("run {}", run.id),
            who: format!("runner {}", run.runner),
            since: call.now.to_string(),
            next_look: None,
        });
        block::save_status(tx, call, &mut ordered, Some(run.id))?;
    }
    Ok(None)
}
