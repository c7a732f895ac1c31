//! The tenant as stored, and what others need of it: building blocks that work on it, projects that it belongs
//! to. The kind itself is in the platforms area (`api-platforms.md` §7).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stoa_base::{Moment, ObjectId};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Object};
use stoa_core::waiting::Waiting;
use stoa_core::{Call, Outcome, work};
use stoa_db::Tx;

/// The kind's name.
pub const KIND: &str = "meshTenant";
/// Name of the controller that looks at one tenant, by its uuid.
pub const CONTROLLER: &str = "tenant";
/// Name of the controller that looks at one project whose deletion waits for its tenants, by its uuid.
pub const LEAVING_PROJECT: &str = "leaving-project";
/// Longest platform tenant id in characters (`domain-platforms.md` §9.3).
const PLATFORM_ID_MAX: usize = 255;

/// What was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Identifier of its project, within the owning workspace.
    pub project: String,
    /// Its platform.
    pub platform: ObjectId,
    /// `<platform>.<location>`.
    pub platform_identifier: String,
    /// For example `KUBERNETES` (`api-platforms.md` §5.4).
    pub platform_type: String,
    /// Whether the platform is a custom one: then its building blocks are all there is to it.
    pub is_custom: bool,
    /// Name of its landing zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing_zone: Option<String>,
    /// Whether it was adopted with an id that existed on the platform.
    pub imported: bool,
    /// Its number on the platform, never used again.
    pub number: i64,
    /// 100 random letters and digits for name templates (`domain-platforms.md` §6.6).
    pub random: String,
    /// Quotas that were asked for and granted; all others are those of the landing zone.
    #[serde(default)]
    pub quotas: BTreeMap<String, i64>,
    /// Who ordered it, as an author object.
    pub author: Value,
}

/// Where a tenant stands (`domain-platforms.md` §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// Nothing happened on the platform yet.
    Requested,
    /// The platform is being made to match.
    Replicating,
    /// It matches.
    Ready,
    /// It could not be made to match.
    Failed,
    /// Its deletion waits for approval.
    DeletionRequested,
    /// Its deletion goes on.
    DeletionApproved,
    /// Its deletion is tried again later, or waits for the operator.
    DeletionBlocked,
    /// It is gone.
    Deleted,
}

impl Phase {
    /// `status.lifecycle.state`, and the value of the `state` facet.
    pub fn lifecycle(self) -> &'static str {
        match self {
            Self::Requested | Self::Replicating | Self::Ready | Self::Failed => "ACTIVE",
            Self::DeletionRequested | Self::DeletionApproved | Self::DeletionBlocked => "MARKED_FOR_DELETION",
            Self::Deleted => "DELETED",
        }
    }

    /// Whether nobody asked for its deletion.
    pub fn is_active(self) -> bool {
        self.lifecycle() == "ACTIVE"
    }
}

/// That somebody asked for its deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marked {
    /// When.
    pub at: Moment,
    /// Who.
    pub by: String,
    /// Who approved it, or what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// What the approver said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether an operator said that the platform's side is gone.
    #[serde(default)]
    pub confirmed: bool,
    /// How often taking down its building blocks failed.
    #[serde(default)]
    pub attempts: u32,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Moment>,
}

/// A wish for other quotas (`domain-platforms.md` §8.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaRequest {
    /// Its number within the tenant, from 1.
    pub id: i64,
    /// `PENDING`, `APPROVED`, `DECLINED` or `CANCELLED`.
    pub state: String,
    /// Values asked for, or granted in their place.
    pub quotas: BTreeMap<String, i64>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Moment,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// How a tenant goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Where it stands.
    pub phase: Phase,
    /// Its id on the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_tenant_id: Option<String>,
    /// Where to sign in, and the block that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<(ObjectId, String)>,
    /// Quotas in force.
    #[serde(default)]
    pub applied_quotas: BTreeMap<String, i64>,
    /// Wishes for other quotas, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quota_requests: Vec<QuotaRequest>,
    /// Why it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Its deletion, if somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<Marked>,
}

impl Status {
    /// `PENDING` while a wish for other quotas waits for an operator.
    fn open_wish(&self) -> Option<&str> {
        let states = self.quota_requests.iter().map(|request| request.state.as_str());
        states.into_iter().find(|state| *state == "PENDING")
    }
}

/// A tenant taken apart.
#[derive(Clone, Debug)]
pub struct Held {
    /// As stored. Its key is `<workspace>.<project>.<platform>.<location>`.
    pub object: Object,
    /// What was ordered.
    pub tenant: Tenant,
    /// How it goes.
    pub status: Status,
}

impl Held {
    /// Takes a stored tenant apart.
    pub fn read(object: Object) -> Outcome<Self> {
        Ok(Self { tenant: object.doc()?, status: object.status()?, object })
    }

    /// The owning workspace.
    pub fn workspace(&self) -> &str {
        self.object.owner()
    }

    /// Whether people may have access: not while it is being deleted.
    pub fn admits_people(&self) -> bool {
        self.status.phase.is_active()
    }
}

