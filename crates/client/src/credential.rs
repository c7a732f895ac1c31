//! Who the client says it is, and the bearer token that an API key is exchanged for.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Deserialize;

/// How a client proves who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API key: exchanged for bearer tokens that are renewed on the way.
    Key {
        /// The key's client id.
        client_id: String,
        /// The key's client secret.
        client_secret: String,
    },
    /// An API user.
    Basic {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
    /// A ready bearer token, such as a run token; never renewed.
    Token(String),
    /// Nobody: only for what is open to everyone.
    None,
}

/// Shows who, never the secret.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { client_id, .. } => {
                f.debug_struct("Key").field("client_id", client_id).finish_non_exhaustive()
            }
            Self::Basic { user, .. } => f.debug_struct("Basic").field("user", user).finish_non_exhaustive(),
            Self::Token(_) => f.debug_tuple("Token").finish_non_exhaustive(),
            Self::None => f.write_str("None"),
        }
    }
}

/// How long before its end a token is no longer used.
const RENEW_BEFORE: Duration = Duration::from_secs(30);
/// How long a token is used whose lifetime is shorter than that.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// A bearer token and the moment from which on it is no longer used.
pub(crate) struct Bearer {
    pub(crate) token: String,
    renew_at: Instant,
}

impl Bearer {
    pub(crate) fn is_usable(&self) -> bool {
        Instant::now() < self.renew_at
    }
}

/// The answer of the login endpoint.
#[derive(Deserialize)]
pub(crate) struct LoginAnswer {
    access_token: String,
    expires_in: u64,
}

impl From<LoginAnswer> for Bearer {
    fn from(answer: LoginAnswer) -> Self {
        let lifetime = Duration::from_secs(answer.expires_in.min(365 * 24 * 3600));
        let use_for = lifetime.saturating_sub(RENEW_BEFORE).max(SHORTEST_USE);
        Self { token: answer.access_token, renew_at: Instant::now() + use_for }
    }
}
