//! The pass after a new generation: whatever is wrapped by an earlier one is brought to it, a few values per
//! transaction, from where the last transaction ended. Hashes, versions and events stay as they are.

use super::ring;
use super::vault::HEAD_BYTES;
use crate::call::Call;
use crate::outcome::Outcome;
use crate::secrets::SEALED;
use crate::work;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::time::Duration;
use stoa_base::Moment;
use stoa_db::{Sql, Tx};

/// Rows looked at in one transaction.
const PAGE: i64 = 200;
/// Bytes rewritten in one transaction, about.
const BUDGET: usize = 4 << 20;
/// When a value is looked at again, because other servers may have written with the generation before.
const SECOND_LOOK: Duration = Duration::from_mins(2);
/// When to look again until this server has loaded the generation.
const NOT_YET: Duration = Duration::from_secs(5);

/// A table with wrapped values: a text and a number name a row.
pub struct Target {
    /// The controller that walks it.
    pub controller: &'static str,
    /// Names and the first five bytes of values behind `($1, $2)`, at most `$3`, in order.
    pub list: Sql,
    /// The value of a row.
    pub read: Sql,
    /// Sets it, to `$3`.
    pub write: Sql,
}

/// The controller that walks [`BLOBS`].
pub const BLOBS_WALKER: &str = "rewrap-blobs";
/// Saved plans and other large values.
pub static BLOBS: Target = Target {
    controller: BLOBS_WALKER,
    list: Sql::new(
        "SELECT id, CAST(0 AS BIGINT), substr(sealed, 1, 5) FROM blob
         WHERE id > $1 AND $2 >= CAST(-1 AS BIGINT) ORDER BY id LIMIT $3",
    ),
    read: Sql::new("SELECT sealed FROM blob WHERE id = $1 AND $2 >= CAST(-1 AS BIGINT)"),
    write: Sql::new("UPDATE blob SET sealed = $3 WHERE id = $1 AND $2 >= CAST(-1 AS BIGINT)"),
};
/// The controller that walks documents with secrets that the server keeps.
pub const DOCUMENTS: &str = "rewrap-documents";

/// Controllers of the kernel's own tables.
pub const CONTROLLERS: &[(&str, work::Look)] =
    &[(BLOBS_WALKER, |tx, call, _| values(tx, call, &BLOBS)), (DOCUMENTS, |tx, call, _| documents(tx, call))];

/// How far a pass is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Whose.
    pub target: String,
    /// The generation it brings values to.
    pub generation: u32,
    /// How many it rewrote.
    pub total: i64,
    /// When it ended, if it has.
    pub done_at: Option<Moment>,
    after: (String, i64),
    changed: i64,
}

const BEGIN: Sql = Sql::new(
    "INSERT INTO rewrap (target, generation, after_key, after_place, changed, total, done_at)
     VALUES ($1, $2, '', -1, 0, 0, NULL)
     ON CONFLICT (target) DO UPDATE SET generation = excluded.generation, after_key = '', after_place = -1,
        changed = 0, total = 0, done_at = NULL",
);
const PROGRESS: Sql = Sql::new(
    "SELECT target, generation, after_key, after_place, changed, total, done_at FROM rewrap ORDER BY target",
);
const ADVANCE: Sql = Sql::new(
    "UPDATE rewrap SET after_key = $2, after_place = $3, changed = $4, total = $5, done_at = $6 WHERE target = $1",
);

/// Begins a pass towards `generation`.
pub(super) fn begin(tx: &mut Tx, controller: &'static str, generation: u32, at: Moment) -> Outcome<()> {
    tx.run(&BEGIN, &[controller.into(), generation.into()])?;
    work::schedule(tx, controller, "all", at)
}

/// How far all passes are.
pub fn progress(tx: &mut Tx) -> Outcome<Vec<Progress>> {
    Ok(tx.all(&PROGRESS, &[], |row| {
        Ok(Progress {
            target: row.get(0)?,
            generation: row.get(1)?,
            after: (row.get(2)?, row.get(3)?),
            changed: row.get(4)?,
            total: row.get(5)?,
            done_at: row.get::<Option<i64>>(6)?.map(Moment::from_micros),
        })
    })?)
}

/// The pass to go on with here, or when to look again.
fn current(tx: &mut Tx, call: &Call, controller: &str) -> Outcome<Result<Progress, Option<Moment>>> {
    let found = progress(tx)?.into_iter().find(|progress| progress.target == controller);
    Ok(match found {
        None => Err(None),
        Some(progress) if call.world.vault.generation() < progress.generation => {
            Err(Some(call.now + NOT_YET))
        }
        Some(progress) => Ok(progress),
    })
}

impl Progress {
    fn rewrote(&mut self) {
        self.changed += 1;
        self.total += 1;
    }

