//! Definitions that try what they may not.

use std::os::unix::fs::symlink;

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
