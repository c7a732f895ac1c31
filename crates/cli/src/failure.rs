//! Why a command did not do what it was asked, and the exit code that says so.

use std::process::ExitCode;
use stoa_client::ClientError;

/// The end of a command that did not simply succeed. Its text is one line for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server refused, or the thing asked for ended badly.
    #[error("{0}")]
    Operation(String),
    /// A dry run found changes. They are printed already.
    #[error("changes present")]
    Changes,
    /// The command line cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// Nobody answers at the server's address.
    #[error("{0}")]
    Unreachable(String),
    /// Not now: overloaded, starting, or out of the time given.
    #[error("{0}")]
    Later(String),
    /// Not signed in, or without the right.
    #[error("{0}")]
    Denied(String),
    /// A stored context, key file or manifest cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The reader of our output has left. Not worth a word.
    #[error("output closed")]
    Closed,
}

impl Failure {
    /// The exit code of `operations.md` §0.1.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Operation(_) => 1,
            Self::Changes => 2,
            Self::Usage(_) => 64,
            Self::Unreachable(_) => 69,
            Self::Later(_) => 75,
            Self::Denied(_) => 77,
            Self::Configuration(_) => 78,
        }
    }

    /// Whether there is nothing left to say.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Changes | Self::Closed)
    }

    /// The same failure, with the words before it that say what was being done.
    pub(crate) fn while_doing(self, what: &str) -> Self {
        let with = |text: String| format!("{what}: {text}");
        match self {
            Self::Operation(text) => Self::Operation(with(text)),
            Self::Usage(text) => Self::Usage(with(text)),
            Self::Unreachable(text) => Self::Unreachable(with(text)),
            Self::Later(text) => Self::Later(with(text)),
            Self::Denied(text) => Self::Denied(with(text)),
            Self::Configuration(text) => Self::Configuration(with(text)),
            silent @ (Self::Changes | Self::Closed) => silent,
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.code())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Operation(format!("cannot write the output: {error}"))
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Status { status, code, message, .. } => {
                let text = refusal(status, &code, &message);
                match status {
                    401 | 403 => Self::Denied(text),
                    429 | 503 => Self::Later(text),
                    502 | 504 => Self::Unreachable(text),
                    _ => Self::Operation(text),
                }
            }
            ClientError::Unreachable(address, cause) => {
                Self::Unreachable(format!("no answer from {address}: {}", innermost(&cause)))
            }
            ClientError::Login(_) => Self::Denied(error.to_string()),
            ClientError::Malformed(_) => Self::Operation(error.to_string()),
        }
    }
}

/// The first cause of an error, which says most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// One line about an answer that was not a yes.
fn refusal(status: u16, code: &str, message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match (code, message.as_str()) {
        ("", "") => format!("the server answered {status}"),
        ("", message) => format!("{message} ({status})"),
        (code, "") => format!("{code} ({status})"),
        (code, message) => format!("{code}: {message} ({status})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: &str, message: &str) -> Failure {
        let (code, message) = (code.to_owned(), message.to_owned());
        ClientError::Status { status, code, message, body: String::new() }.into()
    }

    #[test]
    fn exit_codes_follow_the_answer() {
        for (status, code) in
            [(400, 1), (401, 77), (403, 77), (404, 1), (409, 1), (429, 75), (500, 1), (502, 69), (503, 75)]
        {
            assert_eq!(answer(status, "", "").code(), code, "{status}");
        }
        assert_eq!(Failure::from(ClientError::Login("no".to_owned())).code(), 77);
        assert_eq!(Failure::from(ClientError::Malformed("x".to_owned())).code(), 1);
    }

    #[test]
    fn a_refusal_is_one_line_with_code_and_message() {
        assert_eq!(answer(409, "Conflict", "It is\n  taken.").to_string(), "Conflict: It is taken. (409)");
        assert_eq!(answer(500, "", "").to_string(), "the server answered 500");
        let failure = answer(400, "BadRequest", "no").while_doing("cannot create meshProject/a.b");
        assert_eq!(failure.to_string(), "cannot create meshProject/a.b: BadRequest: no (400)");
        assert_eq!(failure.code(), 1);
    }
}
