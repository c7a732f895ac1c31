//! The page that signs people in, and the way to an identity provider and back.

use super::interrupted::resume;
use super::{Sent, Visitor, Ways, here, page, with_cookies};
use crate::api::segment;
use crate::parts::filters;
use crate::problem::Problem;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, StatusCode};
use serde_json::json;

/// The page.
#[derive(Template)]
#[template(path = "signin/login.html")]
pub struct LoginPage {
    /// Colours.
    pub theme: String,
    /// Ways to sign in.
    pub ways: Ways,
    /// Where to go then.
    pub next: String,
    /// What stood in the field.
    pub username: String,
    /// What went wrong.
    pub problem: Option<String>,
    /// Where a form was sent that arrived after its session, and its fields.
    pub kept: Option<(String, String)>,
}

/// What went wrong, in words of this page.
pub fn said(problem: &Problem) -> String {
    match problem.status {
        401 => tr("Username and password do not match.").into(),
        429 => tr("There were too many attempts. Wait some minutes, and try again.").into(),
        _ if problem.message.is_empty() => tr("This did not work").into(),
        _ => problem.message.clone(),
    }
}

/// GET /login.
pub async fn show(visitor: Visitor) -> Response {
    let ways = visitor.ways().await;
    let next = here(&visitor.query("next"));
    // One provider and nothing else: straight there.
    if let ([(name, _)], false, "") = (ways.providers.as_slice(), ways.local, visitor.query("stay").as_str())
    {
        return Redirect::to(&format!("/login/{name}?next={}", segment(&next))).into_response();
    }
    let theme = visitor.theme;
    let shown = LoginPage { theme, ways, next, username: String::new(), problem: None, kept: None };
    page(StatusCode::OK, &shown)
}

/// POST /login.
pub async fn send(Sent { visitor, fields }: Sent) -> Response {
    let (username, next) = (fields.get("username").to_owned(), here(fields.get("next")));
    let kept = fields.some("back").map(|back| (here(back), fields.raw("kept").to_owned()));
    let body = json!({ "username": username, "password": fields.raw("password") });
    match visitor.call(Method::POST, "/api/stoa/v1/session", Some(&body)).await {
        Ok((answer, cookies)) => match kept {
            Some((back, kept)) => {
                let csrf = answer["csrf"].as_str().unwrap_or_default().to_owned();
                with_cookies(resume(visitor.theme, csrf, back, &kept), cookies)
            }
            None => with_cookies(Redirect::to(&next).into_response(), cookies),
        },
        Err(problem) => {
            let ways = visitor.ways().await;
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            let problem = Some(said(&problem));
            page(status, &LoginPage { theme: visitor.theme, ways, next, username, problem, kept })
        }
    }
}

/// GET /login/done: in a tab of its own, beside a form that waits.
pub async fn done(visitor: Visitor) -> Response {
    page(StatusCode::OK, &DonePage { theme: visitor.theme })
}

#[derive(Template)]
#[template(path = "signin/done.html")]
struct DonePage {
    theme: String,
}

async fn refused(visitor: Visitor, problem: &Problem) -> Response {
    let ways = visitor.ways().await;
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::FORBIDDEN);
    let said = match problem.status {
        401 => problem.message.clone(),
        _ => said(problem),
    };
    let shown = LoginPage {
        theme: visitor.theme,
        ways,
        next: "/".into(),
        username: String::new(),
        problem: Some(said),
        kept: None,
    };
    page(status, &shown)
}

/// GET `/login/{provider}`: off to the provider.
pub async fn depart(visitor: Visitor, Path(provider): Path<String>) -> Response {
    let asked = visitor.query("next");
    let next = if asked == "/login/done" { asked } else { here(&asked) };
    let path = format!("/api/stoa/v1/sign-in/{}", segment(&provider));
    match visitor.call(Method::POST, &path, Some(&json!({ "next": next }))).await {
        Ok((answer, cookies)) => {
            let url = answer["url"].as_str().unwrap_or("/login");
            with_cookies(Redirect::to(url).into_response(), cookies)
        }
        Err(problem) => refused(visitor, &problem).await,
    }
}

/// GET `/login/{provider}/callback`: back from the provider.
pub async fn arrive(visitor: Visitor, Path(provider): Path<String>) -> Response {
    let error = visitor.query("error");
    if !error.is_empty() {
        let message = fill(tr("The identity provider did not let you in: {0}"), &[&error]);
        return refused(visitor, &Problem::forbidden(message)).await;
    }
    let body = json!({ "code": visitor.query("code"), "state": visitor.query("state") });
    let path = format!("/api/stoa/v1/sign-in/{}/return", segment(&provider));
    match visitor.call(Method::POST, &path, Some(&body)).await {
        Ok((answer, cookies)) => {
            let next = answer["next"].as_str().unwrap_or_default();
            let next = if next == "/login/done" { next.to_owned() } else { here(next) };
            with_cookies(Redirect::to(&next).into_response(), cookies)
        }
        Err(problem) => refused(visitor, &problem).await,
    }
}
