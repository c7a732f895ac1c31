//! What an installation says about itself: `/mesh/info`, health, readiness, figures, the API description and
//! the roots of the object API (`api-core.md` §2.10 to §2.12).

use crate::app::App;
use crate::request::Reply;
use crate::route::{About, Accept, Access, Found, Route};
use crate::{events, hal, media, openapi};
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use stoa_core::{Action, Call, Outcome, Resource};

/// The API level that clients see, strict `x.y.z` (`api-core.md` §2.10).
pub const API_LEVEL: &str = env!("CARGO_PKG_VERSION");

const ROOT: &str = "application/vnd.meshcloud.api.v1.hal+json";
const INDEX: &str = "application/vnd.meshcloud.api.meshobjects.v2.hal+json";

/// A kind in the index `GET /api/meshobjects`: relation, collection path, template variables that come first
/// (the other filters of the list follow), and the permission that lists it.
pub type Indexed = (&'static str, &'static str, &'static [&'static str], Resource);

/// The system routes; `index` lists the kinds.
pub fn routes(index: Vec<Indexed>) -> Vec<Route> {
    let about = |summary| About { summary, tag: "system", success: &[200], ..About::default() };
    vec![
        Route::read(Method::GET, "/mesh/info", |_, call, _| Ok(Reply::ok(&info(call))))
            .access(Access::Public)
            .about(About { produces: Some(media::JSON), ..about("Version and name of this installation") }),
        Route::read(Method::GET, "/api", |_, call, _| {
            let links = json!({
                "self": hal::link(call.link("/api")),
                "meshobjects": hal::link(call.link("/api/meshobjects")),
            });
            let body = json!({ "_links": links });
            Ok(Reply::json(StatusCode::OK, ROOT, &body))
        })
        .accept(Accept::Exactly(ROOT))
        .about(About { produces: Some(ROOT), ..about("Root of the API") }),
        Route::stream(
            "/api/meshobjects",
            Arc::new(move |app, visitor, _| Box::pin(ready(Ok(index_of(&app, &visitor.call, &index))))),
        )
        .accept(Accept::Kind("meshobjects", &["v2"]))
        .about(About { produces: Some(INDEX), ..about("Kinds that the caller may list") }),
        stream("/actuator/health", "Liveness", health),
        stream("/readyz", "Readiness: 503 while starting or stopping", readiness),
        stream("/livez", "The process answers", alive),
        stream("/metrics", "Figures in the Prometheus text format", figures),
        stream("/api/openapi.json", "This description", |app| async move {
            Ok(plain(StatusCode::OK, media::JSON, openapi::describe(&app).to_string()))
        }),
        events::route(),
    ]
}

fn stream<F>(path: &'static str, summary: &'static str, answer: fn(Arc<App>) -> F) -> Route
where
    F: Future<Output = Outcome<Response>> + Send + 'static,
{
    let produces = if path == "/metrics" { "text/plain" } else { media::JSON };
    Route::stream(path, Arc::new(move |app, _, _| Box::pin(answer(app)))).access(Access::Public).about(
        About { summary, tag: "system", produces: Some(produces), success: &[200], ..About::default() },
    )
}

fn info(call: &Call) -> Value {
    json!({
        "version": API_LEVEL,
        "is4EPEnabled": false,
        "metadata": { "stoa": env!("CARGO_PKG_VERSION") },
        "adminWorkspaceIdentifier": call.world.settings.admin_workspace,
    })
}

/// What lists take beyond the contract: the index says what the contract says.
const OURS: [&str; 8] =
    ["q", "sort", "objectUuid", "orderable", "targetType", "platformType", "parentUuid", "reviewState"];

fn index_of(app: &App, call: &Call, index: &[Indexed]) -> Response {
    let mut links = Map::new();
    links.insert("self".into(), hal::link(call.link("/api/meshobjects")));
    for (relation, path, first, resource) in index {
        let path = format!("/api/meshobjects/{path}");
        let found = app.router.find(&Method::GET, &path);
        let open = matches!(&found, Found::Route(list, _) if list.about.open);
        if !open && !call.actor.holds_any(*resource, Action::Read) {
            continue;
        }
        let mut variables = first.to_vec();
        if let Found::Route(list, _) = found {
            let filters = list.about.query.iter().map(|(name, _)| *name);
            variables.extend(filters.filter(|name| !first.contains(name) && !OURS.contains(name)));
        }
        let path = call.link(&path);
        let link = if variables.is_empty() {
            hal::link(path)
        } else {
            json!({ "href": format!("{path}{{?{}}}", variables.join(",")), "templated": true })
        };
        links.insert((*relation).into(), link);
    }
    plain(StatusCode::OK, INDEX, json!({ "_links": links }).to_string())
}

async fn health(app: Arc<App>) -> Outcome<Response> {
    let up = app.db.ping().await.is_ok();
    let word = if up { "UP" } else { "DOWN" };
    let status = if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "status": word, "components": { "db": { "status": word } } });
    let mut response = plain(status, media::JSON, body.to_string());
    if !up {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}

async fn readiness(app: Arc<App>) -> Outcome<Response> {
    if app.draining.load(Ordering::Relaxed) {
        let body = json!({ "status": "OUT_OF_SERVICE" });
        return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, media::JSON, body.to_string()));
    }
    health(app).await
}

async fn alive(_: Arc<App>) -> Outcome<Response> {
    Ok(plain(StatusCode::OK, media::JSON, json!({ "status": "alive" }).to_string()))
}

async fn figures(app: Arc<App>) -> Outcome<Response> {
    Ok(plain(StatusCode::OK, "text/plain; version=0.0.4", app.metrics.text()))
}

fn plain(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
