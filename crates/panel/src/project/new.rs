//! A new project, step by step (domain-organization.md PJ-03): name, tags, who pays, platforms, who works in it, review.

use super::path_of;
use super::tenants::{self, Ordered, Plan};
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::parts::filters;
use crate::parts::tags::{self, TagField};
use crate::parts::wizard::{self, Go, Wizard};
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Which field of the form a field of the API is.
const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("metadata.name", "name"),
    ("paymentMethodIdentifier", "payment"),
    ("substitutePaymentMethodIdentifier", "substitute"),
];

const NAME: usize = 0;
const TAGS: usize = 1;
const PAYMENT: usize = 2;
const PLATFORMS: usize = 3;
const PEOPLE: usize = 4;
const STEPS: usize = 6;

fn labels() -> [&'static str; STEPS] {
    [tr("Name"), tr("Tags"), tr("Payment"), tr("Platforms"), tr("People"), tr("Review")]
}

/// Fields of each step.
const OWN: [&[&str]; STEPS] = [
    &["displayName", "name"],
    &["tags.key", "tag."],
    &["payment", "substitute"],
    &["tenant", "zone."],
    &["me.", "me.role"],
    &[],
];

/// A payment method to choose.
pub struct Method {
    /// Identifier.
    pub id: String,
    /// What it says.
    pub label: String,
    /// Whether it is over.
    pub is_over: bool,
}

/// Payment methods of the workspace.
pub async fn methods(ctx: &Ctx) -> Result<Vec<Method>, Problem> {
    if !ctx.may("PAYMENTMETHOD_LIST") {
        return Ok(Vec::new());
    }
    let path =
        format!("/api/meshobjects/meshpaymentmethods?workspaceIdentifier={}&size=1000", segment(ctx.home()));
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let read = |method: &Value| {
        let id = said(method, "/metadata/name");
        let until = said(method, "/spec/expirationDate");
        let mut label = format!("{} ({id})", said(method, "/spec/displayName"));
        if let Some(amount) = method["spec"]["amount"].as_f64() {
            let _ = write!(label, " · {amount} EUR");
        }
        if !until.is_empty() {
            let _ = write!(label, " · {}", fill(tr("until {0}"), &[&until]));
        }
        Method { id, label, is_over: !until.is_empty() && until < today }
    };
    let found = ctx.api.list(&path).await?;
    Ok(found.items.iter().map(read).filter(|method| !method.is_over).collect())
}

/// Project roles by identifier, for people.
pub async fn roles(ctx: &Ctx) -> Result<Vec<(String, String)>, Problem> {
    let found = ctx.api.list("/api/meshobjects/meshprojectroles?size=1000").await?;
    Ok(found
        .items
        .iter()
        .map(|role| (said(role, "/metadata/name"), said(role, "/spec/displayName")))
        .collect())
}

#[derive(Template)]
#[template(path = "project/new.html")]
struct NewPage {
    shell: Shell,
    wizard: Wizard,
    form: Form,
    most: usize,
    tags: Vec<TagField>,
    methods: Vec<(String, String)>,
    plans: Vec<Plan>,
    roles: Vec<(String, String)>,
    me: String,
}

/// What became of the tenants that a new project was to have, where not all of them could be ordered.
#[derive(Template)]
#[template(path = "project/made.html")]
struct MadePage {
    shell: Shell,
    base: String,
    ordered: Vec<Ordered>,
}

impl NewPage {
    /// Platforms that are chosen, with their landing zones.
    fn chosen(&self) -> Vec<String> {
        self.plans
            .iter()
            .filter(|plan| plan.is_chosen(&self.form.fields))
            .map(|plan| plan.line(&self.form.fields))
            .collect()
    }

    fn role_label(&self) -> &str {
        let chosen = self.form.value("me.role");
        self.roles.iter().find(|(id, _)| id == chosen).map_or(chosen, |(_, label)| label)
    }

    fn method_label(&self, field: &str) -> &str {
        let chosen = self.form.value(field);
        self.methods.iter().find(|(id, _)| id == chosen).map_or(chosen, |(_, label)| label)
    }
}

