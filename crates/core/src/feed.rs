//! The one ordered feed of changes. Events are written with the change; the sequencer numbers and chains
//! them once they are committed, so that no reader can skip a late one.

use crate::call::Call;
use crate::guard::Visibility;
use crate::outcome::Outcome;
use crate::secrets::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use stoa_base::{Moment, ObjectId, RunId, new_uuid};
use stoa_db::{DbError, Engine, Row, Sql, Tx};
use tokio::sync::watch;

/// What happened to an object, as clients of the feed see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It came into being.
    Created,
    /// It changed.
    Changed,
    /// It is gone.
    Deleted,
    /// A run waits for its runner.
    Queued,
    /// A run got a report.
    Reported,
}

impl Deed {
    /// As the feed says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Changed => "Changed",
            Self::Deleted => "Deleted",
            Self::Queued => "Queued",
            Self::Reported => "Reported",
        }
    }
}

/// One entry to be written. With a `title` it is part of the audit trail (`api-core.md` §4.3).
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Kind of the object.
    pub kind: &'a str,
    /// The object.
    pub object: ObjectId,
    /// Workspace that owns it.
    pub workspace: Option<&'a str>,
    /// Workspaces that operate it.
    pub managers: &'a [&'a str],
    /// What happened.
    pub deed: Deed,
    /// The run concerned.
    pub run: Option<RunId>,
    /// The runner who has to look.
    pub runner: Option<ObjectId>,
    /// Category in the audit trail.
    pub title: Option<&'a str>,
    /// One sentence for people.
    pub description: String,
    /// State afterwards as JSON, secrets removed; see [`crate::secrets::redacted`].
    pub content: String,
    /// State before, likewise.
    pub previous: Option<String>,
}

impl<'a> Entry<'a> {
    /// An entry of the feed that is not part of the audit trail.
    pub fn plain(kind: &'a str, object: ObjectId, workspace: Option<&'a str>, deed: Deed) -> Self {
        Self {
            kind,
            object,
            workspace,
            managers: &[],
            deed,
            run: None,
            runner: None,
            title: None,
            description: String::new(),
            content: "null".into(),
            previous: None,
        }
    }
}

const INSERT: Sql = Sql::new(
    "INSERT INTO event (id, at, kind, object, workspace, managers, action, run, runner, title, description,
        author_type, author, content, previous, request, seq, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
);

/// Writes an entry with the change that it tells of. The writer of SQLite is alone: it numbers and chains the
/// entry at once. On PostgreSQL [`sequence`] does so after the commit.
pub fn record(tx: &mut Tx, call: &Call, entry: Entry<'_>) -> Outcome<()> {
    let id = new_uuid().to_string();
    let (object, action) = (entry.object.to_string(), entry.deed.word());
    let place = match tx.engine() {
        Engine::Postgres => None,
        Engine::Sqlite => {
            let (seq, hash) = last(tx)?;
            let author = call.actor.author();
            let event = Chained {
                id: &id,
                at: call.now.micros(),
                texts: [
                    Some(entry.kind),
                    Some(&object),
                    Some(action),
                    entry.title,
                    Some(&author),
                    Some(&entry.content),
                    entry.previous.as_deref(),
                ],
            };
            Some((seq + 1, link(&hash, seq + 1, &event)))
        }
    };
    let (seq, hash) = place.unzip();
    tx.run(
        &INSERT,
        &[
            id.into(),
            call.now.micros().into(),
            entry.kind.into(),
            object.into(),
            entry.workspace.into(),
            format!(",{},", entry.managers.join(",")).into(),
            action.into(),
            entry.run.map(|run| run.0).into(),
            entry.runner.map(|runner| runner.0).into(),
            entry.title.into(),
            entry.description.into(),
            call.actor.author_type().into(),
            call.actor.author().into(),
            entry.content.into(),
            entry.previous.into(),
            call.request.as_str().into(),
            seq.into(),
            hash.into(),
        ],
    )?;
    Ok(())
}

