//! §5.2 and §5.3: changing blocks, moving them to another version, and starting their runs.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, block_body, input, merge, text, version_body};
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";

/// A block that has run once: its definition, its version, itself.
async fn settled(stoa: &Stoa, inputs: Value, given: Value) -> (String, String, Value) {
    stoa.workspace("shop").await;
    let (definition, version) = stoa.definition("demo-partner", json!({ "inputs": inputs })).await;
    stoa.order(&stoa.admin, &version, "shop", given).await;
    let run = stoa.claim().await;
    run.end("SUCCEEDED").await;
    (definition, version, stoa.admin.block(&run.block()).await)
}

fn path(block: &Value) -> String {
    format!("/{}", text(block, "/metadata/uuid"))
}

fn values(block: &Value) -> Value {
    let rows = block["spec"]["inputs"].as_object().unwrap();
    rows.iter().map(|(key, row)| (key.clone(), row["value"].clone())).collect()
}

/// Another released version of a definition.
async fn next_version(stoa: &Stoa, definition: &str, change: Value) -> String {
    let mut body = version_body("demo-partner", definition);
    body["spec"]["state"] = json!("RELEASED");
    merge(&mut body["spec"], &change);
    text(&stoa.admin.create(VERSION, &body).await, "/metadata/uuid")
}

