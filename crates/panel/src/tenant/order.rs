//! Ordering a tenant, step by step (panel.md §5): platform, landing zone, what it comes with, limits, review.

use super::quotas::{Quota, wishes};
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::{Fields, Form};
use crate::input::{Fieldset, Given, Input};
use crate::parts::filters;
use crate::parts::wizard::{self, Go, Wizard};
use crate::problem::Problem;
use crate::project::Project;
use crate::shell::Shell;
use crate::tenant::known::{self, Platforms};
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Map, Value, json};

const PLATFORM: usize = 0;
const ZONE: usize = 1;
const SERVICES: usize = 2;
const QUOTAS: usize = 3;
const STEPS: usize = 5;

/// Fields of each step.
const OWN: [&[&str]; STEPS] = [&["platform"], &["zone"], &["in."], &["quota."], &[]];

fn labels() -> [&'static str; STEPS] {
    [tr("Platform"), tr("Landing zone"), tr("Included"), tr("Quotas"), tr("Review")]
}

/// A platform to choose.
struct Offer {
    uuid: String,
    name: String,
    about: String,
    place: String,
    icon: String,
    is_restricted: bool,
    /// Why it cannot be had; empty when it can.
    obstacle: String,
}

/// A landing zone to choose.
struct Zone {
    name: String,
    label: String,
    about: String,
    link: String,
    tags: Vec<(String, String)>,
    mandatory: Vec<String>,
    recommended: usize,
    whole: Value,
}

impl Zone {
    fn read(zone: &Value) -> Self {
        let uuids = |list: &str| -> Vec<String> {
            let all = zone["spec"][list].as_array().into_iter().flatten();
            all.filter_map(|one| one["uuid"].as_str().map(str::to_owned)).collect()
        };
        Self {
            name: said(zone, "/metadata/name"),
            label: said(zone, "/spec/displayName"),
            about: said(zone, "/spec/description"),
            link: known::safe_link(&said(zone, "/spec/infoLink")),
            tags: crate::parts::tags::shown(&zone["metadata"]["tags"]),
            mandatory: uuids("mandatoryBuildingBlockRefs"),
            recommended: uuids("recommendedBuildingBlockRefs").len(),
            whole: zone.clone(),
        }
    }

    /// The limit that tenants of it begin with.
    fn quota(&self, key: &str) -> Option<i64> {
        let all = self.whole["spec"]["quotas"].as_array()?;
        all.iter().find(|quota| quota["key"] == key)?["value"].as_i64()
    }
}

/// A building block that every tenant of the landing zone gets.
struct Included {
    uuid: String,
    name: String,
    about: String,
    /// What it asks for; keys begin with the definition's uuid.
    inputs: Vec<Input>,
}

impl Included {
    fn read(one: &Value) -> Self {
        let uuid = said(one, "/definitionUuid");
        let mut inputs = Input::asked(&json!({ "spec": { "inputs": one["inputs"] } }));
        for input in &mut inputs {
            input.key = format!("{uuid}.{}", input.key);
        }
        Self { name: said(one, "/displayName"), about: said(one, "/description"), inputs, uuid }
    }

    /// Its inputs as fields.
    fn fieldset(&self) -> Fieldset {
        Fieldset::of(self.inputs.clone())
    }

    /// What a form says of its inputs, as the API takes it; the first thing that is wrong.
    fn given(&self, fields: &Fields) -> Result<Map<String, Value>, Problem> {
        let mut given = Map::new();
        for input in &self.inputs {
            let key = input.key.split_once('.').map_or("", |(_, key)| key);
            match input.given(fields) {
                Given::Nothing => {}
                Given::Value(value) => {
                    given.insert(key.to_owned(), json!({ "value": value }));
                }
                Given::Wrong(why) => return Err(Problem::invalid(&input.name(), why)),
            }
        }
        Ok(given)
    }
}

/// Everything that the steps show.
struct Choice {
    project: Project,
    offers: Vec<Offer>,
    platforms: Vec<Value>,
    zones: Vec<Zone>,
}

impl Choice {
    async fn read(ctx: &Ctx, project: &str, fields: &Fields) -> Result<Self, Problem> {
        let names = [project];
        let (project, found, types, tenants) = tokio::join!(
            Project::find(ctx, project),
            ctx.api.list("/api/meshobjects/meshplatforms?size=1000"),
            Platforms::read(ctx),
            known::tenants(ctx, &names, &[])
        );
        let (project, found, types, tenants) = (project?, found?, types?, tenants?);
        let taken: Vec<String> = tenants.iter().map(|tenant| tenant.platform_uuid.clone()).collect();
        let mut offers: Vec<Offer> =
            found.items.iter().filter_map(|platform| offer(ctx, platform, &types, &taken)).collect();
        offers.sort_by_key(|offer| (!offer.obstacle.is_empty(), offer.name.to_lowercase()));
        let mut zones = Vec::new();
        if let Some(platform) = fields.some("platform") {
            let path =
                format!("/api/meshobjects/meshlandingzones?size=1000&platformUuid={}", segment(platform));
            let usable = |zone: &&Value| {
                zone["status"]["disabled"] != true
                    && (zone["spec"]["restricted"] != true
                        || zone["metadata"]["ownedByWorkspace"] == ctx.home())
            };
            zones = ctx.api.list(&path).await?.items.iter().filter(usable).map(Zone::read).collect();
        }
        Ok(Self { project, offers, platforms: found.items, zones })
    }

