//! Routes of signing in with a password, and of setting accounts up.

use super::link::{self, Purpose};
use super::{sign_in, store};
use crate::session::{self, Beginning, LOCAL, Started};
use crate::user::{self, Newcomer};
use crate::{appointment, held};
use axum::response::Response;
use http::header::{SET_COOKIE, USER_AGENT};
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use stoa_base::Refusal;
use stoa_core::objects;
use stoa_core::secrets::new_secret;
use stoa_core::{Action, Call, Outcome, Resource, Scope, Settings};
use stoa_db::Tx;
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Access, Takes, Visitor};
use stoa_web::{App, Reply, Request, Route, credential, dispatch};
use utoipa::ToSchema;

/// Name and password.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SignIn)]
pub struct SignIn {
    /// Username.
    username: String,
    /// Password.
    password: String,
}

/// The first administrator.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Welcome)]
pub struct Welcome {
    /// Token of the link that the first start printed.
    token: String,
    /// Username.
    username: String,
    /// First name.
    #[serde(default)]
    first_name: String,
    /// Last name.
    #[serde(default)]
    last_name: String,
    /// E-mail address.
    email: String,
    /// Password.
    password: String,
}

/// A password by a link.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SetPassword)]
pub struct SetPassword {
    /// Token of the link.
    token: String,
    /// The new password.
    password: String,
}

/// Another password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangePassword)]
pub struct ChangePassword {
    /// The one until now.
    current_password: String,
    /// The new one.
    password: String,
}

/// For whom an account is set up.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewAccount)]
pub struct NewAccount {
    /// Username of a meshUser.
    username: String,
}

/// A link to pass on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountLink)]
pub struct AccountLink {
    /// Works once.
    link: String,
    /// Until when.
    ends_on: String,
}

/// What a link is for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OneTimeLink)]
pub struct Told {
    /// `WELCOME` or `SET_PASSWORD`.
    purpose: &'static str,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<String>,
}

/// That somebody is signed in; the session's token is in the cookie.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub struct SignedIn {
    /// For the header `X-CSRF-Token` of requests that change something.
    csrf: String,
    /// Where they wanted to go.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    next: String,
}

/// Whether somebody may sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UserState)]
pub struct UserState {
    /// `ACTIVE` or `DISABLED`.
    state: String,
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<SignIn>();
    schemas.add::<Welcome>();
    schemas.add::<SetPassword>();
    schemas.add::<ChangePassword>();
    schemas.add::<NewAccount>();
    schemas.add::<AccountLink>();
    schemas.add::<Told>();
    schemas.add::<SignedIn>();
    schemas.add::<UserState>();
}

/// The refusal for machines.
pub fn not_a_person() -> Refusal {
    Refusal::Forbidden("This is for people who signed in.".into())
}

fn beginning(request: &Request) -> Beginning {
    let device = request.header(USER_AGENT.as_str()).unwrap_or_default().to_owned();
    Beginning { provider: LOCAL.into(), device, id_token: None }
}

/// The answer that gives a browser its session.
pub fn signed_in(
    settings: &Settings,
    started: &Started,
    status: StatusCode,
    next: &str,
) -> Outcome<Response> {
    let csrf = credential::csrf_of(&started.token);
    let body = serde_json::to_value(SignedIn { csrf, next: next.to_owned() })?;
    let mut response = dispatch::dress(Reply::json(status, stoa_web::media::JSON, &body));
    set_cookie(&mut response, &credential::set_cookie(settings, Some(&started.token)));
    Ok(response)
}

/// Adds a cookie to an answer.
pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

