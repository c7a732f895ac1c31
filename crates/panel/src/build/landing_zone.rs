//! Landing zones: what a tenant on a platform comes with.

use super::described;
use super::view::{Button, Cell, Field, Go, Grid, Kind, Note, Page, Sheet};
use super::{Named, Place, again, both, definition_names, named, or_null, print, tags, text, unchanged};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::text::{fill, tr};
use axum::routing::get;
use serde_json::{Value, json};

/// The kind's list.
pub const PATH: &str = "/api/meshobjects/meshlandingzones";
const KIND: &str = "meshLandingZone";
const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("metadata.name", "name"),
    ("description", "description"),
    ("infoLink", "infoLink"),
    ("platformRef", "platform"),
    ("platformRef.uuid", "platform"),
    ("mandatoryBuildingBlockRefs", "mandatory"),
    ("recommendedBuildingBlockRefs", "recommended"),
    ("ownedByWorkspace", "workspace"),
];

fn row(place: &Place, zone: &Value) -> Vec<Cell> {
    let name = text(&zone["metadata"]["name"]);
    let count = |of: &str| zone["spec"][of].as_array().map_or(0, Vec::len).to_string();
    let state = if zone["status"]["disabled"] == json!(true) {
        "DISABLED"
    } else if zone["spec"]["restricted"] == json!(true) {
        "RESTRICTED"
    } else {
        "ACTIVE"
    };
    let mut row = vec![
        Cell::Name(
            text(&zone["spec"]["displayName"]),
            place.at(&format!("/landing-zones/{}", segment(&name))),
            name,
        ),
        Cell::State(state.into()),
        Cell::Text(count("mandatoryBuildingBlockRefs")),
        Cell::Text(count("recommendedBuildingBlockRefs")),
    ];
    row.extend(place.owned(zone));
    row
}

/// Landing zones as a table.
pub fn grid(place: &Place, zones: &[Value]) -> Grid {
    let mut columns =
        vec![tr("Landing zone"), tr("State"), tr("Blocks that come along"), tr("Recommended blocks")];
    if place.is_admin() {
        columns.push(tr("Owned by"));
    }
    Grid::new(&columns).rows(zones.iter().map(|zone| row(place, zone))).empty(
        tr("No landing zone yet"),
        tr("A landing zone is a flavour of tenants: the building blocks that come with each, quotas, and how they are deleted. A platform needs one before anybody gets a tenant."),
    )
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let filters = [("platform", "platformUuid"), ("disabled", "disabled")];
    let found = ctx.api.list(&place.listed(&ctx, PATH, &filters)).await?;
    let may = place.may(&ctx, "LANDINGZONE_SAVE");
    let new = || Go::to(tr("Add landing zone"), place.at("/landing-zones/new"), "plus").primary();
    Page::new(ctx.shell(tr("Landing zones")))
        .action(may, new())
        .with(
            grid(&place, &found.items)
                .listed(Listing::of(&ctx, &found))
                .filter("disabled", tr("State"), &[("false", tr("Enabled")), ("true", tr("Disabled"))])
                .start(may, new()),
        )
        .shown(&ctx)
}

/// Platforms to put a landing zone on: one's own, and those one contributes to.
async fn platforms(ctx: &Ctx, place: &Place) -> Vec<Value> {
    let base = "/api/meshobjects/meshplatforms?size=1000";
    let Some(home) = &place.home else {
        return ctx.api.list(base).await.map(|found| found.items).unwrap_or_default();
    };
    let mut all = Vec::new();
    for filter in ["ownedByWorkspace", "contributingWorkspace"] {
        let found = ctx.api.list(&format!("{base}&{filter}={}", segment(home))).await;
        all.extend(found.map(|found| found.items).unwrap_or_default());
    }
    all
}

async fn new_page(ctx: &Ctx, form: Form) -> Result<Page, Problem> {
    let place = Place::of(ctx)?;
    let shell = place.shell(ctx, tr("Add landing zone"), (tr("Landing zones"), "/landing-zones"));
    let found = platforms(ctx, &place).await;
    let options = found.iter().map(|platform| {
        let said =
            format!("{} ({})", text(&platform["spec"]["displayName"]), super::platform::identifier(platform));
        (text(&platform["metadata"]["uuid"]), said)
    });
    let mut sheet = Sheet::new(&shell, place.at("/landing-zones"), form)
        .field(Field::new(Kind::Choice, "platform", tr("Platform")).required().options(options))
        .field(Field::text("displayName", tr("Name")).required())
        .field(
            Field::text("name", tr("Identifier"))
                .required()
                .help(tr("Lower-case letters, digits and dashes. It never changes.")),
        )
        .field(Field::new(Kind::Lines(2), "description", tr("Description")))
        .submit(Button::primary(tr("Add landing zone"), "create"))
        .cancel(place.at("/landing-zones"));
    if place.is_admin() {
        sheet = sheet.field(
            Field::text("workspace", tr("Owned by")).required().help(tr("Identifier of the workspace.")),
        );
    }
    let defined = tags::defined(ctx, KIND).await;
    let mandatory: Vec<Value> =
        defined.into_iter().filter(|definition| definition["spec"]["mandatory"] == json!(true)).collect();
    Ok(Page::new(shell).with(sheet.fields(tags::fields(&mandatory))))
}

