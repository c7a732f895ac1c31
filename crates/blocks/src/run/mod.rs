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
pub mod report;
mod routes;
pub mod store;
mod stream;

pub use routes::{routes, schemas};
pub use store::forget_block;

use stoa_base::{Moment, RunId};
use stoa_core::Outcome;
use stoa_db::Tx;
use stoa_identity::authenticate::Standing;

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
