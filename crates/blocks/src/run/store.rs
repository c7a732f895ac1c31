//! The tables of runs: every statement about them.

use super::model::{COLUMNS, Run, RunState};
use serde_json::Value;
use sha2::{Digest, Sha256};
use stoa_base::{Moment, ObjectId, RunId};
use stoa_core::listing::Page;
use stoa_core::secrets::hex;
use stoa_core::{Outcome, labels};
use stoa_db::{DbError, Row, Sql, Tx};

/// Longest system message of a step in bytes; of a longer one head and tail are kept.
const LOG_MAX: usize = 4 << 20;
const LOG_HEAD: usize = 64 << 10;
/// Longest user message in bytes.
const USER_MESSAGE_MAX: usize = 64 << 10;

const INSERT: Sql = Sql::new(
    "INSERT INTO run (id, block, definition, version, runner, implementation, hands_over, workspace, owner,
        runner_owner, number, behavior, reason, author, state, epoch, attempts, created_at, plan_of)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
        (SELECT coalesce(max(number), 0) + 1 FROM run WHERE block = $2), $11, $12, $13, 'QUEUED', 0, 0, $14, $15)",
);

/// What a new run is made of.
pub struct NewRun<'a> {
    /// Its uuid.
    pub id: RunId,
    /// Block, definition, version and runner.
    pub of: (ObjectId, ObjectId, ObjectId, ObjectId),
    /// `TERRAFORM` and so on, and whether the runner hands over.
    pub implementation: (&'a str, bool),
    /// Consumer, owner of the definition, owner of the runner.
    pub workspaces: (&'a str, &'a str, &'a str),
    /// `APPLY` and so on.
    pub behavior: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who.
    pub author: &'a Value,
    /// The dry run whose plan it replays.
    pub plan_of: Option<RunId>,
}

/// Queues a run under the block's next number.
pub fn insert(tx: &mut Tx, run: &NewRun<'_>, now: Moment) -> Outcome<()> {
    let (block, definition, version, runner) = run.of;
    tx.run(
        &INSERT,
        &[
            run.id.0.into(),
            block.0.into(),
            definition.0.into(),
            version.0.into(),
            runner.0.into(),
            run.implementation.0.into(),
            run.implementation.1.into(),
            run.workspaces.0.into(),
            run.workspaces.1.into(),
            run.workspaces.2.into(),
            run.behavior.into(),
            run.reason.into(),
            run.author.to_string().into(),
            now.micros().into(),
            run.plan_of.map(|run| run.0).into(),
        ],
    )?;
    Ok(())
}

/// The run with this uuid; on PostgreSQL its row is locked, so that reports about it come one by one.
pub fn by_id_for_update(tx: &mut Tx, id: RunId) -> Outcome<Option<Run>> {
    let lite = format!("SELECT {COLUMNS} FROM run r WHERE r.id = $1");
    let sql = match tx.engine() {
        stoa_db::Engine::Sqlite => lite,
        stoa_db::Engine::Postgres => format!("{lite} FOR UPDATE"),
    };
    Ok(tx.maybe(&Sql::built(sql), &[id.0.into()], Run::read)?)
}

/// The run with this uuid.
pub fn by_id(tx: &mut Tx, id: RunId) -> Outcome<Option<Run>> {
    let sql = Sql::built(format!("SELECT {COLUMNS} FROM run r WHERE r.id = $1"));
    Ok(tx.maybe(&sql, &[id.0.into()], Run::read)?)
}

const ENDED: Sql = Sql::new("SELECT ended_at FROM run WHERE id = $1");

/// When a run ended, if it did; none when there is no such run. Every report asks, so nothing else is read.
pub fn ended_at(tx: &mut Tx, id: RunId) -> Outcome<Option<Option<Moment>>> {
    let ended = tx.maybe(&ENDED, &[id.0.into()], |row| row.get::<Option<i64>>(0))?;
    Ok(ended.map(|at| at.map(Moment::from_micros)))
}

const PAYLOAD: Sql = Sql::new("SELECT payload FROM run WHERE id = $1");

/// What the claimer of a run was given, without tokens; none before a claim.
pub fn payload(tx: &mut Tx, id: RunId) -> Outcome<Option<String>> {
    Ok(tx.maybe(&PAYLOAD, &[id.0.into()], |row| row.get::<Option<String>>(0))?.flatten())
}

/// The oldest run that a runner may take: queued for it, of an implementation it executes, of a block that
/// nobody works on. On PostgreSQL others skip it until this transaction ends.
pub fn next_for(tx: &mut Tx, runner: ObjectId, only: Option<&str>) -> Outcome<Option<Run>> {
    let lock = match tx.engine() {
        stoa_db::Engine::Sqlite => "",
        // Run and block together: whoever changes the block locks it first, and its queued run then.
        stoa_db::Engine::Postgres => "FOR UPDATE OF r, b SKIP LOCKED",
    };
    // Manual runs of the shared runner are completed by the server itself (`super::manual`).
    let of_kind = match only {
        Some(_) => "AND r.implementation = $2",
        None if runner.to_string() == crate::runner::SHARED => "AND r.implementation <> 'MANUAL'",
        None => "",
    };
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM run r JOIN object b ON b.id = r.block WHERE r.runner = $1 AND r.state = 'QUEUED' {of_kind} AND NOT EXISTS
            (SELECT 1 FROM run a WHERE a.block = r.block AND a.state IN ('IN_PROGRESS', 'PENDING'))
         ORDER BY r.created_at, r.id LIMIT 1 {lock}"
    ));
    let mut args = vec![runner.0.into()];
    args.extend(only.map(Into::into));
    Ok(tx.maybe(&sql, &args, Run::read)?)
}

