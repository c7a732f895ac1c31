//! What the side navigation offers in each area. Entries that somebody could never use are not shown (SH-06).

use crate::api::segment;
use crate::ctx::Ctx;
use crate::text::tr;

/// One entry.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it says.
    pub label: &'static str,
    /// Where it leads.
    pub href: String,
    /// Name in the sprite.
    pub icon: &'static str,
    /// Whether this page is under it.
    pub is_active: bool,
}

/// Entries under one word.
#[derive(Clone, Debug)]
pub struct Section {
    /// The word; empty for the first ones.
    pub label: &'static str,
    /// The entries.
    pub items: Vec<Item>,
}

/// An area that somebody may enter.
#[derive(Clone, Debug)]
pub struct Area {
    /// What it says.
    pub label: &'static str,
    /// Where it begins.
    pub href: String,
    /// Name in the sprite.
    pub icon: &'static str,
    /// Whether this page is in it.
    pub is_active: bool,
}

/// A section under way.
struct Draft<'c> {
    path: &'c str,
    base: String,
    sections: Vec<Section>,
}

impl Draft<'_> {
    fn section(&mut self, label: &'static str) {
        self.sections.push(Section { label, items: Vec::new() });
    }

    /// An entry, if `shown`; its page is `base` and `tail`.
    fn item(&mut self, shown: bool, label: &'static str, tail: &str, icon: &'static str) {
        let href = format!("{}{tail}", self.base);
        let below = format!("{}/", href.trim_end_matches('/'));
        // The first page of an area is above all others, but not where they are.
        let is_first = tail.is_empty() || tail == "/build";
        let is_active = self.path == href || (!is_first && self.path.starts_with(&below));
        if let Some(section) = self.sections.last_mut().filter(|_| shown) {
            section.items.push(Item { label, href, icon, is_active });
        }
    }

    fn done(self) -> Vec<Section> {
        self.sections.into_iter().filter(|section| !section.items.is_empty()).collect()
    }
}

/// The navigation of the area that the page is in.
pub fn sections(ctx: &Ctx) -> Vec<Section> {
    let base = if ctx.path.starts_with("/admin") {
        "/admin".to_owned()
    } else if ctx.workspace.is_some() {
        format!("/w/{}", segment(ctx.home()))
    } else {
        String::new()
    };
    let mut nav = Draft { path: &ctx.path, base, sections: Vec::new() };
    if ctx.path.starts_with("/admin") {
        administration(ctx, &mut nav);
    } else if ctx.workspace.is_some() && is_build(&ctx.path) {
        build(ctx, &mut nav);
    } else if ctx.workspace.is_some() {
        workspace(ctx, &mut nav);
    } else {
        nav.section("");
        nav.item(true, tr("Home"), "/home", "home");
        nav.item(true, tr("My profile"), "/me", "user-circle");
    }
    nav.done()
}

fn workspace(ctx: &Ctx, nav: &mut Draft<'_>) {
    let is_team = ctx.is_team();
    nav.section("");
    nav.item(true, tr("Overview"), "", "layout-dashboard");
    nav.item(true, tr("Projects"), "/projects", "folders");
    nav.item(true, tr("Building blocks"), "/blocks", "box");
    nav.item(true, tr("Marketplace"), "/market", "building-store");
    nav.section(tr("People"));
    nav.item(is_team, tr("Access"), "/access", "users");
    nav.item(is_team, tr("API keys"), "/access/keys", "key");
    nav.section(tr("Workspace"));
    nav.item(is_team, tr("Event log"), "/compliance/events", "history");
    nav.item(is_team, tr("Settings"), "/settings", "settings");
}

fn build(ctx: &Ctx, nav: &mut Draft<'_>) {
    let is_builder = ctx.workspace.as_ref().is_some_and(|workspace| workspace.platform_builder);
    nav.section("");
    nav.item(is_builder, tr("Dashboard"), "/build", "layout-dashboard");
    nav.section(tr("Building blocks"));
    nav.item(is_builder, tr("Definitions"), "/build/definitions", "package");
    nav.item(is_builder, tr("Blocks of customers"), "/build/blocks", "box");
    nav.item(is_builder, tr("Runs"), "/build/runs", "player-play");
    nav.item(is_builder, tr("Runners"), "/build/runners", "server-cog");
    nav.item(is_builder, tr("Integrations"), "/build/integrations", "plug");
    nav.section(tr("Platforms"));
    nav.item(is_builder, tr("Platforms"), "/build/platforms", "cloud");
    nav.item(is_builder, tr("Landing zones"), "/build/landing-zones", "map-pin");
    nav.item(is_builder, tr("Platform types"), "/build/types", "apps");
    nav.item(is_builder, tr("Tenants"), "/build/tenants", "stack-2");
    nav.item(is_builder, tr("Deletion queue"), "/build/deletions", "trash");
    nav.item(is_builder, tr("Quota requests"), "/build/quotas", "ruler-measure");
}

