//! Runners: who executes the runs of building blocks.

use super::integration::SHARED;
use super::view::{Button, Cell, Facts, Field, Go, Grid, Kind, Note, Page, Piece, Sheet};
use super::{Named, Place, again, both, named, print, text, unchanged};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::listing::Listing;
use crate::problem::Problem;
use crate::text::{fill, tr};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};

const PATH: &str = "/api/meshobjects/meshbuildingblockrunners";
/// How long a runner may be silent, in seconds.
const SILENCE: i64 = 300;
const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("publicKey", "publicKey"),
    ("implementationType", "type"),
    ("restriction", "restriction"),
    ("ownedByWorkspace", "workspace"),
];

fn kinds() -> [(&'static str, &'static str); 6] {
    [
        ("ALL", tr("Everything")),
        ("TERRAFORM", tr("OpenTofu")),
        ("GITHUB_WORKFLOW", tr("GitHub workflows")),
        ("GITLAB_PIPELINE", tr("GitLab pipelines")),
        ("AZURE_DEVOPS_PIPELINE", tr("Azure DevOps pipelines")),
        ("MANUAL", tr("Manual")),
    ]
}

fn word(kind: &str) -> String {
    kinds().iter().find(|(known, _)| *known == kind).map_or(kind, |(_, word)| word).to_owned()
}

/// Whether it asked for work lately.
fn state_of(runner: &Value) -> &'static str {
    let seen = runner["metadata"]["lastSeen"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    match seen {
        Some(at) if Timestamp::now().as_second() - at.as_second() < SILENCE => "ACTIVE",
        Some(_) => "SILENT",
        None => "NEVER_SEEN",
    }
}

async fn queue_of(ctx: &Ctx, uuid: &str) -> Option<(u64, u64)> {
    let told =
        ctx.api.get_if_there(&format!("/api/stoa/v1/runners/{}/queue", segment(uuid))).await.ok()??;
    Some((told["queued"].as_u64()?, told["running"].as_u64()?))
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let found = ctx.api.list(&place.listed(&ctx, PATH, &[])).await?;
    let may = place.may(&ctx, "BUILDINGBLOCKRUNNER_SAVE");
    let mut columns = vec![
        tr("Runner"),
        tr("State"),
        tr("Last seen"),
        tr("Executes"),
        tr("For"),
        tr("Waiting"),
        tr("Running"),
    ];
    if place.is_admin() {
        columns.push(tr("Owned by"));
    }
    let mut rows = Vec::new();
    for runner in &found.items {
        let uuid = text(&runner["metadata"]["uuid"]);
        let queue = queue_of(&ctx, &uuid).await;
        let mut row = vec![
            Cell::Name(
                text(&runner["spec"]["displayName"]),
                place.at(&format!("/runners/{}", segment(&uuid))),
                uuid,
            ),
            Cell::State(state_of(runner).into()),
            Cell::Ago(text(&runner["metadata"]["lastSeen"])),
            Cell::Text(word(&text(&runner["spec"]["implementationType"]))),
            Cell::State(text(&runner["spec"]["restriction"])),
            Cell::Text(queue.map_or(String::new(), |(queued, _)| queued.to_string())),
            Cell::Text(queue.map_or(String::new(), |(_, running)| running.to_string())),
        ];
        row.extend(place.owned(runner));
        rows.push(row);
    }
    let new = || Go::to(tr("New runner"), place.at("/runners/new"), "plus").primary();
    Page::new(ctx.shell(tr("Runners")))
        .action(may, new())
        .with(
            Grid::new(&columns)
                .rows(rows)
                .listed(Listing::of(&ctx, &found))
                .empty(tr("The shared runner does it all"), tr("Add a runner of your own when building blocks have to run in your network, or when their secrets must stay with you."))
                .start(may, new()),
        )
        .shown(&ctx)
}

