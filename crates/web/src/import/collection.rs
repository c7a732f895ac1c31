//! Making and deleting object collections.

use super::may;
use crate::body;
use crate::request::{Reply, Request};
use crate::route::{About, Route, Takes};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use stoa_base::Refusal;
use stoa_core::{Action, Resource, collections};

const MEDIA: &str = "application/vnd.meshcloud.api.meshobjectcollection.v1+json";
const PATH: &str = "/api/meshobjectcollections";
const MAX: usize = 64 << 10;

#[derive(Deserialize)]
struct Wire {
    name: String,
    owner: String,
    description: Option<String>,
}

fn read(request: &Request) -> Result<Wire, Refusal> {
    let json: Value = body::parse(&request.raw)?;
    body::check_strings(&json, &["description"])?;
    body::typed(json)
}

pub(super) fn routes() -> Vec<Route> {
    let takes = Takes::Exactly(&[MEDIA], MAX);
    let about =
        About { tag: "import", permission: Some((Resource::Workspace, Action::Write)), ..About::default() };
    vec![
        Route::write(Method::POST, PATH, |tx, call, request| {
            let Wire { name, owner, description } = read(request)?;
            let allowed = may(call)?;
            collections::create(tx, call, allowed, (&owner, &name), description.as_deref())?;
            Ok(Reply::empty(StatusCode::CREATED))
        })
        .takes(takes)
        .about(About {
            summary: "Make a collection of imported objects",
            encodings: &[(
                MEDIA,
                r#"{"name":"people","owner":"orchard","description":"From the directory"}"#,
            )],
            success: &[201],
            errors: &[400, 403, 409],
            ..about.clone()
        }),
        Route::write(Method::DELETE, PATH, |tx, call, request| {
            let Wire { name, owner, .. } = read(request)?;
            let allowed = may(call)?;
            collections::delete(tx, call, allowed, (&owner, &name))?;
            Ok(Reply::empty(StatusCode::OK))
        })
        .takes(takes)
        .about(About {
            summary: "Delete an empty collection",
            encodings: &[(MEDIA, r#"{"name":"people","owner":"orchard"}"#)],
            success: &[200],
            errors: &[400, 403, 404, 409],
            ..about
        }),
    ]
}
