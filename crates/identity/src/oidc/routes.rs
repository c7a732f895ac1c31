//! Routes of signing in at an identity provider. A browser is sent there, comes back with a code, and gets a session
//! for it. Only the browser that left may come back: a cookie binds the way to it.

use super::claims::described;
use super::provider::{Departure, Known, Providers};
use super::{arrival, store};
use crate::account::{self, set_cookie, signed_in};
use crate::session::{self, Beginning};
use axum::response::Response;
use http::header::USER_AGENT;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use stoa_base::Refusal;
use stoa_core::secrets::new_secret;
use stoa_core::{Outcome, Principal, Settings};
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Access, Takes, Visitor};
use stoa_web::{App, Reply, Request, Route, credential, dispatch};
use utoipa::ToSchema;

/// The cookie that binds the way to a browser; its secure form only ever comes from this host.
const COOKIE: &str = "stoa_sign_in";
const SECURE_COOKIE: &str = "__Host-stoa_sign_in";

/// Ways to sign in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WaysToSignIn)]
pub struct Ways {
    /// Whether a username and a password will do.
    local_accounts: bool,
    /// Identity providers.
    providers: Vec<Way>,
}

/// An identity provider to choose.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// Its name in addresses.
    name: String,
    /// For people.
    display_name: String,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SignInBegin)]
pub struct Begin {
    /// A path here; it comes back with the answer.
    #[serde(default)]
    next: String,
}

/// Where to send the browser.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignInDeparture)]
pub struct Begun {
    /// The provider's page.
    url: String,
}

/// What the browser came back with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SignInReturn)]
pub struct Return {
    /// The code.
    code: String,
    /// The state.
    state: String,
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Ways>();
    schemas.add::<Way>();
    schemas.add::<Begin>();
    schemas.add::<Begun>();
    schemas.add::<Return>();
    schemas.add::<SignedOut>();
}

fn cookie_name(settings: &Settings) -> &'static str {
    if credential::is_secure(settings) { SECURE_COOKIE } else { COOKIE }
}

fn cookie(settings: &Settings, value: &str) -> String {
    let secure = if credential::is_secure(settings) { "; Secure" } else { "" };
    let age = if value.is_empty() { 0 } else { store::PATIENCE.as_secs() };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}", cookie_name(settings))
}

/// Where the provider sends browsers back to.
fn callback(settings: &Settings, provider: &Known) -> String {
    format!("{}/login/{}/callback", settings.public_url, provider.config.name)
}

fn provider(providers: &Providers, request: &Request) -> Result<Arc<Known>, Refusal> {
    let name = request.param(0);
    let found = providers.named(name).cloned();
    found.ok_or_else(|| Refusal::Absent(format!("There is no identity provider `{name}`.")))
}

async fn begin(
    providers: Arc<Providers>,
    app: Arc<App>,
    visitor: Visitor,
    request: Request,
) -> Outcome<Response> {
    let provider = provider(&providers, &request)?;
    let Begin { next } = request.body()?;
    let settings = &app.world.settings;
    let Departure { url, state, nonce, verifier } = provider.depart(&callback(settings, &provider)).await?;
    // A browser may have several ways open: it keeps what it has.
    let known = credential::cookie(&request.headers, cookie_name(settings)).map(str::to_owned);
    let browser = known.map_or_else(new_secret, Ok)?;
    let set = cookie(settings, &browser);
    let way =
        store::UnderWay { state, browser, provider: provider.config.name.clone(), nonce, verifier, next };
    let now = visitor.call.now;
    app.db.write(move |tx| store::begin(tx, &way, now)).await?;
    let body = serde_json::to_value(Begun { url })?;
    let mut response = dispatch::dress(Reply::json(StatusCode::CREATED, stoa_web::media::JSON, &body));
    set_cookie(&mut response, &set);
    Ok(response)
}

async fn finish(
    providers: Arc<Providers>,
    app: Arc<App>,
    visitor: Visitor,
    request: Request,
) -> Outcome<Response> {
    let provider = provider(&providers, &request)?;
    let Return { code, state } = request.body()?;
    let call = visitor.call;
    let settings = &app.world.settings;
    let stray = || {
        let message = "This sign-in was not begun in this browser, or too long ago. Begin again.";
        Refusal::ForbiddenAs { code: "ERR_SIGN_IN_STATE", message: message.into() }
    };
    let browser = credential::cookie(&request.headers, cookie_name(settings)).ok_or_else(stray)?.to_owned();
    let (name, now) = (provider.config.name.clone(), call.now);
    let way = app.db.write(move |tx| store::take(tx, (&state, &browser, &name), now)).await?;
    let (nonce, verifier, next) = way.ok_or_else(stray)?;
    let arrived = provider.arrive(&callback(settings, &provider), code, (nonce, verifier)).await?;
    let who = described(&provider.config, &arrived.subject, &arrived.claims)?;
    let beginning = Beginning {
        provider: provider.config.name.clone(),
        device: request.header(USER_AGENT.as_str()).unwrap_or_default().to_owned(),
        id_token: Some(arrived.id_token),
    };
    let earlier = credential::cookie(&request.headers, credential::cookie_name(settings)).map(str::to_owned);
    let issuer = provider.config.issuer.clone();
    let started = app
        .db
        .write(move |tx| {
            let user = arrival::welcome(tx, &call, &issuer, &who)?;
            if let Some(earlier) = &earlier {
                session::end_token(tx, earlier)?;
            }
            account::admit(tx, &call, &user, &beginning)
        })
        .await?;
    let mut response = signed_in(settings, &started, StatusCode::CREATED, &next)?;
    set_cookie(&mut response, &cookie(settings, ""));
    Ok(response)
}

