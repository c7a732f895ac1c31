//! Ordering and changing blocks (`api-building-blocks.md` §5).

use super::model::{Block, BlockState, Lifecycle, Ordered, Parent, Status};
use super::wire::{InputEntry, ParentEntry, Reference, Spec, Wire};
use super::{KIND, draft_of, locked, resolve, save_status};
use crate::definition::{self, TargetType};
use crate::reference::check_kind;
use crate::run;
use crate::run::claim::keeper_of;
use crate::run::engine;
use crate::run::model::{Behavior, Reason, RunState};
use crate::secret::{self, Keeper};
use crate::value::{self, TOTAL_MAX};
use crate::version::wire::{Assignment, Input, State, Version};
use crate::version::{self, rules};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::{Reach, Visibility};
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Object, Told};
use stoa_core::{Action, Allowed, Call, Error, Fault, Outcome, Resource, Scope};
use stoa_db::{DbError, Tx};
use stoa_tenancy::workspace;
use stoa_web::Request;

const VERSION_REF: &str = "spec.buildingBlockDefinitionVersionRef";

fn conflict(message: impl Into<String>) -> stoa_core::Error {
    Refusal::Conflict { code: "BuildingBlockConflict", message: message.into(), remarks: Vec::new() }.into()
}

fn insufficient(what: &str) -> stoa_core::Error {
    Refusal::Forbidden(format!("you don't have sufficient permissions: {what}")).into()
}

fn uuid_of(reference: &Reference, kind: &str, field: &str) -> Outcome<String> {
    check_kind(reference.kind.as_deref(), kind, field)?;
    Ok(reference.uuid.clone().ok_or_else(|| Refusal::invalid(format!("{field}.uuid"), "is required"))?)
}

/// The target workspace that a request names.
fn target_of(reference: &Reference, target: TargetType) -> Outcome<String> {
    const FIELD: &str = "spec.targetRef";
    let wanted = match target {
        TargetType::WorkspaceLevel => "meshWorkspace",
        TargetType::TenantLevel => "meshTenant",
    };
    if let Some(kind) = reference.kind.as_deref().filter(|kind| *kind != wanted) {
        let problem = format!("must be {wanted}, as the definition's targetType says, not {kind}");
        return Err(Refusal::invalid(format!("{FIELD}.kind"), problem).into());
    }
    if target == TargetType::TenantLevel {
        let uuid = uuid_of(reference, "meshTenant", FIELD)?;
        return Err(Refusal::missing("meshTenant", uuid).into());
    }
    Ok(reference.name.clone().ok_or_else(|| Refusal::invalid(format!("{FIELD}.name"), "is required"))?)
}

