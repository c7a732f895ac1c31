//! Clients that take their time: they are hung up on, and keep nobody else waiting.

use crate::stoa::{PATIENCE, Stoa};
use std::time::Duration;
use stoa_db::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

async fn impatient() -> Stoa {
    Stoa::on_with(Engine::Sqlite, |config| config.client_patience_seconds = 1).await.unwrap()
}

async fn connected(stoa: &Stoa) -> TcpStream {
    TcpStream::connect(stoa.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// What comes until the server hangs up, which it must.
async fn told(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that ends in a reset has ended, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the server hangs up");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_and_does_not_go_on_is_hung_up_on() {
    let stoa = impatient().await;
    let body = "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    for said in ["", "GET /readyz HTT", "GET /readyz HTTP/1.1\r\nHost: x\r\nX-Pad: aaaa", body] {
        let mut stream = connected(&stoa).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let told = told(&mut stream).await;
        assert!(!told.starts_with("HTTP/1.1 2"), "{said}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_trickles_is_cut_off() {
    let stoa = impatient().await;
    let mut stream = connected(&stoa).await;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let trickle = async {
        // Always something, never the end.
        while stream.write_all(b"X-Pad: a\r\n").await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, trickle).await.expect("the server hangs up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slow_clients_keep_nobody_waiting() {
    let stoa = Stoa::on_with(Engine::Sqlite, |config| config.client_patience_seconds = 30).await.unwrap();
    let mut slow = Vec::new();
    for _ in 0..400 {
        let mut stream = connected(&stoa).await;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        slow.push(stream);
    }
    let answer = timeout(PATIENCE, stoa.admin.get("meshWorkspace", "")).await.expect("others are answered");
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_steady_pieces_is_taken() {
    let stoa = Stoa::on_with(Engine::Sqlite, |config| config.client_patience_seconds = 8).await.unwrap();
    let body = r#"{"clientId":"00000000-0000-4000-8000-000000000000","clientSecret":"x"}"#;
    let mut stream = connected(&stoa).await;
    let head = format!(
        "POST /api/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Together longer than the patience for one piece.
    for piece in body.as_bytes().chunks(15) {
        sleep(Duration::from_secs(2)).await;
        stream.write_all(piece).await.unwrap();
    }
    let told = told(&mut stream).await;
    assert!(told.starts_with("HTTP/1.1 401"), "{told}");
}
