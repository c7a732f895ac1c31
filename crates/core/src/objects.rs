//! The store of declared objects: one table for every kind, with references, facets and history. Each write
//! asks for the proof that it was allowed and leaves its event.

use crate::call::Call;
use crate::document::Document;
use crate::feed::{self, Deed, Entry};
use crate::followers;
use crate::guard::{Allowed, lacks};
use crate::labels;
use crate::outcome::{Error, Fault, Outcome};
use crate::permission::{Action, Resource};
use crate::secrets::redacted;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use stoa_base::{Moment, ObjectId, Refusal, RunId};
use stoa_db::{DbError, Row, Sql, Tx};

/// A declared object as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// `metadata.uuid`, also of kinds that do not show one.
    pub id: ObjectId,
    /// Kind, for example `meshProject`.
    pub kind: String,
    /// Natural key, unique within the kind among the living; the uuid for kinds without names.
    pub key: String,
    /// Workspace that owns it.
    pub workspace: Option<String>,
    /// Counts declared changes, from 1.
    pub version: i64,
    /// When it was created.
    pub created_at: Moment,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Moment>,
    /// What was declared.
    pub doc: Document,
    /// What was observed.
    pub status: Document,
    /// What showing it takes from elsewhere, as its kind gathers it; never stored.
    pub gathered: Value,
}

/// Columns of [`Object`], in the order [`Object::read`] expects.
pub const COLUMNS: &str =
    "o.id, o.kind, o.key, o.workspace, o.version, o.created_at, o.deleted_at, o.doc, o.status";

impl Object {
    /// Reads a row of [`COLUMNS`].
    pub fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get::<String>(0)?.parse().unwrap_or_default(),
            kind: row.get(1)?,
            key: row.get(2)?,
            workspace: row.get(3)?,
            version: row.get(4)?,
            created_at: Moment::from_micros(row.get(5)?),
            deleted_at: row.get::<Option<i64>>(6)?.map(Moment::from_micros),
            doc: Document::stored(row.get(7)?),
            status: Document::stored(row.get(8)?),
            gathered: Value::Null,
        })
    }

    /// The declared document as its kind's type.
    pub fn doc<T: DeserializeOwned>(&self) -> Outcome<T> {
        self.doc.read().map_err(|_| Fault::Corrupt { what: "document" }.into())
    }

    /// The observed status as its kind's type.
    pub fn status<T: DeserializeOwned>(&self) -> Outcome<T> {
        self.status.read().map_err(|_| Fault::Corrupt { what: "status" }.into())
    }

    /// The owning workspace; kinds that always have one rely on it.
    pub fn owner(&self) -> &str {
        self.workspace.as_deref().unwrap_or_default()
    }
}

/// Everything about an object that its kind decides.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// What is declared.
    pub doc: Value,
    /// What is observed; kept as it is on [`replace`] when null.
    pub status: Value,
    /// What lists filter on.
    pub facets: Vec<(&'static str, String)>,
    /// What it leans on: relation and target.
    pub references: Vec<(&'static str, ObjectId)>,
}

/// How an audit entry reads.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Category, for example `Project Created`.
    pub title: &'a str,
    /// One sentence.
    pub description: String,
    /// Workspaces that operate the object.
    pub managers: Vec<&'a str>,
}

impl<'a> Told<'a> {
    /// An entry of this category with one sentence.
    pub fn new(title: &'a str, description: impl Into<String>) -> Self {
        Self { title, description: description.into(), managers: Vec::new() }
    }

