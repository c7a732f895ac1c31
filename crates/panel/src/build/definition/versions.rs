//! The tab Versions: all of them, a new draft, a release.

use super::super::view::{Button, Cell, Go, Grid, Note, Page};
use super::super::{Named, named, text};
use super::{Editor, VERSIONS};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::{Value, json};

/// Versions of a definition, newest first.
pub async fn all(ctx: &Ctx, uuid: &str) -> Result<Vec<Value>, Problem> {
    let path = format!("{VERSIONS}?buildingBlockDefinitionUuid={}&size=1000", segment(uuid));
    let mut found = ctx.api.list(&path).await?.items;
    found.sort_by_key(|version| -version["spec"]["versionNumber"].as_i64().unwrap_or_default());
    Ok(found)
}

/// The state that people are told: a review is one.
pub fn state_of(version: &Value) -> String {
    match version["status"]["review"].as_str() {
        Some(review @ ("IN_REVIEW" | "REJECTED")) => review.to_owned(),
        _ => text(&version["spec"]["state"]),
    }
}

/// The tab.
pub async fn list(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let found = all(&ctx, named(&path, "uuid")).await?;
    let shell = editor.shell(&ctx, tr("Versions"));
    let newest = found.first().cloned().unwrap_or_default();
    let is_draft = newest["spec"]["state"] == "DRAFT";
    let numbers: Vec<i64> =
        found.iter().filter_map(|version| version["spec"]["versionNumber"].as_i64()).collect();
    let rows = found.iter().map(|version| {
        let number = version["spec"]["versionNumber"].as_i64().unwrap_or_default();
        let kind = super::implementation_word(&text(&version["spec"]["implementation"]["type"]));
        let before = numbers.iter().find(|other| **other < number);
        let compare = before.map_or(Cell::text(""), |before| {
            let href = format!("{}?a={before}&b={number}", editor.at("/versions/compare"));
            Cell::Link(fill(tr("with version {0}"), &[&before.to_string()]), href)
        });
        vec![
            Cell::Name(
                fill(tr("Version {0}"), &[&number.to_string()]),
                format!("{}?version={number}", editor.at("/implementation")),
                String::new(),
            ),
            Cell::State(state_of(version)),
            Cell::text(kind),
            Cell::text(version["status"]["usageCount"].as_u64().unwrap_or_default()),
            Cell::Ago(text(&version["metadata"]["createdOn"])),
            compare,
        ]
    });
    let grid = Grid::new(&[
        tr("Version"),
        tr("State"),
        tr("Implementation"),
        tr("Blocks"),
        tr("Created"),
        tr("Compare"),
    ])
    .rows(rows.collect::<Vec<_>>());
    let may = editor.may(&ctx);
    let number = newest["spec"]["versionNumber"].to_string();
    let note = if is_draft {
        Note::info(
            &fill(tr("Version {0} is a draft"), &[&number]),
            tr("Release it on the tab Publication when it is ready. A definition has one draft at a time."),
        )
    } else {
        Note::info(
            tr("Every version is released"),
            tr("A new draft begins as a copy of the newest version; stored secrets come along."),
        )
        .button(
            may,
            editor.at("/versions"),
            &shell.csrf,
            Button::primary(tr("Draft a new version"), "draft"),
        )
    };
    let outdated = editor.definition["status"]["usageCount"].as_u64().unwrap_or_default() > 0;
    Page::new(shell.clone())
        .action(outdated, Go::to(tr("Upgrade blocks"), editor.at("/blocks"), "versions"))
        .with(note)
        .with(grid)
        .shown(&ctx)
}

/// A draft as a copy of the newest version.
pub async fn act(path: Named, Post { ctx, .. }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let mut spec = editor.version["spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        for name in ["versionNumber", "state", "dependencyDefinitionUuids"] {
            spec.remove(name);
        }
    }
    let body = json!({
        "kind": "meshBuildingBlockDefinitionVersion",
        "metadata": { "ownedByWorkspace": editor.definition["metadata"]["ownedByWorkspace"] },
        "spec": spec,
    });
    match ctx.api.post(VERSIONS, &body).await {
        Ok(made) => {
            let number = made["spec"]["versionNumber"].to_string();
            ctx.done(&editor.at("/implementation"), fill(tr("Version {0} is drafted."), &[&number]))
        }
        Err(problem) if problem.is_about_input() => ctx.failed(&editor.at("/versions"), problem.message),
        Err(problem) => Err(problem),
    }
}
