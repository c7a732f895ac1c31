//! Finding things whose path nobody knows: a search over all kinds, which object a uuid names, and what an object was
//! like before. Scope is that of the kinds' own lists and paths.

use crate::openapi::Schemas;
use crate::request::{Reply, Request};
use crate::route::{About, Route};
use crate::{Kind, media};
use http::Method;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::objects::{self, Object};
use stoa_core::{Action, Call, Outcome, Resource, Scope, labels, listing};
use stoa_db::Tx;
use utoipa::ToSchema;

/// Most hits of one search.
const HITS_MAX: i64 = 100;
const HITS: i64 = 20;
/// Most versions that one answer tells.
const VERSIONS_MAX: i64 = 200;
const VERSIONS: i64 = 50;

/// Something found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Kind, for example `meshProject`.
    pub kind: String,
    /// uuid.
    pub uuid: String,
    /// What people call it.
    pub name: String,
    /// What the API calls it.
    pub identifier: String,
    /// Workspace that owns it; absent for what belongs to the whole installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub workspace: Option<String>,
    /// Project it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub project: Option<String>,
    /// uuid of what it is part of: a run's building block, a version's definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub part_of: Option<String>,
}

impl Hit {
    fn of(tx: &mut Tx, object: &Object) -> Outcome<Self> {
        let is_project = object.kind == "meshProject";
        let identifier = if is_project { object.key.rsplit('.').next() } else { Some(object.key.as_str()) };
        let identifier = identifier.unwrap_or_default().to_owned();
        let project = if is_project { Some(identifier.clone()) } else { labels::project_of(tx, object.id)? };
        let definition = object.doc.get("definition").filter(|_| object.kind.ends_with("Version"));
        Ok(Self {
            kind: object.kind.clone(),
            uuid: object.id.to_string(),
            name: labels::name(object),
            identifier,
            workspace: object.workspace.clone(),
            project,
            part_of: definition.and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// What a search found.
#[derive(Serialize, ToSchema)]
struct Hits {
    /// The best first.
    hits: Vec<Hit>,
}

/// A version that an object had.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PastVersion {
    /// Counts declared changes, from 1.
    version: i64,
    /// Since when.
    at: String,
    /// Who declared it: `authorType` and `identifier`.
    #[schema(value_type = Object)]
    author: Value,
    /// What was declared.
    #[schema(value_type = Object)]
    content: Value,
    /// What it changed of the version before.
    changes: Vec<Difference>,
}

/// One difference between two versions.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct Difference {
    /// Where, as `spec.displayName`.
    path: String,
    /// Before; absent where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    before: Option<Value>,
    /// Afterwards; absent where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    after: Option<Value>,
}

/// The versions of an object.
#[derive(Serialize, ToSchema)]
struct ObjectHistory {
    /// The newest first.
    versions: Vec<PastVersion>,
}

/// Finds what fits a text best, at most so many.
type Search = fn(&mut Tx, &Call, &str, i64) -> Outcome<Vec<Object>>;

/// How things of one kind are found.
#[derive(Clone, Copy)]
pub struct Finder {
    kind: &'static str,
    search: Option<Search>,
    readable: fn(&Call, &Object) -> Outcome<()>,
}

/// Things of a kind, by search and by uuid.
pub fn by_text<K: Kind>() -> Finder {
    Finder { search: Some(search_kind::<K>), ..by_uuid::<K>() }
}

/// Things of a kind that nobody looks for by name.
pub fn by_uuid<K: Kind>() -> Finder {
    let readable = |call: &Call, object: &Object| {
        if !K::OPEN_READ {
            call.may_at_all(K::RESOURCE, Action::Read)?;
        }
        K::readable(call, object)
    };
    Finder { kind: K::NAME, search: None, readable }
}

fn search_kind<K: Kind>(tx: &mut Tx, call: &Call, text: &str, limit: i64) -> Outcome<Vec<Object>> {
    let seen = if K::OPEN_READ {
        Visibility { all: true, ..Visibility::default() }
    } else {
        Visibility::with(&call.actor, K::RESOURCE, Action::Read)
    };
    if seen == Visibility::default() {
        return Ok(Vec::new());
    }
    listing::search(tx, &K::query(call, &Request::default(), seen)?, text, limit)
}

/// Finds something by its uuid that is no declared object.
pub type Elsewhere = fn(&mut Tx, &Call, &str) -> Outcome<Option<Hit>>;

/// The routes.
pub fn routes(finders: Vec<Finder>, elsewhere: &'static [Elsewhere]) -> Vec<Route> {
    let finders: Arc<[Finder]> = finders.into();
    let (resolving, remembering) = (Arc::clone(&finders), Arc::clone(&finders));
    let about = |summary, response| About {
        summary,
        tag: "finding",
        response: Some(response),
        produces: Some(media::JSON),
        success: &[200],
        ..About::default()
    };
    vec![
        Route::read(Method::GET, "/api/stoa/v1/search", move |tx, call, request| {
            search(tx, call, request, &finders)
        })
        .about(About {
            query: &[
                ("q", "Part of name, identifier or uuid, in small or large letters"),
                ("limit", "Most hits, at most 100; 20 when absent"),
                ("kind", "Only this kind; may be repeated"),
            ],
            errors: &[400],
            ..about("Search all kinds that the caller may list, exact matches and beginnings first", "Hits")
        }),
        Route::read(Method::GET, "/api/stoa/v1/resolve/{uuid}", move |tx, call, request| {
            let uuid = request.param(0);
            let found = match object(tx, call, uuid, &resolving)? {
                Some(object) => Some(Hit::of(tx, &object)?),
                None => elsewhere.iter().find_map(|find| find(tx, call, uuid).transpose()).transpose()?,
            };
            Ok(Reply::ok(&serde_json::to_value(found.ok_or_else(|| nothing(uuid))?)?))
        })
        .about(About { errors: &[404], ..about("Tell which object a uuid names", "Hit") }),
        Route::read(Method::GET, "/api/stoa/v1/objects/{uuid}/history", move |tx, call, request| {
            history(tx, call, request, &remembering)
        })
        .about(About {
            query: &[("limit", "Most versions, at most 200; 50 when absent")],
            errors: &[403, 404],
            permission: Some((Resource::EventLog, Action::Read)),
            ..about(
                "Tell the versions that an object had, newest first, with what each changed",
                "ObjectHistory",
            )
        }),
    ]
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Hit>();
    schemas.add::<Hits>();
    schemas.add::<ObjectHistory>();
}

fn nothing(uuid: &str) -> Refusal {
    Refusal::Absent(format!("There is nothing with the uuid {uuid} that you may see."))
}

fn limit(request: &Request, usual: i64, most: i64) -> i64 {
    let asked = request.query("limit").and_then(|text| text.parse().ok());
    asked.filter(|limit| *limit >= 1).unwrap_or(usual).min(most)
}

fn search(tx: &mut Tx, call: &Call, request: &Request, finders: &[Finder]) -> Outcome<Reply> {
    let text = request.query("q").map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Refusal::invalid("q", "must hold what to look for"))?;
    let limit = limit(request, HITS, HITS_MAX);
    let kinds = request.query_all("kind");
    let mut found = Vec::new();
    for finder in finders.iter().filter(|finder| kinds.is_empty() || kinds.contains(&finder.kind)) {
        if let Some(search) = finder.search {
            found.extend(search(tx, call, text, limit)?);
        }
    }
    // Kinds stand in the order of the table within each rank.
    found.sort_by_cached_key(|object| labels::rank(object, text));
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let hits = found.iter().map(|object| Hit::of(tx, object)).collect::<Outcome<Vec<_>>>()?;
    Ok(Reply::ok(&serde_json::to_value(Hits { hits })?))
}

/// The living object with this uuid, if the caller may read it.
fn object(tx: &mut Tx, call: &Call, uuid: &str, finders: &[Finder]) -> Outcome<Option<Object>> {
    let Ok(id) = uuid.parse::<ObjectId>() else { return Ok(None) };
    let Some(object) = objects::by_id_of_any_kind(tx, id)? else { return Ok(None) };
    let finder = finders.iter().find(|finder| finder.kind == object.kind);
    Ok(finder.is_some_and(|finder| (finder.readable)(call, &object).is_ok()).then_some(object))
}

fn history(tx: &mut Tx, call: &Call, request: &Request, finders: &[Finder]) -> Outcome<Reply> {
    call.may_at_all(Resource::EventLog, Action::Read)?;
    let uuid = request.param(0);
    let object = object(tx, call, uuid, finders)?.ok_or_else(|| nothing(uuid))?;
    // Versions tell what the event log tells, so they are for its readers.
    let scope = Scope { owner: object.workspace.as_deref(), ..Scope::default() };
    call.may(Resource::EventLog, Action::Read, &scope)?;
    let limit = limit(request, VERSIONS, VERSIONS_MAX);
    let past = objects::history(tx, object.id, limit + 1)?;
    let mut versions = Vec::new();
    for (place, now) in past.iter().enumerate().take(usize::try_from(limit).unwrap_or_default()) {
        let before = past.get(place + 1).map(|past| &past.doc);
        let (author_type, identifier) = now.author.split_once(':').unwrap_or(("Unknown", &now.author));
        versions.push(PastVersion {
            version: now.version,
            at: now.at.to_string(),
            author: json!({ "authorType": author_type, "identifier": identifier }),
            content: now.doc.clone(),
            changes: before.map(|before| differences(before, &now.doc)).unwrap_or_default(),
        });
    }
    Ok(Reply::ok(&serde_json::to_value(ObjectHistory { versions })?))
}

/// What differs between two values, member by member.
fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    fn walk(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
        if before == after {
            return;
        }
        let nothing = Map::new();
        let members = |value: Option<&Value>| value.map(|value| value.as_object().cloned());
        match (members(before), members(after)) {
            (Some(None), _) | (_, Some(None)) => {}
            (old, new) => {
                let (old, new) = (old.flatten().unwrap_or_default(), new.flatten().unwrap_or(nothing));
                let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
                names.sort();
                names.dedup();
                if !names.is_empty() {
                    for name in names {
                        let dot = if path.is_empty() { "" } else { "." };
                        walk(&format!("{path}{dot}{name}"), old.get(name), new.get(name), found);
                    }
                    return;
                }
            }
        }
        found.push(Difference { path: path.to_owned(), before: before.cloned(), after: after.cloned() });
    }
    let mut found = Vec::new();
    walk("", Some(before), Some(after), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_the_member_that_changed() {
        let before = json!({ "a": { "b": 1, "c": [1] }, "gone": true });
        let after = json!({ "a": { "b": 2, "c": [1] }, "new": { "x": "y" } });
        let told: Vec<_> =
            differences(&before, &after).into_iter().map(|one| (one.path, one.before, one.after)).collect();
        assert_eq!(
            told,
            [
                ("a.b".into(), Some(json!(1)), Some(json!(2))),
                ("gone".into(), Some(json!(true)), None),
                ("new.x".into(), None, Some(json!("y"))),
            ]
        );
        assert!(differences(&before, &before).is_empty());
    }
}
