//! A server whose disk is full: a small file system of its own, in a mount namespace of its own. Making one takes
//! `unshare` and the right to use it, as root or by user namespaces.

use crate::process::{PROGRAM, Process};
use crate::stoa::{Caller, shared_key};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Room for the server's start and some hundred objects.
const SIZE: &str = "16m";

/// A server whose data folder is a file system of this size, mounted on `at`, where only the server sees it.
fn serve(at: &Path) -> Process {
    let mut command = Command::new("unshare");
    if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        command.args(["--user", "--map-root-user"]);
    }
    let script = format!(
        "mount -t tmpfs -o size={SIZE} none \"$0\" && printf '%s' \"$KEY\" > \"$0/shared-runner.pem\" \
                          && unset KEY && exec \"$@\""
    );
    command.args(["--mount", "sh", "-c", &script]).arg(at);
    command.args([PROGRAM, "serve", "--no-runner", "--listen", "127.0.0.1:0", "--data-dir"]).arg(at);
    command.env("KEY", shared_key().to_pem());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STOA_")) {
        command.env_remove(name);
    }
    command.env("STOA_LOG", "warn,stoa_server=info");
    Process::started(command)
}

/// Writes until nothing more fits.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).unwrap();
    for size in [64 << 10, 1 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

async fn signed_in(url: &str, folder: &Path) -> Caller {
    let key: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("admin-key.json")).unwrap()).unwrap();
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    Caller::nobody(url).login(&text("clientId"), &text("clientSecret")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_of_and_once_there_is_room_all_goes_on() {
    let at = tempfile::tempdir().unwrap();
    let process = serve(at.path());
    // What the server sees there is seen from here through its process.
    let inside = PathBuf::from(format!("/proc/{}/root{}", process.id(), at.path().display()));
    let admin = signed_in(&process.url, &inside).await;
    let make = async |name: &str| {
        let body = json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": "W" } });
        admin.post("meshWorkspace", "", &body).await
    };
    make("before").await.expect(201);
    fill(&inside.join("filler"));

    let (mut made, mut refused) = (vec!["before".to_owned()], 0);
    for number in 0..2000 {
        let name = format!("w{number}");
        let answer = make(&name).await;
        if answer.status == 201 {
            made.push(name);
            continue;
        }
        answer.refused(503, "The server's disk is full, so nothing was changed");
        refused += 1;
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20, "{} were made on a full disk", made.len());
    // Reading goes on.
    let nobody = Caller::nobody(&process.url);
    nobody.raw(reqwest::Method::GET, "/readyz", |request| request).await.expect(200);
    for name in &made {
        admin.get("meshWorkspace", &format!("/{name}")).await.expect(200);
    }

    std::fs::remove_file(inside.join("filler")).unwrap();
    make("after").await.expect(201);
    let found = admin.list("meshWorkspace", "?size=1000").await;
    let names: Vec<&str> = found.iter().filter_map(|found| found["metadata"]["name"].as_str()).collect();
    for name in &made {
        assert!(names.contains(&name.as_str()), "{name} is lost");
    }
    assert_eq!(names.len(), made.len() + 2, "somebody was told no and has it: {names:?}");
    assert_eq!(process.terminate().code(), Some(0));
}
