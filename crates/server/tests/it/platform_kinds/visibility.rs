//! Who sees which platforms and landing zones, and how much of them (`api-platforms.md` §1.2, §5.6, §6.3).

use super::{at, changes, custom, operate, platform, private, uuid, with, zone};
use crate::core_kinds::{names_of, without};
use crate::on_both;
use crate::stoa::Caller;
use serde_json::json;

const KIND: &str = "meshPlatform";
const ZONE: &str = "meshLandingZone";

async fn sees(caller: &Caller, kind: &str, query: &str) -> Vec<String> {
    let found = caller.list(kind, query).await;
    names_of(&found).into_iter().map(Into::into).collect()
}

on_both! {
    async fn consumers_see_what_is_offered_to_them_without_its_configuration(stoa) {
        for name in ["edge-ops", "shop", "rival", "data-guild"] {
            stoa.workspace(name).await;
        }
        let of = |name: &str, restriction: &str, state: &str, listed: &[&str]| {
            let mut body = private(name, "edge-ops", custom());
            body["spec"]["availability"] = json!({
                "restriction": restriction, "publicationState": state, "restrictedToWorkspaces": listed,
            });
            body["spec"]["contributingWorkspaces"] = json!(["data-guild"]);
            body
        };
        let mut made = Vec::new();
        for body in [
            of("private", "PRIVATE", "UNPUBLISHED", &["edge-ops"]),
            of("hidden", "PUBLIC", "UNPUBLISHED", &[]),
            of("listed", "RESTRICTED", "PUBLISHED", &["shop"]),
            of("listed-hidden", "RESTRICTED", "UNPUBLISHED", &["shop"]),
            of("open", "PUBLIC", "PUBLISHED", &[]),
        ] {
            made.push(stoa.admin.create(KIND, &body).await);
        }
        let all = ["private", "hidden", "listed", "listed-hidden", "open"];
        let codes = &["PLATFORMINSTANCE_LIST", "PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_DELETE"];
        for (workspace, expected, with_config) in [
            ("edge-ops", &all[..], true),
            ("data-guild", &all[..], true),
            ("shop", &["listed", "open"], false),
            ("rival", &["open"], false),
        ] {
            let caller = stoa.key(workspace, codes).await;
            for query in ["", "?ownedByWorkspace=edge-ops"] {
                let found = caller.list(KIND, query).await;
                assert_eq!(names_of(&found), expected, "{workspace}{query}");
                for (item, name) in found.iter().zip(expected) {
                    assert_eq!(item["spec"].get("config").is_some(), with_config, "{workspace} {name}");
                    let place = all.iter().position(|known| known == name).unwrap();
                    let whole = if with_config { made[place].clone() } else { without(made[place].clone(), "/spec/config") };
                    assert_eq!(item, &whole);
                }
            }
            for (name, object) in all.iter().zip(&made) {
                let answer = caller.get(KIND, &at(object)).await;
                assert_eq!(answer.status, if expected.contains(name) { 200 } else { 404 }, "{workspace} {name}");
                if workspace != "edge-ops" {
                    caller.put(KIND, &at(object), object).await.refused(403, "ADM_PLATFORMINSTANCE_SAVE");
                    caller.delete(KIND, &at(object)).await.refused(403, "ADM_PLATFORMINSTANCE_DELETE");
                }
            }
        }
        assert_eq!(sees(&stoa.admin, KIND, "").await, all);
        // Whoever may save but not list gets the answer to what they saved, configuration included.
        let writer = stoa.key("edge-ops", &["PLATFORMINSTANCE_SAVE"]).await;
        assert_eq!(writer.put(KIND, &at(&made[0]), &made[0]).await.expect(200), made[0]);
        writer.get(KIND, &at(&made[0])).await.refused(403, "PLATFORMINSTANCE_LIST");
        writer.get(KIND, "").await.refused(403, "PLATFORMINSTANCE_LIST");
        // What is closed later is seen no more.
        let closed = with(made[4].clone(), "/spec/availability/publicationState", json!("UNPUBLISHED"));
        stoa.admin.put(KIND, &at(&made[4]), &closed).await.expect(200);
        let rival = stoa.key("rival", codes).await;
        assert!(rival.list(KIND, "").await.is_empty());
        rival.get(KIND, &at(&made[4])).await.refused(404, &uuid(&made[4]));
    }

    async fn landing_zones_are_seen_with_their_platform(stoa) {
        for name in ["edge-ops", "shop", "rival", "data-guild"] {
            stoa.workspace(name).await;
        }
        let mut body = private("p", "edge-ops", custom());
        body["spec"]["contributingWorkspaces"] = json!(["data-guild"]);
        let made = stoa.admin.create(KIND, &body).await;
        let codes = &["LANDINGZONE_LIST", "LANDINGZONE_SAVE", "LANDINGZONE_DELETE"];
        let owner = stoa.key("edge-ops", codes).await;
        let guild = stoa.key("data-guild", codes).await;
        let shop = stoa.key("shop", codes).await;
        let rival = stoa.key("rival", codes).await;
        owner.create(ZONE, &zone("plain", "edge-ops", &uuid(&made))).await;
        let restricted = with(zone("restricted", "edge-ops", &uuid(&made)), "/spec/restricted", json!(true));
        owner.create(ZONE, &restricted).await;
        guild.create(ZONE, &zone("theirs", "data-guild", &uuid(&made))).await;
        let all = ["plain", "restricted", "theirs"];
        assert_eq!(sees(&owner, ZONE, "").await, all);
        assert_eq!(sees(&guild, ZONE, "").await, ["theirs"]);
        assert_eq!(sees(&shop, ZONE, "").await, [""; 0]);
        guild.get(ZONE, "/plain").await.refused(404, "plain");
        owner.get(ZONE, "/theirs").await.expect(200);
        // The platform's owner sees a contributor's landing zone and leaves it alone.
        let theirs = owner.get(ZONE, "/theirs").await.expect(200);
        owner.put(ZONE, "/theirs", &theirs).await.refused(403, "ADM_LANDINGZONE_SAVE");

        let availability = |restriction: &str, listed: &[&str]| with(made.clone(), "/spec/availability", json!({
            "restriction": restriction, "publicationState": "PUBLISHED", "restrictedToWorkspaces": listed,
        }));
        stoa.admin.put(KIND, &at(&made), &availability("RESTRICTED", &["shop"])).await.expect(200);
        assert_eq!(sees(&shop, ZONE, "").await, ["plain", "theirs"]);
        assert_eq!(sees(&shop, ZONE, "?ownedByWorkspace=edge-ops").await, ["plain"]);
        assert_eq!(sees(&rival, ZONE, "").await, [""; 0]);
        assert_eq!(sees(&guild, ZONE, "").await, ["theirs"]);
        shop.get(ZONE, "/plain").await.expect(200);
        shop.get(ZONE, "/restricted").await.refused(404, "restricted");
        rival.get(ZONE, "/plain").await.refused(404, "plain");
        stoa.admin.put(KIND, &at(&made), &availability("PUBLIC", &[])).await.expect(200);
        assert_eq!(sees(&rival, ZONE, "").await, ["plain", "theirs"]);
        // Consumers do not see what is switched off, and see it again when it is on.
        owner.delete(ZONE, "/plain").await.expect(204);
        assert_eq!(sees(&rival, ZONE, "").await, ["theirs"]);
        assert_eq!(sees(&owner, ZONE, "?disabled=true").await, ["plain"]);
        operate(&owner, reqwest::Method::POST, "landingzones/plain/enablement", None).await.expect(200);
        assert_eq!(sees(&rival, ZONE, "").await, ["plain", "theirs"]);
        stoa.admin.put(KIND, &at(&made), &made).await.expect(200);
        assert_eq!(sees(&rival, ZONE, "").await, [""; 0]);
        assert_eq!(sees(&stoa.admin, ZONE, "").await, all);
        // Nothing of this was a change of a landing zone.
        assert_eq!(changes(&stoa, "Landing Zone Changed").await, 0);
    }

    async fn landing_zones_belong_to_owners_and_contributors(stoa) {
        for name in ["edge-ops", "shop", "data-guild"] {
            stoa.workspace(name).await;
        }
        let mut body = private("p", "edge-ops", custom());
        body["spec"]["contributingWorkspaces"] = json!(["data-guild"]);
        let made = stoa.admin.create(KIND, &body).await;
        let open = stoa.admin.create(KIND, &platform("open", custom())).await;
        for (workspace, platform, status) in [
            ("edge-ops", &made, 201), ("data-guild", &made, 201), ("shop", &made, 403), ("shop", &open, 403),
        ] {
            let caller = stoa.key(workspace, &["LANDINGZONE_SAVE"]).await;
            let answer = caller.post(ZONE, "", &zone(&format!("z-{workspace}"), workspace, &uuid(platform))).await;
            assert_eq!(answer.status, status, "{workspace}: {}", answer.text);
        }
        // An admin may give one to anybody; nobody else may speak for another workspace.
        stoa.admin.create(ZONE, &zone("given", "shop", &uuid(&made))).await;
        let shop = stoa.key("shop", &["LANDINGZONE_SAVE"]).await;
        shop.post(ZONE, "", &zone("x", "edge-ops", &uuid(&made))).await.refused(403, "LANDINGZONE_SAVE");
        shop.put(ZONE, "/y", &zone("y", "edge-ops", &uuid(&made))).await.refused(403, "LANDINGZONE_SAVE");
    }
}
