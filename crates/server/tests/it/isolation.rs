//! What a run's programs can reach: not the runner's key, not the server's files, not other runs. The module under test
//! is as hostile as its script can be; the server is the real program with its runner inside.

use crate::patience::until;
use crate::process::{Process, stoa};
use crate::stoa::{Caller, block_body, input, text, version_body};
use serde_json::{Value, json};
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use stoa_db::Engine;
use stoa_db::testing::{TestDatabase, fresh};
use tempfile::TempDir;

/// A server with a runner, and a repository whose only module does nothing.
struct House {
    server: Process,
    admin: Caller,
    folder: TempDir,
    database: TestDatabase,
    repository: TempDir,
}

/// Whether this machine's kernel lets programs like ours make user and mount namespaces.
fn has_namespaces() -> bool {
    let tried = Command::new("unshare").args(["--user", "--map-current-user", "--mount", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Whether it also shows us process namespaces, which takes a `/proc` that nobody has covered in part.
fn has_process_namespaces() -> bool {
    let all = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "true"];
    Command::new("unshare").args(all).output().is_ok_and(|output| output.status.success())
}

/// Whether the kernel bounds the processes of each namespace: since Linux 6.14.
fn bounds_processes() -> bool {
    let version = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = version.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(14))
}

/// Processes whose command line is this one.
fn processes_like(words: &[&str]) -> Vec<String> {
    let wanted: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let like =
        all.filter(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == wanted));
    like.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
    let done = Command::new("git").args(identity).args(arguments).current_dir(folder).status().unwrap();
    assert!(done.success(), "git {arguments:?}");
}

impl House {
    async fn with(options: &[&str]) -> Self {
        let database = fresh(Engine::Sqlite).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let repository = tempfile::tempdir().unwrap();
        std::fs::write(repository.path().join("main.tf"), "output \"done\" { value = \"yes\" }\n").unwrap();
        git(repository.path(), &["init", "--quiet", "--initial-branch=main"]);
        git(repository.path(), &["add", "--all"]);
        git(repository.path(), &["commit", "--quiet", "--message", "A module"]);
        let tofu = std::env::var("STOA_TOFU").expect("set STOA_TOFU to the path of an OpenTofu program");
        let mut all = vec!["--allow-local-repositories", "--tofu", &tofu];
        all.extend(options);
        let server = Process::serve_with(folder.path(), &database.url, &all);
        let admin = server.admin(folder.path()).await;
        let shop = json!({ "metadata": { "name": "shop", "tags": {} }, "spec": { "displayName": "Shop" } });
        admin.create("meshWorkspace", &shop).await;
        Self { server, admin, folder, database, repository }
    }

    /// Orders a block whose pre-run script is this one, with a secret in its environment; its uuid.
    async fn order(&self, script: &str, secret: &str) -> String {
        let owner = "demo-partner";
        let body = json!({
            "metadata": { "ownedByWorkspace": owner },
            "spec": { "displayName": "Hostile", "description": "For tests" },
        });
        let definition = self.admin.create("meshBuildingBlockDefinition", &body).await;
        let version = text(&definition, "/status/latestVersionUuid");
        let mut body = version_body(owner, &text(&definition, "/metadata/uuid"));
        body["spec"]["state"] = json!("RELEASED");
        body["spec"]["inputs"]["CANARY"] = input(json!({ "isEnvironment": true, "isSensitive": true }));
        let terraform = &mut body["spec"]["implementation"]["terraform"];
        terraform["repositoryUrl"] = json!(self.repository.path());
        terraform["preRunScript"] = json!(script);
        self.admin.put("meshBuildingBlockDefinitionVersion", &format!("/{version}"), &body).await.expect(200);
        let secret = json!({ "CANARY": { "value": { "plaintext": secret }, "isSensitive": true } });
        let block = self.admin.create("meshBuildingBlock", &block_body(&version, "shop", secret)).await;
        text(&block, "/metadata/uuid")
    }

    /// The log of the only run of a block, once it has ended.
    async fn told_by(&self, block: &str) -> (Value, String) {
        let ended = |found: &Value| {
            ["SUCCEEDED", "FAILED"].contains(&found["status"]["status"].as_str().unwrap_or_default())
        };
        let block = self.admin.until("meshBuildingBlock", block, ended).await;
        let run = text(&block, "/status/latestRunUuid");
        (block["status"]["status"].clone(), self.admin.logs(&run).await.to_string())
    }

    /// Every place that holds something of the server or the runner.
    fn places(&self) -> Vec<PathBuf> {
        let database = self.database.url.trim_start_matches("sqlite:").trim_start_matches("//");
        let names = ["master.key", "admin-key.json", "shared-runner.pem", "runner/lock"];
        let mut places: Vec<PathBuf> = names.iter().map(|name| self.folder.path().join(name)).collect();
        places.push(database.into());
        for place in &places {
            assert!(place.exists(), "{} is to be kept from runs, and is not there", place.display());
        }
        places
    }
}

