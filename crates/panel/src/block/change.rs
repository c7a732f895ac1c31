//! What several pages of a block do with it.

use super::Block;
use crate::api::segment;
use crate::ctx::{Answer, Post};
use crate::run;
use crate::text::tr;
use axum::extract::Path;
use http::Method;
use serde_json::json;

/// Runs it once more, or only finds out what that would change.
pub async fn run(Path((_, uuid)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let path = format!("{}/trigger-run", block.api_path());
    let started = if fields.get("what") == "dry" {
        ctx.api.post(&path, &json!({ "dryRun": true })).await
    } else {
        ctx.api.send(Method::POST, &path, None).await
    };
    if let Err(problem) = started {
        return ctx.failed(&block.path(&ctx, ""), problem.message);
    }
    let newest = run::of_block(&ctx, &block.uuid, 1).await;
    let tail = newest.first().map(|run| format!("/runs/{}", segment(&run.uuid))).unwrap_or_default();
    ctx.done(&block.path(&ctx, &tail), tr("A run was started."))
}
