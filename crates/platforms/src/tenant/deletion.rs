//! How tenants end: asked for, approved, taken down, gone; or purged (`domain-platforms.md` §5.4, §5.5,
//! `api-platforms.md` §7.5).

use super::controller::zone_of;
use super::{KIND, Tenants, quotas};
use crate::platform;
use http::{Method, StatusCode};
use std::time::Duration;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_blocks::block::on_tenant::{self, Clearing};
use stoa_core::feed::{self, Deed, Entry};
use stoa_core::guard::Reach;
use stoa_core::objects::{self, Object, Told};
use stoa_core::waiting::Waiting;
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope, work};
use stoa_db::Tx;
use stoa_identity::people;
use stoa_tenancy::project;
use stoa_tenancy::tenant::{self, Held, Marked, Phase};
use stoa_web::route::About;
use stoa_web::{Kind, Reply, Request, Route};

/// After how many minutes a blocked deletion is tried again; then once a day.
const RETRIES: [u64; 3] = [1, 5, 30];
const DAY: Duration = Duration::from_hours(24);

/// Writes an entry about a tenant to the audit trail.
pub fn tell(tx: &mut Tx, call: &Call, held: &Held, title: &str, description: String) -> Outcome<()> {
    let entry = Entry {
        title: Some(title),
        description,
        ..Entry::plain(KIND, held.object.id, Some(held.workspace()), Deed::Changed)
    };
    feed::record(tx, call, entry)
}

/// `DELETE`, of whatever version: by uuid or identifier. Old clients send no versioned `Accept`
/// (`api-platforms.md` §7.8), so any will do.
pub fn route() -> Route {
    let path = format!("/api/meshobjects/{}/{{{}}}", Tenants::COLLECTION, Tenants::ID);
    Route::write(Method::DELETE, path, |tx, call, request| {
        call.may_at_all(Resource::Tenant, Action::Delete)?;
        let id = request.param(0);
        let found = Tenants::find(tx, call, id, request.version)?;
        let found = found.ok_or_else(|| Refusal::missing(KIND, id))?;
        let held = tenant::by_id_for_update(tx, found.id)?.ok_or_else(|| Refusal::missing(KIND, id))?;
        delete(tx, call, request, held)?;
        Ok(Reply::empty(StatusCode::ACCEPTED))
    })
    .about(About {
        summary: "Delete",
        tag: KIND,
        query: &[("purge", "true removes it from Stoa at once and leaves the platform alone")],
        success: &[202],
        errors: &[403, 404, 409],
        permission: Some((Resource::Tenant, Action::Delete)),
        ..About::default()
    })
}

/// Deletes or purges, as the request says.
pub fn delete(tx: &mut Tx, call: &Call, request: &Request, held: Held) -> Outcome<()> {
    if request.query("purge") == Some("true") {
        may_purge(tx, call, &held)?;
        return purge(tx, call, held);
    }
    let allowed = call.may(Resource::Tenant, Action::Delete, &Tenants::scope(&held.object))?;
    request_deletion(tx, call, allowed, held)
}

/// Marks a tenant, approved at once where nobody has to be asked.
pub fn request_deletion(tx: &mut Tx, call: &Call, allowed: Allowed, held: Held) -> Outcome<()> {
    if !held.status.phase.is_active() {
        return Ok(());
    }
    on_tenant::refuse_deletion(tx, held.object.id)?;
    let is_admin = matches!(allowed.reach(), Reach::Admin | Reach::System);
    mark(tx, call, held, is_admin.then(|| call.actor.author()))
}

