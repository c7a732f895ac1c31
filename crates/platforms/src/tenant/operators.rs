//! What operators of tenants do beyond the public contract (`api-platforms.md` §9).

use super::quotas::{self, Decision};
use super::view::View;
use super::{KIND, controller, deletion, draft_of, effective_tags, wire};
use crate::platform::{self, Platform};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stoa_base::{ObjectId, Refusal};
use stoa_blocks::block::on_tenant;
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Query};
use stoa_core::objects::{self, Told};
use stoa_core::{Action, Allowed, Call, Fault, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_tenancy::tenant::{self, Held, Phase, QuotaRequest};
use stoa_tenancy::{project, workspace};
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Takes};
use stoa_web::{Reply, Request, Route, hal};
use utoipa::ToSchema;

const BODY_MAX: usize = 64 << 10;
/// Longest comment on a decision (`domain-platforms.md` §5.4).
const COMMENT_MAX: usize = 255;

/// A decision about a deletion.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantDeletionDecision)]
struct DeletionDecision {
    /// `APPROVE` or `DECLINE`.
    decision: Verdict,
    /// What the requester is told.
    #[schema(nullable = false)]
    comment: Option<String>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = TenantVerdict)]
enum Verdict {
    /// Yes.
    Approve,
    /// No.
    Decline,
}

/// A value of a quota, plain or as tenants write it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = TenantQuotaAmount)]
enum Amount {
    /// The value.
    Plain(i64),
    /// `{"value": …}`.
    Wrapped(wire::QuotaValue),
}

/// Quotas by key.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantQuotas)]
struct Quotas {
    /// Values by key.
    quotas: BTreeMap<String, Amount>,
}

/// A decision about a quota request.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantQuotaDecision)]
struct QuotaDecision {
    /// `APPROVE` or `DECLINE`.
    decision: Verdict,
    /// Other values than those asked for.
    #[schema(nullable = false)]
    quotas: Option<BTreeMap<String, Amount>>,
    /// Required with other values and when declining.
    #[schema(nullable = false)]
    comment: Option<String>,
}

/// Where a tenant moves.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantMove)]
struct Move {
    /// Workspace.
    workspace: String,
    /// Project in it.
    project: String,
}

/// An id on the platform, given by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlatformTenantId)]
struct GivenId {
    /// The id.
    platform_tenant_id: String,
}

fn amounts(quotas: BTreeMap<String, Amount>) -> BTreeMap<String, i64> {
    quotas
        .into_iter()
        .map(|(key, amount)| match amount {
            Amount::Plain(value) | Amount::Wrapped(wire::QuotaValue { value }) => (key, value),
        })
        .collect()
}

fn commented(comment: Option<String>) -> Outcome<Option<String>> {
    if comment.as_ref().is_some_and(|text| text.chars().count() > COMMENT_MAX) {
        return Err(Refusal::invalid("comment", format!("must have at most {COMMENT_MAX} characters")).into());
    }
    Ok(comment.filter(|text| !text.is_empty()))
}

/// Body of a request; a missing one is an empty object, which then lacks its fields.
fn body<T: serde::de::DeserializeOwned>(request: &Request) -> Outcome<T> {
    let json = request.json.clone().unwrap_or_else(|| json!({}));
    Ok(stoa_web::body::typed(json)?)
}

fn missing(uuid: &str) -> stoa_core::Error {
    Refusal::missing(KIND, uuid).into()
}

