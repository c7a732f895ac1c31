//! Live updates: server-sent events out of the change feed, resumable by sequence number.

use crate::app::App;
use crate::request::Request;
use crate::route::{About, Again, Route, Visitor};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use stoa_base::{Refusal, RunId};
use stoa_core::feed::{self, Event};
use stoa_core::guard::Visibility;
use stoa_core::permission::CATALOGUE;
use stoa_core::{Action, Call, Outcome, Resource, listing};
use stoa_db::Tx;
use tokio::time::timeout;

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const BATCH: i64 = 200;

/// One message of an event stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Sequence number that resumes after this message; none inside a step of the feed.
    pub id: Option<i64>,
    /// Event name.
    pub event: &'static str,
    /// Payload.
    pub data: Value,
}

impl Message {
    fn bytes(&self) -> Bytes {
        let id = self.id.map_or_else(String::new, |id| format!("id: {id}\n"));
        // JSON has no raw line breaks, so one data line is enough.
        format!("{id}event: {}\ndata: {}\n\n", self.event, self.data).into()
    }
}

/// What a stream does with the feed: turns a batch of events into messages for whoever listens by now, and says
/// when it is over.
pub type Follow = Box<
    dyn FnMut(Call, Vec<Event>) -> Pin<Box<dyn Future<Output = Outcome<(Vec<Message>, bool)>> + Send>> + Send,
>;

struct State {
    app: Arc<App>,
    bell: tokio::sync::watch::Receiver<u64>,
    seq: i64,
    run: Option<RunId>,
    waiting: VecDeque<Bytes>,
    again: Again,
    follow: Follow,
    over: bool,
    /// When something was sent last: silence is broken, however often the bell rings for others.
    sent: Instant,
}