/// Marks a tenant for deletion; `approved_by` says that somebody entitled wants it.
pub fn mark(tx: &mut Tx, call: &Call, mut held: Held, approved_by: Option<String>) -> Outcome<()> {
    let automatic = zone_of(tx, &held)?.is_some_and(|zone| zone.zone.automate_deletion_approval);
    let approved_by =
        approved_by.or_else(|| automatic.then(|| "the landing zone".to_owned())).or_else(|| {
            held.status.platform_tenant_id.is_none().then(|| "nobody: it was never provisioned".to_owned())
        });
    let is_approved = approved_by.is_some();
    held.status.marked = Some(Marked {
        at: call.now,
        by: call.actor.author(),
        approved_by,
        comment: None,
        confirmed: false,
        attempts: 0,
        retry_at: None,
    });
    quotas::cancel_open(&mut held, "The tenant is being deleted.");
    held.status.phase = if is_approved { Phase::DeletionApproved } else { Phase::DeletionRequested };
    held.status.waiting = (!is_approved).then(|| approval(call, &held));
    tenant::save_status(tx, call, &mut held)?;
    let description = format!("The deletion of tenant '{}' was requested.", held.object.key);
    tell(tx, call, &held, "Tenant Deletion Requested", description)?;
    if !is_approved {
        withdraw_people(tx, call, &held)?;
    }
    tenant::wake(tx, call, held.object.id)
}

fn approval(call: &Call, held: &Held) -> Waiting {
    let blocker = format!("approval of the deletion of platform tenant {}", id_of(held));
    Waiting::new(
        call.now,
        "DELETION_APPROVAL_REQUIRED",
        blocker,
        "the operators of its platform or landing zone",
    )
}

fn id_of(held: &Held) -> &str {
    held.status.platform_tenant_id.as_deref().unwrap_or("(none)")
}

/// People lose or get back access: blocks that take them are looked at.
fn withdraw_people(tx: &mut Tx, call: &Call, held: &Held) -> Outcome<()> {
    let key = format!("{}.{}", held.workspace(), held.tenant.project);
    work::schedule(tx, people::CHANGED, &key, call.now)
}

/// Goes on with the deletion of a tenant.
pub fn go_on(tx: &mut Tx, call: &Call, found: Held) -> Outcome<Option<Moment>> {
    let id = found.object.id;
    let Some(marked) = found.status.marked.clone() else { return Ok(None) };
    if marked.approved_by.is_none() {
        return Ok(None); // waits for an operator
    }
    let retry = marked.retry_at.is_some_and(|at| at <= call.now);
    let clearing = on_tenant::clear(tx, call, id, retry)?;
    let Some(mut held) = tenant::by_id_for_update(tx, id)? else { return Ok(None) };
    let Some(mut marked) = held.status.marked.clone().filter(|_| held.object.deleted_at.is_none()) else {
        return Ok(None);
    };
    if retry {
        marked.retry_at = None;
    }
    let (phase, waiting) = match clearing {
        Clearing::Running { blocker } => {
            let who = "the runner of the building block";
            let waiting = Waiting::new(call.now, "BUILDING_BLOCKS_BEING_DESTROYED", blocker, who);
            (Phase::DeletionApproved, waiting)
        }
        Clearing::Failed { blocker, operator } => {
            let at = *marked.retry_at.get_or_insert_with(|| {
                let wait = usize::try_from(marked.attempts).ok().and_then(|n| RETRIES.get(n));
                call.now + wait.map_or(DAY, |minutes| Duration::from_mins(*minutes))
            });
            if held.status.marked.as_ref().is_none_or(|before| before.retry_at != Some(at)) {
                marked.attempts += 1;
            }
            let who = format!("the operators in workspace {operator}, or Stoa by trying again");
            let mut waiting = Waiting::new(call.now, "BUILDING_BLOCK_DESTRUCTION_FAILED", blocker, who);
            waiting.next_look = Some(at.to_string());
            (Phase::DeletionBlocked, waiting)
        }
        Clearing::Done if needs_operator(&held, &marked) => {
            let automatic = zone_of(tx, &held)?.is_some_and(|zone| zone.zone.automate_deletion_replication);
            let reason = if automatic { "REPLICATOR_MISSING" } else { "OPERATOR_DELETES_BY_HAND" };
            let blocker = format!("platform tenant {} still exists as far as Stoa knows", id_of(&held));
            let who = format!(
                "the operators of the platform, who confirm that it is gone \
                 (POST /api/stoa/v1/tenants/{id}/deletion-confirmation)"
            );
            (Phase::DeletionBlocked, Waiting::new(call.now, reason, blocker, who))
        }
        Clearing::Done => {
            held.status.marked = Some(marked);
            finish(tx, call, held)?;
            return Ok(None);
        }
    };
    let next = marked.retry_at;
    held.status.marked = Some(marked);
    held.status.phase = phase;
    let before = held.status.waiting.take();
    held.status.waiting = Some(waiting.going_on(before.as_ref()));
    tenant::save_status(tx, call, &mut held)?;
    Ok(next)
}