async fn new(ctx: Ctx) -> Answer {
    let form = Form::filled([("platform", ctx.query("platform").unwrap_or_default())]);
    new_page(&ctx, form).await?.shown(&ctx)
}

/// Properties of a new landing zone, with what its type must have.
async fn properties(ctx: &Ctx, kind: &str) -> Result<Value, Problem> {
    let schema = described::schema(ctx, "LandingZoneProperties").await?["properties"][kind].clone();
    let mut body = json!({});
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        body[name] = match schema["properties"][name]["type"].as_str() {
            Some("array") => json!([]),
            Some("boolean") => json!(false),
            _ => json!(""),
        };
    }
    Ok(json!({ "type": kind, kind: body }))
}

async fn create(Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let defined = tags::defined(&ctx, KIND).await;
    let made = async {
        let platform = fields.get("platform");
        if platform.is_empty() {
            return Err(Problem::invalid(
                "platform",
                tr("Choose a platform; add one first if there is none."),
            ));
        }
        let platform = ctx.api.get(&format!("/api/meshobjects/meshplatforms/{}", segment(platform))).await?;
        let kind = text(&platform["spec"]["config"]["type"]);
        let body = json!({
            "kind": KIND,
            "metadata": {
                "name": fields.get("name"),
                "ownedByWorkspace": place.owner(&fields),
                "tags": tags::read(&fields, &defined, &Value::Null),
            },
            "spec": {
                "displayName": fields.get("displayName"),
                "description": fields.get("description"),
                "automateDeletionApproval": false,
                "automateDeletionReplication": true,
                "platformRef": { "uuid": fields.get("platform") },
                "platformProperties": properties(&ctx, &kind).await?,
            },
        });
        ctx.api.post(PATH, &body).await
    };
    match made.await {
        Ok(_) => {
            let said = fill(
                tr("{0} is there. Say now which building blocks come along."),
                &[fields.get("displayName")],
            );
            ctx.done(&place.at(&format!("/landing-zones/{}", segment(fields.get("name")))), said)
        }
        Err(problem) => new_page(&ctx, again(fields, problem, FIELDS)?).await?.refused(&ctx),
    }
}

/// A landing zone with its platform.
struct Zone {
    place: Place,
    declared: Value,
    platform: Value,
    defined: Vec<Value>,
    schema: Value,
}

impl Zone {
    async fn open(ctx: &Ctx, path: &Named) -> Result<Self, Problem> {
        let place = Place::of(ctx)?;
        let declared = ctx.api.get(&format!("{PATH}/{}", segment(named(path, "name")))).await?;
        let uuid = text(&declared["spec"]["platformRef"]["uuid"]);
        let platform =
            ctx.api.get_if_there(&format!("/api/meshobjects/meshplatforms/{}", segment(&uuid))).await?;
        let kind = text(&declared["spec"]["platformProperties"]["type"]);
        let schema = described::schema(ctx, "LandingZoneProperties").await?["properties"][&kind].clone();
        Ok(Self {
            place,
            platform: platform.unwrap_or_default(),
            defined: tags::defined(ctx, KIND).await,
            schema,
            declared,
        })
    }

    fn name(&self) -> String {
        text(&self.declared["metadata"]["name"])
    }

    fn kind(&self) -> String {
        text(&self.declared["spec"]["platformProperties"]["type"])
    }

    fn at(&self) -> String {
        self.place.at(&format!("/landing-zones/{}", segment(&self.name())))
    }

    fn seen(&self) -> Value {
        json!([self.declared["spec"], self.declared["metadata"]["tags"]])
    }

    fn is_disabled(&self) -> bool {
        self.declared["status"]["disabled"] == json!(true)
    }

    fn quotas(&self) -> Vec<Value> {
        self.platform["spec"]["quotaDefinitions"].as_array().cloned().unwrap_or_default()
    }
}

fn refs(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|reference| text(&reference["uuid"])).collect()
}

