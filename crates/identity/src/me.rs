//! Who somebody is here: names, roles, workspaces, what is about to expire; and the sessions they have open.

use crate::account::not_a_person;
use crate::held::{self, About as Names, InProject, InWorkspace, Person};
use crate::oidc;
use crate::role::WorkspaceRole;
use crate::session;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use stoa_base::Refusal;
use stoa_core::{Call, Outcome, Permission, Principal};
use stoa_db::Tx;
use stoa_web::openapi::Schemas;
use stoa_web::route::About;
use stoa_web::{Reply, Request, Route};
use utoipa::ToSchema;

/// Roles that end within this time are about to expire (`domain-organization.md` §6.1).
const SOON: Duration = Duration::from_hours(30 * 24);

/// A workspace that somebody has a role in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Home {
    /// Identifier.
    identifier: String,
    /// For people.
    display_name: String,
    /// The greatest role: `Owner`, `Manager` or `Member`.
    role: String,
    /// Whether the platform builder is switched on.
    platform_builder: bool,
    /// Of a member: the projects they are bound to, as `<workspace>.<project>`. Absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    projects: Option<Vec<String>>,
}

/// A role that is about to expire.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expiring {
    /// In this workspace.
    workspace: String,
    /// In this project of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    project: Option<String>,
    /// The role.
    role: String,
    /// The last day.
    expires: String,
}

/// Somebody who is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Me)]
pub struct Me {
    /// uuid of the meshUser.
    uuid: String,
    /// Username.
    username: String,
    /// First name.
    first_name: String,
    /// Last name.
    last_name: String,
    /// E-mail address.
    email: String,
    /// External user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    euid: Option<String>,
    /// How they signed in: `local`, or the name of a provider.
    provider: String,
    /// For the header `X-CSRF-Token` of requests that change something.
    csrf: String,
    /// Codes of admin roles, such as `OA`, the mightiest first.
    admin_roles: Vec<&'static str>,
    /// Workspaces with a role.
    workspaces: Vec<Home>,
    /// Codes held where they act now: in the workspace of `X-Stoa-Workspace`, or in the administration.
    permissions: Vec<&'static str>,
    /// Roles that are about to expire.
    expiring: Vec<Expiring>,
    /// When they signed in last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_sign_in: Option<String>,
    /// Whether their identity provider lets them create workspaces.
    may_create_workspaces: bool,
}

/// A role, where it is held, and what gives it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Name or identifier of the role.
    role: String,
    /// The group that gives it; absent if it is held directly.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    group: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expires: Option<String>,
}

/// What somebody can do where.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MyAccess)]
pub struct Access {
    /// By workspace.
    workspaces: Vec<WorkspaceAccess>,
}

/// Roles in a workspace and its projects.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceAccess {
    /// Identifier.
    identifier: String,
    /// For people.
    display_name: String,
    /// Roles in the workspace.
    roles: Vec<Held>,
    /// Roles in projects.
    projects: Vec<ProjectAccess>,
}

/// Roles in a project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectAccess {
    /// Identifier.
    identifier: String,
    /// Roles in it.
    roles: Vec<Held>,
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Me>();
    schemas.add::<Home>();
    schemas.add::<Expiring>();
    schemas.add::<Access>();
    schemas.add::<WorkspaceAccess>();
    schemas.add::<ProjectAccess>();
    schemas.add::<Held>();
    schemas.add::<session::Shown>();
}

/// The person who calls, and the id of their session.
fn caller(tx: &mut Tx, call: &Call) -> Outcome<(Person, String, Value)> {
    let Principal::User { id, .. } = &call.actor.principal else { return Err(not_a_person().into()) };
    let session = call.actor.session.clone().ok_or_else(not_a_person)?;
    let user = stoa_core::objects::by_id(tx, crate::user::KIND, *id)?.ok_or_else(not_a_person)?;
    let about: Names = user.doc()?;
    Ok((Person { id: *id, username: user.key, about }, session, user.status.into()))
}

/// What is held in one workspace.
fn home(roles: &[InWorkspace], projects: &[InProject]) -> Option<Home> {
    let first = roles.first()?;
    let role = held::greatest(roles)?;
    let bound = projects.iter().filter(|held| held.workspace == first.workspace);
    let mut bound: Vec<String> = bound.map(|held| held.project.clone()).collect();
    bound.dedup();
    Some(Home {
        identifier: first.workspace.clone(),
        display_name: first.display_name.clone(),
        role: role.word().into(),
        platform_builder: first.builder,
        projects: (role == WorkspaceRole::Member).then_some(bound),
    })
}

fn bare(project: &str) -> String {
    project.split_once('.').map_or(project, |(_, name)| name).to_owned()
}

