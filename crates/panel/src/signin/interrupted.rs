//! A form that arrived after its session had ended. What was entered is kept, but secrets: it stands in the page that
//! signs in again, and then in the form.

use super::login::LoginPage;
use super::{Sent, Visitor, here, page};
use crate::Panel;
use crate::ctx::Ctx;
use crate::form::Fields;
use crate::parts::filters;
use crate::text::tr;
use askama::Template;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

/// Field by which a form names fields of its own that hold secrets.
const SECRETS: &str = "_secret";
/// Parts of names of fields that hold secrets, whether the form says so or not.
const SECRET_NAMES: [&str; 6] = ["password", "secret", "token", "credential", "plaintext", "private"];

/// The fields that may stand in a page: no secrets, and nothing of the session that is over.
fn kept(fields: &Fields) -> String {
    let named = fields.all(SECRETS);
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &fields.0 {
        let lower = name.to_lowercase();
        let is_secret =
            named.contains(&name.as_str()) || SECRET_NAMES.iter().any(|part| lower.contains(part));
        if name != "csrf" && !(is_secret && name != SECRETS) {
            kept.append_pair(name, value);
        }
    }
    kept.finish()
}

/// The answer to a form whose session is over.
pub async fn interrupted(panel: &Panel, parts: &Parts, fields: &Fields) -> Response {
    let visitor = Visitor::of(parts, panel);
    let back = here(parts.uri.path_and_query().map_or("/", |target| target.as_str()));
    let mut response = ask(visitor, back, kept(fields), None).await;
    // A part of a page makes room for the whole.
    let headers = response.headers_mut();
    headers.insert("hx-retarget", HeaderValue::from_static("body"));
    headers.insert("hx-reswap", HeaderValue::from_static("innerHTML"));
    response
}

async fn ask(visitor: Visitor, back: String, kept: String, problem: Option<String>) -> Response {
    let ways = visitor.ways().await;
    let shown = LoginPage {
        theme: visitor.theme,
        ways,
        next: "/".into(),
        username: String::new(),
        problem,
        kept: Some((back, kept)),
    };
    page(StatusCode::UNAUTHORIZED, &shown)
}

/// POST /login/again: somebody signed in in another tab meanwhile.
pub async fn again(Sent { visitor, fields }: Sent) -> Response {
    let (back, kept) = (here(fields.get("back")), fields.raw("kept").to_owned());
    if let Ok(ctx) = Ctx::read(&visitor.parts, &visitor.panel).await {
        return resume(visitor.theme, ctx.me.csrf, back, &kept);
    }
    let problem = tr("You are not signed in yet.").to_owned();
    ask(visitor, back, kept, Some(problem)).await
}

#[derive(Template)]
#[template(path = "signin/resume.html")]
struct ResumePage {
    theme: String,
    csrf: String,
    back: String,
    fields: Fields,
}

/// The page that leads back to the form, with what stood in it.
pub fn resume(theme: String, csrf: String, back: String, kept: &str) -> Response {
    page(StatusCode::OK, &ResumePage { theme, csrf, back, fields: Fields::parse(kept.as_bytes()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_travel_along() {
        let fields = Fields::parse(
            b"csrf=c&name=a%26b&_secret=input.pin&input.pin=1234&Password=x&apiToken=t&spec.value.plaintext=p&tag=1&tag=2",
        );
        assert_eq!(kept(&fields), "name=a%26b&_secret=input.pin&tag=1&tag=2");
    }
}
