//! What every declared kind does alike: list, get, create, replace, delete. A kind says only what is special
//! about it and gets its routes from [`routes`].

use crate::openapi::Schemas;
use crate::request::{Reply, Request};
use crate::route::{About, Accept, Route, Takes, VersionSchemas};
use crate::{body, hal, media};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use stoa_base::Refusal;
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Cursor, Query, Sort};
use stoa_core::objects::{self, Object};
use stoa_core::{Action, Allowed, Call, Error, Outcome, Resource, Scope};
use stoa_db::Tx;

/// How a deletion was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is done: 204.
    Now,
    /// It is under way: 202.
    Later,
}

/// Which writes a kind offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// POST, PUT and DELETE.
    All,
    /// POST and DELETE: what is declared never changes, clients replace it.
    NoUpdate,
    /// POST and PUT.
    NoDelete,
    /// None.
    ReadOnly,
}

/// A declared kind, as seen from HTTP.
pub trait Kind: Send + Sync + 'static {
    /// For example `meshProject`.
    const NAME: &'static str;
    /// Versions served, oldest first.
    const VERSIONS: &'static [&'static str];
    /// Versions that may be written; the others are views for readers.
    const WRITTEN: &'static [&'static str] = Self::VERSIONS;
    /// Last segment of the collection's path.
    const COLLECTION: &'static str;
    /// What its permissions are about.
    const RESOURCE: Resource;
    /// Whether everybody who proves to be somebody may read it, without any code (`api-core.md` §2.5).
    const OPEN_READ: bool = false;
    /// Which writes it offers.
    const WRITES: Writes = Writes::All;
    /// Largest request body in bytes.
    const BODY_MAX: usize = 1 << 20;
    /// Fields exempt from the limit of 255 characters, see [`crate::body::check_strings`].
    const LONG: &'static [&'static str] = &[];
    /// Filters of the list, with their meaning.
    const FILTERS: &'static [(&'static str, &'static str)] = &[];
    /// Query parameters of POST, with their meaning.
    const CREATION: &'static [(&'static str, &'static str)] = &[];
    /// Name of the request schema.
    const REQUEST: &'static str;
    /// Name of the response schema.
    const RESPONSE: &'static str;
    /// Name of the path parameter.
    const ID: &'static str = "uuid";
    /// Versions whose bodies have other schemas than [`Self::REQUEST`] and [`Self::RESPONSE`].
    const VIEWS: &'static [VersionSchemas] = &[];
    /// Where an object says the id of its path, as an OpenAPI runtime expression, when that is neither
    /// `metadata.uuid` (for an [`Self::ID`] of `uuid`) nor `metadata.name`.
    const IDENTIFIED: Option<&'static str> = None;

    /// Adds the kind's schemas to the API description.
    fn schemas(schemas: &mut Schemas);
    /// A request body that would be accepted.
    fn example() -> Value;
    /// The same in a version, where [`Self::VIEWS`] differ.
    fn example_of(_version: &str) -> Value {
        Self::example()
    }
    /// Refuses a body with members of other JSON types than this kind's; see [`crate::body::check_types`].
    fn check_types(_request: &Request) -> Result<(), Refusal> {
        Ok(())
    }

    /// The object that a path names, deleted ones included where the kind still shows them.
    fn find(tx: &mut Tx, call: &Call, id: &str, version: &str) -> Outcome<Option<Object>>;
    /// Where it belongs.
    fn scope(object: &Object) -> Scope<'_> {
        Scope { owner: object.workspace.as_deref(), ..Scope::default() }
    }
    /// Whether the caller may read this one; kinds that publish objects to everybody say so here.
    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        if Self::OPEN_READ {
            return Ok(());
        }
        call.may(Self::RESOURCE, Action::Read, &Self::scope(object)).map(|_| ())
    }
    /// Refuses lists that would have to be empty, where clients want to be told.
    fn may_list(_tx: &mut Tx, _call: &Call, _request: &Request) -> Outcome<()> {
        Ok(())
    }
    /// What a list request asks for.
    fn query(call: &Call, request: &Request, seen: Visibility) -> Outcome<Query>;
    /// The path segment that names it in a version.
    fn id_of(object: &Object, _version: &str) -> String {
        object.key.clone()
    }
    /// Reads what showing these takes from elsewhere, for all of a page at once, into [`Object::gathered`].
    fn gather(_tx: &mut Tx, _call: &Call, _objects: &mut [Object]) -> Outcome<()> {
        Ok(())
    }
    /// `metadata`, `spec` and `status` in a version, for somebody allowed to see them.
    fn show(tx: &mut Tx, call: &Call, object: &Object, version: &str) -> Outcome<Value>;
    /// The same as the text of a JSON object. Kinds that are listed by the thousand print what they are, without a
    /// tree of values in between.
    fn print(tx: &mut Tx, call: &Call, object: &Object, version: &str) -> Outcome<String> {
        Ok(Self::show(tx, call, object, version)?.to_string())
    }
    /// Links besides `self`: relation and path with query.
    fn links(_call: &Call, _object: &Object) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// POST.
    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object>;
    /// PUT on what was found under `id`; most kinds refuse to create here. Kinds without PUT leave it out.
    fn update(
        _tx: &mut Tx,
        _call: &Call,
        _request: &Request,
        _id: &str,
        _found: Option<Object>,
    ) -> Outcome<Object> {
        Err(Refusal::WrongMethod { allow: "GET, DELETE".into() }.into())
    }
    /// DELETE.
    fn delete(tx: &mut Tx, call: &Call, request: &Request, object: Object) -> Outcome<Deleted>;
    /// Another object in the place of one that never changes, for the declarative import.
    fn remake(tx: &mut Tx, call: &Call, request: &Request, object: Object) -> Outcome<Object> {
        Self::delete(tx, call, request, object)?;
        Self::create(tx, call, request)
    }
}

