//! Definitions that try what they may not.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::origin::Origin;
use super::runner::{Order, Runner};
use super::stand_in::StandIn;

#[tokio::test]
async fn hostile_sources_are_refused_before_git_sees_them() {
    let notes = tempfile::tempdir().unwrap();
    let mark = notes.path().join("mark");
    let origin = Origin::with(&[("main.tf", "")]);
    let touch = mark.display();
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let url = origin.url();
    for (order, told) in [
        (Order::of("APPLY", &format!("ext::sh -c touch% {touch}")), "is not a repository address"),
        (Order::of("APPLY", &format!("--upload-pack=touch {touch}")), "is not a repository address"),
        (
            Order::of("APPLY", &format!("ssh://-oProxyCommand=touch%20{touch}/x")),
            "is not a repository address",
        ),
        (Order::of("APPLY", "http://127.0.0.1/x.git"), "is not a repository address"),
        (
            Order::of("APPLY", &url).set("refName", format!("--upload-pack=touch {touch}")),
            "cannot be the name of a branch",
        ),
        (Order::of("APPLY", &url).set("refName", "main:../../x"), "cannot be the name of a branch"),
        (Order::of("APPLY", &url).set("repositoryPath", "../.."), "leads out of the repository"),
        (Order::of("APPLY", &url).set("repositoryPath", "nothing/here"), "has no folder `nothing/here`"),
        (Order::of("APPLY", &url).set("refName", "nowhere"), "has no branch, tag or commit `nowhere`"),
        (Order::of("APPLY", &format!("{url}-gone")), "Cannot fetch"),
    ] {
        let uuid = order.at(&server);
        let run = server.failure_of(&uuid).await;
        let message = run.text("sources", "userMessage");
        assert!(message.contains(told), "{message}");
        assert_eq!(run.text("output", "status"), "FAILED");
    }
    assert!(!mark.exists());
    runner.stop().await;
}

#[tokio::test]
async fn links_lead_nowhere() {
    let notes = tempfile::tempdir().unwrap();
    let outside = notes.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let origin = Origin::with(&[("main.tf", "output \"x\" { value = 1 }")]);
    symlink(&outside, origin.path().join("out")).unwrap();
    let variables = "aaaaaa_meshstack-e48f8924-a6c0-4ff0-9528-ff3c1f6f94d8.auto.tfvars";
    symlink(outside.join("variables"), origin.path().join(variables)).unwrap();
    symlink(outside.join("script"), origin.path().join("meshstack-pre-run.sh")).unwrap();
    symlink(outside.join("note"), origin.path().join("note.txt")).unwrap();
    origin.commit(&[("more.txt", "")]);
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let into = Order::of("APPLY", &origin.url()).set("repositoryPath", "out").at(&server);
    let through = Order::of("APPLY", &origin.url())
        .set("preRunScript", "true")
        .input("note.txt", "FILE", "data:text/plain;base64,aGk=")
        .at(&server);
    assert!(server.failure_of(&into).await.text("sources", "userMessage").contains("leads out"));
    server.success_of(&through).await;
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    runner.stop().await;
}

#[tokio::test]
async fn local_repositories_are_refused_unless_allowed() {
    let origin = Origin::with(&[("main.tf", "")]);
    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| config.allow_local_repositories = false);
    for url in [origin.url(), origin.path().display().to_string()] {
        let run = server.failure_of(&Order::of("APPLY", &url).at(&server)).await;
        let message = run.text("sources", "userMessage");
        assert!(message.starts_with("This runner does not take sources from local paths"), "{message}");
    }
    runner.stop().await;
}

#[tokio::test]
async fn file_inputs_stay_in_the_modules_folder() {
    let origin = Origin::with(&[("main.tf", "")]);
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let order = Order::of("APPLY", &origin.url()).input("../escaped", "FILE", "data:text/plain;base64,aGk=");
    let run = server.failure_of(&order.at(&server)).await;
    assert!(run.text("input", "userMessage").contains("is not a file name"));
    runner.stop().await;
}

