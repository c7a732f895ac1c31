//! meshPlatformType (`api-platforms.md` §3).

use super::{at, camel, custom, platform, with};
use crate::core_kinds::{is_instant, is_uuid, names, names_of, without};
use crate::on_both;
use reqwest::Method;
use serde_json::{Value, json};

const KIND: &str = "meshPlatformType";
const BUILT_IN: [&str; 10] = [
    "OPENSTACK",
    "CLOUDFOUNDRY",
    "SERVICEREGISTRY",
    "AWS",
    "OPENSHIFT",
    "KUBERNETES",
    "AZURE",
    "GCP",
    "AZURE_KUBERNETES_SERVICE",
    "AZURE_RESOURCE_GROUP",
];

fn body(name: &str, owner: &str) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": owner },
        "spec": {
            "displayName": "Edge Cluster", "category": "CUSTOM", "defaultEndpoint": "https://edge.acme.test",
            "icon": "data:image/svg+xml;base64,PHN2Zy8+",
        },
    })
}

on_both! {
    async fn it_says_what_was_said(stoa) {
        stoa.workspace("edge-ops").await;
        let made = stoa.admin.create(KIND, &body("EDGE-CLUSTER", "edge-ops")).await;
        assert!(is_uuid(&made["metadata"]["uuid"]) && is_instant(&made["metadata"]["createdOn"]));
        let seen = without(without(made.clone(), "/metadata/uuid"), "/metadata/createdOn");
        let mut expected = body("EDGE-CLUSTER", "edge-ops");
        expected["kind"] = json!(KIND);
        expected["apiVersion"] = json!("v1");
        expected["status"] = json!({ "lifecycle": { "state": "ACTIVE" } });
        let link = format!("{}/api/meshobjects/meshplatformtypes/EDGE-CLUSTER", stoa.url);
        expected["_links"] = json!({ "self": { "href": link } });
        assert_eq!(seen, expected);
        assert_eq!(stoa.admin.get(KIND, "/EDGE-CLUSTER").await.expect(200), made);
        assert_eq!(stoa.admin.put(KIND, "/EDGE-CLUSTER", &made).await.expect(200), made);
        assert!(stoa.admin.list("meshEventLog", "?title=Platform%20Type%20Changed").await.is_empty());
        for (pointer, value) in [
            ("/spec/displayName", json!("Edge")),
            ("/spec/defaultEndpoint", json!("")),
            ("/spec/icon", json!("data:image/png;base64,AAAA")),
        ] {
            let changed = with(made.clone(), pointer, value);
            assert_eq!(stoa.admin.put(KIND, "/EDGE-CLUSTER", &changed).await.expect(200), changed);
        }
        let bare = without(made, "/spec/defaultEndpoint");
        assert_eq!(stoa.admin.put(KIND, "/EDGE-CLUSTER", &bare).await.expect(200), bare);
    }

    async fn each_row_of_its_table_is_checked(stoa) {
        for (pointer, value, field) in [
            ("/metadata/name", Value::Null, "metadata.name"),
            ("/metadata/name", json!("edge"), "metadata.name"),
            ("/metadata/name", json!("EDGE_CLUSTER"), "metadata.name"),
            ("/metadata/name", json!("EDGE--X"), "metadata.name"),
            ("/metadata/name", json!("E".repeat(151)), "metadata.name"),
            ("/metadata/ownedByWorkspace", Value::Null, "metadata.ownedByWorkspace"),
            ("/metadata/ownedByWorkspace", json!("nowhere"), "metadata.ownedByWorkspace"),
            ("/spec/displayName", Value::Null, "spec.displayName"),
            ("/spec/displayName", json!(""), "spec.displayName"),
            ("/spec/category", Value::Null, "spec.category"),
            ("/spec/category", json!("KUBERNETES"), "spec.category"),
            ("/spec/category", json!("GITHUB"), "spec.category"),
            ("/spec/category", json!("custom"), "spec.category"),
            ("/spec/defaultEndpoint", json!(7), "spec.defaultEndpoint"),
            ("/spec/icon", Value::Null, "spec.icon"),
            ("/spec/icon", json!(""), "spec.icon"),
            ("/spec/icon", json!("https://x.example/icon.png"), "spec.icon"),
            ("/spec/icon", json!("data:text/html;base64,AAAA"), "spec.icon"),
            ("/spec/icon", json!("data:image/png,AAAA"), "spec.icon"),
            ("/spec/icon", json!(format!("data:image/png;base64,{}", "A".repeat(524_289))), "spec.icon"),
        ] {
            names(stoa.admin.post(KIND, "", &with(body("EDGE", "demo-partner"), pointer, value)).await, field);
        }
        let icon = json!(format!("data:image/png;base64,{}", "A".repeat(500_000)));
        let large = with(body(&"E".repeat(150), "demo-partner"), "/spec/icon", icon);
        stoa.admin.create(KIND, &large).await;
        stoa.admin.create(KIND, &body("EDGE", "demo-partner")).await;
        stoa.admin.post(KIND, "", &body("EDGE", "demo-partner")).await.refused(409, "'EDGE'");
        stoa.admin.post(KIND, "", &body("STACKIT", "demo-partner")).await.refused(409, "'STACKIT'");
        stoa.workspace("edge-ops").await;
        for (pointer, value, field) in [
            ("/metadata/name", json!("OTHER"), "metadata.name"),
            ("/metadata/ownedByWorkspace", json!("edge-ops"), "metadata.ownedByWorkspace"),
            ("/spec/category", json!("AWS"), "spec.category"),
        ] {
            names(stoa.admin.put(KIND, "/EDGE", &with(body("EDGE", "demo-partner"), pointer, value)).await, field);
        }
    }

    async fn a_put_makes_what_is_not_there(stoa) {
        stoa.workspace("edge-ops").await;
        let team = stoa.key("edge-ops", &["PLATFORMINSTANCE_SAVE"]).await;
        names(team.put(KIND, "/OTHER", &body("EDGE", "edge-ops")).await, "metadata.name");
        let made = team.put(KIND, "/EDGE", &body("EDGE", "edge-ops")).await.expect(200);
        assert_eq!(made["status"]["lifecycle"]["state"], "ACTIVE");
        // Changing it is for admins.
        team.put(KIND, "/EDGE", &made).await.refused(403, "ADM_PLATFORMINSTANCE_SAVE");
        let deleter = stoa.key("edge-ops", &["PLATFORMINSTANCE_DELETE"]).await;
        deleter.delete(KIND, "/EDGE").await.refused(403, "ADM_PLATFORMINSTANCE_DELETE");
        let rival = team.put(KIND, "/MINE", &body("MINE", "demo-partner")).await;
        rival.refused(403, "PLATFORMINSTANCE_SAVE");
    }

    async fn built_ins_are_there_and_stay_as_they_are(stoa) {
        stoa.workspace("edge-ops").await;
        let reader = stoa.key("edge-ops", &[]).await;
        let all = reader.list(KIND, "").await;
        let mut expected = BUILT_IN.to_vec();
        expected.push("STACKIT");
        assert_eq!(names_of(&all), expected);
        for found in &all {
            let name = found["metadata"]["name"].as_str().unwrap();
            assert_eq!(found["metadata"]["ownedByWorkspace"], "demo-partner");
            assert_eq!(found["status"]["lifecycle"]["state"], "ACTIVE");
            assert_eq!(&reader.get(KIND, &format!("/{name}")).await.expect(200), found);
            if name == "STACKIT" {
                assert_eq!(found["spec"]["category"], "CUSTOM");
                let changed = with(found.clone(), "/spec/displayName", json!("StackIT"));
                stoa.admin.put(KIND, "/STACKIT", &changed).await.expect(200);
                continue;
            }
            assert_eq!(found["spec"]["category"], name);
            stoa.admin.put(KIND, &format!("/{name}"), found).await.refused(403, "uilt-in");
            stoa.admin.delete(KIND, &format!("/{name}")).await.refused(403, "uilt-in");
        }
    }

    async fn filters_narrow_the_list(stoa) {
        for name in ["ONE", "TWO"] {
            stoa.admin.create(KIND, &body(name, "demo-partner")).await;
        }
        stoa.admin.delete(KIND, "/TWO").await.expect(204);
        for (query, expected) in [
            ("?category=CUSTOM", &["STACKIT", "ONE", "TWO"][..]),
            ("?category=AWS", &["AWS"]),
            ("?category=CUSTOM&lifecycleStatus=ACTIVE", &["STACKIT", "ONE"]),
            ("?lifecycleStatus=DEACTIVATED", &["TWO"]),
            ("?category=AWS&lifecycleStatus=DEACTIVATED", &[]),
        ] {
            assert_eq!(names_of(&stoa.admin.list(KIND, query).await), expected, "{query}");
        }
        assert_eq!(stoa.admin.list(KIND, "").await.len(), 13);
        names(stoa.admin.get(KIND, "?category=GITHUB").await, "category");
        names(stoa.admin.get(KIND, "?lifecycleStatus=GONE").await, "lifecycleStatus");
    }

    async fn deleting_it_deactivates_it(stoa) {
        stoa.workspace("edge-ops").await;
        let made = stoa.admin.create(KIND, &body("EDGE", "edge-ops")).await;
        let config = with(custom(), "/custom/platformTypeRef/name", json!("EDGE"));
        let living = stoa.admin.create("meshPlatform", &platform("old", config.clone())).await;
        stoa.admin.delete("meshWorkspace", "/edge-ops").await.refused(409, "meshPlatformType[EDGE]");
        for _ in 0..2 {
            let answer = stoa.admin.delete(KIND, "/EDGE").await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        }
        let gone = stoa.admin.get(KIND, "/EDGE").await.expect(200);
        assert_eq!(gone, with(made.clone(), "/status/lifecycle/state", json!("DEACTIVATED")));
        assert_eq!(stoa.admin.list("meshEventLog", "?title=Platform%20Type%20Deactivated").await.len(), 1);
        // Platforms of the type go on, new ones are refused; its name stays taken.
        stoa.admin.put("meshPlatform", &at(&living), &living).await.expect(200);
        let field = "spec.config.custom.platformTypeRef.name";
        names(stoa.admin.post("meshPlatform", "", &platform("new", config.clone())).await, field);
        stoa.admin.post(KIND, "", &body("EDGE", "edge-ops")).await.refused(409, "'EDGE'");
        // A change leaves it as it is, and says so; asking for it brings it back.
        assert_eq!(stoa.admin.put(KIND, "/EDGE", &gone).await.expect(200), gone);
        assert_eq!(stoa.admin.put(KIND, "/EDGE", &body("EDGE", "edge-ops")).await.expect(200), gone);
        assert_eq!(stoa.admin.put(KIND, "/EDGE", &made).await.expect(200), made);
        stoa.admin.create("meshPlatform", &platform("new", config)).await;
        // A deactivated type keeps no workspace alive.
        stoa.admin.delete(KIND, "/EDGE").await.expect(204);
        stoa.admin.delete("meshWorkspace", "/edge-ops").await.expect(204);
        assert_eq!(stoa.admin.get(KIND, "/EDGE").await.expect(200)["metadata"]["ownedByWorkspace"], "edge-ops");
        names(stoa.admin.put(KIND, "/EDGE", &made).await, "metadata.ownedByWorkspace");
        stoa.admin.delete(KIND, "/NOTHING").await.refused(404, "NOTHING");
    }

    async fn media_types_may_be_in_camel_case(stoa) {
        for kind in [KIND, "meshLocation", "meshPlatform", "meshLandingZone"] {
            let media = camel(kind);
            assert!(media.contains(kind));
            let path = crate::stoa::path(kind, "");
            let list = stoa.admin.raw(Method::GET, &path, |r| r.header("accept", &media)).await.expect(200);
            assert!(list["_embedded"][format!("{kind}s")].is_array());
            for other in ["v1-preview", "v9"] {
                let retired = crate::stoa::media(kind, other);
                stoa.admin.raw(Method::GET, &path, |r| r.header("accept", &retired)).await.refused(406, "Accept");
            }
            stoa.admin.raw(Method::GET, &path, |r| r).await.refused(406, "Accept");
        }
        let media = camel(KIND);
        let made = stoa.admin.raw(Method::POST, "/api/meshobjects/meshplatformtypes", |r| {
            r.header("accept", &media).header("content-type", &media).body(body("EDGE", "demo-partner").to_string())
        });
        made.await.expect(201);
        let gone = stoa.admin.raw(Method::DELETE, "/api/meshobjects/meshplatformtypes/EDGE", |r| r.header("accept", &media));
        gone.await.expect(204);
    }
}