/// The default answer to a PUT on nothing.
pub fn must_exist<K: Kind>(found: Option<Object>, id: &str) -> Outcome<Object> {
    found.ok_or_else(|| Refusal::missing(K::NAME, id).into())
}

/// The whole representation of an object.
pub fn represent<K: Kind>(tx: &mut Tx, call: &Call, object: &Object, version: &str) -> Outcome<Value> {
    let gathered = gathered::<K>(tx, call, object)?;
    let mut whole = Map::new();
    whole.insert("kind".into(), json!(K::NAME));
    whole.insert("apiVersion".into(), json!(version));
    if let Value::Object(parts) = K::show(tx, call, &gathered, version)? {
        whole.extend(parts);
    }
    whole.insert("_links".into(), Value::Object(links_of::<K>(call, &gathered, version)));
    Ok(Value::Object(whole))
}

fn gathered<K: Kind>(tx: &mut Tx, call: &Call, object: &Object) -> Outcome<Object> {
    let mut gathered = [object.clone()];
    K::gather(tx, call, &mut gathered)?;
    let [object] = gathered;
    Ok(object)
}

fn links_of<K: Kind>(call: &Call, object: &Object, version: &str) -> Map<String, Value> {
    let mut links = Map::new();
    let id = hal::encoded(&K::id_of(object, version));
    links.insert("self".into(), hal::link(call.link(&format!("/api/meshobjects/{}/{id}", K::COLLECTION))));
    for (relation, path) in K::links(call, object) {
        links.insert(relation.into(), hal::link(call.link(&path)));
    }
    links
}

