//! Definitions: what a team offers as building blocks. The list, a new one, and the editor's tabs.

mod blocks;
mod compare;
mod dependencies;
mod general;
mod implementation;
mod inputs;
mod outputs;
mod publication;
mod versions;

pub use inputs::ordered;
pub use publication::history;

use super::view::{Button, Cell, Go, Grid, Note, Page};
use super::{Named, Place, both, definition_names, named, text, texts};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use axum::routing::{get, post};
use serde_json::Value;

const PATH: &str = "/api/meshobjects/meshbuildingblockdefinitions";
const VERSIONS: &str = "/api/meshobjects/meshbuildingblockdefinitionversions";

/// A definition with the version that its editor shows.
struct Editor {
    place: Place,
    definition: Value,
    version: Value,
    /// Whether the version shown may be changed by whoever looks.
    is_open: bool,
}

impl Editor {
    /// The definition that the path names; the version that the query names, else the newest.
    async fn open(ctx: &Ctx, path: &Named) -> Result<Self, Problem> {
        let place = Place::of(ctx)?;
        let definition = ctx.api.get(&format!("{PATH}/{}", segment(named(path, "uuid")))).await?;
        let listed = definition["status"]["versions"].as_array().cloned().unwrap_or_default();
        let wanted = ctx.query("version").and_then(|number| number.parse::<i64>().ok());
        let chosen = listed
            .iter()
            .rev()
            .find(|version| wanted.is_none_or(|wanted| version["versionNumber"] == wanted))
            .ok_or_else(|| Problem::not_found(tr("The definition has no such version.")))?;
        let uuid = text(&chosen["versionUuid"]);
        let version = ctx.api.get(&format!("{VERSIONS}/{}", segment(&uuid))).await?;
        let may = place.may(ctx, "BUILDINGBLOCKDEFINITION_SAVE");
        let is_open =
            may && version["spec"]["state"] == "DRAFT" && version["status"]["review"] != "IN_REVIEW";
        Ok(Self { place, definition, version, is_open })
    }

    fn uuid(&self) -> String {
        text(&self.definition["metadata"]["uuid"])
    }

    fn name(&self) -> String {
        text(&self.definition["spec"]["displayName"])
    }

    fn number(&self) -> i64 {
        self.version["spec"]["versionNumber"].as_i64().unwrap_or_default()
    }

    /// A path of this definition.
    fn at(&self, tail: &str) -> String {
        self.place.at(&format!("/definitions/{}{tail}", segment(&self.uuid())))
    }

    /// A path that keeps to the version shown.
    fn within(&self, tail: &str) -> String {
        let newest = self.definition["status"]["latestVersion"].as_i64();
        if newest == Some(self.number()) {
            self.at(tail)
        } else {
            format!("{}?version={}", self.at(tail), self.number())
        }
    }

    fn is_manual(&self) -> bool {
        self.version["spec"]["implementation"]["type"] == "manual"
    }

    /// Whether whoever looks may change the definition.
    fn may(&self, ctx: &Ctx) -> bool {
        self.place.may(ctx, "BUILDINGBLOCKDEFINITION_SAVE")
    }

    /// Replaces the version with what `change` makes of it.
    async fn save(&self, ctx: &Ctx, change: impl FnOnce(&mut Value)) -> Result<Value, Problem> {
        let mut body = self.version.clone();
        change(&mut body["spec"]);
        let uuid = text(&self.version["metadata"]["uuid"]);
        ctx.api.put(&format!("{VERSIONS}/{}", segment(&uuid)), &body).await
    }