const CLAIM: Sql = Sql::new(
    "UPDATE run SET state = 'IN_PROGRESS', epoch = epoch + 1, attempts = attempts + 1, claimed_at = $2,
        reported_at = NULL, node = $3, runner_name = $4, runner_version = $5, payload = $6
     WHERE id = $1 AND state = 'QUEUED'",
);

/// Marks a run as claimed; the new epoch fences off earlier claimers.
pub fn claim(
    tx: &mut Tx,
    run: &mut Run,
    now: Moment,
    (node, name, version): (Option<&str>, Option<&str>, Option<&str>),
    payload: &str,
) -> Outcome<bool> {
    let changed = tx.run(
        &CLAIM,
        &[run.id.0.into(), now.micros().into(), node.into(), name.into(), version.into(), payload.into()],
    )?;
    run.epoch += 1;
    run.attempts += 1;
    run.state = RunState::InProgress;
    run.claimed_at = Some(now);
    run.reported_at = None;
    Ok(changed == 1)
}

const SAVE: Sql = Sql::new(
    "UPDATE run SET state = $2, reported_at = $3, ended_at = $4, abort_requested_at = $5, summary = $6,
        changes_detected = $7, artifact = $8 WHERE id = $1",
);

/// Writes back what reports and timers change of a run.
pub fn save(tx: &mut Tx, run: &Run) -> Outcome<()> {
    let micros = |moment: Option<Moment>| moment.map(Moment::micros);
    tx.run(
        &SAVE,
        &[
            run.id.0.into(),
            run.state.stored().into(),
            micros(run.reported_at).into(),
            micros(run.ended_at).into(),
            micros(run.abort_requested_at).into(),
            run.summary.as_deref().into(),
            run.changes_detected.into(),
            run.artifact.as_deref().into(),
        ],
    )?;
    Ok(())
}

const NOTE: Sql = Sql::new(
    "UPDATE run SET reported_at = $2, summary = $3, changes_detected = $4, artifact = $5 WHERE id = $1",
);

