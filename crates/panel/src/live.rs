//! Changes of what a page shows, as server-sent events: the API's feed with the rights of whoever is signed in.

use crate::Pages;
use crate::api::with_query;
use crate::ctx::{Answer, Ctx};
use axum::routing::get;
use http::Method;

/// Filters that are passed on.
const FILTERS: [&str; 4] = ["kind", "uuid", "workspace", "since"];

async fn live(ctx: Ctx) -> Answer {
    let filters = FILTERS.iter().filter_map(|name| Some((*name, ctx.query(name)?)));
    let path = with_query("/api/events", filters);
    Ok(ctx.api.raw(Method::GET, &path, None).await)
}

/// The streams: one per workspace, one for administrators.
pub fn pages() -> Pages {
    Pages::new().route("/live", get(live)).route("/w/{workspace}/live", get(live))
}
