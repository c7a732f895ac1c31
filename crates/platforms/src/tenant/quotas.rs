//! Quotas of tenants: bounds, defaults, wishes and their approval (`domain-platforms.md` §8,
//! `api-platforms.md` §7.3 rows 14 to 16).

use super::replace;
use crate::landing_zone::Zone;
use crate::platform::{Platform, QuotaDefinition};
use std::collections::BTreeMap;
use stoa_base::Refusal;
use stoa_core::objects::Object;
use stoa_core::{Allowed, Call, Outcome};
use stoa_db::Tx;
use stoa_tenancy::tenant::{self, Held, QuotaRequest};

/// Wishes that are kept on a tenant.
const REQUESTS_KEPT: usize = 20;

/// Values in force: explicit ones over the landing zone's defaults, for keys that the platform defines.
pub fn applied(
    platform: &Platform,
    zone: Option<&Zone>,
    explicit: &BTreeMap<String, i64>,
) -> BTreeMap<String, i64> {
    let mut values = zone.map(|zone| zone.zone.quotas.clone()).unwrap_or_default();
    values.extend(explicit.clone());
    values.retain(|key, _| platform.quota(key).is_some());
    values
}

/// Refuses keys that the platform does not define and values out of their bounds, whoever asks.
fn check_bounds(platform: &Platform, asked: &BTreeMap<String, i64>, field: &str) -> Result<(), Refusal> {
    for (key, value) in asked {
        let at = format!("{field}.{key}");
        let Some(QuotaDefinition { min_value, max_value, .. }) = platform.quota(key) else {
            return Err(Refusal::invalid(at, "is no quota of this platform"));
        };
        if !(*min_value..=*max_value).contains(value) {
            let problem =
                format!("Quota '{key}': requested value {value} is out of range [{min_value}, {max_value}]");
            return Err(Refusal::Malformed(problem));
        }
    }
    Ok(())
}

/// Admits quotas at creation. Whoever is no admin gets at most the landing zone's default or the threshold.
pub fn admit(
    platform: &Platform,
    zone: Option<&Zone>,
    asked: &BTreeMap<String, i64>,
    field: &str,
    is_admin: bool,
) -> Result<(), Refusal> {
    check_bounds(platform, asked, field)?;
    if is_admin {
        return Ok(());
    }
    for (key, value) in asked {
        let default = zone.and_then(|zone| zone.zone.quotas.get(key)).copied();
        let threshold = platform.quota(key).map_or(0, |definition| definition.auto_approval_threshold);
        let within_threshold = threshold > 0 && *value <= threshold;
        if default.is_none_or(|default| *value > default) && !within_threshold {
            let problem = format!(
                "is {value}, above the landing zone's default and the threshold of {threshold} that needs no \
                 approval; create the tenant without it and request it afterwards"
            );
            return Err(Refusal::invalid(format!("{field}.{key}"), problem));
        }
    }
    Ok(())
}

/// Whether a wish needs no person: for each changed key it is a reduction or within the threshold.
fn passes(platform: &Platform, current: &BTreeMap<String, i64>, asked: &BTreeMap<String, i64>) -> bool {
    asked.iter().all(|(key, value)| {
        let threshold = platform.quota(key).map_or(0, |definition| definition.auto_approval_threshold);
        current.get(key).is_some_and(|current| value <= current) || (threshold > 0 && *value <= threshold)
    })
}

fn refuse_leaving(held: &Held) -> Outcome<()> {
    if held.status.phase.is_active() {
        return Ok(());
    }
    Err(Refusal::conflict(format!("Tenant '{}' is being deleted: its quotas stay.", held.object.key)).into())
}

fn open(held: &mut Held) -> Option<&mut QuotaRequest> {
    held.status.quota_requests.iter_mut().find(|request| request.state == "PENDING")
}

/// The wish with this number, as long as it is open.
fn open_with<'h>(held: &'h mut Held, id: &str) -> Outcome<&'h mut QuotaRequest> {
    let number = id.parse::<i64>().ok();
    let found = held.status.quota_requests.iter_mut().find(|request| Some(request.id) == number);
    let found = found.ok_or_else(|| Refusal::Absent(format!("The tenant has no quota request `{id}`.")))?;
    if found.state == "PENDING" {
        Ok(found)
    } else {
        Err(Refusal::conflict(format!("Quota request {id} is {} already.", found.state)).into())
    }
}

/// Grants quotas for good: they are explicit values from now on.
fn grant(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    mut held: Held,
    quotas: &BTreeMap<String, i64>,
) -> Outcome<Held> {
    held.tenant.quotas.extend(quotas.clone());
    let object = replace(tx, call, allowed, held, "Tenant Quotas Changed")?;
    tenant::wake(tx, call, object.id)?;
    Held::read(object)
}