fn new_page(ctx: &Ctx, place: &Place, form: Form) -> Page {
    let shell = place.shell(ctx, tr("New runner"), (tr("Runners"), "/runners"));
    let home = place.home.clone().unwrap_or_else(|| "<workspace>".to_owned());
    let command = format!("stoa runner init --workspace {home} --name \"…\"\nstoa runner run");
    let mut sheet = Sheet::new(&shell, place.at("/runners"), form)
        .titled(tr("Register a key of your own"), tr("The private half stays with the runner; Stoa seals secrets with the public half."))
        .field(Field::text("displayName", tr("Name")).required())
        .field(Field::new(Kind::Choice, "type", tr("Executes")).required().options(kinds()))
        .field(
            Field::new(Kind::Lines(8), "publicKey", tr("Public key"))
                .required()
                .help(tr("PEM: an RSA public key or a certificate. openssl genrsa -out runner.pem 4096, then openssl rsa -in runner.pem -pubout.")),
        );
    if place.is_admin() {
        sheet = sheet
            .field(
                Field::text("workspace", tr("Owned by")).required().help(tr("Identifier of the workspace.")),
            )
            .field(
                Field::new(Kind::Choice, "restriction", tr("For"))
                    .options([("PRIVATE", tr("Its workspace")), ("PUBLIC", tr("Everybody"))]),
            );
    }
    let sheet = sheet.submit(Button::primary(tr("Register runner"), "create")).cancel(place.at("/runners"));
    Page::new(shell)
        .with(Note::info(tr("The short way"), tr("On the machine where it will run: this makes a key, registers the runner and writes its configuration.")))
        .with(Piece::Verbatim(tr("Commands").into(), command))
        .with(sheet)
}

async fn new(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    new_page(&ctx, &place, Form::filled([("type", "ALL")])).shown(&ctx)
}

async fn create(Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let mut body = json!({
        "kind": "meshBuildingBlockRunner",
        "metadata": { "ownedByWorkspace": place.owner(&fields) },
        "spec": {
            "displayName": fields.get("displayName"),
            "publicKey": format!("{}\n", fields.get("publicKey").replace("\r\n", "\n")),
            "implementationType": fields.get("type"),
        },
    });
    if let Some(restriction) = fields.some("restriction") {
        body["spec"]["restriction"] = json!(restriction);
    }
    match ctx.api.post(PATH, &body).await {
        Ok(made) => {
            let at = place.at(&format!("/runners/{}", segment(&text(&made["metadata"]["uuid"]))));
            ctx.done(&at, tr("The runner is registered. Its configuration stands below."))
        }
        Err(problem) => new_page(&ctx, &place, again(fields, problem, FIELDS)?).refused(&ctx),
    }
}

fn configuration(ctx: &Ctx, uuid: &str) -> String {
    let server = ctx.panel.app.world.settings.public_url.clone();
    format!(
        "url = \"{server}\"\nrunner_uuid = \"{uuid}\"\nprivate_key_pem = \"\"\"\n-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n\"\"\"\nwork_dir = \"stoa-runner\"\n\n[auth]\nclient_id = \"…\"\nclient_secret = \"…\"\n"
    )
}

