//! The end of a workspace: what keeps it, and what goes with it (domain-organization.md §8.3).

use super::settings_shell;
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::shell::{Link, Shell};
use crate::text::{fill, tr};
use askama::Template;
use serde_json::Value;

/// Things that must go first.
struct Blocker {
    label: &'static str,
    total: u64,
    first: Vec<Link>,
    all: String,
}

#[derive(Template)]
#[template(path = "workspace/deletion.html")]
struct DeletionPage {
    shell: Shell,
    blockers: Vec<Blocker>,
    name: String,
}

/// Kinds that keep a workspace: what they are called, their list in the API, their page in the panel, where the
/// identity of one stands.
fn kinds() -> [(&'static str, &'static str, &'static str, &'static str, &'static str); 7] {
    [
        (
            tr("Projects"),
            "meshprojects?state=ACTIVE,PENDING_DELETION&workspaceIdentifier=",
            "/projects",
            "/p/",
            "/metadata/name",
        ),
        (
            tr("Building blocks"),
            "meshbuildingblocks?targetRefKind=meshWorkspace&workspaceIdentifier=",
            "/blocks",
            "/b/",
            "/metadata/uuid",
        ),
        (
            tr("Platforms"),
            "meshplatforms?ownedByWorkspace=",
            "/build/platforms",
            "/build/platforms/",
            "/metadata/uuid",
        ),
        (
            tr("Landing zones"),
            "meshlandingzones?ownedByWorkspace=",
            "/build/landing-zones",
            "/build/landing-zones/",
            "/metadata/name",
        ),
        (
            tr("Definitions of building blocks"),
            "meshbuildingblockdefinitions?workspaceIdentifier=",
            "/build/definitions",
            "/build/definitions/",
            "/metadata/uuid",
        ),
        (
            tr("Runners"),
            "meshbuildingblockrunners?workspaceIdentifier=",
            "/build/runners",
            "/build/runners/",
            "/metadata/uuid",
        ),
        (
            tr("Integrations"),
            "meshintegrations?workspaceIdentifier=",
            "/build/integrations",
            "/build/integrations/",
            "/metadata/uuid",
        ),
    ]
}

async fn blockers(ctx: &Ctx) -> Vec<Blocker> {
    let base = format!("/w/{}", segment(ctx.home()));
    let mut blockers = Vec::new();
    for (label, list, page, one, id) in kinds() {
        let path = format!("/api/meshobjects/{list}{}&size=200", segment(ctx.home()));
        // A kind that whoever asks cannot read is told by the refusal, if it comes to that.
        let Ok(found) = ctx.api.list(&path).await else { continue };
        let is_own = |object: &&Value| {
            let owner = object.pointer("/metadata/ownedByWorkspace").and_then(Value::as_str);
            owner.is_none_or(|owner| owner == ctx.home())
        };
        let own: Vec<&Value> = found.items.iter().filter(is_own).collect();
        if own.is_empty() {
            continue;
        }
        let link = |object: &&Value| Link {
            label: said(object, "/spec/displayName"),
            href: format!("{base}{one}{}", segment(&said(object, id))),
        };
        blockers.push(Blocker {
            label,
            total: own.len() as u64,
            first: own.iter().take(5).map(link).collect(),
            all: format!("{base}{page}"),
        });
    }
    blockers
}

/// What keeps it.
pub async fn show(ctx: Ctx) -> Answer {
    let name = ctx.workspace.as_ref().map(|home| home.display_name.clone()).unwrap_or_default();
    let shell = settings_shell(&ctx).about(name.clone(), ctx.home());
    ctx.page(&DeletionPage { shell, blockers: blockers(&ctx).await, name })
}

/// Deletes it.
pub async fn delete(Post { ctx, fields }: Post) -> Answer {
    let here = format!("/w/{}/settings/deletion", segment(ctx.home()));
    if !fields.is_on("sure") {
        return ctx.failed(&here, tr("Tick the box first: a deleted workspace does not come back."));
    }
    let path = format!("/api/meshobjects/meshworkspaces/{}", segment(ctx.home()));
    match ctx.api.delete(&path).await {
        Ok(_) => ctx.done("/home", fill(tr("The workspace {0} was deleted."), &[ctx.home()])),
        Err(problem) if problem.is_about_input() => ctx.failed(&here, problem.message),
        Err(problem) => Err(problem),
    }
}
