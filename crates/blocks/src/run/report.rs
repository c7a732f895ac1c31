//! Reports about a run: sources, steps, messages, outputs, the final word (`runner-protocol.md` §6 and §7).

use super::model::{Behavior, Run, RunEvent, RunState};
use super::store::{self, Reported, Source, Step};
use super::{KIND, deadline, engine, manual, outputs};
use crate::block::model::Ordered;
use crate::block::{self, dependants};
use crate::version;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use stoa_base::{Refusal, RunId};
use stoa_core::feed::Deed;
use stoa_core::{Action, Call, Outcome, Principal, Resource, blobs, objects, work};
use stoa_db::Tx;
use stoa_web::{Reply, Request, media};

/// How long late reports are merged after the end.
pub const LATE: Duration = Duration::from_mins(5);
/// How long plans and archived states are kept.
pub const KEEP: Duration = Duration::from_hours(30 * 24);
const STEPS_MAX: usize = 1000;
const STATES: [&str; 5] = ["PENDING", "IN_PROGRESS", "SUCCEEDED", "FAILED", "ABORTED"];

/// Text of a member; null, absent and empty all mean unchanged.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A state word of a member; null, absent and empty all mean unchanged, anything else is a mistake.
fn state_word<'v>(value: &'v Value, field: &str) -> Outcome<Option<&'v str>> {
    match value.get("status") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) if word.is_empty() => Ok(None),
        Some(Value::String(word)) if STATES.contains(&word.as_str()) => Ok(Some(word)),
        Some(bad) => {
            let problem = format!("knows {}, not {bad}", STATES.join(", "));
            Err(Refusal::invalid(field, problem).into())
        }
    }
}

/// The steps of a report, each checked.
fn steps_of(body: &Value) -> Outcome<&[Value]> {
    let steps = match body.get("steps") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(steps)) => steps,
        Some(_) => return Err(Refusal::invalid("steps", "must be a list").into()),
    };
    for step in steps {
        step_fields(step)?;
    }
    Ok(steps)
}

