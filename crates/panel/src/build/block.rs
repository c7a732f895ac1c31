//! Building blocks of a team's customers, as their operators see them.

use super::view::{Button, Cell, Facts, Field, Go, Grid, Kind, Note, Page, Sheet};
use super::{Named, Place, again, both, definition_names, named, tally, text};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::text::{fill, tr};
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const PATH: &str = "/api/meshobjects/meshbuildingblocks";
const VERSIONS: &str = "/api/meshobjects/meshbuildingblockdefinitionversions";

/// States of a block with words.
pub fn states() -> [(&'static str, &'static str); 9] {
    [
        ("SUCCEEDED", tr("Succeeded")),
        ("FAILED", tr("Failed")),
        ("ABORTED", tr("Aborted")),
        ("IN_PROGRESS", tr("In progress")),
        ("PENDING", tr("Pending")),
        ("WAITING_FOR_OPERATOR_INPUT", tr("Waiting for the platform team")),
        ("WAITING_FOR_USER_INPUT", tr("Waiting for your input")),
        ("WAITING_FOR_DEPENDENT_INPUT", tr("Waiting for a dependency")),
        ("WAITING_FOR_APPROVAL", tr("Waiting for approval")),
    ]
}

/// What something waits for, in a sentence.
pub fn waiting(status: &Value) -> String {
    let waiting = &status["waiting"];
    if !waiting.is_object() {
        return String::new();
    }
    let (reason, blocker, who) = (text(&waiting["reason"]), text(&waiting["blocker"]), text(&waiting["who"]));
    [reason.replace('_', " ").to_lowercase(), blocker, who]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// Which definition and version a block is made from.
fn version_of(names: &BTreeMap<String, Value>, block: &Value) -> (String, String, String) {
    let uuid = &block["spec"]["buildingBlockDefinitionVersionRef"]["uuid"];
    for (definition, item) in names {
        for version in item["status"]["versions"].as_array().into_iter().flatten() {
            if version["versionUuid"] == *uuid {
                return (
                    definition.clone(),
                    text(&item["spec"]["displayName"]),
                    version["versionNumber"].to_string(),
                );
            }
        }
    }
    Default::default()
}

/// The block's page in its own workspace.
fn home_of(block: &Value) -> String {
    let uuid = text(&block["metadata"]["uuid"]);
    format!("/w/{}/b/{}", segment(&text(&block["metadata"]["ownedByWorkspace"])), segment(&uuid))
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let filters = [
        ("status", "status"),
        ("name", "name"),
        ("definition", "definitionUuid"),
        ("customer", "workspaceIdentifier"),
    ];
    let asked = place.listed_by(
        &ctx,
        PATH,
        if place.is_admin() { "workspaceIdentifier" } else { "managedByWorkspaceIdentifier" },
        &filters,
    );
    let found = ctx.api.list(&asked).await?;
    let names = definition_names(&ctx).await;
    let may = ctx.may("MANAGED_BUILDINGBLOCK_SAVE") || ctx.may("ADM_BUILDINGBLOCK_SAVE");
    let shell = ctx.shell(if place.is_admin() { tr("Building blocks") } else { tr("Blocks of customers") });
    let mut columns = if may { vec![tr("Choose")] } else { Vec::new() };
    columns.extend([tr("Block"), tr("Definition"), tr("Workspace"), tr("State"), tr("Waits for")]);
    let rows = found.items.iter().map(|block| {
        let uuid = text(&block["metadata"]["uuid"]);
        let name = text(&block["spec"]["displayName"]);
        let (definition, title, number) = version_of(&names, block);
        let mut row = Vec::new();
        if may {
            row.push(Cell::Tick("block".into(), uuid.clone(), fill(tr("Choose {0}"), &[&name])));
        }
        row.extend([
            Cell::Name(name, place.at(&format!("/blocks/{}", segment(&uuid))), String::new()),
            Cell::Name(
                title,
                place.at(&format!("/definitions/{}", segment(&definition))),
                fill(tr("Version {0}"), &[&number]),
            ),
            Cell::text(text(&block["metadata"]["ownedByWorkspace"])),
            Cell::State(text(&block["status"]["status"])),
            Cell::Text(waiting(&block["status"])),
        ]);
        row
    });
    let mut grid = Grid::new(&columns)
        .rows(rows.collect::<Vec<_>>())
        .listed(Listing::of(&ctx, &found))
        .filter("status", tr("State"), &states())
        .empty(
            tr("Nobody has ordered anything yet"),
            tr("Blocks that teams order from your definitions stand here."),
        );
    if may {
        grid = grid.form(place.at("/blocks"), &shell.csrf, vec![Button::new(tr("Run those again"), "run")]);
    }
    Page::new(shell).with(grid).shown(&ctx)
}

async fn run_several(Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let (mut done, mut refused) = (0, Vec::new());
    for uuid in fields.all("block") {
        match ctx.api.post(&format!("{PATH}/{}/trigger-run", segment(uuid)), &json!({})).await {
            Ok(_) => done += 1,
            Err(problem) => refused.push(problem.message),
        }
    }
    let said = tally(done, &refused);
    let back = place.at("/blocks");
    if refused.is_empty() && done > 0 { ctx.done(&back, said) } else { ctx.failed(&back, said) }
}

/// A block with its version, as its operator opens it.
struct Opened {
    place: Place,
    block: Value,
    version: Value,
    names: BTreeMap<String, Value>,
}

impl Opened {
    async fn open(ctx: &Ctx, path: &Named) -> Result<Self, Problem> {
        let place = Place::of(ctx)?;
        let block = ctx.api.get(&format!("{PATH}/{}", segment(named(path, "uuid")))).await?;
        let version = text(&block["spec"]["buildingBlockDefinitionVersionRef"]["uuid"]);
        let version =
            ctx.api.get_if_there(&format!("{VERSIONS}/{}", segment(&version))).await?.unwrap_or_default();
        Ok(Self { place, block, version, names: definition_names(ctx).await })
    }

    fn uuid(&self) -> String {
        text(&self.block["metadata"]["uuid"])
    }

    fn at(&self) -> String {
        self.place.at(&format!("/blocks/{}", segment(&self.uuid())))
    }

    fn operation(&self, tail: &str) -> String {
        format!("{PATH}/{}{tail}", segment(&self.uuid()))
    }

    /// Inputs that the operator fills in.
    fn asked(&self) -> Vec<(String, Value)> {
        let inputs = self.version["spec"]["inputs"].as_object();
        inputs
            .into_iter()
            .flatten()
            .filter(|(_, input)| input["assignmentType"] == "PLATFORM_OPERATOR_MANUAL_INPUT")
            .map(|(key, input)| (key.clone(), input.clone()))
            .collect()
    }
}

/// A value as people read it; secrets are only said to be there.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(members) if members.contains_key("hash") => tr("(secret)").to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => super::texts(value).join(", "),
        other => other.to_string(),
    }
}

