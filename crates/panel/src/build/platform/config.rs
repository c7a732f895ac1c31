//! How a platform is reached: its configuration, and tests of it.

use super::super::described;
use super::super::view::{Button, Grid, Note, Page, Sheet};
use super::super::{Named, again, text};
use super::Control;
use super::general::check_row;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::{Value, json};

fn kind_of(control: &Control) -> String {
    text(&control.platform["spec"]["config"]["type"])
}

async fn schema(ctx: &Ctx, kind: &str) -> Result<Value, Problem> {
    Ok(described::schema(ctx, "PlatformConfig").await?["properties"][kind].clone())
}

async fn page(ctx: &Ctx, control: &Control, form: Form) -> Result<Page, Problem> {
    let shell = control.shell(ctx, tr("Configuration"));
    let kind = kind_of(control);
    let stored = &control.platform["spec"]["config"][&kind];
    let page = Page::new(shell.clone());
    let page = if kind == "custom" {
        page.with(Note::info(
            tr("Building blocks make its tenants"),
            tr("Addresses and credentials live in the inputs of the definition that makes the tenants, not here. Name it in a landing zone as a block that comes with each tenant."),
        ))
    } else {
        page.with(Note::warn(
            tr("This version of Stoa has no replicator for this type"),
            tr("The configuration is kept and checked, and tools can read it. Tenants are made by building blocks of landing zones, or are given their ids by hand."),
        ))
    };
    let sheet = Sheet::new(&shell, control.at("/config"), form)
        .titled(
            &fill(tr("Configuration: {0}"), &[&kind]),
            tr("Parts that are left empty are left out. Stored secrets are never shown."),
        )
        .hidden("seen", control.seen())
        .locked(!control.may(ctx))
        .submit(Button::primary(tr("Save"), "save"));
    let sheet = described::add(sheet, "config", &schema(ctx, &kind).await?, stored, true);
    Ok(page.with(sheet))
}

/// The tab.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let kind = kind_of(&control);
    let stored = &control.platform["spec"]["config"][&kind];
    let form = Form::filled(described::values("config", &schema(&ctx, &kind).await?, stored));
    page(&ctx, &control, form).await?.shown(&ctx)
}

/// Saves it.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let kind = kind_of(&control);
    let stored = &control.platform["spec"]["config"][&kind];
    let schema = schema(&ctx, &kind).await?;
    let outcome = match described::read("config", &schema, &fields, stored) {
        Ok(read) => {
            let config = json!({ "type": kind, &kind: read.unwrap_or_else(|| json!({})) });
            control.save(&ctx, &fields, |spec| spec["config"] = config).await
        }
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&control.at("/config"), tr("Saved.")),
        Err(mut problem) => {
            // `spec.config.aws.accessRole` is the field `config.accessRole`.
            let inner = format!("spec.config.{kind}.");
            for remark in &mut problem.remarks {
                if let Some(rest) = remark.strip_prefix(&inner) {
                    *remark = format!("config.{rest}");
                }
            }
            page(&ctx, &control, again(fields, problem, &[])?).await?.refused(&ctx)
        }
    }
}

/// The tab with tests of the connection.
pub async fn tests(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let shell = control.shell(&ctx, tr("Test connection"));
    let told = ctx.api.get(&control.operation("connection-tests")).await?;
    let tests = told["tests"].as_array().cloned().unwrap_or_default();
    let mut page = Page::new(shell.clone()).with(
        Note::info(tr("Can tenants come to be?"), tr("Looks at the type, the landing zones, their building blocks, the runner, and whether the address answers."))
            .button(control.may(&ctx), control.at("/test"), &shell.csrf, Button::primary(tr("Test connection"), "test")),
    );
    for test in &tests {
        let title = fill(tr("Test of {0}"), &[&text(&test["at"])]);
        let checks = test["checks"].as_array().cloned().unwrap_or_default();
        page = page.with(
            Grid::new(&[tr("Test"), tr("Result"), tr("What was found"), tr("What to do")])
                .titled(&title, &text(&test["by"]))
                .rows(checks.iter().map(check_row)),
        );
    }
    page.shown(&ctx)
}

/// Tests it now.
pub async fn test(path: Named, Post { ctx, .. }: Post) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let told = ctx.api.post(&control.operation("connection-tests"), &json!({})).await?;
    let back = control.at("/test");
    match told["result"].as_str() {
        Some("FAIL") => ctx.failed(&back, tr("Tenants cannot come to be yet. Below stands what to do.")),
        _ => ctx.done(&back, tr("Tested.")),
    }
}
