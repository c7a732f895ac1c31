//! Sessions: what a cookie is worth, and when it ends.

use crate::on_both;
use crate::stoa::{Caller, PASSWORD, text};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const ME: &str = "/api/stoa/v1/me";

async fn status(person: &Caller) -> u16 {
    person.raw(Method::GET, ME, |r| r).await.status
}

on_both! {
    async fn a_session_ends_when_it_is_idle_and_at_the_end_of_its_day(stoa) {
        let lea = stoa.person("lea").await;
        for _ in 0..23 {
            stoa.advance(Duration::from_mins(31));
            assert_eq!(status(&lea).await, 200, "it is used");
        }
        stoa.advance(Duration::from_mins(31));
        assert_eq!(status(&lea).await, 401, "twelve hours are over");
        let lea = stoa.nobody().signed_in(stoa.nobody().sign_in("lea", PASSWORD).await);
        stoa.advance(Duration::from_mins(61));
        assert_eq!(status(&lea).await, 401, "an hour without use");
    }

    async fn what_changes_something_needs_proof(stoa) {
        stoa.workspace("shop").await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Manager", "shop").await;
        let (cookie, csrf) = lea.session.clone().unwrap();
        let body = json!({ "metadata": { "name": "web", "ownedByWorkspace": "shop" }, "spec": { "displayName": "W" } });
        let nobody = stoa.nobody();
        let send = async |headers: Vec<(&'static str, String)>| {
            let media = crate::stoa::media("meshProject", "v2");
            nobody
                .raw(Method::POST, "/api/meshobjects/meshprojects", |mut request| {
                    for (name, value) in headers {
                        request = request.header(name, value);
                    }
                    let request = request.header("x-stoa-workspace", "shop").header("accept", &media);
                    request.header("content-type", &media).body(body.to_string())
                })
                .await
        };
        let cookie = ("cookie", cookie);
        send(vec![cookie.clone()]).await.refused(403, "X-CSRF-Token");
        send(vec![cookie.clone(), ("x-csrf-token", "0".repeat(64))]).await.refused(403, "X-CSRF-Token");
        let proof = ("x-csrf-token", csrf);
        for foreign in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            let foreign = (foreign.0, foreign.1.to_owned());
            send(vec![cookie.clone(), proof.clone(), foreign]).await.refused(403, "not ours");
        }
        send(vec![cookie, proof, ("origin", stoa.url.clone())]).await.expect(201);
    }

    async fn sessions_are_listed_and_ended(stoa) {
        let lea = stoa.person("lea").await;
        let other = stoa.nobody().signed_in(stoa.nobody().sign_in("lea", PASSWORD).await);
        let max = stoa.person("max").await;
        let sessions = lea.raw(Method::GET, "/api/stoa/v1/sessions", |r| r).await.expect(200)["sessions"].clone();
        assert_eq!(sessions.as_array().unwrap().len(), 2);
        let elsewhere = sessions.as_array().unwrap().iter().find(|session| session["isCurrent"] == false).unwrap();
        let path = format!("/api/stoa/v1/sessions/{}", text(elsewhere, "/uuid"));
        max.raw(Method::DELETE, &path, |r| r).await.refused(404, "no session");
        lea.raw(Method::DELETE, &path, |r| r).await.expect(204);
        assert_eq!((status(&lea).await, status(&other).await), (200, 401));
        let other = stoa.nobody().signed_in(stoa.nobody().sign_in("lea", PASSWORD).await);
        let left = other.raw(Method::DELETE, "/api/stoa/v1/session", |r| r).await;
        assert!(left.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
        assert_eq!((status(&lea).await, status(&other).await), (200, 401));
        let third = stoa.nobody().signed_in(stoa.nobody().sign_in("lea", PASSWORD).await);
        lea.raw(Method::DELETE, "/api/stoa/v1/sessions", |r| r).await.expect(204);
        assert_eq!((status(&lea).await, status(&third).await, status(&max).await), (401, 401, 200));
    }

    async fn a_deleted_user_is_signed_out_at_once(stoa) {
        let lea = stoa.person("lea").await;
        assert_eq!(status(&lea).await, 200);
        stoa.admin.delete("meshUser", "/lea").await.expect(204);
        assert_eq!(status(&lea).await, 401);
        stoa.nobody().sign_in("lea", PASSWORD).await.refused(401, "do not match");
    }
}
