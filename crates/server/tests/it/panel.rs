//! The panel's pages over HTTP: who sees what, and what forms do.

mod admin;
mod build;
mod market;
mod reach;
mod workspace;

use crate::stoa::{Answer, Caller};
use reqwest::Method;

impl Caller {
    /// A page.
    pub async fn page(&self, path: &str) -> Answer {
        self.raw(Method::GET, path, |request| request).await
    }

    /// A form that is sent, with the proof that it comes from a page.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.form(path, fields, None).await
    }

    /// A form that is only looked at, because somebody left a field of it.
    pub async fn look_at(&self, path: &str, field: &str, fields: &[(&str, &str)]) -> Answer {
        self.form(path, fields, Some(field)).await
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)], left: Option<&str>) -> Answer {
        let csrf = self.session.as_ref().map_or(String::new(), |(_, csrf)| csrf.clone());
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &csrf).extend_pairs(fields);
        let body = body.finish();
        let media = "application/x-www-form-urlencoded";
        self.raw(Method::POST, path, |request| {
            let request = request.header("content-type", media).body(body);
            left.into_iter().fold(request, |request, field| request.header("x-stoa-check", field))
        })
        .await
    }
}

impl Answer {
    /// Where a redirect leads.
    #[track_caller]
    pub fn leads_to(&self) -> &str {
        assert_eq!(self.status, 303, "no redirect: {}", self.text);
        self.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default()
    }

    /// The message that a redirect takes along.
    pub fn said(&self) -> String {
        let cookies = self.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let flash =
            cookies.filter_map(|cookie| cookie.strip_prefix("stoa_flash=")).next().unwrap_or_default();
        let flash = flash.split(';').next().unwrap_or_default();
        percent_encoding::percent_decode_str(flash).decode_utf8_lossy().into_owned()
    }

    /// Asserts that a page shows these texts.
    #[track_caller]
    pub fn shows(self, status: u16, texts: &[&str]) -> Self {
        assert_eq!(self.status, status, "unexpected page: {}", self.text);
        for text in texts {
            assert!(self.text.contains(text), "`{text}` is not on the page: {}", self.text);
        }
        self
    }

    /// Asserts that a page does not show these texts.
    #[track_caller]
    pub fn hides(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(!self.text.contains(text), "`{text}` is on the page");
        }
        self
    }
}
