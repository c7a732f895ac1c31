//! Every member of every kind's body, replaced by every other sort of JSON: refused or taken, never a failure
//! of the server, and what is refused leaves no trace.

use super::{everything, refused};
use crate::on_both;
use crate::stoa::{Stoa, block_body, input, shared_key, text, version_body};
use serde_json::{Value, json};

/// What stands in for a member.
fn strangers() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-7),
        json!(18_446_744_073_709_551_615_u64),
        json!(1.0e300),
        json!(""),
        json!("\u{202e}🍎%s${jndi}'\"--"),
        json!("x".repeat(300)),
        json!([]),
        json!({}),
        json!([[{ "a": [null] }]]),
    ]
}

/// Pointers to all members within, outermost first.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), member)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        _ => return,
    };
    for (name, member) in members {
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(pointer.clone());
        pointers(member, &pointer, found);
    }
}

/// Sends each mutant of `body` to `rest` of a kind, by PUT if `rest` names an object, else by POST.
async fn attack(stoa: &Stoa, kind: &str, rest: &str, body: &Value) {
    let mut places = Vec::new();
    pointers(body, "", &mut places);
    let mut before = everything(stoa).await;
    for place in places {
        for stranger in strangers() {
            let mut mutant = body.clone();
            *mutant.pointer_mut(&place).unwrap() = stranger.clone();
            let answer = if rest.is_empty() {
                stoa.admin.post(kind, "", &mutant).await
            } else {
                stoa.admin.put(kind, rest, &mutant).await
            };
            let what = format!("{kind} {place} = {stranger}");
            match answer.status {
                200 | 201 => {
                    assert!(answer.json()["metadata"].is_object(), "{what}");
                    if !rest.is_empty() {
                        stoa.admin.put(kind, rest, body).await.expect(200);
                    }
                    before.clear();
                }
                400 | 404 => refused(&answer, answer.status, &what),
                // Kinds of building blocks have a code of their own for this.
                409 | 422 => assert!(answer.json()["errorCode"].is_string(), "{what}"),
                other => panic!("{what}: {other} {}", answer.text),
            }
        }
        let after = everything(stoa).await;
        if !before.is_empty() {
            assert_eq!(after, before, "{kind} {place} left a trace");
        }
        before = after;
    }
}

fn metadata(workspace: &str) -> Value {
    json!({ "ownedByWorkspace": workspace })
}