/// Text of a member that some clients send as a number.
fn text_or_number(value: &Value, names: [&str; 2]) -> Option<String> {
    names.iter().find_map(|name| match value.get(*name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

fn opened(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Run> {
    call.may_at_all(Resource::Run, Action::Source)?;
    let uuid = request.param(0);
    let missing = || Refusal::missing(KIND, uuid);
    let id: RunId = uuid.parse().map_err(|_| missing())?;
    let run = store::by_id_for_update(tx, id)?.ok_or_else(missing)?;
    call.may(Resource::Run, Action::Source, &run.scope())?;
    Ok(run)
}

/// Whether the caller holds a token of an earlier claim than the one in force: it may say what it wants.
fn is_fenced_off(call: &Call, run: &Run) -> bool {
    matches!(&call.actor.principal, Principal::Run(grant) if grant.epoch < run.epoch)
}

/// Records that an earlier claim still sent something that changes nothing: a report, a registration, a state.
pub fn refuse_late(tx: &mut Tx, call: &Call, run: &Run, what: &str) -> Outcome<()> {
    let claim = match &call.actor.principal {
        Principal::Run(grant) => grant.epoch,
        _ => 0,
    };
    let content = json!({ "refused": { "what": what, "claim": claim, "inForce": run.epoch } });
    engine::tell_of(tx, call, run, Deed::Reported, content)
}

fn step_fields(given: &Value) -> Outcome<(&str, Option<&str>)> {
    Ok((text_id(given)?, state_word(given, "steps.status")?))
}

fn text_id(given: &Value) -> Outcome<&str> {
    let id = text(given, "id").ok_or_else(|| Refusal::invalid("steps.id", "is required"))?;
    if id.len() > 1024 {
        return Err(Refusal::invalid("steps.id", "must have at most 1024 bytes").into());
    }
    Ok(id)
}

/// `POST …/status/source`: idempotent.
pub fn register(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let mut run = opened(tx, call, request)?;
    let body = request.json.clone().unwrap_or_default();
    let given = body.get("source").cloned().unwrap_or_default();
    let id = text(&given, "id").ok_or_else(|| Refusal::invalid("source.id", "is required"))?.to_owned();
    if id.len() > 255 || id.contains('/') {
        return Err(Refusal::invalid("source.id", "must have at most 255 bytes and no `/`").into());
    }
    let steps = steps_of(&body)?;
    if run.state.is_final() {
        return Err(Refusal::Gone(format!("The run has ended: it is {}.", run.state.shown())).into());
    }
    if run.state == RunState::Queued && run.attempts == 0 {
        return Err(not_claimed().into());
    }
    let source = Source {
        id,
        epoch: run.epoch,
        external_id: text_or_number(&given, ["externalId", "externalRunId"]),
        external_url: text_or_number(&given, ["externalUrl", "externalRunUrl"]),
    };
    let mut own = store::source(tx, run.id, &source.id)?.map_or_else(Vec::new, |(_, steps)| steps);
    if is_fenced_off(call, &run) {
        refuse_late(tx, call, &run, "registration")?;
    } else {
        store::put_source(tx, run.id, &source)?;
        own = merge_steps(tx, call, &run, (&source.id, own), steps)?;
        let state = run.state;
        seen(tx, call, &mut run, state)?;
    }
    let steps: Vec<Value> = own
        .iter()
        .map(|step| json!({ "id": step.id, "displayName": step.display_name, "status": step.state }))
        .collect();
    let source = json!({
        "id": source.id,
        "externalRunId": source.external_id,
        "externalRunUrl": source.external_url,
    });
    let body = json!({ "source": source, "steps": steps });
    Ok(Reply::json(http::StatusCode::OK, media::of(KIND, "v1"), &body))
}

fn not_claimed() -> Refusal {
    Refusal::conflict("No runner has claimed this run yet, so there is nothing to report.")
}

/// A sign of life of a run that was in this state before: the deadline moves.
fn seen(tx: &mut Tx, call: &Call, run: &mut Run, before: RunState) -> Outcome<()> {
    let first = run.reported_at.is_none();
    run.reported_at = Some(call.now);
    if run.state == before {
        store::note(tx, run)?;
    } else {
        store::save(tx, run)?;
    }
    // The deadline's controller finds out by itself that it moved; after the first report it is hours away.
    if first {
        if run.hands_over {
            deadline::refresh(tx, call, run)?;
        }
        work::schedule(tx, deadline::CONTROLLER, &run.id.to_string(), deadline::of(call, run))?;
    }
    Ok(())
}

/// Merges reported steps into those of one source and tells the feed what changed. Gives back the steps as they are
/// then.
fn merge_steps(
    tx: &mut Tx,
    call: &Call,
    run: &Run,
    (source, mut own): (&str, Vec<Step>),
    given: &[Value],
) -> Outcome<Vec<Step>> {
    if given.is_empty() {
        return Ok(own);
    }
    // Only who names a new step has to know how many there are.
    let mut count = None;
    let mut places: HashMap<String, usize> =
        own.iter().enumerate().map(|(place, step)| (step.id.clone(), place)).collect();
    let mut touched = BTreeSet::new();
    let mut changes = Vec::new();
    for report in given {
        let (id, state) = step_fields(report)?;
        let place = match places.get(id) {
            // Who tells of one step again and again in one report has nothing more to tell.
            _ if changes.len() >= STEPS_MAX => break,
            Some(place) => *place,
            None => {
                let known = match count {
                    Some(count) => count,
                    None => store::count_steps(tx, run.id)?,
                };
                count = Some(known);
                if known >= STEPS_MAX {
                    continue;
                }
                count = Some(known + 1);
                places.insert(id.to_owned(), own.len());
                own.push(store::new_step(source, id, own.len()));
                own.len() - 1
            }
        };
        touched.insert(place);
        let step = &mut own[place];
        if let Some(name) = text(report, "displayName") {
            name.clone_into(&mut step.display_name);
        }
        if let Some(state) = state {
            step.reach(state, call.now);
        }
        if let Some(message) = text(report, "userMessage") {
            step.user_message = Some(store::user_message(message));
        }
        let mut change = json!({ "source": source, "id": id });
        if let Some(message) = text(report, "systemMessage")
            && let Some(from) = store::set_log(tx, run.id, step, message)?
        {
            change["log"] = json!({ "turn": step.log_turn, "from": from, "to": step.log_bytes });
        }
        merge_outputs(tx, run, report)?;
        change["displayName"] = json!(step.display_name);
        change["status"] = json!(step.state);
        change["userMessage"] = json!(step.user_message);
        change["startedOn"] = json!(step.started_at);
        change["endedOn"] = json!(step.ended_at);
        changes.push(change);
    }
    let touched: Vec<&Step> = touched.into_iter().map(|place| &own[place]).collect();
    store::put_steps(tx, run.id, &touched)?;
    engine::tell_of(tx, call, run, Deed::Reported, json!({ "steps": changes }))?;
    Ok(own)
}

fn merge_outputs(tx: &mut Tx, run: &Run, report: &Value) -> Outcome<()> {
    if run.behavior != Behavior::Apply.word() {
        return Ok(());
    }
    for (key, output) in report.get("outputs").and_then(Value::as_object).into_iter().flatten() {
        let sensitive = output.get("isSensitive") == Some(&json!(true));
        let value = output.get("value").cloned().unwrap_or_default();
        if key.len() > 255 || (value.is_null() && !sensitive) {
            continue;
        }
        let reported = Reported {
            // A flagged value is counted, never kept (§7.5).
            value: if sensitive { Value::Null } else { value },
            io_type: text(output, "type").unwrap_or("STRING").to_owned(),
            sensitive,
        };
        store::put_output(tx, run.id, key, &reported)?;
    }
    Ok(())
}

fn answer(aborted: bool) -> Reply {
    Reply::json(http::StatusCode::OK, media::of(KIND, "v1"), &json!({ "runAborted": aborted }))
}

/// `PATCH …/status/source/{sourceId}`.
pub fn patch(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let mut run = opened(tx, call, request)?;
    let body = request.json.as_ref().unwrap_or(&Value::Null);
    let event = state_word(body, "status")?.and_then(|word| match word {
        "IN_PROGRESS" => Some(RunEvent::Progress),
        "PENDING" => Some(RunEvent::Wait),
        "SUCCEEDED" => Some(RunEvent::Succeed),
        "FAILED" => Some(RunEvent::Fail),
        "ABORTED" => Some(RunEvent::Abort),
        _ => None,
    });
    let steps = steps_of(body)?;
    let source = request.param(1).to_owned();
    if source.is_empty() || source.len() > 255 {
        return Err(Refusal::invalid("sourceId", "must have 1 to 255 bytes").into());
    }

    if is_fenced_off(call, &run) {
        refuse_late(tx, call, &run, "report")?;
        return Ok(answer(true));
    }
    if run.state.is_final() {
        return late(tx, call, &run, &source, steps);
    }
    if run.state == RunState::Queued && run.attempts == 0 {
        if event == Some(RunEvent::Abort) {
            engine::finish(tx, call, &mut run, RunEvent::Abort)?;
            return Ok(answer(true));
        }
        return Err(not_claimed().into());
    }
    let own = ensure_source(tx, &run, &source)?;
    merge_steps(tx, call, &run, (&source, own), steps)?;
    if let Some(summary) = text(body, "summary") {
        run.summary = Some(store::user_message(summary));
    }
    if run.behavior == Behavior::Detect.word() {
        take_artifact(tx, call, &mut run, body)?;
    }
    if run.abort_requested_at.is_some() {
        run.reported_at = Some(call.now);
        engine::finish(tx, call, &mut run, RunEvent::Abort)?;
        return Ok(answer(true));
    }
    match event {
        Some(end @ (RunEvent::Succeed | RunEvent::Fail | RunEvent::Abort)) => {
            run.reported_at = Some(call.now);
            engine::finish(tx, call, &mut run, end)?;
            Ok(answer(run.state == RunState::Aborted))
        }
        Some(moved) => {
            move_on(tx, call, &mut run, moved)?;
            Ok(answer(false))
        }
        None => {
            let state = run.state;
            seen(tx, call, &mut run, state)?;
            Ok(answer(false))
        }
    }
}

/// `IN_PROGRESS` and `PENDING`: the run goes on, perhaps after it was offered again.
fn move_on(tx: &mut Tx, call: &Call, run: &mut Run, event: RunEvent) -> Outcome<()> {
    let before = run.state;
    if let Some(state) = run.state.after(event) {
        run.state = state;
    }
    seen(tx, call, run, before)?;
    if before == run.state {
        return Ok(());
    }
    engine::tell_of(tx, call, run, Deed::Reported, json!({ "status": run.state.shown() }))?;
    if let Some(object) = objects::by_id_for_update(tx, block::KIND, run.block)? {
        let mut ordered = Ordered::read(object)?;
        super::claim::hold(tx, call, run, &mut ordered)?;
    }
    Ok(())
}

/// Sees to it that a source is there for the claim in force; its steps.
fn ensure_source(tx: &mut Tx, run: &Run, id: &str) -> Outcome<Vec<Step>> {
    let found = store::source(tx, run.id, id)?;
    let steps = match found {
        Some((epoch, steps)) if epoch == run.epoch => return Ok(steps),
        Some((_, steps)) => steps,
        None => Vec::new(),
    };
    let source = Source { id: id.into(), epoch: run.epoch, external_id: None, external_url: None };
    store::put_source(tx, run.id, &source)?;
    Ok(steps)
}

fn take_artifact(tx: &mut Tx, call: &Call, run: &mut Run, body: &Value) -> Outcome<()> {
    if let Some(found) = body.get("changesDetected").and_then(Value::as_bool) {
        run.changes_detected = Some(found);
    }
    if let Some(artifact) = text(body, "artifact") {
        let bytes = STANDARD
            .decode(artifact)
            .map_err(|bad| Refusal::invalid("artifact", format!("must be base64: {bad}")))?;
        run.artifact = Some(blobs::keep(tx, call, &bytes, Some(call.now + KEEP))?);
    }
    Ok(())
}

/// A report after the end: for some minutes steps still change, and outputs of the newest successful run.
fn late(tx: &mut Tx, call: &Call, run: &Run, source: &str, steps: &[Value]) -> Outcome<Reply> {
    let stopped = run.state == RunState::Aborted || run.abort_requested_at.is_some();
    if run.ended_at.is_some_and(|end| call.now.since(end) <= LATE) {
        let own = ensure_source(tx, run, source)?;
        merge_steps(tx, call, run, (source, own), steps)?;
        let brings_outputs = steps
            .iter()
            .any(|step| step.get("outputs").and_then(Value::as_object).is_some_and(|o| !o.is_empty()));
        if brings_outputs && run.state == RunState::Succeeded {
            publish_late(tx, call, run)?;
        }
    }
    Ok(answer(stopped))
}

fn publish_late(tx: &mut Tx, call: &Call, run: &Run) -> Outcome<()> {
    let Some(object) = objects::by_id_for_update(tx, block::KIND, run.block)? else { return Ok(()) };
    let mut ordered = Ordered::read(object)?;
    if ordered.status.latest_run != Some(run.id) || run.behavior != Behavior::Apply.word() {
        return Ok(());
    }
    let Some((_, version)) = version::by_id(tx, run.version)? else { return Ok(()) };
    if let Ok(outputs) = outputs::validated(tx, run, &version)?
        && outputs != ordered.status.outputs
    {
        ordered.status.outputs = outputs;
        block::save_status(tx, call, &mut ordered, Some(run.id))?;
        dependants::wake(tx, call, run.block)?;
    }
    Ok(())
}

/// `POST …/complete`: the operator's word on a run that waits for people. An extension of Stoa's.
pub fn complete(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let mut run = opened(tx, call, request)?;
    let body = request.json.clone().unwrap_or_default();
    let event = match text(&body, "status") {
        Some("SUCCEEDED") => RunEvent::Succeed,
        Some("FAILED") => RunEvent::Fail,
        _ => return Err(Refusal::invalid("status", "must be SUCCEEDED or FAILED").into()),
    };
    if run.implementation != "MANUAL" {
        return Err(Refusal::conflict("Only runs of manual definitions are completed by people.").into());
    }
    if !run.state.is_claimed() {
        return Err(Refusal::conflict(format!("The run is {}.", run.state.shown())).into());
    }
    let known = store::steps(tx, run.id)?;
    let source = known.first().map_or_else(|| "operator".to_owned(), |step| step.source.clone());
    let own = ensure_source(tx, &run, &source)?;
    let mut report = json!({
        "id": known.first().map_or("manual", |step| step.id.as_str()),
        "status": text(&body, "status"),
        "userMessage": text(&body, "message"),
        "outputs": {},
    });
    for (key, value) in body.get("outputs").and_then(Value::as_object).into_iter().flatten() {
        report["outputs"][key] = json!({ "value": value });
    }
    merge_steps(tx, call, &run, (&source, own), &[report])?;
    if run.behavior == Behavior::Apply.word()
        && let Some(object) = objects::by_id(tx, block::KIND, run.block)?
    {
        // What the operator does not name is the input itself (`runner-protocol.md` §13.4).
        let named: Vec<String> = store::outputs(tx, run.id)?.into_iter().map(|(key, _)| key).collect();
        let rows = Ordered::read(object)?.block.inputs;
        for (key, row) in rows.iter().filter(|(key, _)| !named.contains(key)) {
            manual::echo(tx, run.id, key, row)?;
        }
    }
    run.reported_at = Some(call.now);
    engine::finish(tx, call, &mut run, event)?;
    let body = json!({ "runAborted": false, "status": run.state.shown(), "summary": run.summary });
    Ok(Reply::json(http::StatusCode::OK, media::of(KIND, "v1"), &body))
}

/// `POST …/abort` (`runner-protocol.md` §9.1).
pub fn abort(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let mut run = opened(tx, call, request)?;
    stop(tx, call, &mut run)?;
    Ok(Reply::empty(http::StatusCode::ACCEPTED))
}

/// Stops a run: at once where nobody listens, else with the next report of its runner.
pub fn stop(tx: &mut Tx, call: &Call, run: &mut Run) -> Outcome<()> {
    if run.state.is_final() || run.abort_requested_at.is_some() {
        return Ok(());
    }
    let handed_over = run.hands_over && run.reported_at.is_some();
    if run.state == RunState::Queued || handed_over {
        return engine::finish(tx, call, run, RunEvent::Abort);
    }
    run.abort_requested_at = Some(call.now);
    store::save(tx, run)?;
    work::schedule(tx, deadline::CONTROLLER, &run.id.to_string(), deadline::of(call, run))?;
    deadline::refresh(tx, call, run)?;
    engine::tell_of(tx, call, run, Deed::Reported, json!({ "abortRequested": true }))
}
