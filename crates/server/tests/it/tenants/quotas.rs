//! Quotas of tenants: bounds, thresholds, wishes (`domain-platforms.md` §8).

use super::stage::{operate, tenant_body};
use crate::on_both;
use crate::stoa::text;
use reqwest::Method;
use serde_json::{Value, json};

const TENANT: &str = "meshTenant";

fn cpu(value: i64) -> Value {
    json!({ "quotas": { "cpu": { "value": value } } })
}

on_both! {
    async fn creation_keeps_to_bounds_and_threshold(stoa) {
        let stage = stoa.custom_platform().await;
        let own = stoa.key("shop", &["TENANT_SAVE", "TENANT_LIST"]).await;
        let with = |quotas: Value| {
            let mut body = tenant_body("web", &stage.platform, None);
            body["spec"]["requestedQuotas"] = quotas;
            body
        };
        for caller in [&own, &stoa.admin] {
            for value in [0, 101] {
                let body = with(json!({ "cpu": { "value": value } }));
                caller.post(TENANT, "", &body).await.refused(400, &format!("requested value {value} is out of range [1, 100]"));
            }
            caller.post(TENANT, "", &with(json!({ "disk": { "value": 1 } }))).await.refused(400, "disk");
        }
        own.post(TENANT, "", &with(json!({ "cpu": { "value": 9 } }))).await.refused(400, "threshold of 8");
        own.post(TENANT, "", &with(json!({ "memory": { "value": 1 } }))).await.refused(400, "threshold of 0");
        let tenant = own.post(TENANT, "", &with(json!({ "cpu": { "value": 8 } }))).await.expect(201);
        assert_eq!(tenant["status"]["appliedQuotas"], json!({ "cpu": { "value": 8 } }));
        stoa.project("api").await;
        let mut body = with(json!({ "cpu": { "value": 99 }, "memory": { "value": 64 } }));
        body["metadata"]["ownedByProject"] = json!("api");
        let tenant = stoa.admin.post(TENANT, "", &body).await.expect(201);
        assert_eq!(
            tenant["status"]["appliedQuotas"],
            json!({ "cpu": { "value": 99 }, "memory": { "value": 64 } })
        );
    }

    async fn wishes_pass_wait_and_are_decided(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        let own = stoa.key("shop", &["TENANT_SAVE", "TENANT_LIST"]).await;
        let ops = stoa.key("ops", &["PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_LIST"]).await;
        let path = format!("tenants/{uuid}/quota-requests");
        let applied = |wanted: i64| {
            let (admin, uuid) = (stoa.admin.clone(), uuid.clone());
            async move {
                admin.until(TENANT, &uuid, |found| found["status"]["appliedQuotas"]["cpu"]["value"] == wanted).await;
            }
        };
        let ask = |value: i64| operate(&own, Method::POST, &path, Some(cpu(value)));
        // The example of §8.2: threshold 8, default 4, most 100.
        assert_eq!(ask(6).await.expect(201)["state"], "APPROVED");
        applied(6).await;
        assert_eq!(ask(2).await.expect(201)["state"], "APPROVED");
        applied(2).await;
        ask(101).await.refused(400, "is out of range");
        let waiting = ask(12).await.expect(201);
        assert_eq!(waiting["state"], "PENDING");
        applied(2).await;
        ask(20).await.refused(409, "open already");
        let item = format!("{path}/{}", waiting["id"]);
        operate(&ops, Method::PUT, &item, Some(cpu(14))).await.refused(403, "");
        assert_eq!(operate(&own, Method::PUT, &item, Some(cpu(14))).await.expect(200)["quotas"]["cpu"], 14);
        let decision = format!("{item}/decision");
        operate(&own, Method::POST, &decision, Some(json!({ "decision": "APPROVE" }))).await.refused(403, "operators");
        operate(&ops, Method::POST, &decision, Some(json!({ "decision": "MAYBE" }))).await.refused(400, "decision");
        operate(&ops, Method::POST, &decision, Some(json!({ "decision": "DECLINE" }))).await.refused(400, "comment");
        let less = json!({ "decision": "APPROVE", "quotas": { "cpu": 10 }, "comment": "ten will do" });
        let decided = operate(&ops, Method::POST, &decision, Some(less.clone())).await.expect(200);
        assert_eq!(decided["state"], "APPROVED");
        assert_eq!(decided["comment"], "ten will do");
        applied(10).await;
        operate(&ops, Method::POST, &decision, Some(less)).await.refused(409, "APPROVED already");

        let waiting = ask(50).await.expect(201);
        let item = format!("{path}/{}", waiting["id"]);
        operate(&own, Method::DELETE, &item, None).await.expect(204);
        let waiting = ask(60).await.expect(201);
        let decline = json!({ "decision": "DECLINE", "comment": "too much" });
        let decided = format!("{path}/{}/decision", waiting["id"]);
        assert_eq!(operate(&ops, Method::POST, &decided, Some(decline)).await.expect(200)["state"], "DECLINED");
        let all = operate(&own, Method::GET, &path, None).await.expect(200);
        let states: Vec<&str> =
            all["quotaRequests"].as_array().unwrap().iter().map(|r| r["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["APPROVED", "APPROVED", "APPROVED", "CANCELLED", "DECLINED"]);
        let missing = format!("{path}/99");
        operate(&own, Method::DELETE, &missing, None).await.refused(404, "99");
    }

    async fn operators_set_quotas_and_definitions_take_them_away(stoa) {
        let stage = stoa.custom_platform().await;
        let uuid = stoa.tenant(&stage.platform).await;
        let path = format!("tenants/{uuid}/quotas");
        let ops = stoa.key("ops", &["PLATFORMINSTANCE_SAVE"]).await;
        operate(&ops, Method::PUT, &path, Some(cpu(101))).await.refused(400, "is out of range");
        let set = operate(&ops, Method::PUT, &path, Some(json!({ "quotas": { "cpu": 40, "memory": 8 } }))).await.expect(200);
        assert_eq!(set["status"]["appliedQuotas"], json!({ "cpu": { "value": 40 }, "memory": { "value": 8 } }));
        let item = format!("/{}", stage.platform);
        let mut platform = stoa.admin.get("meshPlatform", &item).await.expect(200);
        platform["spec"]["quotaDefinitions"].as_array_mut().unwrap().retain(|quota| quota["quotaKey"] == "memory");
        stoa.admin.put("meshPlatform", &item, &platform).await.expect(200);
        let left = stoa.admin.until(TENANT, &uuid, |found| found["status"]["appliedQuotas"].get("cpu").is_none()).await;
        assert_eq!(left["status"]["appliedQuotas"], json!({ "memory": { "value": 8 } }));
        let zone = stoa.admin.get("meshLandingZone", "/spaces-dev").await.expect(200);
        assert_eq!(zone["spec"]["quotas"], json!([]));
    }

    async fn new_defaults_reach_tenants_without_values_of_their_own(stoa) {
        let stage = stoa.custom_platform().await;
        stoa.project("api").await;
        let plain = stoa.tenant(&stage.platform).await;
        let mut body = tenant_body("api", &stage.platform, None);
        body["spec"]["requestedQuotas"] = json!({ "cpu": { "value": 7 } });
        let own = text(&stoa.admin.create(TENANT, &body).await, "/metadata/uuid");
        let mut zone = stoa.admin.get("meshLandingZone", "/spaces-dev").await.expect(200);
        zone["spec"]["quotas"] = json!([{ "key": "cpu", "value": 5 }]);
        stoa.admin.put("meshLandingZone", "/spaces-dev", &zone).await.expect(200);
        stoa.admin.until(TENANT, &plain, |found| found["status"]["appliedQuotas"]["cpu"]["value"] == 5).await;
        let found = stoa.admin.get(TENANT, &format!("/{own}")).await.expect(200);
        assert_eq!(found["status"]["appliedQuotas"]["cpu"]["value"], 7);
    }

    async fn blocks_that_can_read_quotas_run_again_when_they_change(stoa) {
        let stage = stoa.custom_platform_with(json!({
            "permissions": ["TENANT_LIST"],
            "inputs": { "tenant": crate::stoa::input(json!({ "assignmentType": "MESHSTACK_TENANT_UUID" })) },
        })).await;
        let uuid = stoa.tenant(&stage.platform).await;
        stoa.next_run().await.end("SUCCEEDED").await;
        operate(&stoa.admin, Method::PUT, &format!("tenants/{uuid}/quotas"), Some(cpu(9))).await.expect(200);
        let block = text(&stoa.admin.list("meshBuildingBlock", &format!("?tenantUuid={uuid}")).await[0], "/metadata/uuid");
        stoa.admin.until("meshBuildingBlock", &block, |found| found["status"]["status"] == "PENDING").await;
        let run = stoa.next_run().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "MANUAL_EXECUTION");
        assert_eq!(run.run["spec"]["trigger"]["author"]["type"], "System");
        run.end("SUCCEEDED").await;
    }
}
