//! OpenTofu states of blocks over the HTTP backend protocol, with locks and history
//! (`runner-protocol.md` §12).

mod overview;

pub use overview::schemas;

use crate::block;
use crate::block::model::Ordered;
use crate::run::report::{self, KEEP};
use crate::run::store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::{Value, json};
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::keys::rewrap::{self, Target};
use stoa_core::{Action, Call, Outcome, Principal, Resource, objects};
use stoa_db::{Sql, Tx};
use stoa_web::route::{About, Access, Takes};
use stoa_web::{Reply, Request, Route, media};

/// Largest state in bytes.
const STATE_MAX: usize = 64 << 20;
/// How many older states are kept.
const HISTORY: i64 = 20;
/// Name of the controller that ends archived states.
pub const CONTROLLER: &str = "state-archive";
/// Controller that brings states to the newest key of the ring.
pub const REWRAP: &str = "rewrap-states";

/// States as the pass over wrapped values sees them.
pub static WRAPPED: Target = Target {
    controller: REWRAP,
    list: Sql::new(
        "SELECT block, place, substr(sealed, 1, 5) FROM state
         WHERE block > $1 OR (block = $1 AND place > $2) ORDER BY block, place LIMIT $3",
    ),
    read: Sql::new("SELECT sealed FROM state WHERE block = $1 AND place = $2"),
    write: Sql::new("UPDATE state SET sealed = $3 WHERE block = $1 AND place = $2"),
};

/// Brings some more states to the newest key.
pub fn rewrap(tx: &mut Tx, call: &Call, _: &str) -> Outcome<Option<Moment>> {
    rewrap::values(tx, call, &WRAPPED)
}

/// What is read of a state: enough to order it.
#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    serial: i64,
    #[serde(default)]
    lineage: String,
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let path = "/api/terraform/state/workspace/{workspace}/{buildingBlock}/{uuid}";
    let about =
        |summary, success, errors| About { summary, tag: "state", success, errors, ..About::default() };
    let open = |route: Route| route.access(Access::SignedEvenByPassword);
    let verb = |name: &str| Method::from_bytes(name.as_bytes()).unwrap_or(Method::TRACE);
    let mut routes = vec![
        open(Route::read(Method::GET, path, read)).about(About {
            query: &[("version", "An older state by its place in the history")],
            produces: Some(media::JSON),
            ..about("Read the state of a block", &[200, 204], &[403, 404])
        }),
        open(Route::write(Method::POST, path, write)).takes(Takes::Raw(STATE_MAX)).about(About {
            query: &[("ID", "Id of the lock held")],
            ..about("Write the state of a block", &[200], &[403, 404, 409, 423])
        }),
        open(Route::write(Method::DELETE, path, remove)).about(about(
            "Archive the state of a block",
            &[200],
            &[403, 404, 409, 423],
        )),
        open(Route::write(verb("LOCK"), path, lock)).takes(Takes::Raw(64 << 10)).about(about(
            "Lock the state of a block",
            &[200],
            &[403, 404, 409, 423],
        )),
        open(Route::write(verb("UNLOCK"), path, unlock)).takes(Takes::Raw(64 << 10)).about(about(
            "Unlock the state of a block",
            &[200],
            &[403, 404, 409],
        )),
        open(Route::read(Method::GET, format!("{path}/versions"), versions)).about(About {
            produces: Some(media::JSON),
            ..about("States a block had, newest first", &[200], &[403, 404])
        }),
    ];
    routes.extend(overview::routes());
    routes
}

/// What may follow once the path and the caller's rights are known.
enum Opened {
    /// The block whose state it is.
    Block(ObjectId),
    /// Another claim has the run now. An answer, not an error: the record of it has to stay.
    Lost(Reply),
}

/// The block that a path names, once the caller may touch its state. Whoever lost its run to another claim may
/// only read (`runner-protocol.md` §2.4).
fn opened(tx: &mut Tx, call: &Call, request: &Request, action: Action) -> Outcome<Opened> {
    let (workspace, literal, uuid) = (request.param(0), request.param(1), request.param(2));
    if !literal.eq_ignore_ascii_case("buildingblock") {
        return Err(Refusal::Absent("There is nothing at this path.".into()).into());
    }
    call.may_at_all(Resource::State, action)?;
    let object = objects::by_uuid_text(tx, block::KIND, uuid)?;
    let ordered =
        object.map(Ordered::read).transpose()?.ok_or_else(|| Refusal::missing(block::KIND, uuid))?;
    if action != Action::Read
        && let Principal::Run(grant) = &call.actor.principal
        && grant.block == ordered.object.id
        && let Some(run) = store::by_id(tx, grant.run)?.filter(|run| run.epoch > grant.epoch)
    {
        report::refuse_late(tx, call, &run, "state")?;
        let taken = "Another runner has taken this run over; its state is theirs now.";
        return Ok(Opened::Lost(conflict(call, request, taken)));
    }
    call.may(Resource::State, action, &ordered.scope())?;
    if ordered.workspace() != workspace {
        return Err(
            Refusal::Forbidden(format!("The block does not belong to workspace '{workspace}'.")).into()
        );
    }
    Ok(Opened::Block(ordered.object.id))
}

