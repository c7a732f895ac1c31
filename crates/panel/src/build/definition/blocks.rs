//! The tab Blocks: what was made from a definition, and upgrades of several at once.

use super::super::view::{Button, Cell, Go, Grid, Note, Page};
use super::super::{Named, tally, text};
use super::Editor;
use crate::api::{segment, with_query};
use crate::ctx::{Answer, Ctx, Post};
use crate::listing::Listing;
use crate::text::{fill, tr};
use serde_json::{Value, json};

const BLOCKS: &str = "/api/meshobjects/meshbuildingblocks";

fn number_of(editor: &Editor, block: &Value) -> Option<i64> {
    let uuid = &block["spec"]["buildingBlockDefinitionVersionRef"]["uuid"];
    let versions = editor.definition["status"]["versions"].as_array()?;
    versions.iter().find(|version| version["versionUuid"] == *uuid)?["versionNumber"].as_i64()
}

fn row(editor: &Editor, block: &Value, ticks: bool) -> Vec<Cell> {
    let uuid = text(&block["metadata"]["uuid"]);
    let name = text(&block["spec"]["displayName"]);
    let newest = editor.definition["status"]["latestReleasedVersion"].as_i64();
    let number = number_of(editor, block);
    let is_old = newest.is_some_and(|newest| number.is_some_and(|number| number < newest));
    let mut row = Vec::new();
    if ticks {
        row.push(if is_old {
            Cell::Tick("block".into(), uuid.clone(), fill(tr("Choose {0}"), &[&name]))
        } else {
            Cell::text("")
        });
    }
    let version = number.map_or(String::new(), |number| number.to_string());
    row.extend([
        Cell::Name(
            name,
            editor.place.at(&format!("/blocks/{}", segment(&uuid))),
            text(&block["metadata"]["ownedByWorkspace"]),
        ),
        Cell::Text(if is_old { format!("{version} · {}", tr("outdated")) } else { version }),
        Cell::State(text(&block["status"]["status"])),
    ]);
    row
}

/// The tab.
pub async fn list(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let shell = editor.shell(&ctx, tr("Blocks"));
    // Customers' blocks are reached by who manages them, administrators reach all of them.
    let filter = if editor.place.is_admin() { "definitionUuid" } else { "managedByDefinitionUuid" };
    let asked = with_query(BLOCKS, [(filter, editor.uuid())]);
    let found =
        ctx.api.list(&Listing::ask(&ctx, &asked, &[("status", "status"), ("on", "versionNumber")])).await?;
    let newest = editor.definition["status"]["latestReleasedVersion"].as_i64();
    let may =
        newest.is_some() && (ctx.may("MANAGED_BUILDINGBLOCK_SAVE") || ctx.may("ADM_BUILDINGBLOCK_SAVE"));
    let mut columns = if may { vec![tr("Choose")] } else { Vec::new() };
    columns.extend([tr("Block"), tr("Version"), tr("State")]);
    let versions: Vec<(String, String)> = editor.definition["status"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|version| version["versionNumber"].as_i64())
        .map(|number| (number.to_string(), fill(tr("Version {0}"), &[&number.to_string()])))
        .collect();
    let options: Vec<(&str, &str)> =
        versions.iter().map(|(number, word)| (number.as_str(), word.as_str())).collect();
    let mut grid = Grid::new(&columns)
        .rows(found.items.iter().map(|block| row(&editor, block, may)))
        .listed(Listing::of(&ctx, &found))
        .filter("status", tr("State"), &super::super::block::states())
        .filter("on", tr("Version"), &options)
        .empty(
            tr("Nobody has ordered it yet"),
            tr("Order it in the marketplace of your own workspace to try it; drafts are offered there too."),
        );
    if may {
        let label = fill(tr("Upgrade those to version {0}…"), &[&newest.unwrap_or_default().to_string()]);
        grid = grid.form(editor.at("/blocks"), &shell.csrf, vec![Button::primary(&label, "preview")]);
    }
    let market = editor.place.home.as_ref().map(|home| {
        let version = text(&editor.version["metadata"]["uuid"]);
        format!("/w/{}/market/{}/order?version={}", segment(home), segment(&editor.uuid()), segment(&version))
    });
    Page::new(shell)
        .action(market.is_some(), Go::to(tr("Try it"), market.unwrap_or_default(), "player-play"))
        .with(grid)
        .shown(&ctx)
}

/// Shows what an upgrade of several would do, or does it.
pub async fn upgrade(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let back = editor.at("/blocks");
    let chosen = fields.all("block");
    if chosen.is_empty() {
        return ctx.failed(&back, tr("Tick the blocks to upgrade first."));
    }
    let newest = text(&editor.definition["status"]["latestReleasedVersionUuid"]);
    let number = editor.definition["status"]["latestReleasedVersion"].to_string();
    if fields.get("do") == "upgrade" {
        let (mut done, mut refused) = (0, Vec::new());
        for uuid in chosen {
            match upgrade_one(&ctx, uuid, &newest).await {
                Ok(()) => done += 1,
                Err(said) => refused.push(said),
            }
        }
        let said = tally(done, &refused);
        return if refused.is_empty() { ctx.done(&back, said) } else { ctx.failed(&back, said) };
    }
    let shell = editor.shell(&ctx, tr("Upgrade")).crumb(editor.name(), back.clone());
    let count = chosen.len().to_string();
    let mut rows = Vec::new();
    for uuid in &chosen {
        let block = ctx.api.get(&format!("{BLOCKS}/{}", segment(uuid))).await?;
        let old = number_of(&editor, &block).map_or(String::new(), |number| number.to_string());
        let state = text(&block["status"]["status"]);
        let ready = matches!(state.as_str(), "SUCCEEDED" | "FAILED" | "ABORTED");
        rows.push(vec![
            Cell::Name(
                text(&block["spec"]["displayName"]),
                String::new(),
                text(&block["metadata"]["ownedByWorkspace"]),
            ),
            Cell::Text(format!("{old} → {number}")),
            Cell::State(state),
            Cell::text(if ready { tr("runs at once") } else { tr("will be refused: it is not at rest") }),
        ]);
    }
    let mut grid = Grid::new(&[tr("Block"), tr("Version"), tr("State"), tr("What happens")])
        .titled(&fill(tr("Upgrade {0} blocks"), &[&count]), tr("Each block runs with the new version. New inputs take their defaults; those without wait for the customer."))
        .rows(rows)
        .form(&back, &shell.csrf, vec![Button::primary(&fill(tr("Upgrade {0} blocks"), &[&count]), "upgrade")]);
    for uuid in chosen {
        grid = grid.hidden("block", uuid);
    }
    Page::new(shell)
        .action(true, Go::to(tr("Cancel"), back, "x"))
        .with(Note::info(tr("Nothing has happened yet"), tr("Look at the list, then start.")))
        .with(grid)
        .shown(&ctx)
}

/// Upgrades a block; what was refused, with the block's name.
async fn upgrade_one(ctx: &Ctx, uuid: &str, version: &str) -> Result<(), String> {
    let path = format!("{BLOCKS}/{}", segment(uuid));
    let mut block = ctx.api.get(&path).await.map_err(|problem| problem.message)?;
    let name = text(&block["spec"]["displayName"]);
    block["spec"]["buildingBlockDefinitionVersionRef"] = json!({ "uuid": version });
    // What it has stays; only the version is asked for.
    block["spec"]["inputs"] = json!({});
    let told = ctx.api.put(&path, &block).await;
    told.map(|_| ()).map_err(|problem| format!("{name}: {}", problem.message))
}
