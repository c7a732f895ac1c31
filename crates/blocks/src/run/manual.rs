//! Manual runs of the shared runner: nothing to execute, so inputs become outputs at once
//! (`runner-protocol.md` §13.4).

use super::model::{Behavior, RunEvent};
use super::store::{self, Reported, Source};
use super::{claim, engine, payload};
use crate::block;
use crate::block::model::{Ordered, Row};
use crate::secret;
use crate::version;
use serde_json::Value;
use stoa_base::{Moment, RunId};
use stoa_core::{Call, Outcome, objects};
use stoa_db::Tx;

/// Name of the controller.
pub const CONTROLLER: &str = "manual-run";
const SOURCE: &str = "stoa";
const STEP: &str = "manual";

/// Reports an input as the output of the same key; of a secret only that it is there.
pub fn echo(tx: &mut Tx, run: RunId, key: &str, row: &Row) -> Outcome<()> {
    let sensitive = secret::is_stored(&row.value);
    let value = if sensitive { Value::Null } else { row.value.clone() };
    let io_type = row.value_type.derived_output().word().to_owned();
    store::put_output(tx, run, key, &Reported { value, io_type, sensitive })
}

/// Completes a queued manual run.
pub fn look(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Ok(id) = key.parse() else { return Ok(None) };
    let Some(run) = store::by_id(tx, id)? else { return Ok(None) };
    // The block first, as whoever changes it does.
    let Some(object) = objects::by_id_for_update(tx, block::KIND, run.block)? else { return Ok(None) };
    let Some(mut run) = store::by_id_for_update(tx, id)? else { return Ok(None) };
    let active = store::open_of(tx, run.block)?.iter().any(|other| other.state.is_claimed());
    if run.state.is_final() || run.state.is_claimed() || active {
        return Ok(None); // the end of the active run wakes us again
    }
    let mut ordered = Ordered::read(object)?;
    let Some((_, version)) = version::by_id(tx, run.version)? else {
        engine::reject(tx, call, &mut run, "The version of this run does not exist any more.")?;
        return Ok(None);
    };
    let of = (ordered.block.display_name.clone(), ordered.block.clone());
    let Ok(spec) = payload::spec(tx, &run, (&of.0, &of.1), &version, None)? else { return Ok(None) };
    store::claim(tx, &mut run, call.now, (None, Some("stoa"), None), &spec.to_string())?;
    claim::hold(tx, call, &run, &mut ordered)?;

    let source = Source { id: SOURCE.into(), epoch: run.epoch, external_id: None, external_url: None };
    store::put_source(tx, run.id, &source)?;
    let mut step = store::new_step(SOURCE, STEP, 0);
    step.display_name = "Manual Block Run".into();
    step.reach("SUCCEEDED", call.now);
    store::put_steps(tx, run.id, &[&step])?;
    if run.behavior == Behavior::Apply.word() {
        for (key, row) in &ordered.block.inputs {
            echo(tx, run.id, key, row)?;
        }
    }
    run.reported_at = Some(call.now);
    engine::finish(tx, call, &mut run, RunEvent::Succeed)?;
    Ok(None)
}