    /// The frame of a tab.
    fn shell(&self, ctx: &Ctx, title: &str) -> Shell {
        let count = |of: &str| self.version["spec"][of].as_object().map(|found| found.len() as u64);
        let name = self.name();
        let versions = self.definition["status"]["versions"].as_array().map(|found| found.len() as u64);
        let mut shell = self
            .place
            .shell(ctx, &name, (tr("Definitions"), "/definitions"))
            .about(name.clone(), self.uuid())
            .tab(tr("General"), self.within(""))
            .tab(tr("Implementation"), self.within("/implementation"))
            .tab_of(tr("Inputs"), self.within("/inputs"), count("inputs"))
            .tab_of(tr("Outputs"), self.within("/outputs"), count("outputs"))
            .tab(tr("Dependencies"), self.within("/dependencies"))
            .tab(tr("Tags"), self.within("/tags"))
            .tab_of(tr("Versions"), self.at("/versions"), versions)
            .tab(tr("Publication"), self.at("/publication"))
            .tab_of(tr("Blocks"), self.at("/blocks"), self.definition["status"]["usageCount"].as_u64())
            .tab(tr("Events"), self.at("/events"))
            .tab(tr("Danger zone"), self.at("/danger"));
        shell.icon = text(&self.definition["spec"]["symbol"]);
        title.clone_into(&mut shell.object);
        if !shell.tabs.iter().any(|tab| tab.is_active) {
            for tab in &mut shell.tabs {
                let tail = tab.href.split('?').next().unwrap_or_default();
                tab.is_active = tab.href != self.within("") && ctx.path.starts_with(tail);
            }
        }
        shell
    }

    /// What has to be known of the version shown before one edits it.
    fn standing(&self, ctx: &Ctx, shell: &Shell) -> Note {
        let number = self.number().to_string();
        if self.version["spec"]["state"] == "RELEASED" {
            let newest = self.definition["status"]["latestVersion"].as_i64() == Some(self.number());
            let note = Note::info(
                &fill(tr("Version {0} is released"), &[&number]),
                tr(
                    "What is released never changes. Draft a new version to change it; existing blocks stay on theirs until they are upgraded.",
                ),
            );
            return note.button(
                newest && self.may(ctx),
                self.at("/versions"),
                &shell.csrf,
                Button::primary(tr("Draft a new version"), "draft"),
            );
        }
        if self.version["status"]["review"] == "IN_REVIEW" {
            return Note::warn(
                &fill(tr("Version {0} waits for a review"), &[&number]),
                tr(
                    "An administrator decides on the first release. Take it back on the tab Publication to change it.",
                ),
            );
        }
        Note::info(
            &fill(tr("Version {0} is a draft"), &[&number]),
            tr("Only your own workspace can order it until it is released."),
        )
    }
}

/// Words for the types of implementation.
fn implementations() -> [(&'static str, &'static str); 5] {
    [
        ("manual", tr("Manual")),
        ("terraform", tr("OpenTofu")),
        ("githubWorkflows", tr("GitHub workflow")),
        ("gitlabPipeline", tr("GitLab pipeline")),
        ("azureDevOpsPipeline", tr("Azure DevOps pipeline")),
    ]
}

/// The word of a type of implementation.
pub fn implementation_word(kind: &str) -> String {
    implementations().iter().find(|(known, _)| *known == kind).map_or(kind, |(_, word)| word).to_owned()
}

fn level_word(kind: &str) -> &'static str {
    if kind == "TENANT_LEVEL" { tr("Tenant") } else { tr("Workspace") }
}

