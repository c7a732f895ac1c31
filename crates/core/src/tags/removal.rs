//! What happens to values whose definition goes (`api-core.md` §1.13): they go too, the first thousand at once,
//! the others soon.

use super::Target;
use crate::call::Call;
use crate::guard::{Allowed, Scope};
use crate::objects::{self, Told};
use crate::outcome::Outcome;
use crate::permission::{Action, Resource};
use serde_json::Value;
use stoa_base::{Moment, ObjectId};
use stoa_db::{Sql, Tx};

/// Name of the controller that removes what was too much for one transaction.
pub const CONTROLLER: &str = "tag-values";
/// How many objects one transaction changes.
const BATCH: i64 = 1000;

/// Objects of a kind that carry a tag, unless they were declared anew since their tag's definition went: then
/// they were admitted against what has held since. LIKE rules out most of them before JSON is read.
const CARRIERS: [Sql; 2] = [
    Sql::differs(
        "SELECT o.id FROM object o WHERE o.kind = $1 AND o.deleted_at IS NULL AND o.doc LIKE $3
            AND json_type(o.doc, '$.tags.\"' || $2 || '\"') IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM history h WHERE h.object = o.id AND h.version = o.version AND h.at > $4)
         ORDER BY o.created_at, o.id LIMIT $5",
        "SELECT o.id FROM object o WHERE o.kind = $1 AND o.deleted_at IS NULL AND o.doc LIKE $3
            AND (o.doc::json -> 'tags' -> $2) IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM history h WHERE h.object = o.id AND h.version = o.version AND h.at > $4)
         ORDER BY o.created_at, o.id LIMIT $5",
    ),
    Sql::differs(
        "SELECT o.id FROM object o WHERE o.kind = $1 AND o.deleted_at IS NOT NULL AND o.doc LIKE $3
            AND json_type(o.doc, '$.tags.\"' || $2 || '\"') IS NOT NULL AND o.deleted_at <= $4
         ORDER BY o.created_at, o.id LIMIT $5",
        "SELECT o.id FROM object o WHERE o.kind = $1 AND o.deleted_at IS NOT NULL AND o.doc LIKE $3
            AND (o.doc::json -> 'tags' -> $2) IS NOT NULL AND o.deleted_at <= $4
         ORDER BY o.created_at, o.id LIMIT $5",
    ),
];

/// Removes the values of a key from all objects of a target, deleted ones too, as its definition goes now.
pub fn remove_values(tx: &mut Tx, call: &Call, allowed: Allowed, target: Target, key: &str) -> Outcome<()> {
    if remove_some(tx, call, allowed, (target, key), call.now)? {
        let rest = format!("{target}.{key}/{}", call.now.micros());
        crate::work::schedule(tx, CONTROLLER, &rest, call.now)?;
    }
    Ok(())
}

/// The controller: goes on where one transaction had enough.
pub fn look(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Some((name, at)) = key.rsplit_once('/') else { return Ok(None) };
    let Some((target, key)) = name.split_once('.') else { return Ok(None) };
    let (Some(target), Ok(at)) = (Target::of(target), at.parse()) else { return Ok(None) };
    let allowed = call.may(Resource::TagDefinition, Action::Delete, &Scope::installation())?;
    let more = remove_some(tx, call, allowed, (target, key), Moment::from_micros(at))?;
    Ok(more.then_some(call.now))
}

/// Removes the values from the next objects; whether there are more.
fn remove_some(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    (target, key): (Target, &str),
    gone: Moment,
) -> Outcome<bool> {
    let mut left = BATCH;
    for kind in target.kinds() {
        for carriers in &CARRIERS {
            let args = [
                (*kind).into(),
                key.into(),
                format!("%\"{key}\"%").into(),
                gone.micros().into(),
                left.into(),
            ];
            let ids: Vec<String> = tx.all(carriers, &args, |row| row.get(0))?;
            for id in &ids {
                let id: ObjectId = id.parse().unwrap_or_default();
                remove_one(tx, call, allowed, (kind, id), (target, key))?;
            }
            left -= i64::try_from(ids.len()).unwrap_or(left);
            if left == 0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn remove_one(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    (kind, id): (&str, ObjectId),
    (target, key): (Target, &str),
) -> Outcome<()> {
    let Some(object) = objects::by_id_for_update(tx, kind, id)? else { return Ok(()) };
    let mut doc = (*object.doc).clone();
    if let Some(tags) = doc.get_mut("tags").and_then(Value::as_object_mut) {
        tags.shift_remove(key);
        // Lists of definitions are narrowed by tags.
        if target == Target::Definition {
            objects::replace_facets(tx, &object, super::FACET, super::facets(tags))?;
        }
    }
    let why = format!("Tag '{key}' of {kind} '{}' went with its definition.", object.key);
    objects::amend(tx, call, allowed, &object, doc, Told::new(title(target, kind), why))
}

/// What losing a value is called in the audit trail.
fn title(target: Target, kind: &str) -> &'static str {
    match target {
        Target::Workspace => "Workspace Tags Changed",
        Target::Project => "Project Tags Changed",
        Target::LandingZone => "Landing Zone Tags Changed",
        Target::Definition => "Building Block Definition Changed",
        Target::PaymentMethod => "Payment Method Changed",
        Target::ProjectRole => "Project Role Changed",
        Target::Principal if kind == "meshUser" => "User Changed",
        Target::Principal => "Workspace Group Changed",
    }
}
