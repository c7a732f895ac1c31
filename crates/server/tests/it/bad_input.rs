//! Requests that are wrong: each gets the status and the error body of `api-core.md` §1.3 and §1.8, names what
//! is wrong, changes nothing, and never makes the server fail.

mod bodies;
mod bytes;
mod hostile;
mod ladder;
mod mutants;
mod shapes;
mod slow;
mod twice;
mod urls;

use crate::stoa::{Answer, Stoa};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Every kind with a list.
const KINDS: [&str; 11] = [
    "meshWorkspace",
    "meshProject",
    "meshApiKey",
    "meshApiUser",
    "meshUser",
    "meshIntegration",
    "meshBuildingBlockDefinition",
    "meshBuildingBlockDefinitionVersion",
    "meshBuildingBlock",
    "meshBuildingBlockRun",
    "meshBuildingBlockRunner",
];

/// Everything that can be read, the audit trail included: what a refused request must leave as it is.
async fn everything(stoa: &Stoa) -> Vec<(&'static str, Vec<Value>)> {
    let mut all = Vec::new();
    for kind in KINDS.into_iter().chain(["meshEventLog"]) {
        all.push((kind, stoa.admin.list(kind, "?size=1000").await));
    }
    all
}

/// The answer to bytes as they are: every client adds headers of its own.
async fn by_hand(stoa: &Stoa, bytes: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(stoa.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A request that cannot be read may also end in a reset.
    let _ = tokio::time::timeout(crate::stoa::PATIENCE, stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

/// Asserts a refusal with this status and a complete error body.
#[track_caller]
fn refused(answer: &Answer, status: u16, what: &str) {
    let body = answer.json();
    assert_eq!(answer.status, status, "{what}: {}", answer.text);
    let code = match status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        409 => "Conflict",
        413 => "PayloadTooLarge",
        415 => "UnsupportedMediaType",
        other => panic!("{what}: no refusal has status {other}"),
    };
    assert_eq!(answer.headers["content-type"], "application/json", "{what}");
    assert!(answer.headers.contains_key("x-request-id"), "{what}");
    assert_eq!(body["errorCode"], code, "{what}");
    assert_eq!(body["status"], json!(status), "{what}");
    for field in ["message", "timestamp", "path"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{what}: no {field} in {body}");
    }
    assert_eq!(answer.headers.contains_key("allow"), status == 405, "{what}");
    assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{what}");
}