fn form_of(opened: &Opened) -> Form {
    let stored = &opened.block["spec"]["inputs"];
    Form::filled(opened.asked().into_iter().filter(|(_, input)| input["isSensitive"] != json!(true)).map(
        |(key, _)| {
            let value = &stored[&key]["value"];
            let said = if value.is_array() { super::texts(value).join("\n") } else { shown(value) };
            (format!("input.{key}"), said)
        },
    ))
}

/// The field that an operator fills in for an input.
fn field(key: &str, input: &Value) -> Field {
    let name = format!("input.{key}");
    let label = text(&input["displayName"]);
    let options = || super::texts(&input["selectableValues"]).into_iter().map(|value| (value.clone(), value));
    let field = if input["isSensitive"] == json!(true) {
        Field::new(Kind::SecretLines, name, &label)
    } else {
        match input["type"].as_str() {
            Some("INTEGER") => Field::new(Kind::Number, name, &label),
            Some("BOOLEAN") => Field::new(Kind::Choice, name, &label).options([
                ("", ""),
                ("true", tr("Yes")),
                ("false", tr("No")),
            ]),
            Some("SINGLE_SELECT") => Field::new(Kind::Choice, name, &label).options(options()),
            Some("MULTI_SELECT") => Field::new(Kind::Several, name, &label).options(options()),
            Some("CODE" | "LIST" | "FILE") => Field::new(Kind::Lines(5), name, &label),
            _ => Field::new(Kind::Text, name, &label),
        }
    };
    field.help(text(&input["description"]))
}

