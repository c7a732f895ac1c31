//! §9.1: stopping runs.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Answer, Caller, SHARED, Stoa, text};
use serde_json::{Value, json};
use std::time::Duration;

const RUN: &str = "meshBuildingBlockRun";

/// A claimed run of a new block in workspace `shop`.
async fn claimed(stoa: &Stoa, is_async: bool) -> Claimed {
    if stoa.admin.get("meshWorkspace", "/shop").await.status == 404 {
        stoa.workspace("shop").await;
    }
    let change = json!({ "implementation": { "terraform": { "async": is_async } } });
    let (_, version) = stoa.definition("demo-partner", change).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

async fn abort(caller: &Caller, run: &str) -> Answer {
    caller.act(RUN, &format!("/{run}/abort")).await
}

async fn states(caller: &Caller, run: &Claimed) -> [Value; 2] {
    let block = caller.block(&run.block()).await["status"]["status"].clone();
    [json!(caller.status_of(&run.id).await), block]
}

on_both! {
    async fn a_queued_run_is_stopped_at_once(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = text(&block, "/status/latestRunUuid");
        let answer = abort(&stoa.admin, &run).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        assert_eq!(stoa.admin.status_of(&run).await, "ABORTED");
        let id = text(&block, "/metadata/uuid");
        assert_eq!(stoa.admin.block(&id).await["status"]["status"], "ABORTED");
        assert!(stoa.admin.claim_for(SHARED).await.is_none());
        abort(&stoa.admin, &run).await.expect(202);
        // Everything may follow: another run, a change, the end.
        stoa.admin.trigger(&id).await.expect(202);
        stoa.claim().await.end("SUCCEEDED").await;
        stoa.admin.delete("meshBuildingBlock", &format!("/{id}")).await.expect(202);
    }

    async fn a_run_under_work_is_over_when_its_runner_hears_of_it(stoa) {
        for last_word in [Value::Null, json!("IN_PROGRESS"), json!("FAILED"), json!("SUCCEEDED")] {
            let run = claimed(&stoa, false).await;
            run.tell(json!({ "status": "IN_PROGRESS" })).await;
            abort(&stoa.admin, &run.id).await.expect(202);
            assert_eq!(states(&stoa.admin, &run).await, ["IN_PROGRESS", "IN_PROGRESS"]);
            let step = json!({ "id": "a", "userMessage": "stopping" });
            assert!(run.aborted_after(&json!({ "status": last_word, "steps": [step] })).await, "{last_word}");
            assert_eq!(states(&stoa.admin, &run).await, ["ABORTED", "ABORTED"], "{last_word}");
            assert_eq!(stoa.admin.logs(&run.id).await["steps"][0]["userMessage"], "stopping");
            assert!(run.aborted_after(&json!({ "status": "SUCCEEDED" })).await);
            assert_eq!(states(&stoa.admin, &run).await, ["ABORTED", "ABORTED"], "{last_word}");
        }
    }

    async fn a_runner_that_does_not_answer_has_a_minute(stoa) {
        let run = claimed(&stoa, false).await;
        run.tell(json!({ "status": "IN_PROGRESS" })).await;
        abort(&stoa.admin, &run.id).await.expect(202);
        stoa.advance(Duration::from_secs(20));
        assert_eq!(states(&stoa.admin, &run).await, ["IN_PROGRESS", "IN_PROGRESS"]);
        stoa.advance(Duration::from_secs(45));
        stoa.admin.until(RUN, &run.id, |found| found["status"] == "ABORTED").await;
        assert_eq!(states(&stoa.admin, &run).await, ["ABORTED", "ABORTED"]);
        assert!(run.aborted_after(&json!({ "status": "SUCCEEDED" })).await);
    }

    async fn a_run_that_was_handed_over_is_stopped_at_once(stoa) {
        let run = claimed(&stoa, true).await;
        run.tell(json!({ "status": "IN_PROGRESS", "steps": [{ "id": "trigger", "status": "SUCCEEDED" }] }))
            .await;
        abort(&stoa.admin, &run.id).await.expect(202);
        assert_eq!(states(&stoa.admin, &run).await, ["ABORTED", "ABORTED"]);
        let late = json!({ "status": "SUCCEEDED", "steps": [{ "id": "deploy", "status": "SUCCEEDED" }] });
        let answer = run.runner.report(&run.id, "github", &late).await.expect(200);
        assert_eq!(answer, json!({ "runAborted": true }));
        assert_eq!(states(&stoa.admin, &run).await, ["ABORTED", "ABORTED"]);
    }

    async fn before_the_hand_over_the_runner_is_asked(stoa) {
        let run = claimed(&stoa, true).await;
        abort(&stoa.admin, &run.id).await.expect(202);
        assert_eq!(states(&stoa.admin, &run).await, ["IN_PROGRESS", "IN_PROGRESS"]);
        assert!(run.aborted_after(&json!({ "status": "IN_PROGRESS" })).await);
        assert_eq!(states(&stoa.admin, &run).await, ["ABORTED", "ABORTED"]);
    }

    async fn a_report_may_say_so_itself(stoa) {
        let run = claimed(&stoa, false).await;
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE"]).await;
        let answer = operator.report(&run.id, "panel", &json!({ "status": "ABORTED" })).await.expect(200);
        assert_eq!(answer, json!({ "runAborted": true }));
        assert!(run.aborted_after(&json!({ "status": "IN_PROGRESS" })).await, "the runner hears of it");
        assert_eq!(states(&stoa.admin, &run).await, ["ABORTED", "ABORTED"]);
    }

    async fn stopping_needs_the_operators_right(stoa) {
        stoa.workspace("press").await;
        let run = claimed(&stoa, false).await;
        for (workspace, codes) in [
            ("shop", &["BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_LIST"][..]),
            ("press", &["MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE"][..]),
            ("demo-partner", &["MANAGED_BUILDINGBLOCKRUN_LIST"][..]),
        ] {
            abort(&stoa.key(workspace, codes).await, &run.id).await.refused(403, "");
        }
        abort(&stoa.nobody(), &run.id).await.refused(401, "");
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE"]).await;
        abort(&operator, &run.id).await.expect(202);
        abort(&operator, "00000000-0000-4000-8000-000000000000").await.refused(404, "");
    }

    async fn a_stopped_destroy_may_be_repeated(stoa) {
        let run = claimed(&stoa, false).await;
        run.end("SUCCEEDED").await;
        let path = format!("/{}", run.block());
        stoa.admin.delete("meshBuildingBlock", &path).await.expect(202);
        let destroy = stoa.claim().await;
        assert!(destroy.aborted_after(&json!({ "status": "ABORTED" })).await);
        let block = stoa.admin.block(&run.block()).await;
        assert_eq!(
            (&block["status"]["status"], &block["status"]["lifecycle"]["state"]),
            (&json!("ABORTED"), &json!("MARKED_FOR_DELETION"))
        );
        stoa.admin.delete("meshBuildingBlock", &path).await.expect(202);
        stoa.claim().await.end("SUCCEEDED").await;
        assert_eq!(stoa.admin.block(&run.block()).await["status"]["lifecycle"]["state"], "DELETED");
    }
}
