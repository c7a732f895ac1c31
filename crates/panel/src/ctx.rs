//! Whoever asks for a page, where they act, and how an answer is made.

use crate::api::{Api, segment};
use crate::form::{Fields, Form};
use crate::problem::Problem;
use crate::shell::{self, Shell};
use crate::{Panel, text};
use askama::Template;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Limited};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use stoa_base::new_uuid;
use stoa_web::credential::{Credential, cookie, cookie_name};

/// What a handler gives back; a problem becomes the page that explains it.
pub type Answer = Result<Response, Problem>;

/// Largest form.
const FORM_MAX: usize = 8 << 20;

/// A workspace and what somebody is in it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Membership {
    /// `metadata.name`.
    pub identifier: String,
    /// Its name for people.
    pub display_name: String,
    /// `Owner`, `Manager` or `Member`: the strongest.
    pub role: String,
    /// Whether its platform builder is switched on.
    pub platform_builder: bool,
    /// Projects that a Member is bound to, as `workspace.project`; none means all.
    pub projects: Option<Vec<String>>,
}

impl Membership {
    /// Owner or Manager.
    pub fn is_team(&self) -> bool {
        self.role == "Owner" || self.role == "Manager"
    }
}

/// Who is signed in, as `GET /api/stoa/v1/me` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Me {
    /// The user's uuid.
    pub uuid: String,
    /// Username.
    pub username: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Guards forms against being sent from elsewhere.
    pub csrf: String,
    /// Admin roles held.
    pub admin_roles: Vec<String>,
    /// Workspaces with a role in them.
    pub workspaces: Vec<Membership>,
    /// Permission codes held where they act now.
    pub permissions: Vec<String>,
}

impl Me {
    /// First and last name, else the username.
    pub fn full_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        if name.trim().is_empty() { self.username.clone() } else { name.trim().to_owned() }
    }

    /// Up to two letters for an avatar.
    pub fn initials(&self) -> String {
        self.full_name().split_whitespace().filter_map(|word| word.chars().next()).take(2).collect()
    }
}

/// A message that outlives one redirect.
#[derive(Clone, Debug)]
pub struct Flash {
    /// Whether it tells of a success.
    pub is_good: bool,
    /// What it says.
    pub text: String,
}

const FLASH: &str = "stoa_flash";

/// A request for a page by somebody who is signed in.
#[derive(Clone)]
pub struct Ctx {
    /// What every page can reach.
    pub panel: Panel,
    /// Who asks.
    pub me: Me,
    /// The workspace they act in; none for administrators' and personal pages.
    pub workspace: Option<Membership>,
    /// The API as they use it there.
    pub api: Api,
    /// Path of the page.
    pub path: String,
    /// Pairs of its query.
    pub pairs: Vec<(String, String)>,
    /// The request's id.
    pub request: String,
    /// Whether only a part of the page is wanted (htmx, not a boosted link).
    pub is_partial: bool,
    /// `light`, `dark` or `auto`.
    pub theme: String,
    /// A message from before a redirect.
    pub flash: Option<Flash>,
}

fn pairs_of(parts: &Parts) -> Vec<(String, String)> {
    Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()).0
}

/// The path segment after `/w/`.
fn workspace_of(path: &str) -> Option<String> {
    let segment = path.strip_prefix("/w/")?.split('/').next()?;
    Some(percent_decode_str(segment).decode_utf8_lossy().into_owned()).filter(|name| !name.is_empty())
}

/// Where nobody is signed in: to the page that signs in, and back here.
fn signed_out(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
    let target = if here == "/" { "/login".to_owned() } else { format!("/login?next={}", segment(here)) };
    if parts.headers.contains_key("hx-request") {
        // A redirect would be followed within the page; this makes the browser go there.
        return ([("hx-redirect", target)], StatusCode::UNAUTHORIZED).into_response();
    }
    Redirect::to(&target).into_response()
}

