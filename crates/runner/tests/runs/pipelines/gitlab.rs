//! Runs of GitLab pipelines.

use serde_json::{Value, json};

use super::{at, no_secret_is_told, quick_runner, status};
use crate::runner::{Order, sealed};
use crate::stand_in::{RunRecord, StandIn};
use crate::systems::gitlab::{GitLab, PROJECT, TRIGGER_TOKEN};
use crate::systems::{Mishap, Served};

fn pipeline(behavior: &str, gitlab: &Served<GitLab>) -> Order {
    Order::with_implementation(
        behavior,
        json!({
            "type": "GITLAB_CICD", "gitlabBaseUrl": gitlab.url, "projectId": PROJECT, "refName": "main",
            "pipelineTriggerToken": sealed(TRIGGER_TOKEN),
        }),
    )
    .input("name", "STRING", "pear")
    .input("count", "INTEGER", 3)
    .input("zones", "MULTI_SELECT", json!(["a", "b"]))
    .environment("REGION", "STRING", "north")
    .sealed_environment("PASSWORD", "hunter2-hunter2")
}

fn is_handed_over(run: &RunRecord) -> bool {
    run.steps.iter().any(|step| step["status"] == "SUCCEEDED")
}

#[tokio::test]
async fn a_pipeline_is_triggered_with_everything_it_needs_and_reports_by_itself() {
    let (server, gitlab) = (StandIn::start().await, Served::gitlab().await);
    let runner = quick_runner(&server);
    for behavior in ["APPLY", "DESTROY"] {
        let uuid = pipeline(behavior, &gitlab).at(&server);
        let run = server.until(&uuid, "handed over", is_handed_over).await;
        assert_eq!(status(&run), "IN_PROGRESS");
        assert_eq!(run.text("gl-trigger", "displayName"), "Trigger GitLab CI/CD");
        let fields = gitlab.book().triggers.last().unwrap().clone();
        let own = format!("{}/api/meshobjects/meshbuildingblockruns/{uuid}", server.url);
        for (name, value) in [
            ("ref", "main".to_owned()),
            ("variables[MESHSTACK_BEHAVIOR]", behavior.to_owned()),
            ("variables[MESHSTACK_SELF_URL]", own.clone()),
            ("variables[MESHSTACK_REGISTER_SOURCE_URL]", format!("{own}/status/source")),
            ("variables[MESHSTACK_UPDATE_SOURCE_URL]", format!("{own}/status/source/{{sourceId}}")),
            ("variables[MESHSTACK_BASE_URL]", server.url.clone()),
            ("variables[REGION]", "north".to_owned()),
            ("variables[PASSWORD]", "hunter2-hunter2".to_owned()),
            ("inputs[name]", "pear".to_owned()),
            ("inputs[count]", "3".to_owned()),
            ("inputs[zones]", r#"["a","b"]"#.to_owned()),
        ] {
            assert_eq!(fields[name], value, "{name}");
        }
        let object: Value = serde_json::from_str(&fields["variables[MESHSTACK_RUN]"]).unwrap();
        assert_eq!(at(&object, "/spec/runToken"), &json!(run.token));
        assert_eq!(at(&object, "/spec/buildingBlock/spec/inputs/4/value"), "hunter2-hunter2");
        assert_eq!(fields.len(), 13);
        let source = &run.sources[crate::runner::RUNNER_UUID];
        assert!(
            source["externalRunUrl"]
                .as_str()
                .unwrap()
                .starts_with("https://lab.example.org/fruit/press/-/pipelines/")
        );
        no_secret_is_told(&run, &runner.work_dir, &[TRIGGER_TOKEN]);
    }
    runner.stop().await;
}

#[tokio::test]
async fn refusals_and_limits_are_told_apart() {
    let (server, gitlab) = (StandIn::start().await, Served::gitlab().await);
    let runner = quick_runner(&server);
    for (order, told) in [
        (
            pipeline("APPLY", &gitlab).set("pipelineTriggerToken", sealed("wrong-wrong-wrong")),
            "answered 404: 404 Not Found",
        ),
        (pipeline("APPLY", &gitlab).set("projectId", "fruit/other"), "answered 404: 404 Not Found"),
        (
            pipeline("APPLY", &gitlab).set("refName", "gone"),
            r#"answered 400: {"base":["Reference not found"]}"#,
        ),
    ] {
        let run = server.failure_of(&order.at(&server)).await;
        assert_eq!(run.text("gl-trigger", "userMessage"), "The GitLab pipeline could not be started");
        let log = run.text("gl-trigger", "systemMessage");
        assert!(log.contains(told), "{log}");
        no_secret_is_told(&run, &runner.work_dir, &[TRIGGER_TOKEN, "wrong-wrong-wrong"]);
    }
    assert!(gitlab.book().triggers.is_empty());
    gitlab.refuses("/trigger", 429, &[("retry-after", "1"), ("ratelimit-reset", "1")], "Retry later\n");
    server.until(&pipeline("APPLY", &gitlab).at(&server), "handed over", is_handed_over).await;
    assert_eq!(gitlab.book().triggers.len(), 1);
    runner.stop().await;
}

#[tokio::test]
async fn a_trigger_whose_answer_is_lost_is_known_by_what_the_pipeline_reports_and_never_repeated() {
    let (server, gitlab) = (StandIn::start().await, Served::gitlab().await);
    let runner = quick_runner(&server);
    gitlab.mishap("/trigger", Mishap::LosesReply);
    let uuid = pipeline("APPLY", &gitlab).at(&server);
    gitlab.until("triggered", |book| book.triggers.len() == 1).await;
    server.registers(&uuid, json!({ "id": "deploy-job" }));
    let run = server.until(&uuid, "handed over", is_handed_over).await;
    assert!(run.text("gl-trigger", "systemMessage").contains("It was started: it reports as `deploy-job`"));

    gitlab.mishap("/trigger", Mishap::LosesReply);
    let run = server.failure_of(&pipeline("APPLY", &gitlab).at(&server)).await;
    let message = run.text("gl-trigger", "userMessage");
    assert!(message.starts_with("It is not known whether the GitLab pipeline was started"), "{message}");
    assert_eq!(gitlab.asked("/trigger"), 2);
    runner.stop().await;
}
