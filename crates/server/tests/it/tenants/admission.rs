//! Who gets a tenant and who does not (`api-platforms.md` §7.3).

use super::stage::{operate, tenant_body};
use crate::on_both;
use crate::stoa::{input, text};
use reqwest::Method;
use serde_json::json;

const TENANT: &str = "meshTenant";

on_both! {
    async fn a_project_has_one_tenant_per_platform(stoa) {
        let stage = stoa.custom_platform().await;
        let body = tenant_body("web", &stage.platform, None);
        let orders = (0..8).map(|_| {
            let (admin, body) = (stoa.admin.clone(), body.clone());
            async move { admin.post(TENANT, "", &body).await.status }
        });
        let mut statuses = futures_util::future::join_all(orders).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
        stoa.admin.post(TENANT, "", &body).await.refused(409, "already");
        let uuid = text(&stoa.admin.list(TENANT, "").await[0], "/metadata/uuid");
        stoa.until_phase(&uuid, "READY").await;
        stoa.admin.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        stoa.until_phase(&uuid, "DELETED").await;
        let again = stoa.admin.create(TENANT, &body).await;
        assert_ne!(text(&again, "/metadata/uuid"), uuid);
    }

    async fn platforms_admit_whom_they_are_for(stoa) {
        let stage = stoa.custom_platform().await;
        let own = stoa.key("shop", &["TENANT_SAVE"]).await;
        let body = tenant_body("web", &stage.platform, None);
        let item = format!("/{}", stage.platform);
        let availability = |value: serde_json::Value| {
            let (admin, item) = (stoa.admin.clone(), item.clone());
            async move {
                let mut platform = admin.get("meshPlatform", &item).await.expect(200);
                platform["spec"]["availability"] = value;
                admin.put("meshPlatform", &item, &platform).await.expect(200);
            }
        };
        availability(json!({ "restriction": "PUBLIC", "publicationState": "UNPUBLISHED" })).await;
        own.post(TENANT, "", &body).await.refused(403, "shop");
        availability(json!({
            "restriction": "RESTRICTED", "publicationState": "PUBLISHED", "restrictedToWorkspaces": ["ops"],
        })).await;
        own.post(TENANT, "", &body).await.refused(403, "shop");
        availability(json!({
            "restriction": "RESTRICTED", "publicationState": "PUBLISHED", "restrictedToWorkspaces": ["shop"],
        })).await;
        let tenant = own.post(TENANT, "", &body).await.expect(201);
        // Tenants of workspaces taken off the list stay.
        availability(json!({ "restriction": "PRIVATE", "publicationState": "UNPUBLISHED", "restrictedToWorkspaces": ["ops"] })).await;
        stoa.until_phase(&text(&tenant, "/metadata/uuid"), "READY").await;
        // Administrators are not bound by it.
        stoa.project("api").await;
        stoa.admin.create(TENANT, &tenant_body("api", &stage.platform, None)).await;
        let foreign = stoa.key("ops", &["TENANT_SAVE"]).await;
        foreign.post(TENANT, "", &body).await.refused(403, "TENANT_SAVE");
    }

    async fn deprecated_platforms_take_none(stoa) {
        let stage = stoa.custom_platform().await;
        let path = format!("platforms/{}/deprecation", stage.platform);
        operate(&stoa.admin, Method::POST, &path, None).await;
        let body = tenant_body("web", &stage.platform, None);
        stoa.admin.post(TENANT, "", &body).await.refused(400, "deprecated");
        operate(&stoa.admin, Method::DELETE, &path, None).await;
        stoa.admin.post(TENANT, "", &body).await.expect(201);
    }

    async fn landing_zones_admit_whom_they_are_for(stoa) {
        let stage = stoa.custom_platform().await;
        let own = stoa.key("shop", &["TENANT_SAVE"]).await;
        stoa.zone("guarded", &stage.platform, json!({ "restricted": true })).await;
        own.post(TENANT, "", &tenant_body("web", &stage.platform, Some("guarded"))).await.refused(403, "restricted");
        // Whoever may not use it does not have to choose between it and the other one.
        let tenant = own.post(TENANT, "", &tenant_body("web", &stage.platform, None)).await.expect(201);
        assert_eq!(tenant["spec"]["landingZoneRef"]["name"], "spaces-dev");
        stoa.project("api").await;
        stoa.admin.post(TENANT, "", &tenant_body("api", &stage.platform, None)).await.refused(400, "2 landing zones");
        stoa.admin.delete("meshLandingZone", "/spaces-dev").await.expect(204);
        stoa.admin
            .post(TENANT, "", &tenant_body("api", &stage.platform, Some("spaces-dev")))
            .await
            .refused(400, "disabled");
        stoa.project("c").await;
        own.post(TENANT, "", &tenant_body("c", &stage.platform, None)).await.refused(400, "spec.landingZoneRef");
    }

    async fn a_definition_that_asks_users_cannot_come_by_itself(stoa) {
        let stage = stoa.custom_platform().await;
        let (asking, _) = stoa.tenant_definition(json!({ "inputs": { "size": input(json!({})) } })).await;
        stoa.zone("asking", &stage.platform, json!({
            "mandatoryBuildingBlockRefs": [{ "kind": "meshBuildingBlockDefinition", "uuid": asking }],
        })).await;
        stoa.admin
            .post(TENANT, "", &tenant_body("web", &stage.platform, Some("asking")))
            .await
            .refused(400, "`size`");
        // What it asks for is told to whoever may order, and given with the order.
        let path = "/api/stoa/v1/landingzones/asking/included";
        let own = stoa.key("shop", &["LANDINGZONE_LIST"]).await;
        let told = own.raw(reqwest::Method::GET, path, |request| request).await.expect(200);
        assert_eq!(told["included"][0]["definitionUuid"], asking);
        assert_eq!(told["included"][0]["inputs"]["size"]["type"], "STRING");
        let mut given = tenant_body("web", &stage.platform, Some("asking"));
        given["spec"]["mandatoryBuildingBlockInputs"] = json!({ "elsewhere": { "size": { "value": "m" } } });
        stoa.admin.post(TENANT, "", &given).await.refused(400, "no mandatory building block");
        given["spec"]["mandatoryBuildingBlockInputs"] = json!({ asking.as_str(): { "size": { "value": 3 } } });
        stoa.admin.post(TENANT, "", &given).await.refused(400, "size");
        given["spec"]["mandatoryBuildingBlockInputs"] = json!({ asking.as_str(): { "size": { "value": "m" } } });
        let tenant = stoa.admin.post(TENANT, "", &given).await.expect(201);
        assert!(tenant["spec"].get("mandatoryBuildingBlockInputs").is_none());
        let tenant = tenant["metadata"]["uuid"].as_str().unwrap();
        let blocks = stoa.admin.list("meshBuildingBlock", &format!("?tenantUuid={tenant}")).await;
        assert_eq!(blocks[0]["spec"]["inputs"]["size"]["value"], "m");
        stoa.project("fine").await;
        let (fine, _) = stoa.tenant_definition(json!({ "inputs": { "size": input(json!({ "defaultValue": "s" })) } })).await;
        stoa.zone("fine", &stage.platform, json!({
            "mandatoryBuildingBlockRefs": [{ "kind": "meshBuildingBlockDefinition", "uuid": fine }],
        })).await;
        stoa.admin.post(TENANT, "", &tenant_body("fine", &stage.platform, Some("fine"))).await.expect(201);
    }

    async fn drafts_come_to_their_own_workspace_only(stoa) {
        let stage = stoa.custom_platform().await;
        let body = json!({
            "metadata": { "ownedByWorkspace": "ops" },
            "spec": {
                "displayName": "Draft", "description": "x", "targetType": "TENANT_LEVEL",
                "supportedPlatforms": [{ "name": "SPACES" }],
            },
        });
        let draft = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
        stoa.zone("drafty", &stage.platform, json!({
            "mandatoryBuildingBlockRefs": [{ "uuid": draft["metadata"]["uuid"] }],
        })).await;
        let project = json!({
            "metadata": { "name": "lab", "ownedByWorkspace": "ops" }, "spec": { "displayName": "lab", "tags": {} },
        });
        stoa.admin.create("meshProject", &project).await;
        for (workspace, name, count) in [("shop", "web", 0), ("ops", "lab", 1)] {
            let mut body = tenant_body(name, &stage.platform, Some("drafty"));
            body["metadata"]["ownedByWorkspace"] = json!(workspace);
            let tenant = stoa.admin.create(TENANT, &body).await;
            let query = format!("?tenantUuid={}", text(&tenant, "/metadata/uuid"));
            assert_eq!(stoa.admin.list("meshBuildingBlock", &query).await.len(), count, "{workspace}");
        }
    }

    async fn existing_tenants_are_adopted_by_id(stoa) {
        let stage = stoa.custom_platform().await;
        stoa.zone("bare", &stage.platform, json!({})).await;
        stoa.project("api").await;
        let import = |project: &str, zone: &str, id: &str| {
            let mut body = tenant_body(project, &stage.platform, Some(zone));
            body["spec"]["platformTenantId"] = json!(id);
            body
        };
        let own = stoa.key("shop", &["TENANT_SAVE"]).await;
        own.post(TENANT, "", &import("web", "bare", "old-1")).await.refused(403, "TENANT_IMPORT");
        stoa.admin.post(TENANT, "", &import("web", "spaces-dev", "old-1")).await.refused(400, "mandatory");
        let adopted = stoa.admin.post(TENANT, "", &import("web", "bare", "old-1")).await.expect(201);
        assert_eq!(adopted["spec"]["platformTenantId"], "old-1");
        assert_eq!(adopted["status"]["phase"], "READY");
        stoa.admin.post(TENANT, "", &import("api", "bare", "old-1")).await.refused(409, "old-1");

        // The owner of the landing zone adopts for its own workspace.
        let project = json!({
            "metadata": { "name": "lab", "ownedByWorkspace": "ops" }, "spec": { "displayName": "lab", "tags": {} },
        });
        stoa.admin.create("meshProject", &project).await;
        let ops = stoa.key("ops", &["TENANT_SAVE", "MANAGED_TENANT_IMPORT"]).await;
        let mut body = import("lab", "bare", "old-2");
        body["metadata"]["ownedByWorkspace"] = json!("ops");
        ops.post(TENANT, "", &body).await.expect(201);
        // The same id on another platform is fine.
        let config = json!({ "type": "custom", "custom": { "platformTypeRef": { "name": "SPACES" } } });
        let second = crate::tenants::stage::platform_body("spaces2", "ops", config);
        let second = text(&stoa.admin.create("meshPlatform", &second).await, "/metadata/uuid");
        let mut zone = crate::tenants::stage::zone_body("bare2", "ops", &second, json!({ "type": "custom", "custom": {} }));
        zone["spec"]["restricted"] = json!(false);
        stoa.admin.create("meshLandingZone", &zone).await;
        let mut body = tenant_body("web", &second, Some("bare2"));
        body["spec"]["platformTenantId"] = json!("old-1");
        stoa.admin.post(TENANT, "", &body).await.expect(201);
    }
}
