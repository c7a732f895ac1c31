//! A server for one test, and the ways to speak to it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use stoa_db::Engine;
use stoa_db::testing::TestDatabase;
use stoa_seal::PrivateKey;
use stoa_server::{Config, Running, Store};
use tempfile::TempDir;

/// uuid of the shared runner.
pub const SHARED: &str = "98520496-627d-43e6-82da-ce499179ff3f";
/// Locations of a test environment, besides `global`.
pub const LOCATIONS: [&str; 5] =
    ["meshcloud-azure-dev", "aws-meshstack-dev", "gcp-meshstack-dev", "eu-de-central", "openshift"];
/// How many connections a server writes with, where that is its own choice.
pub const WRITERS: usize = 3;
/// How long a test waits for what happens by itself, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test on both engines: `on_both! { async fn name(stoa) { … } }` makes `name::sqlite` and
/// `name::postgres`.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($stoa:ident) $body:block)*) => { $(
        mod $name {
            use super::*;

            $(#[$meta])*
            async fn check($stoa: $crate::stoa::Stoa) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                if let Some(stoa) = $crate::stoa::Stoa::on(stoa_db::Engine::Sqlite).await { check(stoa).await; }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(stoa) = $crate::stoa::Stoa::on(stoa_db::Engine::Postgres).await { check(stoa).await; }
            }
        }
    )* };
}

/// The key pair of the shared runner in all tests of this process: making one takes a while.
pub fn shared_key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::generate(2048).unwrap())
}

/// A running server with its database and folder.
pub struct Stoa {
    /// Base URL.
    pub url: String,
    /// The server.
    pub running: Arc<Running>,
    /// The first administrator.
    pub admin: Caller,
    /// Data folder.
    pub folder: Arc<TempDir>,
    database: Arc<TestDatabase>,
}

/// Who speaks: nobody, a bearer token, or a user with a password.
#[derive(Clone, Debug)]
pub struct Caller {
    url: String,
    http: reqwest::Client,
    /// `Authorization`, if any.
    pub authorization: Option<String>,
    /// Client id of its key, if it has one.
    pub client_id: String,
    /// Secret of its key.
    pub client_secret: String,
    /// The session's cookie and proof, of a person.
    pub session: Option<(String, String)>,
    /// Where a person acts: a workspace, or the administration.
    pub workspace: Option<String>,
}

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// Body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "unexpected answer: {}", self.text);
        self.json()
    }

    /// Asserts a refusal: status, and what its message contains.
    #[track_caller]
    pub fn refused(self, status: u16, contains: &str) {
        let body = self.json();
        assert_eq!(self.status, status, "unexpected answer: {}", self.text);
        let message = body["message"].as_str().unwrap_or_default();
        assert!(message.contains(contains), "`{message}` does not contain `{contains}`");
        assert_eq!(body["status"], json!(status));
        for field in ["errorCode", "timestamp", "path"] {
            assert!(body[field].is_string(), "{field} is missing: {body}");
        }
    }
}

/// The media type of a kind.
pub fn media(kind: &str, version: &str) -> String {
    stoa_client::media(kind, version)
}

