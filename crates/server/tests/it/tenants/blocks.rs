//! Building blocks on tenants: ordered, listed, fed with what the tenant knows (`api-building-blocks.md` §3.3,
//! §4.5, §5.1, §9).

use crate::on_both;
use crate::stoa::{Stoa, input, media, path, text};
use crate::tenants::stage::operate;
use reqwest::Method;
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";

fn on(tenant: &str, version: &str, inputs: Value) -> Value {
    json!({ "spec": {
        "buildingBlockDefinitionVersionRef": { "uuid": version },
        "targetRef": { "kind": "meshTenant", "uuid": tenant },
        "displayName": "database", "inputs": inputs,
    } })
}

async fn v1(stoa: &Stoa, method: Method, rest: &str, body: Option<&Value>) -> crate::stoa::Answer {
    let v1 = media(BLOCK, "v1");
    stoa.admin
        .raw(method, &path(BLOCK, rest), |r| {
            let r = r.header("accept", &v1);
            match body {
                Some(body) => r.header("content-type", &v1).body(body.to_string()),
                None => r,
            }
        })
        .await
}

on_both! {
    async fn a_block_takes_what_its_tenant_knows(stoa) {
        let stage = stoa.custom_platform_by_hand().await;
        let tenant = stoa.tenant(&stage.platform).await;
        let of = |assignment: &str| input(json!({ "assignmentType": assignment }));
        let (_, version) = stoa.tenant_definition(json!({ "inputs": {
            "id": of("PLATFORM_TENANT_ID"), "uuid": of("MESHSTACK_TENANT_UUID"),
            "project": of("PROJECT_IDENTIFIER"), "platform": of("FULL_PLATFORM_IDENTIFIER"),
            "workspace": of("WORKSPACE_IDENTIFIER"), "block": of("TENANT_BUILDING_BLOCK_UUID"),
        } })).await;
        let block = stoa.admin.create(BLOCK, &on(&tenant, &version, json!({}))).await;
        let id = text(&block, "/metadata/uuid");
        assert_eq!(block["status"]["status"], "WAITING_FOR_DEPENDENT_INPUT");
        assert_eq!(block["status"]["waiting"]["reason"], "PLATFORM_TENANT_ID_MISSING");
        let run = stoa.next_run().await;
        run.deliver(json!({ "id": "space-1", "link": "" })).await;
        stoa.admin.until(BLOCK, &id, |found| found["status"]["status"] == "PENDING").await;
        let run = stoa.next_run().await;
        assert_eq!(run.block(), id);
        assert_eq!(run.run["spec"]["trigger"]["reason"], "PLATFORM_TENANT_ID_UPDATE");
        for (key, value) in [
            ("id", "space-1"), ("uuid", tenant.as_str()), ("project", "web"), ("platform", "spaces.global"),
            ("workspace", "shop"), ("block", id.as_str()),
        ] {
            assert_eq!(run.input(key)["value"], value, "{key}");
        }
        run.end("SUCCEEDED").await;
        // Another id runs it again.
        operate(&stoa.admin, Method::POST, &format!("tenants/{tenant}/replications"), None).await.expect(202);
        let again = stoa.next_run().await;
        again.deliver(json!({ "id": "space-2", "link": "" })).await;
        stoa.admin.until(BLOCK, &id, |found| found["status"]["status"] == "PENDING").await;
        assert_eq!(stoa.next_run().await.input("id")["value"], "space-2");
    }

    async fn orders_are_checked_against_the_target(stoa) {
        let stage = stoa.custom_platform().await;
        let tenant = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&tenant, "READY").await;
        let (_, version) = stoa.tenant_definition(json!({ "onlyApplyOncePerTenant": true })).await;
        let good = on(&tenant, &version, json!({}));
        let own = stoa.key("shop", &["BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_LIST"]).await;
        let foreign = stoa.key("ops", &["BUILDINGBLOCK_SAVE"]).await;
        foreign.post(BLOCK, "", &good).await.refused(403, "");
        let mut wrong = good.clone();
        wrong["spec"]["targetRef"] = json!({ "kind": "meshWorkspace", "name": "shop" });
        own.post(BLOCK, "", &wrong).await.refused(400, "spec.targetRef");
        wrong["spec"]["targetRef"] = json!({ "kind": "meshTenant" });
        own.post(BLOCK, "", &wrong).await.refused(403, "");
        stoa.admin.post(BLOCK, "", &wrong).await.refused(400, "spec.targetRef.uuid");
        wrong["spec"]["targetRef"]["uuid"] = json!("7e0f8b35-1f0b-4a1e-8a3c-55a5d7a9b0c3");
        own.post(BLOCK, "", &wrong).await.refused(404, "meshTenant");
        let (_, on_workspace) = stoa.definition("ops", json!({})).await;
        own.post(BLOCK, "", &on(&tenant, &on_workspace, json!({}))).await.refused(400, "spec.targetRef");
        let block = own.post(BLOCK, "", &good).await.expect(201);
        own.post(BLOCK, "", &good).await.refused(409, "once per target");
        assert_eq!(block["metadata"]["ownedByWorkspace"], "shop");
        let mut moved = block.clone();
        moved["spec"]["targetRef"]["uuid"] = json!("7e0f8b35-1f0b-4a1e-8a3c-55a5d7a9b0c3");
        let item = format!("/{}", text(&block, "/metadata/uuid"));
        own.put(BLOCK, &item, &moved).await.refused(400, "spec.targetRef");
        own.put(BLOCK, &item, &block).await.expect(200);
        for (query, count) in [
            (format!("?tenantUuid={tenant}"), 2),
            ("?targetRefKind=meshTenant".into(), 2),
            ("?targetRefKind=meshWorkspace".into(), 0),
            ("?projectIdentifier=web".into(), 2),
            ("?platformIdentifier=spaces.global".into(), 2),
            ("?platformIdentifier=spaces".into(), 0),
            ("?name=database".into(), 1),
        ] {
            assert_eq!(own.list(BLOCK, &query).await.len(), count, "{query}");
        }
    }

    async fn a_platform_type_must_be_supported(stoa) {
        let platform = stoa.native_platform().await;
        let tenant = stoa.tenant(&platform).await;
        let kind = json!({
            "metadata": { "name": "SPACES", "ownedByWorkspace": "ops" },
            "spec": { "displayName": "Spaces", "category": "CUSTOM", "icon": crate::tenants::stage::ICON },
        });
        stoa.admin.create("meshPlatformType", &kind).await;
        let (_, version) = stoa.tenant_definition(json!({})).await;
        stoa.admin.post(BLOCK, "", &on(&tenant, &version, json!({}))).await.refused(400, "KUBERNETES");
    }

    async fn version_one_is_the_same_block_in_an_older_dress(stoa) {
        let stage = stoa.custom_platform().await;
        let tenant = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&tenant, "READY").await;
        let (definition, _) = stoa.tenant_definition(json!({ "inputs": {
            "size": input(json!({})),
            "password": input(json!({ "isSensitive": true })),
        } })).await;
        let body = json!({
            "apiVersion": "v1", "kind": BLOCK,
            "metadata": {
                "definitionUuid": definition, "definitionVersion": 1, "tenantIdentifier": "shop.web.spaces.global",
            },
            "spec": {
                "displayName": "orders",
                "inputs": [
                    { "key": "size", "value": "large", "valueType": "STRING" },
                    { "key": "password", "value": "s3cret-canary", "valueType": "STRING" },
                ],
                "parentBuildingBlocks": [],
            },
        });
        let created = v1(&stoa, Method::POST, "", Some(&body)).await;
        assert!(!created.text.contains("s3cret-canary"));
        let created = created.expect(201);
        let item = format!("/{}", text(&created, "/metadata/uuid"));
        assert_eq!(created["metadata"]["tenantIdentifier"], "shop.web.spaces.global");
        assert_eq!(created["metadata"]["definitionVersion"], 1);
        assert_eq!(created["metadata"]["markedForDeletionOn"], Value::Null);
        let inputs = created["spec"]["inputs"].as_array().unwrap();
        assert!(inputs.contains(&json!({ "key": "size", "value": "large", "valueType": "STRING" })));
        assert!(inputs.contains(&json!({ "key": "password", "value": null, "valueType": "STRING" })));
        let v2 = stoa.admin.get(BLOCK, &item).await.expect(200);
        assert!(v2["spec"]["inputs"]["password"]["value"]["hash"].is_string());
        assert_eq!(v1(&stoa, Method::GET, "", None).await.expect(200)["page"]["totalElements"], 2);
        for (pointer, value, status, named) in [
            ("/metadata/definitionUuid", json!("x"), 404, "meshBuildingBlockDefinitionVersion"),
            ("/metadata/definitionVersion", json!(2), 404, "meshBuildingBlockDefinitionVersion"),
            ("/metadata/tenantIdentifier", json!("shop.no.spaces.global"), 404, "meshTenant"),
            ("/spec/inputs/0/key", json!("color"), 400, "color"),
            ("/spec/inputs/0/value", json!(7), 400, "size"),
            ("/spec/inputs/1/key", json!("size"), 400, "twice"),
            ("/spec/displayName", json!(" "), 400, "spec.displayName"),
        ] {
            let mut bad = body.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            v1(&stoa, Method::POST, "", Some(&bad)).await.refused(status, named);
        }
        stoa.next_run().await.end("SUCCEEDED").await;
        v1(&stoa, Method::DELETE, &item, None).await.expect(202);
        let going = v1(&stoa, Method::GET, &item, None).await.expect(200);
        assert!(going["metadata"]["markedForDeletionOn"].is_string());
        stoa.next_run().await.end("SUCCEEDED").await;
        v1(&stoa, Method::GET, &item, None).await.refused(404, "");
        assert_eq!(stoa.admin.get(BLOCK, &item).await.expect(200)["status"]["lifecycle"]["state"], "DELETED");
    }

    async fn mandatory_blocks_come_in_the_order_of_their_outputs(stoa) {
        let stage = stoa.custom_platform_by_hand().await;
        let (child, _) = stoa.tenant_definition(json!({
            "dependencyDefinitionRefs": [{ "uuid": stage.definition }],
            "inputs": { "link": input(json!({
                "assignmentType": "BUILDING_BLOCK_OUTPUT", "argument": format!("{}.link", stage.definition),
            })) },
        })).await;
        stoa.zone("both", &stage.platform, json!({
            "automateDeletionApproval": true,
            "mandatoryBuildingBlockRefs": [{ "uuid": child }, { "uuid": stage.definition }],
        })).await;
        stoa.zone("half", &stage.platform, json!({ "mandatoryBuildingBlockRefs": [{ "uuid": child }] })).await;
        let order = |zone: &str| crate::tenants::stage::tenant_body("web", &stage.platform, Some(zone));
        stoa.admin.post("meshTenant", "", &order("half")).await.refused(400, "not mandatory");
        let tenant = text(&stoa.admin.create("meshTenant", &order("both")).await, "/metadata/uuid");
        let first = stoa.next_run().await;
        assert!(stoa.admin.claim_for(crate::stoa::SHARED).await.is_none(), "the child waits");
        first.deliver(json!({ "id": "space-1", "link": "https://a.example.org" })).await;
        let child = stoa.admin.list(BLOCK, &format!("?definitionUuid={child}")).await;
        let child = text(&child[0], "/metadata/uuid");
        stoa.admin.until(BLOCK, &child, |found| found["status"]["status"] == "PENDING").await;
        let second = stoa.next_run().await;
        assert_eq!(second.input("link")["value"], "https://a.example.org");
        second.end("SUCCEEDED").await;
        stoa.until_phase(&tenant, "READY").await;
        // Down they go the other way round.
        stoa.admin.delete("meshTenant", &format!("/{tenant}")).await.expect(202);
        stoa.admin.until(BLOCK, &child, |found| found["status"]["status"] == "PENDING").await;
        let down = stoa.next_run().await;
        assert_eq!(down.block(), child);
        assert!(stoa.admin.claim_for(crate::stoa::SHARED).await.is_none(), "the parent waits");
        down.end("SUCCEEDED").await;
        let parent = first.block();
        stoa.admin.until(BLOCK, &parent, |found| found["status"]["status"] == "PENDING").await;
        stoa.next_run().await.end("SUCCEEDED").await;
        stoa.until_phase(&tenant, "DELETED").await;
    }
}
