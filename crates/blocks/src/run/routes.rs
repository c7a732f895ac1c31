//! The routes of runs (`api-building-blocks.md` §7.1).

use super::logs::{self, View};
use super::model::Run;
use super::store::Of;
use super::{KIND, claim, digest, engine, payload, report, store, stream};
use crate::block;
use crate::block::model::Ordered;
use crate::version;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::{Action, Call, Outcome, Resource, Scope, blobs, objects};
use stoa_db::Tx;
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Accept, Takes};
use stoa_web::{Reply, Request, Route, hal, media};
use utoipa::ToSchema;

const PATH: &str = "/api/meshobjects/meshbuildingblockruns";
const VERSIONS: &[&str] = &["v1"];
/// A plan of 128 MiB in base64, with room around it (`runner-protocol.md` §7.6).
const REPORT_MAX: usize = 192 << 20;
/// Reports hold logs: no field has a length limit of its own.
const LONG: &[&str] = &["*"];

/// A run on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = BuildingBlockRun)]
struct Wire {
    /// `uuid` and `createdOn`.
    #[schema(value_type = Object)]
    metadata: Value,
    /// Behaviour, token, trigger, block and definition (`runner-protocol.md` §4).
    #[schema(value_type = Object)]
    spec: Value,
    /// `PENDING`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `ABORTED`.
    status: String,
    /// Why it is not over: `reason`, `blocker`, `who`, `since`, and `nextLook` where Stoa itself looks again.
    #[schema(value_type = Option<Object>)]
    waiting: Option<Value>,
}

/// What people read of a run.
#[derive(Serialize, ToSchema)]
#[schema(as = RunLogs)]
struct Logs {
    /// Steps in their order, with messages by right.
    #[schema(value_type = Vec<Object>)]
    steps: Value,
    /// Codes of warnings.
    warnings: Vec<String>,
}

/// A registration: `source {id, externalRunId?, externalRunUrl?}` and `steps`.
#[derive(Serialize, ToSchema)]
#[schema(as = RunSource)]
struct Registration {
    /// Who reports.
    #[schema(value_type = Object)]
    source: Value,
    /// Steps in display order.
    #[schema(value_type = Vec<Object>)]
    steps: Value,
}

/// A report about a run.
#[derive(Serialize, ToSchema)]
#[schema(as = RunReport)]
struct Report {
    /// State of the run; absent means unchanged.
    #[schema(nullable = true)]
    status: Option<String>,
    /// Steps that changed.
    #[schema(nullable = true, value_type = Option<Vec<Object>>)]
    steps: Value,
}

/// The answer to a report.
#[derive(Serialize, ToSchema)]
#[schema(as = RunReported)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Whether the reporter should stop.
    run_aborted: bool,
}

/// The word of an operator on a run that waits for people.
#[derive(Serialize, ToSchema)]
#[schema(as = RunCompletion)]
struct Completion {
    /// `SUCCEEDED` or `FAILED`.
    status: String,
    /// For the consumer.
    message: Option<String>,
    /// Values by key.
    #[schema(value_type = Object)]
    outputs: Value,
}

/// The schemas of runs.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Wire>();
    schemas.add::<Logs>();
    schemas.add::<Registration>();
    schemas.add::<Report>();
    schemas.add::<Answer>();
    schemas.add::<Completion>();
    schemas.add::<digest::Digest>();
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let accept = Accept::Kind(KIND, VERSIONS);
    let takes = |limit| Takes::Kind(KIND, VERSIONS, limit, LONG);
    let about = |summary, success, errors| About { summary, tag: KIND, success, errors, ..About::default() };
    let item = format!("{PATH}/{{uuid}}");
    vec![
        Route::write(Method::POST, format!("{PATH}/create"), claim::claim).accept(accept).about(About {
            query: &[("forRunnerUuid", "The runner that claims")],
            response: Some("BuildingBlockRun"),
            ..about("Claim a run", &[201], &[400, 403, 404, 409])
        }),
        Route::read(Method::GET, PATH, list).accept(accept).about(About {
            query: &[
                ("buildingBlockUuid", "Runs of this block"),
                ("q", "Part of what their blocks are called, in small or large letters"),
            ],
            response: Some("BuildingBlockRun"),
            ..about("List", &[200], &[403])
        }),
        Route::read(Method::GET, &item, get)
            .accept(accept)
            .about(About { response: Some("BuildingBlockRun"), ..about("Get one", &[200], &[403, 404]) }),
        Route::read(Method::GET, format!("{item}/logs"), log).accept(accept).about(About {
            produces: Some("application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json"),
            response: Some("RunLogs"),
            ..about("Steps and messages", &[200], &[403, 404])
        }),
        Route::write(Method::POST, format!("{item}/status/source"), report::register)
            .accept(accept)
            .takes(takes(16 << 20))
            .about(About {
                request: Some("RunSource"),
                produces: Some("application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json"),
                response: Some("RunSource"),
                example: Some(json!({ "source": { "id": "github" }, "steps": [] })),
                ..about("Register a source of reports", &[200], &[400, 403, 404, 409, 410])
            }),
        Route::write(Method::PATCH, format!("{item}/status/source/{{sourceId}}"), report::patch)
            .accept(accept)
            .takes(takes(REPORT_MAX))
            .about(About {
                request: Some("RunReport"),
                produces: Some("application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json"),
                response: Some("RunReported"),
                example: Some(json!({ "status": "IN_PROGRESS" })),
                ..about("Report about a run", &[200], &[400, 403, 404, 409])
            }),
        Route::read(Method::GET, format!("{item}/plan-artifact"), plan).about(About {
            produces: Some("application/octet-stream"),
            ..about("The saved plan that an APPLY run replays", &[200], &[403, 404])
        }),
        Route::write(Method::POST, format!("{item}/abort"), report::abort).accept(accept).about(about(
            "Stop a run",
            &[202],
            &[403, 404],
        )),
        Route::write(Method::POST, format!("{item}/complete"), report::complete)
            .accept(accept)
            .takes(takes(24 << 20))
            .about(About {
                request: Some("RunCompletion"),
                produces: Some("application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json"),
                response: Some("RunReported"),
                example: Some(json!({ "status": "SUCCEEDED", "outputs": {} })),
                ..about("Complete a manual run", &[200], &[400, 403, 404, 409])
            }),
        stream::route(),
    ]
    .into_iter()
    .chain(digest::routes())
    .collect()
}

