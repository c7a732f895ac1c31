//! A project at a glance: its tenants, and what is on them.

use super::Project;
use crate::api::segment;
use crate::ctx::{Answer, Ctx};
use crate::parts::{filters, tags};
use crate::shell::Shell;
use crate::tenant::known::{self, Tenant};
use askama::Template;
use axum::extract::Path;

#[derive(Template)]
#[template(path = "project/overview.html")]
struct OverviewPage {
    shell: Shell,
    project: Project,
    tags: Vec<(String, String)>,
    tenants: Vec<Tenant>,
    may_add: bool,
    is_team: bool,
    is_bound: bool,
    base: String,
}

/// The page.
pub async fn overview(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let blocks = known::blocks(&ctx, &format!("&projectIdentifier={}", segment(&project.name))).await?;
    let names = [project.name.as_str()];
    let (tenants, access) =
        tokio::join!(known::tenants(&ctx, &names, &blocks), ctx.api.get_if_there("/api/stoa/v1/me/access"));
    let access = access?.unwrap_or_default();
    let is_bound = access["workspaces"].as_array().into_iter().flatten().any(|home| {
        home["identifier"] == ctx.home()
            && home["projects"].as_array().into_iter().flatten().any(|one| one["identifier"] == project.name)
    });
    ctx.page(&OverviewPage {
        shell: project.shell(&ctx),
        tags: tags::shown(&project.whole["spec"]["tags"]),
        tenants: tenants?,
        may_add: ctx.may("TENANT_SAVE") && project.deleted.is_empty(),
        is_team: ctx.is_team(),
        is_bound,
        base: project.at(&ctx, ""),
        project,
    })
}
