//! The platform of the example as a process, and the pipeline that serves it.

use crate::process::lines;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What connectors have to know to be let in.
pub const TOKEN: &str = "between-platform-and-connector";
/// What the pipeline has to be told to do something.
pub const WEBHOOK_SECRET: &str = "between-module-and-pipeline";
/// How long a test waits for what OpenTofu does, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of the examples.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// A program in Node.js that says in one line where it listens; ended with the test.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(script: &str, options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new("node");
        command.arg(examples().join("custom-platform").join(script)).args(["--port", "0"]).args(options);
        command.envs(environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the tests of custom platforms need Node.js");
        let said = lines(child.stdout.take().unwrap());
        let line = said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{script} did not start"));
        let url = line.split(' ').next_back().unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Self { child, url }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An installation of the platform. It knows Ada, Bob and Cleo.
pub struct Spaces {
    program: Program,
    http: reqwest::Client,
    token: Mutex<String>,
}

impl Spaces {
    /// Starts an installation.
    pub fn start(name: &str) -> Self {
        let options = ["--name", name, "--people", "ada,bob,cleo@example.org"];
        Self {
            program: Program::start("platform/spaces.mjs", &options, &[("SPACES_TOKEN", TOKEN)]),
            http: reqwest::Client::new(),
            token: Mutex::new(TOKEN.to_owned()),
        }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.program.url
    }

    /// Asks it something; null when there is no such thing.
    pub async fn ask(&self, call: &str, body: Option<Value>) -> Value {
        let (method, path) = call.split_once(' ').unwrap();
        let url = format!("{}{path}", self.url());
        let token = self.token.lock().unwrap().clone();
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        let request = match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        let response = request.send().await.unwrap();
        if response.status() == 404 {
            return Value::Null;
        }
        assert!(response.status().is_success(), "{call}: {}", response.status());
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default()
    }

    /// One of its spaces.
    pub async fn space(&self, id: &str) -> Value {
        self.ask(&format!("GET /api/spaces/{id}"), None).await
    }

    /// Waits until something is so of a space.
    pub async fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let space = self.space(id).await;
            if wanted(&space) {
                return space;
            }
            assert!(started.elapsed() < PATIENCE, "it did not come to pass: {space:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until exactly these people are members.
    pub async fn until_members(&self, id: &str, members: &[(&str, &[&str])]) {
        let wanted: Vec<Value> =
            members.iter().map(|(account, roles)| json!({ "account": account, "roles": roles })).collect();
        self.until(id, |space| space["members"] == json!(wanted)).await;
    }

    /// What the sign-in page at this address answers this person.
    pub async fn sign_in(&self, url: &str, account: &str) -> u16 {
        self.http.get(format!("{url}?account={account}")).send().await.unwrap().status().as_u16()
    }

    /// Breaks it, as the first lines of `spaces.mjs` say.
    pub async fn break_with(&self, faults: Value) {
        self.ask("PUT /admin/faults", Some(faults)).await;
    }

    /// Takes another credential from now on.
    pub async fn renew(&self, token: &str) {
        self.ask("PUT /admin/token", Some(json!({ "token": token }))).await;
        token.clone_into(&mut self.token.lock().unwrap());
    }

    /// Ends all faults.
    pub async fn heal(&self) {
        self.ask("DELETE /admin/faults", None).await;
    }

    /// How often it was asked to write something since the last time.
    pub async fn writes(&self) -> usize {
        let requests = self.ask("GET /admin/requests", None).await;
        self.ask("DELETE /admin/requests", None).await;
        requests.as_array().unwrap().iter().filter(|request| request["method"] != "GET").count()
    }
}

/// The pipeline that serves an installation.
pub struct Pipeline(Program);

impl Pipeline {
    /// Starts it for this installation.
    pub fn start(spaces: &Spaces) -> Self {
        let environment =
            [("SPACES_URL", spaces.url()), ("SPACES_TOKEN", TOKEN), ("WEBHOOK_SECRET", WEBHOOK_SECRET)];
        Self(Program::start("pipeline/pipeline.mjs", &[], &environment))
    }

    /// Its webhook.
    pub fn url(&self) -> &str {
        &self.0.url
    }
}
