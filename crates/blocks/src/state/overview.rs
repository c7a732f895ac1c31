//! States as operators look at them: which blocks have one, its versions, who holds its lock. The content is not here;
//! the backend route gives it to whoever may read states (`runner-protocol.md` §12).

use super::{VERSIONS, refuse_fenced_off};
use crate::block::{self, model::Ordered};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::feed::{self, Deed, Entry};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Query};
use stoa_core::{Action, Call, Outcome, Resource, objects};
use stoa_db::{Sql, Tx};
use stoa_web::openapi::Schemas;
use stoa_web::route::About;
use stoa_web::{Reply, Request, Route, hal, media};
use utoipa::ToSchema;

const PATH: &str = "/api/stoa/v1/states";

/// One state that a block has or had.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StateVersion)]
struct Version {
    /// Its place in the history.
    #[serde(rename = "version")]
    place: i64,
    /// Which life of the state it belongs to, in OpenTofu's words.
    lineage: String,
    /// Counts the changes of a lineage.
    serial: i64,
    /// When it was written.
    at: String,
    /// The run that wrote it; null when somebody else did.
    run: Option<String>,
    /// When it was set aside, after the block was deleted; null for states in use.
    archived_at: Option<String>,
}

/// Who holds the lock of a state.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StateLock)]
struct Lock {
    /// Its id, which releases it.
    id: String,
    /// Who took it, in OpenTofu's words.
    who: Option<String>,
    /// For what, in OpenTofu's words.
    operation: Option<String>,
    /// When.
    at: String,
    /// The run that took it; null when somebody else did.
    run: Option<String>,
}

/// The state of a block, without its content.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StateOverview)]
struct Overview {
    /// The block: `uuid`, `displayName`, `workspace`.
    #[schema(value_type = Object)]
    building_block: Value,
    /// The state in use; null when none is.
    current: Option<Version>,
    /// All that are kept, newest first.
    versions: Vec<Version>,
    /// Who holds the lock; null when nobody does.
    lock: Option<Lock>,
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Overview>();
}

/// The routes, an extension of Stoa's.
pub fn routes() -> Vec<Route> {
    let about = |summary, success, errors| About {
        summary,
        tag: "state",
        success,
        errors,
        produces: Some(media::JSON),
        ..About::default()
    };
    let one = format!("{PATH}/{{uuid}}");
    vec![
        Route::read(Method::GET, PATH, list).about(About {
            query: &[("workspaceIdentifier", "Of blocks of this workspace")],
            response: Some("StateOverview"),
            embedded: Some("states"),
            ..about("States of blocks, without their content", &[200], &[403])
        }),
        Route::read(Method::GET, &*one, get).about(About {
            response: Some("StateOverview"),
            ..about("The state of a block, without its content", &[200], &[403, 404])
        }),
        Route::write(Method::DELETE, format!("{one}/lock"), unlock).about(About {
            query: &[("id", "Id of the lock that is meant")],
            produces: None,
            ..about("Release the lock of a state that nobody works on any more", &[204], &[403, 404, 409])
        }),
    ]
}

fn moment(micros: i64) -> String {
    Moment::from_micros(micros).to_string()
}

/// What is kept of a block's states, newest first.
fn history(tx: &mut Tx, block: ObjectId) -> Outcome<Vec<Version>> {
    Ok(tx.all(&VERSIONS, &[block.0.into()], |row| {
        Ok(Version {
            place: row.get(0)?,
            lineage: row.get(1)?,
            serial: row.get(2)?,
            at: moment(row.get(3)?),
            run: row.get(4)?,
            archived_at: row.get::<Option<i64>>(5)?.map(moment),
        })
    })?)
}

const LOCK: Sql = Sql::new("SELECT id, info, at, run FROM state_lock WHERE block = $1");

fn lock(tx: &mut Tx, block: ObjectId) -> Outcome<Option<Lock>> {
    Ok(tx.maybe(&LOCK, &[block.0.into()], |row| {
        let info: Value = serde_json::from_str(&row.get::<String>(1)?).unwrap_or_default();
        let text = |name: &str| info[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Lock {
            id: row.get(0)?,
            who: text("Who"),
            operation: text("Operation"),
            at: moment(row.get(2)?),
            run: row.get(3)?,
        })
    })?)
}

fn overview(tx: &mut Tx, ordered: &Ordered) -> Outcome<Value> {
    let id = ordered.object.id;
    let versions = history(tx, id)?;
    let found = Overview {
        building_block: json!({
            "uuid": id,
            "displayName": ordered.block.display_name,
            "workspace": ordered.workspace(),
        }),
        current: versions.iter().find(|version| version.archived_at.is_none()).cloned(),
        versions,
        lock: lock(tx, id)?,
    };
    Ok(serde_json::to_value(found)?)
}

fn list(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let seen = Visibility::of(&call.actor, Resource::State)?;
    let mut query = Query::of(block::KIND, seen)
        .within("SELECT block FROM state UNION SELECT block FROM state_lock", Vec::new());
    query.workspace = request.query("workspaceIdentifier").map(Into::into);
    let page = request.page();
    let found = listing::list(tx, &query, &page)?;
    let mut items = Vec::new();
    for object in found.items {
        items.push(overview(tx, &Ordered::read(object)?)?);
    }
    let body = hal::page_of(call, request, "states", items, &page, (found.total, None));
    Ok(Reply::json(StatusCode::OK, media::JSON, &body))
}

/// The block that a path names, once the caller may do this to its state.
fn opened(tx: &mut Tx, call: &Call, uuid: &str, action: Action) -> Outcome<Ordered> {
    call.may_at_all(Resource::State, action)?;
    let object = objects::by_uuid_text(tx, block::KIND, uuid)?;
    let ordered =
        object.map(Ordered::read).transpose()?.ok_or_else(|| Refusal::missing(block::KIND, uuid))?;
    call.may(Resource::State, action, &ordered.scope())?;
    Ok(ordered)
}

fn get(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let ordered = opened(tx, call, request.param(0), Action::Read)?;
    Ok(Reply::ok(&overview(tx, &ordered)?))
}

const RELEASE: Sql = Sql::new("DELETE FROM state_lock WHERE block = $1 AND id = $2");

/// Releases exactly the lock that the caller saw: one that was taken since then is somebody's work.
fn unlock(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let ordered = opened(tx, call, request.param(0), Action::Write)?;
    refuse_fenced_off(tx, call)?;
    let block = ordered.object.id;
    let held = lock(tx, block)?;
    let Some(held) = held else {
        return Err(Refusal::conflict("The state is not locked.").into());
    };
    if request.query("id") != Some(held.id.as_str()) {
        return Err(Refusal::conflict(
            "The state is locked under another id than `id` names: look again who holds it.",
        )
        .into());
    }
    tx.run(&RELEASE, &[block.0.into(), held.id.as_str().into()])?;
    let name = &ordered.block.display_name;
    let entry = Entry {
        managers: &[&ordered.block.operator],
        title: Some("Building Block State Unlocked"),
        description: format!("The lock on the state of the building block '{name}' was released by hand."),
        content: serde_json::to_value(&held)?.to_string(),
        ..Entry::plain(block::KIND, block, ordered.object.workspace.as_deref(), Deed::Changed)
    };
    feed::record(tx, call, entry)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
