//! Tags as fields of a form: what the definitions of a kind say (domain-organization.md §12). A form includes
//! `parts/tags.html`, which wants `tags`.

use crate::api::said;
use crate::ctx::Ctx;
use crate::form::{Fields, Form};
use crate::problem::Problem;
use crate::text::tr;
use serde_json::{Map, Value, json};

/// One tag.
#[derive(Clone, Debug, Default)]
pub struct TagField {
    /// Its key.
    pub key: String,
    /// For people.
    pub label: String,
    /// What it is for.
    pub help: String,
    /// The member of `valueType`: `string`, `email`, `integer`, `number`, `singleSelect`, `multiSelect`.
    pub kind: String,
    /// What may be chosen.
    pub options: Vec<String>,
    /// What is set.
    pub values: Vec<String>,
    /// Whether it needs a value.
    pub is_mandatory: bool,
    /// Why it cannot be changed here; empty when it can.
    pub locked: &'static str,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl TagField {
    /// Its name in the form.
    pub fn name(&self) -> String {
        format!("tag.{}", self.key)
    }

    /// Whether a value is set.
    pub fn has(&self, value: &str) -> bool {
        self.values.iter().any(|set| set == value)
    }

    /// `is-invalid` for one with a message.
    pub fn class(&self) -> &'static str {
        if self.error.is_some() { "is-invalid" } else { "" }
    }

    /// What is set, as inputs show it: one empty one where nothing is.
    pub fn inputs(&self) -> Vec<&str> {
        if self.values.is_empty() { vec![""] } else { self.values.iter().map(String::as_str).collect() }
    }

    /// Type of its input.
    pub fn input_type(&self) -> &'static str {
        match self.kind.as_str() {
            "email" => "email",
            "integer" | "number" => "number",
            _ => "text",
        }
    }

    /// Steps that numbers take.
    pub fn step(&self) -> &'static str {
        if self.kind == "integer" { "1" } else { "any" }
    }
}

fn texts(values: Option<&Value>) -> Vec<String> {
    let values = values.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The fields of a kind's tags, in their order. `stored` is what is set; a form that was sent before wins over it.
/// What only administrators set is left out of new objects.
pub async fn fields(
    ctx: &Ctx,
    target: &str,
    stored: Option<&Value>,
    form: &Form,
) -> Result<Vec<TagField>, Problem> {
    let path = "/api/meshobjects/meshtagdefinitions?size=1000";
    let mut found = ctx.api.list(path).await?.items;
    found.retain(|definition| definition["spec"]["targetKind"] == target);
    found.sort_by_key(|definition| {
        (definition["spec"]["sortOrder"].as_i64().unwrap_or(9999), said(definition, "/spec/displayName"))
    });
    let mut fields = Vec::new();
    for definition in &found {
        let spec = &definition["spec"];
        let key = said(definition, "/spec/key");
        let is_on = |name: &str| spec[name].as_bool().unwrap_or(false);
        if is_on("restricted") && stored.is_none() {
            continue;
        }
        let (kind, about) = spec["valueType"]
            .as_object()
            .and_then(|kinds| kinds.iter().next())
            .map(|(kind, about)| (kind.clone(), about.clone()))
            .unwrap_or_default();
        let before = stored.map(|stored| texts(stored.get(&key))).unwrap_or_default();
        let locked = if is_on("restricted") {
            tr("Only administrators set it.")
        } else if is_on("immutable") && !before.is_empty() {
            tr("It was set once and stays.")
        } else {
            ""
        };
        let name = format!("tag.{key}");
        let was_sent = form.has("tags.key", &key);
        let values = if was_sent && locked.is_empty() {
            form.fields.all(&name).into_iter().filter(|value| !value.is_empty()).map(str::to_owned).collect()
        } else {
            before
        };
        let error = form.problem.as_ref().and_then(|problem| {
            let about = problem.remarks.iter().any(|remark| remark.ends_with(&format!("tags.{key}")));
            // The field is named by its place already.
            about.then(|| {
                problem.message.split_once("` ").map_or(&*problem.message, |(_, rest)| rest).to_owned()
            })
        });
        fields.push(TagField {
            label: said(definition, "/spec/displayName"),
            help: said(definition, "/spec/description"),
            options: texts(about.get("options")),
            is_mandatory: is_on("mandatory"),
            kind,
            values,
            locked,
            error,
            key,
        });
    }
    Ok(fields)
}

/// Tags to be stored: what is stored, under what a form says of those that it showed.
pub fn sent(fields: &Fields, stored: Option<&Value>) -> Value {
    let mut tags: Map<String, Value> = stored.and_then(Value::as_object).cloned().unwrap_or_default();
    for key in fields.all("tags.key") {
        let name = format!("tag.{key}");
        let values: Vec<&str> = fields.all(&name).into_iter().filter(|value| !value.is_empty()).collect();
        if values.is_empty() {
            tags.remove(key);
        } else {
            tags.insert(key.to_owned(), json!(values));
        }
    }
    Value::Object(tags)
}

/// The first mandatory tag that a form leaves empty, as the API would refuse it.
pub fn missing(fields: &[TagField]) -> Option<Problem> {
    let empty =
        fields.iter().find(|tag| tag.is_mandatory && tag.locked.is_empty() && tag.values.is_empty())?;
    Some(Problem::invalid(&format!("tags.{}", empty.key), tr("This tag is mandatory: it needs a value.")))
}

/// Tags as pairs of label and values, for tables.
pub fn shown(tags: &Value) -> Vec<(String, String)> {
    let pairs = tags.as_object().into_iter().flatten();
    pairs.map(|(key, values)| (key.clone(), texts(Some(values)).join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_changes_only_the_tags_it_showed() {
        let stored = json!({ "owner": ["Ada"], "secret": ["x"], "gone": ["y"] });
        let fields = Fields::parse(b"tags.key=owner&tag.owner=Lea&tags.key=gone&tag.gone=&tag.secret=z");
        assert_eq!(sent(&fields, Some(&stored)), json!({ "owner": ["Lea"], "secret": ["x"] }));
    }
}