async fn page(ctx: &Ctx, place: &Place, runner: &Value, form: Form) -> Page {
    let uuid = text(&runner["metadata"]["uuid"]);
    let name = text(&runner["spec"]["displayName"]);
    let at = place.at(&format!("/runners/{}", segment(&uuid)));
    let mut shell = place.shell(ctx, &name, (tr("Runners"), "/runners")).about(name.clone(), uuid.clone());
    shell.status = state_of(runner).into();
    let is_own =
        place.home.as_ref().is_none_or(|home| runner["metadata"]["ownedByWorkspace"] == home.as_str());
    let may = is_own && place.may(ctx, "BUILDINGBLOCKRUNNER_SAVE");
    let queue = queue_of(ctx, &uuid).await;
    let facts = Facts::new("")
        .line(tr("Last seen"), Cell::Ago(text(&runner["metadata"]["lastSeen"])))
        .line(tr("Executes"), Cell::Text(word(&text(&runner["spec"]["implementationType"]))))
        .line(tr("For"), Cell::State(text(&runner["spec"]["restriction"])))
        .line(tr("Owned by"), Cell::Text(text(&runner["metadata"]["ownedByWorkspace"])))
        .line(tr("Waiting runs"), Cell::Text(queue.map_or(String::new(), |(queued, _)| queued.to_string())))
        .line(tr("Running"), Cell::Text(queue.map_or(String::new(), |(_, running)| running.to_string())));
    let mut page = Page::new(shell.clone()).with(facts);
    if uuid != SHARED && may {
        page = page
            .with(Piece::Verbatim(tr("Its configuration").into(), configuration(ctx, &uuid)))
            .with(Note::info(
                tr("What it claims runs with"),
                tr("An API key of the owning workspace with MANAGED_BUILDINGBLOCKRUN_LIST, MANAGED_BUILDINGBLOCKRUN_SAVE and MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE."),
            ));
    }
    let mut sheet = Sheet::new(&shell, at, form)
        .titled(
            tr("Change it"),
            tr("With another key, secrets that were sealed for the old one have to be given again."),
        )
        .hidden("seen", print(&runner["spec"]))
        .locked(!may)
        .field(Field::text("displayName", tr("Name")).required())
        .field(Field::new(Kind::Lines(8), "publicKey", tr("Public key")).required());
    if place.is_admin() {
        sheet = sheet.field(
            Field::new(Kind::Choice, "restriction", tr("For"))
                .options([("PRIVATE", tr("Its workspace")), ("PUBLIC", tr("Everybody"))]),
        );
    }
    sheet = sheet.submit(Button::primary(tr("Save"), "save"));
    if uuid != SHARED {
        sheet = sheet.submit(Button::danger(tr("Delete"), "delete"));
    }
    page.with(sheet)
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let place = Place::of(&ctx)?;
    let runner = ctx.api.get(&format!("{PATH}/{}", segment(named(&path, "uuid")))).await?;
    let form = Form::filled(
        ["displayName", "publicKey", "restriction"].map(|name| (name, text(&runner["spec"][name]))),
    );
    page(&ctx, &place, &runner, form).await.shown(&ctx)
}

async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let at = format!("{PATH}/{}", segment(named(&path, "uuid")));
    let runner = ctx.api.get(&at).await?;
    let is_end = fields.get("do") == "delete";
    let outcome: Result<Value, Problem> = if is_end {
        ctx.api.delete(&at).await
    } else if let Err(problem) = unchanged(&fields, &runner["spec"]) {
        Err(problem)
    } else {
        let mut body = runner.clone();
        body["spec"]["displayName"] = json!(fields.get("displayName"));
        body["spec"]["publicKey"] = json!(format!("{}\n", fields.get("publicKey").replace("\r\n", "\n")));
        if let Some(restriction) = fields.some("restriction") {
            body["spec"]["restriction"] = json!(restriction);
        }
        ctx.api.put(&at, &body).await
    };
    match outcome {
        Ok(_) if is_end => ctx.done(
            &place.at("/runners"),
            fill(tr("{0} is deleted."), &[&text(&runner["spec"]["displayName"])]),
        ),
        Ok(_) => ctx.done(&place.at(&format!("/runners/{}", segment(named(&path, "uuid")))), tr("Saved.")),
        Err(problem) => page(&ctx, &place, &runner, again(fields, problem, FIELDS)?).await.refused(&ctx),
    }
}

/// The pages.
pub fn pages() -> Pages {
    let mut pages = both(Pages::new(), "/runners", &get(list).post(create));
    pages = both(pages, "/runners/new", &get(new));
    both(pages, "/runners/{uuid}", &get(show).post(save))
}
