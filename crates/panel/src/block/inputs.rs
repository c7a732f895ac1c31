//! What a block was given, and changing it.

use super::Block;
use crate::api::text_at;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::input::{self, Fieldset, Input, source_word};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};

/// An input with its value, to be read.
struct Line {
    label: String,
    help: String,
    value: String,
    is_secret: bool,
    is_code: bool,
}

/// Inputs from one source.
struct Group {
    label: &'static str,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "block/inputs.html")]
struct InputsPage {
    shell: Shell,
    groups: Vec<Group>,
    editable: Vec<Input>,
    set: Fieldset,
    form: Form,
    may_change: bool,
    is_preview: bool,
}

fn value<'b>(block: &'b Block, key: &str) -> &'b Value {
    &block.wire["spec"]["inputs"][key]["value"]
}

/// Inputs that consumers may change now: those that stay open to them, and those that nobody has given yet.
fn editable(block: &Block) -> Vec<Input> {
    let asked = Input::asked(&block.version).into_iter().map(|mut input| {
        input.is_set = !value(block, &input.key).is_null();
        input
    });
    asked.filter(|input| input.is_updateable || !input.is_set).collect()
}

fn groups(block: &Block) -> Vec<Group> {
    let declared = Input::all(&block.version);
    let mut groups: Vec<Group> = Vec::new();
    let given = block.wire["spec"]["inputs"].as_object().into_iter().flatten();
    let mut given: Vec<(usize, &String, &Value)> = given
        .map(|(key, row)| {
            let place = declared.iter().position(|input| input.key == *key).unwrap_or(usize::MAX);
            (place, key, row)
        })
        .collect();
    given.sort_by_key(|(place, key, _)| (*place, (*key).clone()));
    for (place, key, row) in given {
        let mut input = declared.get(place).cloned().unwrap_or_else(|| Input {
            key: key.clone(),
            label: key.clone(),
            kind: text_at(row, "/valueType").to_owned(),
            source: text_at(row, "/assignmentType").to_owned(),
            ..Input::default()
        });
        input.is_sensitive |= row["isSensitive"] == json!(true);
        let label = source_word(&input.source);
        let line = Line {
            value: if input.is_sensitive { String::new() } else { input.line(&row["value"]) },
            is_secret: input.is_sensitive && !row["value"].is_null(),
            is_code: input.widget() == "code",
            label: input.label,
            help: input.help,
        };
        match groups.iter_mut().find(|group| group.label == label) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { label, lines: vec![line] }),
        }
    }
    groups
}

fn page(ctx: &Ctx, block: &Block, form: Form) -> Answer {
    let is_fine = form.errors.is_empty() && form.problem.is_none();
    let may_change = block.may_change(ctx);
    let editable = if may_change { editable(block) } else { Vec::new() };
    let page = InputsPage {
        shell: block.shell(ctx),
        groups: groups(block),
        set: Fieldset { open: editable.clone(), folded: Vec::new() },
        editable,
        form,
        may_change,
        is_preview: block.wire["status"]["isPreview"] == json!(true),
    };
    ctx.page_as(if is_fine { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, &page)
}

/// The values, and a form for those that may be changed.
pub async fn show(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let mut values = vec![("displayName".to_owned(), block.name.clone())];
    for input in editable(&block) {
        let now = value(&block, &input.key);
        values.extend(input.shown(if now.is_null() { &input.default } else { now }));
    }
    page(&ctx, &block, Form::filled(values))
}

/// A refused form, with messages beside the fields that they are about.
pub fn refused(fields: Fields, problem: Problem) -> Form {
    let mut form = Form { fields, ..Form::default() };
    for remark in &problem.remarks {
        let field = if remark == "spec.displayName" {
            Some("displayName".to_owned())
        } else {
            input::field_of(remark)
        };
        if let Some(field) = field {
            form.errors.insert(field, problem.message.clone());
        }
    }
    form.problem = Some(problem);
    form
}

/// Saves the name and what was changed; that starts a run by itself.
pub async fn save(Path((_, uuid)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let inputs = editable(&block);
    let (values, mut wrong) = input::read(&inputs, &fields);
    if fields.get("displayName").is_empty() {
        wrong.push(("displayName".into(), fill(tr("{0} is needed."), &[tr("A name")])));
    }
    if !wrong.is_empty() {
        return page(&ctx, &block, Form { fields, errors: wrong.into_iter().collect(), problem: None });
    }
    let mut body = block.unchanged();
    body["spec"]["displayName"] = json!(fields.get("displayName"));
    body["spec"]["inputs"] = input::supplied(&inputs, &values);
    match ctx.api.put(&block.api_path(), &body).await {
        Ok(now) => {
            let runs = text_at(&now, "/status/status") == "PENDING" && block.status != "PENDING";
            let newest = "/status/latestDryRunUuid";
            let previews =
                !text_at(&now, newest).is_empty() && text_at(&now, newest) != text_at(&block.wire, newest);
            let said = if runs {
                tr("Saved. A run was started.")
            } else if previews {
                tr("Saved. Another preview was started.")
            } else {
                tr("Saved.")
            };
            ctx.done(&block.path(&ctx, if runs || previews { "" } else { "/inputs" }), said)
        }
        Err(problem) if problem.is_about_input() => page(&ctx, &block, refused(fields, problem)),
        Err(problem) => Err(problem),
    }
}
