//! What has to happen so that the server holds what a document says.

use super::difference::{self, Difference};
use super::overlay::{comparable, overlay};
use crate::api::{Api, id_of, only_one};
use crate::failure::Failure;
use crate::kinds::{self, Address, Called, Kind, Writes};
use serde_json::{Value, json};

/// The step for one document.
#[derive(Debug)]
pub(super) enum Step {
    /// It is there as declared.
    Nothing {
        /// What is there.
        current: Value,
    },
    /// It is not there.
    Create {
        /// What to send.
        body: Value,
        /// All of its fields.
        differences: Vec<Difference>,
    },
    /// It is there otherwise.
    Replace {
        /// Which one.
        id: String,
        /// What to send.
        body: Value,
        /// The fields that change.
        differences: Vec<Difference>,
    },
    /// It is there otherwise, and cannot be changed: whoever wants that deletes it and makes another.
    Stuck {
        /// Which one.
        id: String,
        /// The fields that would have to change.
        differences: Vec<Difference>,
    },
    /// It is made or changed by the declarative import.
    Import {
        /// What to send.
        body: Value,
        /// Whether it is not there yet.
        is_new: bool,
        /// The fields that change.
        differences: Vec<Difference>,
    },
    /// The newest version is released and cannot change: the next one is made.
    NextVersion {
        /// What to send.
        body: Value,
        /// Whether it is released at once.
        released: bool,
        /// The fields that change from the newest version.
        differences: Vec<Difference>,
    },
}

impl Step {
    /// The fields that change.
    pub(super) fn differences(&self) -> &[Difference] {
        match self {
            Self::Nothing { .. } => &[],
            Self::Create { differences, .. }
            | Self::Replace { differences, .. }
            | Self::Stuck { differences, .. }
            | Self::Import { differences, .. }
            | Self::NextVersion { differences, .. } => differences,
        }
    }

    /// Whether carrying it out certainly changes something.
    pub(super) fn is_change(&self) -> bool {
        match self {
            Self::Nothing { .. } => false,
            Self::Create { .. }
            | Self::NextVersion { .. }
            | Self::Stuck { .. }
            | Self::Import { is_new: true, .. } => true,
            Self::Import { differences, .. } | Self::Replace { differences, .. } => {
                differences.iter().any(Difference::is_certain)
            }
        }
    }

    fn create(wanted: &Value) -> Self {
        Self::Create { body: wanted.clone(), differences: difference::of_new(wanted) }
    }
}

/// Finds out what to do for a document whose references and secrets are resolved.
pub(super) async fn step(api: &Api, kind: &Kind, wanted: &Value) -> Result<Step, Failure> {
    if *kind == kinds::VERSION {
        return version(api, wanted).await;
    }
    let Some(current) = current(api, kind, wanted).await? else {
        return Ok(match kind.writes {
            Writes::Import => {
                let (body, differences) = (wanted.clone(), difference::of_new(wanted));
                Step::Import { body, is_new: true, differences }
            }
            Writes::Freely | Writes::Once | Writes::Never => Step::create(wanted),
        });
    };
    let (body, differences) = laid_over(kind, &current, wanted);
    if differences.is_empty() {
        return Ok(Step::Nothing { current });
    }
    Ok(match kind.writes {
        Writes::Freely => Step::Replace { id: id_of(kind, &current)?, body, differences },
        Writes::Import => Step::Import { body, is_new: false, differences },
        Writes::Once | Writes::Never => Step::Stuck { id: id_of(kind, &current)?, differences },
    })
}

fn laid_over(kind: &Kind, current: &Value, wanted: &Value) -> (Value, Vec<Difference>) {
    let mut body = overlay(kind, current, wanted);
    body["apiVersion"] = json!(kind.version);
    body["kind"] = json!(kind.name);
    let mut before = comparable(kind, current, wanted);
    before["apiVersion"] = json!(kind.version);
    before["kind"] = json!(kind.name);
    let differences = difference::between(&before, &body);
    (body, differences)
}

