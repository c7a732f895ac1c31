//! What all four kinds of bindings have in common (`api-core.md` §3.3).

use super::cast::{BINDINGS, bind, binding, bound, orchard, project, unbind, user};
use super::{is_uuid, names, with, without};
use crate::on_both;
use crate::stoa::{Stoa, media, of};
use reqwest::Method;
use serde_json::{Value, json};

/// A binding that may be made in the orchard, for each kind.
fn bodies() -> [(&'static str, Value); 4] {
    BINDINGS.map(|(kind, of_project, of_group)| {
        let target = if of_project { "orchard.press" } else { "orchard" };
        let role = if of_project { "Project Reader" } else { "Workspace Manager" };
        (kind, binding("a-name", role, target, if of_group { "pickers" } else { "lea" }))
    })
}

async fn titles(stoa: &Stoa) -> Vec<String> {
    let told = stoa.admin.list("meshEventLog", "?title=Role&size=1000").await;
    told.iter().map(|entry| entry["spec"]["title"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        orchard(&stoa).await;
        for (kind, body) in bodies() {
            let answer = stoa.admin.post(kind, "", &body).await;
            let (version, collection) = of(kind);
            assert_eq!(answer.headers["content-type"], media(kind, version));
            let made = answer.expect(201);
            let mut expected = body.clone();
            expected["kind"] = json!(kind);
            expected["apiVersion"] = json!(version);
            let of_project = expected["targetRef"]["name"] == "press";
            expected["targetRef"]["displayName"] = json!(if of_project { "The press" } else { "Team orchard" });
            let own = format!("{}/api/meshobjects/{collection}/a-name", stoa.url);
            expected["_links"] = json!({ "self": { "href": own } });
            assert_eq!(made, expected);
            assert_eq!(stoa.admin.get(kind, "/a-name").await.expect(200), made);
            assert!(stoa.admin.list(kind, "").await.contains(&made));
            // Clients replace it, they do not change it.
            let answer = stoa.admin.put(kind, "/a-name", &made).await;
            assert_eq!(answer.headers["allow"], "GET, DELETE");
            answer.refused(405, "GET, DELETE");
            let answer = stoa.admin.delete(kind, "/a-name").await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""));
            stoa.admin.get(kind, "/a-name").await.refused(404, "a-name");
            stoa.admin.delete(kind, "/a-name").await.refused(404, "a-name");
            // What was read makes the same again.
            assert_eq!(stoa.admin.create(kind, &made).await, made);
        }
    }

    async fn names_are_free_made_up_and_taken_once_per_kind(stoa) {
        orchard(&stoa).await;
        for (kind, body) in bodies() {
            for bad in ["", "  ", &"n".repeat(46)] {
                names(stoa.admin.post(kind, "", &with(body.clone(), "/metadata/name", json!(bad))).await, "metadata.name");
            }
            // One name may stand in all four collections, once in each.
            stoa.admin.create(kind, &body).await;
            stoa.admin.post(kind, "", &body).await.refused(409, "a-name");
            let other = if body["roleRef"]["name"] == "Project Reader" { "Project User" } else { "Workspace Member" };
            let clash = with(body.clone(), "/roleRef/name", json!(other));
            stoa.admin.post(kind, "", &clash).await.refused(409, "");
            stoa.admin.delete(kind, "/a-name").await.expect(204);

            for absent in [without(body.clone(), "/metadata"), with(body.clone(), "/metadata/name", Value::Null)] {
                let made = stoa.admin.create(kind, &absent).await;
                assert!(is_uuid(&made["metadata"]["name"]), "{made}");
                let id = format!("/{}", made["metadata"]["name"].as_str().unwrap());
                stoa.admin.delete(kind, &id).await.expect(204);
            }
            for free in ["Ünïcode & blanks", &"n".repeat(45)] {
                let made = stoa.admin.create(kind, &with(body.clone(), "/metadata/name", json!(free))).await;
                let own = made["_links"]["self"]["href"].as_str().unwrap().to_owned();
                let media = media(kind, of(kind).0);
                let same = stoa.admin.raw(Method::GET, &own, |r| r.header("accept", &media)).await.expect(200);
                assert_eq!(same, made);
                stoa.admin.raw(Method::DELETE, &own, |r| r.header("accept", &media)).await.expect(204);
            }
        }
    }

    async fn required_fields(stoa) {
        orchard(&stoa).await;
        for (kind, body) in bodies() {
            for (pointer, field) in [
                ("/roleRef", "roleRef"),
                ("/roleRef/name", "roleRef.name"),
                ("/targetRef", "targetRef"),
                ("/targetRef/name", "targetRef.name"),
                ("/targetRef/ownedByWorkspace", "targetRef.ownedByWorkspace"),
                ("/subject", "subject"),
                ("/subject/name", "subject.name"),
            ] {
                if body.pointer(pointer).is_none() {
                    continue;
                }
                names(stoa.admin.post(kind, "", &without(body.clone(), pointer)).await, field);
                names(stoa.admin.post(kind, "", &with(body.clone(), pointer, Value::Null)).await, field);
                let wrong = with(body.clone(), pointer, json!(7));
                names(stoa.admin.post(kind, "", &wrong).await, field);
            }
            for (pointer, field) in [("/targetRef/kind", "targetRef.kind"), ("/subject/kind", "subject.kind")] {
                names(stoa.admin.post(kind, "", &with(body.clone(), pointer, json!("meshTenant"))).await, field);
            }
            let mut kinds = body.clone();
            kinds["targetRef"]["kind"] = json!(if body["targetRef"]["name"] == "press" { "meshProject" } else { "meshWorkspace" });
            kinds["subject"]["kind"] = json!(if body["subject"]["name"] == "lea" { "meshUser" } else { "meshWorkspaceUserGroup" });
            let made = stoa.admin.create(kind, &kinds).await;
            assert_eq!(made["subject"], body["subject"]);
        }
    }

    async fn the_same_is_bound_once(stoa) {
        orchard(&stoa).await;
        for (kind, body) in bodies() {
            stoa.admin.create(kind, &body).await;
            let twin = with(body.clone(), "/metadata/name", json!("twin"));
            stoa.admin.post(kind, "", &twin).await.refused(409, "'a-name'");
            // A project role is the same by its name and by its identifier.
            if body["roleRef"]["name"] == "Project Reader" {
                let same = with(twin.clone(), "/roleRef/name", json!("reader"));
                stoa.admin.post(kind, "", &same).await.refused(409, "'a-name'");
            }
            // Another role is another binding.
            let other = if body["targetRef"]["name"] == "press" { "Project User" } else { "Workspace Member" };
            let more = with(twin, "/roleRef/name", json!(other));
            if body["targetRef"]["name"] == "press" {
                stoa.admin.create(kind, &more).await;
            } else {
                // The cast has that one already.
                stoa.admin.post(kind, "", &more).await.refused(409, "@orchard'");
            }
            stoa.admin.delete(kind, "/a-name").await.expect(204);
            stoa.admin.create(kind, &body).await;
        }
    }

    async fn many_at_once_make_one(stoa) {
        orchard(&stoa).await;
        for (kind, body) in bodies() {
            let attempts = (0..10).map(|n| {
                let (admin, body) = (stoa.admin.clone(), with(body.clone(), "/metadata/name", json!(format!("n{n}"))));
                tokio::spawn(async move { admin.post(kind, "", &body).await.status })
            });
            let mut statuses = Vec::new();
            for attempt in attempts.collect::<Vec<_>>() {
                statuses.push(attempt.await.unwrap());
            }
            statuses.sort_unstable();
            assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 9][..]), "{kind}");
        }
    }

    async fn what_does_not_resolve_is_422_an_unknown_target_404(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        project(&stoa, "shop", "web").await;
        for (kind, body) in bodies() {
            let of_project = body["targetRef"]["name"] == "press";
            for name in ["nobody", "LEA", " ", ""] {
                let answer = stoa.admin.post(kind, "", &with(body.clone(), "/subject/name", json!(name))).await;
                answer.refused(422, "`subject.name`");
            }
            let roles = if of_project { ["Workspace Member", "project reader"] } else { ["Project Reader", "workspace owner"] };
            for role in roles.into_iter().chain(["", "nothing"]) {
                let answer = stoa.admin.post(kind, "", &with(body.clone(), "/roleRef/name", json!(role))).await;
                answer.refused(422, "`roleRef.name`");
            }
            let unknown = with(body.clone(), "/targetRef/name", json!("nothing"));
            stoa.admin.post(kind, "", &unknown).await.refused(404, "nothing");
            if of_project {
                let elsewhere = with(body.clone(), "/targetRef/ownedByWorkspace", json!("shop"));
                stoa.admin.post(kind, "", &elsewhere).await.refused(404, "shop.press");
            }
        }
        // Groups belong to their workspace.
        let foreign = binding("x", "Workspace Member", "shop", "pickers");
        stoa.admin.post("meshWorkspaceGroupBinding", "", &foreign).await.refused(422, "no group 'pickers' in workspace 'shop'");
        assert_eq!(bound(&stoa).await.len(), 2);
    }

    async fn names_of_people_and_places_are_those_of_today(stoa) {
        orchard(&stoa).await;
        bind(&stoa, "lea", "Project Reader", "orchard.press").await;
        let renamed = json!({ "metadata": { "name": "lea.apfel" }, "spec": { "email": "x@fruit.example", "firstName": "X", "lastName": "Y" } });
        stoa.admin.put("meshUser", "/lea", &renamed).await.expect(200);
        let put = json!({ "metadata": { "name": "press", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Mill" } });
        stoa.admin.put("meshProject", "/orchard.press", &put).await.expect(200);
        let shown = stoa.admin.list("meshProjectUserBinding", "").await.remove(0);
        assert_eq!(shown["subject"], json!({ "name": "lea.apfel" }));
        assert_eq!(shown["targetRef"]["displayName"], "Mill");
        let found = stoa.admin.list("meshWorkspaceUserBinding", "?username=lea.apfel").await;
        assert_eq!(found.len(), 1);
        assert!(stoa.admin.list("meshWorkspaceUserBinding", "?username=lea").await.is_empty());
        // The old name may be taken by somebody else, who holds nothing.
        user(&stoa, "lea").await;
        assert!(stoa.admin.list("meshWorkspaceUserBinding", "?username=lea").await.is_empty());
    }

    async fn every_change_is_told(stoa) {
        orchard(&stoa).await;
        bind(&stoa, "lea", "reader", "orchard.press").await;
        bind(&stoa, "pickers", "reader", "orchard.press").await;
        for target in ["orchard.press", "orchard"] {
            for subject in ["lea", "pickers"] {
                unbind(&stoa, subject, target).await.expect(204);
            }
        }
        let expected: Vec<String> = ["Added", "Removed"]
            .iter()
            .flat_map(|deed| {
                let places = if *deed == "Added" { ["Workspace", "Project"] } else { ["Project", "Workspace"] };
                places.into_iter().flat_map(move |place| ["User", "Group"].map(|who| format!("{place} {who} Role {deed}")))
            })
            .collect();
        let told: Vec<String> =
            titles(&stoa).await.into_iter().filter(|title| !title.starts_with("Project Role")).collect();
        assert_eq!(told, expected);
        let first = stoa.admin.list("meshEventLog", "?title=Workspace%20User%20Role%20Added").await.remove(0);
        assert_eq!(first["spec"]["workspaceRef"]["name"], "orchard");
        assert_eq!(first["spec"]["content"]["subject"]["name"], "lea");
    }

    async fn a_key_binds_in_its_own_workspace(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        for (kind, body) in bodies() {
            let code = if body["targetRef"]["name"] == "press" { "PROJECTPRINCIPALROLE" } else { "WORKSPACEPRINCIPALBINDING" };
            let codes = ["LIST", "SAVE", "DELETE"].map(|action| format!("{code}_{action}"));
            let codes = codes.each_ref().map(String::as_str);
            let (own, other) = (stoa.key("orchard", &codes).await, stoa.key("shop", &codes).await);
            other.post(kind, "", &body).await.refused(403, &format!("ADM_{code}_SAVE"));
            own.post(kind, "", &body).await.expect(201);
            other.get(kind, "/a-name").await.refused(403, &format!("ADM_{code}_LIST"));
            other.delete(kind, "/a-name").await.refused(403, &format!("ADM_{code}_DELETE"));
            assert!(other.list(kind, "").await.is_empty());
            assert!(other.list(kind, "?workspaceIdentifier=orchard").await.is_empty());
            assert!(!own.list(kind, "").await.is_empty());
            let writer = stoa.key("orchard", &codes[1..2]).await;
            writer.get(kind, "/a-name").await.refused(403, &format!("{code}_LIST"));
            writer.delete(kind, "/a-name").await.refused(403, &format!("{code}_DELETE"));
            own.delete(kind, "/a-name").await.expect(204);
        }
    }
}
