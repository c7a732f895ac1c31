//! One entry of the marketplace: what it is, what it asks for, what it gives.

use super::{Entry, found, version};
use crate::api::{Listed, segment, text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::input::{self, Input};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use serde_json::Value;

/// A version as it is listed.
struct Release {
    number: u64,
    state: String,
    is_offered: bool,
}

/// A block of this workspace that was made from the entry.
struct Mine {
    uuid: String,
    name: String,
    status: String,
}

/// What a block gives back.
struct Output {
    label: String,
    use_word: &'static str,
}

/// A definition that the entry builds on.
struct Needed {
    uuid: String,
    name: String,
}

#[derive(Template)]
#[template(path = "market/entry.html")]
struct EntryPage {
    shell: Shell,
    entry: Entry,
    why_not: Option<&'static str>,
    releases: Vec<Release>,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    needed: Vec<Needed>,
    mine: Vec<Mine>,
    mine_total: u64,
    implementation: &'static str,
    is_once: bool,
    is_own: bool,
    tenant: String,
}

fn use_word(assignment: &str) -> &'static str {
    match assignment {
        "PLATFORM_TENANT_ID" => tr("Identifies the tenant on its platform"),
        "SIGN_IN_URL" => tr("Link to sign in"),
        "RESOURCE_URL" => tr("Link to the resource"),
        "SUMMARY" => tr("Instructions"),
        _ => tr("Value"),
    }
}

fn outputs(version: &Value) -> Vec<Output> {
    let mut found: Vec<(i64, &String, Output)> = version["spec"]["outputs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, output)| {
            let shown = Output {
                label: text_at(output, "/displayName").to_owned(),
                use_word: use_word(text_at(output, "/assignmentType")),
            };
            (output["displayOrder"].as_i64().unwrap_or(i64::MAX), key, shown)
        })
        .collect();
    found.sort_by_key(|(place, key, _)| (*place, (*key).clone()));
    found.into_iter().map(|(.., output)| output).collect()
}

/// Blocks of the workspace made from a definition.
pub async fn blocks_of(ctx: &Ctx, definition: &str, size: &str) -> Listed {
    let query = [("workspaceIdentifier", ctx.home()), ("definitionUuid", definition), ("size", size)];
    let path = with_query("/api/meshobjects/meshbuildingblocks", query);
    ctx.api.list(&path).await.unwrap_or_default()
}

/// Definitions that a version depends on.
pub async fn needed_by(ctx: &Ctx, version: &Value) -> Vec<Entry> {
    let mut needed = Vec::new();
    for reference in version["spec"]["dependencyDefinitionRefs"].as_array().into_iter().flatten() {
        if let Ok((entry, _)) = found(ctx, text_at(reference, "/uuid")).await {
            needed.push(entry);
        }
    }
    needed
}

/// The page.
pub async fn show(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let (entry, definition) = found(&ctx, &uuid).await?;
    let offered = if entry.version_uuid.is_empty() {
        Value::Null
    } else {
        version(&ctx, &entry.version_uuid).await.unwrap_or_default()
    };
    let mine = blocks_of(&ctx, &entry.uuid, "5").await;
    let needed = needed_by(&ctx, &offered).await;
    let is_own = entry.owner == ctx.home();
    let releases = definition["status"]["versions"].as_array().into_iter().flatten().map(|listed| Release {
        number: listed["versionNumber"].as_u64().unwrap_or_default(),
        state: text_at(listed, "/state").to_owned(),
        is_offered: text_at(listed, "/versionUuid") == entry.version_uuid,
    });
    let mut releases: Vec<Release> =
        releases.filter(|release| is_own || release.state == "RELEASED").collect();
    releases.reverse();
    let market = format!("/w/{}/market", segment(ctx.home()));
    let state = if entry.is_draft { "DRAFT" } else { "" };
    let shell = ctx
        .shell(entry.name.clone())
        .crumb(tr("Marketplace"), market)
        .about(entry.name.clone(), String::new())
        .marked(entry.icon.clone(), state);
    ctx.page(&EntryPage {
        shell,
        why_not: entry.why_not(&ctx),
        releases,
        inputs: Input::asked(&offered),
        outputs: outputs(&offered),
        needed: needed.into_iter().map(|entry| Needed { uuid: entry.uuid, name: entry.name }).collect(),
        mine: mine
            .items
            .iter()
            .map(|block| Mine {
                uuid: text_at(block, "/metadata/uuid").to_owned(),
                name: text_at(block, "/spec/displayName").to_owned(),
                status: text_at(block, "/status/status").to_owned(),
            })
            .collect(),
        mine_total: mine.total,
        implementation: input::implementation(&offered),
        is_once: offered["spec"]["onlyApplyOncePerTenant"] == Value::Bool(true),
        is_own,
        tenant: ctx.query("tenant").unwrap_or_default().to_owned(),
        entry,
    })
}
