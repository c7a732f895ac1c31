//! Blocks that lean on outputs of others follow them (`api-building-blocks.md` §6.3).

use super::model::{Lifecycle, Ordered};
use super::{KIND, order, resolve};
use crate::run::engine;
use crate::run::model::{Behavior, Reason};
use crate::version;
use stoa_base::{Moment, ObjectId};
use stoa_core::{Action, Call, Outcome, Resource, objects, work};
use stoa_db::Tx;

/// Name of the controller that looks at one dependant.
pub const CONTROLLER: &str = "dependant";
const MOST: i64 = 100_000;

/// Asks for a look at every child of a block.
pub fn wake(tx: &mut Tx, call: &Call, parent: ObjectId) -> Outcome<()> {
    for child in objects::referrers(tx, parent, Some("parent"), MOST)? {
        work::schedule(tx, CONTROLLER, &child.id.to_string(), call.now)?;
    }
    Ok(())
}

/// Resolves a child anew and starts what follows from it.
pub fn look(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Ok(id) = key.parse() else { return Ok(None) };
    let Some(object) = objects::by_id_for_update(tx, KIND, id)? else { return Ok(None) };
    let mut ordered = Ordered::read(object)?;
    if ordered.status.lifecycle != Lifecycle::Active || ordered.object.deleted_at.is_some() {
        return Ok(None);
    }
    let Some((_, version)) = version::by_id(tx, ordered.block.version)? else { return Ok(None) };
    let mut block = ordered.block.clone();
    let workspace = ordered.workspace().to_owned();
    let missing = resolve::resolve(tx, (id, &workspace), &mut block, &version)?;
    let changed = block.inputs != ordered.block.inputs;
    let waited = ordered.status.status.is_waiting();
    let completed = waited && missing.is_none();
    if !changed && !completed {
        return Ok(None);
    }
    ordered.block = block;
    if let Some(missing) = missing {
        engine::park(tx, call, &mut ordered, &missing)?;
    } else {
        let reason = if waited { Reason::ParentSucceeded } else { Reason::DependencyChanged };
        engine::start(tx, call, &mut ordered, &version, (Behavior::Apply, reason), None)?;
    }
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &ordered.scope())?;
    order::write(tx, call, allowed, &mut ordered, "Building Block Changed")?;
    Ok(None)
}
