//! A message to a team: what it says, and that what it asks for was done (domain-organization.md §16). Who got it reads
//! it in their workspace, who sent it in the administration.

use crate::Pages;
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use axum::routing::get;
use serde_json::json;

#[derive(Template)]
#[template(path = "find/message.html")]
struct MessagePage {
    shell: Shell,
    text: String,
    due: String,
    to: String,
    is_duty: bool,
    is_open: bool,
    may_resolve: bool,
}

/// Its page for who got it.
pub fn path(workspace: &str, uuid: &str) -> String {
    format!("/w/{}/messages/{}", segment(workspace), segment(uuid))
}

/// The uuid, which stands last in the address.
type Named = Path<Vec<(String, String)>>;

fn uuid(path: &Named) -> &str {
    path.0.last().map_or("", |(_, uuid)| uuid)
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let one = format!("/api/stoa/v1/communications/{}/message", segment(uuid(&path)));
    let message = ctx.api.get(&one).await?;
    let title = said(&message, "/title");
    let list = if ctx.workspace.is_some() { "/inbox" } else { "/admin/communications" };
    let list_title = if ctx.workspace.is_some() { tr("Inbox") } else { tr("Communications") };
    let state = said(&message, "/resolutionStatus");
    ctx.page(&MessagePage {
        shell: ctx.shell(title).crumb(list_title, list).marked(String::from("mail"), state.clone()),
        text: said(&message, "/message"),
        due: said(&message, "/dueDate"),
        to: said(&message, "/to"),
        is_duty: !state.is_empty(),
        is_open: state == "OPEN",
        may_resolve: ctx.may("COMMUNICATION_SAVE") || ctx.may("ADM_COMMUNICATION_SAVE"),
    })
}

async fn resolve(path: Named, Post { ctx, fields }: Post) -> Answer {
    let here = ctx.path.clone();
    let one = format!("/api/stoa/v1/communications/{}/resolution", segment(uuid(&path)));
    let wanted = if fields.get("do") == "open" { "OPEN" } else { "RESOLVED" };
    match ctx.api.post(&one, &json!({ "resolutionStatus": wanted })).await {
        Ok(_) if wanted == "OPEN" => ctx.done(&here, tr("It is open again.")),
        Ok(_) => ctx.done(&here, tr("It is resolved; who sent it sees that.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&here, problem.message),
        Err(problem) => Err(problem),
    }
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/w/{workspace}/messages/{uuid}", get(show).post(resolve))
        .route("/admin/communications/{id}/message", get(show).post(resolve))
}
