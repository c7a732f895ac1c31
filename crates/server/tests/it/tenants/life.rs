//! From order to ready: on custom platforms by building blocks, on built-in types by hand.

use super::stage::{operate, tenant_body};
use crate::on_both;
use crate::stoa::text;
use reqwest::Method;
use serde_json::json;

const TENANT: &str = "meshTenant";

on_both! {
    async fn a_custom_tenant_gets_its_id_from_its_building_block(stoa) {
        let stage = stoa.custom_platform().await;
        let created = stoa.admin.create(TENANT, &tenant_body("web", &stage.platform, Some("spaces-dev"))).await;
        let uuid = text(&created, "/metadata/uuid");
        assert_eq!(created["status"]["lifecycle"], json!({ "state": "ACTIVE", "markedForDeletion": null }));
        assert_eq!(created["status"]["tenantName"], "shop.web.spaces.global");
        assert_eq!(created["status"]["platformTypeIdentifier"], "SPACES");
        assert_eq!(created["status"]["appliedQuotas"], json!({ "cpu": { "value": 4 } }));
        assert_eq!(created["spec"]["platformTenantId"], json!(null));
        assert!(created["status"]["waiting"]["who"].is_string(), "it says who moves it: {created:#}");
        assert!(created["spec"].get("requestedQuotas").is_none());
        let ready = stoa.until_phase(&uuid, "READY").await;
        assert_eq!(ready["spec"]["platformTenantId"], json!(uuid));
        assert_eq!(ready["status"].get("waiting"), None, "nothing is waited for");
        let blocks = stoa.admin.list("meshBuildingBlock", &format!("?tenantUuid={uuid}")).await;
        assert_eq!(blocks.len(), 1);
        assert_eq!(
            blocks[0]["spec"]["targetRef"],
            json!({ "kind": "meshTenant", "uuid": uuid, "name": null })
        );
        assert_eq!(blocks[0]["metadata"]["ownedByWorkspace"], "shop");
    }

    async fn a_failed_building_block_shows_and_a_run_again_mends_it(stoa) {
        let stage = stoa.custom_platform_by_hand().await;
        let uuid = stoa.tenant(&stage.platform).await;
        let run = stoa.next_run().await;
        assert_eq!(run.input("tenant")["value"], json!(uuid));
        let spec = &run.run["spec"]["buildingBlock"]["spec"];
        assert_eq!(spec["projectIdentifier"], "web");
        assert_eq!(spec["fullPlatformIdentifier"], "spaces.global");
        run.end("FAILED").await;
        let failed = stoa.until_phase(&uuid, "FAILED").await;
        assert_eq!(failed["status"]["waiting"]["reason"], "BUILDING_BLOCK_FAILED");
        assert_eq!(failed["status"]["lifecycle"]["state"], "ACTIVE");

        operate(&stoa.admin, Method::POST, &format!("tenants/{uuid}/replications"), None).await.expect(202);
        let run = stoa.next_run().await;
        run.tell(json!({ "steps": [{ "id": "s", "status": "SUCCEEDED", "outputs": {
            "id": { "value": "space-1", "type": "STRING" },
            "link": { "value": "https://spaces.example.org/1", "type": "STRING" },
        } }] })).await;
        run.end("SUCCEEDED").await;
        let ready = stoa.until_phase(&uuid, "READY").await;
        assert_eq!(ready["spec"]["platformTenantId"], "space-1");
        assert_eq!(ready["status"]["signInUrl"], "https://spaces.example.org/1");
        let history = operate(&stoa.admin, Method::GET, &format!("tenants/{uuid}/replications"), None).await;
        let history = history.expect(200);
        let results: Vec<_> = history["replications"].as_array().unwrap().iter().map(|run| run["result"].clone()).collect();
        assert_eq!(results, [json!("SUCCEEDED"), json!("FAILED")]);
    }

    async fn an_id_that_the_platform_cannot_have_fails_the_run(stoa) {
        let stage = stoa.custom_platform_by_hand().await;
        stoa.project("api").await;
        let first = stoa.tenant(&stage.platform).await;
        let give = |run: crate::claimed::Claimed, id: String| async move {
            run.tell(json!({ "steps": [{ "id": "s", "status": "SUCCEEDED", "outputs": {
                "id": { "value": id, "type": "STRING" }, "link": { "value": "", "type": "STRING" },
            } }] })).await;
            run.runner.report(&run.id, "r", &json!({ "status": "SUCCEEDED" })).await.expect(200);
        };
        give(stoa.next_run().await, "space-1".into()).await;
        stoa.until_phase(&first, "READY").await;

        let second = stoa.admin.create(TENANT, &tenant_body("api", &stage.platform, None)).await;
        let second = text(&second, "/metadata/uuid");
        for bad in ["space-1".to_owned(), String::new(), "x".repeat(256)] {
            give(stoa.next_run().await, bad).await;
            let failed = stoa.until_phase(&second, "FAILED").await;
            assert_eq!(failed["spec"]["platformTenantId"], json!(null));
            operate(&stoa.admin, Method::POST, &format!("tenants/{second}/replications"), None).await.expect(202);
        }
        give(stoa.next_run().await, "space-2".into()).await;
        stoa.until_phase(&second, "READY").await;

        // Another valid id replaces the first; an empty one fails and leaves it.
        operate(&stoa.admin, Method::POST, &format!("tenants/{second}/replications"), None).await.expect(202);
        give(stoa.next_run().await, "space-3".into()).await;
        stoa.admin.until(TENANT, &second, |found| found["spec"]["platformTenantId"] == "space-3").await;
        operate(&stoa.admin, Method::POST, &format!("tenants/{second}/replications"), None).await.expect(202);
        give(stoa.next_run().await, String::new()).await;
        let failed = stoa.until_phase(&second, "FAILED").await;
        assert_eq!(failed["spec"]["platformTenantId"], "space-3");
    }

    async fn a_tenant_without_replicator_waits_and_takes_its_id_by_hand(stoa) {
        let platform = stoa.native_platform().await;
        let uuid = stoa.tenant(&platform).await;
        let waiting = stoa.until_phase(&uuid, "REQUESTED").await;
        assert_eq!(waiting["status"]["waiting"]["reason"], "REPLICATION_NOT_CONFIGURED");
        assert!(text(&waiting, "/status/waiting/who").contains("platform-tenant-id"));
        assert_eq!(waiting["status"]["platformTypeIdentifier"], "KUBERNETES");
        let path = format!("tenants/{uuid}/platform-tenant-id");
        let own = stoa.key("shop", &["TENANT_LIST", "TENANT_SAVE"]).await;
        let body = json!({ "platformTenantId": "shop-web" });
        operate(&own, Method::PUT, &path, Some(body.clone())).await.refused(403, "operators");
        let ops = stoa.key("ops", &["PLATFORMINSTANCE_SAVE"]).await;
        operate(&ops, Method::PUT, &path, Some(json!({}))).await.refused(400, "platformTenantId");
        operate(&ops, Method::PUT, &path, Some(json!({ "platformTenantId": " " }))).await.refused(409, "characters");
        operate(&ops, Method::PUT, &path, Some(body)).await.expect(200);
        let ready = stoa.until_phase(&uuid, "READY").await;
        assert_eq!(ready["spec"]["platformTenantId"], "shop-web");
    }

    async fn what_was_sent_to_a_tenant_moves_along(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        let message = json!({ "spec": { "communication": { "title": "T", "message": "m", "type": "NOTIFICATION" } } });
        let message = stoa.admin.create("meshCommunicationDefinition", &message).await;
        let sent = json!({ "spec": {
            "communicationDefinitionRef": { "uuid": message["metadata"]["uuid"] },
            "targetMeshObjectRef": { "kind": TENANT, "name": uuid },
        } });
        let sent = stoa.admin.create("meshCommunication", &sent).await;
        assert_eq!(sent["metadata"]["ownedByWorkspace"], "shop");
        stoa.workspace("elsewhere").await;
        let project = json!({ "metadata": { "name": "web", "ownedByWorkspace": "elsewhere" }, "spec": { "displayName": "W" } });
        stoa.admin.create("meshProject", &project).await;
        let target = json!({ "workspace": "elsewhere", "project": "web" });
        operate(&stoa.admin, Method::POST, &format!("tenants/{uuid}/move"), Some(target)).await.expect(200);
        let id = sent["metadata"]["uuid"].as_str().unwrap();
        stoa.admin
            .until("meshCommunication", id, |found| found["metadata"]["ownedByWorkspace"] == "elsewhere")
            .await;
    }

    async fn a_tenant_moves_and_keeps_what_it_is(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        stoa.project("api").await;
        let path = format!("tenants/{uuid}/move");
        let target = json!({ "workspace": "shop", "project": "api" });
        let own = stoa.key("shop", &["TENANT_SAVE"]).await;
        operate(&own, Method::POST, &path, Some(target.clone())).await.refused(403, "");
        operate(&stoa.admin, Method::POST, &path, Some(json!({ "workspace": "shop", "project": "no" })))
            .await
            .refused(400, "project");
        operate(&stoa.admin, Method::POST, &path, Some(target.clone())).await.expect(200);
        let moved = stoa.admin.get(TENANT, &format!("/{uuid}")).await.expect(200);
        assert_eq!(moved["metadata"]["ownedByProject"], "api");
        assert_eq!(moved["status"]["tenantName"], "shop.api.spaces.global");
        assert_eq!(moved["spec"]["platformTenantId"], json!(uuid));
        let old = crate::tenants::stage::versioned(&stoa.admin, Method::GET, "v3", "/shop.web.spaces.global", None).await;
        old.refused(404, "shop.web");
        let blocks = stoa.admin.list("meshBuildingBlock", "?projectIdentifier=api").await;
        assert_eq!(blocks.len(), 1);
        // The old project may have a tenant there again, and the move back is refused then.
        stoa.tenant(&stage.platform).await;
        let back = json!({ "workspace": "shop", "project": "web" });
        operate(&stoa.admin, Method::POST, &path, Some(back)).await.refused(409, "already");
    }
}
