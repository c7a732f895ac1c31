//! What an operation gets to see of a request, and what it answers.

use crate::body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::IpAddr;
use stoa_base::Refusal;
use stoa_core::listing::{Page, Sort};

/// Entries per page when the caller does not say (`api-core.md` §1.5).
const PAGE_SIZE: i64 = 50;
const PAGE_SIZE_MAX: i64 = 1000;
/// The most that `countUpTo` may ask to be counted.
const COUNT_MAX: i64 = 100_000;

/// A request after routing: decoded path parameters, query, negotiated version, parsed body.
#[derive(Debug, Default)]
pub struct Request {
    /// Path and query as received.
    pub uri: String,
    /// Decoded values of the pattern's `{…}` segments, in order.
    pub path: Vec<String>,
    /// Decoded query parameters, in order.
    pub query: Vec<(String, String)>,
    /// All headers.
    pub headers: HeaderMap,
    /// Version the response is to have.
    pub version: &'static str,
    /// The body as JSON, where the route takes JSON.
    pub json: Option<Value>,
    /// The body as received.
    pub raw: Bytes,
    /// Where it comes from, as far as that is known.
    pub address: Option<IpAddr>,
}

impl Request {
    /// The `n`th path parameter.
    pub fn param(&self, n: usize) -> &str {
        self.path.get(n).map_or("", String::as_str)
    }

    /// The first non-empty value of a query parameter; empty means absent (`api-core.md` §1.6).
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query_even_empty(name).filter(|value| !value.is_empty())
    }

    /// The first value of a query parameter, also when it is empty.
    pub fn query_even_empty(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may be repeated.
    pub fn query_all(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The page asked for; what cannot be read is the default (`api-core.md` §1.5).
    pub fn page(&self) -> Page {
        let number = |name| self.query(name).and_then(|text| text.parse::<i64>().ok());
        Page {
            number: number("page").filter(|n| (0..=i64::MAX / PAGE_SIZE_MAX).contains(n)).unwrap_or(0),
            size: number("size").filter(|n| *n >= 1).unwrap_or(PAGE_SIZE).min(PAGE_SIZE_MAX),
            after: self.query("after").and_then(|text| text.parse().ok()),
            up_to: number("countUpTo").filter(|most| (1..=COUNT_MAX).contains(most)),
        }
    }

    /// The order asked for.
    pub fn sort(&self) -> Sort {
        self.query("sort").map(Sort::named).unwrap_or_default()
    }

    /// Refuses a body with members of other JSON types than `T` has.
    pub fn check_types<T: DeserializeOwned>(&self) -> Result<(), Refusal> {
        self.json.as_ref().map_or(Ok(()), body::check_types::<T>)
    }

    /// The body as a typed value; an error names the field.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        body::typed(self.json.clone().unwrap_or(Value::Null))
    }
}

/// What goes back.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Content type; none sends no body.
    pub content_type: Option<String>,
    /// Body.
    pub body: Bytes,
}

impl Reply {
    /// JSON with a status and a content type.
    pub fn json(status: StatusCode, content_type: impl Into<String>, value: &Value) -> Self {
        Self::printed(status, content_type, value.to_string())
    }

    /// JSON that is text already.
    pub fn printed(status: StatusCode, content_type: impl Into<String>, text: String) -> Self {
        Self { status, content_type: Some(content_type.into()), body: text.into() }
    }

    /// Plain JSON, 200.
    pub fn ok(value: &Value) -> Self {
        Self::json(StatusCode::OK, crate::media::JSON, value)
    }

    /// A status without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, content_type: None, body: Bytes::new() }
    }

    /// Bytes, 200.
    pub fn bytes(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, content_type: Some(content_type.to_owned()), body: body.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_forgiving() {
        let page = |query: &[(&str, &str)]| {
            let query = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let page = Request { query, ..Request::default() }.page();
            (page.number, page.size)
        };
        assert_eq!(page(&[]), (0, 50));
        assert_eq!(page(&[("page", "3"), ("size", "20")]), (3, 20));
        assert_eq!(page(&[("size", "100000")]), (0, 1000));
        for bad in ["-1", "x", "", "1.5", "99999999999999999999"] {
            assert_eq!(page(&[("page", bad), ("size", bad)]), (0, 50), "{bad}");
        }
        assert_eq!(page(&[("size", "0")]), (0, 50));
    }
}