/// Writes back what a report changes that leaves the run in its state: no index follows any of it.
pub fn note(tx: &mut Tx, run: &Run) -> Outcome<()> {
    tx.run(
        &NOTE,
        &[
            run.id.0.into(),
            run.reported_at.map(Moment::micros).into(),
            run.summary.as_deref().into(),
            run.changes_detected.into(),
            run.artifact.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// The newest run of a block.
pub fn newest_of(tx: &mut Tx, block: ObjectId) -> Outcome<Option<Run>> {
    let sql =
        Sql::built(format!("SELECT {COLUMNS} FROM run r WHERE r.block = $1 ORDER BY r.number DESC LIMIT 1"));
    Ok(tx.maybe(&sql, &[block.0.into()], Run::read)?)
}

/// Runs of a block that are not over.
pub fn open_of(tx: &mut Tx, block: ObjectId) -> Outcome<Vec<Run>> {
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM run r WHERE r.block = $1 AND r.state IN ('QUEUED', 'IN_PROGRESS', 'PENDING')
         ORDER BY r.number"
    ));
    Ok(tx.all(&sql, &[block.0.into()], Run::read)?)
}

const EXECUTED: Sql =
    Sql::new("SELECT count(*) FROM run WHERE block = $1 AND attempts > 0 AND behavior <> 'DETECT'");

/// Whether a run of a block that changes things was ever claimed: only then is there something to take down.
pub fn was_executed(tx: &mut Tx, block: ObjectId) -> Outcome<bool> {
    Ok(tx.one(&EXECUTED, &[block.0.into()], |row| row.get::<i64>(0))? > 0)
}

/// Whose runs are listed.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// Everybody's.
    All,
    /// A block's.
    Block(ObjectId),
    /// Those of the blocks that a workspace has.
    Workspace(&'a str),
}

/// One page of runs, newest first, with the number of all. `seen` names workspaces whose runs may be seen as
/// owner of definition or runner; none sees all. `text` is part of what their blocks are called.
pub fn list(
    tx: &mut Tx,
    of: Of<'_>,
    seen: Option<&str>,
    text: Option<&str>,
    page: &Page,
) -> Outcome<(Vec<Run>, i64)> {
    let mut wheres = Vec::new();
    let mut args: Vec<stoa_db::Value> = Vec::new();
    match of {
        Of::All => {}
        Of::Block(block) => {
            args.push(block.0.into());
            wheres.push(format!("r.block = ${}", args.len()));
        }
        Of::Workspace(home) => {
            args.push(home.into());
            wheres.push(format!("r.workspace = ${}", args.len()));
        }
    }
    if let Some(home) = seen {
        args.push(home.into());
        wheres.push(format!("(r.owner = ${0} OR r.runner_owner = ${0})", args.len()));
    }
    if let Some(text) = text {
        args.push(labels::anywhere(text).into());
        let like = format!("LIKE ${} ESCAPE '\\'", args.len());
        wheres.push(format!(
            "(r.id {like} OR r.block IN
                (SELECT l.object FROM label l WHERE l.kind = 'meshBuildingBlock' AND l.text {like}))"
        ));
    }
    let wheres = if wheres.is_empty() { "1 = 1".to_owned() } else { wheres.join(" AND ") };
    let total = tx.one(&page.counting(&format!("FROM run r WHERE {wheres}")), &args, |row| row.get(0))?;
    args.extend([page.size.into(), page.number.saturating_mul(page.size).into()]);
    let (limit, offset) = (args.len() - 1, args.len());
    let sql = Sql::built(format!(
        "SELECT {COLUMNS} FROM run r WHERE {wheres} ORDER BY r.created_at DESC, r.id DESC
         LIMIT ${limit} OFFSET ${offset}"
    ));
    Ok((tx.all(&sql, &args, Run::read)?, total))
}

const QUEUE: Sql = Sql::new(
    "SELECT count(CASE WHEN state = 'QUEUED' THEN 1 END), count(CASE WHEN state <> 'QUEUED' THEN 1 END)
     FROM run WHERE runner = $1 AND state IN ('QUEUED', 'IN_PROGRESS', 'PENDING')",
);

