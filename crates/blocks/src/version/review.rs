//! Releasing a version, and the administrator's word on the first release of a team
//! (`api-building-blocks.md` §3.6).

use super::build::{check_complete, check_sources};
use super::wire::{State, Version};
use super::{KIND, Versions, effective_runner, set_state};
use http::{Method, StatusCode};
use stoa_base::Refusal;
use stoa_core::objects::Object;
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::{must_exist, represent};
use stoa_web::route::{About, Accept};
use stoa_web::{Kind, Reply, Request, Route, media};

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
    set_state(tx, call, allowed, object, version, state)
}

fn decide(tx: &mut Tx, call: &Call, request: &Request, state: State) -> Outcome<Reply> {
    let allowed = call.may(Resource::Definition, Action::Review, &Scope::installation())?;
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
    let object = set_state(tx, call, allowed, &object, version, state)?;
    let body = represent::<Versions>(tx, call, &object, request.version)?;
    Ok(Reply::json(StatusCode::OK, media::of(KIND, request.version), &body))
}

/// `POST …/approve` and `POST …/decline`, extensions of Stoa's.
pub fn routes() -> Vec<Route> {
    let route = |word: &str, summary, state| {
        let path = format!("/api/meshobjects/{}/{{uuid}}/{word}", Versions::COLLECTION);
        Route::write(Method::POST, path, move |tx, call, request| decide(tx, call, request, state))
            .accept(Accept::Kind(KIND, Versions::VERSIONS))
            .about(About {
                summary,
                tag: KIND,
                response: Some(Versions::RESPONSE),
                success: &[200],
                errors: &[403, 404, 409],
                ..About::default()
            })
    };
    vec![
        route("approve", "Approve a first release", State::Released),
        route("decline", "Decline a first release", State::Draft),
    ]
}
