//! The catalogue: everything that a workspace can order.

use super::{Entry, target};
use crate::api::{Listed, text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use serde_json::Value;

/// More values than this are folded away.
const OPEN: usize = 8;

/// A tag that cards are narrowed by.
struct Tag {
    label: String,
    /// `key:value` and the value.
    values: Vec<(String, String)>,
}

impl Tag {
    /// Reads its definition; none if people write what they like.
    fn read(definition: &Value) -> Option<Self> {
        let spec = &definition["spec"];
        let kinds = ["singleSelect", "multiSelect"].map(|kind| spec["valueType"][kind]["options"].as_array());
        let options = kinds.into_iter().flatten().next()?;
        let key = text_at(definition, "/spec/key");
        let value = |value: &str| (format!("{key}:{value}"), value.to_owned());
        let label = match text_at(definition, "/spec/displayName") {
            "" => key,
            label => label,
        };
        Some(Self {
            label: label.to_owned(),
            values: options.iter().filter_map(Value::as_str).map(value).collect(),
        })
    }

    fn is_folded(&self, chosen: &str) -> bool {
        self.values.len() > OPEN && !self.values.iter().any(|(tag, _)| tag == chosen)
    }
}

/// Tags of what is offered, as their definitions order them.
async fn tags(ctx: &Ctx) -> Vec<Tag> {
    let found = ctx.api.get_if_there("/api/meshobjects/meshtagdefinitions?size=1000").await.ok().flatten();
    let mut found = found.map(|body| Listed::read(&body).items).unwrap_or_default();
    found.retain(|tag| text_at(tag, "/spec/targetKind") == "meshBuildingBlockDefinition");
    found.sort_by_key(|tag| tag["spec"]["sortOrder"].as_i64());
    found.iter().filter_map(Tag::read).collect()
}

#[derive(Template)]
#[template(path = "market/catalogue.html")]
struct CataloguePage {
    shell: Shell,
    listing: Listing,
    entries: Vec<Entry>,
    types: Vec<(String, String)>,
    tags: Vec<Tag>,
    home: String,
    place: Option<String>,
}

/// The cards, narrowed by what the address says.
pub async fn list(ctx: Ctx) -> Answer {
    let path = "/api/meshobjects/meshbuildingblockdefinitions?includeAllPublished=true&orderable=true";
    let filters =
        [("level", "targetType"), ("type", "platformType"), ("owner", "ownedByWorkspace"), ("tag", "tag")];
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
        tags: tags(&ctx).await,
        home: ctx.home().to_owned(),
        place: place.map(|place| format!("{} · {}", place.project, place.platform)),
    })
}