/// The tenant in the path, kept from other writers, and proof that the caller operates it: as owner of its
/// platform or landing zone, or as administrator.
fn operated(tx: &mut Tx, call: &Call, request: &Request, action: Action) -> Outcome<(Held, Allowed)> {
    let uuid = request.param(0);
    // Operating what a platform's tenants need is part of changing the platform, deletions included.
    let needed = if action == Action::Read { Action::Read } else { Action::Write };
    let resources = [Resource::Platform, Resource::LandingZone];
    if !resources.iter().any(|resource| call.actor.holds_any(*resource, needed)) {
        call.may_at_all(Resource::Tenant, action)?;
    }
    let find = if action == Action::Read { tenant::by_id } else { tenant::by_id_for_update };
    let found = uuid.parse::<ObjectId>().ok().map(|id| find(tx, id)).transpose()?.flatten();
    let held = found.filter(|held| held.object.deleted_at.is_none()).ok_or_else(|| missing(uuid))?;
    if let Ok(allowed) = call.may(Resource::Tenant, action, &Scope::installation()) {
        return Ok((held, allowed));
    }
    let owners = deletion::operators_of(tx, &held)?;
    for (owner, resource) in owners.iter().zip(resources) {
        if let Ok(allowed) = call.may(resource, needed, &Scope::owned(owner)) {
            return Ok((held, allowed));
        }
    }
    let seen = call
        .may(Resource::Tenant, Action::Read, &Scope::in_project(held.workspace(), Some(&held.tenant.project)))
        .is_ok();
    if !seen {
        return Err(missing(uuid));
    }
    Err(Refusal::Forbidden(
        "you don't have sufficient permissions: this is for the operators of the tenant's platform or landing zone"
            .into(),
    )
    .into())
}

/// The tenant in the path for its own workspace.
fn owned(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<(Held, Allowed)> {
    call.may_at_all(Resource::Tenant, Action::Write)?;
    let uuid = request.param(0);
    let found =
        uuid.parse::<ObjectId>().ok().map(|id| tenant::by_id_for_update(tx, id)).transpose()?.flatten();
    let held = found.filter(|held| held.object.deleted_at.is_none()).ok_or_else(|| missing(uuid))?;
    let scope = Scope::in_project(held.workspace(), Some(&held.tenant.project));
    let allowed = call.may(Resource::Tenant, Action::Write, &scope).map_err(|_| missing(uuid))?;
    Ok((held, allowed))
}

fn platform_of(tx: &mut Tx, held: &Held) -> Outcome<Platform> {
    let found = platform::by_id(tx, held.tenant.platform)?;
    Ok(found.ok_or(Fault::Corrupt { what: "platform of a tenant" })?.platform)
}

/// A tenant as its operators see it: the current version, with its requests and its deletion.
fn shown(tx: &mut Tx, held: &Held) -> Outcome<Value> {
    let tags = effective_tags(tx, held)?;
    let view = View::of(&held.object, (&held.tenant, &held.status), &tags, wire::V4);
    let mut whole = serde_json::to_value(view)?;
    whole["kind"] = json!(KIND);
    whole["apiVersion"] = json!(wire::V4);
    whole["deletion"] = json!(held.status.marked);
    whole["quotaRequests"] = json!(held.status.quota_requests);
    Ok(whole)
}

fn answer(tx: &mut Tx, held: &Held) -> Outcome<Reply> {
    Ok(Reply::ok(&shown(tx, held)?))
}

fn last_request(held: &Held) -> Option<&QuotaRequest> {
    held.status.quota_requests.last()
}

fn request_with<'h>(held: &'h Held, id: &str) -> Option<&'h QuotaRequest> {
    held.status.quota_requests.iter().find(|request| request.id.to_string() == id)
}

fn ask_quota(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, allowed) = owned(tx, call, request)?;
    let Quotas { quotas } = body(request)?;
    let platform = platform_of(tx, &held)?;
    let held = quotas::request(tx, call, allowed, &platform, held, amounts(quotas))?;
    Ok(Reply::json(StatusCode::CREATED, stoa_web::media::JSON, &json!(last_request(&held))))
}

