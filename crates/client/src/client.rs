//! One server, one caller: requests with the right headers and a living token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::{Host, Url};

use crate::credential::{Bearer, LoginAnswer};
use crate::{ClientError, Credential, ServerEvent, events};

/// The media type of one kind in one version, as `Accept` and `Content-Type` want it.
///
/// ```
/// assert_eq!(stoa_client::media("meshWorkspace", "v2"), "application/vnd.meshcloud.api.meshworkspace.v2.hal+json");
/// ```
pub fn media(kind: &str, version: &str) -> String {
    format!("application/vnd.meshcloud.api.{}.{version}.hal+json", kind.to_lowercase())
}

/// How long an ordinary call may take, from connecting to the last byte.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long any answer may stay silent; event streams say something every fifteen seconds.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(50);

/// A caller of one Stoa server. Clones share connections and the token.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    http: reqwest::Client,
    base_url: String,
    origin: url::Origin,
    headers: HeaderMap,
    credential: Credential,
    bearer: Arc<Mutex<Option<Bearer>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("base_url", &self.base_url)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

/// What is sent: nothing, or bytes of a media type.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) media: HeaderValue,
    pub(crate) bytes: Bytes,
}

impl Client {
    /// A client for the server at `base_url`. Refuses an address that is not `http` or `https`.
    pub fn new(base_url: &str, credential: Credential) -> Result<Self, ClientError> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let malformed = |why: &dyn std::fmt::Display| {
            ClientError::Malformed(format!("`{base_url}` is no server address: {why}"))
        };
        let url = Url::parse(&base_url).map_err(|error| malformed(&error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(malformed(&"it must begin with http:// or https://"));
        }
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("stoa/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT);
        if url.scheme() == "http" {
            // Without TLS there is no need for root certificates, which a small container may lack.
            http = http.tls_certs_only([]);
        }
        if is_this_machine(&url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| malformed(&error))?;
        let shared = Shared {
            http,
            origin: url.origin(),
            base_url,
            headers: HeaderMap::new(),
            credential,
            bearer: Arc::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The same server and connections, another caller.
    #[must_use]
    pub fn with_credential(&self, credential: Credential) -> Self {
        self.altered(self.shared.headers.clone(), credential, Arc::default())
    }

    /// The same server, connections and caller, with these headers on every request. Refuses what HTTP refuses.
    pub fn with_headers(&self, headers: &[(&'static str, &str)]) -> Result<Self, ClientError> {
        let mut all = self.shared.headers.clone();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| ClientError::Malformed(format!("`{value}` cannot be the header `{name}`")))?;
            all.insert(HeaderName::from_static(name), value);
        }
        Ok(self.altered(all, self.shared.credential.clone(), Arc::clone(&self.shared.bearer)))
    }

    fn altered(
        &self,
        headers: HeaderMap,
        credential: Credential,
        bearer: Arc<Mutex<Option<Bearer>>>,
    ) -> Self {
        let shared = Shared {
            http: self.shared.http.clone(),
            base_url: self.shared.base_url.clone(),
            origin: self.shared.origin.clone(),
            headers,
            credential,
            bearer,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The server's address, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Reads one object or one page of a list.
    pub async fn get(&self, path: &str, media: &str) -> Result<Value, ClientError> {
        self.json(Method::GET, path, media, None).await
    }

    /// Creates an object, or calls an action.
    pub async fn post(&self, path: &str, media: &str, body: &Value) -> Result<Value, ClientError> {
        self.json(Method::POST, path, media, Some(body)).await
    }

    /// Replaces an object.
    pub async fn put(&self, path: &str, media: &str, body: &Value) -> Result<Value, ClientError> {
        self.json(Method::PUT, path, media, Some(body)).await
    }

    /// Changes parts of an object.
    pub async fn patch(&self, path: &str, media: &str, body: &Value) -> Result<Value, ClientError> {
        self.json(Method::PATCH, path, media, Some(body)).await
    }

    /// Deletes an object; `Value::Null` when the server has nothing to add.
    pub async fn delete(&self, path: &str, media: &str) -> Result<Value, ClientError> {
        self.json(Method::DELETE, path, media, None).await
    }

    /// Reads what is not JSON, such as a specification or a log, as text.
    pub async fn get_text(&self, path: &str, accept: &str) -> Result<String, ClientError> {
        let response = self.answered(Method::GET, path, accept, None, Some(CALL_TIMEOUT)).await?;
        response.text().await.map_err(|error| self.unreachable(error))
    }

    /// Follows a stream of server-sent events, after `last_event_id` if given. A refusal is the stream's first and
    /// only item; a broken connection ends the stream with an error. Reconnecting is the caller's decision.
    pub async fn get_stream(
        &self,
        path: &str,
        last_event_id: Option<&str>,
    ) -> impl Stream<Item = Result<ServerEvent, ClientError>> + Send + Unpin + use<> {
        match self.open_stream(path, last_event_id).await {
            Ok(response) => {
                let address = self.shared.base_url.clone();
                let bytes = response.bytes_stream().map(move |chunk| {
                    chunk.map_err(|error| ClientError::Unreachable(address.clone(), error))
                });
                events::read(bytes).boxed()
            }
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn open_stream(&self, path: &str, last_event_id: Option<&str>) -> Result<Response, ClientError> {
        let client = match last_event_id {
            Some(id) => &self.with_headers(&[("last-event-id", id)])?,
            None => self,
        };
        // The stream may last as long as it likes, but not the wait for its beginning.
        let open = client.answered(Method::GET, path, "text/event-stream", None, None);
        tokio::time::timeout(CALL_TIMEOUT, open).await.map_err(|_| {
            ClientError::Malformed(format!("{} did not begin to answer", self.shared.base_url))
        })?
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let body = body.map(|value| Body::json(value, media)).transpose()?;
        let response = self.answered(method, path, media, body, Some(CALL_TIMEOUT)).await?;
        let bytes = response.bytes().await.map_err(|error| self.unreachable(error))?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| ClientError::Malformed(format!("the answer to {path} is not JSON: {error}")))
    }

    /// Sends a request and returns the answer if it is 2xx.
    pub(crate) async fn answered(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<Body>,
        timeout: Option<Duration>,
    ) -> Result<Response, ClientError> {
        let url = self.url(path)?;
        let accept = header(accept)?;
        let build = || {
            let mut request = self
                .shared
                .http
                .request(method.clone(), url.clone())
                .headers(self.shared.headers.clone())
                .header(ACCEPT, accept.clone());
            if let Some(body) = &body {
                request = request.header(CONTENT_TYPE, body.media.clone()).body(body.bytes.clone());
            }
            match timeout {
                Some(timeout) => request.timeout(timeout),
                None => request,
            }
        };
        let response = self.send(build).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        Err(ClientError::refusal(status, body))
    }

    /// Sends with the caller's credential. A token that was kept and is refused is renewed once: the server may have
    /// been started anew.
    async fn send(&self, build: impl Fn() -> RequestBuilder) -> Result<Response, ClientError> {
        let sent =
            |request: RequestBuilder| async { request.send().await.map_err(|error| self.unreachable(error)) };
        match &self.shared.credential {
            Credential::None => sent(build()).await,
            Credential::Token(token) => sent(build().bearer_auth(token)).await,
            Credential::Basic { user, password } => sent(build().basic_auth(user, Some(password))).await,
            Credential::Key { client_id, client_secret } => {
                let (token, is_new) = self.token(client_id, client_secret, None).await?;
                let response = sent(build().header(AUTHORIZATION, token.clone())).await?;
                if response.status() != StatusCode::UNAUTHORIZED || is_new {
                    return Ok(response);
                }
                let (token, _) = self.token(client_id, client_secret, Some(&token)).await?;
                sent(build().header(AUTHORIZATION, token)).await
            }
        }
    }

    /// The header of a living token, and whether it was fetched just now. `refused` is not used again.
    async fn token(
        &self,
        client_id: &str,
        client_secret: &str,
        refused: Option<&HeaderValue>,
    ) -> Result<(HeaderValue, bool), ClientError> {
        let mut kept = self.shared.bearer.lock().await;
        if let Some(bearer) = kept.as_ref().filter(|bearer| bearer.is_usable()) {
            let token = header(&format!("Bearer {}", bearer.token))?;
            if refused != Some(&token) {
                return Ok((token, false));
            }
        }
        let bearer = self.login(client_id, client_secret).await?;
        let mut token = header(&format!("Bearer {}", bearer.token))?;
        token.set_sensitive(true);
        *kept = Some(bearer);
        Ok((token, true))
    }

    async fn login(&self, client_id: &str, client_secret: &str) -> Result<Bearer, ClientError> {
        let response = self
            .shared
            .http
            .post(self.url("/api/login")?)
            .headers(self.shared.headers.clone())
            .timeout(CALL_TIMEOUT)
            .json(&json!({ "clientId": client_id, "clientSecret": client_secret }))
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| self.unreachable(error))?;
        match status {
            StatusCode::OK => serde_json::from_str::<LoginAnswer>(&body).map(Bearer::from).map_err(|error| {
                ClientError::Malformed(format!("the answer to the login is not understood: {error}"))
            }),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                match ClientError::refusal(status, body) {
                    ClientError::Status { message, .. } => Err(ClientError::Login(message)),
                    other => Err(other),
                }
            }
            status => Err(ClientError::refusal(status, body)),
        }
    }

    /// The address of a path; absolute addresses, as links hold them, only of the same server.
    fn url(&self, path: &str) -> Result<Url, ClientError> {
        let malformed =
            || ClientError::Malformed(format!("`{path}` is no address of {}", self.shared.base_url));
        if path.starts_with('/') {
            return Url::parse(&format!("{}{path}", self.shared.base_url)).map_err(|_| malformed());
        }
        Url::parse(path).ok().filter(|url| url.origin() == self.shared.origin).ok_or_else(malformed)
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    pub(crate) fn unreachable(&self, error: reqwest::Error) -> ClientError {
        ClientError::Unreachable(self.shared.base_url.clone(), error.without_url())
    }
}

impl Body {
    pub(crate) fn json(value: &impl serde::Serialize, media: &str) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| ClientError::Malformed(format!("the request cannot be written: {error}")))?;
        Ok(Self { media: header(media)?, bytes: bytes.into() })
    }
}

pub(crate) fn header(value: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_str(value)
        .map_err(|_| ClientError::Malformed("a header holds forbidden characters".to_owned()))
}

/// Such addresses are never reached through a proxy.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}
