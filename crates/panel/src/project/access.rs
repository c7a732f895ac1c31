//! Who works in a project, and with which role.

use super::Project;
use super::new::roles;
use crate::api::segment;
use crate::binding::exchange;
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::listing::Listing;
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::{fill, tr};
use crate::workspace::team::{self, Candidate, Member};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::json;

#[derive(Template)]
#[template(path = "project/access.html")]
struct AccessPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Member>,
    roles: Vec<(String, String)>,
    base: String,
    may_change: bool,
}

impl AccessPage {
    fn role_of<'p>(&'p self, row: &'p Member) -> &'p str {
        self.roles.iter().find(|(id, _)| *id == row.role).map_or(&row.role, |(_, label)| label)
    }
}

/// The list.
pub async fn list(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let path = Listing::ask(&ctx, &team::path_of(&ctx, Some(&project.name)), &[]);
    let (found, roles) = tokio::join!(ctx.api.list(&path), roles(&ctx));
    let found = found?;
    ctx.page(&AccessPage {
        shell: project.shell(&ctx),
        listing: Listing::of(&ctx, &found),
        rows: team::members(&found),
        roles: roles?,
        base: project.at(&ctx, "/access"),
        may_change: ctx.may("PROJECTPRINCIPALROLE_SAVE"),
    })
}

#[derive(Template)]
#[template(path = "project/access_new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
    base: String,
    listing_path: String,
    q: String,
    found: Vec<Candidate>,
    picked: Vec<Candidate>,
    roles: Vec<(String, String)>,
}

async fn new_page(
    ctx: &Ctx,
    project: &Project,
    form: Form,
    picked: Vec<Candidate>,
    status: StatusCode,
) -> Answer {
    let q = ctx.query("q").unwrap_or_default().to_owned();
    // Roles in projects are for those who have one in the workspace (BI-01).
    let path = format!("{}?size=12&q={}", team::path_of(ctx, None), segment(&q));
    let found = ctx.api.list(&path).await?;
    let found = team::members(&found);
    let mut candidates: Vec<Candidate> = Vec::new();
    for candidate in found.iter().map(Candidate::from) {
        if !candidates.contains(&candidate) && !picked.iter().any(|one| one.pick == candidate.pick) {
            candidates.push(candidate);
        }
    }
    let base = project.at(ctx, "/access");
    let shell = ctx
        .shell(tr("Add people"))
        .crumb(tr("Projects"), format!("/w/{}/projects", segment(ctx.home())))
        .crumb(project.display_name.clone(), project.at(ctx, ""))
        .crumb(tr("Access"), base.clone());
    ctx.page_as(
        status,
        &NewPage {
            shell,
            form,
            listing_path: format!("{base}/new"),
            base,
            q,
            found: candidates,
            picked,
            roles: roles(ctx).await?,
        },
    )
}

/// The form that adds somebody.
pub async fn new(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let picked = team::picks(&ctx);
    new_page(&ctx, &project, Form::default(), picked, StatusCode::OK).await
}

/// Gives a role to whoever was picked.
pub async fn add(Path((_, name)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let picked: Vec<Candidate> = fields.all("pick").into_iter().filter_map(Candidate::picked).collect();
    let role = fields.get("role").to_owned();
    let mut left = picked.clone();
    for one in &picked {
        let binding = json!({
            "roleRef": { "name": role },
            "targetRef": { "name": project.name, "ownedByWorkspace": ctx.home() },
            "subject": { "name": one.name() },
        });
        let kind = if one.is_group { "group" } else { "user" };
        if let Err(problem) = ctx.api.post(&team::bindings(kind, true), &binding).await {
            let form = again(fields, problem, &[("roleRef.name", "role")])?;
            return new_page(&ctx, &project, form, left, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        left.retain(|other| other.pick != one.pick);
    }
    let count = picked.len().to_string();
    ctx.done(&project.at(&ctx, "/access"), fill(tr("{0} added to the project."), &[&count]))
}

/// Gives somebody another role in the place of the one they have.
pub async fn change(
    Path((_, name, kind, binding)): Path<(String, String, String, String)>,
    Post { ctx, fields }: Post,
) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let list = project.at(&ctx, "/access");
    match exchange(&ctx.api, &team::bindings(&kind, true), &binding, fields.get("role"), None).await {
        Ok(()) => ctx.done(&list, tr("The role was changed.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&list, problem.message),
        Err(problem) => Err(problem),
    }
}

/// Takes a role away.
pub async fn remove(
    Path((_, name, kind, binding)): Path<(String, String, String, String)>,
    Post { ctx, .. }: Post,
) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let list = project.at(&ctx, "/access");
    match ctx.api.delete(&format!("{}/{}", team::bindings(&kind, true), segment(&binding))).await {
        Ok(_) => ctx.done(&list, tr("The role was taken away.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&list, problem.message),
        Err(problem) => Err(problem),
    }
}