fn list_quota_requests(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let uuid = request.param(0);
    call.may_at_all(Resource::Tenant, Action::Read)?;
    let found = uuid.parse::<ObjectId>().ok().map(|id| tenant::by_id(tx, id)).transpose()?.flatten();
    let held = found.ok_or_else(|| missing(uuid))?;
    let own = Scope::in_project(held.workspace(), Some(&held.tenant.project));
    let reads = |scope: &Scope<'_>| call.may(Resource::Tenant, Action::Read, scope).is_ok();
    let operators = deletion::operators_of(tx, &held)?;
    if !reads(&own) && !operators.iter().any(|workspace| reads(&Scope::owned(workspace))) {
        return Err(missing(uuid));
    }
    Ok(Reply::ok(&json!({ "quotaRequests": held.status.quota_requests })))
}

fn edit_quota(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, allowed) = owned(tx, call, request)?;
    let Quotas { quotas } = body(request)?;
    let platform = platform_of(tx, &held)?;
    let held = quotas::edit(tx, call, allowed, &platform, (held, request.param(1)), amounts(quotas))?;
    Ok(Reply::ok(&json!(request_with(&held, request.param(1)))))
}

fn cancel_quota(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, _) = owned(tx, call, request)?;
    quotas::cancel(tx, call, (held, request.param(1)))?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn decide_quota(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, allowed) = operated(tx, call, request, Action::Write)?;
    let QuotaDecision { decision, quotas, comment } = body(request)?;
    let platform = platform_of(tx, &held)?;
    let decision = Decision {
        approve: decision == Verdict::Approve,
        quotas: quotas.map(amounts),
        comment: commented(comment)?,
    };
    let held = quotas::decide(tx, call, allowed, &platform, (held, request.param(1)), decision)?;
    Ok(Reply::ok(&json!(request_with(&held, request.param(1)))))
}

fn set_quotas(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, allowed) = operated(tx, call, request, Action::Write)?;
    let Quotas { quotas } = body(request)?;
    let platform = platform_of(tx, &held)?;
    let mut held = quotas::set(tx, call, allowed, &platform, held, &amounts(quotas))?;
    controller::settle(tx, call, &mut held)?;
    answer(tx, &held)
}

fn decide_deletion(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, _) = operated(tx, call, request, Action::Delete)?;
    let DeletionDecision { decision, comment } = body(request)?;
    let comment = commented(comment)?;
    let held = deletion::decide(tx, call, held, decision == Verdict::Approve, comment)?;
    answer(tx, &held)
}

fn confirm_deletion(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, _) = operated(tx, call, request, Action::Delete)?;
    let held = deletion::confirm(tx, call, held)?;
    answer(tx, &held)
}

/// Tenants whose deletion is under way, for those who operate them.
fn list_deletions(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    const STATES: [(&str, Phase); 3] = [
        ("REQUIRES_APPROVAL", Phase::DeletionRequested),
        ("PENDING", Phase::DeletionApproved),
        ("BLOCKED", Phase::DeletionBlocked),
    ];
    let wanted =
        match request.query("status") {
            None => None,
            Some(word) => {
                Some(STATES.iter().find(|(name, _)| *name == word).map(|(_, phase)| *phase).ok_or_else(
                    || Refusal::invalid("status", "knows REQUIRES_APPROVAL, PENDING and BLOCKED"),
                )?)
            }
        };
    let resources = [Resource::Tenant, Resource::Platform, Resource::LandingZone];
    if !resources.iter().any(|resource| call.actor.holds_any(*resource, Action::Read)) {
        call.may_at_all(Resource::Tenant, Action::Read)?;
    }
    let seen = Visibility { all: true, ..Visibility::default() };
    let query = Query::of(KIND, seen).with("state", Some("MARKED_FOR_DELETION"));
    let page = request.page();
    let all = call.may(Resource::Tenant, Action::Read, &Scope::installation()).is_ok();
    let mut items = Vec::new();
    // The queue is short: whoever sees only a part of it gets that part out of the whole.
    let found = listing::list(tx, &query, &listing::Page::first(10_000))?;
    for object in found.items {
        let held = Held::read(object)?;
        if wanted.is_some_and(|wanted| wanted != held.status.phase) {
            continue;
        }
        if all || operates(tx, call, &held)? {
            items.push(held);
        }
    }
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let from = usize::try_from(page.number.saturating_mul(page.size)).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let shown =
        items.iter().skip(from).take(size).map(|held| shown(tx, held)).collect::<Outcome<Vec<_>>>()?;
    let body = hal::page_of(call, request, "meshTenants", shown, &page, (total, None));
    Ok(Reply::ok(&body))
}

