//! What a caller is told when the answer is no.

use std::time::Duration;

/// A closed list of answers for mistakes of the caller or limits of the moment. `stoa-web` maps each to
/// its status (`api-core.md` §1.8); nothing else knows statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be read at all, for example JSON that does not parse.
    #[error("{0}")]
    Malformed(String),
    /// One field breaks a rule.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field in the API's spelling, for example `spec.displayName`.
        field: String,
        /// Completes the sentence "`field` …".
        problem: String,
    },
    /// No valid credential.
    #[error("{0}")]
    Unauthorized(String),
    /// A valid credential without the right.
    #[error("{0}")]
    Forbidden(String),
    /// A valid credential without the right, with a code of its own.
    #[error("{message}")]
    ForbiddenAs {
        /// `errorCode` of the answer.
        code: &'static str,
        /// What was refused, and why.
        message: String,
    },
    /// Nothing there, under the key that the caller used.
    #[error("No {kind} `{key}` exists.")]
    Missing {
        /// Kind of the thing.
        kind: &'static str,
        /// The key as asked.
        key: String,
    },
    /// Nothing there, in words of its own.
    #[error("{0}")]
    Absent(String),
    /// The path exists, the method does not.
    #[error("This path offers {allow}.")]
    WrongMethod {
        /// Value of the `Allow` header.
        allow: String,
    },
    /// No acceptable media type.
    #[error("{0}")]
    NotAcceptable(String),
    /// Body in a media type that this path does not read.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// Clashes with what is stored: taken, in use, wrong state.
    #[error("{message}")]
    Conflict {
        /// `errorCode` of the answer, `Conflict` unless a kind has its own.
        code: &'static str,
        /// What clashes.
        message: String,
        /// Fields or objects concerned.
        remarks: Vec<String>,
    },
    /// It was there and is over, for example a run that has ended.
    #[error("{0}")]
    Gone(String),
    /// More bytes than this path takes.
    #[error("The body is larger than {limit_bytes} bytes.")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// Well formed, and still impossible.
    #[error("{0}")]
    Impossible(String),
    /// Somebody else holds the lock; the holder's description goes to the caller.
    #[error("locked by another")]
    Locked {
        /// JSON of the lock's holder.
        holder: String,
    },
    /// Too many requests.
    #[error("too many requests")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// Starting, draining or out of capacity.
    #[error("{0}")]
    Unavailable(String),
}

impl Refusal {
    /// `field` breaks a rule; `problem` completes the sentence "`field` …".
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// A clash with what is stored.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { code: "Conflict", message: message.into(), remarks: Vec::new() }
    }

    /// Nothing there under `key`.
    pub fn missing(kind: &'static str, key: impl Into<String>) -> Self {
        Self::Missing { kind, key: key.into() }
    }
}
