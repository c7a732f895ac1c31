//! A platform to have tenants on: type, location, platform, definition and landing zone.

use crate::claimed::Claimed;
use crate::stoa::{Answer, Caller, SHARED, Stoa, input, media, merge, text};
use reqwest::Method;
use serde_json::{Value, json};

/// Icon of platform types.
pub const ICON: &str = "data:image/svg+xml;base64,PHN2Zy8+";

/// A custom platform with one landing zone, in workspace `ops`; a team with a project in workspace `shop`.
pub struct Stage {
    /// uuid of the platform.
    pub platform: String,
    /// uuid of the definition that the landing zone comes with.
    pub definition: String,
}

/// Quota definitions: cpu from 1 to 100, free up to 8; memory from 0 to 64, never free.
pub fn quota_definitions() -> Value {
    let of = |key: &str, (min, max, free): (i64, i64, i64)| {
        json!({
            "quotaKey": key, "label": key, "description": "", "unit": "1",
            "minValue": min, "maxValue": max, "autoApprovalThreshold": free,
        })
    };
    json!([of("cpu", (1, 100, 8)), of("memory", (0, 64, 0))])
}

/// A platform's body with this config.
pub fn platform_body(name: &str, owner: &str, config: Value) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": owner },
        "spec": {
            "displayName": "Spaces", "description": "", "endpoint": "",
            "locationRef": { "kind": "meshLocation", "name": "global" },
            "contributingWorkspaces": [],
            "availability": { "restriction": "PUBLIC", "publicationState": "PUBLISHED" },
            "quotaDefinitions": quota_definitions(),
            "config": config,
        },
    })
}

/// A landing zone's body.
pub fn zone_body(name: &str, owner: &str, platform: &str, properties: Value) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": owner, "tags": {} },
        "spec": {
            "displayName": name, "description": "",
            "automateDeletionApproval": false, "automateDeletionReplication": false,
            "platformRef": { "kind": "meshPlatform", "uuid": platform },
            "platformProperties": properties,
            "quotas": [],
            "mandatoryBuildingBlockRefs": [],
            "recommendedBuildingBlockRefs": [],
        },
    })
}

/// A Kubernetes config without replication.
pub fn kubernetes() -> Value {
    json!({ "type": "kubernetes", "kubernetes": { "baseUrl": "https://k8s.example.org:6443" } })
}

/// A tenant's body (v4).
pub fn tenant_body(project: &str, platform: &str, zone: Option<&str>) -> Value {
    let mut body = json!({
        "metadata": { "ownedByWorkspace": "shop", "ownedByProject": project },
        "spec": { "platformRef": { "kind": "meshPlatform", "uuid": platform } },
    });
    if let Some(zone) = zone {
        body["spec"]["landingZoneRef"] = json!({ "kind": "meshLandingZone", "name": zone });
    }
    body
}

/// An operator endpoint, as plain JSON.
pub async fn operate(caller: &Caller, method: Method, path: &str, body: Option<Value>) -> Answer {
    caller
        .raw(method, &format!("/api/stoa/v1/{path}"), |r| match body {
            Some(body) => r.header("content-type", "application/json").body(body.to_string()),
            None => r,
        })
        .await
}

/// A request on tenants in this version.
pub async fn versioned(
    caller: &Caller,
    method: Method,
    version: &str,
    rest: &str,
    body: Option<&Value>,
) -> Answer {
    let media = media("meshTenant", version);
    caller
        .raw(method, &format!("/api/meshobjects/meshtenants{rest}"), |r| {
            let r = r.header("accept", &media);
            match body {
                Some(body) => r.header("content-type", &media).body(body.to_string()),
                None => r,
            }
        })
        .await
}

impl Stoa {
    /// A project of workspace `shop`.
    pub async fn project(&self, name: &str) {
        let body = json!({
            "metadata": { "name": name, "ownedByWorkspace": "shop" },
            "spec": { "displayName": name, "tags": {} },
        });
        self.admin.create("meshProject", &body).await;
    }

    /// A released tenant-level definition of `ops` for platform type `SPACES`.
    pub async fn tenant_definition(&self, change: Value) -> (String, String) {
        let body = json!({
            "metadata": { "ownedByWorkspace": "ops" },
            "spec": {
                "displayName": "Space", "description": "A space", "targetType": "TENANT_LEVEL",
                "supportedPlatforms": [{ "kind": "meshPlatformType", "name": "SPACES" }],
            },
        });
        let definition = self.admin.create("meshBuildingBlockDefinition", &body).await;
        let uuid = text(&definition, "/metadata/uuid");
        let version = text(&definition, "/status/latestVersionUuid");
        let mut body = crate::stoa::version_body("ops", &uuid);
        body["spec"]["state"] = json!("RELEASED");
        merge(&mut body["spec"], &change);
        self.admin.put("meshBuildingBlockDefinitionVersion", &format!("/{version}"), &body).await.expect(200);
        (uuid, version)
    }

