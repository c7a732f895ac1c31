//! Clients that order, change, run and report until their server is gone.

use super::facts::{Facts, Held};
use crate::stoa::{Caller, SHARED, block_body, media, path};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stoa_chaos::random::Random;
use tokio::task::JoinSet;

const ORDERERS: usize = 6;
const RUNNERS: usize = 8;
const OTHERS: usize = 2;

/// A connection that may break at any moment.
#[derive(Clone)]
pub struct Line {
    http: reqwest::Client,
    url: String,
    authorization: Option<String>,
}

impl Line {
    /// To the server at `url`.
    pub fn of(url: &str, authorization: Option<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { http, url: url.to_owned(), authorization }
    }

    fn with_token(&self, token: &str) -> Self {
        Self { authorization: Some(format!("Bearer {token}")), ..self.clone() }
    }

    /// Asks; none when no answer came. An answer whose body broke off counts, with a null body.
    pub async fn send(
        &self,
        method: &str,
        kind: &str,
        rest: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let media = media(kind, crate::stoa::of(kind).0);
        let url = format!("{}{}", self.url, path(kind, rest));
        let mut request = self.http.request(method.parse().unwrap(), url).header("accept", &media);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(body) = body {
            request = request.header("content-type", &media).body(body.to_string());
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        assert!(status < 500, "{method} {kind} {rest}: {status} {:?}", answer.text().await);
        Some((status, answer.json().await.unwrap_or_default()))
    }

    /// Whether this key signs in.
    pub async fn signs_in(&self, id: &str, secret: &str) -> bool {
        let body = json!({ "clientId": id, "clientSecret": secret });
        let answer = self.http.post(format!("{}/api/login", self.url)).json(&body).send().await.unwrap();
        answer.status().is_success()
    }
}

/// Clients at work.
pub struct Clients {
    tasks: JoinSet<Option<()>>,
    facts: Arc<Mutex<Facts>>,
}

/// One client: its connection, its dice, and where it notes what it is told.
struct Client {
    line: Line,
    random: Random,
    facts: Arc<Mutex<Facts>>,
}

impl Clients {
    /// Sends them off. Runs that earlier ones held are taken up again.
    pub fn start(url: &str, admin: &Caller, version: &str, random: &mut Random, mut facts: Facts) -> Self {
        let mut held = std::mem::take(&mut facts.held);
        let facts = Arc::new(Mutex::new(facts));
        let line = Line::of(url, admin.authorization.clone());
        let mut tasks = JoinSet::new();
        let mut client = || Client { line: line.clone(), random: random.branch(), facts: Arc::clone(&facts) };
        for _ in 0..ORDERERS {
            tasks.spawn(client().order(version.to_owned()));
        }
        let share = held.len().div_ceil(RUNNERS);
        for _ in 0..RUNNERS {
            let own = held.split_off(held.len().saturating_sub(share));
            tasks.spawn(client().run(own));
        }
        for _ in 0..OTHERS {
            tasks.spawn(client().administer());
        }
        Self { tasks, facts }
    }

    /// How much they were told so far.
    pub fn count(&self) -> usize {
        self.facts.lock().unwrap().count()
    }

    /// What they were told, once their server is gone.
    pub async fn join(self) -> Facts {
        self.tasks.join_all().await;
        Arc::into_inner(self.facts).unwrap().into_inner().unwrap()
    }
}

impl Client {
    fn note(&self, fact: impl FnOnce(&mut Facts)) {
        fact(&mut self.facts.lock().unwrap());
    }

    /// Orders blocks, renames them and changes their inputs.
    async fn order(mut self, version: String) -> Option<()> {
        let mut own: Vec<Value> = Vec::new();
        loop {
            if own.is_empty() || self.random.below(2) == 0 {
                let inputs = json!({ "size": { "value": 1, "isSensitive": false } });
                let body = block_body(&version, "shop", inputs);
                let (status, block) = self.line.send("POST", "meshBuildingBlock", "", Some(&body)).await?;
                assert_eq!(status, 201, "{block}");
                let id = block["metadata"]["uuid"].as_str()?.to_owned();
                self.note(|facts| {
                    facts.blocks.insert(id, BTreeSet::from(["a block".to_owned()]));
                });
                own.push(block);
                continue;
            }
            let place = self.random.below(own.len());
            let id = own[place]["metadata"]["uuid"].as_str()?.to_owned();
            let name = format!("name {}", self.random.next());
            own[place]["spec"]["displayName"] = json!(name);
            if self.random.below(2) == 0 {
                own[place]["spec"]["inputs"]["size"]["value"] = json!(self.random.below(1000));
            }
            self.note(|facts| {
                facts.blocks.entry(id.clone()).or_default().insert(name.clone());
            });
            let rest = format!("/{id}");
            let (status, _) = self.line.send("PUT", "meshBuildingBlock", &rest, Some(&own[place])).await?;
            assert_eq!(status, 200);
            self.note(|facts| {
                facts.blocks.insert(id, BTreeSet::from([name]));
            });
        }
    }

