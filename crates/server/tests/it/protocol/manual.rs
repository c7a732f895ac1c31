//! §10 and §13.4: manual runs, by Stoa itself, by a runner, and by people.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{SHARED, Stoa, input, shared_key, text};
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";
const RUN: &str = "meshBuildingBlockRun";

fn manual(inputs: Value) -> Value {
    json!({ "implementation": { "type": "manual", "terraform": null }, "inputs": inputs })
}

fn inputs() -> Value {
    json!({
        "name": input(json!({})),
        "count": input(json!({ "type": "INTEGER" })),
        "size": input(json!({ "type": "SINGLE_SELECT", "selectableValues": ["s", "m"] })),
        "zones": input(json!({ "type": "MULTI_SELECT", "selectableValues": ["a", "b"] })),
        "file": input(json!({ "type": "FILE" })),
        "secret": input(json!({ "isSensitive": true })),
    })
}

fn given() -> Value {
    json!({
        "name": { "value": "n" }, "count": { "value": 3 }, "size": { "value": "m" },
        "zones": { "value": ["b", "a"] }, "file": { "value": "data:text/plain;base64,aGk=" },
        "secret": { "value": { "plaintext": "hush" }, "isSensitive": true },
    })
}

/// A manual run in the hands of an external runner.
async fn claimed(stoa: &Stoa, inputs: Value) -> Claimed {
    stoa.workspace("shop").await;
    let runner = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "hands", "publicKey": shared_key().public_pem(), "implementationType": "MANUAL" },
    });
    let runner = text(&stoa.admin.create("meshBuildingBlockRunner", &runner).await, "/metadata/uuid");
    let mut change = manual(inputs);
    change["runnerRef"] = json!({ "uuid": runner });
    let (_, version) = stoa.definition("demo-partner", change).await;
    let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    assert_eq!(block["status"]["status"], "PENDING");
    stoa.admin.claimed_for(&runner).await
}

