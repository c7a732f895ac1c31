//! Random histories of orders, changes, parents, aborts, deletions, lost runners and clocks that jump. After each step
//! everything that is not over says why, by whom and since when; states move only as `runner-protocol.md` §7.4 and
//! `api-building-blocks.md` §4.2 let them; in the end every run is over.

use crate::claimed::Claimed;
use crate::on_both;
use crate::patience::until;
use crate::stoa::{Caller, SHARED, Stoa, block_body, input, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use stoa_chaos::facts::{is_final, silence};
use stoa_chaos::random::Random;
use stoa_core::work;

const BLOCK: &str = "meshBuildingBlock";
const RUN: &str = "meshBuildingBlockRun";
const STEPS: usize = 110;
const MOST_BLOCKS: usize = 10;
/// How far the clock jumps, in seconds.
const JUMPS: [u64; 7] = [1, 61, 301, 660, 3_600, 10_900, 90_000];

/// What there is to order.
struct Offers {
    /// Wants a name of its orderer.
    plain: String,
    /// Wants a word of the operators, too.
    asking: String,
    /// Wants the host of a plain one.
    child: String,
}

async fn offers(stoa: &Stoa) -> Offers {
    stoa.workspace("shop").await;
    let host = json!({ "host": { "displayName": "Host", "type": "STRING" } });
    let name = input(json!({}));
    let (parent, plain) =
        stoa.definition("demo-partner", json!({ "inputs": { "name": name }, "outputs": host })).await;
    let operator = input(json!({ "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT" }));
    let (_, asking) =
        stoa.definition("demo-partner", json!({ "inputs": { "name": name, "operator": operator } })).await;
    let taken = json!({
        "assignmentType": "BUILDING_BLOCK_OUTPUT", "type": "STRING", "argument": format!("{parent}.host"),
    });
    let change =
        json!({ "dependencyDefinitionRefs": [{ "uuid": parent }], "inputs": { "host": input(taken) } });
    let (_, child) = stoa.definition("demo-partner", change).await;
    Offers { plain, asking, child }
}

/// What was ordered, and what a step may be about.
struct History<'a> {
    stoa: &'a Stoa,
    offers: Offers,
    random: Random,
    admin: Caller,
    /// Blocks with the version they are of.
    blocks: Vec<(String, String)>,
    /// Claims that somebody may still report for, also when others have the run by now.
    held: Vec<Claimed>,
    /// Runs that were ever claimed.
    claimed: BTreeSet<String>,
    /// The state each run was in when it was last looked at.
    runs: BTreeMap<String, String>,
    gone: BTreeSet<String>,
    told: Vec<String>,
}

