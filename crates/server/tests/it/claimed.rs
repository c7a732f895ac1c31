//! A claimed run in a test's hands: it reports what a runner or a pipeline would report.

use crate::stoa::{Answer, Caller, PATIENCE, SHARED, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const RUN: &str = "meshBuildingBlockRun";

/// A run as it was handed out, and the caller that holds its token.
#[derive(Debug)]
pub struct Claimed {
    /// Its uuid.
    pub id: String,
    /// What the claim answered.
    pub run: Value,
    /// Whoever holds its run token.
    pub runner: Caller,
}

impl Caller {
    /// Claims for a runner; none when nothing waits for it.
    pub async fn claim_for(&self, runner: &str) -> Option<Claimed> {
        let answer = self.act(RUN, &format!("/create?forRunnerUuid={runner}")).await;
        if answer.status == 404 {
            return None;
        }
        let run = answer.expect(201);
        Some(Claimed {
            id: text(&run, "/metadata/uuid"),
            runner: self.bearer(&text(&run, "/spec/runToken")),
            run,
        })
    }

    /// The run that is offered next to a runner, once there is one: on PostgreSQL a controller may be holding it.
    pub async fn claimed_for(&self, runner: &str) -> Claimed {
        let started = Instant::now();
        loop {
            if let Some(run) = self.claim_for(runner).await {
                return run;
            }
            assert!(started.elapsed() < PATIENCE, "no run came");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The status of a run, as this caller reads it.
    pub async fn status_of(&self, run: &str) -> String {
        text(&self.get(RUN, &format!("/{run}")).await.expect(200), "/status")
    }

    /// The logs of a run, as this caller reads them.
    pub async fn logs(&self, run: &str) -> Value {
        self.get(RUN, &format!("/{run}/logs")).await.expect(200)
    }

    /// A block, as this caller reads it.
    pub async fn block(&self, id: &str) -> Value {
        self.get("meshBuildingBlock", &format!("/{id}")).await.expect(200)
    }

    /// Runs of a block, newest first.
    pub async fn runs(&self, block: &str) -> Vec<Value> {
        self.list(RUN, &format!("?buildingBlockUuid={block}")).await
    }

    /// Starts a run of a block.
    pub async fn trigger(&self, block: &str) -> Answer {
        self.act("meshBuildingBlock", &format!("/{block}/trigger-run")).await
    }

    /// Reads a path until `wanted` holds of the answer.
    pub async fn until_at(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let started = Instant::now();
        loop {
            let answer = self.raw(Method::GET, path, |r| r).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "it did not come to pass: {}", answer.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// PATCHes a run as this source.
    pub async fn report(&self, run: &str, source: &str, body: &Value) -> Answer {
        self.patch(RUN, &format!("/{run}/status/source/{source}"), body).await
    }

    /// Registers a source of a run.
    pub async fn register(&self, run: &str, body: &Value) -> Answer {
        self.post(RUN, &format!("/{run}/status/source"), body).await
    }
}

impl Stoa {
    /// Claims the next run of the shared runner.
    pub async fn claim(&self) -> Claimed {
        self.admin.claim_for(SHARED).await.expect("no run waits for the shared runner")
    }

    /// Sends bytes as they are, and reads what comes until the server hangs up.
    pub async fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The same caller with a new token: moving the clock lets the old one expire.
    pub async fn again(&self, caller: &Caller) -> Caller {
        self.nobody().login(&caller.client_id, &caller.client_secret).await
    }
}

impl Claimed {
    /// The block it is about.
    pub fn block(&self) -> String {
        text(&self.run, "/spec/buildingBlock/uuid")
    }

    /// An input by key; null when the run has none of this name.
    pub fn input(&self, key: &str) -> Value {
        let inputs = self.run["spec"]["buildingBlock"]["spec"]["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["key"] == key).cloned().unwrap_or_default()
    }

    /// The implementation it is to execute.
    pub fn implementation(&self) -> &Value {
        &self.run["spec"]["buildingBlockDefinition"]["spec"]["implementation"]
    }

    /// PATCHes as source `r` and gives back `runAborted`.
    pub async fn aborted_after(&self, body: &Value) -> bool {
        let answer = self.runner.report(&self.id, "r", body).await.expect(200);
        answer["runAborted"].as_bool().unwrap_or_else(|| panic!("no runAborted in {answer}"))
    }

    /// PATCHes as source `r`; the run is not to be aborted.
    pub async fn tell(&self, body: Value) {
        assert!(!self.aborted_after(&body).await, "the run was aborted");
    }

    /// Ends it with this status.
    pub async fn end(&self, status: &str) {
        self.tell(json!({ "status": status })).await;
    }

    /// Ends it successfully with one step that brings these outputs, each `key: value`.
    pub async fn deliver(&self, outputs: Value) {
        let outputs: Value = outputs
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.clone(), json!({ "value": value, "type": "STRING" })))
            .collect();
        let step = json!({ "id": "apply", "status": "SUCCEEDED", "outputs": outputs });
        self.tell(json!({ "status": "SUCCEEDED", "steps": [step] })).await;
    }
}