on_both! {
    async fn two_parties_each_manage_their_inputs(stoa) {
        let inputs = json!({
            "name": input(json!({})), "size": input(json!({ "defaultValue": "s" })),
            "quota": input(json!({ "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT", "defaultValue": "1" })),
        });
        let (_, version, block) = settled(&stoa, inputs, json!({ "name": { "value": "a" } })).await;
        let only = |key: &str, value: &str| block_body(&version, "shop", json!({ key: { "value": value } }));
        let first = block["status"]["latestRunUuid"].clone();
        let changed = stoa.admin.put(BLOCK, &path(&block), &only("name", "b")).await.expect(200);
        assert_eq!(values(&changed), json!({ "name": "b", "size": "s", "quota": "1" }));
        assert_eq!(changed["status"]["status"], "PENDING");
        let second = changed["status"]["latestRunUuid"].clone();
        assert_ne!(second, first);
        let changed = stoa.admin.put(BLOCK, &path(&block), &only("quota", "2")).await.expect(200);
        assert_eq!(values(&changed), json!({ "name": "b", "size": "s", "quota": "2" }));
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "BUILDING_BLOCK_INPUTS_UPDATE");
        assert_eq!((&run.input("name")["value"], &run.input("quota")["value"]), (&json!("b"), &json!("2")));
        // The queued run in between never started.
        let superseded = second.as_str().unwrap();
        assert_eq!(stoa.admin.status_of(superseded).await, "FAILED");
        assert!(text(&stoa.admin.logs(superseded).await, "/summary").contains("Superseded"));
    }

    async fn what_was_read_may_be_sent_back(stoa) {
        let key =
            json!({ "assignmentType": "STATIC", "isSensitive": true, "argument": { "plaintext": "k" } });
        let inputs = json!({
            "name": input(json!({})),
            "fixed": input(json!({ "assignmentType": "STATIC", "argument": "x" })),
            "key": input(key),
            "where": input(json!({ "assignmentType": "WORKSPACE_IDENTIFIER" })),
        });
        let (_, _, block) = settled(&stoa, inputs, json!({ "name": { "value": "a" } })).await;
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_LIST"]).await;
        for caller in [&stoa.admin, &consumer] {
            let same = caller.put(BLOCK, &path(&block), &block).await.expect(200);
            assert_eq!(same["spec"], block["spec"]);
        }
        assert_eq!(stoa.admin.block(path(&block).trim_start_matches('/')).await, block);
        let mut wrong = block.clone();
        wrong["spec"]["inputs"]["fixed"]["value"] = json!("y");
        let why = "is not defined as a customer or platform-operator input";
        stoa.admin.put(BLOCK, &path(&block), &wrong).await.refused(400, why);
    }

    async fn long_outputs_may_be_sent_back_as_well(stoa) {
        stoa.workspace("shop").await;
        let long = "ä".repeat(4000);
        let outputs = json!({ "certificate": { "displayName": "Certificate", "type": "STRING", "assignmentType": "NONE" } });
        let (_, version) = stoa.definition("demo-partner", json!({ "outputs": outputs })).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        run.deliver(json!({ "certificate": long })).await;
        let block = stoa.admin.block(&run.block()).await;
        assert!(block["status"].to_string().contains(&long));
        let same = stoa.admin.put(BLOCK, &path(&block), &block).await.expect(200);
        assert_eq!((&same["spec"], &same["status"]["outputs"]), (&block["spec"], &block["status"]["outputs"]));
    }

    async fn what_may_not_change_is_refused(stoa) {
        let (_, version, block) = settled(&stoa, json!({}), json!({})).await;
        stoa.workspace("data").await;
        let (_, other) = stoa.definition("demo-partner", json!({})).await;
        let with = |change: Value| {
            let mut body = block.clone();
            merge(&mut body, &change);
            body
        };
        let unknown = "00000000-0000-4000-8000-000000000000";
        for (change, field) in [
            (json!({ "metadata": { "uuid": unknown } }), "metadata.uuid"),
            (json!({ "spec": { "targetRef": { "name": "data" } } }), "spec.targetRef"),
            (json!({ "spec": { "targetRef": { "kind": "meshTenant" } } }), "spec.targetRef"),
            (json!({ "spec": { "displayName": "" } }), "spec.displayName"),
            (
                json!({ "spec": { "parentBuildingBlockRefs": [{ "uuid": unknown }] } }),
                "parentBuildingBlockRefs",
            ),
            (
                json!({ "spec": { "buildingBlockDefinitionVersionRef": { "uuid": other } } }),
                "another definition",
            ),
            (
                json!({ "spec": { "buildingBlockDefinitionVersionRef": { "uuid": unknown } } }),
                "names no version",
            ),
        ] {
            stoa.admin.put(BLOCK, &path(&block), &with(change)).await.refused(400, field);
        }
        let gone = format!("/{unknown}");
        let body = block_body(&version, "shop", json!({}));
        stoa.admin.put(BLOCK, &gone, &body).await.refused(404, unknown);
        let stranger = stoa.key("data", &["BUILDINGBLOCK_SAVE"]).await;
        stranger
            .put(BLOCK, &path(&block), &block)
            .await
            .refused(403, "you don't have sufficient permissions");
    }

    async fn a_block_moves_to_the_newest_released_version_only(stoa) {
        let inputs = json!({ "name": input(json!({})), "old": input(json!({ "defaultValue": "o" })) });
        let (definition, first, block) = settled(&stoa, inputs, json!({ "name": { "value": "a" } })).await;
        let second =
            next_version(&stoa, &definition, json!({ "inputs": { "name": input(json!({})) } })).await;
        let third = next_version(
            &stoa,
            &definition,
            json!({
                "inputs": { "name": input(json!({})), "new": input(json!({ "defaultValue": "n" })) },
            }),
        )
        .await;
        let mut draft = version_body("demo-partner", &definition);
        draft["spec"]["inputs"] = json!({});
        let draft = text(&stoa.admin.create(VERSION, &draft).await, "/metadata/uuid");
        let to = |version: &str| block_body(version, "shop", json!({}));
        stoa.admin.put(BLOCK, &path(&block), &to(&second)).await.refused(400, "newest released");
        stoa.admin.put(BLOCK, &path(&block), &to(&draft)).await.refused(400, "newest released");
        let moved = stoa.admin.put(BLOCK, &path(&block), &to(&third)).await.expect(200);
        assert_eq!(moved["spec"]["buildingBlockDefinitionVersionRef"]["uuid"], json!(third));
        assert_eq!(
            values(&moved),
            json!({ "name": "a", "new": "n" }),
            "new defaults apply, dropped inputs go"
        );
        assert_eq!(moved["status"]["status"], "PENDING");
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "BUILDING_BLOCK_UPGRADE");
        assert_eq!(run.run["spec"]["buildingBlockDefinition"]["spec"]["version"], 3);
        assert_eq!(Some(json!(run.id)), moved["status"].get("latestRunUuid").cloned());
        stoa.admin.put(BLOCK, &path(&block), &to(&first)).await.refused(400, "newest released");
        run.end("FAILED").await;
        assert_eq!(stoa.admin.list(BLOCK, &format!("?versionUuid={third}")).await.len(), 1);
        assert_eq!(stoa.admin.list(BLOCK, "?versionNumber=1").await.len(), 0);
    }

    async fn a_block_moves_only_at_rest(stoa) {
        let (definition, _, block) = settled(&stoa, json!({}), json!({})).await;
        let second = next_version(&stoa, &definition, json!({})).await;
        let body = block_body(&second, "shop", json!({}));
        let id = text(&block, "/metadata/uuid");
        stoa.admin.trigger(&id).await.expect(202);
        let answer = stoa.admin.put(BLOCK, &path(&block), &body).await;
        assert_eq!(answer.json()["errorCode"], "BuildingBlockConflict");
        answer.refused(409, "PENDING");
        let run = stoa.claim().await;
        stoa.admin.put(BLOCK, &path(&block), &body).await.refused(409, "IN_PROGRESS");
        assert!(run.aborted_after(&json!({ "status": "ABORTED" })).await);
        stoa.admin.put(BLOCK, &path(&block), &body).await.expect(200);
    }

    async fn an_upgrade_that_asks_for_more_waits_for_it(stoa) {
        let (definition, _, block) =
            settled(&stoa, json!({ "name": input(json!({})) }), json!({ "name": { "value": "a" } })).await;
        let second = next_version(
            &stoa,
            &definition,
            json!({ "inputs": {
            "name": input(json!({ "type": "INTEGER" })), "more": input(json!({})),
        } }),
        )
        .await;
        let moved =
            stoa.admin.put(BLOCK, &path(&block), &block_body(&second, "shop", json!({}))).await.expect(200);
        assert_eq!(moved["status"]["status"], "WAITING_FOR_USER_INPUT");
        assert!(moved["status"]["waiting"].is_object());
        // A text is no number: what does not fit the new version has to be supplied again.
        assert_eq!(values(&moved), json!({ "name": null, "more": null }));
        assert_eq!(moved["status"]["latestRunUuid"], block["status"]["latestRunUuid"], "no run yet");
        let given = json!({ "name": { "value": 7 }, "more": { "value": "m" } });
        let full =
            stoa.admin.put(BLOCK, &path(&block), &block_body(&second, "shop", given)).await.expect(200);
        assert_eq!(full["status"]["status"], "PENDING");
    }

    async fn a_changed_draft_changes_no_block_by_itself(stoa) {
        stoa.workspace("data").await;
        let created = stoa.admin.create("meshBuildingBlockDefinition", &json!({
            "metadata": { "ownedByWorkspace": "data" }, "spec": { "displayName": "d", "description": "d" },
        })).await;
        let version = text(&created, "/status/latestVersionUuid");
        let mut body = version_body("data", &text(&created, "/metadata/uuid"));
        stoa.admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
        let mut block = stoa.order(&stoa.admin, &version, "data", json!({})).await;
        stoa.claim().await.end("SUCCEEDED").await;
        body["spec"]["inputs"] = json!({ "more": input(json!({ "defaultValue": "d" })) });
        stoa.admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
        block["spec"]["displayName"] = json!("renamed");
        let renamed = stoa.admin.put(BLOCK, &path(&block), &block).await.expect(200);
        assert_eq!(
            renamed["status"]["latestRunUuid"], block["status"]["latestRunUuid"],
            "renaming runs nothing"
        );
        assert_eq!(renamed["spec"]["displayName"], "renamed");
        assert!(stoa.admin.claim_for(SHARED).await.is_none());
        // Nor may a run start that lacks what the draft asks for by now.
        body["spec"]["inputs"] = json!({ "more": input(json!({})) });
        stoa.admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
        stoa.admin.trigger(&text(&block, "/metadata/uuid")).await.refused(409, "more");
    }

    async fn consumers_start_runs_of_transparent_definitions_only(stoa) {
        let (definition, _, block) = settled(&stoa, json!({}), json!({})).await;
        let id = text(&block, "/metadata/uuid");
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_LIST"]).await;
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCK_SAVE"]).await;
        let reader = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        consumer.trigger(&id).await.refused(403, "you don't have sufficient permissions");
        reader.trigger(&id).await.refused(403, "BUILDINGBLOCK_SAVE");
        let answer = operator.trigger(&id).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        stoa.claim().await.end("FAILED").await;
        let path = format!("/{definition}");
        let mut body = stoa.admin.get("meshBuildingBlockDefinition", &path).await.expect(200);
        body["spec"]["runTransparency"] = json!(true);
        stoa.admin.put("meshBuildingBlockDefinition", &path, &body).await.expect(200);
        consumer.trigger(&id).await.expect(202);
        for state in ["PENDING", "IN_PROGRESS"] {
            stoa.admin.trigger(&id).await.refused(409, state);
            if state == "PENDING" {
                stoa.claim().await;
            }
        }
        stoa.admin.trigger("00000000-0000-4000-8000-000000000000").await.refused(404, "");
    }

    async fn many_triggers_at_once_start_one_run(stoa) {
        let (_, _, block) = settled(&stoa, json!({}), json!({})).await;
        let id = text(&block, "/metadata/uuid");
        let triggers = (0..10).map(|_| stoa.admin.trigger(&id));
        let statuses: Vec<u16> =
            futures_util::future::join_all(triggers).await.iter().map(|a| a.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 9, "{statuses:?}");
        assert_eq!(stoa.admin.runs(&id).await.len(), 2);
    }

    async fn a_dry_run_leaves_the_block_as_it_is(stoa) {
        let (_, _, block) = settled(&stoa, json!({}), json!({})).await;
        let id = text(&block, "/metadata/uuid");
        let trigger = format!("/{id}/trigger-run");
        stoa.admin.post(BLOCK, &trigger, &json!({ "dryRun": true })).await.expect(202);
        let waiting = stoa.admin.block(&id).await;
        assert_eq!(waiting["status"]["status"], "SUCCEEDED");
        assert_eq!(waiting["status"]["latestRunUuid"], block["status"]["latestRunUuid"]);
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["behavior"], "DETECT");
        assert_eq!(waiting["status"]["latestDryRunUuid"], json!(run.id));
        assert_eq!(stoa.admin.block(&id).await["status"]["status"], "SUCCEEDED");
        run.end("FAILED").await;
        let after = stoa.admin.block(&id).await;
        assert_eq!(after["status"]["status"], "SUCCEEDED");
        assert_eq!(after["status"]["latestDryRunUuid"], json!(run.id));
        // It took the block's slot, and an apply run takes its place as the newest.
        stoa.admin.post(BLOCK, &trigger, &json!({ "dryRun": true })).await.expect(202);
        let dry = stoa.claim().await;
        stoa.admin.trigger(&id).await.expect(202);
        assert!(stoa.admin.claim_for(SHARED).await.is_none());
        dry.end("SUCCEEDED").await;
        let apply = stoa.claim().await;
        assert_eq!(apply.run["spec"]["behavior"], "APPLY");
        assert_eq!(stoa.admin.block(&id).await["status"]["latestDryRunUuid"], Value::Null);
    }

    async fn only_terraform_can_run_dry(stoa) {
        stoa.workspace("shop").await;
        let change = json!({ "implementation": { "type": "manual", "terraform": null } });
        let (_, version) = stoa.definition("demo-partner", change).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid");
        stoa.admin.until(BLOCK, &block, |found| found["status"]["status"] == "SUCCEEDED").await;
        let trigger = format!("/{block}/trigger-run");
        stoa.admin.post(BLOCK, &trigger, &json!({ "dryRun": true })).await.refused(400, "dryRun");
        stoa.admin.post(BLOCK, &trigger, &json!({ "dryRun": false })).await.expect(202);
    }
}
