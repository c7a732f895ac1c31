//! What tenants are shown with: names of platforms, pictures of their types, blocks on them.

use crate::api::{said, segment};
use crate::ctx::Ctx;
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::Value;
use std::collections::HashMap;

/// A platform as tenants show it.
#[derive(Clone, Debug, Default)]
pub struct Platform {
    /// For people.
    pub name: String,
    /// Picture of its type.
    pub icon: String,
    /// Its type, for people.
    pub kind: String,
}

/// Platforms that somebody sees, and pictures of all types.
pub struct Platforms {
    by_uuid: HashMap<String, String>,
    types: HashMap<String, (String, String)>,
}

impl Platforms {
    /// Reads them.
    pub async fn read(ctx: &Ctx) -> Result<Self, Problem> {
        let platforms = ctx.api.list("/api/meshobjects/meshplatforms?size=1000");
        let types = ctx.api.list("/api/meshobjects/meshplatformtypes?size=1000");
        let (platforms, types) = tokio::join!(platforms, types);
        let named =
            |platform: &Value| (said(platform, "/metadata/uuid"), said(platform, "/spec/displayName"));
        let pictured = |kind: &Value| {
            (said(kind, "/metadata/name"), (said(kind, "/spec/displayName"), said(kind, "/spec/icon")))
        };
        Ok(Self {
            // Who sees no platforms at all still sees tenants.
            by_uuid: platforms.unwrap_or_default().items.iter().map(named).collect(),
            types: types?.items.iter().map(pictured).collect(),
        })
    }

    /// The platform of a tenant.
    pub fn of(&self, tenant: &Value) -> Platform {
        let kind = said(tenant, "/status/platformTypeIdentifier");
        let whole = said(tenant, "/status/tenantName");
        // A platform that is not offered any more is known by its identifier only.
        let identifier = whole.splitn(3, '.').nth(2).unwrap_or_default().to_owned();
        let name = self.by_uuid.get(&said(tenant, "/spec/platformRef/uuid")).cloned();
        let (said, icon) = self.types.get(&kind).cloned().unwrap_or_else(|| (kind, String::new()));
        Platform { name: name.unwrap_or(identifier), icon, kind: said }
    }

    /// Picture and name of a type.
    pub fn kind(&self, identifier: &str) -> (String, String) {
        self.types.get(identifier).cloned().unwrap_or_else(|| (identifier.to_owned(), String::new()))
    }
}

/// A building block in a list.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its uuid.
    pub uuid: String,
    /// For people.
    pub name: String,
    /// Where it stands.
    pub state: String,
    /// What it waits for.
    pub waiting: String,
    /// The tenant it works on; empty for one of the workspace.
    pub tenant: String,
}

impl Block {
    /// Reads one.
    pub fn read(block: &Value) -> Self {
        Self {
            uuid: said(block, "/metadata/uuid"),
            name: said(block, "/spec/displayName"),
            state: said(block, "/status/status"),
            waiting: said(block, "/status/waiting/reason"),
            tenant: said(block, "/spec/targetRef/uuid"),
        }
    }
}

/// A tenant in a list.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its uuid.
    pub uuid: String,
    /// Its project.
    pub project: String,
    /// Its platform.
    pub platform: Platform,
    /// The platform's uuid.
    pub platform_uuid: String,
    /// Id on the platform.
    pub platform_tenant_id: String,
    /// Name of the landing zone.
    pub zone: String,
    /// Where it stands.
    pub phase: String,
    /// What it waits for.
    pub waiting: String,
    /// Where to sign in.
    pub sign_in: String,
    /// Its building blocks.
    pub blocks: Vec<Block>,
}

impl Tenant {
    /// Reads one.
    pub fn read(tenant: &Value, platforms: &Platforms, blocks: &[Block]) -> Self {
        let uuid = said(tenant, "/metadata/uuid");
        Self {
            project: said(tenant, "/metadata/ownedByProject"),
            platform: platforms.of(tenant),
            platform_uuid: said(tenant, "/spec/platformRef/uuid"),
            platform_tenant_id: said(tenant, "/spec/platformTenantId"),
            zone: said(tenant, "/spec/landingZoneRef/name"),
            phase: match said(tenant, "/status/phase").as_str() {
                // Other things are requested, too, and mean a review.
                "REQUESTED" => "PENDING".into(),
                other => other.to_owned(),
            },
            waiting: waiting(tenant),
            sign_in: safe_link(&said(tenant, "/status/signInUrl")),
            blocks: blocks.iter().filter(|block| block.tenant == uuid).cloned().collect(),
            uuid,
        }
    }
}

/// Why something is not final, in a sentence.
pub fn waiting(object: &Value) -> String {
    let waiting = &object["status"]["waiting"];
    let part = |name: &str| waiting[name].as_str().unwrap_or_default();
    match (part("blocker"), part("who")) {
        ("", _) => part("reason").to_owned(),
        (blocker, "") => blocker.to_owned(),
        (blocker, who) => fill(tr("Waits for {0}; {1} can move it"), &[blocker, who]),
    }
}

/// A link that a browser may follow.
pub fn safe_link(link: &str) -> String {
    if link.starts_with("https://") || link.starts_with("http://") { link.to_owned() } else { String::new() }
}

/// Tenants of projects that are there or on their way out, oldest first, with their blocks.
pub async fn tenants(ctx: &Ctx, projects: &[&str], blocks: &[Block]) -> Result<Vec<Tenant>, Problem> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let mut path = format!(
        "/api/meshobjects/meshtenants?workspaceIdentifier={}&state=ACTIVE&state=MARKED_FOR_DELETION&size=1000",
        segment(ctx.home())
    );
    for project in projects {
        path.push_str("&projectIdentifier=");
        path.push_str(&segment(project));
    }
    let (found, platforms) = tokio::join!(ctx.api.list(&path), Platforms::read(ctx));
    let (found, platforms) = (found?, platforms?);
    Ok(found.items.iter().map(|tenant| Tenant::read(tenant, &platforms, blocks)).collect())
}

/// Building blocks of the workspace acted in; `filter` is a query of the API.
pub async fn blocks(ctx: &Ctx, filter: &str) -> Result<Vec<Block>, Problem> {
    let path = format!(
        "/api/meshobjects/meshbuildingblocks?workspaceIdentifier={}&size=1000{filter}",
        segment(ctx.home())
    );
    Ok(ctx.api.list(&path).await?.items.iter().map(Block::read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_the_web_are_followed() {
        assert_eq!(safe_link("javascript:alert(1)"), "");
        assert_eq!(safe_link("https://x.example"), "https://x.example");
    }
}
