//! Runs of GitHub workflows: what the workflow is told, and what is told of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{at, no_secret_is_told, quick_runner, status, workflow};
use crate::runner::{Order, sealed};
use crate::stand_in::StandIn;
use crate::systems::Served;
use crate::systems::github;

#[tokio::test]
async fn a_workflow_is_started_followed_and_told_of() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).at(&server);
    let run = server.success_of(&uuid).await;
    let registered =
        json!({ "id": "gh-trigger", "displayName": "Trigger GitHub Action", "status": "PENDING" });
    assert_eq!(run.registered[0], registered);
    let expected =
        [("gh-trigger", "SUCCEEDED"), ("gh-workflow-job-1", "SUCCEEDED"), ("gh-workflow-job-2", "SUCCEEDED")];
    assert_eq!(run.statuses(), expected.map(|(id, status)| (id.to_owned(), status.to_owned())));
    assert_eq!(run.text("gh-workflow-job-2", "displayName"), "GitHub Job: press");
    assert!(run.text("gh-workflow-job-2", "systemMessage").contains("Set up job: success"));
    let source = &run.sources[crate::runner::RUNNER_UUID];
    assert_eq!(source["externalRunId"], "9000000000");
    assert_eq!(source["externalRunUrl"], "https://github.example.org/fruit/press/actions/runs/9000000000");
    // Jobs are told of while they go on.
    let told = run.reports.iter().any(|(_, report)| {
        let steps = report["steps"].as_array().into_iter().flatten();
        report["status"] == "IN_PROGRESS"
            && steps.clone().any(|step| step["id"] == "gh-workflow-job-2" && step["status"] == "IN_PROGRESS")
    });
    assert!(told, "{:#?}", run.reports);
    {
        let book = github.book();
        assert_eq!(book.dispatches.len(), 1);
        let (file, body) = &book.dispatches[0];
        let url = format!("{}/api/meshobjects/meshbuildingblockruns/{uuid}", server.url);
        let expected = json!({
            "ref": "main", "inputs": { "buildingBlockRunUrl": url }, "return_run_details": true,
        });
        assert_eq!((file.as_str(), body), ("apply.yml", &expected));
    }
    let work_dir = runner.work_dir.clone();
    no_secret_is_told(&run, &work_dir, &[]);
    runner.stop().await;
}

#[tokio::test]
async fn a_workflow_gets_the_run_with_its_inputs_in_the_clear() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    let order = workflow("APPLY", &github).set("omitRunObjectInput", false);
    // Keys come in the other form, too.
    let uuid = order.set("appPem", sealed(&github::converted_app_pem())).at(&server);
    let run = server.success_of(&uuid).await;
    let inputs = github.book().dispatches[0].1["inputs"].clone();
    assert_eq!(inputs.as_object().unwrap().len(), 1);
    let object = STANDARD.decode(inputs["buildingBlockRun"].as_str().unwrap()).unwrap();
    let object: Value = serde_json::from_slice(&object).unwrap();
    let values: Vec<&Value> = at(&object, "/spec/buildingBlock/spec/inputs")
        .as_array()
        .unwrap()
        .iter()
        .map(|input| &input["value"])
        .collect();
    assert_eq!(values, [&json!("pear"), &json!("hunter2-hunter2")]);
    let implementation = at(&object, "/spec/buildingBlockDefinition/spec/implementation");
    assert_eq!(implementation, &json!({ "type": "GITHUB_WORKFLOW" }));
    assert_eq!(at(&object, "/spec/runToken"), &json!(run.token));
    assert_eq!(at(&object, "/spec/behavior"), "APPLY");
    let update = at(&object, "/_links/updateSource/href").as_str().unwrap();
    assert!(update.ends_with("/status/source/{sourceId}"), "{update}");
    let encoded = STANDARD.encode("hunter2-hunter2");
    no_secret_is_told(&run, &runner.work_dir, &[&encoded[..16]]);
    runner.stop().await;
}

