//! Programs of runs that misbehave: each run ends with a stated reason, in bounded memory, and the runner goes on.

use crate::on_both;
use crate::patience::until;
use crate::runners::{implementation, repository, runner, tofu};
use crate::stoa::{Stoa, text};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stoa_chaos::worker::Worker;

const RUN: &str = "meshBuildingBlockRun";
const ENDLESS: &str = r#"resource "terraform_data" "work" {
  provisioner "local-exec" { command = "echo it begins; sleep 600" }
}
"#;
/// The most memory a runner may ever use, whatever programs say.
const MEMORY: u64 = 200 << 20;

/// A program that stands before OpenTofu: `before` is run by bash, then OpenTofu as its child.
fn wrapped(folder: &Path, before: &str) -> PathBuf {
    let path = folder.join("tofu");
    let script = format!("#!/usr/bin/env bash\n{before}\n{} \"$@\"\n", tofu().display());
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Orders a block of a module, and gives back the uuid of its run.
async fn ordered(stoa: &Stoa, source: impl AsRef<Path>) -> String {
    let change = json!({ "implementation": implementation(source) });
    let (_, version) = stoa.definition("demo-partner", change).await;
    let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    text(&block, "/status/latestRunUuid")
}

async fn end_of(stoa: &Stoa, run: &str) -> String {
    let ended = |found: &Value| stoa_chaos::facts::is_final(found["status"].as_str().unwrap_or_default());
    text(&stoa.admin.until(RUN, run, ended).await, "/status")
}

/// What the consumer is told about the step.
async fn message(stoa: &Stoa, run: &str, step: &str) -> String {
    let logs = stoa.admin.logs(run).await;
    let steps = logs["steps"].as_array().unwrap();
    let step =
        steps.iter().find(|found| found["id"] == step).unwrap_or_else(|| panic!("no {step} in {logs:#}"));
    step["userMessage"].as_str().unwrap_or_default().to_owned()
}

async fn is_executing(stoa: &Stoa, run: &str) -> bool {
    let logs = stoa.admin.logs(run).await;
    let steps = logs["steps"].as_array().unwrap();
    steps.iter().any(|step| step["systemMessage"].as_str().is_some_and(|text| text.contains("it begins")))
}

/// The runner takes the next run, and that succeeds.
async fn goes_on(stoa: &Stoa, folder: &Path, mut worker: Worker) {
    let run = ordered(stoa, repository(&folder.join("next"), "output \"x\" { value = 1 }\n")).await;
    assert_eq!(end_of(stoa, &run).await, "SUCCEEDED");
    worker.stop(Duration::from_mins(2)).unwrap();
}

on_both! {
    async fn an_opentofu_that_is_killed_fails_its_run_with_the_signal(stoa) {
        let home = tempfile::tempdir().unwrap();
        stoa.workspace("shop").await;
        let run = ordered(&stoa, repository(home.path(), ENDLESS)).await;
        let worker = runner(&stoa, &home.path().join("runner"), &tofu(), "");
        until("it is at work", async || is_executing(&stoa, &run).await).await;
        for pid in worker.descendants("tofu") {
            std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
        }
        assert_eq!(end_of(&stoa, &run).await, "FAILED");
        assert_eq!(message(&stoa, &run, "execute_tf").await, "`tofu` failed (ended by signal 9)");
        goes_on(&stoa, home.path(), worker).await;
    }

    async fn an_opentofu_that_ignores_the_request_to_end_is_killed(stoa) {
        let home = tempfile::tempdir().unwrap();
        stoa.workspace("shop").await;
        let run = ordered(&stoa, repository(home.path(), ENDLESS)).await;
        let deaf = wrapped(home.path(), "trap '' TERM INT HUP");
        let worker = runner(&stoa, &home.path().join("runner"), &deaf, "");
        until("it is at work", async || is_executing(&stoa, &run).await).await;
        stoa.admin.act(RUN, &format!("/{run}/abort")).await.expect(202);
        assert_eq!(end_of(&stoa, &run).await, "ABORTED");
        until("nobody is left", async || worker.descendants("tofu").is_empty()).await;
        until("the steps are told", async || {
            message(&stoa, &run, "execute_tf").await == "The run was aborted"
        })
        .await;
        goes_on(&stoa, home.path(), worker).await;
    }

    async fn a_git_server_that_says_nothing_fails_the_run_with_its_address(stoa) {
        let home = tempfile::tempdir().unwrap();
        stoa.workspace("shop").await;
        // Connections are taken by the system and never heard.
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/module.git", mute.local_addr().unwrap());
        let run = ordered(&stoa, &url).await;
        let worker = runner(&stoa, &home.path().join("runner"), &tofu(), "fetch_timeout_seconds = 2.0");
        assert_eq!(end_of(&stoa, &run).await, "FAILED");
        let expected = format!("Cannot fetch {url}: the server did not finish within 2 seconds");
        assert_eq!(message(&stoa, &run, "sources").await, expected);
        goes_on(&stoa, home.path(), worker).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_output_takes_bounded_memory_and_keeps_its_beginning_and_end() {
    let stoa = Stoa::on(stoa_db::Engine::Sqlite).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    stoa.workspace("shop").await;
    let run = ordered(&stoa, repository(home.path(), "output \"x\" { value = 1 }\n")).await;
    let flood = "if [ \"$1\" = apply ]; then echo first; for _ in $(seq 24); do head -c 16777215 /dev/zero | \
                 tr '\\0' x; echo; done; echo last; fi";
    let worker = runner(&stoa, &home.path().join("runner"), &wrapped(home.path(), flood), "");
    // Twice as much as the runner may ever hold takes a while where others work, too.
    let begun = tokio::time::Instant::now();
    let mut admin = stoa.admin.clone();
    while !stoa_chaos::facts::is_final(&admin.status_of(&run).await) {
        assert!(begun.elapsed() < Duration::from_mins(4), "it does not come to its end: {}", worker.said());
        tokio::time::sleep(Duration::from_millis(200)).await;
        admin = stoa.again(&admin).await;
    }
    assert_eq!(stoa.admin.status_of(&run).await, "SUCCEEDED");
    let logs = stoa.admin.logs(&run).await;
    let step = logs["steps"].as_array().unwrap().iter().find(|step| step["id"] == "execute_tf").unwrap();
    let log = text(step, "/systemMessage");
    assert!(log.starts_with("first\n"), "{}", &log[..80]);
    assert!(log.contains("left out") && log.contains("\nlast\n"), "{} bytes", log.len());
    assert!(log.len() < 1 << 20);
    assert!(worker.peak_memory() < MEMORY, "{} MiB", worker.peak_memory() >> 20);
}
