//! What clients were told, and what therefore has to stay true.

use super::clients::Line;
use crate::stoa::{Caller, text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A run in somebody's hands.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its uuid.
    pub id: String,
    /// Its run token.
    pub token: String,
    /// The log that was taken.
    pub log: String,
    /// Whether its end was reported without an answer.
    pub maybe_ended: bool,
}

/// Facts by answer.
#[derive(Debug, Default)]
pub struct Facts {
    /// Blocks by uuid, with the names they may have: the last one answered, and one that was only asked for.
    pub blocks: BTreeMap<String, BTreeSet<String>>,
    /// Runs that nobody has finished yet.
    pub held: Vec<Held>,
    /// Runs that ended, with their status and log.
    pub ended: BTreeMap<String, (&'static str, String)>,
    /// Workspaces.
    pub workspaces: BTreeSet<String>,
    /// API keys with their secrets; none for one that was deleted.
    pub keys: BTreeMap<String, Option<String>>,
    handed_out: BTreeSet<(String, i64)>,
}

/// The claim that a run token was made for.
fn epoch(token: &str) -> i64 {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["epoch"].as_i64().unwrap()
}

impl Facts {
    /// A run was handed out.
    pub fn claimed(&mut self, run: &Value) -> Held {
        let (id, token) = (text(run, "/metadata/uuid"), text(run, "/spec/runToken"));
        let first = self.handed_out.insert((id.clone(), epoch(&token)));
        assert!(first, "run {id} was handed out twice in one epoch");
        let times = self.handed_out.iter().filter(|(run, _)| *run == id).count();
        assert_eq!(times, 1, "run {id} was handed out again although nobody waited for it");
        Held { id, token, log: String::new(), maybe_ended: false }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.blocks.len() + self.held.len() + self.ended.len() + self.workspaces.len() + self.keys.len()
    }

    /// Checks every fact at the server.
    pub async fn hold(&self, url: &str, admin: &Caller) {
        let line = &Line::of(url, admin.authorization.clone());
        let get = async |kind: &str, rest: String| {
            line.send("GET", kind, &rest, None).await.expect("the server answers")
        };
        let get = &get;
        stream::iter(&self.blocks)
            .for_each_concurrent(8, async |(id, names)| {
                let (status, block) = get("meshBuildingBlock", format!("/{id}")).await;
                assert_eq!(status, 200, "block {id} is lost: {block}");
                let name = text(&block, "/spec/displayName");
                assert!(names.contains(&name), "block {id} is called {name}, not one of {names:?}");
            })
            .await;
        stream::iter(&self.ended)
            .for_each_concurrent(8, async |(id, (end, log))| {
                let (status, run) = get("meshBuildingBlockRun", format!("/{id}")).await;
                assert_eq!((status, &run["status"]), (200, &json!(end)), "run {id}");
                self.log_holds(line, id, log).await;
            })
            .await;
        stream::iter(&self.held)
            .for_each_concurrent(8, async |held| self.log_holds(line, &held.id, &held.log).await)
            .await;
        stream::iter(&self.workspaces)
            .for_each_concurrent(8, async |name| {
                assert_eq!(get("meshWorkspace", format!("/{name}")).await.0, 200, "workspace {name} is lost");
            })
            .await;
        stream::iter(&self.keys)
            .for_each_concurrent(8, async |(id, secret)| {
                let (status, _) = get("meshApiKey", format!("/{id}")).await;
                assert_eq!(status, if secret.is_some() { 200 } else { 404 }, "key {id}");
                if let Some(secret) = secret {
                    assert!(line.signs_in(id, secret).await, "key {id} has lost its secret");
                }
            })
            .await;
    }

    /// What was taken of a log is there; what was only sent may be, too.
    async fn log_holds(&self, line: &Line, run: &str, log: &str) {
        let (status, logs) =
            line.send("GET", "meshBuildingBlockRun", &format!("/{run}/logs"), None).await.unwrap();
        assert_eq!(status, 200);
        let step = logs["steps"].as_array().into_iter().flatten().find(|step| step["id"] == "s");
        let kept = step.and_then(|step| step["systemMessage"].as_str()).unwrap_or_default();
        assert!(kept.starts_with(log), "run {run} has lost `{log}`: `{kept}`");
    }
}
