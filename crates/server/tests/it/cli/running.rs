//! A runner process made by `stoa runner init` executes OpenTofu from a git repository, followed from the command
//! line.

use super::{Desk, is_private};
use crate::process::stoa;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const GREETING: &str = r#"
variable "name" { type = string }
variable "password" {
  type      = string
  sensitive = true
}
resource "terraform_data" "greeting" {
  input = "hello ${var.name}"
  provisioner "local-exec" {
    command = "echo greeting ${self.input}"
  }
}
output "greeting" { value = terraform_data.greeting.output }
output "secret" {
  value     = var.password
  sensitive = true
}
"#;

const SLOW: &str = r#"
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo it begins; sleep 600" }
}
"#;

const BROKEN: &str = r#"
resource "terraform_data" "broken" {
  provisioner "local-exec" { command = "echo it breaks; exit 3" }
}
"#;

/// A runner process, ended with the test.
struct RunnerProcess(Child);

impl Drop for RunnerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity =
        ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.args(identity).args(arguments).current_dir(folder).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "git {arguments:?}");
}

/// A repository with the modules of these tests.
fn repository(desk: &Desk) -> PathBuf {
    let folder = desk.home.path().join("repository");
    for (name, module) in [("greeting", GREETING), ("slow", SLOW), ("broken", BROKEN)] {
        desk.file(&format!("repository/{name}/main.tf"), module);
    }
    git(&folder, &["init", "--quiet", "--initial-branch=main"]);
    git(&folder, &["add", "--all"]);
    git(&folder, &["commit", "--quiet", "--message", "Modules"]);
    folder
}

fn version(definition: &str, repository: &Path, path: &str, runner: &str, rest: &str) -> String {
    format!(
        "
kind: meshBuildingBlockDefinition
metadata: {{ ownedByWorkspace: demo-partner }}
spec: {{ displayName: {definition}, description: For tests, runTransparency: true }}
---
kind: meshBuildingBlockDefinitionVersion
metadata: {{ ownedByWorkspace: demo-partner }}
spec:
  buildingBlockDefinitionRef: {{ kind: meshBuildingBlockDefinition, name: {definition} }}
  state: RELEASED
  onlyApplyOncePerTenant: false
  deletionMode: DELETE
  runnerRef: {{ kind: meshBuildingBlockRunner, uuid: {runner} }}
  implementation:
    type: terraform
    terraform:
      terraformVersion: 1.6.2
      repositoryUrl: {}
      repositoryPath: {path}
      refName: main
      async: false
      useMeshHttpBackendFallback: true
{rest}",
        repository.display()
    )
}

const INPUTS: &str = "
  inputs:
    name:
      displayName: Name
      type: STRING
      assignmentType: USER_INPUT
      isEnvironment: false
      isSensitive: false
      updateableByConsumer: true
    password:
      displayName: Password
      type: STRING
      assignmentType: USER_INPUT
      isEnvironment: false
      isSensitive: true
      updateableByConsumer: true
  outputs:
    greeting: { displayName: Greeting, type: STRING, assignmentType: NONE }
    secret: { displayName: Secret, type: STRING, assignmentType: NONE }
";

/// Registers a runner and starts it.
fn runner(desk: &Desk) -> (RunnerProcess, String) {
    let made = desk.says(&[
        "runner",
        "init",
        "--workspace",
        "demo-partner",
        "--name",
        "Ours",
        "--config",
        "runner.toml",
    ]);
    assert!(made.with(0).out.contains("is registered"));
    let file = desk.home.path().join("runner.toml");
    is_private(&file);
    let again = desk.says(&[
        "runner",
        "init",
        "--workspace",
        "demo-partner",
        "--name",
        "Ours",
        "--config",
        "runner.toml",
    ]);
    assert_ne!(again.code, Some(0), "a configuration is never written over: {again:#?}");

    let text = std::fs::read_to_string(&file).unwrap();
    let mut config: toml::Table = text.parse().unwrap();
    let uuid = config["runner_uuid"].as_str().unwrap().to_owned();
    let tofu = std::env::var("STOA_TOFU")
        .expect("set STOA_TOFU to the path of an OpenTofu program; `make test` does");
    config.insert("allow_local_repositories".into(), true.into());
    // Whoever asks for a stop is heard with the next sign of life.
    config.insert("heartbeat_interval_seconds".into(), 0.5.into());
    config["binaries"].as_table_mut().unwrap().insert("default".into(), tofu.into());
    std::fs::write(&file, config.to_string()).unwrap();
    let mut command = stoa();
    command.args(["runner", "run", "--config", "runner.toml"]).current_dir(desk.home.path());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    (RunnerProcess(command.spawn().unwrap()), uuid)
}

