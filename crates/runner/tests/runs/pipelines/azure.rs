//! Runs of Azure DevOps pipelines.

use std::time::Duration;

use serde_json::json;

use super::{no_secret_is_told, quick_runner, status};
use crate::runner::{Order, sealed};
use crate::stand_in::{RunRecord, StandIn};
use crate::systems::azure::{Azure, ORGANIZATION, PIPELINE, PROJECT, TOKEN};
use crate::systems::{Mishap, Served};

fn pipeline(behavior: &str, azure: &Served<Azure>) -> Order {
    Order::with_implementation(
        behavior,
        json!({
            "type": "AZURE_DEVOPS", "azureDevOpsBaseUrl": azure.url, "organization": ORGANIZATION,
            "project": PROJECT, "pipelineId": PIPELINE, "personalAccessToken": sealed(TOKEN), "async": false,
        }),
    )
    .input("name", "STRING", "pear")
    .input("count", "INTEGER", 3)
    .sealed_input("password", "STRING", "hunter2-hunter2")
    .environment("REGION", "STRING", "north")
}

#[tokio::test]
async fn a_pipeline_is_run_followed_and_told_of_by_stages() {
    let (server, azure) = (StandIn::start().await, Served::azure().await);
    let runner = quick_runner(&server);
    for (behavior, branch) in [("APPLY", None), ("DESTROY", Some("main")), ("APPLY", Some("refs/heads/main"))]
    {
        let mut order = pipeline(behavior, &azure);
        if let Some(branch) = branch {
            order = order.set("refName", branch);
        }
        let run = server.success_of(&order.at(&server)).await;
        let expected = [
            ("azure-devops-trigger", "SUCCEEDED"),
            ("ado-stage-s1", "SUCCEEDED"),
            ("ado-stage-s2", "SUCCEEDED"),
        ];
        assert_eq!(run.statuses(), expected.map(|(id, status)| (id.to_owned(), status.to_owned())));
        assert_eq!(run.text("ado-stage-s2", "displayName"), "Stage: Press");
        assert_eq!(run.text("ado-stage-s2", "systemMessage"), "Job Press it: succeeded\n");
        let source = &run.sources[crate::runner::RUNNER_UUID];
        assert!(source["externalRunUrl"].as_str().unwrap().contains("buildId=70"), "{source}");
        let body = azure.book().runs.last().unwrap().body.clone();
        // The environment is not for parameters.
        let parameters = json!({
            "name": "pear", "count": "3", "password": "hunter2-hunter2", "MESHSTACK_BEHAVIOR": behavior,
        });
        assert_eq!(body["templateParameters"], parameters);
        let on = &body["resources"]["repositories"]["self"]["refName"];
        assert_eq!(on.as_str(), branch.map(|_| "refs/heads/main"));
        no_secret_is_told(&run, &runner.work_dir, &[TOKEN]);
    }
    runner.stop().await;
}

#[tokio::test]
async fn whatever_is_no_success_fails_the_run() {
    let (server, azure) = (StandIn::start().await, Served::azure().await);
    let runner = quick_runner(&server);
    for result in ["failed", "canceled", "unknown"] {
        azure.book().ends = Some(result);
        let run = server.failure_of(&pipeline("APPLY", &azure).at(&server)).await;
        let told = format!("The Azure DevOps pipeline ended with `{result}`");
        assert_eq!(run.text("azure-devops-trigger", "userMessage"), told);
        assert_eq!(run.text("ado-stage-s2", "status"), "FAILED");
    }
    runner.stop().await;
}

#[tokio::test]
async fn a_pipeline_that_reports_by_itself_is_left_alone() {
    let (server, azure) = (StandIn::start().await, Served::azure().await);
    let runner = quick_runner(&server);
    let uuid = pipeline("APPLY", &azure).set("async", true).at(&server);
    let done = |run: &RunRecord| run.steps.iter().any(|step| step["status"] == "SUCCEEDED");
    let run = server.until(&uuid, "handed over", done).await;
    assert_eq!(status(&run), "IN_PROGRESS");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(azure.asked("/timeline"), 0);
    runner.stop().await;
}

#[tokio::test]
async fn refusals_and_limits_are_told_apart() {
    let (server, azure) = (StandIn::start().await, Served::azure().await);
    let runner = quick_runner(&server);
    let order = || pipeline("APPLY", &azure);
    for (order, told) in [
        (
            order().set("personalAccessToken", sealed("expired-expired")),
            "the personal access token is not valid",
        ),
        (order().set("pipelineId", "99"), "answered 404: Pipeline 99 does not exist."),
        (order().input("unheard", "STRING", "of"), "answered 400: Unexpected parameter 'unheard'"),
        (order().set("refName", "gone"), "Could not find branch"),
    ] {
        let run = server.failure_of(&order.at(&server)).await;
        let message = run.text("azure-devops-trigger", "userMessage");
        assert_eq!(message, "The Azure DevOps pipeline could not be started");
        let log = run.text("azure-devops-trigger", "systemMessage");
        assert!(log.contains(told), "{log}");
        no_secret_is_told(&run, &runner.work_dir, &[TOKEN, "expired-expired"]);
    }
    for (status, body) in [(401, ""), (403, r#"{"message":"TF400813: not authorized"}"#)] {
        azure.refuses("POST", status, &[], body);
        server.failure_of(&order().at(&server)).await;
    }
    assert!(azure.book().runs.is_empty());
    azure.refuses("POST", 429, &[("retry-after", "1")], "");
    azure.refuses("/timeline", 503, &[], "");
    server.success_of(&order().at(&server)).await;
    assert_eq!(azure.book().runs.len(), 1);
    runner.stop().await;
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_by_the_block_it_is_for() {
    let (server, azure) = (StandIn::start().await, Served::azure().await);
    let runner = quick_runner(&server);
    let order = pipeline("APPLY", &azure);
    let block = order.block();
    azure.mishap("POST", Mishap::LosesReply);
    let run = server.success_of(&order.input("block", "STRING", block).at(&server)).await;
    assert_eq!(run.sources[crate::runner::RUNNER_UUID]["externalRunId"], "700");
    assert_eq!(azure.book().runs.len(), 1);

    // Without a mark it could be anybody's.
    azure.mishap("POST", Mishap::LosesReply);
    let run = server.failure_of(&pipeline("APPLY", &azure).at(&server)).await;
    let message = run.text("azure-devops-trigger", "userMessage");
    assert!(
        message.starts_with("It is not known whether the Azure DevOps pipeline was started"),
        "{message}"
    );
    assert_eq!(azure.book().runs.len(), 2);
    assert_eq!(azure.asked("POST"), 2);
    runner.stop().await;
}

#[tokio::test]
async fn an_abort_cancels_the_pipeline() {
    let (server, azure) = (StandIn::start().await, Served::azure().await);
    azure.book().ends = None;
    let runner = quick_runner(&server);
    let uuid = pipeline("APPLY", &azure).at(&server);
    server.until(&uuid, "at work", |run| run.steps.iter().any(|step| step["id"] == "ado-stage-s2")).await;
    server.abort(&uuid);
    azure.until("cancelled", |book| book.cancelled == [700]).await;
    let told = |run: &RunRecord| run.steps.iter().any(|step| step["status"] == "ABORTED");
    assert_eq!(status(&server.until(&uuid, "told", told).await), "ABORTED");
    runner.stop().await;
}
