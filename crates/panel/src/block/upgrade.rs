//! Moving a block to a newer version: what differs, and what the newer one asks for in addition.

use super::Block;
use super::inputs::refused;
use crate::api::{segment, text_at};
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::input::{self, Fieldset, Input};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::Value;

/// One difference between two versions.
#[derive(Debug, PartialEq)]
struct Difference {
    is_input: bool,
    label: String,
    what: String,
}

#[derive(Template)]
#[template(path = "block/upgrade.html")]
struct UpgradePage {
    shell: Shell,
    from: u64,
    to: u64,
    differences: Vec<Difference>,
    missing: Vec<Input>,
    set: Fieldset,
    form: Form,
    may_change: bool,
    is_at_rest: bool,
}

#[derive(Template)]
#[template(path = "block/newest.html")]
struct NewestPage {
    shell: Shell,
}

/// What differs between two versions, by inputs and outputs.
fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    for (part, is_input) in [("inputs", true), ("outputs", false)] {
        let of = |version: &Value| version["spec"][part].as_object().cloned().unwrap_or_default();
        let (before, after) = (of(old), of(new));
        let label = |key: &str, entry: &Value| entry["displayName"].as_str().unwrap_or(key).to_owned();
        let mut add = |label, what: String| found.push(Difference { is_input, label, what });
        for (key, entry) in &after {
            match before.get(key) {
                None => add(label(key, entry), tr("new").into()),
                Some(was) => {
                    let names = [
                        "displayName",
                        "type",
                        "assignmentType",
                        "defaultValue",
                        "selectableValues",
                        "valueValidationRegex",
                    ];
                    let changed: Vec<&str> =
                        names.into_iter().filter(|name| was[*name] != entry[*name]).collect();
                    if !changed.is_empty() {
                        add(label(key, entry), fill(tr("changed: {0}"), &[&changed.join(", ")]));
                    }
                }
            }
        }
        for (key, entry) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
            add(label(key, entry), tr("gone").into());
        }
    }
    found
}

/// Inputs of the newer version that have no value yet.
fn missing(block: &Block, newer: &Value) -> Vec<Input> {
    let given = &block.wire["spec"]["inputs"];
    let has = |input: &Input| {
        let row = &given[&input.key];
        !row["value"].is_null() && text_at(row, "/valueType") == input.kind
    };
    Input::asked(newer).into_iter().filter(|input| !has(input)).collect()
}

async fn newer(ctx: &Ctx, block: &Block) -> Result<Option<Value>, Problem> {
    let Some((_, uuid)) = block.newer() else { return Ok(None) };
    let path = format!("/api/meshobjects/meshbuildingblockdefinitionversions/{}", segment(uuid));
    ctx.api.get(&path).await.map(Some)
}

fn page(ctx: &Ctx, block: &Block, newer: &Value, form: Form) -> Answer {
    let is_fine = form.errors.is_empty() && form.problem.is_none();
    let missing = missing(block, newer);
    let page = UpgradePage {
        shell: block.shell(ctx),
        from: block.version_number(),
        to: newer["spec"]["versionNumber"].as_u64().unwrap_or_default(),
        differences: differences(&block.version, newer),
        set: Fieldset::of(missing.clone()),
        missing,
        form,
        may_change: block.may_change(ctx),
        is_at_rest: block.is_at_rest(),
    };
    ctx.page_as(if is_fine { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, &page)
}

/// What an upgrade would bring.
pub async fn show(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let Some(newer) = newer(&ctx, &block).await? else {
        return ctx.page(&NewestPage { shell: block.shell(&ctx) });
    };
    let values = missing(&block, &newer).into_iter().flat_map(|input| input.shown(&input.default));
    page(&ctx, &block, &newer, Form::filled(values.collect::<Vec<_>>()))
}

/// Upgrades it; that starts a run.
pub async fn send(Path((_, uuid)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let Some(newer) = newer(&ctx, &block).await? else {
        return ctx.failed(&block.path(&ctx, ""), tr("It has the newest version already."));
    };
    let inputs = missing(&block, &newer);
    let (values, wrong) = input::read(&inputs, &fields);
    if !wrong.is_empty() {
        return page(
            &ctx,
            &block,
            &newer,
            Form { fields, errors: wrong.into_iter().collect(), problem: None },
        );
    }
    let mut body = block.unchanged();
    body["spec"]["buildingBlockDefinitionVersionRef"]["uuid"] = newer["metadata"]["uuid"].clone();
    body["spec"]["inputs"] = input::supplied(&inputs, &values);
    match ctx.api.put(&block.api_path(), &body).await {
        Ok(_) => ctx.done(&block.path(&ctx, ""), tr("The upgrade is under way.")),
        Err(problem) if problem.is_about_input() => page(&ctx, &block, &newer, refused(fields, problem)),
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_compared() {
        let version = |inputs: Value| json!({ "spec": { "inputs": inputs, "outputs": {} } });
        let old =
            version(json!({ "a": { "displayName": "A", "type": "STRING" }, "b": { "displayName": "B" } }));
        let new =
            version(json!({ "a": { "displayName": "A", "type": "CODE" }, "c": { "displayName": "C" } }));
        let told =
            |label: &str, what: &str| Difference { is_input: true, label: label.into(), what: what.into() };
        assert_eq!(
            differences(&old, &new),
            [told("A", "changed: type"), told("C", "new"), told("B", "gone")]
        );
        assert_eq!(differences(&old, &old), []);
    }
}
