//! Older shapes that only the import takes, turned into what is served today.

use serde_json::{Map, Value, json};
use stoa_core::secrets::digest;

/// Begins names of bindings that nobody named.
const MADE_UP: &str = "import-";

/// Whether a binding has no name but the one that follows from what it binds.
pub fn is_made_up(name: &str) -> bool {
    name.strip_prefix(MADE_UP).is_some_and(|hash| hash.len() == 32)
}

/// A workspace of version v1 keeps its tags in `spec`.
pub fn workspace(object: &Value, version: &str) -> Vec<(String, Value)> {
    if !version.eq_ignore_ascii_case("v1") {
        return Vec::new();
    }
    let Some(name) = super::by_name(object) else { return Vec::new() };
    let mut object = object.clone();
    let tags =
        object.pointer_mut("/spec").and_then(Value::as_object_mut).and_then(|spec| spec.remove("tags"));
    if let (Some(tags), Some(metadata)) =
        (tags, object.pointer_mut("/metadata").and_then(Value::as_object_mut))
    {
        metadata.insert("tags".into(), tags);
    }
    vec![(name, today(object))]
}

/// Versions are those of the applied shape from here on.
fn today(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.remove("apiVersion");
    }
    object
}

/// A binding without a name has one that follows from what it binds. Its older shape binds several subjects at
/// once: it stands for one binding each.
pub fn binding(object: &Value, _: &str) -> Vec<(String, Value)> {
    let Some(members) = object.as_object() else { return Vec::new() };
    let subjects: Vec<Value> = match members.get("subjects") {
        Some(Value::Array(subjects)) => subjects.clone(),
        Some(one) if !one.is_null() => vec![one.clone()],
        _ => members.get("subject").cloned().into_iter().collect(),
    };
    let name = super::by_name(object).filter(|_| !members.contains_key("subjects") || subjects.len() == 1);
    let bind = |subject: Value| {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let bound = subject.get("name").and_then(Value::as_str).unwrap_or_default();
        let parts =
            [text("/targetRef/ownedByWorkspace"), text("/targetRef/name"), text("/roleRef/name"), bound];
        let name = name.clone().unwrap_or_else(|| {
            let hash = digest(&json!(parts).to_string());
            format!("{MADE_UP}{}", hash.get(..32).unwrap_or_default())
        });
        let mut one: Map<String, Value> = members.clone();
        one.remove("subjects");
        one.remove("apiVersion");
        one.insert("metadata".into(), json!({ "name": name }));
        one.insert("subject".into(), subject);
        (name, Value::Object(one))
    };
    subjects.into_iter().map(bind).collect()
}
