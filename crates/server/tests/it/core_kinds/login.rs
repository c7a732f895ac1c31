//! `POST /api/login` and the tokens it gives (`api-core.md` §2.1 and §2.2).

use super::names;
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";

async fn send(stoa: &Stoa, content_type: Option<&str>, body: impl Into<String>) -> Answer {
    let body = body.into();
    stoa.nobody()
        .raw(Method::POST, "/api/login", |request| match content_type {
            Some(content_type) => request.header("content-type", content_type).body(body),
            None => request.body(body),
        })
        .await
}

on_both! {
    async fn both_encodings_answer_alike(stoa) {
        let (id, secret) = (&stoa.admin.client_id, &stoa.admin.client_secret);
        let plain = json!({ "clientId": id, "clientSecret": secret }).to_string();
        let more =
            json!({ "clientId": id, "clientSecret": secret, "grantType": "x", "more": null }).to_string();
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let shuffled =
            format!("client_secret={secret}&scope=a+b%20c&client_id={id}&grant_type=client%5Fcredentials");
        for (content_type, body) in [
            ("application/json", &plain),
            ("application/json; charset=utf-8", &plain),
            ("Application/JSON;charset=UTF-8", &more),
            (FORM, &form),
            ("application/x-www-form-urlencoded; charset=UTF-8", &shuffled),
        ] {
            let answer = send(&stoa, Some(content_type), body).await;
            assert_eq!(answer.headers["content-type"], "application/json");
            let granted = answer.expect(200);
            let token = text(&granted, "/access_token");
            let mut rest = granted.as_object().unwrap().clone();
            rest.shift_remove("access_token");
            assert_eq!(
                Value::Object(rest),
                json!({
                    "token_type": "Bearer",
                    "expires_in": 300,
                    "refresh_expires_in": 0,
                    "not-before-policy": 0,
                    "scope": "profile email",
                })
            );
            assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
            stoa.nobody().bearer(&token).get("meshWorkspace", "").await.expect(200);
        }
    }

    async fn wrong_credentials_are_401(stoa) {
        let (id, secret) = (&stoa.admin.client_id, &stoa.admin.client_secret);
        for (id, secret) in [
            (id.as_str(), "wrong"),
            (id, ""),
            ("00000000-0000-4000-8000-000000000000", secret),
            ("not-a-uuid", secret),
            ("", secret),
            ("a\u{0}b", "c\u{0}d"),
        ] {
            let body = json!({ "clientId": id, "clientSecret": secret }).to_string();
            let answer = send(&stoa, Some("application/json"), body).await;
            let told = answer.json();
            assert_eq!(told["error"], "invalid_client");
            assert!(told["error_description"].is_string());
            assert_eq!(told["errorCode"], "Unauthorized");
            answer.refused(401, "do not match");
        }
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret=wrong");
        send(&stoa, Some(FORM), form).await.refused(401, "do not match");
    }

    async fn what_cannot_be_read_is_400_or_415(stoa) {
        let plain = json!({ "clientId": "a", "clientSecret": "b" }).to_string();
        for (content_type, body) in [
            (None, plain.as_str()),
            (Some("text/plain"), &plain),
            (Some("application/vnd.meshcloud.api.meshapikey.v1-preview.hal+json"), &plain),
            (Some("application/xml"), ""),
        ] {
            send(&stoa, content_type, body).await.refused(415, "application/json");
        }
        for (body, field) in [
            (r#"{"clientId":"a"}"#, "clientSecret"),
            (r#"{"clientSecret":"a"}"#, "clientId"),
            (r#"{"clientId":null,"clientSecret":"a"}"#, "clientId"),
            (r#"{"clientId":7,"clientSecret":"a"}"#, "clientId"),
        ] {
            names(send(&stoa, Some("application/json"), body).await, field);
        }
        for body in ["", "{", "[]", "null", "\"x\"", "clientId=a"] {
            send(&stoa, Some("application/json"), body).await.refused(400, "body");
        }
        for (body, field) in [
            ("", "grant_type"),
            ("client_id=a&client_secret=b", "grant_type"),
            ("grant_type=password&client_id=a&client_secret=b", "grant_type"),
            ("grant_type=client_credentials&client_secret=b", "client_id"),
            ("grant_type=client_credentials&client_id=a&client_secret=", "client_secret"),
        ] {
            names(send(&stoa, Some(FORM), body).await, field);
        }
        let huge = format!("{{\"clientId\":\"{}\"", "x".repeat(20_000));
        send(&stoa, Some("application/json"), huge).await.refused(413, "16384");
        stoa.nobody().raw(Method::GET, "/api/login", |r| r).await.refused(405, "POST");
    }

    async fn a_token_is_good_for_five_minutes(stoa) {
        stoa.admin.get("meshWorkspace", "").await.expect(200);
        stoa.advance(Duration::from_secs(200));
        stoa.admin.get("meshWorkspace", "").await.expect(200);
        stoa.advance(Duration::from_secs(101));
        let answer = stoa.admin.get("meshWorkspace", "").await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        answer.refused(401, "expired");
    }

    async fn credentials_that_cannot_be_read_are_401(stoa) {
        let good = stoa.admin.authorization.clone().unwrap();
        let token = good.strip_prefix("Bearer ").unwrap();
        let (head, tail) = token.rsplit_once('.').unwrap();
        let unsigned = "eyJhbGciOiJub25lIn0.eyJ0eXAiOiJhY2Nlc3MifQ.";
        let turned: String = tail.chars().rev().collect();
        for bad in [
            "Bearer".to_owned(),
            "Bearer ".into(),
            token.to_owned(),
            format!("Bearer {head}"),
            format!("Bearer {head}.{turned}"),
            format!("Bearer {unsigned}"),
            format!("Bearer {}", "x".repeat(6000)),
            format!("Token {token}"),
            "Basic".into(),
            "Basic !!!".into(),
            "Basic bm9jb2xvbg==".into(),
            "Basic //79/A==".into(),
            format!("Basic {token}"),
        ] {
            let mut caller: Caller = stoa.nobody();
            caller.authorization = Some(bad.clone());
            let answer = caller.get("meshWorkspace", "").await;
            assert_eq!(answer.status, 401, "{bad}: {}", answer.text);
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            answer.refused(401, "");
        }
        // The scheme's case and blanks do not matter.
        for fine in [format!("bearer {token}"), format!("BEARER   {token}")] {
            let mut caller: Caller = stoa.nobody();
            caller.authorization = Some(fine);
            caller.get("meshWorkspace", "").await.expect(200);
        }
    }
}