/// How many runs wait for a runner, and how many it works on.
pub fn queue(tx: &mut Tx, runner: ObjectId) -> Outcome<(i64, i64)> {
    Ok(tx.one(&QUEUE, &[runner.0.into()], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// A source of reports.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its id, chosen by the reporter.
    pub id: String,
    /// The claim it belongs to.
    pub epoch: i64,
    /// Id in the external system.
    pub external_id: Option<String>,
    /// Link to the external system.
    pub external_url: Option<String>,
}

const SOURCES: Sql =
    Sql::new("SELECT id, epoch, external_id, external_url FROM run_source WHERE run = $1 ORDER BY place");
const ADD_SOURCE: Sql = Sql::new(
    "INSERT INTO run_source (run, id, place, epoch, external_id, external_url)
     VALUES ($1, $2, (SELECT count(*) FROM run_source WHERE run = $1), $3, $4, $5)
     ON CONFLICT (run, id) DO UPDATE SET epoch = excluded.epoch,
        external_id = coalesce(excluded.external_id, run_source.external_id),
        external_url = coalesce(excluded.external_url, run_source.external_url)",
);

/// Sources of a run in the order they came.
pub fn sources(tx: &mut Tx, run: RunId) -> Outcome<Vec<Source>> {
    Ok(tx.all(&SOURCES, &[run.0.into()], |row| {
        Ok(Source {
            id: row.get(0)?,
            epoch: row.get(1)?,
            external_id: row.get(2)?,
            external_url: row.get(3)?,
        })
    })?)
}

/// Adds a source, or renews it.
pub fn put_source(tx: &mut Tx, run: RunId, source: &Source) -> Outcome<()> {
    tx.run(
        &ADD_SOURCE,
        &[
            run.0.into(),
            source.id.as_str().into(),
            source.epoch.into(),
            source.external_id.as_deref().into(),
            source.external_url.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// A step of a run.
#[derive(Clone, Debug)]
pub struct Step {
    /// Source it belongs to.
    pub source: String,
    /// Its id within the source.
    pub id: String,
    /// For people.
    pub display_name: String,
    /// `PENDING`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `ABORTED`.
    pub state: String,
    /// For the consumer.
    pub user_message: Option<String>,
    /// Length of the system message in bytes.
    pub log_bytes: usize,
    /// Counts how often the system message was written anew.
    pub log_turn: i64,
    /// When it was first worked on.
    pub started_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    log_digest: String,
    place: i64,
}

const STEPS: Sql = Sql::new(
    "SELECT t.source, t.id, t.display_name, t.state, t.user_message, t.log_bytes, t.log_digest, t.place,
        t.started_at, t.ended_at
     FROM run_step t JOIN run_source s ON s.run = t.run AND s.id = t.source
     WHERE t.run = $1 ORDER BY s.place, t.place",
);
const STEPS_OF: Sql = Sql::new(
    "SELECT s.id, t.id, t.display_name, t.state, t.user_message, t.log_bytes, t.log_digest, t.place,
        t.started_at, t.ended_at, s.epoch
     FROM run_source s LEFT JOIN run_step t ON t.run = s.run AND t.source = s.id
     WHERE s.run = $1 AND s.id = $2",
);
const COUNT_STEPS: Sql = Sql::new("SELECT count(*) FROM run_step WHERE run = $1");

impl Step {
    fn read(row: &Row) -> Result<Self, DbError> {
        let digest: String = row.get(6)?;
        let (turn, digest) = digest.split_once(' ').unwrap_or(("0", ""));
        Ok(Self {
            source: row.get(0)?,
            id: row.get(1)?,
            display_name: row.get(2)?,
            state: row.get(3)?,
            user_message: row.get(4)?,
            log_bytes: usize::try_from(row.get::<i64>(5)?).unwrap_or(0),
            log_turn: turn.parse().unwrap_or(0),
            started_at: row.get::<Option<i64>>(8)?.map(Moment::from_micros),
            ended_at: row.get::<Option<i64>>(9)?.map(Moment::from_micros),
            log_digest: digest.to_owned(),
            place: row.get(7)?,
        })
    }
}

/// Steps of a run: by source, then in the order they came.
pub fn steps(tx: &mut Tx, run: RunId) -> Outcome<Vec<Step>> {
    Ok(tx.all(&STEPS, &[run.0.into()], Step::read)?)
}

/// The claim that a source belongs to, and its steps in the order they came; none when nobody reported under that
/// name. Every report asks, so this is one statement.
pub fn source(tx: &mut Tx, run: RunId, id: &str) -> Outcome<Option<(i64, Vec<Step>)>> {
    let rows = tx.all(&STEPS_OF, &[run.0.into(), id.into()], |row| {
        let step = row.get::<Option<String>>(1)?.map(|_| Step::read(row)).transpose()?;
        Ok((row.get::<i64>(10)?, step))
    })?;
    let Some(epoch) = rows.first().map(|(epoch, _)| *epoch) else { return Ok(None) };
    let mut steps: Vec<Step> = rows.into_iter().filter_map(|(_, step)| step).collect();
    steps.sort_by_key(|step| step.place);
    Ok(Some((epoch, steps)))
}

/// How many steps a run has, of all its sources.
pub fn count_steps(tx: &mut Tx, run: RunId) -> Outcome<usize> {
    let count: i64 = tx.one(&COUNT_STEPS, &[run.0.into()], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// A step that nobody has reported yet.
pub fn new_step(source: &str, id: &str, place: usize) -> Step {
    Step {
        source: source.into(),
        id: id.into(),
        display_name: id.into(),
        state: "PENDING".into(),
        user_message: None,
        log_bytes: 0,
        log_turn: 0,
        started_at: None,
        ended_at: None,
        log_digest: String::new(),
        place: i64::try_from(place).unwrap_or(i64::MAX),
    }
}

impl Step {
    /// Moves it to a state at a time: its first state but `PENDING` begins it, a final one ends it.
    pub fn reach(&mut self, state: &str, now: Moment) {
        let is_over = matches!(state, "SUCCEEDED" | "FAILED" | "ABORTED");
        if state != "PENDING" {
            self.started_at.get_or_insert(now);
        }
        if !is_over {
            self.ended_at = None;
        } else if state != self.state {
            self.ended_at = Some(now);
        }
        state.clone_into(&mut self.state);
    }
}

/// How many steps one statement writes at most: each statement is a round trip to PostgreSQL.
const STEP_ROWS: usize = 8;

/// Writes steps of a run, no step twice.
pub fn put_steps(tx: &mut Tx, run: RunId, steps: &[&Step]) -> Outcome<()> {
    for steps in steps.chunks(STEP_ROWS) {
        let row = |row: usize| {
            let columns: Vec<String> = (0..10).map(|column| format!("${}", row * 10 + column + 2)).collect();
            format!("($1, {})", columns.join(", "))
        };
        let rows: Vec<String> = (0..steps.len()).map(row).collect();
        let sql = Sql::built(format!(
            "INSERT INTO run_step (run, source, id, place, display_name, state, user_message, log_bytes, log_digest,
                started_at, ended_at)
             VALUES {}
             ON CONFLICT (run, source, id) DO UPDATE SET display_name = excluded.display_name,
                state = excluded.state, user_message = excluded.user_message, log_bytes = excluded.log_bytes,
                log_digest = excluded.log_digest, started_at = excluded.started_at, ended_at = excluded.ended_at",
            rows.join(", ")
        ));
        let mut values: Vec<stoa_db::Value> = vec![run.0.into()];
        for step in steps {
            values.extend([
                step.source.as_str().into(),
                step.id.as_str().into(),
                step.place.into(),
                step.display_name.as_str().into(),
                step.state.as_str().into(),
                step.user_message.as_deref().into(),
                i64::try_from(step.log_bytes).unwrap_or(i64::MAX).into(),
                format!("{} {}", step.log_turn, step.log_digest).into(),
                step.started_at.map(Moment::micros).into(),
                step.ended_at.map(Moment::micros).into(),
            ]);
        }
        tx.run(&sql, &values)?;
    }
    Ok(())
}

/// A user message cut to what is kept.
pub fn user_message(text: &str) -> String {
    let mut end = USER_MESSAGE_MAX.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

const LOG_CHUNKS: Sql =
    Sql::new("SELECT text FROM run_log WHERE run = $1 AND source = $2 AND step = $3 ORDER BY place");
const CLEAR_LOG: Sql = Sql::new("DELETE FROM run_log WHERE run = $1 AND source = $2 AND step = $3");
const ADD_LOG: Sql = Sql::new(
    "INSERT INTO run_log (run, source, step, place, text) VALUES ($1, $2, $3,
        (SELECT coalesce(max(place), 0) + 1 FROM run_log WHERE run = $1 AND source = $2 AND step = $3), $4)",
);

/// The whole system message of a step.
pub fn log(tx: &mut Tx, run: RunId, source: &str, step: &str) -> Outcome<String> {
    let chunks =
        tx.all(&LOG_CHUNKS, &[run.0.into(), source.into(), step.into()], |row| row.get::<String>(0))?;
    Ok(chunks.concat())
}

/// Replaces the system message of a step. A text that continues the old one only adds its new end. Returns
/// where the new part begins: 0 when everything is new, none when nothing changed.
pub fn set_log(tx: &mut Tx, run: RunId, step: &mut Step, text: &str) -> Outcome<Option<usize>> {
    let shortened = shortened(text);
    let text = shortened.as_deref().unwrap_or(text);
    let digest = |text: &str| hex(&Sha256::digest(text.as_bytes()));
    let old = step.log_bytes;
    let continues =
        text.len() >= old && text.is_char_boundary(old) && digest(&text[..old]) == step.log_digest;
    let from = if old > 0 && continues { old } else { 0 };
    let key = [run.0.into(), step.source.as_str().into(), step.id.as_str().into()];
    if from == 0 && old > 0 {
        tx.run(&CLEAR_LOG, &key)?;
        step.log_turn += 1;
    } else if from == text.len() {
        return Ok(None);
    }
    let mut args = key.to_vec();
    args.push(text[from..].into());
    tx.run(&ADD_LOG, &args)?;
    step.log_bytes = text.len();
    step.log_digest = digest(text);
    Ok(Some(from))
}

fn shortened(text: &str) -> Option<String> {
    if text.len() <= LOG_MAX {
        return None;
    }
    let (mut head, mut tail) = (LOG_HEAD, text.len() - (LOG_MAX - LOG_HEAD - 100));
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    let left_out = tail - head;
    Some(format!("{}\n[... {left_out} bytes left out ...]\n{}", &text[..head], &text[tail..]))
}

/// An output as reported.
#[derive(Clone, Debug)]
pub struct Reported {
    /// Its value; null when it is sensitive.
    pub value: Value,
    /// Type the reporter says it has.
    pub io_type: String,
    /// Whether the reporter flagged it.
    pub sensitive: bool,
}

const OUTPUTS: Sql =
    Sql::new("SELECT key, value, type, sensitive FROM run_output WHERE run = $1 ORDER BY key");
const PUT_OUTPUT: Sql = Sql::new(
    "INSERT INTO run_output (run, key, value, type, sensitive) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, type = excluded.type,
        sensitive = excluded.sensitive",
);

/// Outputs reported so far: the union over all sources and steps, the last update of each key.
pub fn outputs(tx: &mut Tx, run: RunId) -> Outcome<Vec<(String, Reported)>> {
    Ok(tx.all(&OUTPUTS, &[run.0.into()], |row| {
        let value = serde_json::from_str(&row.get::<String>(1)?).unwrap_or_default();
        Ok((row.get(0)?, Reported { value, io_type: row.get(2)?, sensitive: row.get(3)? }))
    })?)
}

/// Takes a reported output.
pub fn put_output(tx: &mut Tx, run: RunId, key: &str, output: &Reported) -> Outcome<()> {
    tx.run(
        &PUT_OUTPUT,
        &[
            run.0.into(),
            key.into(),
            output.value.to_string().into(),
            output.io_type.as_str().into(),
            output.sensitive.into(),
        ],
    )?;
    Ok(())
}

/// Removes everything about a block's runs, when the block itself is removed for good.
pub fn forget_block(tx: &mut Tx, block: ObjectId) -> Outcome<()> {
    for table in ["run_log", "run_step", "run_source", "run_output"] {
        let sql =
            Sql::built(format!("DELETE FROM {table} WHERE run IN (SELECT id FROM run WHERE block = $1)"));
        tx.run(&sql, &[block.0.into()])?;
    }
    tx.run(&Sql::new("DELETE FROM run WHERE block = $1"), &[block.0.into()])?;
    Ok(())
}
