//! §7.6: saved plans, from a dry run to the run that applies them.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";

/// A block that has run once, as its path.
async fn settled(stoa: &Stoa) -> String {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", json!({})).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    let run = stoa.claim().await;
    run.end("SUCCEEDED").await;
    format!("/{}", run.block())
}

async fn dry_run(stoa: &Stoa, block: &str) -> Claimed {
    stoa.admin.post(BLOCK, &format!("{block}/trigger-run"), &json!({ "dryRun": true })).await.expect(202);
    stoa.claim().await
}

async fn approve(caller: &Caller, block: &str) -> Answer {
    caller.act(BLOCK, &format!("{block}/approve-run")).await
}

fn with_plan(content: &[u8]) -> Value {
    json!({ "status": "SUCCEEDED", "artifact": STANDARD.encode(content), "changesDetected": true })
}

async fn plan_of(caller: &Caller, run: &str) -> Answer {
    let path = format!("/api/meshobjects/meshbuildingblockruns/{run}/plan-artifact");
    caller.raw(Method::GET, &path, |r| r.header("accept", "application/octet-stream")).await
}

on_both! {
    async fn a_plan_is_for_the_run_that_applies_it(stoa) {
        stoa.workspace("press").await;
        let block = settled(&stoa).await;
        let dry = dry_run(&stoa, &block).await;
        assert!(dry.run["_links"].get("planArtifact").is_none());
        plan_of(&dry.runner, &dry.id).await.refused(404, "no saved plan");
        dry.tell(with_plan(b"the plan")).await;
        approve(&stoa.admin, &block).await.expect(202);
        let apply = stoa.claim().await;
        assert_eq!(apply.run["spec"]["behavior"], "APPLY");
        assert_eq!(apply.run["spec"]["trigger"]["reason"], "PREFLIGHT_SUCCEEDED");
        assert!(
            text(&apply.run, "/_links/planArtifact/href").ends_with(&format!("{}/plan-artifact", apply.id))
        );
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        for (reader, run) in [
            (&apply.runner, &apply.id),
            (&stoa.admin, &apply.id),
            (&stoa.admin, &dry.id),
            (&operator, &apply.id),
        ] {
            let answer = plan_of(reader, run).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, "the plan"));
            assert_eq!(answer.headers["content-type"], "application/octet-stream");
        }
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_LIST", "BUILDINGBLOCK_SAVE"]).await;
        plan_of(&consumer, &apply.id).await.refused(403, "");
        let stranger = stoa.key("press", &["MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        plan_of(&stranger, &apply.id).await.refused(403, "");
        plan_of(&stoa.nobody(), &apply.id).await.refused(401, "");
        plan_of(&dry.runner, &apply.id).await.refused(401, "ended");
        apply.end("SUCCEEDED").await;
        plan_of(&apply.runner, &apply.id).await.refused(401, "ended");
        // A plan is applied once.
        approve(&stoa.admin, &block).await.refused(409, "dry run");
    }

    async fn only_the_newest_plan_of_a_block_is_applied(stoa) {
        let block = settled(&stoa).await;
        approve(&stoa.admin, &block).await.refused(409, "dry run");
        let dry = dry_run(&stoa, &block).await;
        approve(&stoa.admin, &block).await.refused(409, "dry run");
        dry.tell(json!({ "status": "SUCCEEDED", "changesDetected": false })).await;
        approve(&stoa.admin, &block).await.refused(409, "dry run");
        let failed = dry_run(&stoa, &block).await;
        failed.tell(json!({ "artifact": STANDARD.encode("x"), "status": "FAILED" })).await;
        approve(&stoa.admin, &block).await.refused(409, "dry run");
        for content in ["first", "second"] {
            dry_run(&stoa, &block).await.tell(with_plan(content.as_bytes())).await;
        }
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_SAVE"]).await;
        approve(&consumer, &block).await.refused(403, "operator");
        approve(&stoa.admin, &block).await.expect(202);
        let apply = stoa.claim().await;
        assert_eq!(plan_of(&apply.runner, &apply.id).await.text, "second");
    }

    async fn a_plan_that_is_no_base64_is_refused(stoa) {
        let block = settled(&stoa).await;
        let dry = dry_run(&stoa, &block).await;
        let bad = json!({ "status": "SUCCEEDED", "artifact": "%%%" });
        dry.runner.report(&dry.id, "r", &bad).await.refused(400, "artifact");
        assert_eq!(stoa.admin.status_of(&dry.id).await, "IN_PROGRESS");
    }

    async fn other_runs_bring_no_plans(stoa) {
        let block = settled(&stoa).await;
        stoa.admin.act(BLOCK, &format!("{block}/trigger-run")).await.expect(202);
        let run = stoa.claim().await;
        run.tell(with_plan(b"x")).await;
        plan_of(&stoa.admin, &run.id).await.refused(404, "no saved plan");
    }
}
