//! Runs of what a team offers: the list, one run, and manual ones to complete.

use super::view::{Button, Cell, Facts, Field, Grid, Kind, Page, Piece, Sheet};
use super::{Named, Place, again, both, named, text};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::run;
use crate::text::{fill, tr};
use axum::routing::get;
use serde_json::{Map, Value, json};

const PATH: &str = "/api/meshobjects/meshbuildingblockruns";

fn behavior(word: &str) -> &'static str {
    match word {
        "DETECT" => tr("Dry run"),
        "DESTROY" => tr("Destroy"),
        _ => tr("Apply"),
    }
}

fn row(place: &Place, run: &Value) -> Vec<Cell> {
    let uuid = text(&run["metadata"]["uuid"]);
    let spec = &run["spec"];
    let block = &spec["buildingBlock"];
    let author = &spec["trigger"]["author"];
    let who = if author["displayName"].is_string() {
        text(&author["displayName"])
    } else {
        text(&author["identifier"])
    };
    vec![
        Cell::Name(
            fill(tr("Run {0}"), &[&spec["runNumber"].to_string()]),
            place.at(&format!("/runs/{}", segment(&uuid))),
            behavior(spec["behavior"].as_str().unwrap_or_default()).to_owned(),
        ),
        Cell::Link(
            text(&block["spec"]["displayName"]),
            place.at(&format!("/blocks/{}", segment(&text(&block["uuid"])))),
        ),
        Cell::text(text(&block["spec"]["workspaceIdentifier"])),
        Cell::Name(text(&spec["trigger"]["reason"]).replace('_', " ").to_lowercase(), String::new(), who),
        Cell::State(text(&run["status"])),
        Cell::Ago(text(&run["metadata"]["createdOn"])),
    ]
}

/// Runs as a table.
pub fn grid(place: &Place, runs: &[Value]) -> Grid {
    Grid::new(&[tr("Run"), tr("Block"), tr("Workspace"), tr("Why"), tr("State"), tr("Started")])
        .rows(runs.iter().map(|run| row(place, run)))
        .empty(tr("No runs yet"), tr("Whenever a block is ordered, changed or deleted, a run does it."))
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let found = ctx.api.list(&Listing::ask(&ctx, PATH, &[("block", "buildingBlockUuid")])).await?;
    Page::new(ctx.shell(tr("Runs")))
        .with(grid(&place, &found.items).listed(Listing::of(&ctx, &found)))
        .shown(&ctx)
}

/// Outputs that a manual run may be completed with: those of its version.
async fn outputs_of(ctx: &Ctx, run: &Value) -> Vec<(String, Value)> {
    let definition = text(&run["spec"]["buildingBlockDefinition"]["uuid"]);
    let number = &run["spec"]["buildingBlockDefinition"]["spec"]["version"];
    let found =
        ctx.api.get(&format!("/api/meshobjects/meshbuildingblockdefinitions/{}", segment(&definition))).await;
    let Ok(found) = found else { return Vec::new() };
    let version = found["status"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["versionNumber"] == *number);
    let Some(version) = version.map(|version| text(&version["versionUuid"])) else { return Vec::new() };
    let path = format!("/api/meshobjects/meshbuildingblockdefinitionversions/{}", segment(&version));
    let Ok(version) = ctx.api.get(&path).await else { return Vec::new() };
    let outputs = version["spec"]["outputs"].as_object().cloned().unwrap_or_default();
    outputs.into_iter().collect()
}