    fn zone(&self, fields: &Fields) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.name == fields.get("zone"))
    }

    fn offer(&self, fields: &Fields) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.uuid == fields.get("platform"))
    }

    fn quotas(&self, fields: &Fields) -> Vec<Quota> {
        let uuid = fields.get("platform");
        let platform = self.platforms.iter().find(|platform| platform["metadata"]["uuid"] == uuid);
        let zone = self.zone(fields);
        platform.map(|platform| Quota::all(platform, |key| zone?.quota(key))).unwrap_or_default()
    }
}

/// A platform as it is offered; none if it never could be had.
fn offer(ctx: &Ctx, platform: &Value, types: &Platforms, taken: &[String]) -> Option<Offer> {
    let availability = &platform["spec"]["availability"];
    let is_own = platform["metadata"]["ownedByWorkspace"] == ctx.home();
    let contributes = platform["spec"]["contributingWorkspaces"]
        .as_array()
        .is_some_and(|homes| homes.iter().any(|home| home == ctx.home()));
    if !is_own && !contributes && availability["publicationState"] != "PUBLISHED" {
        return None;
    }
    let uuid = said(platform, "/metadata/uuid");
    let obstacle = if taken.contains(&uuid) {
        tr("The project has a tenant on it already.")
    } else if platform["status"]["platform"] == "DEPRECATED" {
        tr("It takes no new tenants.")
    } else {
        ""
    };
    let kind = match said(platform, "/spec/config/custom/platformTypeRef/name") {
        name if name.is_empty() => said(platform, "/spec/config/type").to_uppercase(),
        name => name,
    };
    let (_, icon) = types.kind(&kind);
    Some(Offer {
        uuid,
        name: said(platform, "/spec/displayName"),
        about: said(platform, "/spec/description"),
        place: said(platform, "/spec/locationRef/name"),
        icon: if icon.is_empty() { "cloud".into() } else { icon },
        is_restricted: availability["restriction"] != "PUBLIC",
        obstacle: obstacle.to_owned(),
    })
}

/// What tenants of a landing zone come with.
async fn included(ctx: &Ctx, zone: Option<&Zone>) -> Result<Vec<Included>, Problem> {
    let Some(zone) = zone else { return Ok(Vec::new()) };
    let path = format!("/api/stoa/v1/landingzones/{}/included", segment(&zone.name));
    let found = ctx.api.get(&path).await?;
    Ok(found["included"].as_array().into_iter().flatten().map(Included::read).collect())
}

#[derive(Template)]
#[template(path = "tenant/order.html")]
struct OrderPage {
    shell: Shell,
    wizard: Wizard,
    form: Form,
    choice: Choice,
    included: Vec<Included>,
    quotas: Vec<Quota>,
}

impl OrderPage {
    fn platform_name(&self) -> &str {
        self.choice.offer(&self.form.fields).map_or("", |offer| &offer.name)
    }

    fn zone_name(&self) -> &str {
        self.choice.zone(&self.form.fields).map_or("", |zone| &zone.label)
    }
}

async fn page(ctx: &Ctx, step: usize, choice: Choice, mut form: Form, status: StatusCode) -> Answer {
    // The only one is chosen already (LZ-04).
    if step >= ZONE && form.value("zone").is_empty() && choice.zones.len() == 1 {
        form.fields.set("zone", choice.zones[0].name.clone());
    }
    let quotas = choice.quotas(&form.fields);
    if step == QUOTAS {
        for quota in &quotas {
            if !form.fields.0.iter().any(|(name, _)| *name == quota.name()) {
                form.fields.set(&quota.name(), quota.now.map(|now| now.to_string()).unwrap_or_default());
            }
        }
    }
    let included =
        if step >= SERVICES { included(ctx, choice.zone(&form.fields)).await? } else { Vec::new() };
    // What applies when nobody says anything stands in the fields already.
    if step == SERVICES && form.fields.under("in.").next().is_none() {
        let defaults =
            included.iter().flat_map(|one| &one.inputs).flat_map(|input| input.shown(&input.default));
        form.fields.0.extend(defaults);
    }
    let base = choice.project.at(ctx, "");
    let ends = (format!("{base}/add"), base.clone(), tr("Order tenant"));
    let shell = ctx
        .shell(tr("Add tenant"))
        .crumb(tr("Projects"), format!("/w/{}/projects", segment(ctx.home())))
        .crumb(choice.project.display_name.clone(), base);
    let wizard = Wizard::new(&labels(), step, &form.fields, OWN[step], ends);
    ctx.page_as(status, &OrderPage { shell, wizard, form, choice, included, quotas })
}

