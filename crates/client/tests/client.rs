//! The client against a small server that keeps count.

#![expect(clippy::unwrap_used, reason = "a test that cannot arrange its case should stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use stoa_client::runs::{Behavior, Implementation, InputType, Registration, RunnerApi, StatusUpdate};
use stoa_client::{Client, ClientError, Credential, ServerEvent, media};

#[derive(Default)]
struct Counts {
    logins: AtomicU64,
    /// The login whose token is still taken; older ones are refused.
    valid_from: AtomicU64,
    claims: AtomicU64,
}

type Shared = State<Arc<Counts>>;

const RUN_TOKEN: &str = "run.token";

async fn login(State(counts): Shared, Json(body): Json<Value>) -> Response {
    if body != json!({ "clientId": "id", "clientSecret": "secret" }) {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "errorCode": "Unauthorized", "message": "no such key" })),
        )
            .into_response();
    }
    let number = counts.logins.fetch_add(1, Ordering::SeqCst) + 1;
    Json(json!({ "access_token": format!("token-{number}"), "expires_in": 300 })).into_response()
}

fn bearer(headers: &HeaderMap) -> &str {
    headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn thing(State(counts): Shared, headers: HeaderMap) -> Response {
    let number = bearer(&headers).strip_prefix("Bearer token-").and_then(|number| number.parse::<u64>().ok());
    if number.is_none_or(|number| number < counts.valid_from.load(Ordering::SeqCst)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if headers["accept"] != media("meshThing", "v2") {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    Json(json!({ "kind": "meshThing" })).into_response()
}

async fn refused() -> Response {
    let body = json!({ "errorCode": "Conflict", "message": "`metadata.name` is taken", "status": 409 });
    (StatusCode::CONFLICT, Json(body)).into_response()
}

async fn events(headers: HeaderMap) -> Response {
    let from = headers.get("last-event-id").map_or("none", |id| id.to_str().unwrap());
    let text = format!(": hello\n\nid: 8\nevent: change\ndata: after {from}\n\n");
    ([("content-type", "text/event-stream")], Body::from(text)).into_response()
}

async fn claim(State(counts): Shared, headers: HeaderMap, body: Bytes) -> Response {
    assert!(body.is_empty());
    assert_eq!(headers["content-type"], media("meshBuildingBlockRun", "v1"));
    assert_eq!(headers["x-meshcloud-runner-name"], "tester");
    if counts.claims.fetch_add(1, Ordering::SeqCst) > 0 {
        return StatusCode::NOT_FOUND.into_response();
    }
    (StatusCode::CREATED, Json(run())).into_response()
}

fn run() -> Value {
    json!({
        "apiVersion": "v1", "kind": "meshBuildingBlockRun", "metadata": { "uuid": "run-1" },
        "spec": {
            "runNumber": 3, "behavior": "APPLY", "runToken": RUN_TOKEN,
            "buildingBlock": { "uuid": "block-1", "spec": {
                "displayName": "b", "workspaceIdentifier": "shop", "projectIdentifier": null,
                "inputs": [{ "key": "zones", "value": ["a"], "type": "MULTI_SELECT", "isSensitive": false, "isEnvironment": false }],
                "parentBuildingBlocks": []
            } },
            "buildingBlockDefinition": { "uuid": "definition-1", "spec": {
                "workspaceIdentifier": "team", "version": 2,
                "implementation": { "type": "QUANTUM", "entanglement": true }
            } }
        },
        "status": "IN_PROGRESS",
        "_links": { "self": { "href": "http://x/run-1" }, "meshstackBaseUrl": { "href": "http://x" } }
    })
}

async fn register(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(bearer(&headers), format!("Bearer {RUN_TOKEN}"));
    assert_eq!(body["steps"][0], json!({ "id": "one", "displayName": "First", "status": "PENDING" }));
    StatusCode::CONFLICT.into_response()
}

async fn report(headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    assert_eq!(bearer(&headers), format!("Bearer {RUN_TOKEN}"));
    Json(json!({ "runAborted": body["summary"] == "stop?" }))
}

async fn server() -> (String, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let runs = "/api/meshobjects/meshbuildingblockruns";
    let router = Router::new()
        .route("/api/login", post(login))
        .route("/api/thing", get(thing).post(refused))
        .route("/api/broken", get(|| async { (StatusCode::BAD_GATEWAY, "proxy says no") }))
        .route("/api/events", get(events))
        .route(&format!("{runs}/create"), post(claim))
        .route(&format!("{runs}/run-1/status/source"), post(register))
        .route(&format!("{runs}/run-1/status/source/me"), patch(report))
        .with_state(Arc::clone(&counts));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://{address}/"), counts)
}

fn key(secret: &str) -> Credential {
    Credential::Key { client_id: "id".to_owned(), client_secret: secret.to_owned() }
}

#[tokio::test]
async fn one_login_serves_many_calls_and_clones() {
    let (url, counts) = server().await;
    let client = Client::new(&url, key("secret")).unwrap();
    assert!(!client.base_url().ends_with('/'));
    for caller in [client.clone(), client.with_headers(&[("x-extra", "1")]).unwrap(), client] {
        assert_eq!(caller.get("/api/thing", &media("meshThing", "v2")).await.unwrap()["kind"], "meshThing");
    }
    assert_eq!(counts.logins.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_the_server_forgot_is_renewed_once() {
    let (url, counts) = server().await;
    let client = Client::new(&url, key("secret")).unwrap();
    client.get("/api/thing", &media("meshThing", "v2")).await.unwrap();
    counts.valid_from.store(2, Ordering::SeqCst);
    client.get("/api/thing", &media("meshThing", "v2")).await.unwrap();
    assert_eq!(counts.logins.load(Ordering::SeqCst), 2);
    counts.valid_from.store(100, Ordering::SeqCst);
    let error = client.get("/api/thing", &media("meshThing", "v2")).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(counts.logins.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn errors_say_what_the_server_said() {
    let (url, _) = server().await;
    let refused = Client::new(&url, key("wrong")).unwrap().get("/api/thing", "x").await.unwrap_err();
    assert_eq!(refused.to_string(), "the API key was refused: no such key");

    let client = Client::new(&url, key("secret")).unwrap();
    let taken = client.post("/api/thing", "x/y", &json!({})).await.unwrap_err();
    assert_eq!(taken.to_string(), "`metadata.name` is taken (409 Conflict)");
    let broken = client.get("/api/broken", "x/y").await.unwrap_err();
    assert_eq!(broken.to_string(), "Bad Gateway: proxy says no (502)");
    assert!(broken.is_temporary());
    let elsewhere = client.get("http://example.org/api/thing", "x/y").await.unwrap_err();
    assert!(matches!(elsewhere, ClientError::Malformed(_)));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    // Nobody is given this port by the system, so nobody is there.
    let url = "http://127.0.0.1:1";
    let error = Client::new(url, Credential::None).unwrap().get("/mesh/info", "*/*").await.unwrap_err();
    assert_eq!(error.to_string(), format!("no answer from {url}"));
    assert!(Client::new("ftp://example.org", Credential::None).is_err());
    assert!(Client::new("example.org", Credential::None).is_err());
}

#[tokio::test]
async fn event_streams_resume_and_tell_a_refusal() {
    let (url, _) = server().await;
    let client = Client::new(&url, Credential::None).unwrap();
    let events: Vec<_> = client.get_stream("/api/events", Some("7")).await.collect().await;
    let expected = ServerEvent { id: "8".to_owned(), event: "change".to_owned(), data: "after 7".to_owned() };
    assert_eq!(events.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [expected]);
    let refusal: Vec<_> = client.get_stream("/api/nothing", None).await.collect().await;
    assert_eq!(refusal.len(), 1);
    assert_eq!(refusal[0].as_ref().unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn the_run_protocol_is_spoken_with_the_runs_own_token() {
    let (url, _) = server().await;
    let client = Client::new(&url, Credential::None).unwrap();
    let api = RunnerApi::new(client.with_headers(&[("x-meshcloud-runner-name", "tester")]).unwrap());
    let claimed = api.claim("runner-1").await.unwrap().unwrap();
    assert_eq!((claimed.uuid.as_str(), claimed.token.as_str()), ("run-1", RUN_TOKEN));
    assert!(!format!("{claimed:?}").contains(RUN_TOKEN));
    let run = claimed.run.unwrap();
    assert_eq!(run.behavior, Behavior::Apply);
    assert_eq!(run.building_block.inputs[0].input_type, InputType::MultiSelect);
    assert!(matches!(run.definition.implementation, Implementation::Unknown));
    assert_eq!(run.links.plan_artifact, None);
    assert!(api.claim("runner-1").await.unwrap().is_none());

    let run = api.run(&claimed.uuid, &claimed.token);
    run.register_source(&Registration::new("me", [("one", "First")])).await.unwrap();
    assert!(!run.patch_status("me", &StatusUpdate::default()).await.unwrap());
    let stop = StatusUpdate { summary: Some("stop?".to_owned()), ..StatusUpdate::default() };
    assert!(run.patch_status("me", &stop).await.unwrap());
}
