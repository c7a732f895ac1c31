//! Links that work once: to become the first administrator, and to set a password.

use super::login::said;
use super::{Sent, Visitor, page, with_cookies};
use crate::api::segment;
use crate::form::{Fields, Form};
use crate::parts::filters;
use crate::problem::Problem;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Which field of the forms a field of the API is.
const FIELDS: &[(&str, &str)] = &[
    ("metadata.name", "username"),
    ("email", "email"),
    ("firstName", "firstName"),
    ("lastName", "lastName"),
    ("password", "password"),
];

#[derive(Template)]
#[template(path = "signin/welcome.html")]
struct WelcomePage {
    theme: String,
    token: String,
    form: Form,
}

#[derive(Template)]
#[template(path = "signin/password.html")]
struct PasswordPage {
    theme: String,
    token: String,
    username: String,
    form: Form,
}

#[derive(Template)]
#[template(path = "signin/over.html")]
struct OverPage {
    theme: String,
}

/// What a link is for: its purpose and whom it is for. Else the page that says it does not work.
async fn offered(visitor: &Visitor, token: &str, purpose: &str) -> Result<String, Response> {
    let found = visitor.api().get(&format!("/api/stoa/v1/links/{}", segment(token))).await;
    match found {
        Ok(link) if link["purpose"] == purpose => {
            Ok(link["username"].as_str().unwrap_or_default().to_owned())
        }
        Ok(_) | Err(Problem { status: 404, .. }) => {
            Err(page(StatusCode::GONE, &OverPage { theme: visitor.theme.clone() }))
        }
        Err(problem) => Err(crate::shell::bare_problem(&problem)),
    }
}

/// Whether both passwords are the same one.
fn same(fields: &Fields) -> Result<(), Problem> {
    if fields.raw("password") == fields.raw("again") {
        return Ok(());
    }
    Err(Problem::invalid("again", tr("The two passwords are not the same.")))
}

/// A form again, without its passwords.
fn refused(mut fields: Fields, problem: Problem) -> Form {
    fields.0.retain(|(name, _)| name != "password" && name != "again");
    let message = said(&problem);
    Form::refused(fields, Problem { message, ..problem }, FIELDS)
}

async fn sent(visitor: &Visitor, path: &str, fields: &Fields, body: Value) -> Result<Response, Problem> {
    same(fields)?;
    let (_, cookies) = visitor.call(Method::POST, path, Some(&body)).await?;
    Ok(with_cookies(Redirect::to("/").into_response(), cookies))
}

/// GET `/welcome/{token}`.
pub async fn welcome(visitor: Visitor, Path(token): Path<String>) -> Response {
    match offered(&visitor, &token, "WELCOME").await {
        Ok(_) => {
            let theme = visitor.theme;
            page(StatusCode::OK, &WelcomePage { theme, token, form: Form::default() })
        }
        Err(response) => response,
    }
}

/// POST `/welcome/{token}`.
pub async fn send_welcome(Path(token): Path<String>, Sent { visitor, fields }: Sent) -> Response {
    let body = json!({
        "token": token,
        "username": fields.get("username"),
        "firstName": fields.get("firstName"),
        "lastName": fields.get("lastName"),
        "email": fields.get("email"),
        "password": fields.raw("password"),
    });
    match sent(&visitor, "/api/stoa/v1/welcome", &fields, body).await {
        Ok(response) => response,
        Err(Problem { status: 404, .. }) => page(StatusCode::GONE, &OverPage { theme: visitor.theme }),
        Err(problem) => {
            let form = refused(fields, problem);
            page(StatusCode::UNPROCESSABLE_ENTITY, &WelcomePage { theme: visitor.theme, token, form })
        }
    }
}

/// GET `/set-password/{token}`.
pub async fn password(visitor: Visitor, Path(token): Path<String>) -> Response {
    match offered(&visitor, &token, "SET_PASSWORD").await {
        Ok(username) => {
            let theme = visitor.theme;
            page(StatusCode::OK, &PasswordPage { theme, token, username, form: Form::default() })
        }
        Err(response) => response,
    }
}

/// POST `/set-password/{token}`.
pub async fn send_password(Path(token): Path<String>, Sent { visitor, fields }: Sent) -> Response {
    let body = json!({ "token": token, "password": fields.raw("password") });
    match sent(&visitor, "/api/stoa/v1/set-password", &fields, body).await {
        Ok(response) => response,
        Err(Problem { status: 404, .. }) => page(StatusCode::GONE, &OverPage { theme: visitor.theme }),
        Err(problem) => {
            let username = fields.get("username").to_owned();
            let form = refused(fields, problem);
            page(
                StatusCode::UNPROCESSABLE_ENTITY,
                &PasswordPage { theme: visitor.theme, token, username, form },
            )
        }
    }
}
