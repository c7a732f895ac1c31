//! Refusals, limits and slow days of GitHub; the other systems share the ways of dealing with them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{no_secret_is_told, quick, quick_runner, soon_at_its_end, workflow};
use crate::runner::{Runner, sealed};
use crate::stand_in::StandIn;
use crate::systems::github::app_pem;
use crate::systems::{Mishap, Served};

const NOT_STARTED: &str = "The GitHub workflow could not be started";

#[tokio::test]
async fn refusals_fail_the_run_and_say_more_to_operators_than_to_consumers() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    for (order, told) in [
        (
            workflow("APPLY", &github).set("appId", "12"),
            "answered 401: A JSON web token could not be decoded",
        ),
        (
            workflow("APPLY", &github).set("repository", "nowhere"),
            "is the GitHub App installed for fruit/nowhere?",
        ),
        (workflow("APPLY", &github).set("applyWorkflow", "other.yml"), "answered 404: Not Found"),
        (workflow("APPLY", &github).set("branch", "gone"), "answered 422: No ref found for: gone"),
    ] {
        let run = server.failure_of(&order.at(&server)).await;
        assert_eq!(run.text("gh-trigger", "userMessage"), NOT_STARTED);
        let log = run.text("gh-trigger", "systemMessage");
        assert!(log.contains(told), "{log}");
        no_secret_is_told(&run, &runner.work_dir, &[]);
    }
    github.refuses("/dispatches", 403, &[], r#"{"message":"Resource not accessible by integration"}"#);
    let run = server.failure_of(&workflow("APPLY", &github).at(&server)).await;
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("answered 403: Resource not accessible by integration"), "{log}");
    assert!(github.book().dispatches.is_empty());
    runner.stop().await;
}

#[tokio::test]
async fn keys_that_are_none_are_refused_without_a_word_of_them() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    let broken = app_pem().replace("MII", "AAA");
    for (key, told) in [
        (sealed(&broken), "the key of the GitHub App is not an RSA key in PEM"),
        (sealed("no key at all, but a secret"), "the key of the GitHub App is not an RSA key in PEM"),
        (
            "c2VhbGVkIGZvciBzb21lYm9keSBlbHNl".to_owned(),
            "cannot be read by this runner. Please enter it again",
        ),
    ] {
        let run = server.failure_of(&workflow("APPLY", &github).set("appPem", key).at(&server)).await;
        let message = run.text("gh-trigger", "userMessage");
        assert!(message.contains(told), "{message}");
        no_secret_is_told(&run, &runner.work_dir, &["no key at all"]);
    }
    assert_eq!(github.asked(""), 0);
    runner.stop().await;
}

#[tokio::test]
async fn limits_are_waited_for() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    let started = Instant::now();
    let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 2;
    let (reset, limit) =
        (reset.to_string(), r#"{"message":"API rate limit exceeded for installation ID 88."}"#);
    github.refuses("/dispatches", 429, &[("retry-after", "1")], r#"{"message":"slow down"}"#);
    github.refuses(
        "/dispatches",
        403,
        &[("retry-after", "1")],
        r#"{"message":"You have exceeded a secondary rate limit"}"#,
    );
    github.refuses(
        "/installation",
        403,
        &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)],
        limit,
    );
    github.refuses("/actions/runs/", 429, &[("retry-after", "1")], "");
    let run = server.success_of(&workflow("APPLY", &github).at(&server)).await;
    assert_eq!(github.book().dispatches.len(), 1);
    assert_eq!(github.asked("/dispatches"), 3);
    assert!(started.elapsed() > Duration::from_millis(3500), "{:?}", started.elapsed());
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("Not yet started: asked too often, for one second from now"), "{log}");
    // Nobody waits longer than the run may take.
    github.refuses("/dispatches", 429, &[("retry-after", "3600")], "");
    let run = server.failure_of(&workflow("APPLY", &github).at(&server)).await;
    assert_eq!(run.text("gh-trigger", "userMessage"), NOT_STARTED);
    assert_eq!(github.book().dispatches.len(), 1);
    runner.stop().await;
}

#[tokio::test]
async fn late_answers_and_bad_hours_are_survived() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = quick_runner(&server);
    github.refuses("/installation", 502, &[], "<html>Bad Gateway</html>");
    github.mishap("GET /repos/fruit/press/actions/workflows", Mishap::LosesReply);
    github.mishap("/dispatches", Mishap::AnswersLate(Duration::from_secs(1)));
    for mishap in [
        Mishap::LosesReply,
        Mishap::Says(503, Vec::new(), "down".to_owned()),
        Mishap::Says(200, Vec::new(), "{ not JSON".to_owned()),
        Mishap::AnswersLate(Duration::from_millis(500)),
    ] {
        github.mishap("/actions/runs/", mishap);
    }
    server.success_of(&workflow("APPLY", &github).at(&server)).await;
    assert_eq!(github.book().dispatches.len(), 1);
    runner.stop().await;
}

#[tokio::test]
async fn a_token_that_is_taken_back_is_renewed() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().ends = None;
    let runner = quick_runner(&server);
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("looked at", |book| book.runs.iter().any(|run| run.status == "in_progress")).await;
    {
        let mut book = github.book();
        book.tokens.clear();
        book.end("success");
    }
    server.success_of(&uuid).await;
    assert_eq!(github.asked("/access_tokens"), 2);
    runner.stop().await;
}

#[tokio::test]
async fn a_system_that_is_not_there_is_tried_for_a_while() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let runner = Runner::start_with(&server, soon_at_its_end);
    // Nobody is given this port by the system, so nobody is there.
    let order = workflow("APPLY", &github).set("githubBaseUrl", "http://127.0.0.1:1");
    let run = server.failure_of(&order.at(&server)).await;
    assert_eq!(run.text("gh-trigger", "userMessage"), NOT_STARTED);
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("Trying again") && log.contains("127.0.0.1 cannot be reached"), "{log}");
    let order = workflow("APPLY", &github).set("githubBaseUrl", "file:///etc/passwd");
    let run = server.failure_of(&order.at(&server)).await;
    assert!(run.text("gh-trigger", "userMessage").contains("must begin with http:// or https://"));
    runner.stop().await;
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    let thief = Served::github().await;
    let runner = quick_runner(&server);
    let address = format!("{}/repos/fruit/press/installation", thief.url);
    github.refuses("/installation", 301, &[("location", &address)], r#"{"message":"Moved Permanently"}"#);
    let run = server.failure_of(&workflow("APPLY", &github).at(&server)).await;
    let log = run.text("gh-trigger", "systemMessage");
    assert!(log.contains("answered 301: Moved Permanently"), "{log}");
    assert_eq!(thief.asked(""), 0);
    runner.stop().await;
}

#[tokio::test]
async fn a_run_that_is_gone_from_github_ends_here_too() {
    let (server, github) = (StandIn::start().await, Served::github().await);
    github.book().ends = None;
    let runner = Runner::start_with(&server, quick);
    let uuid = workflow("APPLY", &github).at(&server);
    github.until("looked at", |book| book.runs.iter().any(|run| run.status == "in_progress")).await;
    github.book().runs.clear();
    let run = server.failure_of(&uuid).await;
    let told = "The GitHub workflow was started, but how it goes on cannot be read any more";
    assert_eq!(run.text("gh-trigger", "userMessage"), told);
    runner.stop().await;
}
