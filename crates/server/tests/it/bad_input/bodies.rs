//! Bodies that are no JSON, or JSON of another shape.

use super::shapes::shapes;
use super::{by_hand, everything, refused};
use crate::on_both;
use crate::stoa::{Answer, Caller, media, path, text, version_body};
use reqwest::Method;
use serde_json::{Value, json};

const MISSING: &str = "00000000-0000-4000-8000-000000000000";

/// A POST of raw bytes with the right headers.
async fn post(caller: &Caller, kind: &str, version: &str, body: impl Into<reqwest::Body>) -> Answer {
    let media = media(kind, version);
    caller
        .raw(Method::POST, &path(kind, ""), |r| {
            r.header("accept", &media).header("content-type", &media).body(body)
        })
        .await
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

on_both! {
    async fn what_is_no_json_object_is_400(stoa) {
        let before = everything(&stoa).await;
        for body in [
            "",
            " ",
            "{",
            "}",
            "[]",
            "null",
            "true",
            "7",
            "\"x\"",
            "{'metadata':1}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1}{}",
            "{\"a\":1} x",
            "{a:1}",
            "{\"a\":NaN}",
            "{\"a\":1e999}",
            "{\"a\":01}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\n\"}",
            "/* */{}",
            "\u{feff}{}",
            "metadata: {}",
            "<a/>",
            "a=b",
        ] {
            for (kind, version) in
                [("meshWorkspace", "v2"), ("meshApiKey", "v1-preview"), ("meshBuildingBlock", "v2-preview")]
            {
                refused(&post(&stoa.admin, kind, version, body).await, 400, &format!("{kind} {body:?}"));
            }
        }
        assert_eq!(everything(&stoa).await, before);
    }

    async fn a_wrong_type_is_named(stoa) {
        stoa.workspace("shop").await;
        let before = everything(&stoa).await;
        for (kind, good, members) in shapes() {
            for (pointer, values) in members {
                let field = pointer[1..].replace('/', ".");
                for value in values {
                    let answer = stoa.admin.post(kind, "", &with(good.clone(), pointer, value.clone())).await;
                    let what = format!("{kind} {field} = {value}");
                    refused(&answer, 400, &what);
                    let named = answer.json()["remarks"][0].as_str().unwrap_or_default().to_owned();
                    assert!(
                        named == field || named.starts_with(&format!("{field}.")),
                        "{what}: it names `{named}`"
                    );
                    assert!(
                        answer.json()["message"].as_str().unwrap().starts_with(&format!("`{named}`")),
                        "{what}"
                    );
                }
            }
        }
        assert_eq!(everything(&stoa).await, before);
        for (kind, good, _) in shapes() {
            stoa.admin.create(kind, &good).await;
        }
    }

    async fn a_wrong_type_comes_before_rights_and_a_broken_rule_after(stoa) {
        for name in ["shop", "poor"] {
            stoa.workspace(name).await;
        }
        let poor = stoa.key("poor", &[]).await;
        for (kind, good, members) in shapes().into_iter().take(5) {
            let (pointer, values) = members.last().unwrap();
            let wrong = with(good.clone(), pointer, values[0].clone());
            refused(&poor.post(kind, "", &wrong).await, 400, kind);
            refused(&stoa.admin.put(kind, &format!("/{MISSING}"), &wrong).await, 400, kind);
            let blank = with(good, "/spec/firstName", json!(""));
            let blank = with(blank, "/spec/displayName", json!(""));
            refused(&poor.post(kind, "", &blank).await, 403, kind);
            refused(&poor.post(kind, "", &json!({})).await, 403, kind);
        }
    }

    async fn kind_and_version_of_the_body_are_those_of_its_media_type(stoa) {
        stoa.workspace("shop").await;
        let before = everything(&stoa).await;
        for (kind, good, _) in shapes() {
            for (field, values) in [
                ("apiVersion", vec![json!("v1"), json!("v9"), json!(""), json!(2), json!({})]),
                ("kind", vec![json!("meshOther"), json!(""), json!(7), json!([])]),
            ] {
                for value in values {
                    if value == crate::stoa::of(kind).0 {
                        continue;
                    }
                    let mut wrong = good.clone();
                    wrong[field] = value.clone();
                    let answer = stoa.admin.post(kind, "", &wrong).await;
                    let what = format!("{kind} {field} = {value}");
                    refused(&answer, 400, &what);
                    assert_eq!(answer.json()["remarks"], json!([field]), "{what}");
                }
            }
        }
        assert_eq!(everything(&stoa).await, before);
        // Absent, null and equal are fine, in either case of letters.
        for (n, kind) in [Value::Null, json!("meshWorkspace"), json!("meshworkspace")].into_iter().enumerate()
        {
            let body = json!({ "kind": kind, "metadata": { "name": format!("w{n}") }, "spec": { "displayName": "W" } });
            stoa.admin.create("meshWorkspace", &body).await;
        }
    }

    async fn unknown_kinds_and_versions_are_no_media_types_of_ours(stoa) {
        let right = media("meshWorkspace", "v2");
        let body = json!({ "metadata": { "name": "orchard" }, "spec": { "displayName": "O" } }).to_string();
        let send = |content_type: String, accept: String| {
            let (admin, body) = (stoa.admin.clone(), body.clone());
            async move {
                let with = |r: reqwest::RequestBuilder| {
                    r.header("content-type", content_type).header("accept", accept).body(body)
                };
                admin.raw(Method::POST, &path("meshWorkspace", ""), with).await
            }
        };
        for wrong in [
            "application/vnd.meshcloud.api.meshworkspace.v3.hal+json",
            "application/vnd.meshcloud.api.meshworkspace.v2-preview.hal+json",
            "application/vnd.meshcloud.api.meshworkspace.hal+json",
            "application/vnd.meshcloud.api.meshworkspace.v2+json",
            "application/vnd.meshcloud.api.meshproject.v2.hal+json",
            "application/vnd.meshcloud.api.meshworkspaces.v2.hal+json",
            "application/vnd.meshcloud.api.meshcustomer.v1.hal+json",
            "application/hal+json",
            "application/json",
            "text/plain",
            "*/*",
            "nonsense",
            ";",
        ] {
            let answer = send(wrong.into(), right.clone()).await;
            assert!(answer.json()["message"].as_str().unwrap().contains(&right), "{}", answer.text);
            refused(&answer, 415, wrong);
            let answer = send(right.clone(), wrong.into()).await;
            assert!(answer.json()["message"].as_str().unwrap().contains(&right), "{}", answer.text);
            refused(&answer, 406, wrong);
        }
        // A retired version is told which one to use.
        refused(&send(right.clone(), media("meshWorkspace", "v1")).await, 406, "v1 cannot be written");
        // The best of several is taken, also over several lines; case and parameters do not matter.
        for (n, accept) in [
            format!("*/*, {right};q=0.1"),
            format!("text/html,{};charset=utf-8", right.to_uppercase()),
            format!("{right};q=1.0,{}", media("meshWorkspace", "v1")),
        ]
        .into_iter()
        .enumerate()
        {
            let body = json!({ "metadata": { "name": format!("w{n}") }, "spec": { "displayName": "W" } })
                .to_string();
            let answer = stoa
                .admin
                .raw(Method::POST, &path("meshWorkspace", ""), |r| {
                    r.header("content-type", format!("{} ; charset=UTF-8", right.to_uppercase()))
                        .header("accept", accept)
                        .body(body)
                })
                .await;
            assert_eq!(answer.headers["content-type"], right);
            answer.expect(201);
        }
        let (v1, v2) = (media("meshWorkspace", "v1"), right);
        for (lines, taken) in [
            ([format!("{v1};q=0.5"), v2.clone()], &v2),
            ([v1.clone(), v2.clone()], &v1),
            (["text/html".into(), v1.clone()], &v1),
        ] {
            let answer = stoa
                .admin
                .raw(Method::GET, &path("meshWorkspace", ""), |r| {
                    lines.iter().fold(r, |r, line| r.header("accept", line))
                })
                .await;
            assert_eq!(&answer.headers["content-type"], taken);
        }
    }

    async fn long_strings_are_refused_and_exempt_ones_are_not(stoa) {
        stoa.workspace("shop").await;
        let before = everything(&stoa).await;
        for (kind, good, members) in shapes() {
            for (pointer, values) in members {
                // Members that are texts: those for which a number is wrong.
                let is_text = values.contains(&json!(1.5));
                if !is_text || pointer.ends_with("/publicKey") {
                    continue;
                }
                let answer =
                    stoa.admin.post(kind, "", &with(good.clone(), pointer, json!("ä".repeat(256)))).await;
                let what = format!("{kind} {pointer}");
                refused(&answer, 400, &what);
                assert_eq!(answer.json()["remarks"], json!([pointer[1..].replace('/', ".")]), "{what}");
                assert!(
                    answer.json()["message"].as_str().unwrap().contains("255"),
                    "{what}: {}",
                    answer.text
                );
            }
        }
        assert_eq!(everything(&stoa).await, before);
        // 255 letters of any width are fine.
        let wide = json!({ "metadata": { "name": "wide" }, "spec": { "displayName": "🍎".repeat(255) } });
        let made = stoa.admin.create("meshWorkspace", &wide).await;
        assert_eq!(made["spec"]["displayName"], wide["spec"]["displayName"]);
        // Secrets, keys and free texts may be long.
        let long = "k".repeat(20_000);
        stoa.admin.create("meshIntegration", &json!({ "metadata": { "ownedByWorkspace": "shop" }, "spec": {
            "displayName": "I", "config": { "type": "github", "github": {
                "owner": "o", "baseUrl": "https://x.example", "appId": "1", "appPrivateKey": { "plaintext": long },
            } },
        } })).await;
        let definition = stoa
            .admin
            .create(
                "meshBuildingBlockDefinition",
                &json!({
                    "metadata": { "ownedByWorkspace": "shop" },
                    "spec": { "displayName": "D", "description": "d", "readme": long },
                }),
            )
            .await;
        assert_eq!(definition["spec"]["readme"], long);
        let mut version = version_body("shop", &text(&definition, "/metadata/uuid"));
        version["spec"]["implementation"]["terraform"]["preRunScript"] = json!(long);
        let id = format!("/{}", text(&definition, "/status/latestVersionUuid"));
        stoa.admin.put("meshBuildingBlockDefinitionVersion", &id, &version).await.expect(200);
    }

    async fn zero_characters_are_refused_everywhere(stoa) {
        stoa.workspace("shop").await;
        let before = everything(&stoa).await;
        for (kind, good, members) in shapes() {
            for (pointer, values) in members {
                let zero = if values.contains(&json!(1.5)) {
                    json!("a\u{0}b")
                } else {
                    json!({ "a\u{0}b": ["x\u{0}"] })
                };
                let answer = stoa.admin.post(kind, "", &with(good.clone(), pointer, zero)).await;
                refused(&answer, 400, &format!("{kind} {pointer}"));
            }
        }
        for tags in [json!({ "a\u{0}b": ["x"] }), json!({ "k": ["x\u{0}"] })] {
            let body =
                json!({ "metadata": { "name": "orchard", "tags": tags }, "spec": { "displayName": "O" } });
            refused(&stoa.admin.post("meshWorkspace", "", &body).await, 400, "tags");
        }
        assert_eq!(everything(&stoa).await, before);
    }

    async fn deep_nesting_is_refused(stoa) {
        let before = everything(&stoa).await;
        for depth in [70, 200, 100_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let inner = if open == "[" { "" } else { "1" };
                let deep = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
                let body = format!(
                    "{{\"metadata\":{{\"name\":\"orchard\"}},\"spec\":{{\"displayName\":\"O\"}},\"more\":{deep}}}"
                );
                refused(
                    &post(&stoa.admin, "meshWorkspace", "v2", body).await,
                    400,
                    &format!("{depth} {open}"),
                );
                let login = format!("{{\"clientId\":{deep}");
                let answer = stoa
                    .nobody()
                    .raw(Method::POST, "/api/login", |r| {
                        r.header("content-type", "application/json")
                            .body(login.chars().take(16_000).collect::<String>())
                    })
                    .await;
                refused(&answer, 400, "login");
            }
        }
        assert_eq!(everything(&stoa).await, before);
    }

    async fn a_content_type_without_a_body_is_ignored(stoa) {
        stoa.workspace("orchard").await;
        let accept = media("meshWorkspace", "v2");
        for content_type in ["application/json", "nonsense", accept.as_str()] {
            let answer = stoa
                .admin
                .raw(Method::GET, &path("meshWorkspace", "/orchard"), |r| {
                    r.header("accept", &accept).header("content-type", content_type)
                })
                .await;
            answer.expect(200);
        }
        let answer = stoa
            .admin
            .raw(Method::GET, &path("meshWorkspace", "/orchard"), |r| {
                r.header("accept", &accept).header("content-type", "application/json").body("{not json")
            })
            .await;
        answer.expect(200);
        // A DELETE needs no Accept, and takes no wrong one; everything else needs a right one.
        let authorization = stoa.admin.authorization.as_deref().unwrap();
        let by_hand = async |method: &str, accept: &str| {
            let head = format!(
                "{method} /api/meshobjects/meshworkspaces/orchard HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                 authorization: {authorization}\r\n{accept}\r\n"
            );
            by_hand(&stoa, head.as_bytes()).await
        };
        for (method, accept, status) in [
            ("GET", "", 406),
            ("DELETE", "accept: application/json\r\n", 406),
            ("DELETE", "accept: */*\r\n", 406),
            ("DELETE", "", 204),
        ] {
            let (line, _) = by_hand(method, accept).await;
            assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {accept}: {line}");
        }
    }
}
