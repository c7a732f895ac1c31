//! A browser without a screen: it keeps cookies by host, follows redirects, and sends forms as it found them.

use reqwest::Method;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use std::collections::BTreeMap;
use url::Url;

/// A page.
#[derive(Debug)]
pub struct Page {
    /// Where the browser is.
    pub url: String,
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Text.
    pub text: String,
}

impl Page {
    /// Asserts the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} says {}", self.url, self.text);
        self
    }

    /// Asserts that it says this.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "{} does not say `{text}`: {}", self.url, self.text);
        self
    }

    /// The value of the hidden field with this name.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\""))?;
        Some(plain(rest.split_once('"')?.0))
    }

    /// Path where the browser is.
    pub fn path(&self) -> String {
        Url::parse(&self.url).unwrap().path().to_owned()
    }
}

/// A text without the escapes of HTML.
fn plain(text: &str) -> String {
    text.replace("&#38;", "&")
        .replace("&amp;", "&")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
}

/// The browser.
#[derive(Clone)]
pub struct Browser {
    home: String,
    http: reqwest::Client,
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    /// One that begins at this address.
    pub fn at(home: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { home: home.into(), http, cookies: BTreeMap::new() }
    }

    /// A cookie of the address it began at.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let host = authority(&Url::parse(&self.home).unwrap());
        self.cookies.get(&(host, name.to_owned())).map(String::as_str)
    }

    /// Takes a cookie that somebody else had.
    pub fn take(&mut self, name: &str, value: &str) {
        let host = authority(&Url::parse(&self.home).unwrap());
        self.cookies.insert((host, name.to_owned()), value.to_owned());
    }

    /// One request, no redirect followed.
    pub async fn ask(&mut self, method: Method, target: &str, form: Option<&[(&str, &str)]>) -> Page {
        let url = Url::parse(&self.home).unwrap().join(target).unwrap();
        let host = authority(&url);
        let jar: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut request = self.http.request(method.clone(), url.clone()).header(COOKIE, jar.join("; "));
        if let Some(form) = form {
            request = request.form(form).header("origin", url.origin().ascii_serialization());
        }
        let response = request.send().await.unwrap();
        for set in response.headers().get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, rest) = set.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let key = (host.clone(), name.to_owned());
            if set.contains("Max-Age=0") || set.contains("1970") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { url: url.to_string(), status, headers, text: response.text().await.unwrap() }
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..20 {
            if !(300..400).contains(&page.status) {
                return page;
            }
            let to = page.headers[LOCATION].to_str().unwrap();
            let to = Url::parse(&page.url).unwrap().join(to).unwrap().to_string();
            page = self.ask(Method::GET, &to, None).await;
        }
        panic!("too many redirects, the last to {}", page.url);
    }

    /// Goes somewhere.
    pub async fn go(&mut self, target: &str) -> Page {
        let page = self.ask(Method::GET, target, None).await;
        self.follow(page).await
    }

    /// Sends a form.
    pub async fn send(&mut self, target: &str, form: &[(&str, &str)]) -> Page {
        let page = self.ask(Method::POST, target, Some(form)).await;
        self.follow(page).await
    }
}

fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port_or_known_default().unwrap())
}
