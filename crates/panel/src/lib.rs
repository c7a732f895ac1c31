//! The web panel: pages rendered on the server, which call the public API in this process with the rights of
//! whoever is signed in. A page can do nothing that the API does not allow, and nothing that it does not offer.

mod admin;
pub mod api;
pub mod assets;
mod binding;
mod block;
mod build;
pub mod ctx;
mod find;
pub mod form;
pub mod generic;
mod home;
pub mod input;
pub mod listing;
mod live;
mod market;
mod me;
pub mod parts;
pub mod problem;
mod project;
mod run;
pub mod shell;
mod signin;
mod tenant;
pub mod text;
mod workspace;

use crate::ctx::Ctx;
use crate::problem::Problem;
use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};
use std::sync::Arc;
use stoa_web::route::Found;
use stoa_web::{App, dispatch};

/// What every page can reach.
#[derive(Clone)]
pub struct Panel {
    /// The application, whose API the pages call.
    pub app: Arc<App>,
}

/// Pages of one area.
pub type Pages = Router<Panel>;

/// The whole server: pages, what they load, and the API on all other paths.
pub fn router(app: Arc<App>) -> Router {
    let panel = Panel { app };
    let pages = Pages::new()
        .merge(shell::pages())
        .merge(live::pages())
        .merge(me::pages())
        .merge(signin::pages())
        .merge(admin::pages())
        .merge(find::pages())
        .merge(project::pages())
        .merge(market::pages())
        .merge(block::pages())
        .merge(run::pages())
        .merge(build::pages())
        .merge(workspace::pages())
        .merge(tenant::pages())
        .merge(home::pages())
        .layer(middleware::from_fn_with_state(panel.clone(), shell::explained))
        .layer(middleware::from_fn(dressed))
        .fallback(elsewhere)
        .with_state(panel);
    // What has a hash in its name never changes, and needs no signing in.
    let files = Router::new().route("/assets/{file}", get(assets::serve));
    pages.merge(files)
}

/// What is no page: a call of the API, or an address that leads nowhere, which people are told as people.
async fn elsewhere(State(panel): State<Panel>, request: Request) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_person = accept.is_some_and(|accept| accept.contains("text/html"));
    let path = request.uri().path();
    if !is_person || !matches!(panel.app.router.find(request.method(), path), Found::Nothing) {
        return dispatch::handle(panel.app, request).await;
    }
    let problem = Problem::not_found(text::fill(text::tr("There is no page at {0}."), &[path]));
    let (mut parts, _) = request.into_parts();
    let mut response = match Ctx::from_request_parts(&mut parts, &panel).await {
        Ok(ctx) => shell::problem_page(&ctx, &problem),
        Err(response) => response,
    };
    dress(&mut response);
    response
}

/// Everything comes from here, nothing runs that stands in a page, nobody frames a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    manifest-src 'self'";

/// Headers that every page carries.
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

async fn dressed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    dress(&mut response);
    response
}

fn dress(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    // Pages are about somebody.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
