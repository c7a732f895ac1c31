//! Integrations, keys, runners, definitions, building blocks.

use super::super::generate::Must;
use super::{Row, TAGS, World, owned};
use crate::stoa::shared_key;
use serde_json::json;

/// The rows of what definitions lean on.
pub fn blocks() -> Vec<Row> {
    let said = ("/spec/displayName", Must::BeSaid);
    let secret = |text: &str| json!({ "plaintext": text });
    let mut rows = Vec::new();
    for (kind, config) in [
        (
            "github",
            json!({ "owner": "fruit ", "baseUrl": "https://git.example", "appId": "1", "appPrivateKey": secret("k") }),
        ),
        ("gitlab", json!({ "baseUrl": "https://lab.example/ä", "runnerRef": null })),
        (
            "azuredevops",
            json!({ "baseUrl": "https://a.example", "organization": "o", "personalAccessToken": secret("p") }),
        ),
        ("entraid", json!({ "tenantId": "t", "clientId": "c", "clientSecret": secret("s") })),
    ] {
        let owner = if kind == "entraid" { "demo-partner" } else { "orchard" };
        let rules = vec![
            said.clone(),
            ("/metadata/ownedByWorkspace", Must::Be(json!(owner))),
            ("/spec/config", Must::Be(json!({ "type": kind, kind: config }))),
        ];
        rows.push(Row::new("meshIntegration", "v1", "meshintegrations", rules).variant(kind));
    }
    let rules = vec![
        owned(),
        said.clone(),
        ("/spec/permissions", Must::BeOneOf(vec![json!([]), json!(["PROJECT_LIST", "TENANT_LIST"])])),
        ("/spec/expiresAt", Must::BeIfAny(json!("2096-02-29"))),
    ];
    let mut key = Row::new("meshApiKey", "v1-preview", "meshapikeys", rules);
    key.shows_once = true;
    rows.push(key);
    let rules = vec![
        owned(),
        said.clone(),
        ("/spec/publicKey", Must::Be(json!(shared_key().public_pem()))),
        ("/spec/isSelfHosted", Must::BeAbsent),
        ("**/issuer", Must::Be(json!("https://issuer.example"))),
        ("**/subject", Must::BeSaid),
        ("/spec/workloadIdentityFederation/gcp", Must::BeThere),
        ("**/audience", Must::BeSaid),
        ("**/tokenPath", Must::Be(json!("/var/run/token"))),
    ];
    rows.push(Row::new("meshBuildingBlockRunner", "v1-preview", "meshbuildingblockrunners", rules));
    rows
}

/// The rows of definitions and blocks.
pub fn definitions_and_blocks(world: &World) -> Vec<Row> {
    let said = ("/spec/displayName", Must::BeSaid);
    let mut rows = Vec::new();
    for level in ["WORKSPACE_LEVEL", "TENANT_LEVEL"] {
        let rules = vec![
            owned(),
            said.clone(),
            ("/metadata/tags", TAGS),
            ("/spec/targetType", Must::Be(json!(level))),
            (
                "/spec/supportedPlatforms",
                if level == "TENANT_LEVEL" {
                    Must::Be(json!([{ "kind": "meshPlatformType", "name": "EDGE" }, { "name": "AWS" }]))
                } else {
                    Must::BeAbsent
                },
            ),
            ("/spec/supportUrl", Must::BeIfAny(json!("https://help.example/ä?b=c#d"))),
            ("/spec/documentationUrl", Must::BeIfAny(json!("https://docs.example"))),
            ("/spec/description", Must::BeSaid),
            ("/spec/readme", Must::BeSaid),
            (
                "/spec/notificationSubscriberUsernames",
                Must::BeIfAny(json!(["user:lea", "email:dba@example.org"])),
            ),
            ("/spec/symbol", Must::BeIfAny(json!("https://icons.example/db.svg"))),
        ];
        rows.push(
            Row::new("meshBuildingBlockDefinition", "v1-preview", "meshbuildingblockdefinitions", rules)
                .variant(level),
        );
    }
    let rules = vec![
        said,
        ("/spec/buildingBlockDefinitionVersionRef", Must::Be(json!({ "uuid": world.version }))),
        ("/spec/targetRef", Must::Be(json!({ "kind": "meshWorkspace", "name": "orchard" }))),
        (
            "/spec/inputs",
            Must::BeOneOf(vec![
                json!({ "size": { "value": "ä 🌱 ", "valueType": "STRING", "isSensitive": false } }),
            ]),
        ),
        ("/spec/parentBuildingBlockRefs", Must::BeIfAny(json!([]))),
        ("/spec/parentBuildingBlocks", Must::BeIfAny(json!([]))),
    ];
    let mut block = Row::new("meshBuildingBlock", "v2-preview", "meshbuildingblocks", rules);
    block.comes_to = Some(("/status/status", "SUCCEEDED"));
    rows.push(block);
    rows
}
