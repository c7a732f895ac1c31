//! A version out of a request: every rule of `api-building-blocks.md` §3.2 to §3.7 but its state's.

use super::wire::{Assignment, DeletionMode, Input, State, Version, VersionSpec};
use super::{by_id, implementation, newest_of, rules};
use crate::definition::{self, Definition, TargetType};
use crate::integration;
use crate::reference::check_kind;
use crate::runner::{self, Restriction, SHARED};
use crate::secret::{self, Keeper};
use serde_json::Value;
use std::collections::BTreeMap;
use stoa_base::{ObjectId, Refusal};
use stoa_core::objects::{self, Object};
use stoa_core::{Call, Outcome, Permission};
use stoa_db::Tx;
use stoa_web::Kind;

fn check_runner(
    tx: &mut Tx,
    call: &Call,
    owner: &str,
    spec: &VersionSpec,
    kind: &str,
) -> Outcome<(ObjectId, Keeper)> {
    let reference = spec.runner_ref.as_ref();
    let uuid = reference.map_or(SHARED, |reference| reference.uuid.as_str());
    check_kind(reference.and_then(|reference| reference.kind.as_deref()), runner::KIND, "spec.runnerRef")?;
    let Some((object, runner)) = runner::by_uuid(tx, call, uuid)? else {
        return Err(Refusal::invalid("spec.runnerRef", "names no runner").into());
    };
    if runner.restriction == Restriction::Private && object.owner() != owner {
        return Err(Refusal::invalid("spec.runnerRef", "names a PRIVATE runner of another workspace").into());
    }
    if !runner.executes(kind) {
        let problem = format!("names a runner that cannot execute {kind}");
        return Err(Refusal::invalid("spec.runnerRef", problem).into());
    }
    Ok((object.id, Keeper::runner(&runner.public_key)?))
}

/// Who will execute the version, and with it who keeps its secrets: the runner of its integration when its own is
/// the shared one (§3.5.6).
fn keeper_of(
    tx: &mut Tx,
    call: &Call,
    (own, keeper): (ObjectId, Keeper),
    integration: Option<&str>,
    kind: &str,
) -> Outcome<Keeper> {
    let found =
        integration.map(|uuid| objects::by_uuid_text(tx, integration::KIND, uuid)).transpose()?.flatten();
    let named = found.map(|integration| integration::runner_of(&integration).to_owned());
    let Some(named) = named.filter(|named| own.to_string() == SHARED && named != SHARED) else {
        return Ok(keeper);
    };
    let Some((_, runner)) = runner::by_uuid(tx, call, &named)? else { return Ok(keeper) };
    if !runner.executes(kind) {
        let field = format!("spec.implementation.{kind}.integrationRef");
        let problem = format!("names an integration whose runner cannot execute {kind}");
        return Err(Refusal::invalid(field, problem).into());
    }
    Keeper::runner(&runner.public_key)
}

fn check_permissions(codes: &[String]) -> Outcome<Vec<String>> {
    let mut known = Vec::new();
    for code in codes {
        let permission: Permission =
            code.parse().map_err(|_| Refusal::invalid("spec.permissions", format!("knows no `{code}`")))?;
        if permission.is_admin() {
            let problem = format!("may not hold `{code}`: runs never act as administrators");
            return Err(Refusal::invalid("spec.permissions", problem).into());
        }
        known.push(code.clone());
    }
    known.sort();
    known.dedup();
    Ok(known)
}

