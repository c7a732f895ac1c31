//! meshBuildingBlockDefinitionVersion: the automation behind a definition, drafted, released, then fixed for
//! ever (`api-building-blocks.md` §3).

mod build;
pub mod implementation;
pub mod reach;
pub mod review;
pub mod rules;
pub mod variables;
pub mod wire;

use crate::definition::{self, Listed};
use crate::integration;
use crate::reference::check_kind;
use crate::runner::{self, SHARED};
use build::{Base, released_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::secrets::redacted;
use stoa_core::{Action, Allowed, Call, Outcome, Resource};
use stoa_db::Tx;
use stoa_web::kind::{Deleted, Writes, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use wire::{AskedState, Assignment, DeletionMode, State, Version, Wire};

/// The kind's name.
pub const KIND: &str = "meshBuildingBlockDefinitionVersion";

/// The version with this uuid and its document.
pub fn by_id(tx: &mut Tx, id: ObjectId) -> Outcome<Option<(Object, Version)>> {
    let Some(object) = objects::by_id(tx, KIND, id)? else { return Ok(None) };
    let version = object.doc()?;
    Ok(Some((object, version)))
}

/// Whether no higher version of the same definition exists.
pub fn is_newest(tx: &mut Tx, object: &Object) -> Outcome<bool> {
    let version: Version = object.doc()?;
    let newest = newest_of(tx, version.definition, None)?;
    Ok(newest.is_some_and(|(newest, _)| newest.id == object.id))
}

/// The newest version of a definition, or the newest in one state.
pub fn newest_of(
    tx: &mut Tx,
    definition: ObjectId,
    state: Option<&str>,
) -> Outcome<Option<(Object, Version)>> {
    let Some(object) = objects::by_id(tx, definition::KIND, definition)? else { return Ok(None) };
    let listed = definition::versions(&object)?;
    let found = listed.iter().rev().find(|version| state.is_none_or(|state| version.state == state)).cloned();
    match found {
        Some(listed) => by_id(tx, listed.version_uuid),
        None => Ok(None),
    }
}

fn key_of(definition: ObjectId, number: i64) -> String {
    format!("{definition}.{number}")
}

fn draft_of(version: &Version, leans_on: Option<ObjectId>) -> Outcome<Draft> {
    let mut references = vec![("definition", version.definition), ("runner", version.runner)];
    references.extend(leans_on.map(|integration| ("integration", integration)));
    references.extend(version.dependencies.iter().map(|definition| ("dependency", *definition)));
    let mut facets = vec![("definition", version.definition.to_string())];
    facets.extend(version.review().map(|review| ("review", review.to_owned())));
    Ok(Draft { doc: serde_json::to_value(version)?, status: json!({}), facets, references })
}

/// Creates version 1 together with its definition (§2.4).
pub fn create_first(tx: &mut Tx, call: &Call, allowed: Allowed, definition: &mut Object) -> Outcome<()> {
    let runner = runner::by_uuid(tx, call, SHARED)?
        .ok_or_else(|| Refusal::Unavailable("The shared runner is not set up yet.".into()))?;
    let version = Version {
        definition: definition.id,
        number: 1,
        state: State::Draft,
        only_apply_once_per_tenant: false,
        deletion_mode: DeletionMode::Delete,
        permissions: Vec::new(),
        runner: runner.0.id,
        dependencies: Vec::new(),
        implementation: json!({ "type": "manual", "manual": {} }),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        manual_overrides: BTreeMap::new(),
        reviews: Vec::new(),
    };
    insert(tx, call, allowed, definition, &version, None).map(|_| ())
}

fn insert(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    definition: &mut Object,
    version: &Version,
    leans_on: Option<ObjectId>,
) -> Outcome<Object> {
    let id = ObjectId::new();
    let key = key_of(version.definition, version.number);
    let told = Told::new(
        "Building Block Definition Version Created",
        format!("Version {} was drafted.", version.number),
    );
    let owner = definition.owner().to_owned();
    let draft = draft_of(version, leans_on)?;
    let object = objects::insert(tx, call, allowed, (id, KIND, &key, Some(&owner)), draft, told)?;
    if let Some(now) = objects::by_id_for_update(tx, definition::KIND, definition.id)? {
        *definition = now;
    }
    let mut listed = definition::versions(definition)?;
    listed.push(Listed {
        version_uuid: id,
        version_number: version.number,
        state: version.state.shown().into(),
        review: version.review().map(str::to_owned),
    });
    definition::set_versions(tx, call, definition, &listed)?;
    Ok(object)
}

/// Moves a version to another state and tells its definition.
pub fn set_state(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    object: &Object,
    mut version: Version,
    state: State,
) -> Outcome<Object> {
    version.state = state;
    let title = match state {
        State::Released => "Building Block Definition Version Released",
        State::InReview => "Building Block Definition Version Release Requested",
        State::Draft => "Building Block Definition Version Release Rejected",
    };
    let told = Told::new(title, format!("Version {} of definition {}.", version.number, version.definition));
    let leans_on = integration_of(&version);
    let changed = objects::replace(tx, call, allowed, object, draft_of(&version, leans_on)?, told)?;
    tell_definition(tx, call, object.id, &version)?;
    Ok(changed)
}

/// Tells a definition where one of its versions stands.
fn tell_definition(tx: &mut Tx, call: &Call, id: ObjectId, version: &Version) -> Outcome<()> {
    let mut definition = objects::by_id_for_update(tx, definition::KIND, version.definition)?
        .ok_or(stoa_core::Fault::Corrupt { what: "definition of a version" })?;
    let mut listed = definition::versions(&definition)?;
    for line in listed.iter_mut().filter(|line| line.version_uuid == id) {
        line.state = version.state.shown().into();
        line.review = version.review().map(str::to_owned);
    }
    definition::set_versions(tx, call, &mut definition, &listed)
}

/// The integration that a version leans on.
pub fn integration_of(version: &Version) -> Option<ObjectId> {
    version.implementation_body()["integrationRef"]["uuid"].as_str().and_then(|uuid| uuid.parse().ok())
}

/// The runner that executes a version: its own, or its integration's when its own is the shared one (§3.5.6).
/// Two different ones that are both not shared are an error with a readable text.
pub fn effective_runner(tx: &mut Tx, version: &Version) -> Outcome<Result<ObjectId, String>> {
    let own = version.runner;
    let Some(integration) = integration_of(version) else { return Ok(Ok(own)) };
    let Some(integration) = objects::by_id(tx, integration::KIND, integration)? else {
        return Ok(Err("The integration of this version does not exist any more.".into()));
    };
    let named: ObjectId = integration::runner_of(&integration).parse().unwrap_or(own);
    let shared = |runner: ObjectId| runner.to_string() == SHARED;
    Ok(if shared(own) || own == named {
        Ok(named)
    } else if shared(named) {
        Ok(own)
    } else {
        Err("The version and its integration name two different runners.".into())
    })
}

/// What consumers do not need to know of a version: where the automation is and what its operator set.
fn hide_internals(stored: &mut Value) {
    let kind = stored["implementation"]["type"].clone();
    stored["implementation"] = json!({ "type": kind });
    for input in stored["inputs"].as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
        if input["assignmentType"] == json!(Assignment::Static) {
            input["argument"] = Value::Null;
        }
    }
}

/// The kind.
pub struct Versions;

impl Kind for Versions {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1-preview"];
    const COLLECTION: &'static str = "meshbuildingblockdefinitionversions";
    const RESOURCE: Resource = Resource::Definition;
    const WRITES: Writes = Writes::NoDelete;
    const BODY_MAX: usize = 24 << 20;
    const LONG: &'static [&'static str] = &[
        "spec.inputs.*.argument",
        "spec.inputs.*.defaultValue",
        "spec.inputs.*.valueValidationRegex",
        "spec.implementation",
    ];
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("buildingBlockDefinitionUuid", "Versions of this definition"),
        ("reviewState", "IN_REVIEW or REJECTED: first releases that wait for a review, or were refused"),
    ];
    const REQUEST: &'static str = "BuildingBlockDefinitionVersion";
    const RESPONSE: &'static str = "BuildingBlockDefinitionVersion";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1-preview",
            "kind": KIND,
            "metadata": { "ownedByWorkspace": "data-platform" },
            "spec": {
                "buildingBlockDefinitionRef": { "uuid": "5b1f0b1e-7a53-4bb2-9c1e-2f6c1a0d3e10" },
                "onlyApplyOncePerTenant": false,
                "deletionMode": "DELETE",
                "implementation": { "type": "manual" },
                "inputs": { "schema_name": {
                    "displayName": "Name of the schema",
                    "type": "STRING",
                    "assignmentType": "USER_INPUT",
                    "isEnvironment": false,
                    "isSensitive": false,
                    "updateableByConsumer": true,
                } },
                "outputs": {},
            },
        })
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_uuid_text(tx, KIND, id)
    }

    fn id_of(object: &Object, _: &str) -> String {
        object.id.to_string()
    }

    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        // Whoever may order a released version may read what it asks for.
        if object.doc["state"] == json!(State::Released) {
            return Ok(());
        }
        call.may(Resource::Definition, Action::Read, &Self::scope(object)).map(|_| ())
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        Ok(Query::of(KIND, seen)
            .with("definition", request.query("buildingBlockDefinitionUuid"))
            .with("review", request.query("reviewState")))
    }

    fn may_list(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<()> {
        // Another workspace's definition is refused rather than listed empty (§3.1).
        let Some(uuid) = request.query("buildingBlockDefinitionUuid") else { return Ok(()) };
        let Some(definition) = objects::by_uuid_text(tx, definition::KIND, uuid)? else { return Ok(()) };
        let scope = definition::Definitions::scope(&definition);
        call.may(Resource::Definition, Action::Read, &scope).map(|_| ())
    }

    fn show(tx: &mut Tx, call: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let version: Version = object.doc()?;
        let mut stored = redacted(&object.doc);
        let is_own = [Action::Read, Action::Write]
            .into_iter()
            .any(|action| call.may(Resource::Definition, action, &Self::scope(object)).is_ok());
        if !is_own {
            hide_internals(&mut stored);
        }
        let mut status = json!({
            "state": version.state.shown(),
            "usageCount": definition::usage_of_version(tx, object.id)?,
        });
        if is_own && !version.reviews.is_empty() {
            status["review"] = json!(version.review());
            status["reviews"] = json!(version.reviews);
        }
        let reference = |kind: &str, id: ObjectId| json!({ "kind": kind, "uuid": id });
        let dependencies = &version.dependencies;
        let refs: Vec<Value> = dependencies.iter().map(|id| reference(definition::KIND, *id)).collect();
        Ok(json!({
            "metadata": {
                "uuid": object.id,
                "ownedByWorkspace": object.owner(),
                "createdOn": object.created_at,
            },
            "spec": {
                "buildingBlockDefinitionRef": reference(definition::KIND, version.definition),
                "versionNumber": version.number,
                "state": version.state.shown(),
                "onlyApplyOncePerTenant": version.only_apply_once_per_tenant,
                "deletionMode": version.deletion_mode,
                "permissions": version.permissions,
                "runnerRef": reference(runner::KIND, version.runner),
                "dependencyDefinitionRefs": refs,
                "dependencyDefinitionUuids": dependencies,
                "implementation": stored["implementation"],
                "inputs": stored["inputs"],
                "outputs": stored["outputs"],
            },
            "status": status,
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let Wire { metadata, spec } = request.body()?;
        let reference = &spec.building_block_definition_ref;
        check_kind(reference.kind.as_deref(), definition::KIND, "spec.buildingBlockDefinitionRef")?;
        let uuid = reference.uuid.clone();
        let found = uuid.parse().ok().map(|id| definition::by_id(tx, id)).transpose()?.flatten();
        let (mut object, definition) = found.ok_or_else(|| Refusal::missing(definition::KIND, uuid))?;
        let scope = definition::Definitions::scope(&object);
        let allowed = call.may(Resource::Definition, Action::Write, &scope)?;
        if metadata.owned_by_workspace != object.owner() {
            let problem = "must be the owner of the definition";
            return Err(Refusal::invalid("metadata.ownedByWorkspace", problem).into());
        }
        let newest = newest_of(tx, object.id, None)?;
        if let Some((_, newest)) = newest.as_ref().filter(|(_, newest)| newest.state != State::Released) {
            return Err(Refusal::Conflict {
                code: "BuildingBlockConflict",
                message: format!("Version {} is a draft already; release it first.", newest.number),
                remarks: Vec::new(),
            }
            .into());
        }
        let number = newest.as_ref().map_or(1, |(_, newest)| newest.number + 1);
        if spec.version_number.is_some_and(|asked| asked != number) {
            let problem = format!("must be the next free number, {number}");
            return Err(Refusal::invalid("spec.versionNumber", problem).into());
        }
        let release = spec.state == Some(AskedState::Released);
        let definition_object = object.clone();
        let base = Base {
            definition: &definition_object,
            spec_of: &definition,
            number,
            secrets_from: newest.as_ref().map(|(_, newest)| newest),
            released: released_of(tx, &definition_object)?,
        };
        let (version, leans_on) = build::version(tx, call, &base, spec)?;
        if !release {
            build::check_sources(tx, &version)?;
        }
        let created = insert(tx, call, allowed, &mut object, &version, leans_on)?;
        if release { review::release(tx, call, allowed, &created, version) } else { Ok(created) }
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(Resource::Definition, Action::Write, &Self::scope(&object))?;
        let old: Version = object.doc()?;
        let Wire { metadata, spec } = request.body()?;
        if metadata.owned_by_workspace != object.owner() {
            let problem = "must be the owner of the definition";
            return Err(Refusal::invalid("metadata.ownedByWorkspace", problem).into());
        }
        if metadata.uuid.is_some_and(|uuid| uuid != object.id.to_string()) {
            return Err(Refusal::invalid("metadata.uuid", "must be the one in the path").into());
        }
        let reference = &spec.building_block_definition_ref;
        check_kind(reference.kind.as_deref(), definition::KIND, "spec.buildingBlockDefinitionRef")?;
        if reference.uuid != old.definition.to_string() {
            return Err(Refusal::invalid("spec.buildingBlockDefinitionRef", "cannot be changed").into());
        }
        if spec.version_number.is_some_and(|number| number != old.number) {
            return Err(Refusal::invalid("spec.versionNumber", "cannot be changed").into());
        }
        let (definition_object, definition) = definition::by_id(tx, old.definition)?
            .ok_or(stoa_core::Fault::Corrupt { what: "definition of a version" })?;
        let released = old.state == State::Released;
        let asked = spec.state;
        let base = Base {
            definition: &definition_object,
            spec_of: &definition,
            number: old.number,
            secrets_from: Some(&old),
            released: if released { Vec::new() } else { released_of(tx, &definition_object)? },
        };
        let (mut version, leans_on) = build::version(tx, call, &base, spec)?;
        if released {
            version.state = State::Released;
            if version == old && asked != Some(AskedState::Draft) {
                return Ok(object);
            }
            return Err(Refusal::Conflict {
                code: "BuildingBlockConflict",
                message: format!("Version {} is released and cannot change; draft a new one.", old.number),
                remarks: Vec::new(),
            }
            .into());
        }
        if asked != Some(AskedState::Released) {
            build::check_sources(tx, &version)?;
            if version == old {
                return Ok(object);
            }
        }
        let told = Told::new(
            "Building Block Definition Version Changed",
            format!("Draft {} of definition {} was changed.", version.number, version.definition),
        );
        let object = objects::replace(tx, call, allowed, &object, draft_of(&version, leans_on)?, told)?;
        if old.state == State::InReview {
            // Whoever goes on working takes the request back.
            tell_definition(tx, call, object.id, &version)?;
        }
        if asked == Some(AskedState::Released) {
            return review::release(tx, call, allowed, &object, version);
        }
        Ok(object)
    }

    fn delete(_: &mut Tx, _: &Call, _: &Request, _: Object) -> Outcome<Deleted> {
        // No route leads here: versions go with their definition (§2.5).
        Err(Refusal::WrongMethod { allow: "GET, PUT".into() }.into())
    }
}
