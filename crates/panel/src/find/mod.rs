//! Finding things from anywhere: the search over all kinds, as a page and for the palette, and where a uuid leads
//! (panel.md §1.1 and §1.2).

mod inbox;
mod message;
mod place;

use crate::Pages;
use crate::api::{Api, segment, with_query};
use crate::ctx::{Answer, Ctx};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use place::Place;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most hits that one page shows.
const HITS: usize = 30;
/// So many of somebody's workspaces are searched.
const WORKSPACES: usize = 8;

#[derive(Template)]
#[template(path = "find/search.html")]
struct SearchPage {
    shell: Shell,
    q: String,
    places: Vec<Place>,
}

#[derive(Template)]
#[template(path = "find/hits.html")]
struct Hits {
    q: String,
    places: Vec<Place>,
}

/// The ways in which somebody may act: in their workspaces, the one of the page before first, and as administrator.
fn contexts(ctx: &Ctx) -> Vec<(Option<String>, Api)> {
    let first = ctx.query("workspace").unwrap_or_default();
    let mut homes: Vec<&str> = ctx.me.workspaces.iter().map(|home| home.identifier.as_str()).collect();
    homes.sort_by_key(|home| *home != first);
    let acting = |home: &&str| (Some((*home).to_owned()), ctx.api.acting_in(Some(home)));
    let mut all: Vec<_> = homes.iter().take(WORKSPACES).map(acting).collect();
    if !ctx.me.admin_roles.is_empty() {
        all.push((None, ctx.api.acting_in(None)));
    }
    all
}

/// What fits, each thing once.
async fn search(ctx: &Ctx, q: &str) -> Result<Vec<Place>, Problem> {
    let mut places = place::pages(ctx, q);
    if q.trim().is_empty() {
        return Ok(places);
    }
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for (home, api) in contexts(ctx) {
        let path = with_query("/api/stoa/v1/search", [("q", q), ("limit", "20")]);
        let Some(answer) = api.get_if_there(&path).await? else { continue };
        for hit in answer["hits"].as_array().into_iter().flatten() {
            if let Some(place) = Place::of(ctx, home.as_deref(), hit)
                && seen.insert(place.uuid.clone())
            {
                found.push(place);
            }
        }
    }
    let wanted = q.trim().to_lowercase();
    found.sort_by_key(|place| place.rank(&wanted));
    places.extend(found);
    places.truncate(HITS);
    Ok(places)
}

async fn page(ctx: Ctx) -> Answer {
    let q = ctx.query("q").unwrap_or_default().to_owned();
    let places = search(&ctx, &q).await?;
    ctx.page(&SearchPage { shell: ctx.shell(tr("Search")), q, places })
}

async fn hits(ctx: Ctx) -> Answer {
    let q = ctx.query("q").unwrap_or_default().to_owned();
    let places = search(&ctx, &q).await?;
    ctx.page(&Hits { q, places })
}

/// Leads to the page of whatever has this uuid.
async fn go(ctx: Ctx, Path(uuid): Path<String>) -> Answer {
    for (home, api) in contexts(&ctx) {
        let path = format!("/api/stoa/v1/resolve/{}", segment(&uuid));
        let hit: Option<Value> = api.get_if_there(&path).await?;
        if let Some(place) = hit.and_then(|hit| Place::of(&ctx, home.as_deref(), &hit)) {
            return Ok(Redirect::to(&place.href).into_response());
        }
    }
    Err(Problem::not_found(tr("Nothing that you may see has this uuid.")))
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/search", get(page))
        .route("/search/hits", get(hits))
        .route("/go/{uuid}", get(go))
        .merge(inbox::pages())
}