/// Whether somebody has to take the platform's side down, or say that it is gone.
fn needs_operator(held: &Held, marked: &Marked) -> bool {
    !held.tenant.is_custom && held.status.platform_tenant_id.is_some() && !marked.confirmed
}

fn finish(tx: &mut Tx, call: &Call, mut held: Held) -> Outcome<()> {
    let system = call.as_system();
    let allowed = system.may(Resource::Tenant, Action::Delete, &Scope::installation())?;
    held.status.phase = Phase::Deleted;
    held.status.waiting = None;
    held.status.sign_in = None;
    let project = project::of_tenant(tx, &held)?;
    tenant::save_status(tx, call, &mut held)?;
    let marked = held.status.marked.clone();
    let by = marked.map_or_else(String::new, |marked| marked.approved_by.unwrap_or(marked.by));
    let description = format!("Tenant '{}' was deleted; approved by {by}.", held.object.key);
    objects::bury(tx, &system, allowed, &mut held.object, Told::new("Tenant Deleted", description))?;
    wake_project(tx, call, project.as_ref())
}

fn wake_project(tx: &mut Tx, call: &Call, project: Option<&Object>) -> Outcome<()> {
    match project {
        Some(project) => tenant::leave_with(tx, call, project),
        None => Ok(()),
    }
}

/// Refuses purging to whoever neither administers nor operates the tenant.
pub fn may_purge(tx: &mut Tx, call: &Call, held: &Held) -> Outcome<()> {
    if call.may(Resource::Tenant, Action::Delete, &Scope::installation()).is_ok() {
        return Ok(());
    }
    for owner in operators_of(tx, held)? {
        if call.may(Resource::Tenant, Action::Delete, &Scope::owned(&owner)).is_ok() {
            return Ok(());
        }
    }
    Err(Refusal::Forbidden(
        "you don't have sufficient permissions: purging needs ADM_TENANT_DELETE, or TENANT_DELETE in the \
         workspace that operates the platform or landing zone"
            .into(),
    )
    .into())
}

/// Workspaces that operate a tenant: the owners of its platform and of its landing zone.
pub fn operators_of(tx: &mut Tx, held: &Held) -> Outcome<Vec<String>> {
    let platform = platform::by_id(tx, held.tenant.platform)?;
    let zone = zone_of(tx, held)?;
    let owners = platform.map(|p| p.object.owner().to_owned()).into_iter();
    Ok(owners.chain(zone.map(|zone| zone.object.owner().to_owned())).collect())
}

/// Removes a tenant from Stoa at once, without touching the platform.
pub fn purge(tx: &mut Tx, call: &Call, held: Held) -> Outcome<()> {
    let system = call.as_system();
    let allowed = system.may(Resource::Tenant, Action::Delete, &Scope::installation())?;
    on_tenant::purge(tx, call, held.object.id)?;
    let project = project::of_tenant(tx, &held)?;
    let told = Told::new(
        "Tenant Deleted",
        format!("Tenant '{}' was purged; platform tenant {} was left alone.", held.object.key, id_of(&held)),
    );
    objects::remove_from_under(tx, call, allowed, &held.object, told)?;
    work::cancel(tx, tenant::CONTROLLER, &held.object.id.to_string())?;
    wake_project(tx, call, project.as_ref())
}