/// Asks for other quotas; what needs no approval is granted at once.
pub fn request(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    platform: &Platform,
    mut held: Held,
    quotas: BTreeMap<String, i64>,
) -> Outcome<Held> {
    refuse_leaving(&held)?;
    check_bounds(platform, &quotas, "quotas")?;
    if let Some(pending) = open(&mut held) {
        let message = format!("Quota request {} is open already; change or cancel it.", pending.id);
        return Err(Refusal::conflict(message).into());
    }
    let id = held.status.quota_requests.last().map_or(1, |last| last.id + 1);
    let granted = passes(platform, &held.status.applied_quotas, &quotas);
    held.status.quota_requests.push(QuotaRequest {
        id,
        state: if granted { "APPROVED" } else { "PENDING" }.into(),
        quotas: quotas.clone(),
        requested_by: call.actor.author(),
        requested_at: call.now,
        decided_by: granted.then(|| "threshold".to_owned()),
        comment: None,
    });
    let kept = held.status.quota_requests.len().saturating_sub(REQUESTS_KEPT);
    held.status.quota_requests.drain(..kept);
    settle(tx, call, allowed, held, granted.then_some(quotas))
}

fn settle(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    mut held: Held,
    granted: Option<BTreeMap<String, i64>>,
) -> Outcome<Held> {
    if let Some(quotas) = granted {
        return grant(tx, call, allowed, held, &quotas);
    }
    tenant::save_status(tx, call, &mut held)?;
    Ok(held)
}

/// Changes an open wish, which may make it pass by itself.
pub fn edit(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    platform: &Platform,
    (mut held, id): (Held, &str),
    quotas: BTreeMap<String, i64>,
) -> Outcome<Held> {
    refuse_leaving(&held)?;
    check_bounds(platform, &quotas, "quotas")?;
    let granted = passes(platform, &held.status.applied_quotas, &quotas);
    let request = open_with(&mut held, id)?;
    request.quotas.clone_from(&quotas);
    if granted {
        request.state = "APPROVED".into();
        request.decided_by = Some("threshold".into());
    }
    settle(tx, call, allowed, held, granted.then_some(quotas))
}

/// Takes an open wish back.
pub fn cancel(tx: &mut Tx, call: &Call, (mut held, id): (Held, &str)) -> Outcome<Held> {
    open_with(&mut held, id)?.state = "CANCELLED".into();
    tenant::save_status(tx, call, &mut held)?;
    Ok(held)
}

/// Takes back whatever wish is open: the tenant goes.
pub fn cancel_open(held: &mut Held, comment: &str) {
    if let Some(request) = open(held) {
        request.state = "CANCELLED".into();
        request.comment = Some(comment.to_owned());
    }
}

/// What an operator decides about an open wish.
pub struct Decision {
    /// Whether it is granted.
    pub approve: bool,
    /// Values in place of those asked for.
    pub quotas: Option<BTreeMap<String, i64>>,
    /// Why.
    pub comment: Option<String>,
}

/// Decides an open wish. Other values than those asked for need a reason.
pub fn decide(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    platform: &Platform,
    (mut held, id): (Held, &str),
    decision: Decision,
) -> Outcome<Held> {
    refuse_leaving(&held)?;
    let Decision { approve, quotas, comment } = decision;
    let request = open_with(&mut held, id)?;
    if (quotas.is_some() || !approve) && comment.as_deref().is_none_or(|text| text.trim().is_empty()) {
        let problem = "is required when the request is declined or granted with other values";
        return Err(Refusal::invalid("comment", problem).into());
    }
    let granted = quotas.unwrap_or_else(|| request.quotas.clone());
    request.state = if approve { "APPROVED" } else { "DECLINED" }.into();
    request.decided_by = Some(call.actor.author());
    request.comment = comment;
    if approve {
        check_bounds(platform, &granted, "quotas")?;
        request.quotas.clone_from(&granted);
    }
    settle(tx, call, allowed, held, approve.then_some(granted))
}

/// Sets quotas directly, as the operator; an open wish for the same keys is void then.
pub fn set(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    platform: &Platform,
    mut held: Held,
    quotas: &BTreeMap<String, i64>,
) -> Outcome<Held> {
    refuse_leaving(&held)?;
    check_bounds(platform, quotas, "quotas")?;
    if let Some(request) = open(&mut held)
        && request.quotas.keys().any(|key| quotas.contains_key(key))
    {
        request.state = "CANCELLED".into();
        request.decided_by = Some(call.actor.author());
        request.comment = Some("The operator set these quotas directly.".into());
    }
    grant(tx, call, allowed, held, quotas)
}

/// Overwrites the explicit quotas with those of an import; missing keys are the landing zone's again.
pub fn overwrite(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    mut held: Held,
    quotas: BTreeMap<String, i64>,
) -> Outcome<Object> {
    refuse_leaving(&held)?;
    let platform = crate::platform::by_id(tx, held.tenant.platform)?;
    let platform = platform.ok_or(stoa_core::Fault::Corrupt { what: "platform of a tenant" })?;
    check_bounds(&platform.platform, &quotas, "spec.quotas")?;
    if held.tenant.quotas == quotas {
        return Ok(held.object);
    }
    held.tenant.quotas = quotas;
    let object = replace(tx, call, allowed, held, "Tenant Quotas Changed")?;
    tenant::wake(tx, call, object.id)?;
    Ok(object)
}
