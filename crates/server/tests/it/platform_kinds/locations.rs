//! meshLocation (`api-core.md` §3.13, `api-platforms.md` §4).

use super::{at, custom, platform, with};
use crate::core_kinds::{is_uuid, names, names_of, without};
use crate::on_both;
use crate::stoa::LOCATIONS;
use serde_json::{Value, json};

const KIND: &str = "meshLocation";

fn body(name: &str, owner: &str) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": owner },
        "spec": { "displayName": "Bergen data centre", "description": "Racks 4 to 9" },
    })
}

on_both! {
    async fn it_says_what_was_said(stoa) {
        stoa.workspace("edge-ops").await;
        let made = stoa.admin.create(KIND, &body("dc-bergen", "edge-ops")).await;
        assert!(is_uuid(&made["metadata"]["uuid"]));
        let seen = without(made.clone(), "/metadata/uuid");
        let link = format!("{}/api/meshobjects/meshlocations/dc-bergen", stoa.url);
        assert_eq!(seen, json!({
            "kind": KIND, "apiVersion": "v1",
            "metadata": { "name": "dc-bergen", "ownedByWorkspace": "edge-ops" },
            "spec": { "displayName": "Bergen data centre", "description": "Racks 4 to 9" },
            "status": { "isPublic": false },
            "_links": { "self": { "href": link } },
        }));
        assert_eq!(stoa.admin.get(KIND, "/dc-bergen").await.expect(200), made);
        assert_eq!(stoa.admin.put(KIND, "/dc-bergen", &made).await.expect(200), made);
        assert!(stoa.admin.list("meshEventLog", "?title=Location%20Changed").await.is_empty());
        let changed = with(made.clone(), "/spec/displayName", json!("Bergen"));
        assert_eq!(stoa.admin.put(KIND, "/dc-bergen", &changed).await.expect(200), changed);
        // Without a description it is empty.
        let bare = stoa.admin.put(KIND, "/dc-bergen", &without(changed, "/spec/description")).await.expect(200);
        assert_eq!(bare["spec"]["description"], "");
    }

    async fn each_row_of_its_table_is_checked(stoa) {
        stoa.workspace("edge-ops").await;
        for (pointer, value, field) in [
            ("/metadata/name", Value::Null, "metadata.name"),
            ("/metadata/name", json!(""), "metadata.name"),
            ("/metadata/name", json!("Dc"), "metadata.name"),
            ("/metadata/name", json!("dc-"), "metadata.name"),
            ("/metadata/name", json!("a".repeat(65)), "metadata.name"),
            ("/metadata/name", json!(7), "metadata.name"),
            ("/metadata/ownedByWorkspace", Value::Null, "metadata.ownedByWorkspace"),
            ("/metadata/ownedByWorkspace", json!("nowhere"), "metadata.ownedByWorkspace"),
            ("/spec/displayName", Value::Null, "spec.displayName"),
            ("/spec/displayName", json!(" "), "spec.displayName"),
            ("/spec/displayName", json!("x".repeat(256)), "spec.displayName"),
            ("/spec/description", json!("x".repeat(2001)), "spec.description"),
            ("/spec/description", json!([]), "spec.description"),
        ] {
            names(stoa.admin.post(KIND, "", &with(body("dc", "edge-ops"), pointer, value)).await, field);
        }
        let longest = with(body(&"a".repeat(64), "edge-ops"), "/spec/description", json!("ä".repeat(2000)));
        stoa.admin.create(KIND, &longest).await;
        stoa.admin.create(KIND, &body("dc", "edge-ops")).await;
        stoa.admin.post(KIND, "", &body("dc", "edge-ops")).await.refused(409, "'dc'");
        for (pointer, value, field) in [
            ("/metadata/name", json!("other"), "metadata.name"),
            ("/metadata/ownedByWorkspace", json!("demo-partner"), "metadata.ownedByWorkspace"),
        ] {
            names(stoa.admin.put(KIND, "/dc", &with(body("dc", "edge-ops"), pointer, value)).await, field);
        }
        stoa.admin.put(KIND, "/nowhere", &body("nowhere", "edge-ops")).await.refused(404, "nowhere");
    }

    async fn everybody_reads_it_and_its_team_writes_it(stoa) {
        for name in ["edge-ops", "rival"] {
            stoa.workspace(name).await;
        }
        let nothing = stoa.key("rival", &[]).await;
        let mut seeded: Vec<&str> = LOCATIONS.to_vec();
        seeded.insert(0, "global");
        assert_eq!(names_of(&nothing.list(KIND, "").await), seeded);
        let global = nothing.get(KIND, "/global").await.expect(200);
        assert_eq!(global["metadata"]["ownedByWorkspace"], "demo-partner");
        assert_eq!(global["status"], json!({ "isPublic": false }));
        let team = stoa.key("edge-ops", &["PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_DELETE"]).await;
        let rival = stoa.key("rival", &["PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_DELETE"]).await;
        rival.post(KIND, "", &body("dc", "edge-ops")).await.refused(403, "PLATFORMINSTANCE_SAVE");
        nothing.post(KIND, "", &body("dc", "rival")).await.refused(403, "PLATFORMINSTANCE_SAVE");
        team.create(KIND, &body("dc", "edge-ops")).await;
        rival.put(KIND, "/dc", &body("dc", "edge-ops")).await.refused(403, "PLATFORMINSTANCE_SAVE");
        rival.delete(KIND, "/dc").await.refused(403, "PLATFORMINSTANCE_DELETE");
        team.put(KIND, "/dc", &body("dc", "edge-ops")).await.expect(200);
        team.delete(KIND, "/dc").await.expect(204);
        team.get(KIND, "/dc").await.refused(404, "dc");
        team.delete(KIND, "/dc").await.refused(404, "dc");
        // Its name is free again.
        team.create(KIND, &body("dc", "edge-ops")).await;
    }

    async fn it_is_found_by_its_display_name(stoa) {
        stoa.admin.create(KIND, &body("dc", "demo-partner")).await;
        assert_eq!(names_of(&stoa.admin.list(KIND, "?displayName=Bergen%20data%20centre").await), ["dc"]);
        assert!(stoa.admin.list(KIND, "?displayName=bergen%20data%20centre").await.is_empty());
    }

    async fn it_is_public_while_a_public_platform_stands_there_and_stays_while_any_does(stoa) {
        stoa.admin.create(KIND, &body("dc", "demo-partner")).await;
        let is_public = async || stoa.admin.get(KIND, "/dc").await.expect(200)["status"]["isPublic"].clone();
        let here = |name: &str| with(platform(name, custom()), "/spec/locationRef/name", json!("dc"));
        let hidden = with(here("two"), "/spec/availability", json!({
            "restriction": "RESTRICTED", "publicationState": "PUBLISHED", "restrictedToWorkspaces": ["demo-partner"],
        }));
        let hidden = stoa.admin.create("meshPlatform", &hidden).await;
        assert_eq!(is_public().await, false);
        let shown = stoa.admin.create("meshPlatform", &here("one")).await;
        assert_eq!(is_public().await, true);
        stoa.admin.delete(KIND, "/dc").await.refused(409, "meshPlatform[two.dc]");
        stoa.admin.delete("meshPlatform", &at(&shown)).await.expect(204);
        assert_eq!(is_public().await, false);
        let open = json!({ "restriction": "PUBLIC", "publicationState": "UNPUBLISHED" });
        let opened = with(hidden.clone(), "/spec/availability", open);
        stoa.admin.put("meshPlatform", &at(&hidden), &opened).await.expect(200);
        assert_eq!(is_public().await, true);
        stoa.admin.delete("meshPlatform", &at(&hidden)).await.expect(204);
        assert_eq!(is_public().await, false);
        stoa.admin.delete(KIND, "/dc").await.expect(204);
    }
}
