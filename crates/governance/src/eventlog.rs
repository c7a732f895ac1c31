//! meshEventLog: the audit trail, a read-only view of the change feed (`api-core.md` §4.3).

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::feed::{self, COLUMNS, Event};
use stoa_core::guard::Visibility;
use stoa_core::listing::Sort;
use stoa_core::{Action, Call, Outcome, Resource, Scope, labels, objects};
use stoa_db::{Sql, Tx, Value as Bound};
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Accept};
use stoa_web::{Reply, Request, Route, hal, media};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshEventLog";
const VERSIONS: &[&str] = &["v1-preview"];
const PATH: &str = "/api/meshobjects/mesheventlogs";
const VERIFICATION: &str = "/api/stoa/v1/events/verification";
const TYPES: [&str; 9] =
    ["Added", "Approved", "Cancelled", "Changed", "Created", "Deleted", "Rejected", "Removed", "Requested"];
const AUTHORS: [&str; 4] = ["ApiKey", "ApiUser", "User", "System"];

/// When it happened.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventLogMetadata {
    /// uuid.
    uuid: String,
    /// When.
    created_at: String,
    /// The request that did it: the answer to it and the server's log carry the same.
    request_id: String,
}

/// Whether the trail is what was written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventVerification {
    /// Whether every link of the chain holds.
    intact: bool,
    /// How many events the chain has.
    events: i64,
    /// Place of the first event whose link does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    first_broken: Option<i64>,
}

/// What happened.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventLogSpec {
    /// Category.
    title: String,
    /// `Created`, `Changed`, `Deleted` and so on.
    event_type: String,
    /// One sentence.
    description: String,
    /// Workspace concerned; absent for events of the whole installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    workspace_ref: Option<Value>,
    /// State afterwards.
    #[schema(value_type = Object)]
    content: Value,
    /// State before; only of `Changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    previous_content: Option<Value>,
    /// `authorType` and `identifier`; of an API key that still is there also its `displayName`, an extension.
    #[schema(value_type = Object)]
    author: Value,
}

/// An entry of the audit trail.
#[derive(Serialize, ToSchema)]
#[schema(as = EventLog)]
struct Wire {
    /// When.
    metadata: EventLogMetadata,
    /// What.
    spec: EventLogSpec,
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Wire>();
    schemas.add::<EventVerification>();
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let about = |summary, errors| About {
        summary,
        tag: KIND,
        response: Some("EventLog"),
        success: &[200],
        errors,
        ..About::default()
    };
    let accept = Accept::Kind(KIND, VERSIONS);
    vec![
        Route::read(Method::GET, PATH, list).accept(accept).about(About {
            query: &[
                ("from", "Not before this instant"),
                ("until", "Before this instant"),
                ("title", "Title contains"),
                ("description", "Description contains"),
                ("excludeTitle", "Not this title; may be repeated"),
                ("eventType", "Exact type"),
                ("authorType", "ApiKey, ApiUser, User or System"),
                ("authorIdentifier", "Exact author"),
                ("workspaceIdentifier", "Exact workspace"),
                ("objectUuid", "Exact object"),
                ("workspaceName", "Display name of the workspace contains"),
                ("q", "Title or description contains, in small or large letters"),
                ("sort", "`createdOn` (the usual one) or `-createdOn`"),
            ],
            ..about("List", &[400, 403])
        }),
        Route::read(Method::GET, format!("{PATH}/{{uuid}}"), get)
            .accept(accept)
            .about(about("Get one", &[403, 404])),
        Route::read(Method::GET, VERIFICATION, verification).about(About {
            summary: "Walk the whole trail and tell whether its chain of hashes holds",
            tag: KIND,
            response: Some("EventVerification"),
            produces: Some(media::JSON),
            success: &[200],
            errors: &[403],
            ..About::default()
        }),
    ]
}

/// What a title says of its type, where it says more than that something was created, changed or deleted.
const TITLES: [(&str, &str); 7] = [
    (" Added", "Added"),
    (" Approved", "Approved"),
    (" Cancelled", "Cancelled"),
    (" Rejected", "Rejected"),
    (" Removed", "Removed"),
    (" Requested", "Requested"),
    (" Request Submitted", "Requested"),
];

