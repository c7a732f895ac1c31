//! Changing ordered blocks and starting their runs (`api-building-blocks.md` §5.2, §5.3).

use super::model::{Lifecycle, Ordered};
use super::supply::supply;
use super::target::Target;
use super::wire::{Reference, Spec, Wire};
use super::{
    KIND, VERSION_REF, conflict, draft_of, insufficient, locked, parents, preview, resolve, uuid_of,
};
use crate::definition;
use crate::run::claim::keeper_of;
use crate::run::engine;
use crate::run::model::{Behavior, Reason};
use crate::run::store;
use crate::version;
use crate::version::wire::Version;
use serde_json::json;
use stoa_base::{ObjectId, Refusal};
use stoa_core::objects::{self, Object, Told};
use stoa_core::{Action, Allowed, Call, Outcome, Resource};
use stoa_db::Tx;
use stoa_tenancy::{tenant, workspace};
use stoa_web::Request;

/// The version a request moves to, if it moves.
fn upgrade(tx: &mut Tx, ordered: &Ordered, spec: &Spec) -> Outcome<Option<(ObjectId, Version)>> {
    let uuid = uuid_of(&spec.building_block_definition_version_ref, version::KIND, VERSION_REF)?;
    if uuid == ordered.block.version.to_string() {
        return Ok(None);
    }
    let found = uuid.parse().ok().map(|id| version::by_id(tx, id)).transpose()?.flatten();
    let (object, version) = found.ok_or_else(|| Refusal::invalid(VERSION_REF, "names no version"))?;
    if version.definition != ordered.block.definition {
        return Err(Refusal::invalid(VERSION_REF, "names a version of another definition").into());
    }
    let newest = version::newest_of(tx, version.definition, Some("RELEASED"))?;
    if newest.is_none_or(|(newest, _)| newest.id != object.id) {
        return Err(Refusal::invalid(VERSION_REF, "must name the newest released version").into());
    }
    if !ordered.status.status.is_final() {
        return Err(conflict(format!(
            "A block that is {} cannot be upgraded; {}.",
            ordered.status.status.word(),
            if ordered.is_undecided() {
                "apply its plan first, or discard it and order the newer version"
            } else {
                "wait until its run is over"
            }
        )));
    }
    Ok(Some((object.id, version)))
}

/// Whether a reference names what the block works on.
fn is_target(reference: &Reference, ordered: &Ordered) -> bool {
    let (kind, named, own) = match &ordered.block.tenant {
        None => (workspace::KIND, &reference.name, ordered.workspace().to_owned()),
        Some(on) => (tenant::KIND, &reference.uuid, on.uuid.to_string()),
    };
    reference.kind.as_deref().is_none_or(|given| given == kind) && named.as_deref() == Some(own.as_str())
}

/// Changes a block (§5.2).
pub fn update(tx: &mut Tx, call: &Call, request: &Request, object: Object) -> Outcome<Object> {
    let mut ordered = locked(tx, &object)?;
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &ordered.scope())?;
    let Wire { metadata, spec } = request.body()?;
    if metadata.uuid.as_ref().is_some_and(|uuid| *uuid != ordered.object.id.to_string()) {
        return Err(Refusal::invalid("metadata.uuid", "must be the one in the path").into());
    }
    if !is_target(&spec.target_ref, &ordered) {
        return Err(Refusal::invalid("spec.targetRef", "cannot be changed").into());
    }
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    let moved = upgrade(tx, &ordered, &spec)?;
    let (_, current) = version::by_id(tx, ordered.block.version)?
        .ok_or(stoa_core::Fault::Corrupt { what: "version of a block" })?;
    let version = moved.as_ref().map_or(&current, |(_, version)| version);

    let mut block = ordered.block.clone();
    block.display_name.clone_from(&spec.display_name);
    if let Some((id, version)) = &moved {
        block.version = *id;
        block.version_number = version.number;
    }
    let named =
        parents::named(spec.parent_building_block_refs.as_ref(), spec.parent_building_blocks.as_ref())?;
    let mut before: Vec<String> = block.parents.iter().map(|parent| parent.block.to_string()).collect();
    before.sort();
    let changed_parents = named.filter(|named| *named != before);
    if moved.is_none() && changed_parents.is_some() {
        let problem = "can change only together with the version";
        return Err(Refusal::invalid("spec.parentBuildingBlockRefs", problem).into());
    }
    if moved.is_some() {
        let named = changed_parents.unwrap_or(before);
        let own = Some(ordered.object.id);
        block.parents = parents::checked(tx, version, ordered.workspace(), own, &named)?;
    }
    let keeper = keeper_of(tx, version)?;
    block.supplied = supply(call, version, &keeper, spec.inputs, Some(&ordered.block), allowed.reach())?;
    let target = Target::of_block(tx, ordered.workspace(), &block)?;
    let missing = resolve::resolve(tx, call, (ordered.object.id, &target), &mut block, version)?;
    // A draft that changed behind the block is no change of the block (§3.6), unless the block waited for it.
    let waited = ordered.status.status.lacks_input() && missing.is_none();
    let changed = block.supplied != ordered.block.supplied || waited;
    let renamed = block.display_name != ordered.block.display_name;
    if !changed && !renamed && moved.is_none() {
        return Ok(ordered.object);
    }
    if !changed && moved.is_none() {
        block.inputs.clone_from(&ordered.block.inputs);
    }
    if ordered.status.lifecycle != Lifecycle::Active {
        return Err(conflict("The block is being deleted or gone; it cannot change any more."));
    }
    ordered.block = block;
    if changed || moved.is_some() {
        if let Some(missing) = &missing {
            engine::park(tx, call, &mut ordered, missing)?;
        } else {
            let reason = if moved.is_some() { Reason::Upgrade } else { Reason::InputsUpdate };
            preview::go_on(tx, call, &mut ordered, version, reason)?;
        }
    }
    let title = if moved.is_some() { "Building Block Upgraded" } else { "Building Block Changed" };
    write(tx, call, allowed, &mut ordered, title)?;
    Ok(ordered.object)
}

