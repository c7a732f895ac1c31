//! meshWorkspace (`api-core.md` §3.1).

use super::cast::{bind, binding, bound, orchard, project, user};
use super::{is_instant, names, names_of, redacted, with, without};
use crate::on_both;
use crate::stoa::{Caller, Stoa, block_body, media, path, text};
use reqwest::Method;
use serde_json::{Value, json};

const KIND: &str = "meshWorkspace";

fn body(name: &str) -> Value {
    json!({
        "apiVersion": "v2",
        "kind": KIND,
        "metadata": { "name": name, "tags": { "cost-center": ["7710"] } },
        "spec": { "displayName": "Orchard Team", "platformBuilderAccessEnabled": false },
    })
}

async fn as_v1(caller: &Caller, rest: &str) -> Value {
    let media = media(KIND, "v1");
    let answer = caller.raw(Method::GET, &path(KIND, rest), |r| r.header("accept", &media)).await;
    assert_eq!(answer.headers["content-type"], media);
    answer.expect(200)
}

async fn listed(stoa: &Stoa) -> Vec<String> {
    names_of(&stoa.admin.list(KIND, "").await).into_iter().map(str::to_owned).collect()
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        stoa.tags(KIND, &["cost-center"]).await;
        let answer = stoa.admin.post(KIND, "", &body("orchard")).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v2"));
        let made = answer.expect(201);
        let at = |rest: &str| json!({ "href": format!("{}/api/meshobjects/{rest}", stoa.url) });
        let of = |kind: &str| at(&format!("{kind}?workspaceIdentifier=orchard"));
        assert_eq!(
            redacted(made.clone(), &["/metadata/createdOn"]),
            json!({
                "kind": KIND,
                "apiVersion": "v2",
                "metadata": { "name": "orchard", "createdOn": "<instant>", "tags": { "cost-center": ["7710"] } },
                "spec": { "displayName": "Orchard Team", "platformBuilderAccessEnabled": false },
                "_links": {
                    "self": at("meshworkspaces/orchard"),
                    "meshtenants": of("meshtenants"),
                    "meshprojects": of("meshprojects"),
                    "meshusers": of("meshusers"),
                    "meshpaymentmethods": of("meshpaymentmethods"),
                    "meshworkspaceusergroups": of("meshworkspaceusergroups"),
                },
            })
        );
        assert_eq!(stoa.admin.get(KIND, "/orchard").await.expect(200), made);
        assert!(stoa.admin.list(KIND, "").await.contains(&made));
        // What was read may be sent back whole, and changes nothing.
        assert_eq!(stoa.admin.put(KIND, "/orchard", &made).await.expect(200), made);
    }

    async fn v1_is_a_view_for_readers(stoa) {
        stoa.tags(KIND, &["cost-center"]).await;
        let made = stoa.admin.create(KIND, &body("orchard")).await;
        let shown = as_v1(&stoa.admin, "/orchard").await;
        let mut expected = with(without(made, "/metadata/tags"), "/apiVersion", json!("v1"));
        expected["spec"] = json!({ "displayName": "Orchard Team", "tags": { "cost-center": ["7710"] } });
        assert_eq!(shown, expected);
        let list = as_v1(&stoa.admin, "").await;
        assert!(list["_embedded"]["meshWorkspaces"].as_array().unwrap().contains(&expected));

        let (v1, v2) = (media(KIND, "v1"), media(KIND, "v2"));
        for (content, accept, status) in [(&v1, &v1, 415), (&v1, &v2, 415), (&v2, &v1, 406)] {
            let answer = stoa
                .admin
                .raw(Method::POST, &path(KIND, ""), |r| {
                    r.header("content-type", content).header("accept", accept).body(body("other").to_string())
                })
                .await;
            answer.refused(status, "meshworkspace.v2");
        }
    }

    async fn its_identifier_has_a_pattern_and_a_length(stoa) {
        stoa.tags(KIND, &["cost-center"]).await;
        for good in ["a", "0", "team-1", "exactly-16-chars"] {
            stoa.admin.create(KIND, &body(good)).await;
        }
        for bad in [
            "",
            "Team",
            "-a",
            "a-",
            "a--b",
            "a.b",
            "a b",
            "a_b",
            "ä",
            "seventeen-chars-x",
            "meshcloud-global-partner",
        ] {
            names(stoa.admin.post(KIND, "", &body(bad)).await, "metadata.name");
        }
        names(stoa.admin.post(KIND, "", &without(body("b"), "/metadata/name")).await, "metadata.name");
        names(stoa.admin.put(KIND, "/b", &body("c")).await, "metadata.name");
        stoa.admin.get(KIND, "/b").await.expect(404);
    }

    async fn required_and_optional_fields(stoa) {
        stoa.tags(KIND, &["cost-center"]).await;
        for (missing, field) in
            [("/metadata", "metadata"), ("/spec", "spec"), ("/spec/displayName", "spec.displayName")]
        {
            names(stoa.admin.post(KIND, "", &without(body("orchard"), missing)).await, field);
            names(stoa.admin.post(KIND, "", &with(body("orchard"), missing, Value::Null)).await, field);
        }
        names(
            stoa.admin.post(KIND, "", &with(body("orchard"), "/spec/displayName", json!(" "))).await,
            "spec.displayName",
        );
        // Null is absent, unknown and server-assigned members are ignored.
        let sparse = json!({
            "apiVersion": null, "kind": null, "status": null, "more": { "x": 1 },
            "metadata": { "name": "orchard", "tags": null, "createdOn": "1999-01-01T00:00:00Z", "deletedOn": null, "uuid": null },
            "spec": { "displayName": "Orchard", "platformBuilderAccessEnabled": null, "tags": { "x": ["y"] } },
        });
        let made = stoa.admin.create(KIND, &sparse).await;
        assert_eq!(made["metadata"]["tags"], json!({}));
        assert_eq!(made["spec"], json!({ "displayName": "Orchard", "platformBuilderAccessEnabled": false }));
        assert!(made["metadata"]["createdOn"].as_str().unwrap() > "2020");
    }

    async fn a_put_replaces_what_is_mutable(stoa) {
        stoa.tags(KIND, &["cost-center", "stage"]).await;
        let made = stoa.admin.create(KIND, &body("orchard")).await;
        let mut wanted = body("orchard");
        wanted["spec"] = json!({ "displayName": "Pear Team", "platformBuilderAccessEnabled": true });
        wanted["metadata"]["tags"] = json!({ "stage": ["dev", "qa", "dev"] });
        let changed = stoa.admin.put(KIND, "/orchard", &wanted).await.expect(200);
        assert_eq!(changed["spec"], wanted["spec"]);
        assert_eq!(changed["metadata"]["tags"], wanted["metadata"]["tags"], "order and duplicates stay");
        assert_eq!(changed["metadata"]["createdOn"], made["metadata"]["createdOn"]);
        // Absent keeps the flag and clears the tags.
        let bare = json!({ "metadata": { "name": "orchard" }, "spec": { "displayName": "Pear Team" } });
        let changed = stoa.admin.put(KIND, "/orchard", &bare).await.expect(200);
        assert_eq!(changed["spec"]["platformBuilderAccessEnabled"], true);
        assert_eq!(changed["metadata"]["tags"], json!({}));
        assert_eq!(stoa.admin.get(KIND, "/orchard").await.expect(200), changed);
    }

    async fn a_put_on_nothing_creates(stoa) {
        stoa.tags(KIND, &["cost-center"]).await;
        stoa.workspace("shop").await;
        let key = stoa.key("shop", &["WORKSPACE_SAVE", "WORKSPACE_LIST"]).await;
        key.put(KIND, "/orchard", &body("orchard")).await.refused(403, "ADM_WORKSPACE_SAVE");
        key.post(KIND, "", &body("orchard")).await.refused(403, "ADM_WORKSPACE_SAVE");
        let made = stoa.admin.put(KIND, "/orchard", &body("orchard")).await.expect(200);
        assert_eq!(stoa.admin.get(KIND, "/orchard").await.expect(200), made);
        stoa.admin.post(KIND, "", &body("orchard")).await.refused(409, "orchard");
        // Its own workspace is the key's to change.
        key.put(KIND, "/shop", &body("shop")).await.expect(200);
    }

    async fn a_key_sees_its_own_workspace_only(stoa) {
        for name in ["shop", "orchard"] {
            stoa.workspace(name).await;
        }
        let key = stoa.key("shop", &["WORKSPACE_LIST"]).await;
        assert_eq!(names_of(&key.list(KIND, "").await), ["shop"]);
        key.get(KIND, "/orchard").await.refused(403, "ADM_WORKSPACE_LIST");
        key.get(KIND, "/shop").await.expect(200);
        assert_eq!(listed(&stoa).await, ["demo-partner", "shop", "orchard"], "oldest first");
    }

    async fn tags_are_lists_of_strings(stoa) {
        stoa.tags(KIND, &["n", "s", "k", "one", "two", &"k".repeat(100)]).await;
        let tagged = |tags: Value| with(body("orchard"), "/metadata/tags", tags);
        let made = stoa
            .admin
            .create(KIND, &tagged(json!({ "n": [1332, 1.5, true], "none": [], "s": ["b", "a", "b"] })))
            .await;
        assert_eq!(made["metadata"]["tags"], json!({ "n": ["1332", "1.5", "true"], "s": ["b", "a", "b"] }));
        for bad in [json!("x"), json!(1), json!({ "a": 1 }), json!([["x"]]), json!([{}]), json!([null])] {
            names(stoa.admin.put(KIND, "/orchard", &tagged(json!({ "k": bad }))).await, "metadata.tags.k");
        }
        for key in ["-a", "a b", "ä", ""] {
            let field = format!("metadata.tags.{key}");
            names(stoa.admin.put(KIND, "/orchard", &tagged(json!({ key: ["x"] }))).await, &field);
        }
        let (longest, long) = ("k".repeat(100), "k".repeat(101));
        stoa.admin.put(KIND, "/orchard", &tagged(json!({ longest: ["x".repeat(255)] }))).await.expect(200);
        names(
            stoa.admin.put(KIND, "/orchard", &tagged(json!({ long.clone(): ["x"] }))).await,
            &format!("metadata.tags.{long}"),
        );
        stoa.admin
            .put(KIND, "/orchard", &tagged(json!({ "k": ["x".repeat(256)] })))
            .await
            .refused(400, "255");
        // Two read-modify-write changes keep each other's tags; an empty list takes one away.
        for key in ["one", "two"] {
            let mut read = stoa.admin.get(KIND, "/orchard").await.expect(200);
            read["metadata"]["tags"][key] = json!(["x"]);
            stoa.admin.put(KIND, "/orchard", &read).await.expect(200);
        }
        let read = stoa.admin.get(KIND, "/orchard").await.expect(200);
        assert_eq!(read["metadata"]["tags"]["one"], json!(["x"]));
        let cleared = with(read, "/metadata/tags/one", json!([]));
        let read = stoa.admin.put(KIND, "/orchard", &cleared).await.expect(200);
        assert_eq!(read["metadata"]["tags"].get("one"), None);
        assert_eq!(read["metadata"]["tags"]["two"], json!(["x"]));
    }

    async fn what_it_owns_keeps_it_alive(stoa) {
        stoa.tags(KIND, &["cost-center"]).await;
        let owner = |name: &str| json!({ "ownedByWorkspace": name });
        stoa.workspace("orchard").await;
        let project = json!({ "metadata": { "name": "web", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Web" } });
        let runner = json!({ "metadata": owner("orchard"), "spec": {
            "displayName": "r", "implementationType": "ALL",
            "publicKey": crate::stoa::shared_key().public_pem(),
        } });
        let integration = json!({ "metadata": owner("orchard"), "spec": {
            "displayName": "i", "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example" } },
        } });
        let definition =
            json!({ "metadata": owner("orchard"), "spec": { "displayName": "d", "description": "d" } });
        for (kind, body, id) in [
            ("meshProject", project, None),
            ("meshBuildingBlockRunner", runner, Some("/metadata/uuid")),
            ("meshIntegration", integration, Some("/metadata/uuid")),
            ("meshBuildingBlockDefinition", definition, Some("/metadata/uuid")),
        ] {
            let made = stoa.admin.create(kind, &body).await;
            let id = id.map_or_else(|| "orchard.web".to_owned(), |pointer| text(&made, pointer));
            let answer = stoa.admin.delete(KIND, "/orchard").await;
            assert_eq!(answer.json()["remarks"], json!([format!("{kind}[{id}]")]));
            answer.refused(409, &format!("{kind}[{id}]"));
            stoa.admin.delete(kind, &format!("/{id}")).await.expect(204);
        }
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let block = stoa.admin.create("meshBuildingBlock", &block_body(&version, "orchard", json!({}))).await;
        stoa.admin.delete(KIND, "/orchard").await.refused(409, &text(&block, "/metadata/uuid"));
        assert!(listed(&stoa).await.contains(&"orchard".to_owned()));
    }

    async fn a_deleted_workspace_stays_readable_and_frees_its_name(stoa) {
        stoa.tags(KIND, &["cost-center"]).await;
        let made = stoa.admin.create(KIND, &body("orchard")).await;
        let key = stoa.key("orchard", &["WORKSPACE_LIST", "WORKSPACE_DELETE"]).await;
        key.get(KIND, "/orchard").await.expect(200);
        let answer = key.delete(KIND, "/orchard").await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        // Its keys are gone, and their tokens with them.
        key.get(KIND, "/orchard").await.expect(401);
        let gone = json!({ "clientId": key.client_id, "clientSecret": key.client_secret });
        stoa.nobody().raw(Method::POST, "/api/login", |r| r.json(&gone)).await.expect(401);
        stoa.admin.get("meshApiKey", &format!("/{}", key.client_id)).await.expect(404);

        let shown = stoa.admin.get(KIND, "/orchard").await.expect(200);
        assert!(is_instant(&shown["metadata"]["deletedOn"]));
        assert_eq!(without(shown, "/metadata/deletedOn"), made);
        assert_eq!(listed(&stoa).await, ["demo-partner"]);
        stoa.admin.delete(KIND, "/orchard").await.expect(204);

        stoa.advance(std::time::Duration::from_secs(5));
        let again =
            stoa.admin.create(KIND, &with(body("orchard"), "/spec/displayName", json!("Second"))).await;
        assert_eq!(stoa.admin.get(KIND, "/orchard").await.expect(200), again);
        assert_eq!(again["metadata"].get("deletedOn"), None);
        stoa.admin.delete(KIND, "/orchard").await.expect(204);
        let shown = stoa.admin.get(KIND, "/orchard").await.expect(200);
        assert_eq!(shown["spec"]["displayName"], "Second", "the one deleted last");
        stoa.admin.put(KIND, "/orchard", &body("orchard")).await.expect(200);
        stoa.admin.get(KIND, "/orchard").await.expect(200);
        assert_eq!(listed(&stoa).await, ["demo-partner", "orchard"]);
    }

    async fn its_people_and_payment_methods_go_with_it(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        bind(&stoa, "lea", "Workspace Member", "shop").await;
        let budget = json!({ "metadata": { "name": "budget", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "B" } });
        stoa.admin.create("meshPaymentMethod", &budget).await;
        // A refusal names something of every kind, and counts the rest.
        for n in 0..7 {
            project(&stoa, "orchard", &format!("p{n}")).await;
        }
        let integration = json!({ "metadata": { "ownedByWorkspace": "orchard" }, "spec": {
            "displayName": "i", "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example" } },
        } });
        let integration = text(&stoa.admin.create("meshIntegration", &integration).await, "/metadata/uuid");
        let answer = stoa.admin.delete(KIND, "/orchard").await;
        let expected = ["press", "p0", "p1", "p2", "p3"].map(|name| format!("meshProject[orchard.{name}]"));
        let expected: Vec<String> =
            std::iter::once(format!("meshIntegration[{integration}]")).chain(expected).collect();
        assert_eq!(answer.json()["remarks"], json!(expected));
        answer.refused(409, "and 3 more");
        // Nothing of it is half-done.
        assert_eq!(bound(&stoa).await, ["lea@orchard", "lea@shop", "pickers@orchard"]);
        stoa.admin.delete("meshIntegration", &format!("/{integration}")).await.expect(204);
        for name in ["press", "p0", "p1", "p2", "p3", "p4", "p5", "p6"] {
            stoa.admin.delete("meshProject", &format!("/orchard.{name}")).await.expect(204);
        }
        stoa.admin.delete(KIND, "/orchard").await.expect(204);
        assert_eq!(bound(&stoa).await, ["lea@shop"]);
        stoa.admin.get("meshWorkspaceUserGroup", "/orchard.pickers").await.refused(404, "pickers");
        let budget = stoa.admin.get("meshPaymentMethod", "/budget").await.expect(200);
        assert!(is_instant(&budget["metadata"]["deletedOn"]));
        assert!(stoa.admin.list("meshPaymentMethod", "").await.is_empty());
        // The next workspace of this name begins without anybody.
        stoa.workspace("orchard").await;
        assert!(stoa.admin.list("meshUser", "?workspaceIdentifier=orchard").await.is_empty());
    }

    async fn nobody_is_bound_to_what_goes(stoa) {
        for round in 0..6 {
            let (name, user_name) = (format!("race-{round}"), format!("user-{round}"));
            stoa.workspace(&name).await;
            user(&stoa, &user_name).await;
            let bindings: Vec<_> = ["Workspace Member", "Workspace Manager", "Workspace Owner"]
                .into_iter()
                .map(|role| {
                    let body = binding(&format!("{role}-{round}"), role, &name, &user_name);
                    let admin = stoa.admin.clone();
                    tokio::spawn(async move { admin.post("meshWorkspaceUserBinding", "", &body).await.status })
                })
                .collect();
            let (gone, status) = if round % 2 == 0 {
                (stoa.admin.delete(KIND, &format!("/{name}")).await, 404)
            } else {
                (stoa.admin.delete("meshUser", &format!("/{user_name}")).await, 422)
            };
            gone.expect(204);
            for binding in bindings {
                let found = binding.await.unwrap();
                assert!(found == 201 || found == status, "unexpected status {found}");
            }
            let left = stoa.admin.list("meshWorkspaceUserBinding", &format!("?workspaceIdentifier={name}")).await;
            assert!(left.is_empty(), "{left:?}");
        }
    }

    async fn some_deletions_are_refused(stoa) {
        stoa.admin.delete(KIND, "/demo-partner").await.refused(409, "admin workspace");
        stoa.admin.delete(KIND, "/nothing").await.refused(404, "nothing");
        stoa.workspace("shop").await;
        stoa.workspace("orchard").await;
        let key = stoa.key("shop", &["WORKSPACE_DELETE"]).await;
        key.delete(KIND, "/orchard").await.refused(403, "ADM_WORKSPACE_DELETE");
    }

    async fn a_deleted_workspace_takes_nothing_new(stoa) {
        stoa.workspace("orchard").await;
        stoa.admin.delete(KIND, "/orchard").await.expect(204);
        let project = json!({ "metadata": { "name": "web", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Web" } });
        stoa.admin.post("meshProject", "", &project).await.refused(404, "orchard");
        let key = json!({ "metadata": { "ownedByWorkspace": "orchard" }, "spec": { "displayName": "k", "permissions": [] } });
        stoa.admin.post("meshApiKey", "", &key).await.refused(404, "orchard");
    }

    async fn nothing_is_created_in_a_workspace_that_goes(stoa) {
        for round in 0..8 {
            let name = format!("race-{round}");
            stoa.workspace(&name).await;
            let projects = (0..6).map(|n| {
                let body = json!({
                    "metadata": { "name": format!("p{n}"), "ownedByWorkspace": name },
                    "spec": { "displayName": "P" },
                });
                let admin = stoa.admin.clone();
                tokio::spawn(async move { admin.post("meshProject", "", &body).await.status })
            });
            let projects: Vec<_> = projects.collect();
            let gone = stoa.admin.delete(KIND, &format!("/{name}")).await.status;
            let mut made = 0;
            for project in projects {
                match project.await.unwrap() {
                    201 => made += 1,
                    404 => {}
                    other => panic!("unexpected status {other}"),
                }
            }
            match gone {
                204 => assert_eq!(made, 0, "{name} is gone, its projects are not"),
                409 => assert!(made > 0),
                other => panic!("unexpected status {other}"),
            }
        }
    }
}
