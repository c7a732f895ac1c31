//! What a request proves itself with: `Authorization: Bearer …` or `Basic …`, or the cookie of a session. A browser
//! sends cookies on its own, whoever wrote the page: what changes something must prove that our own pages asked for
//! it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE as COOKIES, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};
use std::fmt;
use stoa_base::Refusal;
use stoa_core::Settings;
use stoa_core::secrets::digest;
use url::Url;

/// Name of the cookie of a session, over plain http.
pub const COOKIE: &str = "stoa_session";
/// The same over https: browsers take it from our own host only, and send it encrypted only.
pub const SECURE_COOKIE: &str = "__Host-stoa_session";
/// Header that says in which workspace a person acts.
pub const WORKSPACE: &str = "x-stoa-workspace";
/// Header with the proof that a request comes from our own pages.
pub const CSRF: &str = "x-csrf-token";

/// Whether an installation is reached over https.
pub fn is_secure(settings: &Settings) -> bool {
    settings.public_url.starts_with("https://")
}

/// Name of the cookie of sessions of an installation.
pub fn cookie_name(settings: &Settings) -> &'static str {
    if is_secure(settings) { SECURE_COOKIE } else { COOKIE }
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIES).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value)
}

/// The `Set-Cookie` that gives a browser a session's token, or takes it away when there is none.
pub fn set_cookie(settings: &Settings, token: Option<&str>) -> String {
    let name = cookie_name(settings);
    let secure = if is_secure(settings) { "; Secure" } else { "" };
    let (value, age) = token.map_or(("", 0), |token| (token, settings.session_life.as_secs()));
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}")
}

/// What requests by the session with this token prove themselves with. Nobody can tell it from anything but the
/// token.
pub fn csrf_of(token: &str) -> String {
    digest(&format!("csrf {token}"))
}

/// Whether a request that a browser sent on its own comes from our own pages, as far as the browser says.
pub fn is_own_origin(settings: &Settings, headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let Some(origin) = header(ORIGIN.as_str()) else { return true };
    let own = Url::parse(&settings.public_url).map(|url| url.origin().ascii_serialization());
    // Whoever reaches us by another name asks by that name, and a foreign page cannot.
    let host = header(HOST.as_str());
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    own.is_ok_and(|own| own == origin) || is_host
}

/// The credential of a request. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A bearer token.
    Bearer(String),
    /// User and password.
    Basic {
        /// User.
        user: String,
        /// Password.
        password: String,
    },
    /// A person's session.
    Session {
        /// Its token.
        token: String,
        /// The workspace that the person acts in; none is the administration.
        workspace: Option<String>,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(..)",
            Self::Basic { .. } => "Basic(..)",
            Self::Session { .. } => "Session(..)",
        })
    }
}

impl Credential {
    /// What a request proves itself with: given by ourselves, in its header, or the cookie of a session.
    pub fn of(parts: &Parts, settings: &Settings) -> Result<Self, Refusal> {
        if let Some(given) = parts.extensions.get::<Self>() {
            return Ok(given.clone());
        }
        let token = cookie(&parts.headers, cookie_name(settings));
        match token {
            Some(token) if !parts.headers.contains_key(AUTHORIZATION) => {
                Self::of_browser(parts, settings, token)
            }
            _ => Self::read(&parts.headers),
        }
    }

