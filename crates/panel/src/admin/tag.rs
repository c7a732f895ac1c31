//! The editor of tag definitions: every type of values, the flags, and how people will see it
//! (domain-organization.md §12.1).

use super::kinds;
use crate::Pages;
use crate::api::text_at;
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::{Fields, Form};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};

const FIELDS: &[(&str, &str)] = &[
    ("spec.displayName", "displayName"),
    ("spec.description", "description"),
    ("spec.key", "key"),
    ("metadata.name", "key"),
    ("spec.targetKind", "targetKind"),
    ("spec.sortOrder", "sortOrder"),
    ("spec.replicationKey", "replicationKey"),
    ("options", "options"),
    ("defaultValue", "default"),
    ("validationRegex", "pattern"),
    ("spec.valueType", "type"),
];

/// Kinds whose objects have tags.
fn targets() -> [(&'static str, &'static str); 7] {
    [
        ("meshWorkspace", tr("Workspaces")),
        ("meshProject", tr("Projects")),
        ("meshPaymentMethod", tr("Payment methods")),
        ("meshLandingZone", tr("Landing zones")),
        ("meshBuildingBlockDefinition", tr("Building block definitions")),
        ("meshProjectRole", tr("Project roles")),
        ("meshPrincipal", tr("Users and groups")),
    ]
}

fn types() -> [(&'static str, &'static str); 6] {
    [
        ("string", tr("Text")),
        ("email", tr("E-mail address")),
        ("integer", tr("Whole number")),
        ("number", tr("Number")),
        ("singleSelect", tr("One of some options")),
        ("multiSelect", tr("Any of some options")),
    ]
}

#[derive(Template)]
#[template(path = "admin/tag.html")]
struct TagPage {
    shell: Shell,
    form: Form,
    is_change: bool,
    cancel: String,
    targets: [(&'static str, &'static str); 7],
    types: [(&'static str, &'static str); 6],
    preview: Preview,
}

/// How people will see the field.
#[derive(Template)]
#[template(path = "admin/tag_preview.html")]
struct Preview {
    label: String,
    help: String,
    kind: String,
    options: Vec<String>,
    default: Vec<String>,
    is_mandatory: bool,
    is_restricted: bool,
}

impl Preview {
    fn of(fields: &Fields) -> Self {
        let label = fields.get("displayName");
        let default = fields.get("default");
        Self {
            label: if label.is_empty() { fields.get("key") } else { label }.to_owned(),
            help: fields.get("description").to_owned(),
            kind: fields.get("type").to_owned(),
            options: lines(fields.get("options")),
            default: if fields.get("type") == "multiSelect" {
                default.split(',').map(|one| one.trim().to_owned()).collect()
            } else {
                vec![default.to_owned()]
            },
            is_mandatory: fields.is_on("mandatory"),
            is_restricted: fields.is_on("restricted"),
        }
    }

