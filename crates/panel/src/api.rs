//! The public API, called in this process. Rights, rules and events are those of any other client.

use crate::problem::Problem;
use crate::text::tr;
use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::{BodyExt, Collected};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;
use stoa_web::credential::Credential;
use stoa_web::route::{Accept, Found, Takes};
use stoa_web::{App, dispatch, media};

/// What stands for itself in a segment of a path or in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as one segment of a path, or as one value of a query.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// The text at a JSON pointer; empty where there is none.
pub fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A path with a query made of the pairs that have a value.
pub fn with_query<N: AsRef<str>, V: AsRef<str>>(
    path: &str,
    pairs: impl IntoIterator<Item = (N, V)>,
) -> String {
    let mut whole = path.to_owned();
    let mut mark = if path.contains('?') { '&' } else { '?' };
    for (name, value) in pairs {
        let (name, value) = (name.as_ref(), value.as_ref());
        if !value.is_empty() {
            let _ = write!(whole, "{mark}{}={}", segment(name), segment(value));
            mark = '&';
        }
    }
    whole
}

/// The text at a JSON pointer; empty where there is none.
pub fn said(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Who did what an event of the log tells: by name, where one is known.
pub fn author_of(event: &Value) -> String {
    let name = text_at(event, "/spec/author/displayName");
    if name.is_empty() { said(event, "/spec/author/identifier") } else { name.to_owned() }
}

/// One page of a list.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Its objects.
    pub items: Vec<Value>,
    /// How many there are on all pages.
    pub total: u64,
    /// Zero-based number of the page.
    pub number: u64,
    /// Number of pages.
    pub pages: u64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Where the next page goes on, as the API's `after` says it.
    pub next: Option<String>,
}

/// Lists are counted so far: nobody reads on to the end of more.
const COUNTED: &str = "1000";

impl Listed {
    /// How many there are: a number, or at least which.
    pub fn count(&self) -> String {
        format!("{}{}", self.total, if self.more { "+" } else { "" })
    }

    /// Reads a HAL page.
    pub fn read(body: &Value) -> Self {
        let embedded = body["_embedded"].as_object().and_then(|lists| lists.values().next());
        let count = |name: &str| body["page"][name].as_u64().unwrap_or_default();
        let next = body["_links"]["next"]["href"].as_str().and_then(|link| {
            let (_, query) = link.split_once('?')?;
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == "after")
                .map(|(_, value)| value.into_owned())
        });
        Self {
            items: embedded.and_then(Value::as_array).cloned().unwrap_or_default(),
            total: count("totalElements"),
            number: count("number"),
            pages: count("totalPages"),
            more: body["page"]["more"] == true,
            next,
        }
    }
}

/// The API as one person uses it, in one workspace or as an administrator.
#[derive(Clone)]
pub struct Api {
    app: Arc<App>,
    credential: Option<Credential>,
    request: String,
    is_held: bool,
}

impl Api {
    /// The API for whoever has this credential; for nobody without one. `request` is the id that the log knows.
    pub fn new(app: Arc<App>, credential: Option<Credential>, request: String) -> Self {
        Self { app, credential, request, is_held: false }
    }

    /// The same, but nothing is changed: each change is refused in a way that shows the form again.
    #[must_use]
    pub fn held(&self) -> Self {
        Self { is_held: true, ..self.clone() }
    }

    /// The same person acting in a workspace, or as administrator with none.
    #[must_use]
    pub fn acting_in(&self, workspace: Option<&str>) -> Self {
        let credential = self.credential.clone().map(|credential| match credential {
            Credential::Session { token, .. } => {
                Credential::Session { token, workspace: workspace.map(str::to_owned) }
            }
            other => other,
        });
        Self { credential, ..self.clone() }
    }

    /// GET: the body.
    pub async fn get(&self, path: &str) -> Result<Value, Problem> {
        self.send(Method::GET, path, None).await
    }

