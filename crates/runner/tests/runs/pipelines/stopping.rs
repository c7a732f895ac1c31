//! Pipelines whose run, or whose runner, is stopped.

use std::time::Duration;

use super::{quick, quick_runner, status, workflow};
use crate::runner::{Runner, eventually};
use crate::stand_in::{RunRecord, StandIn};
use crate::systems::github::GitHub;
use crate::systems::{Mishap, Served};

async fn endless() -> Served<GitHub> {
    let github = Served::github().await;
    github.book().ends = None;
    github
}

async fn is_at_work(github: &Served<GitHub>) {
    github.until("looked at", |book| book.runs.iter().any(|run| run.status == "in_progress")).await;
}

#[tokio::test]
async fn an_abort_cancels_the_workflow() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).at(&server);
    is_at_work(&github).await;
    // Not even a system that has a bad moment gets around it.
    github.mishap("/cancel", Mishap::Says(502, Vec::new(), String::new()));
    server.abort(&uuid);
    github.until("cancelled", |book| book.cancelled.len() == 1).await;
    let told = |run: &RunRecord| run.steps.iter().any(|step| step["status"] == "ABORTED");
    let run = server.until(&uuid, "told", told).await;
    assert_eq!(status(&run), "ABORTED");
    let ends = |status: &str| run.reports.iter().filter(|(_, report)| report["status"] == status).count();
    assert_eq!((ends("FAILED"), ends("SUCCEEDED"), ends("ABORTED")), (0, 0, 0));
    assert!(run.text("gh-trigger", "systemMessage").contains("Asked the system to stop run 9000000000"));
    assert_eq!(run.text("gh-workflow-job-1", "status"), "SUCCEEDED");
    assert_eq!(run.text("gh-workflow-job-2", "status"), "ABORTED");
    // Its place is free again.
    github.book().ends = Some("success");
    server.success_of(&workflow("APPLY", &github).at(&server)).await;
    runner.stop().await;
}

#[tokio::test]
async fn an_abort_during_the_start_cancels_what_was_started() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    github.mishap("/dispatches", Mishap::AnswersLate(Duration::from_secs(2)));
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("dispatched", |book| !book.dispatches.is_empty()).await;
    server.abort(&uuid);
    github.until("cancelled", |book| book.cancelled.len() == 1).await;
    runner.stop().await;
}

#[tokio::test]
async fn an_abort_while_the_start_is_in_doubt_cancels_what_can_be_found() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    github.mishap("/dispatches", Mishap::LosesReply);
    // The search does not see it before the abort is heard.
    github.mishap("GET /repos/fruit/press/actions/workflows", Mishap::AnswersLate(Duration::ZERO));
    github.mishap("GET /repos/fruit/press/actions/workflows", Mishap::AnswersLate(Duration::from_secs(30)));
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("dispatched", |book| !book.dispatches.is_empty()).await;
    server.abort(&uuid);
    github.until("cancelled", |book| book.cancelled.len() == 1).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_workflow_that_takes_too_long_is_cancelled_and_fails_the_run() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = Runner::start_with(&server, |config| {
        quick(config);
        config.pipeline_timeout = Duration::from_secs(15);
    });
    let run = server.failure_of(&workflow("APPLY", &github).at(&server)).await;
    let told = "The GitHub workflow took longer than 15 seconds and was stopped";
    assert_eq!(run.text("gh-trigger", "userMessage"), told);
    assert_eq!(github.book().cancelled, [9_000_000_000]);
    runner.stop().await;
}

#[tokio::test]
async fn a_runner_that_is_shut_down_leaves_the_workflow_to_the_next() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).at(&server);
    is_at_work(&github).await;
    let work_dir = runner.stop_and_leave().await;
    assert_eq!(status(&server.run(&uuid)), "IN_PROGRESS");
    assert!(github.book().cancelled.is_empty());
    github.book().end("success");
    let runner = Runner::start_in(&server, work_dir, quick);
    let run = server.success_of(&uuid).await;
    assert_eq!(github.book().dispatches.len(), 1);
    assert_eq!(run.text("gh-workflow-job-2", "status"), "SUCCEEDED");
    runner.stop().await;
}

#[tokio::test]
async fn a_runner_that_died_goes_on_with_its_workflows() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    let uuids: Vec<String> = (0..6).map(|_| workflow("APPLY", &github).at(&server)).collect();
    // Four at a time: two wait for a place.
    github.until("four started", |book| book.dispatches.len() == 4).await;
    is_at_work(&github).await;
    let work_dir = runner.kill().await;
    {
        let mut book = github.book();
        book.ends = Some("success");
        for run in &mut book.runs {
            (run.status, run.conclusion) = ("completed", Some("success"));
        }
    }
    let runner = Runner::start_in(&server, work_dir, quick);
    for uuid in &uuids {
        server.success_of(uuid).await;
    }
    assert_eq!(github.book().dispatches.len(), 6);
    runner.stop().await;
}

#[tokio::test]
async fn an_abort_while_the_runner_is_down_is_carried_out_later() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).at(&server);
    is_at_work(&github).await;
    let work_dir = runner.kill().await;
    server.abort(&uuid);
    let runner = Runner::start_in(&server, work_dir, quick);
    github.until("cancelled", |book| book.cancelled.len() == 1).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_workflow_whose_run_is_no_longer_ours_goes_on() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).at(&server);
    is_at_work(&github).await;
    server.revoke(&uuid);
    // Its place is free again.
    github.book().ends = Some("success");
    for _ in 0..4 {
        server.success_of(&workflow("APPLY", &github).at(&server)).await;
    }
    let reports = runner.work_dir.join("reports");
    eventually("nothing is kept any more", || std::fs::read_dir(&reports).unwrap().count() == 0).await;
    assert!(github.book().cancelled.is_empty());
    runner.stop().await;
}

#[tokio::test]
async fn a_run_that_is_claimed_again_goes_on_with_the_workflow_it_has() {
    let (server, github) = (StandIn::start().await, endless().await);
    let runner = quick_runner(&server);
    let order = workflow("APPLY", &github).json();
    let uuid = server.queue(order.clone());
    is_at_work(&github).await;
    // The server had lost patience, although the runner was there.
    server.queue(order);
    let goes_on = |run: &RunRecord| {
        run.steps.iter().any(|step| {
            step["id"] == "gh-trigger"
                && step.get("systemMessage").is_some_and(|log| log.to_string().contains("Going on with run"))
        })
    };
    server.until(&uuid, "gone on with", goes_on).await;
    github.book().end("success");
    server.success_of(&uuid).await;
    assert_eq!(github.book().dispatches.len(), 1);
    assert!(github.book().cancelled.is_empty());
    runner.stop().await;
}