/// An event as read back.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its id, which is `metadata.uuid` of its meshEventLog.
    pub id: String,
    /// Its place in the feed.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// Kind of the object.
    pub kind: String,
    /// The object's uuid.
    pub object: String,
    /// Workspace that owns it.
    pub workspace: Option<String>,
    /// Operating workspaces, each between commas.
    pub managers: String,
    /// [`Deed::word`].
    pub action: String,
    /// The run concerned.
    pub run: Option<String>,
    /// The runner who has to look.
    pub runner: Option<String>,
    /// Category in the audit trail.
    pub title: Option<String>,
    /// For people.
    pub description: String,
    /// Kind of author.
    pub author_type: String,
    /// Who.
    pub author: String,
    /// State afterwards.
    pub content: Value,
    /// State before.
    pub previous: Option<Value>,
    /// The request that did it, as its caller and the log know it.
    pub request: String,
}

/// Columns of [`Event`], in the order [`Event::read`] expects.
pub const COLUMNS: &str = "e.id, e.seq, e.at, e.kind, e.object, e.workspace, e.managers, e.action, e.run, \
    e.runner, e.title, e.description, e.author_type, e.author, e.content, e.previous, e.request";

impl Event {
    /// Reads a row of [`COLUMNS`].
    pub fn read(row: &Row) -> Result<Self, DbError> {
        let json = |text: String| serde_json::from_str(&text).unwrap_or_default();
        Ok(Self {
            id: row.get(0)?,
            seq: row.get::<Option<i64>>(1)?.unwrap_or_default(),
            at: Moment::from_micros(row.get(2)?),
            kind: row.get(3)?,
            object: row.get(4)?,
            workspace: row.get(5)?,
            managers: row.get(6)?,
            action: row.get(7)?,
            run: row.get(8)?,
            runner: row.get(9)?,
            title: row.get(10)?,
            description: row.get(11)?,
            author_type: row.get(12)?,
            author: row.get(13)?,
            content: json(row.get(14)?),
            previous: row.get::<Option<String>>(15)?.map(json),
            request: row.get(16)?,
        })
    }

    /// Whether someone with this visibility of the object's kind may see the event.
    pub fn is_visible_to(&self, seen: &Visibility) -> bool {
        let managed = |home: &String| self.managers.contains(&format!(",{home},"));
        seen.all
            || seen.own.is_some() && seen.own == self.workspace
            || seen.managed.as_ref().is_some_and(managed)
    }
}

/// Events after `seq`, oldest first, at most `limit`; `run` keeps to one run's.
pub fn after(tx: &mut Tx, seq: i64, run: Option<RunId>, limit: i64) -> Outcome<Vec<Event>> {
    let of_run = if run.is_some() { "AND e.run = $3" } else { "" };
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM event e WHERE e.seq > $1 {of_run} ORDER BY e.seq LIMIT $2"
    ));
    let mut args = vec![seq.into(), limit.into()];
    args.extend(run.map(|run| run.0.into()));
    Ok(tx.all(&sql, &args, Event::read)?)
}

const BEHIND: Sql = Sql::new("SELECT count(*) FROM event WHERE run = $1 AND (seq IS NULL OR seq > $2)");

/// Whether a run has events after `seq`, numbered already or not.
pub fn goes_on(tx: &mut Tx, run: RunId, seq: i64) -> Outcome<bool> {
    Ok(tx.one(&BEHIND, &[run.0.into(), seq.into()], |row| row.get::<i64>(0))? > 0)
}

const NEWEST: Sql = Sql::new("SELECT coalesce(max(seq), 0) FROM event");

/// The newest place in the feed.
pub fn newest(tx: &mut Tx) -> Outcome<i64> {
    Ok(tx.one(&NEWEST, &[], |row| row.get(0))?)
}

const UNNUMBERED: Sql = Sql::new("SELECT EXISTS (SELECT 1 FROM event WHERE seq IS NULL)");

/// Whether anything committed has no place in the feed yet.
pub fn is_behind(tx: &mut Tx) -> Outcome<bool> {
    Ok(tx.one(&UNNUMBERED, &[], |row| row.get(0))?)
}

