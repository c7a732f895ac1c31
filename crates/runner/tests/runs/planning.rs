//! Looking without touching, and touching exactly what was seen.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::origin::Origin;
use super::runner::{Order, Runner};
use super::stand_in::StandIn;

const MODULE: &str = r#"
variable "size" { type = number }
resource "terraform_data" "x" { input = var.size }
output "size" { value = terraform_data.x.output }
"#;

#[tokio::test]
async fn a_saved_plan_is_replayed_as_it_was() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", MODULE)]);
    let detect = Order::of("DETECT", &origin.url()).input("size", "INTEGER", 3);
    let block = detect.block();
    let detect = detect.at(&server);
    let run = server.success_of(&detect).await;
    assert_eq!(run.changes_detected, Some(true));
    assert!(run.artifact.as_ref().is_some_and(|plan| plan.starts_with(b"PK")));
    assert!(!run.statuses().iter().any(|(id, _)| id == "output"));
    assert_eq!(run.text("execute_tf", "displayName"), "Run Terraform Plan");
    assert_eq!(run.text("execute_tf", "userMessage"), "Plan: 1 to add, 0 to change, 0 to destroy.");
    assert!(server.book().states.is_empty());

    // The input has changed since; the plan has not.
    let apply =
        Order::of("APPLY", &origin.url()).for_block(&block).input("size", "INTEGER", 99).replaying(&detect);
    let run = server.success_of(&apply.at(&server)).await;
    assert_eq!(run.outputs["size"]["value"], json!(3));
    assert!(run.text("execute_tf", "systemMessage").contains("Replaying the saved plan"));

    let again = Order::of("DETECT", &origin.url()).for_block(&block).input("size", "INTEGER", 3).at(&server);
    assert_eq!(server.success_of(&again).await.changes_detected, Some(false));
    let changed =
        Order::of("DETECT", &origin.url()).for_block(&block).input("size", "INTEGER", 4).at(&server);
    assert_eq!(server.success_of(&changed).await.changes_detected, Some(true));
    runner.stop().await;
}

#[tokio::test]
async fn a_plan_that_is_gone_fails_the_run() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", MODULE)]);
    let order = Order::of("APPLY", &origin.url()).input("size", "INTEGER", 1).replaying("no-such-run");
    let run = server.failure_of(&order.at(&server)).await;
    let message = run.text("execute_tf", "userMessage");
    assert_eq!(message, "The saved plan cannot be downloaded: no plan (404 Refused)");
    runner.stop().await;
}

/// An OpenTofu whose plans are of any size, on a disk that does not mind.
const GENEROUS: &str = r#"#!/usr/bin/env bash
if [ "$1" = plan ]; then
  for word; do case "$word" in -out=*) truncate -s 129M "${word#-out=}" ;; esac; done
  exit 2
fi
exec "$TOFU" "$@"
"#;

#[tokio::test]
async fn a_plan_that_is_too_large_fails_the_step() {
    let server = StandIn::start().await;
    let folder = tempfile::tempdir().unwrap();
    let generous = folder.path().join("tofu");
    let runner = Runner::start_with(&server, |config| {
        let script = GENEROUS.replace("$TOFU", config.binaries.default.to_str().unwrap());
        std::fs::write(&generous, script).unwrap();
        std::fs::set_permissions(&generous, std::fs::Permissions::from_mode(0o755)).unwrap();
        config.binaries.default.clone_from(&generous);
    });
    let origin = Origin::with(&[("main.tf", MODULE)]);
    let order = Order::of("DETECT", &origin.url()).input("size", "INTEGER", 1);
    let run = server.failure_of(&order.at(&server)).await;
    let message = run.text("execute_tf", "userMessage");
    assert_eq!(message, "The plan has 135266304 bytes; plans of up to 134217728 bytes can be kept");
    assert_eq!(run.artifact, None);
    runner.stop().await;
}
