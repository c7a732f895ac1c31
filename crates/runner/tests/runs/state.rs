//! Where the state of a module is kept.

use std::fs;

use serde_json::json;

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
