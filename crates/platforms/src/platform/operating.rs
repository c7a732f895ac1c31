//! What operators do with platforms beyond declaring them: deprecation, owners, and the routes of it all
//! (`api-platforms.md` §9).

use super::kind::{Platforms, draft, must_stand, replace};
use super::{Instance, KIND, Restriction, connection, review};
use crate::landing_zone::kind::LandingZones;
use crate::reference::known_workspace;
use crate::{landing_zone, tenant};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use stoa_base::Refusal;
use stoa_core::objects::{self, Object, Told};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::represent;
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Takes};
use stoa_web::{Kind, Reply, Request, Route};
use utoipa::ToSchema;

const BODY_MAX: usize = 64 << 10;
const BASE: &str = "/api/stoa/v1";
const TENANT_FILTERS: &[(&str, &str)] = &[
    ("state", "ACTIVE (default), MARKED_FOR_DELETION or DELETED"),
    ("page", "Page"),
    ("size", "Entries per page, at most 1000"),
];

/// Who owns a platform from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PlatformOwner)]
pub struct NewOwner {
    /// The workspace.
    workspace: String,
}

/// The body of a request that may have none.
pub fn body_or_default<T: DeserializeOwned + Default>(request: &Request) -> Outcome<T> {
    Ok(if request.json.is_none() { T::default() } else { request.body()? })
}

/// The platform that the path names, held.
pub fn find_held(tx: &mut Tx, request: &Request) -> Outcome<Instance> {
    let id = request.param(0);
    let found = id.parse().map_or(Ok(None), |uuid| super::held(tx, uuid))?;
    Ok(found.ok_or_else(|| Refusal::missing(KIND, id))?)
}

/// The same, for a caller who may do this to it.
pub fn held(tx: &mut Tx, call: &Call, request: &Request, action: Action) -> Outcome<(Instance, Allowed)> {
    call.may_at_all(Resource::Platform, action)?;
    let found = find_held(tx, request)?;
    let allowed = call.may(Resource::Platform, action, &Platforms::scope(&found.object))?;
    Ok((found, allowed))
}

/// The platform as everybody else sees it.
pub fn reply(tx: &mut Tx, call: &Call, object: &Object) -> Outcome<Reply> {
    let newest = Platforms::VERSIONS.last().copied().unwrap_or_default();
    Ok(Reply::ok(&represent::<Platforms>(tx, call, object, newest)?))
}

fn set_deprecated(tx: &mut Tx, call: &Call, request: &Request, deprecated: bool) -> Outcome<Reply> {
    let (old, allowed) = held(tx, call, request, Action::Write)?;
    let mut status = old.status.clone();
    status.deprecated = deprecated;
    let name = old.full_identifier();
    let (title, text) = if deprecated {
        ("Platform Deprecated", format!("Platform '{name}' takes no new tenants."))
    } else {
        ("Platform Reactivated", format!("Platform '{name}' takes new tenants again."))
    };
    let object = replace(tx, call, allowed, &old, (&old.platform, &status), Told::new(title, text))?;
    reply(tx, call, &object)
}

fn hand_over(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let allowed = call.may(Resource::Platform, Action::Write, &Scope::installation())?;
    let old = find_held(tx, request)?;
    let NewOwner { workspace } = request.body()?;
    let home = known_workspace(tx, &workspace, "workspace")?;
    if home.doc.get("platformBuilderAccessEnabled") != Some(&Value::Bool(true)) {
        let problem = format!("must have platform builder access, which `{workspace}` has not");
        return Err(Refusal::invalid("workspace", problem).into());
    }
    let former = old.object.owner().to_owned();
    if former == workspace {
        return reply(tx, call, &old.object);
    }
    let mut platform = old.platform.clone();
    if platform.availability.restriction == Restriction::Private {
        platform.availability.restricted_to_workspaces = vec![workspace.clone()];
    }
    let place = must_stand(tx, &platform)?;
    let draft = draft(&platform, &old.status, home.id, place.id)?;
    let text = format!("Platform '{}' moved from '{former}' to '{workspace}'.", old.full_identifier());
    let told = Told::new("Platform Owner Changed", text).to_managers(&[&former]);
    let object = objects::hand_over(tx, call, allowed, &old.object, &workspace, draft, told)?;
    let new = Instance { object: object.clone(), platform, status: old.status };
    landing_zone::following::platform_moved(tx, call, allowed, &new, &former, &home)?;
    landing_zone::following::platform_changed(tx, call, &new)?;
    reply(tx, call, &object)
}

/// Schemas of what these routes read.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<review::Ask>();
    schemas.add::<review::Review>();
    schemas.add::<review::History>();
    schemas.add::<NewOwner>();
    schemas.add::<connection::Test>();
    schemas.add::<connection::Tests>();
}

/// Tenants of a platform across workspaces, for its owner.
fn tenants(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Platform, Action::Read)?;
    let id = request.param(0);
    let found = id.parse().map_or(Ok(None), |uuid| super::by_id(tx, uuid))?;
    let found = found.ok_or_else(|| Refusal::missing(KIND, id))?;
    Platforms::readable(call, &found.object)?;
    call.may(Resource::Platform, Action::Read, &Platforms::scope(&found.object))?;
    tenant::operators::tenants_of(tx, call, request, ("platformIdentifier", &found.full_identifier()))
}

