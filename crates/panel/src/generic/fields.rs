//! Forms made from a schema: its fields, what stands in them, and the body that they say.

use super::document::words;
use super::schema::followed;
use crate::form::{Fields, Form};
use crate::problem::Problem;
use crate::text::tr;
use serde_json::{Map, Value, json};

/// How deep objects are taken apart; below they are JSON.
const DEEP: usize = 4;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where its value stands, with dots; also its name in the form.
    pub path: String,
    /// What it is called.
    pub label: String,
    /// What the schema says of it.
    pub help: String,
    /// `text`, `area`, `secret`, `number`, `whole`, `flag`, `choice`, `many`, `lines`, `pairs`, `json`, `day`, or
    /// `one`, `some` and `word` for tags, whose values are always lists.
    pub kind: &'static str,
    /// What may be chosen.
    pub options: Vec<String>,
    /// Whether it must have a value.
    pub is_required: bool,
    /// Whether it cannot be changed any more.
    pub is_fixed: bool,
    /// What it belongs to; a heading where that changes.
    pub group: String,
}

/// What is beside the schema.
pub struct Frame<'v> {
    /// The whole description.
    pub whole: &'v Value,
    /// Definitions of the kind's tags.
    pub tags: &'v [Value],
    /// Whether an object is changed, not made.
    pub is_change: bool,
}

fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default()
        }
        _ => "",
    }
}

fn is_secret(name: &str, schema: &Value) -> bool {
    let name = name.to_lowercase();
    schema["writeOnly"] == true
        || schema["format"] == "password"
        || name.ends_with("password")
        || name.ends_with("secret")
}

/// Fields of the tags that are defined for the kind.
fn tag_fields(path: &str, tags: &[Value], is_change: bool) -> Vec<Field> {
    let mut tags: Vec<&Value> = tags.iter().collect();
    tags.sort_by_key(|tag| tag["spec"]["sortOrder"].as_i64().unwrap_or(9999));
    let fields = tags.into_iter().map(|tag| {
        let spec = &tag["spec"];
        let text = |name: &str| spec[name].as_str().unwrap_or_default().to_owned();
        let options = |name: &str| {
            let options = spec["valueType"][name]["options"].as_array();
            options.map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
        };
        let (kind, options) = match (options("singleSelect"), options("multiSelect")) {
            (Some(options), _) => ("one", options),
            (_, Some(options)) => ("some", options),
            _ => ("word", Vec::new()),
        };
        Field {
            path: format!("{path}.{}", text("key")),
            label: text("displayName"),
            help: text("description"),
            kind,
            options,
            is_required: spec["mandatory"] == true,
            is_fixed: is_change && spec["immutable"] == true,
            group: tr("Tags").to_owned(),
        }
    });
    fields.collect()
}

