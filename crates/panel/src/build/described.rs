//! Forms out of the schemas that the API gives of itself: each member of an object becomes a field, so what a platform
//! is configured by needs no form of its own.

use super::text;
use super::view::{Field, Kind, Sheet};
use crate::ctx::Ctx;
use crate::form::Fields;
use crate::problem::Problem;
use crate::text::tr;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

static SCHEMAS: OnceLock<Value> = OnceLock::new();

/// A schema of the API's description, by name.
pub async fn schema(ctx: &Ctx, name: &str) -> Result<Value, Problem> {
    if let Some(known) = SCHEMAS.get() {
        return Ok(known[name].clone());
    }
    let whole = ctx.api.get("/api/openapi.json").await?;
    Ok(SCHEMAS.get_or_init(|| whole["components"]["schemas"].clone())[name].clone())
}

fn is_secret(schema: &Value) -> bool {
    schema["properties"]["plaintext"].is_object() && schema["properties"]["hash"].is_object()
}

fn is_named(schema: &Value) -> bool {
    let members = schema["properties"].as_object();
    members.is_some_and(|members| {
        members.len() == 2 && members.contains_key("kind") && members.contains_key("name")
    })
}

/// The name of a member as words: `baseUrl` is "Base url".
fn words(name: &str) -> String {
    let mut said = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            said.push(' ');
            said.push(c.to_ascii_lowercase());
        } else if said.is_empty() {
            said.extend(c.to_uppercase());
        } else {
            said.push(c);
        }
    }
    said
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name))
}

/// Adds fields for the members of an object at `at`. A member is required only where all around it is.
pub fn add(mut sheet: Sheet, at: &str, schema: &Value, stored: &Value, is_firm: bool) -> Sheet {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{at}.{name}");
        let firm = is_firm && is_required(schema, name);
        let label = words(name);
        let about = text(&member["description"]);
        let field = if is_secret(member) {
            let is_kept = stored[name].is_object();
            let help = if is_kept {
                format!("{about} {}", tr("One is stored; leave this empty to keep it."))
            } else {
                about
            };
            let field = Field::new(Kind::SecretLines, path, &label).help(help);
            if firm && !is_kept { field.required() } else { field }
        } else if is_named(member) || member["type"] == "string" && member["enum"].is_null() {
            let field = Field::new(Kind::Text, path, &label).help(about);
            if firm { field.required() } else { field }
        } else if let Some(options) = member["enum"].as_array() {
            let mut choices: Vec<(String, String)> =
                options.iter().map(|option| (text(option), text(option))).collect();
            if !firm {
                choices.insert(0, (String::new(), tr("none").to_owned()));
            }
            Field::new(Kind::Choice, path, &label).help(about).options(choices)
        } else if member["type"] == "boolean" {
            Field::new(Kind::Switch, path, &label).help(about)
        } else if member["type"] == "integer" {
            Field::new(Kind::Number, path, &label).help(about)
        } else if member["type"] == "array" && member["items"]["type"] == "string" {
            Field::new(Kind::Lines(3), path, &label).help(format!("{about} {}", tr("One a line.")))
        } else if member["type"] == "array" {
            let members: Vec<&str> = member["items"]["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            let help = format!("{about} {} {}", tr("JSON: a list of objects with"), members.join(", "));
            Field::new(Kind::Lines(6), path, &label).help(help)
        } else {
            sheet = sheet.heading(&label, &about);
            sheet = add(sheet, &path, member, &stored[name], firm);
            continue;
        };
        sheet = sheet.field(field);
    }
    sheet
}