fn values(opened: &Opened, fields: &Fields) -> Result<Map<String, Value>, Problem> {
    let mut inputs = Map::new();
    for (key, input) in opened.asked() {
        let name = format!("input.{key}");
        let said = fields.get(&name);
        let secret = input["isSensitive"] == json!(true);
        let value = match input["type"].as_str() {
            Some("MULTI_SELECT") => json!(fields.all(&name)),
            _ if said.is_empty() => continue,
            _ if secret => json!({ "plaintext": fields.raw(&name).replace("\r\n", "\n") }),
            Some("INTEGER") => {
                let number = said.parse::<i64>();
                json!(number.map_err(|_| Problem::invalid(&name, tr("This has to be a whole number.")))?)
            }
            Some("BOOLEAN") => json!(said == "true"),
            Some("CODE" | "LIST" | "FILE") => json!(fields.raw(&name).replace("\r\n", "\n")),
            _ => json!(said),
        };
        inputs.insert(key, json!({ "value": value, "isSensitive": secret }));
    }
    Ok(inputs)
}

async fn page(ctx: &Ctx, opened: &Opened, form: Form) -> Page {
    let block = &opened.block;
    let name = text(&block["spec"]["displayName"]);
    let status = &block["status"];
    let (definition, title, number) = version_of(&opened.names, block);
    let mut shell =
        opened.place.shell(ctx, &name, (tr("Building blocks"), "/blocks")).about(name.clone(), opened.uuid());
    shell.status = text(&status["status"]);
    let may = ctx.may("MANAGED_BUILDINGBLOCK_SAVE") || ctx.may("ADM_BUILDINGBLOCK_SAVE");
    let owner = text(&block["metadata"]["ownedByWorkspace"]);
    let is_mine = ctx.me.workspaces.iter().any(|workspace| workspace.identifier == owner);
    let facts = Facts::new("")
        .line(
            tr("Definition"),
            Cell::Link(title, opened.place.at(&format!("/definitions/{}", segment(&definition)))),
        )
        .line(tr("Version"), Cell::Text(number))
        .line(tr("Workspace"), Cell::Text(owner))
        .line(tr("For the tenant"), Cell::Copy(text(&block["spec"]["targetRef"]["uuid"])))
        .line(tr("Life"), Cell::State(text(&status["lifecycle"]["state"])))
        .line(tr("Waits for"), Cell::Text(waiting(status)))
        .line(tr("Since"), Cell::Ago(text(&status["waiting"]["since"])));
    let rows = |of: &Value| {
        of.as_object()
            .into_iter()
            .flatten()
            .map(|(key, row)| vec![Cell::text(key), Cell::Copy(shown(&row["value"]))])
            .collect::<Vec<_>>()
    };
    let runs = ctx
        .api
        .list(&format!(
            "/api/meshobjects/meshbuildingblockruns?size=10&buildingBlockUuid={}",
            segment(&opened.uuid())
        ))
        .await
        .map(|found| found.items)
        .unwrap_or_default();
    let again = Note::info(tr("Run it again"), tr("With the values that it has.")).button(
        may,
        opened.at(),
        &shell.csrf,
        Button::new(tr("Run again"), "run"),
    );
    let mut page = Page::new(shell.clone())
        .action(is_mine, Go::to(tr("In its workspace"), home_of(block), "external-link"))
        .with(facts);
    if !opened.asked().is_empty() {
        let about = tr(
            "Values that only the platform team knows. Saving them starts a run when nothing else is missing.",
        );
        let mut sheet = Sheet::new(&shell, opened.at(), form)
            .titled(tr("For the platform team to fill in"), about)
            .locked(!may);
        for (key, input) in opened.asked() {
            let is_kept = block["spec"]["inputs"][&key]["value"]["hash"].is_string();
            let one = field(&key, &input);
            sheet = sheet.field(if is_kept {
                one.help(tr("One is stored; leave this empty to keep it."))
            } else {
                one
            });
        }
        page = page.with(sheet.submit(Button::primary(tr("Save and run"), "inputs")));
    }
    page = page
        .with(super::run::grid(&opened.place, &runs).titled(tr("Runs"), tr("The latest ten.")))
        .with(
            Grid::new(&[tr("Input"), tr("Value")])
                .titled(tr("Inputs"), "")
                .rows(rows(&block["spec"]["inputs"]))
                .empty(tr("No inputs"), tr("This service needs no input.")),
        )
        .with(
            Grid::new(&[tr("Output"), tr("Value")])
                .titled(tr("Outputs"), "")
                .rows(rows(&status["outputs"]))
                .empty(tr("No outputs yet"), tr("They are there after the first run that succeeds.")),
        )
        .with(again);
    if ctx.may("ADM_BUILDINGBLOCK_DELETE") && opened.place.is_admin() {
        let sheet = Sheet::new(&shell, opened.at(), Form::default())
            .titled(tr("Delete or purge"), tr("Deleting runs the automation that takes it down. Purging forgets it and leaves its resources alone."))
            .field(Field::new(Kind::Switch, "sure", tr("I have looked at what depends on it")))
            .submit(Button::danger(tr("Delete block"), "delete"))
            .submit(Button::danger(tr("Purge block"), "purge"))
            .unguarded();
        page = page.with(sheet);
    }
    page
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let opened = Opened::open(&ctx, &path).await?;
    let form = form_of(&opened);
    page(&ctx, &opened, form).await.shown(&ctx)
}

