//! What the browser loads, embedded by `build.rs`. Names hold the hash of the content, so browsers keep it for good.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};

/// One file.
struct Asset {
    /// Its name in the panel, for example `panel.css`.
    name: &'static str,
    /// Where it is served.
    path: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The path of a file by its name in the panel; empty for a name that is none, which a test finds.
pub fn path(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path)
}

/// `GET /assets/{file}`.
pub async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let found = ASSETS.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&file));
    let Some(asset) = found else { return StatusCode::NOT_FOUND.into_response() };
    let zips = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let common = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "accept-encoding"),
    ];
    if zips.is_some_and(|zips| zips.contains("gzip")) {
        return (common, [(CONTENT_ENCODING, "gzip")], asset.gzip).into_response();
    }
    (common, asset.plain).into_response()
}
