//! Taking blocks down: by a destroying run, or by leaving their resources alone
//! (`api-building-blocks.md` §6.6).

use super::model::{BlockState, Lifecycle, Ordered};
use super::{KIND, locked, save_status};
use crate::run::engine;
use crate::run::model::{Behavior, Reason};
use crate::run::store;
use crate::state;
use crate::version::{self, wire::DeletionMode};
use http::StatusCode;
use stoa_base::Refusal;
use stoa_core::objects::{self, Told};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_tenancy::tenant;
use stoa_web::{Reply, Request};

fn conflict(message: String) -> stoa_core::Error {
    Refusal::Conflict { code: "BuildingBlockConflict", message, remarks: Vec::new() }.into()
}

fn refuse_with_children(tx: &mut Tx, ordered: &Ordered) -> Outcome<()> {
    let children = objects::referrers(tx, ordered.object.id, Some("parent"), 5)?;
    if children.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = children.iter().map(|child| child.id.to_string()).collect();
    Err(conflict(format!("Other blocks depend on this one: {}. Delete them first.", names.join(", "))))
}

fn mark(call: &Call, ordered: &mut Ordered) {
    ordered.status.lifecycle = Lifecycle::MarkedForDeletion;
    ordered.status.marked_for_deletion.get_or_insert((call.now.to_string(), call.actor.author()));
}

/// `DELETE`.
pub fn delete(tx: &mut Tx, call: &Call, allowed: Allowed, mut ordered: Ordered) -> Outcome<()> {
    if ordered.status.lifecycle == Lifecycle::Deleted {
        return Ok(());
    }
    refuse_with_children(tx, &ordered)?;
    let state = ordered.status.status;
    let open = !state.is_final() && !state.is_waiting();
    if open && ordered.status.lifecycle == Lifecycle::MarkedForDeletion {
        return Ok(()); // the destroying run is under way
    }
    if open {
        return Err(conflict(format!(
            "A block that is {} cannot be deleted; wait until its run is over.",
            state.word()
        )));
    }
    let (_, version) = version::by_id(tx, ordered.block.version)?
        .ok_or(stoa_core::Fault::Corrupt { what: "version of a block" })?;
    mark(call, &mut ordered);
    let executed = store::was_executed(tx, ordered.object.id)?;
    if version.deletion_mode == DeletionMode::Purge {
        ordered.status.force_purge = true;
    }
    if version.deletion_mode == DeletionMode::Purge || !executed {
        engine::abandon(tx, call, ordered.object.id, "The block was deleted.")?;
        return complete_by(tx, call, allowed, &mut ordered);
    }
    let why = (Behavior::Destroy, Reason::Deletion);
    let run = engine::start(tx, call, &mut ordered, &version, why, None)?;
    save_status(tx, call, &mut ordered, Some(run))
}

/// `DELETE …/purge`: resources are left alone, in any state.
pub fn purge(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let allowed =
        call.may(Resource::BuildingBlock, Action::Delete, &Scope::installation()).map_err(|_| {
            let needed = "you don't have sufficient permissions: purging needs ADM_BUILDINGBLOCK_DELETE";
            stoa_core::Error::from(Refusal::Forbidden(needed.into()))
        })?;
    let uuid = request.param(0);
    let object = objects::by_uuid_text(tx, KIND, uuid)?.ok_or_else(|| Refusal::missing(KIND, uuid))?;
    let ordered = locked(tx, &object)?;
    if ordered.status.lifecycle != Lifecycle::Deleted {
        refuse_with_children(tx, &ordered)?;
        leave_alone(tx, call, allowed, ordered)?;
    }
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// Deletes a block and leaves what it made alone.
pub fn leave_alone(tx: &mut Tx, call: &Call, allowed: Allowed, mut ordered: Ordered) -> Outcome<()> {
    mark(call, &mut ordered);
    ordered.status.force_purge = true;
    engine::abandon(tx, call, ordered.object.id, "The block was purged.")?;
    if matches!(ordered.status.status, BlockState::Pending | BlockState::InProgress) {
        ordered.status.status = BlockState::Aborted;
    }
    complete_by(tx, call, allowed, &mut ordered)
}

/// The end of a deletion that a run carried out.
pub fn complete(tx: &mut Tx, call: &Call, ordered: &mut Ordered) -> Outcome<()> {
    let system = call.as_system();
    let allowed = system.may(Resource::BuildingBlock, Action::Delete, &ordered.scope())?;
    complete_by(tx, call, allowed, ordered)
}

fn complete_by(tx: &mut Tx, call: &Call, allowed: Allowed, ordered: &mut Ordered) -> Outcome<()> {
    ordered.status.lifecycle = Lifecycle::Deleted;
    ordered.status.waiting = None;
    let run = ordered.status.latest_run;
    save_status(tx, call, ordered, run)?;
    state::archive(tx, call, ordered.object.id)?;
    if let Some(on) = &ordered.block.tenant {
        tenant::withdraw_sign_in(tx, call, on.uuid, ordered.object.id)?;
    }
    let operator = ordered.block.operator.clone();
    let told =
        Told::new("Building Block Deleted", format!("Building block '{}'.", ordered.block.display_name))
            .to_managers(&[&operator]);
    objects::bury(tx, call, allowed, &mut ordered.object, told)
}
