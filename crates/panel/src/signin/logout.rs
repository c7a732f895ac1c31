//! Signing out, here and at the identity provider.

use super::{Visitor, page, with_cookies};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use stoa_web::credential::{cookie, set_cookie};

/// Cookie with the page of the identity provider that ends its own session. A form may not lead away from here, so
/// the page after it does.
const FAREWELL: &str = "stoa_farewell";

#[derive(Template)]
#[template(path = "signin/logout.html")]
struct LogoutPage {
    shell: Shell,
}

/// GET /logout: a link cannot sign anybody out, but it can ask.
pub async fn ask(ctx: Ctx) -> Answer {
    ctx.page(&LogoutPage { shell: ctx.shell(tr("Sign out")) })
}

/// POST /logout.
pub async fn send(Post { ctx, .. }: Post) -> Answer {
    let ended = ctx.api.acting_in(None).delete("/api/stoa/v1/session").await?;
    let mut cookies = vec![set_cookie(&ctx.panel.app.world.settings, None)];
    if let Some(url) = ended["endSession"].as_str() {
        cookies.push(format!(
            "{FAREWELL}={}; Path=/logged-out; Max-Age=60; HttpOnly; SameSite=Lax",
            segment(url)
        ));
    }
    let cookies = cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok()).collect();
    Ok(with_cookies(Redirect::to("/logged-out").into_response(), cookies))
}

#[derive(Template)]
#[template(path = "signin/logged_out.html")]
struct LoggedOutPage {
    theme: String,
    farewell: Option<String>,
}

/// GET /logged-out.
pub async fn over(visitor: Visitor) -> Response {
    let farewell = cookie(&visitor.parts.headers, FAREWELL)
        .map(|url| percent_decode_str(url).decode_utf8_lossy().into_owned())
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    let gone =
        HeaderValue::from_static("stoa_farewell=; Path=/logged-out; Max-Age=0; HttpOnly; SameSite=Lax");
    let shown = page(StatusCode::OK, &LoggedOutPage { theme: visitor.theme, farewell });
    with_cookies(shown, vec![gone])
}
