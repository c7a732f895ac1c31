//! The API description (OpenAPI 3.1), assembled from the routes and the types they read and write.

use crate::app::App;
use crate::media;
use crate::request::Reply;
use crate::route::{Accept, Access, Route, Takes, VersionSchemas};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use stoa_core::permission::row;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// Named schemas of the description.
#[derive(Debug, Default)]
pub struct Schemas {
    named: BTreeMap<String, Value>,
}

impl Schemas {
    /// Adds a type and all types within it.
    pub fn add<T: ToSchema>(&mut self) {
        let mut all: Vec<(String, RefOr<Schema>)> = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut all);
        for (name, schema) in all {
            if let Ok(value) = serde_json::to_value(schema) {
                self.named.entry(name).or_insert(value);
            }
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The response of a kind: what the kind declares, plus what every representation has.
fn represented(name: &str) -> Value {
    json!({ "allOf": [reference(name), reference("Representation")] })
}

/// A page of a list, whose items stand under `_embedded.<embedded>`.
fn paged(embedded: &str, item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["_embedded", "_links", "page"],
        "properties": {
            "_embedded": {
                "type": "object",
                "required": [embedded],
                "properties": { embedded: { "type": "array", "items": item } },
            },
            "_links": reference("Links"),
            "page": reference("Page"),
        },
    })
}

fn common() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let Value::Object(map) = json!({
        "Links": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["href"],
                "properties": { "href": text, "templated": { "type": "boolean" } },
            },
        },
        "Representation": {
            "type": "object",
            "required": ["kind", "apiVersion", "_links"],
            "properties": {
                "kind": { "type": "string", "description": "The kind's name; in requests it may be left out." },
                "apiVersion": {
                    "type": "string",
                    "description": "The version of the media type; in requests it may be left out.",
                },
                "_links": {
                    "allOf": [reference("Links")],
                    "description": "Where this object is, and what belongs to it.",
                },
            },
        },
        "Page": {
            "type": "object",
            "required": ["size", "totalElements", "totalPages", "number"],
            "properties": {
                "size": count, "totalElements": count, "totalPages": count, "number": count,
                "more": { "type": "boolean", "description": "Counting ended early; there are more." },
            },
        },
        "Problem": {
            "type": "object",
            "description": "Every answer that is not a success.",
            "required": ["errorCode", "message", "status", "timestamp", "path"],
            "properties": {
                "errorCode": text,
                "message": text,
                "status": { "type": "integer" },
                "timestamp": { "type": "string", "format": "date-time" },
                "path": text,
                "remarks": { "type": "array", "items": text },
            },
            "example": {
                "errorCode": "Conflict",
                "message": "A meshProject with identifier 'orchard.press-dev' already exists.",
                "status": 409,
                "timestamp": "2026-03-02T08:15:00Z",
                "path": "/api/meshobjects/meshprojects",
                "remarks": ["metadata.name"],
            },
        },
    }) else {
        return Map::new();
    };
    map
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 => "Done",
        201 => "Created",
        202 => "Taken, under way",
        204 => "Done, nothing to say",
        400 => "The request breaks a rule; `message` names field and rule",
        401 => "No valid credential",
        403 => "The credential may not do this",
        404 => "There is no such thing",
        405 => "The path does not offer this method",
        406 => "The Accept header names no media type of this path",
        409 => "It clashes with what is stored",
        410 => "It is over",
        413 => "The body is too large",
        415 => "The Content-Type is none that this path reads",
        422 => "It is well formed and impossible",
        423 => "Somebody else holds the lock",
        429 => "Too many requests",
        503 => "Starting, stopping or overloaded",
        _ => "Something failed on our side",
    }
}

/// Parameters of every list of declared objects.
const SEARCHED: [(&str, &str); 3] = [
    ("q", "Part of name, identifier or uuid, in small or large letters"),
    ("sort", "`createdOn` (the usual one), `-createdOn`, `name` or `-name`"),
    (
        "countUpTo",
        "Count no further: where there are more, `page.more` is true, and the totals are this number's",
    ),
];

fn operation(app: &App, route: &Route) -> Value {
    let about = &route.about;
    let parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .chain(about.query.iter().map(|(name, text)| {
            json!({ "name": name, "in": "query", "description": text, "schema": { "type": "string" } })
        }))
        .chain(about.searched.then_some(SEARCHED).into_iter().flatten().map(|(name, text)| {
            json!({ "name": name, "in": "query", "description": text, "schema": { "type": "string" } })
        }))
        .chain(
            is_list(route)
                .then_some([("page", "Zero-based page", 0), ("size", "Entries per page, at most 1000", 50)])
                .into_iter()
                .flatten()
                .map(|(name, text, default)| {
                    let schema = json!({ "type": "integer", "minimum": 0, "default": default });
                    json!({ "name": name, "in": "query", "description": text, "schema": schema })
                }),
        )
        .collect();

    let mut responses = Map::new();
    for status in about.success {
        let mut response = json!({ "description": meaning(*status) });
        if !matches!(status, 202 | 204)
            && let Some(content) = answer(route)
        {
            response["content"] = content;
        }
        responses.insert(status.to_string(), response);
    }
    let mut errors: Vec<u16> = about.errors.to_vec();
    errors.push(500);
    errors.push(503);
    if route.access != Access::Public {
        errors.push(401);
    }
    if route.accept != Accept::Anything {
        errors.push(406);
    }
    if route.takes != Takes::Nothing {
        errors.extend([400, 413]);
        if !matches!(route.takes, Takes::Raw(_)) {
            errors.push(415);
        }
    }
    // A path segment or query that is not UTF-8 is refused everywhere.
    errors.push(400);
    errors.sort_unstable();
    errors.dedup();
    for status in errors {
        responses.insert(
            status.to_string(),
            json!({
                "description": meaning(status),
                "content": { media::JSON: { "schema": reference("Problem") } },
            }),
        );
    }

    if let Some(id) = about.identified
        && let Some(created) = responses.get_mut("201")
    {
        created["links"] = links(app, route, id);
    }

    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": about.summary,
        "tags": [about.tag],
        "parameters": parameters,
        "responses": responses,
    });
    if route.access == Access::Public {
        operation["security"] = json!([]);
    }
    if let Some(body) = request_body(route) {
        operation["requestBody"] = body;
    }
    let codes: Vec<&str> = about
        .permission
        .and_then(|(resource, action)| row(resource, action))
        .map(|row| [row.workspace, row.managed, row.admin].into_iter().flatten().collect())
        .unwrap_or_default();
    if !codes.is_empty() {
        operation["x-permissions"] = json!(codes);
    }
    operation
}

