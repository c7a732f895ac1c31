//! meshApiKey (`api-core.md` §2.4 and §3.15) and meshApiUser (§2.3).

use super::{names, redacted, with, without};
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, media, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const KIND: &str = "meshApiKey";
const DAY: Duration = Duration::from_hours(24);

fn body(workspace: &str, permissions: &[&str]) -> Value {
    json!({
        "apiVersion": "v1-preview",
        "kind": KIND,
        "metadata": { "ownedByWorkspace": workspace },
        "spec": { "displayName": "pipeline", "permissions": permissions },
    })
}

fn secret(key: &Value) -> Option<&str> {
    key["status"].get("clientSecret").map(|secret| secret.as_str().unwrap())
}

async fn login(stoa: &Stoa, id: &str, secret: &str) -> Answer {
    let body = json!({ "clientId": id, "clientSecret": secret });
    stoa.nobody().raw(Method::POST, "/api/login", |r| r.json(&body)).await
}

/// The day that begins `days` days from now, by the server's clock.
fn day_in(stoa: &Stoa, days: u32) -> String {
    let then = stoa.running.app.world.clock.now() + DAY * days;
    then.to_string()[..10].to_owned()
}

async fn again(stoa: &Stoa, caller: &Caller) -> Caller {
    stoa.nobody().login(&caller.client_id, &caller.client_secret).await
}

