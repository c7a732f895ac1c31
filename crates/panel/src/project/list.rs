//! The projects of a workspace.

use super::Project;
use crate::api::{segment, text_at};
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::parts::filters;
use crate::parts::tags;
use crate::shell::Shell;
use crate::tenant::known::{self, Tenant};
use crate::text::tr;
use askama::Template;
use serde_json::Value;

struct Row {
    project: Project,
    tags: Vec<(String, String)>,
    tenants: Vec<Tenant>,
    roles: Vec<String>,
}

impl Row {
    fn shown_tags(&self) -> &[(String, String)] {
        &self.tags[..self.tags.len().min(2)]
    }

    fn more_tags(&self) -> usize {
        self.tags.len().saturating_sub(2)
    }
}

#[derive(Template)]
#[template(path = "project/list.html")]
struct ListPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Row>,
    may_create: bool,
    state: String,
}

/// Roles of whoever asks, by project.
async fn own_roles(ctx: &Ctx) -> Value {
    ctx.api.get("/api/stoa/v1/me/access").await.unwrap_or_default()
}

fn roles_in(access: &Value, workspace: &str, project: &str) -> Vec<String> {
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    all(&access["workspaces"])
        .iter()
        .filter(|home| home["identifier"] == workspace)
        .flat_map(|home| all(&home["projects"]))
        .filter(|found| found["identifier"] == project)
        .flat_map(|found| all(&found["roles"]))
        .filter_map(|role| role["role"].as_str().map(str::to_owned))
        .collect()
}

/// The list.
pub async fn list(ctx: Ctx) -> Answer {
    let state = ctx.query("state").unwrap_or("ACTIVE,PENDING_DELETION");
    let path = format!(
        "/api/meshobjects/meshprojects?workspaceIdentifier={}&state={}",
        segment(ctx.home()),
        segment(state)
    );
    let path = Listing::ask(&ctx, &path, &[("payment", "paymentIdentifier")]);
    let (found, access) = tokio::join!(ctx.api.list(&path), own_roles(&ctx));
    let found = found?;
    let names: Vec<&str> = found.items.iter().map(|project| text_at(project, "/metadata/name")).collect();
    let tenants = known::tenants(&ctx, &names, &[]).await?;
    let rows = found.items.iter().map(|project| {
        let of = Project::read(project);
        Row {
            tags: tags::shown(&project["spec"]["tags"]),
            tenants: tenants.iter().filter(|tenant| tenant.project == of.name).cloned().collect(),
            roles: roles_in(&access, ctx.home(), &of.name),
            project: of,
        }
    });
    ctx.page(&ListPage {
        shell: ctx.shell(tr("Projects")),
        listing: Listing::of(&ctx, &found),
        rows: rows.collect(),
        may_create: ctx.may("PROJECT_SAVE"),
        state: state.to_owned(),
    })
}
