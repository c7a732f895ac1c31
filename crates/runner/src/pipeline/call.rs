//! Calls to another system, and what a caller may conclude from their answers: above all, whether something happened.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use url::{Host, Url};

use super::stage::now;
use crate::failure::spoken;
use crate::log::shortened;

/// How long a call may take, and how long a connection.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most of an answer that is read, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;
/// The most of an error that is repeated, in bytes.
const TOLD: usize = 1024;
/// How long to wait when a system says that it is asked too often, but not for how long; and the most it may say.
const USUAL_LIMIT: Duration = Duration::from_mins(1);
const LONGEST_LIMIT: Duration = Duration::from_hours(1);
/// What need not be encoded in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a call brought nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The system said no, so nothing happened.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        told: String,
    },
    /// The system is asked too often, so nothing happened. It may be asked again after this.
    Limited(Duration),
    /// Nobody was reached, so nothing happened.
    Unreached(String),
    /// There was no answer, a broken one, or the system had trouble of its own. What was asked for may have happened.
    Unclear(String),
    /// It cannot even be asked for.
    Unusable(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { status, told } => write!(f, "answered {status}: {told}"),
            Self::Limited(wait) => write!(f, "asked too often, for {} from now", spoken(*wait)),
            Self::Unreached(why) | Self::Unclear(why) | Self::Unusable(why) => f.write_str(why),
        }
    }
}

/// An answer that is a yes.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null when there was none.
    pub(crate) json: Value,
}

/// A caller of one system.
pub(crate) struct Caller {
    http: reqwest::Client,
    base: Url,
}

impl Caller {
    /// Calls go below this address.
    pub(crate) fn new(base_url: &str) -> Result<Self, Trouble> {
        let wrong = |why: &dyn std::fmt::Display| {
            Trouble::Unusable(format!("`{base_url}` is not the address of a system: {why}"))
        };
        let base = Url::parse(base_url).map_err(|error| wrong(&error))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong(&"it must begin with http:// or https://"));
        }
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("stoa-runner/", env!("CARGO_PKG_VERSION")))
            // Credentials go where the definition says, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            // A connection of its own for each call: whether a request left is never in doubt for the connection's sake.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT);
        if base.scheme() == "http" {
            // Without TLS there is no need for root certificates, which a small container may lack.
            http = http.tls_certs_only([]);
        }
        if is_this_machine(&base) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| wrong(&error))?;
        Ok(Self { http, base })
    }

    /// A request to a path of these parts, whatever characters they hold.
    pub(crate) fn request(&self, method: Method, parts: &[&str]) -> RequestBuilder {
        let mut address = self.base.as_str().trim_end_matches('/').to_owned();
        for part in parts {
            address.push('/');
            // The URL standard takes dots alone for steps up and down, encoded or not.
            let part = if matches!(*part, "." | "..") { "%" } else { part };
            address.extend(utf8_percent_encode(part, PLAIN));
        }
        self.http.request(method, address)
    }

    /// Sends a request and sorts the answer.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let response = request.send().await.map_err(|error| {
            let (is_ours, is_unreached) = (error.is_builder(), error.is_connect());
            let why = causes(&error.without_url());
            let host = self.base.host_str().unwrap_or_default();
            match (is_ours, is_unreached) {
                (true, _) => Trouble::Unusable(format!("the request cannot be written: {why}")),
                (_, true) => Trouble::Unreached(format!("{host} cannot be reached: {why}")),
                (false, false) => Trouble::Unclear(format!("no answer from {host}: {why}")),
            }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = whole(response).await;
        if status.is_success() {
            let text = text?;
            if text.trim().is_empty() {
                return Ok(Answer { status: status.as_u16(), json: Value::Null });
            }
            return match serde_json::from_str(&text) {
                Ok(json) => Ok(Answer { status: status.as_u16(), json }),
                Err(_) => Err(Trouble::Unclear(format!("the answer {} is not JSON", status.as_u16()))),
            };
        }
        let told = told(&text.unwrap_or_default());
        let status = status.as_u16();
        Err(match status {
            429 => Trouble::Limited(wait(&headers)),
            403 if is_limit(&headers, &told) => Trouble::Limited(wait(&headers)),
            408 | 500..=599 => Trouble::Unclear(format!("answered {status}: {told}")),
            _ => Trouble::Refused { status, told },
        })
    }
}