impl History<'_> {
    fn some_block(&mut self) -> Option<(String, String)> {
        let place = self.random.below(self.blocks.len());
        self.blocks.get(place).cloned()
    }

    fn inputs(&mut self, version: &str) -> Value {
        let mut inputs = json!({});
        if version != self.offers.child && self.random.below(4) != 0 {
            inputs["name"] = json!({ "value": format!("n{}", self.random.below(1000)) });
        }
        if version == self.offers.asking && self.random.below(2) == 0 {
            inputs["operator"] = json!({ "value": "o" });
        }
        inputs
    }

    async fn order(&mut self) {
        let choices = [&self.offers.plain, &self.offers.asking, &self.offers.child];
        let version = choices[self.random.below(3)].clone();
        let inputs = self.inputs(&version);
        let mut body = block_body(&version, "shop", inputs);
        if version == self.offers.child {
            let plain = self.offers.plain.clone();
            let parents: Vec<String> =
                self.blocks.iter().filter(|(_, of)| *of == plain).map(|(uuid, _)| uuid.clone()).collect();
            let Some(parent) = parents.get(self.random.below(parents.len())) else { return };
            body["spec"]["parentBuildingBlockRefs"] = json!([{ "kind": BLOCK, "uuid": parent }]);
        }
        let query = if self.random.below(4) == 0 { "?firstRun=DETECT" } else { "" };
        let answer = self.admin.post(BLOCK, query, &body).await;
        self.told.push(format!("order of {version} {query}: {}", answer.status));
        if answer.status == 201 {
            self.blocks.push((text(&answer.json(), "/metadata/uuid"), version));
        }
    }

    async fn change(&mut self) {
        let Some((uuid, version)) = self.some_block() else { return };
        let mut body = self.admin.block(&uuid).await;
        let inputs = self.inputs(&version);
        for (key, value) in inputs.as_object().unwrap() {
            body["spec"]["inputs"][key] = value.clone();
        }
        let answer = self.admin.put(BLOCK, &format!("/{uuid}"), &body).await;
        self.told.push(format!("change of {uuid}: {}", answer.status));
        assert!([200, 404, 409].contains(&answer.status), "{}", answer.text);
    }

    async fn start(&mut self) {
        let Some((uuid, _)) = self.some_block() else { return };
        let body = json!({ "dryRun": self.random.below(3) == 0 });
        let answer = self.admin.post(BLOCK, &format!("/{uuid}/trigger-run"), &body).await;
        self.told.push(format!("start of {uuid} {body}: {}", answer.status));
        assert!([202, 404, 409].contains(&answer.status), "{}", answer.text);
    }

    async fn apply_plan(&mut self) {
        let Some((uuid, _)) = self.some_block() else { return };
        let answer = self.admin.act(BLOCK, &format!("/{uuid}/approve-run")).await;
        self.told.push(format!("plan of {uuid}: {}", answer.status));
        assert!([202, 404, 409].contains(&answer.status), "{}", answer.text);
    }

    async fn abort(&mut self) {
        let open: Vec<String> =
            self.runs.iter().filter(|(_, state)| !is_final(state)).map(|(run, _)| run.clone()).collect();
        let Some(run) = open.get(self.random.below(open.len())) else { return };
        let answer = self.admin.act(RUN, &format!("/{run}/abort")).await;
        self.told.push(format!("abort of {run}: {}", answer.status));
        answer.expect(202);
    }

    async fn delete(&mut self) {
        let Some((uuid, _)) = self.some_block() else { return };
        let path = if self.random.below(4) == 0 { format!("/{uuid}/purge") } else { format!("/{uuid}") };
        let answer = self.admin.delete(BLOCK, &path).await;
        self.told.push(format!("deletion {path}: {}", answer.status));
        assert!([202, 409].contains(&answer.status), "{}", answer.text);
    }

    async fn claim(&mut self) {
        let Some(run) = self.admin.claim_for(SHARED).await else { return };
        self.told.push(format!("claim of {}", run.id));
        assert!(
            self.runs.get(&run.id).is_none_or(|state| !is_final(state)),
            "{} was handed out although it was over: {:#?}",
            run.id,
            self.told
        );
        self.claimed.insert(run.id.clone());
        self.held.push(run);
    }

    /// Somebody who holds a run, or once held it, reports; or is never heard of again.
    async fn report(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let place = self.random.below(self.held.len());
        let word = ["IN_PROGRESS", "IN_PROGRESS", "PENDING", "SUCCEEDED", "SUCCEEDED", "FAILED", "lost"]
            [self.random.below(7)];
        let held = &self.held[place];
        self.told.push(format!("report on {}: {word}", held.id));
        if word == "lost" {
            self.held.remove(place);
            return;
        }
        let host = json!({ "host": { "value": format!("h{}", self.random.below(5)), "type": "STRING" } });
        let outputs = if word == "SUCCEEDED" { host } else { json!({}) };
        let step = json!({ "id": "s", "status": word, "outputs": outputs });
        let mut report = json!({ "status": word, "steps": [step] });
        if held.run["spec"]["behavior"] == "DETECT" && word == "SUCCEEDED" {
            report["artifact"] = json!("cGxhbg==");
        }
        let answer = held.runner.report(&held.id, "r", &report).await;
        // A token ends with its run, or after a day.
        assert!([200, 401].contains(&answer.status), "{}", answer.text);
        if is_final(word) || answer.status == 401 || answer.json()["runAborted"] == true {
            self.held.remove(place);
        }
    }

    async fn jump(&mut self) {
        let span = JUMPS[self.random.below(JUMPS.len())];
        self.told.push(format!("{span} s later"));
        self.stoa.advance(Duration::from_secs(span));
        self.admin = self.stoa.again(&self.admin).await;
    }

    async fn step(&mut self) {
        match self.random.below(20) {
            0..=3 if self.blocks.len() < MOST_BLOCKS => self.order().await,
            0..=4 => self.change().await,
            5..=6 => self.start().await,
            7 => self.abort().await,
            8 => self.delete().await,
            9..=12 => self.claim().await,
            13..=16 => self.report().await,
            17 => self.apply_plan().await,
            _ => self.jump().await,
        }
        self.look().await;
    }

    /// Looks at everything, and compares it with what was seen before.
    async fn look(&mut self) {
        for run in self.admin.list(RUN, "?size=1000").await {
            let (uuid, state) = (text(&run, "/metadata/uuid"), text(&run, "/status"));
            assert_eq!(silence(&state, &run["waiting"]), None, "run {uuid}: {:#?}", self.told);
            let before = self.runs.insert(uuid.clone(), state.clone());
            let moved = match (before.as_deref(), state.as_str()) {
                (None, _) => true,
                (Some(before), now) if before == now => true,
                (Some("SUCCEEDED" | "FAILED" | "ABORTED"), _) => false,
                // Only a claim brings a run to work or to a success.
                (Some("PENDING"), "IN_PROGRESS" | "SUCCEEDED") => self.claimed.contains(&uuid),
                (Some("PENDING" | "IN_PROGRESS"), _) => true,
                _ => false,
            };
            assert!(moved, "run {uuid} went from {before:?} to {state}: {:#?}", self.told);
        }
        for (uuid, _) in self.blocks.clone() {
            let block = self.admin.block(&uuid).await;
            let (state, lifecycle) =
                (text(&block, "/status/status"), text(&block, "/status/lifecycle/state"));
            if lifecycle == "DELETED" {
                self.gone.insert(uuid);
                continue;
            }
            assert!(!self.gone.contains(&uuid), "block {uuid} came back: {:#?}", self.told);
            assert_eq!(silence(&state, &block["status"]["waiting"]), None, "block {uuid}: {:#?}", self.told);
            // Nothing of an order that is looked at first was applied.
            if block["status"]["isPreview"] == true {
                assert_eq!(block["status"]["latestRunUuid"], Value::Null, "block {uuid}: {:#?}", self.told);
            }
            assert!(
                state != "WAITING_FOR_APPROVAL" || block["status"]["isPreview"] == true,
                "{:#?}",
                self.told
            );
        }
    }

    /// Runners that do their work, and enough time for those that never will.
    async fn wind_up(&mut self) {
        self.held.clear();
        let open = |runs: &BTreeMap<String, String>| runs.values().filter(|state| !is_final(state)).count();
        for _ in 0..6 {
            self.stoa.advance(Duration::from_secs(4 * 3_600));
            self.admin = self.stoa.again(&self.admin).await;
            // What is due is looked at soon, and not at once; and what follows from it may be due, too.
            while !self.nothing_is_due().await || self.admin_claims().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.look().await;
            if open(&self.runs) == 0 {
                break;
            }
        }
        let left: Vec<_> = self.runs.iter().filter(|(_, state)| !is_final(state)).collect();
        assert!(left.is_empty(), "these runs never end: {left:?} {:#?}", self.told);
        for (uuid, _) in self.blocks.clone() {
            let block = self.admin.block(&uuid).await;
            let state = text(&block, "/status/status");
            let gone = block["status"]["lifecycle"]["state"] == "DELETED";
            let waits = state.starts_with("WAITING_FOR_") && block["status"]["waiting"].is_object();
            assert!(gone || is_final(&state) || waits, "block {uuid} is {state}: {:#?}", self.told);
        }
    }

    /// Whether the controllers have looked at everything that is due by now.
    async fn nothing_is_due(&self) -> bool {
        let app = &self.stoa.running.app;
        let now = app.world.clock.now();
        app.db.read(work::next_due).await.unwrap().is_none_or(|due| due > now)
    }

    /// Claims and finishes one run; says whether there was one.
    async fn admin_claims(&mut self) -> bool {
        let Some(run) = self.admin.claim_for(SHARED).await else { return false };
        self.claimed.insert(run.id.clone());
        run.deliver(json!({ "host": "last" })).await;
        true
    }
}

on_both! {
    async fn nothing_waits_without_saying_why_and_every_run_ends(stoa) {
        let offers = offers(&stoa).await;
        let mut history = History {
            admin: stoa.admin.clone(),
            stoa: &stoa,
            offers,
            random: Random::seeded(),
            blocks: Vec::new(),
            held: Vec::new(),
            claimed: BTreeSet::new(),
            runs: BTreeMap::new(),
            gone: BTreeSet::new(),
            told: Vec::new(),
        };
        for _ in 0..STEPS {
            history.step().await;
        }
        history.wind_up().await;
        assert!(history.runs.len() > 5, "too little happened to say anything: {:#?}", history.told);
        until("no work is left that is due", async || {
            let due = stoa_db::Sql::new("SELECT count(*) FROM work WHERE attempts > 0");
            stoa.running.app.db.read(move |tx| tx.one(&due, &[], |row| row.get::<i64>(0))).await.unwrap() == 0
        })
        .await;
    }
}