/// The answer 409 of a call whose changes are kept.
fn conflict(call: &Call, request: &Request, message: &str) -> Reply {
    let body = json!({
        "errorCode": "Conflict",
        "message": message,
        "status": http::StatusCode::CONFLICT.as_u16(),
        "timestamp": call.now,
        "path": request.uri.split('?').next(),
    });
    Reply::json(http::StatusCode::CONFLICT, media::JSON, &body)
}

/// Whoever claimed a run earlier than the claim in force no longer changes its state.
fn refuse_fenced_off(tx: &mut Tx, call: &Call) -> Outcome<()> {
    if let Principal::Run(grant) = &call.actor.principal {
        let run = store::by_id(tx, grant.run)?;
        if run.is_none_or(|run| run.epoch != grant.epoch) {
            let problem = "Another runner has taken this run over; its state is theirs now.";
            return Err(Refusal::conflict(problem).into());
        }
    }
    Ok(())
}

fn run_of(call: &Call) -> Option<stoa_base::RunId> {
    match &call.actor.principal {
        Principal::Run(grant) => Some(grant.run),
        _ => None,
    }
}

const CURRENT: Sql = Sql::new(
    "SELECT place, lineage, serial, sealed FROM state WHERE block = $1 AND archived_at IS NULL
     ORDER BY place DESC LIMIT 1",
);
const OLDER: Sql =
    Sql::new("SELECT place, lineage, serial, sealed FROM state WHERE block = $1 AND place = $2");

type Kept = (i64, String, i64, Vec<u8>);

fn kept(row: &stoa_db::Row) -> Result<Kept, stoa_db::DbError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn read(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let block = match opened(tx, call, request, Action::Read)? {
        Opened::Block(block) => block,
        Opened::Lost(reply) => return Ok(reply),
    };
    let found = match request.query("version") {
        None => tx.maybe(&CURRENT, &[block.0.into()], kept)?,
        Some(text) => {
            let place: i64 =
                text.parse().map_err(|_| Refusal::invalid("version", "must be a whole number"))?;
            tx.maybe(&OLDER, &[block.0.into(), place.into()], kept)?
        }
    };
    match found {
        None => Ok(Reply::empty(http::StatusCode::NO_CONTENT)),
        Some((.., sealed)) => Ok(Reply::bytes(media::JSON, call.world.vault.unwrap(&sealed)?)),
    }
}

const VERSIONS: Sql = Sql::new(
    "SELECT place, lineage, serial, at, run, archived_at FROM state WHERE block = $1 ORDER BY place DESC",
);

fn versions(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let block = match opened(tx, call, request, Action::Read)? {
        Opened::Block(block) => block,
        Opened::Lost(reply) => return Ok(reply),
    };
    let list = tx.all(&VERSIONS, &[block.0.into()], |row| {
        Ok(json!({
            "version": row.get::<i64>(0)?,
            "lineage": row.get::<String>(1)?,
            "serial": row.get::<i64>(2)?,
            "at": Moment::from_micros(row.get(3)?).to_string(),
            "run": row.get::<Option<String>>(4)?,
            "archivedAt": row.get::<Option<i64>>(5)?.map(|at| Moment::from_micros(at).to_string()),
        }))
    })?;
    Ok(Reply::ok(&json!({ "versions": list })))
}

const LOCK_OF: Sql = Sql::new("SELECT id, info FROM state_lock WHERE block = $1");

