//! What goes wrong has an exit code that says what, and one line that says why.

use super::Desk;
use serde_json::json;

#[test]
fn mistakes_on_the_command_line_are_64() {
    let desk = Desk::new();
    for arguments in [
        &["frobnicate"][..],
        &["get"],
        &["get", "cake", "x"],
        &["order", "x"],
        &["apply"],
        &["list", "workspaces", "--limit", "many"],
        &["delete", "workspace", "shop", "--purge"],
        &["serve", "--no-such-option"],
    ] {
        let said = desk.says(arguments).with(64);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{said:#?}");
    }
    let helped = desk.says(&["--help"]).with(0);
    assert!(helped.out.contains("order") && helped.err.is_empty());
}

#[test]
fn a_server_that_is_not_there_is_69() {
    let desk = Desk::new();
    // Nobody is given this port by the system, so nobody listens there.
    let url = "http://127.0.0.1:1".to_owned();
    desk.says(&["login", &url, "--client-id", "x", "--client-secret", "y"]).fails(69, "no answer from");
    let token = ["--server", &url, "--api-token", "t"];
    for command in [&["list", "workspaces"][..], &["get", "block", "x"], &["openapi"], &["runs", "list"]] {
        desk.says(&[command, &token].concat()).fails(69, "no answer from");
    }
}

#[test]
fn what_a_credential_may_not_do_is_77() {
    let desk = Desk::new();
    let url = desk.server.url.clone();
    let wrong =
        ["--server", &url, "--client-id", "11111111-1111-4111-8111-111111111111", "--client-secret", "no"];
    desk.says(&[&["list", "workspaces"][..], &wrong].concat()).fails(77, "");
    let garbage = ["--server", &url, "--api-token", "garbage"];
    desk.says(&[&["list", "workspaces"][..], &garbage].concat()).fails(77, "");
    let file = desk.home.path().join("weak.json");
    let save = ["--save", file.to_str().unwrap()];
    let create = ["apikey", "create", "-w", "demo-partner", "-n", "weak", "-p", "PROJECT_LIST"];
    desk.says(&[&create[..], &save].concat()).with(0);
    desk.says(&["list", "runs", "--key-file", file.to_str().unwrap()]).fails(77, "BUILDINGBLOCKRUN_LIST");
}

#[test]
fn settings_and_files_that_cannot_be_used_are_78() {
    let desk = Desk::new();
    desk.says(&["list", "workspaces", "--context", "nowhere"]).fails(78, "no context `nowhere`");
    desk.says(&["list", "workspaces", "--key-file", "missing.json"]).fails(78, "missing.json");
    desk.file("bad.json", "{ not json");
    desk.says(&["list", "workspaces", "--key-file", "bad.json"]).fails(78, "bad.json");
    for (manifest, says) in [
        ("kind: meshCake\n", "document 1"),
        ("a: [1", "bad.yaml"),
        ("kind: meshWorkspace\nmetadata: {}\nspec: { displayName: x }\n", "metadata.name"),
    ] {
        desk.file("bad.yaml", manifest);
        desk.says(&["apply", "-f", "bad.yaml"]).fails(78, says);
    }
    desk.says(&["apply", "-f", "nothing.yaml"]).fails(78, "nothing.yaml");
    desk.says(&["runner", "run", "--config", "nothing.toml"]).fails(78, "nothing.toml");
    let settings = desk.file("settings/stoa/contexts.toml", "broken = [");
    desk.says(&["list", "workspaces"]).fails(78, settings.to_str().unwrap());
}

#[test]
fn what_the_server_refuses_is_1_and_what_takes_too_long_is_75() {
    let desk = Desk::new();
    desk.says(&["get", "workspace", "nobody"]).fails(1, "NotFound");
    desk.says(&["delete", "workspace", "nobody"]).fails(1, "NotFound");
    desk.says(&["runs", "logs", "11111111-1111-4111-8111-111111111111"]).fails(1, "NotFound");
    desk.says(&["order", "No such thing", "-w", "demo-partner", "-n", "x"]).fails(1, "No such thing");
    let bad = json!({ "kind": "meshWorkspace", "metadata": { "name": "Not A Name" }, "spec": { "displayName": "x" } });
    desk.hears(&["apply", "-f", "-"], &bad.to_string()).fails(1, "metadata.name");

    // Nobody executes this one.
    let offer = "
kind: meshBuildingBlockDefinition
metadata: { ownedByWorkspace: demo-partner }
spec: { displayName: Slow, description: Nobody executes it }
---
kind: meshBuildingBlockDefinitionVersion
metadata: { ownedByWorkspace: demo-partner }
spec:
  buildingBlockDefinitionRef: { kind: meshBuildingBlockDefinition, name: Slow }
  state: RELEASED
  onlyApplyOncePerTenant: false
  deletionMode: DELETE
  implementation:
    type: terraform
    terraform: { terraformVersion: 1.6.2, repositoryUrl: 'https://git.example.org/x.git', async: false, useMeshHttpBackendFallback: true }
";
    desk.hears(&["apply", "-f", "-"], offer).with(0);
    let order = ["order", "Slow", "-w", "demo-partner", "-n", "x", "--watch", "--timeout", "1s"];
    desk.says(&order).fails(75, "not over after 1s");
    let run = desk.says(&["list", "runs", "-q"]).with(0).out.trim().to_owned();
    // A run that waits for a runner is stopped at once.
    let stopped = desk.says(&["runs", "abort", &run]).with(0);
    assert!(stopped.err.contains("is aborted"), "{stopped:#?}");
    desk.says(&["runs", "watch", &run]).fails(1, "aborted");
    assert!(desk.says(&["runs", "abort", &run]).with(0).err.contains("is aborted"));
}
