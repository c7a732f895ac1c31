//! A server in the test's own process: it keeps objects, answers as told where told, and remembers what was asked.

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A running stand-in.
pub(super) struct StandIn {
    url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Objects by `collection/id`.
    objects: BTreeMap<String, Value>,
    /// Answers by `METHOD path`, each given once, the last one for ever.
    answers: BTreeMap<String, Vec<Answer>>,
    asked: Vec<Asked>,
    made: u32,
}

/// An answer given whatever the objects say.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// JSON with a status.
    Json(u16, Value),
    /// Server-sent events: name and data each, numbered from 1.
    Events(Vec<(&'static str, Value)>),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    /// `METHOD path?query`.
    pub(super) what: String,
    /// Its body; null if none.
    pub(super) body: Value,
    /// `Last-Event-ID`.
    pub(super) last_event_id: Option<String>,
}

impl StandIn {
    pub(super) async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let state = Arc::clone(&shared);
        let app = axum::Router::new().fallback(move |request: Request<Body>| {
            let state = Arc::clone(&state);
            async move { handle(&state, request).await }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, shared }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Puts an object on the shelf.
    pub(super) fn keep(&self, place: &str, object: Value) {
        self.shared.lock().unwrap().objects.insert(place.to_owned(), object);
    }

    /// The object on the shelf.
    pub(super) fn kept(&self, place: &str) -> Value {
        self.shared.lock().unwrap().objects.get(place).cloned().unwrap_or(Value::Null)
    }

    /// Gives this answer to the next such request; the last one given stays.
    pub(super) fn answer(&self, what: &str, answer: Answer) {
        self.shared.lock().unwrap().answers.entry(what.to_owned()).or_default().push(answer);
    }

    /// Everything asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.lock().unwrap().asked.clone()
    }

    /// What was asked to change something.
    pub(super) fn writes(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).filter(|what| !what.starts_with("GET ")).collect()
    }

    /// The body of the last such request.
    pub(super) fn body(&self, what: &str) -> Value {
        self.asked().into_iter().rfind(|asked| asked.what == what).map(|asked| asked.body).unwrap_or_default()
    }
}

async fn handle(shared: &Mutex<Shared>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let what = format!("{} {target}", parts.method);
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let last_event_id = parts.headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned());
    let mut shared = shared.lock().unwrap();
    shared.asked.push(Asked { what: what.clone(), body: body.clone(), last_event_id: last_event_id.clone() });
    match shared.scripted(&what) {
        Some(Answer::Json(status, value)) => json_answer(status, &value),
        Some(Answer::Events(events)) => events_answer(&events, last_event_id.as_deref()),
        None => {
            let (status, value) =
                shared.serve(parts.method.as_str(), parts.uri.path(), parts.uri.query(), body);
            json_answer(status, &value)
        }
    }
}

