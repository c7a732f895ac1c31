//! The platform builder of a workspace (panel.md §7), and the same pages for administrators over all workspaces (§8).

mod block;
mod dashboard;
mod definition;
mod described;
mod integration;
mod landing_zone;
mod platform;
mod platform_type;
mod review;
mod run;
mod runner;
mod tags;
mod tenant;
mod view;

use crate::api::{Listed, segment, with_query};
use crate::ctx::Ctx;
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use crate::{Pages, Panel};
use axum::extract::Path;
use axum::routing::MethodRouter;
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Names in the path of a page.
type Named = Path<BTreeMap<String, String>>;

/// Where a page stands: in the builder of a workspace, or in the administration.
struct Place {
    base: String,
    home: Option<String>,
}

impl Place {
    /// The place of a request; a workspace without the platform builder has none.
    fn of(ctx: &Ctx) -> Result<Self, Problem> {
        if ctx.path == "/admin" || ctx.path.starts_with("/admin/") {
            return Ok(Self { base: "/admin".into(), home: None });
        }
        if ctx.workspace.as_ref().is_some_and(|workspace| workspace.platform_builder) {
            let base = format!("/w/{}/build", segment(ctx.home()));
            return Ok(Self { base, home: Some(ctx.home().to_owned()) });
        }
        Err(Problem::forbidden(tr(
            "The platform builder is not switched on for this workspace. An administrator switches it on in the workspace's settings.",
        )))
    }

    fn is_admin(&self) -> bool {
        self.home.is_none()
    }

    /// A path here.
    fn at(&self, tail: &str) -> String {
        format!("{}{tail}", self.base)
    }

    /// A list of the API, of this workspace's objects or of all; administrators may narrow it to one workspace.
    fn listed(&self, ctx: &Ctx, path: &str, filters: &[(&str, &str)]) -> String {
        self.listed_by(ctx, path, "ownedByWorkspace", filters)
    }

    /// The same where the filter has another name.
    fn listed_by(&self, ctx: &Ctx, path: &str, by: &str, filters: &[(&str, &str)]) -> String {
        let mut filters = filters.to_vec();
        let path = if let Some(home) = &self.home {
            with_query(path, [(by, home.as_str())])
        } else {
            filters.push(("workspace", by));
            path.to_owned()
        };
        Listing::ask(ctx, &path, &filters)
    }

    /// Whether somebody may do here what a code of the workspace, or its admin form, allows.
    fn may(&self, ctx: &Ctx, code: &str) -> bool {
        if self.is_admin() { ctx.may(&format!("ADM_{code}")) } else { ctx.may(code) }
    }

    /// The frame of a page, under the list that it belongs to.
    fn shell(&self, ctx: &Ctx, title: &str, list: (&str, &str)) -> Shell {
        ctx.shell(title).crumb(list.0, self.at(list.1))
    }

    /// The workspace that a new object will belong to.
    fn owner(&self, fields: &Fields) -> String {
        self.home.clone().unwrap_or_else(|| fields.get("workspace").to_owned())
    }

    /// The column of owners, for administrators.
    fn owned(&self, object: &Value) -> Option<view::Cell> {
        let owner = text(&object["metadata"]["ownedByWorkspace"]);
        let href = format!("/admin/workspaces/{}", segment(&owner));
        self.is_admin().then_some(view::Cell::Link(owner, href))
    }
}

/// The text of a value; empty when it is none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Texts of a list.
fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(text).collect()
}

/// A name of the path.
fn named<'p>(path: &'p BTreeMap<String, String>, name: &str) -> &'p str {
    path.get(name).map_or("", String::as_str)
}

/// A text, or null when there is none.
fn or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}

/// Words of a text field, one a line or between commas.
fn words(text: &str) -> Vec<String> {
    text.split(['\n', ',']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What tells one state of an object from another.
fn print(value: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Refuses to put a form over what somebody else changed since it was opened. `now` is the object as it is.
fn unchanged(fields: &Fields, now: &Value) -> Result<(), Problem> {
    if fields.get("seen").is_empty() || fields.get("seen") == print(now) {
        return Ok(());
    }
    Err(Problem {
        status: 409,
        code: "Stale".into(),
        message: tr(
            "Somebody changed this since you opened it. What you typed is still in the form: save once more to put it over their change, or open the page again to see theirs.",
        )
        .into(),
        ..Problem::default()
    })
}

/// A form again after a refusal of the API; whatever cannot be mended in a form passes on.
fn again(fields: Fields, problem: Problem, names: &[(&str, &str)]) -> Result<Form, Problem> {
    if problem.status == 412 {
        return Ok(Form::refused(fields, problem, names));
    }
    crate::ctx::again(fields, problem, names)
}

/// What went well and what did not, of several.
fn tally(done: usize, refused: &[String]) -> String {
    let mut said = fill(tr("Done for {0}."), &[&done.to_string()]);
    if !refused.is_empty() {
        let count = refused.len().to_string();
        said.push(' ');
        said.push_str(&fill(tr("Refused for {0}: {1}"), &[&count, &refused.join(" · ")]));
    }
    said
}

/// Names of definitions by uuid, for lists that say only the uuid.
async fn definition_names(ctx: &Ctx) -> BTreeMap<String, Value> {
    let path = "/api/meshobjects/meshbuildingblockdefinitions?includeAllPublished=true&size=1000";
    let found = ctx.api.list(path).await.unwrap_or_else(|_| Listed::default());
    found.items.into_iter().map(|item| (text(&item["metadata"]["uuid"]), item)).collect()
}

/// Entries of the event log as a table.
fn event_grid(events: &[Value]) -> view::Grid {
    use view::{Cell, Grid};
    Grid::new(&[tr("When"), tr("What"), tr("Who"), tr("Description")])
        .rows(events.iter().map(|event| {
            let spec = &event["spec"];
            vec![
                Cell::Ago(text(&event["metadata"]["createdAt"])),
                Cell::text(text(&spec["title"])),
                Cell::text(text(&spec["author"]["identifier"])),
                Cell::text(text(&spec["description"])),
            ]
        }))
        .empty(tr("No events"), tr("Changes stand here, with who made them."))
}

/// A page of the builder that is also one of the administration.
fn both(pages: Pages, tail: &str, method: &MethodRouter<Panel>) -> Pages {
    pages
        .route(&format!("/w/{{workspace}}/build{tail}"), method.clone())
        .route(&format!("/admin{tail}"), method.clone())
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .merge(dashboard::pages())
        .merge(definition::pages())
        .merge(platform::pages())
        .merge(landing_zone::pages())
        .merge(platform_type::pages())
        .merge(integration::pages())
        .merge(runner::pages())
        .merge(block::pages())
        .merge(run::pages())
        .merge(tenant::pages())
        .merge(review::pages())
}