fn holder(tx: &mut Tx, block: ObjectId) -> Outcome<Option<(String, String)>> {
    Ok(tx.maybe(&LOCK_OF, &[block.0.into()], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn refuse_locked(tx: &mut Tx, block: ObjectId, request: &Request) -> Outcome<()> {
    match holder(tx, block)? {
        Some((id, info)) if request.query("ID") != Some(id.as_str()) => {
            Err(Refusal::Locked { holder: info }.into())
        }
        _ => Ok(()),
    }
}

const INSERT: Sql = Sql::new(
    "INSERT INTO state (block, place, lineage, serial, at, run, sealed) VALUES ($1,
        (SELECT coalesce(max(place), 0) + 1 FROM state WHERE block = $1), $2, $3, $4, $5, $6)",
);
const TRIM: Sql = Sql::new(
    "DELETE FROM state WHERE block = $1 AND place <= (SELECT max(place) FROM state WHERE block = $1) - $2",
);

fn write(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let block = match opened(tx, call, request, Action::Write)? {
        Opened::Block(block) => block,
        Opened::Lost(reply) => return Ok(reply),
    };
    // States of a block come one after the other, each at a place of its own.
    objects::by_id_for_update(tx, block::KIND, block)?;
    let header: Header = serde_json::from_slice(&request.raw)
        .map_err(|bad| Refusal::Malformed(format!("A state must be a JSON object: {bad}.")))?;
    if let Some(sent) = request.header("content-md5")
        && sent != STANDARD.encode(Md5::digest(&request.raw))
    {
        return Err(Refusal::Malformed("The Content-MD5 header does not fit the body.".into()).into());
    }
    refuse_locked(tx, block, request)?;
    if let Some((_, lineage, serial, _)) = tx.maybe(&CURRENT, &[block.0.into()], kept)?
        && lineage == header.lineage
        && header.serial < serial
    {
        tracing::warn!(block.uuid = %block, stored.serial = serial, sent.serial = header.serial, "a state went backwards");
    }
    let sealed = call.world.vault.wrap(&request.raw)?;
    tx.run(
        &INSERT,
        &[
            block.0.into(),
            header.lineage.into(),
            header.serial.into(),
            call.now.micros().into(),
            run_of(call).map(|run| run.0).into(),
            sealed.into(),
        ],
    )?;
    tx.run(&TRIM, &[block.0.into(), HISTORY.into()])?;
    Ok(Reply::empty(http::StatusCode::OK))
}

const ARCHIVE: Sql = Sql::new("UPDATE state SET archived_at = $2 WHERE block = $1 AND archived_at IS NULL");
const FREE: Sql = Sql::new("DELETE FROM state_lock WHERE block = $1");

/// Sets a block's states aside; they are kept for a while (§12).
pub fn archive(tx: &mut Tx, call: &Call, block: ObjectId) -> Outcome<()> {
    let archived = tx.run(&ARCHIVE, &[block.0.into(), call.now.micros().into()])?;
    tx.run(&FREE, &[block.0.into()])?;
    if archived > 0 {
        stoa_core::work::schedule(tx, CONTROLLER, &block.to_string(), call.now + KEEP)?;
    }
    Ok(())
}

const EXPIRE: Sql = Sql::new("DELETE FROM state WHERE block = $1 AND archived_at <= $2");

/// Ends archived states of a block whose time is over.
pub fn look(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let over = (call.now - KEEP).micros();
    tx.run(&EXPIRE, &[key.into(), over.into()])?;
    Ok(None)
}

fn remove(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let block = match opened(tx, call, request, Action::Delete)? {
        Opened::Block(block) => block,
        Opened::Lost(reply) => return Ok(reply),
    };
    refuse_locked(tx, block, request)?;
    archive(tx, call, block)?;
    Ok(Reply::empty(http::StatusCode::OK))
}

fn lock_info(request: &Request) -> Outcome<(String, Value)> {
    let info: Value = serde_json::from_slice(&request.raw)
        .map_err(|bad| Refusal::Malformed(format!("A lock must be a JSON object: {bad}.")))?;
    let id = info.get("ID").and_then(Value::as_str).filter(|id| !id.is_empty());
    Ok((id.ok_or_else(|| Refusal::invalid("ID", "is required"))?.to_owned(), info))
}

const TAKE: Sql = Sql::new(
    "INSERT INTO state_lock (block, id, info, run, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (block) DO NOTHING",
);

fn lock(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let block = match opened(tx, call, request, Action::Write)? {
        Opened::Block(block) => block,
        Opened::Lost(reply) => return Ok(reply),
    };
    let (id, info) = lock_info(request)?;
    let run = run_of(call).map(|run| run.0);
    let args =
        [block.0.into(), id.as_str().into(), info.to_string().into(), run.into(), call.now.micros().into()];
    if tx.run(&TAKE, &args)? == 1 {
        return Ok(Reply::empty(http::StatusCode::OK));
    }
    match holder(tx, block)? {
        Some((held, _)) if held == id => Ok(Reply::empty(http::StatusCode::OK)),
        Some((_, info)) => Err(Refusal::Locked { holder: info }.into()),
        None => Err(Refusal::Unavailable("The lock was just given back; try again.".into()).into()),
    }
}

fn unlock(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let block = match opened(tx, call, request, Action::Write)? {
        Opened::Block(block) => block,
        Opened::Lost(reply) => return Ok(reply),
    };
    // OpenTofu's force-unlock sends no body.
    if !request.raw.is_empty() {
        let (id, _) = lock_info(request)?;
        if holder(tx, block)?.is_some_and(|(held, _)| held != id) {
            return Err(Refusal::conflict("The state is locked under another id.").into());
        }
    }
    tx.run(&FREE, &[block.0.into()])?;
    Ok(Reply::empty(http::StatusCode::OK))
}