    /// The same, visible to the workspaces that operate the object.
    #[must_use]
    pub fn to_managers(mut self, managers: &[&'a str]) -> Self {
        self.managers = managers.to_vec();
        self
    }
}

const INSERT: Sql = Sql::new(
    "INSERT INTO object (id, kind, key, workspace, version, created_at, updated_at, doc, status)
     VALUES ($1, $2, $3, $4, 1, $5, $5, $6, $7)",
);

/// Creates an object. A living one with the same kind and key is a conflict.
pub fn insert(
    tx: &mut Tx,
    call: &Call,
    _allowed: Allowed,
    (id, kind, key, workspace): (ObjectId, &'static str, &str, Option<&str>),
    draft: Draft,
    told: Told<'_>,
) -> Outcome<Object> {
    let object = Object {
        id,
        kind: kind.into(),
        key: key.into(),
        workspace: workspace.map(Into::into),
        version: 1,
        created_at: call.now,
        deleted_at: None,
        doc: draft.doc.into(),
        status: draft.status.into(),
        gathered: Value::Null,
    };
    let text = object.doc.to_string();
    let shown = shown(&object.doc, &text);
    let row = [
        id.0.into(),
        kind.into(),
        key.into(),
        workspace.into(),
        call.now.micros().into(),
        text.into(),
        object.status.to_string().into(),
    ];
    tx.run(&INSERT, &row).map_err(|error| match error {
        DbError::Unique { .. } => Error::from(Refusal::Conflict {
            code: "Conflict",
            message: format!("A {kind} with identifier '{key}' already exists."),
            remarks: Vec::new(),
        }),
        other => other.into(),
    })?;
    set_facets(tx, &object, &draft.facets)?;
    labels::set(tx, &object)?;
    add_references(tx, id, &draft.references)?;
    remember(tx, call, &object, &shown)?;
    tell(tx, call, &object, Deed::Created, told, (shown, None))?;
    Ok(object)
}

/// A document as others may see it, as text. Only documents with members that begin with `$` hold something back.
fn shown(doc: &Value, text: &str) -> String {
    if text.contains("\"$") { redacted(doc).to_string() } else { text.to_owned() }
}

const REPLACE: Sql = Sql::new(
    "UPDATE object SET doc = $2, status = coalesce($3, status), version = version + 1, updated_at = $4
     WHERE id = $1 RETURNING version",
);

/// Replaces what is declared. Nothing changed means nothing written: no version, no event.
pub fn replace(
    tx: &mut Tx,
    call: &Call,
    _allowed: Allowed,
    old: &Object,
    draft: Draft,
    told: Told<'_>,
) -> Outcome<Object> {
    let same_status = draft.status.is_null() || old.status == draft.status;
    if old.doc == draft.doc && same_status {
        return Ok(old.clone());
    }
    rewrite(tx, call, old, old.clone(), draft, told)
}

const HAND_OVER: Sql = Sql::new("UPDATE object SET workspace = $2 WHERE id = $1");

/// Gives an object to another workspace, and replaces what is declared with it.
pub fn hand_over(
    tx: &mut Tx,
    call: &Call,
    _allowed: Allowed,
    old: &Object,
    workspace: &str,
    draft: Draft,
    told: Told<'_>,
) -> Outcome<Object> {
    tx.run(&HAND_OVER, &[old.id.0.into(), workspace.into()])?;
    followers::left(tx, call, old.id)?;
    let object = Object { workspace: Some(workspace.into()), ..old.clone() };
    rewrite(tx, call, old, object, draft, told)
}

fn rewrite(
    tx: &mut Tx,
    call: &Call,
    old: &Object,
    mut object: Object,
    draft: Draft,
    told: Told<'_>,
) -> Outcome<Object> {
    // What was observed meanwhile stays, unless this change is about it.
    let observed = (!draft.status.is_null()).then(|| draft.status.to_string());
    let status = if draft.status.is_null() { old.status.clone() } else { draft.status.into() };
    object.doc = draft.doc.into();
    object.status = status;
    let text = object.doc.to_string();
    let shown = shown(&object.doc, &text);
    let row = [old.id.0.into(), text.into(), observed.into(), call.now.micros().into()];
    // Another writer may have been faster: the last write wins, each under a version of its own.
    object.version = tx.one(&REPLACE, &row, |row| row.get(0))?;
    set_facets(tx, &object, &draft.facets)?;
    labels::follow(tx, old, &object)?;
    set_references(tx, old.id, &draft.references)?;
    remember(tx, call, &object, &shown)?;
    let before = redacted(&old.doc).to_string();
    tell(tx, call, &object, Deed::Changed, told, (shown, Some(before)))?;
    Ok(object)
}

const AMEND: Sql = Sql::new(
    "UPDATE object SET doc = $2, version = version + 1, updated_at = $3 WHERE id = $1 RETURNING version",
);

/// Changes a part of what is declared that neither lists nor references follow, such as a tag. Of a deleted
/// object only what it shows changes: nobody is told.
pub fn amend(
    tx: &mut Tx,
    call: &Call,
    _allowed: Allowed,
    old: &Object,
    doc: Value,
    told: Told<'_>,
) -> Outcome<()> {
    let text = doc.to_string();
    let shown = shown(&doc, &text);
    let row = [old.id.0.into(), text.into(), call.now.micros().into()];
    let mut object = Object { doc: doc.into(), ..old.clone() };
    object.version = tx.one(&AMEND, &row, |row| row.get(0))?;
    labels::follow(tx, old, &object)?;
    remember(tx, call, &object, &shown)?;
    if object.deleted_at.is_some() {
        return Ok(());
    }
    let before = redacted(&old.doc).to_string();
    tell(tx, call, &object, Deed::Changed, told, (shown, Some(before)))
}

const OBSERVE: Sql = Sql::new("UPDATE object SET status = $2, updated_at = $3 WHERE id = $1");

/// Records what was observed of an object: no new version, but an event of the feed.
pub fn observe(
    tx: &mut Tx,
    call: &Call,
    object: &mut Object,
    status: Value,
    managers: &[&str],
    run: Option<RunId>,
) -> Outcome<()> {
    if object.status == status {
        return Ok(());
    }
    let was = std::mem::replace(&mut object.status, status.into());
    labels::follow_status(tx, &was, object)?;
    tx.run(&OBSERVE, &[object.id.0.into(), object.status.to_string().into(), call.now.micros().into()])?;
    let entry = Entry {
        managers,
        run,
        ..Entry::plain(&object.kind, object.id, object.workspace.as_deref(), Deed::Changed)
    };
    feed::record(tx, call, entry)
}

const NOTE: Sql = Sql::new("UPDATE object SET status = $2 WHERE id = $1");

/// Notes something about an object that is no change of it, such as a last login: no version, no event.
pub fn note(tx: &mut Tx, id: ObjectId, status: &Value) -> Outcome<()> {
    tx.run(&NOTE, &[id.0.into(), status.to_string().into()])?;
    Ok(())
}

const REKEY: Sql = Sql::new("UPDATE object SET key = $2 WHERE id = $1");

/// Gives an object another natural key.
pub fn rekey(tx: &mut Tx, _allowed: Allowed, object: &mut Object, key: &str) -> Outcome<()> {
    let kind = object.kind.clone();
    tx.run(&REKEY, &[object.id.0.into(), key.into()]).map_err(|error| match error {
        DbError::Unique { .. } => {
            Error::from(Refusal::conflict(format!("A {kind} with identifier '{key}' already exists.")))
        }
        other => other.into(),
    })?;
    key.clone_into(&mut object.key);
    labels::set(tx, object)
}

const BURY: Sql = Sql::new("UPDATE object SET deleted_at = $2, updated_at = $2 WHERE id = $1");

/// Deletes softly: the object stays readable where its kind says so, and leans on nothing any more.
pub fn bury(tx: &mut Tx, call: &Call, _allowed: Allowed, object: &mut Object, told: Told<'_>) -> Outcome<()> {
    object.deleted_at = Some(call.now);
    tx.run(&BURY, &[object.id.0.into(), call.now.micros().into()])?;
    set_references(tx, object.id, &[])?;
    followers::left(tx, call, object.id)?;
    let shown = redacted(&object.doc).to_string();
    tell(tx, call, object, Deed::Deleted, told, (shown, None))
}

const REMOVE: Sql = Sql::new("DELETE FROM object WHERE id = $1");

/// Deletes for good. Whoever still leans on it makes this a conflict that names the first few.
pub fn remove(tx: &mut Tx, call: &Call, _allowed: Allowed, object: &Object, told: Told<'_>) -> Outcome<()> {
    refuse_in_use(tx, object, &[])?;
    followers::left(tx, call, object.id)?;
    let shown = redacted(&object.doc).to_string();
    tell(tx, call, object, Deed::Deleted, told, (shown, None))?;
    tx.run(&REMOVE, &[object.id.0.into()])?;
    Ok(())
}

const FORGET: Sql = Sql::new("DELETE FROM reference WHERE target = $1");

/// Deletes for good although others lean on it: their references to it go with it.
pub fn remove_from_under(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    object: &Object,
    told: Told<'_>,
) -> Outcome<()> {
    tx.run(&FORGET, &[object.id.0.into()])?;
    remove(tx, call, allowed, object, told)
}

const BY_ID: &str = "WHERE o.id = $1 AND o.kind = $2";

/// The object of this kind and uuid, deleted or not.
pub fn by_id(tx: &mut Tx, kind: &str, id: ObjectId) -> Outcome<Option<Object>> {
    let sql = Sql::built(format!("SELECT {COLUMNS} FROM object o {BY_ID}"));
    Ok(tx.maybe(&sql, &[id.0.into(), kind.into()], Object::read)?)
}

/// The same, for writing: on PostgreSQL the row is locked against other writers.
pub fn by_id_for_update(tx: &mut Tx, kind: &str, id: ObjectId) -> Outcome<Option<Object>> {
    let lock = match tx.engine() {
        stoa_db::Engine::Sqlite => "",
        stoa_db::Engine::Postgres => "FOR UPDATE",
    };
    let sql = Sql::built(format!("SELECT {COLUMNS} FROM object o {BY_ID} {lock}"));
    Ok(tx.maybe(&sql, &[id.0.into(), kind.into()], Object::read)?)
}

/// The living object with this uuid, whatever its kind.
pub fn by_id_of_any_kind(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Object>> {
    let sql = Sql::built(format!("SELECT {COLUMNS} FROM object o WHERE o.id = $1 AND o.deleted_at IS NULL"));
    Ok(tx.maybe(&sql, &[id.0.into()], Object::read)?)
}

/// The object that a client names by uuid; text that is no uuid names nothing.
pub fn by_uuid_text(tx: &mut Tx, kind: &str, text: &str) -> Outcome<Option<Object>> {
    text.parse().map_or(Ok(None), |id| by_id(tx, kind, id))
}

/// The living object of this kind and key.
pub fn by_key(tx: &mut Tx, kind: &str, key: &str) -> Outcome<Option<Object>> {
    living(tx, kind, key, "")
}

/// The same, with a lock that PostgreSQL takes; the writer of SQLite is alone anyway.
fn living(tx: &mut Tx, kind: &str, key: &str, lock: &str) -> Outcome<Option<Object>> {
    let lock = match tx.engine() {
        stoa_db::Engine::Sqlite => "",
        stoa_db::Engine::Postgres => lock,
    };
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM object o WHERE o.kind = $1 AND o.key = $2 AND o.deleted_at IS NULL {lock}"
    ));
    Ok(tx.maybe(&sql, &[kind.into(), key.into()], Object::read)?)
}

/// Keys as one parameter: a JSON array of texts.
const BY_KEYS: Sql = Sql::differs(
    "SELECT o.key, o.doc FROM object o
     WHERE o.kind = $1 AND o.deleted_at IS NULL AND o.key IN (SELECT value FROM json_each($2))",
    "SELECT o.key, o.doc FROM object o
     WHERE o.kind = $1 AND o.deleted_at IS NULL
        AND o.key IN (SELECT jsonb_array_elements_text(CAST(CAST($2 AS TEXT) AS JSONB)))",
);

/// Keys and documents of the living objects of this kind with these keys, in one statement: what a page of a list
/// shows of other objects.
pub fn docs_by_keys<T: DeserializeOwned>(
    tx: &mut Tx,
    kind: &str,
    keys: impl IntoIterator<Item = String>,
) -> Outcome<HashMap<String, T>> {
    let keys: BTreeSet<String> = keys.into_iter().collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = serde_json::to_string(&keys)?;
    let read = |row: &Row<'_>| Ok((row.get::<String>(0)?, row.get::<String>(1)?));
    let found = tx.all(&BY_KEYS, &[kind.into(), keys.into()], read)?;
    found.into_iter().map(|(key, doc)| Ok((key, serde_json::from_str(&doc)?))).collect()
}

/// The living object of this kind and key, or the one deleted last.
pub fn by_key_even_deleted(tx: &mut Tx, kind: &str, key: &str) -> Outcome<Option<Object>> {
    if let Some(living) = by_key(tx, kind, key)? {
        return Ok(Some(living));
    }
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM object o WHERE o.kind = $1 AND o.key = $2 AND o.deleted_at IS NOT NULL
         ORDER BY o.deleted_at DESC LIMIT 1"
    ));
    Ok(tx.maybe(&sql, &[kind.into(), key.into()], Object::read)?)
}

