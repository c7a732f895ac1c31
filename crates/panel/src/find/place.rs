//! Where a thing's page is (panel.md §1.2), and the pages that have a name themselves.

use crate::api::{segment, text_at};
use crate::ctx::Ctx;
use crate::text::tr;
use serde_json::Value;

/// Something to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its page.
    pub href: String,
    /// What it is called.
    pub name: String,
    /// Where it is: kind, workspace and project.
    pub path: String,
    /// Icon of the sprite.
    pub icon: &'static str,
    /// Its identifier.
    pub identifier: String,
    /// Its uuid; empty for pages.
    pub uuid: String,
}

impl Place {
    /// The page of a hit, found while acting in `home` or as administrator; none where it has no page.
    pub fn of(ctx: &Ctx, home: Option<&str>, hit: &Value) -> Option<Self> {
        let text = |name: &str| text_at(hit, &format!("/{name}"));
        let (kind, uuid, identifier) = (text("kind"), text("uuid"), text("identifier"));
        let (owner, project, part_of) = (text("workspace"), text("project"), text("partOf"));
        // Whoever has a role in the owning workspace goes there, everybody else to the administration or the builder.
        let at_home = home.is_some_and(|home| home == owner);
        let base = home.map_or_else(|| "/admin".to_owned(), |home| format!("/w/{}", segment(home)));
        let build = if home.is_some() { format!("{base}/build") } else { base.clone() };
        let is_builder = home.is_none()
            || ctx
                .me
                .workspaces
                .iter()
                .any(|one| Some(one.identifier.as_str()) == home && one.platform_builder);
        let offered = |tail: &str, id: &str| is_builder.then(|| format!("{build}/{tail}/{}", segment(id)));
        let admin = |tail: &str, id: &str| home.is_none().then(|| format!("/admin/{tail}/{}", segment(id)));
        let (label, icon, href) = match kind {
            "meshWorkspace" if at_home => (tr("Workspace"), "briefcase", Some(base)),
            "meshWorkspace" => (tr("Workspace"), "briefcase", admin("workspaces", identifier)),
            "meshProject" if at_home => {
                (tr("Project"), "folder", Some(format!("{base}/p/{}", segment(identifier))))
            }
            "meshProject" => (tr("Project"), "folder", admin("projects", &format!("{owner}.{identifier}"))),
            "meshTenant" if at_home => {
                (tr("Tenant"), "stack-2", Some(format!("{base}/p/{}/t/{}", segment(project), segment(uuid))))
            }
            "meshTenant" => (tr("Tenant"), "stack-2", offered("tenants", uuid)),
            "meshBuildingBlock" if at_home => {
                (tr("Building block"), "box", Some(format!("{base}/b/{}", segment(uuid))))
            }
            "meshBuildingBlock" => (tr("Building block"), "box", offered("blocks", uuid)),
            "meshBuildingBlockRun" if at_home => (
                tr("Run"),
                "player-play",
                Some(format!("{base}/b/{}/runs/{}", segment(part_of), segment(uuid))),
            ),
            "meshBuildingBlockRun" => (tr("Run"), "player-play", offered("runs", uuid)),
            "meshBuildingBlockDefinition" => (tr("Definition"), "package", offered("definitions", uuid)),
            "meshBuildingBlockDefinitionVersion" => {
                (tr("Definition version"), "package", offered("definitions", part_of))
            }
            "meshBuildingBlockRunner" => (tr("Runner"), "server-cog", offered("runners", uuid)),
            "meshIntegration" => (tr("Integration"), "plug", offered("integrations", uuid)),
            "meshPlatform" => (tr("Platform"), "cloud", offered("platforms", uuid)),
            "meshLandingZone" => (tr("Landing zone"), "route", offered("landing-zones", identifier)),
            "meshPlatformType" => (tr("Platform type"), "apps", offered("types", identifier)),
            "meshUser" => (tr("User"), "user", admin("users", identifier)),
            "meshWorkspaceUserGroup" if at_home => {
                (tr("Group"), "users-group", Some(format!("{base}/access/groups")))
            }
            "meshWorkspaceUserGroup" => (tr("Group"), "users-group", admin("groups", identifier)),
            "meshApiKey" if at_home => (tr("API key"), "key", Some(format!("{base}/access/keys"))),
            "meshApiKey" => (tr("API key"), "key", admin("keys", uuid)),
            "meshPaymentMethod" => {
                (tr("Payment method"), "credit-card", admin("payment-methods", identifier))
            }
            "meshTagDefinition" => (tr("Tag"), "tags", admin("tags", identifier)),
            "meshProjectRole" => (tr("Project role"), "id", admin("project-roles", identifier)),
            "meshLocation" => (tr("Location"), "map-pin", admin("locations", identifier)),
            "meshCommunication" => (tr("Communication"), "mail", admin("communications", uuid)),
            "meshCommunicationDefinition" => (tr("Message"), "message", admin("messages", uuid)),
            "meshWorkspaceUserBinding" | "meshWorkspaceGroupBinding" => {
                (tr("Role"), "users", admin("workspaces", owner).map(|page| format!("{page}/people")))
            }
            _ => return None,
        };
        let steps: Vec<&str> = [label, owner, project].into_iter().filter(|step| !step.is_empty()).collect();
        Some(Self {
            href: href?,
            name: text("name").to_owned(),
            path: steps.join(" · "),
            icon,
            identifier: identifier.to_owned(),
            uuid: uuid.to_owned(),
        })
    }

    /// How well it fits: exactly, at the beginning, somewhere.
    pub fn rank(&self, wanted: &str) -> u8 {
        let texts = [&self.name, &self.identifier, &self.uuid].map(|text| text.to_lowercase());
        if texts.iter().any(|text| text == wanted) {
            0
        } else if texts.iter().any(|text| text.starts_with(wanted)) {
            1
        } else {
            2
        }
    }
}

/// Pages and actions whose names hold the text; the usual ones for no text.
pub fn pages(ctx: &Ctx, q: &str) -> Vec<Place> {
    let wanted = q.trim().to_lowercase();
    let page = |name: &str, path: &str, href: String, icon: &'static str| Place {
        href,
        name: name.to_owned(),
        path: path.to_owned(),
        icon,
        identifier: String::new(),
        uuid: String::new(),
    };
    let mut all = vec![
        page(tr("Home"), tr("Page"), "/home".into(), "home"),
        page(tr("Inbox"), tr("Page"), "/inbox".into(), "bell"),
    ];
    for home in &ctx.me.workspaces {
        let base = format!("/w/{}", segment(&home.identifier));
        let (name, project) = (&home.display_name, tr("Create project"));
        all.push(page(name, tr("Workspace"), base.clone(), "briefcase"));
        all.push(page(tr("Marketplace"), name, format!("{base}/market"), "building-store"));
        if home.is_team() {
            all.push(page(project, name, format!("{base}/projects/new"), "plus"));
        }
    }
    if !ctx.me.admin_roles.is_empty() {
        all.push(page(tr("Administration"), tr("Page"), "/admin".into(), "shield"));
        for (name, tail) in [
            (tr("Workspaces"), "workspaces"),
            (tr("Users"), "users"),
            (tr("Tags"), "tags"),
            (tr("Event log"), "events"),
        ] {
            all.push(page(name, tr("Administration"), format!("/admin/{tail}"), "shield"));
        }
    }
    all.retain(|place| place.name.to_lowercase().contains(&wanted));
    all.truncate(if wanted.is_empty() { 8 } else { 4 });
    all
}
