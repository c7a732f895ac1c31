//! Local accounts: the first administrator, links, passwords.

use crate::on_both;
use crate::stoa::{PASSWORD, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn post(stoa: &Stoa, path: &str, body: Value) -> crate::stoa::Answer {
    stoa.nobody().raw(Method::POST, path, |request| request.json(&body)).await
}

on_both! {
    async fn the_first_start_makes_one_person_administrator_once(stoa) {
        let link = stoa.running.welcome.clone().unwrap();
        let file = stoa.folder.path().join("welcome.txt");
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), link);
        // Until it was used, every start offers the same link.
        let stoa = stoa.restarted().await;
        let token = link.rsplit('/').next().unwrap().to_owned();
        let again = stoa.running.welcome.clone().unwrap();
        assert_eq!(again.rsplit('/').next().unwrap(), token);
        let offered = stoa.nobody().raw(Method::GET, &format!("/api/stoa/v1/links/{token}"), |r| r).await;
        assert_eq!(offered.expect(200), json!({ "purpose": "WELCOME" }));

        let root = stoa.first_admin().await;
        let me = root.raw(Method::GET, "/api/stoa/v1/me", |r| r).await.expect(200);
        assert_eq!(me["adminRoles"], json!(["OA"]));
        assert_eq!(text(&me, "/username"), "root");
        assert_eq!(text(&me, "/provider"), "local");
        assert_eq!(me["permissions"].as_array().unwrap().len(), 66);
        assert_eq!(me["workspaces"], json!([]), "admin roles are no roles in a workspace");
        root.create("meshWorkspace", &json!({ "metadata": { "name": "shop" }, "spec": { "displayName": "S" } })).await;

        let body = json!({ "token": token, "username": "eve", "email": "e@x.example", "password": PASSWORD });
        post(&stoa, "/api/stoa/v1/welcome", body).await.refused(404, "does not work");
        let stoa = stoa.restarted().await;
        assert!(stoa.running.welcome.is_none());
        assert!(!file.exists());
        stoa.nobody().signed_in(stoa.nobody().sign_in("root", PASSWORD).await);
    }

    async fn an_account_is_set_up_by_link(stoa) {
        let lea = stoa.person("lea").await;
        assert_eq!(text(&lea.raw(Method::GET, "/api/stoa/v1/me", |r| r).await.expect(200), "/lastName"), "Apfel");
        let ask = |username: &str| json!({ "username": username });
        stoa.admin.raw(Method::POST, "/api/stoa/v1/accounts", |r| r.json(&ask("max"))).await.refused(404, "max");
        let weak = stoa.key("demo-partner", &["ADM_USER_SAVE"]).await;
        weak.raw(Method::POST, "/api/stoa/v1/accounts", |r| r.json(&ask("lea"))).await.refused(403, "Organization Admin");

        // A new link stops the one before it, works once, and ends earlier sessions.
        let link = async || {
            let made = stoa.admin.raw(Method::POST, "/api/stoa/v1/accounts", |r| r.json(&ask("lea"))).await;
            text(&made.expect(201), "/link").rsplit('/').next().unwrap().to_owned()
        };
        let (first, second) = (link().await, link().await);
        let set = |token: &str, password: &str| json!({ "token": token, "password": password });
        post(&stoa, "/api/stoa/v1/set-password", set(&first, PASSWORD)).await.refused(404, "does not work");
        post(&stoa, "/api/stoa/v1/set-password", set(&second, "short")).await.refused(400, "at least 10");
        post(&stoa, "/api/stoa/v1/set-password", set(&second, "another long one")).await.expect(201);
        post(&stoa, "/api/stoa/v1/set-password", set(&second, PASSWORD)).await.refused(404, "does not work");
        lea.raw(Method::GET, "/api/stoa/v1/me", |r| r).await.refused(401, "over");
        stoa.nobody().sign_in("lea", PASSWORD).await.refused(401, "do not match");
        let third = link().await;
        stoa.advance(Duration::from_hours(8 * 24));
        post(&stoa, "/api/stoa/v1/set-password", set(&third, PASSWORD)).await.refused(404, "does not work");
    }

    async fn a_password_is_changed_by_who_knows_it(stoa) {
        let lea = stoa.person("lea").await;
        let other = stoa.nobody().signed_in(stoa.nobody().sign_in("lea", PASSWORD).await);
        let change = |from: &str, to: &str| json!({ "currentPassword": from, "password": to });
        let put = |body: Value| lea.raw(Method::PUT, "/api/stoa/v1/me/password", move |r| r.json(&body));
        put(change("wrong", "another long one")).await.refused(400, "is not your password");
        put(change(PASSWORD, "lea")).await.refused(400, "at least 10");
        put(change(PASSWORD, "another long one")).await.expect(204);
        lea.raw(Method::GET, "/api/stoa/v1/me", |r| r).await.expect(200);
        other.raw(Method::GET, "/api/stoa/v1/me", |r| r).await.refused(401, "over");
        stoa.nobody().sign_in("lea", PASSWORD).await.refused(401, "do not match");
        stoa.nobody().signed_in(stoa.nobody().sign_in("lea", "another long one").await);
    }
}
