//! What the program says of itself: help, manual pages, completions; and the contexts it keeps.

use super::{Desk, is_private};
use crate::process::stoa;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The help of every command, as people reviewed it. `STOA_WRITE_EXPECTED=1` writes it anew.
const HELP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cli/help.txt");

fn said(arguments: &[&str]) -> String {
    let output = stoa().args(arguments).env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that a help text offers.
fn offered(help: &str) -> Vec<String> {
    let commands = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
    let lines = commands.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| *name != "help" && !name.is_empty()).map(str::to_owned).collect()
}

/// The words that lead to every command there is, the program itself first.
fn commands() -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(words) = found.get(next).cloned() {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        for name in offered(&said(&arguments)) {
            found.push([words.clone(), vec![name]].concat());
        }
        next += 1;
    }
    found
}

#[test]
fn help_is_what_was_reviewed() {
    let mut all = String::new();
    for words in commands() {
        // `-h` says it in short: the options for connection and output stand in every command's.
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("-h");
        let help = said(&arguments);
        let help = help.split("\nConnection and output:").next().unwrap();
        writeln!(all, "$ stoa {}\n{}\n", words.join(" "), help.trim_end()).unwrap();
    }
    if std::env::var_os("STOA_WRITE_EXPECTED").is_some() {
        std::fs::write(HELP, &all).unwrap();
    }
    let expected = std::fs::read_to_string(HELP).unwrap_or_default();
    let differs = all.lines().zip(expected.lines()).find(|(now, then)| now != then);
    assert!(
        all == expected,
        "help differs from tests/it/cli/help.txt, first at {differs:?}; if that is meant, write it with STOA_WRITE_EXPECTED=1"
    );
}

#[test]
fn completions_know_every_command_and_are_understood_by_their_shells() {
    let names: BTreeSet<String> = commands().into_iter().filter_map(|words| words.last().cloned()).collect();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&["completions", shell]);
        for name in &names {
            assert!(script.contains(name.as_str()), "{shell} does not know `{name}`");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("stoa.bash");
    std::fs::write(&script, said(&["completions", "bash"])).unwrap();
    let ask = format!(
        "source {}; COMP_WORDS=(stoa state unl); COMP_CWORD=2; _stoa stoa unl state; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let answer = std::process::Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "unlock", "{answer:?}");
    let unknown = stoa().args(["completions", "cmd.exe"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(64));
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let page = said(&["man"]);
    assert!(page.starts_with(".ie") && page.contains(".TH stoa 1"), "{}", &page[..200.min(page.len())]);
    let folder = tempfile::tempdir().unwrap();
    said(&["man", folder.path().to_str().unwrap()]);
    for words in commands() {
        let name = [&["stoa".to_owned()][..], &words].concat().join("-");
        let page = std::fs::read_to_string(folder.path().join(format!("{name}.1")));
        assert!(page.is_ok_and(|page| page.contains(".TH")), "no page of `{name}`");
    }
    let nowhere = stoa().args(["man", "/no/such/folder"]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("/no/such/folder"), "{nowhere:?}");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn contexts_are_listed_chosen_and_forgotten() {
    let desk = Desk::new();
    let key = desk.folder.path().join("admin-key.json");
    let url = desk.server.url.clone();
    desk.says(&["login", &url, "--context", "second", "--key-file", key.to_str().unwrap()]).with(0);
    let listed = desk.says(&["context", "list"]).with(0);
    let marked = |name: &str| listed.out.lines().any(|line| line.starts_with('*') && line.contains(name));
    assert!(listed.out.contains("admin") && marked("second") && !marked("admin"), "{listed:#?}");
    let secret: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&key).unwrap()).unwrap();
    assert!(!listed.out.contains(secret["clientSecret"].as_str().unwrap()));
    let json = desk.says(&["context", "ls", "-o", "json"]).json();
    assert_eq!(json[0]["name"], "admin");
    assert!(!json.to_string().contains(secret["clientSecret"].as_str().unwrap()));

    desk.says(&["context", "use", "admin"]).with(0);
    assert_eq!(desk.says(&["context", "list", "-o", "json"]).json()[0]["current"], true);
    desk.says(&["context", "use", "third"]).fails(78, "there is admin, second");
    desk.says(&["context", "delete", "second", "third"]).fails(78, "no context `third`");
    assert_eq!(desk.says(&["context", "list", "-q"]).with(0).out, "admin\nsecond\n");
    desk.says(&["context", "delete", "admin", "second"]).with(0);
    let none = desk.says(&["context", "list"]).with(0);
    assert!(none.err.contains("no context is stored"), "{none:#?}");
    desk.says(&["list", "workspaces"]).fails(78, "no server is known");
}

#[test]
fn credentials_are_for_their_owner_alone() {
    let desk = Desk::new();
    let folder = desk.home.path().join("settings/stoa");
    let file = folder.join("contexts.toml");
    is_private(&file);
    assert_eq!(mode(&folder), 0o700);
    set_mode(&file, 0o604);
    desk.says(&["list", "workspaces"]).fails(78, "mode 0604");
    desk.says(&["context", "list"]).fails(78, "chmod 600");
    set_mode(&file, 0o600);
    desk.says(&["list", "workspaces"]).with(0);

    let key = desk.home.path().join("key.json");
    std::fs::copy(desk.folder.path().join("admin-key.json"), &key).unwrap();
    set_mode(&key, 0o644);
    desk.says(&["list", "workspaces", "--key-file", key.to_str().unwrap()]).fails(78, "holds credentials");
    set_mode(&key, 0o640);
    desk.says(&["list", "workspaces", "--key-file", key.to_str().unwrap()]).with(0);
    // A folder that others could look into is closed when something is stored.
    set_mode(&folder, 0o755);
    desk.says(&["context", "use", "admin"]).with(0);
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn waiting_says_what_for() {
    let desk = Desk::new();
    let manifest = "
kind: meshWorkspace
metadata: {name: shop}
spec: {displayName: Shop}
---
kind: meshBuildingBlockDefinition
metadata: {ownedByWorkspace: demo-partner}
spec: {displayName: Hand, description: For tests}
---
kind: meshBuildingBlockDefinitionVersion
metadata: {ownedByWorkspace: demo-partner}
spec:
  buildingBlockDefinitionRef: {kind: meshBuildingBlockDefinition, name: Hand}
  state: RELEASED
  onlyApplyOncePerTenant: false
  deletionMode: DELETE
  implementation: {type: terraform, terraform: {terraformVersion: 1.6.2,
    repositoryUrl: 'https://git.example.org/x.git', async: false, useMeshHttpBackendFallback: true}}
  inputs: {}
  outputs: {}
";
    desk.hears(&["apply", "-f", "-"], manifest).with(0);
    let order = ["order", "Hand", "-w", "shop", "-n", "Waits", "--wait", "--timeout", "2s"];
    let waited = desk.says(&order);
    let told: Vec<&str> = waited.err.lines().filter(|line| line.contains("PENDING")).collect();
    assert!(!told.is_empty(), "nothing says what it waits for: {waited:#?}");
    waited.fails(75, "not over after 2s");
    let quiet = desk.says(&["order", "Hand", "-w", "shop", "-n", "Quiet", "--wait", "--timeout", "1s", "-q"]);
    assert_eq!(quiet.err.lines().count(), 1, "{quiet:#?}");
}
