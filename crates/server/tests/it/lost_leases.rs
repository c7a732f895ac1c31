//! Runners that are away for longer than their claim lasts: what they still say is refused and recorded
//! (`runner-protocol.md` §2.4 and §9.2), and what they had done is not done again.

use crate::listening::{Ear, From};
use crate::on_both;
use crate::patience::until;
use crate::runners::{implementation, repository, runner, runner_at, tofu};
use crate::stoa::{Caller, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use stoa_chaos::proxy::{Proxy, Wire};
use stoa_chaos::worker::Worker;

const RUN: &str = "meshBuildingBlockRun";

/// A module that notes each execution, and goes on once its gate is open: each has a number. Who executed it shows in
/// its output.
fn gated(folder: &Path) -> String {
    format!(
        r#"resource "terraform_data" "work" {{
  provisioner "local-exec" {{
    command = "echo $$ >> {0}/ledger; n=$(wc -l < {0}/ledger); while [ ! -e {0}/gate$n ]; do sleep 0.1; done"
  }}
}}
output "who" {{ value = terraform_data.work.id }}
"#,
        folder.display()
    )
}

fn executions(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("ledger")).unwrap_or_default().lines().count()
}

/// An ordered block with that module; uuids of block and run.
async fn ordered(stoa: &Stoa, folder: &Path) -> (String, String) {
    stoa.workspace("shop").await;
    let change = json!({
        "implementation": implementation(repository(folder, &gated(folder))),
        "outputs": { "who": { "displayName": "Who", "type": "STRING" } },
    });
    let (_, version) = stoa.definition("demo-partner", change).await;
    let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    (text(&block, "/metadata/uuid"), text(&block, "/status/latestRunUuid"))
}

fn stop(worker: &Worker, how: &str) -> Vec<u32> {
    let mut all = worker.descendants("tofu");
    all.extend(worker.pid());
    for pid in &all {
        send(*pid, how);
    }
    all
}

fn send(pid: u32, signal: &str) {
    // Whoever is gone already needs no signal.
    let _ = std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
}

/// What the stream of a run has told so far, for its operators.
async fn refusals(stoa: &Stoa, admin: &Caller, run: &str) -> Vec<String> {
    let url = format!("{}/api/meshobjects/meshbuildingblockruns/{run}/events", stoa.url);
    let mut ear = Ear::open(admin, &url, From::After(0)).await;
    let mut told = Vec::new();
    while let Some(heard) = ear.within(Duration::from_millis(500)).await {
        let message = heard.data["message"].as_str().unwrap_or_default();
        if message.contains("refused") {
            told.push(message.to_owned());
        }
    }
    told
}

async fn states(admin: &Caller, block: &str) -> Value {
    let path = format!("/api/terraform/state/workspace/shop/buildingBlock/{block}/versions");
    admin.raw(Method::GET, &path, |request| request).await.expect(200)
}

on_both! {
    async fn a_runner_that_slept_past_its_lease_changes_nothing(stoa) {
        let home = tempfile::tempdir().unwrap();
        let (block, run) = ordered(&stoa, home.path()).await;
        let mut first = runner(&stoa, &home.path().join("first"), &tofu(), "");
        until("the first one works on it", async || executions(home.path()) == 1).await;
        let asleep = stop(&first, "-STOP");
        stoa.advance(Duration::from_mins(181));
        let admin = stoa.again(&stoa.admin).await;
        admin.until(RUN, &run, |found| found["status"] == "PENDING").await;
        let found = admin.get(RUN, &format!("/{run}")).await.expect(200);
        assert_eq!(found["waiting"]["reason"], "RUN_OFFERED_AGAIN");

        let mut second = runner(&stoa, &home.path().join("second"), &tofu(), "");
        until("the second one works on it", async || executions(home.path()) == 2).await;
        // OpenTofu wakes before its runner, so that it brings its state as far as it can.
        std::fs::write(home.path().join("gate1"), "").unwrap();
        for pid in asleep.iter().filter(|pid| Some(**pid) != first.pid()) {
            send(*pid, "-CONT");
        }
        until("the late state is refused and recorded", async || {
            refusals(&stoa, &admin, &run).await.iter().any(|told| told.contains("A state of an earlier attempt"))
        })
        .await;
        std::fs::write(home.path().join("gate2"), "").unwrap();
        admin.until(RUN, &run, |found| found["status"] == "SUCCEEDED").await;
        let (before, states_before) = (admin.block(&block).await, states(&admin, &block).await);
        assert_eq!(before["status"]["status"], "SUCCEEDED");
        send(first.pid().unwrap(), "-CONT");
        until("the late report is refused and recorded", async || {
            refusals(&stoa, &admin, &run).await.iter().any(|told| told.contains("A report of an earlier attempt"))
        })
        .await;
        until("nothing is left to be said", async || first.unsent() + second.unsent() == 0).await;
        assert_eq!(admin.status_of(&run).await, "SUCCEEDED");
        assert_eq!(admin.block(&block).await, before, "the block is as the second one left it");
        assert_eq!(states(&admin, &block).await, states_before, "the state is the second one's");
        assert_eq!(admin.logs(&run).await["warnings"], json!(["RUN_OFFERED_AGAIN"]));
        first.stop(Duration::from_mins(2)).unwrap();
        second.stop(Duration::from_mins(2)).unwrap();
    }

    async fn work_that_ended_while_the_wire_was_cut_is_reported_and_not_done_again(stoa) {
        let home = tempfile::tempdir().unwrap();
        // The state is written through the server's own address: only the runner's reports are cut off.
        let wire = Proxy::open().await.unwrap();
        wire.lead_to(vec![stoa.running.address]);
        let (block, run) = ordered(&stoa, home.path()).await;
        let mut worker = runner_at(&stoa, &wire.url(), &home.path().join("runner"), &tofu(), "");
        until("it works on it", async || executions(home.path()) == 1).await;
        wire.set(Wire::Cut);
        std::fs::write(home.path().join("gate1"), "").unwrap();
        until("its end waits on disk", async || {
            worker.descendants("tofu").is_empty() && worker.said().contains("run ended")
        })
        .await;
        until("its last word is kept", async || {
            let kept = std::fs::read_dir(home.path().join("runner/work/reports")).unwrap().flatten();
            let kept: Vec<Value> = kept
                .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
                .filter_map(|entry| serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok())
                .collect();
            kept.iter().any(|kept| kept["report"]["status"] == "SUCCEEDED")
        })
        .await;
        // It even dies, and is away for so long that the run is offered again.
        worker.kill();
        stoa.advance(Duration::from_mins(181));
        let admin = stoa.again(&stoa.admin).await;
        admin.until(RUN, &run, |found| found["status"] == "PENDING").await;
        wire.set(Wire::Whole);
        worker.start().unwrap();
        let ended = |found: &Value| stoa_chaos::facts::is_final(found["status"].as_str().unwrap());
        let found = admin.until(RUN, &run, ended).await;
        assert_eq!(found["status"], "SUCCEEDED", "{:#}", admin.logs(&run).await);
        until("the report is forgotten once it was acknowledged", async || worker.unsent() == 0).await;
        assert_eq!(executions(home.path()), 1, "it was done again");
        let block = admin.block(&block).await;
        assert_eq!(block["status"]["status"], "SUCCEEDED");
        assert!(!text(&block, "/status/outputs/who/value").is_empty());
        worker.stop(Duration::from_mins(2)).unwrap();
    }
}