/// What stands in the fields.
pub fn values(at: &str, schema: &Value, stored: &Value) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{at}.{name}");
        let value = &stored[name];
        if is_secret(member) || value.is_null() {
            continue;
        }
        match value {
            Value::String(text) => pairs.push((path, text.clone())),
            Value::Bool(is_on) => pairs.push((path, if *is_on { "on".into() } else { String::new() })),
            Value::Number(number) => pairs.push((path, number.to_string())),
            Value::Array(items) if member["items"]["type"] == "string" => {
                pairs.push((path, items.iter().map(text).collect::<Vec<_>>().join("\n")));
            }
            Value::Array(_) => pairs.push((path, serde_json::to_string_pretty(value).unwrap_or_default())),
            Value::Object(_) if is_named(member) => pairs.push((path, text(&value["name"]))),
            _ => pairs.extend(values(&path, member, value)),
        }
    }
    pairs
}

/// The object that a form says; none when nothing of it is filled in. `stored` keeps secrets that were left empty.
pub fn read(at: &str, schema: &Value, fields: &Fields, stored: &Value) -> Result<Option<Value>, Problem> {
    let mut whole = Map::new();
    let mut is_said = false;
    let mut flags = Vec::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{at}.{name}");
        let said = fields.get(&path);
        let value = if is_secret(member) {
            match (fields.raw(&path), &stored[name]) {
                ("", kept) if kept.is_object() => Some(kept.clone()),
                ("", _) => None,
                (secret, _) => Some(json!({ "plaintext": secret.replace("\r\n", "\n").trim_end() })),
            }
        } else if is_named(member) {
            Some(json!({ "name": said })).filter(|_| !said.is_empty())
        } else if member["type"] == "boolean" {
            flags.push((name.clone(), json!(fields.is_on(&path))));
            is_said |= fields.is_on(&path);
            continue;
        } else if said.is_empty() && member["type"] != "object" {
            None
        } else {
            match member["type"].as_str() {
                Some("integer") => {
                    let number = said.parse::<i64>();
                    Some(json!(
                        number.map_err(|_| Problem::invalid(&path, tr("This has to be a whole number.")))?
                    ))
                }
                Some("array") if member["items"]["type"] == "string" => Some(json!(
                    said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>()
                )),
                Some("array") => {
                    let list: Value = serde_json::from_str(said)
                        .map_err(|_| Problem::invalid(&path, tr("This has to be a list in JSON.")))?;
                    Some(list)
                }
                Some("object") => read(&path, member, fields, &stored[name])?,
                _ => Some(json!(said)),
            }
        };
        if let Some(value) = value {
            // A type alone chooses nothing.
            is_said |= name != "type";
            whole.insert(name.clone(), value);
        } else if member["type"] == "array" && is_required(schema, name) {
            whole.insert(name.clone(), json!([]));
        }
    }
    if !is_said {
        return Ok(None);
    }
    whole.extend(flags);
    Ok(Some(Value::Object(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Value {
        json!({
            "required": ["baseUrl"],
            "properties": {
                "baseUrl": { "type": "string" },
                "disableSslValidation": { "type": "boolean" },
                "replication": { "type": "object", "properties": {
                    "token": { "type": "object", "properties": { "plaintext": {}, "hash": {} } },
                    "days": { "type": "integer" },
                } },
            },
        })
    }

    #[test]
    fn a_form_says_what_the_schema_wants() {
        let fields = Fields::parse(b"c.baseUrl=https://x&c.replication.days=7&c.replication.token=");
        let stored = json!({ "replication": { "token": { "hash": "h" } } });
        let read = read("c", &example(), &fields, &stored).unwrap().unwrap();
        assert_eq!(
            read,
            json!({ "baseUrl": "https://x", "disableSslValidation": false, "replication": { "token": { "hash": "h" }, "days": 7 } })
        );
        let shown = values("c", &example(), &read);
        assert!(!shown.iter().any(|(path, _)| path.contains("token")), "{shown:?}");
    }

    #[test]
    fn what_nobody_fills_in_is_left_out() {
        let read = read("c", &example(), &Fields::parse(b"c.baseUrl=x"), &Value::Null).unwrap().unwrap();
        assert_eq!(read["replication"], Value::Null);
    }

    #[test]
    fn names_are_said_as_words() {
        assert_eq!(words("baseUrl"), "Base url");
    }
}