/// Version and collection of a kind, as tests use it by default.
pub fn of(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "meshWorkspace" => ("v2", "meshworkspaces"),
        "meshProject" => ("v2", "meshprojects"),
        "meshApiKey" => ("v1-preview", "meshapikeys"),
        "meshApiUser" => ("v1-preview", "meshapiusers"),
        "meshUser" => ("v2", "meshusers"),
        "meshWorkspaceUserGroup" => ("v1", "meshworkspaceusergroups"),
        "meshProjectRole" => ("v1", "meshprojectroles"),
        "meshWorkspaceUserBinding" => ("v2", "meshworkspacebindings/userbindings"),
        "meshWorkspaceGroupBinding" => ("v2", "meshworkspacebindings/groupbindings"),
        "meshProjectUserBinding" => ("v3", "meshprojectbindings/userbindings"),
        "meshProjectGroupBinding" => ("v3", "meshprojectbindings/groupbindings"),
        "meshPaymentMethod" => ("v2", "meshpaymentmethods"),
        "meshIntegration" => ("v1", "meshintegrations"),
        "meshEventLog" => ("v1-preview", "mesheventlogs"),
        "meshTagDefinition" => ("v1", "meshtagdefinitions"),
        "meshCommunicationDefinition" => ("v1-preview", "meshcommunicationdefinitions"),
        "meshCommunication" => ("v1-preview", "meshcommunications"),
        "meshServiceInstance" => ("v2", "meshserviceinstances"),
        "meshBuildingBlockDefinition" => ("v1-preview", "meshbuildingblockdefinitions"),
        "meshBuildingBlockDefinitionVersion" => ("v1-preview", "meshbuildingblockdefinitionversions"),
        "meshBuildingBlock" => ("v2-preview", "meshbuildingblocks"),
        "meshBuildingBlockRun" => ("v1", "meshbuildingblockruns"),
        "meshBuildingBlockRunner" => ("v1-preview", "meshbuildingblockrunners"),
        "meshPlatformType" => ("v1", "meshplatformtypes"),
        "meshLocation" => ("v1", "meshlocations"),
        "meshPlatform" => ("v2", "meshplatforms"),
        "meshLandingZone" => ("v1", "meshlandingzones"),
        "meshTenant" => ("v4", "meshtenants"),
        other => panic!("no such kind: {other}"),
    }
}

/// Path of a kind's collection, with `rest` behind it (`""`, `/id`, `/id/action`, `?filter=…`).
pub fn path(kind: &str, rest: &str) -> String {
    format!("/api/meshobjects/{}{rest}", of(kind).1)
}

impl Caller {
    /// Nobody.
    pub fn nobody(url: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self {
            url: url.into(),
            http,
            authorization: None,
            client_id: String::new(),
            client_secret: String::new(),
            session: None,
            workspace: None,
        }
    }

    /// The same connection, with a bearer token.
    pub fn bearer(&self, token: &str) -> Self {
        Self { authorization: Some(format!("Bearer {token}")), ..self.clone() }
    }

    /// The same connection, with user and password.
    pub fn basic(&self, user: &str, password: &str) -> Self {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Self { authorization: Some(format!("Basic {text}")), ..self.clone() }
    }

    /// Signs in with a key.
    pub async fn login(&self, id: &str, secret: &str) -> Self {
        let body = json!({ "clientId": id, "clientSecret": secret });
        let answer = self.raw(Method::POST, "/api/login", |r| r.json(&body)).await.expect(200);
        let token = answer["access_token"].as_str().unwrap();
        Self { client_id: id.into(), client_secret: secret.into(), ..self.bearer(token) }
    }

    /// The same person, acting in a workspace.
    pub fn within(&self, workspace: &str) -> Self {
        Self { workspace: Some(workspace.into()), ..self.clone() }
    }

    /// The same connection, with the session that an answer gave; the answer says whether there is one.
    #[track_caller]
    pub fn signed_in(&self, answer: Answer) -> Self {
        let cookie = answer.headers.get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
        let csrf = text(&answer.expect(201), "/csrf");
        let cookie = cookie.unwrap().split(';').next().unwrap().to_owned();
        Self { authorization: None, session: Some((cookie, csrf)), ..self.clone() }
    }

