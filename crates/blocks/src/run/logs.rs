//! What people read of a run: steps, messages, warnings, each by right (`api-building-blocks.md` §7.4, §7.5).

use super::KIND;
use super::model::{Run, RunState};
use super::store::{self, Step};
use crate::block;
use crate::definition;
use serde_json::{Value, json};
use stoa_base::{Refusal, RunId};
use stoa_core::{Action, Call, Outcome, Resource, Scope, objects};
use stoa_db::Tx;
use stoa_web::Kind;

/// The warning of `runner-protocol.md` §8.3.
const STEP_SUCCESS_MISSING: &str = "STEP_SUCCESS_MISSING";
/// The warning of `runner-protocol.md` §9.2.
const OFFERED_AGAIN: &str = "RUN_OFFERED_AGAIN";

/// What a reader may see of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything.
    Operator,
    /// What the definition's team shows to consumers: everything, or user messages only.
    Consumer {
        /// `runTransparency` of the definition.
        transparent: bool,
    },
}

impl View {
    /// Whether system messages are for this reader.
    pub fn sees_system(self) -> bool {
        matches!(self, Self::Operator | Self::Consumer { transparent: true })
    }
}

/// What the caller may see of runs that belong to `scope`, of a definition.
pub fn view(tx: &mut Tx, call: &Call, scope: &Scope<'_>, of: stoa_base::ObjectId) -> Outcome<Option<View>> {
    if call.may(Resource::Run, Action::Read, scope).is_ok() {
        return Ok(Some(View::Operator));
    }
    // Runs do not say whose project their block is in, blocks do.
    let block = match scope.block.filter(|_| call.actor.projects.is_some() && scope.project.is_none()) {
        Some(block) => objects::by_id(tx, block::KIND, block)?,
        None => None,
    };
    let project = block.as_ref().map_or(scope.project, |block| block::Blocks::scope(block).project);
    let consumer = Scope { owner: scope.owner, project, ..Scope::default() };
    if call.may(Resource::BuildingBlock, Action::Read, &consumer).is_err() {
        return Ok(None);
    }
    let transparent = definition::is_transparent(tx, of)?;
    Ok(Some(View::Consumer { transparent }))
}

/// The run a path names, and what the caller may see of it.
pub fn opened(tx: &mut Tx, call: &Call, uuid: &str) -> Outcome<(Run, View)> {
    let known = call.actor.holds_any(Resource::Run, Action::Read)
        || call.actor.holds_any(Resource::BuildingBlock, Action::Read);
    if !known {
        call.may_at_all(Resource::Run, Action::Read)?;
    }
    let missing = || Refusal::missing(KIND, uuid);
    let id: RunId = uuid.parse().map_err(|_| missing())?;
    let run = store::by_id(tx, id)?.ok_or_else(missing)?;
    match view(tx, call, &run.scope(), run.definition)? {
        Some(view) => Ok((run, view)),
        // The refusal names what would do.
        None => {
            Err(call.may(Resource::Run, Action::Read, &run.scope()).err().unwrap_or_else(|| missing().into()))
        }
    }
}

/// Warnings about a run, as codes and as sentences.
pub fn warnings(run: &Run, steps: &[Step]) -> Vec<Value> {
    let mut found = Vec::new();
    let open: Vec<&str> = steps
        .iter()
        .filter(|step| step.state != "SUCCEEDED")
        .map(|step| step.display_name.as_str())
        .collect();
    if run.state == RunState::Succeeded && !open.is_empty() {
        found.push(json!({
            "code": STEP_SUCCESS_MISSING,
            "message": format!("The run succeeded although these steps did not: {}.", open.join(", ")),
        }));
    }
    if run.attempts > 1 || (run.state == RunState::Queued && run.attempts > 0) {
        found.push(json!({
            "code": OFFERED_AGAIN,
            "message": "The run was offered again after its runner had been silent for too long.",
        }));
    }
    found
}

/// The body of `GET …/logs`.
pub fn body(tx: &mut Tx, run: &Run, view: View) -> Outcome<Value> {
    let steps = store::steps(tx, run.id)?;
    let mut shown = Vec::new();
    for step in &steps {
        let system = if view.sees_system() && step.log_bytes > 0 {
            Some(store::log(tx, run.id, &step.source, &step.id)?)
        } else {
            None
        };
        shown.push(json!({
            "id": step.id,
            "source": step.source,
            "displayName": step.display_name,
            "status": step.state,
            "userMessage": step.user_message,
            "systemMessage": system,
            "startedOn": step.started_at,
            "endedOn": step.ended_at,
        }));
    }
    let warnings = warnings(run, &steps);
    let codes: Vec<&Value> = warnings.iter().map(|warning| &warning["code"]).collect();
    let sources: Vec<Value> = store::sources(tx, run.id)?
        .into_iter()
        .map(|source| {
            json!({ "id": source.id, "externalRunId": source.external_id, "externalRunUrl": source.external_url })
        })
        .collect();
    let mut body = json!({
        "steps": shown,
        "warnings": codes,
        "warningDetails": warnings,
        "status": run.state.shown(),
        "sources": sources,
    });
    if let Some(found) = run.changes_detected {
        body["changesDetected"] = json!(found);
    }
    if view.sees_system()
        && let Some(summary) = &run.summary
    {
        body["summary"] = json!(summary);
    }
    Ok(body)
}