#[tokio::test]
async fn a_workflow_that_asks_for_it_gets_tokens_beside_the_address() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github)
        .set("async", true)
        .sealed_environment("MESHSTACK_API_TOKEN", "api-token-api-token")
        .sealed_environment("MESHSTACK_RUN_TOKEN", "run-token-run-token")
        .environment("MESHSTACK_ENDPOINT", "STRING", "https://stoa.example.org")
        .at(&server);
    let done = |run: &crate::stand_in::RunRecord| run.steps.iter().any(|step| step["status"] == "SUCCEEDED");
    let run = server.until(&uuid, "handed over", done).await;
    assert_eq!(status(&run), "IN_PROGRESS");
    let inputs = github.book().dispatches[0].1["inputs"].clone();
    assert_eq!(inputs["MESHSTACK_API_TOKEN"], "api-token-api-token");
    assert_eq!(inputs["MESHSTACK_RUN_TOKEN"], "run-token-run-token");
    assert_eq!(inputs["MESHSTACK_ENDPOINT"], "https://stoa.example.org");
    assert_eq!(inputs.as_object().unwrap().len(), 4);
    no_secret_is_told(&run, &runner.work_dir, &["api-token-api", "run-token-run-token"]);

    // The address of the API goes with its token only.
    let order =
        workflow("APPLY", &github).environment("MESHSTACK_ENDPOINT", "STRING", "https://stoa.example.org");
    server.success_of(&order.at(&server)).await;
    let inputs = github.book().dispatches[1].1["inputs"].clone();
    assert_eq!(inputs.as_object().unwrap().keys().collect::<Vec<_>>(), ["buildingBlockRunUrl"]);
    runner.stop().await;
}

#[tokio::test]
async fn a_workflow_that_reports_by_itself_is_left_alone() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().ends = None;
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).set("async", true).at(&server);
    let done = |run: &crate::stand_in::RunRecord| run.steps.iter().any(|step| step["status"] == "SUCCEEDED");
    let run = server.until(&uuid, "handed over", done).await;
    assert_eq!(run.statuses(), [("gh-trigger".to_owned(), "SUCCEEDED".to_owned())]);
    assert_eq!(run.sources[crate::runner::RUNNER_UUID]["externalRunId"], "9000000000");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(github.asked("/actions/runs/"), 0);
    assert_eq!(status(&server.run(&uuid)), "IN_PROGRESS");
    runner.stop().await;
}

#[tokio::test]
async fn deletion_has_a_workflow_of_its_own() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    server.success_of(&workflow("DESTROY", &github).at(&server)).await;
    assert_eq!(github.book().dispatches[0].0, "destroy.yml");
    let none = workflow("DESTROY", &github).set("destroyWorkflow", Value::Null);
    let run = server.failure_of(&none.at(&server)).await;
    assert_eq!(
        run.text("gh-trigger", "userMessage"),
        "This definition names no GitHub workflow for deletion"
    );
    // A dry run would change things.
    let run = server.failure_of(&workflow("DETECT", &github).at(&server)).await;
    assert_eq!(
        run.text("gh-trigger", "userMessage"),
        "This definition names no GitHub workflow for dry runs"
    );
    assert_eq!(github.book().dispatches.len(), 1);
    runner.stop().await;
}

#[tokio::test]
async fn whatever_is_no_success_fails_the_run() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    for conclusion in ["failure", "cancelled", "timed_out", "skipped", "startup_failure"] {
        github.book().ends = Some(conclusion);
        let run = server.failure_of(&workflow("APPLY", &github).at(&server)).await;
        let told = format!("The GitHub workflow ended with `{conclusion}`");
        assert_eq!(run.text("gh-trigger", "userMessage"), told);
        let statuses = run.statuses().into_iter().map(|(_, status)| status).collect::<Vec<_>>();
        assert_eq!(statuses, ["FAILED", "SUCCEEDED", "FAILED"], "{conclusion}");
        let told = format!("This job ended with `{conclusion}`");
        assert_eq!(run.text("gh-workflow-job-2", "userMessage"), told);
    }
    runner.stop().await;
}

#[tokio::test]
async fn a_run_that_is_too_large_for_github_is_not_sent() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    let order: Order = workflow("APPLY", &github).set("omitRunObjectInput", false);
    let uuid = order.input("text", "STRING", "x".repeat(60_000)).at(&server);
    let run = server.failure_of(&uuid).await;
    assert!(run.text("gh-trigger", "userMessage").contains("Set `omitRunObjectInput`"));
    assert_eq!(github.asked(""), 0);
    runner.stop().await;
}

#[tokio::test]
async fn workflows_named_by_their_path_and_refs_are_known_by_name() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    let order = workflow("APPLY", &github).set("applyWorkflow", ".github/workflows/apply.yml");
    server.success_of(&order.at(&server)).await;
    assert_eq!(github.book().dispatches[0].0, "apply.yml");
    runner.stop().await;
}
