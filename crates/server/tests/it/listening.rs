//! A reader of event streams.

use crate::stoa::{Caller, PATIENCE};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// One message of a stream, or a comment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Where to resume after it; none when the message names no place.
    pub id: Option<i64>,
    /// Event name.
    pub event: String,
    /// Payload.
    pub data: Value,
    /// Text of a comment.
    pub comment: Option<String>,
}

/// An open stream.
pub struct Ear {
    chunks: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    text: Vec<u8>,
}

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// With what comes next, or with a replay where the stream has one.
    Now,
    /// Behind this message.
    After(i64),
}

impl Ear {
    /// Opens a stream at `url` (base and path).
    pub async fn open(caller: &Caller, url: &str, from: From) -> Self {
        let response = Self::ask(caller, url, from).await;
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            chunks: response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec())).boxed(),
            text: Vec::new(),
        }
    }

    /// Asks for a stream and gives whatever answer comes.
    pub async fn ask(caller: &Caller, url: &str, from: From) -> reqwest::Response {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(url).header("accept", "text/event-stream");
        if let Some(authorization) = &caller.authorization {
            request = request.header("authorization", authorization);
        }
        if let From::After(id) = from {
            request = request.header("last-event-id", id.to_string());
        }
        timeout(PATIENCE, request.send()).await.expect("the stream begins in time").unwrap()
    }

    /// The next message or comment; none at the end of the stream.
    pub async fn next(&mut self) -> Option<Heard> {
        timeout(PATIENCE, self.hear()).await.expect("something is heard in time")
    }

    /// The next message within this time, if any.
    pub async fn within(&mut self, span: Duration) -> Option<Heard> {
        timeout(span, self.hear()).await.ok().flatten()
    }

    /// The next message for which `wanted` holds; what comes before it is dropped.
    pub async fn until(&mut self, wanted: impl Fn(&Heard) -> bool) -> Heard {
        loop {
            let heard = self.next().await.expect("the stream goes on");
            if wanted(&heard) {
                return heard;
            }
        }
    }

    /// Everything up to the end of the stream.
    pub async fn rest(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        while let Some(heard) = self.next().await {
            all.push(heard);
        }
        all
    }

    /// The next message or comment, whenever it comes.
    pub async fn hear(&mut self) -> Option<Heard> {
        loop {
            if let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                return Some(understood(std::str::from_utf8(&block).unwrap()));
            }
            // A connection that breaks ends what can be heard.
            self.text.extend_from_slice(&self.chunks.next().await?.ok()?);
        }
    }
}

fn understood(block: &str) -> Heard {
    let mut heard = Heard::default();
    for line in block.lines().filter(|line| !line.is_empty()) {
        let (field, value) =
            line.split_once(": ").unwrap_or_else(|| panic!("not a line of a stream: {line}"));
        match field {
            "id" => heard.id = Some(value.parse().unwrap()),
            "event" => value.clone_into(&mut heard.event),
            "data" => heard.data = serde_json::from_str(value).unwrap(),
            "" => heard.comment = Some(value.to_owned()),
            other => panic!("unknown field {other}"),
        }
    }
    heard
}
