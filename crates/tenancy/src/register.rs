//! How people come by a workspace of their own (`domain-organization.md` §8.1): whoever is signed in may register one
//! and owns it then.

use crate::binding::{self, Bindings, WorkspaceUser};
use crate::workspace::{self, Workspaces};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{Refusal, check_identifier};
use stoa_core::{Actor, Call, Outcome, Principal, objects};
use stoa_db::Tx;
use stoa_identity::group;
use stoa_identity::role::WorkspaceRole;
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Takes};
use stoa_web::{Kind, Reply, Request, Route, media};
use utoipa::ToSchema;

const BODY_MAX: usize = 64 << 10;
/// How many suggestions are tried before none is made.
const TRIES: usize = 50;

/// A workspace to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Registration)]
pub struct Registration {
    /// Identifier, unique among the living; it never changes.
    name: String,
    /// For people.
    display_name: String,
    /// Tags: lists of strings.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
}

/// Whether an identifier can be had.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IdentifierCheck)]
pub struct Check {
    /// Whether it is free and well-formed.
    available: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    problem: Option<String>,
    /// Another one like it that is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    suggestion: Option<String>,
}

/// The person who calls.
fn person(call: &Call) -> Result<&str, Refusal> {
    match &call.actor.principal {
        Principal::User { name, .. } => Ok(name),
        _ => Err(Refusal::Forbidden("Workspaces are registered by people who are signed in.".into())),
    }
}

/// The person who calls, as the owner of a workspace that is about to be.
fn as_owner(call: &Call, workspace: &str) -> Call {
    let actor = Actor {
        home: Some(workspace.to_owned()),
        permissions: WorkspaceRole::Owner.permissions(false),
        projects: None,
        ..call.actor.clone()
    };
    Call { actor, ..call.clone() }
}

/// Makes the workspace and its first owner: the rules are those of every other workspace.
fn register(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let username = person(call)?.to_owned();
    let Registration { name, display_name, tags } = request.body()?;
    let call = &as_owner(call, &name);
    let object = Workspaces::register(tx, call, &name, &display_name, tags)?;
    let bound = Request {
        json: Some(json!({
            "roleRef": { "name": binding::WORKSPACE_ROLES[0] },
            "targetRef": { "name": name },
            "subject": { "name": username },
        })),
        ..Request::default()
    };
    Bindings::<WorkspaceUser>::create(tx, call, &bound)?;
    let newest = Workspaces::VERSIONS[Workspaces::VERSIONS.len() - 1];
    let shown = Workspaces::show(tx, call, &object, newest)?;
    Ok(Reply::json(StatusCode::CREATED, media::JSON, &shown))
}

/// What keeps an identifier from being a new workspace's.
fn problem(tx: &mut Tx, call: &Call, name: &str) -> Outcome<Option<String>> {
    if name == group::GLOBAL {
        return Ok(Some("is reserved".into()));
    }
    if let Err(bad) = check_identifier(name, call.world.settings.workspace_identifier_max) {
        return Ok(Some(bad.to_string()));
    }
    let taken = objects::by_key(tx, workspace::KIND, name)?.is_some();
    Ok(taken.then(|| "is taken".to_owned()))
}

/// Tells whether an identifier can be had, and which one like it if it cannot.
fn check(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    person(call)?;
    let name = request.query("identifier").unwrap_or_default();
    let problem = problem(tx, call, name)?;
    let mut suggestion = None;
    if problem.is_some() && !name.is_empty() {
        let most = call.world.settings.workspace_identifier_max;
        for number in 2..2 + TRIES {
            let end = format!("-{number}");
            let stem: String = name.chars().take(most.saturating_sub(end.len())).collect();
            let other = format!("{}{end}", stem.trim_end_matches('-'));
            if self::problem(tx, call, &other)?.is_none() {
                suggestion = Some(other);
                break;
            }
        }
    }
    let told = Check { available: problem.is_none(), problem, suggestion };
    Ok(Reply::ok(&serde_json::to_value(told)?))
}

/// The routes.
pub fn routes() -> Vec<Route> {
    vec![
        Route::write(Method::POST, "/api/stoa/v1/workspaces", register).takes(Takes::Json(BODY_MAX)).about(
            About {
                summary: "Register a workspace that the caller owns",
                tag: workspace::KIND,
                request: Some("Registration"),
                response: Some("Workspace"),
                produces: Some(media::JSON),
                success: &[201],
                errors: &[403, 409],
                example: Some(json!({ "name": "orchard", "displayName": "Orchard Team", "tags": {} })),
                ..About::default()
            },
        ),
        Route::read(Method::GET, "/api/stoa/v1/workspaces/identifier-check", check).about(About {
            summary: "Whether an identifier of a workspace can be had",
            tag: workspace::KIND,
            query: &[("identifier", "The identifier")],
            response: Some("IdentifierCheck"),
            produces: Some(media::JSON),
            success: &[200],
            errors: &[403],
            ..About::default()
        }),
    ]
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Registration>();
    schemas.add::<Check>();
}