/// The type of an entry.
fn type_of<'a>(title: &str, action: &'a str) -> &'a str {
    TITLES.iter().find(|(end, _)| title.ends_with(end)).map_or(action, |(_, word)| word)
}

/// The same as a column.
fn type_column() -> String {
    let cases = TITLES.map(|(end, word)| format!("WHEN e.title LIKE '%{end}' THEN '{word}'"));
    format!("CASE {} ELSE e.action END", cases.join(" "))
}

/// What API keys that wrote events are called, by their uuids; keys that are gone have no name any more.
fn names(tx: &mut Tx, events: &[Event]) -> Outcome<HashMap<String, String>> {
    let mut names = HashMap::new();
    for event in events.iter().filter(|event| event.author_type == "ApiKey") {
        if names.contains_key(&event.author) {
            continue;
        }
        let id = event.author.parse::<ObjectId>().ok();
        let key = id.map(|id| objects::by_id(tx, "meshApiKey", id)).transpose()?.flatten();
        let name = key.and_then(|key| key.doc["displayName"].as_str().map(str::to_owned));
        names.insert(event.author.clone(), name.unwrap_or_default());
    }
    Ok(names)
}

fn shown(call: &Call, event: Event, names: &HashMap<String, String>) -> Outcome<Value> {
    let mut author = json!({ "authorType": event.author_type, "identifier": event.author });
    if let Some(name) = names.get(&event.author).filter(|name| !name.is_empty()) {
        author["displayName"] = json!(name);
    }
    let title = event.title.unwrap_or_default();
    let event_type = type_of(&title, &event.action).to_owned();
    let changed = event_type == "Changed";
    let wire = Wire {
        metadata: EventLogMetadata {
            uuid: event.id.clone(),
            created_at: event.at.to_string(),
            request_id: event.request,
        },
        spec: EventLogSpec {
            title,
            event_type,
            description: event.description,
            workspace_ref: event.workspace.map(|name| json!({ "kind": "meshWorkspace", "name": name })),
            content: if event.content.is_object() { event.content } else { json!({}) },
            previous_content: event.previous.filter(|_| changed),
            author,
        },
    };
    let mut whole = json!({ "kind": KIND, "apiVersion": VERSIONS[0] });
    if let (Value::Object(whole), Value::Object(parts)) = (&mut whole, serde_json::to_value(wire)?) {
        whole.extend(parts);
    }
    whole["_links"] = json!({ "self": hal::link(call.link(&format!("{PATH}/{}", event.id))) });
    Ok(whole)
}

fn get(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::EventLog, Action::Read)?;
    let uuid = request.param(0);
    let sql = Sql::built(format!("SELECT {COLUMNS} FROM event e WHERE e.id = $1 AND e.title IS NOT NULL"));
    let event = tx.maybe(&sql, &[uuid.into()], Event::read)?.ok_or_else(|| Refusal::missing(KIND, uuid))?;
    let scope = Scope { owner: event.workspace.as_deref(), ..Scope::default() };
    call.may(Resource::EventLog, Action::Read, &scope)?;
    let names = names(tx, std::slice::from_ref(&event))?;
    Ok(Reply::json(StatusCode::OK, media::of(KIND, request.version), &shown(call, event, &names)?))
}

/// Whether a column holds the text anywhere, letter by letter: LIKE would mean other things on each engine.
fn contains(column: &str) -> String {
    format!("replace({column}, ?, '') <> {column}")
}

