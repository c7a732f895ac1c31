//! What attackers try on signing in: guessing, fixing sessions, framing pages, forms from elsewhere.

use super::browser::Browser;
use crate::on_both;
use crate::stoa::PASSWORD;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use stoa_db::Engine;

on_both! {
    async fn guessing_has_to_wait_longer_and_longer(stoa) {
        stoa.person("lea").await;
        for _ in 0..5 {
            stoa.nobody().sign_in("lea", "wrong").await.refused(401, "do not match");
        }
        let blocked = stoa.nobody().sign_in("lea", PASSWORD).await;
        assert_eq!(blocked.status, 429, "also with the right one");
        assert!(blocked.headers.contains_key("retry-after"));
        // A restart forgets nothing.
        let stoa = stoa.restarted().await;
        assert_eq!(stoa.nobody().sign_in("lea", PASSWORD).await.status, 429);
        stoa.advance(Duration::from_secs(31));
        stoa.nobody().sign_in("lea", "wrong").await.refused(401, "do not match");
        stoa.advance(Duration::from_secs(31));
        assert_eq!(stoa.nobody().sign_in("lea", PASSWORD).await.status, 429, "twice as long");
        stoa.advance(Duration::from_secs(31));
        stoa.nobody().sign_in("lea", PASSWORD).await.expect(201);
        // Success forgets the failures.
        for _ in 0..4 {
            stoa.nobody().sign_in("lea", "wrong").await.refused(401, "do not match");
        }
        stoa.nobody().sign_in("lea", PASSWORD).await.expect(201);
        // A name that nobody has is treated the same.
        for _ in 0..5 {
            stoa.nobody().sign_in("nobody", "wrong").await.refused(401, "do not match");
        }
        assert_eq!(stoa.nobody().sign_in("nobody", "wrong").await.status, 429);
    }

    async fn an_address_that_tries_many_names_has_to_wait(stoa) {
        stoa.person("lea").await;
        for n in 0..30 {
            stoa.nobody().sign_in(&format!("name-{n}"), "wrong").await.refused(401, "do not match");
        }
        assert_eq!(stoa.nobody().sign_in("lea", PASSWORD).await.status, 429);
        // Nobody pretends to come from elsewhere, unless a proxy is said to stand in front.
        let body = json!({ "username": "lea", "password": PASSWORD });
        let elsewhere = async |stoa: &crate::stoa::Stoa| {
            let nobody = stoa.nobody();
            let sent = nobody.raw(Method::POST, "/api/stoa/v1/session", |request| {
                request.header("x-forwarded-for", "10.1.1.1, 203.0.113.7").json(&body)
            });
            sent.await.status
        };
        assert_eq!(elsewhere(&stoa).await, 429);
        let stoa = stoa.restarted_with(|config| config.behind_proxy = true).await;
        assert_eq!(elsewhere(&stoa).await, 201);
    }

    async fn many_guesses_at_a_time_are_as_many(stoa) {
        stoa.person("lea").await;
        let mut guesses = tokio::task::JoinSet::new();
        for n in 0..20 {
            let nobody = stoa.nobody();
            guesses.spawn(async move { nobody.sign_in("lea", &format!("guess {n}")).await.status });
        }
        let mut statuses = guesses.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 401 | 429)));
        assert_eq!(stoa.nobody().sign_in("lea", PASSWORD).await.status, 429);
    }

    async fn known_and_unknown_names_answer_alike(stoa) {
        stoa.person("lea").await;
        let user = json!({ "metadata": { "name": "plain" }, "spec": { "email": "p@x.example", "firstName": "", "lastName": "" } });
        stoa.admin.create("meshUser", &user).await;
        let mut answers = Vec::new();
        // Somebody with an account, somebody without one, nobody.
        for name in ["lea", "plain", "nobody"] {
            let started = Instant::now();
            let answer = stoa.nobody().sign_in(name, "wrong").await;
            let took = started.elapsed();
            let mut body = answer.json();
            body["timestamp"] = json!(null);
            body["requestId"] = json!(null);
            answers.push((answer.status, body.to_string(), answer.headers.contains_key("set-cookie"), took));
        }
        for answer in &answers {
            assert_eq!((answer.0, &answer.1, answer.2), (401, &answers[0].1, false));
            // Each has hashed a password, which takes milliseconds; without one the answer takes less than one.
            assert!(answer.3 > Duration::from_millis(4), "{:?}", answer.3);
        }
    }

    async fn a_session_is_never_one_that_somebody_brought(stoa) {
        stoa.person("lea").await;
        let mut thief = Browser::at(&stoa.url);
        thief.send("/login", &[("username", "lea"), ("password", PASSWORD)]).await;
        let fixed = thief.cookie("stoa_session").unwrap().to_owned();
        let mut victim = Browser::at(&stoa.url);
        victim.take("stoa_session", &fixed);
        victim.send("/login", &[("username", "lea"), ("password", PASSWORD)]).await;
        let own = victim.cookie("stoa_session").unwrap().to_owned();
        assert_ne!(own, fixed);
        assert_eq!(thief.go("/me").await.path(), "/login", "the session that was brought along is over");
        let mut made_up = Browser::at(&stoa.url);
        made_up.take("stoa_session", &"A".repeat(43));
        made_up.send("/login", &[("username", "lea"), ("password", PASSWORD)]).await;
        assert_ne!(made_up.cookie("stoa_session").unwrap(), "A".repeat(43));
    }

    async fn pages_are_not_framed_and_take_forms_from_here_only(stoa) {
        stoa.person("lea").await;
        let mut browser = Browser::at(&stoa.url);
        let page = browser.go("/login").await.expect(200);
        assert_eq!(page.headers["x-frame-options"], "DENY");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for part in ["frame-ancestors 'none'", "script-src 'self'", "form-action 'self'", "default-src 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(page.headers["cache-control"], "no-store");
        let form = [("username", "lea"), ("password", PASSWORD)];
        let nobody = stoa.nobody();
        let evil = "https://evil.example";
        let foreign = nobody.raw(Method::POST, "/login", |r| r.form(&form).header("origin", evil)).await;
        assert_eq!(foreign.status, 403);
        assert!(!foreign.headers.contains_key("set-cookie"));
        let signed = browser.ask(Method::POST, "/login", Some(&form)).await;
        let cookie = signed.headers["set-cookie"].to_str().unwrap();
        for flag in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(flag), "{cookie}");
        }
        assert!(!cookie.contains("Secure"), "over plain http it would be lost");
        // A form without the proof of this session changes nothing.
        for csrf in ["", "0"] {
            browser.send("/me/preferences", &[("csrf", csrf), ("theme", "dark")]).await.expect(403);
            browser.send("/logout", &[("csrf", csrf)]).await.expect(403);
        }
        browser.go("/me").await.expect(200);
    }

    async fn local_accounts_can_be_switched_off(stoa) {
        let lea = stoa.person("lea").await;
        let stoa = stoa.restarted_with(|config| config.no_local_accounts = true).await;
        assert!(stoa.running.welcome.is_none());
        stoa.nobody().sign_in("lea", PASSWORD).await.refused(403, "switched off");
        let change = json!({ "currentPassword": PASSWORD, "password": "another long one" });
        let url = format!("{}/api/stoa/v1/me/password", stoa.url);
        lea.raw(Method::PUT, &url, |r| r.json(&change)).await.refused(403, "switched off");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_https_cookies_are_secure() {
    let change = |config: &mut stoa_server::Config| config.public_url = Some("https://stoa.example".into());
    let stoa = crate::stoa::Stoa::on_with(Engine::Sqlite, change).await.unwrap();
    stoa.person("lea").await;
    let cookie =
        stoa.nobody().sign_in("lea", PASSWORD).await.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-stoa_session="), "{cookie}");
    assert!(
        cookie.contains("; Secure") && cookie.contains("Path=/") && !cookie.contains("Domain"),
        "{cookie}"
    );
}