/// The tenant with this uuid, deleted or not.
pub fn by_id(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Held>> {
    objects::by_id(tx, KIND, id)?.map(Held::read).transpose()
}

/// The same, for writing.
pub fn by_id_for_update(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Held>> {
    objects::by_id_for_update(tx, KIND, id)?.map(Held::read).transpose()
}

/// The living tenant with this identifier, `<workspace>.<project>.<platform>.<location>`.
pub fn by_identifier(tx: &mut Tx, identifier: &str) -> Outcome<Option<Held>> {
    objects::by_key(tx, KIND, identifier)?.map(Held::read).transpose()
}

/// Project and platform identifier in a tenant's key, `<workspace>.<project>.<platform>.<location>`: no name has a
/// dot in it.
pub fn names_in(key: &str) -> (&str, &str) {
    let (_, names) = key.split_once('.').unwrap_or_default();
    names.split_once('.').unwrap_or_default()
}

/// What lists of tenants filter on, the most telling first.
pub fn facets(project: &str, tenant: &Tenant, status: &Status) -> Vec<(&'static str, String)> {
    let mut facets = vec![
        ("projectIdentifier", project.to_owned()),
        ("platformIdentifier", tenant.platform_identifier.clone()),
        ("platformTypeIdentifier", tenant.platform_type.clone()),
        ("state", status.phase.lifecycle().to_owned()),
    ];
    facets.extend(tenant.landing_zone.clone().map(|zone| ("landingZoneIdentifier", zone)));
    facets.extend(status.platform_tenant_id.clone().map(|id| ("platformTenantId", id)));
    facets.extend(status.open_wish().map(|state| ("quotaRequest", state.to_owned())));
    facets
}

/// Writes how a tenant goes, and tells the feed. Nothing changed means nothing written.
pub fn save_status(tx: &mut Tx, call: &Call, held: &mut Held) -> Outcome<()> {
    let before: Status = held.object.status()?;
    if before == held.status {
        return Ok(());
    }
    let status = serde_json::to_value(&held.status)?;
    objects::observe(tx, call, &mut held.object, status, &[], None)?;
    if before.phase.lifecycle() != held.status.phase.lifecycle() {
        objects::set_facet(tx, held.object.id, "state", held.status.phase.lifecycle())?;
    }
    if before.open_wish() != held.status.open_wish() {
        objects::replace_facet(tx, &held.object, "quotaRequest", held.status.open_wish())?;
    }
    if before.platform_tenant_id != held.status.platform_tenant_id {
        let id = held.status.platform_tenant_id.as_deref();
        objects::replace_facet(tx, &held.object, "platformTenantId", id)?;
    }
    Ok(())
}

/// A block that said where to sign in goes away, and its link with it.
pub fn withdraw_sign_in(tx: &mut Tx, call: &Call, id: ObjectId, block: ObjectId) -> Outcome<()> {
    let said = |held: &Held| held.status.sign_in.as_ref().is_some_and(|(by, _)| *by == block);
    if !by_id(tx, id)?.is_some_and(|held| said(&held)) {
        return Ok(());
    }
    let Some(mut held) = by_id_for_update(tx, id)? else { return Ok(()) };
    if said(&held) {
        held.status.sign_in = None;
        save_status(tx, call, &mut held)?;
    }
    Ok(())
}

/// Asks for a look at a tenant.
pub fn wake(tx: &mut Tx, call: &Call, id: ObjectId) -> Outcome<()> {
    work::schedule(tx, CONTROLLER, &id.to_string(), call.now)
}

/// Living tenants of a platform that have this platform tenant id.
pub fn with_platform_id(tx: &mut Tx, platform_identifier: &str, id: &str) -> Outcome<Vec<Object>> {
    let seen = Visibility { all: true, ..Visibility::default() };
    let query = Query::of(KIND, seen)
        .with("platformTenantId", Some(id))
        .with("platformIdentifier", Some(platform_identifier));
    Ok(listing::list(tx, &query, &Page::first(2))?.items)
}

/// What a successful run says the tenant's id on its platform is. The reason when it cannot be that
/// (`domain-platforms.md` §9.3). Whoever gives ids on one platform has to hold it, see [`hold_platform`].
pub fn refuse_platform_id(tx: &mut Tx, held: &Held, id: &str) -> Outcome<Option<String>> {
    let length = id.chars().count();
    if id.trim().is_empty() || length > PLATFORM_ID_MAX {
        let limit = format!("must have 1 to {PLATFORM_ID_MAX} characters and not be blank");
        return Ok(Some(format!("The platform tenant id `{}` {limit}.", shortened(id))));
    }
    let users = with_platform_id(tx, &held.tenant.platform_identifier, id)?;
    let other = users.into_iter().find(|user| user.id != held.object.id);
    Ok(other.map(|other| {
        format!("The platform tenant id '{id}' is already in use by tenant '{}' of this platform.", other.key)
    }))
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Keeps a platform from other writers until the transaction ends: ids and numbers on it are given one after
/// the other.
pub fn hold_platform(tx: &mut Tx, platform: ObjectId) -> Outcome<()> {
    objects::lock(tx, platform)
}

/// Asks for the deletion of every tenant of a project; `status.deletion` of the project says who wants it. When
/// the last one is gone, the project is deleted; when one deletion is declined, the project is active again.
pub fn leave_with(tx: &mut Tx, call: &Call, project: &Object) -> Outcome<()> {
    work::schedule(tx, LEAVING_PROJECT, &project.id.to_string(), call.now)
}

/// `status.deletion` of a project that leaves with its tenants.
pub fn project_deletion(call: &Call, approved: bool) -> Value {
    json!({ "at": call.now, "by": call.actor.author(), "approved": approved })
}