    /// GET of a list, counted up to [`COUNTED`].
    pub async fn list(&self, path: &str) -> Result<Listed, Problem> {
        Ok(Listed::read(&self.get(&with_query(path, [("countUpTo", COUNTED)])).await?))
    }

    /// GET of what may be missing or hidden: none then.
    pub async fn get_if_there(&self, path: &str) -> Result<Option<Value>, Problem> {
        match self.get(path).await {
            Err(problem) if matches!(problem.status, 403 | 404) => Ok(None),
            other => other.map(Some),
        }
    }

    /// POST.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Result<Value, Problem> {
        self.send(Method::DELETE, path, None).await
    }

    /// Any call. Media types are the newest that the route knows. An empty answer is null, text is a string.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Problem> {
        if self.is_held && method != Method::GET {
            let message = tr(
                "You were signed out meanwhile. This is what you entered: look it over, fill in passwords and other secrets again, and send it.",
            );
            return Err(Problem { status: 422, message: message.into(), ..Problem::default() });
        }
        // Boxed, because pages make several of these at once.
        let response = Box::pin(self.raw(method, path, body)).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
        let value = serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            if bytes.is_empty() {
                Value::Null
            } else {
                Value::String(String::from_utf8_lossy(&bytes).into_owned())
            }
        });
        if status.is_success() {
            Ok(value)
        } else {
            Err(Problem::read(status.as_u16(), &value, &self.request))
        }
    }

    /// The response itself: for streams and files.
    pub async fn raw(&self, method: Method, path: &str, body: Option<&Value>) -> http::Response<Body> {
        let plain = path.split('?').next().unwrap_or_default();
        let (mut accept, mut content_type) = (media::JSON.to_owned(), media::JSON.to_owned());
        if let Found::Route(route, _) = self.app.router.find(&method, plain) {
            let newest =
                |kind, versions: &[&str]| media::of(kind, versions.last().copied().unwrap_or_default());
            match route.accept {
                Accept::Kind(kind, versions) | Accept::KindIfAny(kind, versions) => {
                    accept = newest(kind, versions);
                }
                Accept::Exactly(wanted) => wanted.clone_into(&mut accept),
                Accept::Anything => "*/*".clone_into(&mut accept),
            }
            match route.takes {
                Takes::Kind(kind, versions, ..) | Takes::KindIfAny(kind, versions, ..) => {
                    content_type = newest(kind, versions);
                }
                Takes::Exactly(wanted, _) => {
                    wanted.first().copied().unwrap_or_default().clone_into(&mut content_type);
                }
                Takes::Nothing | Takes::Json(_) | Takes::Raw(_) => {}
            }
        }
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, accept)
            .header("x-request-id", &self.request);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = match request.body(body) {
            Ok(request) => request,
            // Every path is put together from encoded segments; one that is not is nowhere.
            Err(_) => Request::new(Body::empty()),
        };
        if let Some(credential) = &self.credential {
            request.extensions_mut().insert(credential.clone());
        }
        dispatch::handle(Arc::clone(&self.app), request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn queries_hold_what_has_a_value() {
        assert_eq!(with_query("/a", [("x", "1&2"), ("y", ""), ("z", "ä")]), "/a?x=1%262&z=%C3%A4");
        assert_eq!(with_query("/a?b=1", [("x", "1")]), "/a?b=1&x=1");
    }

    #[test]
    fn pages_are_read() {
        let listed = Listed::read(&json!({
            "_embedded": { "meshProjects": [{ "kind": "meshProject" }] },
            "page": { "totalElements": 7, "number": 1, "totalPages": 4 },
            "_links": { "next": { "href": "http://x/api/meshobjects/meshprojects?page=2&after=1.a" } },
        }));
        assert_eq!((listed.items.len(), listed.total, listed.number, listed.pages), (1, 7, 1, 4));
        assert_eq!(listed.next.as_deref(), Some("1.a"));
    }
}
