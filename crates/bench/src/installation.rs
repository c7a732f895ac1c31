//! What the load goes over: workspaces, a runner, a released definition, ordered blocks.

use crate::http1::{Caller, Connection};
use crate::load::{Done, round};
use crate::server::Server;
use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stoa_client::{Client, Credential, media};
use stoa_seal::PrivateKey;

/// Workspaces that the blocks are spread over.
pub const WORKSPACES: usize = 20;
/// Owner of definition and runner.
const OWNER: &str = "demo-partner";
const BLOCKS: &str = "/api/meshobjects/meshbuildingblocks";
const RUNNER_KEY_BITS: u32 = 2048;
/// How long one burst of orders may last.
const ORDERING: Duration = Duration::from_mins(2);

/// A released version, and the runner that its runs wait for.
pub struct Offer {
    /// The runner.
    pub runner: String,
    version: String,
}

/// An installation with definitions on offer.
pub struct Installation {
    /// What is ordered in bulk; its queue is long.
    pub busy: Offer,
    /// What is ordered one by one; its runner is idle.
    pub idle: Offer,
    /// The first administrator, for what is not measured.
    pub admin: Client,
    caller: Caller,
    credentials: (String, String),
    tenant: (String, String),
    blocks: Arc<Mutex<Vec<String>>>,
    ordered: Arc<AtomicUsize>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// The part of a block that the bench looks at.
#[derive(Deserialize)]
struct Created {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uuid: String,
}

/// A text in an answer.
pub fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("no {pointer} in {value}"))?.to_owned())
}

impl Offer {
    /// The order of a block with this number.
    pub fn order(&self, caller: &Caller, number: usize) -> anyhow::Result<Request<Full<Bytes>>> {
        let body = json!({
            "spec": {
                "buildingBlockDefinitionVersionRef": { "uuid": self.version },
                "targetRef": { "kind": "meshWorkspace", "name": workspace(number) },
                "displayName": format!("schema {number}"),
                "inputs": {
                    "schema": { "value": format!("orders_{number}") },
                    "size_gb": { "value": 20 },
                    "region": { "value": "eu-central" },
                },
            },
        });
        caller.about("meshBuildingBlock", "v2-preview")?.request(Method::POST, BLOCKS, body.to_string())
    }
}

/// Name of a workspace by its number.
pub fn workspace(number: usize) -> String {
    format!("team-{}", number % WORKSPACES)
}

impl Installation {
    /// Sets a fresh server up.
    pub async fn make(server: &Server) -> anyhow::Result<Self> {
        let key = server.admin_key()?;
        let credential =
            Credential::Key { client_id: key.client_id.clone(), client_secret: key.client_secret.clone() };
        let admin = Client::new(&server.url(), credential)?;
        for number in 0..WORKSPACES {
            let name = workspace(number);
            let body = json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": format!("Team {number}") } });
            create(&admin, "meshWorkspace", "v2", body).await?;
        }
        let busy = offer(&admin, "Schema").await?;
        let idle = offer(&admin, "Schema by hand").await?;
        let tenant = json!({
            "metadata": { "ownedByWorkspace": workspace(0) },
            "spec": { "displayName": "reader", "permissions": ["BUILDINGBLOCK_LIST"] },
        });
        let tenant = create(&admin, "meshApiKey", "v1-preview", tenant).await?;
        let tenant = (text(&tenant, "/status/clientId")?, text(&tenant, "/status/clientSecret")?);
        Ok(Self {
            busy,
            idle,
            admin,
            caller: Caller::nobody(server.address)?,
            credentials: (key.client_id, key.client_secret),
            tenant,
            blocks: Arc::default(),
            ordered: Arc::default(),
        })
    }

    async fn login(&self, server: &Server, (id, secret): &(String, String)) -> anyhow::Result<Caller> {
        let body = json!({ "clientId": id, "clientSecret": secret }).to_string();
        let mut connection = Connection::open(server.address).await?;
        let answer = connection.expect(200, self.caller.request(Method::POST, "/api/login", body)?).await?;
        self.caller.with_token(&serde_json::from_slice::<Token>(&answer)?.access_token)
    }

    /// The administrator, with a token that outlives a round.
    pub async fn administrator(&self, server: &Server) -> anyhow::Result<Caller> {
        self.login(server, &self.credentials).await
    }

    /// A member of the first workspace who sees nothing but its blocks, with a token that outlives a round.
    pub async fn member(&self, server: &Server) -> anyhow::Result<Caller> {
        self.login(server, &self.tenant).await
    }

    /// Blocks ordered so far.
    pub fn ordered(&self) -> usize {
        self.ordered.load(Ordering::Relaxed)
    }

