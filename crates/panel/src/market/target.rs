//! What an order is placed on: the workspace, or one of its tenants, with the reason where one cannot be used.

use super::Entry;
use super::entry::blocks_of;
use crate::api::{segment, text_at, with_query};
use crate::ctx::Ctx;
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::Value;

/// A tenant that an order may be placed on.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// uuid of the tenant.
    pub uuid: String,
    /// Identifier of its project.
    pub project: String,
    /// Its platform.
    pub platform: String,
    /// Platform type.
    pub kind: String,
    /// Why it cannot be used; empty when it can.
    pub why_not: String,
}

/// A project and its tenants.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Identifier.
    pub project: String,
    /// The tenants.
    pub places: Vec<Place>,
}

fn place(tenant: &Value) -> Place {
    let key = text_at(tenant, "/status/tenantName");
    // `workspace.project.platform.location`
    let platform = key.splitn(3, '.').nth(2).unwrap_or(key).to_owned();
    Place {
        uuid: text_at(tenant, "/metadata/uuid").to_owned(),
        project: text_at(tenant, "/metadata/ownedByProject").to_owned(),
        platform,
        kind: text_at(tenant, "/status/platformTypeIdentifier").to_owned(),
        why_not: String::new(),
    }
}

fn why_not(entry: &Entry, tenant: &Value, place: &Place, taken: &[String]) -> String {
    let state = text_at(tenant, "/status/lifecycle/state");
    if !entry.platforms.contains(&place.kind) {
        return fill(tr("{0} is not one of its platforms"), &[&place.kind]);
    }
    if !state.is_empty() && state != "ACTIVE" {
        return tr("it is being deleted").into();
    }
    if taken.contains(&place.uuid) {
        return tr("it has one already, and more than one is not possible").into();
    }
    String::new()
}

/// The tenants of the workspace with the reason why one cannot be used, those that can first. `q` searches.
pub async fn groups(
    ctx: &Ctx,
    entry: &Entry,
    version: &Value,
    q: &str,
) -> Result<(Vec<Group>, bool), Problem> {
    let query = [("workspaceIdentifier", ctx.home()), ("size", "200"), ("q", q)];
    let tenants = ctx.api.list(&with_query("/api/meshobjects/meshtenants", query)).await?;
    let taken: Vec<String> = if version["spec"]["onlyApplyOncePerTenant"] == Value::Bool(true) {
        let blocks = blocks_of(ctx, &entry.uuid, "1000").await;
        let targets = blocks.items.iter().map(|block| text_at(block, "/spec/targetRef/uuid").to_owned());
        targets.collect()
    } else {
        Vec::new()
    };
    let mut groups: Vec<Group> = Vec::new();
    for tenant in &tenants.items {
        let mut place = place(tenant);
        place.why_not = why_not(entry, tenant, &place, &taken);
        match groups.iter_mut().find(|group| group.project == place.project) {
            Some(group) => group.places.push(place),
            None => groups.push(Group { project: place.project.clone(), places: vec![place] }),
        }
    }
    for group in &mut groups {
        group.places.sort_by_key(|place| (!place.why_not.is_empty(), place.platform.clone()));
    }
    groups.sort_by_key(|group| {
        (group.places.iter().all(|place| !place.why_not.is_empty()), group.project.clone())
    });
    Ok((groups, tenants.total > tenants.items.len() as u64))
}

/// The tenant that an order names.
pub async fn one(ctx: &Ctx, uuid: &str) -> Result<Place, Problem> {
    let tenant = ctx.api.get(&format!("/api/meshobjects/meshtenants/{}", segment(uuid))).await?;
    Ok(place(&tenant))
}
