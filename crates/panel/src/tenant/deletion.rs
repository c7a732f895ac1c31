//! The end of a tenant: what it means, what keeps it, who approves it.

use super::Shown;
use super::known::{self, Block, Tenant};
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;

#[derive(Template)]
#[template(path = "tenant/deletion.html")]
struct DeletionPage {
    shell: Shell,
    tenant: Tenant,
    blocks: Vec<Block>,
    /// The one that is at work, which keeps the tenant until it is done.
    busy: Option<Block>,
    is_active: bool,
    asked: String,
    needs_approval: bool,
    leaves_platform: bool,
    here: String,
}

/// The page.
pub async fn show(ctx: Ctx, Path((_, project, uuid)): Path<(String, String, String)>) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let filter = format!("&tenantUuid={}", segment(&shown.tenant.uuid));
    let is_set = |name: &str| shown.zone["spec"][name] == true;
    let blocks = known::blocks(&ctx, &filter).await?;
    // One that failed is taken down whatever the others wait for.
    let failed = blocks.iter().any(|block| matches!(block.state.as_str(), "FAILED" | "ABORTED"));
    let is_busy = |block: &&Block| match block.state.as_str() {
        "PENDING" | "IN_PROGRESS" => true,
        state => state.starts_with("WAITING") && !failed,
    };
    ctx.page(&DeletionPage {
        shell: shown.shell(&ctx),
        busy: blocks.iter().find(is_busy).cloned(),
        blocks,
        is_active: shown.is_active(),
        asked: said(&shown.whole, "/status/lifecycle/markedForDeletion/timestamp"),
        needs_approval: !is_set("automateDeletionApproval"),
        leaves_platform: !shown.zone.is_null() && !is_set("automateDeletionReplication"),
        here: shown.at(&ctx, "/deletion"),
        tenant: shown.tenant,
    })
}

/// Asks for it.
pub async fn delete(
    Path((_, project, uuid)): Path<(String, String, String)>,
    Post { ctx, fields }: Post,
) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let here = shown.at(&ctx, "/deletion");
    if !fields.is_on("sure") {
        return ctx.failed(&here, tr("Tick the box first: a deleted tenant does not come back."));
    }
    match ctx.api.delete(&format!("/api/meshobjects/meshtenants/{}", segment(&uuid))).await {
        Ok(_) => ctx.done(&here, tr("The deletion was asked for.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&here, problem.message),
        Err(problem) => Err(problem),
    }
}
