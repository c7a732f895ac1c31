//! Integrations: CI systems that building blocks run in.

use super::view::{Button, Cell, Facts, Field, Go, Grid, Kind, Note, Page, Sheet};
use super::{Named, Place, again, both, named, print, text, unchanged};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::text::{fill, tr};
use axum::routing::get;
use serde_json::{Value, json};

const PATH: &str = "/api/meshobjects/meshintegrations";
/// uuid of the shared runner.
pub const SHARED: &str = "98520496-627d-43e6-82da-ce499179ff3f";

fn kinds() -> [(&'static str, &'static str); 3] {
    [("github", tr("GitHub")), ("gitlab", tr("GitLab")), ("azuredevops", tr("Azure DevOps"))]
}

fn word(kind: &str) -> String {
    kinds().iter().find(|(known, _)| *known == kind).map_or(kind, |(_, word)| word).to_owned()
}

/// A text: its name, label and help.
type Member = (&'static str, &'static str, &'static str);

/// Texts of a type, and its secret.
fn members(kind: &str) -> (Vec<Member>, Option<(&'static str, &'static str)>) {
    let base = ("baseUrl", tr("Address"));
    match kind {
        "github" => (
            vec![
                (base.0, base.1, tr("For example https://github.com.")),
                ("owner", tr("Owner"), tr("Organization or person whose repositories are used.")),
                ("appId", tr("App id"), tr("Number of the GitHub App that is installed there.")),
            ],
            Some(("appPrivateKey", tr("Private key of the app"))),
        ),
        "azuredevops" => (
            vec![
                (base.0, base.1, tr("For example https://dev.azure.com.")),
                ("organization", tr("Organization"), ""),
            ],
            Some(("personalAccessToken", tr("Personal access token"))),
        ),
        _ => (vec![(base.0, base.1, tr("For example https://gitlab.com."))], None),
    }
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let found = ctx.api.list(&place.listed(&ctx, PATH, &[("type", "type")])).await?;
    let may = place.may(&ctx, "INTEGRATION_SAVE");
    let mut columns = vec![tr("Integration"), tr("Kind"), tr("Address")];
    if place.is_admin() {
        columns.push(tr("Owned by"));
    }
    let rows = found.items.iter().map(|item| {
        let uuid = text(&item["metadata"]["uuid"]);
        let config = &item["spec"]["config"];
        let kind = text(&config["type"]);
        let mut row = vec![
            Cell::Name(
                text(&item["spec"]["displayName"]),
                place.at(&format!("/integrations/{}", segment(&uuid))),
                if item["status"]["isBuiltIn"] == json!(true) {
                    tr("Built in").to_owned()
                } else {
                    String::new()
                },
            ),
            Cell::Text(word(&kind)),
            Cell::Text(text(&config[&kind]["baseUrl"])),
        ];
        row.extend(place.owned(item));
        row
    });
    let new = || Go::to(tr("New integration"), place.at("/integrations/new"), "plus").primary();
    Page::new(ctx.shell(tr("Integrations")))
        .action(may, new())
        .with(
            Grid::new(&columns)
                .rows(rows.collect::<Vec<_>>())
                .listed(Listing::of(&ctx, &found))
                .empty(
                    tr("No integrations"),
                    tr("An integration is a connection to GitHub, GitLab or Azure DevOps, whose pipelines building blocks run in. OpenTofu needs none."),
                )
                .start(may, new()),
        )
        .shown(&ctx)
}

async fn sheet(
    ctx: &Ctx,
    place: &Place,
    action: String,
    kind: &str,
    form: Form,
    stored: &Value,
) -> (crate::shell::Shell, Sheet) {
    let is_new = stored.is_null();
    let name = if is_new { tr("New integration").to_owned() } else { text(&stored["spec"]["displayName"]) };
    let shell = place.shell(ctx, &name, (tr("Integrations"), "/integrations"));
    let runners = ctx.api.list("/api/meshobjects/meshbuildingblockrunners?size=1000").await;
    let mut runners: Vec<(String, String)> = runners
        .map(|found| found.items)
        .unwrap_or_default()
        .iter()
        .map(|runner| (text(&runner["metadata"]["uuid"]), text(&runner["spec"]["displayName"])))
        .collect();
    if !runners.iter().any(|(uuid, _)| uuid == SHARED) {
        runners.insert(0, (SHARED.to_owned(), tr("Shared runner").to_owned()));
    }
    let (texts, secret) = members(kind);
    let mut sheet = Sheet::new(&shell, action, form)
        .titled(&word(kind), "")
        .hidden("type", kind)
        .field(Field::text("displayName", tr("Name")).required());
    for (name, label, help) in texts {
        sheet = sheet.field(Field::text(name, label).required().help(help));
    }
    if let Some((name, label)) = secret {
        let field = Field::new(Kind::SecretLines, name, label);
        sheet = sheet.field(if is_new {
            field.required().help(tr("It is sealed for the runner and never shown again."))
        } else {
            field.help(tr("One is stored; leave this empty to keep it."))
        });
    }
    sheet = sheet.field(
        Field::new(Kind::Choice, "runner", tr("Runner"))
            .help(tr("Who talks to it. It opens the stored secret."))
            .options(runners),
    );
    if is_new && place.is_admin() {
        sheet = sheet.field(
            Field::text("workspace", tr("Owned by")).required().help(tr("Identifier of the workspace.")),
        );
    }
    (shell, sheet)
}

fn choose(shell: &crate::shell::Shell, place: &Place, kind: &str) -> Grid {
    let rows = kinds().into_iter().map(|(known, word)| {
        let here = if known == kind { tr("shown below") } else { "" };
        vec![
            Cell::Link(word.to_owned(), format!("{}?type={known}", place.at("/integrations/new"))),
            Cell::text(here),
        ]
    });
    let _ = shell;
    Grid::new(&[tr("Kind"), ""]).rows(rows)
}

async fn new_page(ctx: &Ctx, place: &Place, kind: &str, form: Form) -> Page {
    let (shell, sheet) = sheet(ctx, place, place.at("/integrations"), kind, form, &Value::Null).await;
    let sheet =
        sheet.submit(Button::primary(tr("Create integration"), "create")).cancel(place.at("/integrations"));
    Page::new(shell.clone()).with(choose(&shell, place, kind)).with(sheet)
}

async fn new(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let kind =
        ctx.query("type").filter(|kind| kinds().iter().any(|(known, _)| known == kind)).unwrap_or("github");
    let base = match kind {
        "github" => "https://github.com",
        "gitlab" => "https://gitlab.com",
        _ => "https://dev.azure.com",
    };
    let form = Form::filled([("baseUrl", base), ("runner", SHARED)]);
    new_page(&ctx, &place, kind, form).await.shown(&ctx)
}

fn config_of(fields: &Fields, kind: &str, stored: &Value) -> Value {
    let (texts, secret) = members(kind);
    let mut body = json!({ "runnerRef": { "uuid": fields.get("runner") } });
    for (name, ..) in texts {
        body[name] = json!(fields.get(name));
    }
    if let Some((name, _)) = secret {
        let said = fields.raw(name).replace("\r\n", "\n");
        body[name] = if said.trim().is_empty() { stored[name].clone() } else { json!({ "plaintext": said }) };
    }
    json!({ "type": kind, kind: body })
}

fn names(kind: &str) -> Vec<(&'static str, &'static str)> {
    let (texts, secret) = members(kind);
    let mut names =
        vec![("displayName", "displayName"), ("runnerRef", "runner"), ("ownedByWorkspace", "workspace")];
    names.extend(texts.iter().map(|(name, ..)| (*name, *name)));
    names.extend(secret.map(|(name, _)| (name, name)));
    names
}

async fn create(Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let kind = fields.get("type").to_owned();
    let body = json!({
        "kind": "meshIntegration",
        "metadata": { "ownedByWorkspace": place.owner(&fields) },
        "spec": { "displayName": fields.get("displayName"), "config": config_of(&fields, &kind, &Value::Null) },
    });
    match ctx.api.post(PATH, &body).await {
        Ok(_) => {
            ctx.done(&place.at("/integrations"), fill(tr("{0} is there."), &[fields.get("displayName")]))
        }
        Err(problem) => {
            let form = again(fields, problem, &names(&kind))?;
            new_page(&ctx, &place, &kind, form).await.refused(&ctx)
        }
    }
}

fn built_in(ctx: &Ctx, place: &Place, item: &Value) -> Page {
    let name = text(&item["spec"]["displayName"]);
    let shell = place.shell(ctx, &name, (tr("Integrations"), "/integrations"));
    let trust = &item["status"]["workloadIdentityFederation"];
    let copy = |value: &Value| Cell::Copy(text(value));
    Page::new(shell)
        .with(Note::info(
            tr("This integration is built in"),
            tr("Clouds trust Stoa by these values; nothing has to be stored then."),
        ))
        .with(
            Facts::new(tr("Workload identity"))
                .line(tr("Issuer"), copy(&trust["issuer"]))
                .line(tr("Subject"), copy(&trust["subject"]))
                .line(tr("Audience at AWS"), copy(&trust["aws"]["audience"]))
                .line(tr("Audience at Azure"), copy(&trust["azure"]["audience"]))
                .line(tr("Audience at Google Cloud"), copy(&trust["gcp"]["audience"])),
        )
}

async fn page(ctx: &Ctx, place: &Place, item: &Value, form: Form) -> Page {
    let kind = text(&item["spec"]["config"]["type"]);
    let uuid = text(&item["metadata"]["uuid"]);
    let at = place.at(&format!("/integrations/{}", segment(&uuid)));
    let (shell, sheet) = sheet(ctx, place, at, &kind, form, item).await;
    let may = place.may(ctx, "INTEGRATION_SAVE");
    let sheet = sheet
        .hidden("seen", print(&item["spec"]))
        .locked(!may)
        .submit(Button::primary(tr("Save"), "save"))
        .submit(Button::danger(tr("Delete"), "delete"));
    let name = text(&item["spec"]["displayName"]);
    Page::new(shell.about(name, uuid)).with(sheet).with(Note::info(
        tr("Deleting"),
        tr("An integration that versions of definitions name cannot be deleted."),
    ))
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let place = Place::of(&ctx)?;
    let item = ctx.api.get(&format!("{PATH}/{}", segment(named(&path, "uuid")))).await?;
    if item["status"]["isBuiltIn"] == json!(true) {
        return built_in(&ctx, &place, &item).shown(&ctx);
    }
    let kind = text(&item["spec"]["config"]["type"]);
    let config = &item["spec"]["config"][&kind];
    let mut pairs = vec![
        ("displayName", text(&item["spec"]["displayName"])),
        ("runner", text(&config["runnerRef"]["uuid"])),
    ];
    pairs.extend(members(&kind).0.into_iter().map(|(name, ..)| (name, text(&config[name]))));
    page(&ctx, &place, &item, Form::filled(pairs)).await.shown(&ctx)
}

async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let at = format!("{PATH}/{}", segment(named(&path, "uuid")));
    let item = ctx.api.get(&at).await?;
    let kind = text(&item["spec"]["config"]["type"]);
    let is_end = fields.get("do") == "delete";
    let outcome: Result<Value, Problem> = if is_end {
        ctx.api.delete(&at).await
    } else if let Err(problem) = unchanged(&fields, &item["spec"]) {
        Err(problem)
    } else {
        let mut body = item.clone();
        body["spec"] = json!({
            "displayName": fields.get("displayName"),
            "config": config_of(&fields, &kind, &item["spec"]["config"][&kind]),
        });
        ctx.api.put(&at, &body).await
    };
    match outcome {
        Ok(_) if is_end => ctx.done(&place.at("/integrations"), tr("The integration is deleted.")),
        Ok(_) => {
            ctx.done(&place.at(&format!("/integrations/{}", segment(named(&path, "uuid")))), tr("Saved."))
        }
        Err(problem) => {
            let form = again(fields, problem, &names(&kind))?;
            page(&ctx, &place, &item, form).await.refused(&ctx)
        }
    }
}

/// The pages.
pub fn pages() -> Pages {
    let mut pages = both(Pages::new(), "/integrations", &get(list).post(create));
    pages = both(pages, "/integrations/new", &get(new));
    both(pages, "/integrations/{uuid}", &get(show).post(save))
}