on_both! {
    async fn it_shows_its_secret_once(stoa) {
        stoa.workspace("orchard").await;
        let wanted = with(
            body("orchard", &["PROJECT_SAVE", "PROJECT_LIST", "PROJECT_SAVE"]),
            "/spec/expiresAt",
            json!("2097-06-30"),
        );
        let answer = stoa.admin.post(KIND, "", &wanted).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v1-preview"));
        let made = answer.expect(201);
        let (id, fresh) = (text(&made, "/metadata/uuid"), text(&made, "/status/clientSecret"));
        assert!(fresh.len() >= 32 && fresh.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{fresh}");
        let shown = without(made, "/status/clientSecret");
        assert_eq!(
            redacted(shown.clone(), &["/metadata/uuid", "/status/clientId"]),
            json!({
                "kind": KIND,
                "apiVersion": "v1-preview",
                "metadata": { "uuid": "<uuid>", "ownedByWorkspace": "orchard" },
                "spec": {
                    "displayName": "pipeline",
                    "permissions": ["PROJECT_LIST", "PROJECT_SAVE"],
                    "expiresAt": "2097-06-30",
                },
                "status": { "clientId": "<uuid>" },
                "_links": { "self": { "href": format!("{}/api/meshobjects/meshapikeys/{id}", stoa.url) } },
            })
        );
        assert_eq!(shown["status"]["clientId"], shown["metadata"]["uuid"]);
        // A login leaves no trace in it.
        login(&stoa, &id, &fresh).await.expect(200);
        assert_eq!(stoa.admin.get(KIND, &format!("/{id}")).await.expect(200), shown);
        assert_eq!(stoa.admin.list(KIND, "?workspaceIdentifier=orchard").await, std::slice::from_ref(&shown));
        assert_eq!(stoa.admin.put(KIND, &format!("/{id}"), &shown).await.expect(200), shown);
    }

    async fn fields_have_rules(stoa) {
        stoa.workspace("orchard").await;
        let good = body("orchard", &["PROJECT_LIST"]);
        for (missing, field) in [
            ("/metadata", "metadata"),
            ("/metadata/ownedByWorkspace", "metadata.ownedByWorkspace"),
            ("/spec", "spec"),
            ("/spec/displayName", "spec.displayName"),
            ("/spec/permissions", "spec.permissions"),
        ] {
            names(stoa.admin.post(KIND, "", &without(good.clone(), missing)).await, field);
        }
        names(
            stoa.admin.post(KIND, "", &with(good.clone(), "/spec/displayName", json!(""))).await,
            "spec.displayName",
        );
        names(stoa.admin.post(KIND, "", &body("orchard", &["PROJECT_LSIT"])).await, "spec.permissions");
        for bad in
            ["2020-01-01", "tomorrow", "", "2097-02-30", "2097-6-30", "2097-06-30T00:00:00Z", "20970630"]
        {
            names(
                stoa.admin.post(KIND, "", &with(good.clone(), "/spec/expiresAt", json!(bad))).await,
                "spec.expiresAt",
            );
        }
        stoa.admin.post(KIND, "", &body("nowhere", &[])).await.refused(404, "nowhere");
        // No permission at all is a permission set too; null is no expiry.
        let made = stoa.admin.create(KIND, &with(body("orchard", &[]), "/spec/expiresAt", Value::Null)).await;
        assert_eq!(made["spec"], json!({ "displayName": "pipeline", "permissions": [] }));
        let id = format!("/{}", text(&made, "/metadata/uuid"));
        stoa.workspace("shop").await;
        names(stoa.admin.put(KIND, &id, &body("shop", &[])).await, "metadata.ownedByWorkspace");
        let nobody = "/00000000-0000-4000-8000-000000000000";
        for id in [nobody, "/not-a-uuid"] {
            stoa.admin.get(KIND, id).await.refused(404, &id[1..]);
            stoa.admin.put(KIND, id, &good).await.refused(404, &id[1..]);
            stoa.admin.delete(KIND, id).await.refused(404, &id[1..]);
        }
    }

    async fn a_changed_expiry_rotates_and_nothing_else_does(stoa) {
        stoa.workspace("orchard").await;
        let made = stoa.admin.create(KIND, &body("orchard", &["WORKSPACE_LIST"])).await;
        let id = text(&made, "/metadata/uuid");
        let mut current = text(&made, "/status/clientSecret");
        let token = stoa.nobody().login(&id, &current).await;
        let (soon, later) = (day_in(&stoa, 1), day_in(&stoa, 30));
        // Each step: what changes, and whether that rotates. Clients send back what they got, secrets too.
        let mut sent = made;
        for (pointer, value, rotates) in [
            ("/spec/displayName", json!("renamed"), false),
            ("/spec/permissions", json!(["PROJECT_LIST", "WORKSPACE_LIST"]), false),
            ("/spec/expiresAt", json!(soon), true),
            ("/spec/displayName", json!("again"), false),
            ("/spec/expiresAt", json!(later), true),
            ("/spec/expiresAt", json!(later), false),
            ("/spec/expiresAt", Value::Null, true),
            ("/spec/expiresAt", Value::Null, false),
        ] {
            sent = with(sent, pointer, value.clone());
            let answer = stoa.admin.put(KIND, &format!("/{id}"), &sent).await.expect(200);
            assert_eq!(secret(&answer).is_some(), rotates, "{pointer} {value}: {answer}");
            assert_eq!(answer.pointer(pointer).cloned().unwrap_or_default(), value);
            assert_eq!(answer["status"]["clientId"], json!(id));
            if let Some(fresh) = secret(&answer) {
                login(&stoa, &id, &current).await.refused(401, "do not match");
                assert_ne!(fresh, current);
                fresh.clone_into(&mut current);
            }
            login(&stoa, &id, &current).await.expect(200);
        }
        // Old tokens outlive a rotation, and show what the key may do now.
        token.get("meshWorkspace", "/orchard").await.expect(200);
        let weak = with(sent, "/spec/permissions", json!([]));
        stoa.admin.put(KIND, &format!("/{id}"), &weak).await.expect(200);
        token.get("meshWorkspace", "/orchard").await.expect(403);
        stoa.advance(Duration::from_secs(301));
        token.get("meshWorkspace", "/orchard").await.expect(401);
    }

    async fn only_what_one_holds_can_be_given(stoa) {
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        let team = stoa.key("orchard", &["APIKEY_SAVE", "APIKEY_LIST", "PROJECT_LIST"]).await;
        let made = team.create(KIND, &body("orchard", &["PROJECT_LIST"])).await;
        for more in ["PROJECT_SAVE", "ADM_PROJECT_LIST", "MANAGED_BUILDINGBLOCK_LIST"] {
            team.post(KIND, "", &body("orchard", &["PROJECT_LIST", more])).await.refused(403, more);
            let id = format!("/{}", text(&made, "/metadata/uuid"));
            team.put(KIND, &id, &body("orchard", &["PROJECT_LIST", more])).await.refused(403, more);
        }
        team.post(KIND, "", &body("shop", &["PROJECT_LIST"])).await.refused(403, "ADM_APIKEY_SAVE");
        // An admin code covers its narrower forms, and no other.
        let some = stoa.key("shop", &["ADM_APIKEY_SAVE", "ADM_BUILDINGBLOCK_LIST"]).await;
        for code in ["BUILDINGBLOCK_LIST", "MANAGED_BUILDINGBLOCK_LIST", "ADM_BUILDINGBLOCK_LIST"] {
            some.create(KIND, &body("orchard", &[code])).await;
        }
        some.post(KIND, "", &body("orchard", &["BUILDINGBLOCK_SAVE"]))
            .await
            .refused(403, "BUILDINGBLOCK_SAVE");
        // A missing right comes before an unknown code.
        team.post(KIND, "", &body("orchard", &["NOT_A_CODE", "PROJECT_SAVE"]))
            .await
            .refused(403, "PROJECT_SAVE");
        names(
            team.post(KIND, "", &body("orchard", &["NOT_A_CODE", "PROJECT_LIST"])).await,
            "spec.permissions",
        );
    }

    async fn nobody_gets_hold_of_a_stronger_key(stoa) {
        stoa.workspace("orchard").await;
        let strong = stoa.key("orchard", &["ADM_WORKSPACE_SAVE", "PROJECT_LIST"]).await;
        let team = stoa.key("orchard", &["APIKEY_SAVE", "APIKEY_LIST", "PROJECT_LIST"]).await;
        let id = format!("/{}", strong.client_id);
        let shown = team.get(KIND, &id).await.expect(200);
        // Rotating it would hand its secret over.
        let rotated = with(shown.clone(), "/spec/expiresAt", json!("2097-01-01"));
        team.put(KIND, &id, &rotated).await.refused(403, "ADM_WORKSPACE_SAVE");
        again(&stoa, &strong).await;
        // Weakened to what the caller holds, it is a key like any other.
        let weak = with(rotated, "/spec/permissions", json!(["PROJECT_LIST"]));
        assert!(secret(&team.put(KIND, &id, &weak).await.expect(200)).is_some());
        strong
            .post(
                "meshWorkspace",
                "",
                &json!({ "metadata": { "name": "x" }, "spec": { "displayName": "X" } }),
            )
            .await
            .expect(403);
    }

    async fn a_workspace_has_ten_keys_at_most(stoa) {
        stoa.workspace("orchard").await;
        let attempts = (0..14).map(|_| {
            let admin = stoa.admin.clone();
            tokio::spawn(async move { admin.post(KIND, "", &body("orchard", &[])).await })
        });
        let attempts: Vec<_> = attempts.collect();
        let mut made = Vec::new();
        for attempt in attempts {
            let answer = attempt.await.unwrap();
            match answer.status {
                201 => made.push(answer.json()),
                _ => names(answer, "metadata.ownedByWorkspace"),
            }
        }
        assert_eq!(made.len(), 10);
        names(stoa.admin.post(KIND, "", &body("orchard", &[])).await, "metadata.ownedByWorkspace");
        stoa.admin.delete(KIND, &format!("/{}", text(&made[0], "/metadata/uuid"))).await.expect(204);
        stoa.admin.create(KIND, &body("orchard", &[])).await;
    }

    async fn it_is_valid_through_the_end_of_its_last_day(stoa) {
        stoa.workspace("orchard").await;
        let last = day_in(&stoa, 2);
        let wanted = with(body("orchard", &["WORKSPACE_LIST"]), "/spec/expiresAt", json!(last));
        let made = stoa.admin.create(KIND, &wanted).await;
        let (id, fresh) = (text(&made, "/metadata/uuid"), text(&made, "/status/clientSecret"));
        let end = last.parse::<stoa_base::Day>().unwrap().end();
        stoa.advance((end - Duration::from_mins(1)).since(stoa.running.app.world.clock.now()));
        let caller = stoa.nobody().login(&id, &fresh).await;
        caller.get("meshWorkspace", "/orchard").await.expect(200);
        stoa.advance(Duration::from_secs(61));
        caller.get("meshWorkspace", "/orchard").await.refused(401, "expired");
        login(&stoa, &id, &fresh).await.refused(401, "do not match");
        // It can be renamed as it is, and brought back by another expiry.
        let admin = again(&stoa, &stoa.admin).await;
        let renamed = with(wanted.clone(), "/spec/displayName", json!("old"));
        assert_eq!(secret(&admin.put(KIND, &format!("/{id}"), &renamed).await.expect(200)), None);
        let longer = without(wanted, "/spec/expiresAt");
        let answer = admin.put(KIND, &format!("/{id}"), &longer).await.expect(200);
        login(&stoa, &id, secret(&answer).unwrap()).await.expect(200);
    }

    async fn deletion_kills_its_tokens_at_once(stoa) {
        stoa.workspace("orchard").await;
        let key = stoa.key("orchard", &["APIKEY_DELETE", "APIKEY_LIST"]).await;
        let id = format!("/{}", key.client_id);
        key.get(KIND, &id).await.expect(200);
        let answer = key.delete(KIND, &id).await; // a key may delete itself
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        key.get(KIND, &id).await.refused(401, "does not exist");
        login(&stoa, &key.client_id, &key.client_secret).await.refused(401, "do not match");
        stoa.admin.get(KIND, &id).await.expect(404);
        stoa.admin.delete(KIND, &id).await.expect(404);
    }

    async fn filters_and_scope(stoa) {
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        for (workspace, name) in [("orchard", "a"), ("shop", "a"), ("shop", "b")] {
            stoa.admin.create(KIND, &with(body(workspace, &[]), "/spec/displayName", json!(name))).await;
        }
        let team = stoa.key("shop", &["APIKEY_LIST", "APIKEY_SAVE", "APIKEY_DELETE"]).await;
        for (query, admin, shop) in [
            ("?workspaceIdentifier=orchard", 1, 0),
            ("?workspaceIdentifier=shop", 3, 3),
            ("?displayName=a", 2, 1),
            ("?displayName=a&workspaceIdentifier=shop", 1, 1),
            ("?displayName=A", 0, 0),
            ("?workspaceIdentifier=nowhere", 0, 0),
        ] {
            assert_eq!(stoa.admin.list(KIND, query).await.len(), admin, "{query}");
            assert_eq!(team.list(KIND, query).await.len(), shop, "{query}");
        }
        let foreign = stoa.admin.list(KIND, "?workspaceIdentifier=orchard").await.remove(0);
        let id = format!("/{}", text(&foreign, "/metadata/uuid"));
        team.get(KIND, &id).await.refused(403, "ADM_APIKEY_LIST");
        team.put(KIND, &id, &foreign).await.refused(403, "ADM_APIKEY_SAVE");
        team.delete(KIND, &id).await.refused(403, "ADM_APIKEY_DELETE");
    }
}

fn user(name: &str) -> Value {
    json!({ "metadata": { "name": name }, "spec": { "displayName": "Data extractor" } })
}

on_both! {
    async fn an_api_user_signs_in_with_its_password(stoa) {
        let made = stoa.admin.create("meshApiUser", &user("extractor")).await;
        let password = text(&made, "/status/password");
        assert!(password.len() >= 32 && password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let shown = without(made, "/status/password");
        assert_eq!(
            redacted(shown.clone(), &["/metadata/createdOn"]),
            json!({
                "kind": "meshApiUser",
                "apiVersion": "v1-preview",
                "metadata": { "name": "extractor", "createdOn": "<instant>" },
                "spec": { "displayName": "Data extractor" },
                "status": {},
                "_links": { "self": { "href": format!("{}/api/meshobjects/meshapiusers/extractor", stoa.url) } },
            })
        );
        assert_eq!(stoa.admin.get("meshApiUser", "/extractor").await.expect(200), shown);
        assert_eq!(stoa.admin.list("meshApiUser", "").await, [shown]);
        let extractor = stoa.nobody().basic("extractor", &password);
        extractor.get("meshWorkspace", "/demo-partner").await.expect(200);
        for (name, word) in [
            ("extractor", "wrong"),
            ("Extractor", &password),
            ("nobody", &password),
            ("", ""),
            ("a\u{0}b", "x"),
        ] {
            let answer = stoa.nobody().basic(name, word).get("meshWorkspace", "/demo-partner").await;
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            answer.refused(401, "");
        }
        // A PUT gives it a new password.
        let changed = stoa.admin.put("meshApiUser", "/extractor", &user("extractor")).await.expect(200);
        extractor.get("meshWorkspace", "/demo-partner").await.expect(401);
        let extractor = stoa.nobody().basic("extractor", &text(&changed, "/status/password"));
        extractor.get("meshWorkspace", "/demo-partner").await.expect(200);
        stoa.admin.delete("meshApiUser", "/extractor").await.expect(204);
        extractor.get("meshWorkspace", "/demo-partner").await.expect(401);
        stoa.admin.get("meshApiUser", "/extractor").await.expect(404);
        stoa.admin.put("meshApiUser", "/extractor", &user("extractor")).await.expect(404);
    }

    async fn api_users_are_for_full_administrators_only(stoa) {
        stoa.admin.create("meshApiUser", &user("extractor")).await;
        stoa.admin.post("meshApiUser", "", &user("extractor")).await.refused(409, "extractor");
        names(stoa.admin.put("meshApiUser", "/extractor", &user("other")).await, "metadata.name");
        for bad in ["", " ", "a:b", "a/b", "a\nb"] {
            names(stoa.admin.post("meshApiUser", "", &user(bad)).await, "metadata.name");
        }
        stoa.workspace("shop").await;
        let team = stoa.key("shop", &["APIKEY_LIST", "APIKEY_SAVE", "APIKEY_DELETE"]).await;
        assert!(team.list("meshApiUser", "").await.is_empty());
        team.get("meshApiUser", "/extractor").await.expect(403);
        team.post("meshApiUser", "", &user("mine")).await.expect(403);
        team.delete("meshApiUser", "/extractor").await.expect(403);
        // Its password opens everything, so only those who hold everything get one.
        let clerk = stoa.key("shop", &["ADM_APIKEY_SAVE", "ADM_APIKEY_LIST", "ADM_APIKEY_DELETE"]).await;
        clerk.get("meshApiUser", "/extractor").await.expect(200);
        clerk.post("meshApiUser", "", &user("mine")).await.refused(403, "every admin code");
        clerk.put("meshApiUser", "/extractor", &user("extractor")).await.refused(403, "every admin code");
        clerk.delete("meshApiUser", "/extractor").await.expect(204);
    }
}
