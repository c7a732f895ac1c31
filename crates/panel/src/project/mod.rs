//! Projects of a workspace (panel.md §4.1 and §4.2): the list, a new one, its pages.

use crate::Pages;
use crate::api::{Listed, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::listing::Listing;
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};

/// Which field of the forms a field of the API is.
const FIELDS: &[(&str, &str)] =
    &[("displayName", "displayName"), ("metadata.name", "name"), ("tags", "tags")];

/// A row of the list.
struct Row {
    identifier: String,
    name: String,
    created: String,
    payment: String,
}

impl Row {
    fn read(project: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            identifier: text(&project["metadata"]["name"]),
            name: text(&project["spec"]["displayName"]),
            created: text(&project["metadata"]["createdOn"]),
            payment: text(&project["spec"]["paymentMethodIdentifier"]),
        }
    }
}

#[derive(Template)]
#[template(path = "project/list.html")]
struct ListPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Row>,
    may_create: bool,
}

#[derive(Template)]
#[template(path = "project/new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
}

/// Path of a project's pages.
fn path_of(ctx: &Ctx, project: &str) -> String {
    format!("/w/{}/p/{}", segment(ctx.home()), segment(project))
}

async fn list(ctx: Ctx) -> Answer {
    let path = format!("/api/meshobjects/meshprojects?workspaceIdentifier={}", segment(ctx.home()));
    let found: Listed = ctx.api.list(&Listing::ask(&ctx, &path, &[])).await?;
    ctx.page(&ListPage {
        shell: ctx.shell(tr("Projects")),
        listing: Listing::of(&ctx, &found),
        rows: found.items.iter().map(Row::read).collect(),
        may_create: ctx.may("PROJECT_SAVE"),
    })
}

fn new_page(ctx: &Ctx, form: Form) -> NewPage {
    let list = format!("/w/{}/projects", segment(ctx.home()));
    NewPage { shell: ctx.shell(tr("New project")).crumb(tr("Projects"), list), form }
}

async fn new(ctx: Ctx) -> Answer {
    ctx.page(&new_page(&ctx, Form::default()))
}

async fn create(Post { ctx, fields }: Post) -> Answer {
    let body = json!({
        "kind": "meshProject",
        "metadata": { "name": fields.get("name"), "ownedByWorkspace": ctx.home() },
        "spec": { "displayName": fields.get("displayName"), "tags": {} },
    });
    match ctx.api.post("/api/meshobjects/meshprojects", &body).await {
        Ok(_) => {
            let said = fill(tr("The project {0} is there."), &[fields.get("displayName")]);
            ctx.done(&path_of(&ctx, fields.get("name")), said)
        }
        Err(problem) => {
            let form = again(fields, problem, FIELDS)?;
            ctx.page_as(StatusCode::UNPROCESSABLE_ENTITY, &new_page(&ctx, form))
        }
    }
}

#[derive(Template)]
#[template(path = "project/overview.html")]
struct OverviewPage {
    shell: Shell,
    tenants: Vec<Value>,
}

async fn overview(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let id = format!("{}.{name}", ctx.home());
    let project = ctx.api.get(&format!("/api/meshobjects/meshprojects/{}", segment(&id))).await?;
    let tenants = format!(
        "/api/meshobjects/meshtenants?workspaceIdentifier={}&projectIdentifier={}",
        segment(ctx.home()),
        segment(&name)
    );
    let tenants = ctx.api.list(&tenants).await?;
    let Row { identifier, name, .. } = Row::read(&project);
    let list = format!("/w/{}/projects", segment(ctx.home()));
    let shell = ctx.shell(name.clone()).crumb(tr("Projects"), list).about(name, identifier);
    ctx.page(&OverviewPage { shell, tenants: tenants.items })
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/w/{workspace}/projects", get(list).post(create))
        .route("/w/{workspace}/projects/new", get(new))
        .route("/w/{workspace}/p/{project}", get(overview))
}
