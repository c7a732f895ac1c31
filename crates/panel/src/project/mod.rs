//! Projects of a workspace (panel.md §4.1 and §4.2): the list, a new one, its pages.

mod access;
mod deletion;
mod events;
mod list;
mod new;
mod overview;
mod settings;
mod tenants;

use crate::Pages;
use crate::api::{said, segment};
use crate::ctx::Ctx;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use axum::routing::{get, post};
pub use new::{IdentifierPart, roles, suggested};
use serde_json::Value;

/// A project as its pages know it.
#[derive(Clone, Debug)]
pub struct Project {
    /// Identifier within the workspace.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Who pays.
    pub payment: String,
    /// Who pays when the first cannot.
    pub substitute: String,
    /// Since when.
    pub created: String,
    /// When its deletion was asked for.
    pub deleted: String,
    /// The whole of it.
    pub whole: Value,
}

impl Project {
    /// Reads one.
    pub fn read(project: &Value) -> Self {
        Self {
            name: said(project, "/metadata/name"),
            display_name: said(project, "/spec/displayName"),
            payment: said(project, "/spec/paymentMethodIdentifier"),
            substitute: said(project, "/spec/substitutePaymentMethodIdentifier"),
            created: said(project, "/metadata/createdOn"),
            deleted: said(project, "/metadata/deletedOn"),
            whole: project.clone(),
        }
    }

    /// The project with this identifier in the workspace acted in.
    pub async fn find(ctx: &Ctx, name: &str) -> Result<Self, Problem> {
        let id = format!("{}.{name}", ctx.home());
        Ok(Self::read(&ctx.api.get(&format!("/api/meshobjects/meshprojects/{}", segment(&id))).await?))
    }

    /// Where it stands.
    pub fn state(&self) -> &'static str {
        if self.deleted.is_empty() { "ACTIVE" } else { "MARKED_FOR_DELETION" }
    }

    /// Path of one of its pages.
    pub fn at(&self, ctx: &Ctx, tail: &str) -> String {
        format!("{}{tail}", path_of(ctx, &self.name))
    }

    /// The frame of one of its pages.
    pub fn shell(&self, ctx: &Ctx) -> Shell {
        let list = format!("/w/{}/projects", segment(ctx.home()));
        let shell = ctx.shell(self.display_name.clone()).crumb(tr("Projects"), list);
        let mut shell = shell
            .about(self.display_name.clone(), self.name.clone())
            .marked("folder", if self.deleted.is_empty() { "" } else { self.state() });
        shell = shell.tab(tr("Overview"), path_of(ctx, &self.name));
        if ctx.may("PROJECTPRINCIPALROLE_LIST") {
            shell = shell.tab(tr("Access"), self.at(ctx, "/access"));
        }
        if ctx.is_team() {
            shell = shell.tab(tr("Activity"), self.at(ctx, "/events"));
            shell = shell.tab(tr("Settings"), self.at(ctx, "/settings"));
            shell = shell.tab(tr("Tags"), self.at(ctx, "/settings/tags"));
        }
        if ctx.may("PROJECT_DELETE") {
            shell = shell.tab(tr("Deletion"), self.at(ctx, "/settings/deletion"));
        }
        shell
    }
}

/// Path of a project's pages.
pub fn path_of(ctx: &Ctx, project: &str) -> String {
    format!("/w/{}/p/{}", segment(ctx.home()), segment(project))
}

/// The pages.
pub fn pages() -> Pages {
    let at = |tail: &str| format!("/w/{{workspace}}/p/{{project}}{tail}");
    Pages::new()
        .route("/w/{workspace}/projects", get(list::list))
        .route("/w/{workspace}/projects/new", get(new::new).post(new::step))
        .route("/w/{workspace}/projects/identifier", get(new::identifier))
        .route(&at(""), get(overview::overview))
        .route(&at("/access"), get(access::list).post(access::add))
        .route(&at("/access/new"), get(access::new))
        .route(&at("/access/{kind}/{binding}/role"), post(access::change))
        .route(&at("/access/{kind}/{binding}/remove"), post(access::remove))
        .route(&at("/events"), get(events::list))
        .route(&at("/settings"), get(settings::general).post(settings::save))
        .route(&at("/settings/tags"), get(settings::tags).post(settings::save_tags))
        .route(&at("/settings/deletion"), get(deletion::plan).post(deletion::delete))
}
