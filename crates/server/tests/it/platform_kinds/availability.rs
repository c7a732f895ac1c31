//! Who may use a platform, whether it is offered, and who may say so (`api-platforms.md` §5.2).

use super::{at, custom, kubernetes, operate, platform, private, tenant_definition, uuid, with, zone};
use crate::core_kinds::names;
use crate::on_both;
use serde_json::{Value, json};

const KIND: &str = "meshPlatform";

fn availability(restriction: &str, state: &str, listed: &[&str]) -> Value {
    json!({ "restriction": restriction, "publicationState": state, "restrictedToWorkspaces": listed })
}

on_both! {
    async fn combinations_follow_the_matrix(stoa) {
        for name in ["edge-ops", "shop"] {
            stoa.workspace(name).await;
        }
        let of = |name: &str, availability: Value| {
            let mut body = platform(name, custom());
            body["metadata"]["ownedByWorkspace"] = json!("edge-ops");
            with(body, "/spec/availability", availability)
        };
        let state = "spec.availability.publicationState";
        let list = "spec.availability.restrictedToWorkspaces";
        for (wrong, field) in [
            (availability("PRIVATE", "UNPUBLISHED", &[]), list),
            (availability("PRIVATE", "UNPUBLISHED", &["shop"]), list),
            (availability("PRIVATE", "UNPUBLISHED", &["edge-ops", "shop"]), list),
            (availability("PRIVATE", "PUBLISHED", &["edge-ops"]), state),
            (availability("RESTRICTED", "PUBLISHED", &[]), list),
            (availability("RESTRICTED", "PUBLISHED", &["nowhere"]), list),
            (availability("PUBLIC", "PUBLISHED", &["shop"]), list),
            (availability("PUBLIC", "REQUESTED", &[]), state),
            (availability("PUBLIC", "REJECTED", &[]), state),
            (availability("OPEN", "PUBLISHED", &[]), "spec.availability.restriction"),
            (availability("PUBLIC", "OPEN", &[]), state),
            (json!({ "publicationState": "PUBLISHED" }), "spec.availability.restriction"),
            (json!({ "restriction": "PUBLIC" }), state),
            (json!({ "restriction": "PUBLIC", "publicationState": "PUBLISHED", "restrictedToWorkspaces": "x" }), list),
        ] {
            let answer = stoa.admin.post(KIND, "", &of("p", wrong.clone())).await;
            assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
            names(answer, field);
        }
        for (place, good) in [
            availability("PRIVATE", "UNPUBLISHED", &["edge-ops"]),
            availability("RESTRICTED", "PUBLISHED", &["shop"]),
            availability("RESTRICTED", "PUBLISHED", &["shop", "edge-ops"]),
            availability("RESTRICTED", "UNPUBLISHED", &["shop"]),
            availability("PUBLIC", "PUBLISHED", &[]),
            availability("PUBLIC", "UNPUBLISHED", &[]),
        ].into_iter().enumerate() {
            let made = stoa.admin.create(KIND, &of(&format!("p{place}"), good.clone())).await;
            assert_eq!(made["spec"]["availability"], good);
            assert_eq!(made["status"]["availability"]["publicationState"], good["publicationState"]);
        }
        let short = json!({ "restriction": "PUBLIC", "publicationState": "PUBLISHED" });
        let made = stoa.admin.create(KIND, &of("short", short)).await;
        assert_eq!(made["spec"]["availability"]["restrictedToWorkspaces"], json!([]));
    }

    async fn owners_ask_and_admins_say(stoa) {
        for name in ["edge-ops", "shop"] {
            stoa.workspace(name).await;
        }
        let team = stoa.key("edge-ops", &["PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_LIST", "LANDINGZONE_SAVE"]).await;
        let published = with(private("p", "edge-ops", kubernetes()), "/spec/availability",
            availability("PUBLIC", "PUBLISHED", &[]));
        team.post(KIND, "", &published).await.refused(403, "ADM_PLATFORMINSTANCE_SAVE");
        // A platform that needs no landing zone, so that only its availability matters.
        let made = team.create(KIND, &private("p", "edge-ops", kubernetes())).await;
        let to = |state: &str| with(made.clone(), "/spec/availability", availability("PUBLIC", state, &[]));
        let states = ["UNPUBLISHED", "REQUESTED", "REJECTED", "PUBLISHED"];
        for before in states {
            for after in states {
                stoa.admin.put(KIND, &at(&made), &to("UNPUBLISHED")).await.expect(200);
                stoa.admin.put(KIND, &at(&made), &to(before)).await.expect(200);
                let answer = team.put(KIND, &at(&made), &to(after)).await;
                let may = before == after
                    || after == "UNPUBLISHED"
                    || after == "REQUESTED" && before != "PUBLISHED";
                assert_eq!(answer.status, if may { 200 } else { 403 }, "{before} to {after}: {}", answer.text);
                stoa.admin.put(KIND, &at(&made), &to(before)).await.expect(200);
                stoa.admin.put(KIND, &at(&made), &to(after)).await.expect(200);
            }
        }
        // Opening what is published needs a review, narrowing it does not.
        let listed = |listed: &[&str]| with(made.clone(), "/spec/availability", availability("RESTRICTED", "PUBLISHED", listed));
        stoa.admin.put(KIND, &at(&made), &listed(&["shop"])).await.expect(200);
        team.put(KIND, &at(&made), &to("PUBLISHED")).await.refused(403, "review");
        team.put(KIND, &at(&made), &listed(&["edge-ops"])).await.expect(200);
        stoa.admin.put(KIND, &at(&made), &to("PUBLISHED")).await.expect(200);
        team.put(KIND, &at(&made), &listed(&["shop"])).await.expect(200);
    }

    async fn a_platform_that_nobody_could_use_is_not_submitted(stoa) {
        stoa.workspace("edge-ops").await;
        let team = stoa.key("edge-ops", &["PLATFORMINSTANCE_SAVE", "LANDINGZONE_SAVE", "LANDINGZONE_DELETE"]).await;
        let made = team.create(KIND, &private("p", "edge-ops", custom())).await;
        let asked = with(made.clone(), "/spec/availability/publicationState", json!("REQUESTED"));
        team.put(KIND, &at(&made), &asked).await.refused(409, "landing zone");
        stoa.admin.put(KIND, &at(&made), &asked).await.expect(200);
        stoa.admin.put(KIND, &at(&made), &made).await.expect(200);
        let mut place = zone("z", "edge-ops", &uuid(&made));
        team.create("meshLandingZone", &place).await;
        team.put(KIND, &at(&made), &asked).await.refused(409, "PLATFORM_TENANT_ID");
        let outputs = json!({ "inputs": { "id": crate::stoa::input(json!({
            "type": "STRING", "assignmentType": "STATIC", "argument": "x",
        })) }, "outputs": { "id": { "displayName": "Id", "type": "STRING", "assignmentType": "PLATFORM_TENANT_ID" } } });
        let definition = tenant_definition(&stoa, "edge-ops", &["STACKIT"], outputs).await;
        place["spec"]["mandatoryBuildingBlockRefs"] = json!([{ "uuid": definition }]);
        team.put("meshLandingZone", "/z", &place).await.expect(200);
        team.delete("meshLandingZone", "/z").await.expect(204);
        team.put(KIND, &at(&made), &asked).await.refused(409, "enabled landing zone");
        operate(&team, reqwest::Method::POST, "landingzones/z/enablement", None).await.expect(200);
        team.put(KIND, &at(&made), &asked).await.expect(200);
    }
}
