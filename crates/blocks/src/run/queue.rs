//! How much waits for a runner, for those who operate it.

use super::store;
use crate::runner::Runners;
use http::Method;
use serde::Serialize;
use stoa_core::{Action, Call, Outcome, Resource};
use stoa_db::Tx;
use stoa_web::kind::must_exist;
use stoa_web::openapi::Schemas;
use stoa_web::route::About;
use stoa_web::{Kind, Reply, Request, Route, media};
use utoipa::ToSchema;

/// What waits for a runner.
#[derive(Serialize, ToSchema)]
#[schema(as = RunnerQueue)]
struct Queue {
    /// Runs that nobody has taken yet.
    queued: i64,
    /// Runs that it works on, or that wait for an external system.
    running: i64,
}

/// The schema.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Queue>();
}

fn show(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Runner, Action::Read)?;
    let id = request.param(0);
    let object = must_exist::<Runners>(Runners::find(tx, call, id, request.version)?, id)?;
    Runners::readable(call, &object)?;
    let (queued, running) = store::queue(tx, object.id)?;
    Ok(Reply::ok(&serde_json::to_value(Queue { queued, running })?))
}

/// `GET /api/stoa/v1/runners/{uuid}/queue`, an extension of Stoa's.
pub fn route() -> Route {
    Route::read(Method::GET, "/api/stoa/v1/runners/{uuid}/queue", show).about(About {
        summary: "How many runs wait for a runner",
        tag: "runners",
        response: Some("RunnerQueue"),
        produces: Some(media::JSON),
        success: &[200],
        errors: &[403, 404],
        ..About::default()
    })
}
