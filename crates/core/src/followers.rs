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
/// Name of the controller that is told, by uuid, what is gone or moved.
pub const CONTROLLER: &str = "followers";

const ANY: Sql = Sql::new("SELECT EXISTS (SELECT 1 FROM facet WHERE name = 'follows' AND value = $1)");

/// Tells the controller that an object is gone, or went to another workspace, if anything follows it.
pub fn left(tx: &mut Tx, call: &Call, gone: ObjectId) -> Outcome<()> {
    if tx.one(&ANY, &[gone.0.into()], |row| row.get(0))? {
        work::schedule(tx, CONTROLLER, &gone.to_string(), call.now)?;
    }
    Ok(())
}

const HOME: Sql = Sql::new("SELECT workspace FROM object WHERE id = $1 AND deleted_at IS NULL");
const MOVE: Sql = Sql::new(
    "UPDATE object SET workspace = $2 WHERE kind = $3 AND deleted_at IS NULL AND id IN
        (SELECT object FROM facet WHERE name = 'follows' AND value = $1)",
);

/// Lets followers of a kind belong to the workspace that what they follow belongs to by now; whether it lives.
pub fn go_along(tx: &mut Tx, followed: &str, kind: &str) -> Outcome<bool> {
    let Some(home) = tx.maybe(&HOME, &[followed.into()], |row| row.get::<Option<String>>(0))? else {
        return Ok(false);
    };
    tx.run(&MOVE, &[followed.into(), home.into(), kind.into()])?;
    Ok(true)
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
