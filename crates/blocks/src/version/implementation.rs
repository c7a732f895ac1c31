//! The five implementations of a version (`api-building-blocks.md` §3.5): which fields each has, which of them
//! are secrets, and the three names each goes by.

use crate::integration;
use crate::reference::check_kind;
use crate::runner::ImplementationType;
use crate::secret::Keeper;
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::objects::Object;
use stoa_core::{Action, Call, Outcome, Resource, Scope, objects};
use stoa_db::Tx;

/// Type of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Flag,
    Secret,
    Reference,
    KnownHost,
}

/// One field: name, type, whether it must be there.
type Field = (&'static str, Holds, bool);

/// One implementation.
pub struct Shape {
    /// `spec.implementation.type`.
    pub name: &'static str,
    /// `implementation.type` in the payload of runs.
    pub in_runs: &'static str,
    /// What a runner must be able to execute.
    pub runs_on: ImplementationType,
    /// `spec.config.type` of its integration.
    pub integration: Option<&'static str>,
    fields: &'static [Field],
}

/// All implementations.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "manual",
        in_runs: "MANUAL",
        runs_on: ImplementationType::Manual,
        integration: None,
        fields: &[],
    },
    Shape {
        name: "terraform",
        in_runs: "TERRAFORM",
        runs_on: ImplementationType::Terraform,
        integration: None,
        fields: &[
            ("terraformVersion", Holds::Text, true),
            ("repositoryUrl", Holds::Text, true),
            ("repositoryPath", Holds::Text, false),
            ("refName", Holds::Text, false),
            ("async", Holds::Flag, true),
            ("useMeshHttpBackendFallback", Holds::Flag, true),
            ("sshPrivateKey", Holds::Secret, false),
            ("sshKnownHost", Holds::KnownHost, false),
            ("preRunScript", Holds::Text, false),
        ],
    },
    Shape {
        name: "githubWorkflows",
        in_runs: "GITHUB_WORKFLOW",
        runs_on: ImplementationType::GithubWorkflow,
        integration: Some("github"),
        fields: &[
            ("integrationRef", Holds::Reference, true),
            ("repository", Holds::Text, true),
            ("branch", Holds::Text, true),
            ("applyWorkflow", Holds::Text, true),
            ("destroyWorkflow", Holds::Text, false),
            ("async", Holds::Flag, true),
            ("omitRunObjectInput", Holds::Flag, true),
        ],
    },
    Shape {
        name: "gitlabPipeline",
        in_runs: "GITLAB_CICD",
        runs_on: ImplementationType::GitlabPipeline,
        integration: Some("gitlab"),
        fields: &[
            ("integrationRef", Holds::Reference, true),
            ("projectId", Holds::Text, true),
            ("refName", Holds::Text, true),
            ("pipelineTriggerToken", Holds::Secret, true),
        ],
    },
    Shape {
        name: "azureDevOpsPipeline",
        in_runs: "AZURE_DEVOPS",
        runs_on: ImplementationType::AzureDevopsPipeline,
        integration: Some("azuredevops"),
        fields: &[
            ("integrationRef", Holds::Reference, true),
            ("project", Holds::Text, true),
            ("pipelineId", Holds::Text, true),
            ("refName", Holds::Text, false),
            ("async", Holds::Flag, true),
        ],
    },
];

/// The implementation of this name.
pub fn shape(name: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.name == name)
}

/// uuid of the integration that an implementation in a request names.
pub fn integration_named(given: &Map<String, Value>) -> Option<&str> {
    let name = given.get("type").and_then(Value::as_str)?;
    given.get(name)?.get("integrationRef")?.get("uuid")?.as_str()
}

