//! Signing in and out: with a password, at an identity provider, by a link. Also when a session ends in the middle of
//! a form: what was entered travels along, and the form is shown again.

mod interrupted;
mod link;
mod login;
mod logout;

use crate::api::Api;
use crate::ctx::read_form;
use crate::form::Fields;
use crate::problem::Problem;
use crate::text::tr;
use crate::{Pages, Panel};
use askama::Template;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Collected};
pub use interrupted::interrupted;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use stoa_base::new_uuid;
use stoa_web::credential::{cookie, is_own_origin};
use stoa_web::{dispatch, media};

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/login", get(login::show).post(login::send))
        .route("/login/again", post(interrupted::again))
        .route("/login/done", get(login::done))
        .route("/login/{provider}", get(login::depart))
        .route("/login/{provider}/callback", get(login::arrive))
        .route("/logout", get(logout::ask).post(logout::send))
        .route("/logged-out", get(logout::over))
        .route("/welcome", get(|| async { Redirect::to("/login") }))
        .route("/welcome/{token}", get(link::welcome).post(link::send_welcome))
        .route("/set-password/{token}", get(link::password).post(link::send_password))
}

/// Somebody who is not known yet.
pub struct Visitor {
    /// What every page can reach.
    panel: Panel,
    /// The request.
    parts: Parts,
    /// `light`, `dark` or `auto`.
    theme: String,
    /// The request's id.
    request: String,
}

impl Visitor {
    fn of(parts: &Parts, panel: &Panel) -> Self {
        let theme = cookie(&parts.headers, "stoa_theme").filter(|theme| matches!(*theme, "light" | "dark"));
        let theme = theme.unwrap_or("auto").to_owned();
        Self { panel: panel.clone(), parts: parts.clone(), theme, request: new_uuid().simple().to_string() }
    }

    /// A value of the address's query.
    fn query(&self, name: &str) -> String {
        Fields::parse(self.parts.uri.query().unwrap_or_default().as_bytes()).get(name).to_owned()
    }

    /// The public API, with what the browser says of itself and where it is.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Value, Vec<HeaderValue>), Problem> {
        let mut request = Request::builder().method(method).uri(path).header("x-request-id", &self.request);
        for name in [USER_AGENT.as_str(), COOKIE.as_str(), "x-forwarded-for"] {
            if let Some(value) = self.parts.headers.get(name) {
                request = request.header(name, value);
            }
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, media::JSON);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).unwrap_or_default();
        if let Some(from) = self.parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            request.extensions_mut().insert(*from);
        }
        let answer = dispatch::handle(Arc::clone(&self.panel.app), request).await;
        let status = answer.status();
        let cookies = answer.headers().get_all(SET_COOKIE).iter().cloned().collect();
        let bytes = answer.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            Ok((value, cookies))
        } else {
            Err(Problem::read(status.as_u16(), &value, &self.request))
        }
    }

    /// The API for nobody.
    fn api(&self) -> Api {
        Api::new(Arc::clone(&self.panel.app), None, self.request.clone())
    }

    /// Ways to sign in.
    async fn ways(&self) -> Ways {
        let found = self.api().get("/api/stoa/v1/sign-in").await.unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let providers = found["providers"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ways {
            local: found["localAccounts"] == true,
            providers: providers.iter().map(|way| (text(&way["name"]), text(&way["displayName"]))).collect(),
        }
    }
}

/// Ways to sign in.
pub struct Ways {
    /// Whether a username and a password will do.
    local: bool,
    /// Name and label of identity providers.
    providers: Vec<(String, String)>,
}

impl FromRequestParts<Panel> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Response> {
        Ok(Self::of(parts, panel))
    }
}

/// A form that somebody sent who is not known yet, from a page of ours as far as the browser says.
pub struct Sent {
    visitor: Visitor,
    fields: Fields,
}

impl FromRequest<Panel> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, panel: &Panel) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        if !is_own_origin(&panel.app.world.settings, &parts.headers) {
            let text = tr("This form was sent from a page that is not ours.");
            return Err(crate::shell::bare_problem(&Problem::forbidden(text)));
        }
        let visitor = Visitor::of(&parts, panel);
        let fields = read_form(&parts, body).await;
        let fields = fields.map_err(|problem| crate::shell::bare_problem(&problem))?;
        Ok(Self { visitor, fields })
    }
}

/// Where somebody wanted to go, if that is a page here; the start otherwise. Browsers take `//x`, `/\x` and
/// addresses with control characters for other hosts.
pub fn here(next: &str) -> String {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let is_plain = next.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_page = !["/login", "/logout", "/logged-out"].iter().any(|away| path.starts_with(away));
    if is_path && is_plain && is_page { next.to_owned() } else { "/".to_owned() }
}

/// A page for whoever is not signed in.
fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().unwrap_or_default();
    (status, Html(html)).into_response()
}

/// An answer that sets cookies.
fn with_cookies(mut response: Response, cookies: Vec<HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::here;

    #[test]
    fn nobody_is_led_elsewhere() {
        for fine in ["/", "/w/shop/projects?state=ACTIVE&x=%2F", "/admin#top", "/logs", "/@x"] {
            assert_eq!(here(fine), fine);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            " /x",
            "/\t/evil.example",
            "/\n/evil.example",
            "evil.example",
            "/login?next=/x",
            "/logout",
        ] {
            assert_eq!(here(bad), "/", "{bad:?}");
        }
    }
}