on_both! {
    async fn workspaces(stoa) {
        stoa.tags("meshWorkspace", &["k"]).await;
        let body = json!({
            "apiVersion": "v2", "kind": "meshWorkspace",
            "metadata": { "name": "orchard", "tags": { "k": ["v"] } },
            "spec": { "displayName": "O", "platformBuilderAccessEnabled": true },
        });
        attack(&stoa, "meshWorkspace", "/orchard", &body).await;
    }

    async fn projects(stoa) {
        stoa.tags("meshProject", &["k"]).await;
        stoa.workspace("shop").await;
        let body = json!({
            "apiVersion": "v2", "kind": "meshProject",
            "metadata": { "name": "web", "ownedByWorkspace": "shop" },
            "spec": { "displayName": "W", "tags": { "k": ["v"] } },
        });
        stoa.admin.create("meshProject", &body).await;
        attack(&stoa, "meshProject", "/shop.web", &body).await;
    }

    async fn api_keys(stoa) {
        stoa.workspace("shop").await;
        let body = json!({
            "apiVersion": "v1-preview", "kind": "meshApiKey", "metadata": metadata("shop"),
            "spec": { "displayName": "K", "permissions": ["PROJECT_LIST"], "expiresAt": "2097-01-01" },
        });
        let made = stoa.admin.create("meshApiKey", &body).await;
        attack(&stoa, "meshApiKey", &format!("/{}", text(&made, "/metadata/uuid")), &body).await;
    }

    async fn users(stoa) {
        let body = json!({
            "apiVersion": "v2", "kind": "meshUser", "metadata": { "name": "lea" },
            "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A", "tags": { "k": ["v"] } },
        });
        attack(&stoa, "meshUser", "/lea", &body).await;
        let body = json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "B" } });
        attack(&stoa, "meshApiUser", "", &body).await;
    }

    async fn integrations(stoa) {
        for (kind, config) in [
            (
                "github",
                json!({ "owner": "o", "baseUrl": "https://x.example", "appId": "1", "appPrivateKey": { "plaintext": "k" } }),
            ),
            (
                "entraid",
                json!({ "tenantId": "t", "clientId": "c", "clientSecret": { "plaintext": "s" }, "redirectUrl": "https://x.example" }),
            ),
        ] {
            let body = json!({
                "apiVersion": "v1", "kind": "meshIntegration", "metadata": metadata("demo-partner"),
                "spec": { "displayName": "I", "config": { "type": kind, kind: config } },
            });
            attack(&stoa, "meshIntegration", "", &body).await;
        }
    }

    async fn runners(stoa) {
        stoa.workspace("shop").await;
        let body = json!({
            "apiVersion": "v1-preview", "kind": "meshBuildingBlockRunner", "metadata": metadata("shop"),
            "spec": {
                "displayName": "R", "publicKey": shared_key().public_pem(), "implementationType": "ALL", "restriction": "PRIVATE",
                "workloadIdentityFederation": { "issuer": "https://x.example", "subject": "s", "gcp": { "audience": "a", "tokenPath": "/t" } },
            },
        });
        let made = stoa.admin.create("meshBuildingBlockRunner", &body).await;
        attack(&stoa, "meshBuildingBlockRunner", &format!("/{}", text(&made, "/metadata/uuid")), &body).await;
    }

    async fn definitions(stoa) {
        stoa.tags("meshBuildingBlockDefinition", &["k"]).await;
        stoa.workspace("shop").await;
        let body = json!({
            "apiVersion": "v1-preview", "kind": "meshBuildingBlockDefinition",
            "metadata": { "ownedByWorkspace": "shop", "tags": { "k": ["v"] } },
            "spec": {
                "displayName": "D", "description": "d", "readme": "r", "targetType": "WORKSPACE_LEVEL", "runTransparency": true,
                "supportUrl": "https://x.example", "notificationSubscriberUsernames": ["email:lea@f.example"],
            },
        });
        let made = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
        attack(&stoa, "meshBuildingBlockDefinition", &format!("/{}", text(&made, "/metadata/uuid")), &body)
            .await;
    }

    async fn versions(stoa) {
        let definition = stoa
            .admin
            .create(
                "meshBuildingBlockDefinition",
                &json!({
                    "metadata": metadata("demo-partner"), "spec": { "displayName": "D", "description": "d" },
                }),
            )
            .await;
        let mut body = version_body("demo-partner", &text(&definition, "/metadata/uuid"));
        body["spec"]["permissions"] = json!(["PROJECT_LIST"]);
        body["spec"]["inputs"] = json!({ "name": input(json!({ "type": "SINGLE_SELECT", "selectableValues": ["a"], "defaultValue": "a" })) });
        body["spec"]["outputs"] =
            json!({ "url": { "displayName": "URL", "type": "STRING", "assignmentType": "NONE" } });
        let id = format!("/{}", text(&definition, "/status/latestVersionUuid"));
        attack(&stoa, "meshBuildingBlockDefinitionVersion", &id, &body).await;
    }

    async fn blocks(stoa) {
        stoa.workspace("shop").await;
        let inputs = json!({
            "name": input(json!({})),
            "secret": input(json!({ "isSensitive": true })),
            "number": input(json!({ "type": "INTEGER", "defaultValue": 1 })),
        });
        let (_, version) = stoa.definition("demo-partner", json!({ "inputs": inputs })).await;
        let mut body = block_body(
            &version,
            "shop",
            json!({
                "name": { "value": "n", "isSensitive": false },
                "secret": { "value": { "plaintext": "s" }, "isSensitive": true },
                "number": { "value": 7, "isSensitive": false },
            }),
        );
        body["kind"] = json!("meshBuildingBlock");
        body["apiVersion"] = json!("v2-preview");
        body["spec"]["parentBuildingBlockRefs"] = json!([]);
        attack(&stoa, "meshBuildingBlock", "", &body).await;
    }
}