/// The object that a document means, if it is there.
async fn current(api: &Api, kind: &Kind, wanted: &Value) -> Result<Option<Value>, Failure> {
    let text = |pointer: &str| wanted.pointer(pointer).and_then(Value::as_str);
    let needed = |pointer: &str| {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        text(pointer).ok_or_else(|| Failure::Configuration(format!("`{field}` is missing")))
    };
    match kind.address {
        Address::Name => {
            let found = api.find(kind, needed("/metadata/name")?).await?;
            Ok(found.filter(is_alive))
        }
        Address::InWorkspace => {
            let id = format!("{}.{}", needed("/metadata/ownedByWorkspace")?, needed("/metadata/name")?);
            Ok(api.find(kind, &id).await?.filter(is_alive))
        }
        Address::InstanceId => Ok(api.find(kind, needed("/metadata/instanceId")?).await?),
        Address::Uuid(called) => {
            if let Some(uuid) = text("/metadata/uuid") {
                // The server gives uuids, so a document cannot bring its own.
                return api.get(kind, uuid).await.map(Some);
            }
            let mut found = match called {
                Called::Nothing => Err(needed("/metadata/uuid").err().unwrap_or(Failure::Closed))?,
                Called::Text(pointer, _) => {
                    let workspace = match kind {
                        _ if !kind.is_within_workspace() => None,
                        _ if *kind == kinds::BLOCK => target_workspace(wanted)?,
                        _ => Some(needed("/metadata/ownedByWorkspace")?),
                    };
                    let mut found = api.called(kind, needed(pointer)?, workspace).await?;
                    if *kind == kinds::BLOCK {
                        found.retain(|block| is_same_target(block, wanted));
                    }
                    found
                }
                Called::PlatformInLocation => {
                    needed("/metadata/name")?;
                    needed("/spec/locationRef/name")?;
                    api.called(kind, &kind.called(wanted).unwrap_or_default(), None).await?
                }
                Called::TenantName => {
                    let query = vec![
                        ("workspaceIdentifier", needed("/metadata/ownedByWorkspace")?.to_owned()),
                        ("projectIdentifier", needed("/metadata/ownedByProject")?.to_owned()),
                    ];
                    let platform = needed("/spec/platformRef/uuid")?;
                    let mut found = api.list(kind, &query, None).await?;
                    found.retain(|tenant| tenant["spec"]["platformRef"]["uuid"] == platform);
                    found
                }
                Called::Sent => {
                    let definition = needed("/spec/communicationDefinitionRef/uuid")?;
                    let target = needed("/spec/targetMeshObjectRef/name")?;
                    if uuid::Uuid::try_parse(definition).is_err() {
                        return Ok(None);
                    }
                    let query = vec![("communicationDefinitionUuid", definition.to_owned())];
                    let mut found = api.list(kind, &query, None).await?;
                    found.retain(|sent| sent["spec"]["targetMeshObjectRef"]["name"] == target);
                    found
                }
            };
            found.retain(is_alive);
            if found.is_empty() {
                return Ok(None);
            }
            only_one(kind, &kind.called(wanted).unwrap_or_default(), found).map(Some)
        }
    }
}

/// The workspace that a block's document names: the target itself, or the owner of a target that is a tenant.
fn target_workspace(wanted: &Value) -> Result<Option<&str>, Failure> {
    let target = &wanted["spec"]["targetRef"];
    if target["kind"] == kinds::TENANT.name {
        return Ok(wanted.pointer("/metadata/ownedByWorkspace").and_then(Value::as_str));
    }
    let name = target["name"].as_str();
    name.map(Some).ok_or_else(|| Failure::Configuration("`spec.targetRef.name` is missing".to_owned()))
}

/// Whether a block stands on what a document names as its target.
fn is_same_target(block: &Value, wanted: &Value) -> bool {
    let (is, ought) = (&block["spec"]["targetRef"], &wanted["spec"]["targetRef"]);
    let key = if ought["kind"] == kinds::TENANT.name { "uuid" } else { "name" };
    is[key] == ought[key]
}

/// Whether an object is not on its way out.
fn is_alive(object: &Value) -> bool {
    let deleted = object.pointer("/metadata/deletedOn").is_some_and(|on| !on.is_null());
    let leaving = object.pointer("/status/lifecycle/state").is_some_and(|state| state != "ACTIVE");
    !deleted && !leaving
}

/// A version replaces its definition's draft; a released version is followed by the next one.
async fn version(api: &Api, wanted: &Value) -> Result<Step, Failure> {
    let definition = wanted.pointer("/spec/buildingBlockDefinitionRef/uuid").and_then(Value::as_str);
    let uuid = wanted.pointer("/metadata/uuid").and_then(Value::as_str);
    let number = wanted.pointer("/spec/versionNumber").and_then(Value::as_u64);
    let current = match (uuid, definition) {
        (Some(uuid), _) => Some(api.get(&kinds::VERSION, uuid).await?),
        (None, None) => {
            return Err(Failure::Configuration("`spec.buildingBlockDefinitionRef` is missing".to_owned()));
        }
        // Not a uuid: the definition is made by the same apply, with a first draft.
        (None, Some(later)) if uuid::Uuid::try_parse(later).is_err() => None,
        (None, Some(definition)) => {
            let mut versions = api.versions(definition).await?.ok_or_else(|| {
                Failure::Denied("the versions of this definition may not be read".to_owned())
            })?;
            match number {
                None => versions.pop(),
                Some(number) => {
                    let at = versions.iter().position(|version| version["spec"]["versionNumber"] == number);
                    at.map(|at| versions.remove(at))
                }
            }
        }
    };
    let Some(current) = current else {
        return Ok(Step::create(wanted));
    };
    let (mut body, mut differences) = laid_over(&kinds::VERSION, &current, wanted);
    let id = id_of(&kinds::VERSION, &current)?;
    let is_released = current.pointer("/spec/state").is_some_and(|state| state == "RELEASED");
    if is_released && number.is_none() && uuid.is_none() {
        // A released version stays as it is: neither its state nor its secrets can be written again.
        differences.retain(|difference| difference.is_certain() && difference.path != "spec.state");
        if differences.is_empty() {
            return Ok(Step::Nothing { current });
        }
        let next = current.pointer("/spec/versionNumber").and_then(Value::as_u64).unwrap_or(0) + 1;
        body["spec"]["versionNumber"] = json!(next);
        body["spec"]["state"] = json!("DRAFT");
        if let Some(metadata) = body["metadata"].as_object_mut() {
            metadata.remove("uuid");
        }
        let released = wanted.pointer("/spec/state").is_some_and(|state| state == "RELEASED");
        return Ok(Step::NextVersion { body, released, differences });
    }
    if differences.is_empty() {
        return Ok(Step::Nothing { current });
    }
    Ok(Step::Replace { id, body, differences })
}
