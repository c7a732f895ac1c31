//! A stand-in of the server's run API: claims, sources, reports, plans, state, wake-ups. It keeps what it is told.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, patch, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

/// What the runner claims with; after a claim it must not be used for anything about the run.
pub const CLIENT_ID: &str = "stand-in-key";
pub const CLIENT_SECRET: &str = "stand-in-secret";
const RUNNER_TOKEN: &str = "token-of-the-runner";
const MEDIA: &str = "application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json";

/// How long tests wait for something to happen, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub struct StandIn {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    book: Mutex<Book>,
    wake: broadcast::Sender<()>,
}

/// All that is known.
#[derive(Default)]
pub struct Book {
    queue: VecDeque<Value>,
    runs: BTreeMap<String, RunRecord>,
    pub states: BTreeMap<String, Value>,
    pub claims: usize,
    pub claim_headers: Option<HeaderMap>,
    /// Whether there is a change feed.
    pub has_feed: bool,
    /// Whether reports and claims find nobody.
    pub is_down: bool,
    /// What whoever brings a state is told instead of yes.
    pub refuses_states: Option<StatusCode>,
    /// Whether final reports are found wrong.
    pub refuses_outputs: bool,
}

#[derive(Default, Clone)]
pub struct RunRecord {
    pub token: String,
    pub workspace: String,
    pub block: String,
    pub registered: Vec<Value>,
    pub status: Option<String>,
    pub summary: Option<String>,
    pub steps: Vec<Map<String, Value>>,
    pub outputs: BTreeMap<String, Value>,
    pub artifact: Option<Vec<u8>>,
    pub changes_detected: Option<bool>,
    pub plan_of: Option<String>,
    pub abort_requested: bool,
    /// Sources by id, as they registered last.
    pub sources: BTreeMap<String, Value>,
    /// Every report, as it came.
    pub reports: Vec<(Instant, Value)>,
}

impl RunRecord {
    pub fn is_final(&self) -> bool {
        matches!(self.status.as_deref(), Some("SUCCEEDED" | "FAILED" | "ABORTED"))
    }

    pub fn step(&self, id: &str) -> &Map<String, Value> {
        self.steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("no step {id}"))
    }

    pub fn text(&self, id: &str, field: &str) -> String {
        self.step(id).get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub fn statuses(&self) -> Vec<(String, String)> {
        let text = |step: &Map<String, Value>, field: &str| step[field].as_str().unwrap().to_owned();
        self.steps.iter().map(|step| (text(step, "id"), text(step, "status"))).collect()
    }
}

impl StandIn {
    pub async fn start() -> Self {
        let book = Mutex::new(Book { has_feed: true, ..Book::default() });
        let shared = Arc::new(Shared { book, wake: broadcast::channel(64).0 });
        let runs = "/api/meshobjects/meshbuildingblockruns";
        let router = Router::new()
            .route("/api/login", post(login))
            .route("/api/events", get(events))
            .route("/api/meshobjects/meshbuildingblockrunners", post(new_runner))
            .route(&format!("{runs}/create"), post(claim))
            .route(&format!("{runs}/{{run}}/status/source"), post(register))
            .route(&format!("{runs}/{{run}}/status/source/{{source}}"), patch(report))
            .route(&format!("{runs}/{{run}}/plan-artifact"), get(plan))
            .route(&format!("{runs}/{{run}}/logs"), get(logs))
            .route("/api/terraform/state/workspace/{workspace}/buildingBlock/{block}", any(state))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap()
    }