fn administration(ctx: &Ctx, nav: &mut Draft<'_>) {
    let may = |code| ctx.may(code);
    nav.section("");
    nav.item(true, tr("Dashboard"), "", "layout-dashboard");
    nav.section(tr("Organization"));
    nav.item(may("ADM_WORKSPACE_LIST"), tr("Workspaces"), "/workspaces", "building-community");
    nav.item(may("ADM_PROJECT_LIST"), tr("Projects"), "/projects", "folders");
    nav.item(may("ADM_PAYMENTMETHOD_LIST"), tr("Payment methods"), "/payment-methods", "credit-card");
    nav.section(tr("Platforms"));
    nav.item(may("ADM_PLATFORMINSTANCE_LIST"), tr("Platforms"), "/platforms", "cloud");
    nav.item(may("ADM_PLATFORMINSTANCE_LIST"), tr("Platform types"), "/types", "apps");
    nav.item(may("ADM_PLATFORMINSTANCE_LIST"), tr("Locations"), "/locations", "map-pin");
    nav.item(may("ADM_LANDINGZONE_LIST"), tr("Landing zones"), "/landing-zones", "route");
    nav.item(may("ADM_TENANT_LIST"), tr("Tenants"), "/tenants", "stack-2");
    nav.item(may("ADM_TENANT_DELETE"), tr("Deletion queue"), "/deletions", "trash");
    nav.section(tr("Marketplace"));
    nav.item(may("ADM_REVIEW_PUBLICATION"), tr("Reviews"), "/reviews", "clipboard-check");
    nav.item(may("ADM_BUILDINGBLOCKDEFINITION_LIST"), tr("Definitions"), "/definitions", "package");
    nav.item(may("ADM_BUILDINGBLOCK_LIST"), tr("Building blocks"), "/blocks", "box");
    nav.item(may("ADM_BUILDINGBLOCKRUN_LIST"), tr("Runs"), "/runs", "player-play");
    nav.item(may("ADM_BUILDINGBLOCKRUNNER_LIST"), tr("Runners"), "/runners", "server-cog");
    nav.item(may("ADM_INTEGRATION_LIST"), tr("Integrations"), "/integrations", "plug");
    nav.section(tr("Access"));
    nav.item(may("ADM_USER_LIST"), tr("Users"), "/users", "user");
    nav.item(may("ADM_USER_LIST"), tr("Groups"), "/groups", "users-group");
    nav.item(
        ctx.me.admin_roles.iter().any(|role| role == "OA"),
        tr("Admin access"),
        "/access",
        "user-shield",
    );
    nav.item(may("ADM_PROJECTROLE_SAVE"), tr("Project roles"), "/project-roles", "id");
    nav.item(may("ADM_APIKEY_LIST"), tr("API keys"), "/keys", "key");
    nav.section(tr("Compliance"));
    nav.item(may("ADM_TAGDEFINITION_LIST"), tr("Tags"), "/tags", "tags");
    nav.item(may("ADM_EVENTLOG_LIST"), tr("Event log"), "/events", "history");
    nav.item(may("ADM_COMMUNICATIONDEFINITION_LIST"), tr("Messages"), "/messages", "message");
    nav.item(may("ADM_COMMUNICATION_LIST"), tr("Communications"), "/communications", "mail");
    nav.section(tr("System"));
    nav.item(may("ADM_WORKSPACE_SAVE"), tr("Settings"), "/settings", "settings");
}

fn is_build(path: &str) -> bool {
    path.split('/').nth(3) == Some("build")
}

/// The areas somebody may enter, with the one that the page is in.
pub fn areas(ctx: &Ctx) -> Vec<Area> {
    let mut areas = Vec::new();
    let is_admin = ctx.path.starts_with("/admin");
    let is_build = is_build(&ctx.path);
    // Outside of a workspace the areas of the first one are offered.
    let home = ctx.workspace.as_ref().or_else(|| ctx.me.workspaces.first());
    if let Some(home) = home {
        let base = format!("/w/{}", segment(&home.identifier));
        if home.platform_builder {
            areas.push(Area {
                label: tr("Platform builder"),
                href: format!("{base}/build"),
                icon: "tools",
                is_active: is_build,
            });
        }
        let is_active = ctx.workspace.is_some() && !is_build;
        areas.insert(0, Area { label: tr("Workspace"), href: base, icon: "briefcase", is_active });
    }
    if !ctx.me.admin_roles.is_empty() {
        areas.push(Area {
            label: tr("Administration"),
            href: "/admin".into(),
            icon: "shield",
            is_active: is_admin,
        });
    }
    areas
}
