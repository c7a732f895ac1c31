//! What an object becomes when a document is laid over it.
//!
//! What a document does not mention stays as it is; `null` clears. Tags, and the sets of inputs and outputs
//! of a version, are what the document says and nothing more. Things that come in variants (an
//! implementation, the configuration of an integration, one input) are replaced when the variant changes.

use crate::kinds::{self, Address, Kind, Writes};
use serde_json::{Map, Value};

/// Fields of `metadata` that only the server sets.
const SERVER_SET: [&str; 6] = ["createdOn", "createdAt", "deletedOn", "deletedAt", "lastSeen", "createdBy"];

/// The object to send so that `current` becomes what `wanted` says.
pub(super) fn overlay(kind: &Kind, current: &Value, wanted: &Value) -> Value {
    let implementation = |object: &'_ Value| object.pointer("/spec/implementation/type").cloned();
    let manual =
        implementation(wanted).or_else(|| implementation(current)).is_some_and(|name| name == "manual");
    let mut wanted = wanted.clone();
    without_server_set(kind, &mut wanted);
    lay(&Rules { kind, manual }, &mut Vec::new(), &comparable(kind, current, &wanted), &wanted)
}

/// Takes out what only the server sets, so that what `get` printed can be applied as it is.
fn without_server_set(kind: &Kind, object: &mut Value) {
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
        object.remove("_links");
    }
    let has_name = !matches!(kind.address, Address::Uuid(_));
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !SERVER_SET.contains(&key.as_str()) && (key != "uuid" || !has_name));
    }
    // A binding shows the display name of its target.
    if let Some(target) = object.get_mut("targetRef").and_then(Value::as_object_mut) {
        target.remove("displayName");
    }
    if *kind == kinds::TENANT
        && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
    {
        // Asked for when it is made, and never shown.
        spec.remove("requestedQuotas");
    }
    if kind.writes == Writes::Once {
        // What cannot be changed cannot be cleared: null leaves the choice to the server.
        without_nulls(object);
    }
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(entries) = value {
        entries.retain(|_, entry| !entry.is_null());
        entries.values_mut().for_each(without_nulls);
    }
}

/// The part of `current` that a document can speak about: without what only the server sets, and of a
/// block only the inputs that the document names, because the others are not the document's to send.
pub(super) fn comparable(kind: &Kind, current: &Value, wanted: &Value) -> Value {
    let mut current = current.clone();
    without_server_set(kind, &mut current);
    if *kind == kinds::BLOCK {
        let named = wanted.pointer("/spec/inputs").and_then(Value::as_object);
        if let Some(inputs) = current.pointer_mut("/spec/inputs").and_then(Value::as_object_mut) {
            inputs.retain(|key, _| named.is_some_and(|named| named.contains_key(key)));
        }
        // The deprecated twin would contradict the references as soon as these change.
        if let Some(spec) = current.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("parentBuildingBlocks");
        }
    }
    if *kind == kinds::VERSION
        && let Some(spec) = current.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.remove("dependencyDefinitionUuids");
    }
    current
}

/// What [`lay`] must know besides the two values.
struct Rules<'a> {
    kind: &'a Kind,
    /// Whether outputs are derived by the server.
    manual: bool,
}

/// How the entries of an object meet those laid over it.
enum Joint {
    /// Entries that are not mentioned stay.
    Keep,
    /// Entries that are not mentioned go.
    Exact,
    /// Nothing of the old object stays.
    Replace,
}

impl Rules<'_> {
    fn joint(&self, path: &[&str], current: &Map<String, Value>, wanted: &Map<String, Value>) -> Joint {
        let changes =
            |key: &str| wanted.get(key).is_some_and(|new| current.get(key).is_some_and(|old| old != new));
        match path {
            _ if is_secret(wanted) => Joint::Replace,
            ["metadata" | "spec", "tags"] => Joint::Replace,
            ["spec", "outputs"] if self.manual => Joint::Keep,
            ["spec", "inputs" | "outputs"] if *self.kind == kinds::VERSION => Joint::Exact,
            ["spec", "implementation" | "config" | "platformProperties" | "valueType"] if changes("type") => {
                Joint::Replace
            }
            ["spec", "inputs", _] if changes("type") || changes("assignmentType") => Joint::Replace,
            _ => Joint::Keep,
        }
    }
}

fn lay<'a>(rules: &Rules<'_>, path: &mut Vec<&'a str>, current: &Value, wanted: &'a Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (current, wanted) else {
        return wanted.clone();
    };
    let mut merged = match rules.joint(path, old, new) {
        Joint::Replace => return wanted.clone(),
        Joint::Keep => old.clone(),
        Joint::Exact => {
            let mut old = old.clone();
            old.retain(|key, _| new.contains_key(key));
            old
        }
    };
    for (key, value) in new {
        path.push(key);
        let laid = match old.get(key) {
            Some(before) => lay(rules, path, before, value),
            None => value.clone(),
        };
        path.pop();
        merged.insert(key.clone(), laid);
    }
    Value::Object(merged)
}

