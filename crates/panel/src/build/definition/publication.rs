//! The tab Publication: release, review, history.

use super::super::view::{Button, Cell, Field, Grid, Kind, Note, Page, Sheet};
use super::super::{Named, again, text};
use super::{Editor, VERSIONS};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::text::{fill, tr};
use serde_json::{Value, json};

/// Rounds of reviews, newest first.
pub fn history(version: &Value) -> Grid {
    let mut steps = version["status"]["reviews"].as_array().cloned().unwrap_or_default();
    steps.reverse();
    Grid::new(&[tr("Step"), tr("Who"), tr("When"), tr("Comment")])
        .titled(tr("History"), "")
        .rows(steps.iter().map(|step| {
            vec![
                Cell::State(text(&step["state"])),
                Cell::text(text(&step["by"])),
                Cell::Ago(text(&step["at"])),
                Cell::text(text(&step["comment"])),
            ]
        }))
        .empty(tr("Nobody has been asked yet"), tr("Steps of reviews stand here with their comments."))
}

fn page(ctx: &Ctx, editor: &Editor, form: Form) -> Page {
    let shell = editor.shell(ctx, tr("Publication"));
    let status = &editor.definition["status"];
    let number = editor.number().to_string();
    let is_released = !status["latestReleasedVersionUuid"].is_null();
    let state = super::versions::state_of(&editor.version);
    let spec = &editor.version["spec"];
    let mut page = Page::new(shell.clone());
    page = match state.as_str() {
        "IN_REVIEW" => page.with(
            Note::warn(&fill(tr("Version {0} waits for a review"), &[&number]), tr("An administrator decides on the first release of a definition. Later versions go live when they are released."))
                .button(editor.may(ctx), editor.at("/publication"), &shell.csrf, Button::new(tr("Take it back"), "withdraw")),
        ),
        "RELEASED" => page.with(Note::good(
            &fill(tr("Version {0} is in the marketplace"), &[&number]),
            tr("Every workspace can order it. Draft a new version to change it."),
        )),
        _ => page,
    };
    if state == "REJECTED" {
        let last = editor.version["status"]["reviews"]
            .as_array()
            .and_then(|steps| steps.last())
            .cloned()
            .unwrap_or_default();
        page = page.with(Note::bad(tr("The review said no"), text(&last["comment"])));
    }
    if spec["state"] == "DRAFT" && state != "IN_REVIEW" {
        let described = editor.definition["spec"]["readme"].is_string();
        let tried = editor.version["status"]["usageCount"].as_u64().unwrap_or_default() > 0;
        let filled = |name: &str| spec[name].as_object().is_some_and(|found| !found.is_empty());
        let list = Note::info(
            tr("Before it is released"),
            tr("None of these is enforced, but reviewers look at them."),
        )
        .step(described, tr("It has a readme"), editor.at(""))
        .step(filled("inputs"), tr("It says what has to be filled in"), editor.at("/inputs"))
        .step(filled("outputs"), tr("It says what comes out"), editor.at("/outputs"))
        .step(tried, tr("It was tried in your own workspace"), editor.at("/blocks"));
        let about = if is_released {
            tr("It goes live at once. Blocks on older versions stay on theirs until they are upgraded.")
        } else {
            tr(
                "The first release of a definition is submitted to the administrators; afterwards the version never changes.",
            )
        };
        let label = if is_released { tr("Release") } else { tr("Release and submit for publishing") };
        let sheet = Sheet::new(&shell, editor.at("/publication"), form)
            .titled(&fill(tr("Release version {0}"), &[&number]), about)
            .field(Field::new(Kind::Switch, "sure", tr("It is complete: a released version never changes")))
            .submit(Button::primary(label, "release"))
            .locked(!editor.may(ctx))
            .unguarded();
        page = page.with(list).with(sheet);
    }
    page.with(history(&editor.version))
}

/// The tab.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    page(&ctx, &editor, Form::default()).shown(&ctx)
}

/// Releases, or takes a request back.
pub async fn act(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let withdraws = fields.get("do") == "withdraw";
    let outcome = if withdraws {
        let uuid = text(&editor.version["metadata"]["uuid"]);
        ctx.api.post(&format!("{VERSIONS}/{}/withdraw", segment(&uuid)), &json!({})).await
    } else if fields.is_on("sure") {
        editor.save(&ctx, |spec| spec["state"] = json!("RELEASED")).await
    } else {
        Err(crate::problem::Problem::invalid("sure", tr("Say that it is complete.")))
    };
    let number = editor.number().to_string();
    match outcome {
        Ok(_) if withdraws => ctx.done(
            &editor.at("/publication"),
            tr("The request is taken back; the draft can be changed again."),
        ),
        Ok(done) if done["spec"]["state"] == "RELEASED" => {
            ctx.done(&editor.at("/publication"), fill(tr("Version {0} is released."), &[&number]))
        }
        Ok(_) => ctx.done(
            &editor.at("/publication"),
            fill(tr("Version {0} is submitted. You are told when it is decided."), &[&number]),
        ),
        Err(problem) => page(&ctx, &editor, again(fields, problem, &[])?).refused(&ctx),
    }
}
