//! The web panel: pages rendered on the server, which call the public API in this process with the rights of
//! whoever is signed in. A page can do nothing that the API does not allow, and nothing that it does not offer.

pub mod api;
pub mod assets;
pub mod ctx;
pub mod form;
pub mod listing;
mod live;
pub mod parts;
pub mod problem;
mod project;
pub mod shell;
pub mod text;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};
use std::sync::Arc;
use stoa_web::App;

/// What every page can reach.
#[derive(Clone)]
pub struct Panel {
    /// The application, whose API the pages call.
    pub app: Arc<App>,
}

/// Pages of one area.
pub type Pages = Router<Panel>;

/// All pages and what they load. Paths that are no page are left to `api`.
pub fn router(app: Arc<App>, api: Router) -> Router {
    let panel = Panel { app };
    let pages = Pages::new()
        .merge(shell::pages())
        .merge(live::pages())
        .merge(project::pages())
        .layer(middleware::from_fn_with_state(panel.clone(), shell::explained))
        .layer(middleware::from_fn(dressed))
        .with_state(panel);
    // What has a hash in its name never changes, and needs no signing in.
    let files = Router::new().route("/assets/{file}", get(assets::serve));
    pages.merge(files).fallback_service(api)
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
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    // Pages are about somebody.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
