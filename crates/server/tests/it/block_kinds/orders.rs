//! §5.1, §1.4, §1.6 and §4.3: ordering blocks, their values, and why they wait.

use crate::on_both;
use crate::stoa::{Stoa, block_body, input, text, version_body};
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";

async fn version_with(stoa: &Stoa, inputs: Value) -> String {
    stoa.definition("demo-partner", json!({ "inputs": inputs })).await.1
}

/// A block that is not final says why, what, who and since when.
fn assert_waits(block: &Value, reason: &str) {
    let waiting = &block["status"]["waiting"];
    assert_eq!(waiting["reason"], reason, "{block:#}");
    for field in ["blocker", "who", "since"] {
        assert!(!text(waiting, &format!("/{field}")).is_empty(), "{field}");
    }
}

on_both! {
    async fn a_block_with_the_least_has_every_default(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        assert_eq!((&block["apiVersion"], &block["kind"]), (&json!("v2-preview"), &json!(BLOCK)));
        assert_eq!(block["metadata"]["ownedByWorkspace"], "shop");
        let reference = json!({ "kind": "meshBuildingBlockDefinitionVersion", "uuid": version });
        assert_eq!(block["spec"]["buildingBlockDefinitionVersionRef"], reference);
        let target = json!({ "kind": "meshWorkspace", "uuid": null, "name": "shop" });
        assert_eq!(block["spec"]["targetRef"], target);
        assert_eq!((&block["spec"]["inputs"], &block["status"]["outputs"]), (&json!({}), &json!({})));
        assert_eq!(block["spec"]["parentBuildingBlockRefs"], json!([]));
        assert_eq!(block["spec"]["parentBuildingBlocks"], json!([]));
        let status = &block["status"];
        assert_eq!(status["forcePurge"], false);
        assert_eq!(status["lifecycle"], json!({ "state": "ACTIVE" }));
        assert!(status["latestRunUuid"].is_string());
        assert_eq!(status["latestDryRunUuid"], Value::Null);
        assert_waits(&block, "RUN_QUEUED");
    }

    async fn values_come_back_with_their_json_types(stoa) {
        stoa.workspace("shop").await;
        let select = json!(["a", "b", "c"]);
        let inputs = json!({
            "text": input(json!({})),
            "code": input(json!({ "type": "CODE" })),
            "number": input(json!({ "type": "INTEGER" })),
            "flag": input(json!({ "type": "BOOLEAN" })),
            "file": input(json!({ "type": "FILE" })),
            "list": input(json!({ "type": "LIST" })),
            "one": input(json!({ "type": "SINGLE_SELECT", "selectableValues": select })),
            "many": input(json!({ "type": "MULTI_SELECT", "selectableValues": select })),
            "pattern": input(json!({
                "valueValidationRegex": "[a-z]+", "validationRegexErrorMessage": "use a-z",
            })),
        });
        let version = version_with(&stoa, inputs).await;
        let good = [
            ("text", json!("grün\n")),
            ("code", json!("{\"a\": [1]}")),
            ("number", json!(9_007_199_254_740_993_i64)),
            ("flag", json!(false)),
            ("file", json!("data:text/plain;base64,aGk=")),
            ("list", json!("[1, 2]")),
            ("one", json!("b")),
            ("many", json!(["c", "a"])),
            ("pattern", json!("abc")),
        ];
        let given: Value =
            good.iter().map(|(key, value)| ((*key).to_owned(), json!({ "value": value }))).collect();
        let block = stoa.order(&stoa.admin, &version, "shop", given).await;
        let run = stoa.claim().await;
        for (key, value) in &good {
            assert_eq!(&block["spec"]["inputs"][key]["value"], value, "{key}");
            assert_eq!(&run.input(key)["value"], value, "{key}");
        }
        for (key, value) in [
            ("text", json!(1)),
            ("code", json!({ "a": 1 })),
            ("number", json!("1")),
            ("number", json!(1.5)),
            ("flag", json!("true")),
            ("file", json!("hello")),
            ("list", json!([1])),
            ("one", json!("d")),
            ("many", json!(["d"])),
            ("many", json!("a")),
            ("pattern", json!("ABC")),
        ] {
            let body = block_body(&version, "shop", json!({ key: { "value": value } }));
            let answer = stoa.admin.post(BLOCK, "", &body).await;
            if key == "pattern" {
                assert!(answer.text.contains("use a-z"), "{}", answer.text);
            }
            answer.refused(400, &format!("spec.inputs.{key}"));
        }
        for (entry, field) in [
            (json!({ "value": "x", "isSensitive": true }), "isSensitive"),
            (json!({ "value": "x", "valueType": "CODE" }), "valueType"),
        ] {
            let body = block_body(&version, "shop", json!({ "text": entry }));
            stoa.admin.post(BLOCK, "", &body).await.refused(400, &format!("spec.inputs.text.{field}"));
        }
    }

    async fn the_first_thing_missing_decides_what_a_block_waits_for(stoa) {
        stoa.workspace("shop").await;
        let inputs = json!({
            "user": input(json!({})),
            "operator": input(json!({ "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT" })),
        });
        let version = version_with(&stoa, inputs).await;
        let value = |value: &str| json!({ "value": value });
        for (given, status, reason) in [
            (json!({}), "WAITING_FOR_USER_INPUT", "USER_INPUT_MISSING"),
            (json!({ "operator": value("o") }), "WAITING_FOR_USER_INPUT", "USER_INPUT_MISSING"),
            (json!({ "user": value("u") }), "WAITING_FOR_OPERATOR_INPUT", "OPERATOR_INPUT_MISSING"),
            (
                json!({ "user": value("u"), "operator": null }),
                "WAITING_FOR_OPERATOR_INPUT",
                "OPERATOR_INPUT_MISSING",
            ),
            (json!({ "user": value("u"), "operator": value("o") }), "PENDING", "RUN_QUEUED"),
        ] {
            let block = stoa.order(&stoa.admin, &version, "shop", given.clone()).await;
            assert_eq!(block["status"]["status"], status, "{given}");
            assert_waits(&block, reason);
            let run = &block["status"]["latestRunUuid"];
            assert_eq!(run.is_null(), status != "PENDING", "{given}");
        }
        let run = stoa.claim().await;
        let block = stoa.admin.block(&run.block()).await;
        assert_waits(&block, "RUN_IN_PROGRESS");
        assert!(text(&block, "/status/waiting/blocker").contains(&run.id));
        run.tell(json!({ "status": "PENDING" })).await;
        let block = stoa.admin.block(&run.block()).await;
        assert_eq!(block["status"]["status"], "IN_PROGRESS");
        assert_waits(&block, "EXTERNAL_SYSTEM");
        run.end("SUCCEEDED").await;
        assert!(stoa.admin.block(&run.block()).await["status"].get("waiting").is_none());
    }

    async fn what_is_wrong_with_an_order_is_named(stoa) {
        stoa.workspace("shop").await;
        let version = version_with(&stoa, json!({ "a": input(json!({})) })).await;
        let body = |change: Value| {
            let mut body = block_body(&version, "shop", json!({}));
            crate::stoa::merge(&mut body["spec"], &change);
            body
        };
        let unknown = "00000000-0000-4000-8000-000000000000";
        for (change, status, why) in [
            (json!({ "displayName": null }), 400, "spec.displayName"),
            (json!({ "displayName": "  " }), 400, "spec.displayName"),
            (json!({ "displayName": "x".repeat(256) }), 400, "spec.displayName"),
            (json!({ "targetRef": null }), 400, "spec.targetRef"),
            (json!({ "targetRef": { "name": null } }), 400, "spec.targetRef.name"),
            (json!({ "targetRef": { "kind": "meshProject" } }), 400, "spec.targetRef.kind"),
            (json!({ "targetRef": { "kind": "meshTenant", "uuid": unknown } }), 400, "spec.targetRef.kind"),
            (json!({ "targetRef": { "name": "nowhere" } }), 404, "nowhere"),
            (json!({ "buildingBlockDefinitionVersionRef": { "uuid": unknown } }), 404, unknown),
            (json!({ "buildingBlockDefinitionVersionRef": { "uuid": null } }), 400, "VersionRef.uuid"),
            (
                json!({ "buildingBlockDefinitionVersionRef": { "kind": "meshProject" } }),
                400,
                "VersionRef.kind",
            ),
            (
                json!({ "parentBuildingBlockRefs": [{ "kind": "meshProject", "uuid": unknown }] }),
                400,
                "parentBuildingBlockRefs.kind",
            ),
            (json!({ "inputs": { "b": { "value": "x" } } }), 400, "spec.inputs.b"),
            (json!({ "inputs": [] }), 400, "spec.inputs"),
        ] {
            stoa.admin.post(BLOCK, "", &body(change)).await.refused(status, why);
        }
        assert!(stoa.admin.list(BLOCK, "").await.is_empty(), "nothing half-done");
        let mut owned = body(json!({ "unknown": true }));
        owned["metadata"] = json!({ "ownedByWorkspace": "elsewhere", "uuid": unknown });
        let created = stoa.admin.create(BLOCK, &owned).await;
        assert_eq!(created["metadata"]["ownedByWorkspace"], "shop", "it follows from the target");
        assert_ne!(created["metadata"]["uuid"], unknown);
    }

    async fn what_is_for_tenants_is_not_for_workspaces(stoa) {
        stoa.workspace("shop").await;
        let definition = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": {
                "displayName": "d", "description": "d", "targetType": "TENANT_LEVEL",
                "supportedPlatforms": [{ "name": "KUBERNETES" }],
            },
        });
        let created = stoa.admin.create("meshBuildingBlockDefinition", &definition).await;
        let version = text(&created, "/status/latestVersionUuid");
        let mut released = version_body("demo-partner", &text(&created, "/metadata/uuid"));
        released["spec"]["state"] = json!("RELEASED");
        stoa.admin
            .put("meshBuildingBlockDefinitionVersion", &format!("/{version}"), &released)
            .await
            .expect(200);
        let mut body = block_body(&version, "shop", json!({}));
        stoa.admin.post(BLOCK, "", &body).await.refused(400, "spec.targetRef.kind");
        let tenant = "7e0f8b35-1f0b-4a1e-8a3c-55a5d7a9b0c3";
        body["spec"]["targetRef"] = json!({ "kind": "meshTenant", "uuid": tenant, "name": null });
        stoa.admin.post(BLOCK, "", &body).await.refused(404, tenant);
        body["spec"]["targetRef"] = json!({ "kind": "meshTenant" });
        stoa.admin.post(BLOCK, "", &body).await.refused(400, "spec.targetRef.uuid");
    }

    async fn who_may_order_what(stoa) {
        for name in ["shop", "data", "press"] {
            stoa.workspace(name).await;
        }
        let inputs = json!({ "quota": input(json!({ "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT" })) });
        let (_, version) = stoa.definition("data", json!({ "inputs": inputs })).await;
        let shop = stoa.key("shop", &["BUILDINGBLOCK_SAVE"]).await;
        let operator = stoa.key("data", &["MANAGED_BUILDINGBLOCK_SAVE"]).await;
        let stranger = stoa.key("press", &["BUILDINGBLOCK_SAVE", "MANAGED_BUILDINGBLOCK_SAVE"]).await;
        let reader = stoa.key("shop", &["BUILDINGBLOCK_LIST", "BUILDINGBLOCK_DELETE"]).await;
        let plain = block_body(&version, "shop", json!({}));
        let full = block_body(&version, "shop", json!({ "quota": { "value": "1" } }));
        shop.post(BLOCK, "", &plain).await.expect(201);
        shop.post(BLOCK, "", &full).await.refused(403, "you don't have sufficient permissions");
        operator.post(BLOCK, "", &full).await.expect(201);
        stranger.post(BLOCK, "", &plain).await.refused(403, "BUILDINGBLOCK_SAVE");
        reader.post(BLOCK, "", &plain).await.refused(403, "BUILDINGBLOCK_SAVE");
        // Who may not, learns nothing of what is wrong besides (the order of §5.1).
        let wrong = block_body(&version, "shop", json!({ "quota": { "value": 7, "isSensitive": true } }));
        shop.post(BLOCK, "", &wrong).await.refused(403, "quota");
    }

    async fn a_definition_for_landing_zones_is_not_ordered_by_consumers(stoa) {
        stoa.workspace("shop").await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let path = format!("/{definition}");
        let mut body = stoa.admin.get("meshBuildingBlockDefinition", &path).await.expect(200);
        body["spec"]["useInLandingZonesOnly"] = json!(true);
        stoa.admin.put("meshBuildingBlockDefinition", &path, &body).await.expect(200);
        let order = block_body(&version, "shop", json!({}));
        let shop = stoa.key("shop", &["BUILDINGBLOCK_SAVE"]).await;
        shop.post(BLOCK, "", &order).await.refused(403, "landing zones");
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCK_SAVE"]).await;
        operator.post(BLOCK, "", &order).await.expect(201);
    }

    async fn once_per_target_means_once(stoa) {
        for name in ["shop", "data"] {
            stoa.workspace(name).await;
        }
        let (_, version) = stoa.definition("demo-partner", json!({ "onlyApplyOncePerTenant": true })).await;
        let body = block_body(&version, "shop", json!({}));
        let posts = (0..6).map(|_| stoa.admin.post(BLOCK, "", &body));
        let answers = futures_util::future::join_all(posts).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        let answer = stoa.admin.post(BLOCK, "", &body).await;
        assert_eq!(answer.json()["errorCode"], "BuildingBlockConflict");
        answer.refused(409, "once");
        stoa.order(&stoa.admin, &version, "data", json!({})).await;
        // A block that is gone does not count.
        let first = stoa.admin.list(BLOCK, "?workspaceIdentifier=shop").await;
        stoa.admin.delete(BLOCK, &format!("/{}/purge", text(&first[0], "/metadata/uuid"))).await.expect(202);
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    }

    async fn inputs_over_sixteen_mebibytes_are_too_many(stoa) {
        stoa.workspace("shop").await;
        let code = || input(json!({ "type": "CODE" }));
        let version = version_with(&stoa, json!({ "a": code(), "b": code() })).await;
        let half = "x".repeat((8 << 20) + 1);
        let over = json!({ "a": { "value": half }, "b": { "value": half } });
        stoa.admin.post(BLOCK, "", &block_body(&version, "shop", over)).await.refused(413, "16777216");
        let fits = json!({ "a": { "value": half }, "b": { "value": "y" } });
        stoa.admin.post(BLOCK, "", &block_body(&version, "shop", fits)).await.expect(201);
    }
}