/// That a session is over.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedOut {
    /// Where to send the browser to sign out at the identity provider as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    end_session: Option<String>,
}

async fn sign_out(
    providers: Arc<Providers>,
    app: Arc<App>,
    visitor: Visitor,
    _: Request,
) -> Outcome<Response> {
    let call = visitor.call;
    let (Principal::User { id, .. }, Some(session)) = (call.actor.principal, call.actor.session) else {
        return Err(account::not_a_person().into());
    };
    let world = Arc::clone(&app.world);
    let ended = app.db.write(move |tx| {
        let about = session::about(tx, &world.vault, &session)?;
        session::end(tx, id, &session)?;
        Ok::<_, stoa_core::Error>(about)
    });
    let ended = ended.await?;
    let settings = &app.world.settings;
    let end_session =
        match ended.and_then(|about| Some((providers.named(&about.provider)?.clone(), about.id_token))) {
            Some((provider, token)) => {
                provider.farewell(token.as_deref(), &format!("{}/logged-out", settings.public_url)).await
            }
            None => None,
        };
    let body = serde_json::to_value(SignedOut { end_session })?;
    let mut response = dispatch::dress(Reply::ok(&body));
    set_cookie(&mut response, &credential::set_cookie(settings, None));
    Ok(response)
}

/// The routes.
pub fn routes(providers: &Arc<Providers>) -> Vec<Route> {
    let about = |summary, request, response, errors| About {
        summary,
        tag: "identity",
        request,
        response: Some(response),
        produces: Some(stoa_web::media::JSON),
        success: &[201],
        errors,
        ..About::default()
    };
    let shown = Arc::clone(providers);
    let beginning = Arc::clone(providers);
    let finishing = Arc::clone(providers);
    let leaving = Arc::clone(providers);
    vec![
        Route::read(Method::GET, "/api/stoa/v1/sign-in", move |_, call, _| {
            let providers = shown.all().map(|known| Way {
                name: known.config.name.clone(),
                display_name: known.config.label().to_owned(),
            });
            let local_accounts = call.world.settings.local_accounts;
            Ok(Reply::ok(&serde_json::to_value(Ways { local_accounts, providers: providers.collect() })?))
        })
        .access(Access::Public)
        .about(About { success: &[200], ..about("Ways to sign in", None, "WaysToSignIn", &[]) }),
        Route::paced(
            Method::POST,
            "/api/stoa/v1/sign-in/{provider}",
            Arc::new(move |app, visitor, request| {
                Box::pin(begin(Arc::clone(&beginning), app, visitor, request))
            }),
        )
        .access(Access::Public)
        .takes(Takes::Json(16 << 10))
        .about(About {
            example: Some(json!({ "next": "/w/orchard" })),
            ..about(
                "Begin to sign in at an identity provider",
                Some("SignInBegin"),
                "SignInDeparture",
                &[404, 503],
            )
        }),
        Route::paced(
            Method::POST,
            "/api/stoa/v1/sign-in/{provider}/return",
            Arc::new(move |app, visitor, request| {
                Box::pin(finish(Arc::clone(&finishing), app, visitor, request))
            }),
        )
        .access(Access::Public)
        .takes(Takes::Json(64 << 10))
        .about(About {
            example: Some(json!({ "code": "c-8a1f", "state": "s-77b0" })),
            ..about(
                "Come back from an identity provider; the session is in the cookie",
                Some("SignInReturn"),
                "SignedIn",
                &[400, 401, 403, 404, 409, 503],
            )
        }),
        Route::paced(
            Method::DELETE,
            "/api/stoa/v1/session",
            Arc::new(move |app, visitor, request| {
                Box::pin(sign_out(Arc::clone(&leaving), app, visitor, request))
            }),
        )
        .about(About { success: &[200], ..about("Sign out", None, "SignedOut", &[403]) }),
    ]
}