/// The whole run object for readers: secrets stay sealed, the token is not told.
fn represent(tx: &mut Tx, call: &Call, run: &Run) -> Outcome<Value> {
    let spec = if let Some(kept) = store::payload(tx, run.id)? {
        serde_json::from_str(&kept)?
    } else {
        queued_spec(tx, run)?
    };
    let mut whole = payload::represent(call, run, spec);
    if let Some(waiting) = engine::waits(tx, call, run)? {
        whole["waiting"] = json!(waiting);
    }
    Ok(whole)
}

/// The spec of a run that nobody claimed yet: what it would be given now.
fn queued_spec(tx: &mut Tx, run: &Run) -> Outcome<Value> {
    if let Some(object) = objects::by_id(tx, block::KIND, run.block)?
        && let Some((_, version)) = version::by_id(tx, run.version)?
    {
        let ordered = Ordered::read(object)?;
        let of = (ordered.block.display_name.as_str(), &ordered.block);
        if let Ok(spec) = payload::spec(tx, run, of, &version, None)? {
            return Ok(spec);
        }
    }
    Ok(json!({ "runNumber": run.number, "behavior": run.behavior, "runToken": "" }))
}

fn get(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (run, view) = logs::opened(tx, call, request.param(0))?;
    if view == (View::Consumer { transparent: false }) {
        call.may(Resource::Run, Action::Read, &run.scope())?;
    }
    let body = represent(tx, call, &run)?;
    Ok(Reply::json(StatusCode::OK, media::of(KIND, "v1"), &body))
}

fn list(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let block: Option<ObjectId> =
        request.query("buildingBlockUuid").map(|uuid| uuid.parse().unwrap_or_default());
    // Consumers may list the runs of a block of theirs whose definition is transparent.
    let seen = match (Visibility::of(&call.actor, Resource::Run), shows_runs(tx, call, block)?) {
        (Ok(Visibility { all: true, .. }), _) | (_, true) => None,
        (Ok(seen), false) => seen.managed,
        (Err(refusal), false) => return Err(refusal),
    };
    let page = request.page();
    let of = block.map_or(Of::All, Of::Block);
    let (runs, total) = store::list(tx, of, seen.as_deref(), request.query("q"), &page)?;
    let items = runs.iter().map(|run| represent(tx, call, run)).collect::<Outcome<Vec<_>>>()?;
    let body = hal::page_of(call, request, "meshBuildingBlockRuns", items, &page, (total, None));
    Ok(Reply::json(StatusCode::OK, media::of(KIND, "v1"), &body))
}

/// Whether the caller, as its consumer, sees the runs of this block.
fn shows_runs(tx: &mut Tx, call: &Call, block: Option<ObjectId>) -> Outcome<bool> {
    let Some(id) = block else { return Ok(false) };
    let Some(object) = objects::by_id(tx, block::KIND, id)? else { return Ok(false) };
    let ordered = Ordered::read(object)?;
    let view =
        logs::view(tx, call, &Scope { managers: Vec::new(), ..ordered.scope() }, ordered.block.definition)?;
    Ok(view.is_some_and(View::sees_system))
}

fn log(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (run, view) = logs::opened(tx, call, request.param(0))?;
    let body = logs::body(tx, &run, view)?;
    Ok(Reply::json(StatusCode::OK, media::of(KIND, "v1"), &body))
}

fn plan(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Run, Action::Read)?;
    let uuid = request.param(0);
    let missing = || Refusal::missing(KIND, uuid);
    let run = store::by_id(tx, uuid.parse().map_err(|_| missing())?)?.ok_or_else(missing)?;
    call.may(Resource::Run, Action::Read, &run.scope())?;
    // The path may name the APPLY run; its plan is the dry run's.
    let source = match &run.plan_of {
        Some(dry_run) => store::by_id(tx, dry_run.parse().unwrap_or_default())?,
        None => Some(run),
    };
    let kept = source.and_then(|run| run.artifact);
    let content = kept.map(|id| blobs::read(tx, call, &id)).transpose()?.flatten();
    let content = content.ok_or_else(|| Refusal::Absent("This run has no saved plan.".into()))?;
    Ok(Reply::bytes("application/octet-stream", content))
}
