//! What is told, when, and that it arrives.

use std::time::Duration;

use serde_json::Value;

use super::origin::Origin;
use super::runner::{Order, Runner, eventually};
use super::stand_in::{RunRecord, StandIn};

fn slow() -> Origin {
    Origin::with(&[(
        "main.tf",
        "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"echo first line; sleep 3; echo second line; sleep 1\"\n  }\n}\n",
    )])
}

fn log(report: &Value) -> String {
    let steps = report["steps"].as_array().into_iter().flatten();
    steps
        .filter(|step| step["id"] == "execute_tf")
        .filter_map(|step| step["systemMessage"].as_str())
        .collect()
}

#[tokio::test]
async fn lines_are_reported_while_they_happen() {
    let gates = tempfile::tempdir().unwrap();
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let open = |gate: &str| std::fs::write(gates.path().join(gate), "").unwrap();
    let wait = |gate: &str| format!("while [ ! -e {}/{gate} ]; do sleep 0.1; done", gates.path().display());
    let command = format!("echo first line; {}; echo second line; {}", wait("one"), wait("two"));
    let module = format!(
        "resource \"terraform_data\" \"x\" {{\n  provisioner \"local-exec\" {{\n    command = \"{command}\"\n  }}\n}}\n"
    );
    let origin = Origin::with(&[("main.tf", &module)]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let says = |report: &Value, text: &str| log(report).contains(&format!("(local-exec): {text} line"));
    let told = |run: &RunRecord, text: &str| run.reports.iter().position(|(_, report)| says(report, text));
    let run = server.until(&uuid, "the first line", |run| told(run, "first").is_some()).await;
    assert_eq!(told(&run, "second"), None);
    // Silence is broken by signs of life.
    let first = told(&run, "first").unwrap();
    let signs = |run: &RunRecord| {
        let since = run.reports[first + 1..].iter();
        since.filter(|(_, report)| report["status"] == "IN_PROGRESS").count()
    };
    server.until(&uuid, "three signs of life", |run| signs(run) >= 3).await;
    open("one");
    let run = server.until(&uuid, "the second line", |run| told(run, "second").is_some()).await;
    assert!(!run.is_final());
    open("two");
    server.success_of(&uuid).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_chatty_run_is_told_in_bounded_size() {
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "")]);
    let script = "for i in $(seq 200000); do echo line number $i; done; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end";
    let uuid = Order::of("APPLY", &origin.url()).set("preRunScript", script).at(&server);
    let run = server.success_of(&uuid).await;
    let log = run.text("pre_run_script", "systemMessage");
    assert!(log.starts_with("line number 1\n"));
    assert!(log.ends_with("the end\n"));
    assert!(log.contains("lines left out"));
    assert!(run.reports.iter().all(|(_, report)| report.to_string().len() < 400_000));
    runner.stop().await;
}

#[tokio::test]
async fn the_end_of_a_run_survives_an_outage_and_a_restart() {
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.shutdown_grace = Duration::from_mins(5));
    let origin = slow();
    let uuid = Order::of("APPLY", &origin.url()).set("useMeshHttpBackendFallback", false).at(&server);
    server
        .until(&uuid, "at work", |run| {
            run.reports.iter().any(|(_, report)| log(report).contains("first line"))
        })
        .await;
    server.book().is_down = true;
    let work_dir = runner.stop_and_leave().await;
    assert!(!server.run(&uuid).is_final());
    server.book().is_down = false;
    let runner = Runner::start_in(&server, work_dir.clone(), |_| {});
    let run = server.success_of(&uuid).await;
    assert!(log(&run.reports.last().unwrap().1).contains("second line"));
    let kept = || std::fs::read_dir(work_dir.join("reports")).unwrap().count();
    eventually("nothing is kept any more", || kept() == 0).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_runner_that_died_tells_about_its_runs_when_it_is_back() {
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("pid");
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let script = format!("setsid bash -c 'echo $$ > {0}; exec sleep 600' & sleep 600", note.display());
    let origin = Origin::with(&[("main.tf", "")]);
    let uuid = Order::of("APPLY", &origin.url()).set("preRunScript", script).at(&server);
    server.until(&uuid, "at work", |_| std::fs::read_to_string(&note).is_ok_and(|pid| !pid.is_empty())).await;
    let work_dir = runner.kill().await;
    assert!(!server.run(&uuid).is_final());
    let runner = Runner::start_in(&server, work_dir, |_| {});
    let run = server.failure_of(&uuid).await;
    assert_eq!(run.summary.as_deref(), Some("The runner stopped while it worked on this run"));
    let message = run.text("pre_run_script", "userMessage");
    assert_eq!(message, "The runner stopped while it worked on this step. Please start the run again");
    assert_eq!(run.text("init_tf", "status"), "SUCCEEDED");
    super::runner::gone(&std::fs::read_to_string(&note).unwrap()).await;
    runner.stop().await;
}

#[tokio::test]
async fn a_report_that_the_server_finds_wrong_still_ends_the_run() {
    let server = StandIn::start().await;
    server.book().refuses_outputs = true;
    let runner = Runner::start(&server);
    let origin = Origin::with(&[("main.tf", "output \"x\" { value = 1 }\n")]);
    let uuid = Order::of("APPLY", &origin.url()).at(&server);
    let run = server.failure_of(&uuid).await;
    let summary = "The server refused the report of this run: outputs are not wanted today";
    assert_eq!(run.summary.as_deref(), Some(summary));
    runner.stop().await;
}