/// A secret in the environment of another run; scripts look for it in two halves, so as not to find themselves.
const NEIGHBOURS: &str = "canary-of-a-neighbour";

/// A function for scripts: says whether anything can be read at a place.
const LOOK: &str = r#"
look() { if [ -n "$(head -c 1 "$1" 2>/dev/null | tr '\0' x)" ]; then echo "SEES $1"; else echo "BLIND $1"; fi; }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_script_finds_nothing_of_server_runner_and_neighbours() {
    if !has_namespaces() {
        // Then the setting that insists on them must not be satisfied with less.
        return nothing_is_executed_without_them().await;
    }
    let mut house = House::with(&["--runner-isolation", "required"]).await;
    let of_processes = has_process_namespaces();
    let kinds = if of_processes { "user, mount and process" } else { "user and mount" };
    let expected = format!("isolated by {kinds} namespaces");
    assert!(house.server.said().contains(&expected), "{expected}: {}", house.server.said());
    let wait = house.folder.path().with_extension("go");
    let neighbour = house
        .order(&format!("touch {0}; while [ -e {0} ]; do sleep 0.1; done", wait.display()), NEIGHBOURS)
        .await;
    until("the neighbour runs", async || wait.exists()).await;

    let mut script = String::from(LOOK);
    for place in house.places() {
        script += &format!("look {}\n", place.display());
    }
    let (data, server) = (house.folder.path().display(), house.server.id());
    script += &format!(
        r#"
echo "FOLDERS $(ls {data} | tr '\n' ' ')"
echo "RUNS $(ls {data}/runner/runs | wc -l)"
(echo x > {data}/planted) 2>/dev/null && echo PLANTED
for process in /proc/[0-9]*; do
  (tr '\0' '\n' < $process/environ) 2>/dev/null | grep -q 'canary-of''-a-neighbour' && echo "ENVIRONMENT $process"
  [ -e $process/root/{data}/master.key ] && echo "ROOT $process"
done
look /proc/{server}/environ
look /proc/{server}/mem
umount {data} 2>/dev/null && echo UNMOUNTED
unshare --user --map-root-user --mount sh -c 'umount {data} && cat {data}/master.key' 2>/dev/null && echo NESTED
nsenter --target {server} --mount --user cat {data}/master.key 2>/dev/null && echo ENTERED
grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs)' /proc/self/status | tr -s '\t ' ' '
echo "ENV $(env | cut -d= -f1 | sort | tr '\n' ' ')"
echo "FDS $(ls /proc/self/fd | wc -l)"
echo "PROCESSES $(ls -d /proc/[0-9]* | wc -l)"
env -i setsid sleep 86411 >/dev/null 2>&1 </dev/null &
rm "$MESHSTACK_USER_MESSAGE"; ln -s {data}/master.key "$MESHSTACK_USER_MESSAGE"
"#
    );
    let (status, log) = house.told_by(&house.order(&script, "its own").await).await;
    std::fs::remove_file(&wait).unwrap();
    assert_eq!(status, "SUCCEEDED", "{log}");
    for place in house.places() {
        assert!(log.contains(&format!("BLIND {}", place.display())), "{}: {log}", place.display());
    }
    for breach in [
        "SEES",
        "PLANTED",
        "ENVIRONMENT /proc",
        "ROOT /proc",
        "UNMOUNTED",
        "NESTED",
        "ENTERED",
        "BEGIN PRIVATE KEY",
    ] {
        assert!(!log.contains(breach), "{breach}: {log}");
    }
    assert!(log.contains("FOLDERS runner \\n") && log.contains("RUNS 1\\n"), "{log}");
    for right in
        ["CapEff: 0000000000000000", "CapPrm: 0000000000000000", "CapBnd: 0000000000000000", "NoNewPrivs: 1"]
    {
        assert!(log.contains(right), "{right}: {log}");
    }
    let key = std::fs::read_to_string(house.folder.path().join("master.key")).unwrap();
    assert!(!log.contains(key.trim()), "the runner read the key for the script");
    if of_processes {
        // The namespace's first one, the script, and what counts.
        let told = log.split("PROCESSES ").nth(1).and_then(|rest| rest.split('\\').next()).unwrap();
        assert!(told.parse::<u32>().unwrap() < 8, "{told} processes are seen");
        assert_eq!(processes_like(&["sleep", "86411"]), [] as [&str; 0], "somebody outlived the run");
    }
    for name in ["STOA_TOFU", "STOA_LOG", "STOA_DATABASE_URL"] {
        assert!(!log.contains(&format!("{name} ")), "{name}: {log}");
    }
    let (status, log) = house.told_by(&neighbour).await;
    assert_eq!(status, "SUCCEEDED", "{log}");
    assert!(!house.folder.path().join("planted").exists());
}