/// The living object of this kind and key, for writing: on PostgreSQL the row is locked against other writers.
pub fn by_key_for_update(tx: &mut Tx, kind: &str, key: &str) -> Outcome<Option<Object>> {
    living(tx, kind, key, "FOR UPDATE")
}

/// The living object of this kind and key, which nobody deletes before the transaction ends: it may be leaned on.
pub fn hold(tx: &mut Tx, kind: &str, key: &str) -> Outcome<Option<Object>> {
    living(tx, kind, key, "FOR KEY SHARE")
}

/// The same, and whoever asks this of it next waits until the transaction ends.
pub fn hold_alone(tx: &mut Tx, kind: &str, key: &str) -> Outcome<Option<Object>> {
    living(tx, kind, key, "FOR NO KEY UPDATE")
}

/// The writer of SQLite is alone anyway.
const LOCK: Sql =
    Sql::differs("SELECT id FROM object WHERE id = $1", "SELECT id FROM object WHERE id = $1 FOR UPDATE");

/// Keeps an object from other writers until the transaction ends; its document is not read for it.
pub fn lock(tx: &mut Tx, id: ObjectId) -> Outcome<()> {
    tx.maybe(&LOCK, &[id.0.into()], |_| Ok(()))?;
    Ok(())
}

const VERSION: Sql =
    Sql::new("SELECT version FROM object WHERE id = $1 AND kind = $2 AND deleted_at IS NULL");