fn me(tx: &mut Tx, call: &Call, _: &Request) -> Outcome<Reply> {
    let (person, session, status) = caller(tx, call)?;
    let about = session::about(tx, &call.world.vault, &session)?.ok_or_else(not_a_person)?;
    let roles = held::in_workspaces(tx, person.id, call.now, None)?;
    let projects = held::in_projects(tx, person.id, call.now, None)?;
    let soon = (call.now + SOON).day().to_string();
    let is_soon = |day: &Option<String>| day.clone().filter(|day| *day <= soon);
    let here = |workspace: &str| roles.iter().any(|held| held.workspace == workspace);
    let in_workspaces = roles.iter().filter_map(|held| {
        let expires = is_soon(&held.expires)?;
        let (workspace, role) = (held.workspace.clone(), held.role.clone());
        Some(Expiring { workspace, project: None, role, expires })
    });
    let in_projects = projects.iter().filter(|held| here(&held.workspace)).filter_map(|held| {
        let expires = is_soon(&held.expires)?;
        let (workspace, role) = (held.workspace.clone(), held.role.clone());
        Some(Expiring { workspace, project: Some(bare(&held.project)), role, expires })
    });
    let expiring = in_workspaces.chain(in_projects).collect();
    let by_workspace = roles.chunk_by(|one, other| one.workspace == other.workspace);
    let workspaces = by_workspace.filter_map(|roles| home(roles, &projects)).collect();
    let admin_roles = held::admin_roles(&roles, &call.world.settings.admin_workspace);
    let Names { email, first_name, last_name, euid } = person.about;
    let me = Me {
        uuid: person.id.to_string(),
        username: person.username,
        first_name,
        last_name,
        email,
        euid,
        provider: about.provider,
        csrf: about.csrf,
        admin_roles: admin_roles.into_iter().map(crate::role::AdminRole::code).collect(),
        workspaces,
        permissions: Permission::all()
            .filter(|code| call.actor.permissions.has(*code))
            .map(Permission::code)
            .collect(),
        expiring,
        last_sign_in: status["lastSignIn"].as_str().map(str::to_owned),
        may_create_workspaces: oidc::lets_register(&status),
    };
    Ok(Reply::ok(&serde_json::to_value(me)?))
}

fn access(tx: &mut Tx, call: &Call, _: &Request) -> Outcome<Reply> {
    let (person, ..) = caller(tx, call)?;
    let roles = held::in_workspaces(tx, person.id, call.now, None)?;
    let projects = held::in_projects(tx, person.id, call.now, None)?;
    let by_workspace = roles.chunk_by(|one, other| one.workspace == other.workspace);
    let workspaces = by_workspace.map(|roles| {
        let identifier = roles[0].workspace.clone();
        let of_workspace: Vec<&InProject> =
            projects.iter().filter(|held| held.workspace == identifier).collect();
        let by_project = of_workspace.chunk_by(|one, other| one.project == other.project);
        let projects = by_project.map(|held| ProjectAccess {
            identifier: bare(&held[0].project),
            roles: held
                .iter()
                .map(|held| Held {
                    role: held.role.clone(),
                    group: held.group.clone(),
                    expires: held.expires.clone(),
                })
                .collect(),
        });
        WorkspaceAccess {
            display_name: roles[0].display_name.clone(),
            roles: roles
                .iter()
                .map(|held| Held {
                    role: held.role.clone(),
                    group: held.group.clone(),
                    expires: held.expires.clone(),
                })
                .collect(),
            projects: projects.collect(),
            identifier,
        }
    });
    Ok(Reply::ok(&serde_json::to_value(Access { workspaces: workspaces.collect() })?))
}

fn sessions(tx: &mut Tx, call: &Call, _: &Request) -> Outcome<Reply> {
    let (person, session, _) = caller(tx, call)?;
    let sessions = session::of_person(tx, person.id, &session, call.now)?;
    Ok(Reply::ok(&json!({ "sessions": serde_json::to_value(sessions)? })))
}

fn end(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (person, ..) = caller(tx, call)?;
    let id = request.param(0);
    if !session::end(tx, person.id, id)? {
        return Err(Refusal::Absent(format!("You have no session `{id}`.")).into());
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn end_all(tx: &mut Tx, call: &Call, _: &Request) -> Outcome<Reply> {
    let (person, ..) = caller(tx, call)?;
    session::end_all(tx, person.id, None)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let about = |summary, response| About {
        summary,
        tag: "identity",
        response,
        produces: response.map(|_: &str| stoa_web::media::JSON),
        success: if response.is_some() { &[200] } else { &[204] },
        errors: &[403, 404],
        ..About::default()
    };
    let path = |tail: &str| format!("/api/stoa/v1/{tail}");
    vec![
        Route::read(Method::GET, path("me"), me).about(about("Who is signed in", Some("Me"))),
        Route::read(Method::GET, path("me/access"), access)
            .about(about("What the caller can do where, and by what", Some("MyAccess"))),
        Route::read(Method::GET, path("sessions"), sessions)
            .about(about("The caller's sessions", Some("Session"))),
        Route::write(Method::DELETE, path("sessions/{uuid}"), end)
            .about(about("End one of the caller's sessions", None)),
        Route::write(Method::DELETE, path("sessions"), end_all)
            .about(about("Sign out everywhere: end all of the caller's sessions", None)),
    ]
}
