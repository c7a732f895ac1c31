//! Limits: refused, granted, asked for, decided, and always the same on the platform.

use super::on_stage;
use super::stage::{SHOP, operate, order, until};
use crate::stoa::text;
use serde_json::{Value, json};

fn applied(tenant: &Value, key: &str) -> Option<i64> {
    tenant["status"]["appliedQuotas"][key]["value"].as_i64()
}

on_stage! {
    async fn an_order_keeps_to_the_bounds(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        stage.publish(&platform).await;
        let ask = |quotas: Value| order(SHOP, "photos", &platform, &zone, json!({ "spec": { "requestedQuotas": quotas } }));
        for (quotas, words) in [
            (json!({ "objects": { "value": 10001 } }), "Quota 'objects': requested value 10001 is out of range [0, 10000]"),
            (json!({ "storage.gib": { "value": 0 } }), "is out of range [1, 500]"),
            (json!({ "cows": { "value": 1 } }), "cows"),
        ] {
            for caller in [&stage.shop, &stage.stoa.admin] {
                caller.post("meshTenant", "", &ask(quotas.clone())).await.refused(400, words);
            }
        }
        // Above default and threshold: not without an administrator.
        let much = ask(json!({ "objects": { "value": 501 } }));
        stage.shop.post("meshTenant", "", &much).await.refused(400, "objects");
        let tenant = stage.shop.create("meshTenant", &ask(json!({ "objects": { "value": 500 } }))).await;
        assert_eq!((applied(&tenant, "objects"), applied(&tenant, "storage.gib")), (Some(500), Some(5)));
        stage.ready(&tenant).await;
        assert_eq!(stage.north.space("shop.photos").await["limits"], json!({ "objects": 500, "storage.gib": 5 }));
    }

    async fn a_wish_is_granted_waits_or_is_refused_and_reaches_the_platform(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        stage.publish(&platform).await;
        let tenant = stage.shop.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        let requests = format!("tenants/{uuid}/quota-requests");
        let wish = |objects: i64| Some(json!({ "quotas": { "objects": { "value": objects } } }));

        operate(&stage.shop, "POST", &requests, wish(10001)).await.refused(400, "is out of range");
        // Within the threshold: at once, and on the platform.
        let granted = operate(&stage.shop, "POST", &requests, wish(300)).await;
        assert!((200..300).contains(&granted.status), "{granted:?}");
        assert_eq!(granted.json()["state"], "APPROVED", "{granted:?}");
        stage.north.until("shop.photos", |space| space["limits"]["objects"] == 300).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        assert_eq!(stage.reasons(&uuid).await, ["BUILDING_BLOCK_CREATION", "MANUAL_EXECUTION"]);

        // Above it: waits for the operator, one at a time.
        let asked = operate(&stage.shop, "POST", &requests, wish(800)).await;
        assert!((200..300).contains(&asked.status), "{asked:?}");
        let asked = asked.json();
        assert_eq!(asked["state"], "PENDING", "{asked:#}");
        assert_eq!(operate(&stage.shop, "POST", &requests, wish(900)).await.status, 409);
        let decision = format!("{requests}/{}/decision", asked["id"]);
        assert_eq!(operate(&stage.shop, "POST", &decision, Some(json!({ "decision": "APPROVE" }))).await.status, 403);
        assert_eq!(stage.north.space("shop.photos").await["limits"]["objects"], 300);
        let approved = operate(&stage.builders, "POST", &decision, Some(json!({ "decision": "APPROVE" }))).await;
        assert!((200..300).contains(&approved.status), "{approved:?}");
        stage.north.until("shop.photos", |space| space["limits"]["objects"] == 800).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        let now = stage.shop.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        assert_eq!(applied(&now, "objects"), Some(800));

        // Less is always granted; a refusal changes nothing.
        let less = operate(&stage.shop, "POST", &requests, wish(50)).await;
        assert_eq!(less.json()["state"], "APPROVED", "{less:?}");
        stage.north.until("shop.photos", |space| space["limits"]["objects"] == 50).await;
        let asked = operate(&stage.shop, "POST", &requests, wish(9000)).await.json();
        let decision = format!("{requests}/{}/decision", asked["id"]);
        let no = json!({ "decision": "DECLINE", "comment": "too many" });
        let declined = operate(&stage.builders, "POST", &decision, Some(no)).await;
        assert!((200..300).contains(&declined.status), "{declined:?}");
        let now = stage.shop.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        assert_eq!(applied(&now, "objects"), Some(50));
    }

    async fn operators_and_landing_zones_change_limits_too(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        let tenant = stage.stoa.admin.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        let set = json!({ "quotas": { "objects": { "value": 7000 } } });
        let answer = operate(&stage.builders, "PUT", &format!("tenants/{uuid}/quotas"), Some(set)).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        stage.north.until("shop.photos", |space| space["limits"] == json!({ "objects": 7000, "storage.gib": 5 })).await;
        stage.settled(&uuid, "SUCCEEDED").await;

        // A changed default reaches every tenant without a value of its own.
        let mut changed = stage.builders.get("meshLandingZone", &format!("/{zone}")).await.expect(200);
        changed["spec"]["quotas"] = json!([{ "key": "objects", "value": 1 }, { "key": "storage.gib", "value": 9 }]);
        stage.builders.put("meshLandingZone", &format!("/{zone}"), &changed).await.expect(200);
        stage.north.until("shop.photos", |space| space["limits"] == json!({ "objects": 7000, "storage.gib": 9 })).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        let now = until(&stage.stoa.admin, "meshTenant", &uuid, |tenant| applied(tenant, "storage.gib") == Some(9)).await;
        assert_eq!(applied(&now, "objects"), Some(7000));

        // A definition that is taken away is gone from the landing zone at once, and from the platform with the next run.
        let mut less = stage.builders.get("meshPlatform", &format!("/{platform}")).await.expect(200);
        less["spec"]["quotaDefinitions"].as_array_mut().unwrap().retain(|quota| quota["quotaKey"] == "objects");
        stage.builders.put("meshPlatform", &format!("/{platform}"), &less).await.expect(200);
        let left = stage.builders.get("meshLandingZone", &format!("/{zone}")).await.expect(200);
        assert_eq!(left["spec"]["quotas"], json!([{ "key": "objects", "value": 1 }]));
        stage.north.until("shop.photos", |space| space["limits"] == json!({ "objects": 7000 })).await;
    }
}