/// The version counter of a living object: enough to know whether what was read before still holds.
pub fn version_of(tx: &mut Tx, kind: &str, id: ObjectId) -> Outcome<Option<i64>> {
    Ok(tx.maybe(&VERSION, &[id.0.into(), kind.into()], |row| row.get(0))?)
}

/// Deleted objects of a kind with this facet and value.
pub fn deleted_with(tx: &mut Tx, kind: &str, facet: &str, value: &str) -> Outcome<Vec<Object>> {
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM facet f JOIN object o ON o.id = f.object
         WHERE f.name = $1 AND f.value = $2 AND o.kind = $3 AND o.deleted_at IS NOT NULL
         ORDER BY o.created_at, o.id"
    ));
    Ok(tx.all(&sql, &[facet.into(), value.into(), kind.into()], Object::read)?)
}

/// Living objects that lean on `target`, oldest first; at most `limit`.
pub fn referrers(tx: &mut Tx, target: ObjectId, relation: Option<&str>, limit: i64) -> Outcome<Vec<Object>> {
    let of_relation = if relation.is_some() { "AND r.relation = $3" } else { "" };
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM reference r JOIN object o ON o.id = r.source
         WHERE r.target = $1 AND o.deleted_at IS NULL {of_relation} ORDER BY o.created_at, o.id LIMIT $2"
    ));
    let mut args = vec![target.0.into(), limit.into()];
    args.extend(relation.map(Into::into));
    Ok(tx.all(&sql, &args, Object::read)?)
}

