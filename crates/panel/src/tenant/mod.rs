//! Tenants of a project (panel.md §4.3 and §5): ordering one, its pages.

mod deletion;
pub mod known;
pub mod offer;
mod order;
mod overview;
mod quotas;
mod replication;

use crate::Pages;
use crate::api::{said, segment};
use crate::ctx::Ctx;
use crate::problem::Problem;
use crate::project::Project;
use crate::shell::Shell;
use crate::text::tr;
use axum::routing::{get, post};
use known::{Platforms, Tenant};
use serde_json::Value;

/// A tenant as its pages know it.
struct Shown {
    tenant: Tenant,
    project: Project,
    /// Its platform, as far as whoever asks sees it.
    platform: Value,
    /// Its landing zone, likewise.
    zone: Value,
    whole: Value,
}

impl Shown {
    /// The tenant with this uuid in a project of the workspace acted in.
    async fn find(ctx: &Ctx, project: &str, uuid: &str) -> Result<Self, Problem> {
        let whole = ctx.api.get(&format!("/api/meshobjects/meshtenants/{}", segment(uuid))).await?;
        let (home, of) =
            (said(&whole, "/metadata/ownedByWorkspace"), said(&whole, "/metadata/ownedByProject"));
        if home != ctx.home() || of != project {
            return Err(Problem::not_found(tr("This project has no such tenant.")));
        }
        let platform =
            format!("/api/meshobjects/meshplatforms/{}", segment(&said(&whole, "/spec/platformRef/uuid")));
        let zone = said(&whole, "/spec/landingZoneRef/name");
        let zone = format!("/api/meshobjects/meshlandingzones/{}", segment(&zone));
        let (project, platforms, platform, zone) = tokio::join!(
            Project::find(ctx, project),
            Platforms::read(ctx),
            ctx.api.get_if_there(&platform),
            ctx.api.get_if_there(&zone)
        );
        Ok(Self {
            tenant: Tenant::read(&whole, &platforms?, &[]),
            project: project?,
            platform: platform?.unwrap_or_default(),
            zone: zone?.unwrap_or_default(),
            whole,
        })
    }

    /// Path of one of its pages.
    fn at(&self, ctx: &Ctx, tail: &str) -> String {
        self.project.at(ctx, &format!("/t/{}{tail}", self.tenant.uuid))
    }

    /// Whether nobody asked for its deletion.
    fn is_active(&self) -> bool {
        self.whole["status"]["lifecycle"]["state"] == "ACTIVE"
    }

    /// The frame of one of its pages.
    fn shell(&self, ctx: &Ctx) -> Shell {
        let title = format!("{} – {}", self.project.display_name, self.tenant.platform.name);
        let mut shell = ctx
            .shell(title.clone())
            .crumb(tr("Projects"), format!("/w/{}/projects", segment(ctx.home())))
            .crumb(self.project.display_name.clone(), self.project.at(ctx, ""))
            .about(title, self.tenant.uuid.clone())
            .marked(self.tenant.platform.icon.clone(), self.tenant.phase.clone())
            .tab(tr("Overview"), self.at(ctx, ""))
            .tab(tr("Quotas"), self.at(ctx, "/quotas"));
        if ctx.is_team() {
            shell = shell.tab(tr("Replication"), self.at(ctx, "/replication"));
        }
        if ctx.may("TENANT_DELETE") {
            shell = shell.tab(tr("Deletion"), self.at(ctx, "/deletion"));
        }
        shell
    }
}

/// The pages.
pub fn pages() -> Pages {
    let at = |tail: &str| format!("/w/{{workspace}}/p/{{project}}{tail}");
    Pages::new()
        .route(&at("/add"), get(order::begin).post(order::step))
        .route(&at("/t/{tenant}"), get(overview::overview))
        .route(&at("/t/{tenant}/quotas"), get(quotas::show).post(quotas::ask))
        .route(&at("/t/{tenant}/quotas/{request}/withdraw"), post(quotas::withdraw))
        .route(&at("/t/{tenant}/replication"), get(replication::show).post(replication::start))
        .route(&at("/t/{tenant}/deletion"), get(deletion::show).post(deletion::delete))
}
