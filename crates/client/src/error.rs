//! What can go wrong between this client and the server, in words for the person who reads it.

use serde_json::Value;

/// Why a call brought no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, a broken one, or no answer in time. Holds the address and the cause.
    #[error("no answer from {0}")]
    Unreachable(String, #[source] reqwest::Error),
    /// The server answered, and its answer was no.
    #[error("{message} ({status}{})", if code.is_empty() { String::new() } else { format!(" {code}") })]
    Status {
        /// The HTTP status.
        status: u16,
        /// The error's stable name, such as `NotFound`; empty when the answer had none.
        code: String,
        /// What the server says to people.
        message: String,
        /// The answer as it came.
        body: String,
    },
    /// The API key was not exchanged for a token. Holds what the server said.
    #[error("the API key was refused: {0}")]
    Login(String),
    /// An address, or an answer, that makes no sense. Says which.
    #[error("{0}")]
    Malformed(String),
}

/// How much of an answer that is no error body of ours is shown.
const SHOWN: usize = 300;

impl ClientError {
    /// The refusal in an answer that was not 2xx.
    pub(crate) fn refusal(status: reqwest::StatusCode, body: String) -> Self {
        let parsed: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
        let text = |name: &str| parsed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut message = text("message");
        if message.is_empty() {
            let reason = status.canonical_reason().unwrap_or("the server refused");
            let shown: String = body.trim().chars().take(SHOWN).collect();
            message = if shown.is_empty() { reason.to_owned() } else { format!("{reason}: {shown}") };
        }
        Self::Status { status: status.as_u16(), code: text("errorCode"), message, body }
    }

    /// The HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Unreachable(..) | Self::Login(_) | Self::Malformed(_) => None,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(..) => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Login(_) | Self::Malformed(_) => false,
        }
    }
}