/// Living objects that lean, by the relation `outer`, on living ones that lean on `target` by `inner`; oldest first,
/// at most `limit`.
pub fn referrers_of_referrers(
    tx: &mut Tx,
    target: ObjectId,
    (inner, outer): (&str, &str),
    limit: i64,
) -> Outcome<Vec<Object>> {
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM reference i JOIN reference u ON u.target = i.source JOIN object o ON o.id = u.source
         WHERE i.target = $1 AND i.relation = $2 AND u.relation = $3 AND o.deleted_at IS NULL
         ORDER BY o.created_at, o.id LIMIT $4"
    ));
    Ok(tx.all(&sql, &[target.0.into(), inner.into(), outer.into(), limit.into()], Object::read)?)
}

/// Tells the areas whose things name this object that it goes.
pub fn tell_leaving(tx: &mut Tx, call: &Call, object: &Object) -> Outcome<()> {
    for (kind, leaving) in call.world.leaving {
        if *kind == object.kind {
            leaving(tx, call, object)?;
        }
    }
    Ok(())
}

/// Living objects that a workspace owns, of the given kind.
pub fn owned_by(tx: &mut Tx, workspace: &str, kind: &str, limit: i64) -> Outcome<Vec<Object>> {
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM object o WHERE o.workspace = $1 AND o.kind = $2 AND o.deleted_at IS NULL
         ORDER BY o.created_at, o.id LIMIT $3"
    ));
    Ok(tx.all(&sql, &[workspace.into(), kind.into(), limit.into()], Object::read)?)
}

