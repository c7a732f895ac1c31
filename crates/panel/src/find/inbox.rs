//! What waits for somebody, and what runs for them: building blocks and messages of their workspaces.

use crate::Pages;
use crate::api::{Api, segment, text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::routing::get;

/// So many workspaces are looked at.
const WORKSPACES: usize = 8;
/// States of building blocks that need somebody, and those that will change by themselves.
const WAITING: [&str; 3] = ["FAILED", "WAITING_FOR_DEPENDENT_INPUT", "WAITING_FOR_OPERATOR_INPUT"];
const RUNNING: [&str; 2] = ["IN_PROGRESS", "PENDING"];

/// Something in the inbox.
struct Entry {
    href: String,
    name: String,
    workspace: String,
    state: String,
    at: String,
}

#[derive(Default)]
struct Found {
    waiting: Vec<Entry>,
    running: Vec<Entry>,
    messages: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "find/inbox.html")]
struct InboxPage {
    shell: Shell,
    found: Found,
}

#[derive(Template)]
#[template(path = "find/bell.html")]
struct Bell {
    waiting: usize,
    running: usize,
}

async fn blocks(api: &Api, home: (&str, &str), states: &[&str], into: &mut Vec<Entry>) {
    for state in states {
        let path = with_query(
            "/api/meshobjects/meshbuildingblocks",
            [("workspaceIdentifier", home.0), ("status", state), ("sort", "-createdOn"), ("size", "20")],
        );
        // A part that fails leaves the rest alone.
        let Ok(found) = api.list(&path).await else { continue };
        for block in &found.items {
            let uuid = text_at(block, "/metadata/uuid");
            into.push(Entry {
                href: format!("/w/{}/b/{}", segment(home.0), segment(uuid)),
                name: text_at(block, "/spec/displayName").to_owned(),
                workspace: home.1.to_owned(),
                state: (*state).to_owned(),
                at: text_at(block, "/metadata/createdOn").to_owned(),
            });
        }
    }
}

async fn look(ctx: &Ctx) -> Found {
    let mut found = Found::default();
    for home in ctx.me.workspaces.iter().take(WORKSPACES) {
        let api = ctx.api.acting_in(Some(&home.identifier));
        let named = (home.identifier.as_str(), home.display_name.as_str());
        blocks(&api, named, &WAITING, &mut found.waiting).await;
        blocks(&api, named, &RUNNING, &mut found.running).await;
        let path = "/api/meshobjects/meshcommunications?resolutionStatus=OPEN&sort=-createdOn&size=20";
        let Ok(messages) = api.list(path).await else { continue };
        found.messages.extend(messages.items.iter().map(|message| Entry {
            href: format!("/inbox#{}", text_at(message, "/metadata/uuid")),
            name: text_at(message, "/status/communication/title").to_owned(),
            workspace: home.display_name.clone(),
            state: text_at(message, "/status/resolutionStatus").to_owned(),
            at: text_at(message, "/metadata/createdOn").to_owned(),
        }));
    }
    found
}

async fn inbox(ctx: Ctx) -> Answer {
    let found = look(&ctx).await;
    ctx.page(&InboxPage { shell: ctx.shell(tr("Inbox")), found })
}

async fn bell(ctx: Ctx) -> Answer {
    let found = look(&ctx).await;
    ctx.page(&Bell { waiting: found.waiting.len() + found.messages.len(), running: found.running.len() })
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new().route("/inbox", get(inbox)).route("/inbox/bell", get(bell))
}