    /// A custom platform whose tenants are made by a manual definition that is done at once: the tenant's uuid
    /// is its id on the platform.
    pub async fn custom_platform(&self) -> Stage {
        let version = json!({
            "implementation": { "type": "manual", "manual": {}, "terraform": null },
            "inputs": { "id": input(json!({ "assignmentType": "MESHSTACK_TENANT_UUID" })) },
            "outputs": { "id": {
                "displayName": "Id", "type": "STRING", "assignmentType": "PLATFORM_TENANT_ID",
            } },
        });
        self.custom_platform_with(version).await
    }

    /// A custom platform whose tenants need a run that the test reports on.
    pub async fn custom_platform_by_hand(&self) -> Stage {
        let version = json!({
            "inputs": { "tenant": input(json!({ "assignmentType": "MESHSTACK_TENANT_UUID" })) },
            "outputs": {
                "id": { "displayName": "Id", "type": "STRING", "assignmentType": "PLATFORM_TENANT_ID" },
                "link": { "displayName": "Sign in", "type": "STRING", "assignmentType": "SIGN_IN_URL" },
            },
        });
        self.custom_platform_with(version).await
    }

    /// A custom platform with a definition of this version.
    pub async fn custom_platform_with(&self, version: Value) -> Stage {
        for workspace in ["ops", "shop"] {
            self.workspace(workspace).await;
        }
        self.project("web").await;
        let kind = json!({
            "metadata": { "name": "SPACES", "ownedByWorkspace": "ops" },
            "spec": { "displayName": "Spaces", "category": "CUSTOM", "icon": ICON },
        });
        self.admin.create("meshPlatformType", &kind).await;
        let config = json!({
            "type": "custom",
            "custom": { "platformTypeRef": { "kind": "meshPlatformType", "name": "SPACES" } },
        });
        let platform = self.admin.create("meshPlatform", &platform_body("spaces", "ops", config)).await;
        let platform = text(&platform, "/metadata/uuid");
        let (definition, _) = self.tenant_definition(version).await;
        self.zone(
            "spaces-dev",
            &platform,
            json!({
                "automateDeletionApproval": true,
                "mandatoryBuildingBlockRefs": [{ "kind": "meshBuildingBlockDefinition", "uuid": definition }],
                "quotas": [{ "key": "cpu", "value": 4 }],
            }),
        )
        .await;
        Stage { platform, definition }
    }

    /// A landing zone of the custom platform with this change to its spec.
    pub async fn zone(&self, name: &str, platform: &str, change: Value) {
        let mut body = zone_body(name, "ops", platform, json!({ "type": "custom", "custom": {} }));
        merge(&mut body["spec"], &change);
        self.admin.create("meshLandingZone", &body).await;
    }

    /// A platform of a built-in type with one landing zone `k8s-dev`; its uuid.
    pub async fn native_platform(&self) -> String {
        for workspace in ["ops", "shop"] {
            self.workspace(workspace).await;
        }
        self.project("web").await;
        let platform = self.admin.create("meshPlatform", &platform_body("k8s", "ops", kubernetes())).await;
        let platform = text(&platform, "/metadata/uuid");
        let properties = json!({ "type": "kubernetes", "kubernetes": { "kubernetesRoleMappings": [] } });
        self.admin.create("meshLandingZone", &zone_body("k8s-dev", "ops", &platform, properties)).await;
        platform
    }

    /// A tenant of project `web`, ordered by the administrator; its uuid.
    pub async fn tenant(&self, platform: &str) -> String {
        let tenant = self.admin.create("meshTenant", &tenant_body("web", platform, None)).await;
        text(&tenant, "/metadata/uuid")
    }

    /// The next run of the shared runner, once there is one: a controller may be looking at its block.
    pub async fn next_run(&self) -> Claimed {
        let admin = self.again(&self.admin).await;
        admin.claimed_for(SHARED).await
    }

    /// Waits until a tenant is in this phase.
    pub async fn until_phase(&self, tenant: &str, phase: &str) -> Value {
        self.admin.until("meshTenant", tenant, |found| found["status"]["phase"] == phase).await
    }
}
