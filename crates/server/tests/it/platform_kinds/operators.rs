//! Stoa's own endpoints for platforms and landing zones (`api-platforms.md` §9).

use super::{at, changes, custom, kubernetes, operate, private, uuid, with, zone};
use crate::core_kinds::{names, names_of};
use crate::on_both;
use reqwest::Method;
use serde_json::{Value, json};

const KIND: &str = "meshPlatform";
const CODES: [&str; 4] =
    ["PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_LIST", "LANDINGZONE_SAVE", "LANDINGZONE_LIST"];

on_both! {
    async fn a_publication_is_asked_for_and_decided_and_its_history_stays(stoa) {
        for name in ["edge-ops", "rival"] {
            stoa.workspace(name).await;
        }
        let team = stoa.key("edge-ops", &CODES).await;
        let rival = stoa.key("rival", &CODES).await;
        let reviewer = stoa.key("demo-partner", &["ADM_REVIEW_PUBLICATION"]).await;
        let made = team.create(KIND, &private("p", "edge-ops", kubernetes())).await;
        let requests = format!("platforms/{}/publication-requests", uuid(&made));
        let reviews = format!("platforms/{}/publication-reviews", uuid(&made));
        let approve = json!({ "decision": "APPROVE", "comment": "Well done" });
        operate(&rival, Method::POST, &requests, None).await.refused(403, "PLATFORMINSTANCE_SAVE");
        operate(&rival, Method::GET, &reviews, None).await.refused(404, &uuid(&made));
        operate(&team, Method::POST, &reviews, Some(approve.clone())).await.refused(403, "ADM_REVIEW_PUBLICATION");
        operate(&reviewer, Method::POST, &reviews, Some(approve.clone())).await.refused(409, "Nobody asked");
        let asked = operate(&team, Method::POST, &requests, Some(json!({ "message": "Please" }))).await.expect(200);
        assert_eq!(asked["status"]["availability"]["publicationState"], "REQUESTED");
        operate(&team, Method::POST, &requests, None).await.refused(409, "REQUESTED");
        for (bad, field) in [(json!({}), "decision"), (json!({ "decision": "MAYBE" }), "decision")] {
            names(operate(&reviewer, Method::POST, &reviews, Some(bad)).await, field);
        }
        let no = json!({ "decision": "REJECT", "comment": "No words" });
        let rejected = operate(&reviewer, Method::POST, &reviews, Some(no)).await.expect(200);
        assert_eq!(rejected["spec"]["availability"]["publicationState"], "REJECTED");
        operate(&team, Method::POST, &requests, None).await.expect(200);
        let published = operate(&reviewer, Method::POST, &reviews, Some(approve)).await.expect(200);
        // What was private is for everybody now.
        assert_eq!(published["spec"]["availability"], json!({
            "restriction": "PUBLIC", "publicationState": "PUBLISHED", "restrictedToWorkspaces": [],
        }));
        assert_eq!(names_of(&rival.list(KIND, "").await), ["p"]);
        let mut expected = Vec::new();
        for (state, comment) in [("REQUESTED", Some("Please")), ("REJECTED", Some("No words")), ("REQUESTED", None), ("PUBLISHED", Some("Well done"))] {
            expected.push((state.to_owned(), comment.map(str::to_owned)));
        }
        for caller in [&team, &reviewer] {
            let history = operate(caller, Method::GET, &reviews, None).await.expect(200);
            assert_eq!(history["publicationState"], "PUBLISHED");
            let steps: Vec<_> = history["steps"].as_array().unwrap().iter().map(|step| {
                assert!(crate::core_kinds::is_instant(&step["at"]));
                let by = if step["state"] == "REQUESTED" { &team } else { &reviewer };
                assert_eq!(step["by"], json!(by.client_id));
                (step["state"].as_str().unwrap().to_owned(), step["comment"].as_str().map(str::to_owned))
            }).collect();
            assert_eq!(steps, expected);
        }
        // Its history is not of this world: a PUT says nothing of it.
        let now = team.get(KIND, &at(&made)).await.expect(200);
        assert_eq!(team.put(KIND, &at(&made), &now).await.expect(200), now);
        operate(&rival, Method::GET, &reviews, None).await.refused(403, "PLATFORMINSTANCE_LIST");
    }

    async fn a_deprecated_platform_says_so_until_it_is_active_again(stoa) {
        for name in ["edge-ops", "rival"] {
            stoa.workspace(name).await;
        }
        let team = stoa.key("edge-ops", &CODES).await;
        let rival = stoa.key("rival", &CODES).await;
        let made = team.create(KIND, &private("p", "edge-ops", custom())).await;
        let path = format!("platforms/{}/deprecation", uuid(&made));
        operate(&rival, Method::POST, &path, None).await.refused(403, "PLATFORMINSTANCE_SAVE");
        for _ in 0..2 {
            let seen = operate(&team, Method::POST, &path, None).await.expect(200);
            assert_eq!(seen, with(made.clone(), "/status/platform", json!("DEPRECATED")));
        }
        let kept = team.put(KIND, &at(&made), &made).await.expect(200);
        assert_eq!(kept["status"]["platform"], "DEPRECATED");
        for _ in 0..2 {
            assert_eq!(operate(&stoa.admin, Method::DELETE, &path, None).await.expect(200), made);
        }
        for title in ["Platform Deprecated", "Platform Reactivated"] {
            assert_eq!(changes(&stoa, title).await, 1, "{title}");
        }
        operate(&team, Method::POST, "platforms/nonsense/deprecation", None).await.refused(404, "nonsense");
    }

    async fn a_platform_moves_with_the_landing_zones_of_its_owner(stoa) {
        for name in ["edge-ops", "data-guild", "plain"] {
            stoa.workspace(name).await;
        }
        let builders = json!({
            "metadata": { "name": "new-ops", "tags": {} },
            "spec": { "displayName": "New", "platformBuilderAccessEnabled": true },
        });
        stoa.admin.create("meshWorkspace", &builders).await;
        let team = stoa.key("edge-ops", &CODES).await;
        let mut body = private("p", "edge-ops", custom());
        body["spec"]["contributingWorkspaces"] = json!(["data-guild"]);
        let made = team.create(KIND, &body).await;
        team.create("meshLandingZone", &zone("own", "edge-ops", &uuid(&made))).await;
        stoa.admin.create("meshLandingZone", &zone("theirs", "data-guild", &uuid(&made))).await;
        let path = format!("platforms/{}/owner", uuid(&made));
        let to = |workspace: &str| Some(json!({ "workspace": workspace }));
        operate(&team, Method::POST, &path, to("new-ops")).await.refused(403, "ADM_PLATFORMINSTANCE_SAVE");
        names(operate(&stoa.admin, Method::POST, &path, to("nowhere")).await, "workspace");
        names(operate(&stoa.admin, Method::POST, &path, to("plain")).await, "workspace");
        names(operate(&stoa.admin, Method::POST, &path, Some(json!({}))).await, "workspace");
        let moved = operate(&stoa.admin, Method::POST, &path, to("new-ops")).await.expect(200);
        let mut expected = made.clone();
        expected["metadata"]["ownedByWorkspace"] = json!("new-ops");
        expected["spec"]["availability"]["restrictedToWorkspaces"] = json!(["new-ops"]);
        expected["_links"]["owner"]["href"] = json!(format!("{}/api/meshobjects/meshworkspaces/new-ops", stoa.url));
        assert_eq!(moved, expected);
        assert_eq!(stoa.admin.put(KIND, &at(&made), &moved).await.expect(200), moved);
        let owner_of = async |name: &str| {
            stoa.admin.get("meshLandingZone", &format!("/{name}")).await.expect(200)["metadata"]["ownedByWorkspace"].clone()
        };
        assert_eq!((owner_of("own").await, owner_of("theirs").await), (json!("new-ops"), json!("data-guild")));
        // The former owner has nothing to do with it any more.
        team.get(KIND, &at(&made)).await.refused(404, &uuid(&made));
        assert!(team.list("meshLandingZone", "").await.is_empty());
        stoa.admin.delete("meshWorkspace", "/edge-ops").await.expect(204);
        let new = stoa.key("new-ops", &CODES).await;
        assert_eq!(names_of(&new.list(KIND, "").await), ["p"]);
        assert_eq!(names_of(&new.list("meshLandingZone", "").await), ["own", "theirs"]);
        // Again to the same: nothing happens.
        assert_eq!(operate(&stoa.admin, Method::POST, &path, to("new-ops")).await.expect(200), moved);
        assert_eq!(changes(&stoa, "Platform Owner Changed").await, 1);
    }

    async fn a_landing_zone_is_switched_on_again(stoa) {
        for name in ["edge-ops", "rival"] {
            stoa.workspace(name).await;
        }
        let team = stoa.key("edge-ops", &[&CODES[..], &["LANDINGZONE_DELETE", "PLATFORMINSTANCE_DELETE"]].concat()).await;
        let rival = stoa.key("rival", &CODES).await;
        let made = team.create(KIND, &private("p", "edge-ops", custom())).await;
        let fresh = team.create("meshLandingZone", &zone("z", "edge-ops", &uuid(&made))).await;
        let path = "landingzones/z/enablement";
        team.delete("meshLandingZone", "/z").await.expect(204);
        operate(&rival, Method::POST, path, None).await.refused(403, "LANDINGZONE_SAVE");
        assert_eq!(operate(&team, Method::POST, path, None).await.expect(200), fresh);
        assert_eq!(operate(&team, Method::POST, path, None).await.expect(200), fresh);
        operate(&team, Method::POST, "landingzones/nothing/enablement", None).await.refused(404, "nothing");
        team.delete(KIND, &at(&made)).await.expect(204);
        operate(&team, Method::POST, path, None).await.refused(409, "deleted");
        let gone = team.get("meshLandingZone", "/z").await.expect(200);
        assert_eq!(gone["status"], json!({ "disabled": true, "restricted": false }));
    }

    async fn bodies_are_plain_json(stoa) {
        let made = stoa.admin.create(KIND, &private("p", "demo-partner", kubernetes())).await;
        let path = format!("/api/stoa/v1/platforms/{}/owner", uuid(&made));
        let send = async |media: &str, body: &str| {
            let body = body.to_owned();
            stoa.admin.raw(Method::POST, &path, |r| r.header("content-type", media).body(body)).await
        };
        send("text/plain", "{}").await.refused(415, "application/json");
        send("application/json", "[]").await.refused(400, "JSON object");
        send("application/json", "{").await.refused(400, "JSON");
        let answer = send("application/json; charset=utf-8", "{\"workspace\": \"demo-partner\"}").await;
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_ne!(answer.expect(200), Value::Null);
    }
}
