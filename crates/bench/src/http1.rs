//! HTTP for the load generator: one connection each, kept alive, no pool, no redirects, no decoding.

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A connection; its requests follow each other.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        ensure!(address.ip().is_loopback(), "the bench speaks to this machine only");
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what broke it is the sender's to tell.
        tokio::spawn(async move { drop(driver.await) });
        Ok(Self { sender })
    }

    /// Sends a request; the answer's body is still to be read.
    pub async fn respond(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Incoming>> {
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }

    /// Sends a request and reads the whole answer.
    pub async fn call(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let response = self.respond(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    }

    /// The same, and anything but this status is the end of the bench.
    pub async fn expect(&mut self, status: u16, request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
        let what = format!("{} {}", request.method(), request.uri());
        let (answered, body) = self.call(request).await.with_context(|| what.clone())?;
        ensure!(answered == status, "{what}: {answered}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}

/// Who asks, and in which media type; it makes requests.
#[derive(Clone)]
pub struct Caller {
    host: HeaderValue,
    authorization: Option<HeaderValue>,
    media: HeaderValue,
}

impl Caller {
    /// Nobody.
    pub fn nobody(address: SocketAddr) -> anyhow::Result<Self> {
        let host = HeaderValue::from_str(&address.to_string())?;
        Ok(Self { host, authorization: None, media: HeaderValue::from_static("application/json") })
    }

    /// The same with a bearer token.
    pub fn with_token(&self, token: &str) -> anyhow::Result<Self> {
        let authorization = Some(HeaderValue::from_str(&format!("Bearer {token}"))?);
        Ok(Self { authorization, ..self.clone() })
    }

    /// The same in the media type of a kind.
    pub fn about(&self, kind: &str, version: &str) -> anyhow::Result<Self> {
        let media = HeaderValue::from_str(&stoa_client::media(kind, version))?;
        Ok(Self { media, ..self.clone() })
    }

    /// A request; an empty body is none.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let body = body.into();
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, &self.host).header(ACCEPT, &self.media);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, &self.media);
        }
        Ok(request.body(Full::new(body))?)
    }

    /// A GET.
    pub fn get(&self, path: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        self.request(Method::GET, path, Bytes::new())
    }
}