async fn page(ctx: &Ctx, place: &Place, run: &Value, form: Form) -> Result<Page, Problem> {
    let uuid = text(&run["metadata"]["uuid"]);
    let spec = &run["spec"];
    let block = &spec["buildingBlock"];
    let name =
        fill(tr("Run {0} of {1}"), &[&spec["runNumber"].to_string(), &text(&block["spec"]["displayName"])]);
    let at = place.at(&format!("/runs/{}", segment(&uuid)));
    let block_at = place.at(&format!("/blocks/{}", segment(&text(&block["uuid"]))));
    let shell = place
        .shell(ctx, &name, (tr("Runs"), "/runs"))
        .crumb(text(&block["spec"]["displayName"]), block_at)
        .about("", uuid.clone());
    let state = text(&run["status"]);
    let open = matches!(state.as_str(), "PENDING" | "IN_PROGRESS");
    let may = ctx.may("MANAGED_BUILDINGBLOCKRUN_SAVE") || ctx.may("ADM_BUILDINGBLOCKRUN_SAVE");
    let implementation = text(&spec["buildingBlockDefinition"]["spec"]["implementation"]["type"]);
    let facts = Facts::new("")
        .line(tr("What it does"), Cell::text(behavior(spec["behavior"].as_str().unwrap_or_default())))
        .line(tr("Why"), Cell::Text(text(&spec["trigger"]["reason"]).replace('_', " ").to_lowercase()))
        .line(tr("Workspace"), Cell::text(text(&block["spec"]["workspaceIdentifier"])))
        .line(tr("Project"), Cell::text(text(&block["spec"]["projectIdentifier"])))
        .line(tr("Implementation"), Cell::text(implementation.replace('_', " ").to_lowercase()))
        .line(tr("Started"), Cell::Ago(text(&run["metadata"]["createdOn"])));
    let mut page = Page::new(shell.clone()).with(facts);
    if open && may && implementation == "MANUAL" && state == "IN_PROGRESS" {
        page = page.with(complete_sheet(&shell, &at, form, &outputs_of(ctx, run).await));
    }
    Ok(page.with(Piece::Run(Box::new(run::view(ctx, &uuid).await?))))
}

fn complete_sheet(shell: &crate::shell::Shell, at: &str, form: Form, outputs: &[(String, Value)]) -> Sheet {
    let mut sheet = Sheet::new(shell, at, form)
        .titled(tr("Complete this run"), tr("You did by hand what was ordered: say how it ended, and what came out. Outputs left empty are the inputs of the same name."))
        .field(Field::new(Kind::Lines(2), "message", tr("For the customer")));
    for (key, output) in outputs {
        let kind = match output["type"].as_str() {
            Some("INTEGER") => Kind::Number,
            Some("CODE") => Kind::Lines(4),
            _ => Kind::Text,
        };
        sheet = sheet.field(
            Field::new(kind, format!("output.{key}"), &text(&output["displayName"])).help(key.clone()),
        );
    }
    sheet
        .submit(Button::primary(tr("It succeeded"), "succeeded"))
        .submit(Button::danger(tr("It failed"), "failed"))
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let place = Place::of(&ctx)?;
    let run = ctx.api.get(&format!("{PATH}/{}", segment(named(&path, "uuid")))).await?;
    page(&ctx, &place, &run, Form::default()).await?.shown(&ctx)
}

async fn completion(ctx: &Ctx, run: &Value, fields: &Fields) -> Result<Value, Problem> {
    let mut outputs = Map::new();
    for (key, output) in outputs_of(ctx, run).await {
        let name = format!("output.{key}");
        let said = fields.get(&name);
        if said.is_empty() {
            continue;
        }
        let value = match output["type"].as_str() {
            Some("INTEGER") => {
                json!(
                    said.parse::<i64>()
                        .map_err(|_| Problem::invalid(&name, tr("This has to be a whole number.")))?
                )
            }
            Some("BOOLEAN") => json!(said == "true"),
            _ => json!(said),
        };
        outputs.insert(key, value);
    }
    let status = if fields.get("do") == "failed" { "FAILED" } else { "SUCCEEDED" };
    Ok(json!({ "status": status, "message": super::or_null(fields.get("message")), "outputs": outputs }))
}

async fn act(path: Named, Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let uuid = named(&path, "uuid");
    let run = ctx.api.get(&format!("{PATH}/{}", segment(uuid))).await?;
    let at = place.at(&format!("/runs/{}", segment(uuid)));
    let outcome = match completion(&ctx, &run, &fields).await {
        Ok(body) => ctx.api.post(&format!("{PATH}/{}/complete", segment(uuid)), &body).await,
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&at, tr("The run is completed.")),
        Err(problem) => page(&ctx, &place, &run, again(fields, problem, &[])?).await?.refused(&ctx),
    }
}

/// The pages.
pub fn pages() -> Pages {
    let pages = both(Pages::new(), "/runs", &get(list));
    both(pages, "/runs/{uuid}", &get(show).post(act))
}
