//! The three versions of one tenant, and their lists (`api-platforms.md` §7.1, §7.2, §7.6 to §7.8).

use super::stage::{tenant_body, versioned};
use crate::on_both;
use crate::stoa::text;
use reqwest::Method;
use serde_json::{Value, json};

const TENANT: &str = "meshTenant";

on_both! {
    async fn one_tenant_shows_in_three_versions(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        let v4 = versioned(&stoa.admin, Method::GET, "v4", &format!("/{uuid}"), None).await.expect(200);
        assert_eq!(v4["apiVersion"], "v4");
        assert_eq!(v4["spec"]["platformRef"], json!({ "kind": "meshPlatform", "uuid": stage.platform }));
        assert_eq!(v4["spec"]["landingZoneRef"], json!({ "kind": "meshLandingZone", "name": "spaces-dev" }));
        assert_eq!(v4["status"]["tags"], json!({}));
        assert_eq!(v4["status"]["platformWorkspaceId"], Value::Null);
        assert!(text(&v4, "/_links/self/href").ends_with(&format!("/meshtenants/{uuid}")));
        assert!(text(&v4, "/_links/meshusers/href").contains("projectIdentifier=web"));

        let preview = versioned(&stoa.admin, Method::GET, "v4-preview", &format!("/{uuid}"), None).await.expect(200);
        assert_eq!(preview["apiVersion"], "v4-preview");
        assert_eq!(preview["spec"], json!({
            "platformIdentifier": "spaces.global", "landingZoneIdentifier": "spaces-dev",
            "platformTenantId": uuid, "quotas": [{ "key": "cpu", "value": 4 }],
        }));
        assert_eq!(preview["status"]["platformWorkspaceIdentifier"], Value::Null);

        let name = "shop.web.spaces.global";
        let v3 = versioned(&stoa.admin, Method::GET, "v3", &format!("/{name}"), None).await.expect(200);
        assert_eq!(v3["metadata"], json!({
            "ownedByWorkspace": "shop", "ownedByProject": "web", "platformIdentifier": "spaces.global",
            "tenantIdentifier": name, "assignedTags": {},
        }));
        assert_eq!(v3["spec"], json!({
            "localId": uuid, "landingZoneIdentifier": "spaces-dev", "quotas": [{ "key": "cpu", "value": 4 }],
        }));
        assert!(text(&v3, "/_links/self/href").ends_with(name));
    }

    async fn each_version_orders_in_its_own_words(stoa) {
        let stage = stoa.custom_platform().await;
        for (project, version, body) in [
            ("a", "v4", json!({
                "apiVersion": "v4", "kind": TENANT,
                "metadata": { "ownedByWorkspace": "shop", "ownedByProject": "a" },
                "spec": {
                    "platformRef": { "uuid": stage.platform }, "landingZoneRef": { "name": "spaces-dev" },
                    "platformTenantId": null, "requestedQuotas": { "cpu": { "value": 8 } },
                },
            })),
            ("b", "v4-preview", json!({
                "apiVersion": "v4-preview", "kind": TENANT,
                "metadata": { "ownedByWorkspace": "shop", "ownedByProject": "b" },
                "spec": {
                    "platformIdentifier": "spaces.global", "landingZoneIdentifier": "spaces-dev",
                    "platformTenantId": null, "quotas": [{ "key": "cpu", "value": 8 }],
                },
            })),
            ("c", "v3", json!({
                "apiVersion": "v3", "kind": TENANT,
                "metadata": {
                    "ownedByWorkspace": "shop", "ownedByProject": "c", "platformIdentifier": "spaces.global",
                },
                "spec": { "landingZoneIdentifier": "spaces-dev", "quotas": [{ "key": "cpu", "value": 8 }] },
            })),
        ] {
            stoa.project(project).await;
            let created = versioned(&stoa.admin, Method::POST, version, "", Some(&body)).await.expect(201);
            assert_eq!(created["apiVersion"], version);
            let found = stoa.admin.list(TENANT, &format!("?projectIdentifier={project}")).await;
            assert_eq!(found[0]["status"]["appliedQuotas"], json!({ "cpu": { "value": 8 } }), "{version}");
            let put = versioned(&stoa.admin, Method::PUT, version, "/x", Some(&body)).await;
            put.refused(405, "");
        }
    }

    async fn missing_and_wrong_fields_are_named(stoa) {
        let stage = stoa.custom_platform().await;
        let good = tenant_body("web", &stage.platform, None);
        for (pointer, value, named) in [
            ("/metadata/ownedByWorkspace", Value::Null, "metadata.ownedByWorkspace"),
            ("/metadata/ownedByProject", Value::Null, "metadata.ownedByProject"),
            ("/metadata/ownedByProject", json!("nope"), "metadata.ownedByProject"),
            ("/metadata/ownedByProject", json!(7), "metadata.ownedByProject"),
            ("/spec/platformRef", Value::Null, "spec.platformRef"),
            ("/spec/platformRef/uuid", Value::Null, "spec.platformRef.uuid"),
            ("/spec/platformRef/uuid", json!("x"), "spec.platformRef"),
            ("/spec/platformRef/kind", json!("meshTenant"), "spec.platformRef"),
            ("/spec/landingZoneRef", json!({ "name": "other" }), "spec.landingZoneRef"),
            ("/spec/landingZoneRef", json!({ "kind": "meshPlatform", "name": "spaces-dev" }), "spec.landingZoneRef"),
            ("/spec/platformTenantId", json!(""), "spec.platformTenantId"),
            ("/spec/requestedQuotas", json!({ "cpu": 3 }), "spec.requestedQuotas.cpu"),
            ("/spec/requestedQuotas", json!({ "cpu": { "value": 1.5 } }), "spec.requestedQuotas.cpu"),
            ("/spec/requestedQuotas", json!({ "disk": { "value": 1 } }), "spec.requestedQuotas.disk"),
        ] {
            let mut body = good.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = value;
            stoa.admin.post(TENANT, "", &body).await.refused(400, named);
        }
        let mut foreign = good.clone();
        foreign["metadata"]["ownedByWorkspace"] = json!("nope");
        stoa.admin.post(TENANT, "", &foreign).await.refused(400, "metadata.ownedByWorkspace");
        assert!(stoa.admin.list(TENANT, "").await.is_empty(), "nothing half-done");
    }

    async fn lists_filter_and_default_to_active_ones(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        stoa.project("api").await;
        let other = stoa.admin.create(TENANT, &tenant_body("api", &stage.platform, None)).await;
        let other = text(&other, "/metadata/uuid");
        stoa.until_phase(&other, "READY").await;
        for (query, count) in [
            ("?workspaceIdentifier=shop", 2),
            ("?workspaceIdentifier=ops", 0),
            ("?workspaceIdentifier=shop&projectIdentifier=web", 1),
            ("?platformIdentifier=spaces.global", 2),
            ("?platformIdentifier=spaces", 0),
            ("?platformTypeIdentifier=SPACES", 2),
            ("?platformTypeIdentifier=spaces", 0),
            ("?landingZoneIdentifier=spaces-dev", 2),
            (&format!("?platformTenantId={uuid}"), 1),
            ("?state=ACTIVE", 2),
            ("?state=DELETED", 0),
            ("?state=ACTIVE&state=DELETED", 2),
            ("?workspaceIdentifier=shop&projectIdentifier=web&platformIdentifier=spaces.global", 1),
        ] {
            assert_eq!(stoa.admin.list(TENANT, query).await.len(), count, "{query}");
        }
        stoa.admin.get(TENANT, "?state=GONE").await.refused(400, "state");
        stoa.admin.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        stoa.until_phase(&uuid, "DELETED").await;
        assert_eq!(stoa.admin.list(TENANT, "").await.len(), 1);
        assert_eq!(stoa.admin.list(TENANT, "?state=DELETED").await.len(), 1);
        let v3 = |query: &'static str| versioned(&stoa.admin, Method::GET, "v3", query, None);
        let gone = v3("?deletionState=DELETED").await.expect(200);
        let gone = &gone["_embedded"]["meshTenants"];
        assert_eq!(gone[0]["metadata"]["tenantIdentifier"], "shop.web.spaces.global");
        assert!(gone[0]["metadata"]["deletedOn"].is_string());
        assert!(gone[0]["metadata"]["deletionInfo"]["timestamp"].is_string());
        assert_eq!(v3("?state=DELETED&size=100").await.expect(200)["page"]["totalElements"], 1);
        assert_eq!(v3("").await.expect(200)["page"]["totalElements"], 1);
    }

    async fn others_do_not_see_a_tenant(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        let own = stoa.key("shop", &["TENANT_LIST"]).await;
        own.get(TENANT, &format!("/{uuid}")).await.expect(200);
        assert_eq!(own.list(TENANT, "").await.len(), 1);
        let ops = stoa.key("ops", &["TENANT_LIST"]).await;
        ops.get(TENANT, &format!("/{uuid}")).await.refused(404, "");
        assert!(ops.list(TENANT, "").await.is_empty());
        let none = stoa.key("shop", &["PROJECT_LIST"]).await;
        none.get(TENANT, &format!("/{uuid}")).await.refused(403, "TENANT_LIST");
        none.get(TENANT, "").await.refused(403, "TENANT_LIST");
        own.delete(TENANT, &format!("/{uuid}")).await.refused(403, "TENANT_DELETE");
    }
}
