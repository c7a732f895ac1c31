//! Who may order: publication states, restricted platforms and landing zones.

use super::on_stage;
use super::stage::{BUILDERS, SHOP, operate, order, until};
use crate::stoa::{Caller, text};
use serde_json::{Value, json};

async fn is_listed(caller: &Caller, platform: &str) -> bool {
    caller.list("meshPlatform", "").await.iter().any(|found| found["metadata"]["uuid"] == *platform)
}

on_stage! {
    async fn a_platform_is_ordered_by_whom_it_is_published_to(stage) {
        let (_, platform, _) = stage.offer("north", &stage.north).await;
        let zone = stage.zone("landing-zone-import.yaml", "north", &platform, None, json!({ "spec": { "restricted": false } })).await;
        let attempt = order(SHOP, "photos", &platform, &zone, json!({}));
        let availability = |restriction: &str, state: &str, listed: &[&str]| {
            json!({ "restriction": restriction, "publicationState": state, "restrictedToWorkspaces": listed })
        };
        let set = async |availability: Value| {
            let mut body = stage.stoa.admin.get("meshPlatform", &format!("/{platform}")).await.expect(200);
            body["spec"]["availability"] = availability;
            stage.stoa.admin.put("meshPlatform", &format!("/{platform}"), &body).await.expect(200)
        };
        let publication = async || {
            let body = stage.builders.get("meshPlatform", &format!("/{platform}")).await.expect(200);
            text(&body, "/status/availability/publicationState")
        };

        // Private, requested, rejected: only its own team, and administrators.
        assert!(is_listed(&stage.builders, &platform).await && !is_listed(&stage.shop, &platform).await);
        assert_eq!(stage.shop.post("meshTenant", "", &attempt).await.status, 403);
        let (requests, reviews) = (format!("platforms/{platform}/publication-requests"), format!("platforms/{platform}/publication-reviews"));
        let asked = operate(&stage.builders, "POST", &requests, Some(json!({}))).await;
        assert!((200..300).contains(&asked.status), "{asked:?}");
        assert_eq!(publication().await, "REQUESTED");
        assert_eq!(stage.shop.post("meshTenant", "", &attempt).await.status, 403);
        let no = json!({ "decision": "REJECT", "comment": "a readme, please" });
        assert_eq!(operate(&stage.builders, "POST", &reviews, Some(no.clone())).await.status, 403);
        let rejected = operate(&stage.stoa.admin, "POST", &reviews, Some(no)).await;
        assert!((200..300).contains(&rejected.status), "{rejected:?}");
        assert_eq!(publication().await, "REJECTED");
        assert!(!is_listed(&stage.shop, &platform).await);

        // Restricted: those on the list.
        set(availability("RESTRICTED", "PUBLISHED", &[BUILDERS])).await;
        assert!(!is_listed(&stage.shop, &platform).await);
        assert_eq!(stage.shop.post("meshTenant", "", &attempt).await.status, 403);
        set(availability("RESTRICTED", "PUBLISHED", &[SHOP])).await;
        assert!(is_listed(&stage.shop, &platform).await);
        // Public but not published: its own team.
        set(availability("PUBLIC", "UNPUBLISHED", &[])).await;
        assert!(!is_listed(&stage.shop, &platform).await);
        assert_eq!(stage.shop.post("meshTenant", "", &attempt).await.status, 403);
        // Published by review: everybody, and without what is for operators.
        set(availability("PRIVATE", "UNPUBLISHED", &[BUILDERS])).await;
        stage.publish(&platform).await;
        assert_eq!(publication().await, "PUBLISHED");
        let seen = stage.shop.get("meshPlatform", &format!("/{platform}")).await.expect(200);
        assert_eq!(seen["spec"]["availability"]["restriction"], "PUBLIC");
        assert!(seen["spec"].get("config").is_none(), "{seen:#}");
        // Deprecated: nobody any more, administrators neither; reactivated: again.
        let deprecation = format!("platforms/{platform}/deprecation");
        let answer = operate(&stage.builders, "POST", &deprecation, None).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        for caller in [&stage.shop, &stage.stoa.admin] {
            caller.post("meshTenant", "", &attempt).await.refused(400, "");
        }
        let answer = operate(&stage.builders, "DELETE", &deprecation, None).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        stage.shop.create("meshTenant", &attempt).await;
    }

    async fn a_restricted_landing_zone_is_for_its_owner_and_administrators(stage) {
        let (_, platform, _) = stage.offer("north", &stage.north).await;
        let zone = stage.zone("landing-zone-import.yaml", "north", &platform, None, json!({})).await;
        stage.publish(&platform).await;
        let attempt = order(SHOP, "photos", &platform, &zone, json!({}));
        let seen = stage.shop.list("meshLandingZone", "").await;
        assert!(seen.iter().all(|found| found["metadata"]["name"] != *zone), "{seen:#?}");
        assert_eq!(stage.shop.post("meshTenant", "", &attempt).await.status, 403);
        stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        stage.stoa.admin.create("meshTenant", &attempt).await;

        // Disabled: for nobody.
        stage.builders.delete("meshLandingZone", &format!("/{zone}")).await.expect(204);
        stage.project(&stage.builders, BUILDERS, "more").await;
        let late = order(BUILDERS, "more", &platform, &zone, json!({}));
        for caller in [&stage.builders, &stage.stoa.admin] {
            caller.post("meshTenant", "", &late).await.refused(400, "");
        }
    }

    async fn a_deleted_platform_forgets_its_tenants_and_touches_nothing(stage) {
        let platform = stage.platform("north", &stage.north).await;
        let zone = stage.zone("landing-zone-import.yaml", "north", &platform, None, json!({})).await;
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.builders.delete("meshPlatform", &format!("/{platform}")).await.expect(204);
        assert_eq!(stage.builders.get("meshPlatform", &format!("/{platform}")).await.status, 404);
        until(&stage.stoa.admin, "meshTenant", &uuid, |tenant| tenant["status"] == 404).await;
        // Its name is taken for ever.
        let words = [("INSTANCE", "north"), ("SPACES", stage.north.url())];
        let [body] = stage.manifest("platform.yaml", &words).try_into().unwrap();
        stage.builders.post("meshPlatform", "", &body).await.refused(409, "");
        assert_eq!(stage.north.writes().await, 0);
    }
}