    fn of_browser(parts: &Parts, settings: &Settings, token: &str) -> Result<Self, Refusal> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if changes {
            if !is_own_origin(settings, &parts.headers) {
                return Err(Refusal::Forbidden("This request comes from a page that is not ours.".into()));
            }
            if header(CSRF) != Some(csrf_of(token).as_str()) {
                let problem = "A request with a session's cookie needs the session's X-CSRF-Token.";
                return Err(Refusal::Forbidden(problem.into()));
            }
        }
        let workspace = header(WORKSPACE).filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(Self::Session { token: token.to_owned(), workspace })
    }

    /// Reads the header; missing and malformed are both refusals.
    pub fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let missing = || Refusal::Unauthorized("This path needs a credential.".into());
        let malformed = || Refusal::Unauthorized("The Authorization header cannot be read.".into());
        let header = headers.get(AUTHORIZATION).ok_or_else(missing)?;
        let text = header.to_str().map_err(|_| malformed())?;
        let (scheme, rest) = text.split_once(' ').ok_or_else(malformed)?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            Ok(Self::Bearer(rest.to_owned()))
        } else if scheme.eq_ignore_ascii_case("basic") {
            let plain = STANDARD.decode(rest).map_err(|_| malformed())?;
            let plain = String::from_utf8(plain).map_err(|_| malformed())?;
            // No user has one in its name, and not every database can look for it.
            if plain.contains('\0') {
                return Err(malformed());
            }
            let (user, password) = plain.split_once(':').ok_or_else(malformed)?;
            Ok(Self::Basic { user: user.to_owned(), password: password.to_owned() })
        } else {
            Err(malformed())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Credential, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        Credential::read(&headers)
    }

    #[test]
    fn both_schemes_in_any_case() {
        assert_eq!(read("bearer abc"), Ok(Credential::Bearer("abc".into())));
        let basic = Credential::Basic { user: "x".into(), password: "a:b".into() };
        assert_eq!(read(&format!("BASIC {}", STANDARD.encode("x:a:b"))), Ok(basic));
    }

    fn by_cookie(method: Method, headers: &[(&str, &str)]) -> Result<Credential, Refusal> {
        let mut request = http::Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Credential::of(&parts, &Settings::new("https://stoa.example"))
    }

    #[test]
    fn a_cookie_reads_and_changes_only_with_its_proof() {
        let cookie = ("cookie", "a=b; __Host-stoa_session=t0; c=d");
        let session = |workspace: Option<&str>| {
            Ok(Credential::Session { token: "t0".into(), workspace: workspace.map(Into::into) })
        };
        let csrf = csrf_of("t0");
        let proof = ("x-csrf-token", csrf.as_str());
        assert_eq!(by_cookie(Method::GET, &[cookie, ("x-stoa-workspace", "shop")]), session(Some("shop")));
        assert_eq!(by_cookie(Method::POST, &[cookie, proof]), session(None));
        assert_eq!(
            by_cookie(Method::POST, &[cookie, proof, ("origin", "https://stoa.example")]),
            session(None)
        );
        let here = [
            cookie,
            proof,
            ("origin", "https://other"),
            ("host", "other"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert_eq!(by_cookie(Method::PUT, &here), session(None));
        for bad in [
            &[cookie][..],
            &[cookie, ("x-csrf-token", "t0")],
            &[cookie, proof, ("origin", "https://evil.example")],
            &[cookie, proof, ("origin", "null")],
            &[cookie, proof, ("sec-fetch-site", "cross-site")],
            &[cookie, proof, ("sec-fetch-site", "same-site")],
        ] {
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                assert!(matches!(by_cookie(method, bad), Err(Refusal::Forbidden(_))), "{bad:?}");
            }
        }
        // The cookie of plain http is nothing over https, and a header counts before a cookie.
        assert!(by_cookie(Method::GET, &[("cookie", "stoa_session=t0")]).is_err());
        assert_eq!(
            by_cookie(Method::POST, &[cookie, ("authorization", "Bearer x")]),
            Ok(Credential::Bearer("x".into()))
        );
    }

    #[test]
    fn cookies_keep_to_themselves() {
        let over = |url: &str, token| set_cookie(&Settings::new(url), token);
        let secure = "__Host-stoa_session=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure";
        assert_eq!(over("https://x.example", Some("t")), secure);
        assert_eq!(
            over("http://x.example", None),
            "stoa_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn everything_else_is_refused() {
        let zero = format!("Basic {}", STANDARD.encode("a\0b:c"));
        for bad in ["", "Bearer", "Bearer ", "Basic %%%", "Basic eA==", "Digest x", &zero] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(Credential::read(&HeaderMap::new()).is_err());
    }
}
