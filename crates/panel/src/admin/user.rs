//! How somebody signs in: their local account, and whether they may.

use super::kinds;
use crate::Pages;
use crate::api::{segment, text_at};
use crate::ctx::{Answer, Ctx, Post};
use crate::generic::pages::frame;
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use axum::routing::{get, post};
use serde_json::json;

#[derive(Template)]
#[template(path = "admin/account.html")]
struct AccountPage {
    shell: Shell,
    page: String,
    link: String,
    ends: String,
    may_change: bool,
}

async fn shown(ctx: &Ctx, id: &str, (link, ends): (&str, &str)) -> Answer {
    let kind = kinds::users();
    let object = ctx.api.get(&kind.api_of(id)).await?;
    let page = format!("{}/account", kind.page_of(id));
    let mut shell = frame(ctx, &kind, id, &object);
    for tab in &mut shell.tabs {
        tab.is_active = tab.href == page;
    }
    ctx.page(&AccountPage {
        shell,
        page,
        link: link.to_owned(),
        ends: ends.to_owned(),
        may_change: kind.is_writable(ctx),
    })
}

async fn account(ctx: Ctx, Path(id): Path<String>) -> Answer {
    shown(&ctx, &id, ("", "")).await
}

async fn set_up(Path(id): Path<String>, Post { ctx, .. }: Post) -> Answer {
    let made = ctx.api.post("/api/stoa/v1/accounts", &json!({ "username": id })).await?;
    shown(&ctx, &id, (text_at(&made, "/link"), text_at(&made, "/endsOn"))).await
}

async fn remove(Path(id): Path<String>, Post { ctx, .. }: Post) -> Answer {
    let page = format!("/admin/users/{}/account", segment(&id));
    match ctx.api.delete(&format!("/api/stoa/v1/accounts/{}", segment(&id))).await {
        Ok(_) => ctx.done(&page, fill(tr("{0} has no local account any more."), &[&id])),
        Err(problem) if problem.is_about_input() || problem.status == 404 => {
            ctx.failed(&page, problem.message)
        }
        Err(problem) => Err(problem),
    }
}

async fn state(Path(id): Path<String>, Post { ctx, fields }: Post) -> Answer {
    let page = format!("/admin/users/{}/account", segment(&id));
    let path = format!("/api/stoa/v1/users/{}/state", segment(&id));
    match ctx.api.put(&path, &json!({ "state": fields.get("state") })).await {
        Ok(_) if fields.get("state") == "DISABLED" => {
            ctx.done(&page, fill(tr("{0} may not sign in any more."), &[&id]))
        }
        Ok(_) => ctx.done(&page, fill(tr("{0} may sign in."), &[&id])),
        Err(problem) if problem.is_about_input() => ctx.failed(&page, problem.message),
        Err(problem) => Err(problem),
    }
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/admin/users/{id}/account", get(account).post(set_up))
        .route("/admin/users/{id}/account/remove", post(remove))
        .route("/admin/users/{id}/state", post(state))
}
