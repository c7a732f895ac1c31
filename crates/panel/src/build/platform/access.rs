//! Who may use a platform, and who adds landing zones to it.

use super::super::view::{Button, Field, Kind, Page, Sheet};
use super::super::{Named, again, text, texts, words};
use super::Control;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::text::tr;
use serde_json::{Value, json};

const FIELDS: &[(&str, &str)] = &[
    ("restriction", "restriction"),
    ("availability.restriction", "restriction"),
    ("restrictedToWorkspaces", "workspaces"),
    ("publicationState", "restriction"),
    ("contributingWorkspaces", "contributors"),
];

fn page(ctx: &Ctx, control: &Control, form: Form) -> Page {
    let shell = control.shell(ctx, tr("Who may use it"));
    let sheet = Sheet::new(&shell, control.at("/access"), form)
        .titled(
            tr("Who may use it"),
            tr("Once it is published. Taking a workspace off the list leaves its tenants alone."),
        )
        .hidden("seen", control.seen())
        .locked(!control.may(ctx))
        .field(Field::new(Kind::Choice, "restriction", tr("Offered to")).options([
            ("PRIVATE", tr("The owner only")),
            ("RESTRICTED", tr("Some workspaces")),
            ("PUBLIC", tr("Everybody")),
        ]))
        .field(
            Field::new(Kind::Lines(4), "workspaces", tr("These workspaces"))
                .help(tr("Identifiers, one a line; for some workspaces only.")),
        )
        .heading(
            tr("Contributors"),
            tr("Workspaces that may add landing zones of their own to this platform."),
        )
        .field(
            Field::new(Kind::Lines(3), "contributors", tr("Contributing workspaces"))
                .help(tr("Identifiers, one a line.")),
        )
        .submit(Button::primary(tr("Save"), "save"));
    Page::new(shell).with(sheet)
}

/// The tab.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let spec = &control.platform["spec"];
    let availability = &spec["availability"];
    let form = Form::filled([
        ("restriction", text(&availability["restriction"])),
        ("workspaces", texts(&availability["restrictedToWorkspaces"]).join("\n")),
        ("contributors", texts(&spec["contributingWorkspaces"]).join("\n")),
    ]);
    page(&ctx, &control, form).shown(&ctx)
}

/// Saves it.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let owner = text(&control.platform["metadata"]["ownedByWorkspace"]);
    let change = |spec: &mut Value| {
        let listed = match fields.get("restriction") {
            "PRIVATE" => vec![owner],
            "PUBLIC" => Vec::new(),
            _ => words(fields.get("workspaces")),
        };
        spec["availability"]["restriction"] = json!(fields.get("restriction"));
        spec["availability"]["restrictedToWorkspaces"] = json!(listed);
        spec["contributingWorkspaces"] = json!(words(fields.get("contributors")));
    };
    match control.save(&ctx, &fields, change).await {
        Ok(_) => ctx.done(&control.at("/access"), tr("Saved.")),
        Err(problem) => page(&ctx, &control, again(fields, problem, FIELDS)?).refused(&ctx),
    }
}