/// Tenants with an open wish for other quotas, for those who operate them.
fn list_open_requests(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let resources = [Resource::Tenant, Resource::Platform, Resource::LandingZone];
    if !resources.iter().any(|resource| call.actor.holds_any(*resource, Action::Read)) {
        call.may_at_all(Resource::Tenant, Action::Read)?;
    }
    let seen = Visibility { all: true, ..Visibility::default() };
    let query = Query::of(KIND, seen).with("quotaRequest", Some("PENDING"));
    let all = call.may(Resource::Tenant, Action::Read, &Scope::installation()).is_ok();
    let page = request.page();
    let mut items = Vec::new();
    // Few wishes are open at a time, as few deletions are.
    for object in listing::list(tx, &query, &listing::Page::first(10_000))?.items {
        let held = Held::read(object)?;
        if all || operates(tx, call, &held)? {
            items.push(held);
        }
    }
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let from = usize::try_from(page.number.saturating_mul(page.size)).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let shown =
        items.iter().skip(from).take(size).map(|held| shown(tx, held)).collect::<Outcome<Vec<_>>>()?;
    let body = hal::page_of(call, request, "meshTenants", shown, &page, (total, None));
    Ok(Reply::ok(&body))
}

/// Whether the caller reads a tenant as owner of its platform or landing zone.
fn operates(tx: &mut Tx, call: &Call, held: &Held) -> Outcome<bool> {
    let owners = deletion::operators_of(tx, held)?;
    let reads = |(owner, resource): (&String, Resource)| {
        call.may(resource, Action::Read, &Scope::owned(owner)).is_ok()
    };
    Ok(owners.iter().zip([Resource::Platform, Resource::LandingZone]).any(reads))
}

/// A tenant as its operators see it.
fn show_one(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, _) = operated(tx, call, request, Action::Read)?;
    answer(tx, &held)
}

/// Makes the platform match again: runs all mandatory blocks, or tries a blocked deletion again.
fn replicate(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, _) = operated(tx, call, request, Action::Write)?;
    if !held.status.phase.is_active() {
        deletion::retry(tx, call, held)?;
        return Ok(Reply::empty(StatusCode::ACCEPTED));
    }
    let started = on_tenant::run_all(tx, call, held.object.id)?;
    if started == 0 && !held.tenant.is_custom {
        let message = "This version of Stoa has no replicator for the tenant's platform type.";
        return Err(Refusal::conflict(message).into());
    }
    if started == 0 {
        let message = "The tenant has no mandatory building block that could run: each waits for inputs, or \
                       there is none.";
        return Err(Refusal::conflict(message).into());
    }
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// What was done to make the platform match: the runs of the tenant's mandatory blocks, newest first.
fn replications(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, _) = operated(tx, call, request, Action::Read)?;
    let runs = on_tenant::runs(tx, held.object.id)?;
    Ok(Reply::ok(&json!({ "replications": runs })))
}

