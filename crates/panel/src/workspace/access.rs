//! Who has which role in a workspace (panel.md §4.1): the list, adding people, doing things to several at once.

use super::access_shell;
use super::team::{self, Candidate, Member};
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::listing::Listing;
use crate::parts::filters;
use crate::problem::Problem;
use crate::project;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "workspace/access.html")]
struct AccessPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Member>,
    may_change: bool,
    is_expiring: bool,
    here: String,
}

async fn page(ctx: &Ctx, is_expiring: bool) -> Answer {
    let mut path = team::path_of(ctx, None);
    if is_expiring {
        path.push_str("?expiresWithin=30");
    }
    let found = ctx.api.list(&Listing::ask(ctx, &path, &[])).await?;
    ctx.page(&AccessPage {
        shell: access_shell(ctx),
        listing: Listing::of(ctx, &found),
        rows: team::members(&found),
        may_change: ctx.may("WORKSPACEPRINCIPALBINDING_SAVE"),
        is_expiring,
        here: ctx.path.clone(),
    })
}

/// Everybody.
pub async fn list(ctx: Ctx) -> Answer {
    page(&ctx, false).await
}

/// Whose role is over, or soon will be.
pub async fn expiring(ctx: Ctx) -> Answer {
    page(&ctx, true).await
}

/// Roles that whoever asks may give.
pub fn roles(ctx: &Ctx) -> Vec<(String, String)> {
    let mut roles = vec![
        ("Workspace Member".to_owned(), tr("Member: works in projects they have a role in").to_owned()),
        ("Workspace Manager".to_owned(), tr("Manager: runs the workspace").to_owned()),
    ];
    if ctx.may("WORKSPACE_DELETE") {
        roles.push(("Workspace Owner".to_owned(), tr("Owner: answers for the workspace").to_owned()));
    }
    roles
}

#[derive(Template)]
#[template(path = "workspace/access_new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
    listing_path: String,
    q: String,
    found: Vec<Candidate>,
    picked: Vec<Candidate>,
    roles: Vec<(String, String)>,
    projects: Vec<(String, String)>,
    project_roles: Vec<(String, String)>,
}

async fn new_page(ctx: &Ctx, form: Form, picked: Vec<Candidate>, status: StatusCode) -> Answer {
    let q = ctx.query("q").unwrap_or_default().to_owned();
    let mut found = if q.is_empty() { Vec::new() } else { team::search(ctx, &q).await? };
    found.retain(|one| !picked.iter().any(|other| other.pick == one.pick));
    let projects =
        format!("/api/meshobjects/meshprojects?workspaceIdentifier={}&size=200", segment(ctx.home()));
    let projects = ctx.api.list(&projects).await?;
    let named = |project: &Value| (said(project, "/metadata/name"), said(project, "/spec/displayName"));
    let shell = ctx.shell(tr("Add people"));
    let list = shell.at("/access");
    ctx.page_as(
        status,
        &NewPage {
            listing_path: shell.at("/access/new"),
            shell: shell.crumb(tr("Access"), list),
            form,
            q,
            found,
            picked,
            roles: roles(ctx),
            projects: projects.items.iter().map(named).collect(),
            project_roles: project::roles(ctx).await?,
        },
    )
}

/// The form that adds people.
pub async fn new(ctx: Ctx) -> Answer {
    let form = Form::filled([("role", "Workspace Member")]);
    let picked = team::picks(&ctx);
    new_page(&ctx, form, picked, StatusCode::OK).await
}

/// A role of one in the workspace, and those in projects.
async fn bind(ctx: &Ctx, one: &Candidate, fields: &crate::form::Fields) -> Result<(), Problem> {
    let kind = if one.is_group { "group" } else { "user" };
    let mut binding = json!({
        "roleRef": { "name": fields.get("role") },
        "targetRef": { "name": ctx.home() },
        "subject": { "name": one.name() },
    });
    if let Some(day) = fields.some("expiryDate") {
        binding["expiryDate"] = json!(day);
    }
    ctx.api.post(&team::bindings(kind, false), &binding).await?;
    let Some(role) = fields.some("projectRole") else { return Ok(()) };
    for project in fields.all("project") {
        let binding = json!({
            "roleRef": { "name": role },
            "targetRef": { "name": project, "ownedByWorkspace": ctx.home() },
            "subject": { "name": one.name() },
        });
        ctx.api.post(&team::bindings(kind, true), &binding).await?;
    }
    Ok(())
}

/// Gives a role to everybody who was picked.
pub async fn add(Post { ctx, fields }: Post) -> Answer {
    let picked: Vec<Candidate> = fields.all("pick").into_iter().filter_map(Candidate::picked).collect();
    let mut left = picked.clone();
    for one in &picked {
        if let Err(problem) = bind(&ctx, one, &fields).await {
            let form = again(fields, problem, &[("roleRef.name", "role"), ("expiryDate", "expiryDate")])?;
            return new_page(&ctx, form, left, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        left.retain(|other| other.pick != one.pick);
    }
    let list = format!("/w/{}/access", segment(ctx.home()));
    ctx.done(&list, fill(tr("{0} added to the workspace."), &[&picked.len().to_string()]))
}

/// Removes or extends several roles at once (BI-10); what was refused is told by name.
pub async fn bulk(Post { ctx, fields }: Post) -> Answer {
    let back = if fields.get("from").ends_with("/expiring") { "/access/expiring" } else { "/access" };
    let back = format!("/w/{}{back}", segment(ctx.home()));
    let chosen: Vec<(&str, &str)> =
        fields.all("binding").into_iter().filter_map(|one| one.split_once(':')).collect();
    if chosen.is_empty() {
        return ctx.failed(&back, tr("Tick at least one role first."));
    }
    let days = fields.get("do").strip_prefix("extend-").and_then(|days| days.parse::<i64>().ok());
    let mut refused = Vec::new();
    for (kind, binding) in &chosen {
        let result = if let Some(days) = days {
            let until = jiff::Timestamp::now().as_second() + days * 86_400;
            let until = jiff::Timestamp::from_second(until).unwrap_or_default();
            let day = until.strftime("%Y-%m-%d").to_string();
            super::binding::extend(&ctx, binding, Some(&day)).await
        } else {
            let path = format!("{}/{}", team::bindings(kind, false), segment(binding));
            ctx.api.delete(&path).await.map(|_| ())
        };
        if let Err(problem) = result {
            refused.push(problem.message);
        }
    }
    let done = (chosen.len() - refused.len()).to_string();
    let said = if days.is_some() { tr("{0} roles were extended.") } else { tr("{0} roles were taken away.") };
    let said = fill(said, &[&done]);
    if refused.is_empty() {
        return ctx.done(&back, said);
    }
    refused.dedup();
    ctx.failed(&back, format!("{said} {}", refused.join(" ")))
}
