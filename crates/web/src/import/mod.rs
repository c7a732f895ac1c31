//! Declarative import: many objects in one request, each applied in a transaction of its own, in the order of the
//! document (`api-core.md` §5).

mod collection;
mod importer;
mod legacy;

pub use importer::{Importer, by_name, in_workspace};
pub use legacy::{binding, is_made_up, workspace};

use crate::app::App;
use crate::media;
use crate::problem;
use crate::request::Request;
use crate::route::{About, Accept, Again, Route, Takes, Visitor};
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use stoa_base::{ObjectId, Refusal};
use stoa_core::{Action, Allowed, Call, Error, Outcome, Resource, Scope, collections};

const ANSWER: &str = "application/vnd.meshcloud.api.meshobjects.v1+json";
const YAML: &str = "application/vnd.meshcloud.api.meshobjects.v1+yaml";
/// Largest import in bytes.
const MAX: usize = 16 << 20;

/// The routes of the import and of its collections.
pub fn routes(importers: Vec<Importer>) -> Vec<Route> {
    let importers: Arc<[Importer]> = importers.into();
    let operation = Arc::new(move |app: Arc<App>, visitor: Visitor, request: Request| {
        let importers = Arc::clone(&importers);
        let answer: std::pin::Pin<Box<dyn Future<Output = Outcome<Response>> + Send>> =
            Box::pin(async move { import(&app, visitor, &request, importers).await });
        answer
    });
    let mut routes = vec![
        Route::paced(Method::PUT, "/api/meshobjects", operation)
            .takes(Takes::Exactly(&[ANSWER, YAML], MAX))
            .accept(Accept::Exactly(ANSWER))
            .about(About {
                summary: "Create or replace many objects, each in a transaction of its own",
                tag: "import",
                query: &[
                    ("meshObjectCollection", "Collection whose missing members are deleted; needs owner"),
                    ("owner", "Owner of the collection; needs meshObjectCollection"),
                ],
                encodings: &[
                    (ANSWER, r#"[{"apiVersion":"v2","kind":"meshUser","metadata":{"name":"lea@fruit.example"},"spec":{"email":"lea@fruit.example","firstName":"Lea","lastName":"Apfel"}}]"#),
                    (YAML, "apiVersion: v2\nkind: meshUser\nmetadata:\n  name: lea@fruit.example\nspec:\n  email: lea@fruit.example\n  firstName: Lea\n  lastName: Apfel\n"),
                ],
                produces: Some(ANSWER),
                success: &[200],
                errors: &[400, 403, 404],
                permission: Some((Resource::Workspace, Action::Write)),
                ..About::default()
            }),
    ];
    routes.extend(collection::routes());
    routes
}

/// API users and keys with the admin code may import (`api-core.md` §2.3).
fn may(call: &Call) -> Outcome<Allowed> {
    call.may(Resource::Workspace, Action::Write, &Scope::installation())
}

/// The objects of a document.
fn parse(request: &Request) -> Result<Vec<Value>, Refusal> {
    let text = std::str::from_utf8(&request.raw).map_err(|bad| {
        Refusal::Malformed(format!("The body is not UTF-8: byte {} is not.", bad.valid_up_to()))
    })?;
    if !media::is(request.header("content-type").unwrap_or_default(), YAML) {
        return serde_json::from_str(text)
            .map_err(|bad| Refusal::Malformed(format!("The body is not an array of JSON objects: {bad}.")));
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_documents: 100_000,
            max_nodes: 4_000_000,
            max_events: 8_000_000,
            max_aliases: 1_000,
        },
    };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|bad| Refusal::Malformed(format!("The body is not YAML: {bad}")))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// What came of one object.
struct Told {
    label: String,
    failed: Option<Failed>,
}

struct Failed {
    code: String,
    message: String,
    remarks: Vec<String>,
}

impl Told {
    fn show(&self) -> Value {
        let failed = self.failed.as_ref();
        let remarks = failed.map(|failed| &failed.remarks).filter(|remarks| !remarks.is_empty());
        json!({
            "meshObject": self.label,
            "status": if failed.is_some() { "FAILED" } else { "SUCCESS" },
            "resultCode": failed.map(|failed| &failed.code),
            "message": failed.map(|failed| &failed.message),
            "remarks": remarks,
        })
    }
}

fn failed(error: &Error, request: &str) -> Failed {
    match error {
        Error::Refused(refusal) => Failed {
            code: problem::status_of(refusal).1.to_owned(),
            message: refusal.to_string(),
            remarks: problem::remarks_of(refusal),
        },
        Error::Failed(fault) => {
            tracing::error!(request.id = request, error = %fault, "importing an object failed");
            let message = format!("Something failed on our side. Quote the request id {request}.");
            Failed { code: "SERVER_ERROR".into(), message, remarks: Vec::new() }
        }
    }
}

