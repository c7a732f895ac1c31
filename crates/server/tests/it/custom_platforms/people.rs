//! Who may enter: added, changed, removed, in groups, until a day; each change is a run at once.

use super::on_stage;
use super::stage::{SHOP, order};
use crate::stoa::text;
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

on_stage! {
    async fn people_come_change_and_go(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        for (name, euid) in [("ada", None), ("bob", None), ("cleo", Some("cleo@example.org")), ("eve", None)] {
            stage.user(name, euid).await;
            stage.member(name, SHOP, None).await;
        }
        let tenant = stage.stoa.admin.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        assert_eq!(stage.north.space("shop.photos").await["members"], json!([]));

        stage.grant("ada", "Project Admin").await;
        stage.north.until_members("shop.photos", &[("ada", &["owner"])]).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        // Another role beside the first, another person under their external id, and one the platform does not know.
        stage.grant("ada", "Project Reader").await;
        stage.grant("cleo", "Project User").await;
        stage.grant("eve", "Project User").await;
        let both: &[(&str, &[&str])] = &[("ada", &["owner", "viewer"]), ("cleo@example.org", &["editor"])];
        stage.north.until_members("shop.photos", both).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        stage.revoke("ada", "Project Admin").await;
        let less: &[(&str, &[&str])] = &[("ada", &["viewer"]), ("cleo@example.org", &["editor"])];
        stage.north.until_members("shop.photos", less).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        stage.revoke("ada", "Project Reader").await;
        stage.north.until_members("shop.photos", &[("cleo@example.org", &["editor"])]).await;
        let block = stage.settled(&uuid, "SUCCEEDED").await;
        let summary = text(&block, "/status/outputs/summary/value");
        assert!(summary.contains("`eve` has no account on this platform yet"), "{summary}");

        let reasons = stage.reasons(&uuid).await;
        assert_eq!(reasons[0], "BUILDING_BLOCK_CREATION");
        assert!(reasons.len() >= 4 && reasons[1..].iter().all(|reason| reason == "PROJECT_PERMISSIONS_CHANGE"), "{reasons:?}");
        // Whoever leaves the workspace leaves the project and the platform.
        stage.stoa.admin.delete("meshWorkspaceUserBinding", "/shop-cleo").await.expect(204);
        stage.north.until_members("shop.photos", &[]).await;
    }

    async fn a_group_comes_with_all_its_members(stage) {
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        for name in ["ada", "bob"] {
            stage.user(name, None).await;
        }
        stage.group(&["ada"]).await;
        let of_workspace = json!({
            "metadata": { "name": "shop-pickers" }, "roleRef": { "name": "Workspace Member" },
            "targetRef": { "name": SHOP }, "subject": { "name": "pickers" },
        });
        stage.stoa.admin.create("meshWorkspaceGroupBinding", &of_workspace).await;
        let tenant = stage.stoa.admin.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;

        let of_project = json!({
            "metadata": { "name": "photos-pickers" }, "roleRef": { "name": "Project User" },
            "targetRef": { "name": "photos", "ownedByWorkspace": SHOP }, "subject": { "name": "pickers" },
        });
        stage.shop.create("meshProjectGroupBinding", &of_project).await;
        stage.north.until_members("shop.photos", &[("ada", &["editor"])]).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        // A new member of the group is one on the platform.
        stage.group(&["ada", "bob"]).await;
        stage.north.until_members("shop.photos", &[("ada", &["editor"]), ("bob", &["editor"])]).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        stage.shop.delete("meshProjectGroupBinding", "/photos-pickers").await.expect(204);
        stage.north.until_members("shop.photos", &[]).await;
    }

    async fn access_ends_on_its_day(stage) {
        let mut stage = stage;
        let (connector, platform, zone) = stage.offer("north", &stage.north).await;
        stage.release(&connector).await;
        for name in ["ada", "bob"] {
            stage.user(name, None).await;
        }
        let tomorrow = stage.stoa.running.app.world.clock.now() + DAY;
        stage.member("ada", SHOP, None).await;
        stage.member("bob", SHOP, Some(&tomorrow.to_string()[..10])).await;
        for name in ["ada", "bob"] {
            stage.grant(name, "Project User").await;
        }
        let tenant = stage.stoa.admin.create("meshTenant", &order(SHOP, "photos", &platform, &zone, json!({}))).await;
        let uuid = text(&tenant, "/metadata/uuid");
        stage.ready(&tenant).await;
        stage.north.until_members("shop.photos", &[("ada", &["editor"]), ("bob", &["editor"])]).await;
        stage.settled(&uuid, "SUCCEEDED").await;

        stage.later(DAY / 2).await;
        assert_eq!(stage.reasons(&uuid).await, ["BUILDING_BLOCK_CREATION"]);
        // The day itself is the last one.
        stage.later(2 * DAY).await;
        stage.north.until_members("shop.photos", &[("ada", &["editor"])]).await;
        stage.settled(&uuid, "SUCCEEDED").await;
        assert_eq!(stage.reasons(&uuid).await, ["BUILDING_BLOCK_CREATION", "PROJECT_PERMISSIONS_CHANGE"]);
    }
}
