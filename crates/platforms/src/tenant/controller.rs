//! Brings tenants on their way: what their building blocks, landing zone and deletion make of them
//! (`domain-platforms.md` §5).

use super::{deletion, quotas};
use crate::landing_zone::{self, Zone};
use crate::platform::{self, Instance};
use stoa_base::{Moment, ObjectId};
use stoa_blocks::block::model::{BlockState, Ordered};
use stoa_blocks::block::on_tenant;
use stoa_core::waiting::Waiting;
use stoa_core::{Call, Fault, Outcome, work};
use stoa_db::Tx;
use stoa_tenancy::tenant::{self, Held, Phase, Status, Tenant};

/// Name of the controller that runs a tenant's blocks again because its applied quotas changed.
pub const QUOTAS: &str = "tenant-quotas";

/// Looks at one tenant, by its uuid.
pub fn look(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Ok(id) = key.parse::<ObjectId>() else { return Ok(None) };
    let Some(found) = tenant::by_id(tx, id)?.filter(|held| held.object.deleted_at.is_none()) else {
        return Ok(None);
    };
    if !found.status.phase.is_active() {
        return deletion::go_on(tx, call, found);
    }
    let Some(mut held) = tenant::by_id_for_update(tx, id)? else { return Ok(None) };
    if held.status.phase.is_active() {
        settle(tx, call, &mut held)?;
    }
    Ok(None)
}

/// Runs the blocks of a tenant again that can read its applied quotas.
pub fn look_at_quotas(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Ok(id) = key.parse() else { return Ok(None) };
    on_tenant::apply_quotas(tx, call, id)?;
    Ok(None)
}

/// Finds out where an active tenant stands, and writes it.
pub fn settle(tx: &mut Tx, call: &Call, held: &mut Held) -> Outcome<()> {
    let platform = platform::by_id(tx, held.tenant.platform)?;
    let platform = platform.ok_or(Fault::Corrupt { what: "platform of a tenant" })?;
    let zone = zone_of(tx, held)?;
    let applied = quotas::applied(&platform.platform, zone.as_ref(), &held.tenant.quotas);
    if applied != held.status.applied_quotas {
        held.status.applied_quotas = applied;
        if held.tenant.is_custom {
            work::schedule(tx, QUOTAS, &held.object.id.to_string(), call.now)?;
        }
    }
    let mut blocks = on_tenant::of_tenant(tx, held.object.id)?;
    blocks.retain(|block| block.block.is_mandatory());
    let (phase, waiting) =
        standing(call, (held.object.id, &held.tenant, &held.status), &platform, zone.as_ref(), &blocks);
    held.status.phase = phase;
    let before = held.status.waiting.take();
    held.status.waiting = waiting.map(|waiting| waiting.going_on(before.as_ref()));
    tenant::save_status(tx, call, held)
}

/// The landing zone of a tenant.
pub fn zone_of(tx: &mut Tx, held: &Held) -> Outcome<Option<Zone>> {
    match &held.tenant.landing_zone {
        Some(name) => landing_zone::by_name(tx, name),
        None => Ok(None),
    }
}

/// Where an active tenant stands, and why it is not there yet. "Ready" needs its id on the platform and all
/// mandatory blocks (`domain-platforms.md` §5.1).
pub fn standing(
    call: &Call,
    (id, tenant, status): (ObjectId, &Tenant, &Status),
    platform: &Instance,
    zone: Option<&Zone>,
    blocks: &[Ordered],
) -> (Phase, Option<Waiting>) {
    let named =
        |block: &Ordered| format!("building block {} ({})", block.block.display_name, block.object.id);
    let failed = |block: &&Ordered| matches!(block.status.status, BlockState::Failed | BlockState::Aborted);
    if let Some(block) = blocks.iter().find(failed) {
        let who = format!("the operators in workspace {}", block.block.operator);
        let waiting = Waiting::new(call.now, "BUILDING_BLOCK_FAILED", named(block), who);
        return (Phase::Failed, Some(waiting));
    }
    if let Some(block) = blocks.iter().find(|block| block.status.status != BlockState::Succeeded) {
        let waiting = block.status.waiting.clone().map_or_else(
            || Waiting::new(call.now, "BUILDING_BLOCK_PENDING", named(block), "Stoa"),
            |inner| Waiting { blocker: format!("{}: {}", named(block), inner.blocker), ..inner },
        );
        let started = status.phase != Phase::Requested || block.status.status == BlockState::InProgress;
        return (if started { Phase::Replicating } else { Phase::Requested }, Some(waiting));
    }
    if status.platform_tenant_id.is_some() {
        return (Phase::Ready, None);
    }
    let waiting = if tenant.is_custom {
        let owner = zone.map_or(platform.object.owner(), |zone| zone.object.owner());
        let name = zone.map_or("none", |zone| zone.object.key.as_str());
        Waiting::new(
            call.now,
            "NO_PLATFORM_TENANT_ID_OUTPUT",
            format!("landing zone {name}: no mandatory building block has a PLATFORM_TENANT_ID output"),
            format!("the operators in workspace {owner}"),
        )
    } else {
        let owner = platform.object.owner();
        let configured =
            platform.platform.settings().is_some_and(|settings| !settings["replication"].is_null());
        let (reason, blocker) = if configured {
            ("REPLICATOR_MISSING", "this version of Stoa has no replicator for the platform type")
        } else {
            ("REPLICATION_NOT_CONFIGURED", "the platform's config has no `replication` block")
        };
        let who = format!(
            "the operators in workspace {owner}, who can give the tenant its id by hand \
             (PUT /api/stoa/v1/tenants/{id}/platform-tenant-id)",
        );
        Waiting::new(call.now, reason, blocker, who)
    };
    (Phase::Requested, Some(waiting))
}