/// The dependencies of a version: visible, no cycle over newest versions, level allowed (§3.7).
fn check_dependencies(
    tx: &mut Tx,
    call: &Call,
    own: (ObjectId, &str, TargetType),
    spec: &VersionSpec,
) -> Outcome<Vec<ObjectId>> {
    const FIELD: &str = "spec.dependencyDefinitionRefs";
    let (own_id, owner, target) = own;
    for reference in spec.dependency_definition_refs.iter().flatten() {
        check_kind(reference.kind.as_deref(), definition::KIND, FIELD)?;
    }
    let uuids: Vec<&str> = match (&spec.dependency_definition_refs, &spec.dependency_definition_uuids) {
        (Some(refs), _) => refs.iter().map(|reference| reference.uuid.as_str()).collect(),
        (None, Some(uuids)) => uuids.iter().map(String::as_str).collect(),
        (None, None) => Vec::new(),
    };
    let mut found = Vec::new();
    for uuid in uuids {
        let unknown = || Refusal::invalid(FIELD, format!("names no definition that you can see: {uuid}"));
        let id: ObjectId = uuid.parse().map_err(|_| unknown())?;
        let (object, definition) = definition::by_id(tx, id)?.ok_or_else(unknown)?;
        if object.owner() != owner && definition::Definitions::readable(call, &object).is_err() {
            return Err(unknown().into());
        }
        if id == own_id {
            return Err(Refusal::invalid(FIELD, "must not name the definition itself").into());
        }
        if target == TargetType::WorkspaceLevel && definition.target_type == TargetType::TenantLevel {
            let problem = "must not name a TENANT_LEVEL definition when this one is WORKSPACE_LEVEL";
            return Err(Refusal::invalid(FIELD, problem).into());
        }
        if !found.contains(&id) {
            found.push(id);
        }
    }
    let mut to_visit = found.clone();
    let mut visited = Vec::new();
    while let Some(next) = to_visit.pop() {
        if next == own_id {
            return Err(Refusal::invalid(FIELD, "would make a cycle of dependencies").into());
        }
        if visited.contains(&next) {
            continue;
        }
        visited.push(next);
        if let Some((_, version)) = newest_of(tx, next, None)? {
            to_visit.extend(version.dependencies);
        }
    }
    Ok(found)
}

/// Inputs that take a parent's output must name one that exists there, of a fitting type once released.
pub(super) fn check_sources(tx: &mut Tx, version: &Version) -> Outcome<()> {
    for (key, input) in &version.inputs {
        if input.assignment_type != Assignment::BuildingBlockOutput {
            continue;
        }
        let field = format!("spec.inputs.{key}.argument");
        let (definition, output) =
            input.argument.as_str().and_then(|text| text.split_once('.')).unwrap_or_default();
        let parent = definition.parse().ok().filter(|id| version.dependencies.contains(id));
        let Some(parent) = parent else {
            let problem = "names a definition that is not in spec.dependencyDefinitionRefs";
            return Err(Refusal::invalid(field, problem).into());
        };
        // A draft may count on what its parent's draft promises.
        let released = if version.state == State::Released { Some("RELEASED") } else { None };
        let newest = match newest_of(tx, parent, released)? {
            Some(newest) => Some(newest),
            None => newest_of(tx, parent, None)?,
        };
        let found = newest.and_then(|(_, parent)| parent.outputs.get(output).cloned());
        let Some(found) = found else {
            return Err(
                Refusal::invalid(field, format!("names an output that does not exist: {output}")).into()
            );
        };
        if version.state == State::Released && !input.io_type.takes(found.io_type) {
            let problem = format!("names an output of type {}", found.io_type.word());
            return Err(Refusal::invalid(field, problem).into());
        }
    }
    Ok(())
}

/// Keeps the secrets of inputs: values set now, or those of `before` named by their hash.
fn keep_input_secrets(
    call: &Call,
    keeper: &Keeper,
    inputs: &mut BTreeMap<String, Input>,
    before: Option<&Version>,
) -> Outcome<()> {
    for (key, input) in inputs.iter_mut().filter(|(_, input)| input.is_sensitive) {
        let old = before.and_then(|before| before.inputs.get(key)).filter(|old| old.is_sensitive);
        let declared = input.clone();
        for (name, value, kept) in [
            ("argument", &mut input.argument, old.map(|old| &old.argument)),
            ("defaultValue", &mut input.default_value, old.map(|old| &old.default_value)),
        ] {
            if !value.is_null() {
                let field = format!("spec.inputs.{key}.{name}");
                if let Some(plaintext) = value.get("plaintext").filter(|text| text.is_string()) {
                    rules::check_value(&field, &declared, plaintext)?;
                }
                *value =
                    keeper.take(&call.world, value, kept.filter(|kept| secret::is_stored(kept)), &field)?;
            }
        }
    }
    Ok(())
}

