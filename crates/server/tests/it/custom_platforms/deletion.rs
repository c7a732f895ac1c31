//! The end of a tenant: approved by itself or by somebody, people out first, nothing left on the platform.

use super::on_stage;
use super::stage::{SHOP, operate, order, until};
use crate::stoa::text;
use serde_json::{Value, json};

fn state(tenant: &Value) -> &Value {
    &tenant["status"]["lifecycle"]["state"]
}

on_stage! {
    async fn a_deleted_tenant_leaves_nothing_behind(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        stage.publish(&platform).await;
        let tenant = stage.shop.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        let block = text(&stage.block(&uuid).await, "/metadata/uuid");
        // The mandatory block goes with its tenant only.
        assert_eq!(stage.shop.delete("meshBuildingBlock", &format!("/{block}")).await.status, 403);

        let answer = stage.shop.delete("meshTenant", &format!("/{uuid}")).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        let marked = stage.shop.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        assert!(marked["status"]["lifecycle"]["markedForDeletion"]["timestamp"].is_string(), "{marked:#}");
        let gone = until(&stage.shop, "meshTenant", &uuid, |tenant| state(tenant) == "DELETED").await;
        assert!(gone["status"]["lifecycle"]["markedForDeletion"]["timestamp"].is_string());
        assert!(stage.north.space("shop.photos").await.is_null());
        let block = stage.stoa.admin.get("meshBuildingBlock", &format!("/{block}")).await.expect(200);
        assert_eq!(block["status"]["lifecycle"]["state"], "DELETED");
        assert_eq!(stage.shop.list("meshTenant", "").await.len(), 0);
        assert_eq!(stage.shop.list("meshTenant", "?state=DELETED").await.len(), 1);
        assert_eq!(stage.shop.delete("meshTenant", &format!("/{uuid}")).await.status, 202);

        // The project may order again: another tenant, another space.
        let again = stage.shop.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        assert_ne!(text(&again, "/metadata/uuid"), uuid);
        assert_eq!(stage.ready(&again).await["spec"]["platformTenantId"], "shop.photos");
    }

    async fn a_deletion_waits_for_approval_with_everybody_locked_out(stage) {
        let connector = stage.module("north", &stage.north).await;
        stage.release(&connector).await;
        let platform = stage.platform("north", &stage.north).await;
        let with_approval = json!({ "spec": { "automateDeletionApproval": false, "automateDeletionReplication": false } });
        let zone = stage.zone("landing-zone.yaml", "north", &platform, Some(&connector), with_approval).await;
        stage.publish(&platform).await;
        stage.user("ada", None).await;
        stage.member("ada", SHOP, None).await;
        stage.grant("ada", "Project Admin").await;
        let tenant = stage.shop.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        stage.north.until_members("shop.photos", &[("ada", &["owner"])]).await;

        assert_eq!(stage.shop.delete("meshTenant", &format!("/{uuid}")).await.status, 202);
        stage.north.until_members("shop.photos", &[]).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        let marked = stage.shop.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        assert_eq!(state(&marked), "MARKED_FOR_DELETION");
        assert!(marked["status"]["waiting"]["who"].is_string(), "{marked:#}");
        let queue = operate(&stage.builders, "GET", "tenants/deletions", None).await;
        assert!(queue.expect(200).to_string().contains(&uuid));

        // Declined: everything as before, and Ada is in again.
        let decision = format!("tenants/{uuid}/deletion-decision");
        let no = json!({ "decision": "DECLINE", "comment": "still needed" });
        assert_eq!(operate(&stage.shop, "POST", &decision, Some(no.clone())).await.status, 403);
        let declined = operate(&stage.builders, "POST", &decision, Some(no)).await;
        assert!((200..300).contains(&declined.status), "{declined:?}");
        let back = stage.shop.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        assert_eq!((state(&back), &back["status"]["lifecycle"]["markedForDeletion"]), (&json!("ACTIVE"), &json!(null)));
        stage.north.until_members("shop.photos", &[("ada", &["owner"])]).await;
        stage.settled(&uuid, "SUCCEEDED").await;

        // Approved: gone, although nothing deletes it in a cloud.
        assert_eq!(stage.shop.delete("meshTenant", &format!("/{uuid}")).await.status, 202);
        let yes = json!({ "decision": "APPROVE", "comment": "fine" });
        let approved = operate(&stage.builders, "POST", &decision, Some(yes)).await;
        assert!((200..300).contains(&approved.status), "{approved:?}");
        until(&stage.shop, "meshTenant", &uuid, |tenant| state(tenant) == "DELETED").await;
        assert!(stage.north.space("shop.photos").await.is_null());
    }

    async fn a_workspace_takes_its_tenants_along(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        stage.publish(&platform).await;
        let tenant = stage.shop.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        assert_eq!(stage.stoa.admin.delete("meshProject", "/shop.photos").await.status, 202);
        until(&stage.stoa.admin, "meshTenant", &uuid, |tenant| state(tenant) == "DELETED").await;
        assert!(stage.north.space("shop.photos").await.is_null());
        until(&stage.stoa.admin, "meshProject", "shop.photos", |project| project["status"] == 404).await;
        let emptied = stage.stoa.admin.delete("meshWorkspace", "/shop").await;
        assert!((200..300).contains(&emptied.status), "{emptied:?}");
    }

    async fn a_purge_forgets_and_leaves_the_platform_alone(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        stage.publish(&platform).await;
        let tenant = stage.shop.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        assert_eq!(stage.shop.delete("meshTenant", &format!("/{uuid}?purge=true")).await.status, 403);
        assert_eq!(stage.builders.delete("meshTenant", &format!("/{uuid}?purge=true")).await.status, 202);
        until(&stage.stoa.admin, "meshTenant", &uuid, |tenant| tenant["status"] == 404).await;
        assert_eq!(stage.north.space("shop.photos").await["id"], "shop.photos");
    }
}
