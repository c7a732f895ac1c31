//! Stand-ins of the systems whose pipelines runners start: they answer as GitHub, GitLab and Azure DevOps do, check
//! what they are asked as strictly, and have mishaps on demand.

pub mod azure;
pub mod github;
pub mod gitlab;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::Value;

/// What goes wrong with the next request whose method and path contain a text.
#[derive(Clone, Debug)]
pub enum Mishap {
    /// Nothing is done, and this is said.
    Says(u16, Vec<(&'static str, String)>, String),
    /// The connection breaks before the request is understood.
    LosesRequest,
    /// What was asked for is done, and then the connection breaks.
    LosesReply,
    /// What was asked for is done, and the answer takes its time.
    AnswersLate(Duration),
}

/// A request, as a system sees it.
pub struct Asked {
    pub method: Method,
    /// The parts of the path.
    pub path: Vec<String>,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// `METHOD /path`.
    pub fn line(&self) -> String {
        format!("{} /{}", self.method, self.path.join("/"))
    }
}

/// What a system answers.
pub struct Said {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// JSON.
pub fn says(status: u16, body: Value) -> Said {
    Said { status, content_type: "application/json; charset=utf-8", body: body.to_string() }
}

/// Nothing but a status.
pub fn nods(status: u16) -> Said {
    Said { status, content_type: "text/plain", body: String::new() }
}

/// A system that keeps a book.
pub trait System: Send + Sized + 'static {
    /// Answers a request; `url` is the system's own address.
    fn answer(&mut self, asked: &Asked, url: &str) -> Said;
}

/// A system on a port of this machine.
pub struct Served<S> {
    pub url: String,
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    url: String,
    book: Mutex<S>,
    mishaps: Mutex<Vec<(String, Mishap)>>,
    asked: Mutex<Vec<String>>,
}

impl<S: System> Served<S> {
    /// Serves until the test is over.
    pub async fn start(system: S) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            url: url.clone(),
            book: Mutex::new(system),
            mishaps: Mutex::default(),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer::<S>)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    pub fn book(&self) -> MutexGuard<'_, S> {
        self.shared.book.lock().unwrap()
    }

    /// The next request whose line contains `of` has a mishap; said twice, the next two.
    pub fn mishap(&self, of: &str, mishap: Mishap) {
        self.shared.mishaps.lock().unwrap().push((of.to_owned(), mishap));
    }

    /// Says a limit, or anything else, instead of an answer.
    pub fn refuses(&self, of: &str, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.mishap(of, Mishap::Says(status, headers, body.to_owned()));
    }

    /// How many requests had a line that contains this.
    pub fn asked(&self, of: &str) -> usize {
        self.shared.asked.lock().unwrap().iter().filter(|line| line.contains(of)).count()
    }

    /// Waits until the book says so.
    pub async fn until(&self, what: &str, holds: impl Fn(&S) -> bool) {
        for _ in 0..3000 {
            if holds(&self.book()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never {what}");
    }
}

async fn answer<S: System>(
    State(shared): State<Arc<Shared<S>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(&value.replace('+', " ")))
    });
    let query = query.collect();
    let path = uri.path().trim_start_matches('/').split('/').map(decoded).collect();
    let asked = Asked { method, path, query, headers, body };
    let line = asked.line();
    shared.asked.lock().unwrap().push(line.clone());
    let mishap = {
        let mut mishaps = shared.mishaps.lock().unwrap();
        let place = mishaps.iter().position(|(of, _)| line.contains(of));
        place.map(|place| mishaps.remove(place).1)
    };
    let respond = |said: Said| {
        let response = Response::builder().status(said.status).header("content-type", said.content_type);
        response.body(Body::from(said.body)).unwrap()
    };
    let done = |shared: &Shared<S>| shared.book.lock().unwrap().answer(&asked, &shared.url);
    match mishap {
        None => respond(done(&shared)),
        Some(Mishap::Says(status, headers, body)) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Some(Mishap::LosesRequest) => hangs_up(),
        Some(Mishap::LosesReply) => {
            done(&shared);
            hangs_up()
        }
        Some(Mishap::AnswersLate(span)) => {
            let said = done(&shared);
            tokio::time::sleep(span).await;
            respond(said)
        }
    }
}

/// Ends the task of this connection without a word, and so the connection.
fn hangs_up() -> ! {
    std::panic::resume_unwind(Box::new("a mishap"))
}
