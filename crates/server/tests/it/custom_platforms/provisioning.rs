//! Ordering: the space is there, the tenant has its id, people sign in; a second installation; existing spaces.

use super::on_stage;
use super::spaces::{PATIENCE, Pipeline, Spaces};
use super::stage::{BUILDERS, SHOP, operate, order, until};
use crate::stoa::text;
use serde_json::json;

on_stage! {
    async fn an_order_makes_a_space_and_its_people_sign_in(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        stage.publish(&platform).await;
        stage.user("ada", None).await;
        stage.member("ada", SHOP, None).await;
        stage.grant("ada", "Project Admin").await;

        let tenant = stage.shop.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        assert_eq!(tenant["spec"]["platformTenantId"], json!(null));
        assert_eq!(tenant["status"]["platformTypeIdentifier"], "SPACES");
        assert_eq!(tenant["status"]["tenantName"], "shop.photos.spaces-north.in-house");
        assert_eq!(tenant["status"]["lifecycle"]["state"], "ACTIVE");
        assert_eq!(tenant["status"]["appliedQuotas"], json!({ "objects": { "value": 100 }, "storage.gib": { "value": 5 } }));
        let uuid = text(&tenant, "/metadata/uuid");
        let ready = stage.ready(&tenant).await;
        assert_eq!(ready["spec"]["platformTenantId"], "shop.photos");
        until(&stage.shop, "meshTenant", &uuid, |tenant| tenant["status"]["phase"] == "READY").await;

        // Inputs arrived as the definition says, and outputs are on the block.
        let space = stage.north.space("shop.photos").await;
        assert_eq!(space["owner"], json!({
            "tenant": uuid, "workspace": SHOP, "project": "photos", "platform": "spaces-north.in-house",
        }));
        assert_eq!((&space["size"], &space["shelf"]), (&json!("small"), &json!("any")));
        assert_eq!(space["members"], json!([{ "account": "ada", "roles": ["owner"] }]));
        assert_eq!(space["limits"], json!({ "objects": 100, "storage.gib": 5 }));
        let block = stage.block(&uuid).await;
        let outputs = &block["status"]["outputs"];
        assert_eq!(outputs["platform_tenant_id"]["assignmentType"], "PLATFORM_TENANT_ID");
        assert_eq!(outputs["platform_tenant_id"]["value"], "shop.photos");
        assert_eq!(outputs["resource_url"]["value"], space["url"]);
        assert!(text(outputs, "/summary/value").contains("| ada | owner |"), "{outputs:#}");

        // Members sign in where the block said, others do not.
        let sign_in = text(outputs, "/sign_in_url/value");
        let tenant = stage.shop.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        assert_eq!(tenant["status"]["signInUrl"], json!(sign_in));
        assert_eq!(stage.north.sign_in(&sign_in, "ada").await, 200);
        assert_eq!(stage.north.sign_in(&sign_in, "bob").await, 403);

        // The team finds its tenant by what it knows.
        for filter in [
            "workspaceIdentifier=shop&projectIdentifier=photos&platformIdentifier=spaces-north.in-house",
            "platformTypeIdentifier=SPACES",
            "platformTenantId=shop.photos",
            "landingZoneIdentifier=spaces-north-default",
        ] {
            let found = stage.shop.list("meshTenant", &format!("?{filter}")).await;
            assert_eq!(found.len(), 1, "{filter}");
            assert_eq!(found[0]["metadata"]["uuid"], json!(uuid));
        }
        // One tenant of a project on a platform at a time.
        let again = order(SHOP, "photos", &platform, &zone, json!({}));
        stage.shop.post("meshTenant", "", &again).await.refused(409, "");
        assert_eq!(stage.reasons(&uuid).await, ["BUILDING_BLOCK_CREATION"]);
    }

    async fn a_draft_serves_its_own_team_before_it_is_released(stage) {
        let (_, platform, zone) = stage.offer("north", &stage.north).await;
        let tried = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let ready = stage.ready(&tried).await;
        assert_eq!(ready["spec"]["platformTenantId"], "platform-team.trial");

        // Others get a tenant without the draft: nothing makes its space, and it says so.
        let other = stage.stoa.admin.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&other, "/metadata/uuid");
        assert_eq!(stage.stoa.admin.list("meshBuildingBlock", &format!("?tenantUuid={uuid}")).await.len(), 0);
        let waiting = stage.shop.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        assert!(waiting["status"]["waiting"]["reason"].is_string(), "{waiting:#}");
    }

    async fn a_replication_puts_right_what_was_changed_by_hand(stage) {
        let (_, platform, zone) = stage.offer("north", &stage.north).await;
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        let space = "PUT /api/spaces/platform-team.trial";
        stage.north.ask(&format!("{space}/limits"), Some(json!({ "objects": 1 }))).await;
        stage.north.ask(&format!("{space}/members"), Some(json!([{ "account": "bob", "roles": ["owner"] }]))).await;
        let path = format!("tenants/{uuid}/replications");
        let asked = operate(&stage.builders, "POST", &path, None).await;
        assert!((200..300).contains(&asked.status), "{asked:?}");
        stage.north.until_members("platform-team.trial", &[]).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        assert_eq!(stage.north.space("platform-team.trial").await["limits"], json!({ "objects": 100, "storage.gib": 5 }));

        // Again with nothing to do: a run, and no word to the platform but questions.
        stage.north.writes().await;
        let asked = operate(&stage.builders, "POST", &path, None).await;
        assert!((200..300).contains(&asked.status), "{asked:?}");
        let block = text(&stage.block(&uuid).await, "/metadata/uuid");
        let runs = format!("?buildingBlockUuid={block}");
        let started = std::time::Instant::now();
        loop {
            let runs = stage.builders.list("meshBuildingBlockRun", &runs).await;
            if runs.len() == 3 && runs.iter().all(|run| run["status"] == "SUCCEEDED") {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "{runs:#?}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(stage.north.writes().await, 0);
        let history = operate(&stage.builders, "GET", &path, None).await.expect(200);
        assert!(history.to_string().contains("MANUAL_EXECUTION"), "{history:#}");
    }

    async fn what_an_order_waits_for_is_said(stage) {
        // The operator has to say where the space is kept, for there is no default.
        let words = [("INSTANCE", "north"), ("SPACES", stage.north.url())];
        let change = json!({ "inputs": { "shelf": { "defaultValue": null } } });
        let connector = stage.connector("connector.yaml", &words, change).await;
        let platform = stage.platform("north", &stage.north).await;
        let zone = stage.zone("landing-zone.yaml", "north", &platform, Some(&connector), json!({})).await;
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        let block = stage.block(&uuid).await;
        assert_eq!(block["status"]["status"], "WAITING_FOR_OPERATOR_INPUT");
        assert_eq!(block["status"]["waiting"]["blocker"], "inputs shelf", "{block:#}");
        let waiting = stage.builders.get("meshTenant", &format!("/{uuid}")).await.expect(200);
        let why = &waiting["status"]["waiting"];
        assert!(why["reason"].is_string() && why["who"].is_string() && why["since"].is_string(), "{waiting:#}");
        assert_eq!(waiting["spec"]["platformTenantId"], json!(null));

        // It says so, and goes on.
        let mut answer = block.clone();
        answer["spec"]["inputs"] = json!({ "shelf": { "value": "B2", "isSensitive": false } });
        let path = format!("/{}", text(&block, "/metadata/uuid"));
        stage.builders.put("meshBuildingBlock", &path, &answer).await.expect(200);
        let ready = stage.ready(&tenant).await;
        assert_eq!(stage.north.space("platform-team.trial").await["shelf"], "B2");
        assert_eq!(ready["metadata"]["uuid"], json!(uuid));
        until(&stage.builders, "meshTenant", &uuid, |tenant| tenant["status"]["waiting"].is_null()).await;
    }

    async fn a_second_installation_has_spaces_of_its_own(stage) {
        let south = Spaces::start("South");
        let (_, on_north, north_zone) = stage.offer("north", &stage.north).await;
        let (_, on_south, south_zone) = stage.offer("south", &south).await;
        let first = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &on_north, &north_zone, json!({}))).await;
        let second = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &on_south, &south_zone, json!({}))).await;
        // The same id on two platforms is no conflict.
        for tenant in [&first, &second] {
            assert_eq!(stage.ready(tenant).await["spec"]["platformTenantId"], "platform-team.trial");
        }
        assert_eq!(stage.north.space("platform-team.trial").await["owner"]["platform"], "spaces-north.in-house");
        assert_eq!(south.space("platform-team.trial").await["owner"]["platform"], "spaces-south.in-house");
        // A landing zone serves its own platform only.
        stage.project(&stage.builders, BUILDERS, "more").await;
        let mixed = order(BUILDERS, "more", &on_south, &north_zone, json!({}));
        stage.builders.post("meshTenant", "", &mixed).await.refused(400, "");
    }

    async fn an_existing_space_is_taken_by_its_id(stage) {
        let (_, platform, zone) = stage.offer("north", &stage.north).await;
        let import = stage.zone("landing-zone-import.yaml", "north", &platform, None, json!({})).await;
        let existing = json!({ "displayName": "Old", "owner": { "tenant": "before-stoa" } });
        stage.north.ask("PUT /api/spaces/old.archive", Some(existing)).await;
        stage.north.writes().await;

        let with_id = json!({ "spec": { "platformTenantId": "old.archive" } });
        // Not through a landing zone that would make a space of its own.
        let wrong = order(BUILDERS, "trial", &platform, &zone, with_id.clone());
        stage.builders.post("meshTenant", "", &wrong).await.refused(400, "");
        let body = order(BUILDERS, "trial", &platform, &import, with_id.clone());
        let tenant = stage.builders.create("meshTenant", &body).await;
        assert_eq!(tenant["spec"]["platformTenantId"], "old.archive");
        let uuid = text(&tenant, "/metadata/uuid");
        assert_eq!(stage.stoa.admin.list("meshBuildingBlock", &format!("?tenantUuid={uuid}")).await.len(), 0);

        // An id is taken once on a platform, and by those who may import.
        stage.project(&stage.builders, BUILDERS, "more").await;
        let twice = order(BUILDERS, "more", &platform, &import, with_id);
        stage.builders.post("meshTenant", "", &twice).await.refused(409, "old.archive");
        let theirs = json!({ "spec": { "platformTenantId": "another" } });
        let theirs = order(SHOP, "photos", &platform, &import, theirs);
        assert_eq!(stage.shop.post("meshTenant", "", &theirs).await.status, 403);
        // Nobody touched the platform for it.
        assert_eq!(stage.north.writes().await, 0);
        assert_eq!(stage.north.space("old.archive").await["displayName"], "Old");
    }

    async fn a_pipeline_serves_the_platform_just_as_well(stage) {
        let pipeline = Pipeline::start(&stage.north);
        let connector = stage.by_pipeline("north", &pipeline).await;
        let platform = stage.platform("north", &stage.north).await;
        let zone = stage.zone("landing-zone-by-pipeline.yaml", "north", &platform, Some(&connector), json!({})).await;
        let tenant = stage.builders.create("meshTenant", &order(BUILDERS, "trial", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        let ready = stage.ready(&tenant).await;
        assert_eq!(ready["spec"]["platformTenantId"], "platform-team.trial");
        let space = stage.north.space("platform-team.trial").await;
        assert_eq!(space["limits"], json!({ "objects": 100, "storage.gib": 5 }));
        assert_eq!(stage.block(&uuid).await["status"]["outputs"]["sign_in_url"]["value"], space["signInUrl"]);

        assert_eq!(stage.builders.delete("meshTenant", &format!("/{uuid}")).await.status, 202);
        until(&stage.builders, "meshTenant", &uuid, |tenant| tenant["status"]["lifecycle"]["state"] == "DELETED").await;
        assert!(stage.north.space("platform-team.trial").await.is_null());
    }
}
