//! Platforms: the list, a new one, and the tabs of the control page.

mod access;
mod config;
mod general;
mod publication;
mod quotas;

pub use publication::history;

use super::view::{Cell, Go, Grid, Page};
use super::{Named, Place, both, named, print, text, unchanged};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx};
use crate::form::Fields;
use crate::listing::Listing;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use axum::routing::get;
use serde_json::Value;

const PATH: &str = "/api/meshobjects/meshplatforms";

/// A platform as its control page shows it.
struct Control {
    place: Place,
    platform: Value,
}

impl Control {
    async fn open(ctx: &Ctx, path: &Named) -> Result<Self, Problem> {
        let place = Place::of(ctx)?;
        let platform = ctx.api.get(&format!("{PATH}/{}", segment(named(path, "uuid")))).await?;
        Ok(Self { place, platform })
    }

    fn uuid(&self) -> String {
        text(&self.platform["metadata"]["uuid"])
    }

    fn name(&self) -> String {
        text(&self.platform["spec"]["displayName"])
    }

    /// `<name>.<location>`.
    fn identifier(&self) -> String {
        identifier(&self.platform)
    }

    fn at(&self, tail: &str) -> String {
        self.place.at(&format!("/platforms/{}{tail}", segment(&self.uuid())))
    }

    /// Path of an operation of the API.
    fn operation(&self, tail: &str) -> String {
        format!("/api/stoa/v1/platforms/{}/{tail}", segment(&self.uuid()))
    }

    fn may(&self, ctx: &Ctx) -> bool {
        self.place.may(ctx, "PLATFORMINSTANCE_SAVE")
    }