/// Moves a tenant to another project; its uuid, platform id, quotas, blocks and landing zone stay
/// (`domain-platforms.md` §5.3).
fn relocate(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let allowed = call.may(Resource::Tenant, Action::Write, &Scope::installation())?;
    let (mut held, _) = operated(tx, call, request, Action::Write)?;
    let Move { workspace, project } = body(request)?;
    if !held.status.phase.is_active() {
        return Err(Refusal::conflict("A tenant that is being deleted does not move.").into());
    }
    let unknown = |field: &str, name: &str| Refusal::invalid(field, format!("names nothing: `{name}`"));
    let home =
        objects::by_key(tx, workspace::KIND, &workspace)?.ok_or_else(|| unknown("workspace", &workspace))?;
    let target = format!("{workspace}.{project}");
    let into = objects::by_key(tx, project::KIND, &target)?.ok_or_else(|| unknown("project", &target))?;
    if !objects::has_facet(tx, into.id, "state", "ACTIVE")? {
        return Err(Refusal::invalid("project", "is being deleted").into());
    }
    let key = format!("{target}.{}", held.tenant.platform_identifier);
    if key == held.object.key {
        return answer(tx, &held);
    }
    if objects::by_key(tx, KIND, &key)?.is_some() {
        let message = format!("Project '{target}' has a tenant on this platform already.");
        return Err(Refusal::conflict(message).into());
    }
    let old = held.object.key.clone();
    objects::rekey(tx, allowed, &mut held.object, &key)?;
    held.tenant.project = project;
    let zone = controller::zone_of(tx, &held)?.map(|zone| zone.object.id);
    let draft = draft_of((&held.tenant, &held.status), (home.id, into.id, zone))?;
    let told = Told::new("Tenant Moved", format!("Tenant '{old}' is '{key}' now."));
    let object = objects::hand_over(tx, call, allowed, &held.object, &home.key, draft, told)?;
    let mut held = Held::read(object)?;
    on_tenant::follow(tx, call, &held)?;
    controller::settle(tx, call, &mut held)?;
    answer(tx, &held)
}

/// An operator gives a tenant of a platform without replicator its id by hand.
fn give_id(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (held, _) = operated(tx, call, request, Action::Write)?;
    let GivenId { platform_tenant_id: id } = body(request)?;
    if held.tenant.is_custom {
        let message = "The id of a tenant on a custom platform is an output of its building blocks.";
        return Err(Refusal::conflict(message).into());
    }
    tenant::hold_platform(tx, held.tenant.platform)?;
    if let Some(problem) = tenant::refuse_platform_id(tx, &held, &id)? {
        return Err(Refusal::conflict(problem).into());
    }
    let mut held = held;
    if held.status.platform_tenant_id.as_ref() != Some(&id) {
        held.status.platform_tenant_id = Some(id.clone());
        let description = format!("Tenant '{}' was given the platform tenant id '{id}'.", held.object.key);
        deletion::tell(tx, call, &held, "Tenant Platform Id Changed", description)?;
        tenant::save_status(tx, call, &mut held)?;
        on_tenant::wake(tx, call, held.object.id)?;
    }
    controller::settle(tx, call, &mut held)?;
    answer(tx, &held)
}