fn kind_of(name: &str, whole: &Value, schema: &Value) -> (&'static str, Vec<String>) {
    let options = |schema: &Value| -> Vec<String> {
        let all = schema["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    match type_of(schema) {
        "string" if schema.get("enum").is_some() => ("choice", options(schema)),
        "string" if is_secret(name, schema) => ("secret", Vec::new()),
        "string" if schema["format"] == "date" || name.ends_with("Date") || name == "expiresAt" => {
            ("day", Vec::new())
        }
        "string"
            if schema["maxLength"].as_u64().is_some_and(|max| max > 255)
                || name == "description"
                || name == "message" =>
        {
            ("area", Vec::new())
        }
        "string" => ("text", Vec::new()),
        "integer" => ("whole", Vec::new()),
        "number" => ("number", Vec::new()),
        "boolean" => ("flag", Vec::new()),
        "array" => {
            let items = followed(whole, &schema["items"]);
            match type_of(items) {
                "string" if items.get("enum").is_some() => ("many", options(items)),
                "string" => ("lines", Vec::new()),
                _ => ("json", Vec::new()),
            }
        }
        "object" => {
            let values = followed(whole, &schema["additionalProperties"]);
            let is_list =
                type_of(values) == "array" && type_of(followed(whole, &values["items"])) == "string";
            if type_of(values) == "string" || is_list { ("pairs", Vec::new()) } else { ("json", Vec::new()) }
        }
        _ => ("json", Vec::new()),
    }
}

/// The fields of a schema.
pub fn fields(frame: &Frame<'_>, schema: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    walk(frame, schema, ("", ""), 0, &mut found);
    found
}

fn walk(
    frame: &Frame<'_>,
    schema: &Value,
    (path, group): (&str, &str),
    depth: usize,
    found: &mut Vec<Field>,
) {
    let schema = followed(frame.whole, schema);
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let members: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
    for (name, member) in members {
        if depth == 0 && matches!(name.as_str(), "kind" | "apiVersion" | "status" | "_links") {
            continue;
        }
        let what = followed(frame.whole, member);
        let help = [member, what].into_iter().find_map(|one| one["description"].as_str()).unwrap_or_default();
        if member["readOnly"] == true || help.starts_with("Set by the server") {
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let is_map = what.get("properties").is_none();
        if name == "tags" && !frame.tags.is_empty() {
            found.extend(tag_fields(&path, frame.tags, frame.is_change));
        } else if what["properties"].get("plaintext").is_some() {
            found.push(Field {
                path: format!("{path}.plaintext"),
                label: words(name),
                help: help.to_owned(),
                kind: "secret",
                options: Vec::new(),
                is_required: false,
                is_fixed: false,
                group: group.to_owned(),
            });
        } else if type_of(what) == "object" && !is_map && depth < DEEP {
            let group = if depth == 0 { String::new() } else { words(name) };
            walk(frame, what, (&path, &group), depth + 1, found);
        } else {
            let (kind, options) = kind_of(name, frame.whole, what);
            let is_name = matches!(path.as_str(), "metadata.name" | "metadata.ownedByWorkspace");
            found.push(Field {
                label: words(name),
                help: help.to_owned(),
                kind,
                options,
                is_required: required.iter().any(|one| one == name) && kind != "flag",
                is_fixed: frame.is_change && is_name,
                group: group.to_owned(),
                path,
            });
        }
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// What stands in the fields of an object.
pub fn filled(fields: &[Field], object: &Value) -> Form {
    let mut values: Vec<(String, String)> = Vec::new();
    for field in fields {
        let Some(value) = object.pointer(&pointer(&field.path)).filter(|value| !value.is_null()) else {
            continue;
        };
        let texts = |value: &Value| -> Vec<String> {
            let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
            all.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
        };
        let text = match field.kind {
            "secret" => continue,
            "many" | "some" => {
                values.extend(texts(value).into_iter().map(|one| (field.path.clone(), one)));
                continue;
            }
            "lines" => texts(value).join("\n"),
            "one" | "word" => texts(value).into_iter().next().unwrap_or_default(),
            "pairs" => {
                let members = value.as_object().into_iter().flatten();
                let lines: Vec<String> = members
                    .map(|(name, value)| match value {
                        Value::String(text) => format!("{name}: {text}"),
                        other => format!("{name}: {}", texts(other).join(", ")),
                    })
                    .collect();
                lines.join("\n")
            }
            "json" => serde_json::to_string_pretty(value).unwrap_or_default(),
            _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        values.push((field.path.clone(), text));
    }
    Form::filled(values)
}

/// Sets a member, and the objects around it; nothing takes it away.
fn set(body: &mut Value, path: &str, value: Option<Value>) {
    let mut here = body;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        if !here.is_object() {
            if value.is_none() {
                return;
            }
            *here = json!({});
        }
        let Value::Object(members) = here else { return };
        if names.peek().is_none() {
            match value {
                Some(value) => {
                    members.insert(name.to_owned(), value);
                }
                None => {
                    members.shift_remove(name);
                }
            }
            return;
        }
        if value.is_none() && !members.contains_key(name) {
            return;
        }
        here = members.entry(name.to_owned()).or_insert_with(|| json!({}));
    }
}

/// Puts what the form says into the body.
pub fn said(fields: &[Field], form: &Fields, body: &mut Value) -> Result<(), Problem> {
    for field in fields.iter().filter(|field| !field.is_fixed) {
        let text = form.get(&field.path);
        let list = |items: Vec<String>| Some(json!(items)).filter(|_| !items.is_empty());
        let wrong = |message| Problem::invalid(&field.path, message);
        let value = match field.kind {
            "flag" => Some(json!(form.is_on(&field.path))),
            // An empty field keeps the secret that is there.
            "secret" if text.is_empty() => continue,
            "many" => Some(json!(
                form.all(&field.path).into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>()
            )),
            "some" => list(
                form.all(&field.path).into_iter().filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            ),
            "one" | "word" => {
                list(Some(text.to_owned()).filter(|text| !text.is_empty()).into_iter().collect())
            }
            "lines" => {
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                Some(json!(lines)).filter(|_| !lines.is_empty() || field.is_required)
            }
            "pairs" => {
                let before = body.pointer(&pointer(&field.path));
                let is_list = before.is_none_or(|before| {
                    before.as_object().is_none_or(|before| before.values().all(Value::is_array))
                });
                let mut map = Map::new();
                for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                    let (name, value) = line
                        .split_once(':')
                        .ok_or_else(|| wrong(tr("has one `name: value` on each line")))?;
                    let values: Vec<&str> = value.split(',').map(str::trim).collect();
                    map.insert(
                        name.trim().to_owned(),
                        if is_list { json!(values) } else { json!(value.trim()) },
                    );
                }
                Some(Value::Object(map))
            }
            _ if text.is_empty() => None,
            "whole" => Some(json!(text.parse::<i64>().map_err(|_| wrong(tr("must be a whole number")))?)),
            "number" => Some(
                serde_json::from_str::<serde_json::Number>(text)
                    .map(Value::Number)
                    .map_err(|_| wrong(tr("must be a number")))?,
            ),
            "json" => Some(serde_json::from_str(text).map_err(|_| wrong(tr("must be JSON")))?),
            _ => Some(json!(text)),
        };
        set(body, &field.path, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Value {
        json!({ "components": { "schemas": { "Spec": {
            "type": "object", "required": ["displayName"], "properties": {
                "displayName": { "type": "string", "description": "For people." },
                "size": { "type": "integer" },
                "on": { "type": "boolean" },
                "look": { "type": "string", "enum": ["A", "B"] },
                "names": { "type": "array", "items": { "type": "string" } },
                "key": { "type": "object", "properties": { "plaintext": { "type": "string" } } },
                "createdOn": { "type": "string", "description": "Set by the server." },
                "tags": { "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } } },
            },
        } } } })
    }

    #[test]
    fn a_schema_becomes_fields_and_fields_become_a_body() {
        let whole = whole();
        let tag = json!({ "spec": { "key": "stage", "displayName": "Stage", "valueType": { "singleSelect": { "options": ["dev"] } } } });
        let frame = Frame { whole: &whole, tags: &[tag], is_change: false };
        let schema =
            json!({ "type": "object", "properties": { "spec": { "$ref": "#/components/schemas/Spec" } } });
        let fields = fields(&frame, &schema);
        let kinds: Vec<(&str, &str)> = fields.iter().map(|field| (field.path.as_str(), field.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("spec.displayName", "text"),
                ("spec.size", "whole"),
                ("spec.on", "flag"),
                ("spec.look", "choice"),
                ("spec.names", "lines"),
                ("spec.key.plaintext", "secret"),
                ("spec.tags.stage", "one"),
            ]
        );
        let form =
            Fields::parse(b"spec.displayName=X&spec.size=3&spec.on=on&spec.names=a%0Ab&spec.tags.stage=dev");
        let mut body = json!({ "spec": { "look": "A", "key": { "hash": "h" } } });
        said(&fields, &form, &mut body).unwrap();
        assert_eq!(
            body,
            json!({ "spec": { "displayName": "X", "size": 3, "on": true, "names": ["a", "b"],
                "key": { "hash": "h" }, "tags": { "stage": ["dev"] } } })
        );
        let again = filled(&fields, &body);
        assert_eq!((again.value("spec.names"), again.value("spec.tags.stage")), ("a\nb", "dev"));
        let bad = Fields::parse(b"spec.displayName=X&spec.size=many");
        assert_eq!(said(&fields, &bad, &mut body).unwrap_err().remarks, ["spec.size"]);
    }
}
