//! What somebody sees of themselves: profile, access, sessions, password, preferences (panel.md §3).

use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use stoa_web::credential::set_cookie;

/// Provider of sessions that began with a password.
const LOCAL: &str = "local";
/// How long a browser keeps the colours chosen.
const YEAR: u32 = 365 * 24 * 3600;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The frame of these pages.
fn shell(ctx: &Ctx, title: &'static str, provider: &str) -> Shell {
    let shell = ctx.shell(title).about(ctx.me.full_name(), ctx.me.username.clone());
    let shell = shell
        .tab(tr("Profile"), "/me")
        .tab(tr("My access"), "/me/access")
        .tab(tr("Sessions"), "/me/sessions");
    let shell = if provider == LOCAL { shell.tab(tr("Password"), "/me/password") } else { shell };
    shell.tab(tr("Preferences"), "/me/preferences")
}

async fn about(ctx: &Ctx) -> Result<Value, Problem> {
    ctx.api.get("/api/stoa/v1/me").await
}

#[derive(Template)]
#[template(path = "me/profile.html")]
struct ProfilePage {
    shell: Shell,
    rows: Vec<(&'static str, String)>,
    last: String,
    roles: Vec<String>,
}

async fn profile(ctx: Ctx) -> Answer {
    let me = about(&ctx).await?;
    let provider = text(&me["provider"]);
    let source = if provider == LOCAL { tr("A local account").to_owned() } else { provider.clone() };
    let rows = vec![
        (tr("Name"), ctx.me.full_name()),
        (tr("Username"), ctx.me.username.clone()),
        (tr("E-mail address"), ctx.me.email.clone()),
        (tr("External user id"), text(&me["euid"])),
        (tr("Signed in with"), source),
    ];
    ctx.page(&ProfilePage {
        shell: shell(&ctx, tr("Profile"), &provider),
        rows: rows.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        last: text(&me["lastSignIn"]),
        roles: items(&me["adminRoles"]).iter().map(text).collect(),
    })
}

/// Everything that is kept about somebody, as a file.
async fn data(ctx: Ctx) -> Answer {
    let all = json!({
        "profile": about(&ctx).await?,
        "access": ctx.api.get("/api/stoa/v1/me/access").await?,
        "sessions": ctx.api.get("/api/stoa/v1/sessions").await?["sessions"],
    });
    let mut all = all;
    if let Some(profile) = all["profile"].as_object_mut() {
        profile.remove("csrf");
    }
    let headers =
        [(CONTENT_TYPE, "application/json"), (CONTENT_DISPOSITION, "attachment; filename=\"my-data.json\"")];
    Ok((headers, format!("{all:#}\n")).into_response())
}

/// A role and what gives it.
struct Role {
    name: String,
    group: String,
    expires: String,
}

/// Roles in a workspace or project.
struct Place {
    name: String,
    identifier: String,
    href: String,
    roles: Vec<Role>,
    inner: Vec<Place>,
}

fn roles(held: &Value) -> Vec<Role> {
    let role = |held: &Value| Role {
        name: text(&held["role"]),
        group: text(&held["group"]),
        expires: text(&held["expires"]),
    };
    items(held).iter().map(role).collect()
}

#[derive(Template)]
#[template(path = "me/access.html")]
struct AccessPage {
    shell: Shell,
    places: Vec<Place>,
}

async fn access(ctx: Ctx) -> Answer {
    let (me, found) = (about(&ctx).await?, ctx.api.get("/api/stoa/v1/me/access").await?);
    let places = items(&found["workspaces"]).iter().map(|workspace| {
        let identifier = text(&workspace["identifier"]);
        let href = format!("/w/{}", segment(&identifier));
        let inner = items(&workspace["projects"]).iter().map(|project| {
            let identifier = text(&project["identifier"]);
            Place {
                name: identifier.clone(),
                href: format!("{href}/p/{}", segment(&identifier)),
                roles: roles(&project["roles"]),
                inner: Vec::new(),
                identifier,
            }
        });
        let inner = inner.collect();
        Place {
            name: text(&workspace["displayName"]),
            identifier,
            href,
            roles: roles(&workspace["roles"]),
            inner,
        }
    });
    let places = places.collect();
    ctx.page(&AccessPage { shell: shell(&ctx, tr("My access"), &text(&me["provider"])), places })
}

/// A session.
struct Row {
    id: String,
    device: String,
    provider: String,
    began: String,
    seen: String,
    ends: String,
    is_current: bool,
}

/// A browser by its name, as far as it can be told.
fn device(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => tr("An unknown browser").to_owned(),
    }
}