impl Ctx {
    /// Reads who asks. `Err` is the answer for whoever is not signed in, or not there.
    pub async fn read(parts: &Parts, panel: &Panel) -> Result<Self, Response> {
        let path = parts.uri.path().to_owned();
        let named = workspace_of(&path);
        let token = cookie(&parts.headers, cookie_name(&panel.app.world.settings))
            .ok_or_else(|| signed_out(parts))?;
        let request = parts
            .headers
            .get("x-request-id")
            .and_then(|id| id.to_str().ok())
            .filter(|id| {
                (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            })
            .map_or_else(|| new_uuid().simple().to_string(), str::to_owned);
        let credential = Credential::Session { token: token.to_owned(), workspace: named.clone() };
        let api = Api::new(panel.app.clone(), Some(credential), request.clone());
        let me = match api.get("/api/stoa/v1/me").await {
            Ok(me) => serde_json::from_value::<Me>(me).unwrap_or_default(),
            Err(problem) if problem.status == 401 => return Err(signed_out(parts)),
            // No role in the workspace that the address names: who they are is told without it.
            Err(problem) => match api.acting_in(None).get("/api/stoa/v1/me").await {
                Ok(me) => serde_json::from_value(me).unwrap_or_default(),
                Err(_) => return Err(shell::bare_problem(&problem)),
            },
        };
        let workspace = named.as_ref().and_then(|name| {
            me.workspaces.iter().find(|membership| membership.identifier.eq_ignore_ascii_case(name)).cloned()
        });
        let flash = cookie(&parts.headers, FLASH).and_then(|value| {
            let text = percent_decode_str(value).decode_utf8().ok()?;
            let (is_good, text) = text.split_once(':')?;
            Some(Flash { is_good: is_good == "good", text: text.to_owned() })
        });
        let theme = cookie(&parts.headers, "stoa_theme").filter(|theme| matches!(*theme, "light" | "dark"));
        let has = |name| parts.headers.contains_key(name);
        let ctx = Self {
            panel: panel.clone(),
            me,
            workspace,
            api,
            path,
            pairs: pairs_of(parts),
            request,
            is_partial: has("hx-request") && !has("hx-boosted") && !has("hx-history-restore-request"),
            theme: theme.unwrap_or("auto").to_owned(),
            flash,
        };
        if let Some(name) = named.filter(|_| ctx.workspace.is_none()) {
            let problem = Problem::forbidden(text::fill(
                text::tr(
                    "You have no role in the workspace {0}, or it does not exist. Its owners can give you one.",
                ),
                &[&name],
            ));
            let mut ctx = ctx;
            "/".clone_into(&mut ctx.path);
            return Err(shell::problem_page(&ctx, &problem));
        }
        Ok(ctx)
    }

    /// A value of the address's query that is not empty.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// Identifier of the workspace acted in; empty outside of one.
    pub fn home(&self) -> &str {
        self.workspace.as_ref().map_or("", |workspace| &workspace.identifier)
    }

    /// Whether they hold a permission code where they act.
    pub fn may(&self, code: &str) -> bool {
        self.me.permissions.iter().any(|held| held == code)
    }

    /// Owner or Manager of the workspace acted in.
    pub fn is_team(&self) -> bool {
        self.workspace.as_ref().is_some_and(Membership::is_team)
    }

    /// The frame of a page with this title.
    pub fn shell(&self, title: impl Into<String>) -> Shell {
        Shell::new(self, title.into())
    }

    /// A page.
    pub fn page(&self, template: &impl Template) -> Answer {
        self.page_as(StatusCode::OK, template)
    }

    /// A page with a status: 422 for a form that was refused.
    pub fn page_as(&self, status: StatusCode, template: &impl Template) -> Answer {
        let html = template.render().map_err(|error| Problem {
            status: 500,
            code: "InternalServerError".into(),
            message: error.to_string(),
            ..Problem::default()
        })?;
        let mut response = (status, Html(html)).into_response();
        if self.flash.is_some() && !self.is_partial {
            let gone = format!("{FLASH}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
            response.headers_mut().extend(HeaderValue::from_str(&gone).map(|value| (SET_COOKIE, value)));
        }
        Ok(response)
    }

    /// After a form: to a page that says what was done.
    pub fn done(&self, target: &str, message: impl AsRef<str>) -> Answer {
        Ok(told(target, true, message.as_ref()))
    }

    /// After a form: back to a page that says what was refused.
    pub fn failed(&self, target: &str, message: impl AsRef<str>) -> Answer {
        Ok(told(target, false, message.as_ref()))
    }
}

/// A redirect with a message.
fn told(target: &str, is_good: bool, message: &str) -> Response {
    let kind = if is_good { "good" } else { "bad" };
    let short: String = message.chars().take(600).collect();
    let value = format!(
        "{FLASH}={}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
        segment(&format!("{kind}:{short}"))
    );
    let mut response = Redirect::to(target).into_response();
    response.headers_mut().extend(HeaderValue::from_str(&value).map(|value| (SET_COOKIE, value)));
    response
}

impl FromRequestParts<Panel> for Ctx {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Response> {
        Self::read(parts, panel).await
    }
}

/// A form that was sent by somebody who is signed in, from a page of ours.
pub struct Post {
    /// Who sent it.
    pub ctx: Ctx,
    /// Its fields.
    pub fields: Fields,
}

impl FromRequest<Panel> for Post {
    type Rejection = Response;

    async fn from_request(request: Request, panel: &Panel) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let fields = read_form(&parts, body).await;
        let mut fields = fields.map_err(|problem| shell::bare_problem(&problem))?;
        let mut ctx = match Ctx::read(&parts, panel).await {
            Ok(ctx) => ctx,
            Err(response) if is_signed_out(&response) => {
                return Err(crate::signin::interrupted(panel, &parts, &fields).await);
            }
            Err(response) => return Err(response),
        };
        if fields.get("csrf") != ctx.me.csrf || ctx.me.csrf.is_empty() {
            let text = text::tr(
                "This form was not sent from a page of this session. Load the page again, and send it once more.",
            );
            return Err(shell::problem_page(&ctx, &Problem::forbidden(text)));
        }
        // A form that was interrupted is shown again, and changes nothing yet.
        if fields.is_on(AGAIN) {
            fields.0.retain(|(name, _)| name != AGAIN);
            ctx.api = ctx.api.held();
        }
        // One that is only looked at, because somebody left a field of it, changes nothing either (UX-20).
        if parts.headers.contains_key(CHECK) {
            ctx.api = ctx.api.held();
        }
        Ok(Self { ctx, fields })
    }
}

/// Field of a form that comes back after its session had ended.
const AGAIN: &str = "_again";

/// Header of a form that is to be looked at only; see `assets/elements/check.js`.
const CHECK: &str = "x-stoa-check";

/// Whether an answer leads to the page that signs in.
fn is_signed_out(response: &Response) -> bool {
    let target = response.headers().get(LOCATION).or_else(|| response.headers().get("hx-redirect"));
    target.and_then(|target| target.to_str().ok()).is_some_and(|target| target.starts_with("/login"))
}

/// The fields of a form.
pub async fn read_form(parts: &Parts, body: Body) -> Result<Fields, Problem> {
    let content_type =
        parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(Problem {
            status: 415,
            message: text::tr("A form comes as application/x-www-form-urlencoded.").into(),
            ..Problem::default()
        });
    }
    let too_large = |_| Problem {
        status: 413,
        message: text::tr("The form is larger than 8 MiB.").into(),
        ..Problem::default()
    };
    let body = Limited::new(body, FORM_MAX).collect().await.map_err(too_large)?;
    Ok(Fields::parse(&body.to_bytes()))
}

/// A form again, as it was sent, with what is wrong; problems that nobody can mend in the form pass on.
pub fn again(fields: Fields, problem: Problem, names: &[(&str, &str)]) -> Result<Form, Problem> {
    if problem.is_about_input() { Ok(Form::refused(fields, problem, names)) } else { Err(problem) }
}

impl IntoResponse for Problem {
    /// The problem travels to the layer around all pages, which knows how to show it.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