    /// Claims runs and reports about them; some it leaves in the middle for the next one.
    async fn run(mut self, mut own: Vec<Held>) -> Option<()> {
        let claim = format!("/create?forRunnerUuid={SHARED}");
        loop {
            let taken_up = own.pop();
            let fresh = taken_up.is_none();
            let mut held = if let Some(held) = taken_up {
                held
            } else {
                let (status, run) = self.line.send("POST", "meshBuildingBlockRun", &claim, None).await?;
                if status == 404 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
                assert_eq!(status, 201, "{run}");
                run["metadata"]["uuid"].as_str()?;
                self.facts.lock().unwrap().claimed(&run)
            };
            if let Err(held) = self.work(&mut held, fresh).await {
                self.note(|facts| facts.held.extend([held].into_iter().chain(own)));
                return None;
            }
        }
    }

    /// Works on a run; gives it back when the connection breaks.
    async fn work(&mut self, held: &mut Held, fresh: bool) -> Result<(), Held> {
        let line = self.line.with_token(&held.token);
        let report = format!("/{}/status/source/r", held.id);
        for _ in 0..self.random.below(4) {
            let log = format!("{}line {}\n", held.log, self.random.below(100));
            let step = json!({ "id": "s", "status": "IN_PROGRESS", "systemMessage": log });
            let body = json!({ "status": "IN_PROGRESS", "steps": [step] });
            let Some((status, answer)) =
                line.send("PATCH", "meshBuildingBlockRun", &report, Some(&body)).await
            else {
                return Err(held.clone());
            };
            // After its end was reported without an answer, the run may be over.
            assert!(status == 200 || held.maybe_ended, "{status} {answer}");
            if status == 200 {
                held.log = log;
            }
        }
        if fresh && self.random.below(8) == 0 {
            // Somebody else finishes it after the next start.
            self.note(|facts| facts.held.push(held.clone()));
            return Ok(());
        }
        let step = json!({ "id": "s", "status": "SUCCEEDED", "outputs": { "url": { "value": held.id } } });
        let body = json!({ "status": "SUCCEEDED", "steps": [step] });
        held.maybe_ended = true;
        match line.send("PATCH", "meshBuildingBlockRun", &report, Some(&body)).await {
            None => Err(held.clone()),
            Some((status, answer)) => {
                assert_eq!((status, &answer["runAborted"]), (200, &json!(false)), "{answer}");
                let (id, log) = (held.id.clone(), held.log.clone());
                self.note(|facts| {
                    facts.ended.insert(id, ("SUCCEEDED", log));
                });
                Ok(())
            }
        }
    }

    /// Makes workspaces and keys, and deletes keys.
    async fn administer(mut self) -> Option<()> {
        loop {
            let name = format!("w{}", self.random.next() % 1_000_000_000);
            let body = json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": "W" } });
            let (status, answer) = self.line.send("POST", "meshWorkspace", "", Some(&body)).await?;
            assert_eq!(status, 201, "{answer}");
            self.note(|facts| {
                facts.workspaces.insert(name.clone());
            });
            let body = json!({
                "metadata": { "ownedByWorkspace": name },
                "spec": { "displayName": "key", "permissions": ["WORKSPACE_LIST"] },
            });
            let (status, key) = self.line.send("POST", "meshApiKey", "", Some(&body)).await?;
            assert_eq!(status, 201, "{key}");
            let text = |name: &str| key["status"][name].as_str().map(str::to_owned);
            let (id, secret) = (text("clientId")?, text("clientSecret")?);
            self.note(|facts| {
                facts.keys.insert(id.clone(), Some(secret));
            });
            if self.random.below(3) == 0 {
                // While no answer came, nothing can be said about it.
                self.note(|facts| {
                    facts.keys.remove(&id);
                });
                let (status, answer) =
                    self.line.send("DELETE", "meshApiKey", &format!("/{id}"), None).await?;
                assert_eq!(status, 204, "{answer}");
                self.note(|facts| {
                    facts.keys.insert(id, None);
                });
            }
        }
    }
}