/// Tenants that lean on an object, for its operators; `relation` is how they lean.
pub fn tenants_of(
    tx: &mut Tx,
    call: &Call,
    request: &Request,
    facet: (&'static str, &str),
) -> Outcome<Reply> {
    let seen = Visibility { all: true, ..Visibility::default() };
    let mut query = Query::of(KIND, seen).with(facet.0, Some(facet.1));
    let state = request.query("state").unwrap_or("ACTIVE");
    query.even_deleted = state == "DELETED";
    query.facets.push(("state", vec![state.to_owned()]));
    let page = request.page();
    let found = listing::list(tx, &query, &page)?;
    let last = found.items.last().map(listing::Cursor::of);
    let mut items = Vec::new();
    for object in found.items {
        items.push(shown(tx, &Held::read(object)?)?);
    }
    let body = hal::page_of(call, request, "meshTenants", items, &page, (found.total, last));
    Ok(Reply::ok(&body))
}

/// The area's operator routes for tenants.
pub fn routes() -> Vec<Route> {
    let item = |rest: &str| format!("/api/stoa/v1/tenants/{{uuid}}{rest}");
    let about = |summary, request: Option<&'static str>, success: &'static [u16]| About {
        summary,
        tag: KIND,
        request,
        produces: Some(stoa_web::media::JSON),
        success,
        errors: &[403, 404, 409],
        ..About::default()
    };
    let example = |example: Value, about: About| About { example: Some(example), ..about };
    let quotas = json!({ "quotas": { "limits.cpu": { "value": 8000 } } });
    let json = Takes::Json(BODY_MAX);
    vec![
        Route::read(Method::GET, "/api/stoa/v1/tenants/deletions", list_deletions).about(About {
            query: &[
                ("status", "REQUIRES_APPROVAL, PENDING or BLOCKED"),
                ("page", "Page"),
                ("size", "Page size"),
            ],
            errors: &[400, 403],
            ..about("Tenants whose deletion is under way", None, &[200])
        }),
        Route::read(Method::GET, "/api/stoa/v1/tenants/quota-requests", list_open_requests).about(About {
            query: &[("page", "Page"), ("size", "Page size")],
            errors: &[403],
            ..about("Tenants with an open quota request", None, &[200])
        }),
        Route::read(Method::GET, item(""), show_one)
            .about(About { errors: &[403, 404], ..about("A tenant, for its operators", None, &[200]) }),
        Route::write(Method::POST, item("/deletion-decision"), decide_deletion).takes(json).about(example(
            json!({ "decision": "APPROVE", "comment": "agreed with the team" }),
            about("Approve or decline the deletion of a tenant", Some("TenantDeletionDecision"), &[200]),
        )),
        Route::write(Method::POST, item("/deletion-confirmation"), confirm_deletion)
            .takes(json)
            .about(about("Say that the platform's side of a tenant is gone", None, &[200])),
        Route::read(Method::GET, item("/quota-requests"), list_quota_requests)
            .about(About { errors: &[403, 404], ..about("Quota requests of a tenant", None, &[200]) }),
        Route::write(Method::POST, item("/quota-requests"), ask_quota)
            .takes(json)
            .about(example(quotas.clone(), about("Ask for other quotas", Some("TenantQuotas"), &[201]))),
        Route::write(Method::PUT, item("/quota-requests/{id}"), edit_quota).takes(json).about(example(
            quotas.clone(),
            about("Change an open quota request", Some("TenantQuotas"), &[200]),
        )),
        Route::write(Method::DELETE, item("/quota-requests/{id}"), cancel_quota)
            .about(About { produces: None, ..about("Cancel an open quota request", None, &[204]) }),
        Route::write(Method::POST, item("/quota-requests/{id}/decision"), decide_quota).takes(json).about(
            example(
                json!({ "decision": "APPROVE" }),
                about("Approve or decline a quota request", Some("TenantQuotaDecision"), &[200]),
            ),
        ),
        Route::write(Method::PUT, item("/quotas"), set_quotas)
            .takes(json)
            .about(example(quotas, about("Set quotas of a tenant directly", Some("TenantQuotas"), &[200]))),
        Route::read(Method::GET, item("/replications"), replications)
            .about(About { errors: &[403, 404], ..about("What was done for a tenant", None, &[200]) }),
        Route::write(Method::POST, item("/replications"), replicate).takes(json).about(about(
            "Make the platform match a tenant again",
            None,
            &[202],
        )),
        Route::write(Method::POST, item("/move"), relocate).takes(json).about(example(
            json!({ "workspace": "billing-app", "project": "invoices-prod" }),
            about("Move a tenant to another project", Some("TenantMove"), &[200]),
        )),
        Route::write(Method::PUT, item("/platform-tenant-id"), give_id).takes(json).about(example(
            json!({ "platformTenantId": "billing-app-invoices-dev" }),
            about("Give a tenant its id on the platform by hand", Some("PlatformTenantId"), &[200]),
        )),
    ]
}

/// The schemas of these routes.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<DeletionDecision>();
    schemas.add::<Quotas>();
    schemas.add::<QuotaDecision>();
    schemas.add::<Move>();
    schemas.add::<GivenId>();
}