    /// Puts a run into the queue and wakes the runner.
    pub fn queue(&self, mut run: Value) -> String {
        let uuid = run["metadata"]["uuid"].as_str().unwrap().to_owned();
        let token = format!("run-token-of-{uuid}");
        run["spec"]["runToken"] = json!(token);
        run["status"] = json!("IN_PROGRESS");
        let own = format!("{}/api/meshobjects/meshbuildingblockruns/{uuid}", self.url);
        let mut links = json!({
            "self": { "href": own },
            "registerSource": { "href": format!("{own}/status/source") },
            "updateSource": { "href": format!("{own}/status/source/{{sourceId}}"), "templated": true },
            "meshstackBaseUrl": { "href": self.url },
        });
        let plan_of =
            run.as_object_mut().unwrap().remove("planOf").and_then(|of| of.as_str().map(str::to_owned));
        if plan_of.is_some() {
            links["planArtifact"] = json!({ "href": format!("{own}/plan-artifact") });
        }
        run["_links"] = links;
        let block = &run["spec"]["buildingBlock"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let record = RunRecord {
            token,
            workspace: text(&block["spec"]["workspaceIdentifier"]),
            block: text(&block["uuid"]),
            plan_of,
            ..RunRecord::default()
        };
        let mut book = self.book();
        book.runs.insert(uuid.clone(), record);
        book.queue.push_back(run);
        drop(book);
        // Nobody may be listening.
        let _ = self.shared.wake.send(());
        uuid
    }

    pub fn run(&self, uuid: &str) -> RunRecord {
        self.book().runs[uuid].clone()
    }

    pub fn abort(&self, uuid: &str) {
        self.book().runs.get_mut(uuid).unwrap().abort_requested = true;
    }

    /// A pipeline registers as a source of its own.
    pub fn registers(&self, uuid: &str, source: Value) {
        let mut book = self.book();
        let sources = &mut book.runs.get_mut(uuid).unwrap().sources;
        sources.insert(source["id"].as_str().unwrap().to_owned(), source);
    }

    /// Takes the run away from whoever has it.
    pub fn revoke(&self, uuid: &str) {
        self.book().runs.get_mut(uuid).unwrap().token.push_str("-of-somebody-else");
    }

    /// Waits until the run is as wanted.
    pub async fn until(&self, uuid: &str, what: &str, is_so: impl Fn(&RunRecord) -> bool) -> RunRecord {
        let start = Instant::now();
        loop {
            let run = self.run(uuid);
            if is_so(&run) {
                return run;
            }
            assert!(start.elapsed() < PATIENCE, "never {what}: {:?} {:#?}", run.status, run.steps);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn end_of(&self, uuid: &str) -> RunRecord {
        self.until(uuid, "final", RunRecord::is_final).await
    }

    /// Waits for the end and expects it to be good.
    pub async fn success_of(&self, uuid: &str) -> RunRecord {
        let run = self.end_of(uuid).await;
        assert_eq!(run.status.as_deref(), Some("SUCCEEDED"), "{:#?}", run.steps);
        run
    }

    /// Waits for the end and expects it to be bad.
    pub async fn failure_of(&self, uuid: &str) -> RunRecord {
        let run = self.end_of(uuid).await;
        assert_eq!(run.status.as_deref(), Some("FAILED"), "{:#?}", run.steps);
        run
    }
}

type Server = State<Arc<Shared>>;

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "errorCode": "Refused", "message": message, "status": status.as_u16() })))
        .into_response()
}

fn has(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|found| found == value)
}

async fn login(Json(body): Json<Value>) -> Response {
    if body == json!({ "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET }) {
        return Json(json!({ "access_token": RUNNER_TOKEN, "expires_in": 300 })).into_response();
    }
    refusal(StatusCode::UNAUTHORIZED, "no such key")
}

async fn new_runner(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert!(has(&headers, "authorization", &format!("Bearer {RUNNER_TOKEN}")));
    assert!(body["spec"]["publicKey"].as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY-----"));
    if body["metadata"]["ownedByWorkspace"] != "team" {
        return refusal(StatusCode::NOT_FOUND, "no such workspace");
    }
    let mut runner = body;
    runner["metadata"]["uuid"] = json!("0f0e0d0c-0b0a-4908-8706-050403020100");
    (StatusCode::CREATED, Json(runner)).into_response()
}

async fn events(State(server): Server, Query(query): Query<BTreeMap<String, String>>) -> Response {
    assert!(query.contains_key("runner"));
    if !server.book.lock().unwrap().has_feed {
        return refusal(StatusCode::NOT_FOUND, "no feed here");
    }
    let wakes = server.wake.subscribe();
    let stream = futures_util::stream::unfold((wakes, true), |(mut wakes, is_first)| async move {
        if is_first {
            return Some((Ok::<_, Infallible>(Bytes::from(": hello\n\n")), (wakes, false)));
        }
        wakes.recv().await.ok()?;
        let event =
            "id: 1\nevent: change\ndata: {\"kind\":\"meshBuildingBlockRun\",\"action\":\"Queued\"}\n\n";
        Some((Ok(Bytes::from(event)), (wakes, false)))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(stream)).into_response()
}

async fn claim(State(server): Server, headers: HeaderMap, body: Bytes) -> Response {
    let mut book = server.book.lock().unwrap();
    if book.is_down {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "down");
    }
    assert!(body.is_empty());
    if !has(&headers, "authorization", &format!("Bearer {RUNNER_TOKEN}")) {
        return refusal(StatusCode::UNAUTHORIZED, "only the runner's own credential claims");
    }
    if !has(&headers, "accept", MEDIA) || !has(&headers, "content-type", MEDIA) {
        return refusal(StatusCode::NOT_ACCEPTABLE, "another media type");
    }
    book.claims += 1;
    book.claim_headers = Some(headers);
    match book.queue.pop_front() {
        Some(run) => (StatusCode::CREATED, Json(run)).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "no run"),
    }
}

/// The run, if the caller shows its token and nothing else.
fn own<'a>(book: &'a mut Book, run: &str, headers: &HeaderMap) -> Result<&'a mut RunRecord, Box<Response>> {
    if book.is_down {
        return Err(Box::new(refusal(StatusCode::SERVICE_UNAVAILABLE, "down")));
    }
    let record =
        book.runs.get_mut(run).ok_or_else(|| Box::new(refusal(StatusCode::NOT_FOUND, "no such run")))?;
    if !has(headers, "authorization", &format!("Bearer {}", record.token)) {
        return Err(Box::new(refusal(StatusCode::UNAUTHORIZED, "only the run's own token is taken")));
    }
    Ok(record)
}

