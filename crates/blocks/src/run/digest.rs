//! Runs in short, for people who follow them: number, reason, times, what they may do about it
//! (`panel.md` §4.4 and §8.1). What runs are given and what they log is not in it.

use super::model::{Run, RunState};
use super::store::Of;
use super::{logs, store};
use crate::block::model::{Lifecycle, Ordered};
use crate::block::{self, preview};
use crate::{definition, version};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use stoa_base::{Moment, ObjectId, Refusal, RunId};
use stoa_core::guard::Visibility;
use stoa_core::{Action, Call, Outcome, Resource, Scope, objects};
use stoa_db::Tx;
use stoa_web::route::About;
use stoa_web::{Kind, Reply, Request, Route, hal, media};
use utoipa::ToSchema;

const PATH: &str = "/api/stoa/v1/runs";

/// A run in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RunDigest)]
pub struct Digest {
    /// Its uuid.
    #[schema(value_type = String)]
    uuid: RunId,
    /// Counts the runs of its block from 1.
    number: i64,
    /// `APPLY`, `DETECT` or `DESTROY`.
    behavior: String,
    /// Why it was started.
    reason: String,
    /// Who started it; hidden from those who do not see its log.
    #[schema(value_type = Object)]
    author: Value,
    /// `PENDING`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `ABORTED`.
    status: &'static str,
    /// Whether a runner took it: a `PENDING` run that was claimed waits for an external system.
    is_claimed: bool,
    /// `TERRAFORM`, `MANUAL` and so on.
    implementation: String,
    /// When it was queued.
    #[schema(value_type = String)]
    created_on: Moment,
    /// When it was claimed last.
    #[schema(value_type = Option<String>)]
    claimed_on: Option<Moment>,
    /// When it ended.
    #[schema(value_type = Option<String>)]
    ended_on: Option<Moment>,
    /// Whether somebody asked to stop it.
    is_abort_requested: bool,
    /// What a dry run found.
    changes_detected: Option<bool>,
    /// Whether it is a dry run with a plan that can be applied.
    has_plan: bool,
    /// The block: `uuid`, `displayName`, `workspace`, `project`, `lifecycle`, and `isPreview` while nothing of an
    /// order that is looked at first was applied.
    #[schema(value_type = Object)]
    building_block: Value,
    /// The definition: `uuid`, `displayName`, `ownedByWorkspace`, `supportUrl`.
    #[schema(value_type = Object)]
    definition: Value,
    /// The version's number.
    version: i64,
    /// What the caller may: `readLog`, `abort`, `complete`, `applyPlan`, `discard`.
    #[schema(value_type = Object)]
    may: Value,
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let about = |summary, errors| About {
        summary,
        tag: "runs",
        produces: Some(media::JSON),
        response: Some("RunDigest"),
        success: &[200],
        errors,
        ..About::default()
    };
    vec![
        Route::read(Method::GET, PATH, list).about(About {
            query: &[
                ("buildingBlockUuid", "Runs of this block"),
                ("workspaceIdentifier", "Runs of this workspace's own blocks, for those who use them"),
            ],
            embedded: Some("runs"),
            ..about("Runs in short, newest first", &[403, 404])
        }),
        Route::read(Method::GET, format!("{PATH}/{{uuid}}"), get).about(about("A run in short", &[403, 404])),
    ]
}

fn shown(tx: &mut Tx, call: &Call, run: &Run, sees_log: bool) -> Outcome<Digest> {
    let block = match objects::by_id(tx, block::KIND, run.block)? {
        Some(object) => Some(Ordered::read(object)?),
        None => None,
    };
    let definition = definition::by_id(tx, run.definition)?;
    let version = version::by_id(tx, run.version)?;
    let (may_apply, may_discard) =
        block.as_ref().map_or(Ok((false, false)), |block| decides(tx, call, run, block))?;
    let reports = call.may(Resource::Run, Action::Source, &run.scope()).is_ok();
    Ok(Digest {
        uuid: run.id,
        number: run.number,
        behavior: run.behavior.clone(),
        reason: run.reason.clone(),
        author: if sees_log { run.author.clone() } else { Value::Null },
        status: run.state.shown(),
        is_claimed: run.state.is_claimed(),
        implementation: run.implementation.clone(),
        created_on: run.created_at,
        claimed_on: run.claimed_at,
        ended_on: run.ended_at,
        is_abort_requested: run.abort_requested_at.is_some(),
        changes_detected: run.changes_detected,
        has_plan: run.artifact.is_some(),
        building_block: json!({
            "uuid": run.block,
            "workspace": run.workspace,
            "displayName": block.as_ref().map(|block| &block.block.display_name),
            "project": block.as_ref().and_then(|block| block.block.tenant.as_ref()).map(|on| &on.project),
            "lifecycle": block.as_ref().map(|block| block.status.lifecycle),
            "isPreview": block.as_ref().is_some_and(|block| block.status.is_preview),
        }),
        definition: json!({
            "uuid": run.definition,
            "displayName": definition.as_ref().map(|(_, found)| &found.display_name),
            "ownedByWorkspace": run.owner,
            "supportUrl": definition.as_ref().and_then(|(_, found)| found.support_url.as_ref()),
        }),
        version: version.map_or(0, |(_, version)| version.number),
        may: json!({
            "readLog": sees_log,
            "abort": reports && !run.state.is_final() && run.abort_requested_at.is_none(),
            "complete": reports
                && run.implementation == "MANUAL"
                && matches!(run.state, RunState::Waiting | RunState::InProgress),
            "applyPlan": may_apply,
            "discard": may_discard,
        }),
    })
}

