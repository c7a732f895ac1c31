//! Paths, queries and methods that are wrong, or merely odd.

use super::{KINDS, by_hand, everything, refused};
use crate::on_both;
use crate::stoa::{media, path};
use reqwest::Method;
use serde_json::json;

on_both! {
    async fn unknown_paths_are_404_for_everybody(stoa) {
        for wrong in [
            "/nothing",
            "/api/nothing",
            "/api/meshobjects/nothing",
            "/api/meshobjects/meshWorkspaces",
            "/API",
            "/api/metadata",
            "/api/metadata/openstackProjectMetadata",
            "/api/meshobjects/meshcustomers",
            "/api/meshobjects/meshworkspaces/a/b",
            "/api//meshobjects",
            "//api",
            "/mesh/info/x",
            "/api/meshobjects/meshbuildingblockruns/x/status/source/y/z",
        ] {
            for caller in [&stoa.nobody(), &stoa.admin] {
                refused(&caller.raw(Method::GET, wrong, |r| r).await, 404, wrong);
                refused(&caller.raw(Method::POST, wrong, |r| r.body("{")).await, 404, wrong);
            }
        }
    }

    async fn other_methods_are_405_and_name_those_that_are_offered(stoa) {
        let kind = "meshProject";
        for (rest, allow) in [("", "GET, POST"), ("/orchard.web", "GET, PUT, DELETE")] {
            for method in ["PATCH", "OPTIONS", "TRACE", "LOCK", "BREW"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let answer = stoa.nobody().raw(method.clone(), &path(kind, rest), |r| r).await;
                assert_eq!(answer.headers["allow"], allow, "{method} {rest}");
                refused(&answer, 405, rest);
            }
            // An answer to HEAD has no body.
            let answer = stoa.admin.raw(Method::HEAD, &path(kind, rest), |r| r).await;
            assert_eq!((answer.status, answer.text.as_str()), (405, ""));
            assert_eq!(answer.headers["allow"], allow);
        }
        refused(&stoa.admin.raw(Method::DELETE, &path(kind, ""), |r| r).await, 405, "all of them");
        refused(&stoa.admin.raw(Method::DELETE, &path(kind, "/"), |r| r).await, 405, "an empty id");
        refused(&stoa.admin.raw(Method::DELETE, "/api/meshobjects", |r| r).await, 405, "the import");
        refused(&stoa.nobody().raw(Method::POST, "/mesh/info", |r| r).await, 405, "the info");
    }

    async fn a_slash_at_the_end_does_not_matter(stoa) {
        stoa.workspace("orchard").await;
        let plain = stoa.admin.get("meshWorkspace", "/orchard").await.expect(200);
        assert_eq!(stoa.admin.get("meshWorkspace", "/orchard/").await.expect(200), plain);
        for (kind, rest) in
            [("meshWorkspace", "/"), ("meshProject", "/?workspaceIdentifier=orchard"), ("meshApiKey", "/")]
        {
            assert!(stoa.admin.get(kind, rest).await.expect(200)["_embedded"].is_object());
        }
        let made = stoa.admin.post("meshProject", "/", &json!({
            "metadata": { "name": "web", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "W" },
        })).await;
        made.expect(201);
        stoa.nobody().raw(Method::GET, "/mesh/info/", |r| r).await.expect(200);
        stoa.admin.delete("meshProject", "/orchard.web/").await.expect(204);
    }

    async fn segments_match_decoded(stoa) {
        stoa.workspace("orchard").await;
        let plain = stoa.admin.get("meshWorkspace", "/orchard").await.expect(200);
        let accept = media("meshWorkspace", "v2");
        for address in [
            "/api/meshobjects/meshworkspaces/%6Frchard",
            "/%61pi/mesh%6fbjects/meshworkspace%73/orchard",
            "/api/meshobjects/meshworkspaces/orchard?",
            "/api/meshobjects/meshworkspaces/orchard?&&=&x&%20=%20",
        ] {
            let shown = stoa.admin.raw(Method::GET, address, |r| r.header("accept", &accept)).await;
            assert_eq!(shown.expect(200), plain, "{address}");
        }
        // Identifiers are case-sensitive, an encoded slash is none, and decoding happens once.
        for id in ["Orchard", "orchard%2Fx", "%256Frchard", "orchard%20", "%6Frchard%"] {
            refused(&stoa.admin.get("meshWorkspace", &format!("/{id}")).await, 404, id);
        }
    }

    async fn what_is_not_text_is_400_and_tells_nobody_anything(stoa) {
        stoa.workspace("orchard").await;
        let before = everything(&stoa).await;
        for kind in KINDS {
            for rest in
                ["/%ff", "/%C3%28", "/a%00b", "/%00", "?x=%ff", "?%ff=x", "?displayName=a%00b", "?page=%FE"]
            {
                for caller in [&stoa.nobody(), &stoa.nobody().bearer("garbage")] {
                    refused(&caller.get(kind, rest).await, 401, rest);
                }
                refused(&stoa.admin.get(kind, rest).await, 400, rest);
            }
        }
        for rest in ["/%ff", "/a%00b", "/orchard?x=%ff"] {
            let body = json!({ "metadata": { "name": "orchard" }, "spec": { "displayName": "X" } });
            refused(&stoa.admin.put("meshWorkspace", rest, &body).await, 400, rest);
            refused(&stoa.admin.delete("meshWorkspace", rest).await, 400, rest);
        }
        assert_eq!(everything(&stoa).await, before);
    }

    async fn odd_ids_name_nothing(stoa) {
        let long = "x".repeat(5000);
        for kind in KINDS {
            for id in [
                "'",
                "%27%20OR%201=1--",
                "%25",
                "_",
                "null",
                "0",
                "-1",
                &long,
                "%F0%9F%8D%8E",
                "a%0Ab",
                "%22%7B%7D",
            ] {
                refused(&stoa.admin.get(kind, &format!("/{id}")).await, 404, &format!("{kind} {id}"));
            }
        }
    }

    async fn unknown_parameters_are_ignored_and_odd_values_find_nothing(stoa) {
        stoa.workspace("orchard").await;
        for kind in KINDS {
            let all = stoa.admin.list(kind, "").await;
            assert_eq!(stoa.admin.list(kind, "?unknown=1&sort=x,asc&fields=%5B%5D").await, all, "{kind}");
            let filters: Vec<&str> = stoa
                .running
                .app
                .router
                .all()
                .filter(|route| route.path == path(kind, "") && route.method == Method::GET)
                .flat_map(|route| route.about.query.iter().map(|(name, _)| *name))
                .collect();
            for name in filters {
                for value in [
                    "'",
                    "%25",
                    "%22",
                    "x".repeat(3000).as_str(),
                    "-1",
                    "9999999999999999999999",
                    "%F0%9F%8D%8E",
                    ",,,",
                ] {
                    let answer = stoa.admin.get(kind, &format!("?{name}={value}")).await;
                    match answer.status {
                        200 => assert_eq!(answer.json()["page"]["totalElements"], 0, "{kind} {name}={value}"),
                        400 => refused(&answer, 400, name),
                        other => panic!("{kind} {name}={value}: {other} {}", answer.text),
                    }
                }
            }
        }
    }

    async fn bytes_that_are_no_http_do_no_harm(stoa) {
        let host = stoa.url.strip_prefix("http://").unwrap();
        for bytes in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
            b"GET / HTTP/9.9\r\n\r\n",
            b"\r\n\r\n\r\nnonsense\r\n\r\n",
            b"GET /mesh/info HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: -1\r\n\r\n",
            b"POST /api/login HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc",
            b"POST /api/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ] {
            let line = by_hand(&stoa, bytes).await.0;
            assert!(!line.starts_with("HTTP/1.1 5"), "{line}");
        }
        let long =
            format!("GET /api/{} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", "x".repeat(70_000));
        assert!(by_hand(&stoa, long.as_bytes()).await.0.contains(" 414 "));
        for path in ["/api/./meshobjects", "/api/../mesh/info", "/%2e%2e/mesh/info"] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            assert!(by_hand(&stoa, request.as_bytes()).await.0.contains(" 404 "), "{path}");
        }
        // Whole addresses, as proxies send them, are fine.
        let whole =
            format!("GET {}/mesh/info HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", stoa.url);
        assert!(by_hand(&stoa, whole.as_bytes()).await.0.contains(" 200 "));
        stoa.admin.get("meshWorkspace", "").await.expect(200);
    }
}
