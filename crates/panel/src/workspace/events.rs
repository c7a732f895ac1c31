//! What happened in a workspace, or in one of its projects: who did what, and what it changed.

use crate::api::{author_of, said, segment, with_query};
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use serde_json::Value;
use std::collections::BTreeMap;

/// A value that changed.
struct Change {
    path: String,
    before: String,
    after: String,
}

struct Row {
    at: String,
    title: String,
    event_type: String,
    description: String,
    author: String,
    author_type: String,
    request: String,
    changes: Vec<Change>,
}

impl Row {
    fn read(event: &Value) -> Self {
        let spec = &event["spec"];
        Self {
            at: said(event, "/metadata/createdAt"),
            title: said(event, "/spec/title"),
            event_type: said(event, "/spec/eventType"),
            description: said(event, "/spec/description"),
            author: author_of(event),
            author_type: said(event, "/spec/author/authorType"),
            request: said(event, "/metadata/requestId"),
            changes: changes(&spec["previousContent"], &spec["content"]),
        }
    }

    fn author_icon(&self) -> &'static str {
        match self.author_type.as_str() {
            "User" => "user",
            "ApiKey" | "ApiUser" => "key",
            _ => "settings",
        }
    }
}

/// The leaves of a document by their paths.
fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(member, &at, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (place, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}[{place}]"), found);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

/// What is different after a change; all of it when nothing was before.
fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    leaves(before, "", &mut old);
    leaves(after, "", &mut new);
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let text = |of: &BTreeMap<String, String>, path: &String| of.get(path).cloned().unwrap_or_default();
    let pairs = paths.into_iter().map(|path| (path.clone(), text(&old, path), text(&new, path)));
    pairs
        .filter(|(_, before, after)| before != after)
        .map(|(path, before, after)| Change { path, before, after })
        .collect()
}

#[derive(Template)]
#[template(path = "workspace/events.html")]
struct EventsPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Row>,
    types: [&'static str; 9],
    authors: [(&'static str, &'static str); 4],
}

/// The list under a frame; `about` keeps to entries that name something.
pub async fn page(ctx: &Ctx, shell: Shell, about: Option<&str>) -> Answer {
    let mut path =
        format!("/api/meshobjects/mesheventlogs?sort=-createdOn&workspaceIdentifier={}", segment(ctx.home()));
    if let Some(about) = about {
        path.push_str("&description=");
        path.push_str(&segment(about));
    }
    for (ours, theirs, time) in [("from", "from", "T00:00:00Z"), ("until", "until", "T23:59:59Z")] {
        if let Some(day) = ctx.query(ours) {
            path = with_query(&path, [(theirs, format!("{day}{time}"))]);
        }
    }
    let filters = [("type", "eventType"), ("by", "authorType")];
    let found = ctx.api.list(&Listing::ask(ctx, &path, &filters)).await?;
    ctx.page(&EventsPage {
        shell,
        listing: Listing::of(ctx, &found),
        rows: found.items.iter().map(Row::read).collect(),
        types: [
            "Added",
            "Approved",
            "Cancelled",
            "Changed",
            "Created",
            "Deleted",
            "Rejected",
            "Removed",
            "Requested",
        ],
        authors: [
            ("User", tr("People")),
            ("ApiKey", tr("API keys")),
            ("ApiUser", tr("API users")),
            ("System", tr("Stoa itself")),
        ],
    })
}

/// Those of the workspace.
pub async fn list(ctx: Ctx) -> Answer {
    let shell = ctx.shell(tr("Event log"));
    page(&ctx, shell, None).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_told_leaf_by_leaf() {
        let found = changes(
            &json!({ "name": "a", "tags": { "x": ["1"] }, "gone": true }),
            &json!({ "name": "a", "tags": { "x": ["1", "2"] }, "new": 3 }),
        );
        let told: Vec<(&str, &str, &str)> =
            found.iter().map(|one| (one.path.as_str(), one.before.as_str(), one.after.as_str())).collect();
        assert_eq!(told, [("gone", "true", ""), ("new", "", "3"), ("tags.x", "[\"1\"]", "[\"1\",\"2\"]")]);
    }
}
