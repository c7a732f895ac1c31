//! A server on a database of its own whose writes are taken back, so that each input meets
//! the same objects, however many came before it.

use axum::body::Body;
use axum::response::Response;
use clap::Parser;
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use stoa_base::{Moment, Refusal};
use stoa_core::{Actor, Outcome, World};
use stoa_db::Tx;
use stoa_server::Running;
use stoa_web::app::Authenticator;
use stoa_web::credential::Credential;
use stoa_web::route::{Op, Router, Takes};
use stoa_web::{App, Route, dispatch};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Runner that is there from the start.
const SHARED: &str = "98520496-627d-43e6-82da-ce499179ff3f";
const RUN: &str = "meshBuildingBlockRun";
/// What seeds write in the place of ids.
const PLACES: [&str; 4] = ["@definition@", "@version@", "@block@", "@run@"];

/// Whether what is written stays: only while the stage is set.
static KEEPS: AtomicBool = AtomicBool::new(true);

/// Everybody is the first administrator: who may do what is no question here.
struct Anybody(Actor);

impl Authenticator for Anybody {
    fn authenticate(&self, _: &mut Tx, _: &World, _: Moment, _: &Credential, _: bool) -> Outcome<Actor> {
        Ok(self.0.clone())
    }

    fn precheck(&self, _: &World, _: Moment, _: &Credential) -> Outcome<()> {
        Ok(())
    }

    fn is_due(&self, _: Moment, _: &Credential) -> bool {
        false
    }

    fn touch(&self, _: &mut Tx, _: &World, _: Moment, _: &Credential) -> Outcome<()> {
        Ok(())
    }
}

/// A collection that takes bodies of a kind.
struct Collection {
    kind: &'static str,
    versions: &'static [&'static str],
    path: String,
}

/// A server with a definition, a block and its run, which is in the hands of a runner.
pub struct Stage {
    app: Arc<App>,
    runtime: Runtime,
    collections: Vec<Collection>,
    /// Ids of definition, version, block and run.
    ids: [String; 4],
    _running: Running,
    _folder: TempDir,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    config: stoa_server::Config,
}

