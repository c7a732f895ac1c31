//! Blocks that lean on outputs of others follow them (`api-building-blocks.md` §6.3).

use super::model::{Block, Lifecycle, Ordered};
use super::target::Target;
use super::{KIND, change, preview, resolve};
use crate::run::engine;
use crate::run::model::Reason;
use crate::version;
use crate::version::wire::Assignment;
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

/// Why a block runs again: what it takes from elsewhere changed (`api-building-blocks.md` §6.3).
fn reason(waited: bool, before: &Block, now: &Block) -> Reason {
    let changed = |wanted: Assignment| {
        let of = |block: &Block| -> Vec<_> {
            let rows = block.inputs.iter().filter(|(_, row)| row.assignment_type == wanted);
            rows.map(|(key, row)| (key.clone(), row.value.clone())).collect()
        };
        of(before) != of(now)
    };
    if changed(Assignment::PlatformTenantId) {
        Reason::TenantIdUpdate
    } else if waited {
        Reason::ParentSucceeded
    } else if changed(Assignment::UserPermissions) {
        if now.tenant.is_some() { Reason::ProjectPermissions } else { Reason::WorkspacePermissions }
    } else {
        Reason::DependencyChanged
    }
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
    let target = Target::of_block(tx, ordered.workspace(), &block)?;
    let missing = resolve::resolve(tx, call, (id, &target), &mut block, &version)?;
    let changed = block.inputs != ordered.block.inputs;
    let waited = ordered.status.status.lacks_input();
    let completed = waited && missing.is_none();
    if !changed && !completed {
        return Ok(None);
    }
    let before = std::mem::replace(&mut ordered.block, block);
    if let Some(missing) = missing {
        engine::park(tx, call, &mut ordered, &missing)?;
    } else {
        let reason = reason(waited, &before, &ordered.block);
        preview::go_on(tx, call, &mut ordered, &version, reason)?;
    }
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &ordered.scope())?;
    change::write(tx, call, allowed, &mut ordered, "Building Block Changed")?;
    Ok(None)
}