fn json_answer(status: u16, value: &Value) -> Response<Body> {
    let body = if value.is_null() { Body::empty() } else { Body::from(value.to_string()) };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn events_answer(events: &[(&'static str, Value)], last: Option<&str>) -> Response<Body> {
    let after: usize = last.map_or(0, |id| id.parse().unwrap());
    let texts: Vec<String> = events
        .iter()
        .enumerate()
        .skip(after)
        .map(|(index, (name, data))| {
            format!(
                "id: {}
event: {name}
data: {data}

",
                index + 1
            )
        })
        .collect();
    let mut response = Response::new(Body::from(texts.concat()));
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    response
}

impl Shared {
    fn scripted(&mut self, what: &str) -> Option<Answer> {
        let answers = self.answers.get_mut(what)?;
        if answers.len() > 1 { Some(answers.remove(0)) } else { answers.first().cloned() }
    }

    fn serve(&mut self, method: &str, path: &str, query: Option<&str>, mut body: Value) -> (u16, Value) {
        let Some(place) = path.strip_prefix("/api/meshobjects/") else {
            return missing(path);
        };
        seal(&mut body);
        match (method, place.split_once('/')) {
            ("GET", None) => (200, self.list(place, query.unwrap_or_default())),
            ("GET", Some(_)) => match self.objects.get(place) {
                Some(object) => (200, self.seen(object)),
                None => missing(place),
            },
            ("POST", None) => (201, self.create(place, body)),
            ("PUT", Some(_)) => {
                self.objects.insert(place.to_owned(), body.clone());
                (200, body)
            }
            ("DELETE", Some(_)) => match self.objects.remove(place) {
                Some(_) => (204, Value::Null),
                None => missing(place),
            },
            _ => (405, json!({ "errorCode": "MethodNotAllowed", "message": "no" })),
        }
    }

    fn list(&self, collection: &str, query: &str) -> Value {
        let of_definition =
            query.split('&').find_map(|pair| pair.strip_prefix("buildingBlockDefinitionUuid="));
        let prefix = format!("{collection}/");
        let items: Vec<Value> = self
            .objects
            .iter()
            .filter(|(place, _)| place.starts_with(&prefix))
            .map(|(_, object)| self.seen(object))
            .filter(|object| {
                of_definition.is_none_or(|uuid| object["spec"]["buildingBlockDefinitionRef"]["uuid"] == uuid)
            })
            .collect();
        let name = items
            .first()
            .map_or_else(|| kind_of(collection), |item| item["kind"].as_str().unwrap().to_owned());
        json!({ "_embedded": { format!("{name}s"): items }, "page": { "totalPages": 1, "number": 0 } })
    }

    fn create(&mut self, collection: &str, mut body: Value) -> Value {
        self.made += 1;
        let id = match (&body["metadata"]["ownedByWorkspace"], &body["metadata"]["name"]) {
            (Value::String(workspace), Value::String(name)) => format!("{workspace}.{name}"),
            (_, Value::String(name)) => name.clone(),
            _ => {
                let uuid = format!("00000000-0000-4000-8000-{:012}", self.made);
                body["metadata"]["uuid"] = json!(uuid);
                uuid
            }
        };
        self.objects.insert(format!("{collection}/{id}"), body.clone());
        if collection == "meshbuildingblockdefinitions" {
            let version = json!({
                "kind": "meshBuildingBlockDefinitionVersion",
                "metadata": { "ownedByWorkspace": body["metadata"]["ownedByWorkspace"] },
                "spec": {
                    "buildingBlockDefinitionRef": { "kind": "meshBuildingBlockDefinition", "uuid": id },
                    "versionNumber": 1, "state": "DRAFT", "deletionMode": "DELETE",
                    "implementation": { "type": "manual" }, "inputs": {}, "outputs": {}
                }
            });
            self.create("meshbuildingblockdefinitionversions", version);
        }
        self.seen(&body)
    }

    /// An object as the API shows it: definitions know their versions.
    fn seen(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if object["kind"] == "meshBuildingBlockDefinition" {
            let versions: Vec<Value> = self
                .objects
                .values()
                .filter(|one| one["spec"]["buildingBlockDefinitionRef"]["uuid"] == object["metadata"]["uuid"])
                .map(|one| {
                    let spec = &one["spec"];
                    json!({ "versionUuid": one["metadata"]["uuid"], "versionNumber": spec["versionNumber"], "state": spec["state"] })
                })
                .collect();
            let released = versions.iter().rfind(|version| version["state"] == "RELEASED");
            object["status"] = json!({
                "latestVersion": versions.len(),
                "latestReleasedVersion": released.map(|version| version["versionNumber"].clone()),
                "versions": versions
            });
        }
        object
    }
}

/// Keeps hashes in place of secrets.
fn seal(value: &mut Value) {
    match value {
        Value::Object(entries) if entries.contains_key("plaintext") => {
            *entries = Map::from_iter([("hash".to_owned(), json!("hmac"))]);
        }
        Value::Object(entries) => entries.values_mut().for_each(seal),
        Value::Array(items) => items.iter_mut().for_each(seal),
        _ => {}
    }
}

fn missing(place: &str) -> (u16, Value) {
    (404, json!({ "errorCode": "NotFound", "message": format!("No `{place}` exists.") }))
}

fn kind_of(collection: &str) -> String {
    crate::Kind::parse(collection).unwrap().name.to_owned()
}
