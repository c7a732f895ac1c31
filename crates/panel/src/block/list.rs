//! The list of a workspace's building blocks.

use super::target;
use crate::api::{segment, text_at};
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use serde_json::Value;
use std::collections::BTreeMap;

/// A row.
struct Row {
    uuid: String,
    name: String,
    status: String,
    definition: String,
    definition_uuid: String,
    icon: String,
    version: u64,
    has_newer: bool,
    target: (String, String),
    created: String,
}

#[derive(Template)]
#[template(path = "block/list.html")]
struct ListPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Row>,
    states: &'static [&'static str],
}

/// States that the list can be narrowed to.
const STATES: [&str; 8] = [
    "SUCCEEDED",
    "FAILED",
    "IN_PROGRESS",
    "PENDING",
    "ABORTED",
    "WAITING_FOR_USER_INPUT",
    "WAITING_FOR_OPERATOR_INPUT",
    "WAITING_FOR_DEPENDENT_INPUT",
];

/// What several rows share is asked for once.
#[derive(Default)]
struct Shared {
    versions: BTreeMap<String, Value>,
    definitions: BTreeMap<String, Value>,
    targets: BTreeMap<String, (String, String)>,
}

impl Shared {
    async fn one(kept: &mut BTreeMap<String, Value>, ctx: &Ctx, kind: &str, uuid: &str) -> Value {
        if let Some(found) = kept.get(uuid) {
            return found.clone();
        }
        let path = format!("/api/meshobjects/{kind}/{}", segment(uuid));
        let found = ctx.api.get_if_there(&path).await.ok().flatten().unwrap_or_default();
        kept.insert(uuid.to_owned(), found.clone());
        found
    }

    async fn row(&mut self, ctx: &Ctx, block: &Value) -> Row {
        let version = text_at(block, "/spec/buildingBlockDefinitionVersionRef/uuid");
        let version =
            Self::one(&mut self.versions, ctx, "meshbuildingblockdefinitionversions", version).await;
        let of = text_at(&version, "/spec/buildingBlockDefinitionRef/uuid");
        let definition = Self::one(&mut self.definitions, ctx, "meshbuildingblockdefinitions", of).await;
        let on = text_at(block, "/spec/targetRef/uuid").to_owned();
        if !self.targets.contains_key(&on) {
            let found = target(ctx, block).await;
            self.targets.insert(on.clone(), found);
        }
        let number = version["spec"]["versionNumber"].as_u64().unwrap_or_default();
        let newest = definition["status"]["latestReleasedVersion"].as_u64().unwrap_or_default();
        let text = |pointer: &str| text_at(block, pointer).to_owned();
        let lifecycle = text("/status/lifecycle/state");
        let is_leaving = lifecycle == "MARKED_FOR_DELETION" && text("/status/status") != "FAILED";
        Row {
            uuid: text("/metadata/uuid"),
            name: text("/spec/displayName"),
            status: if is_leaving { "IN_DELETION".into() } else { text("/status/status") },
            definition: text_at(&definition, "/spec/displayName").to_owned(),
            definition_uuid: of.to_owned(),
            icon: text_at(&definition, "/spec/symbol").to_owned(),
            version: number,
            has_newer: newest > number,
            target: self.targets.get(&on).cloned().unwrap_or_default(),
            created: text("/metadata/createdOn"),
        }
    }
}

/// The list.
pub async fn list(ctx: Ctx) -> Answer {
    let path = format!(
        "/api/meshobjects/meshbuildingblocks?sort=-createdOn&workspaceIdentifier={}",
        segment(ctx.home())
    );
    let filters = [
        ("status", "status"),
        ("definition", "definitionUuid"),
        ("level", "targetRefKind"),
        ("project", "projectIdentifier"),
        ("tenant", "tenantUuid"),
    ];
    let found = ctx.api.list(&Listing::ask(&ctx, &path, &filters)).await?;
    let mut shared = Shared::default();
    let mut rows = Vec::new();
    for block in &found.items {
        rows.push(shared.row(&ctx, block).await);
    }
    ctx.page(&ListPage {
        shell: ctx.shell(tr("Building blocks")),
        listing: Listing::of(&ctx, &found),
        rows,
        states: &STATES,
    })
}