/// Whether the caller may apply the plan of this run, and whether they may discard the order that it looks at.
fn decides(tx: &mut Tx, call: &Call, run: &Run, block: &Ordered) -> Outcome<(bool, bool)> {
    let may_discard = block.previews(run)
        && block.status.lifecycle == Lifecycle::Active
        && call.may(Resource::BuildingBlock, Action::Delete, &block.scope()).is_ok();
    let is_at_rest = block.is_undecided() || block.status.status.is_final();
    if !preview::has_plan(run) || !is_at_rest || block.status.lifecycle != Lifecycle::Active {
        return Ok((false, may_discard));
    }
    let allowed = call.may(Resource::BuildingBlock, Action::Write, &block.scope());
    let decides = allowed.is_ok_and(|allowed| allowed.operates() || block.is_undecided());
    let is_newest = decides && store::newest_of(tx, run.block)?.is_some_and(|newest| newest.id == run.id);
    Ok((is_newest, may_discard))
}

fn get(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (run, view) = logs::opened(tx, call, request.param(0))?;
    let body = serde_json::to_value(shown(tx, call, &run, view.sees_system())?)?;
    Ok(Reply::json(StatusCode::OK, media::JSON, &body))
}

/// Whether the block of a run may be read.
fn is_reached(tx: &mut Tx, call: &Call, run: &Run) -> Outcome<bool> {
    let Some(object) = objects::by_id(tx, block::KIND, run.block)? else { return Ok(false) };
    Ok(call.may(Resource::BuildingBlock, Action::Read, &block::Blocks::scope(&object)).is_ok())
}

fn list(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let mut seen = None;
    let mut sees_log = true;
    let home = request.query("workspaceIdentifier");
    let asked: Option<ObjectId> =
        request.query("buildingBlockUuid").map(|uuid| uuid.parse().unwrap_or_default());
    if let Some(id) = asked {
        if !call.actor.holds_any(Resource::BuildingBlock, Action::Read) {
            call.may_at_all(Resource::Run, Action::Read)?;
        }
        let object = objects::by_id(tx, block::KIND, id)?
            .ok_or_else(|| Refusal::missing(block::KIND, id.to_string()))?;
        let scope = block::Blocks::scope(&object);
        let of = Ordered::read(object.clone())?.block.definition;
        let view = logs::view(tx, call, &scope, of)?;
        if view.is_none() {
            call.may(Resource::BuildingBlock, Action::Read, &scope)?;
        }
        sees_log = view.is_some_and(logs::View::sees_system);
    } else if let Some(home) = home {
        // Who uses blocks is told of their runs, as on the block itself without their logs.
        call.may(Resource::BuildingBlock, Action::Read, &Scope::owned(home))?;
        sees_log = false;
    } else {
        let reach = Visibility::of(&call.actor, Resource::Run)?;
        seen = if reach.all { None } else { Some(reach.managed.unwrap_or_default()) };
    }
    let page = request.page();
    let of = asked.map(Of::Block).or(home.map(Of::Workspace)).unwrap_or(Of::All);
    let (runs, total) = store::list(tx, of, seen.as_deref(), request.query("q"), &page)?;
    let mut items = Vec::new();
    for run in &runs {
        // Somebody with some projects only is not told of the others.
        if home.is_some() && !is_reached(tx, call, run)? {
            continue;
        }
        items.push(serde_json::to_value(shown(tx, call, run, sees_log)?)?);
    }
    let body = hal::page_of(call, request, "runs", items, &page, (total, None));
    Ok(Reply::json(StatusCode::OK, media::JSON, &body))
}
