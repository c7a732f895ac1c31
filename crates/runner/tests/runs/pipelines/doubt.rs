//! Starts of which nobody knows whether they happened: never a second one, always an end.

use std::time::Duration;

use serde_json::json;

use super::{quick, quick_runner, soon_at_its_end, status, workflow};
use crate::runner::Runner;
use crate::stand_in::{RunRecord, StandIn};
use crate::systems::{Mishap, Served};

const NOT_KNOWN: &str = "It is not known whether the GitHub workflow was started, so it was not started a second time. Please let its operators look before you start the run again";

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_by_its_title() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().appears_after = Duration::from_millis(700);
    github.book().other_run("Press e0b7c1fa-0000-4000-8000-1f0b1f6f9d77", "stoa-test[bot]");
    let runner = quick_runner(&server);
    github.mishap("/dispatches", Mishap::LosesReply);
    let run = server.success_of(&workflow("APPLY", &github).at(&server)).await;
    assert_eq!(github.book().dispatches.len(), 1);
    assert_eq!(run.sources[crate::runner::RUNNER_UUID]["externalRunId"], "9000000001");
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("Whether it started is not known: no answer from 127.0.0.1"), "{log}");
    runner.stop().await;
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_not_repeated_when_it_cannot_be_told_from_others() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().titles_runs = false;
    let runner = Runner::start_with(&server, soon_at_its_end);
    for mishap in [
        Mishap::LosesReply,
        Mishap::LosesRequest,
        Mishap::Says(500, Vec::new(), r#"{"message":"Server Error"}"#.to_owned()),
    ] {
        let before = github.asked("/dispatches");
        github.mishap("/dispatches", mishap);
        let run = server.failure_of(&workflow("APPLY", &github).at(&server)).await;
        assert_eq!(run.text("gh-trigger", "userMessage"), NOT_KNOWN);
        let log = run.text("gh-trigger", "systemMessage");
        assert!(
            log.contains("No run of apply.yml of fruit/press on main that can be told to be ours"),
            "{log}"
        );
        assert_eq!(github.asked("/dispatches"), before + 1);
    }
    assert_eq!(github.book().dispatches.len(), 1, "only the first of the three happened");
    runner.stop().await;
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_known_by_what_the_workflow_reports() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().titles_runs = false;
    let runner = quick_runner(&server);
    for is_async in [true, false] {
        github.mishap("/dispatches", Mishap::LosesReply);
        let before = github.book().dispatches.len();
        let uuid = workflow("APPLY", &github).set("async", is_async).at(&server);
        github.until("dispatched", |book| book.dispatches.len() > before).await;
        let id = github.book().runs.last().unwrap().id;
        // As `actions-register-source` does.
        server.registers(&uuid, json!({ "id": "github", "externalRunId": id.to_string() }));
        let run = if is_async {
            let done = |run: &RunRecord| run.steps.iter().any(|step| step["status"] == "SUCCEEDED");
            server.until(&uuid, "handed over", done).await
        } else {
            server.success_of(&uuid).await
        };
        assert_eq!(run.sources[crate::runner::RUNNER_UUID]["externalRunId"], id.to_string());
        assert_eq!(github.book().dispatches.len(), before + 1);
    }
    runner.stop().await;
}

#[tokio::test]
async fn the_workflow_of_an_earlier_attempt_is_not_taken_for_the_one_in_doubt() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().titles_runs = false;
    github.book().other_run("Press", "stoa-test[bot]");
    let runner = Runner::start_with(&server, soon_at_its_end);
    github.mishap("/dispatches", Mishap::LosesReply);
    let uuid = workflow("APPLY", &github).at(&server);
    server.registers(&uuid, json!({ "id": "github", "externalRunId": "9000000000" }));
    let run = server.failure_of(&uuid).await;
    assert_eq!(run.text("gh-trigger", "userMessage"), NOT_KNOWN);
    runner.stop().await;
}

#[tokio::test]
async fn an_enterprise_server_tells_nothing_and_the_run_is_found_late() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    {
        let mut book = github.book();
        (book.tells_runs, book.titles_runs) = (false, false);
        book.other_run("Press", "stoa-test[bot]");
        book.appears_after = Duration::from_millis(800);
    }
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("dispatched", |book| !book.dispatches.is_empty()).await;
    {
        // Other people's runs appear meanwhile.
        let mut book = github.book();
        book.appears_after = Duration::ZERO;
        book.other_run("Press", "somebody");
        book.other_run("Press e0b7c1fa-0000-4000-8000-1f0b1f6f9d77", "stoa-test[bot]");
    }
    let run = server.success_of(&uuid).await;
    assert_eq!(run.sources[crate::runner::RUNNER_UUID]["externalRunId"], "9000000001");
    assert_eq!(github.book().dispatches.len(), 1);
    assert_eq!(github.asked("/dispatches"), 2, "the first was refused for a word that it does not know");
    // Who reports by itself need not be found.
    let before = github.asked("GET /repos/fruit/press/actions/workflows");
    let uuid = workflow("APPLY", &github).set("async", true).at(&server);
    let done = |run: &RunRecord| run.steps.iter().any(|step| step["status"] == "SUCCEEDED");
    assert_eq!(status(&server.until(&uuid, "handed over", done).await), "IN_PROGRESS");
    assert_eq!(github.asked("GET /repos/fruit/press/actions/workflows"), before + 1);
    runner.stop().await;
}

