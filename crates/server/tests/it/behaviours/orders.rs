//! Behaviours 8 to 15, 17 to 19 and 23 to 25: blocks and their runs.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, block_body, input, shared_key, text, version_body};
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";
const CONSUMER: &[&str] = &["BUILDINGBLOCK_LIST", "BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_DELETE"];

/// A released version with these inputs.
async fn version_with(stoa: &Stoa, inputs: Value) -> String {
    stoa.definition("demo-partner", json!({ "inputs": inputs })).await.1
}

fn id(block: &Value) -> String {
    text(block, "/metadata/uuid")
}

fn status(block: &Value) -> String {
    text(block, "/status/status")
}

on_both! {
    async fn behaviour_8_an_unset_user_input_is_a_null_row(stoa) {
        stoa.workspace("shop").await;
        let inputs = json!({
            "name": input(json!({ "type": "INTEGER" })),
            "other": input(json!({ "defaultValue": "x" })),
        });
        let version = version_with(&stoa, inputs).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        assert_eq!(status(&block), "WAITING_FOR_USER_INPUT");
        let row = json!({
            "value": null, "valueType": "INTEGER", "assignmentType": "USER_INPUT", "isSensitive": false,
        });
        assert_eq!(block["spec"]["inputs"]["name"], row);
        assert_eq!(block["spec"]["inputs"]["other"]["value"], "x");
        assert_eq!(stoa.admin.block(&id(&block)).await, block);
    }

    async fn behaviour_9_a_complete_block_goes_from_pending_to_succeeded(stoa) {
        stoa.workspace("shop").await;
        let version = version_with(&stoa, json!({ "name": input(json!({})) })).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({ "name": { "value": "x" } })).await;
        assert_eq!(status(&block), "PENDING");
        let run = stoa.claim().await;
        assert_eq!(status(&stoa.admin.block(&id(&block)).await), "IN_PROGRESS");
        run.end("SUCCEEDED").await;
        let done = stoa.admin.block(&id(&block)).await;
        assert_eq!(status(&done), "SUCCEEDED");
        assert_eq!(done["status"]["latestRunUuid"], json!(run.id));
        assert!(done["status"].get("waiting").is_none());
    }

    async fn behaviour_10_an_operator_supplies_what_is_missing_and_the_block_goes_on(stoa) {
        stoa.workspace("shop").await;
        let consumer = stoa.key("shop", CONSUMER).await;
        let operator =
            stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCK_SAVE", "MANAGED_BUILDINGBLOCK_LIST"]).await;
        let inputs = json!({
            "name": input(json!({})),
            "quota": input(json!({ "type": "INTEGER", "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT" })),
        });
        let version = version_with(&stoa, inputs).await;
        let block = stoa.order(&consumer, &version, "shop", json!({ "name": { "value": "mine" } })).await;
        assert_eq!(status(&block), "WAITING_FOR_OPERATOR_INPUT");
        assert!(block["spec"]["inputs"].get("quota").is_none(), "no row for what only the operator knows");

        let mut change =
            block_body(&version, "shop", json!({ "quota": { "value": 5, "isSensitive": false } }));
        let path = format!("/{}", id(&block));
        consumer.put(BLOCK, &path, &change).await.refused(403, "you don't have sufficient permissions");
        change["metadata"] = json!({ "uuid": id(&block) });
        let changed = operator.put(BLOCK, &path, &change).await.expect(200);
        assert_eq!(status(&changed), "PENDING");
        assert_eq!(changed["spec"]["inputs"]["name"]["value"], "mine");
        assert_eq!(changed["spec"]["inputs"]["quota"]["value"], 5);
        let run = stoa.claim().await;
        assert_eq!(run.input("quota")["value"], 5);
        assert_eq!(run.run["spec"]["trigger"]["reason"], "BUILDING_BLOCK_INPUTS_UPDATE");
    }

    async fn behaviour_11_a_static_input_is_not_the_callers_to_supply(stoa) {
        stoa.workspace("shop").await;
        let fixed = json!({ "assignmentType": "STATIC", "argument": "x" });
        let version = version_with(&stoa, json!({ "fixed": input(fixed) })).await;
        let body = block_body(&version, "shop", json!({ "fixed": { "value": "y" } }));
        let why = "is not defined as a customer or platform-operator input";
        stoa.admin.post(BLOCK, "", &body).await.refused(400, why);
        let body = block_body(&version, "shop", json!({ "unknown": { "value": "y" } }));
        stoa.admin.post(BLOCK, "", &body).await.refused(400, "unknown");
    }

    async fn behaviour_12_a_new_name_starts_no_run_and_a_new_value_does(stoa) {
        stoa.workspace("shop").await;
        let version = version_with(&stoa, json!({ "name": input(json!({})) })).await;
        let mut block = stoa.order(&stoa.admin, &version, "shop", json!({ "name": { "value": "x" } })).await;
        let path = format!("/{}", id(&block));
        stoa.claim().await.end("SUCCEEDED").await;
        let run = block["status"]["latestRunUuid"].clone();
        assert!(run.is_string());
        block["spec"]["displayName"] = json!("renamed");
        let renamed = stoa.admin.put(BLOCK, &path, &block).await.expect(200);
        assert_eq!(renamed["spec"]["displayName"], "renamed");
        assert_eq!(renamed["status"]["latestRunUuid"], run);
        assert_eq!(status(&renamed), "SUCCEEDED");
        block["spec"]["inputs"]["name"]["value"] = json!("y");
        let changed = stoa.admin.put(BLOCK, &path, &block).await.expect(200);
        assert_ne!(changed["status"]["latestRunUuid"], run);
        assert!(changed["status"]["latestRunUuid"].is_string());
        assert_eq!(status(&changed), "PENDING");
    }

    async fn behaviour_13_a_changed_draft_runs_when_it_is_triggered(stoa) {
        stoa.workspace("data").await;
        let created = stoa
            .admin
            .create(
                "meshBuildingBlockDefinition",
                &json!({
                    "metadata": { "ownedByWorkspace": "data" },
                    "spec": { "displayName": "d", "description": "d" },
                }),
            )
            .await;
        let version = text(&created, "/status/latestVersionUuid");
        let mut body = version_body("data", &text(&created, "/metadata/uuid"));
        stoa.admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
        let block = stoa.order(&stoa.admin, &version, "data", json!({})).await;
        stoa.claim().await.end("SUCCEEDED").await;
        body["spec"]["inputs"] =
            json!({ "more": input(json!({ "assignmentType": "STATIC", "argument": "new" })) });
        stoa.admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
        let unchanged = stoa.admin.block(&id(&block)).await;
        assert_eq!(unchanged["status"]["latestRunUuid"], block["status"]["latestRunUuid"]);
        stoa.admin.trigger(&id(&block)).await.expect(202);
        let triggered = stoa.admin.block(&id(&block)).await;
        assert_ne!(triggered["status"]["latestRunUuid"], block["status"]["latestRunUuid"]);
        assert_eq!(triggered["spec"]["inputs"]["more"]["value"], "new");
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "MANUAL_EXECUTION");
        assert_eq!(run.input("more")["value"], "new");
    }

    async fn behaviour_14_consumers_may_not_change_what_is_not_updateable(stoa) {
        stoa.workspace("shop").await;
        let consumer = stoa.key("shop", CONSUMER).await;
        let version =
            version_with(&stoa, json!({ "name": input(json!({ "updateableByConsumer": false })) })).await;
        let mut block = stoa.order(&consumer, &version, "shop", json!({})).await;
        let path = format!("/{}", id(&block));
        block["spec"]["inputs"]["name"]["value"] = json!("first");
        consumer.put(BLOCK, &path, &block).await.expect(200);
        consumer.put(BLOCK, &path, &block).await.expect(200); // the same again is no change
        block["spec"]["inputs"]["name"]["value"] = json!("second");
        consumer.put(BLOCK, &path, &block).await.refused(403, "you don't have sufficient permissions");
        stoa.admin.put(BLOCK, &path, &block).await.expect(200);
    }

    async fn behaviour_15_a_failed_run_tells_consumers_as_much_as_its_definition_allows(stoa) {
        stoa.workspace("shop").await;
        let consumer = stoa.key("shop", CONSUMER).await;
        for transparent in [true, false] {
            let (definition, version) = stoa.definition("demo-partner", json!({})).await;
            let mut body =
                stoa.admin.get("meshBuildingBlockDefinition", &format!("/{definition}")).await.expect(200);
            body["spec"]["runTransparency"] = json!(transparent);
            stoa.admin.put("meshBuildingBlockDefinition", &format!("/{definition}"), &body).await.expect(200);
            let block = stoa.order(&consumer, &version, "shop", json!({})).await;
            let run = stoa.claim().await;
            let step =
                json!({ "id": "apply", "status": "FAILED", "systemMessage": "Error: quota exceeded on pg1" });
            run.tell(json!({ "status": "FAILED", "steps": [step] })).await;
            let seen = consumer.block(&id(&block)).await;
            assert_eq!(status(&seen), "FAILED");
            let logs = consumer.logs(&run.id).await;
            if transparent {
                assert_eq!(seen["status"]["latestRunUuid"], json!(run.id));
                assert_eq!(logs["steps"][0]["systemMessage"], "Error: quota exceeded on pg1");
            } else {
                assert_eq!(seen["status"]["latestRunUuid"], Value::Null);
                assert_eq!(logs["steps"][0]["systemMessage"], Value::Null);
            }
        }
    }

    async fn behaviour_17_a_deleted_block_stays_readable_and_its_definition_can_go(stoa) {
        stoa.workspace("shop").await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let block = id(&stoa.order(&stoa.admin, &version, "shop", json!({})).await);
        stoa.claim().await.end("SUCCEEDED").await;
        stoa.admin.delete(BLOCK, &format!("/{block}")).await.expect(202);
        let marked = stoa.admin.block(&block).await;
        assert_eq!(marked["status"]["lifecycle"]["state"], "MARKED_FOR_DELETION");
        assert_eq!(status(&marked), "PENDING");
        let path = format!("/{definition}");
        let refused = stoa.admin.delete("meshBuildingBlockDefinition", &path).await;
        refused.refused(409, "existing BuildingBlocks referencing it");
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["behavior"], "DESTROY");
        assert_eq!(run.run["spec"]["trigger"]["reason"], "BUILDING_BLOCK_DELETION");
        run.end("SUCCEEDED").await;
        let gone = stoa.admin.block(&block).await;
        assert_eq!(gone["status"]["lifecycle"]["state"], "DELETED");
        assert_eq!(status(&gone), "SUCCEEDED");
        assert!(stoa.admin.list(BLOCK, "").await.is_empty());
        stoa.admin.delete("meshBuildingBlockDefinition", &path).await.expect(204);
        stoa.admin.get(BLOCK, &format!("/{block}")).await.refused(404, &block);
    }

    async fn behaviour_18_purge_mode_deletes_without_a_successful_run(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({ "deletionMode": "PURGE" })).await;
        let block = id(&stoa.order(&stoa.admin, &version, "shop", json!({})).await);
        stoa.claim().await.end("FAILED").await;
        stoa.admin.delete(BLOCK, &format!("/{block}")).await.expect(202);
        let gone = stoa.admin.block(&block).await;
        assert_eq!(gone["status"]["lifecycle"]["state"], "DELETED");
        assert_eq!(gone["status"]["forcePurge"], true);
        assert!(stoa.admin.claim_for(SHARED).await.is_none(), "nothing is destroyed");
    }

    async fn behaviour_19_purge_works_in_any_execution_status(stoa) {
        stoa.workspace("shop").await;
        let version = version_with(&stoa, json!({ "name": input(json!({})) })).await;
        for wanted in ["WAITING_FOR_USER_INPUT", "PENDING", "IN_PROGRESS", "SUCCEEDED", "FAILED", "ABORTED"] {
            let given =
                if wanted.starts_with("WAITING") { json!({}) } else { json!({ "name": { "value": "x" } }) };
            let block = id(&stoa.order(&stoa.admin, &version, "shop", given).await);
            let mut run = None;
            match wanted {
                "WAITING_FOR_USER_INPUT" | "PENDING" => {}
                "IN_PROGRESS" => run = Some(stoa.claim().await),
                "ABORTED" => {
                    let run = stoa.claim().await;
                    assert!(run.aborted_after(&json!({ "status": "ABORTED" })).await);
                }
                end => stoa.claim().await.end(end).await,
            }
            assert_eq!(status(&stoa.admin.block(&block).await), wanted);
            stoa.admin.delete(BLOCK, &format!("/{block}/purge")).await.expect(202);
            let gone = stoa.admin.block(&block).await;
            assert_eq!(gone["status"]["lifecycle"]["state"], "DELETED", "{wanted}");
            assert_eq!(gone["status"]["forcePurge"], true, "{wanted}");
            assert!(
                !["PENDING", "IN_PROGRESS"].contains(&status(&gone).as_str()),
                "nothing runs any more: {gone:#}"
            );
            assert!(stoa.admin.claim_for(SHARED).await.is_none(), "{wanted}");
            if let Some(run) = run {
                assert!(run.aborted_after(&json!({ "status": "SUCCEEDED" })).await);
                assert_eq!(stoa.admin.status_of(&run.id).await, "ABORTED");
            }
        }
        let own = stoa.key("shop", CONSUMER).await;
        let block = id(&stoa.order(&own, &version, "shop", json!({})).await);
        own.delete(BLOCK, &format!("/{block}/purge")).await.refused(403, "ADM_BUILDINGBLOCK_DELETE");
    }

    async fn behaviour_23_a_secret_survives_the_way_through_the_runner(stoa) {
        stoa.workspace("shop").await;
        let change = json!({
            "inputs": { "secret": input(json!({ "isSensitive": true })) },
            "outputs": { "echo": { "displayName": "Echo", "type": "STRING" } },
        });
        let (_, version) = stoa.definition("demo-partner", change).await;
        let given = json!({ "secret": { "value": { "plaintext": "gänseblümchen" }, "isSensitive": true } });
        let block = stoa.order(&stoa.admin, &version, "shop", given).await;
        assert!(!block.to_string().contains("gänse"));
        let run = stoa.claim().await;
        let plain = shared_key().open(&text(&run.input("secret"), "/value")).unwrap();
        run.deliver(json!({ "echo": plain })).await;
        let block = stoa.admin.block(&id(&block)).await;
        let output = json!({ "value": "gänseblümchen", "valueType": "STRING", "assignmentType": "NONE" });
        assert_eq!(block["status"]["outputs"]["echo"], output);
    }

    async fn behaviour_24_a_runner_is_private_self_hosted_and_not_seen_yet(stoa) {
        let runner = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "r", "publicKey": shared_key().public_pem(), "implementationType": "ALL" },
        });
        let runner = stoa.admin.create("meshBuildingBlockRunner", &runner).await;
        assert_eq!(runner["spec"]["restriction"], "PRIVATE");
        assert_eq!(runner["spec"]["isSelfHosted"], true);
        assert!(runner["metadata"].get("lastSeen").is_none_or(Value::is_null));
        let uuid = text(&runner, "/metadata/uuid");
        assert!(stoa.admin.claim_for(&uuid).await.is_none());
        let seen = stoa.admin.get("meshBuildingBlockRunner", &format!("/{uuid}")).await.expect(200);
        assert!(text(&seen, "/metadata/lastSeen").ends_with('Z'), "an empty claim counts, too");
        let shared = stoa.admin.get("meshBuildingBlockRunner", &format!("/{SHARED}")).await.expect(200);
        assert_eq!(shared["spec"]["isSelfHosted"], false);
        assert_eq!(
            (&shared["spec"]["restriction"], &shared["spec"]["implementationType"]),
            (&json!("PUBLIC"), &json!("ALL"))
        );
    }

    async fn behaviour_25_runs_get_an_api_token_when_the_version_asks_for_permissions(stoa) {
        stoa.workspace("shop").await;
        let (_, plain) = stoa.definition("demo-partner", json!({})).await;
        let (_, version) = stoa.definition("demo-partner", json!({ "permissions": ["PROJECT_LIST"] })).await;
        stoa.order(&stoa.admin, &plain, "shop", json!({})).await;
        let run = stoa.claim().await;
        assert!(run.input("MESHSTACK_API_TOKEN").is_null() && run.input("MESHSTACK_ENDPOINT").is_null());
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        let endpoint = json!({
            "key": "MESHSTACK_ENDPOINT", "value": stoa.url, "type": "STRING",
            "isSensitive": false, "isEnvironment": true,
        });
        assert_eq!(run.input("MESHSTACK_ENDPOINT"), endpoint);
        let token = run.input("MESHSTACK_API_TOKEN");
        assert_eq!(
            (&token["type"], &token["isSensitive"], &token["isEnvironment"]),
            (&json!("STRING"), &json!(true), &json!(true))
        );
        let token = shared_key().open(&text(&token, "/value")).unwrap();
        let automation = stoa.nobody().bearer(&token);
        automation.get("meshProject", "?workspaceIdentifier=shop").await.expect(200);
        assert_eq!(stoa.admin.block(&id(&block)).await["spec"]["inputs"], json!({}));
    }
}