/// The first step. A platform that the address names is chosen already.
pub async fn begin(ctx: Ctx, Path((_, project)): Path<(String, String)>) -> Answer {
    let mut form = Form::default();
    let mut step = PLATFORM;
    if let Some(platform) = ctx.query("platform") {
        form.fields.set("platform", platform);
        step = ZONE;
    }
    let mut choice = Choice::read(&ctx, &project, &form.fields).await?;
    if step == ZONE && choice.offer(&form.fields).is_none_or(|offer| !offer.obstacle.is_empty()) {
        step = PLATFORM;
        choice.zones.clear();
    }
    page(&ctx, step, choice, form, StatusCode::OK).await
}

/// What keeps a step from being left.
fn problem(choice: &Choice, included: &[Included], step: usize, fields: &Fields) -> Option<Problem> {
    match step {
        SERVICES => included.iter().find_map(|one| one.given(fields).err()),
        PLATFORM if choice.offer(fields).is_none_or(|offer| !offer.obstacle.is_empty()) => {
            Some(Problem::invalid("platform", tr("Choose a platform.")))
        }
        ZONE if choice.zones.len() > 1 && choice.zone(fields).is_none() => {
            Some(Problem::invalid("zone", tr("Choose a landing zone.")))
        }
        QUOTAS => wishes(&choice.quotas(fields), fields).err(),
        _ => None,
    }
}

/// A step that was sent.
pub async fn step(Path((_, project)): Path<(String, String)>, Post { ctx, mut fields }: Post) -> Answer {
    let (shown, go) = wizard::asked(&fields, STEPS);
    let choice = Choice::read(&ctx, &project, &fields).await?;
    // Another platform has other landing zones, another landing zone other limits.
    if !fields.get("zone").is_empty() && choice.zone(&fields).is_none() {
        fields.set("zone", "");
    }
    if shown < QUOTAS {
        fields.0.retain(|(name, _)| !name.starts_with("quota."));
    }
    if let Go::To(to) = go
        && to <= shown
    {
        return page(&ctx, to, choice, Form { fields, ..Form::default() }, StatusCode::OK).await;
    }
    let checked = if go == Go::Finish { PLATFORM..=QUOTAS } else { shown..=shown };
    let included =
        if *checked.end() >= SERVICES { included(&ctx, choice.zone(&fields)).await? } else { Vec::new() };
    for step in checked {
        if let Some(problem) = problem(&choice, &included, step, &fields) {
            let form = Form::refused(fields, problem, &[]);
            return page(&ctx, step, choice, form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    }
    match go {
        Go::To(to) => page(&ctx, to, choice, Form { fields, ..Form::default() }, StatusCode::OK).await,
        Go::Finish => create(ctx, choice, &included, fields).await,
    }
}

async fn create(ctx: Ctx, choice: Choice, included: &[Included], fields: Fields) -> Answer {
    let quotas = choice.quotas(&fields);
    let wished = wishes(&quotas, &fields).unwrap_or_default();
    // What needs nobody's approval is ordered at once, the rest is asked for afterwards (LZ-09).
    let at_once = |quota: &&Quota, value: i64| {
        quota.now.is_some_and(|now| value <= now) || (quota.threshold > 0 && value <= quota.threshold)
    };
    let (granted, asked): (Vec<_>, Vec<_>) = wished.into_iter().partition(|(key, value)| {
        let quota = quotas.iter().find(|quota| quota.key == *key);
        quota.is_some_and(|quota| at_once(&quota, value["value"].as_i64().unwrap_or_default()))
    });
    let mut body = json!({
        "metadata": { "ownedByWorkspace": ctx.home(), "ownedByProject": choice.project.name },
        "spec": {
            "platformRef": { "kind": "meshPlatform", "uuid": fields.get("platform") },
            "requestedQuotas": Value::Object(granted.into_iter().collect()),
        },
    });
    for one in included {
        let given = one.given(&fields)?;
        if !given.is_empty() {
            body["spec"]["mandatoryBuildingBlockInputs"][&one.uuid] = Value::Object(given);
        }
    }
    if let Some(zone) = choice.zone(&fields) {
        body["spec"]["landingZoneRef"] = json!({ "kind": "meshLandingZone", "name": zone.name });
    }
    let made = match ctx.api.post("/api/meshobjects/meshtenants", &body).await {
        Ok(made) => made,
        Err(problem) => {
            let form = again(fields, problem, &[])?;
            return page(&ctx, STEPS - 1, choice, form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let uuid = said(&made, "/metadata/uuid");
    let target = choice.project.at(&ctx, &format!("/t/{uuid}"));
    if !asked.is_empty() {
        let body = json!({ "quotas": Value::Object(asked.into_iter().collect()) });
        let path = format!("/api/stoa/v1/tenants/{}/quota-requests", segment(&uuid));
        if let Err(problem) = ctx.api.post(&path, &body).await {
            let said = tr("The tenant is ordered, but its quotas were not asked for: {0}");
            return ctx.failed(&target, fill(said, &[&problem.message]));
        }
    }
    ctx.done(&target, tr("The tenant is ordered."))
}
