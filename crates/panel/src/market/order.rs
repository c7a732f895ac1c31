//! Ordering: where to, with which values, a last look, and off. Each step is a page of its own that works without
//! script; what was typed travels with the form. Secrets do not: they are asked for at the last step, so that no
//! page ever holds one.

use super::entry::{blocks_of, needed_by};
use super::target::{self, Group, Place};
use super::{Entry, found, version};
use crate::api::{segment, text_at};
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::input::{self, Fieldset, Input, Values, Wrong};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};

/// A definition that the order builds on, and the blocks of it that are there.
struct Dependency {
    uuid: String,
    name: String,
    is_required: bool,
    candidates: Vec<(String, String)>,
}

impl Dependency {
    fn field(&self) -> String {
        format!("parent.{}", self.uuid)
    }
}

/// Everything that the steps of an order show.
struct Order {
    entry: Entry,
    version: Value,
    place: Option<Place>,
    inputs: Vec<Input>,
    dependencies: Vec<Dependency>,
    operator_inputs: Vec<String>,
}

#[derive(Template)]
#[template(path = "market/target.html")]
struct TargetPage {
    shell: Shell,
    step: u8,
    groups: Vec<Group>,
    are_more: bool,
    q: String,
    chosen_version: String,
}

#[derive(Template)]
#[template(path = "market/order.html")]
struct OrderPage<'o> {
    shell: Shell,
    step: u8,
    order: &'o Order,
    chosen_version: &'o str,
    set: Fieldset,
    form: Form,
    /// Whether it was asked for anew: then what was typed before may be put back.
    is_fresh: bool,
}

/// A line of the last look.
struct Line {
    label: String,
    value: String,
    is_code: bool,
}

#[derive(Template)]
#[template(path = "market/review.html")]
struct ReviewPage<'o> {
    shell: Shell,
    step: u8,
    order: &'o Order,
    chosen_version: &'o str,
    lines: Vec<Line>,
    carried: Vec<(String, String)>,
    secrets: Vec<Input>,
    may_preview: bool,
    form: Form,
}

fn shell_of(ctx: &Ctx, entry: &Entry) -> Shell {
    let market = format!("/w/{}/market", segment(ctx.home()));
    ctx.shell(fill(tr("Order {0}"), &[&entry.name]))
        .crumb(tr("Marketplace"), market)
        .crumb(entry.name.clone(), entry.path(ctx))
        .about(entry.name.clone(), String::new())
        .marked(entry.icon.clone(), if entry.is_draft { "DRAFT" } else { "" })
}

/// The entry and the version that is ordered: the offered one, or one that the address names.
async fn offered(ctx: &Ctx, uuid: &str, asked: &str) -> Result<(Entry, Value), Problem> {
    let (mut entry, _) = found(ctx, uuid).await?;
    if !asked.is_empty() {
        asked.clone_into(&mut entry.version_uuid);
    }
    if let Some(reason) = entry.why_not(ctx) {
        return Err(Problem::forbidden(reason));
    }
    let version = version(ctx, &entry.version_uuid).await?;
    if text_at(&version, "/spec/buildingBlockDefinitionRef/uuid") != entry.uuid {
        return Err(Problem::not_found(tr("This version belongs to something else.")));
    }
    entry.version = version["spec"]["versionNumber"].as_u64();
    entry.is_draft = text_at(&version, "/spec/state") != "RELEASED";
    Ok((entry, version))
}

impl Order {
    async fn of(ctx: &Ctx, entry: Entry, version: Value, tenant: &str) -> Result<Self, Problem> {
        let place = if entry.is_for_tenants { Some(target::one(ctx, tenant).await?) } else { None };
        let all = Input::all(&version);
        let needs = |uuid: &str| {
            let inputs = version["spec"]["inputs"].as_object().into_iter().flatten();
            inputs.map(|(_, input)| input).any(|input| {
                text_at(input, "/assignmentType") == "BUILDING_BLOCK_OUTPUT"
                    && text_at(input, "/argument").split('.').next() == Some(uuid)
            })
        };
        let mut dependencies = Vec::new();
        for other in needed_by(ctx, &version).await {
            let blocks = blocks_of(ctx, &other.uuid, "200").await.items;
            let is_there = |block: &&Value| {
                let on = text_at(block, "/spec/targetRef/uuid");
                let fits = on.is_empty() || place.as_ref().is_none_or(|place| place.uuid == on);
                text_at(block, "/status/lifecycle/state") == "ACTIVE" && fits
            };
            let candidates = blocks.iter().filter(is_there).map(|block| {
                (text_at(block, "/metadata/uuid").to_owned(), text_at(block, "/spec/displayName").to_owned())
            });
            dependencies.push(Dependency {
                is_required: needs(&other.uuid),
                candidates: candidates.collect(),
                uuid: other.uuid,
                name: other.name,
            });
        }
        let operator = all.iter().filter(|input| input.source == "PLATFORM_OPERATOR_MANUAL_INPUT");
        Ok(Self {
            operator_inputs: operator.map(|input| input.label.clone()).collect(),
            inputs: all.into_iter().filter(|input| input.source == "USER_INPUT").collect(),
            entry,
            version,
            place,
            dependencies,
        })
    }