async fn register(
    State(server): Server,
    Path(run): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut book = server.book.lock().unwrap();
    let record = match own(&mut book, &run, &headers) {
        Ok(record) => record,
        Err(refused) => return *refused,
    };
    record.sources.insert(body["source"]["id"].as_str().unwrap().to_owned(), body["source"].clone());
    for step in body["steps"].as_array().unwrap() {
        record.registered.push(step.clone());
        merge(record, step);
    }
    Json(body).into_response()
}

async fn logs(State(server): Server, Path(run): Path<String>, headers: HeaderMap) -> Response {
    let mut book = server.book.lock().unwrap();
    match own(&mut book, &run, &headers) {
        Ok(record) => {
            let sources: Vec<&Value> = record.sources.values().collect();
            Json(json!({ "steps": record.steps, "sources": sources })).into_response()
        }
        Err(refused) => *refused,
    }
}

fn merge(record: &mut RunRecord, update: &Value) {
    let id = update["id"].as_str().expect("a step has an id");
    let position = record.steps.iter().position(|step| step["id"] == id).unwrap_or_else(|| {
        record.steps.push(Map::from_iter([("id".to_owned(), json!(id))]));
        record.steps.len() - 1
    });
    for (field, value) in update.as_object().unwrap() {
        let is_said = !value.is_null() && value != "" && *value != json!({});
        if is_said && field != "outputs" {
            record.steps[position].insert(field.clone(), value.clone());
        }
    }
    for (name, output) in update["outputs"].as_object().into_iter().flatten() {
        record.outputs.insert(name.clone(), output.clone());
    }
}

async fn report(
    State(server): Server,
    Path((run, source)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    assert_eq!(source, super::runner::RUNNER_UUID);
    let mut book = server.book.lock().unwrap();
    let refuses_outputs = book.refuses_outputs;
    let record = match own(&mut book, &run, &headers) {
        Ok(record) => record,
        Err(refused) => return *refused,
    };
    if !has(&headers, "content-type", MEDIA) {
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "another media type");
    }
    if refuses_outputs && body.to_string().contains("\"outputs\"") {
        return refusal(StatusCode::BAD_REQUEST, "outputs are not wanted today");
    }
    record.reports.push((Instant::now(), body.clone()));
    for step in body["steps"].as_array().into_iter().flatten() {
        merge(record, step);
    }
    if record.is_final() {
        return Json(json!({ "runAborted": record.status.as_deref() == Some("ABORTED") })).into_response();
    }
    if record.abort_requested {
        record.status = Some("ABORTED".to_owned());
        return Json(json!({ "runAborted": true })).into_response();
    }
    if let Some(status) = body["status"].as_str() {
        record.status = Some(status.to_owned());
    }
    if let Some(summary) = body["summary"].as_str() {
        record.summary = Some(summary.to_owned());
    }
    if let Some(artifact) = body["artifact"].as_str() {
        record.artifact = Some(STANDARD.decode(artifact).unwrap());
    }
    if let Some(changes) = body["changesDetected"].as_bool() {
        record.changes_detected = Some(changes);
    }
    Json(json!({ "runAborted": false })).into_response()
}

async fn plan(State(server): Server, Path(run): Path<String>, headers: HeaderMap) -> Response {
    assert!(has(&headers, "accept", "application/octet-stream"));
    assert!(!headers.contains_key("content-type"));
    let mut book = server.book.lock().unwrap();
    let plan_of = match own(&mut book, &run, &headers) {
        Ok(record) => record.plan_of.clone(),
        Err(refused) => return *refused,
    };
    let plan = plan_of.and_then(|of| book.runs.get(&of)?.artifact.clone());
    plan.map_or_else(|| refusal(StatusCode::NOT_FOUND, "no plan"), IntoResponse::into_response)
}

async fn state(
    State(server): Server,
    method: Method,
    Path((workspace, block)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut book = server.book.lock().unwrap();
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let shown = shown.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let run = book.runs.values().find(|run| shown == Some(format!("x:{}", run.token)));
    match run {
        None => return refusal(StatusCode::UNAUTHORIZED, "who are you"),
        Some(run) if run.is_final() => return refusal(StatusCode::UNAUTHORIZED, "the run is over"),
        Some(run) if run.block != block || run.workspace != workspace => {
            return refusal(StatusCode::FORBIDDEN, "not your block");
        }
        Some(_) => {}
    }
    match method {
        Method::GET => match book.states.get(&block) {
            Some(state) => Json(state.clone()).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        },
        Method::POST => {
            if let Some(status) = book.refuses_states {
                return refusal(status, "no states today");
            }
            let state = serde_json::from_slice(&body).unwrap();
            book.states.insert(block, state);
            StatusCode::OK.into_response()
        }
        Method::DELETE => {
            book.states.remove(&block);
            StatusCode::OK.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