/// `required` is the word of an operator who would rather have no runs.
async fn nothing_is_executed_without_them() {
    let mut house = House::with(&["--runner-isolation", "required"]).await;
    until("the runner says why it does not start", async || {
        house.server.said().contains("cannot be isolated")
    })
    .await;
    let block = house.order("echo never", "x").await;
    let found = house.admin.block(&block).await;
    assert_eq!(found["status"]["status"], "PENDING");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_namespaces_the_runner_says_so() {
    let mut house = House::with(&["--runner-isolation", "off"]).await;
    until("the runner says so", async || {
        house.server.said().contains("process groups and a clean environment only")
    })
    .await;
    let (status, log) = house.told_by(&house.order("echo it runs", "its own").await).await;
    assert_eq!(status, "SUCCEEDED", "{log}");
    assert!(log.contains("it runs"), "{log}");
}

#[test]
fn confining_by_hand_hides_shows_and_passes_on_how_it_ended() {
    if !has_namespaces() {
        let output = stoa().args(["confine", "--", "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{output:?}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["shown", "hidden"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("file"), name).unwrap();
    }
    let key = folder.path().join("shown/key");
    std::fs::write(&key, "key").unwrap();
    let confined = |script: &str| {
        let mut command = stoa();
        command.arg("confine").arg("--hide").arg(folder.path()).arg("--hide").arg("/no/such/place");
        command.arg("--show").arg(folder.path().join("shown")).args(["--", "sh", "-c", script]);
        command.current_dir(folder.path()).output().unwrap()
    };
    let output = confined("ls; cat shown/file; echo new > shown/new; cat hidden/file; exit 7");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "shown\nshown");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(std::fs::read_to_string(folder.path().join("shown/new")).unwrap(), "new\n");
    assert_eq!(confined("echo x > outside").status.code(), Some(2), "what is hidden takes nothing");

    let file = stoa().arg("confine").arg("--hide").arg(&key).args(["--", "cat"]).arg(&key).output().unwrap();
    assert_eq!((file.status.code(), file.stdout.len()), (Some(0), 0), "{file:?}");
    let missing = stoa().args(["confine", "--", "/no/such/program"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(127));
    let wrong = stoa().args(["confine", "sh"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--hide PATH"), "{wrong:?}");
}

#[test]
fn a_process_namespace_bounds_what_is_started_and_ends_with_its_program() {
    let confined = |words: &[&str]| {
        let mut command = stoa();
        command.args(["confine", "--processes", "400"]).args(words);
        command
    };
    if !has_process_namespaces() {
        assert_eq!(confined(&["--", "true"]).output().unwrap().status.code(), Some(125));
        return;
    }
    // Children that slip away into sessions of their own, with nothing to be known by.
    let bomb = "my $n = 0; while ($n < 2000) { my $child = fork(); last unless defined $child; \
                if (!$child) { %ENV = (); setpgrp; exec 'sleep', '86412'; } $n++ } print $n";
    let output = confined(&["--", "perl", "-e", bomb]).output().unwrap();
    let started: u32 = String::from_utf8_lossy(&output.stdout).parse().unwrap();
    assert!(if bounds_processes() { (100..700).contains(&started) } else { started == 2000 }, "{started}");
    assert_eq!(processes_like(&["sleep", "86412"]), [] as [&str; 0]);

    let killed = confined(&["--", "sh", "-c", "kill -KILL $$"]).output().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(9));
    let missing = confined(&["--", "/no/such/program"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(127));
}

#[test]
fn the_request_to_end_is_passed_on_unless_the_whole_group_hears_it() {
    if !has_process_namespaces() {
        return assert_eq!(
            stoa().args(["confine", "--processes", "x", "--"]).status().unwrap().code(),
            Some(125)
        );
    }
    let patient = "trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let start = |more: &[&str]| {
        let mut command = stoa();
        command.args(["confine", "--processes", "0"]).args(more).args(["--", "sh", "-c", patient]);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        (child, lines)
    };
    let ask = |child: &std::process::Child| {
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    };
    let (mut child, mut lines) = start(&[]);
    ask(&child);
    assert_eq!(lines.next().unwrap().unwrap(), "asked");
    assert_eq!(child.wait().unwrap().code(), Some(3));

    let (mut child, mut lines) = start(&["--group"]);
    ask(&child);
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none(), "it was passed on, or taken for oneself");
    // Whoever kills the one outside kills all inside, so the pipe is closed.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines.next().is_none());
}