    fn open(&self) -> Vec<Input> {
        self.inputs.iter().filter(|input| !input.is_sensitive).cloned().collect()
    }

    fn secrets(&self) -> Vec<Input> {
        self.inputs.iter().filter(|input| input.is_sensitive).cloned().collect()
    }

    fn target(&self) -> String {
        match &self.place {
            Some(place) => format!("{} · {}", place.project, place.platform),
            None => tr("The workspace itself").into(),
        }
    }

    /// Whether whoever orders may look first at what it would do: only OpenTofu tells without doing it, and only to
    /// those who see its runs.
    fn may_preview(&self, ctx: &Ctx) -> bool {
        let is_tofu = text_at(&self.version, "/spec/implementation/type") == "terraform";
        is_tofu && (self.entry.shows_runs || self.entry.owner == ctx.home())
    }

    fn tenant(&self) -> &str {
        self.place.as_ref().map_or("", |place| place.uuid.as_str())
    }

    /// Messages about everything but secrets.
    fn check(&self, fields: &Fields) -> (Values, Wrong) {
        let (values, mut wrong) = input::read(&self.open(), fields);
        if fields.get("displayName").is_empty() {
            wrong.push(("displayName".into(), fill(tr("{0} is needed."), &[tr("A name")])));
        }
        for dependency in &self.dependencies {
            let chosen = fields.get(&dependency.field());
            if dependency.is_required && chosen.is_empty() {
                wrong.push((
                    "parents".into(),
                    fill(tr("Choose a building block of {0}."), &[&dependency.name]),
                ));
            }
        }
        (values, wrong)
    }

    fn lines(&self, fields: &Fields, values: &[(String, Value)]) -> Vec<Line> {
        let plain = |label: &str, value: String| Line { label: label.to_owned(), value, is_code: false };
        let mut lines = vec![
            plain(tr("Name of the building block"), fields.get("displayName").to_owned()),
            plain(tr("Placed on"), self.target()),
        ];
        for input in self.open() {
            let given = values.iter().find(|(key, _)| *key == input.key).map(|(_, value)| value);
            let value = given.unwrap_or(&input.default);
            lines.push(Line {
                value: input.line(value),
                is_code: input.widget() == "code",
                label: input.label.clone(),
            });
        }
        for dependency in &self.dependencies {
            let chosen = fields.get(&dependency.field());
            let found = dependency.candidates.iter().find(|(uuid, _)| uuid == chosen);
            lines.push(plain(&dependency.name, found.map(|(_, name)| name.clone()).unwrap_or_default()));
        }
        lines
    }

    fn body(&self, ctx: &Ctx, fields: &Fields, values: &[(String, Value)]) -> Value {
        let target = match &self.place {
            Some(place) => json!({ "kind": "meshTenant", "uuid": place.uuid }),
            None => json!({ "kind": "meshWorkspace", "name": ctx.home() }),
        };
        let parents: Vec<Value> = self
            .dependencies
            .iter()
            .map(|dependency| fields.get(&dependency.field()))
            .filter(|uuid| !uuid.is_empty())
            .map(|uuid| json!({ "kind": "meshBuildingBlock", "uuid": uuid }))
            .collect();
        json!({
            "kind": "meshBuildingBlock",
            "spec": {
                "buildingBlockDefinitionVersionRef": { "uuid": text_at(&self.version, "/metadata/uuid") },
                "targetRef": target,
                "displayName": fields.get("displayName"),
                "inputs": input::supplied(&self.inputs, values),
                "parentBuildingBlockRefs": parents,
            },
        })
    }

    fn form_page(&self, ctx: &Ctx, asked: &str, (form, is_fresh): (Form, bool)) -> Answer {
        let status = if form.errors.is_empty() && form.problem.is_none() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let page = OrderPage {
            shell: shell_of(ctx, &self.entry),
            step: 2,
            order: self,
            chosen_version: asked,
            set: Fieldset::of(self.open()),
            form,
            is_fresh,
        };
        ctx.page_as(status, &page)
    }

