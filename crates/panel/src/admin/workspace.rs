//! A workspace as administrators see it: who is in it, its projects, keys and events.

use super::{event, kinds};
use crate::Pages;
use crate::api::{segment, text_at};
use crate::binding::exchange;
use crate::ctx::{Answer, Ctx, Post};
use crate::generic::document::{Cell, Look};
use crate::generic::kind::Kind;
use crate::generic::pages::{frame, new_in};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use axum::routing::{get, post};
use serde_json::{Value, json};

struct Bound {
    name: String,
    subject: String,
    is_group: bool,
    role: String,
    expires: String,
}

#[derive(Template)]
#[template(path = "admin/people.html")]
struct PeoplePage {
    shell: Shell,
    identifier: String,
    roles: Vec<Bound>,
    may_change: bool,
}

/// Roles in a workspace, as bindings and as people say them.
fn roles() -> [(&'static str, &'static str); 3] {
    [
        ("Workspace Owner", tr("Owner")),
        ("Workspace Manager", tr("Manager")),
        ("Workspace Member", tr("Member")),
    ]
}

impl Bound {
    /// The roles that whoever has this one may be given; which one it is.
    fn choices(&self) -> Vec<(String, String, bool)> {
        let now = self.role.as_str();
        let known = roles().into_iter();
        let mut choices: Vec<_> =
            known.map(|(role, word)| (role.to_owned(), word.to_owned(), role == now)).collect();
        // Roles of the administration are given on a page of their own.
        if !choices.iter().any(|(role, ..)| role == now) {
            choices.push((now.to_owned(), now.to_owned(), true));
        }
        choices
    }
}

struct Row {
    href: String,
    name: String,
    identifier: String,
    cells: Vec<Cell>,
}

#[derive(Template)]
#[template(path = "admin/part.html")]
struct PartPage {
    shell: Shell,
    heads: Vec<&'static str>,
    rows: Vec<Row>,
    new: String,
    new_label: &'static str,
}

#[derive(Template)]
#[template(path = "admin/events_part.html")]
struct EventsPage {
    shell: Shell,
    rows: Vec<event::Row>,
    all: String,
}

async fn found(ctx: &Ctx, id: &str) -> Result<(Kind, Shell), crate::problem::Problem> {
    let kind = kinds::workspaces();
    let object = ctx.api.get(&kind.api_of(id)).await?;
    let shell = frame(ctx, &kind, id, &object);
    Ok((kind, shell))
}

const BINDINGS: [(&str, bool); 2] = [("userbindings", false), ("groupbindings", true)];

fn bindings(collection: &str) -> String {
    format!("/api/meshobjects/meshworkspacebindings/{collection}")
}

async fn people(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let (_, shell) = found(&ctx, &id).await?;
    let mut roles = Vec::new();
    for (collection, is_group) in BINDINGS {
        let path = format!("{}?workspaceIdentifier={}&size=500", bindings(collection), segment(&id));
        for binding in ctx.api.list(&path).await?.items {
            let text = |pointer| text_at(&binding, pointer).to_owned();
            roles.push(Bound {
                name: text("/metadata/name"),
                subject: text("/subject/name"),
                is_group,
                role: text("/roleRef/name"),
                expires: text("/expiryDate"),
            });
        }
    }
    let may_change = ctx.may("ADM_WORKSPACEPRINCIPALBINDING_SAVE");
    ctx.page(&PeoplePage { shell, identifier: id, roles, may_change })
}

async fn appoint(Path(id): Path<String>, Post { ctx, fields }: Post) -> Answer {
    let page = format!("/admin/workspaces/{}/people", segment(&id));
    let collection = if fields.get("kind") == "group" { "groupbindings" } else { "userbindings" };
    let mut body = json!({
        "roleRef": { "name": fields.get("role") },
        "targetRef": { "name": id },
        "subject": { "name": fields.get("subject") },
    });
    if let Some(day) = fields.some("expires") {
        body["expiryDate"] = json!(day);
    }
    match ctx.api.post(&bindings(collection), &body).await {
        Ok(_) => {
            ctx.done(&page, fill(tr("{0} has the role {1}."), &[fields.get("subject"), fields.get("role")]))
        }
        Err(problem) if problem.is_about_input() || problem.status == 404 => {
            ctx.failed(&page, problem.message)
        }
        Err(problem) => Err(problem),
    }
}