fn row(place: &Place, item: &Value) -> Vec<Cell> {
    let (spec, status) = (&item["spec"], &item["status"]);
    let uuid = text(&item["metadata"]["uuid"]);
    let platforms: Vec<String> = spec["supportedPlatforms"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|platform| text(&platform["name"]))
        .collect();
    let listed = status["versions"].as_array().cloned().unwrap_or_default();
    let newest = listed.last().cloned().unwrap_or_default();
    let state = match newest["review"].as_str() {
        Some(review @ ("IN_REVIEW" | "REJECTED")) => review.to_owned(),
        _ => text(&newest["state"]),
    };
    let version = newest["versionNumber"].as_i64().map_or(String::new(), |number| number.to_string());
    let at = place.at(&format!("/definitions/{}", segment(&uuid)));
    let mut row = vec![
        Cell::Pictured(
            text(&spec["symbol"]),
            text(&spec["displayName"]),
            at.clone(),
            text(&spec["description"]),
        ),
        Cell::text(level_word(spec["targetType"].as_str().unwrap_or_default())),
        Cell::Text(platforms.join(", ")),
        Cell::Text(version),
        Cell::State(state),
        Cell::Link(status["usageCount"].as_u64().unwrap_or_default().to_string(), format!("{at}/blocks")),
    ];
    row.extend(place.owned(item));
    row
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let found = ctx.api.list(&place.listed(&ctx, PATH, &[])).await?;
    let may = place.may(&ctx, "BUILDINGBLOCKDEFINITION_SAVE");
    let mut columns =
        vec![tr("Definition"), tr("Level"), tr("Platforms"), tr("Newest version"), tr("State"), tr("Blocks")];
    if place.is_admin() {
        columns.push(tr("Owned by"));
    }
    let new = || Go::to(tr("New definition"), place.at("/definitions/new"), "plus").primary();
    Page::new(ctx.shell(tr("Definitions")))
        .action(may, new())
        .with(
            Grid::new(&columns)
                .rows(found.items.iter().map(|item| row(&place, item)))
                .listed(Listing::of(&ctx, &found))
                .empty(
                    tr("Offer your first building block"),
                    tr("A definition describes something teams can order: what to fill in, the automation behind it, and what comes out. Draft it, try it in your own workspace, release it."),
                )
                .start(may, new()),
        )
        .shown(&ctx)
}

async fn events(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let shell = editor.shell(&ctx, tr("Events"));
    let found = ctx
        .api
        .list(&Listing::ask(
            &ctx,
            &format!("/api/meshobjects/mesheventlogs?description={}", segment(&editor.uuid())),
            &[],
        ))
        .await?;
    Page::new(shell).with(super::event_grid(&found.items).listed(Listing::of(&ctx, &found))).shown(&ctx)
}

/// The pages.
pub fn pages() -> Pages {
    let at = |pages, tail: &str, method| both(pages, &format!("/definitions{tail}"), &method);
    let mut pages = at(Pages::new(), "", get(list).post(general::create));
    pages = at(pages, "/new", get(general::new));
    pages = at(pages, "/{uuid}", get(general::show).post(general::save));
    pages = at(pages, "/{uuid}/tags", get(general::show_tags).post(general::save_tags));
    pages = at(pages, "/{uuid}/danger", get(general::danger).post(general::delete));
    pages = at(pages, "/{uuid}/implementation", get(implementation::show).post(implementation::save));
    pages = at(pages, "/{uuid}/inputs", get(inputs::list).post(inputs::change));
    pages = at(pages, "/{uuid}/inputs/new", get(inputs::new).post(inputs::save));
    pages = at(pages, "/{uuid}/inputs/code", get(inputs::from_code).post(inputs::take_code));
    pages = at(pages, "/{uuid}/inputs/{key}", get(inputs::show).post(inputs::save));
    pages = at(pages, "/{uuid}/outputs", get(outputs::list).post(outputs::change));
    pages = at(pages, "/{uuid}/outputs/{key}", get(outputs::show).post(outputs::save));
    pages = at(pages, "/{uuid}/dependencies", get(dependencies::show).post(dependencies::save));
    pages = at(pages, "/{uuid}/versions", get(versions::list).post(versions::act));
    pages = at(pages, "/{uuid}/versions/compare", get(compare::show));
    pages = at(pages, "/{uuid}/publication", get(publication::show).post(publication::act));
    pages = at(pages, "/{uuid}/blocks", get(blocks::list).post(blocks::upgrade));
    pages = at(pages, "/{uuid}/events", get(events));
    at(pages, "/{uuid}/check", post(implementation::check))
}
