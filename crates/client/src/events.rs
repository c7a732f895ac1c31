//! Server-sent events: from bytes, however they are cut, to events.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::Value;

use crate::ClientError;

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// Where to resume: the last id the stream named, empty if none yet.
    pub id: String,
    /// The event's name; `message` when the server gave none.
    pub event: String,
    /// The event's text, lines joined by `\n`.
    pub data: String,
}

impl ServerEvent {
    /// The text as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or(Value::Null)
    }
}

/// The most that one event may hold: run logs come in pieces far smaller than this.
const LARGEST_EVENT: usize = 16 * 1024 * 1024;

/// Reads events from chunks of bytes.
pub(crate) fn read(
    chunks: impl Stream<Item = Result<Bytes, ClientError>> + Send + 'static,
) -> impl Stream<Item = Result<ServerEvent, ClientError>> + Send {
    let reading = Reading { parser: Parser::default(), ready: VecDeque::new(), is_over: false };
    stream::unfold((Box::pin(chunks), reading), |(mut chunks, mut reading)| async move {
        loop {
            if let Some(event) = reading.ready.pop_front() {
                return Some((Ok(event), (chunks, reading)));
            }
            if reading.is_over {
                return None;
            }
            match chunks.next().await {
                Some(Ok(chunk)) => {
                    reading.ready.extend(reading.parser.take(&chunk));
                    if reading.parser.held() > LARGEST_EVENT {
                        reading.is_over = true;
                        let error = ClientError::Malformed("the server sent an event without end".to_owned());
                        return Some((Err(error), (chunks, reading)));
                    }
                }
                Some(Err(error)) => {
                    reading.is_over = true;
                    return Some((Err(error), (chunks, reading)));
                }
                None => return None,
            }
        }
    })
}

struct Reading {
    parser: Parser,
    ready: VecDeque<ServerEvent>,
    is_over: bool,
}

/// What is known of the event that is being read.
#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    after_carriage_return: bool,
    id: String,
    event: String,
    data: Option<String>,
}

impl Parser {
    fn take(&mut self, chunk: &[u8]) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        for byte in chunk {
            let ends_pair =
                std::mem::replace(&mut self.after_carriage_return, *byte == b'\r') && *byte == b'\n';
            if ends_pair {
                continue;
            }
            if matches!(byte, b'\r' | b'\n') {
                let line = std::mem::take(&mut self.line);
                events.extend(self.line_ended(&String::from_utf8_lossy(&line)));
            } else {
                self.line.push(*byte);
            }
        }
        events
    }

    fn held(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, String::len)
    }

    fn line_ended(&mut self, line: &str) -> Option<ServerEvent> {
        let line = line.trim_start_matches('\u{feff}');
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let data = self.data.take()?;
            let event = if event.is_empty() { "message".to_owned() } else { event };
            return Some(ServerEvent { id: self.id.clone(), event, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.event),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            // Comments, reconnection times and fields of the future.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Parser, ServerEvent};

    fn event(id: &str, event: &str, data: &str) -> ServerEvent {
        ServerEvent { id: id.to_owned(), event: event.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn fields_comments_and_line_ends_are_understood() {
        let text = ": keep-alive\n\nid: 7\nevent: change\ndata: {\"a\":1}\n\ndata:two\r\ndata: lines\r\n\r\nevent: only\n\n";
        let events = Parser::default().take(text.as_bytes());
        assert_eq!(events, [event("7", "change", "{\"a\":1}"), event("7", "message", "two\nlines")]);
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(
            lines in proptest::collection::vec("(data|id|event|x)?:? ?[a-zäß🔑]{0,6}", 0..20),
            ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let text = lines.iter().flat_map(|line| [line.as_str(), ending]).collect::<String>().into_bytes();
            let whole = Parser::default().take(&text);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            let (mut parser, mut pieces, mut from) = (Parser::default(), Vec::new(), 0);
            for cut in cuts.into_iter().chain([text.len()]) {
                pieces.extend(parser.take(&text[from..cut]));
                from = cut;
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}
