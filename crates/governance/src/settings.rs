//! The settings in force, for administrators to look up.

use http::Method;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::openapi::Schemas;
use stoa_web::route::About;
use stoa_web::{Reply, Request, Route, media};
use utoipa::ToSchema;

/// What applies to the whole installation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EffectiveSettings)]
struct Effective {
    /// How and where it is reached.
    installation: Installation,
    /// What is limited.
    limits: Limits,
    /// How long things last, in seconds.
    durations: Durations,
}

/// How and where an installation is reached.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Installation {
    /// Base URL.
    public_url: String,
    /// Identifier of the admin workspace.
    admin_workspace: String,
    /// Locations that come with it.
    locations: Vec<String>,
    /// Whether integrations of type `entraid` are offered.
    entra_id: bool,
}

/// What is limited.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Limits {
    /// Longest identifier of a workspace.
    workspace_identifier: usize,
    /// Longest identifier of a project.
    project_identifier: usize,
    /// API keys that a workspace may have.
    api_keys_per_workspace: usize,
    /// Owners that a workspace may have at a time.
    owners_per_workspace: usize,
}

/// How long things last, in seconds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Durations {
    /// Access tokens of API keys.
    access_token: u64,
    /// How long a run may be silent before it is offered again.
    run_inactivity: u64,
    /// Longest life of an API key, if that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    api_key_max: Option<u64>,
    /// Longest time that workspace roles are given for, by role.
    recertification: BTreeMap<String, u64>,
}

fn read(_: &mut Tx, call: &Call, _: &Request) -> Outcome<Reply> {
    call.may(Resource::Workspace, Action::Write, &Scope::installation())?;
    let settings = &call.world.settings;
    let told = Effective {
        installation: Installation {
            public_url: settings.public_url.clone(),
            admin_workspace: settings.admin_workspace.clone(),
            locations: settings.locations.clone(),
            entra_id: settings.entra_id,
        },
        limits: Limits {
            workspace_identifier: settings.workspace_identifier_max,
            project_identifier: settings.project_identifier_max,
            api_keys_per_workspace: settings.api_keys_per_workspace,
            owners_per_workspace: settings.owners_per_workspace,
        },
        durations: Durations {
            access_token: settings.access_token_life.as_secs(),
            run_inactivity: settings.run_inactivity.as_secs(),
            api_key_max: settings.api_key_max_life.map(|life| life.as_secs()),
            recertification: settings
                .recertification
                .iter()
                .map(|(role, span): (&String, &Duration)| (role.clone(), span.as_secs()))
                .collect(),
        },
    };
    Ok(Reply::ok(&serde_json::to_value(told)?))
}

/// The route.
pub fn routes() -> Vec<Route> {
    vec![Route::read(Method::GET, "/api/stoa/v1/settings", read).about(About {
        summary: "Settings in force; they are given to the server when it starts",
        tag: "system",
        response: Some("EffectiveSettings"),
        produces: Some(media::JSON),
        success: &[200],
        errors: &[403],
        ..About::default()
    })]
}

/// The schema.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Effective>();
}
