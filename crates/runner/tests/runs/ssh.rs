//! Sources over ssh: the key and the known host of the definition reach the ssh program, and nobody else.
//!
//! A script stands in for `ssh`. It is found through `PATH`, so the test starts itself once more with another one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use super::origin::Origin;
use super::runner::{Order, Runner, sealed};
use super::stand_in::StandIn;

/// Set in the second start: where the stand-in for ssh writes what it got.
const SECOND_START: &str = "STOA_TEST_SSH_NOTES";

/// Writes down its arguments, the key and the known hosts, then does locally what the other side would do.
const SSH: &str = r#"#!/bin/bash
notes=@NOTES@
printf '%s\n' "$@" > "$notes/arguments"
for word in "$@"; do
  case $word in UserKnownHostsFile=*) cat "${word#*=}" > "$notes/known_hosts" ;; esac
done
while [ $# -gt 0 ]; do
  [ "$1" = -i ] && { cat "$2" > "$notes/key"; stat -c %a "$2" > "$notes/mode"; }
  last=$1; shift
done
exec sh -c "$last"
"#;

#[test]
fn the_key_and_the_host_of_the_definition_are_used() {
    if let Some(notes) = std::env::var_os(SECOND_START) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(fetch_over_ssh(notes.to_str().unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes with 'quotes'");
    fs::create_dir(&notes).unwrap();
    let ssh = folder.path().join("ssh");
    let quoted = format!("'{}'", notes.to_str().unwrap().replace('\'', r"'\''"));
    fs::write(&ssh, SSH.replace("@NOTES@", &quoted)).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ssh::the_key_and_the_host_of_the_definition_are_used", "--nocapture"])
        .env("PATH", path)
        .env(SECOND_START, &notes)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn fetch_over_ssh(notes: &str) {
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| {
        config.allow_local_repositories = false;
        config.work_dir.push("it's here");
    });
    let origin = Origin::with(&[("main.tf", "output \"from\" { value = \"ssh\" }")]);
    let uuid = Order::of("APPLY", &format!("git@git.example.org:{}", origin.path().display()))
        .set("sshPrivateKey", sealed("PRIVATE KEY LINES\n"))
        .set(
            "knownHost",
            json!({ "host": "git.example.org", "keyType": "ssh-ed25519", "keyValue": "AAAAC3" }),
        )
        .at(&server);
    let run = server.success_of(&uuid).await;
    assert_eq!(run.outputs["from"]["value"], "ssh");
    let note = |name: &str| fs::read_to_string(format!("{notes}/{name}")).unwrap();
    assert_eq!(note("key"), "PRIVATE KEY LINES\n");
    assert_eq!(note("mode"), "600\n");
    assert_eq!(note("known_hosts"), "git.example.org ssh-ed25519 AAAAC3\n");
    assert!(note("arguments").contains("StrictHostKeyChecking=yes\n"));
    assert!(note("arguments").contains("\ngit@git.example.org\n"));
    runner.stop().await;
}
