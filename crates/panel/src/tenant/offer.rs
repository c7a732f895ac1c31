//! What a project can have tenants on: platforms, their landing zones, and what comes with those.

use crate::api::{said, segment};
use crate::ctx::Ctx;
use crate::form::Fields;
use crate::input::{Fieldset, Given, Input};
use crate::problem::Problem;
use crate::tenant::known::{self, Platforms};
use crate::text::tr;
use serde_json::{Map, Value, json};

/// A platform to choose.
pub struct Offer {
    /// Its uuid.
    pub uuid: String,
    /// For people.
    pub name: String,
    /// One or two sentences.
    pub about: String,
    /// Its location.
    pub place: String,
    /// Picture of its type.
    pub icon: String,
    /// Whether only some workspaces may use it.
    pub is_restricted: bool,
    /// Why it cannot be had; empty when it can.
    pub obstacle: String,
}

/// A landing zone to choose.
pub struct Zone {
    /// Its identifier.
    pub name: String,
    /// For people.
    pub label: String,
    /// One or two sentences.
    pub about: String,
    /// Where there is more about it.
    pub link: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// uuids of what comes along.
    pub mandatory: Vec<String>,
    /// How many definitions it recommends.
    pub recommended: usize,
    whole: Value,
}

impl Zone {
    /// Reads one.
    pub fn read(zone: &Value) -> Self {
        let uuids = |list: &str| -> Vec<String> {
            let all = zone["spec"][list].as_array().into_iter().flatten();
            all.filter_map(|one| one["uuid"].as_str().map(str::to_owned)).collect()
        };
        Self {
            name: said(zone, "/metadata/name"),
            label: said(zone, "/spec/displayName"),
            about: said(zone, "/spec/description"),
            link: known::safe_link(&said(zone, "/spec/infoLink")),
            tags: crate::parts::tags::shown(&zone["metadata"]["tags"]),
            mandatory: uuids("mandatoryBuildingBlockRefs"),
            recommended: uuids("recommendedBuildingBlockRefs").len(),
            whole: zone.clone(),
        }
    }

    /// The limit that tenants of it begin with.
    pub fn quota(&self, key: &str) -> Option<i64> {
        let all = self.whole["spec"]["quotas"].as_array()?;
        all.iter().find(|quota| quota["key"] == key)?["value"].as_i64()
    }
}

/// A building block that every tenant of the landing zone gets.
pub struct Included {
    /// uuid of its definition.
    pub uuid: String,
    /// For people.
    pub name: String,
    /// One or two sentences.
    pub about: String,
    /// What it asks for; keys begin with the definition's uuid.
    pub inputs: Vec<Input>,
}

impl Included {
    /// Reads one.
    pub fn read(one: &Value) -> Self {
        let uuid = said(one, "/definitionUuid");
        let mut inputs = Input::asked(&json!({ "spec": { "inputs": one["inputs"] } }));
        for input in &mut inputs {
            input.key = format!("{uuid}.{}", input.key);
        }
        Self { name: said(one, "/displayName"), about: said(one, "/description"), inputs, uuid }
    }

    /// Its inputs as fields, but secrets.
    pub fn fieldset(&self) -> Fieldset {
        Fieldset::of(self.inputs.iter().filter(|input| !input.is_sensitive).cloned().collect())
    }

    /// Inputs that no page holds.
    pub fn secrets(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter().filter(|input| input.is_sensitive)
    }

    /// What a form says of its inputs, as lines of the last look.
    pub fn lines(&self, fields: &Fields) -> Vec<(String, String)> {
        let line = |input: &Input| match input.given(fields) {
            Given::Value(value) => (input.label.clone(), input.line(&value)),
            Given::Nothing | Given::Wrong(_) => (input.label.clone(), input.line(&input.default)),
        };
        self.inputs.iter().filter(|input| !input.is_sensitive).map(line).collect()
    }

    /// What a form says of its inputs, as the API takes it.
    pub fn given(&self, fields: &Fields) -> Map<String, Value> {
        let mut given = Map::new();
        for input in &self.inputs {
            if let Given::Value(value) = input.given(fields) {
                let key = input.key.split_once('.').map_or("", |(_, key)| key);
                given.insert(key.to_owned(), json!({ "value": value, "isSensitive": input.is_sensitive }));
            }
        }
        given
    }
}

/// A platform as it is offered; none if it never could be had.
fn offer(ctx: &Ctx, platform: &Value, types: &Platforms, taken: &[String]) -> Option<Offer> {
    let availability = &platform["spec"]["availability"];
    let is_own = platform["metadata"]["ownedByWorkspace"] == ctx.home();
    let contributes = platform["spec"]["contributingWorkspaces"]
        .as_array()
        .is_some_and(|homes| homes.iter().any(|home| home == ctx.home()));
    if !is_own && !contributes && availability["publicationState"] != "PUBLISHED" {
        return None;
    }
    let uuid = said(platform, "/metadata/uuid");
    let obstacle = if taken.contains(&uuid) {
        tr("The project has a tenant on it already.")
    } else if platform["status"]["platform"] == "DEPRECATED" {
        tr("It takes no new tenants.")
    } else {
        ""
    };
    let kind = match said(platform, "/spec/config/custom/platformTypeRef/name") {
        name if name.is_empty() => said(platform, "/spec/config/type").to_uppercase(),
        name => name,
    };
    let (_, icon) = types.kind(&kind);
    Some(Offer {
        uuid,
        name: said(platform, "/spec/displayName"),
        about: said(platform, "/spec/description"),
        place: said(platform, "/spec/locationRef/name"),
        icon: if icon.is_empty() { "cloud".into() } else { icon },
        is_restricted: availability["restriction"] != "PUBLIC",
        obstacle: obstacle.to_owned(),
    })
}

/// Platforms that the workspace acted in is offered, those first that can be had; `taken` are those that a project has a
/// tenant on already.
pub async fn offers(ctx: &Ctx, taken: &[String]) -> Result<(Vec<Offer>, Vec<Value>), Problem> {
    let (found, types) =
        tokio::join!(ctx.api.list("/api/meshobjects/meshplatforms?size=1000"), Platforms::read(ctx));
    let (found, types) = (found?, types?);
    let mut offers: Vec<Offer> =
        found.items.iter().filter_map(|platform| offer(ctx, platform, &types, taken)).collect();
    offers.sort_by_key(|offer| (!offer.obstacle.is_empty(), offer.name.to_lowercase()));
    Ok((offers, found.items))
}

/// Landing zones of a platform that the workspace acted in may use.
pub async fn zones(ctx: &Ctx, platform: &str) -> Result<Vec<Zone>, Problem> {
    let path = format!("/api/meshobjects/meshlandingzones?size=1000&platformUuid={}", segment(platform));
    let usable = |zone: &&Value| {
        zone["status"]["disabled"] != true
            && (zone["spec"]["restricted"] != true || zone["metadata"]["ownedByWorkspace"] == ctx.home())
    };
    Ok(ctx.api.list(&path).await?.items.iter().filter(usable).map(Zone::read).collect())
}

/// What tenants of a landing zone come with.
pub async fn included(ctx: &Ctx, zone: Option<&Zone>) -> Result<Vec<Included>, Problem> {
    let Some(zone) = zone else { return Ok(Vec::new()) };
    let path = format!("/api/stoa/v1/landingzones/{}/included", segment(&zone.name));
    let found = ctx.api.get(&path).await?;
    Ok(found["included"].as_array().into_iter().flatten().map(Included::read).collect())
}
