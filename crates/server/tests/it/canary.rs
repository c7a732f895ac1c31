//! Secrets go in by every door there is, each with a value of its own, and come out by none: not in the database and
//! its files, not in the log of server and runner, not in events, not in answers, not in what the runner leaves behind.

mod search;

use crate::patience::until;
use crate::process::Process;
use crate::stoa::{Caller, block_body, input, merge, shared_key, text, version_body};
use reqwest::Method;
use search::{Haystack, Needles};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use stoa_db::Engine;
use stoa_db::testing::fresh;

/// What is no secret and must be found: otherwise the search proves nothing.
const PUBLIC: &str = "Fruit-stall/that+everybody=may&see";

/// Tells secrets in every form that scripts know, among them as errors and to the user.
const LOUD: &str = r#"
encoded=
for ((at = 0; at < ${#LOUD}; at++)); do
  part=${LOUD:at:1}
  case $part in [A-Za-z0-9._~-]) ;; *) printf -v part '%%%02X' "'$part" ;; esac
  encoded+=$part
done
echo "plain $LOUD"; echo "$LOUD" >&2
printf %s "$LOUD" | base64 -w 0; echo
printf 'user:%s' "$LOUD" | base64 -w 0; echo
printf 'a:%s:b' "$LOUD" | base64
echo "https://example.org/?token=$encoded"
echo "the message is $LOUD" > "$MESHSTACK_USER_MESSAGE"
[ "$1" != DESTROY ]
"#;

const MODULE: &str = r#"
variable "word" { type = string }
resource "terraform_data" "word" {
  input = var.word
  provisioner "local-exec" { command = "echo it is ${self.input}" }
}
resource "terraform_data" "broken" {
  lifecycle {
    precondition {
      condition     = length(var.word) < 5
      error_message = "It must not be ${var.word}."
    }
  }
}
output "word" {
  value     = terraform_data.word.output
  sensitive = true
}
"#;

/// The story's people and places.
struct Story {
    server: Process,
    admin: Caller,
    needles: Needles,
}

impl Story {
    /// A secret with this name; it is looked for in the end.
    fn secret(&mut self, name: &str) -> String {
        let value = format!("{name}+caNary/4711=&%?{name}");
        self.needles.learn(name, &value);
        value
    }

    fn sealed(&mut self, name: &str) -> Value {
        json!({ "plaintext": self.secret(name) })
    }

    async fn integrations(&mut self) {
        for (kind, rest, secret) in [
            (
                "github",
                json!({ "owner": "fruit", "baseUrl": "https://github.com", "appId": "7" }),
                "appPrivateKey",
            ),
            (
                "azuredevops",
                json!({ "baseUrl": "https://dev.azure.com/", "organization": "f" }),
                "personalAccessToken",
            ),
            ("entraid", json!({ "tenantId": "t", "clientId": "c" }), "clientSecret"),
        ] {
            let mut config = rest;
            config[secret] = self.sealed(kind);
            let body = json!({
                "metadata": { "ownedByWorkspace": "demo-partner" },
                "spec": { "displayName": PUBLIC, "config": { "type": kind, kind: config } },
            });
            let mut made = self.admin.create("meshIntegration", &body).await;
            // A secret that is replaced is as secret as its successor.
            made["spec"]["config"][kind][secret] = self.sealed(&format!("{kind}-next"));
            let path = format!("/{}", text(&made, "/metadata/uuid"));
            self.admin.put("meshIntegration", &path, &made).await.expect(200);
        }
    }

    async fn platform(&mut self) {
        let config = json!({ "type": "kubernetes", "kubernetes": {
            "baseUrl": "https://api.dockyard.example:6443",
            "disableSslValidation": false,
            "metering": {
                "clientConfig": { "accessToken": self.sealed("platform-token") },
                "processing": { "compactTimelinesAfterDays": 7, "deleteRawDataAfterDays": 8 },
            },
        } });
        let body = json!({
            "metadata": { "name": "dock", "ownedByWorkspace": "demo-partner" },
            "spec": {
                "displayName": PUBLIC, "description": "", "endpoint": "https://console.dockyard.example",
                "locationRef": { "kind": "meshLocation", "name": "global" }, "contributingWorkspaces": [],
                "availability": {
                    "restriction": "PUBLIC", "publicationState": "PUBLISHED", "restrictedToWorkspaces": [],
                },
                "quotaDefinitions": [], "config": config,
            },
        });
        self.admin.create("meshPlatform", &body).await;
    }

    /// Keys, people, and attempts to be one of them.
    async fn identities(&mut self, url: &str) {
        let body = json!({
            "metadata": { "ownedByWorkspace": "shop" },
            "spec": { "displayName": PUBLIC, "permissions": ["PROJECT_LIST"] },
        });
        let key = self.admin.create("meshApiKey", &body).await;
        self.needles.learn("api-key", &text(&key, "/status/clientSecret"));
        let nobody = Caller::nobody(url);
        let caller = nobody.login(&text(&key, "/status/clientId"), &text(&key, "/status/clientSecret")).await;
        self.needles
            .learn("access-token", caller.authorization.as_deref().unwrap().trim_start_matches("Bearer "));

        let user = json!({ "metadata": { "name": "ada" }, "spec": {
            "email": "ada@fruit.example", "firstName": "Ada", "lastName": "Apfel",
        } });
        self.admin.create("meshUser", &user).await;
        let account = json!({ "username": "ada" });
        let made =
            self.admin.raw(Method::POST, "/api/stoa/v1/accounts", |request| request.json(&account)).await;
        let link = text(&made.expect(201), "/link");
        let token = link.rsplit('/').next().unwrap().to_owned();
        self.needles.learn("account-link", &token);
        let password = self.secret("password");
        let body = json!({ "token": token, "password": password });
        let set = nobody.raw(Method::POST, "/api/stoa/v1/set-password", |request| request.json(&body)).await;
        let ada = nobody.signed_in(set);
        // The proof against forgery, which pages carry, is kept as it is: it is worth nothing without the cookie.
        let (cookie, _) = ada.session.clone().unwrap();
        self.needles.learn("session", cookie.split_once('=').unwrap().1);

        let wrong = self.secret("wrong-password");
        nobody.sign_in("ada", &wrong).await.expect(401);
        let login = json!({ "clientId": caller.client_id, "clientSecret": wrong });
        nobody.raw(Method::POST, "/api/login", |request| request.json(&login)).await.expect(401);
        nobody.bearer(&wrong).get("meshProject", "").await.expect(401);
        nobody.basic("ada", &wrong).get("meshProject", "").await.expect(401);
    }

    /// Secrets where they do not belong: a refusal names the field, never the value.
    async fn mistakes(&mut self, version: &str) {
        let bare = self.secret("bare");
        let github =
            json!({ "owner": "f", "baseUrl": "https://github.com", "appId": "7", "appPrivateKey": bare });
        let body = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "x", "config": { "type": "github", "github": github } },
        });
        let plain = json!({ "word": { "value": bare, "isSensitive": true } });
        let twice = json!({ "word": { "value": { "plaintext": [bare] }, "isSensitive": true } });
        let key =
            json!({ "metadata": { "ownedByWorkspace": "shop" }, "spec": { "permissions": { "x": bare } } });
        let cases = [
            ("meshIntegration", body),
            ("meshBuildingBlock", block_body(version, "shop", plain)),
            ("meshBuildingBlock", block_body(version, "shop", twice)),
            ("meshApiKey", key),
        ];
        for (kind, body) in cases {
            let answer = self.admin.post(kind, "", &body).await;
            assert_eq!(answer.status, 400, "{}", answer.text);
            assert!(!answer.text.contains(&bare), "a refusal repeats the secret: {}", answer.text);
        }
        let answer = self
            .admin
            .raw(Method::POST, "/api/login", |request| {
                request
                    .header("content-type", "application/json")
                    .body(format!("{{\"clientId\": \"{bare}\", "))
            })
            .await;
        assert!(answer.status == 400 && !answer.text.contains(&bare), "{}", answer.text);
    }

    /// A released version; its uuid.
    async fn version(&self, change: Value) -> String {
        let body = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": PUBLIC, "description": "For tests", "runTransparency": true },
        });
        let definition = self.admin.create("meshBuildingBlockDefinition", &body).await;
        let version = text(&definition, "/status/latestVersionUuid");
        let mut body = version_body("demo-partner", &text(&definition, "/metadata/uuid"));
        body["spec"]["state"] = json!("RELEASED");
        merge(&mut body["spec"], &change);
        let path = format!("/{version}");
        self.admin.put("meshBuildingBlockDefinitionVersion", &path, &body).await.expect(200);
        version
    }

    /// Orders and waits for the end of the run; its uuid, and how the block ended.
    async fn ordered(&self, version: &str, inputs: Value) -> (String, String) {
        let block = self.admin.create("meshBuildingBlock", &block_body(version, "shop", inputs)).await;
        let uuid = text(&block, "/metadata/uuid");
        let ended = |found: &Value| {
            ["SUCCEEDED", "FAILED"].contains(&found["status"]["status"].as_str().unwrap_or_default())
        };
        let block = self.admin.until("meshBuildingBlock", &uuid, ended).await;
        (text(&block, "/status/latestRunUuid"), text(&block, "/status/status"))
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
    let done = Command::new("git").args(identity).args(arguments).current_dir(folder).status().unwrap();
    assert!(done.success(), "git {arguments:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_secrets_come_out_by_no_door() {
    story(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_secrets_come_out_by_no_door() {
    story(Engine::Postgres).await;
}

async fn story(engine: Engine) {
    let Some(database) = fresh(engine) else { return };
    let (folder, repository) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(repository.path().join("main.tf"), MODULE).unwrap();
    git(repository.path(), &["init", "--quiet", "--initial-branch=main"]);
    git(repository.path(), &["add", "--all"]);
    git(repository.path(), &["commit", "--quiet", "--message", "A module"]);

    let mut needles = Needles::default();
    let oidc = "oidc+caNary/4711=&%?oidc";
    needles.learn("oidc", oidc);
    let tofu = std::env::var("STOA_TOFU").expect("set STOA_TOFU to the path of an OpenTofu program");
    let options = ["--allow-local-repositories", "--tofu", &tofu, "--oidc-client-id", "stoa"];
    let mut command = Process::command(folder.path(), &database.url, &options);
    command.args(["--oidc-issuer", "http://127.0.0.1:9"]).env("STOA_OIDC_CLIENT_SECRET", oidc);
    command.env("STOA_LOG", "trace");
    let server = Process::started(command);
    let admin = server.admin(folder.path()).await;
    let url = server.url.clone();
    needles.learn("admin-key", &admin.client_secret);
    let welcome = std::fs::read_to_string(folder.path().join("welcome.txt")).unwrap();
    needles.learn("welcome", welcome.trim().rsplit('/').next().unwrap());
    needles.learn("runner-key", &shared_key().to_pem());
    let mut story = Story { server, admin, needles };

    let shop = json!({ "metadata": { "name": "shop", "tags": {} }, "spec": { "displayName": PUBLIC } });
    story.admin.create("meshWorkspace", &shop).await;
    story.integrations().await;
    story.platform().await;
    story.identities(&url).await;

    // A run that shouts its secrets, and fails because of one of them.
    let mut loud = json!({
        "inputs": {
            "word": input(json!({ "isSensitive": true })),
            "LOUD": input(json!({ "isSensitive": true, "isEnvironment": true, "assignmentType": "STATIC" })),
            "kept": input(json!({ "isSensitive": true, "isEnvironment": true })),
        },
        "outputs": { "word": { "displayName": "Word", "type": "STRING", "assignmentType": "NONE" } },
        "implementation": { "terraform": {
            "repositoryUrl": repository.path(), "refName": "main", "preRunScript": LOUD,
            "sshPrivateKey": story.sealed("ssh-key"),
        } },
    });
    loud["inputs"]["LOUD"]["argument"] = story.sealed("static");
    loud["inputs"]["kept"]["defaultValue"] = story.sealed("default");
    let version = story.version(loud).await;
    story.mistakes(&version).await;
    let word = json!({ "word": { "value": story.sealed("input"), "isSensitive": true } });
    let (loud_run, ended) = story.ordered(&version, word).await;
    assert_eq!(ended, "FAILED");
    let log = story.admin.logs(&loud_run).await.to_string();
    for told in
        ["plain [redacted]", "?token=[redacted]", "It must not be [redacted]", "the message is [redacted]"]
    {
        assert!(log.contains(told), "`{told}` is missing: {log}");
    }

    // A run that keeps a state with a secret in it, and one whose sources are out of reach.
    let quiet = json!({
        "inputs": { "word": input(json!({ "isSensitive": true })) },
        "outputs": { "word": { "displayName": "Word", "type": "STRING", "assignmentType": "NONE" } },
        "implementation": { "terraform": { "repositoryUrl": repository.path() } },
    });
    let version = story.version(quiet).await;
    let short = json!({ "word": { "value": { "plaintext": "#%&+" }, "isSensitive": true } });
    let (_, ended) = story.ordered(&version, short).await;
    assert_eq!(ended, "SUCCEEDED");
    let far = json!({ "implementation": { "terraform": {
        "repositoryUrl": "ssh://git@127.0.0.1:9/x.git", "sshPrivateKey": story.sealed("far-key"),
    } } });
    let version = story.version(far).await;
    assert_eq!(story.ordered(&version, json!({})).await.1, "FAILED");
    pipeline(&mut story).await;
    trigger(&mut story).await;

    // Everything that can be read by the one who may read the most.
    let mut found = Haystack::default();
    answers(&story.admin, &url, &loud_run, &mut found).await;
    let Story { mut server, needles, .. } = story;
    found.add("log of server and runner", server.said().into_bytes());
    assert!(server.said().contains("TRACE"), "the log tells all it can");
    server.terminate();
    tokio::task::block_in_place(|| found.add_tables(&database));
    if engine == Engine::Sqlite {
        let file = database.url.trim_start_matches("sqlite:").trim_start_matches("//").to_owned();
        found.add_folder(Path::new(&file).parent().unwrap());
    }
    found.add_folder(folder.path());
    for place in ["log of server and runner", "answer /api/events", "table object", "answer meshWorkspace"] {
        found.has(place);
    }
    found.shows(PUBLIC, "table object");
    found.shows(PUBLIC, "answer meshWorkspace");
    // The files that exist to hold their secret.
    let allowed =
        [("admin-key", "admin-key.json"), ("welcome", "welcome.txt"), ("runner-key", "shared-runner.pem")];
    found.hides(&needles, &allowed);
}

/// A runner elsewhere: its token, what it is given, the state, the plan and the outputs it brings.
async fn pipeline(story: &mut Story) {
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "Ours", "publicKey": shared_key().public_pem(), "implementationType": "ALL" },
    });
    let runner = text(&story.admin.create("meshBuildingBlockRunner", &body).await, "/metadata/uuid");
    let version = story
        .version(json!({
            "runnerRef": { "kind": "meshBuildingBlockRunner", "uuid": runner },
            "inputs": { "word": input(json!({ "isSensitive": true })) },
            "outputs": { "out": { "displayName": "Out", "type": "STRING", "assignmentType": "NONE" } },
        }))
        .await;
    let inputs = json!({ "word": { "value": story.sealed("sealed-input"), "isSensitive": true } });
    let block = story.admin.create("meshBuildingBlock", &block_body(&version, "shop", inputs)).await;
    let run = story.admin.claimed_for(&runner).await;
    story.needles.learn("run-token", &text(&run.run, "/spec/runToken"));
    let state = json!({ "version": 4, "serial": 1, "lineage": "l", "secret": story.secret("state") });
    let path =
        format!("/api/terraform/state/workspace/shop/buildingBlock/{}", text(&block, "/metadata/uuid"));
    let stored = run
        .runner
        .raw(Method::POST, &path, |request| {
            request.header("content-type", "application/json").body(state.to_string())
        })
        .await;
    assert_eq!(stored.status, 200, "{}", stored.text);
    let output = json!({ "value": story.secret("output"), "type": "STRING", "isSensitive": true });
    let report = json!({
        "status": "SUCCEEDED",
        "steps": [{ "id": "apply", "status": "SUCCEEDED", "outputs": { "out": output } }],
    });
    run.runner.report(&run.id, "r", &report).await.expect(200);

    // A dry run brings a plan.
    let path = format!("/{}/trigger-run", run.block());
    story.admin.post("meshBuildingBlock", &path, &json!({ "dryRun": true })).await.expect(202);
    let dry = story.admin.claimed_for(&runner).await;
    use base64::Engine as _;
    let plan = base64::engine::general_purpose::STANDARD.encode(story.secret("plan"));
    let report = json!({ "status": "SUCCEEDED", "changesDetected": true, "artifact": plan, "steps": [] });
    dry.runner.report(&dry.id, "r", &report).await.expect(200);
}

