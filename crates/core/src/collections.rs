//! Object collections of the declarative import: what one import brought in, so that the next can tell what is
//! missing from it (`api-core.md` §5).

use crate::call::Call;
use crate::guard::Allowed;
use crate::objects::{self, Draft, Object, Told};
use crate::outcome::Outcome;
use serde_json::json;
use stoa_base::{ObjectId, Refusal};
use stoa_db::{Sql, Tx};

/// The kind's name. It is served by no path of its own.
pub const KIND: &str = "meshObjectCollection";

fn key(owner: &str, name: &str) -> String {
    format!("{owner}/{name}")
}

/// The collection of this owner and name.
pub fn find(tx: &mut Tx, owner: &str, name: &str) -> Outcome<Option<Object>> {
    objects::by_key(tx, KIND, &key(owner, name))
}

/// Makes a collection. An owner's name twice is a conflict.
pub fn create(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    (owner, name): (&str, &str),
    description: Option<&str>,
) -> Outcome<()> {
    for (field, text) in [("owner", owner), ("name", name)] {
        if text.trim().is_empty() || text.contains('/') || text.chars().any(char::is_control) {
            let problem = "must be printable, not blank and without `/`";
            return Err(Refusal::invalid(field, problem).into());
        }
    }
    let draft = Draft {
        doc: json!({ "owner": owner, "name": name, "description": description }),
        status: json!({}),
        ..Draft::default()
    };
    let told =
        Told::new("Object Collection Created", format!("Collection '{name}' of '{owner}' was created."));
    let key = key(owner, name);
    objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &key, None), draft, told)?;
    Ok(())
}

/// Deletes a collection that has no members any more.
pub fn delete(tx: &mut Tx, call: &Call, allowed: Allowed, (owner, name): (&str, &str)) -> Outcome<()> {
    let found = find(tx, owner, name)?;
    let collection = found.ok_or_else(|| Refusal::missing(KIND, key(owner, name)))?;
    let members = members(tx, collection.id)?;
    if !members.is_empty() {
        let message = format!("Collection '{name}' of '{owner}' is not empty.");
        let remarks = members.iter().take(5).map(|(kind, key)| format!("{kind}[{key}]")).collect();
        return Err(Refusal::Conflict { code: "Conflict", message, remarks }.into());
    }
    let told =
        Told::new("Object Collection Deleted", format!("Collection '{name}' of '{owner}' was deleted."));
    objects::remove(tx, call, allowed, &collection, told)
}

const MEMBERS: Sql =
    Sql::new("SELECT kind, key FROM collection_member WHERE collection = $1 ORDER BY kind, key");

/// Kinds and keys of a collection's members.
pub fn members(tx: &mut Tx, collection: ObjectId) -> Outcome<Vec<(String, String)>> {
    Ok(tx.all(&MEMBERS, &[collection.0.into()], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

const JOIN: Sql = Sql::new(
    "INSERT INTO collection_member (collection, kind, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
);

/// Makes an object a member.
pub fn join(tx: &mut Tx, collection: ObjectId, kind: &str, key: &str) -> Outcome<()> {
    tx.run(&JOIN, &[collection.0.into(), kind.into(), key.into()])?;
    Ok(())
}

const LEAVE: Sql = Sql::new("DELETE FROM collection_member WHERE collection = $1 AND kind = $2 AND key = $3");

/// An object is a member no more.
pub fn leave(tx: &mut Tx, collection: ObjectId, kind: &str, key: &str) -> Outcome<()> {
    tx.run(&LEAVE, &[collection.0.into(), kind.into(), key.into()])?;
    Ok(())
}
