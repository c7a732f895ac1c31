//! What a request proves itself with: `Authorization: Bearer …` or `Basic …`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::fmt;
use stoa_base::Refusal;

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
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(..)",
            Self::Basic { .. } => "Basic(..)",
        })
    }
}

impl Credential {
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

    #[test]
    fn everything_else_is_refused() {
        let zero = format!("Basic {}", STANDARD.encode("a\0b:c"));
        for bad in ["", "Bearer", "Bearer ", "Basic %%%", "Basic eA==", "Digest x", &zero] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(Credential::read(&HeaderMap::new()).is_err());
    }
}
