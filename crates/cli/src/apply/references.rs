//! References by name: `{name: …}` where the API wants a uuid. Names are display names in the document's
//! own workspace, or else anywhere that the caller can see.

use super::Ahead;
use crate::api::{Api, id_of, only_one, version_uuid};
use crate::failure::Failure;
use crate::kinds::{self, Address, Called, Kind};
use serde_json::{Map, Value, json};

/// Fields that refer to another object by uuid, with its kind.
const REFERENCES: [(&str, &Kind); 10] = [
    ("platformRef", &kinds::PLATFORM),
    ("mandatoryBuildingBlockRefs", &kinds::DEFINITION),
    ("recommendedBuildingBlockRefs", &kinds::DEFINITION),
    ("communicationDefinitionRef", &kinds::COMMUNICATION_DEFINITION),
    ("buildingBlockDefinitionRef", &kinds::DEFINITION),
    ("dependencyDefinitionRefs", &kinds::DEFINITION),
    ("runnerRef", &kinds::RUNNER),
    ("integrationRef", &kinds::INTEGRATION),
    ("buildingBlockDefinitionVersionRef", &kinds::VERSION),
    ("parentBuildingBlockRefs", &kinds::BLOCK),
];

/// What stands for a uuid that does not exist before the apply is done.
const LATER: &str = "(known after apply)";

/// One reference by name.
struct Named {
    /// JSON pointer of the reference.
    place: String,
    kind: &'static Kind,
    name: String,
    /// Number of the version, for references to versions.
    number: Option<u64>,
}

/// Puts uuids in place of all names that `document` refers to. In a dry run, `ahead` knows the objects that
/// the apply would have made by then.
pub(super) async fn resolve(
    api: &Api,
    document: &mut Value,
    workspace: Option<&str>,
    ahead: Option<&Ahead>,
) -> Result<(), Failure> {
    let mut found = Vec::new();
    collect(document, String::new(), &mut found);
    for named in found {
        let uuid = uuid_of(api, &named, workspace, ahead).await?;
        let Some(reference) = document.pointer_mut(&named.place) else {
            continue;
        };
        *reference = json!({ "kind": named.kind.name, "uuid": uuid });
    }
    outputs_of_parents(api, document, workspace, ahead).await
}

fn collect(value: &Value, place: String, found: &mut Vec<Named>) {
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries {
                let below = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
                let kind = REFERENCES.iter().find(|(field, _)| field == key).map(|(_, kind)| *kind);
                // A block on a tenant says so.
                let on_tenant = key == "targetRef" && entry["kind"] == kinds::TENANT.name;
                match kind.or_else(|| on_tenant.then_some(&kinds::TENANT)) {
                    Some(kind) => references(entry, below, kind, found),
                    None => collect(entry, below, found),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn references(value: &Value, place: String, kind: &'static Kind, found: &mut Vec<Named>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                references(item, format!("{place}/{index}"), kind, found);
            }
        }
        Value::Object(entries) if entries.get("uuid").is_none_or(Value::is_null) => {
            if let Some(name) = entries.get("name").and_then(Value::as_str) {
                let number = entries.get("versionNumber").and_then(Value::as_u64);
                found.push(Named { place, kind, name: name.to_owned(), number });
            }
        }
        _ => {}
    }
}

async fn uuid_of(
    api: &Api,
    named: &Named,
    workspace: Option<&str>,
    ahead: Option<&Ahead>,
) -> Result<String, Failure> {
    let kind = named.kind;
    if *kind == kinds::VERSION {
        let definition = match look_up(api, &kinds::DEFINITION, &named.name, workspace).await {
            Err(_) if is_ahead(ahead, &kinds::DEFINITION, workspace, &named.name) => {
                return Ok(LATER.to_owned());
            }
            other => other?,
        };
        let number = named.number.or_else(|| definition["status"]["latestReleasedVersion"].as_u64());
        return version_uuid(&definition, number);
    }
    match look_up(api, kind, &named.name, workspace).await {
        Err(_) if is_ahead(ahead, kind, workspace, &named.name) => Ok(LATER.to_owned()),
        other => id_of(kind, &other?),
    }
}

fn is_ahead(ahead: Option<&Ahead>, kind: &Kind, workspace: Option<&str>, name: &str) -> bool {
    ahead.is_some_and(|ahead| ahead.holds(kind, workspace.unwrap_or_default(), name))
}

/// The object of that display name in the workspace, or else the only one anywhere.
async fn look_up(api: &Api, kind: &Kind, name: &str, workspace: Option<&str>) -> Result<Value, Failure> {
    if workspace.is_some() && matches!(kind.address, Address::Uuid(Called::Text(..))) {
        let own = api.called(kind, name, workspace).await?;
        if !own.is_empty() {
            return only_one(kind, name, own);
        }
    }
    only_one(kind, name, api.called(kind, name, None).await?)
}

/// Inputs that take an output of a parent may name its definition: `argument: {definition: NAME, output: KEY}`.
async fn outputs_of_parents(
    api: &Api,
    document: &mut Value,
    workspace: Option<&str>,
    ahead: Option<&Ahead>,
) -> Result<(), Failure> {
    let Some(inputs) = document.pointer_mut("/spec/inputs").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    for (_, input) in
        inputs.iter_mut().filter(|(_, input)| input["assignmentType"] == "BUILDING_BLOCK_OUTPUT")
    {
        let Some((name, output)) = input["argument"].as_object().and_then(definition_and_output) else {
            continue;
        };
        let named = Named { place: String::new(), kind: &kinds::DEFINITION, name, number: None };
        let uuid = uuid_of(api, &named, workspace, ahead).await?;
        input["argument"] = json!(format!("{uuid}.{output}"));
    }
    Ok(())
}

fn definition_and_output(argument: &Map<String, Value>) -> Option<(String, String)> {
    let text = |key: &str| argument.get(key).and_then(Value::as_str).map(str::to_owned);
    Some((text("definition")?, text("output")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_a_reference_stands() {
        let document = json!({
            "metadata": { "name": "not-a-reference" },
            "spec": {
                "buildingBlockDefinitionRef": { "name": "DB" },
                "runnerRef": { "uuid": "u", "name": "ignored" },
                "dependencyDefinitionRefs": [{ "uuid": "u" }, { "name": "Net" }],
                "implementation": { "githubWorkflows": { "integrationRef": { "kind": "meshIntegration", "name": "Hub" } } },
                "targetRef": { "kind": "meshWorkspace", "name": "shop" },
                "buildingBlockDefinitionVersionRef": { "name": "DB", "versionNumber": 2 }
            }
        });
        let mut found = Vec::new();
        collect(&document, String::new(), &mut found);
        let found: Vec<_> = found
            .iter()
            .map(|named| (named.place.as_str(), named.kind.word(), named.name.as_str(), named.number))
            .collect();
        assert_eq!(
            found,
            [
                ("/spec/buildingBlockDefinitionRef", "definition", "DB", None),
                ("/spec/dependencyDefinitionRefs/1", "definition", "Net", None),
                ("/spec/implementation/githubWorkflows/integrationRef", "integration", "Hub", None),
                ("/spec/buildingBlockDefinitionVersionRef", "version", "DB", Some(2)),
            ]
        );
    }
}
