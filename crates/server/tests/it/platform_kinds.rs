//! Locations, platform types, platforms and landing zones, row by row of their tables (`api-platforms.md` §1 to §6,
//! §9 to §11, `api-core.md` §3.13).

mod availability;
mod configs;
mod connection_tests;
mod landing_zones;
mod locations;
mod operators;
mod platforms;
mod types;
mod visibility;

use crate::core_kinds::with;
use crate::stoa::{Answer, Caller, Stoa, media, of, text};
use reqwest::Method;
use serde_json::{Value, json};

/// A platform of the admin workspace at `global`, published for all.
fn platform(name: &str, config: Value) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": "demo-partner" },
        "spec": {
            "displayName": format!("Platform {name}"),
            "description": "",
            "endpoint": "https://console.dockyard.example",
            "locationRef": { "kind": "meshLocation", "name": "global" },
            "contributingWorkspaces": [],
            "availability": {
                "restriction": "PUBLIC", "publicationState": "PUBLISHED", "restrictedToWorkspaces": [],
            },
            "quotaDefinitions": [],
            "config": config,
        },
    })
}

/// The same, owned by a workspace and for it alone.
fn private(name: &str, owner: &str, config: Value) -> Value {
    let mut body = platform(name, config);
    body["metadata"]["ownedByWorkspace"] = json!(owner);
    body["spec"]["availability"] = json!({
        "restriction": "PRIVATE", "publicationState": "UNPUBLISHED", "restrictedToWorkspaces": [owner],
    });
    body
}

/// The configuration of a custom platform.
fn custom() -> Value {
    json!({ "type": "custom", "custom": {
        "platformTypeRef": { "kind": "meshPlatformType", "name": "STACKIT" },
    } })
}

/// The configuration of a cluster, the shortest there is.
fn kubernetes() -> Value {
    json!({ "type": "kubernetes", "kubernetes": { "baseUrl": "https://api.dockyard.example:6443" } })
}

/// A quota definition.
fn quota(key: &str, (min, max, threshold): (i64, i64, i64)) -> Value {
    json!({
        "quotaKey": key, "label": key.to_uppercase(), "description": "A limit", "unit": "m",
        "minValue": min, "maxValue": max, "autoApprovalThreshold": threshold,
    })
}

/// A landing zone of a custom platform, owned by a workspace.
fn zone(name: &str, owner: &str, platform: &str) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": owner, "tags": {} },
        "spec": {
            "displayName": format!("Zone {name}"),
            "description": "",
            "automateDeletionApproval": false,
            "automateDeletionReplication": false,
            "platformRef": { "kind": "meshPlatform", "uuid": platform },
            "platformProperties": { "type": "custom", "custom": {} },
        },
    })
}

/// A released definition for tenants on these platform types; its uuid.
async fn tenant_definition(stoa: &Stoa, owner: &str, platforms: &[&str], change: Value) -> String {
    let supported: Vec<Value> = platforms.iter().map(|name| json!({ "name": name })).collect();
    let body = json!({
        "metadata": { "ownedByWorkspace": owner },
        "spec": {
            "displayName": "Connector", "description": "Makes tenants", "targetType": "TENANT_LEVEL",
            "supportedPlatforms": supported,
        },
    });
    let made = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
    let uuid = text(&made, "/metadata/uuid");
    let mut version = crate::stoa::version_body(owner, &uuid);
    version["spec"]["state"] = json!("RELEASED");
    crate::stoa::merge(&mut version["spec"], &change);
    let at = format!("/{}", text(&made, "/status/latestVersionUuid"));
    stoa.admin.put("meshBuildingBlockDefinitionVersion", &at, &version).await.expect(200);
    uuid
}

fn uuid(object: &Value) -> String {
    text(object, "/metadata/uuid")
}

fn at(object: &Value) -> String {
    format!("/{}", uuid(object))
}

/// A request to one of Stoa's own endpoints.
async fn operate(caller: &Caller, method: Method, path: &str, body: Option<Value>) -> Answer {
    let path = format!("/api/stoa/v1/{path}");
    caller
        .raw(method, &path, |request| match &body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        })
        .await
}

/// How many versions an object has had: changes that were written.
async fn changes(stoa: &Stoa, title: &str) -> usize {
    let title = title.replace(' ', "%20");
    stoa.admin.list("meshEventLog", &format!("?title={title}&size=1000")).await.len()
}

/// The media type of a kind in camel case, as the Terraform provider writes it.
fn camel(kind: &str) -> String {
    let version = of(kind).0;
    media(kind, version).replace(&kind.to_lowercase(), kind)
}