#[tokio::test]
async fn what_a_script_puts_in_place_of_its_message_is_not_read() {
    let notes = tempfile::tempdir().unwrap();
    let secret = notes.path().join("secret");
    std::fs::write(&secret, "not for runs").unwrap();
    let origin = Origin::with(&[("main.tf", "")]);
    let server = StandIn::start().await;
    let runner = Runner::start(&server);
    let message = "\"$MESHSTACK_USER_MESSAGE\"";
    let link = format!("rm {message}; ln -s {} {message}", secret.display());
    for script in
        [link, format!("rm {message}; mkfifo {message}"), format!("rm {message}; ln -s /dev/zero {message}")]
    {
        let order = Order::of("APPLY", &origin.url()).set("preRunScript", script);
        let run = server.success_of(&order.at(&server)).await;
        assert_eq!(run.step("pre_run_script").get("userMessage"), None);
    }
    runner.stop().await;
}

/// Runs git with something to read; what it says.
fn told(origin: &Origin, arguments: &[&str], input: &str) -> String {
    let mut git = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(arguments)
        .current_dir(origin.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = git.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A branch of a few objects whose folders lie in each other, ten at a time: a hundred million files.
fn nested(origin: &Origin, branch: &str) {
    let mut entry = format!("100644 blob {}", told(origin, &["hash-object", "-w", "--stdin"], "x"));
    for _ in 0..8 {
        let tree = (0..10).map(|number| format!("{entry}\t{number}\n")).collect::<Vec<_>>().concat();
        entry = format!("040000 tree {}", told(origin, &["mktree"], &tree));
    }
    let tree = entry.rsplit(' ').next().unwrap();
    let commit = told(origin, &["commit-tree", tree, "-m", "nested"], "");
    origin.git(&["branch", branch, &commit]);
}

#[tokio::test]
async fn repositories_that_unpack_to_too_much_are_refused_before_they_do() {
    const MOST: u64 = 8 << 20;
    let origin = Origin::with(&[("main.tf", "output \"x\" { value = 1 }")]);
    origin.git(&["checkout", "--quiet", "-b", "zeros"]);
    std::fs::File::create(origin.path().join("zeros")).unwrap().set_len(4 * MOST).unwrap();
    origin.commit(&[]);
    nested(&origin, "nested");
    // What cannot be compressed is large on its way already.
    let large = Origin::with(&[("main.tf", "")]);
    let mut noise = std::fs::File::open("/dev/urandom").unwrap().take(2 * MOST);
    std::io::copy(&mut noise, &mut std::fs::File::create(large.path().join("noise")).unwrap()).unwrap();
    large.commit(&[]);

    let server = StandIn::start().await;
    let runner = Runner::start_with(&server, |config| {
        (config.limits.source_bytes, config.limits.source_files) = (MOST, 1000);
    });
    for (order, why) in [
        (Order::of("APPLY", &origin.url()).set("refName", "zeros"), "its files take more than 8 MiB"),
        (
            Order::of("APPLY", &origin.url()).set("refName", "nested"),
            "it has more than 1000 files and folders",
        ),
        (Order::of("APPLY", &large.url()), "with its history it takes more than 8 MiB"),
    ] {
        let run = server.failure_of(&order.at(&server)).await;
        let message = run.text("sources", "userMessage");
        assert_eq!(message, format!("The repository is too large for this runner: {why}"));
    }
    server.success_of(&Order::of("APPLY", &origin.url()).at(&server)).await;
    let mirrors = std::fs::read_dir(runner.work_dir.join("git")).unwrap().flatten();
    assert_eq!(
        mirrors.filter(|entry| entry.path().is_dir()).count(),
        1,
        "a mirror that is too large is removed"
    );
    runner.stop().await;
}