/// Writes what was changed of a block, document and status.
pub fn write(tx: &mut Tx, call: &Call, allowed: Allowed, ordered: &mut Ordered, title: &str) -> Outcome<()> {
    let target = Target::of_block(tx, ordered.workspace(), &ordered.block)?;
    let home = target.home(tx)?;
    let draft = draft_of(tx, &ordered.block, &ordered.status, (home.id, &target))?;
    let told = Told::new(title, format!("Building block '{}'.", ordered.block.display_name))
        .to_managers(&[&ordered.block.operator]);
    ordered.object = objects::replace(tx, call, allowed, &ordered.object, draft, told)?;
    Ok(())
}

/// `POST …/trigger-run` (§5.3).
pub fn trigger(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<stoa_web::Reply> {
    call.may_at_all(Resource::BuildingBlock, Action::Write)?;
    let uuid = request.param(0);
    let object = objects::by_uuid_text(tx, KIND, uuid)?.ok_or_else(|| Refusal::missing(KIND, uuid))?;
    let mut ordered = locked(tx, &object)?;
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &ordered.scope())?;
    let dry = request.json.as_ref().is_some_and(|body| body.get("dryRun") == Some(&json!(true)));
    let (_, definition) = definition::by_id(tx, ordered.block.definition)?
        .ok_or(stoa_core::Fault::Corrupt { what: "definition of a block" })?;
    // Whoever may order may also say that their order is applied, or look at it once more.
    let undecided = ordered.is_undecided();
    if !allowed.operates() && !definition.run_transparency && !undecided {
        return Err(insufficient("runs of this definition are started by its operator"));
    }
    let (_, version) = version::by_id(tx, ordered.block.version)?
        .ok_or(stoa_core::Fault::Corrupt { what: "version of a block" })?;
    if dry && !preview::is_possible(&version) {
        return Err(
            Refusal::invalid("dryRun", "is possible for implementations of type terraform only").into()
        );
    }
    let state = ordered.status.status;
    if ordered.status.lifecycle != Lifecycle::Active {
        return Err(conflict("The block is being deleted or gone."));
    }
    if dry && undecided && !store::open_of(tx, ordered.object.id)?.is_empty() {
        return Err(conflict("A dry run of the block is under way already."));
    }
    if !state.is_final() && !undecided {
        return Err(conflict(format!(
            "The block is {}; a run can be started when it is at rest.",
            state.word()
        )));
    }
    // The draft behind the block may have changed: its inputs are resolved anew.
    let mut block = ordered.block.clone();
    let target = Target::of_block(tx, ordered.workspace(), &block)?;
    let of = (ordered.object.id, &target);
    if let Some(missing) = resolve::resolve(tx, call, of, &mut block, &version)? {
        return Err(conflict(format!("Inputs are missing first: {}.", missing.keys.join(", "))));
    }
    ordered.block = block;
    let behavior = if dry { Behavior::Detect } else { Behavior::Apply };
    engine::start(tx, call, &mut ordered, &version, (behavior, Reason::Manual), None)?;
    write(tx, call, allowed, &mut ordered, "Building Block Run Triggered")?;
    Ok(stoa_web::Reply::empty(http::StatusCode::ACCEPTED))
}

/// `POST …/approve-run`: applies the plan that the block's last dry run saved (§6.7).
pub fn approve(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<stoa_web::Reply> {
    call.may_at_all(Resource::BuildingBlock, Action::Write)?;
    let uuid = request.param(0);
    let object = objects::by_uuid_text(tx, KIND, uuid)?.ok_or_else(|| Refusal::missing(KIND, uuid))?;
    let mut ordered = locked(tx, &object)?;
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &ordered.scope())?;
    if !allowed.operates() && !ordered.is_undecided() {
        return Err(insufficient("plans are approved by the operator of the definition"));
    }
    if ordered.status.lifecycle != Lifecycle::Active {
        return Err(conflict("The block is being deleted or gone."));
    }
    let (_, version) = version::by_id(tx, ordered.block.version)?
        .ok_or(stoa_core::Fault::Corrupt { what: "version of a block" })?;
    let planned = preview::plan(tx, call, &mut ordered, &version)?;
    let why = (Behavior::Apply, Reason::PreflightSucceeded);
    engine::start(tx, call, &mut ordered, &version, why, Some(planned.id))?;
    write(tx, call, allowed, &mut ordered, "Building Block Run Approved")?;
    Ok(stoa_web::Reply::empty(http::StatusCode::ACCEPTED))
}