/// What can be done with the object that a route has just made: it is read, replaced by itself, deleted.
fn links(app: &App, made_by: &Route, id: &str) -> Value {
    let mut links = Map::new();
    for route in app.router.all() {
        let below = route.path.strip_prefix(&made_by.path).and_then(|rest| rest.strip_prefix("/{"));
        let Some(parameter) =
            below.and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('/'))
        else {
            continue;
        };
        let mut link = json!({ "operationId": operation_id(route), "parameters": { parameter: id } });
        if route.takes != Takes::Nothing {
            link["requestBody"] = json!("$response.body");
        }
        links.insert(route.method.as_str().to_ascii_lowercase(), link);
    }
    Value::Object(links)
}

fn request_body(route: &Route) -> Option<Value> {
    let about = &route.about;
    let schema = |name: Option<&str>| name.map_or_else(|| json!({ "type": "object" }), reference);
    let example = about.example.clone().unwrap_or_else(|| json!({}));
    let mut content = Map::new();
    match route.takes {
        Takes::Nothing => return None,
        // Its encodings say it all.
        Takes::Exactly(..) => {}
        Takes::Raw(_) | Takes::Json(_) => {
            let entry = json!({ "schema": schema(about.request), "example": example });
            content.insert(media::JSON.into(), entry);
        }
        Takes::Kind(kind, versions, ..) | Takes::KindIfAny(kind, versions, ..) => {
            for version in versions {
                let own = view(route, version).filter(|_| about.request.is_some());
                let name = own.map_or(about.request, |(_, name, _)| Some(name));
                let example = about.example_of.map_or_else(|| example.clone(), |of| of(version));
                content
                    .insert(media::of(kind, version), json!({ "schema": schema(name), "example": example }));
            }
        }
    }
    for (media, example) in about.encodings {
        let json = serde_json::from_str::<Value>(example).ok().filter(|_| media.ends_with("json"));
        let entry = match json {
            Some(Value::Array(items)) => {
                json!({ "schema": { "type": "array", "items": { "type": "object" } }, "example": items })
            }
            Some(example) => json!({ "schema": { "type": "object" }, "example": example }),
            None => json!({ "schema": { "type": "string" }, "example": example }),
        };
        content.insert((*media).into(), entry);
    }
    Some(
        json!({ "required": !matches!(route.takes, Takes::KindIfAny(..) | Takes::Json(_)), "content": content }),
    )
}

fn is_list(route: &Route) -> bool {
    route.about.summary == "List"
}

fn answer(route: &Route) -> Option<Value> {
    let about = &route.about;
    if let Some(produces) = about.produces {
        let schema = about.response.map_or_else(|| json!({}), reference);
        let schema = match about.embedded {
            Some(embedded) => paged(embedded, &schema),
            None => schema,
        };
        return Some(json!({ produces: { "schema": schema } }));
    }
    let name = about.response?;
    let (Accept::Kind(kind, versions) | Accept::KindIfAny(kind, versions)) = route.accept else {
        return Some(json!({ media::JSON: { "schema": reference(name) } }));
    };
    let content = versions.iter().map(|version| {
        let name = view(route, version).map_or(name, |(_, _, name)| name);
        let item = represented(name);
        let schema = if is_list(route) { paged(&format!("{kind}s"), &item) } else { item };
        (media::of(kind, version), json!({ "schema": schema }))
    });
    Some(Value::Object(content.collect()))
}

/// The schemas of a version that has its own.
fn view(route: &Route, version: &str) -> Option<VersionSchemas> {
    route.about.views.iter().find(|(name, ..)| *name == version).copied()
}

fn operation_id(route: &Route) -> String {
    let path: String =
        route.path.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    format!("{}{path}", route.method.as_str().to_ascii_lowercase())
}

/// The whole description.
pub fn describe(app: &App) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in app.router.all() {
        let methods = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        let method = route.method.as_str().to_ascii_lowercase();
        if matches!(method.as_str(), "get" | "put" | "post" | "delete" | "patch") {
            methods[method] = operation(app, route);
        } else {
            // OpenAPI has no word for LOCK and UNLOCK, so they are told beside it.
            methods["x-methods"][method] = operation(app, route);
        }
    }
    let mut schemas = common();
    schemas.extend(app.schemas.named.clone());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stoa",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The meshObject API and Stoa's own endpoints.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": app.world.settings.public_url }],
        "security": [{ "bearer": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "basic": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

/// The description as an answer.
pub fn reply(app: &App) -> Reply {
    Reply::ok(&describe(app))
}
