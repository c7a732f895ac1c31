//! Objects that follow another one without holding it: they do not keep it alive, and somebody looks at them
//! once it is gone.

use crate::call::Call;
use crate::objects::{COLUMNS, Object};
use crate::outcome::Outcome;
use crate::work;
use stoa_base::ObjectId;
use stoa_db::{Sql, Tx};

/// The facet of a follower; its value is the uuid of what it follows.
pub const FACET: &str = "follows";
/// Name of the controller that is told, by uuid, what is gone.
pub const CONTROLLER: &str = "followers";

const ANY: Sql = Sql::new("SELECT EXISTS (SELECT 1 FROM facet WHERE name = 'follows' AND value = $1)");

/// Tells the controller that an object is gone, if anything followed it.
pub fn left(tx: &mut Tx, call: &Call, gone: ObjectId) -> Outcome<()> {
    if tx.one(&ANY, &[gone.0.into()], |row| row.get(0))? {
        work::schedule(tx, CONTROLLER, &gone.to_string(), call.now)?;
    }
    Ok(())
}

/// What follows an object, oldest first; at most `limit`.
pub fn of(tx: &mut Tx, followed: &str, limit: i64) -> Outcome<Vec<Object>> {
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM facet f JOIN object o ON o.id = f.object
         WHERE f.name = 'follows' AND f.value = $1 AND o.deleted_at IS NULL
         ORDER BY f.created_at, f.object LIMIT $2"
    ));
    Ok(tx.all(&sql, &[followed.into(), limit.into()], Object::read)?)
}