#[derive(Template)]
#[template(path = "me/sessions.html")]
struct SessionsPage {
    shell: Shell,
    rows: Vec<Row>,
}

async fn sessions(ctx: Ctx) -> Answer {
    let (me, found) = (about(&ctx).await?, ctx.api.get("/api/stoa/v1/sessions").await?);
    let rows = items(&found["sessions"]).iter().map(|session| Row {
        id: text(&session["uuid"]),
        device: device(&text(&session["device"])),
        provider: text(&session["provider"]),
        began: text(&session["createdOn"]),
        seen: text(&session["lastSeen"]),
        ends: text(&session["endsOn"]),
        is_current: session["isCurrent"] == true,
    });
    let rows = rows.collect();
    ctx.page(&SessionsPage { shell: shell(&ctx, tr("Sessions"), &text(&me["provider"])), rows })
}

async fn end_session(Path(id): Path<String>, Post { ctx, .. }: Post) -> Answer {
    ctx.api.delete(&format!("/api/stoa/v1/sessions/{}", segment(&id))).await?;
    ctx.done("/me/sessions", tr("The session is ended."))
}

async fn end_sessions(Post { ctx, .. }: Post) -> Answer {
    ctx.api.delete("/api/stoa/v1/sessions").await?;
    let cookie = set_cookie(&ctx.panel.app.world.settings, None);
    Ok(with_cookie(Redirect::to("/logged-out").into_response(), &cookie))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    response.headers_mut().extend(HeaderValue::from_str(cookie).map(|value| (SET_COOKIE, value)));
    response
}

#[derive(Template)]
#[template(path = "me/password.html")]
struct PasswordPage {
    shell: Shell,
    form: Form,
}

async fn password(ctx: Ctx) -> Answer {
    ctx.page(&PasswordPage { shell: shell(&ctx, tr("Password"), LOCAL), form: Form::default() })
}

async fn change_password(Post { ctx, fields }: Post) -> Answer {
    let body =
        json!({ "currentPassword": fields.raw("currentPassword"), "password": fields.raw("password") });
    let changed = if fields.raw("password") == fields.raw("again") {
        ctx.api.put("/api/stoa/v1/me/password", &body).await
    } else {
        Err(Problem::invalid("again", tr("The two passwords are not the same.")))
    };
    match changed {
        Ok(_) => ctx.done("/me/password", tr("Your password is changed, and all other sessions are ended.")),
        Err(problem) => {
            let mut form = again(fields, problem, &[])?;
            form.fields.0.clear();
            let page = PasswordPage { shell: shell(&ctx, tr("Password"), LOCAL), form };
            ctx.page_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

#[derive(Template)]
#[template(path = "me/preferences.html")]
struct PreferencesPage {
    shell: Shell,
    form: Form,
    options: [(&'static str, &'static str); 3],
}

async fn preferences(ctx: Ctx) -> Answer {
    let me = about(&ctx).await?;
    ctx.page(&PreferencesPage {
        shell: shell(&ctx, tr("Preferences"), &text(&me["provider"])),
        form: Form::filled([("theme", ctx.theme.clone())]),
        options: [("auto", tr("As the system")), ("light", tr("Light")), ("dark", tr("Dark"))],
    })
}

async fn prefer(Post { ctx, fields }: Post) -> Answer {
    let (theme, age) = match fields.get("theme") {
        theme @ ("light" | "dark") => (theme, YEAR),
        _ => ("", 0),
    };
    let cookie = format!("stoa_theme={theme}; Path=/; Max-Age={age}; SameSite=Lax");
    Ok(with_cookie(ctx.done("/me/preferences", tr("Your preferences are saved."))?, &cookie))
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/me", get(profile))
        .route("/me/my-data.json", get(data))
        .route("/me/access", get(access))
        .route("/me/sessions", get(sessions))
        .route("/me/sessions/end", post(end_sessions))
        .route("/me/sessions/{id}/end", post(end_session))
        .route("/me/password", get(password).post(change_password))
        .route("/me/preferences", get(preferences).post(prefer))
}
