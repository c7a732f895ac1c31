//! Tags of what a platform team offers: one field for each definition of a tag.

use super::view::{Field, Kind};
use super::{text, texts};
use crate::ctx::Ctx;
use crate::form::Fields;
use crate::text::tr;
use serde_json::{Map, Value};

/// Definitions of tags for a kind.
pub async fn defined(ctx: &Ctx, kind: &str) -> Vec<Value> {
    let found = ctx.api.list("/api/meshobjects/meshtagdefinitions?size=1000").await;
    let mut found = found.map(|listed| listed.items).unwrap_or_default();
    found.retain(|definition| definition["spec"]["targetKind"] == kind);
    found.sort_by_key(|definition| definition["spec"]["sortOrder"].as_i64());
    found
}

fn name_of(definition: &Value) -> String {
    format!("tag.{}", text(&definition["spec"]["key"]))
}

/// The fields of a form.
pub fn fields(defined: &[Value]) -> impl Iterator<Item = Field> {
    defined.iter().map(|definition| {
        let spec = &definition["spec"];
        let kinds = &spec["valueType"];
        let label = text(&spec["displayName"]);
        let choices = |kind: &str| {
            let options = texts(&kinds[kind]["options"]);
            options.into_iter().map(|option| (option.clone(), option)).collect::<Vec<_>>()
        };
        let field = if kinds["singleSelect"].is_object() {
            let mut options = vec![(String::new(), tr("none").to_owned())];
            options.extend(choices("singleSelect"));
            Field::new(Kind::Choice, name_of(definition), &label).options(options)
        } else if kinds["multiSelect"].is_object() {
            Field::new(Kind::Several, name_of(definition), &label).options(choices("multiSelect"))
        } else {
            Field::new(Kind::Lines(2), name_of(definition), &label)
        };
        let mut help = text(&spec["description"]);
        if spec["restricted"] == Value::Bool(true) {
            help = format!("{help} {}", tr("Only administrators set it."));
        }
        let field = field.help(help);
        if spec["mandatory"] == Value::Bool(true) { field.required() } else { field }
    })
}

/// What stands in the fields.
pub fn values(tags: &Value) -> Vec<(String, String)> {
    let tags = tags.as_object().cloned().unwrap_or_default();
    let mut pairs = Vec::new();
    for (key, values) in &tags {
        let values = texts(values);
        pairs.push((format!("tag.{key}"), values.join("\n")));
        // Boxes are ticked value by value.
        pairs.extend(values.into_iter().map(|value| (format!("tag.{key}"), value)));
    }
    pairs
}

/// The tags that a form says, over those that it does not know.
pub fn read(fields: &Fields, defined: &[Value], old: &Value) -> Value {
    let mut tags: Map<String, Value> = old.as_object().cloned().unwrap_or_default();
    for definition in defined {
        let key = text(&definition["spec"]["key"]);
        let said = fields.all(&name_of(definition));
        let values: Vec<Value> = said
            .iter()
            .flat_map(|value| value.lines())
            .map(str::trim)
            .filter(|v| !v.is_empty())
            .map(Value::from)
            .collect();
        if values.is_empty() {
            tags.remove(&key);
        } else {
            tags.insert(key, Value::Array(values));
        }
    }
    Value::Object(tags)
}
