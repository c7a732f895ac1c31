//! Why a run did not come to its end.

use std::time::Duration;

use crate::git::NoSources;
use crate::process::NotFinished;
use crate::stop::StopReason;

/// A run that did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The current step failed; what the consumer is told.
    Step(String),
    /// It was stopped from outside.
    Stopped(StopReason),
}

impl Failure {
    pub(crate) fn step(message: impl Into<String>) -> Self {
        Self::Step(message.into())
    }

    /// The runner itself has trouble.
    pub(crate) fn own_folder(error: std::io::Error) -> Self {
        Self::Step(format!("The runner cannot use its working folder: {error}"))
    }
}

impl From<NoSources> for Failure {
    fn from(error: NoSources) -> Self {
        match error {
            NoSources::NotFinished(error) => error.into(),
            NoSources::Io(error) => Self::own_folder(error),
            told @ (NoSources::Refused(_) | NoSources::Git { .. } | NoSources::TooLarge(_)) => {
                Self::Step(told.to_string())
            }
        }
    }
}

impl From<NotFinished> for Failure {
    fn from(error: NotFinished) -> Self {
        match error {
            NotFinished::Stopped(reason) => Self::Stopped(reason),
            NotFinished::TookTooLong(limit) => {
                Self::Step(format!("This step took longer than {} and was stopped", spoken(limit)))
            }
            told @ (NotFinished::CannotStart { .. } | NotFinished::SaidTooMuch(_)) => {
                Self::Step(told.to_string())
            }
        }
    }
}

/// A span in words.
pub(crate) fn spoken(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{} milliseconds", span.as_millis()),
        1 => "one second".to_owned(),
        seconds if seconds >= 120 && seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