async fn act(path: Named, Post { ctx, fields }: Post) -> Answer {
    let opened = Opened::open(&ctx, &path).await?;
    let (outcome, said) = match fields.get("do") {
        "run" => (ctx.api.post(&opened.operation("/trigger-run"), &json!({})).await, tr("A run is started.")),
        "delete" | "purge" if !fields.is_on("sure") => {
            (Err(Problem::invalid("sure", tr("Say that you have looked at what depends on it."))), "")
        }
        "delete" => (ctx.api.delete(&opened.operation("")).await, tr("It is being deleted.")),
        "purge" => (
            ctx.api.delete(&opened.operation("/purge")).await,
            tr("It is forgotten; its resources are left alone."),
        ),
        _ => {
            let outcome = match values(&opened, &fields) {
                Ok(inputs) => {
                    let mut body = opened.block.clone();
                    body["spec"]["inputs"] = Value::Object(inputs);
                    ctx.api.put(&opened.operation(""), &body).await
                }
                Err(problem) => Err(problem),
            };
            (outcome, tr("The values are saved."))
        }
    };
    match outcome {
        Ok(_) => ctx.done(&opened.at(), said),
        Err(problem) if fields.get("do") != "inputs" && problem.is_about_input() => {
            ctx.failed(&opened.at(), problem.message)
        }
        Err(problem) => {
            let keys: Vec<(String, String)> = opened
                .asked()
                .into_iter()
                .map(|(key, _)| (format!("inputs.{key}"), format!("input.{key}")))
                .collect();
            let names: Vec<(&str, &str)> =
                keys.iter().map(|(path, name)| (path.as_str(), name.as_str())).collect();
            page(&ctx, &opened, again(fields, problem, &names)?).await.refused(&ctx)
        }
    }
}

/// The pages.
pub fn pages() -> Pages {
    let pages = both(Pages::new(), "/blocks", &get(list).post(run_several));
    both(pages, "/blocks/{uuid}", &get(show).post(act))
}
