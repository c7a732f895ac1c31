//! What comes out: the tab Outputs and one output's form.

use super::super::view::{Button, Cell, Field, Go, Grid, Kind, Note, Page, Sheet};
use super::super::{Named, again, named, print, text, unchanged};
use super::Editor;
use super::inputs::{moved, ordered, type_word};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::json;

fn uses() -> [(&'static str, &'static str); 5] {
    [
        ("NONE", tr("Shown on the block")),
        ("PLATFORM_TENANT_ID", tr("The platform's id of the tenant")),
        ("SIGN_IN_URL", tr("Where to sign in to the tenant")),
        ("RESOURCE_URL", tr("Link to what was made")),
        ("SUMMARY", tr("Summary (Markdown)")),
    ]
}

fn types() -> [(&'static str, &'static str); 4] {
    [
        ("STRING", tr("Text")),
        ("INTEGER", tr("Whole number")),
        ("BOOLEAN", tr("Yes or no")),
        ("CODE", tr("Code (JSON, HCL, YAML)")),
    ]
}

const KEY: &str = "key";
const FIELDS: &[(&str, &str)] =
    &[("displayName", "displayName"), ("type", "type"), ("assignmentType", "use")];

/// The tab.
pub async fn list(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let shell = editor.shell(&ctx, tr("Outputs"));
    let mut columns = vec![tr("Output"), tr("Type"), tr("Used for")];
    if editor.is_open {
        columns.push(tr("Order"));
    }
    let word = |kind: &str| {
        uses().iter().find(|(known, _)| *known == kind).map_or(kind, |(_, word)| word).to_owned()
    };
    let outputs = ordered(&editor.version["spec"]["outputs"]);
    let rows = outputs.iter().map(|(key, output)| {
        let mut row = vec![
            Cell::Name(
                text(&output["displayName"]),
                editor.within(&format!("/outputs/{}", segment(key))),
                key.clone(),
            ),
            Cell::text(type_word(&text(&output["type"]))),
            Cell::text(word(output["assignmentType"].as_str().unwrap_or("NONE"))),
        ];
        if editor.is_open {
            let mut buttons = vec![
                Button::icon(&fill(tr("Move {0} up"), &[key]), format!("up:{key}"), "arrow-up"),
                Button::icon(&fill(tr("Move {0} down"), &[key]), format!("down:{key}"), "arrow-down"),
            ];
            if !editor.is_manual() {
                buttons.push(Button::icon(&fill(tr("Remove {0}"), &[key]), format!("remove:{key}"), "trash"));
            }
            row.push(Cell::Buttons(buttons));
        }
        row
    });
    let new = || Go::to(tr("Add output"), editor.at("/outputs/new"), "plus").primary();
    let may_add = editor.is_open && !editor.is_manual();
    let grid = Grid::new(&columns)
        .titled(tr("Outputs"), tr("A run that succeeds has to deliver all of them."))
        .rows(rows)
        .empty(
            tr("Nothing comes out"),
            tr("An output is a value that the automation gives back: an address, an id, a summary."),
        )
        .start(may_add, new())
        .form(editor.at("/outputs"), &shell.csrf, Vec::new());
    let manual = editor
        .is_manual()
        .then(|| Note::info(tr("Outputs mirror the inputs"), tr("Of manual building blocks each input is an output with the same key; what it is used for can be chosen.")));
    Page::new(shell.clone())
        .action(may_add, new())
        .with(editor.standing(&ctx, &shell))
        .maybe(manual)
        .with(grid)
        .shown(&ctx)
}

/// Moves and removes.
pub async fn change(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let back = editor.at("/outputs");
    let (what, key) = fields.get("do").split_once(':').unwrap_or_default();
    let outcome = editor
        .save(&ctx, |spec| match what {
            "up" | "down" => moved(&mut spec["outputs"], key, what == "up"),
            "remove" => {
                if let Some(outputs) = spec["outputs"].as_object_mut() {
                    outputs.remove(key);
                }
            }
            _ => {}
        })
        .await;
    match outcome {
        Ok(_) => ctx.done(&back, tr("The draft is saved.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&back, problem.message),
        Err(problem) => Err(problem),
    }
}

fn page(ctx: &Ctx, editor: &Editor, key: Option<&str>, form: Form) -> Page {
    let stored = key.map(|key| editor.version["spec"]["outputs"][key].clone()).unwrap_or_default();
    let title = if key.is_some() { text(&stored["displayName"]) } else { tr("New output").to_owned() };
    let shell = editor.shell(ctx, &title).crumb(editor.name(), editor.within("/outputs"));
    let is_tenant = editor.definition["spec"]["targetType"] == "TENANT_LEVEL";
    let uses = uses();
    let uses = uses.iter().filter(|(kind, _)| is_tenant || *kind != "PLATFORM_TENANT_ID").copied();
    let mut sheet =
        Sheet::new(&shell, editor.at(&format!("/outputs/{}", key.map_or("new".into(), segment))), form)
            .titled(&title, "")
            .hidden("seen", print(&editor.version["spec"]["outputs"]))
            .locked(!editor.is_open);
    sheet = match key {
        Some(key) => sheet.hidden(KEY, key),
        None => sheet.field(
            Field::text(KEY, tr("Key")).required().help(tr("Name of the output of the module or pipeline.")),
        ),
    };
    sheet = sheet.field(Field::text("displayName", tr("Name")).required());
    if !editor.is_manual() {
        sheet = sheet.field(Field::new(Kind::Choice, "type", tr("Type")).required().options(types()));
    }
    sheet = sheet
        .field(Field::new(Kind::Choice, "use", tr("Used for")).options(uses))
        .submit(Button::primary(tr("Save draft"), "save"))
        .cancel(editor.within("/outputs"));
    Page::new(shell).with(sheet)
}

/// The form of an output, or of a new one.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let key = named(&path, KEY);
    let output = &editor.version["spec"]["outputs"][key];
    if output.is_null() && key == "new" {
        return page(&ctx, &editor, None, Form::filled([("type", "STRING"), ("use", "NONE")])).shown(&ctx);
    }
    if output.is_null() {
        return Err(Problem::not_found(fill(tr("The version has no output {0}."), &[key])));
    }
    let form = Form::filled([
        ("displayName", text(&output["displayName"])),
        ("type", text(&output["type"])),
        ("use", text(&output["assignmentType"])),
    ]);
    page(&ctx, &editor, Some(key), form).shown(&ctx)
}

/// Saves an output into the draft.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let outputs = &editor.version["spec"]["outputs"];
    let is_new = named(&path, KEY) == "new" && outputs["new"].is_null();
    let key = fields.get(KEY).to_owned();
    let checked = if key.is_empty() {
        Err(Problem::invalid(KEY, tr("An output needs a key.")))
    } else if is_new && !outputs[&key].is_null() {
        Err(Problem::invalid(KEY, tr("There is an output with this key already.")))
    } else {
        unchanged(&fields, outputs)
    };
    let outcome = match checked {
        Ok(()) => {
            editor
                .save(&ctx, |spec| {
                    let output = &mut spec["outputs"][&key];
                    output["displayName"] = json!(fields.get("displayName"));
                    if !fields.get("type").is_empty() {
                        output["type"] = json!(fields.get("type"));
                    }
                    output["assignmentType"] = json!(fields.get("use"));
                })
                .await
        }
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&editor.at("/outputs"), fill(tr("{0} is saved in the draft."), &[&key])),
        Err(problem) => {
            let form = again(fields, problem, FIELDS)?;
            page(&ctx, &editor, (!is_new).then_some(key.as_str()), form).refused(&ctx)
        }
    }
}
