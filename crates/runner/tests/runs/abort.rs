//! Runs that are stopped from outside.

use std::path::Path;
use std::time::Duration;

use super::origin::Origin;
use super::runner::{Order, Runner, gone, is_alive};
use super::stand_in::StandIn;

/// A module that writes down the number of a process that would go on for a long time.
fn endless(note: &Path) -> Origin {
    let module = format!(
        "resource \"terraform_data\" \"x\" {{\n  provisioner \"local-exec\" {{\n    command = \"sleep 600 & echo $! > {}; echo sleeping; wait\"\n  }}\n}}\n",
        note.display()
    );
    Origin::with(&[("main.tf", &module)])
}

async fn asleep(server: &StandIn, uuid: &str, note: &Path) -> String {
    server
        .until(uuid, "asleep", |run| {
            run.steps.iter().any(|step| {
                step["id"] == "execute_tf"
                    && step.contains_key("systemMessage")
                    && step["systemMessage"].as_str().unwrap().contains("sleeping")
            })
        })
        .await;
    std::fs::read_to_string(note).unwrap()
}

#[tokio::test]
async fn an_aborted_run_is_killed_with_all_its_processes() {
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("pid");
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = endless(&note);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let pid = asleep(&server, &uuid, &note).await;
    assert!(is_alive(&pid));
    server.abort(&uuid);
    gone(&pid).await;
    let run =
        server.until(&uuid, "told", |run| run.steps.iter().any(|step| step["status"] == "ABORTED")).await;
    assert_eq!(run.status.as_deref(), Some("ABORTED"));
    let after_abort = run
        .reports
        .iter()
        .filter(|(_, report)| matches!(report["status"].as_str(), Some("FAILED" | "SUCCEEDED" | "ABORTED")));
    assert_eq!(after_abort.count(), 0);
    assert_eq!(run.text("execute_tf", "userMessage"), "The run was aborted");
    // Its place is free again.
    let next = Order::of("APPLY", &Origin::with(&[("main.tf", "")]).url()).at(&server);
    server.end_of(&next).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_killed_and_fails() {
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("pid");
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.run_timeout = Duration::from_secs(30));
    let origin = endless(&note);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let pid = asleep(&server, &uuid, &note).await;
    let run = server.failure_of(&uuid).await;
    assert_eq!(run.text("execute_tf", "userMessage"), "The run took longer than 30 seconds and was stopped");
    gone(&pid).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_step_that_takes_too_long_fails() {
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.init_timeout = Duration::from_millis(1));
    let origin = Origin::with(&[("main.tf", "")]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let run = server.failure_of(&uuid).await;
    let message = run.text("init_tf", "userMessage");
    assert_eq!(message, "This step took longer than 1 milliseconds and was stopped");
    runner.stop().await;
}

#[tokio::test]
async fn a_runner_that_is_shut_down_reports_its_runs() {
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("pid");
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = endless(&note);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let pid = asleep(&server, &uuid, &note).await;
    runner.stop().await;
    let run = server.run(&uuid);
    assert_eq!(run.status.as_deref(), Some("FAILED"));
    assert!(run.text("execute_tf", "userMessage").starts_with("The runner was shut down"));
    gone(&pid).await;
}

#[tokio::test]
async fn a_runner_that_is_shut_down_lets_short_runs_end() {
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.shutdown_grace = Duration::from_mins(5));
    let origin = Origin::with(&[(
        "main.tf",
        "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"echo started; sleep 2\"\n  }\n}\n",
    )]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    server.until(&uuid, "claimed", |run| !run.registered.is_empty()).await;
    runner.stop().await;
    assert_eq!(server.run(&uuid).status.as_deref(), Some("SUCCEEDED"));
}

#[tokio::test]
async fn a_run_that_is_no_longer_ours_is_dropped() {
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("pid");
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = endless(&note);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let pid = asleep(&server, &uuid, &note).await;
    server.revoke(&uuid);
    gone(&pid).await;
    assert_ne!(server.run(&uuid).status.as_deref(), Some("FAILED"));
    runner.stop().await;
}
