//! meshProject (`api-core.md` §3.2).

use super::cast::{bind, binding, bound, user};
use super::{is_instant, names, names_of, redacted, with, without};
use crate::on_both;
use crate::stoa::{Stoa, media};
use serde_json::{Value, json};

const KIND: &str = "meshProject";

fn body(workspace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v2",
        "kind": KIND,
        "metadata": { "name": name, "ownedByWorkspace": workspace },
        "spec": { "displayName": "Press Dev", "tags": { "stage": ["dev", "qa"] } },
    })
}

async fn found(stoa: &Stoa, query: &str) -> Vec<String> {
    names_of(&stoa.admin.list(KIND, query).await).into_iter().map(str::to_owned).collect()
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        stoa.tags(KIND, &["stage"]).await;
        stoa.workspace("orchard").await;
        // The Terraform client sends both payment fields as null.
        let mut sent = body("orchard", "press-dev");
        sent["spec"]["paymentMethodIdentifier"] = Value::Null;
        sent["spec"]["substitutePaymentMethodIdentifier"] = Value::Null;
        let answer = stoa.admin.post(KIND, "", &sent).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v2"));
        let made = answer.expect(201);
        let at = |rest: &str| json!({ "href": format!("{}/api/meshobjects/{rest}", stoa.url) });
        let of = |path: &str| at(&format!("{path}?workspaceIdentifier=orchard&projectIdentifier=press-dev"));
        assert_eq!(
            redacted(made.clone(), &["/metadata/createdOn"]),
            json!({
                "kind": KIND,
                "apiVersion": "v2",
                "metadata": { "name": "press-dev", "ownedByWorkspace": "orchard", "createdOn": "<instant>" },
                "spec": { "displayName": "Press Dev", "tags": { "stage": ["dev", "qa"] } },
                "_links": {
                    "self": at("meshprojects/orchard.press-dev"),
                    "meshtenants": of("meshtenants"),
                    "meshusers": of("meshusers"),
                    "meshprojectuserbindings": of("meshprojectbindings/userbindings"),
                    "meshprojectgroupbindings": of("meshprojectbindings/groupbindings"),
                },
            })
        );
        assert_eq!(stoa.admin.get(KIND, "/orchard.press-dev").await.expect(200), made);
        assert_eq!(stoa.admin.list(KIND, "").await, std::slice::from_ref(&made));
        assert_eq!(stoa.admin.put(KIND, "/orchard.press-dev", &made).await.expect(200), made);
    }

    async fn required_and_optional_fields(stoa) {
        stoa.tags(KIND, &["stage"]).await;
        stoa.workspace("orchard").await;
        let good = body("orchard", "web");
        for (missing, field) in [
            ("/metadata", "metadata"),
            ("/metadata/name", "metadata.name"),
            ("/metadata/ownedByWorkspace", "metadata.ownedByWorkspace"),
            ("/spec", "spec"),
            ("/spec/displayName", "spec.displayName"),
        ] {
            names(stoa.admin.post(KIND, "", &without(good.clone(), missing)).await, field);
            names(stoa.admin.post(KIND, "", &with(good.clone(), missing, Value::Null)).await, field);
        }
        for bad in ["", "Web", "a--b", "a.b", &"x".repeat(31)] {
            names(stoa.admin.post(KIND, "", &body("orchard", bad)).await, "metadata.name");
        }
        for bad in [" ".to_owned(), "x".repeat(31)] {
            names(
                stoa.admin.post(KIND, "", &with(good.clone(), "/spec/displayName", json!(bad))).await,
                "spec.displayName",
            );
        }
        names(
            stoa.admin.post(KIND, "", &with(good.clone(), "/spec/tags", json!({ "k": "x" }))).await,
            "spec.tags.k",
        );
        // No payment method exists yet, so none can be named.
        for field in ["paymentMethodIdentifier", "substitutePaymentMethodIdentifier"] {
            let wrong = with(good.clone(), &format!("/spec/{field}"), json!("nobody-pays"));
            names(stoa.admin.post(KIND, "", &wrong).await, &format!("spec.{field}"));
        }
        stoa.admin.post(KIND, "", &body("nowhere", "web")).await.refused(404, "nowhere");
        let longest = with(body("orchard", &"x".repeat(30)), "/spec/displayName", json!("ä".repeat(30)));
        let made = stoa.admin.create(KIND, &without(longest, "/spec/tags")).await;
        assert_eq!(made["spec"]["tags"], json!({}));
    }

    async fn a_put_replaces_what_is_mutable_and_creates_nothing(stoa) {
        stoa.tags(KIND, &["stage"]).await;
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        stoa.admin.put(KIND, "/orchard.web", &body("orchard", "web")).await.refused(404, "orchard.web");
        let made = stoa.admin.create(KIND, &body("orchard", "web")).await;
        let bare = json!({ "metadata": { "name": "web", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Web" } });
        let changed = stoa.admin.put(KIND, "/orchard.web", &bare).await.expect(200);
        assert_eq!(changed["spec"], json!({ "displayName": "Web", "tags": {} }));
        assert_eq!(changed["metadata"], made["metadata"]);
        assert_eq!(stoa.admin.get(KIND, "/orchard.web").await.expect(200), changed);
        for other in [body("orchard", "api"), body("shop", "web")] {
            names(stoa.admin.put(KIND, "/orchard.web", &other).await, "metadata.name");
        }
        stoa.admin.post(KIND, "", &body("orchard", "web")).await.refused(409, "orchard.web");
        // The same name in another workspace is another project.
        stoa.admin.create(KIND, &body("shop", "web")).await;
    }

    async fn filters_narrow_the_list(stoa) {
        stoa.tags(KIND, &["stage"]).await;
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        for (workspace, name) in [("orchard", "a"), ("shop", "b"), ("orchard", "c"), ("orchard", "d")] {
            stoa.admin.create(KIND, &body(workspace, name)).await;
        }
        stoa.admin.delete(KIND, "/orchard.d").await.expect(204);
        for (query, expected) in [
            ("", &["a", "b", "c"][..]),
            ("?workspaceIdentifier=orchard", &["a", "c"]),
            ("?workspaceIdentifier=Orchard", &[]),
            ("?workspaceIdentifier=nowhere", &[]),
            ("?workspaceIdentifier=", &["a", "b", "c"]),
            ("?paymentIdentifier=", &["a", "b", "c"]),
            ("?paymentIdentifier=%20", &["a", "b", "c"]),
            ("?paymentIdentifier=someone", &[]),
            ("?state=ACTIVE", &["a", "b", "c"]),
            ("?state=", &["a", "b", "c"]),
            ("?state=PENDING_DELETION", &[]),
            ("?state=PENDING_DELETION,ACTIVE&workspaceIdentifier=shop", &["b"]),
            ("?unknown=x", &["a", "b", "c"]),
        ] {
            assert_eq!(found(&stoa, query).await, expected, "{query}");
        }
        assert_eq!(found(&stoa, "?state=DELETED").await.len(), 1);
        assert_eq!(found(&stoa, "?state=DELETED,ACTIVE").await.len(), 4);
        assert_eq!(found(&stoa, "?state=DELETED&workspaceIdentifier=shop").await.len(), 0);
        for bad in ["deleted", "ACTIVE,GONE", "ACTIVE,"] {
            names(stoa.admin.get(KIND, &format!("?state={bad}")).await, "state");
        }
    }

    async fn a_deleted_project_is_renamed_and_frees_its_name(stoa) {
        stoa.tags(KIND, &["stage"]).await;
        stoa.workspace("orchard").await;
        let made = stoa.admin.create(KIND, &body("orchard", "web")).await;
        let answer = stoa.admin.delete(KIND, "/orchard.web").await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        stoa.admin.get(KIND, "/orchard.web").await.refused(404, "orchard.web");
        stoa.admin.put(KIND, "/orchard.web", &made).await.refused(404, "orchard.web");
        stoa.admin.delete(KIND, "/orchard.web").await.refused(404, "orchard.web");

        let gone = stoa.admin.list(KIND, "?state=DELETED").await.remove(0);
        let name = gone["metadata"]["name"].as_str().unwrap();
        let seconds = name.strip_prefix("web-").unwrap();
        assert!(seconds.len() == 10 && seconds.bytes().all(|digit| digit.is_ascii_digit()), "{name}");
        assert!(is_instant(&gone["metadata"]["deletedOn"]));
        assert_eq!(gone["spec"], made["spec"]);
        // It is addressed by its new name, for readers.
        let id = format!("/orchard.{name}");
        assert!(gone["_links"]["self"]["href"].as_str().unwrap().ends_with(&id));
        assert_eq!(stoa.admin.get(KIND, &id).await.expect(200), gone);
        stoa.admin.put(KIND, &id, &gone).await.refused(409, "deleted");
        stoa.admin.delete(KIND, &id).await.expect(204);

        // In the same second, the name is free again and again.
        for _ in 0..3 {
            stoa.admin.create(KIND, &body("orchard", "web")).await;
            stoa.admin.delete(KIND, "/orchard.web").await.expect(204);
        }
        assert_eq!(stoa.admin.list(KIND, "?state=DELETED").await.len(), 4);
        // Deleted projects keep no workspace alive.
        stoa.admin.delete("meshWorkspace", "/orchard").await.expect(204);
    }

    async fn a_project_that_leaves_takes_nothing_new(stoa) {
        // Its tenant's deletion waits for the operator's word.
        let stage = stoa.custom_platform().await;
        let mut zone = stoa.admin.get("meshLandingZone", "/spaces-dev").await.expect(200);
        zone["spec"]["automateDeletionApproval"] = json!(false);
        stoa.admin.put("meshLandingZone", "/spaces-dev", &zone).await.expect(200);
        let tenant = stoa.tenant(&stage.platform).await;
        stoa.until_phase(&tenant, "READY").await;
        user(&stoa, "lea").await;
        user(&stoa, "tom").await;
        for subject in ["lea", "tom"] {
            bind(&stoa, subject, "Workspace Member", "shop").await;
        }
        bind(&stoa, "lea", "reader", "shop.web").await;
        let before = stoa.admin.get(KIND, "/shop.web").await.expect(200);
        let own = stoa.key("shop", &["PROJECT_DELETE", "PROJECT_LIST", "PROJECT_SAVE"]).await;
        for _ in 0..2 {
            let answer = own.delete(KIND, "/shop.web").await;
            assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        }
        let pending = own.get(KIND, "/shop.web").await.expect(200);
        assert!(is_instant(&pending["metadata"]["deletedOn"]));
        assert_eq!(without(pending.clone(), "/metadata/deletedOn"), before);
        assert_eq!(found(&stoa, "?state=PENDING_DELETION").await, ["web"]);
        assert!(found(&stoa, "").await.is_empty());
        own.put(KIND, "/shop.web", &before).await.refused(409, "about to be deleted");
        own.post(KIND, "", &before).await.refused(409, "shop.web");
        let late = binding("late", "reader", "shop.web", "tom");
        stoa.admin.post("meshProjectUserBinding", "", &late).await.refused(409, "about to be deleted");
        // What is bound stays so until the end, should the deletion be declined.
        assert_eq!(bound(&stoa).await, ["lea@shop", "lea@shop.web", "tom@shop"]);
        let told = stoa.admin.list("meshEventLog", "?title=Project%20Deletion").await;
        assert_eq!(told.last().unwrap()["spec"]["title"], "Project Deletion Request Submitted");
        stoa.admin.delete("meshTenant", &format!("/{tenant}?purge=true")).await.expect(202);
        stoa.admin.until(KIND, "shop.web", |found| found["status"] == 404).await;
        assert_eq!(bound(&stoa).await, ["lea@shop", "tom@shop"]);
        let gone = stoa.admin.list(KIND, "?state=DELETED").await.remove(0);
        assert_eq!(gone["metadata"]["deletedOn"], pending["metadata"]["deletedOn"], "when it was asked for");
    }

    async fn a_key_sees_its_own_projects_only(stoa) {
        stoa.tags(KIND, &["stage"]).await;
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
            stoa.admin.create(KIND, &body(name, "web")).await;
        }
        let key = stoa.key("shop", &["PROJECT_LIST", "PROJECT_SAVE", "PROJECT_DELETE"]).await;
        let seen = key.list(KIND, "").await;
        assert_eq!((seen.len(), &seen[0]["metadata"]["ownedByWorkspace"]), (1, &json!("shop")));
        assert_eq!(key.list(KIND, "?workspaceIdentifier=orchard").await, [Value::Null; 0]);
        key.get(KIND, "/orchard.web").await.refused(403, "ADM_PROJECT_LIST");
        key.put(KIND, "/orchard.web", &body("orchard", "web")).await.refused(403, "ADM_PROJECT_SAVE");
        key.delete(KIND, "/orchard.web").await.refused(403, "ADM_PROJECT_DELETE");
        key.post(KIND, "", &body("orchard", "api")).await.refused(403, "ADM_PROJECT_SAVE");
        key.post(KIND, "", &body("shop", "api")).await.expect(201);
        key.delete(KIND, "/shop.api").await.expect(204);
        // Saving does not imply reading.
        let writer = stoa.key("shop", &["PROJECT_SAVE"]).await;
        writer.post(KIND, "", &body("shop", "own")).await.expect(201);
        writer.get(KIND, "/shop.own").await.refused(403, "PROJECT_LIST");
        writer.get(KIND, "").await.refused(403, "PROJECT_LIST");
    }
}