async fn page(ctx: &Ctx, step: usize, form: Form, status: StatusCode) -> Answer {
    let list = format!("/w/{}/projects", segment(ctx.home()));
    let ends = (format!("{list}/new"), list.clone(), tr("Create project"));
    let (tags, methods, roles) =
        tokio::join!(tags::fields(ctx, "meshProject", None, &form), methods(ctx), roles(ctx));
    let plans = if step == PLATFORMS || step == STEPS - 1 { tenants::plans(ctx).await? } else { Vec::new() };
    let none = (String::new(), tr("none").to_owned());
    let methods = methods?.into_iter().map(|method| (method.id, method.label));
    let mut roles = roles?;
    roles.push((String::new(), tr("No role for now").to_owned()));
    ctx.page_as(
        status,
        &NewPage {
            shell: ctx.shell(tr("New project")).crumb(tr("Projects"), list),
            wizard: Wizard::new(&labels(), step, &form.fields, OWN[step], ends),
            tags: tags?,
            methods: std::iter::once(none).chain(methods).collect(),
            plans,
            roles,
            me: ctx.me.full_name(),
            most: ctx.panel.app.world.settings.project_identifier_max,
            form,
        },
    )
}

/// The first step.
pub async fn new(ctx: Ctx) -> Answer {
    let mut form = Form::default();
    // Whoever creates it works in it, as far as roles go (PE-03): the first role is the strongest.
    let roles = roles(&ctx).await?;
    if let Some((role, _)) = roles.iter().find(|(id, _)| id.contains("admin")).or(roles.first()) {
        form.fields.set("me.role", role.clone());
    }
    page(&ctx, NAME, form, StatusCode::OK).await
}

/// What keeps a step from being left.
async fn problem(ctx: &Ctx, step: usize, fields: &Fields) -> Result<Option<Problem>, Problem> {
    Ok(match step {
        NAME => {
            let most = ctx.panel.app.world.settings.project_identifier_max;
            let name = fields.get("displayName");
            if name.is_empty() || name.chars().count() > most {
                let text = fill(tr("Give it a name of at most {0} characters."), &[&most.to_string()]);
                Some(Problem::invalid("displayName", text))
            } else if let Err(bad) = stoa_base::check_identifier(fields.get("name"), most) {
                Some(Problem::invalid("metadata.name", bad.to_string()))
            } else if is_taken(ctx, fields.get("name")).await? {
                Some(Problem::invalid(
                    "metadata.name",
                    tr("Another project of this workspace has this identifier."),
                ))
            } else {
                None
            }
        }
        TAGS => {
            let form = Form { fields: fields.clone(), ..Form::default() };
            tags::missing(&tags::fields(ctx, "meshProject", None, &form).await?)
        }
        PAYMENT if fields.get("payment").is_empty() && !fields.get("substitute").is_empty() => Some(
            Problem::invalid("substitute", tr("A substitute needs a payment method that it stands in for.")),
        ),
        PLATFORMS => {
            // Nothing is chosen for most: then nothing has to be asked.
            if fields.all("tenant").is_empty() {
                None
            } else {
                tenants::problem(&tenants::plans(ctx).await?, fields)
            }
        }
        _ => None,
    })
}

async fn is_taken(ctx: &Ctx, name: &str) -> Result<bool, Problem> {
    let id = format!("{}.{name}", ctx.home());
    Ok(ctx.api.get_if_there(&format!("/api/meshobjects/meshprojects/{}", segment(&id))).await?.is_some())
}

/// Says under the field whether an identifier can be had.
pub async fn identifier(ctx: Ctx) -> Answer {
    let name = ctx.query("name").unwrap_or_default().to_owned();
    let most = ctx.panel.app.world.settings.project_identifier_max;
    let problem = if name.is_empty() {
        None
    } else if let Err(bad) = stoa_base::check_identifier(&name, most) {
        Some(bad.to_string())
    } else if is_taken(&ctx, &name).await? {
        Some(tr("is taken").to_owned())
    } else {
        None
    };
    ctx.page(&IdentifierPart { name, problem, suggestion: None })
}

/// What stands under a field for identifiers.
#[derive(Template)]
#[template(path = "parts/identifier.html")]
pub struct IdentifierPart {
    /// The identifier.
    pub name: String,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// One that could be had.
    pub suggestion: Option<String>,
}

