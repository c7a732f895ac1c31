//! The dashboard: how much there is, and what waits for somebody (domain-organization.md §19.1).

use crate::Pages;
use crate::api::{Listed, text_at};
use crate::ctx::{Answer, Ctx};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::routing::get;
use serde_json::Value;

struct Tile {
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    count: String,
}

struct Duty {
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    count: String,
}

#[derive(Template)]
#[template(path = "admin/dashboard.html")]
struct DashboardPage {
    shell: Shell,
    tiles: Vec<Tile>,
    duties: Vec<Duty>,
    rows: Vec<super::event::Row>,
    is_first_run: bool,
}

/// How many there are; nobody sees a card that fails, or is not for them.
async fn count(ctx: &Ctx, code: &str, path: &str) -> Option<Listed> {
    if !ctx.may(code) {
        return None;
    }
    let mark = if path.contains('?') { '&' } else { '?' };
    ctx.api.list(&format!("{path}{mark}size=1")).await.ok()
}

/// People without an external id, among the first two hundred.
async fn without_euid(ctx: &Ctx) -> Option<Listed> {
    if !ctx.may("ADM_USER_LIST") {
        return None;
    }
    let found = ctx.api.list("/api/meshobjects/meshusers?size=200").await.ok()?;
    let total = found.items.iter().filter(|user| text_at(user, "/spec/euid").is_empty()).count() as u64;
    let more = found.total > found.items.len() as u64;
    Some(Listed { total, more, ..Listed::default() })
}

/// Deletions of tenants that somebody has to decide.
async fn deletions(ctx: &Ctx) -> Option<Listed> {
    if !ctx.may("ADM_TENANT_DELETE") {
        return None;
    }
    let path = "/api/stoa/v1/tenants/deletions?status=REQUIRES_APPROVAL&size=1";
    ctx.api.list(path).await.ok()
}

async fn dashboard(ctx: Ctx) -> Answer {
    if ctx.me.admin_roles.is_empty() {
        let message = tr("You have no role in the administration. Its administrators can give you one.");
        return Err(crate::problem::Problem::forbidden(message));
    }
    let kinds: [(&'static str, &'static str, &'static str, &str, &str); 6] = [
        (tr("Workspaces"), "/admin/workspaces", "building-community", "ADM_WORKSPACE_LIST", "meshworkspaces"),
        (tr("Projects"), "/admin/projects", "folders", "ADM_PROJECT_LIST", "meshprojects"),
        (tr("Tenants"), "/admin/tenants", "stack-2", "ADM_TENANT_LIST", "meshtenants"),
        (tr("Building blocks"), "/admin/blocks", "box", "ADM_BUILDINGBLOCK_LIST", "meshbuildingblocks"),
        (tr("Platforms"), "/admin/platforms", "cloud", "ADM_PLATFORMINSTANCE_LIST", "meshplatforms"),
        (tr("Users"), "/admin/users", "user", "ADM_USER_LIST", "meshusers"),
    ];
    let (mut tiles, mut is_first_run) = (Vec::new(), false);
    for (label, href, icon, code, collection) in kinds {
        if let Some(count) = count(&ctx, code, &format!("/api/meshobjects/{collection}")).await {
            is_first_run |= href == "/admin/workspaces" && count.total <= 1;
            tiles.push(Tile { label, href, icon, count: count.count() });
        }
    }
    let failed = "/api/meshobjects/meshbuildingblocks?status=FAILED";
    let waiting = "/api/meshobjects/meshbuildingblocks?status=WAITING_FOR_OPERATOR_INPUT";
    let requested = "/api/meshobjects/meshplatforms?publicationState=REQUESTED";
    let open = "/api/meshobjects/meshcommunications?resolutionStatus=OPEN";
    let (block, platform) = ("ADM_BUILDINGBLOCK_LIST", "ADM_REVIEW_PUBLICATION");
    let found = [
        (
            tr("Failed building blocks"),
            "/admin/blocks?status=FAILED",
            "circle-x",
            count(&ctx, block, failed).await,
        ),
        (
            tr("Building blocks that wait for an operator"),
            "/admin/blocks?status=WAITING_FOR_OPERATOR_INPUT",
            "clock-pause",
            count(&ctx, block, waiting).await,
        ),
        (tr("Deletions to decide"), "/admin/deletions", "trash", deletions(&ctx).await),
        (
            tr("Publications to review"),
            "/admin/reviews",
            "clipboard-check",
            count(&ctx, platform, requested).await,
        ),
        (
            tr("Open communications"),
            "/admin/communications?resolutionStatus=OPEN",
            "mail",
            count(&ctx, "ADM_COMMUNICATION_LIST", open).await,
        ),
        (tr("Users without an external id"), "/admin/users", "user-x", without_euid(&ctx).await),
    ];
    let duties = found.into_iter().filter_map(|(label, href, icon, count)| {
        let count = count.filter(|count| count.total > 0)?;
        Some(Duty { label, href, icon, count: count.count() })
    });
    let mut rows = Vec::new();
    if ctx.may("ADM_EVENTLOG_LIST") {
        let path = "/api/meshobjects/mesheventlogs?sort=-createdOn&size=8";
        let found = ctx.api.list(path).await.unwrap_or_default();
        rows =
            found.items.iter().map(|event: &Value| super::event::Row::read(event, "/admin/events")).collect();
    }
    ctx.page(&DashboardPage {
        shell: ctx.shell(tr("Administration")),
        tiles,
        duties: duties.collect(),
        rows,
        is_first_run,
    })
}

/// The page.
pub fn pages() -> Pages {
    Pages::new().route("/admin", get(dashboard))
}