const USING_KINDS: Sql = Sql::new(
    "SELECT o.kind, count(DISTINCT o.id) FROM reference r JOIN object o ON o.id = r.source
     WHERE r.target = $1 AND o.deleted_at IS NULL GROUP BY o.kind ORDER BY o.kind",
);
const USERS_OF_KIND: Sql = Sql::new(
    "SELECT o.key FROM object o WHERE o.kind = $2 AND o.deleted_at IS NULL
        AND o.id IN (SELECT r.source FROM reference r WHERE r.target = $1)
     ORDER BY o.created_at, o.id LIMIT 5",
);

/// A conflict when living objects, other than of the kinds in `except`, lean on this one. It names the first few
/// of every kind.
pub fn refuse_in_use(tx: &mut Tx, object: &Object, except: &[&str]) -> Outcome<()> {
    let mut kinds: Vec<(String, i64)> =
        tx.all(&USING_KINDS, &[object.id.0.into()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    kinds.retain(|(kind, _)| !except.contains(&kind.as_str()));
    if kinds.is_empty() {
        return Ok(());
    }
    let mut names = Vec::new();
    for (kind, _) in &kinds {
        let keys: Vec<String> =
            tx.all(&USERS_OF_KIND, &[object.id.0.into(), kind.into()], |row| row.get(0))?;
        names.extend(keys.into_iter().map(|key| format!("{kind}[{key}]")));
    }
    let all: i64 = kinds.iter().map(|(_, count)| count).sum();
    let unnamed = all - i64::try_from(names.len()).unwrap_or(all);
    let more = if unnamed > 0 { format!(" and {unnamed} more") } else { String::new() };
    Err(Refusal::Conflict {
        code: "Conflict",
        message: format!("{} '{}' is still in use by {}{more}.", object.kind, object.key, names.join(", ")),
        remarks: names,
    }
    .into())
}

/// How many living objects a workspace owns of a kind.
pub fn count_owned(tx: &mut Tx, workspace: &str, kind: &str) -> Outcome<i64> {
    const COUNT: Sql =
        Sql::new("SELECT count(*) FROM object WHERE workspace = $1 AND kind = $2 AND deleted_at IS NULL");
    Ok(tx.one(&COUNT, &[workspace.into(), kind.into()], |row| row.get(0))?)
}

/// The object a client addressed, or the refusal it is entitled to (`api-core.md` §1.3, steps 7 and 8).
pub fn found(
    found: Option<Object>,
    call: &Call,
    (resource, action): (Resource, Action),
    kind: &'static str,
    key: &str,
) -> Outcome<Object> {
    if !call.actor.holds_any(resource, action) {
        return Err(lacks(resource, action).into());
    }
    found.ok_or_else(|| Refusal::missing(kind, key).into())
}

const DROP_FACETS: Sql = Sql::new("DELETE FROM facet WHERE object = $1");
const SET_FACET: Sql = Sql::new("UPDATE facet SET value = $3 WHERE object = $1 AND name = $2");

fn set_facets(tx: &mut Tx, object: &Object, facets: &[(&'static str, String)]) -> Outcome<()> {
    if object.version > 1 {
        tx.run(&DROP_FACETS, &[object.id.0.into()])?;
    }
    add_facets(tx, object, facets)
}

fn add_facets(tx: &mut Tx, object: &Object, facets: &[(&str, String)]) -> Outcome<()> {
    // Some rows per statement: each statement is a round trip to PostgreSQL. Few lengths, so that all are prepared.
    for facets in facets.chunks(ROWS) {
        let rows: Vec<String> =
            (0..facets.len()).map(|row| format!("($1, ${}, ${}, $2)", 2 * row + 3, 2 * row + 4)).collect();
        let sql = Sql::built(format!(
            "INSERT INTO facet (object, name, value, created_at) VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        ));
        let mut values = vec![object.id.0.into(), object.created_at.micros().into()];
        values.extend(facets.iter().flat_map(|(name, value)| [(*name).into(), value.into()]));
        tx.run(&sql, &values)?;
    }
    Ok(())
}

/// Files an object anew, when what lists find it by follows another object: no version, no event.
pub fn refile(tx: &mut Tx, object: &Object, facets: &[(&'static str, String)]) -> Outcome<()> {
    tx.run(&DROP_FACETS, &[object.id.0.into()])?;
    set_facets(tx, &Object { version: 1, ..object.clone() }, facets)
}

/// Most rows that one statement adds.
const ROWS: usize = 12;

const HAS_FACET: Sql = Sql::new("SELECT count(*) FROM facet WHERE object = $1 AND name = $2 AND value = $3");

/// Whether an object has this facet and value; its document is not read for it.
pub fn has_facet(tx: &mut Tx, id: ObjectId, name: &str, value: &str) -> Outcome<bool> {
    Ok(tx.one(&HAS_FACET, &[id.0.into(), name.into(), value.into()], |row| row.get::<i64>(0))? > 0)
}

/// Changes one single-valued facet that follows the status.
pub fn set_facet(tx: &mut Tx, id: ObjectId, name: &str, value: &str) -> Outcome<()> {
    tx.run(&SET_FACET, &[id.0.into(), name.into(), value.into()])?;
    Ok(())
}

const DROP_FACET: Sql = Sql::new("DELETE FROM facet WHERE object = $1 AND name = $2");

/// Gives an object this one value of a facet that follows the status, or none.
pub fn replace_facet(tx: &mut Tx, object: &Object, name: &str, value: Option<&str>) -> Outcome<()> {
    replace_facets(tx, object, name, value.map(str::to_owned).into_iter().collect())
}

/// Gives an object these values of one facet, in the place of those it has.
pub fn replace_facets(tx: &mut Tx, object: &Object, name: &str, values: Vec<String>) -> Outcome<()> {
    tx.run(&DROP_FACET, &[object.id.0.into(), name.into()])?;
    let facets: Vec<(&str, String)> = values.into_iter().map(|value| (name, value)).collect();
    add_facets(tx, object, &facets)
}

const DROP_REFERENCES: Sql = Sql::new("DELETE FROM reference WHERE source = $1");

fn set_references(tx: &mut Tx, id: ObjectId, references: &[(&'static str, ObjectId)]) -> Outcome<()> {
    tx.run(&DROP_REFERENCES, &[id.0.into()])?;
    add_references(tx, id, references)
}

fn add_references(tx: &mut Tx, id: ObjectId, references: &[(&'static str, ObjectId)]) -> Outcome<()> {
    for references in references.chunks(ROWS) {
        let rows: Vec<String> =
            (0..references.len()).map(|row| format!("($1, ${}, ${})", 2 * row + 2, 2 * row + 3)).collect();
        let sql = Sql::built(format!(
            "INSERT INTO reference (source, relation, target) VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        ));
        let mut values = vec![id.0.into()];
        values.extend(references.iter().flat_map(|(relation, target)| [(*relation).into(), target.0.into()]));
        tx.run(&sql, &values)?;
    }
    Ok(())
}

const REMEMBER: Sql =
    Sql::new("INSERT INTO history (object, version, at, author, doc) VALUES ($1, $2, $3, $4, $5)");

/// A version that an object had.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its number.
    pub version: i64,
    /// Since when.
    pub at: Moment,
    /// Type and identifier of who declared it, with `:` between.
    pub author: String,
    /// What was declared, secrets removed.
    pub doc: Value,
}

const HISTORY: Sql =
    Sql::new("SELECT version, at, author, doc FROM history WHERE object = $1 ORDER BY version DESC LIMIT $2");

/// The newest versions of an object, at most `limit`.
pub fn history(tx: &mut Tx, id: ObjectId, limit: i64) -> Outcome<Vec<Past>> {
    let read = |row: &Row<'_>| {
        Ok(Past {
            version: row.get(0)?,
            at: Moment::from_micros(row.get(1)?),
            author: row.get(2)?,
            doc: serde_json::from_str(&row.get::<String>(3)?).unwrap_or_default(),
        })
    };
    Ok(tx.all(&HISTORY, &[id.0.into(), limit.into()], read)?)
}

fn remember(tx: &mut Tx, call: &Call, object: &Object, shown: &str) -> Outcome<()> {
    tx.run(
        &REMEMBER,
        &[
            object.id.0.into(),
            object.version.into(),
            call.now.micros().into(),
            format!("{}:{}", call.actor.author_type(), call.actor.author()).into(),
            shown.into(),
        ],
    )?;
    Ok(())
}

fn tell(
    tx: &mut Tx,
    call: &Call,
    object: &Object,
    deed: Deed,
    told: Told<'_>,
    (content, previous): (String, Option<String>),
) -> Outcome<()> {
    let entry = Entry {
        managers: &told.managers,
        title: Some(told.title),
        description: told.description,
        content,
        previous,
        ..Entry::plain(&object.kind, object.id, object.workspace.as_deref(), deed)
    };
    feed::record(tx, call, entry)
}