    fn first(&self) -> &str {
        self.default.first().map_or("", String::as_str)
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn page(ctx: &Ctx, form: Form, id: Option<&str>) -> TagPage {
    let kind = kinds::tags();
    let shell = ctx.shell(id.map_or(kind.new, |_| tr("Change"))).crumb(kind.title, kind.path);
    let (shell, cancel) = match id {
        Some(id) => (shell.crumb(id, kind.page_of(id)).about(id, ""), kind.page_of(id)),
        None => (shell, kind.path.to_owned()),
    };
    let preview = Preview::of(&form.fields);
    TagPage { shell, preview, form, is_change: id.is_some(), cancel, targets: targets(), types: types() }
}

async fn new(ctx: Ctx) -> Answer {
    let target = ctx.query("targetKind").unwrap_or("meshProject").to_owned();
    let form = Form::filled([("targetKind", target.as_str()), ("type", "string")]);
    ctx.page(&page(&ctx, form, None))
}

/// What the form says, as the API takes it.
fn body(fields: &Fields) -> Result<Value, Problem> {
    let (target, key, kind) = (fields.get("targetKind"), fields.get("key"), fields.get("type"));
    let mut value = json!({});
    let default = fields.some("default");
    match kind {
        "singleSelect" | "multiSelect" => {
            value["options"] = json!(lines(fields.get("options")));
            if let Some(default) = default {
                let all: Vec<&str> = default.split(',').map(str::trim).collect();
                value["defaultValue"] = if kind == "multiSelect" { json!(all) } else { json!(default) };
            }
        }
        "integer" | "number" => {
            if let Some(default) = default {
                let number = serde_json::from_str::<serde_json::Number>(default);
                value["defaultValue"] =
                    Value::Number(number.map_err(|_| Problem::invalid("default", tr("must be a number")))?);
            }
        }
        _ => {
            if let Some(default) = default {
                value["defaultValue"] = json!(default);
            }
            if let Some(pattern) = fields.some("pattern") {
                value["validationRegex"] = json!(pattern);
            }
        }
    }
    let mut spec = json!({
        "targetKind": target,
        "key": key,
        "displayName": fields.get("displayName"),
        "description": fields.get("description"),
        "valueType": { kind: value },
        "mandatory": fields.is_on("mandatory"),
        "restricted": fields.is_on("restricted"),
        "immutable": fields.is_on("immutable"),
    });
    if let Some(replicated) = fields.some("replicationKey") {
        spec["replicationKey"] = json!(replicated);
    }
    if let Some(order) = fields.some("sortOrder") {
        let order = order.parse::<i64>();
        spec["sortOrder"] =
            json!(order.map_err(|_| Problem::invalid("sortOrder", tr("must be a whole number")))?);
    }
    Ok(json!({
        "kind": "meshTagDefinition",
        "metadata": { "name": format!("{target}.{key}") },
        "spec": spec,
    }))
}

fn refused(ctx: &Ctx, fields: Fields, problem: Problem, id: Option<&str>) -> Answer {
    let form = again(fields, problem, FIELDS)?;
    ctx.page_as(StatusCode::UNPROCESSABLE_ENTITY, &page(ctx, form, id))
}

async fn create(Post { ctx, fields }: Post) -> Answer {
    let kind = kinds::tags();
    let made = match body(&fields) {
        Ok(body) => ctx.api.post(&kind.api(), &body).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(made) => {
            let said = fill(tr("The tag {0} is there."), &[fields.get("displayName")]);
            ctx.done(&kind.page_of(&kind.id_of(&made)), said)
        }
        Err(problem) => refused(&ctx, fields, problem, None),
    }
}

/// A definition as the form has it.
fn filled(tag: &Value) -> Form {
    let spec = &tag["spec"];
    let text = |name: &str| text_at(spec, &format!("/{name}")).to_owned();
    let (kind, value) = spec["valueType"]
        .as_object()
        .and_then(|types| types.iter().find(|(_, value)| !value.is_null()))
        .map_or(("string", &Value::Null), |(kind, value)| (kind.as_str(), value));
    let said = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let options = value["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let options: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
    let flag = |name: &str| if spec[name] == true { "on".to_owned() } else { String::new() };
    Form::filled([
        ("targetKind", text("targetKind")),
        ("key", text("key")),
        ("displayName", text("displayName")),
        ("description", text("description")),
        ("type", kind.to_owned()),
        ("options", options.join("\n")),
        ("default", said(&value["defaultValue"])),
        ("pattern", said(&value["validationRegex"])),
        ("replicationKey", text("replicationKey")),
        ("sortOrder", said(&spec["sortOrder"])),
        ("mandatory", flag("mandatory")),
        ("restricted", flag("restricted")),
        ("immutable", flag("immutable")),
    ])
}

async fn edit(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let tag = ctx.api.get(&kinds::tags().api_of(&id)).await?;
    ctx.page(&page(&ctx, filled(&tag), Some(&id)))
}

async fn change(Path(id): Path<String>, Post { ctx, mut fields }: Post) -> Answer {
    let kind = kinds::tags();
    let before = filled(&ctx.api.get(&kind.api_of(&id)).await?);
    // These never change; the form shows them without sending them.
    for name in ["targetKind", "key", "type"] {
        fields.set(name, before.value(name));
    }
    let done = match body(&fields) {
        Ok(body) => ctx.api.put(&kind.api_of(&id), &body).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(_) => ctx.done(&kind.page_of(&id), fill(tr("{0} is saved."), &[fields.get("displayName")])),
        Err(problem) => refused(&ctx, fields, problem, Some(&id)),
    }
}

async fn preview(Post { ctx, fields }: Post) -> Answer {
    ctx.page(&Preview::of(&fields))
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/admin/tags/new", get(new).post(create))
        .route("/admin/tags/preview", post(preview))
        .route("/admin/tags/{id}/edit", get(edit).post(change))
}
