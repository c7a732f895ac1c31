//! Where the state of a module is kept.

use std::fs;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::origin::Origin;
use super::runner::{Order, Runner};
use super::stand_in::StandIn;

const MODULE: &str = "resource \"terraform_data\" \"x\" {\n  input = \"kept\"\n}\noutput \"id\" { value = terraform_data.x.id }\n";

#[tokio::test]
async fn the_server_keeps_the_state_from_apply_to_destroy() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", MODULE)]);
    let order = Order::of("APPLY", &origin.url());
    let block = order.block();
    let first = server.success_of(&order.at(&server)).await;
    let state = server.book().states[&block].clone();
    assert_eq!(state["resources"][0]["name"], "x");

    let second = Order::of("APPLY", &origin.url()).for_block(&block).at(&server);
    let second = server.success_of(&second).await;
    assert_eq!(second.outputs["id"], first.outputs["id"]);

    let destroy = Order::of("DESTROY", &origin.url()).for_block(&block).at(&server);
    let run = server.success_of(&destroy).await;
    assert_eq!(run.text("execute_tf", "displayName"), "Run Terraform Destroy");
    let message = run.text("execute_tf", "userMessage");
    assert_eq!(message, "Destroy complete! Resources: 1 destroyed.");
    assert!(run.outputs.is_empty());
    assert_eq!(server.book().states[&block]["resources"], json!([]));
    runner.stop().await;
}

#[tokio::test]
async fn a_module_with_its_own_backend_gets_a_workspace_of_its_own() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let store = tempfile::tempdir().unwrap();
    let backend = format!(
        "terraform {{\n  backend \"local\" {{\n    path          = \"{0}/default\"\n    workspace_dir = \"{0}/workspaces\"\n  }}\n}}\n",
        store.path().display()
    );
    let origin = Origin::with(&[("main.tf", MODULE), ("backend.tf", &backend)]);
    let order = Order::of("APPLY", &origin.url());
    let block = order.block();
    server.success_of(&order.at(&server)).await;
    let workspace = store.path().join("workspaces").join(format!("shop..:{block}"));
    assert!(fs::read_dir(&workspace).unwrap().count() > 0);
    assert!(server.book().states.is_empty());

    // The block was renamed since: only the end of the workspace's name counts.
    fs::rename(&workspace, workspace.with_file_name(format!("store.web.k8s:{block}"))).unwrap();
    let again = Order::of("APPLY", &origin.url()).for_block(&block).at(&server);
    let run = server.success_of(&again).await;
    assert!(run.text("execute_tf", "systemMessage").contains("No changes."));
    let destroy = Order::of("DESTROY", &origin.url()).for_block(&block).at(&server);
    server.success_of(&destroy).await;
    assert_eq!(fs::read_dir(store.path().join("workspaces")).unwrap().count(), 0);
    runner.stop().await;
}

#[tokio::test]
async fn without_the_fallback_nothing_is_generated() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", MODULE)]);
    let order = Order::of("APPLY", &origin.url()).set("useMeshHttpBackendFallback", false);
    let order =
        order.set("preRunScript", "ls meshStack_httpbackend* || echo none; echo ${TF_HTTP_PASSWORD:-unset}");
    let run = server.success_of(&order.at(&server)).await;
    let log = run.text("pre_run_script", "systemMessage");
    assert!(log.contains("none\nunset"), "{log}");
    assert!(server.book().states.is_empty());
    runner.stop().await;
}

/// What a runner keeps of states that nobody took.
fn unsaved(runner: &Runner) -> Vec<Value> {
    let kept = fs::read_dir(runner.work_dir.join("unsaved-states")).into_iter().flatten().flatten();
    kept.map(|file| serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_state_that_could_not_be_saved_is_saved_once_the_server_takes_it() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", MODULE)]);
    server.book().refuses_states = Some(StatusCode::SERVICE_UNAVAILABLE);
    let order = Order::of("APPLY", &origin.url());
    let block = order.block();
    let uuid = order.at(&server);
    let waits = "the runner keeps it and tries until the server takes it";
    let is_waiting = |step: &Map<String, Value>| {
        step.get("systemMessage").and_then(Value::as_str).is_some_and(|log| log.contains(waits))
    };
    server.until(&uuid, waits, |run| run.steps.iter().any(is_waiting)).await;
    assert_eq!(unsaved(&runner)[0]["resources"][0]["name"], "x");
    server.book().refuses_states = None;
    let run = server.failure_of(&uuid).await;
    let message = run.text("execute_tf", "userMessage");
    assert!(message.ends_with("The state was saved after all. Please start the run again"), "{message}");
    assert_eq!(unsaved(&runner), [] as [Value; 0]);
    let again = server.success_of(&Order::of("APPLY", &origin.url()).for_block(&block).at(&server)).await;
    assert!(again.text("execute_tf", "systemMessage").contains("No changes."), "it was made twice");
    runner.stop().await;
}

#[tokio::test]
async fn a_state_that_is_too_large_for_the_server_fails_the_step_and_is_kept() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", MODULE)]);
    server.book().refuses_states = Some(StatusCode::PAYLOAD_TOO_LARGE);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let message = server.failure_of(&uuid).await.text("execute_tf", "userMessage");
    let expected = format!(
        "The state could not be saved: no states today (413 Refused). The runner keeps it as {uuid}.tfstate"
    );
    assert!(message.ends_with(&expected), "{message}");
    assert_eq!(unsaved(&runner)[0]["resources"][0]["name"], "x");
    runner.stop().await;
}
