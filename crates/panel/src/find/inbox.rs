//! What waits for somebody, what runs for them, and what ended since they last looked: building blocks, runs and
//! messages of their workspaces.

use super::message;
use crate::Pages;
use crate::api::{Api, segment, text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::routing::get;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use stoa_web::credential::cookie;

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
    /// What else there is to say.
    note: String,
}

#[derive(Default)]
struct Found {
    waiting: Vec<Entry>,
    running: Vec<Entry>,
    messages: Vec<Entry>,
    finished: Vec<Entry>,
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
    finished: usize,
}

/// Cookie that holds when the inbox was looked at last.
const SEEN: &str = "stoa_inbox";
/// What somebody who never looked is told of, in seconds: the last day.
const FIRST: i64 = 86_400;

/// When the inbox was looked at last.
fn seen(headers: &HeaderMap) -> Timestamp {
    let known = cookie(headers, SEEN).and_then(|value| value.parse::<i64>().ok());
    let seconds = known.unwrap_or_else(|| Timestamp::now().as_second() - FIRST);
    Timestamp::from_second(seconds).unwrap_or_default()
}

/// Runs of a workspace that ended since then.
async fn finished(api: &Api, home: (&str, &str), since: Timestamp, into: &mut Vec<Entry>) {
    let path = format!("/api/stoa/v1/runs?workspaceIdentifier={}&size=50", segment(home.0));
    let Ok(found) = api.list(&path).await else { return };
    for run in &found.items {
        let ended = text_at(run, "/endedOn");
        let is_new = ended.parse::<Timestamp>().is_ok_and(|ended| ended > since);
        if !is_new {
            continue;
        }
        let (block, uuid) = (text_at(run, "/buildingBlock/uuid"), text_at(run, "/uuid"));
        into.push(Entry {
            href: format!("/w/{}/b/{}/runs/{}", segment(home.0), segment(block), segment(uuid)),
            name: text_at(run, "/buildingBlock/displayName").to_owned(),
            workspace: home.1.to_owned(),
            state: text_at(run, "/status").to_owned(),
            at: ended.to_owned(),
            note: String::new(),
        });
    }
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
                note: String::new(),
            });
        }
    }
}

async fn look(ctx: &Ctx, since: Timestamp) -> Found {
    let mut found = Found::default();
    for home in ctx.me.workspaces.iter().take(WORKSPACES) {
        let api = ctx.api.acting_in(Some(&home.identifier));
        let named = (home.identifier.as_str(), home.display_name.as_str());
        blocks(&api, named, &WAITING, &mut found.waiting).await;
        blocks(&api, named, &RUNNING, &mut found.running).await;
        finished(&api, named, since, &mut found.finished).await;
        let path = "/api/meshobjects/meshcommunications?resolutionStatus=OPEN&sort=-createdOn&size=20";
        let Ok(messages) = api.list(path).await else { continue };
        // Those that a team sent are not for itself.
        let own = |message: &&Value| text_at(message, "/metadata/ownedByWorkspace") == home.identifier;
        found.messages.extend(messages.items.iter().filter(own).map(|message| Entry {
            href: message::path(&home.identifier, text_at(message, "/metadata/uuid")),
            name: text_at(message, "/status/meshCommunicationDefinition/title").to_owned(),
            workspace: home.display_name.clone(),
            state: text_at(message, "/status/resolutionStatus").to_owned(),
            at: String::new(),
            note: match text_at(message, "/status/meshCommunicationDefinition/dueDate") {
                "" => String::new(),
                day => fill(tr("until {0}"), &[day]),
            },
        }));
    }
    found.finished.sort_by(|a, b| b.at.cmp(&a.at));
    found
}

async fn inbox(ctx: Ctx, headers: HeaderMap) -> Answer {
    let found = look(&ctx, seen(&headers)).await;
    let mut response = ctx.page(&InboxPage { shell: ctx.shell(tr("Inbox")), found })?;
    let now = Timestamp::now().as_second();
    let looked = format!("{SEEN}={now}; Path=/inbox; Max-Age=31536000; HttpOnly; SameSite=Lax");
    response.headers_mut().extend(HeaderValue::from_str(&looked).map(|value| (SET_COOKIE, value)));
    Ok(response)
}

async fn bell(ctx: Ctx, headers: HeaderMap) -> Answer {
    let found = look(&ctx, seen(&headers)).await;
    ctx.page(&Bell {
        waiting: found.waiting.len() + found.messages.len(),
        running: found.running.len(),
        finished: found.finished.len(),
    })
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new().route("/inbox", get(inbox)).route("/inbox/bell", get(bell)).merge(message::pages())
}
