//! What a successful run of a tenant's block means for the tenant (`api-building-blocks.md` §3.4,
//! `domain-platforms.md` §9.3).

use crate::block::model::{BlockOutput, Ordered};
use crate::block::on_tenant;
use crate::version::wire::OutputAssignment;
use std::collections::BTreeMap;
use stoa_core::feed::{self, Deed, Entry};
use stoa_core::{Call, Fault, Outcome};
use stoa_db::Tx;
use stoa_tenancy::tenant;

/// Hands outputs to the block's tenant: its id on the platform, where to sign in. The reason when the id cannot
/// be taken; then the run has failed and nothing changed.
pub fn to_tenant(
    tx: &mut Tx,
    call: &Call,
    ordered: &Ordered,
    outputs: &BTreeMap<String, BlockOutput>,
) -> Outcome<Option<String>> {
    let Some(on) = &ordered.block.tenant else { return Ok(None) };
    let of = |wanted| {
        let output = outputs.values().find(|output| output.assignment_type == wanted);
        output.map(|output| output.value.as_str().unwrap_or_default().to_owned())
    };
    let (id, sign_in) = (of(OutputAssignment::PlatformTenantId), of(OutputAssignment::SignInUrl));
    if id.is_none() && sign_in.is_none() {
        return Ok(None);
    }
    if id.is_some() {
        let found = tenant::by_id(tx, on.uuid)?.ok_or(Fault::Corrupt { what: "tenant of a block" })?;
        tenant::hold_platform(tx, found.tenant.platform)?;
    }
    let mut held =
        tenant::by_id_for_update(tx, on.uuid)?.ok_or(Fault::Corrupt { what: "tenant of a block" })?;
    if let Some(id) = &id
        && let Some(problem) = tenant::refuse_platform_id(tx, &held, id)?
    {
        return Ok(Some(problem));
    }
    let before = held.status.platform_tenant_id.clone();
    if let Some(url) = sign_in.filter(|url| !url.is_empty()) {
        held.status.sign_in = Some((ordered.object.id, url));
    }
    if id.is_some() {
        held.status.platform_tenant_id.clone_from(&id);
    }
    tenant::save_status(tx, call, &mut held)?;
    if id.is_some() && id != before {
        let (was, is) = (before.unwrap_or_default(), id.unwrap_or_default());
        let description = if was.is_empty() {
            format!("Tenant '{}' got the platform tenant id '{is}'.", held.object.key)
        } else {
            format!("The platform tenant id of '{}' changed from '{was}' to '{is}'.", held.object.key)
        };
        let entry = Entry {
            title: Some("Tenant Platform Id Changed"),
            description,
            managers: &[&ordered.block.operator],
            ..Entry::plain(tenant::KIND, held.object.id, Some(held.workspace()), Deed::Changed)
        };
        feed::record(tx, call, entry)?;
        on_tenant::wake(tx, call, on.uuid)?;
    }
    Ok(None)
}
