//! What a platform says of itself, a new one, and its end.

use super::super::view::{Button, Cell, Field, Kind, Note, Page, Sheet};
use super::super::{Named, Place, again, or_null, text};
use super::{Control, PATH};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::{Value, json};

const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("metadata.name", "name"),
    ("description", "description"),
    ("endpoint", "endpoint"),
    ("locationRef", "location"),
    ("locationRef.name", "location"),
    ("platformTypeRef", "type"),
    ("platformTypeRef.name", "type"),
    ("supportUrl", "supportUrl"),
    ("documentationUrl", "documentationUrl"),
    ("ownedByWorkspace", "workspace"),
];

async fn new_page(ctx: &Ctx, form: Form) -> Result<Page, Problem> {
    let place = Place::of(ctx)?;
    let types = ctx
        .api
        .list("/api/meshobjects/meshplatformtypes?lifecycleStatus=ACTIVE&category=CUSTOM&size=1000")
        .await?;
    let types: Vec<(String, String)> = types
        .items
        .iter()
        .map(|kind| (text(&kind["metadata"]["name"]), text(&kind["spec"]["displayName"])))
        .collect();
    let locations = ctx.api.list("/api/meshobjects/meshlocations?size=1000").await?;
    let locations = locations
        .items
        .iter()
        .map(|place| (text(&place["metadata"]["name"]), text(&place["spec"]["displayName"])));
    let shell = place.shell(ctx, tr("Add platform"), (tr("Platforms"), "/platforms"));
    let mut sheet = Sheet::new(&shell, place.at("/platforms"), form)
        .field(
            Field::new(Kind::Choice, "type", tr("Type"))
                .required()
                .help(tr("Building blocks make the accounts. Platforms of built-in types (AWS, Azure, Google Cloud, Kubernetes, OpenShift) are declared through the API or the Terraform provider, and edited here."))
                .options(types),
        )
        .field(Field::text("displayName", tr("Name")).required())
        .field(
            Field::text("name", tr("Identifier"))
                .required()
                .help(tr("Lower-case letters, digits and dashes. Together with the location it never changes, and is never used again.")),
        )
        .field(Field::new(Kind::Choice, "location", tr("Location")).required().options(locations))
        .field(Field::new(Kind::Lines(2), "description", tr("Description")))
        .field(Field::text("endpoint", tr("Address")).help(tr("Where its people go to work with it.")))
        .submit(Button::primary(tr("Add platform"), "create"))
        .cancel(place.at("/platforms"));
    if place.is_admin() {
        sheet = sheet.field(
            Field::text("workspace", tr("Owned by")).required().help(tr("Identifier of the workspace.")),
        );
    }
    let own_type = Note::info(
        tr("Your product is not in the list?"),
        tr("Any product can be a platform: give it a type of its own first."),
    )
    .step(false, tr("Create a platform type"), place.at("/types/new"));
    Ok(Page::new(shell).with(own_type).with(sheet))
}

/// The form of a new platform.
pub async fn new(ctx: Ctx) -> Answer {
    new_page(&ctx, Form::default()).await?.shown(&ctx)
}

/// Adds one; it is its owner's alone until it is published.
pub async fn create(Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let owner = place.owner(&fields);
    let body = json!({
        "kind": "meshPlatform",
        "metadata": { "name": fields.get("name"), "ownedByWorkspace": owner },
        "spec": {
            "displayName": fields.get("displayName"),
            "description": fields.get("description"),
            "endpoint": fields.get("endpoint"),
            "locationRef": { "kind": "meshLocation", "name": fields.get("location") },
            "availability": { "restriction": "PRIVATE", "publicationState": "UNPUBLISHED", "restrictedToWorkspaces": [owner] },
            "config": { "type": "custom", "custom": { "platformTypeRef": { "name": fields.get("type") } } },
        },
    });
    match ctx.api.post(PATH, &body).await {
        Ok(made) => {
            let uuid = text(&made["metadata"]["uuid"]);
            let said = fill(
                tr("{0} is there, for your own workspace only. It needs a landing zone next."),
                &[fields.get("displayName")],
            );
            ctx.done(&place.at(&format!("/platforms/{}", segment(&uuid))), said)
        }
        Err(problem) => new_page(&ctx, again(fields, problem, FIELDS)?).await?.refused(&ctx),
    }
}