    /// Notes where the next transaction begins, if there is one.
    fn advance(mut self, tx: &mut Tx, call: &Call, more: bool) -> Outcome<Option<Moment>> {
        let mut next = None;
        if more {
            next = Some(call.now);
        } else if self.changed > 0 && ring::is_shared(tx.engine()) {
            next = Some(call.now + SECOND_LOOK);
            self.after = (String::new(), -1);
            self.changed = 0;
        } else {
            self.done_at = Some(call.now);
            tracing::info!(
                target = self.target,
                values = self.total,
                "all values are wrapped by the newest key"
            );
        }
        let row = [
            self.target.into(),
            self.after.0.into(),
            self.after.1.into(),
            self.changed.into(),
            self.total.into(),
            self.done_at.map(Moment::micros).into(),
        ];
        tx.run(&ADVANCE, &row)?;
        Ok(next)
    }
}

/// One step over a table of values.
pub fn values(tx: &mut Tx, call: &Call, target: &Target) -> Outcome<Option<Moment>> {
    let mut progress = match current(tx, call, target.controller)? {
        Ok(progress) => progress,
        Err(later) => return Ok(later),
    };
    let vault = &call.world.vault;
    let from = [progress.after.0.as_str().into(), progress.after.1.into(), PAGE.into()];
    let rows = tx.all(&target.list, &from, |row| {
        Ok((row.get::<String>(0)?, row.get::<i64>(1)?, row.get::<Vec<u8>>(2)?))
    })?;
    let mut more = rows.len() == usize::try_from(PAGE).unwrap_or_default();
    let mut bytes = 0;
    for (key, place, head) in rows {
        if bytes >= BUDGET {
            more = true;
            break;
        }
        let name = [key.as_str().into(), place.into()];
        let sealed = if head.len() == HEAD_BYTES && vault.is_current(&head) {
            None
        } else {
            tx.maybe(&target.read, &name, |row| row.get::<Vec<u8>>(0))?
        };
        if let Some(sealed) = sealed {
            bytes += sealed.len();
            match vault.rewrap(&sealed) {
                Ok(fresh) => {
                    let [key, place] = name;
                    tx.run(&target.write, &[key, place, fresh.into()])?;
                    progress.rewrote();
                }
                Err(error) => {
                    tracing::error!(target = target.controller, key, place, %error, "a value stays under its earlier key");
                }
            }
        }
        progress.after = (key, place);
    }
    progress.advance(tx, call, more)
}

const LIST_DOCUMENTS: Sql =
    Sql::new("SELECT id, (doc LIKE $2) FROM object WHERE id > $1 ORDER BY id LIMIT $3");
const READ_DOCUMENT: Sql = Sql::new("SELECT doc FROM object WHERE id = $1");
const WRITE_DOCUMENT: Sql = Sql::new("UPDATE object SET doc = $2 WHERE id = $1 AND doc = $3");

fn documents(tx: &mut Tx, call: &Call) -> Outcome<Option<Moment>> {
    let mut progress = match current(tx, call, DOCUMENTS)? {
        Ok(progress) => progress,
        Err(later) => return Ok(later),
    };
    let has_secret = format!("%\"{SEALED}\"%");
    let from = [progress.after.0.as_str().into(), has_secret.into(), PAGE.into()];
    let rows = tx.all(&LIST_DOCUMENTS, &from, |row| Ok((row.get::<String>(0)?, row.get::<bool>(1)?)))?;
    let more = rows.len() == usize::try_from(PAGE).unwrap_or_default();
    for (id, is_candidate) in rows {
        if is_candidate
            && let Some(text) = tx.maybe(&READ_DOCUMENT, &[id.as_str().into()], |row| row.get::<String>(0))?
        {
            let mut doc: Value = serde_json::from_str(&text)?;
            if rewrap_in(call, &mut doc) {
                tx.run(&WRITE_DOCUMENT, &[id.as_str().into(), doc.to_string().into(), text.into()])?;
                progress.rewrote();
            }
        }
        progress.after = (id, 0);
    }
    progress.advance(tx, call, more)
}

/// Rewraps the secrets in a document that the server keeps itself. Their hashes stay.
fn rewrap_in(call: &Call, value: &mut Value) -> bool {
    match value {
        Value::Object(members) if members.contains_key(SEALED) => {
            let sealed = members.get(SEALED).and_then(Value::as_str);
            let Some(wrapped) = sealed.filter(|_| members.get("key").is_some_and(|key| key == "server"))
            else {
                return false;
            };
            let Ok(wrapped) = STANDARD.decode(wrapped) else { return false };
            if call.world.vault.is_current(&wrapped) {
                return false;
            }
            let Ok(fresh) = call.world.vault.rewrap(&wrapped) else {
                tracing::error!("a secret in a document stays under its earlier key");
                return false;
            };
            members.insert(SEALED.into(), STANDARD.encode(fresh).into());
            true
        }
        Value::Object(members) => members.values_mut().fold(false, |any, value| rewrap_in(call, value) | any),
        Value::Array(items) => items.iter_mut().fold(false, |any, value| rewrap_in(call, value) | any),
        _ => false,
    }
}