    /// uuids of the first workspace's blocks.
    pub fn blocks_of_first(&self) -> Vec<String> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of the next order.
    pub fn next_number(&self) -> usize {
        self.ordered.fetch_add(1, Ordering::Relaxed)
    }

    /// Orders `count` blocks over so many connections.
    pub async fn order_many(
        self: &Arc<Self>,
        server: &Server,
        count: usize,
        connections: usize,
    ) -> anyhow::Result<Done> {
        let until = self.ordered() + count;
        self.order_while(server, connections, ORDERING, until).await
    }

    /// Orders blocks until the span is over or there are so many.
    pub async fn order_while(
        self: &Arc<Self>,
        server: &Server,
        connections: usize,
        span: Duration,
        until: usize,
    ) -> anyhow::Result<Done> {
        let admin = self.administrator(server).await?;
        let mut callers = Vec::new();
        for _ in 0..connections {
            callers.push(Connection::open(server.address).await?);
        }
        let installation = Arc::clone(self);
        let order = move |mut connection: Connection| {
            let (installation, admin) = (Arc::clone(&installation), admin.clone());
            async move {
                if installation.ordered() >= until {
                    return Ok((connection, false));
                }
                let number = installation.next_number();
                let answer = connection.expect(201, installation.busy.order(&admin, number)?).await?;
                if workspace(number) == workspace(0) {
                    let uuid = serde_json::from_slice::<Created>(&answer)?.metadata.uuid;
                    installation.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(uuid);
                }
                Ok((connection, true))
            }
        };
        let (done, _) = round(callers, span, order).await?;
        ensure!(done.count > 0, "nothing was ordered");
        Ok(done)
    }

    /// The path of a block.
    pub fn path_of(uuid: &str) -> String {
        format!("{BLOCKS}/{uuid}")
    }

    /// The first page of the first workspace's blocks.
    pub fn page_path() -> String {
        format!("{BLOCKS}?workspaceIdentifier={}&size=100", workspace(0))
    }
}

/// Makes an object.
pub async fn create(admin: &Client, kind: &str, version: &str, body: Value) -> anyhow::Result<Value> {
    let path = format!("/api/meshobjects/{}s", kind.to_lowercase());
    admin.post(&path, &media(kind, version), &body).await.with_context(|| format!("creating a {kind}"))
}

/// A runner with a key pair of its own, and a definition whose runs wait for it.
async fn offer(admin: &Client, name: &str) -> anyhow::Result<Offer> {
    let public_key = PrivateKey::generate(RUNNER_KEY_BITS)?.public_pem();
    let runner = json!({
        "metadata": { "ownedByWorkspace": OWNER },
        "spec": { "displayName": name, "publicKey": public_key, "implementationType": "TERRAFORM" },
    });
    let runner = create(admin, "meshBuildingBlockRunner", "v1-preview", runner).await?;
    let runner = text(&runner, "/metadata/uuid")?;
    let definition = json!({
        "metadata": { "ownedByWorkspace": OWNER },
        "spec": { "displayName": name, "description": "A database schema with its owner" },
    });
    let definition = create(admin, "meshBuildingBlockDefinition", "v1-preview", definition).await?;
    let version = text(&definition, "/status/latestVersionUuid")?;
    let body = version_body(&text(&definition, "/metadata/uuid")?, &runner);
    let kind = "meshBuildingBlockDefinitionVersion";
    let path = format!("/api/meshobjects/{}s/{version}", kind.to_lowercase());
    admin.put(&path, &media(kind, "v1-preview"), &body).await.context("releasing the version")?;
    Ok(Offer { runner, version })
}

fn version_body(definition: &str, runner: &str) -> Value {
    let input = |name: &str, kind: &str| {
        json!({
            "displayName": name, "type": kind, "assignmentType": "USER_INPUT", "isEnvironment": false,
            "isSensitive": false, "updateableByConsumer": true,
        })
    };
    json!({
        "metadata": { "ownedByWorkspace": OWNER },
        "spec": {
            "buildingBlockDefinitionRef": { "kind": "meshBuildingBlockDefinition", "uuid": definition },
            "runnerRef": { "kind": "meshBuildingBlockRunner", "uuid": runner },
            "state": "RELEASED",
            "onlyApplyOncePerTenant": false,
            "deletionMode": "DELETE",
            "implementation": { "type": "terraform", "terraform": {
                "terraformVersion": "1.9.0",
                "repositoryUrl": "https://git.example.org/schema.git",
                "async": false,
                "useMeshHttpBackendFallback": true,
            } },
            "inputs": {
                "schema": input("Schema", "STRING"),
                "size_gb": input("Size", "INTEGER"),
                "region": input("Region", "STRING"),
            },
            "outputs": { "url": { "displayName": "URL", "type": "STRING", "assignmentType": "NONE" } },
        },
    })
}