    /// Signs in with a password.
    pub async fn sign_in(&self, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password });
        self.raw(Method::POST, "/api/stoa/v1/session", |request| request.json(&body)).await
    }

    /// Any request; `with` adds headers and body.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = self.http.request(method, url);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some((cookie, csrf)) = &self.session {
            request = request.header("cookie", cookie).header("x-csrf-token", csrf);
        }
        if let Some(workspace) = &self.workspace {
            request = request.header("x-stoa-workspace", workspace);
        }
        let response = with(request).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
        Answer { status, headers, text }
    }

    /// A request on a kind with the right headers. `rest` as in [`path`].
    pub async fn send(&self, method: Method, kind: &str, rest: &str, body: Option<&Value>) -> Answer {
        let media = media(kind, of(kind).0);
        self.raw(method, &path(kind, rest), |request| {
            let request = request.header("accept", &media);
            match body {
                Some(body) => request.header("content-type", &media).body(body.to_string()),
                None => request,
            }
        })
        .await
    }

    /// GET.
    pub async fn get(&self, kind: &str, rest: &str) -> Answer {
        self.send(Method::GET, kind, rest, None).await
    }

    /// POST with a body.
    pub async fn post(&self, kind: &str, rest: &str, body: &Value) -> Answer {
        self.send(Method::POST, kind, rest, Some(body)).await
    }

    /// POST without a body.
    pub async fn act(&self, kind: &str, rest: &str) -> Answer {
        self.send(Method::POST, kind, rest, None).await
    }

    /// PUT.
    pub async fn put(&self, kind: &str, rest: &str, body: &Value) -> Answer {
        self.send(Method::PUT, kind, rest, Some(body)).await
    }

    /// PATCH.
    pub async fn patch(&self, kind: &str, rest: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, kind, rest, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, kind: &str, rest: &str) -> Answer {
        self.send(Method::DELETE, kind, rest, None).await
    }

    /// Creates an object and gives it back.
    pub async fn create(&self, kind: &str, body: &Value) -> Value {
        self.post(kind, "", body).await.expect(201)
    }

    /// The items of a list.
    pub async fn list(&self, kind: &str, query: &str) -> Vec<Value> {
        let body = self.get(kind, query).await.expect(200);
        body["_embedded"][format!("{kind}s")].as_array().unwrap().clone()
    }

    /// Asks until `wanted` holds of an object.
    pub async fn until(&self, kind: &str, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let found = self.get(kind, &format!("/{id}")).await.json();
            if wanted(&found) {
                return found;
            }
            assert!(started.elapsed() < PATIENCE, "it did not come to pass: {found:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Stoa {
    /// A fresh server without a runner; none when the engine is not offered.
    pub async fn on(engine: Engine) -> Option<Self> {
        Self::on_with(engine, |_| {}).await
    }

    /// The same with other settings.
    pub async fn on_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Option<Self> {
        let database = Arc::new(stoa_db::testing::fresh(engine)?);
        let folder = Arc::new(tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("shared-runner.pem"), shared_key().to_pem()).unwrap();
        Some(Self::with(database, folder, change).await)
    }

    /// A server on this database and folder.
    pub async fn with(
        database: Arc<TestDatabase>,
        folder: Arc<TempDir>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config {
            store: Store {
                data_dir: folder.path().to_owned(),
                database_url: Some(database.url.clone()),
                master_key_file: None,
                master_key: None,
            },
            listen: "127.0.0.1:0".into(),
            public_url: None,
            no_runner: true,
            runner_parallel: 2,
            allow_local_repositories: true,
            tofu: std::env::var_os("STOA_TOFU").map(Into::into),
            runner_isolation: stoa_runner::Isolation::Auto,
            confiner: Some(crate::process::PROGRAM.into()),
            hidden: Vec::new(),
            allow_private_addresses: true,
            admin_workspace: "demo-partner".into(),
            admin_client_id: None,
            admin_client_secret: None,
            shared_runner_aliases: vec!["11111111-2222-4333-8444-555555555555".into()],
            recertify: Vec::new(),
            locations: LOCATIONS.map(str::to_owned).to_vec(),
            no_local_accounts: false,
            sign_in_config: None,
            oidc_issuer: None,
            oidc_client_id: None,
            oidc_client_secret: None,
            session_idle_minutes: 60,
            session_minutes: 720,
            client_patience_seconds: 60,
            behind_proxy: false,
            run_inactivity_minutes: 180,
            unsafe_no_fsync: false,
            database_readers: 2,
            database_writers: WRITERS,
        };
        change(&mut config);
        let running = stoa_server::start(config).await.unwrap();
        let url = format!("http://{}", running.address);
        let file = std::fs::read_to_string(folder.path().join("admin-key.json")).unwrap();
        let key: Value = serde_json::from_str(&file).unwrap();
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        let admin = Caller::nobody(&url).login(&text("clientId"), &text("clientSecret")).await;
        Self { url, running: Arc::new(running), admin, folder, database }
    }

    /// Where its database is.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Another server process, as it were, on the same database and keys.
    pub async fn sibling(&self) -> Self {
        Self::with(Arc::clone(&self.database), Arc::clone(&self.folder), |_| {}).await
    }

    /// The same server after a stop and a start.
    pub async fn restarted(self) -> Self {
        self.restarted_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn restarted_with(self, change: impl FnOnce(&mut Config)) -> Self {
        Arc::into_inner(self.running).unwrap().stop().await;
        Self::with(self.database, self.folder, change).await
    }

    /// Nobody.
    pub fn nobody(&self) -> Caller {
        Caller::nobody(&self.url)
    }

    /// A person with a local account, signed in; acts as administrator until told where.
    pub async fn person(&self, username: &str) -> Caller {
        let user = json!({ "metadata": { "name": username }, "spec": {
            "email": format!("{username}@fruit.example"), "firstName": username, "lastName": "Apfel",
        } });
        self.admin.create("meshUser", &user).await;
        let account = json!({ "username": username });
        let made = self.admin.raw(Method::POST, "/api/stoa/v1/accounts", |request| request.json(&account));
        let link = text(&made.await.expect(201), "/link");
        let token = link.rsplit('/').next().unwrap();
        let body = json!({ "token": token, "password": PASSWORD });
        let nobody = self.nobody();
        let set = nobody.raw(Method::POST, "/api/stoa/v1/set-password", |request| request.json(&body)).await;
        nobody.signed_in(set)
    }

    /// Gives a person a role in a workspace.
    pub async fn bind(&self, username: &str, role: &str, workspace: &str) -> Value {
        let binding = json!({
            "roleRef": { "name": role }, "targetRef": { "name": workspace }, "subject": { "name": username },
        });
        self.admin.create("meshWorkspaceUserBinding", &binding).await
    }

    /// The first administrator, made by the link that the first start printed.
    pub async fn first_admin(&self) -> Caller {
        let link = self.running.welcome.clone().unwrap();
        let body = json!({
            "token": link.rsplit('/').next(), "username": "root", "firstName": "Ada", "lastName": "Apfel",
            "email": "root@fruit.example", "password": PASSWORD,
        });
        let nobody = self.nobody();
        let made = nobody.raw(Method::POST, "/api/stoa/v1/welcome", |request| request.json(&body)).await;
        nobody.signed_in(made)
    }

    /// Moves the server's clock forward.
    pub fn advance(&self, span: Duration) {
        self.running.app.world.clock.advance(span);
        self.running.app.bell.ring();
    }

    /// Waits until all that was done has its place in the feed: on PostgreSQL events are numbered after the commit.
    pub async fn all_told(&self) {
        let db = &self.running.app.db;
        crate::patience::until("everything has its place in the feed", async || {
            !db.read(stoa_core::feed::is_behind).await.unwrap()
        })
        .await;
    }

    /// The same at noon of the next day: what is about days then has hours before the next one begins.
    pub async fn at_noon(mut self) -> Self {
        let now = self.running.app.world.clock.now();
        let noon = now.day().end() + Duration::from_hours(12);
        self.advance(noon.since(now));
        self.admin = self.nobody().login(&self.admin.client_id, &self.admin.client_secret).await;
        self
    }

    /// A workspace.
    pub async fn workspace(&self, name: &str) -> Value {
        let body = json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": format!("Team {name}") } });
        self.admin.create("meshWorkspace", &body).await
    }

    /// Definitions of tags that take any text.
    pub async fn tags(&self, target: &str, keys: &[&str]) {
        for key in keys {
            self.tag(target, key, json!({ "string": {} }), &[]).await;
        }
    }

    /// The definition of a tag, with these flags set: `mandatory`, `immutable`, `restricted`.
    pub async fn tag(&self, target: &str, key: &str, value_type: Value, flags: &[&str]) -> Value {
        let mut body = json!({
            "metadata": { "name": format!("{target}.{key}") },
            "spec": {
                "targetKind": target, "key": key, "valueType": value_type, "displayName": key,
                "description": "",
            },
        });
        for flag in flags {
            body["spec"][*flag] = json!(true);
        }
        self.admin.create("meshTagDefinition", &body).await
    }

    /// Imports objects; all of them must do.
    pub async fn import(&self, objects: &[Value]) {
        let media = "application/vnd.meshcloud.api.meshobjects.v1+json";
        let answer = self.admin.raw(Method::PUT, "/api/meshobjects", |request| {
            let request = request.header("accept", media).header("content-type", media);
            request.body(Value::from(objects.to_vec()).to_string())
        });
        for result in answer.await.expect(200).as_array().unwrap() {
            assert_eq!(result["status"], "SUCCESS", "{result}");
        }
    }

    /// A key of a workspace with these permissions, signed in.
    pub async fn key(&self, workspace: &str, permissions: &[&str]) -> Caller {
        let body = json!({
            "metadata": { "ownedByWorkspace": workspace },
            "spec": { "displayName": "test", "permissions": permissions },
        });
        let key = self.admin.create("meshApiKey", &body).await;
        let text = |name: &str| key["status"][name].as_str().unwrap().to_owned();
        self.nobody().login(&text("clientId"), &text("clientSecret")).await
    }

    /// A released definition of the admin workspace, with this change to its version; uuids of both.
    pub async fn definition(&self, owner: &str, change: Value) -> (String, String) {
        let body = json!({
            "metadata": { "ownedByWorkspace": owner },
            "spec": { "displayName": format!("Definition of {owner}"), "description": "For tests" },
        });
        let definition = self.admin.create("meshBuildingBlockDefinition", &body).await;
        let uuid = definition["metadata"]["uuid"].as_str().unwrap().to_owned();
        let version = definition["status"]["latestVersionUuid"].as_str().unwrap().to_owned();
        let mut body = version_body(owner, &uuid);
        body["spec"]["state"] = json!("RELEASED");
        merge(&mut body["spec"], &change);
        self.admin.put("meshBuildingBlockDefinitionVersion", &format!("/{version}"), &body).await.expect(200);
        (uuid, version)
    }

    /// A block of a version in a workspace.
    pub async fn order(&self, caller: &Caller, version: &str, workspace: &str, inputs: Value) -> Value {
        caller.create("meshBuildingBlock", &block_body(version, workspace, inputs)).await
    }
}

/// The body of a version: OpenTofu, no inputs, no outputs.
pub fn version_body(owner: &str, definition: &str) -> Value {
    json!({
        "metadata": { "ownedByWorkspace": owner },
        "spec": {
            "buildingBlockDefinitionRef": { "kind": "meshBuildingBlockDefinition", "uuid": definition },
            "onlyApplyOncePerTenant": false,
            "deletionMode": "DELETE",
            "implementation": { "type": "terraform", "terraform": {
                "terraformVersion": "1.6.2",
                "repositoryUrl": "https://git.example.org/module.git",
                "async": false,
                "useMeshHttpBackendFallback": true,
            } },
            "inputs": {},
            "outputs": {},
        },
    })
}

/// The body of a block.
pub fn block_body(version: &str, workspace: &str, inputs: Value) -> Value {
    json!({
        "spec": {
            "buildingBlockDefinitionVersionRef": { "uuid": version },
            "targetRef": { "kind": "meshWorkspace", "name": workspace },
            "displayName": "a block",
            "inputs": inputs,
        },
    })
}

/// An input of a version with these changes.
pub fn input(change: Value) -> Value {
    let mut input = json!({
        "displayName": "An input",
        "type": "STRING",
        "assignmentType": "USER_INPUT",
        "isEnvironment": false,
        "isSensitive": false,
        "updateableByConsumer": true,
    });
    merge(&mut input, &change);
    input
}

/// Puts the members of `change` over those of `into`, object by object.
pub fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

/// The text at a pointer.
#[track_caller]
pub fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
        .to_owned()
}
