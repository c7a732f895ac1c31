//! A tenant at a glance: how to get in, and what is on it.

use super::Shown;
use super::known::{self, Block, Tenant};
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx};
use crate::parts::{filters, tags};
use crate::shell::Shell;
use askama::Template;
use axum::extract::Path;

#[derive(Template)]
#[template(path = "tenant/overview.html")]
struct OverviewPage {
    shell: Shell,
    tenant: Tenant,
    project: String,
    blocks: Vec<Block>,
    tags: Vec<(String, String)>,
    access: String,
    endpoint: String,
    support: String,
    documentation: String,
    zone: String,
    zone_link: String,
    created: String,
    my_roles: Vec<String>,
    is_active: bool,
    may_order: bool,
    here: String,
}

impl OverviewPage {
    /// Whether something is going on that ends by itself.
    fn is_coming(&self) -> bool {
        matches!(self.tenant.phase.as_str(), "PENDING" | "REPLICATING")
    }
}

/// The page.
pub async fn overview(ctx: Ctx, Path((_, project, uuid)): Path<(String, String, String)>) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let filter = format!("&tenantUuid={}", segment(&shown.tenant.uuid));
    let (blocks, access) =
        tokio::join!(known::blocks(&ctx, &filter), ctx.api.get_if_there("/api/stoa/v1/me/access"));
    let access = access?.unwrap_or_default();
    let all = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let my_roles = all(&access["workspaces"])
        .iter()
        .filter(|home| home["identifier"] == ctx.home())
        .flat_map(|home| all(&home["projects"]))
        .filter(|found| found["identifier"] == shown.project.name)
        .flat_map(|found| all(&found["roles"]))
        .map(|role| said(&role, "/role"))
        .collect();
    ctx.page(&OverviewPage {
        shell: shown.shell(&ctx),
        project: shown.project.at(&ctx, ""),
        blocks: blocks?,
        tags: tags::shown(&shown.whole["status"]["tags"]),
        access: said(&shown.platform, "/spec/accessInformation"),
        endpoint: known::safe_link(&said(&shown.platform, "/spec/endpoint")),
        support: known::safe_link(&said(&shown.platform, "/spec/supportUrl")),
        documentation: known::safe_link(&said(&shown.platform, "/spec/documentationUrl")),
        zone: match said(&shown.zone, "/spec/displayName") {
            name if name.is_empty() => shown.tenant.zone.clone(),
            name => name,
        },
        zone_link: known::safe_link(&said(&shown.zone, "/spec/infoLink")),
        created: said(&shown.whole, "/metadata/createdOn"),
        my_roles,
        is_active: shown.is_active(),
        may_order: ctx.may("BUILDINGBLOCK_SAVE") && shown.is_active(),
        here: shown.at(&ctx, ""),
        tenant: shown.tenant,
    })
}
