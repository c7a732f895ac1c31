//! One run live: its state, its steps and its log lines as server-sent events, resumable.

use super::KIND;
use super::logs::{self, View};
use super::model::Run;
use super::store::{self, Step};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use stoa_core::Outcome;
use stoa_core::feed::{self, Event};
use stoa_db::Tx;
use stoa_web::events::{self, Follow, Message};
use stoa_web::route::{About, Visitor};
use stoa_web::{App, Request, Route};

/// `GET …/{uuid}/events`.
pub fn route() -> Route {
    let path = "/api/meshobjects/meshbuildingblockruns/{uuid}/events";
    Route::stream(path, Arc::new(|app, visitor, request| Box::pin(open(app, visitor, request)))).about(
        About {
            summary: "Follow a run as server-sent events, resumable by Last-Event-ID",
            tag: KIND,
            produces: Some("text/event-stream"),
            success: &[200],
            errors: &[403, 404],
            ..About::default()
        },
    )
}

fn message(event: &'static str, data: Value) -> Message {
    Message { id: None, event, data }
}

/// Lets a reader resume behind `messages` as a whole: only the last of them tells the place.
fn closed(mut messages: Vec<Message>, seq: i64) -> Vec<Message> {
    if let Some(last) = messages.last_mut() {
        last.id = Some(seq);
    }
    messages
}

fn run_message(run: &Run, view: View) -> Message {
    let summary = run.summary.as_ref().filter(|_| view.sees_system());
    message("run", json!({ "status": run.state.shown(), "message": summary }))
}

fn end_message(tx: &mut Tx, run: &Run) -> Outcome<Message> {
    let warnings = logs::warnings(run, &store::steps(tx, run.id)?);
    Ok(message("end", json!({ "status": run.state.shown(), "warnings": warnings })))
}

async fn open(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<Response> {
    let Visitor { call, again } = visitor;
    let uuid = request.param(0).to_owned();
    let resumed = events::resumed(&request);
    let (first, seq, run, view, over) = app
        .db
        .read(move |tx| {
            let (run, view) = logs::opened(tx, &call, &uuid)?;
            let seq = resumed.map_or_else(|| feed::newest(tx), Ok)?;
            let over = run.state.is_final() && !feed::goes_on(tx, run.id, seq)?;
            let mut first = if resumed.is_none() { replay(tx, &run, view)? } else { Vec::new() };
            if over {
                first.push(end_message(tx, &run)?);
            }
            Ok::<_, stoa_core::Error>((closed(first, seq), seq, run, view, over))
        })
        .await?;
    let (id, at) = (run.id, Arc::clone(&app));
    let follow: Follow = Box::new(move |_, events| {
        let app = Arc::clone(&at);
        Box::pin(async move {
            app.db
                .read(move |tx| {
                    let Some(run) = store::by_id(tx, id)? else { return Ok((Vec::new(), true)) };
                    let mut messages = Vec::new();
                    for event in &events {
                        messages.extend(closed(told(tx, event, &run, view)?, event.seq));
                    }
                    let seq = events.last().map_or(0, |event| event.seq);
                    let over = run.state.is_final() && !feed::goes_on(tx, id, seq)?;
                    if over {
                        messages.extend(closed(vec![end_message(tx, &run)?], seq));
                    }
                    Ok::<_, stoa_core::Error>((messages, over))
                })
                .await
        })
    });
    Ok(events::respond(&app, again, (seq, Some(id)), &first, follow, over))
}

fn is_final(status: &Value) -> bool {
    matches!(status.as_str(), Some("SUCCEEDED" | "FAILED" | "ABORTED"))
}

/// Everything so far, for a reader who comes new.
fn replay(tx: &mut Tx, run: &Run, view: View) -> Outcome<Vec<Message>> {
    let mut messages = vec![run_message(run, view)];
    for step in store::steps(tx, run.id)? {
        let data = json!({
            "source": step.source,
            "id": step.id,
            "displayName": step.display_name,
            "status": step.state,
            "userMessage": step.user_message,
            "startedOn": step.started_at,
            "endedOn": step.ended_at,
        });
        messages.push(message("step", data));
        if view.sees_system() && step.log_bytes > 0 {
            let text = store::log(tx, run.id, &step.source, &step.id)?;
            let data = json!({ "source": step.source, "id": step.id, "from": 0, "text": text });
            messages.push(message("log", data));
        }
    }
    Ok(messages)
}

/// What one event of the feed says about the run.
fn told(tx: &mut Tx, event: &Event, run: &Run, view: View) -> Outcome<Vec<Message>> {
    let mut messages = Vec::new();
    for step in event.content["steps"].as_array().into_iter().flatten() {
        let mut data = step.clone();
        let log = data.as_object_mut().and_then(|members| members.remove("log"));
        messages.push(message("step", data));
        let Some(log) = log.filter(|_| view.sees_system()) else { continue };
        let text = |name: &str| step[name].as_str().unwrap_or_default();
        let (source, id) = (text("source"), text("id"));
        // The text may have been written anew since; then a later event tells it from its start.
        let same = |now: &Step| now.source == source && now.id == id && log["turn"] == now.log_turn;
        if !store::steps(tx, run.id)?.iter().any(same) {
            continue;
        }
        let place = |name: &str| log[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let text = store::log(tx, run.id, source, id)?;
        if let Some(part) = text.get(place("from")..place("to")) {
            let data = json!({ "source": source, "id": id, "from": place("from"), "text": part });
            messages.push(message("log", data));
        }
    }
    match event.content.get("status") {
        Some(status) if !is_final(status) => {
            messages.push(message("run", json!({ "status": status, "message": null })));
        }
        // The end follows by itself; only a reason that steps do not tell is told before it.
        Some(_) if run.summary.is_some() && view.sees_system() => messages.push(run_message(run, view)),
        None if event.content.get("refused").is_some() && view.sees_system() => {
            let what = event.content["refused"]["what"].as_str().unwrap_or("report");
            let text = format!("A {what} of an earlier attempt came late and was refused.");
            messages.push(message("run", json!({ "status": run.state.shown(), "message": text })));
        }
        None if event.content.get("abortRequested").is_some() => {
            let data = json!({ "status": run.state.shown(), "message": "Stopping was asked for." });
            messages.push(message("run", data));
        }
        Some(_) | None => {}
    }
    Ok(messages)
}
