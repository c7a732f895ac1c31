//! Who may do what, as something that changes.

use stoa_base::ObjectId;
use stoa_core::{Call, Outcome, work};
use stoa_db::{Sql, Tx};

/// Name of the controller that is told when somebody's roles changed: its keys are `<workspace>` or
/// `<workspace>.<project>`.
pub const CHANGED: &str = "people";

/// The people of `place`, a workspace or `<workspace>.<project>`, changed.
pub fn changed(tx: &mut Tx, call: &Call, place: &str) -> Outcome<()> {
    work::schedule(tx, CHANGED, place, call.now)
}

const HOMES: Sql = Sql::new(
    "SELECT DISTINCT b.workspace FROM reference s JOIN object b ON b.id = s.source
     WHERE s.relation = 'subject' AND b.workspace IS NOT NULL
        AND s.target IN (SELECT CAST($1 AS TEXT) UNION
            SELECT m.source FROM reference m WHERE m.target = $1 AND m.relation = 'member')
     ORDER BY b.workspace",
);

/// Workspaces in which a user or group holds something, directly or by a group.
pub fn homes(tx: &mut Tx, principal: ObjectId) -> Outcome<Vec<String>> {
    Ok(tx.all(&HOMES, &[principal.0.into()], |row| row.get(0))?)
}

/// A user or group changed: everywhere it holds something.
pub fn changed_everywhere(tx: &mut Tx, call: &Call, principal: ObjectId) -> Outcome<()> {
    for home in homes(tx, principal)? {
        changed(tx, call, &home)?;
    }
    Ok(())
}
