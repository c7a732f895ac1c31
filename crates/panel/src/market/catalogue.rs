//! The catalogue: everything that a workspace can order.

use super::{Entry, target};
use crate::api::{text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;

#[derive(Template)]
#[template(path = "market/catalogue.html")]
struct CataloguePage {
    shell: Shell,
    listing: Listing,
    entries: Vec<Entry>,
    types: Vec<(String, String)>,
    home: String,
    place: Option<String>,
}

/// The cards, narrowed by what the address says.
pub async fn list(ctx: Ctx) -> Answer {
    let path = "/api/meshobjects/meshbuildingblockdefinitions?includeAllPublished=true&orderable=true";
    let filters = [("level", "targetType"), ("type", "platformType"), ("owner", "ownedByWorkspace")];
    let sort = if ctx.query("sort") == Some("newest") { "-createdOn" } else { "name" };
    // From a tenant one comes for what fits it (MK-01).
    let place = match ctx.query("tenant") {
        Some(tenant) => Some(target::one(&ctx, tenant).await?),
        None => None,
    };
    let kind = place.as_ref().map_or("", |place| place.kind.as_str());
    let level = if place.is_some() { "TENANT_LEVEL" } else { "" };
    let path = with_query(path, [("sort", sort), ("targetType", level), ("platformType", kind)]);
    let found = ctx.api.list(&Listing::ask(&ctx, &path, &filters)).await?;
    let types = ctx.api.get_if_there("/api/meshobjects/meshplatformtypes?size=100").await.ok().flatten();
    let types = types.map(|body| crate::api::Listed::read(&body).items).unwrap_or_default();
    let types = types.iter().map(|kind| {
        (text_at(kind, "/metadata/name").to_owned(), text_at(kind, "/spec/displayName").to_owned())
    });
    ctx.page(&CataloguePage {
        shell: ctx.shell(tr("Marketplace")),
        listing: Listing::of(&ctx, &found),
        entries: found.items.iter().map(Entry::read).collect(),
        types: types.collect(),
        home: ctx.home().to_owned(),
        place: place.map(|place| format!("{} · {}", place.project, place.platform)),
    })
}