/// Values that people supply, checked and with their secrets kept. Only what differs from `old` counts as a
/// change, and only changes need the right to make them.
fn supply(
    call: &Call,
    version: &Version,
    keeper: &Keeper,
    given: BTreeMap<String, InputEntry>,
    old: Option<&Block>,
    reach: Reach,
) -> Outcome<BTreeMap<String, Value>> {
    let mut supplied = old.map(|old| old.supplied.clone()).unwrap_or_default();
    let operates = matches!(reach, Reach::Admin | Reach::Managed | Reach::System);
    let moved = old.is_some_and(|old| old.version_number != version.number);
    let same = |current: Option<&Value>, sent: &Value| {
        current.is_some_and(|current| keeper.is_same(&call.world, current, sent))
    };
    for (key, entry) in given {
        let field = format!("spec.inputs.{key}");
        let Some(input) = version.inputs.get(&key) else {
            return Err(Refusal::invalid(field, "is not an input of this version").into());
        };
        let current =
            old.and_then(|old| old.inputs.iter().find(|(name, _)| *name == key)).map(|(_, row)| &row.value);
        if !input.assignment_type.is_supplied() {
            // What was read may be sent back as it is (§5.2); anything else is no one's to supply.
            if old.is_some() && (entry.value.is_null() || same(current, &entry.value)) {
                continue;
            }
            return Err(
                Refusal::invalid(field, "is not defined as a customer or platform-operator input").into()
            );
        }
        let unchanged = entry.value.is_null() || same(current, &entry.value);
        let first = current.is_none_or(Value::is_null);
        match input.assignment_type {
            Assignment::PlatformOperatorManualInput if !unchanged && !operates => {
                return Err(insufficient(&format!("`{key}` is supplied by the operator")));
            }
            Assignment::UserInput if !unchanged && !operates && !first && !input.updateable_by_consumer => {
                return Err(insufficient(&format!("`{key}` cannot be changed by consumers")));
            }
            _ => {}
        }
        if entry.is_sensitive.is_some_and(|sensitive| sensitive != input.is_sensitive) {
            let problem = format!("must be {}, as the definition says", input.is_sensitive);
            return Err(Refusal::invalid(format!("{field}.isSensitive"), problem).into());
        }
        if entry.value_type.is_some_and(|word| word != input.io_type.word()) {
            let problem = format!("must be {}, as the definition says", input.io_type.word());
            return Err(Refusal::invalid(format!("{field}.valueType"), problem).into());
        }
        // What stays the same may still not fit another version.
        if entry.value.is_null() || (unchanged && (!moved || input.is_sensitive)) {
            continue;
        }
        let at = format!("{field}.value");
        let value = if input.is_sensitive {
            if !entry.value.is_object() {
                let problem = "is sensitive and must be {\"plaintext\": …} or {\"hash\": …}";
                return Err(Refusal::invalid(at, problem).into());
            }
            if let Some(plaintext) = entry.value.get("plaintext").filter(|text| text.is_string()) {
                rules::check_value(&at, input, plaintext)?;
            }
            keeper.take(&call.world, &entry.value, old.and_then(|old| old.supplied.get(&key)), &at)?
        } else {
            rules::check_value(&at, input, &entry.value)?;
            entry.value
        };
        if !unchanged {
            supplied.insert(key, value);
        }
    }
    supplied.retain(|key, value| {
        version
            .inputs
            .get(key)
            .is_some_and(|input| input.assignment_type.is_supplied() && (!moved || still_fits(input, value)))
    });
    let size: usize = supplied.values().map(value::size).sum();
    if size > TOTAL_MAX {
        return Err(Refusal::TooLarge { limit_bytes: TOTAL_MAX }.into());
    }
    Ok(supplied)
}

/// Whether a value supplied for an older version is one that this version would take.
fn still_fits(input: &Input, value: &Value) -> bool {
    match (input.is_sensitive, secret::is_stored(value)) {
        (true, stored) => stored,
        (false, true) => false,
        (false, false) => rules::check_value("", input, value).is_ok(),
    }
}

/// The parents a request names: both fields at once must agree.
fn parents_named(
    refs: Option<&Vec<Reference>>,
    entries: Option<&Vec<ParentEntry>>,
) -> Outcome<Option<Vec<String>>> {
    let by_ref = refs
        .map(|refs| {
            refs.iter()
                .map(|found| uuid_of(found, KIND, "spec.parentBuildingBlockRefs"))
                .collect::<Outcome<Vec<_>>>()
        })
        .transpose()?;
    let by_entry: Option<Vec<String>> =
        entries.map(|entries| entries.iter().map(|entry| entry.building_block_uuid.clone()).collect());
    let sorted = |list: &Vec<String>| {
        let mut list = list.clone();
        list.sort();
        list.dedup();
        list
    };
    match (by_ref, by_entry) {
        (Some(a), Some(b)) if sorted(&a) != sorted(&b) => {
            let problem = "and spec.parentBuildingBlockRefs must name the same blocks";
            Err(Refusal::invalid("spec.parentBuildingBlocks", problem).into())
        }
        (Some(list), _) | (None, Some(list)) => Ok(Some(sorted(&list))),
        (None, None) => Ok(None),
    }
}

/// Checks the parents and that every input that needs one has exactly one.
fn parents(
    tx: &mut Tx,
    version: &Version,
    workspace: &str,
    own: Option<ObjectId>,
    named: &[String],
) -> Outcome<Vec<Parent>> {
    const FIELD: &str = "spec.parentBuildingBlockRefs";
    let mut parents: Vec<Parent> = Vec::new();
    for uuid in named {
        let refuse = |problem: &str| Refusal::invalid(FIELD, format!("names {uuid}, which {problem}"));
        let object = objects::by_uuid_text(tx, KIND, uuid)?.ok_or_else(|| refuse("does not exist"))?;
        let parent = locked(tx, &object)?; // nobody deletes it meanwhile
        if parent.status.lifecycle != Lifecycle::Active || Some(parent.object.id) == own {
            return Err(refuse("is not an active block").into());
        }
        if parent.workspace() != workspace {
            return Err(refuse("belongs to another workspace").into());
        }
        if !version.dependencies.contains(&parent.block.definition) {
            return Err(refuse("is of a definition that this version does not depend on").into());
        }
        parents.push(Parent { block: parent.object.id, definition: parent.block.definition });
    }
    for (key, input) in &version.inputs {
        if input.assignment_type != Assignment::BuildingBlockOutput {
            continue;
        }
        let definition = input.argument.as_str().and_then(|text| text.split('.').next()).unwrap_or_default();
        let count = parents.iter().filter(|parent| parent.definition.to_string() == definition).count();
        if count != 1 {
            let problem = format!(
                "must name exactly one block of definition {definition} for input `{key}`, not {count}"
            );
            return Err(Refusal::invalid(FIELD, problem).into());
        }
    }
    Ok(parents)
}