/// The token that starts somebody else's pipeline.
async fn trigger(story: &mut Story) {
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "lab", "config": {
            "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example.org" },
        } },
    });
    let integration = text(&story.admin.create("meshIntegration", &body).await, "/metadata/uuid");
    let pipeline = json!({
        "integrationRef": { "uuid": integration }, "projectId": "1", "refName": "main",
        "pipelineTriggerToken": story.sealed("trigger-token"),
    });
    let implementation = json!({ "type": "gitlabPipeline", "terraform": null, "gitlabPipeline": pipeline });
    story.version(json!({ "implementation": implementation })).await;
}

async fn answers(admin: &Caller, url: &str, run: &str, found: &mut Haystack) {
    let kinds = [
        "meshWorkspace",
        "meshProject",
        "meshApiKey",
        "meshApiUser",
        "meshUser",
        "meshIntegration",
        "meshBuildingBlockDefinition",
        "meshBuildingBlockDefinitionVersion",
        "meshBuildingBlock",
        "meshBuildingBlockRun",
        "meshBuildingBlockRunner",
        "meshPlatform",
        "meshEventLog",
    ];
    for kind in kinds {
        let answer = admin.get(kind, "?size=1000").await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text);
        found.add(&format!("answer {kind}"), answer.text.into_bytes());
    }
    found.add("answer logs", admin.logs(run).await.to_string().into_bytes());
    for path in ["/api/stoa/v1/accounts", "/api/stoa/v1/me", "/metrics", "/api/openapi.json"] {
        let answer = admin.raw(Method::GET, path, |request| request).await;
        found.add(&format!("answer {path}"), answer.text.into_bytes());
    }
    let mut events = Vec::new();
    let mut ear =
        crate::listening::Ear::open(admin, &format!("{url}/api/events?since=0"), crate::listening::From::Now)
            .await;
    until("the feed tells of what happened", async || {
        while let Some(heard) = ear.within(std::time::Duration::from_millis(200)).await {
            events.extend(format!("{heard:?}\n").into_bytes());
        }
        String::from_utf8_lossy(&events).contains("meshIntegration")
    })
    .await;
    found.add("answer /api/events", events);
}
