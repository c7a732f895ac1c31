//! Releasing a version, and the administrator's word on the first release of a team
//! (`api-building-blocks.md` §3.6, `domain-organization.md` §14.4).

use super::build::{check_complete, check_sources};
use super::wire::{Review, State, Version};
use super::{KIND, Versions, effective_runner, set_state};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use stoa_base::Refusal;
use stoa_core::objects::Object;
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::{must_exist, represent};
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Accept, Takes};
use stoa_web::{Kind, Reply, Request, Route, media};
use utoipa::ToSchema;

/// Longest comment on a decision (PB-05).
const COMMENT_MAX: usize = 1000;
/// Steps of reviews that are kept of a version.
const KEPT: usize = 50;

/// What a reviewer says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = BuildingBlockDefinitionDecision)]
struct Decision {
    /// For whoever asked.
    #[schema(nullable = false)]
    comment: Option<String>,
}

/// The schemas of these routes.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Decision>();
}

fn note(call: &Call, version: &mut Version, state: &str, comment: Option<String>) {
    let by = call.actor.author();
    version.reviews.push(Review { state: state.to_owned(), at: call.now.to_string(), by, comment });
    let surplus = version.reviews.len().saturating_sub(KEPT);
    version.reviews.drain(..surplus);
}

/// Releases a draft, or parks it for review when it is a team's first release.
pub fn release(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    object: &Object,
    mut version: Version,
) -> Outcome<Object> {
    check_complete(&version)?;
    version.state = State::Released;
    check_sources(tx, &version)?;
    if let Err(problem) = effective_runner(tx, &version)? {
        return Err(Refusal::invalid("spec.runnerRef", problem).into());
    }
    let admin = object.owner() == call.world.settings.admin_workspace;
    let reviewed = call.may(Resource::Definition, Action::Review, &Scope::installation()).is_ok();
    let state = if version.number == 1 && !admin && !reviewed { State::InReview } else { State::Released };
    version.state = State::Draft;
    if state == State::InReview {
        note(call, &mut version, "IN_REVIEW", None);
    }
    set_state(tx, call, allowed, object, version, state)
}

/// The version in the path, as long as it waits for a review.
fn waiting(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<(Object, Version)> {
    let id = request.param(0);
    let object = must_exist::<Versions>(Versions::find(tx, call, id, request.version)?, id)?;
    let version: Version = object.doc()?;
    if version.state != State::InReview {
        return Err(Refusal::Conflict {
            code: "BuildingBlockConflict",
            message: format!("Version {} does not wait for a review.", version.number),
            remarks: Vec::new(),
        }
        .into());
    }
    Ok((object, version))
}

fn decide(tx: &mut Tx, call: &Call, request: &Request, state: State) -> Outcome<Reply> {
    let allowed = call.may(Resource::Definition, Action::Review, &Scope::installation())?;
    let Decision { comment } = if request.json.is_none() { Decision::default() } else { request.body()? };
    if comment.as_ref().is_some_and(|text| text.chars().count() > COMMENT_MAX) {
        let problem = format!("must have at most {COMMENT_MAX} characters");
        return Err(Refusal::invalid("comment", problem).into());
    }
    let (object, mut version) = waiting(tx, call, request)?;
    let word = if state == State::Released { "RELEASED" } else { "REJECTED" };
    version.state = State::Draft;
    note(call, &mut version, word, comment.filter(|text| !text.trim().is_empty()));
    let object = set_state(tx, call, allowed, &object, version, state)?;
    answer(tx, call, request, &object)
}

/// A team takes its request back.
fn withdraw(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Definition, Action::Write)?;
    let id = request.param(0);
    let found = must_exist::<Versions>(Versions::find(tx, call, id, request.version)?, id)?;
    let allowed = call.may(Resource::Definition, Action::Write, &Versions::scope(&found))?;
    let (object, mut version) = waiting(tx, call, request)?;
    version.state = State::Draft;
    note(call, &mut version, "WITHDRAWN", None);
    let object = set_state(tx, call, allowed, &object, version, State::Draft)?;
    answer(tx, call, request, &object)
}

fn answer(tx: &mut Tx, call: &Call, request: &Request, object: &Object) -> Outcome<Reply> {
    let body = represent::<Versions>(tx, call, object, request.version)?;
    Ok(Reply::json(StatusCode::OK, media::of(KIND, request.version), &body))
}

/// `POST …/approve`, `POST …/decline` and `POST …/withdraw`, extensions of Stoa's.
pub fn routes() -> Vec<Route> {
    let path = |word: &str| format!("/api/meshobjects/{}/{{uuid}}/{word}", Versions::COLLECTION);
    let about = |summary| About {
        summary,
        tag: KIND,
        response: Some(Versions::RESPONSE),
        success: &[200],
        errors: &[403, 404, 409],
        ..About::default()
    };
    let decision = |word: &str, summary, state| {
        Route::write(Method::POST, path(word), move |tx, call, request| decide(tx, call, request, state))
            .accept(Accept::Kind(KIND, Versions::VERSIONS))
            .takes(Takes::KindIfAny(KIND, Versions::VERSIONS, 64 << 10, &["comment"]))
            .about(About {
                request: Some("BuildingBlockDefinitionDecision"),
                example: Some(json!({ "comment": "Well explained" })),
                errors: &[400, 403, 404, 409],
                ..about(summary)
            })
    };
    vec![
        decision("approve", "Approve a first release", State::Released),
        decision("decline", "Decline a first release", State::Draft),
        Route::write(Method::POST, path("withdraw"), withdraw)
            .accept(Accept::Kind(KIND, Versions::VERSIONS))
            .about(about("Take back the request for a first release")),
    ]
}