impl Stage {
    /// The stage of this process.
    pub fn get() -> &'static Self {
        static STAGE: OnceLock<Stage> = OnceLock::new();
        STAGE.get_or_init(Self::set)
    }

    fn set() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let data = folder.path().to_str().expect("its name is a text");
        let line = ["fuzz", "--no-runner", "--unsafe-no-fsync", "--listen", "127.0.0.1:0", "--data-dir", data];
        let config = Line::parse_from(line).config;
        let runtime = Runtime::new().expect("there are threads");
        let running = runtime.block_on(stoa_server::start(config)).expect("the server starts");
        let actor = runtime.block_on(administrator(&running));
        let real = &running.app;
        let app = App {
            db: real.db.clone(),
            world: Arc::clone(&real.world),
            bell: real.bell.clone(),
            authenticator: Arc::new(Anybody(actor)),
            router: Router::new(real.router.all().map(|route| taken_back(route)).collect()).expect("they fit"),
            schemas: stoa_web::openapi::Schemas::default(),
            metrics: stoa_web::metrics::Metrics::default(),
            draining: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        };
        let posts = real.router.all().filter(|route| route.method == Method::POST && !route.path.contains('{'));
        let collections = posts
            .filter_map(|route| match route.takes {
                Takes::Kind(kind, versions, ..) => Some(Collection { kind, versions, path: route.path.clone() }),
                _ => None,
            })
            .collect();
        let mut stage = Self {
            app: Arc::new(app),
            runtime,
            collections,
            ids: Default::default(),
            _running: running,
            _folder: folder,
        };
        stage.furnish();
        KEEPS.store(false, Ordering::Relaxed);
        stage
    }

    /// Makes what inputs are about.
    fn furnish(&mut self) {
        let make = |kind: &str, body: Value| self.must(Method::POST, &self.collection(kind).path, kind, body);
        let shop = json!({ "metadata": { "name": "shop", "tags": {} }, "spec": { "displayName": "Shop" } });
        make("meshWorkspace", shop);
        let definition = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "Database", "description": "For fuzzing" },
        });
        let made = make("meshBuildingBlockDefinition", definition);
        let (definition, version) = (text(&made, "/metadata/uuid"), text(&made, "/status/latestVersionUuid"));
        let body = include_str!("../seeds/bodies/version.json").replace(PLACES[0], &definition);
        let body: Value = serde_json::from_str(&body).expect("the seed is JSON");
        let path = format!("{}/{version}", self.collection("meshBuildingBlockDefinitionVersion").path);
        self.must(Method::PUT, &path, "meshBuildingBlockDefinitionVersion", body);
        let body = include_str!("../seeds/bodies/block.json").replace(PLACES[1], &version);
        let made = make("meshBuildingBlock", serde_json::from_str(&body).expect("the seed is JSON"));
        let block = text(&made, "/metadata/uuid");
        let claim = format!("/api/meshobjects/meshbuildingblockruns/create?forRunnerUuid={SHARED}");
        let run = self.must(Method::POST, &claim, RUN, Value::Null);
        self.ids = [definition, version, block, text(&run, "/metadata/uuid")];
    }

    fn collection(&self, kind: &str) -> &Collection {
        self.collections.iter().find(|known| known.kind.eq_ignore_ascii_case(kind)).expect("there is such a kind")
    }

    fn must(&self, method: Method, path: &str, kind: &str, body: Value) -> Value {
        let version = self.collections.iter().find(|known| known.kind == kind).map_or("v1", |known| {
            known.versions.last().copied().unwrap_or_default()
        });
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let (status, answer) = self.send(method, path, &media(kind, version), bytes);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// One request, and its answer: status and body.
    fn send(&self, method: Method, path: &str, media: &str, body: Vec<u8>) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", "Bearer anybody")
            .header("accept", media)
            .header("content-type", media)
            .body(Body::from(body))
            .expect("it is a request");
        self.runtime.block_on(async {
            let response = dispatch::handle(Arc::clone(&self.app), request).await;
            let status = response.status().as_u16();
            (status, read(response).await)
        })
    }

    /// The input with ids in their places.
    fn placed(&self, data: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(data) else { return data.to_vec() };
        let mut placed = text.to_owned();
        for (place, id) in PLACES.iter().zip(&self.ids) {
            if placed.contains(place) {
                placed = placed.replace(place, id);
            }
        }
        placed.into_bytes()
    }

    /// A server may refuse whatever it is sent; it must not fail over it.
    fn survives(&self, method: Method, path: &str, media: &str, body: Vec<u8>) {
        let (status, answer) = self.send(method.clone(), path, media, body);
        assert!(status < 500, "{method} {path}: {status} {answer}");
    }

    /// A body for whatever kind it says it is of: made anew, and in the place of what is there.
    pub fn body(&self, data: &[u8]) {
        let data = self.placed(data);
        let said: Value = serde_json::from_slice(&data).unwrap_or_default();
        let word = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let known = self.collections.iter().find(|known| known.kind.eq_ignore_ascii_case(&word("kind")));
        let known = known.unwrap_or_else(|| &self.collections[data.len() % self.collections.len()]);
        let version = known.versions.iter().find(|version| **version == word("apiVersion"));
        let version = version.or(known.versions.last()).copied().unwrap_or_default();
        let media = media(known.kind, version);
        let [definition, id_of_version, block, _] = &self.ids;
        let there = match known.kind {
            "meshWorkspace" => Some("shop"),
            "meshBuildingBlockDefinition" => Some(definition.as_str()),
            "meshBuildingBlockDefinitionVersion" => Some(id_of_version.as_str()),
            "meshBuildingBlock" => Some(block.as_str()),
            _ => None,
        };
        if let Some(id) = there {
            self.survives(Method::PUT, &format!("{}/{id}", known.path), &media, data.clone());
        }
        self.survives(Method::POST, &known.path, &media, data);
    }

    /// What a runner may say about its run: a report, a registration, the word of an operator.
    pub fn report(&self, data: &[u8]) {
        let data = self.placed(data);
        let run = format!("/api/meshobjects/meshbuildingblockruns/{}", self.ids[3]);
        let media = media(RUN, "v1");
        self.survives(Method::PATCH, &format!("{run}/status/source/r"), &media, data.clone());
        self.survives(Method::POST, &format!("{run}/status/source"), &media, data.clone());
        self.survives(Method::POST, &format!("{run}/complete"), &media, data);
    }

    /// What OpenTofu may keep at the server: a state, a lock, and its end.
    pub fn state(&self, data: &[u8]) {
        let data = self.placed(data);
        let path = format!("/api/terraform/state/workspace/shop/buildingBlock/{}", self.ids[2]);
        for method in ["POST", "LOCK", "UNLOCK"] {
            let method = method.parse().expect("it is a method");
            self.survives(method, &path, "application/json", data.clone());
        }
    }
}

/// The actor behind the key that the server's first start made.
async fn administrator(running: &Running) -> Actor {
    let (id, secret) = running.admin.clone().expect("the first start makes a key");
    let body = json!({ "clientId": id, "clientSecret": secret }).to_string();
    let login = Request::post("/api/login").header("content-type", "application/json").body(Body::from(body));
    let app = &running.app;
    let answer = read(dispatch::handle(Arc::clone(app), login.expect("it is a request")).await).await;
    let token = text(&serde_json::from_str(&answer).expect("it is JSON"), "/access_token");
    let (parts, ()) = Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .expect("it is a request")
        .into_parts();
    let credential = Credential::of(&parts, &app.world.settings).expect("it is a credential");
    let (world, authenticator) = (Arc::clone(&app.world), Arc::clone(&app.authenticator));
    let now = world.clock.now();
    let actor = app.db.read(move |tx| authenticator.authenticate(tx, &world, now, &credential, false)).await;
    actor.expect("the key is in force")
}

/// The route, whose success becomes a refusal, so that its transaction leaves nothing behind.
fn taken_back(route: &Route) -> Route {
    let Op::Write(op) = &route.op else { return route.clone() };
    let op = Arc::clone(op);
    let taken_back = move |tx: &mut Tx, call: &stoa_core::Call, request: &stoa_web::Request| {
        let reply = op(tx, call, request)?;
        if KEEPS.load(Ordering::Relaxed) { Ok(reply) } else { Err(Refusal::conflict("taken back").into()) }
    };
    Route { op: Op::Write(Arc::new(taken_back)), ..route.clone() }
}

async fn read(response: Response) -> String {
    let bytes = response.into_body().collect().await.expect("answers are whole").to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn media(kind: &str, version: &str) -> String {
    stoa_web::media::of(kind, version)
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}")).to_owned()
}