    /// Replaces the platform with what `change` makes of it.
    async fn save(
        &self,
        ctx: &Ctx,
        fields: &Fields,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Problem> {
        unchanged(fields, &self.platform["spec"])?;
        let mut body = self.platform.clone();
        change(&mut body["spec"]);
        ctx.api.put(&format!("{PATH}/{}", segment(&self.uuid())), &body).await
    }

    /// What tells this state of the platform from another.
    fn seen(&self) -> String {
        print(&self.platform["spec"])
    }

    fn shell(&self, ctx: &Ctx, title: &str) -> Shell {
        let name = self.name();
        let mut shell = self
            .place
            .shell(ctx, &name, (tr("Platforms"), "/platforms"))
            .about(name.clone(), self.identifier())
            .tab(tr("General"), self.at(""))
            .tab(tr("Configuration"), self.at("/config"))
            .tab(tr("Landing zones"), self.at("/zones"))
            .tab(tr("Tenants"), self.at("/tenants"))
            .tab(tr("Quotas"), self.at("/quotas"))
            .tab(tr("Who may use it"), self.at("/access"))
            .tab(tr("Publication"), self.at("/publication"))
            .tab(tr("Test connection"), self.at("/test"))
            .tab(tr("Danger zone"), self.at("/danger"));
        title.clone_into(&mut shell.object);
        shell.status = state_of(&self.platform);
        shell
    }
}

/// `<name>.<location>` of a platform.
pub fn identifier(platform: &Value) -> String {
    format!("{}.{}", text(&platform["metadata"]["name"]), text(&platform["spec"]["locationRef"]["name"]))
}

/// The state that a list tells: deprecated before anything else, then the publication, then who may use it.
fn state_of(platform: &Value) -> String {
    let availability = &platform["spec"]["availability"];
    if platform["status"]["platform"] == "DEPRECATED" {
        return "DEPRECATED".into();
    }
    match availability["publicationState"].as_str() {
        Some("REQUESTED") => "IN_REVIEW".into(),
        Some("REJECTED") => "REJECTED".into(),
        Some("PUBLISHED") => text(&availability["restriction"]),
        _ => "PRIVATE".into(),
    }
}

/// The type of a platform as people name it.
fn type_of(platform: &Value) -> String {
    let config = &platform["spec"]["config"];
    match config["type"].as_str() {
        Some("custom") => text(&config["custom"]["platformTypeRef"]["name"]),
        Some(kind) => kind.to_uppercase(),
        None => String::new(),
    }
}

fn row(place: &Place, platform: &Value) -> Vec<Cell> {
    let uuid = text(&platform["metadata"]["uuid"]);
    let at = place.at(&format!("/platforms/{}", segment(&uuid)));
    let mut row = vec![
        Cell::Name(text(&platform["spec"]["displayName"]), at.clone(), identifier(platform)),
        Cell::Text(type_of(platform)),
        Cell::text(text(&platform["spec"]["locationRef"]["name"])),
        Cell::State(state_of(platform)),
        Cell::Link(tr("Tenants").into(), format!("{at}/tenants")),
    ];
    row.extend(place.owned(platform));
    row
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let filters = [
        ("restriction", "restriction"),
        ("publication", "publicationState"),
        ("type", "platformTypeIdentifier"),
    ];
    let found = ctx.api.list(&place.listed(&ctx, PATH, &filters)).await?;
    let may = place.may(&ctx, "PLATFORMINSTANCE_SAVE");
    let mut columns = vec![tr("Platform"), tr("Type"), tr("Location"), tr("State"), ""];
    if place.is_admin() {
        columns.push(tr("Owned by"));
    }
    let new = || Go::to(tr("Add platform"), place.at("/platforms/new"), "plus").primary();
    Page::new(ctx.shell(tr("Platforms")))
        .action(may, new())
        .with(
            Grid::new(&columns)
                .rows(found.items.iter().map(|item| row(&place, item)))
                .listed(Listing::of(&ctx, &found))
                .filter("publication", tr("Publication"), &[
                    ("PUBLISHED", tr("Published")),
                    ("UNPUBLISHED", tr("Not published")),
                    ("REQUESTED", tr("In review")),
                    ("REJECTED", tr("Rejected")),
                ])
                .filter("restriction", tr("Who may use it"), &[
                    ("PUBLIC", tr("Everybody")),
                    ("RESTRICTED", tr("Some workspaces")),
                    ("PRIVATE", tr("The owner only")),
                ])
                .empty(
                    tr("Add your first platform"),
                    tr("A platform is where teams get accounts of their own: a cloud, a cluster, or a product of yours. Any product can be one; building blocks make its accounts."),
                )
                .start(may, new()),
        )
        .shown(&ctx)
}

async fn zones(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let shell = control.shell(&ctx, tr("Landing zones"));
    let asked = format!("{}?platformUuid={}", super::landing_zone::PATH, segment(&control.uuid()));
    let found = ctx.api.list(&Listing::ask(&ctx, &asked, &[])).await?;
    let may = control.place.may(&ctx, "LANDINGZONE_SAVE");
    let new = format!("{}?platform={}", control.place.at("/landing-zones/new"), segment(&control.uuid()));
    let go = || Go::to(tr("Add landing zone"), new.clone(), "plus").primary();
    Page::new(shell)
        .action(may, go())
        .with(
            super::landing_zone::grid(&control.place, &found.items)
                .listed(Listing::of(&ctx, &found))
                .start(may, go()),
        )
        .shown(&ctx)
}

async fn tenants(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let shell = control.shell(&ctx, tr("Tenants"));
    let found =
        ctx.api.list(&Listing::ask(&ctx, &control.operation("tenants"), &[("state", "state")])).await?;
    Page::new(shell)
        .with(super::tenant::grid(&control.place, &found.items).listed(Listing::of(&ctx, &found)))
        .shown(&ctx)
}

/// The pages.
pub fn pages() -> Pages {
    let at = |pages, tail: &str, method| both(pages, &format!("/platforms{tail}"), &method);
    let mut pages = at(Pages::new(), "", get(list).post(general::create));
    pages = at(pages, "/new", get(general::new));
    pages = at(pages, "/{uuid}", get(general::show).post(general::save));
    pages = at(pages, "/{uuid}/config", get(config::show).post(config::save));
    pages = at(pages, "/{uuid}/zones", get(zones));
    pages = at(pages, "/{uuid}/tenants", get(tenants));
    pages = at(pages, "/{uuid}/quotas", get(quotas::list).post(quotas::save));
    pages = at(pages, "/{uuid}/access", get(access::show).post(access::save));
    pages = at(pages, "/{uuid}/publication", get(publication::show).post(publication::act));
    pages = at(pages, "/{uuid}/test", get(config::tests).post(config::test));
    at(pages, "/{uuid}/danger", get(general::danger).post(general::end))
}