/// An endless answer: the `first` messages, then what `follow` makes of every event after `seq`.
pub fn respond(
    app: &Arc<App>,
    again: Again,
    (seq, run): (i64, Option<RunId>),
    first: &[Message],
    follow: Follow,
    over: bool,
) -> Response {
    let state = State {
        app: Arc::clone(app),
        bell: app.bell.listen(),
        seq,
        run,
        waiting: first.iter().map(Message::bytes).collect(),
        again,
        follow,
        over,
        sent: Instant::now(),
    };
    let body = stream::unfold(state, |mut state| async move {
        loop {
            if let Some(chunk) = state.waiting.pop_front() {
                state.sent = Instant::now();
                return Some((Ok::<_, Infallible>(chunk), state));
            }
            if state.over || state.app.closing.load(Ordering::Relaxed) {
                return None;
            }
            state.bell.mark_unchanged();
            let (seq, run) = (state.seq, state.run);
            let again = Arc::clone(&state.again);
            let read = state.app.db.read(move |tx| {
                let events = feed::after(tx, seq, run, BATCH)?;
                // Whoever lost the right to listen hears nothing any more.
                let call = if events.is_empty() { None } else { Some(again(tx)?) };
                Ok::<_, stoa_core::Error>((events, call))
            });
            let Ok((events, call)) = read.await else { return None };
            if let (Some(last), Some(call)) = (events.last(), call) {
                state.seq = last.seq;
                let Ok((messages, over)) = (state.follow)(call, events).await else { return None };
                state.waiting.extend(messages.iter().map(Message::bytes));
                state.over = over;
                continue;
            }
            let patience = KEEP_ALIVE.saturating_sub(state.sent.elapsed());
            match timeout(patience, state.bell.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => state.waiting.push_back(Bytes::from_static(b": keep-alive\n\n")),
            }
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where a stream resumes: `Last-Event-ID`, else `since`, else nowhere.
pub fn resumed(request: &Request) -> Option<i64> {
    request.header("last-event-id").or_else(|| request.query("since")).and_then(|text| text.parse().ok())
}

/// `GET /api/events`: the feed of everything the caller may read.
pub fn route() -> Route {
    Route::stream("/api/events", Arc::new(|app, visitor, request| Box::pin(open(app, visitor, request))))
        .about(About {
            summary: "Changes as server-sent events, resumable by Last-Event-ID",
            tag: "system",
            query: &[
                ("kind", "Only this kind"),
                ("uuid", "Only this object"),
                ("workspace", "Only what this workspace owns"),
                ("runner", "Only runs that wait for this runner"),
                ("since", "Resume after this sequence number"),
                ("last", "Begin so many changes before now"),
                ("follow", "`false`: end after what happened up to now"),
            ],
            produces: Some("text/event-stream"),
            success: &[200],
            errors: &[403],
            ..About::default()
        })
}

/// How far somebody reads each resource, and how far they claim runs.
fn reach(call: &Call) -> (Vec<(Resource, Visibility)>, Visibility) {
    let read = CATALOGUE.iter().filter(|row| row.action == Action::Read).map(|row| row.resource);
    let seen =
        read.filter_map(|resource| Some((resource, Visibility::of(&call.actor, resource).ok()?))).collect();
    (seen, Visibility::with(&call.actor, Resource::Run, Action::Write))
}

async fn open(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<Response> {
    let (seen, claims) = reach(&visitor.call);
    if seen.is_empty() && claims == Visibility::default() {
        return Err(Refusal::Forbidden("This credential may read nothing that changes.".into()).into());
    }
    let number = |name: &'static str| -> Outcome<Option<i64>> {
        let number = request.query(name).map(str::parse).transpose();
        Ok(number
            .ok()
            .filter(|number| number.is_none_or(|number| number >= 0))
            .ok_or_else(|| Refusal::invalid(name, "must be a whole number that is not negative"))?)
    };
    let last = number("last")?;
    let follows = match request.query("follow") {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Refusal::invalid("follow", "must be true or false").into()),
    };
    let newest = app.db.read(feed::newest).await?;
    let seq = resumed(&request).unwrap_or_else(|| newest - last.unwrap_or(0).min(newest));
    let filter = |name| request.query(name).map(str::to_owned);
    let (kind, uuid, workspace, runner) =
        (filter("kind"), filter("uuid"), filter("workspace"), filter("runner"));
    let listening = Arc::clone(&app);
    let follow: Follow = Box::new(move |call, events| {
        let (seen, claims) = reach(&call);
        let wanted = |event: &&Event| {
            let is = |filter: &Option<String>, value: Option<&String>| {
                filter.as_ref().is_none_or(|filter| Some(filter) == value)
            };
            is(&kind, Some(&event.kind))
                && is(&uuid, Some(&event.object))
                && is(&workspace, event.workspace.as_ref())
                && is(&runner, event.runner.as_ref())
                && may_see(&seen, event, &claims)
        };
        let wanted: Vec<Event> = events.iter().filter(wanted).cloned().collect();
        let app = Arc::clone(&listening);
        let over = !follows && events.last().is_none_or(|event| event.seq >= newest);
        Box::pin(async move {
            let wanted = app.db.read(move |tx| within_reach(tx, &call, wanted)).await?;
            Ok((wanted.iter().map(message).collect(), over))
        })
    });
    Ok(respond(&app, visitor.again, (seq, None), &[], follow, !follows && seq >= newest))
}

/// What somebody with some projects only is told of their workspace: what is in these, and what is in none.
fn within_reach(tx: &mut Tx, call: &Call, events: Vec<Event>) -> Outcome<Vec<Event>> {
    let (Some(projects), Some(home)) = (&call.actor.projects, &call.actor.home) else { return Ok(events) };
    let mut told = Vec::new();
    for event in events {
        let operates = event.managers.contains(&format!(",{home},"));
        if operates || listing::is_within(tx, home, projects, &event.object)? {
            told.push(event);
        }
    }
    Ok(told)
}

fn may_see(seen: &[(Resource, Visibility)], event: &Event, claims: &Visibility) -> bool {
    let resource = resource_of(&event.kind);
    // Whoever may claim a run may know that it waits.
    (event.runner.is_some() && event.is_visible_to(claims))
        || seen.iter().any(|(of, visibility)| *of == resource && event.is_visible_to(visibility))
}

/// Which permissions guard a kind's events.
fn resource_of(kind: &str) -> Resource {
    match kind {
        "meshWorkspace" => Resource::Workspace,
        "meshProject" => Resource::Project,
        "meshApiKey" | "meshApiUser" => Resource::ApiKey,
        "meshUser" => Resource::User,
        "meshWorkspaceUserGroup" => Resource::WorkspaceGroup,
        "meshWorkspaceUserBinding" | "meshWorkspaceGroupBinding" => Resource::WorkspaceBinding,
        "meshProjectUserBinding" | "meshProjectGroupBinding" => Resource::ProjectBinding,
        "meshPaymentMethod" => Resource::PaymentMethod,
        "meshBuildingBlockDefinition" | "meshBuildingBlockDefinitionVersion" => Resource::Definition,
        "meshBuildingBlock" => Resource::BuildingBlock,
        "meshBuildingBlockRun" => Resource::Run,
        "meshBuildingBlockRunner" => Resource::Runner,
        "meshIntegration" => Resource::Integration,
        "meshTagDefinition" => Resource::TagDefinition,
        "meshPlatform" | "meshPlatformType" | "meshLocation" => Resource::Platform,
        "meshLandingZone" => Resource::LandingZone,
        "meshCommunicationDefinition" => Resource::CommunicationDefinition,
        "meshCommunication" => Resource::Communication,
        "meshServiceInstance" => Resource::ServiceInstance,
        // What no kind claims is for those who may read the whole audit trail.
        _ => Resource::EventLog,
    }
}

fn message(event: &Event) -> Message {
    let mut data = json!({
        "seq": event.seq,
        "at": event.at.to_string(),
        "kind": event.kind,
        "uuid": event.object,
        "action": event.action,
    });
    for (name, value) in [("workspace", &event.workspace), ("run", &event.run), ("runner", &event.runner)] {
        if let Some(value) = value {
            data[name] = json!(value);
        }
    }
    Message { id: Some(event.seq), event: "change", data }
}