/// Orders a block (§5.1).
pub fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
    let Wire { spec, .. } = request.body()?;
    let version_uuid = uuid_of(&spec.building_block_definition_version_ref, version::KIND, VERSION_REF)?;
    let missing = || Refusal::missing(version::KIND, version_uuid.as_str());
    let found = version_uuid.parse().ok().map(|id| version::by_id(tx, id)).transpose()?.flatten();
    let managers: Vec<&str> = found.as_ref().map(|(object, _)| object.owner()).into_iter().collect();
    let target_name = spec.target_ref.name.clone().unwrap_or_default();
    let scope = Scope { owner: Some(&target_name), managers: managers.clone(), ..Scope::default() };
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &scope)?;
    let (version_object, version) = found.ok_or_else(missing)?;
    let (_, definition) = definition::by_id(tx, version.definition)?.ok_or_else(missing)?;
    let workspace = target_of(&spec.target_ref, definition.target_type)?;
    if version.state != State::Released && version_object.owner() != workspace {
        return Err(insufficient("a draft is for blocks of the workspace that owns it"));
    }
    let home = workspace::living(tx, &workspace)?;
    if definition.use_in_landing_zones_only && !allowed.operates() {
        return Err(insufficient("this definition is used by landing zones only"));
    }
    if version.only_apply_once_per_tenant {
        // Two orders at a time come one after the other.
        objects::by_id_for_update(tx, definition::KIND, version.definition)?;
        let seen = Visibility { all: true, ..Visibility::default() };
        let mut same = Query::of(KIND, seen).with("definitionUuid", Some(&version.definition.to_string()));
        same.workspace = Some(workspace.clone());
        if listing::list(tx, &same, &Page::first(1))?.total > 0 {
            return Err(conflict(
                "This definition can be applied once per target, and it has been applied already.",
            ));
        }
    }
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    let named =
        parents_named(spec.parent_building_block_refs.as_ref(), spec.parent_building_blocks.as_ref())?;
    let parents = parents(tx, &version, &workspace, None, &named.unwrap_or_default())?;
    let keeper = keeper_of(tx, &version)?;
    let supplied = supply(call, &version, &keeper, spec.inputs, None, allowed.reach())?;
    let id = ObjectId::new();
    let mut block = Block {
        definition: version.definition,
        version: version_object.id,
        version_number: version.number,
        operator: version_object.owner().to_owned(),
        display_name: spec.display_name,
        supplied,
        inputs: Vec::new(),
        parents,
        author: call.actor.author_object(),
    };
    let missing = resolve::resolve(tx, (id, &workspace), &mut block, &version)?;
    let status = Status {
        status: missing.as_ref().map_or(BlockState::Pending, |missing| missing.state),
        outputs: BTreeMap::new(),
        force_purge: false,
        lifecycle: Lifecycle::Active,
        latest_run: None,
        latest_dry_run: None,
        waiting: missing.as_ref().map(|missing| missing.waiting(call, &block.operator)),
        marked_for_deletion: None,
    };
    let draft = draft_of(&block, &status, home.id)?;
    let told =
        Told::new("Building Block Created", format!("Building block '{}' was ordered.", block.display_name))
            .to_managers(&[&block.operator]);
    let key = id.to_string();
    let inserted = objects::insert(tx, call, allowed, (id, KIND, &key, Some(&workspace)), draft, told);
    let object = inserted.map_err(|error| match error {
        // The definition went while it was ordered.
        Error::Failed(Fault::Db(DbError::ForeignKey)) => {
            Refusal::missing(version::KIND, version_uuid.as_str()).into()
        }
        other => other,
    })?;
    if missing.is_some() {
        return Ok(object);
    }
    let mut ordered = Ordered { object, block, status };
    let why = (Behavior::Apply, Reason::Creation);
    let run = engine::start(tx, call, &mut ordered, &version, why, None)?;
    save_status(tx, call, &mut ordered, Some(run))?;
    Ok(ordered.object)
}

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
            "A block that is {} cannot be upgraded; wait until its run is over.",
            ordered.status.status.word()
        )));
    }
    Ok(Some((object.id, version)))
}