fn filled(zone: &Zone) -> Form {
    let spec = &zone.declared["spec"];
    let on = |name: &str| if spec[name] == json!(true) { "on" } else { "" }.to_owned();
    let mut pairs: Vec<(String, String)> = vec![
        ("displayName".into(), text(&spec["displayName"])),
        ("description".into(), text(&spec["description"])),
        ("infoLink".into(), text(&spec["infoLink"])),
        ("automateDeletionApproval".into(), on("automateDeletionApproval")),
        ("automateDeletionReplication".into(), on("automateDeletionReplication")),
        ("restricted".into(), on("restricted")),
    ];
    for (field, member) in
        [("mandatory", "mandatoryBuildingBlockRefs"), ("recommended", "recommendedBuildingBlockRefs")]
    {
        pairs.extend(refs(&spec[member]).into_iter().map(|uuid| (field.to_owned(), uuid)));
    }
    for quota in spec["quotas"].as_array().into_iter().flatten() {
        pairs.push((format!("quota.{}", text(&quota["key"])), quota["value"].to_string()));
    }
    pairs.extend(tags::values(&zone.declared["metadata"]["tags"]));
    pairs.extend(described::values("properties", &zone.schema, &spec["platformProperties"][&zone.kind()]));
    Form::filled(pairs)
}

async fn page(ctx: &Ctx, zone: &Zone, form: Form) -> Page {
    let may = zone.place.may(ctx, "LANDINGZONE_SAVE");
    let name = text(&zone.declared["spec"]["displayName"]);
    let platform = text(&zone.declared["spec"]["platformRef"]["uuid"]);
    let mut shell = zone
        .place
        .shell(ctx, &name, (tr("Landing zones"), "/landing-zones"))
        .crumb(
            text(&zone.platform["spec"]["displayName"]),
            zone.place.at(&format!("/platforms/{}/zones", segment(&platform))),
        )
        .about(name.clone(), zone.name());
    shell.status = if zone.is_disabled() { "DISABLED".into() } else { "ACTIVE".into() };
    let kind = match zone.platform["spec"]["config"]["type"].as_str() {
        Some("custom") => text(&zone.platform["spec"]["config"]["custom"]["platformTypeRef"]["name"]),
        _ => String::new(),
    };
    let names = definition_names(ctx).await;
    let chosen: Vec<String> = ["mandatoryBuildingBlockRefs", "recommendedBuildingBlockRefs"]
        .iter()
        .flat_map(|member| refs(&zone.declared["spec"][*member]))
        .collect();
    let fits = |item: &Value| {
        let supported = item["spec"]["supportedPlatforms"].as_array().cloned().unwrap_or_default();
        item["spec"]["targetType"] == "TENANT_LEVEL"
            && (kind.is_empty() || supported.iter().any(|platform| platform["name"] == kind.as_str()))
    };
    let mut options: Vec<(String, String)> = names
        .iter()
        .filter(|(uuid, item)| fits(item) || chosen.contains(uuid))
        .map(|(uuid, item)| {
            let draft = item["status"]["latestReleasedVersionUuid"].is_null();
            let name = text(&item["spec"]["displayName"]);
            (
                uuid.clone(),
                if draft { fill(tr("{0} (draft: for your own workspace only)"), &[&name]) } else { name },
            )
        })
        .collect();
    options.sort_by(|a, b| a.1.cmp(&b.1));
    let mut sheet = Sheet::new(&shell, zone.at(), form)
        .hidden("seen", print(&zone.seen()))
        .locked(!may)
        .field(Field::text("displayName", tr("Name")).required())
        .field(Field::new(Kind::Lines(2), "description", tr("Description")))
        .field(Field::text("infoLink", tr("More about it")).help(tr("An address.")))
        .fields(tags::fields(&zone.defined))
        .heading(
            tr("Building blocks"),
            tr("Blocks that come along are ordered with each tenant, in the order of their dependencies."),
        )
        .field(Field::new(Kind::Several, "mandatory", tr("They come along")).options(options.clone()))
        .field(Field::new(Kind::Several, "recommended", tr("They are recommended")).options(options));
    if !zone.quotas().is_empty() {
        sheet = sheet.heading(tr("Quotas"), tr("What each tenant has at first."));
        sheet = sheet.fields(zone.quotas().iter().map(|quota| {
            let key = text(&quota["quotaKey"]);
            let bounds = format!("{} – {} {}", quota["minValue"], quota["maxValue"], text(&quota["unit"]));
            Field::new(Kind::Number, format!("quota.{key}"), &text(&quota["label"])).help(bounds)
        }));
    }
    sheet = sheet
        .heading(tr("Deletion of tenants"), "")
        .field(
            Field::new(Kind::Switch, "automateDeletionApproval", tr("Nobody has to approve it"))
                .help(tr("Else it waits in the deletion queue.")),
        )
        .field(
            Field::new(Kind::Switch, "automateDeletionReplication", tr("Stoa deletes on the platform too"))
                .help(tr("Else somebody does it by hand and confirms it.")),
        )
        .heading(tr("Who may use it"), "")
        .field(
            Field::new(Kind::Switch, "restricted", tr("Restricted"))
                .help(tr("Only its owner and administrators make tenants from it.")),
        );
    if zone.schema["properties"].as_object().is_some_and(|members| !members.is_empty()) {
        sheet = sheet.heading(tr("On the platform"), tr("What this type of platform needs."));
        let stored = &zone.declared["spec"]["platformProperties"][&zone.kind()];
        sheet = described::add(sheet, "properties", &zone.schema, stored, false);
    }
    sheet = sheet.submit(Button::primary(tr("Save"), "save"));
    let note = if zone.is_disabled() {
        Note::warn(tr("It is disabled"), tr("Nobody makes tenants from it; those that are there go on."))
            .button(may, zone.at(), &shell.csrf, Button::new(tr("Enable"), "enable"))
    } else {
        Note::info(
            tr("Disable it"),
            tr("Nobody makes new tenants from it then; those that are there go on. It can be enabled again."),
        )
        .button(
            zone.place.may(ctx, "LANDINGZONE_DELETE"),
            zone.at(),
            &shell.csrf,
            Button::new(tr("Disable"), "disable"),
        )
    };
    Page::new(shell).with(sheet).with(note)
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let zone = Zone::open(&ctx, &path).await?;
    page(&ctx, &zone, filled(&zone)).await.shown(&ctx)
}