async fn import(
    app: &Arc<App>,
    visitor: Visitor,
    request: &Request,
    importers: Arc<[Importer]>,
) -> Outcome<Response> {
    let Visitor { call, again } = visitor;
    may(&call)?;
    let collection = match (request.query("meshObjectCollection"), request.query("owner")) {
        (None, None) => None,
        (Some(_), None) => {
            return Err(Refusal::invalid("owner", "is required beside meshObjectCollection").into());
        }
        (None, Some(_)) => {
            return Err(Refusal::invalid("meshObjectCollection", "is required beside owner").into());
        }
        (Some(name), Some(owner)) => {
            let (name, owner) = (name.to_owned(), owner.to_owned());
            let missing = Refusal::missing(collections::KIND, format!("{owner}/{name}"));
            let found = app.db.read(move |tx| collections::find(tx, &owner, &name)).await?;
            Some(found.ok_or(missing)?.id)
        }
    };
    let objects = parse(request)?;
    let mut results = Vec::with_capacity(objects.len());
    let mut named = Named::default();
    for object in objects {
        let found = importer::identify(&importers, &object);
        let label = importer::label(&object, found.as_ref().ok().map(|(_, id)| id.as_str()));
        if collection.is_some() {
            named.note(&importers, &object, found.as_ref().ok());
        }
        let outcome = match found {
            Ok((place, id)) => {
                let (importers, again) = (Arc::clone(&importers), Arc::clone(&again));
                app.db
                    .write(move |tx| {
                        let call = again(tx)?;
                        may(&call)?;
                        let Some(importer) = importers.get(place) else { return Ok(()) };
                        importer.apply(tx, &call, &object, &id)?;
                        match collection.filter(|_| importer.is_member()) {
                            Some(collection) => collections::join(tx, collection, importer.kind, &id),
                            None => Ok::<_, Error>(()),
                        }
                    })
                    .await
            }
            Err(refusal) => Err(refusal.into()),
        };
        let failed = outcome.err().map(|error| failed(&error, &call.request));
        results.push(Told { label, failed }.show());
    }
    if let Some(collection) = collection.filter(|_| !named.is_doubtful) {
        sweep(app, &again, &importers, collection, named, &call.request).await?;
    }
    let mut response = Response::new(Body::from(Value::Array(results).to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(ANSWER));
    Ok(response)
}

/// Members that an import names.
#[derive(Default)]
struct Named {
    members: BTreeSet<(&'static str, String)>,
    /// An object of a member kind could not be told by name: nothing may be taken for missing then.
    is_doubtful: bool,
}

impl Named {
    fn note(&mut self, importers: &[Importer], object: &Value, found: Option<&(usize, String)>) {
        match found.and_then(|(place, id)| Some((importers.get(*place)?, id))) {
            Some((importer, id)) if importer.is_member() => {
                self.members.insert((importer.kind, id.clone()));
            }
            Some(_) => {}
            None => {
                let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
                let is_other =
                    importers.iter().any(|importer| importer.kind == kind && !importer.is_member());
                self.is_doubtful |= !is_other;
            }
        }
    }
}

/// Deletes members of a collection that this import did not name, each in a transaction of its own. What cannot be
/// deleted stays a member, and is tried again by the next import.
async fn sweep(
    app: &Arc<App>,
    again: &Again,
    importers: &Arc<[Importer]>,
    collection: ObjectId,
    named: Named,
    request: &str,
) -> Outcome<()> {
    let members = app.db.read(move |tx| collections::members(tx, collection)).await?;
    for (kind, key) in members {
        let Some(place) = importers.iter().position(|importer| importer.kind == kind) else { continue };
        if importers.get(place).is_some_and(|importer| named.members.contains(&(importer.kind, key.clone())))
        {
            continue;
        }
        let (importers, again, id) = (Arc::clone(importers), Arc::clone(again), key.clone());
        let deleted = app
            .db
            .write(move |tx| {
                let call = again(tx)?;
                may(&call)?;
                if let Some(importer) = importers.get(place) {
                    importer.remove(tx, &call, &id)?;
                    collections::leave(tx, collection, importer.kind, &id)?;
                }
                Ok::<_, Error>(())
            })
            .await;
        if let Err(error) = deleted {
            tracing::warn!(request.id = request, kind, key, %error, "a member missing from the import stays");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