/// Changes a block (§5.2).
pub fn update(tx: &mut Tx, call: &Call, request: &Request, object: Object) -> Outcome<Object> {
    let mut ordered = locked(tx, &object)?;
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &ordered.scope())?;
    let Wire { metadata, spec } = request.body()?;
    if metadata.uuid.as_ref().is_some_and(|uuid| *uuid != ordered.object.id.to_string()) {
        return Err(Refusal::invalid("metadata.uuid", "must be the one in the path").into());
    }
    let asked_target = spec.target_ref.name.as_deref().unwrap_or_default();
    let kind = spec.target_ref.kind.as_deref().unwrap_or("meshWorkspace");
    if kind != "meshWorkspace" || asked_target != ordered.workspace() {
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
        parents_named(spec.parent_building_block_refs.as_ref(), spec.parent_building_blocks.as_ref())?;
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
        block.parents = parents(tx, version, ordered.workspace(), own, &named)?;
    }
    let keeper = keeper_of(tx, version)?;
    block.supplied = supply(call, version, &keeper, spec.inputs, Some(&ordered.block), allowed.reach())?;
    let of = (ordered.object.id, ordered.workspace().to_owned());
    let missing = resolve::resolve(tx, (of.0, &of.1), &mut block, version)?;
    // A draft that changed behind the block is no change of the block (§3.6), unless the block waited for it.
    let waited = ordered.status.status.is_waiting() && missing.is_none();
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
            engine::start(tx, call, &mut ordered, version, (Behavior::Apply, reason), None)?;
        }
    }
    let title = if moved.is_some() { "Building Block Upgraded" } else { "Building Block Changed" };
    write(tx, call, allowed, &mut ordered, title)?;
    Ok(ordered.object)
}

/// Writes what was changed of a block, document and status.
pub fn write(tx: &mut Tx, call: &Call, allowed: Allowed, ordered: &mut Ordered, title: &str) -> Outcome<()> {
    let home = workspace::living(tx, ordered.workspace())?;
    let draft = draft_of(&ordered.block, &ordered.status, home.id)?;
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
    if !allowed.operates() && !definition.run_transparency {
        return Err(insufficient("runs of this definition are started by its operator"));
    }
    let (_, version) = version::by_id(tx, ordered.block.version)?
        .ok_or(stoa_core::Fault::Corrupt { what: "version of a block" })?;
    if dry && version.implementation_type() != "terraform" {
        return Err(
            Refusal::invalid("dryRun", "is possible for implementations of type terraform only").into()
        );
    }
    let state = ordered.status.status;
    if ordered.status.lifecycle != Lifecycle::Active {
        return Err(conflict("The block is being deleted or gone."));
    }
    if !state.is_final() {
        return Err(conflict(format!(
            "The block is {}; a run can be started when it is at rest.",
            state.word()
        )));
    }
    // The draft behind the block may have changed: its inputs are resolved anew.
    let of = (ordered.object.id, ordered.workspace().to_owned());
    let mut block = ordered.block.clone();
    if let Some(missing) = resolve::resolve(tx, (of.0, &of.1), &mut block, &version)? {
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
    if !allowed.operates() {
        return Err(insufficient("plans are approved by the operator of the definition"));
    }
    if ordered.status.lifecycle != Lifecycle::Active {
        return Err(conflict("The block is being deleted or gone."));
    }
    let newest = run::store::newest_of(tx, ordered.object.id)?;
    let planned = newest.filter(|run| {
        run.behavior == Behavior::Detect.word() && run.state == RunState::Succeeded && run.artifact.is_some()
    });
    let planned =
        planned.ok_or_else(|| conflict("The newest run of the block is no dry run with a saved plan."))?;
    let (_, version) = version::by_id(tx, ordered.block.version)?
        .ok_or(stoa_core::Fault::Corrupt { what: "version of a block" })?;
    let why = (Behavior::Apply, Reason::PreflightSucceeded);
    engine::start(tx, call, &mut ordered, &version, why, Some(planned.id))?;
    write(tx, call, allowed, &mut ordered, "Building Block Run Approved")?;
    Ok(stoa_web::Reply::empty(http::StatusCode::ACCEPTED))
}
