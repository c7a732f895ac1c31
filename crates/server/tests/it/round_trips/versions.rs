//! Versions of definitions: each kind of implementation, inputs of every type with and without secrets, written
//! back as they were read.

use super::changes;
use crate::on_both;
use crate::stoa::{SHARED, Stoa, input, text, version_body};
use serde_json::{Value, json};

const VERSION: &str = "meshBuildingBlockDefinitionVersion";

async fn integration(stoa: &Stoa, kind: &str, config: Value) -> Value {
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": kind, "config": { "type": kind, kind: config } },
    });
    let made = stoa.admin.create("meshIntegration", &body).await;
    json!({ "kind": "meshIntegration", "uuid": text(&made, "/metadata/uuid") })
}

/// One implementation of each type and fullness.
async fn implementations(stoa: &Stoa) -> Vec<Value> {
    let secret = |text: &str| json!({ "plaintext": text });
    let hub = json!({ "owner": "fruit", "baseUrl": "https://github.com", "appId": "1", "appPrivateKey": secret("k") });
    let hub = integration(stoa, "github", hub).await;
    let lab = integration(stoa, "gitlab", json!({ "baseUrl": "https://gitlab.com" })).await;
    let azure = json!({ "baseUrl": "https://dev.azure.com", "organization": "o", "personalAccessToken": secret("p") });
    let azure = integration(stoa, "azuredevops", azure).await;
    vec![
        json!({ "type": "manual", "manual": {}, "terraform": null }),
        json!({ "type": "manual" }),
        json!({ "type": "terraform", "terraform": {
            "terraformVersion": "1.9.0", "repositoryUrl": "https://git.example.org/module.git",
            "repositoryPath": null, "refName": null, "async": false, "useMeshHttpBackendFallback": true,
            "sshPrivateKey": null, "sshKnownHost": null, "preRunScript": null } }),
        json!({ "type": "terraform", "terraform": {
            "terraformVersion": "1.5.5", "repositoryUrl": "git@git.example.org:dba/module.git",
            "repositoryPath": "modules/schema", "refName": "v3", "async": true, "useMeshHttpBackendFallback": false,
            "sshPrivateKey": secret("-----BEGIN KEY-----\nline\n"),
            "sshKnownHost": { "host": "git.example.org", "keyType": "ssh-ed25519", "keyValue": "AAAAC3Nza" },
            "preRunScript": "set -e\necho \"ä 🌱\"\n" } }),
        json!({ "type": "githubWorkflows", "githubWorkflows": {
            "integrationRef": hub, "repository": "fruit/press", "branch": "main", "applyWorkflow": "apply.yml",
            "destroyWorkflow": "destroy.yml", "async": true, "omitRunObjectInput": false } }),
        json!({ "type": "gitlabPipeline", "gitlabPipeline": {
            "integrationRef": lab, "projectId": "31", "refName": "main", "pipelineTriggerToken": secret("glptt") } }),
        json!({ "type": "azureDevOpsPipeline", "azureDevOpsPipeline": {
            "integrationRef": azure, "project": "press", "pipelineId": "12", "refName": null, "async": false } }),
    ]
}

/// Inputs of every type and assignment that needs nothing else.
fn inputs() -> Value {
    let secret = json!({ "plaintext": "s3cret ä 🌱" });
    json!({
        "text": input(json!({ "description": "With ä", "defaultValue": "  kept ", "valueValidationRegex": ".*", "validationRegexErrorMessage": "any", "displayOrder": 0 })),
        "code": input(json!({ "type": "CODE", "defaultValue": "{\"a\": [1, 2.5, null]}" })),
        "number": input(json!({ "type": "INTEGER", "defaultValue": 9_007_199_254_740_993_i64, "displayOrder": 3 })),
        "flag": input(json!({ "type": "BOOLEAN", "defaultValue": false })),
        "one": input(json!({ "type": "SINGLE_SELECT", "selectableValues": ["b", "a", "ä"], "defaultValue": "a" })),
        "many": input(json!({ "type": "MULTI_SELECT", "selectableValues": ["b", "a"], "defaultValue": ["a", "b"] })),
        "list": input(json!({ "type": "LIST", "assignmentType": "STATIC", "argument": "[\"x\"]", "updateableByConsumer": false })),
        "SECRET": input(json!({ "assignmentType": "STATIC", "isSensitive": true, "isEnvironment": true, "argument": secret, "updateableByConsumer": false })),
        "operator": input(json!({ "assignmentType": "PLATFORM_OPERATOR_MANUAL_INPUT", "updateableByConsumer": false, "description": null })),
        "who": input(json!({ "assignmentType": "WORKSPACE_IDENTIFIER", "updateableByConsumer": false })),
    })
}

on_both! {
    async fn versions_can_be_written_back_as_they_were_read(stoa) {
        for implementation in implementations(&stoa).await {
            let body = json!({ "metadata": { "ownedByWorkspace": "demo-partner" },
                "spec": { "displayName": "D", "description": "Something" } });
            let definition = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
            let place = format!("/{}", text(&definition, "/status/latestVersionUuid"));
            let mut body = version_body("demo-partner", &text(&definition, "/metadata/uuid"));
            body["spec"]["implementation"] = implementation.clone();
            body["spec"]["inputs"] = inputs();
            body["spec"]["permissions"] = json!(["PROJECT_LIST"]);
            body["spec"]["runnerRef"] = json!({ "kind": "meshBuildingBlockRunner", "uuid": SHARED });
            if implementation["type"] != "manual" {
                body["spec"]["outputs"] = json!({ "url": { "displayName": "Url ä", "type": "STRING", "assignmentType": "RESOURCE_URL", "displayOrder": 0 } });
            }
            stoa.admin.put(VERSION, &place, &body).await.expect(200);
            for state in ["DRAFT", "RELEASED"] {
                let read = stoa.admin.get(VERSION, &place).await;
                let mut object = read.json();
                assert_eq!(object["spec"]["inputs"]["number"]["defaultValue"], json!(9_007_199_254_740_993_i64));
                assert_eq!(object["spec"]["inputs"]["SECRET"]["argument"].as_object().unwrap().len(), 1);
                let before = changes(&stoa).await;
                let put = stoa.admin.put(VERSION, &place, &object).await;
                assert_eq!((put.status, put.text), (200, read.text.clone()), "{state} {implementation}");
                let after = changes(&stoa).await;
                assert_eq!(after.get(before.len()..), Some(&[][..]), "{state} {implementation}");
                let query = format!("?buildingBlockDefinitionUuid={}", text(&definition, "/metadata/uuid"));
                assert_eq!(stoa.admin.list(VERSION, &query).await, [object.clone()]);
                if state == "DRAFT" {
                    object["spec"]["state"] = json!("RELEASED");
                    stoa.admin.put(VERSION, &place, &object).await.expect(200);
                }
            }
        }
    }
}
