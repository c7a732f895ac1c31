//! Who administers: roles bound in the admin workspace (domain-organization.md §5.1).

use crate::Pages;
use crate::api::{segment, text_at};
use crate::binding::exchange;
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::routing::{get, post};
use serde_json::json;

/// Roles by name, with what each is for.
fn roles() -> [(&'static str, &'static str); 9] {
    [
        ("Organization Admin", tr("everything, including who is an administrator")),
        ("Organization User", tr("everything but policies, tag definitions and who is an administrator")),
        ("Platform Engineer", tr("operates platforms")),
        ("Ops Support", tr("quotas, restrictions, deletions")),
        ("FinOps Manager", tr("money")),
        ("Onboarding Support", tr("helps people in")),
        ("Compliance Manager", tr("policies, tags")),
        ("Replication Operator", tr("reads tenants, runs again")),
        ("Auditor", tr("reads the event log")),
    ]
}

struct Held {
    name: String,
    subject: String,
    is_group: bool,
    role: String,
    meaning: &'static str,
    expires: String,
}

#[derive(Template)]
#[template(path = "admin/access.html")]
struct AccessPage {
    shell: Shell,
    held: Vec<Held>,
    roles: [(&'static str, &'static str); 9],
}

const PAGE: &str = "/admin/access";

fn bindings(is_group: bool) -> &'static str {
    if is_group {
        "/api/meshobjects/meshworkspacebindings/groupbindings"
    } else {
        "/api/meshobjects/meshworkspacebindings/userbindings"
    }
}

fn guarded(ctx: &Ctx) -> Result<(), Problem> {
    if ctx.me.admin_roles.iter().any(|role| role == "OA") {
        return Ok(());
    }
    Err(Problem::forbidden(tr("Only an organization admin sees and changes who administers.")))
}

fn home(ctx: &Ctx) -> String {
    ctx.panel.app.world.settings.admin_workspace.clone()
}

async fn list(ctx: Ctx) -> Answer {
    guarded(&ctx)?;
    let (mut held, known) = (Vec::new(), roles());
    for is_group in [false, true] {
        let path = format!("{}?workspaceIdentifier={}&size=500", bindings(is_group), segment(&home(&ctx)));
        for binding in ctx.api.list(&path).await?.items {
            let role = text_at(&binding, "/roleRef/name");
            let Some((_, meaning)) = known.iter().find(|(name, _)| *name == role) else { continue };
            held.push(Held {
                name: text_at(&binding, "/metadata/name").to_owned(),
                subject: text_at(&binding, "/subject/name").to_owned(),
                is_group,
                role: role.to_owned(),
                meaning,
                expires: text_at(&binding, "/expiryDate").to_owned(),
            });
        }
    }
    ctx.page(&AccessPage { shell: ctx.shell(tr("Admin access")), held, roles: known })
}

async fn give(Post { ctx, fields }: Post) -> Answer {
    guarded(&ctx)?;
    let mut body = json!({
        "roleRef": { "name": fields.get("role") },
        "targetRef": { "name": home(&ctx) },
        "subject": { "name": fields.get("subject") },
    });
    if let Some(day) = fields.some("expires") {
        body["expiryDate"] = json!(day);
    }
    match ctx.api.post(bindings(fields.get("kind") == "group"), &body).await {
        Ok(_) => {
            ctx.done(PAGE, fill(tr("{0} has the role {1}."), &[fields.get("subject"), fields.get("role")]))
        }
        Err(problem) if problem.is_about_input() || problem.status == 404 => {
            ctx.failed(PAGE, problem.message)
        }
        Err(problem) => Err(problem),
    }
}

async fn change(Post { ctx, fields }: Post) -> Answer {
    guarded(&ctx)?;
    let collection = bindings(fields.get("kind") == "group");
    let (name, role) = (fields.get("name"), fields.get("role"));
    match exchange(&ctx.api, collection, name, role, fields.some("expires")).await {
        Ok(()) => ctx.done(PAGE, fill(tr("{0} has the role {1}."), &[fields.get("subject"), role])),
        Err(problem) if problem.is_about_input() => ctx.failed(PAGE, problem.message),
        Err(problem) => Err(problem),
    }
}

async fn take(Post { ctx, fields }: Post) -> Answer {
    guarded(&ctx)?;
    let path = format!("{}/{}", bindings(fields.get("kind") == "group"), segment(fields.get("name")));
    match ctx.api.delete(&path).await {
        Ok(_) => ctx.done(PAGE, fill(tr("{0} has lost a role."), &[fields.get("subject")])),
        Err(problem) if problem.is_about_input() => ctx.failed(PAGE, problem.message),
        Err(problem) => Err(problem),
    }
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route(PAGE, get(list).post(give))
        .route("/admin/access/remove", post(take))
        .route("/admin/access/role", post(change))
}
