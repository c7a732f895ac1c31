//! The main job over HTTP, as the smallest possible story; the protocol's corners are in `protocol`.

use crate::on_both;
use crate::stoa::{SHARED, text};
use serde_json::json;

on_both! {
    async fn a_block_is_ordered_run_and_shows_its_outputs(stoa) {
        stoa.workspace("shop").await;
        let outputs = json!({ "url": { "displayName": "URL", "type": "STRING" } });
        let (_, version) = stoa.definition("demo-partner", json!({ "outputs": outputs })).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        assert_eq!(block["status"]["status"], "PENDING");
        let uuid = text(&block, "/metadata/uuid");

        let claim = format!("/create?forRunnerUuid={SHARED}");
        let run = stoa.admin.act("meshBuildingBlockRun", &claim).await.expect(201);
        assert_eq!(run["status"], "IN_PROGRESS");
        let id = text(&run, "/metadata/uuid");
        let runner = stoa.nobody().bearer(&text(&run, "/spec/runToken"));
        let report = json!({
            "status": "SUCCEEDED",
            "steps": [{ "id": "apply", "status": "SUCCEEDED", "outputs": { "url": { "value": "https://x", "type": "STRING" } } }],
        });
        let answer = runner.patch("meshBuildingBlockRun", &format!("/{id}/status/source/r"), &report).await.expect(200);
        assert_eq!(answer, json!({ "runAborted": false }));

        let block = stoa.admin.get("meshBuildingBlock", &format!("/{uuid}")).await.expect(200);
        assert_eq!(block["status"]["status"], "SUCCEEDED");
        assert_eq!(block["status"]["outputs"]["url"]["value"], "https://x");
    }
}