/// What an operator decides about a deletion that waits.
pub fn decide(
    tx: &mut Tx,
    call: &Call,
    mut held: Held,
    approve: bool,
    comment: Option<String>,
) -> Outcome<Held> {
    if held.status.phase != Phase::DeletionRequested {
        let message = format!("The deletion of tenant '{}' waits for no decision.", held.object.key);
        return Err(Refusal::conflict(message).into());
    }
    let said = comment.as_deref().map(|text| format!(" {text}")).unwrap_or_default();
    if approve {
        if let Some(marked) = &mut held.status.marked {
            marked.approved_by = Some(call.actor.author());
            marked.comment = comment;
        }
        held.status.phase = Phase::DeletionApproved;
        held.status.waiting = None;
        tenant::save_status(tx, call, &mut held)?;
        let description = format!("The deletion of tenant '{}' was approved.{said}", held.object.key);
        tell(tx, call, &held, "Tenant Deletion Approved", description)?;
        tenant::wake(tx, call, held.object.id)?;
        return Ok(held);
    }
    held.status.marked = None;
    held.status.phase = Phase::Replicating;
    held.status.waiting = None;
    tenant::save_status(tx, call, &mut held)?;
    let description = format!("The deletion of tenant '{}' was declined.{said}", held.object.key);
    tell(tx, call, &held, "Tenant Deletion Declined", description)?;
    withdraw_people(tx, call, &held)?;
    tenant::wake(tx, call, held.object.id)?;
    if let Some(project) = project::of_tenant(tx, &held)? {
        let system = call.as_system();
        let allowed = system.may(Resource::Project, Action::Write, &Scope::installation())?;
        project::keep(tx, &system, allowed, &project)?;
    }
    Ok(held)
}

/// An operator says that the platform's side is gone.
pub fn confirm(tx: &mut Tx, call: &Call, mut held: Held) -> Outcome<Held> {
    let approved = held.status.marked.as_ref().is_some_and(|marked| marked.approved_by.is_some());
    let Some(marked) = held.status.marked.as_mut().filter(|_| approved) else {
        let message = format!("The deletion of tenant '{}' is not approved.", held.object.key);
        return Err(Refusal::conflict(message).into());
    };
    marked.confirmed = true;
    tenant::save_status(tx, call, &mut held)?;
    let description = format!("Platform tenant {} was confirmed to be gone.", id_of(&held));
    tell(tx, call, &held, "Tenant Deletion Confirmed", description)?;
    tenant::wake(tx, call, held.object.id)?;
    Ok(held)
}

/// Tries a blocked deletion again now.
pub fn retry(tx: &mut Tx, call: &Call, mut held: Held) -> Outcome<Held> {
    if let Some(marked) = &mut held.status.marked {
        marked.retry_at = Some(call.now);
    }
    tenant::save_status(tx, call, &mut held)?;
    tenant::wake(tx, call, held.object.id)?;
    Ok(held)
}

/// Looks at a project that leaves with its tenants, by its uuid.
pub fn look_at_project(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Ok(id) = key.parse::<ObjectId>() else { return Ok(None) };
    let Some(mut project) = objects::by_id_for_update(tx, project::KIND, id)? else { return Ok(None) };
    let Some(leaving) = project.status.get("deletion").cloned() else { return Ok(None) };
    if project.deleted_at.is_some() {
        return Ok(None);
    }
    let approved_by = leaving["by"].as_str().filter(|_| leaving["approved"] == true).map(ToOwned::to_owned);
    let mut tenants = objects::referrers(tx, id, Some("project"), 10_000)?;
    tenants.retain(|found| found.kind == KIND);
    if tenants.is_empty() {
        let allowed = call.may(Resource::Project, Action::Delete, &Scope::installation())?;
        project::bury(tx, call, allowed, &mut project)?;
        return Ok(None);
    }
    let mut again = None;
    for found in tenants {
        let Some(held) = tenant::by_id_for_update(tx, found.id)? else { continue };
        if !held.status.phase.is_active() {
            continue;
        }
        match on_tenant::refuse_deletion(tx, held.object.id) {
            Ok(()) => mark(tx, call, held, approved_by.clone())?,
            Err(stoa_core::Error::Refused(_)) => again = Some(call.now + Duration::from_secs(5)),
            Err(fault) => return Err(fault),
        }
    }
    Ok(again)
}