/// What a new version is built against.
pub(super) struct Base<'a> {
    pub(super) definition: &'a Object,
    pub(super) spec_of: &'a Definition,
    pub(super) number: i64,
    /// Where secrets given as hashes come from: the draft itself, or the newest version.
    pub(super) secrets_from: Option<&'a Version>,
    /// Versions already released, for what may not change any more.
    pub(super) released: Vec<Version>,
}

/// A version out of a request, with all rules but its state's.
pub(super) fn version(
    tx: &mut Tx,
    call: &Call,
    base: &Base<'_>,
    spec: VersionSpec,
) -> Outcome<(Version, Option<ObjectId>)> {
    let owner = base.definition.owner();
    let target = base.spec_of.target_type;
    let kind = spec.implementation.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (runner, keeper) = check_runner(tx, call, owner, &spec, &kind)?;
    let before = base.secrets_from;
    let integration = implementation::integration_named(&spec.implementation);
    let keeper = keeper_of(tx, call, (runner, keeper), integration, &kind)?;
    let (implementation, leans_on) = implementation::checked(
        tx,
        call,
        (&keeper, owner),
        &spec.implementation,
        before.map(|before| &before.implementation),
    )?;
    if kind == "githubWorkflows"
        && spec.deletion_mode == DeletionMode::Delete
        && implementation["githubWorkflows"]["destroyWorkflow"].is_null()
    {
        let field = "spec.implementation.githubWorkflows.destroyWorkflow";
        return Err(Refusal::invalid(field, "is required when deletionMode is DELETE").into());
    }
    let dependencies = check_dependencies(tx, call, (base.definition.id, owner, target), &spec)?;
    let mut inputs = spec.inputs;
    for (key, input) in &mut inputs {
        // A deprecated emptiness that some clients send.
        input.selectable_values = input.selectable_values.take().filter(|values| !values.is_empty());
        rules::check_input(key, input, target)?;
        let toggled = base
            .released
            .iter()
            .filter_map(|version| version.inputs.get(key))
            .any(|old| old.is_sensitive != input.is_sensitive);
        if toggled {
            let field = format!("spec.inputs.{key}.isSensitive");
            return Err(Refusal::invalid(field, "cannot change: a released version has this input").into());
        }
    }
    rules::assign_positions(&mut inputs);
    keep_input_secrets(call, &keeper, &mut inputs, before)?;
    let mut version = Version {
        definition: base.definition.id,
        number: base.number,
        state: State::Draft,
        only_apply_once_per_tenant: spec.only_apply_once_per_tenant,
        deletion_mode: spec.deletion_mode,
        permissions: check_permissions(&spec.permissions)?,
        runner,
        dependencies,
        implementation,
        inputs,
        outputs: BTreeMap::new(),
        manual_overrides: before.map(|before| before.manual_overrides.clone()).unwrap_or_default(),
        reviews: before
            .filter(|before| before.number == base.number)
            .map_or_else(Vec::new, |before| before.reviews.clone()),
    };
    if kind == "manual" {
        rules::manual_outputs(&mut version, spec.outputs, target)?;
    } else {
        version.manual_overrides.clear();
        version.outputs = rules::outputs(spec.outputs, target)?;
    }
    Ok((version, leans_on))
}

/// Versions of a definition that are fixed for ever.
pub(super) fn released_of(tx: &mut Tx, definition: &Object) -> Outcome<Vec<Version>> {
    let listed = definition::versions(definition)?;
    let released = listed.iter().filter(|version| version.state == "RELEASED");
    released
        .filter_map(|listed| by_id(tx, listed.version_uuid).transpose())
        .map(|found| Ok(found?.1))
        .collect()
}

/// What a version's secrets cannot hide: a sensitive STATIC needs a value before others may use it.
pub(super) fn check_complete(version: &Version) -> Outcome<()> {
    for (key, input) in &version.inputs {
        if input.assignment_type == Assignment::Static && input.argument.is_null() {
            return Err(
                Refusal::invalid(format!("spec.inputs.{key}.argument"), "is required for STATIC").into()
            );
        }
    }
    Ok(())
}