fn spec_of(zone: &Zone, fields: &Fields) -> Result<Value, Problem> {
    let mut spec = zone.declared["spec"].clone();
    spec["displayName"] = json!(fields.get("displayName"));
    spec["description"] = json!(fields.get("description"));
    spec["infoLink"] = or_null(fields.get("infoLink"));
    for name in ["automateDeletionApproval", "automateDeletionReplication", "restricted"] {
        spec[name] = json!(fields.is_on(name));
    }
    for (field, member) in
        [("mandatory", "mandatoryBuildingBlockRefs"), ("recommended", "recommendedBuildingBlockRefs")]
    {
        let refs: Vec<Value> = fields.all(field).into_iter().map(|uuid| json!({ "uuid": uuid })).collect();
        spec[member] = json!(refs);
    }
    let mut quotas = Vec::new();
    for quota in zone.quotas() {
        let field = format!("quota.{}", text(&quota["quotaKey"]));
        if let Some(said) = fields.some(&field) {
            let value = said
                .parse::<i64>()
                .map_err(|_| Problem::invalid(&field, tr("This has to be a whole number.")))?;
            quotas.push(json!({ "key": quota["quotaKey"], "value": value }));
        }
    }
    spec["quotas"] = json!(quotas);
    let kind = zone.kind();
    let stored = spec["platformProperties"][&kind].clone();
    let read = described::read("properties", &zone.schema, fields, &stored)?;
    spec["platformProperties"] = json!({ "type": kind, &kind: read.unwrap_or_else(|| json!({})) });
    Ok(spec)
}

async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let zone = Zone::open(&ctx, &path).await?;
    let item = format!("{PATH}/{}", segment(&zone.name()));
    let (outcome, said) = match fields.get("do") {
        "disable" => (ctx.api.delete(&item).await, tr("Nobody makes tenants from it any more.")),
        "enable" => {
            let path = format!("/api/stoa/v1/landingzones/{}/enablement", segment(&zone.name()));
            (ctx.api.post(&path, &json!({})).await, tr("It is enabled again."))
        }
        _ => {
            let checked = unchanged(&fields, &zone.seen()).and_then(|()| spec_of(&zone, &fields));
            let outcome = match checked {
                Ok(spec) => {
                    let mut body = zone.declared.clone();
                    body["spec"] = spec;
                    body["metadata"]["tags"] =
                        tags::read(&fields, &zone.defined, &zone.declared["metadata"]["tags"]);
                    ctx.api.put(&item, &body).await
                }
                Err(problem) => Err(problem),
            };
            (outcome, tr("Saved."))
        }
    };
    match outcome {
        Ok(_) => ctx.done(&zone.at(), said),
        Err(problem) => page(&ctx, &zone, again(fields, problem, FIELDS)?).await.refused(&ctx),
    }
}

/// The pages.
pub fn pages() -> Pages {
    let mut pages = both(Pages::new(), "/landing-zones", &get(list).post(create));
    pages = both(pages, "/landing-zones/new", &get(new));
    both(pages, "/landing-zones/{name}", &get(show).post(save))
}
