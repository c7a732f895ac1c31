//! Pages of the panel, as somebody signed in loads them one after the other, over many objects.

use crate::estate;
use crate::figures::Latencies;
use crate::http1::Connection;
use crate::installation::Installation;
use crate::server::Server;
use anyhow::{Context, ensure};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// How long a page may take the server, in milliseconds.
pub const MOST_MS: f64 = 20.0;
/// How often each page is loaded.
const TIMES: usize = 100;

/// Pages over the whole organization and of one workspace in it.
pub fn paths() -> Vec<String> {
    let home = format!("/w/{}", estate::workspace(0));
    let of_workspace =
        ["", "/projects", "/blocks", "/market", "/access", "/access/keys", "/compliance/events", "/settings"];
    let of_all = ["", "/workspaces", "/projects", "/tenants", "/blocks", "/users", "/events"];
    of_workspace
        .iter()
        .map(|tail| format!("{home}{tail}"))
        .chain(of_all.iter().map(|tail| format!("/admin{tail}")))
        .collect()
}

/// Somebody who is signed in: the cookie.
pub struct Reader(String);

impl Reader {
    /// The first administrator, by the link that the server left in its folder, owner of this workspace.
    pub async fn sign_in(
        server: &Server,
        installation: &Installation,
        data: &Path,
        workspace: &str,
    ) -> anyhow::Result<Self> {
        let link = std::fs::read_to_string(data.join("welcome.txt")).context("welcome.txt")?;
        let token = link.trim().rsplit('/').next().unwrap_or_default();
        let body = json!({
            "token": token, "username": "reader", "firstName": "Rea", "lastName": "Der",
            "email": "reader@fruit.example", "password": "only for the bench, 1 time",
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/stoa/v1/welcome")
            .header(HOST, server.address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        let response = Connection::open(server.address).await?.respond(request).await?;
        ensure!(response.status() == 201, "signing in: {}", response.status());
        let cookie = response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).context("no cookie")?.to_owned();
        let body = json!({
            "metadata": { "name": "bench-reader" },
            "roleRef": { "name": "Workspace Owner" }, "targetRef": { "name": workspace },
            "subject": { "name": "reader" },
        });
        let path = "/api/meshobjects/meshworkspacebindings/userbindings";
        let media = stoa_client::media("meshWorkspaceUserBinding", "v2");
        installation.admin.post(path, &media, &body).await?;
        Ok(Self(cookie))
    }

    /// A request as the browser sends it.
    pub fn request(&self, server: &Server, path: &str, accept: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        Ok(Request::builder()
            .uri(path)
            .header(HOST, server.address.to_string())
            .header(ACCEPT, accept)
            .header(COOKIE, &self.0)
            .body(Full::new(Bytes::new()))?)
    }

    /// Loads a page again and again.
    pub async fn load(&self, server: &Server, path: &str) -> anyhow::Result<Latencies> {
        let mut connection = Connection::open(server.address).await?;
        let mut latencies = Latencies::default();
        for turn in 0..TIMES + 5 {
            let request = self.request(server, path, "text/html")?;
            let started = Instant::now();
            connection.expect(200, request).await?;
            // The first ones fill caches.
            if turn >= 5 {
                latencies.add(started.elapsed());
            }
        }
        Ok(latencies)
    }
}
