//! A platform that does not let the connector in: said in words, and repaired by running again.

use super::on_stage;
use super::stage::{BUILDERS, order, until};
use crate::stoa::text;
use serde_json::json;

on_stage! {
    async fn a_broken_credential_is_told_and_repaired(stage) {
        let (mut connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.north.break_with(json!({ "rejectCredential": true })).await;
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        let block = stage.settled(&uuid, "FAILED").await;
        let run = text(&block, "/status/latestRunUuid");
        let logs = stage.builders.get("meshBuildingBlockRun", &format!("/{run}/logs")).await.expect(200);
        let told = logs["steps"].as_array().unwrap().iter().filter_map(|step| step["userMessage"].as_str());
        let words = "does not accept the credential of this connector (The credential is not valid); the platform team has \
                     to renew SPACES_TOKEN";
        assert!(told.clone().any(|message| message.contains(words)), "{:#?}", told.collect::<Vec<_>>());
        // The tenant's controller looks after the block has settled.
        let failed = until(&stage.builders, "meshTenant", &uuid, |tenant| tenant["status"]["phase"] == "FAILED").await;
        assert_eq!(failed["spec"]["platformTenantId"], json!(null));
        assert!(failed["status"]["waiting"]["reason"].is_string(), "{failed:#}");

        // The platform has a new credential; the connector gets it, and the block runs again.
        stage.north.heal().await;
        assert!(stage.north.space("platform-team.trial").await.is_null());
        stage.north.renew("renewed").await;
        connector.body["spec"]["inputs"]["SPACES_TOKEN"]["argument"] = json!({ "plaintext": "renewed" });
        stage.save(&connector).await;
        let again = format!("/{}/trigger-run", text(&block, "/metadata/uuid"));
        assert_eq!(stage.builders.act("meshBuildingBlock", &again).await.status, 202);
        let ready = stage.ready(&tenant).await;
        assert_eq!(ready["spec"]["platformTenantId"], "platform-team.trial");
    }

    async fn a_failed_tenant_can_be_deleted(stage) {
        let (_, platform, zone) = stage.offer("north", &stage.north).await;
        // The space is made, then the platform refuses.
        stage.north.break_with(json!({ "failNext": 1000, "status": 422, "only": "PUT /api/spaces/platform-team.trial/limits" })).await;
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.settled(&uuid, "FAILED").await;
        assert_eq!(stage.north.space("platform-team.trial").await["id"], "platform-team.trial");
        assert_eq!(stage.builders.delete("meshTenant", &format!("/{uuid}")).await.status, 202);
        until(&stage.builders, "meshTenant", &uuid, |tenant| tenant["status"]["lifecycle"]["state"] == "DELETED").await;
        assert!(stage.north.space("platform-team.trial").await.is_null());
    }

    async fn a_deletion_that_fails_is_tried_again(stage) {
        let mut stage = stage;
        let (_, platform, zone) = stage.offer("north", &stage.north).await;
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        stage.north.break_with(json!({ "rejectCredential": true })).await;
        assert_eq!(stage.builders.delete("meshTenant", &format!("/{uuid}")).await.status, 202);
        stage.settled(&uuid, "FAILED").await;
        let blocked = until(&stage.builders, "meshTenant", &uuid, |tenant| tenant["status"]["waiting"]["nextLook"].is_string()).await;
        assert_eq!(blocked["status"]["lifecycle"]["state"], "MARKED_FOR_DELETION");
        stage.north.heal().await;
        stage.later(std::time::Duration::from_secs(40 * 60)).await;
        until(&stage.builders, "meshTenant", &uuid, |tenant| tenant["status"]["lifecycle"]["state"] == "DELETED").await;
        assert!(stage.north.space("platform-team.trial").await.is_null());
    }
}