/// An identifier made of a name: lower-case letters, digits and dashes.
pub fn suggested(name: &str, most: usize) -> String {
    let mut made = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            made.push(letter);
        } else if !made.ends_with('-') && !made.is_empty() {
            made.push('-');
        }
    }
    made.truncate(most);
    made.trim_end_matches('-').to_owned()
}

/// A step that was sent.
pub async fn step(Post { ctx, mut fields }: Post) -> Answer {
    let (shown, go) = wizard::asked(&fields, STEPS);
    let most = ctx.panel.app.world.settings.project_identifier_max;
    if fields.get("name").is_empty() {
        let made = suggested(fields.get("displayName"), most);
        fields.set("name", made);
    }
    let last = match go {
        Go::To(to) if to <= shown => {
            return page(&ctx, to, Form { fields, ..Form::default() }, StatusCode::OK).await;
        }
        Go::To(_) => shown,
        Go::Finish => PEOPLE,
    };
    for step in if go == Go::Finish { NAME..=last } else { shown..=last } {
        if let Some(problem) = problem(&ctx, step, &fields).await? {
            let form = Form::refused(fields, problem, FIELDS);
            return page(&ctx, step, form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    }
    match go {
        Go::To(to) => page(&ctx, to, Form { fields, ..Form::default() }, StatusCode::OK).await,
        Go::Finish => create(ctx, fields).await,
    }
}

async fn create(ctx: Ctx, fields: Fields) -> Answer {
    let mut body = json!({
        "kind": "meshProject",
        "metadata": { "name": fields.get("name"), "ownedByWorkspace": ctx.home() },
        "spec": { "displayName": fields.get("displayName"), "tags": tags::sent(&fields, None) },
    });
    for (field, member) in
        [("payment", "paymentMethodIdentifier"), ("substitute", "substitutePaymentMethodIdentifier")]
    {
        if let Some(method) = fields.some(field) {
            body["spec"][member] = json!(method);
        }
    }
    if let Err(problem) = ctx.api.post("/api/meshobjects/meshprojects", &body).await {
        let step = if problem.remarks.iter().any(|remark| remark.contains("tags.")) {
            TAGS
        } else if problem.remarks.iter().any(|remark| remark.contains("ayment")) {
            PAYMENT
        } else {
            NAME
        };
        let form = crate::ctx::again(fields, problem, FIELDS)?;
        return page(&ctx, step, form, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let target = path_of(&ctx, fields.get("name"));
    if let Some(role) = fields.some("me.role") {
        let binding = json!({
            "roleRef": { "name": role },
            "targetRef": { "name": fields.get("name"), "ownedByWorkspace": ctx.home() },
            "subject": { "name": ctx.me.username },
        });
        let path = "/api/meshobjects/meshprojectbindings/userbindings";
        if let Err(problem) = ctx.api.post(path, &binding).await {
            let said = tr("The project is there, but you have no role in it: {0}");
            return ctx.failed(&target, fill(said, &[&problem.message]));
        }
    }
    let said = fill(tr("The project {0} is there."), &[fields.get("displayName")]);
    if fields.all("tenant").is_empty() {
        return ctx.done(&target, said);
    }
    // The project stays, whatever becomes of its tenants: what failed is told, and can be tried again one by one.
    let ordered = tenants::order(&ctx, &tenants::plans(&ctx).await?, &fields).await;
    if ordered.iter().all(|one| one.refusal.is_empty()) {
        let tenants = fill(tr("Tenants ordered: {0}."), &[&ordered.len().to_string()]);
        return ctx.done(&target, format!("{said} {tenants}"));
    }
    let shell = ctx
        .shell(fields.get("displayName"))
        .crumb(tr("Projects"), format!("/w/{}/projects", segment(ctx.home())));
    ctx.page(&MadePage { shell, base: target, ordered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_made_of_names() {
        assert_eq!(suggested("Invoices & Co. (Dev)", 30), "invoices-co-dev");
        assert_eq!(suggested("A very long name", 6), "a-very");
        assert_eq!(suggested("  ", 6), "");
    }
}
