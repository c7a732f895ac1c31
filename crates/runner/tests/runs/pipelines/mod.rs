//! Runs that pipelines of other systems do, with stand-ins of those systems.

mod azure;
mod doubt;
mod github;
mod gitlab;
mod mishaps;
mod stopping;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_runner::Config;

use super::runner::{Order, Runner, sealed};
use super::stand_in::{RunRecord, StandIn};
use super::systems::Served;
use super::systems::github::{APP_ID, BRANCH, GitHub, OWNER, REPOSITORY, app_pem};

/// Waits that fit a test in which what is looked for is there, sooner or later.
fn quick(config: &mut Config) {
    config.pipeline_poll_interval = Duration::from_millis(50);
    config.pipeline_find_timeout = Duration::from_secs(20);
}

/// Waits that fit a test in which it never is.
fn soon_at_its_end(config: &mut Config) {
    quick(config);
    config.pipeline_find_timeout = Duration::from_secs(2);
}

fn quick_runner(server: &StandIn) -> Runner {
    Runner::start_with(server, quick)
}

/// A run of a workflow of the stand-in.
fn workflow(behavior: &str, github: &Served<GitHub>) -> Order {
    Order::with_implementation(
        behavior,
        json!({
            "type": "GITHUB_WORKFLOW", "githubBaseUrl": github.url, "owner": OWNER, "appId": APP_ID,
            "appPem": sealed(&app_pem()), "repository": REPOSITORY, "branch": BRANCH,
            "applyWorkflow": "apply.yml", "destroyWorkflow": "destroy.yml", "async": false,
            "omitRunObjectInput": true,
        }),
    )
    .input("name", "STRING", "pear")
    .sealed_input("password", "STRING", "hunter2-hunter2")
}

/// Nothing secret was said to the server or written to the runner's disk.
fn no_secret_is_told(run: &RunRecord, work_dir: &Path, secrets: &[&str]) {
    let mut texts: Vec<String> = run.reports.iter().map(|(_, report)| report.to_string()).collect();
    for entry in std::fs::read_dir(work_dir.join("reports")).unwrap().flatten() {
        texts.push(std::fs::read_to_string(entry.path()).unwrap());
    }
    let pem = app_pem();
    let line = pem.lines().nth(3).unwrap();
    for text in &texts {
        for secret in secrets.iter().chain(&[line, "hunter2", "ghs_"]) {
            assert!(!text.contains(secret), "{secret} is told: {text}");
        }
    }
}

fn status(run: &RunRecord) -> &str {
    run.status.as_deref().unwrap_or_default()
}

/// An empty object and other values of JSON, by path.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}
