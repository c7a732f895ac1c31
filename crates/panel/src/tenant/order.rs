//! Ordering a tenant, step by step (panel.md §5): platform, landing zone, what it comes with, limits, review. What was
//! typed travels with the form. Secrets do not: they are asked for at the last step, so that no page ever holds one.

use super::offer::{self, Included, Offer, Zone, included};
use super::quotas::{Quota, wishes};
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::{Fields, Form};
use crate::input::{self, Given, Input};
use crate::parts::filters;
use crate::parts::wizard::{self, Go, Wizard};
use crate::problem::Problem;
use crate::project::Project;
use crate::shell::Shell;
use crate::tenant::known;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};

const PLATFORM: usize = 0;
const ZONE: usize = 1;
const SERVICES: usize = 2;
const QUOTAS: usize = 3;
const REVIEW: usize = 4;
const STEPS: usize = 5;

/// Fields of each step.
const OWN: [&[&str]; STEPS] = [&["platform"], &["zone"], &["in."], &["quota."], &[]];

fn labels() -> [&'static str; STEPS] {
    [tr("Platform"), tr("Landing zone"), tr("Included"), tr("Quotas"), tr("Review")]
}

/// What is wrong with these inputs: messages by field.
fn wrong<'i>(inputs: impl Iterator<Item = &'i Input>, fields: &Fields) -> Vec<(String, String)> {
    let message = |input: &Input| match input.given(fields) {
        Given::Wrong(why) => Some((input.name(), why)),
        Given::Nothing | Given::Value(_) => None,
    };
    inputs.filter_map(message).collect()
}

/// Takes secrets out of what goes back to a browser.
fn without_secrets(included: &[Included], fields: &mut Fields) {
    let secrets: Vec<String> = included.iter().flat_map(Included::secrets).map(Input::name).collect();
    fields.0.retain(|(name, _)| !secrets.contains(name));
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
        let (project, tenants) = tokio::join!(Project::find(ctx, project), known::tenants(ctx, &names, &[]));
        let (project, tenants) = (project?, tenants?);
        let taken: Vec<String> = tenants.iter().map(|tenant| tenant.platform_uuid.clone()).collect();
        let (offers, platforms) = offer::offers(ctx, &taken).await?;
        let zones = match fields.some("platform") {
            Some(platform) => offer::zones(ctx, platform).await?,
            None => Vec::new(),
        };
        Ok(Self { project, offers, platforms, zones })
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

    /// All inputs of this step, for what is said above the form.
    fn inputs(&self) -> Vec<Input> {
        self.included.iter().flat_map(|one| one.inputs.iter().cloned()).collect()
    }

    fn secrets(&self) -> Vec<Input> {
        self.included.iter().flat_map(|one| one.secrets().cloned()).collect()
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
    without_secrets(&included, &mut form.fields);
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

/// What keeps a step from being left: the form again, or none.
fn refused(choice: &Choice, included: &[Included], step: usize, fields: &Fields) -> Option<Form> {
    let all = || included.iter().flat_map(|one| &one.inputs);
    let problem = match step {
        PLATFORM if choice.offer(fields).is_none_or(|offer| !offer.obstacle.is_empty()) => {
            Problem::invalid("platform", tr("Choose a platform."))
        }
        ZONE if choice.zones.len() > 1 && choice.zone(fields).is_none() => {
            Problem::invalid("zone", tr("Choose a landing zone."))
        }
        QUOTAS => wishes(&choice.quotas(fields), fields).err()?,
        SERVICES | REVIEW => {
            let errors = wrong(all().filter(|input| input.is_sensitive == (step == REVIEW)), fields);
            let form = Form { fields: fields.clone(), errors: errors.into_iter().collect(), problem: None };
            return (!form.errors.is_empty()).then_some(form);
        }
        _ => return None,
    };
    Some(Form::refused(fields.clone(), problem, &[]))
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
        if shown == REVIEW {
            without_secrets(&included(&ctx, choice.zone(&fields)).await?, &mut fields);
        }
        return page(&ctx, to, choice, Form { fields, ..Form::default() }, StatusCode::OK).await;
    }
    let checked = if go == Go::Finish { PLATFORM..=REVIEW } else { shown..=shown };
    let included =
        if *checked.end() >= SERVICES { included(&ctx, choice.zone(&fields)).await? } else { Vec::new() };
    for step in checked {
        if let Some(mut form) = refused(&choice, &included, step, &fields) {
            without_secrets(&included, &mut form.fields);
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
        let given = one.given(&fields);
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
            let mut form = again(fields, problem, &[])?;
            let (mut step, message) = (REVIEW, form.problem.as_ref().map(|problem| problem.message.clone()));
            let remarks = form.problem.iter().flat_map(|problem| problem.remarks.clone()).collect::<Vec<_>>();
            for input in included.iter().flat_map(|one| &one.inputs) {
                let key = input.key.split_once('.').map_or("", |(_, key)| key);
                let is_about = |remark: &String| input::field_of(remark) == Some(format!("in.{key}"));
                if remarks.iter().any(is_about) {
                    step = if input.is_sensitive { REVIEW } else { SERVICES };
                    form.errors.insert(input.name(), message.clone().unwrap_or_default());
                }
            }
            without_secrets(included, &mut form.fields);
            return page(&ctx, step, choice, form, StatusCode::UNPROCESSABLE_ENTITY).await;
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
