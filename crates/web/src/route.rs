//! A route: method and path, who may come, what it reads and answers, and the operation behind it.

use crate::app::App;
use crate::request::{Reply, Request};
use axum::response::Response;
use http::Method;
use serde_json::Value;
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use stoa_core::{Action, Call, Outcome, Resource};
use stoa_db::Tx;

/// Who gets as far as the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a credential.
    Public,
    /// Whoever proves to be somebody.
    Signed,
    /// The same, and a bearer token may also come as a Basic password (the state backend).
    SignedEvenByPassword,
}

/// What the `Accept` header must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Anything, or nothing.
    Anything,
    /// A version of this kind.
    Kind(&'static str, &'static [&'static str]),
    /// This one media type, which is of no kind.
    Exactly(&'static str),
    /// A version of this kind, but no header at all will do: old clients omit it on DELETE.
    KindIfAny(&'static str, &'static [&'static str]),
}

/// What the route does with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing; a `Content-Type` without a body is ignored.
    Nothing,
    /// JSON in a version of this kind, at most so many bytes; fields exempt from the length limit.
    Kind(&'static str, &'static [&'static str], usize, &'static [&'static str]),
    /// The same, or nothing at all.
    KindIfAny(&'static str, &'static [&'static str], usize, &'static [&'static str]),
    /// Plain JSON, or nothing at all, at most so many bytes: Stoa's own operator endpoints.
    Json(usize),
    /// Bytes of one of these media types, which the operation reads itself, at most so many.
    Exactly(&'static [&'static str], usize),
    /// Bytes that the operation reads itself.
    Raw(usize),
}

/// A read operation.
pub type ReadOp = Arc<dyn Fn(&mut Tx, &Call, &Request) -> Outcome<Reply> + Send + Sync>;
/// Asks again who is calling: what was deleted or taken away since then is refused.
pub type Again = Arc<dyn Fn(&mut Tx) -> Outcome<Call> + Send + Sync>;
/// Who opened a stream.
pub struct Visitor {
    /// The call that opened it.
    pub call: Call,
    /// Whoever it is by now.
    pub again: Again,
}
/// An operation that answers as it goes, outside any transaction.
pub type StreamOp = Arc<
    dyn Fn(Arc<App>, Visitor, Request) -> Pin<Box<dyn Future<Output = Outcome<Response>> + Send>>
        + Send
        + Sync,
>;

/// The operation behind a route.
#[derive(Clone)]
pub enum Op {
    /// One snapshot, no change.
    Read(ReadOp),
    /// One transaction. It may run more than once when the database asks for it.
    Write(ReadOp),
    /// An event stream or the like.
    Stream(StreamOp),
}

/// What the API description says of a route.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// One line.
    pub summary: &'static str,
    /// Group in the description: the kind, or an area.
    pub tag: &'static str,
    /// Query parameters with their meaning.
    pub query: &'static [(&'static str, &'static str)],
    /// Whether it is a list that takes `q` and `sort`.
    pub searched: bool,
    /// Schema name of the request body.
    pub request: Option<&'static str>,
    /// Schema name of the answer.
    pub response: Option<&'static str>,
    /// Name of the items under `_embedded`, where the answer is a page of what is no kind.
    pub embedded: Option<&'static str>,
    /// Content type of an answer that is not of a kind.
    pub produces: Option<&'static str>,
    /// Success statuses.
    pub success: &'static [u16],
    /// An example of the request body.
    pub example: Option<Value>,
    /// Other encodings of the request body: content type and example.
    pub encodings: &'static [(&'static str, &'static str)],
    /// Whether everybody who proves to be somebody may read here.
    pub open: bool,
    /// Statuses beyond those that access, body and media types imply.
    pub errors: &'static [u16],
    /// What the caller must be allowed to do; the codes that allow it stand in the description.
    pub permission: Option<(Resource, Action)>,
    /// Versions with schemas of their own.
    pub views: &'static [VersionSchemas],
    /// An example of the request body in a version, where versions differ.
    pub example_of: Option<fn(&str) -> Value>,
    /// Where an object that was made says the id of its path, as an OpenAPI runtime expression; makes links.
    pub identified: Option<&'static str>,
}

/// A version of a kind whose bodies have schemas of their own: version, request, answer.
pub type VersionSchemas = (&'static str, &'static str, &'static str);

/// A route.
#[derive(Clone)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with `{name}` segments.
    pub path: String,
    /// Who.
    pub access: Access,
    /// Which answers.
    pub accept: Accept,
    /// Which bodies.
    pub takes: Takes,
    /// What it does.
    pub op: Op,
    /// Its description.
    pub about: About,
}

impl Route {
    fn new(method: Method, path: impl Into<String>, op: Op) -> Self {
        Self {
            method,
            path: path.into(),
            access: Access::Signed,
            accept: Accept::Anything,
            takes: Takes::Nothing,
            op,
            about: About { success: &[200], ..About::default() },
        }
    }

    /// A route whose operation reads.
    pub fn read(
        method: Method,
        path: impl Into<String>,
        op: impl Fn(&mut Tx, &Call, &Request) -> Outcome<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::new(method, path, Op::Read(Arc::new(op)))
    }

    /// A route whose operation writes.
    pub fn write(
        method: Method,
        path: impl Into<String>,
        op: impl Fn(&mut Tx, &Call, &Request) -> Outcome<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::new(method, path, Op::Write(Arc::new(op)))
    }

    /// A route whose operation takes more than one transaction.
    pub fn paced(method: Method, path: impl Into<String>, op: StreamOp) -> Self {
        Self::new(method, path, Op::Stream(op))
    }

    /// A route that streams.
    pub fn stream(path: impl Into<String>, op: StreamOp) -> Self {
        Self::new(Method::GET, path, Op::Stream(op))
    }

    /// Sets who may come.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets which answers are offered.
    #[must_use]
    pub fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Sets which bodies are taken.
    #[must_use]
    pub fn takes(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }
}

/// The path with encoded letters that need no encoding (RFC 3986 §2.3) as they are, so that segments match
/// decoded while an encoded `/` stays within its segment.
fn normal(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match byte {
            Some(b) if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => {
                plain.push(char::from(b));
                &after[2..]
            }
            Some(_) => {
                plain.push('%');
                after
            }
            // A sign that encodes nothing means itself, also beside what was just decoded.
            None => {
                plain.push_str("%25");
                after
            }
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Routes by path.
pub struct Router {
    paths: matchit::Router<usize>,
    by_path: Vec<(String, Vec<Arc<Route>>)>,
}

/// Where a path led.
pub enum Found<'a> {
    /// To a route, with the raw values of its parameters and its pattern.
    Route(Arc<Route>, Vec<String>),
    /// To a path without this method.
    OtherMethods(&'a [Arc<Route>]),
    /// Nowhere.
    Nothing,
}

impl Router {
    /// Builds the table. Two routes with the same method and path are a mistake of ours.
    pub fn new(routes: Vec<Route>) -> Result<Self, matchit::InsertError> {
        let mut table = Self { paths: matchit::Router::new(), by_path: Vec::new() };
        for route in routes {
            if let Some((_, same)) = table.by_path.iter_mut().find(|(path, _)| *path == route.path) {
                same.push(Arc::new(route));
            } else {
                table.paths.insert(route.path.clone(), table.by_path.len())?;
                table.by_path.push((route.path.clone(), vec![Arc::new(route)]));
            }
        }
        Ok(table)
    }

    /// Finds the route of a request.
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        // `/x/` is `/x`, and a GET with an empty id is the collection's (`api-core.md` §1.1).
        let path = normal(path);
        let path = if path.len() > 1 { path.trim_end_matches('/') } else { &*path };
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        let (_, routes) = &self.by_path[*found.value];
        match routes.iter().find(|route| route.method == *method) {
            Some(route) => {
                let values = found.params.iter().map(|(_, value)| value.to_owned()).collect();
                Found::Route(Arc::clone(route), values)
            }
            None => Found::OtherMethods(routes),
        }
    }

    /// All routes, by path.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.by_path.iter().flat_map(|(_, routes)| routes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needless_encoding_is_undone_once() {
        for (sent, plain) in [
            ("/api/x", "/api/x"),
            ("/%61pi/%7Ex%2dy", "/api/~x-y"),
            ("/a%2Fb", "/a%2Fb"),
            ("/%2561", "/%2561"),
            ("/%%361", "/%2561"),
            ("/%C3%BC%4", "/%C3%BC%254"),
            ("/%+1", "/%25+1"),
            ("/%", "/%25"),
        ] {
            assert_eq!(normal(sent), plain, "{sent}");
        }
    }
}