fn wheres(request: &Request, seen: &Visibility) -> Outcome<(String, Vec<Bound>)> {
    let mut wheres = vec!["e.title IS NOT NULL".to_owned()];
    let mut args: Vec<Bound> = Vec::new();
    let mut add = |text: &str, value: Bound| {
        args.push(value);
        wheres.push(text.replace('?', &format!("${}", args.len())));
    };
    if !seen.all {
        add("e.workspace = ?", seen.own.clone().unwrap_or_default().into());
    }
    for (name, text) in [("from", "e.at >= ?"), ("until", "e.at < ?")] {
        if let Some(instant) = request.query(name) {
            let at: Moment = instant
                .parse()
                .map_err(|_| Refusal::invalid(name, "must be an instant, as 2026-03-02T08:15:00Z"))?;
            add(text, at.micros().into());
        }
    }
    for (name, column) in [("title", "e.title"), ("description", "e.description")] {
        if let Some(text) = request.query(name) {
            add(&contains(column), text.into());
        }
    }
    if let Some(text) = request.query("q") {
        add(
            "(lower(e.title) LIKE ? ESCAPE '\\' OR lower(e.description) LIKE ? ESCAPE '\\')",
            labels::anywhere(text).into(),
        );
    }
    for title in request.query_all("excludeTitle") {
        add("e.title <> ?", title.into());
    }
    let type_column = type_column();
    for (name, column, known) in
        [("eventType", type_column.as_str(), &TYPES[..]), ("authorType", "e.author_type", &AUTHORS[..])]
    {
        let Some(word) = request.query(name) else { continue };
        if !known.contains(&word) {
            return Err(Refusal::invalid(name, format!("knows {}, not `{word}`", known.join(", "))).into());
        }
        add(&format!("{column} = ?"), word.into());
    }
    if let Some(object) = request.query("objectUuid") {
        add("e.object = ?", object.into());
    }
    if let Some(author) = request.query("authorIdentifier") {
        add("e.author = ?", author.into());
    }
    let (identifier, name) = (request.query("workspaceIdentifier"), request.query("workspaceName"));
    if identifier.is_some() && name.is_some() {
        return Err(
            Refusal::invalid("workspaceName", "cannot stand together with workspaceIdentifier").into()
        );
    }
    if let Some(identifier) = identifier {
        add("e.workspace = ?", identifier.into());
    }
    if let Some(name) = name {
        let text = format!(
            "e.workspace IN (SELECT w.key FROM facet f JOIN object w ON w.id = f.object
                WHERE w.kind = 'meshWorkspace' AND f.name = 'displayName' AND {})",
            contains("f.value")
        );
        add(&text, name.into());
    }
    Ok((wheres.join(" AND "), args))
}

fn list(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let seen = Visibility::of(&call.actor, Resource::EventLog)?;
    let (wheres, mut args) = wheres(request, &seen)?;
    let order = match request.sort() {
        Sort::Newest => "e.at DESC, e.id DESC",
        Sort::Oldest | Sort::Name | Sort::NameDown => "e.at, e.id",
    };
    let page = request.page();
    let total = tx.one(&page.counting(&format!("FROM event e WHERE {wheres}")), &args, |row| row.get(0))?;
    args.extend([page.size.into(), page.number.saturating_mul(page.size).into()]);
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM event e WHERE {wheres} ORDER BY {order} LIMIT ${} OFFSET ${}",
        args.len() - 1,
        args.len()
    ));
    let events = tx.all(&sql, &args, Event::read)?;
    let names = names(tx, &events)?;
    let items = events.into_iter().map(|event| shown(call, event, &names)).collect::<Outcome<Vec<_>>>()?;
    let body = hal::page_of(call, request, "meshEventLogs", items, &page, (total, None));
    Ok(Reply::json(StatusCode::OK, media::of(KIND, request.version), &body))
}

fn verification(tx: &mut Tx, call: &Call, _: &Request) -> Outcome<Reply> {
    call.may(Resource::EventLog, Action::Read, &Scope::installation())?;
    let first_broken = verify(tx)?;
    let told = EventVerification { intact: first_broken.is_none(), events: feed::newest(tx)?, first_broken };
    Ok(Reply::ok(&serde_json::to_value(told)?))
}

/// Walks the whole audit trail; tells the first place where its chain does not hold.
pub fn verify(tx: &mut Tx) -> Outcome<Option<i64>> {
    feed::verify(tx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_tell_types() {
        for (title, action, expected) in [
            ("Workspace Created", "Created", "Created"),
            ("Project User Role Added", "Created", "Added"),
            ("Project User Role Removed", "Deleted", "Removed"),
            ("Workspace Group Members Added", "Changed", "Added"),
            ("Project Deletion Request Submitted", "Changed", "Requested"),
            ("Project Deletion Rejected", "Changed", "Rejected"),
            ("Tenant Deletion Request Approved", "Changed", "Approved"),
            ("Building Block Run Requested", "Changed", "Requested"),
            ("API User Password Rotated", "Changed", "Changed"),
            ("Communication Resolved", "Changed", "Changed"),
        ] {
            assert_eq!(type_of(title, action), expected, "{title}");
            assert!(TYPES.contains(&expected));
        }
    }
}