const TEXTS: [&str; 7] = [
    "displayName",
    "description",
    "endpoint",
    "supportUrl",
    "documentationUrl",
    "accessInformation",
    "readme",
];

async fn checklist(ctx: &Ctx, control: &Control) -> Option<Note> {
    let spec = &control.platform["spec"];
    if spec["availability"]["publicationState"] == "PUBLISHED" {
        return None;
    }
    let zones =
        format!("{}?platformUuid={}&size=1", super::super::landing_zone::PATH, segment(&control.uuid()));
    let zones = ctx.api.list(&zones).await.map(|found| found.total).unwrap_or_default();
    let tests = ctx.api.get(&control.operation("connection-tests")).await.unwrap_or_default();
    let passed = matches!(tests["tests"][0]["result"].as_str(), Some("PASS" | "WARN"));
    let tenants =
        ctx.api.list(&format!("{}?size=1", control.operation("tenants"))).await.map(|found| found.total);
    Some(
        Note::info(
            tr("On the way to the marketplace"),
            tr("Until it is published only its owner can use it."),
        )
        .step(!text(&spec["readme"]).is_empty(), tr("Write a readme"), control.at(""))
        .step(zones > 0, tr("Make a landing zone"), control.at("/zones"))
        .step(passed, tr("Test the connection"), control.at("/test"))
        .step(
            tenants.unwrap_or_default() > 0,
            tr("Try it: order a tenant in a project of your own"),
            control.at("/tenants"),
        )
        .step(false, tr("Submit it for publishing"), control.at("/publication")),
    )
}

async fn page(ctx: &Ctx, control: &Control, form: Form) -> Page {
    let shell = control.shell(ctx, tr("General"));
    let sheet = Sheet::new(&shell, control.at(""), form)
        .hidden("seen", control.seen())
        .locked(!control.may(ctx))
        .field(Field::text("displayName", tr("Name")).required())
        .field(
            Field::new(Kind::Lines(2), "description", tr("Description"))
                .help(tr("One or two sentences, for the card in the marketplace.")),
        )
        .field(Field::text("endpoint", tr("Address")).help(tr("Where its people go to work with it.")))
        .field(Field::new(Kind::Lines(8), "readme", tr("Readme")).help(tr("Markdown, in the marketplace.")))
        .field(
            Field::new(Kind::Lines(5), "accessInformation", tr("How to get in"))
                .help(tr("Markdown, for those who have a tenant.")),
        )
        .field(Field::text("documentationUrl", tr("Documentation")))
        .field(Field::text("supportUrl", tr("Support")))
        .submit(Button::primary(tr("Save"), "save"));
    Page::new(shell).maybe(checklist(ctx, control).await).with(sheet)
}

/// The tab General.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let spec = &control.platform["spec"];
    let form = Form::filled(TEXTS.map(|name| (name, text(&spec[name]))));
    page(&ctx, &control, form).await.shown(&ctx)
}

/// Saves it.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let outcome = control
        .save(&ctx, &fields, |spec| {
            for name in TEXTS {
                let said = fields.get(name);
                let must = matches!(name, "displayName" | "description" | "endpoint" | "readme");
                spec[name] = if must { json!(said) } else { or_null(said) };
            }
        })
        .await;
    match outcome {
        Ok(_) => ctx.done(&control.at(""), tr("Saved.")),
        Err(problem) => page(&ctx, &control, again(fields, problem, FIELDS)?).await.refused(&ctx),
    }
}

