//! The publication of a platform: submit, take back, history.

use super::super::view::{Button, Cell, Field, Grid, Kind, Note, Page, Sheet};
use super::super::{Named, again, text};
use super::Control;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::problem::Problem;
use crate::text::tr;
use serde_json::{Value, json};

/// Rounds of a publication, newest first.
pub fn history(told: &Value) -> Grid {
    let mut steps = told["steps"].as_array().cloned().unwrap_or_default();
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

async fn page(ctx: &Ctx, control: &Control, form: Form) -> Result<Page, Problem> {
    let shell = control.shell(ctx, tr("Publication"));
    let may = control.may(ctx);
    let told = ctx.api.get(&control.operation("publication-reviews")).await?;
    let state = text(&control.platform["spec"]["availability"]["publicationState"]);
    let at = control.at("/publication");
    let mut page = Page::new(shell.clone());
    page = match state.as_str() {
        "PUBLISHED" => page.with(
            Note::good(
                tr("It is in the marketplace"),
                tr("Unpublishing leaves tenants that are there alone."),
            )
            .button(may, &at, &shell.csrf, Button::new(tr("Unpublish"), "unpublish")),
        ),
        "REQUESTED" => {
            page.with(Note::warn(tr("It waits for a review"), tr("An administrator decides.")).button(
                may,
                &at,
                &shell.csrf,
                Button::new(tr("Take it back"), "unpublish"),
            ))
        }
        _ => {
            let rejected = (state == "REJECTED").then(|| {
                let last =
                    told["steps"].as_array().and_then(|steps| steps.last()).cloned().unwrap_or_default();
                Note::bad(tr("The review said no"), text(&last["comment"]))
            });
            let sheet = Sheet::new(&shell, &at, form)
                .titled(tr("Submit for publishing"), tr("An administrator looks at it, then every workspace that may use it finds it in the marketplace."))
                .field(Field::new(Kind::Lines(3), "message", tr("For the reviewers")))
                .submit(Button::primary(tr("Submit for publishing"), "submit"))
                .locked(!may)
                .unguarded();
            page.maybe(rejected).with(sheet)
        }
    };
    Ok(page.with(history(&told)))
}

/// The tab.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    page(&ctx, &control, Form::default()).await?.shown(&ctx)
}

/// Submits, or takes back.
pub async fn act(path: Named, Post { ctx, fields }: Post) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let back = control.at("/publication");
    let (outcome, said) = if fields.get("do") == "unpublish" {
        let change = |spec: &mut Value| spec["availability"]["publicationState"] = json!("UNPUBLISHED");
        (control.save(&ctx, &Fields::default(), change).await, tr("It is not published any more."))
    } else {
        let body = json!({ "message": fields.get("message") });
        (ctx.api.post(&control.operation("publication-requests"), &body).await, tr("It is submitted."))
    };
    match outcome {
        Ok(_) => ctx.done(&back, said),
        Err(problem) => page(&ctx, &control, again(fields, problem, &[])?).await?.refused(&ctx),
    }
}
