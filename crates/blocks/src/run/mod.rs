//! meshBuildingBlockRun: one execution of a block, from the queue to its end (`runner-protocol.md`).

pub mod claim;
pub mod deadline;
mod deliver;
mod digest;
pub mod engine;
pub mod logs;
pub mod manual;
pub mod model;
pub mod outputs;
pub mod payload;
pub mod queue;
pub mod report;
mod routes;
pub mod store;
mod stream;

pub use routes::{routes, schemas};
pub use store::forget_block;

use crate::block;
use stoa_base::{Moment, RunId};
use stoa_core::{Call, Outcome, labels, objects};
use stoa_db::Tx;
use stoa_identity::authenticate::Standing;
use stoa_web::finding::Hit;

/// The run with this uuid, for whoever sees its block.
pub fn found(tx: &mut Tx, call: &Call, uuid: &str) -> Outcome<Option<Hit>> {
    let Ok(id) = uuid.parse() else { return Ok(None) };
    let Some(run) = store::by_id(tx, id)? else { return Ok(None) };
    if logs::view(tx, call, &run.scope(), run.definition)?.is_none() {
        return Ok(None);
    }
    let block = objects::by_id(tx, block::KIND, run.block)?;
    Ok(Some(Hit {
        kind: KIND.into(),
        uuid: run.id.to_string(),
        name: block.as_ref().map(labels::name).unwrap_or_default(),
        identifier: run.number.to_string(),
        workspace: Some(run.workspace),
        project: labels::project_of(tx, run.block)?,
        part_of: Some(run.block.to_string()),
    }))
}

/// The kind's name.
pub const KIND: &str = "meshBuildingBlockRun";

/// Whether tokens of a run still count (`runner-protocol.md` §2.4).
pub fn standing(tx: &mut Tx, id: RunId, now: Moment) -> Outcome<Standing> {
    let Some(ended_at) = store::ended_at(tx, id)? else { return Ok(Standing::Over) };
    Ok(match ended_at {
        None => Standing::Active,
        Some(end) if now.since(end) <= report::LATE => Standing::Late,
        Some(_) => Standing::Over,
    })
}
