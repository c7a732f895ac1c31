//! Bodies that are too many bytes, or bytes that are no text.

use super::{everything, refused};
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, media, path};
use futures_util::stream;
use reqwest::{Body, Method};
use serde_json::json;
use std::convert::Infallible;

const MIB: usize = 1 << 20;

/// A body that would be taken, made this long by blanks behind it.
fn padded(name: &str, length: usize) -> String {
    let mut body = json!({ "metadata": { "name": name }, "spec": { "displayName": "O" } }).to_string();
    body.extend(std::iter::repeat_n(' ', length - body.len()));
    body
}

/// The same in pieces, without saying how long it will be.
fn in_pieces(text: &str) -> Body {
    let pieces: Vec<_> = text.as_bytes().chunks(64 << 10).map(<[u8]>::to_vec).collect();
    Body::wrap_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
}

/// A body that does not end.
fn endless() -> Body {
    Body::wrap_stream(stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 256 << 10])))
}

async fn send(caller: &Caller, kind: &str, version: &str, rest: &str, body: impl Into<Body>) -> Answer {
    let media = media(kind, version);
    let method = if rest.is_empty() { Method::POST } else { Method::PUT };
    caller
        .raw(method, &path(kind, rest), |r| {
            r.header("accept", &media).header("content-type", &media).body(body)
        })
        .await
}

