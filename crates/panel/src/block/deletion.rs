//! The end of a block.

use super::Block;
use super::deps::{Other, children};
use crate::api::text_at;
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use serde_json::json;

#[derive(Template)]
#[template(path = "block/deletion.html")]
struct DeletionPage {
    shell: Shell,
    name: String,
    is_purge: bool,
    is_known: bool,
    children: Vec<Other>,
    why_not: Option<&'static str>,
    is_again: bool,
    is_preview: bool,
}

/// Why it cannot be deleted now.
fn why_not(ctx: &Ctx, block: &Block) -> Option<&'static str> {
    if block.lifecycle == "DELETED" {
        Some(tr("It is gone already."))
    } else if !block.may(ctx, "BUILDINGBLOCK_DELETE") {
        Some(tr("Your role here does not delete it. Ask an Owner or Manager."))
    } else if matches!(block.status.as_str(), "PENDING" | "IN_PROGRESS") {
        Some(tr("A run is under way; wait until it is over."))
    } else {
        None
    }
}

/// What deleting it means.
pub async fn show(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let mode = text_at(&block.version, "/spec/deletionMode");
    ctx.page(&DeletionPage {
        shell: block.shell(&ctx),
        name: block.name.clone(),
        is_purge: mode == "PURGE",
        is_known: !mode.is_empty(),
        children: children(&ctx, &block).await,
        why_not: why_not(&ctx, &block),
        is_again: block.lifecycle == "MARKED_FOR_DELETION",
        is_preview: block.wire["status"]["isPreview"] == json!(true),
    })
}

/// Deletes it.
pub async fn send(Path((_, uuid)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    match ctx.api.delete(&block.api_path()).await {
        Ok(_) if fields.get("discard") == "true" => {
            ctx.done(&block.path(&ctx, ""), tr("The order is discarded. Nothing had been set up."))
        }
        Ok(_) => ctx.done(&block.path(&ctx, ""), tr("It is being deleted.")),
        Err(Problem { status: 409, message, .. }) => ctx.failed(&block.path(&ctx, "/deletion"), message),
        Err(problem) => Err(problem),
    }
}