async fn danger_page(ctx: &Ctx, control: &Control, form: Form) -> Page {
    let shell = control.shell(ctx, tr("Danger zone"));
    let is_deprecated = control.platform["status"]["platform"] == "DEPRECATED";
    let note = if is_deprecated {
        Note::warn(tr("It is deprecated"), tr("Nobody gets new tenants; those that are there go on.")).button(
            control.may(ctx),
            control.at("/danger"),
            &shell.csrf,
            Button::new(tr("Reactivate"), "reactivate"),
        )
    } else {
        Note::info(
            tr("Deprecate it"),
            tr("Nobody gets new tenants any more; those that are there go on. It can be undone."),
        )
        .button(
            control.may(ctx),
            control.at("/danger"),
            &shell.csrf,
            Button::new(tr("Deprecate"), "deprecate"),
        )
    };
    let tenants =
        ctx.api.list(&format!("{}?size=1", control.operation("tenants"))).await.map(|found| found.total);
    let tenants = tenants.unwrap_or_default().to_string();
    let sheet = Sheet::new(&shell, control.at("/danger"), form)
        .titled(
            tr("Delete it"),
            &fill(tr("Its {0} tenants are forgotten in Stoa; nothing is touched on the platform itself. The identifier is never free again. This cannot be undone."), &[&tenants]),
        )
        .field(Field::text("identifier", &fill(tr("Type {0} to confirm"), &[&control.identifier()])).required())
        .submit(Button::danger(tr("Delete platform"), "delete"))
        .locked(!control.place.may(ctx, "PLATFORMINSTANCE_DELETE"))
        .unguarded();
    let mut page = Page::new(shell.clone()).with(note);
    if control.place.is_admin() {
        let give = Sheet::new(&shell, control.at("/danger"), Form::default())
            .titled(
                tr("Give it to another workspace"),
                tr("The publication stays as it is; the workspace needs the platform builder."),
            )
            .field(Field::text("workspace", tr("Identifier of the workspace")).required())
            .submit(Button::new(tr("Hand over"), "give"))
            .unguarded();
        page = page.with(give);
    }
    page.with(sheet)
}

/// The tab Danger zone.
pub async fn danger(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    danger_page(&ctx, &control, Form::default()).await.shown(&ctx)
}

/// Deprecates, reactivates, hands over or deletes.
pub async fn end(path: Named, Post { ctx, fields }: Post) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let back = control.at("/danger");
    let (outcome, target, said): (Result<Value, Problem>, String, &str) = match fields.get("do") {
        "deprecate" => (
            ctx.api.post(&control.operation("deprecation"), &json!({})).await,
            back,
            tr("It takes no new tenants any more."),
        ),
        "reactivate" => {
            (ctx.api.delete(&control.operation("deprecation")).await, back, tr("It takes new tenants again."))
        }
        "give" => (
            ctx.api.post(&control.operation("owner"), &json!({ "workspace": fields.get("workspace") })).await,
            back,
            tr("It belongs to the other workspace now."),
        ),
        _ if fields.get("identifier") == control.identifier() => (
            ctx.api.delete(&format!("{PATH}/{}", segment(&control.uuid()))).await,
            control.place.at("/platforms"),
            tr("The platform is deleted."),
        ),
        _ => (Err(Problem::invalid("identifier", tr("This is not its identifier."))), back, ""),
    };
    match outcome {
        Ok(_) => ctx.done(&target, said),
        Err(problem) => danger_page(&ctx, &control, again(fields, problem, &[])?).await.refused(&ctx),
    }
}

/// What a check found, as a row.
pub fn check_row(check: &Value) -> Vec<Cell> {
    vec![
        Cell::text(text(&check["check"])),
        Cell::State(text(&check["result"])),
        Cell::text(text(&check["message"])),
        Cell::text(text(&check["advice"])),
    ]
}