/// Whether this is a secret, set or kept.
pub(super) fn is_secret(object: &Map<String, Value>) -> bool {
    object.contains_key("plaintext") || (object.len() == 1 && object.contains_key("hash"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_mentioned_stays_and_null_clears() {
        let current = json!({
            "metadata": { "name": "acme", "createdOn": "2031-01-01T00:00:00Z", "tags": { "a": ["1"], "b": ["2"] } },
            "spec": { "displayName": "Acme", "platformBuilderAccessEnabled": true, "note": "x" },
            "status": { "x": 1 }, "_links": {}
        });
        let wanted = json!({
            "metadata": { "name": "acme", "tags": { "a": ["3"] } },
            "spec": { "displayName": "ACME", "note": null }
        });
        assert_eq!(
            overlay(&kinds::WORKSPACE, &current, &wanted),
            json!({
                "metadata": { "name": "acme", "tags": { "a": ["3"] } },
                "spec": { "displayName": "ACME", "platformBuilderAccessEnabled": true, "note": null }
            })
        );
    }

    #[test]
    fn inputs_of_a_version_are_exactly_those_declared() {
        let current = json!({ "spec": {
            "implementation": { "type": "terraform" },
            "inputs": {
                "kept": { "type": "STRING", "assignmentType": "USER_INPUT", "displayOrder": 0 },
                "gone": { "type": "STRING" },
                "retyped": { "type": "SINGLE_SELECT", "selectableValues": ["a"], "displayOrder": 2 }
            },
            "outputs": { "old": { "type": "STRING" } }
        } });
        let wanted = json!({ "spec": {
            "inputs": {
                "kept": { "type": "STRING", "displayName": "Kept" },
                "retyped": { "type": "STRING" },
                "new": { "type": "INTEGER" }
            },
            "outputs": {}
        } });
        assert_eq!(
            overlay(&kinds::VERSION, &current, &wanted)["spec"],
            json!({
                "implementation": { "type": "terraform" },
                "inputs": {
                    "kept": { "type": "STRING", "assignmentType": "USER_INPUT", "displayOrder": 0, "displayName": "Kept" },
                    "retyped": { "type": "STRING" },
                    "new": { "type": "INTEGER" }
                },
                "outputs": {}
            })
        );
    }

    #[test]
    fn derived_outputs_of_a_manual_version_stay() {
        let current = json!({ "spec": { "implementation": { "type": "manual" }, "outputs": { "a": { "type": "STRING" } } } });
        let wanted = json!({ "spec": { "outputs": {} } });
        assert_eq!(
            overlay(&kinds::VERSION, &current, &wanted)["spec"]["outputs"],
            json!({ "a": { "type": "STRING" } })
        );
    }

    #[test]
    fn a_change_of_variant_leaves_nothing_of_the_old_one() {
        let current =
            json!({ "spec": { "implementation": { "type": "terraform", "terraform": { "async": false } } } });
        let wanted = json!({ "spec": { "implementation": { "type": "manual" } } });
        assert_eq!(
            overlay(&kinds::VERSION, &current, &wanted)["spec"]["implementation"],
            json!({ "type": "manual" })
        );
    }

    #[test]
    fn a_new_secret_replaces_the_old_hash() {
        let current = json!({ "spec": { "config": { "type": "github", "github": { "appId": "1", "appPrivateKey": { "hash": "h" } } } } });
        let wanted = json!({ "spec": { "config": { "github": { "appPrivateKey": { "plaintext": "p" } } } } });
        assert_eq!(
            overlay(&kinds::INTEGRATION, &current, &wanted)["spec"]["config"],
            json!({ "type": "github", "github": { "appId": "1", "appPrivateKey": { "plaintext": "p" } } })
        );
    }

    #[test]
    fn only_the_inputs_a_document_names_are_sent_for_a_block() {
        let current = json!({ "spec": {
            "inputs": {
                "size": { "value": 1, "valueType": "INTEGER", "assignmentType": "USER_INPUT", "isSensitive": false },
                "fixed": { "value": "x", "assignmentType": "STATIC" }
            },
            "parentBuildingBlocks": []
        } });
        let wanted = json!({ "spec": { "inputs": { "size": { "value": 2 } } } });
        assert_eq!(
            overlay(&kinds::BLOCK, &current, &wanted)["spec"],
            json!({ "inputs": { "size": { "value": 2, "valueType": "INTEGER", "assignmentType": "USER_INPUT", "isSensitive": false } } })
        );
    }
}