/// An implementation as stored, and the integration it leans on. `before` is where secrets given as hashes
/// come from.
pub fn checked(
    tx: &mut Tx,
    call: &Call,
    (keeper, owner): (&Keeper, &str),
    given: &Map<String, Value>,
    before: Option<&Value>,
) -> Outcome<(Value, Option<ObjectId>)> {
    let name = given.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some(shape) = shape(name) else {
        let known: Vec<&str> = SHAPES.iter().map(|shape| shape.name).collect();
        let problem = format!("must be one of {}", known.join(", "));
        return Err(Refusal::invalid("spec.implementation.type", problem).into());
    };
    let foreign = given.iter().find(|(key, value)| *key != "type" && *key != name && !is_empty(value));
    if let Some((other, _)) = foreign {
        let problem = format!("does not belong to an implementation of type {name}");
        return Err(Refusal::invalid(format!("spec.implementation.{other}"), problem).into());
    }
    let nothing = json!({});
    let body = given.get(name).unwrap_or(&nothing);
    let before = before.filter(|before| before["type"] == name).map(|before| &before[name]);
    let mut stored = Map::new();
    let mut leans_on = None;
    for (field, holds, required) in shape.fields {
        let at = format!("spec.implementation.{name}.{field}");
        let refuse = |problem: &str| Err(Refusal::invalid(at.as_str(), problem).into());
        let value = match body.get(*field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() && !required => None,
            Some(value) => Some(value),
        };
        let Some(value) = value else {
            if *required {
                return refuse("is required");
            }
            if *field == "destroyWorkflow" {
                stored.insert((*field).into(), Value::Null); // always present in answers
            }
            continue;
        };
        let value = match holds {
            Holds::Text => match value.as_str() {
                Some(text) if !text.trim().is_empty() => value.clone(),
                _ => return refuse("must be a text and not blank"),
            },
            Holds::Flag if value.is_boolean() => value.clone(),
            Holds::Flag => return refuse("must be true or false"),
            Holds::Secret => {
                let kept = before.and_then(|before| before.get(*field));
                keeper.take(&call.world, value, kept, &at)?
            }
            Holds::KnownHost => {
                let part =
                    |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
                let (Some(host), Some(key_type), Some(key)) =
                    (part("host"), part("keyType"), part("keyValue"))
                else {
                    return refuse("must have host, keyType and keyValue");
                };
                json!({ "host": host, "keyType": key_type, "keyValue": key })
            }
            Holds::Reference => {
                let kind = value.get("kind").and_then(Value::as_str);
                check_kind(kind, integration::KIND, &at)?;
                let uuid = value.get("uuid").and_then(Value::as_str).unwrap_or_default();
                let found = objects::by_uuid_text(tx, integration::KIND, uuid)?;
                // It holds credentials: other teams' integrations are as good as none.
                let Some(found) = found.filter(|found| found.owner() == owner || may_use(call, found)) else {
                    return refuse("names no integration");
                };
                if Some(found.doc["config"]["type"].as_str().unwrap_or_default()) != shape.integration {
                    return refuse("names an integration of another type");
                }
                leans_on = Some(found.id);
                json!({ "kind": integration::KIND, "uuid": uuid })
            }
        };
        stored.insert((*field).into(), value);
    }
    if let Some(url) = stored.get("repositoryUrl").and_then(Value::as_str) {
        check_repository(url)?;
    }
    Ok((json!({ "type": name, name: stored }), leans_on))
}

fn may_use(call: &Call, integration: &Object) -> bool {
    call.may(Resource::Integration, Action::Read, &Scope::owned(integration.owner())).is_ok()
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Refuses what git would take for an option or a command; runners refuse it too.
fn check_repository(url: &str) -> Outcome<()> {
    let hostile = url.starts_with('-') || url.contains("::") || url.chars().any(char::is_control);
    if hostile {
        let problem = "must be an https or ssh address of a git repository";
        return Err(Refusal::invalid("spec.implementation.terraform.repositoryUrl", problem).into());
    }
    Ok(())
}

/// Whether the runner's part of a run ends before the run does (`runner-protocol.md` §10).
pub fn hands_over(implementation: &Value) -> bool {
    let name = implementation["type"].as_str().unwrap_or_default();
    name == "gitlabPipeline" || implementation[name]["async"] == json!(true)
}