/// In the order of writing. Whoever changes an object holds its row until the commit, so changes of one object
/// are in the order they were made; ids would follow the clocks of several machines.
const UNSEQUENCED: Sql = Sql::differs(
    "SELECT id, at, kind, object, action, title, author, content, previous FROM event
     WHERE seq IS NULL ORDER BY rowid LIMIT 1000",
    "SELECT id, at, kind, object, action, title, author, content, previous FROM event
     WHERE seq IS NULL ORDER BY place LIMIT 1000 FOR UPDATE",
);
const LAST: Sql = Sql::new("SELECT seq, hash FROM event WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1");
const SEQUENCE: Sql = Sql::new("UPDATE event SET seq = $2, hash = $3 WHERE id = $1");
/// Only one sequencer at a time; the writer of SQLite is alone anyway.
const LOCK: Sql = Sql::differs("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7305808)) held");

/// What the chain holds of an event.
struct Chained<'a> {
    id: &'a str,
    at: i64,
    texts: [Option<&'a str>; 7],
}

/// The same as read back.
type Stored = (String, i64, [Option<String>; 7]);

fn stored(row: &Row) -> Result<Stored, DbError> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?],
    ))
}

fn chained((id, at, texts): &Stored) -> Chained<'_> {
    Chained { id, at: *at, texts: texts.each_ref().map(Option::as_deref) }
}

/// The newest number and its hash.
fn last(tx: &mut Tx) -> Result<(i64, String), DbError> {
    let last = tx.maybe(&LAST, &[], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    Ok(last.unwrap_or_default())
}

/// The link of the hash chain for one event behind `previous`.
fn link(previous: &str, seq: i64, Chained { id, at, texts }: &Chained<'_>) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        // Lengths keep `ab`+`c` apart from `a`+`bc`.
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    add(previous);
    add(&seq.to_string());
    add(id);
    add(&at.to_string());
    for text in texts {
        add(text.unwrap_or("\u{0}"));
    }
    hex(&hash.finalize())
}

/// Numbers and chains what is committed and not yet numbered; returns how many. On PostgreSQL it runs after the
/// commit, by whoever holds the lock; on SQLite there is nothing to do, unless an earlier program left it.
pub fn sequence(tx: &mut Tx) -> Result<usize, DbError> {
    tx.all(&LOCK, &[], |_| Ok(()))?;
    let fresh = tx.all(&UNSEQUENCED, &[], stored)?;
    if fresh.is_empty() {
        return Ok(0);
    }
    let (mut seq, mut hash) = last(tx)?;
    for event in &fresh {
        seq += 1;
        hash = link(&hash, seq, &chained(event));
        tx.run(&SEQUENCE, &[event.0.as_str().into(), seq.into(), hash.as_str().into()])?;
    }
    Ok(fresh.len())
}

const CHAIN: Sql = Sql::new(
    "SELECT id, at, kind, object, action, title, author, content, previous, seq, hash FROM event
     WHERE seq > $1 ORDER BY seq LIMIT 1000",
);

/// Walks the whole chain; returns the first place where it does not hold.
pub fn verify(tx: &mut Tx) -> Outcome<Option<i64>> {
    let (mut seq, mut hash) = (0, String::new());
    loop {
        let rows = tx.all(&CHAIN, &[seq.into()], |row| {
            Ok((stored(row)?, row.get::<i64>(9)?, row.get::<Option<String>>(10)?))
        })?;
        if rows.is_empty() {
            return Ok(None);
        }
        for (event, found, stored) in rows {
            seq += 1;
            hash = link(&hash, seq, &chained(&event));
            if found != seq || stored.as_deref() != Some(hash.as_str()) {
                return Ok(Some(seq));
            }
        }
    }
}

/// Wakes readers of the feed after a commit, or after another process moved it on.
#[derive(Clone, Debug)]
pub struct Bell {
    rung: watch::Sender<u64>,
}

impl Default for Bell {
    fn default() -> Self {
        Self { rung: watch::Sender::new(0) }
    }
}

impl Bell {
    /// Tells everybody to look.
    pub fn ring(&self) {
        self.rung.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A listener; it hears what is rung from now on.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.rung.subscribe()
    }
}