/// The status that a body without end gets. It comes while the client still sends; whether its text arrives
/// before the connection breaks is chance.
async fn endless_status(stoa: &Stoa, caller: &Caller, method: Method, path: &str, media: &str) -> u16 {
    let mut request = reqwest::Client::new()
        .request(method, format!("{}{path}", stoa.url))
        .header("accept", media)
        .header("content-type", media)
        .body(endless());
    if let Some(authorization) = &caller.authorization {
        request = request.header("authorization", authorization);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn strangers(stoa: &Stoa) -> [Caller; 3] {
    stoa.workspace("gone").await;
    let gone = stoa.key("gone", &["PROJECT_SAVE"]).await;
    stoa.admin.delete("meshWorkspace", "/gone").await.expect(204);
    [stoa.nobody(), stoa.nobody().basic("nobody", "nothing"), gone]
}

on_both! {
    async fn the_limit_is_exact_and_told(stoa) {
        for (n, chunked) in [false, true].into_iter().enumerate() {
            let pack = |text: &str| if chunked { in_pieces(text) } else { Body::from(text.to_owned()) };
            let name = format!("w{n}");
            send(&stoa.admin, "meshWorkspace", "v2", "", pack(&padded(&name, MIB))).await.expect(201);
            let before = everything(&stoa).await;
            for over in [MIB + 1, 10 * MIB] {
                for rest in ["", &format!("/{name}")] {
                    let answer =
                        send(&stoa.admin, "meshWorkspace", "v2", rest, pack(&padded("big", over))).await;
                    assert!(
                        answer.json()["message"].as_str().unwrap().contains("1048576"),
                        "{}",
                        answer.text
                    );
                    refused(&answer, 413, &format!("{over} bytes, chunked: {chunked}"));
                }
            }
            assert_eq!(everything(&stoa).await, before);
        }
    }

    async fn kinds_with_values_take_more(stoa) {
        let body = |length: usize| padded("x", length);
        // Read whole, and found to be of another shape.
        refused(
            &send(&stoa.admin, "meshBuildingBlock", "v2-preview", "", body(10 * MIB)).await,
            400,
            "10 MiB",
        );
        let answer = send(&stoa.admin, "meshBuildingBlock", "v2-preview", "", body(24 * MIB + 1)).await;
        assert!(answer.json()["message"].as_str().unwrap().contains("25165824"));
        refused(&answer, 413, "24 MiB and one");
    }

    async fn strangers_are_told_so_before_they_upload(stoa) {
        let before = everything(&stoa).await;
        for caller in strangers(&stoa).await {
            for body in [Body::from(padded("big", 10 * MIB)), in_pieces(&padded("big", 10 * MIB))] {
                refused(&send(&caller, "meshWorkspace", "v2", "", body).await, 401, "a long body");
            }
            let (list, media) = (path("meshWorkspace", ""), media("meshWorkspace", "v2"));
            assert_eq!(endless_status(&stoa, &caller, Method::POST, &list, &media).await, 401);
        }
        // Where very much is taken, a stranger must not fill the memory.
        let (report, media) =
            (path("meshBuildingBlockRun", "/x/status/source/y"), media("meshBuildingBlockRun", "v1"));
        let stranger = stoa.nobody().basic("nobody", "nothing");
        assert_eq!(endless_status(&stoa, &stranger, Method::PATCH, &report, &media).await, 401);
        let after = everything(&stoa).await;
        assert_eq!(before.len(), after.len());
        assert_eq!(before[0], after[0], "the workspaces are the same");
    }

    async fn a_body_without_end_is_cut_off(stoa) {
        let (list, media) = (path("meshWorkspace", ""), media("meshWorkspace", "v2"));
        assert_eq!(endless_status(&stoa, &stoa.admin, Method::POST, &list, &media).await, 413);
        let json = "application/json";
        assert_eq!(endless_status(&stoa, &stoa.nobody(), Method::POST, "/api/login", json).await, 413);
        assert_eq!(endless_status(&stoa, &stoa.nobody(), Method::POST, "/nothing", json).await, 404);
        stoa.admin.get("meshWorkspace", "").await.expect(200);
    }

    async fn bytes_that_are_no_text_are_400(stoa) {
        let before = everything(&stoa).await;
        let of = |name: &[u8]| {
            [&b"{\"metadata\":{\"name\":\""[..], name, b"\"},\"spec\":{\"displayName\":\"O\"}}"].concat()
        };
        for bad in [
            &b"\xff"[..],
            b"a\xc3",
            b"\xed\xa0\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xc0\xaf",
            b"a\x00b",
            b"a\x01b",
        ] {
            refused(&send(&stoa.admin, "meshWorkspace", "v2", "", of(bad)).await, 400, &format!("{bad:?}"));
        }
        let wide: Vec<u8> = "{\"metadata\":{}}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        refused(&send(&stoa.admin, "meshWorkspace", "v2", "", wide).await, 400, "UTF-16");
        let login = |body: Vec<u8>, content_type: &'static str| {
            let nobody = stoa.nobody();
            async move {
                nobody
                    .raw(Method::POST, "/api/login", |r| r.header("content-type", content_type).body(body))
                    .await
            }
        };
        refused(
            &login(b"{\"clientId\":\"\xff\",\"clientSecret\":\"x\"}".to_vec(), "application/json").await,
            400,
            "login",
        );
        let form = b"grant_type=client_credentials&client_id=\xff&client_secret=x".to_vec();
        refused(&login(form, "application/x-www-form-urlencoded").await, 400, "form");
        let form = b"grant_type=client_credentials&client_id=%ff%00&client_secret=%".to_vec();
        refused(&login(form, "application/x-www-form-urlencoded").await, 401, "encoded form");
        assert_eq!(everything(&stoa).await, before);
    }

    async fn a_header_that_is_no_text_does_no_harm(stoa) {
        let odd = reqwest::header::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
        let accept = media("meshWorkspace", "v2");
        for (name, status) in
            [("accept", 406), ("authorization", 401), ("x-request-id", 200), ("user-agent", 200)]
        {
            let caller = if name == "authorization" { stoa.nobody() } else { stoa.admin.clone() };
            let list = path("meshWorkspace", "");
            let answer = caller.raw(Method::GET, &list, |r| {
                let r = if name == "accept" { r } else { r.header("accept", &accept) };
                r.header(name, odd.clone())
            });
            assert_eq!(answer.await.status, status, "{name}");
        }
    }
}