async fn whole(mut response: Response) -> Result<String, Trouble> {
    let broken = |error: reqwest::Error| {
        Trouble::Unclear(format!("the answer broke off: {}", causes(&error.without_url())))
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err(Trouble::Unclear(format!("the answer is longer than {LARGEST} bytes")));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// GitHub says 403 for limits, too: the ordinary one with a count of what is left, the others with words.
fn is_limit(headers: &HeaderMap, told: &str) -> bool {
    headers.contains_key("retry-after")
        || number(headers, "x-ratelimit-remaining") == Some(0)
        || told.to_lowercase().contains("rate limit")
}

fn wait(headers: &HeaderMap) -> Duration {
    let resets = ["x-ratelimit-reset", "ratelimit-reset"].into_iter().find_map(|name| number(headers, name));
    let wait = match (number(headers, "retry-after"), resets) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        (None, Some(at)) => Duration::from_secs(at.saturating_sub(now())),
        (None, None) => USUAL_LIMIT,
    };
    wait.clamp(Duration::from_secs(1), LONGEST_LIMIT)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// What an error says to people, wherever the three systems put it.
fn told(body: &str) -> String {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let said = ["message", "error_description", "error", "errors"].into_iter().filter_map(|name| match json
        .get(name)?
    {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    });
    let said: Vec<String> = said.collect();
    let said = if said.is_empty() { body.trim().to_owned() } else { said.join("; ") };
    shortened(if said.is_empty() { "nothing more" } else { &said }, TOLD)
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}

/// Such addresses are never reached through a proxy.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{Caller, now, told, wait};

    #[test]
    fn parts_of_a_path_stay_parts() {
        let caller = Caller::new("https://git.example.org/api/v3/").unwrap();
        let url = |parts: &[&str]| caller.request(Method::GET, parts).build().unwrap().url().to_string();
        assert_eq!(
            url(&["repos", "a/../b", "x?y#z"]),
            "https://git.example.org/api/v3/repos/a%2F..%2Fb/x%3Fy%23z"
        );
        assert_eq!(url(&["repos", "..", "x"]), "https://git.example.org/api/v3/repos/%25/x");
        assert!(Caller::new("ftp://example.org").is_err());
        assert!(Caller::new("nonsense").is_err());
    }

    #[test]
    fn what_a_system_says_is_found_wherever_it_puts_it() {
        assert_eq!(told(r#"{"message":"Not Found","documentation_url":"x"}"#), "Not Found");
        assert_eq!(
            told(r#"{"message":{"base":["Reference not found"]}}"#),
            r#"{"base":["Reference not found"]}"#
        );
        assert_eq!(told(r#"{"error":"invalid","error_description":"why"}"#), "why; invalid");
        assert_eq!(told("<html>"), "<html>");
        assert_eq!(told(""), "nothing more");
    }

    #[test]
    fn a_limit_says_how_long_it_lasts_in_several_ways() {
        let waits = |named: &[(&'static str, String)]| {
            let header = |(name, value): &(&'static str, String)| {
                (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            };
            wait(&named.iter().map(header).collect::<HeaderMap>()).as_secs()
        };
        assert_eq!(waits(&[]), 60);
        assert_eq!(waits(&[("retry-after", "7".into())]), 7);
        assert_eq!(waits(&[("retry-after", "0".into())]), 1);
        assert_eq!(waits(&[("retry-after", "999999".into())]), 3600);
        let reset = (now() + 90).to_string();
        assert!((85..=90).contains(&waits(&[("x-ratelimit-reset", reset.clone())])));
        assert!((85..=90).contains(&waits(&[("ratelimit-reset", reset)])));
    }
}
