//! The event log (panel.md §8, domain-organization.md §18): filters, an event with what it changed, export.

use crate::Pages;
use crate::api::{Listed, author_of, segment, text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::generic::{Change, changes};
use crate::listing::Listing;
use crate::parts::{csv, filters};
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use axum::routing::get;
use serde_json::Value;

const API: &str = "/api/meshobjects/mesheventlogs";
/// Filters, as the address and the API have them.
const FILTERS: [&str; 7] =
    ["from", "until", "title", "eventType", "authorType", "authorIdentifier", "workspaceIdentifier"];
const TYPES: [&str; 9] =
    ["Added", "Approved", "Cancelled", "Changed", "Created", "Deleted", "Rejected", "Removed", "Requested"];
const AUTHORS: [&str; 4] = ["ApiKey", "ApiUser", "User", "System"];
/// Most events that one export holds.
const EXPORT_PAGES: u64 = 20;

/// A line of the log.
pub struct Row {
    /// Its page.
    pub href: String,
    /// When.
    pub at: String,
    /// Category.
    pub title: String,
    /// One sentence.
    pub description: String,
    /// Workspace concerned.
    pub workspace: String,
    /// Who.
    pub author: String,
    /// What they are: an icon of the sprite.
    pub icon: &'static str,
}

impl Row {
    /// Reads an event; `base` is the path of the log.
    pub fn read(event: &Value, base: &str) -> Self {
        let text = |pointer| text_at(event, pointer).to_owned();
        Self {
            href: format!("{base}/{}", segment(text_at(event, "/metadata/uuid"))),
            at: text("/metadata/createdAt"),
            title: text("/spec/title"),
            description: text("/spec/description"),
            workspace: text("/spec/workspaceRef/name"),
            author: author_of(event),
            icon: match text_at(event, "/spec/author/authorType") {
                "User" => "user",
                "ApiKey" | "ApiUser" => "key",
                _ => "settings",
            },
        }
    }
}

#[derive(Template)]
#[template(path = "admin/events.html")]
struct ListPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Row>,
    export: String,
    types: &'static [&'static str],
    authors: &'static [&'static str],
    is_admin: bool,
}

#[derive(Template)]
#[template(path = "admin/event.html")]
struct EventPage {
    shell: Shell,
    row: Row,
    event_type: String,
    author_type: String,
    request: String,
    changes: Vec<Change>,
    content: String,
}

/// A day means its beginning, and as the end of a span the beginning of the next one.
fn instant(name: &str, value: &str) -> String {
    let Ok(day) = value.parse::<jiff::civil::Date>() else { return value.to_owned() };
    let day = if name == "until" { day.tomorrow().unwrap_or(day) } else { day };
    format!("{day}T00:00:00Z")
}

/// The API's path with the filters of the address.
fn asked(ctx: &Ctx, path: &str) -> String {
    let filters = FILTERS.iter().filter_map(|name| Some((*name, instant(name, ctx.query(name)?))));
    with_query(&with_query(path, filters), [("sort", "-createdOn")])
}

fn base(ctx: &Ctx) -> String {
    if ctx.workspace.is_some() {
        format!("/w/{}/compliance/events", segment(ctx.home()))
    } else {
        "/admin/events".to_owned()
    }
}

async fn list(ctx: Ctx) -> Answer {
    let path = asked(&ctx, &Listing::ask(&ctx, API, &[]));
    let found: Listed = ctx.api.list(&path).await?;
    let base = base(&ctx);
    let listing = Listing::of(&ctx, &found);
    let export = with_query(
        &format!("{base}/export"),
        listing.query.iter().map(|(name, value)| (name.as_str(), value.as_str())),
    );
    ctx.page(&ListPage {
        shell: ctx.shell(tr("Event log")),
        rows: found.items.iter().map(|event| Row::read(event, &base)).collect(),
        listing,
        export,
        types: &TYPES,
        authors: &AUTHORS,
        is_admin: ctx.workspace.is_none(),
    })
}

async fn show(ctx: Ctx, uuid: String) -> Answer {
    let event = ctx.api.get(&format!("{API}/{}", segment(&uuid))).await?;
    let base = base(&ctx);
    let row = Row::read(&event, &base);
    let previous = &event["spec"]["previousContent"];
    let content = &event["spec"]["content"];
    ctx.page(&EventPage {
        shell: ctx.shell(row.title.clone()).crumb(tr("Event log"), base).about(row.title.clone(), uuid),
        event_type: text_at(&event, "/spec/eventType").to_owned(),
        author_type: text_at(&event, "/spec/author/authorType").to_owned(),
        request: text_at(&event, "/metadata/requestId").to_owned(),
        changes: if previous.is_object() { changes(previous, content) } else { Vec::new() },
        content: serde_json::to_string_pretty(content).unwrap_or_default(),
        row,
    })
}

async fn export(ctx: Ctx) -> Answer {
    let mut text = String::from("time,title,type,workspace,authorType,author,description,request\r\n");
    for number in 0..EXPORT_PAGES {
        let (number, q) = (number.to_string(), ctx.query("q").unwrap_or_default());
        let path = with_query(API, [("q", q), ("page", &number), ("size", "1000")]);
        let found = ctx.api.list(&asked(&ctx, &path)).await?;
        for event in &found.items {
            let fields = [
                "/metadata/createdAt",
                "/spec/title",
                "/spec/eventType",
                "/spec/workspaceRef/name",
                "/spec/author/authorType",
                "/spec/author/identifier",
                "/spec/description",
                "/metadata/requestId",
            ];
            text.push_str(&fields.map(|pointer| csv::field(text_at(event, pointer))).join(","));
            text.push_str("\r\n");
        }
        if found.number + 1 >= found.pages {
            break;
        }
    }
    Ok(csv::file("events", text))
}

/// The pages; the list within a workspace is the workspace's own.
pub fn pages() -> Pages {
    Pages::new()
        .route("/admin/events", get(list))
        .route("/admin/events/export", get(export))
        .route("/admin/events/{uuid}", get(async |ctx: Ctx, Path(uuid): Path<String>| show(ctx, uuid).await))
        .route("/w/{workspace}/compliance/events/export", get(export))
        .route(
            "/w/{workspace}/compliance/events/{uuid}",
            get(async |ctx: Ctx, Path((_, uuid)): Path<(String, String)>| show(ctx, uuid).await),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_their_last_day() {
        assert_eq!(instant("from", "2026-03-01"), "2026-03-01T00:00:00Z");
        assert_eq!(instant("until", "2026-03-31"), "2026-04-01T00:00:00Z");
        assert_eq!(instant("until", "2026-03-31T10:00:00Z"), "2026-03-31T10:00:00Z");
    }
}