async fn change(Path(id): Path<String>, Post { ctx, fields }: Post) -> Answer {
    let page = format!("/admin/workspaces/{}/people", segment(&id));
    let collection = if fields.get("kind") == "group" { "groupbindings" } else { "userbindings" };
    let (name, role) = (fields.get("name"), fields.get("role"));
    match exchange(&ctx.api, &bindings(collection), name, role, fields.some("expires")).await {
        Ok(()) => ctx.done(&page, fill(tr("{0} has the role {1}."), &[fields.get("subject"), role])),
        Err(problem) if problem.is_about_input() => ctx.failed(&page, problem.message),
        Err(problem) => Err(problem),
    }
}

async fn dismiss(Path(id): Path<String>, Post { ctx, fields }: Post) -> Answer {
    let page = format!("/admin/workspaces/{}/people", segment(&id));
    let collection = if fields.get("kind") == "group" { "groupbindings" } else { "userbindings" };
    match ctx.api.delete(&format!("{}/{}", bindings(collection), segment(fields.get("name")))).await {
        Ok(_) => ctx.done(&page, fill(tr("{0} has lost a role."), &[fields.get("subject")])),
        Err(problem) if problem.is_about_input() => ctx.failed(&page, problem.message),
        Err(problem) => Err(problem),
    }
}

async fn part(
    ctx: &Ctx,
    id: &str,
    kind: &Kind,
    columns: &[(&'static str, &str, Look)],
) -> Result<PartPage, crate::problem::Problem> {
    let (_, shell) = found(ctx, id).await?;
    let path = format!("{}?workspaceIdentifier={}&size=200&sort=name", kind.api(), segment(id));
    let items = ctx.api.list(&path).await?.items;
    let row = |object: &Value| {
        let key = kind.id_of(object);
        Row {
            href: kind.page_of(&key),
            name: kind.name_of(object),
            identifier: text_at(object, kind.identifier).to_owned(),
            cells: columns
                .iter()
                .map(|(_, pointer, look)| Cell::of(object.pointer(pointer).unwrap_or(&Value::Null), *look))
                .collect(),
        }
    };
    Ok(PartPage {
        shell,
        heads: columns.iter().map(|(label, ..)| *label).collect(),
        rows: items.iter().map(row).collect(),
        new: if ctx.may(kind.codes[1]) { new_in(kind.path, id) } else { String::new() },
        new_label: kind.new,
    })
}

async fn projects(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let columns = [
        (tr("Payment method"), "/spec/paymentMethodIdentifier", Look::Plain),
        (tr("Created"), "/metadata/createdOn", Look::Ago),
    ];
    let all = kinds::all();
    let kind =
        all.iter().find(|kind| kind.name == "meshProject").ok_or_else(crate::problem::Problem::default)?;
    ctx.page(&part(&ctx, &id, kind, &columns).await?)
}

async fn keys(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let columns = [
        (tr("Permissions"), "/spec/permissions", Look::Count),
        (tr("Expires"), "/spec/expiresAt", Look::Plain),
    ];
    ctx.page(&part(&ctx, &id, &kinds::keys(), &columns).await?)
}

async fn events(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let (_, shell) = found(&ctx, &id).await?;
    let path = format!(
        "/api/meshobjects/mesheventlogs?workspaceIdentifier={}&sort=-createdOn&size=50",
        segment(&id)
    );
    let found = ctx.api.list(&path).await?;
    ctx.page(&EventsPage {
        shell,
        rows: found.items.iter().map(|item| event::Row::read(item, "/admin/events")).collect(),
        all: format!("/admin/events?workspaceIdentifier={}", segment(&id)),
    })
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/admin/workspaces/{id}/people", get(people).post(appoint))
        .route("/admin/workspaces/{id}/people/role", post(change))
        .route("/admin/workspaces/{id}/people/remove", post(dismiss))
        .route("/admin/workspaces/{id}/projects", get(projects))
        .route("/admin/workspaces/{id}/keys", get(keys))
        .route("/admin/workspaces/{id}/events", get(events))
}
