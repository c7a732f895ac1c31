//! The table of local accounts.

use crate::user;
use stoa_base::{Moment, ObjectId};
use stoa_core::Outcome;
use stoa_core::objects::{self, Object};
use stoa_db::{Sql, Tx};

const HASH: Sql = Sql::new("SELECT password FROM account WHERE person = $1");

/// Somebody's account: the user, and the hash of the password.
pub fn by_username(tx: &mut Tx, username: &str) -> Outcome<Option<(Object, String)>> {
    let Some(user) = objects::by_key(tx, user::KIND, username)? else { return Ok(None) };
    let hash: Option<String> = tx.maybe(&HASH, &[user.id.0.into()], |row| row.get(0))?;
    Ok(hash.map(|hash| (user, hash)))
}

/// The hash of somebody's password, if they have an account.
pub fn hash_of(tx: &mut Tx, person: ObjectId) -> Outcome<Option<String>> {
    Ok(tx.maybe(&HASH, &[person.0.into()], |row| row.get(0))?)
}

const SET: Sql = Sql::new(
    "INSERT INTO account (person, password, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (person) DO UPDATE SET password = $2, changed_at = $3",
);

/// Gives somebody a password.
pub fn set(tx: &mut Tx, person: ObjectId, hash: &str, now: Moment) -> Outcome<()> {
    tx.run(&SET, &[person.0.into(), hash.into(), now.micros().into()])?;
    Ok(())
}

const FORGET: Sql = Sql::new("DELETE FROM account WHERE person = $1");

/// Takes somebody's account away; says whether there was one.
pub fn forget(tx: &mut Tx, person: ObjectId) -> Outcome<bool> {
    Ok(tx.run(&FORGET, &[person.0.into()])? > 0)
}
