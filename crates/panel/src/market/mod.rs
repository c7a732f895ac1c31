//! The marketplace (panel.md §6): what platform teams offer, and how to order it.

mod catalogue;
mod entry;
mod order;
mod target;

use crate::Pages;
use crate::api::{segment, text_at};
use crate::ctx::Ctx;
use crate::problem::Problem;
use crate::text::tr;
use axum::routing::get;
use serde_json::Value;

/// Something that can be ordered: a building block definition.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// uuid of the definition.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// One or two sentences.
    pub line: String,
    /// Icon, as a data URI or a name of the sprite.
    pub icon: String,
    /// The workspace that offers it.
    pub owner: String,
    /// Whether it is for tenants; else for workspaces.
    pub is_for_tenants: bool,
    /// Platform types that it supports.
    pub platforms: Vec<String>,
    /// Number of the version that is ordered; none while there is none.
    pub version: Option<u64>,
    /// uuid of that version.
    pub version_uuid: String,
    /// Whether the version is a draft, which only its owner sees.
    pub is_draft: bool,
    /// Markdown.
    pub readme: String,
    /// Where documentation is.
    pub documentation: String,
    /// Where help is.
    pub support: String,
    /// Whether those who order it see what its runs do.
    pub shows_runs: bool,
    /// Whether only landing zones use it.
    pub is_for_zones_only: bool,
    /// Tags, as `name: values`.
    pub tags: Vec<String>,
    /// When it was made.
    pub created: String,
}

impl Entry {
    /// Reads a definition. A workspace that owns it may order its newest draft while nothing is released.
    pub fn read(definition: &Value) -> Self {
        let text = |pointer: &str| text_at(definition, pointer).to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let status = &definition["status"];
        let released = text("/status/latestReleasedVersionUuid");
        let is_draft = released.is_empty();
        let (version, version_uuid) = if is_draft {
            (status["latestVersion"].as_u64(), text("/status/latestVersionUuid"))
        } else {
            (status["latestReleasedVersion"].as_u64(), released)
        };
        let tags = definition["metadata"]["tags"].as_object().into_iter().flatten().map(|(name, values)| {
            let values = list(values);
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            format!("{name}: {}", values.join(", "))
        });
        Self {
            uuid: text("/metadata/uuid"),
            name: text("/spec/displayName"),
            line: text("/spec/description"),
            icon: text("/spec/symbol"),
            owner: text("/metadata/ownedByWorkspace"),
            is_for_tenants: text("/spec/targetType") == "TENANT_LEVEL",
            platforms: list(&definition["spec"]["supportedPlatforms"])
                .iter()
                .map(|platform| text_at(platform, "/name").to_owned())
                .collect(),
            version,
            version_uuid,
            is_draft,
            readme: text("/spec/readme"),
            documentation: text("/spec/documentationUrl"),
            support: text("/spec/supportUrl"),
            shows_runs: definition["spec"]["runTransparency"].as_bool().unwrap_or_default(),
            is_for_zones_only: definition["spec"]["useInLandingZonesOnly"].as_bool().unwrap_or_default(),
            tags: tags.collect(),
            created: text("/metadata/createdOn"),
        }
    }

    /// What its blocks are placed on.
    pub fn level(&self) -> &'static str {
        if self.is_for_tenants { tr("For a tenant") } else { tr("For the workspace") }
    }

    /// Path of its page.
    pub fn path(&self, ctx: &Ctx) -> String {
        format!("/w/{}/market/{}", segment(ctx.home()), segment(&self.uuid))
    }

    /// Why whoever is signed in cannot order it; nothing when they can (MK-20).
    pub fn why_not(&self, ctx: &Ctx) -> Option<&'static str> {
        if !ctx.may("BUILDINGBLOCK_SAVE") {
            Some(tr("Your role in this workspace does not order building blocks. Ask an Owner or Manager."))
        } else if !self.is_for_tenants && !ctx.is_team() {
            Some(tr("Building blocks of the workspace itself are ordered by its Owners and Managers."))
        } else if self.is_for_zones_only {
            Some(tr("It comes with landing zones, and cannot be ordered by itself."))
        } else if self.version_uuid.is_empty() {
            Some(tr("It has no version yet."))
        } else if self.is_draft && self.owner != ctx.home() {
            Some(tr("It has not been released yet."))
        } else {
            None
        }
    }
}

/// The entry that a path names.
async fn found(ctx: &Ctx, uuid: &str) -> Result<(Entry, Value), Problem> {
    let path = format!("/api/meshobjects/meshbuildingblockdefinitions/{}", segment(uuid));
    let definition = ctx.api.get(&path).await?;
    Ok((Entry::read(&definition), definition))
}

/// A version of a definition; none where it may not be read.
async fn version(ctx: &Ctx, uuid: &str) -> Result<Value, Problem> {
    let path = format!("/api/meshobjects/meshbuildingblockdefinitionversions/{}", segment(uuid));
    ctx.api.get(&path).await
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/w/{workspace}/market", get(catalogue::list))
        .route("/w/{workspace}/market/{entry}", get(entry::show))
        .route("/w/{workspace}/market/{entry}/order", get(order::ask).post(order::send))
}