    fn review_page(&self, ctx: &Ctx, asked: &str, values: &[(String, Value)], form: Form) -> Answer {
        let status = if form.errors.is_empty() && form.problem.is_none() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let secrets = self.secrets();
        let own = |name: &str| matches!(name, "csrf" | "step" | "tenant" | "version");
        let carried = form
            .fields
            .0
            .iter()
            .filter(|(name, _)| !own(name) && !secrets.iter().any(|secret| secret.name() == *name));
        let page = ReviewPage {
            shell: shell_of(ctx, &self.entry),
            step: 3,
            order: self,
            chosen_version: asked,
            lines: self.lines(&form.fields, values),
            carried: carried.cloned().collect(),
            secrets,
            may_preview: self.may_preview(ctx),
            form,
        };
        ctx.page_as(status, &page)
    }
}

/// First the target, then the form.
pub async fn ask(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let asked = ctx.query("version").unwrap_or_default().to_owned();
    let (entry, version) = offered(&ctx, &uuid, &asked).await?;
    let tenant = ctx.query("tenant").unwrap_or_default().to_owned();
    if entry.is_for_tenants && tenant.is_empty() {
        let q = ctx.query("q").unwrap_or_default().to_owned();
        let (groups, are_more) = target::groups(&ctx, &entry, &version, &q).await?;
        let shell = shell_of(&ctx, &entry);
        return ctx.page(&TargetPage { shell, step: 1, groups, are_more, q, chosen_version: asked });
    }
    let order = Order::of(&ctx, entry, version, &tenant).await?;
    let mut values = vec![("displayName".to_owned(), order.entry.name.clone())];
    values.extend(order.open().iter().flat_map(|input| input.shown(&input.default)));
    for dependency in &order.dependencies {
        if let [(only, _)] = dependency.candidates.as_slice() {
            values.push((dependency.field(), only.clone()));
        }
    }
    order.form_page(&ctx, &asked, (Form::filled(values), true))
}

/// The field of the form that a remark of the API is about.
fn refused(fields: Fields, problem: Problem) -> Form {
    let mut form = Form { fields, ..Form::default() };
    for remark in &problem.remarks {
        let field = match remark.as_str() {
            "spec.displayName" => Some("displayName".to_owned()),
            remark if remark.starts_with("spec.parentBuildingBlock") => Some("parents".to_owned()),
            remark => input::field_of(remark),
        };
        if let Some(field) = field {
            form.errors.insert(field, problem.message.clone());
        }
    }
    form.problem = Some(problem);
    form
}

/// The steps after the form: a last look, back to the form, and the order itself.
pub async fn send(Path((_, uuid)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let asked = fields.get("version").to_owned();
    let (entry, version) = offered(&ctx, &uuid, &asked).await?;
    let order = Order::of(&ctx, entry, version, fields.get("tenant")).await?;
    let step = fields.get("step").to_owned();
    let (mut values, wrong) = order.check(&fields);
    if step == "form" {
        return order.form_page(&ctx, &asked, (Form { fields, ..Form::default() }, false));
    }
    if !wrong.is_empty() {
        let form = Form { fields, errors: wrong.into_iter().collect(), problem: None };
        return order.form_page(&ctx, &asked, (form, false));
    }
    let is_preview = step == "preview";
    if step != "order" && !is_preview {
        return order.review_page(&ctx, &asked, &values, Form { fields, ..Form::default() });
    }
    let (secrets, wrong) = input::read(&order.secrets(), &fields);
    if !wrong.is_empty() {
        let form = Form { fields, errors: wrong.into_iter().collect(), problem: None };
        return order.review_page(&ctx, &asked, &values, form);
    }
    values.extend(secrets);
    let path = if is_preview {
        "/api/meshobjects/meshbuildingblocks?firstRun=DETECT"
    } else {
        "/api/meshobjects/meshbuildingblocks"
    };
    match ctx.api.post(path, &order.body(&ctx, &fields, &values)).await {
        Ok(block) => {
            let path = format!("/w/{}/b/{}", segment(ctx.home()), segment(text_at(&block, "/metadata/uuid")));
            let said = if is_preview {
                tr("{0} is looked at first. Nothing is set up before somebody applies the plan.")
            } else {
                tr("{0} is ordered.")
            };
            ctx.done(&path, fill(said, &[fields.get("displayName")]))
        }
        Err(problem) if problem.is_about_input() => {
            let form = refused(fields, problem);
            let is_about_secret = order.secrets().iter().any(|secret| form.error(&secret.name()).is_some());
            if form.errors.is_empty() || is_about_secret {
                order.review_page(&ctx, &asked, &values, form)
            } else {
                order.form_page(&ctx, &asked, (form, false))
            }
        }
        Err(problem) => Err(problem),
    }
}