/// What [`represent`] gives, as text, of an object with what its kind gathers.
fn printed<K: Kind>(tx: &mut Tx, call: &Call, object: &Object, version: &str) -> Outcome<String> {
    let parts = K::print(tx, call, object, version)?;
    let parts = parts.strip_prefix('{').and_then(|parts| parts.strip_suffix('}')).unwrap_or_default();
    let comma = if parts.is_empty() { "" } else { "," };
    let links = Value::Object(links_of::<K>(call, object, version));
    let name = K::NAME;
    Ok(format!(r#"{{"kind":"{name}","apiVersion":"{version}",{parts}{comma}"_links":{links}}}"#))
}

fn reply<K: Kind>(
    tx: &mut Tx,
    call: &Call,
    request: &Request,
    status: StatusCode,
    object: &Object,
) -> Outcome<Reply> {
    let object = gathered::<K>(tx, call, object)?;
    let body = printed::<K>(tx, call, &object, request.version)?;
    Ok(Reply::printed(status, media::of(K::NAME, request.version), body))
}

/// What a path names, or 403 and 404 in their right order.
pub fn look_up<K: Kind>(
    tx: &mut Tx,
    call: &Call,
    request: &Request,
    id: &str,
    action: Action,
) -> Outcome<(Object, Allowed)> {
    call.may_at_all(K::RESOURCE, action)?;
    let object = must_exist::<K>(K::find(tx, call, id, request.version)?, id)?;
    let allowed = call.may(K::RESOURCE, action, &K::scope(&object))?;
    Ok((object, allowed))
}

/// The object as it is now, kept from other writers until the transaction ends: what is decided about it here
/// stays true.
fn locked<K: Kind>(tx: &mut Tx, found: Option<Object>) -> Outcome<Option<Object>> {
    let Some(found) = found else { return Ok(None) };
    let locked = objects::by_id_for_update(tx, K::NAME, found.id)?;
    // Whoever was faster may have given its name to another one.
    Ok(locked.filter(|locked| locked.key == found.key))
}

fn replace<K: Kind>(tx: &mut Tx, call: &Call, request: &Request, id: &str) -> Outcome<Object> {
    let is_living = |object: &Object| object.deleted_at.is_none();
    let found = K::find(tx, call, id, request.version)?;
    let found = locked::<K>(tx, found)?;
    if found.as_ref().is_some_and(is_living) {
        return K::update(tx, call, request, id, found);
    }
    let refusal = match tx.attempt(|tx| K::update(tx, call, request, id, found)) {
        Err(Error::Refused(refusal @ Refusal::Conflict { .. })) => refusal,
        other => return other,
    };
    // Somebody else may just have made it; then the request is a replay, and changes what they made.
    let found = K::find(tx, call, id, request.version)?;
    let found = locked::<K>(tx, found)?.filter(is_living).ok_or(refusal)?;
    K::update(tx, call, request, id, Some(found))
}

/// Creates what a declarative import names, or replaces the one that has its key (`api-core.md` §5). Kinds that
/// never change are made anew when they are to be another.
pub fn apply<K: Kind>(
    tx: &mut Tx,
    call: &Call,
    body: &Value,
    version: &'static str,
    id: &str,
) -> Outcome<Object> {
    let is_living = |object: &Object| object.deleted_at.is_none();
    body::check_strings(body, K::LONG)?;
    let request =
        Request { version, path: vec![id.to_owned()], json: Some(body.clone()), ..Request::default() };
    K::check_types(&request)?;
    call.may_at_all(K::RESOURCE, Action::Write)?;
    let found = K::find(tx, call, id, version)?.filter(is_living);
    let Some(found) = locked::<K>(tx, found)?.filter(is_living) else {
        return K::create(tx, call, &request);
    };
    match K::update(tx, call, &request, id, Some(found.clone())) {
        // It never changes: it is made anew, if it is to be another one.
        Err(Error::Refused(Refusal::WrongMethod { .. })) => {}
        other => return other,
    }
    call.may(K::RESOURCE, Action::Write, &K::scope(&found))?;
    let shown = represent::<K>(tx, call, &found, version)?;
    if says(&shown, &body::without_nulls(body.clone())) {
        return Ok(found);
    }
    K::remake(tx, call, &request, found)
}

/// Whether `shown` says all that is `wanted`, what the server sets aside.
fn says(shown: &Value, wanted: &Value) -> bool {
    match (shown, wanted) {
        (Value::Object(shown), Value::Object(wanted)) => {
            let is_aside = |name: &str| matches!(name, "kind" | "apiVersion" | "status" | "_links");
            let mut wanted = wanted.iter().filter(|(name, _)| !is_aside(name));
            wanted.all(|(name, wanted)| shown.get(name).is_some_and(|shown| says(shown, wanted)))
        }
        (shown, wanted) => shown == wanted,
    }
}

/// Deletes what a declarative import misses in its collection. What is gone already is no matter.
pub fn remove<K: Kind>(tx: &mut Tx, call: &Call, version: &'static str, id: &str) -> Outcome<()> {
    let found = K::find(tx, call, id, version)?;
    let Some(found) = locked::<K>(tx, found)?.filter(|object| object.deleted_at.is_none()) else {
        return Ok(());
    };
    call.may(K::RESOURCE, Action::Delete, &K::scope(&found))?;
    let request = Request { version, path: vec![id.to_owned()], ..Request::default() };
    K::delete(tx, call, &request, found).map(|_| ())
}

fn list<K: Kind>(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let seen = if K::OPEN_READ {
        Visibility { all: true, ..Visibility::default() }
    } else {
        Visibility::of(&call.actor, K::RESOURCE)?
    };
    K::may_list(tx, call, request)?;
    let page = request.page();
    let mut query = K::query(call, request, seen)?;
    query.text = request.query("q").map(str::to_owned);
    query.sort = request.sort();
    let mut found = listing::list(tx, &query, &page)?;
    K::gather(tx, call, &mut found.items)?;
    let items = found.items.iter().map(|object| printed::<K>(tx, call, object, request.version));
    let items = items.collect::<Outcome<Vec<_>>>()?;
    let embedded = format!("{}s", K::NAME);
    let last = found.items.last().filter(|_| query.sort == Sort::Oldest).map(Cursor::of);
    let body = hal::printed_page_of(call, request, &embedded, &items, &page, (found.total, last));
    Ok(Reply::printed(StatusCode::OK, media::of(K::NAME, request.version), body))
}

/// The routes of a kind.
pub fn routes<K: Kind>() -> Vec<Route> {
    let collection = format!("/api/meshobjects/{}", K::COLLECTION);
    let item = format!("{collection}/{{{}}}", K::ID);
    let accept = Accept::Kind(K::NAME, K::VERSIONS);
    let written = Accept::Kind(K::NAME, K::WRITTEN);
    let takes = Takes::Kind(K::NAME, K::WRITTEN, K::BODY_MAX, K::LONG);
    let may = |action| Some((K::RESOURCE, action));
    let identified = K::IDENTIFIED.unwrap_or(if K::ID == "uuid" {
        "$response.body#/metadata/uuid"
    } else {
        "$response.body#/metadata/name"
    });
    let about = About {
        tag: K::NAME,
        response: Some(K::RESPONSE),
        views: K::VIEWS,
        permission: may(Action::Read).filter(|_| !K::OPEN_READ),
        ..About::default()
    };
    let writing = About {
        request: Some(K::REQUEST),
        example: Some(K::example()),
        example_of: Some(K::example_of),
        permission: may(Action::Write),
        identified: Some(identified),
        ..about.clone()
    };

    let mut routes = vec![
        Route::read(Method::GET, &collection, list::<K>).accept(accept).about(About {
            summary: "List",
            query: K::FILTERS,
            searched: true,
            success: &[200],
            errors: &[400, 403],
            open: K::OPEN_READ,
            ..about.clone()
        }),
        Route::read(Method::GET, &item, |tx, call, request| {
            if !K::OPEN_READ {
                call.may_at_all(K::RESOURCE, Action::Read)?;
            }
            let id = request.param(0);
            let object = must_exist::<K>(K::find(tx, call, id, request.version)?, id)?;
            K::readable(call, &object)?;
            reply::<K>(tx, call, request, StatusCode::OK, &object)
        })
        .accept(accept)
        .about(About { summary: "Get one", success: &[200], errors: &[403, 404], ..about.clone() }),
    ];
    if K::WRITES == Writes::ReadOnly {
        return routes;
    }
    routes.push(
        Route::write(Method::POST, &collection, |tx, call, request| {
            K::check_types(request)?;
            call.may_at_all(K::RESOURCE, Action::Write)?;
            let object = K::create(tx, call, request)?;
            reply::<K>(tx, call, request, StatusCode::CREATED, &object)
        })
        .accept(written)
        .takes(takes)
        .about(About {
            summary: "Create",
            query: K::CREATION,
            success: &[201],
            errors: &[400, 403, 404, 409, 422],
            ..writing.clone()
        }),
    );
    if K::WRITES != Writes::NoUpdate {
        routes.push(
            Route::write(Method::PUT, &item, |tx, call, request| {
                K::check_types(request)?;
                call.may_at_all(K::RESOURCE, Action::Write)?;
                let object = replace::<K>(tx, call, request, request.param(0))?;
                reply::<K>(tx, call, request, StatusCode::OK, &object)
            })
            .accept(written)
            .takes(takes)
            .about(About {
                summary: "Replace",
                success: &[200],
                errors: &[400, 403, 404, 405, 409],
                ..writing
            }),
        );
    }
    if K::WRITES != Writes::NoDelete {
        routes.push(
            Route::write(Method::DELETE, &item, |tx, call, request| {
                let id = request.param(0);
                let (object, _) = look_up::<K>(tx, call, request, id, Action::Delete)?;
                let object = must_exist::<K>(locked::<K>(tx, Some(object))?, id)?;
                Ok(Reply::empty(match K::delete(tx, call, request, object)? {
                    Deleted::Now => StatusCode::NO_CONTENT,
                    Deleted::Later => StatusCode::ACCEPTED,
                }))
            })
            .accept(Accept::KindIfAny(K::NAME, K::VERSIONS))
            .about(About {
                summary: "Delete",
                success: &[202, 204],
                errors: &[403, 404, 409],
                response: None,
                permission: may(Action::Delete),
                ..about
            }),
        );
    }
    routes
}
