//! Runs that are not plain modules: asynchronous, manual, of other systems, unreadable.

use serde_json::{Value, json};
use stoa_runner::ManualRuns;

use super::origin::Origin;
use super::runner::{Order, Runner, sealed};
use super::stand_in::StandIn;

#[tokio::test]
async fn an_asynchronous_run_is_handed_over() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "output \"ticket\" { value = \"T-1\" }\n")]);
    let uuid = Order::of("APPLY", &origin.url()).set("async", true).at(&server);
    let run = server
        .until(&uuid, "handed over", |run| run.steps.iter().any(|step| step["status"] == "SUCCEEDED"))
        .await;
    assert_eq!(
        run.registered,
        [json!({ "id": "trigger", "displayName": "Prepare Run", "status": "PENDING" })]
    );
    assert_eq!(run.status.as_deref(), Some("IN_PROGRESS"));
    assert_eq!(run.outputs["ticket"]["value"], "T-1");
    assert!(run.text("trigger", "systemMessage").contains("OpenTofu"));
    let broken = Origin::with(&[("main.tf", "output \"x\" { value = nonsense }\n")]);
    let uuid = Order::of("APPLY", &broken.url()).set("async", true).at(&server);
    let run = server.failure_of(&uuid).await;
    assert!(run.text("trigger", "userMessage").starts_with("Error: "));
    runner.stop().await;
}

#[tokio::test]
async fn an_asynchronous_destroy_applies_first() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "resource \"terraform_data\" \"x\" {}\n")]);
    let uuid = Order::of("DESTROY", &origin.url()).set("async", true).at(&server);
    let run = server
        .until(&uuid, "handed over", |run| run.steps.iter().any(|step| step["status"] == "SUCCEEDED"))
        .await;
    let log = run.text("trigger", "systemMessage");
    assert!(log.contains("Apply complete!") && log.contains("Destroy complete!"), "{log}");
    runner.stop().await;
}

fn manual() -> Order {
    Order::with_implementation("APPLY", json!({ "type": "MANUAL" }))
        .input("name", "STRING", "x")
        .input("size", "SINGLE_SELECT", "large")
        .input("zones", "MULTI_SELECT", json!(["a"]))
        .input("count", "INTEGER", 3)
        .sealed_input("password", "STRING", "hunter2")
}

#[tokio::test]
async fn a_manual_run_succeeds_with_its_inputs_where_that_is_wanted() {
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.manual = ManualRuns::Complete);
    let run = server.success_of(&manual().at(&server)).await;
    assert_eq!(
        run.registered,
        [json!({ "id": "manual", "displayName": "Manual Block Run", "status": "PENDING" })]
    );
    for (name, output_type, value) in [
        ("name", "STRING", json!("x")),
        ("size", "STRING", json!("large")),
        ("zones", "CODE", json!(["a"])),
        ("count", "INTEGER", json!(3)),
    ] {
        assert_eq!(run.outputs[name], json!({ "value": value, "type": output_type, "isSensitive": false }));
    }
    assert_eq!(run.outputs["password"]["isSensitive"], true);
    assert!(run.outputs["password"]["value"].as_str().unwrap().len() == sealed("hunter2").len());
    runner.stop().await;
}

#[tokio::test]
async fn a_manual_run_waits_for_an_operator() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let uuid = manual().at(&server);
    let run = server.until(&uuid, "waiting", |run| run.status.as_deref() == Some("PENDING")).await;
    assert_eq!(run.text("manual", "status"), "PENDING");
    assert!(run.text("manual", "userMessage").contains("An operator has to do this"));
    assert!(run.outputs.is_empty());
    runner.stop().await;
}

#[tokio::test]
async fn what_is_not_supported_fails_and_says_so() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let order = Order::with_implementation("APPLY", json!({ "type": "QUANTUM", "projectId": 7 }));
    let run = server.failure_of(&order.at(&server)).await;
    let told = "Runs of this kind are not supported by this runner yet";
    assert_eq!(run.text("validation", "userMessage"), told);
    let mut unreadable = manual().json();
    unreadable["spec"]["behavior"] = Value::from("EXPLODE");
    let run = server.failure_of(&server.queue(unreadable)).await;
    let message = run.text("validation", "userMessage");
    assert!(
        message.starts_with("This runner does not understand the run: unknown variant `EXPLODE`"),
        "{message}"
    );
    runner.stop().await;
}
