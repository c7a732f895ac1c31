//! The connection test of a custom platform: each check fails for its reason, and passes once that is gone.

use super::on_stage;
use super::stage::{BUILDERS, Stage, operate, order, until};
use crate::stoa::text;
use serde_json::{Value, json};

/// What the test of a platform says about one check.
async fn said(stage: &Stage, platform: &str, name: &str) -> Value {
    let path = format!("platforms/{platform}/connection-tests");
    let answer = operate(&stage.builders, "POST", &path, None).await;
    assert!((200..300).contains(&answer.status), "{answer:?}");
    let checks = answer.json();
    let found = checks["checks"].as_array().unwrap().iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {checks:#}")).clone()
}

async fn outcome(stage: &Stage, platform: &str, name: &str) -> String {
    text(&said(stage, platform, name).await, "/result")
}

on_stage! {
    async fn every_check_fails_for_its_reason_and_then_passes(stage) {
        let platform = stage.platform("north", &stage.north).await;
        assert_eq!(outcome(&stage, &platform, "TYPE_ACTIVE").await, "PASS");
        assert_eq!(outcome(&stage, &platform, "DEFINITION_PRESENT").await, "FAIL");
        assert_eq!(outcome(&stage, &platform, "ID_OUTPUT").await, "FAIL");
        assert_eq!(outcome(&stage, &platform, "ENDPOINT_REACHABLE").await, "PASS");
        let failed = said(&stage, &platform, "DEFINITION_PRESENT").await;
        assert!(failed["message"].is_string() && failed["advice"].is_string(), "{failed:#}");

        let connector = stage.module("north", &stage.north).await;
        assert_eq!(outcome(&stage, &platform, "DEFINITION_PRESENT").await, "PASS");
        assert_eq!(outcome(&stage, &platform, "ID_OUTPUT").await, "FAIL");
        let zone = stage.zone("landing-zone.yaml", "north", &platform, Some(&connector), json!({})).await;
        for name in ["ID_OUTPUT", "INPUTS_COMPLETE", "RUNNER_ALIVE"] {
            assert_eq!(outcome(&stage, &platform, name).await, "PASS", "{name}");
        }
        assert_eq!(outcome(&stage, &platform, "DRY_RUN").await, "WARN");

        // A dry run of a block of one's own.
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        let block = text(&stage.block(&uuid).await, "/metadata/uuid");
        let media = crate::stoa::media("meshBuildingBlock", "v2-preview");
        let path = crate::stoa::path("meshBuildingBlock", &format!("/{block}/trigger-run"));
        let dry = stage.stoa.admin.raw(reqwest::Method::POST, &path, |request| {
            request.header("accept", &media).header("content-type", &media).body(r#"{"dryRun": true}"#)
        });
        assert_eq!(dry.await.status, 202);
        let looked = until(&stage.stoa.admin, "meshBuildingBlock", &block, |block| block["status"]["latestDryRunUuid"].is_string()).await;
        let run = text(&looked, "/status/latestDryRunUuid");
        until(&stage.stoa.admin, "meshBuildingBlockRun", &run, |run| run["status"] == "SUCCEEDED").await;
        assert_eq!(outcome(&stage, &platform, "DRY_RUN").await, "PASS");

        // An input that only a user can fill in: orders over the API will fail.
        let mut asking = connector.body.clone();
        asking["spec"]["inputs"]["size"]["defaultValue"] = json!(null);
        let path = format!("/{}", connector.version);
        stage.builders.put("meshBuildingBlockDefinitionVersion", &path, &asking).await.expect(200);
        assert_eq!(outcome(&stage, &platform, "INPUTS_COMPLETE").await, "WARN");
        // A type that is no longer active.
        stage.stoa.admin.delete("meshPlatformType", "/SPACES").await.expect(204);
        assert_eq!(outcome(&stage, &platform, "TYPE_ACTIVE").await, "FAIL");
    }

    async fn an_address_that_nobody_answers_at_is_only_a_warning(stage) {
        let words = [("INSTANCE", "north"), ("SPACES", "http://127.0.0.1:9")];
        let [body] = stage.manifest("platform.yaml", &words).try_into().unwrap();
        let platform = text(&stage.builders.create("meshPlatform", &body).await, "/metadata/uuid");
        assert_eq!(outcome(&stage, &platform, "ENDPOINT_REACHABLE").await, "WARN");
        let path = format!("platforms/{platform}/connection-tests");
        assert_eq!(operate(&stage.shop, "POST", &path, None).await.status, 403, "not theirs to test");
    }
}