on_both! {
    async fn stoa_itself_turns_inputs_into_outputs(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", manual(inputs())).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", given()).await, "/metadata/uuid");
        let done = stoa.admin.until(BLOCK, &block, |found| found["status"]["status"] == "SUCCEEDED").await;
        let values: Value = done["status"]["outputs"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, output)| (key.clone(), json!([output["value"], output["valueType"]])))
            .collect();
        assert_eq!(
            values,
            json!({
                "name": ["n", "STRING"], "count": [3, "INTEGER"], "size": ["m", "STRING"],
                "zones": ["[\"b\",\"a\"]", "CODE"], "file": ["data:text/plain;base64,aGk=", "FILE"],
                "secret": [null, "STRING"],
            })
        );
        let logs = stoa.admin.logs(&text(&done, "/status/latestRunUuid")).await;
        assert_eq!(logs["steps"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&logs["steps"][0]["displayName"], &logs["steps"][0]["status"]),
            (&json!("Manual Block Run"), &json!("SUCCEEDED"))
        );
        assert_eq!(logs["warnings"], json!([]));
        assert!(stoa.admin.claim_for(SHARED).await.is_none());
        // Changing it runs it again, deleting it ends it.
        let change = json!({ "name": { "value": "other" } });
        let body = crate::stoa::block_body(&version, "shop", change);
        stoa.admin.put(BLOCK, &format!("/{block}"), &body).await.expect(200);
        stoa.admin.until(BLOCK, &block, |found| found["status"]["outputs"]["name"]["value"] == "other").await;
        stoa.admin.until(BLOCK, &block, |found| found["status"]["status"] == "SUCCEEDED").await;
        stoa.admin.delete(BLOCK, &format!("/{block}")).await.expect(202);
        stoa.admin.until(BLOCK, &block, |found| found["status"]["lifecycle"]["state"] == "DELETED").await;
    }

    async fn a_manual_block_waits_for_its_operator_first(stoa) {
        stoa.workspace("shop").await;
        let of_operator = json!({ "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT" });
        let (_, version) =
            stoa.definition("demo-partner", manual(json!({ "host": input(of_operator) }))).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid");
        let body = crate::stoa::block_body(&version, "shop", json!({ "host": { "value": "pg1" } }));
        stoa.admin.put(BLOCK, &format!("/{block}"), &body).await.expect(200);
        let done = stoa.admin.until(BLOCK, &block, |found| found["status"]["status"] == "SUCCEEDED").await;
        assert_eq!(done["status"]["outputs"]["host"]["value"], "pg1");
    }

    async fn an_external_runner_reports_what_it_was_given(stoa) {
        let run = claimed(&stoa, json!({ "name": input(json!({ "defaultValue": "n" })) })).await;
        assert_eq!(run.implementation(), &json!({ "type": "MANUAL" }));
        let outputs = json!({ "name": { "value": "n", "type": "STRING", "isSensitive": false } });
        let registration = json!({
            "source": { "id": "hands" },
            "steps": [{ "id": "manual", "displayName": "Manual Block Run", "status": "PENDING" }],
        });
        run.runner.register(&run.id, &registration).await.expect(200);
        let step = json!({ "id": "manual", "status": "SUCCEEDED", "outputs": outputs });
        run.tell(json!({ "status": "SUCCEEDED", "steps": [step] })).await;
        let block = stoa.admin.block(&run.block()).await;
        assert_eq!(block["status"]["outputs"]["name"]["value"], "n");
    }

    async fn manual_runs_get_no_system_inputs(stoa) {
        stoa.workspace("shop").await;
        let mut change = manual(json!({}));
        change["permissions"] = json!(["PROJECT_LIST"]);
        let (_, version) = stoa.definition("demo-partner", change).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid");
        let done = stoa.admin.until(BLOCK, &block, |found| found["status"]["status"] == "SUCCEEDED").await;
        assert_eq!(done["status"]["outputs"], json!({}));
    }

    async fn an_operator_completes_what_a_runner_leaves_to_people(stoa) {
        let run = claimed(&stoa, json!({ "port": input(json!({ "defaultValue": "auto" })) })).await;
        run.tell(json!({ "status": "PENDING", "steps": [{ "id": "wait", "displayName": "Wait" }] })).await;
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE"]).await;
        let path = format!("/{}/complete", run.id);
        let body = json!({ "status": "SUCCEEDED", "message": "cabled", "outputs": { "port": "eth7" } });
        stoa.key("shop", &["BUILDINGBLOCK_SAVE"]).await.post(RUN, &path, &body).await.refused(403, "");
        for bad in [json!({}), json!({ "status": "PENDING" }), json!({ "status": 7 })] {
            operator.post(RUN, &path, &bad).await.refused(400, "status");
        }
        operator.post(RUN, &path, &body).await.expect(200);
        let block = stoa.admin.block(&run.block()).await;
        assert_eq!(block["status"]["status"], "SUCCEEDED");
        assert_eq!(block["status"]["outputs"]["port"]["value"], "eth7");
        let step = stoa.admin.logs(&run.id).await["steps"][0].clone();
        assert_eq!((&step["status"], &step["userMessage"]), (&json!("SUCCEEDED"), &json!("cabled")));
        operator.post(RUN, &path, &body).await.refused(409, "SUCCEEDED");
    }

    async fn an_operator_may_say_that_it_failed(stoa) {
        let run = claimed(&stoa, json!({})).await;
        run.tell(json!({ "status": "PENDING" })).await;
        let body = json!({ "status": "FAILED", "message": "no port is free" });
        stoa.admin.post(RUN, &format!("/{}/complete", run.id), &body).await.expect(200);
        assert_eq!(stoa.admin.block(&run.block()).await["status"]["status"], "FAILED");
        assert_eq!(stoa.admin.logs(&run.id).await["steps"][0]["userMessage"], "no port is free");
    }

    async fn only_manual_runs_are_completed_by_people(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        let body = json!({ "status": "SUCCEEDED" });
        stoa.admin.post(RUN, &format!("/{}/complete", run.id), &body).await.refused(409, "manual");
        let unknown = "/00000000-0000-4000-8000-000000000000/complete";
        stoa.admin.post(RUN, unknown, &body).await.refused(404, "");
    }
}