/// Tenants made from a landing zone across workspaces, for its owner and the platform's.
fn tenants_of_zone(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::LandingZone, Action::Read)?;
    let id = request.param(0);
    let zone = landing_zone::by_name(tx, id)?.ok_or_else(|| Refusal::missing(landing_zone::KIND, id))?;
    LandingZones::readable(call, &zone.object)?;
    let platform = landing_zone::platform_of(tx, &zone.zone)?;
    let operates =
        platform.is_some_and(|platform| call.actor.home.as_deref() == Some(platform.object.owner()));
    if !operates {
        call.may(Resource::LandingZone, Action::Read, &LandingZones::scope(&zone.object))?;
    }
    tenant::operators::tenants_of(tx, call, request, ("landingZoneIdentifier", id))
}

/// Building blocks that tenants of a landing zone come with, and what whoever orders one is asked for. Definitions
/// that are for landing zones only are told here, too.
fn included_in_zone(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::LandingZone, Action::Read)?;
    let id = request.param(0);
    let zone = landing_zone::by_name(tx, id)?.ok_or_else(|| Refusal::missing(landing_zone::KIND, id))?;
    LandingZones::readable(call, &zone.object)?;
    let home = call.actor.home.as_deref().unwrap_or_default();
    let equipment = stoa_blocks::block::on_tenant::equipment(tx, home, &zone.zone.mandatory)?;
    let included: Vec<Value> =
        equipment.iter().map(stoa_blocks::block::on_tenant::Mandatory::shown).collect();
    Ok(Reply::ok(&json!({ "included": included })))
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let platform = |rest: &str| format!("{BASE}/platforms/{{uuid}}/{rest}");
    let produces = Some(stoa_web::media::JSON);
    let about = |summary: &'static str| About {
        summary,
        tag: KIND,
        response: Some(Platforms::RESPONSE),
        produces,
        success: &[200],
        errors: &[400, 403, 404, 409],
        ..About::default()
    };
    let takes = Takes::Json(BODY_MAX);
    vec![
        Route::write(Method::POST, platform("publication-requests"), review::ask).takes(takes).about(About {
            request: Some("PlatformPublicationRequest"),
            example: Some(json!({ "message": "Please have a look" })),
            ..about("Ask for publication")
        }),
        Route::write(Method::POST, platform("publication-reviews"), review::decide).takes(takes).about(
            About {
                request: Some("PlatformPublicationReview"),
                example: Some(json!({ "decision": "APPROVE", "comment": "Well explained" })),
                ..about("Approve or reject a publication")
            },
        ),
        Route::read(Method::GET, platform("publication-reviews"), review::history).about(About {
            response: Some("PlatformPublication"),
            errors: &[403, 404],
            ..about("History of publication")
        }),
        Route {
            method: Method::POST,
            ..Route::stream(
                platform("connection-tests"),
                Arc::new(|app, visitor, request| Box::pin(connection::run(app, visitor, request))),
            )
        }
        .about(About {
            response: Some("PlatformConnectionTest"),
            errors: &[403, 404],
            ..about("Test whether tenants can come to be")
        }),
        Route::read(Method::GET, platform("connection-tests"), connection::list).about(About {
            response: Some("PlatformConnectionTests"),
            errors: &[403, 404],
            ..about("Latest connection tests")
        }),
        Route::read(Method::GET, platform("tenants"), tenants).about(About {
            tag: stoa_tenancy::tenant::KIND,
            query: TENANT_FILTERS,
            response: None,
            errors: &[400, 403, 404],
            ..about("Tenants of a platform")
        }),
        Route::read(Method::GET, format!("{BASE}/landingzones/{{name}}/tenants"), tenants_of_zone).about(
            About {
                tag: stoa_tenancy::tenant::KIND,
                query: TENANT_FILTERS,
                response: None,
                errors: &[400, 403, 404],
                ..about("Tenants made from a landing zone")
            },
        ),
        Route::read(Method::GET, format!("{BASE}/landingzones/{{name}}/included"), included_in_zone).about(
            About {
                response: None,
                errors: &[403, 404],
                ..about(
                    "Building blocks that tenants of a landing zone come with, and the inputs they ask for",
                )
            },
        ),
        Route::write(Method::POST, platform("deprecation"), |tx, call, request| {
            set_deprecated(tx, call, request, true)
        })
        .about(about("Deprecate")),
        Route::write(Method::DELETE, platform("deprecation"), |tx, call, request| {
            set_deprecated(tx, call, request, false)
        })
        .about(about("Reactivate")),
        Route::write(Method::POST, platform("owner"), hand_over).takes(takes).about(About {
            request: Some("PlatformOwner"),
            example: Some(json!({ "workspace": "orchard" })),
            ..about("Give to another workspace")
        }),
        Route::write(
            Method::POST,
            format!("{BASE}/landingzones/{{name}}/enablement"),
            landing_zone::kind::enable,
        )
        .about(About {
            tag: landing_zone::KIND,
            response: Some(LandingZones::RESPONSE),
            ..about("Enable again")
        }),
    ]
}