async fn sign_in(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<Response> {
    sign_in::refuse_if_off(&visitor.call)?;
    let SignIn { username, password } = request.body()?;
    let settings = &app.world.settings;
    let earlier = credential::cookie(&request.headers, credential::cookie_name(settings)).map(str::to_owned);
    let beginning = (beginning(&request), earlier);
    let asked = (username, password);
    let started = sign_in::with_password(&app, visitor.call, asked, request.address, beginning).await?;
    signed_in(settings, &started, StatusCode::CREATED, "")
}

async fn welcome(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<Response> {
    sign_in::refuse_if_off(&visitor.call)?;
    let beginning = beginning(&request);
    let Welcome { token, username, first_name, last_name, email, password } = request.body()?;
    let newcomer = Newcomer { username, email, first_name, last_name, euid: None };
    let started = sign_in::welcome(&app, visitor.call, (token, newcomer, password), beginning).await?;
    signed_in(&app.world.settings, &started, StatusCode::CREATED, "")
}

async fn set_password(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<Response> {
    sign_in::refuse_if_off(&visitor.call)?;
    let beginning = beginning(&request);
    let SetPassword { token, password } = request.body()?;
    let started = sign_in::by_link(&app, visitor.call, (token, password), beginning).await?;
    signed_in(&app.world.settings, &started, StatusCode::CREATED, "")
}

async fn change_password(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<Response> {
    if !visitor.call.actor.is_person() {
        return Err(not_a_person().into());
    }
    sign_in::refuse_if_off(&visitor.call)?;
    let ChangePassword { current_password, password } = request.body()?;
    sign_in::change(&app, visitor.call, current_password, password).await?;
    Ok(dispatch::dress(Reply::empty(StatusCode::NO_CONTENT)))
}

fn look(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let offered = link::look(tx, request.param(0), call.now)?;
    let username = offered.person.map(|(_, username)| username);
    Ok(Reply::ok(&serde_json::to_value(Told { purpose: offered.purpose.word(), username })?))
}

/// Accounts are for those who may do everything: who sets somebody's password can be them.
fn may_set_up(call: &Call) -> Outcome<()> {
    call.may(Resource::User, Action::Write, &Scope::installation())?;
    if held::is_everything(call.actor.permissions) {
        return Ok(());
    }
    let problem = "you don't have sufficient permissions: accounts are set up by an Organization Admin, or with every \
                   admin code";
    Err(Refusal::Forbidden(problem.into()).into())
}

fn set_up(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    may_set_up(call)?;
    sign_in::refuse_if_off(call)?;
    let NewAccount { username } = request.body()?;
    let user = objects::hold(tx, user::KIND, &username)?;
    let user = user.ok_or_else(|| Refusal::missing(user::KIND, username.as_str()))?;
    let (token, ends) = (new_secret()?, call.now + link::LIFE);
    link::offer(tx, &token, (Purpose::SetPassword, Some(user.id)), call.now, ends)?;
    sign_in::tell(tx, call, &user, "User Password Link Created", "was offered a link to set a password")?;
    let link = call.link(&format!("/{}/{token}", Purpose::SetPassword.path()));
    let body = serde_json::to_value(AccountLink { link, ends_on: ends.to_string() })?;
    Ok(Reply::json(StatusCode::CREATED, stoa_web::media::JSON, &body))
}

fn take_away(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    may_set_up(call)?;
    let username = request.param(0);
    let missing = || Refusal::missing(user::KIND, username);
    let user = objects::by_key(tx, user::KIND, username)?.ok_or_else(missing)?;
    if store::forget(tx, user.id)? {
        session::end_all(tx, user.id, None)?;
        sign_in::tell(tx, call, &user, "User Password Removed", "cannot sign in with a password any more")?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn set_state(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may(Resource::User, Action::Write, &Scope::installation())?;
    let UserState { state } = request.body()?;
    let enabled = match state.as_str() {
        "ACTIVE" => true,
        user::DISABLED => false,
        other => {
            return Err(Refusal::invalid("state", format!("knows ACTIVE and DISABLED, not `{other}`")).into());
        }
    };
    let username = request.param(0);
    let missing = || Refusal::missing(user::KIND, username);
    let found = objects::hold(tx, user::KIND, username)?.ok_or_else(missing)?;
    let user = objects::by_id_for_update(tx, user::KIND, found.id)?.ok_or_else(missing)?;
    if appointment::is_admin(tx, call, user.id)? {
        appointment::refuse_admin_by_others(call)?;
    }
    user::set_state(tx, call, &user, enabled)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn example(words: &[(&str, &str)]) -> Value {
    let members = words.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    Value::Object(members.collect())
}

/// The routes.
pub fn routes() -> Vec<Route> {
    const BODY: Takes = Takes::Json(16 << 10);
    const NAME: (&str, &str) = ("username", "lea@fruit.example");
    const PASSWORD: (&str, &str) = ("password", "correct horse battery staple");
    const TOKEN: (&str, &str) = ("token", "c8LpQ0…");
    let about = |summary, request, example: Value| About {
        summary,
        tag: "identity",
        request: Some(request),
        response: Some("SignedIn"),
        produces: Some(stoa_web::media::JSON),
        example: Some(example).filter(|example| !example.is_null()),
        success: &[201],
        errors: &[400, 401, 403, 404, 409, 429],
        ..About::default()
    };
    let path = |tail: &str| format!("/api/stoa/v1/{tail}");
    let quiet = |about: About| About { response: None, produces: None, success: &[204], ..about };
    vec![
        Route::paced(
            Method::POST,
            path("session"),
            Arc::new(|app, visitor, request| Box::pin(sign_in(app, visitor, request))),
        )
        .access(Access::Public)
        .takes(BODY)
        .about(about(
            "Sign in with a password; the session is in the cookie",
            "SignIn",
            example(&[NAME, PASSWORD]),
        )),
        Route::paced(
            Method::POST,
            path("welcome"),
            Arc::new(|app, visitor, request| Box::pin(welcome(app, visitor, request))),
        )
        .access(Access::Public)
        .takes(BODY)
        .about(about(
            "Become the first administrator, by the link that the first start printed",
            "Welcome",
            example(&[
                TOKEN,
                NAME,
                ("firstName", "Lea"),
                ("lastName", "Apfel"),
                ("email", "lea@fruit.example"),
                PASSWORD,
            ]),
        )),
        Route::paced(
            Method::POST,
            path("set-password"),
            Arc::new(|app, visitor, request| Box::pin(set_password(app, visitor, request))),
        )
        .access(Access::Public)
        .takes(BODY)
        .about(about(
            "Set a password by a link, and sign in",
            "SetPassword",
            example(&[TOKEN, PASSWORD]),
        )),
        Route::read(Method::GET, path("links/{token}"), look).access(Access::Public).about(About {
            summary: "What a one-time link is for",
            tag: "identity",
            response: Some("OneTimeLink"),
            produces: Some(stoa_web::media::JSON),
            success: &[200],
            errors: &[404],
            ..About::default()
        }),
        Route::paced(
            Method::PUT,
            path("me/password"),
            Arc::new(|app, visitor, request| Box::pin(change_password(app, visitor, request))),
        )
        .takes(BODY)
        .about(quiet(about(
            "Change one's own password; all other sessions end",
            "ChangePassword",
            example(&[("currentPassword", "an earlier one"), PASSWORD]),
        ))),
        Route::write(Method::POST, path("accounts"), set_up).takes(BODY).about(About {
            response: Some("AccountLink"),
            permission: Some((Resource::User, Action::Write)),
            ..about(
                "Set up a local account: a link to pass on, by which its password is set",
                "NewAccount",
                example(&[NAME]),
            )
        }),
        Route::write(Method::DELETE, path("accounts/{username}"), take_away).about(About {
            request: None,
            permission: Some((Resource::User, Action::Write)),
            ..quiet(about("Take a local account away", "NewAccount", Value::Null))
        }),
        Route::write(Method::PUT, path("users/{username}/state"), set_state).takes(BODY).about(About {
            permission: Some((Resource::User, Action::Write)),
            ..quiet(about("Say whether somebody may sign in", "UserState", example(&[("state", "DISABLED")])))
        }),
    ]
}
