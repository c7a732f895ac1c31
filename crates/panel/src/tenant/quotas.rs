//! Limits of a tenant: those in force, and the wish for others (domain-platforms.md §8).

use super::Shown;
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::{Fields, Form};
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// A limit that the platform understands.
#[derive(Clone, Debug)]
pub struct Quota {
    /// Key that the platform understands.
    pub key: String,
    /// For people.
    pub label: String,
    /// What it limits.
    pub help: String,
    /// What it is counted in.
    pub unit: String,
    /// Least value.
    pub min: i64,
    /// Greatest value.
    pub max: i64,
    /// Up to here nobody is asked; 0 means somebody always is.
    pub threshold: i64,
    /// What is in force, or comes with the landing zone.
    pub now: Option<i64>,
}

impl Quota {
    /// Name of its field.
    pub fn name(&self) -> String {
        format!("quota.{}", self.key)
    }

    /// Limits that a platform defines; `now` tells what is in force.
    pub fn all(platform: &Value, now: impl Fn(&str) -> Option<i64>) -> Vec<Self> {
        let defined = platform["spec"]["quotaDefinitions"].as_array().into_iter().flatten();
        let read = |quota: &Value| {
            let number = |name: &str| quota[name].as_i64().unwrap_or_default();
            let key = said(quota, "/quotaKey");
            Self {
                label: said(quota, "/label"),
                help: said(quota, "/description"),
                unit: said(quota, "/unit"),
                min: number("minValue"),
                max: number("maxValue"),
                threshold: number("autoApprovalThreshold"),
                now: now(&key),
                key,
            }
        };
        defined.map(read).collect()
    }
}

/// What a form says of limits, where it differs from what is in force.
pub fn wishes(quotas: &[Quota], fields: &Fields) -> Result<Map<String, Value>, Problem> {
    let mut wished = Map::new();
    for quota in quotas {
        let Some(text) = fields.some(&quota.name()) else { continue };
        let value: i64 =
            text.parse().map_err(|_| Problem::invalid(&quota.name(), tr("This must be a whole number.")))?;
        if !(quota.min..=quota.max).contains(&value) {
            let range =
                fill(tr("This must be from {0} to {1}."), &[&quota.min.to_string(), &quota.max.to_string()]);
            return Err(Problem::invalid(&quota.name(), range));
        }
        if Some(value) != quota.now {
            wished.insert(quota.key.clone(), json!({ "value": value }));
        }
    }
    Ok(wished)
}

struct Request {
    id: String,
    state: String,
    values: String,
    by: String,
    at: String,
    decided_by: String,
    comment: String,
}

impl Request {
    fn read(request: &Value, quotas: &[Quota]) -> Self {
        let values = request["quotas"].as_object().into_iter().flatten().map(|(key, value)| {
            let label = quotas.iter().find(|quota| quota.key == *key).map_or(key, |quota| &quota.label);
            format!("{label}: {value}")
        });
        Self {
            id: request["id"].to_string(),
            state: said(request, "/state"),
            values: values.collect::<Vec<_>>().join(", "),
            by: said(request, "/requestedBy"),
            at: said(request, "/requestedAt"),
            decided_by: said(request, "/decidedBy"),
            comment: said(request, "/comment"),
        }
    }
}

#[derive(Template)]
#[template(path = "tenant/quotas.html")]
struct QuotasPage {
    shell: Shell,
    form: Form,
    quotas: Vec<Quota>,
    requests: Vec<Request>,
    open: Option<String>,
    may_ask: bool,
    here: String,
}

fn quotas_of(shown: &Shown) -> Vec<Quota> {
    let applied = &shown.whole["status"]["appliedQuotas"];
    Quota::all(&shown.platform, |key| applied[key]["value"].as_i64())
}

async fn page(ctx: &Ctx, shown: &Shown, form: Form, status: StatusCode) -> Answer {
    let quotas = quotas_of(shown);
    let path = format!("/api/stoa/v1/tenants/{}/quota-requests", segment(&shown.tenant.uuid));
    let found = ctx.api.get_if_there(&path).await?.unwrap_or_default();
    let requests = found["quotaRequests"].as_array().into_iter().flatten().rev();
    let requests: Vec<Request> = requests.map(|request| Request::read(request, &quotas)).collect();
    ctx.page_as(
        status,
        &QuotasPage {
            shell: shown.shell(ctx),
            form,
            open: requests
                .iter()
                .find(|request| request.state == "PENDING")
                .map(|request| request.id.clone()),
            quotas,
            requests,
            may_ask: ctx.may("TENANT_SAVE") && shown.is_active(),
            here: shown.at(ctx, "/quotas"),
        },
    )
}

/// What is in force, what was asked for, and the form.
pub async fn show(ctx: Ctx, Path((_, project, uuid)): Path<(String, String, String)>) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let values = quotas_of(&shown).into_iter().map(|quota| {
        let now = quota.now.map(|now| now.to_string()).unwrap_or_default();
        (quota.name(), now)
    });
    page(&ctx, &shown, Form::filled(values), StatusCode::OK).await
}

/// Asks for others, or changes an open wish.
pub async fn ask(
    Path((_, project, uuid)): Path<(String, String, String)>,
    Post { ctx, fields }: Post,
) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let here = shown.at(&ctx, "/quotas");
    let base = format!("/api/stoa/v1/tenants/{}/quota-requests", segment(&shown.tenant.uuid));
    let result = match wishes(&quotas_of(&shown), &fields) {
        Err(problem) => Err(problem),
        Ok(wished) if wished.is_empty() => {
            return ctx.failed(&here, tr("Nothing differs from what is in force."));
        }
        Ok(wished) => {
            let body = json!({ "quotas": wished });
            match fields.some("open") {
                Some(id) => ctx.api.put(&format!("{base}/{}", segment(id)), &body).await,
                None => ctx.api.post(&base, &body).await,
            }
        }
    };
    match result {
        Ok(request) if request["state"] == "APPROVED" => ctx.done(&here, tr("Granted at once.")),
        Ok(_) => ctx.done(&here, tr("Asked for. The platform's team decides.")),
        Err(problem) => {
            let form = again(fields, problem, &[])?;
            page(&ctx, &shown, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// Takes a wish back.
pub async fn withdraw(
    Path((_, project, uuid, request)): Path<(String, String, String, String)>,
    Post { ctx, .. }: Post,
) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let path = format!("/api/stoa/v1/tenants/{}/quota-requests/{}", segment(&uuid), segment(&request));
    ctx.api.delete(&path).await?;
    ctx.done(&shown.at(&ctx, "/quotas"), tr("The request was withdrawn."))
}
