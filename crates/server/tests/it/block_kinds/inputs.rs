//! §3.3 and §3.4: what a version may ask for and promise.

use crate::on_both;
use crate::stoa::{Stoa, input, text, version_body};
use serde_json::{Value, json};

const VERSION: &str = "meshBuildingBlockDefinitionVersion";

/// A draft of a definition at a level: path and body.
async fn draft(stoa: &Stoa, target: &str) -> (String, Value) {
    let mut definition = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "d", "description": "d", "targetType": target },
    });
    if target == "TENANT_LEVEL" {
        definition["spec"]["supportedPlatforms"] = json!([{ "name": "KUBERNETES" }]);
    }
    let created = stoa.admin.create("meshBuildingBlockDefinition", &definition).await;
    let body = version_body("demo-partner", &text(&created, "/metadata/uuid"));
    (format!("/{}", text(&created, "/status/latestVersionUuid")), body)
}

fn with_input(body: &Value, key: &str, change: Value) -> Value {
    let mut body = body.clone();
    body["spec"]["inputs"] = json!({ key: input(change) });
    body
}

on_both! {
    async fn inputs_that_do_not_add_up_are_refused_by_name(stoa) {
        let (path, body) = draft(&stoa, "WORKSPACE_LEVEL").await;
        for (change, field) in [
            (json!({ "displayName": null }), "displayName"),
            (json!({ "type": "TEXT" }), "type"),
            (json!({ "type": null }), "type"),
            (json!({ "assignmentType": "PLATFORM_TENANT_WORKSPACE_IDENTIFIER" }), "assignmentType"),
            (json!({ "assignmentType": "PLATFORM_TENANT_PROJECT_IDENTIFIER" }), "assignmentType"),
            (json!({ "isEnvironment": null }), "isEnvironment"),
            (json!({ "isSensitive": null }), "isSensitive"),
            (json!({ "updateableByConsumer": null }), "updateableByConsumer"),
            (json!({ "type": "FILE", "isEnvironment": true }), "isEnvironment"),
            (json!({ "type": "INTEGER", "isSensitive": true }), "isSensitive"),
            (json!({ "assignmentType": "WORKSPACE_IDENTIFIER", "isSensitive": true }), "isSensitive"),
            (json!({ "assignmentType": "STATIC" }), "argument"),
            (json!({ "assignmentType": "STATIC", "type": "INTEGER", "argument": "7" }), "argument"),
            (json!({ "assignmentType": "STATIC", "type": "CODE", "argument": { "a": 1 } }), "argument"),
            (json!({ "assignmentType": "STATIC", "isSensitive": true, "argument": "bare" }), "argument"),
            (
                json!({ "assignmentType": "STATIC", "isSensitive": true, "argument": { "hash": "x" } }),
                "argument",
            ),
            (
                json!({ "assignmentType": "STATIC", "isSensitive": true, "argument": { "plaintext": "" } }),
                "argument",
            ),
            (json!({ "argument": "x" }), "argument"),
            (json!({ "assignmentType": "BUILDING_BLOCK_OUTPUT" }), "argument"),
            (json!({ "assignmentType": "BUILDING_BLOCK_OUTPUT", "argument": "nodot" }), "argument"),
            (json!({ "assignmentType": "STATIC", "argument": "x", "defaultValue": "y" }), "defaultValue"),
            (json!({ "assignmentType": "AUTHOR", "type": "CODE", "defaultValue": "y" }), "defaultValue"),
            (json!({ "type": "BOOLEAN", "defaultValue": "true" }), "defaultValue"),
            (json!({ "type": "FILE", "defaultValue": "hello" }), "defaultValue"),
            (
                json!({ "type": "FILE", "isSensitive": true, "defaultValue": { "plaintext": "hello" } }),
                "defaultValue",
            ),
            (json!({ "type": "SINGLE_SELECT" }), "selectableValues"),
            (json!({ "type": "MULTI_SELECT", "selectableValues": [] }), "selectableValues"),
            (json!({ "selectableValues": ["a"] }), "selectableValues"),
            (
                json!({ "type": "SINGLE_SELECT", "selectableValues": ["a"], "defaultValue": "b" }),
                "defaultValue",
            ),
            (
                json!({ "type": "MULTI_SELECT", "selectableValues": ["a"], "defaultValue": "a" }),
                "defaultValue",
            ),
            (json!({ "valueValidationRegex": "[" }), "valueValidationRegex"),
            (json!({ "valueValidationRegex": "[a-z]+", "defaultValue": "A" }), "defaultValue"),
            (json!({ "assignmentType": "AUTHOR" }), "type"),
            (json!({ "assignmentType": "WORKSPACE_IDENTIFIER", "type": "INTEGER" }), "type"),
            (json!({ "assignmentType": "PROJECT_IDENTIFIER" }), "assignmentType"),
            (json!({ "assignmentType": "PLATFORM_TENANT_ID" }), "assignmentType"),
            (json!({ "assignmentType": "MESHSTACK_TENANT_UUID" }), "assignmentType"),
            (json!({ "assignmentType": "FULL_PLATFORM_IDENTIFIER" }), "assignmentType"),
        ] {
            let answer = stoa.admin.put(VERSION, &path, &with_input(&body, "key", change.clone())).await;
            assert_eq!(answer.status, 400, "{change}: {}", answer.text);
            answer.refused(400, &format!("spec.inputs.key.{field}"));
        }
        for key in [
            "",
            "1st",
            "with space",
            "a/b",
            "MESHSTACK_API_TOKEN",
            "MESHSTACK_ENDPOINT",
            "MESHSTACK_RUN_TOKEN",
        ] {
            stoa.admin
                .put(VERSION, &path, &with_input(&body, key, json!({})))
                .await
                .refused(400, "spec.inputs");
        }
    }

    async fn inputs_that_do_are_kept_as_sent(stoa) {
        let (path, body) = draft(&stoa, "TENANT_LEVEL").await;
        let select = json!(["b", "a", "c"]);
        for (key, change) in [
            ("_private", json!({ "isSensitive": true, "type": "CODE" })),
            ("terraform.tfvars", json!({ "type": "FILE", "defaultValue": "data:text/plain;base64,aGk=" })),
            ("with-dash", json!({ "type": "LIST", "defaultValue": "[1]" })),
            ("number", json!({ "type": "INTEGER", "defaultValue": -7, "displayOrder": 0 })),
            ("flag", json!({ "type": "BOOLEAN", "defaultValue": false, "isEnvironment": true })),
            ("one", json!({ "type": "SINGLE_SELECT", "selectableValues": select, "defaultValue": "a" })),
            (
                "many",
                json!({ "type": "MULTI_SELECT", "selectableValues": select, "defaultValue": ["c", "b"] }),
            ),
            (
                "pattern",
                json!({
                    "valueValidationRegex": "[a-z_]{1,30}", "validationRegexErrorMessage": "use a-z and _",
                    "defaultValue": "ab",
                }),
            ),
            ("operator", json!({ "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT", "defaultValue": "x" })),
            ("fixed", json!({ "assignmentType": "STATIC", "argument": "x" })),
            ("tenant", json!({ "assignmentType": "PLATFORM_TENANT_ID" })),
            ("tenantUuid", json!({ "assignmentType": "MESHSTACK_TENANT_UUID" })),
            ("workspace", json!({ "assignmentType": "WORKSPACE_IDENTIFIER" })),
            ("project", json!({ "assignmentType": "PROJECT_IDENTIFIER" })),
            ("platform", json!({ "assignmentType": "FULL_PLATFORM_IDENTIFIER" })),
            ("block", json!({ "assignmentType": "TENANT_BUILDING_BLOCK_UUID" })),
            ("who", json!({ "assignmentType": "USER_PERMISSIONS", "type": "CODE" })),
            ("whoList", json!({ "assignmentType": "USER_PERMISSIONS", "type": "LIST" })),
            ("author", json!({ "assignmentType": "AUTHOR", "type": "CODE" })),
        ] {
            let sent = with_input(&body, key, change);
            let kept = stoa.admin.put(VERSION, &path, &sent).await.expect(200);
            let kept = &kept["spec"]["inputs"][key];
            for (field, value) in sent["spec"]["inputs"][key].as_object().unwrap() {
                assert_eq!(&kept[field], value, "{key}.{field}");
            }
            for field in ["argument", "defaultValue"] {
                assert!(kept.as_object().unwrap().contains_key(field), "{key}.{field} is null, not absent");
            }
            for field in
                ["description", "selectableValues", "valueValidationRegex", "validationRegexErrorMessage"]
            {
                if sent["spec"]["inputs"][key].get(field).is_none() {
                    assert!(kept.get(field).is_none_or(Value::is_null), "{key}.{field}");
                }
            }
        }
    }

    async fn outputs_follow_their_table(stoa) {
        let (workspace, workspace_body) = draft(&stoa, "WORKSPACE_LEVEL").await;
        let (tenant, tenant_body) = draft(&stoa, "TENANT_LEVEL").await;
        let with = |body: &Value, outputs: Value| {
            let mut body = body.clone();
            body["spec"]["outputs"] = outputs;
            body
        };
        let output = |io_type: &str, assignment: &str| {
            json!({
                "displayName": "O", "type": io_type, "assignmentType": assignment,
            })
        };
        for (outputs, field) in [
            (json!({ "o": { "type": "STRING" } }), "spec.outputs.o.displayName"),
            (json!({ "o": { "displayName": "O" } }), "spec.outputs.o.type"),
            (json!({ "o": output("FILE", "NONE") }), "spec.outputs.o.type"),
            (json!({ "o": output("SINGLE_SELECT", "NONE") }), "spec.outputs.o.type"),
            (json!({ "o": output("TEXT", "NONE") }), "spec.outputs.o.type"),
            (json!({ "o": output("STRING", "LINK") }), "spec.outputs.o.assignmentType"),
            (json!({ "o": output("STRING", "PLATFORM_TENANT_ID") }), "spec.outputs.o.assignmentType"),
            (json!({ "o o": output("STRING", "NONE") }), "spec.outputs.o o"),
        ] {
            stoa.admin.put(VERSION, &workspace, &with(&workspace_body, outputs)).await.refused(400, field);
        }
        let id = output("STRING", "PLATFORM_TENANT_ID");
        let two = json!({ "a": id, "b": id });
        stoa.admin.put(VERSION, &tenant, &with(&tenant_body, two)).await.refused(400, "spec.outputs.b");
        let good = json!({
            "id": output("STRING", "PLATFORM_TENANT_ID"), "url": output("STRING", "SIGN_IN_URL"),
            "link": output("STRING", "RESOURCE_URL"), "text": output("CODE", "SUMMARY"),
            "count": output("INTEGER", "NONE"), "flag": output("BOOLEAN", "NONE"),
            "plain": { "displayName": "P", "type": "STRING", "displayOrder": 0 },
        });
        let kept = stoa.admin.put(VERSION, &tenant, &with(&tenant_body, good.clone())).await.expect(200);
        for (key, sent) in good.as_object().unwrap() {
            for (field, value) in sent.as_object().unwrap() {
                assert_eq!(&kept["spec"]["outputs"][key][field], value, "{key}.{field}");
            }
        }
        assert_eq!(kept["spec"]["outputs"]["plain"]["assignmentType"], "NONE");
    }

    async fn system_values_reach_the_run(stoa) {
        stoa.workspace("shop").await;
        let of =
            |assignment: &str, io_type: &str| input(json!({ "assignmentType": assignment, "type": io_type }));
        let inputs = json!({
            "workspace": of("WORKSPACE_IDENTIFIER", "STRING"),
            "block": of("TENANT_BUILDING_BLOCK_UUID", "STRING"),
            "author": of("AUTHOR", "CODE"),
            "permissions": of("USER_PERMISSIONS", "CODE"),
        });
        let (_, version) = stoa.definition("demo-partner", json!({ "inputs": inputs })).await;
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_LIST"]).await;
        let block = stoa.order(&consumer, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        assert_eq!(run.input("workspace")["value"], "shop");
        assert_eq!(run.input("block")["value"], block["metadata"]["uuid"]);
        let author: Value = serde_json::from_str(&text(&run.input("author"), "/value")).unwrap();
        let expected = json!({
            "type": "ApiKey", "identifier": consumer.client_id, "displayName": "test",
            "username": null, "email": null, "euid": null,
        });
        assert_eq!(author, expected);
        assert_eq!(run.run["spec"]["trigger"]["author"], expected);
        let permissions: Value = serde_json::from_str(&text(&run.input("permissions"), "/value")).unwrap();
        assert!(permissions.is_array(), "{permissions}");
        run.end("SUCCEEDED").await;
        // Another run has another author; the block's author stays its creator.
        stoa.admin.trigger(&text(&block, "/metadata/uuid")).await.expect(202);
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["trigger"]["author"]["identifier"], json!(stoa.admin.client_id));
        assert_eq!(serde_json::from_str::<Value>(&text(&run.input("author"), "/value")).unwrap(), expected);
    }
}
