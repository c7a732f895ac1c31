//! How the runner comes to its work.

use std::time::Duration;

use super::origin::Origin;
use super::runner::{Order, RUNNER_UUID, Runner, eventually};
use super::stand_in::StandIn;

async fn claims(server: &StandIn, at_least: usize) {
    eventually(&format!("{at_least} claims"), || server.book().claims >= at_least).await;
}

#[tokio::test]
async fn work_wakes_the_runner_at_once() {
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.poll_interval = Duration::from_mins(10));
    // The first question, and the one after the feed was opened.
    claims(&server, 2).await;
    let origin = Origin::with(&[("main.tf", "")]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    // The next question by itself would come long after the test has lost its patience.
    server.until(&uuid, "registered", |run| !run.registered.is_empty()).await;
    let headers = server.book().claim_headers.clone().unwrap();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-meshcloud-runner-name"), "stoa-runner");
    assert_eq!(header("x-meshcloud-runner-version"), env!("CARGO_PKG_VERSION"));
    assert!(header("x-block-runner-node-id").starts_with(RUNNER_UUID));
    server.success_of(&uuid).await;
    runner.stop().await;
}

#[tokio::test]
async fn without_a_feed_work_is_found_by_asking() {
    let server = StandIn::start().await;
    server.book().has_feed = false;
    let runner = Runner::start_with(&server, |config| config.poll_interval = Duration::from_millis(200));
    claims(&server, 3).await;
    let origin = Origin::with(&[("main.tf", "")]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    server.success_of(&uuid).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_server_that_is_down_is_waited_for() {
    let server = StandIn::start().await;
    server.book().is_down = true;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "")]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.book().is_down = false;
    server.success_of(&uuid).await;
    runner.stop().await;
}

#[tokio::test]
async fn several_runs_are_worked_on_at_once_but_not_too_many() {
    let meeting = tempfile::tempdir().unwrap();
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.parallel = 2);
    // Each waits until both are there: one after the other they would wait forever.
    let module = format!(
        "resource \"terraform_data\" \"x\" {{\n  provisioner \"local-exec\" {{\n    command = \"mktemp {0}/XXXX; while [ $(ls {0} | wc -l) -lt 2 ]; do sleep 0.1; done\"\n  }}\n}}\n",
        meeting.path().display()
    );
    let origin = Origin::with(&[("main.tf", &module)]);
    let both = [(); 2].map(|()| Order::of("APPLY", &origin.url()).at(&server));
    let quick = Origin::with(&[("main.tf", "")]);
    let third = Order::of("APPLY", &quick.url()).at(&server);
    for uuid in both.iter().chain([&third]) {
        server.success_of(uuid).await;
    }
    let end = |uuid: &String| server.run(uuid).reports.last().unwrap().0;
    let start = server.run(&third).reports[0].0;
    assert!(both.iter().any(|uuid| end(uuid) <= start + Duration::from_secs(1)));
    runner.stop().await;
}

#[tokio::test]
async fn one_folder_belongs_to_one_runner() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    claims(&server, 1).await;
    let config = super::runner::config(&server, runner.work_dir.clone());
    let error = stoa_runner::run(config, tokio_util::sync::CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, stoa_runner::RunnerError::WorkDirInUse(_)), "{error}");
    runner.stop().await;
}
