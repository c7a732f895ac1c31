//! How tenants end (`domain-platforms.md` §5.4, §5.5; `api-platforms.md` §7.5).

use super::stage::{operate, tenant_body};
use crate::on_both;
use crate::stoa::text;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const TENANT: &str = "meshTenant";
const PROJECT: &str = "meshProject";

on_both! {
    async fn a_custom_tenant_ends_with_its_building_blocks(stoa) {
        let stage = stoa.custom_platform_by_hand().await;
        let uuid = stoa.tenant(&stage.platform).await;
        let item = format!("/{uuid}");
        let run = stoa.next_run().await;
        let block = run.block();
        stoa.admin.delete(TENANT, &item).await.refused(400, "IN_PROGRESS");
        run.deliver(json!({ "id": "space-1", "link": "https://spaces.example.org/1" })).await;
        stoa.until_phase(&uuid, "READY").await;

        stoa.admin.delete(TENANT, &item).await.expect(202);
        let going = stoa.until_phase(&uuid, "DELETION_APPROVED").await;
        assert_eq!(going["status"]["lifecycle"]["state"], "MARKED_FOR_DELETION");
        assert!(going["status"]["lifecycle"]["markedForDeletion"]["timestamp"].is_string());
        stoa.admin.until("meshBuildingBlock", &block, |b| b["status"]["status"] == "PENDING").await;
        let waiting = stoa.admin.until(TENANT, &uuid, |t| t["status"]["waiting"].is_object()).await;
        assert_eq!(waiting["status"]["waiting"]["reason"], "BUILDING_BLOCKS_BEING_DESTROYED");
        stoa.admin.delete(TENANT, &item).await.expect(202);

        // A failed destruction is tried again by itself, and on demand.
        let run = stoa.next_run().await;
        assert_eq!(run.run["spec"]["behavior"], "DESTROY");
        run.end("FAILED").await;
        let blocked = stoa.until_phase(&uuid, "DELETION_BLOCKED").await;
        assert_eq!(blocked["status"]["waiting"]["reason"], "BUILDING_BLOCK_DESTRUCTION_FAILED");
        assert!(blocked["status"]["waiting"]["nextLook"].is_string());
        stoa.advance(Duration::from_secs(61));
        let admin = stoa.again(&stoa.admin).await;
        admin.until("meshBuildingBlock", &block, |b| b["status"]["status"] == "PENDING").await;
        admin.claimed_for(crate::stoa::SHARED).await.end("FAILED").await;
        admin.until(TENANT, &uuid, |t| t["status"]["phase"] == "DELETION_BLOCKED").await;
        operate(&admin, Method::POST, &format!("tenants/{uuid}/replications"), None).await.expect(202);
        admin.until("meshBuildingBlock", &block, |b| b["status"]["status"] == "PENDING").await;
        admin.claimed_for(crate::stoa::SHARED).await.end("SUCCEEDED").await;
        let gone = admin.until(TENANT, &uuid, |t| t["status"]["phase"] == "DELETED").await;
        assert_eq!(gone["status"]["lifecycle"]["state"], "DELETED");
        assert_eq!(gone["spec"]["platformTenantId"], "space-1");
        admin.delete(TENANT, &item).await.expect(202);
        let block = admin.get("meshBuildingBlock", &format!("/{block}")).await.expect(200);
        assert_eq!(block["status"]["lifecycle"]["state"], "DELETED");
    }

    async fn blocks_that_people_ordered_are_in_the_way(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        let (_, version) = stoa.tenant_definition(json!({})).await;
        let body = json!({ "spec": {
            "buildingBlockDefinitionVersionRef": { "uuid": version },
            "targetRef": { "kind": TENANT, "uuid": uuid },
            "displayName": "my database", "inputs": {},
        } });
        let block = stoa.admin.create("meshBuildingBlock", &body).await;
        stoa.admin.delete(TENANT, &format!("/{uuid}")).await.refused(400, "my database");
        stoa.admin.delete(PROJECT, "/shop.web").await.refused(409, "meshBuildingBlock");
        stoa.next_run().await.end("FAILED").await;
        stoa.admin.delete("meshBuildingBlock", &format!("/{}/purge", text(&block, "/metadata/uuid"))).await.expect(202);
        stoa.admin.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        stoa.until_phase(&uuid, "DELETED").await;
    }

    async fn owners_ask_and_operators_decide(stoa) {
        let stage = stoa.custom_platform().await;
        let mut zone = stoa.admin.get("meshLandingZone", "/spaces-dev").await.expect(200);
        zone["spec"]["automateDeletionApproval"] = json!(false);
        stoa.admin.put("meshLandingZone", "/spaces-dev", &zone).await.expect(200);
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        let own = stoa.key("shop", &["TENANT_DELETE", "TENANT_LIST", "TENANT_SAVE"]).await;
        let ops = stoa.key("ops", &["PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_LIST", "PLATFORMINSTANCE_DELETE"]).await;
        let decision = format!("tenants/{uuid}/deletion-decision");
        let approve = json!({ "decision": "APPROVE" });
        operate(&ops, Method::POST, &decision, Some(approve.clone())).await.refused(409, "no decision");
        own.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        let asked = stoa.until_phase(&uuid, "DELETION_REQUESTED").await;
        assert_eq!(asked["status"]["waiting"]["reason"], "DELETION_APPROVAL_REQUIRED");
        let queue = operate(&ops, Method::GET, "tenants/deletions?status=REQUIRES_APPROVAL", None).await.expect(200);
        assert_eq!(queue["_embedded"]["meshTenants"][0]["metadata"]["uuid"], json!(uuid));
        let other = stoa.key("shop", &["PLATFORMINSTANCE_LIST"]).await;
        let none = operate(&other, Method::GET, "tenants/deletions", None).await.expect(200);
        assert_eq!(none["_embedded"]["meshTenants"], json!([]));
        operate(&own, Method::POST, &decision, Some(approve.clone())).await.refused(403, "operators");
        let long = json!({ "decision": "DECLINE", "comment": "x".repeat(256) });
        operate(&ops, Method::POST, &decision, Some(long)).await.refused(400, "comment");
        let decline = json!({ "decision": "DECLINE", "comment": "still needed" });
        operate(&ops, Method::POST, &decision, Some(decline)).await.expect(200);
        let back = stoa.until_phase(&uuid, "READY").await;
        assert_eq!(back["status"]["lifecycle"], json!({ "state": "ACTIVE", "markedForDeletion": null }));

        own.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        operate(&ops, Method::POST, &decision, Some(approve)).await.expect(200);
        stoa.until_phase(&uuid, "DELETED").await;
        let log = stoa.admin.list("meshEventLog", "?size=1000").await;
        let titles: Vec<&str> = log.iter().filter_map(|event| event["spec"]["title"].as_str()).collect();
        for title in ["Tenant Created", "Tenant Deletion Requested", "Tenant Deletion Declined", "Tenant Deletion Approved", "Tenant Deleted"] {
            assert!(titles.contains(&title), "{title} in {titles:?}");
        }
    }

    async fn administrators_need_no_approval(stoa) {
        let stage = stoa.custom_platform().await;
        stoa.zone("manual", &stage.platform, json!({
            "mandatoryBuildingBlockRefs": [{ "uuid": stage.definition }],
        })).await;
        let body = tenant_body("web", &stage.platform, Some("manual"));
        let uuid = text(&stoa.admin.create(TENANT, &body).await, "/metadata/uuid");
        stoa.until_phase(&uuid, "READY").await;
        stoa.admin.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        stoa.until_phase(&uuid, "DELETED").await;
    }

    async fn without_a_replicator_operators_confirm(stoa) {
        let platform = stoa.native_platform().await;
        let uuid = stoa.tenant(&platform).await;
        let ops = stoa.key("ops", &["PLATFORMINSTANCE_SAVE"]).await;
        let id = json!({ "platformTenantId": "shop-web" });
        operate(&ops, Method::PUT, &format!("tenants/{uuid}/platform-tenant-id"), Some(id)).await.expect(200);
        let confirm = format!("tenants/{uuid}/deletion-confirmation");
        operate(&ops, Method::POST, &confirm, None).await.refused(409, "not approved");
        stoa.admin.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        let blocked = stoa.until_phase(&uuid, "DELETION_BLOCKED").await;
        assert_eq!(blocked["status"]["waiting"]["reason"], "OPERATOR_DELETES_BY_HAND");
        assert!(text(&blocked, "/status/waiting/who").contains("deletion-confirmation"));
        operate(&ops, Method::POST, &confirm, None).await.expect(200);
        stoa.until_phase(&uuid, "DELETED").await;

        // What never was on the platform needs nobody.
        let uuid = stoa.tenant(&platform).await;
        let own = stoa.key("shop", &["TENANT_DELETE"]).await;
        own.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        stoa.until_phase(&uuid, "DELETED").await;
    }

    async fn purging_takes_it_off_the_books(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        let ready = stoa.until_phase(&uuid, "READY").await;
        drop(ready);
        let rest = format!("/{uuid}?purge=true");
        let own = stoa.key("shop", &["TENANT_DELETE"]).await;
        own.delete(TENANT, &rest).await.refused(403, "ADM_TENANT_DELETE");
        let ops = stoa.key("ops", &["TENANT_DELETE"]).await;
        ops.delete(TENANT, &rest).await.expect(202);
        stoa.admin.get(TENANT, &format!("/{uuid}")).await.refused(404, &uuid);
        assert!(stoa.admin.list(TENANT, "?state=DELETED").await.is_empty());
        assert!(stoa.admin.list("meshBuildingBlock", "").await.is_empty());
        stoa.admin.delete(TENANT, &rest).await.refused(404, &uuid);
        stoa.tenant(&stage.platform).await;
    }

    async fn deletion_by_identifier_needs_no_accept(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        let path = "/api/meshobjects/meshtenants/shop.web.spaces.global";
        let answer = stoa.admin.raw(Method::DELETE, path, |r| r).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        stoa.until_phase(&uuid, "DELETED").await;
        let path = "/api/meshobjects/meshtenants/shop.no.spaces.global";
        stoa.admin.raw(Method::DELETE, path, |r| r).await.refused(404, "shop.no");
    }

    async fn projects_leave_with_their_tenants(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        stoa.admin.delete("meshWorkspace", "/shop").await.refused(409, "meshProject[shop.web]");
        let answer = stoa.admin.delete(PROJECT, "/shop.web").await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let pending = stoa.admin.get(PROJECT, "/shop.web").await;
        if pending.status == 200 {
            assert!(pending.json()["metadata"]["deletedOn"].is_string());
        }
        stoa.until_phase(&uuid, "DELETED").await;
        stoa.admin.until(PROJECT, "shop.web", |found| found["status"] == 404).await;
        assert_eq!(stoa.admin.list(PROJECT, "?state=DELETED").await.len(), 1);
        stoa.admin.delete("meshWorkspace", "/shop").await.expect(204);
    }

    async fn a_declined_deletion_brings_its_project_back(stoa) {
        let stage = stoa.custom_platform().await;
        let mut zone = stoa.admin.get("meshLandingZone", "/spaces-dev").await.expect(200);
        zone["spec"]["automateDeletionApproval"] = json!(false);
        stoa.admin.put("meshLandingZone", "/spaces-dev", &zone).await.expect(200);
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        let own = stoa.key("shop", &["PROJECT_DELETE", "PROJECT_LIST"]).await;
        assert_eq!(own.delete(PROJECT, "/shop.web").await.status, 202);
        stoa.until_phase(&uuid, "DELETION_REQUESTED").await;
        assert_eq!(own.list(PROJECT, "?state=PENDING_DELETION").await.len(), 1);
        stoa.admin.post(TENANT, "", &tenant_body("web", &stage.platform, None)).await.refused(400, "being deleted");
        let decline = json!({ "decision": "DECLINE", "comment": "no" });
        operate(&stoa.admin, Method::POST, &format!("tenants/{uuid}/deletion-decision"), Some(decline)).await.expect(200);
        let back = own.get(PROJECT, "/shop.web").await.expect(200);
        assert_eq!(back["metadata"].get("deletedOn"), None::<&Value>);
        assert_eq!(own.list(PROJECT, "").await.len(), 1);
    }

    async fn platforms_stay_while_building_blocks_are_on_their_tenants(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&uuid, "READY").await;
        let item = format!("/{}", stage.platform);
        stoa.admin.delete("meshPlatform", &item).await.refused(409, "meshBuildingBlock");
        stoa.admin.delete(TENANT, &format!("/{uuid}")).await.expect(202);
        stoa.until_phase(&uuid, "DELETED").await;
        stoa.admin.delete("meshPlatform", &item).await.expect(204);
        stoa.admin.get("meshPlatform", &item).await.refused(404, &stage.platform);
    }

    async fn platforms_leave_without_touching_anything(stoa) {
        let stage = stoa.custom_platform().await;
        stoa.zone("bare", &stage.platform, json!({})).await;
        let mut body = tenant_body("web", &stage.platform, Some("bare"));
        body["spec"]["platformTenantId"] = json!("old");
        let uuid = text(&stoa.admin.create(TENANT, &body).await, "/metadata/uuid");
        stoa.admin.delete("meshPlatform", &format!("/{}", stage.platform)).await.expect(204);
        stoa.admin.get(TENANT, &format!("/{uuid}")).await.refused(404, &uuid);
        stoa.admin.delete(PROJECT, "/shop.web").await.expect(204);
    }
}