#[tokio::test]
async fn two_runs_that_could_be_ours_are_none() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    {
        let mut book = github.book();
        (book.tells_runs, book.titles_runs) = (false, false);
    }
    let runner = Runner::start_with(&server, soon_at_its_end);
    // The first is refused for a word that it does not know.
    github.mishap("/dispatches", Mishap::AnswersLate(Duration::ZERO));
    github.mishap("/dispatches", Mishap::AnswersLate(Duration::from_secs(5)));
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("dispatched", |book| !book.dispatches.is_empty()).await;
    github.book().other_run("Press", "stoa-test[bot]");
    let run = server.failure_of(&uuid).await;
    let told = "The GitHub workflow was started, but which of its runs it is cannot be told";
    assert_eq!(run.text("gh-trigger", "userMessage"), told);
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("2 runs of apply.yml of fruit/press on main could be the one"), "{log}");
    runner.stop().await;
}

#[tokio::test]
async fn runs_of_one_workflow_that_start_together_are_told_apart() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    {
        let mut book = github.book();
        (book.tells_runs, book.titles_runs) = (false, false);
        book.appears_after = Duration::from_millis(200);
    }
    let runner = quick_runner(&server);
    let uuids: Vec<String> = (0..4).map(|_| workflow("APPLY", &github).at(&server)).collect();
    let mut found = Vec::new();
    for (place, uuid) in uuids.iter().enumerate() {
        let run = server.success_of(uuid).await;
        let id: usize =
            run.sources[crate::runner::RUNNER_UUID]["externalRunId"].as_str().unwrap().parse().unwrap();
        let (_, body) = &github.book().dispatches[id - 9_000_000_000];
        let address = body["inputs"]["buildingBlockRunUrl"].as_str().unwrap();
        assert!(address.ends_with(uuid), "run {place} follows the run of {address}");
        found.push(id);
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 4);
    runner.stop().await;
}

#[tokio::test]
async fn a_runner_that_dies_while_it_starts_a_workflow_finds_it_again() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    github.mishap("/dispatches", Mishap::AnswersLate(Duration::from_mins(1)));
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("dispatched", |book| !book.dispatches.is_empty()).await;
    let work_dir = runner.kill().await;
    let runner = Runner::start_in(&server, work_dir, quick);
    let run = server.success_of(&uuid).await;
    assert_eq!(github.book().dispatches.len(), 1);
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("The runner stopped while it started the pipeline"), "{log}");
    runner.stop().await;
}

#[tokio::test]
async fn a_runner_that_dies_while_it_starts_a_workflow_starts_no_second_one() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().titles_runs = false;
    let runner = Runner::start_with(&server, soon_at_its_end);
    github.mishap("/dispatches", Mishap::AnswersLate(Duration::from_mins(1)));
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("dispatched", |book| !book.dispatches.is_empty()).await;
    let work_dir = runner.kill().await;
    let runner = Runner::start_in(&server, work_dir, soon_at_its_end);
    let run = server.failure_of(&uuid).await;
    assert_eq!(run.text("gh-trigger", "userMessage"), NOT_KNOWN);
    assert_eq!(github.book().dispatches.len(), 1);
    runner.stop().await;
}

#[tokio::test]
async fn a_runner_that_dies_before_it_starts_a_workflow_starts_it_later() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    github.mishap("/installation", Mishap::AnswersLate(Duration::from_mins(1)));
    let uuid = workflow("APPLY", &github).at(&server);
    while github.asked("/installation") == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let work_dir = runner.kill().await;
    assert_eq!(github.book().dispatches.len(), 0);
    let runner = Runner::start_in(&server, work_dir, quick);
    server.success_of(&uuid).await;
    assert_eq!(github.book().dispatches.len(), 1);
    runner.stop().await;
}

#[tokio::test]
async fn a_workflow_that_an_earlier_claim_started_is_taken_over() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let order = workflow("APPLY", &github).json();
    let uuid = order["metadata"]["uuid"].as_str().unwrap().to_owned();
    github.book().other_run(&format!("Press runs/{uuid}"), "stoa-test[bot]");
    let runner = quick_runner(&server);
    server.queue(order);
    let run = server.success_of(&uuid).await;
    assert!(github.book().dispatches.is_empty());
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("An earlier attempt of this run has started it already"), "{log}");
    runner.stop().await;
}