#[test]
fn an_order_is_executed_followed_read_and_destroyed() {
    let desk = Desk::new();
    let repository = repository(&desk);
    let (_runner, uuid) = runner(&desk);
    desk.hears(
        &["apply", "-f", "-"],
        "kind: meshWorkspace\nmetadata: {name: shop}\nspec: {displayName: Shop}\n",
    )
    .with(0);
    let offer = version("Greeting", &repository, "greeting", &uuid, INPUTS);
    desk.hears(&["apply", "-f", "-"], &offer).with(0);

    let order = [
        "order",
        "Greeting",
        "-w",
        "shop",
        "-n",
        "Hello",
        "-i",
        "name=world",
        "-i",
        "password=s3cr3t-word",
        "--watch",
        "--logs",
    ];
    let followed = desk.says(&order).with(0);
    for said in ["greeting hello world", "Apply complete!", "OUTPUT", "hello world"] {
        assert!(followed.out.contains(said), "no `{said}` in {followed:#?}");
    }
    let block = desk.block("Hello");
    assert_eq!(block["status"]["status"], "SUCCEEDED");
    assert_eq!(block["status"]["outputs"]["greeting"]["value"], "hello world");

    let runs = desk.says(&["runs", "list", "--block", "Hello", "-o", "json"]).json();
    let run = runs[0]["metadata"]["uuid"].as_str().unwrap();
    assert_eq!(block["status"]["latestRunUuid"], run);
    let logs = desk.says(&["runs", "logs", run]).with(0);
    assert!(logs.out.contains("Apply complete!") && logs.out.contains("(SUCCEEDED)"), "{logs:#?}");
    // Whoever comes late sees it all, and how it ended.
    let watched = desk.says(&["runs", "watch", run, "--logs"]).with(0);
    assert!(watched.out.contains("Apply complete!"), "{watched:#?}");
    let told = desk.says(&["runs", "watch", run, "-o", "json"]).with(0);
    let events: Vec<Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.len() > 2 && events.last().unwrap().to_string().contains("SUCCEEDED"), "{told:#?}");
    for said in [&followed, &logs, &watched, &told] {
        assert!(!format!("{said:?}").contains("s3cr3t-word"), "the secret is told: {said:#?}");
    }

    let deleted = desk.says(&["delete", "block", "Hello", "-w", "shop", "--watch"]).with(0);
    assert!(deleted.out.contains("Destroy") || deleted.out.contains("destroy"), "{deleted:#?}");
    let uuid = block["metadata"]["uuid"].as_str().unwrap();
    let gone = desk.says(&["get", "block", uuid, "-o", "json"]).json();
    assert_eq!(gone["status"]["lifecycle"]["state"], "DELETED");
}

#[test]
fn an_order_is_looked_at_before_it_is_applied() {
    let desk = Desk::new();
    let repository = repository(&desk);
    let (_runner, uuid) = runner(&desk);
    desk.hears(
        &["apply", "-f", "-"],
        "kind: meshWorkspace\nmetadata: {name: shop}\nspec: {displayName: Shop}\n",
    )
    .with(0);
    for (name, path, inputs) in [("Greeting", "greeting", INPUTS), ("Broken", "broken", "")] {
        desk.hears(&["apply", "-f", "-"], &version(name, &repository, path, &uuid, inputs)).with(0);
    }
    let order = |name: &str, greeted: &str| {
        let greeted = format!("name={greeted}");
        let words = ["order", "Greeting", "-w", "shop", "-n", name, "-i", &greeted, "-i", "password=w"];
        desk.says(&[&words[..], &["--dry-run", "--watch", "--logs"]].concat())
    };
    let looked = order("Hello", "world").with(0);
    assert!(looked.out.contains("1 to add") && !looked.out.contains("Apply complete!"), "{looked:#?}");
    assert!(looked.err.contains("--apply-plan"), "{looked:#?}");
    let block = desk.block("Hello");
    assert_eq!(block["status"]["waiting"]["reason"], "PLAN_UNDECIDED");
    let applied = desk.says(&["runs", "start", "Hello", "--apply-plan", "--watch", "--logs"]).with(0);
    assert!(applied.out.contains("greeting hello world"), "{applied:#?}");
    assert_eq!(desk.block("Hello")["status"]["outputs"]["greeting"]["value"], "hello world");

    order("Other", "moon").with(0);
    let other = desk.block("Other")["metadata"]["uuid"].as_str().unwrap().to_owned();
    desk.says(&["delete", "block", "Other", "-w", "shop", "--watch"]).with(0);
    let gone = desk.says(&["get", "block", &other, "-o", "json"]).json();
    assert_eq!(gone["status"]["lifecycle"]["state"], "DELETED");
    assert_eq!(gone["status"]["latestRunUuid"], Value::Null, "nothing was taken down");
}

#[test]
fn a_run_is_stopped_and_a_failure_is_told() {
    let desk = Desk::new();
    let repository = repository(&desk);
    let (_runner, uuid) = runner(&desk);
    desk.hears(
        &["apply", "-f", "-"],
        "kind: meshWorkspace\nmetadata: {name: shop}\nspec: {displayName: Shop}\n",
    )
    .with(0);
    for (name, path) in [("Slow", "slow"), ("Broken", "broken")] {
        desk.hears(&["apply", "-f", "-"], &version(name, &repository, path, &uuid, "")).with(0);
    }
    let ordered = desk.says(&["order", "Slow", "-w", "shop", "-n", "Sleeper", "-o", "json"]).json();
    assert_eq!(ordered["status"]["status"], "PENDING");
    let run = ordered["status"]["latestRunUuid"].as_str().unwrap().to_owned();

    let failed = desk.says(&["order", "Broken", "-w", "shop", "-n", "Wreck", "--watch", "--logs"]);
    assert!(failed.out.contains("it breaks"), "{failed:#?}");
    failed.fails(1, "failed");
    assert_eq!(desk.block("Wreck")["status"]["status"], "FAILED");

    desk.until("the slow one is under way", |desk| {
        desk.says(&["runs", "logs", &run]).with(0).out.contains("it begins")
    });
    let asked = desk.says(&["runs", "abort", &run]).with(0);
    assert!(asked.err.contains("will be aborted"), "{asked:#?}");
    desk.says(&["runs", "watch", &run]).fails(1, "aborted");
    assert_eq!(desk.block("Sleeper")["status"]["status"], "ABORTED");
    let waited = desk.says(&["order", "Slow", "-w", "shop", "-n", "Again", "--wait", "--timeout", "1s"]);
    waited.fails(75, "not over after 1s");
    let run = desk.block("Again")["status"]["latestRunUuid"].as_str().unwrap().to_owned();
    desk.says(&["runs", "abort", &run]).with(0);
    desk.says(&["runs", "watch", &run]).with(1);
}
