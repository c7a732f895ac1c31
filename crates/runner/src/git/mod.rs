//! Sources of definitions: repositories are mirrored once and fetched before every use.
//!
//! The `git` program does the work. Nothing a user wrote is ever taken for an option, and only the transports that
//! are named here can be reached, also from within git.

mod address;
mod checkout;
mod measure;
mod mirror;
mod ssh;

pub(crate) use address::{Address, Reference};
pub(crate) use checkout::folder_inside;
pub(crate) use measure::Most;
pub(crate) use mirror::{Mirrors, Wanted};
pub(crate) use ssh::Ssh;

/// Why sources could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSources {
    /// The definition asks for something that is never done.
    #[error("{0}")]
    Refused(String),
    /// Git could not do it; what git said.
    #[error("{what}: {said}")]
    Git { what: String, said: String },
    /// There is more of it than the runner takes.
    #[error("The repository is too large for this runner: {0}")]
    TooLarge(measure::TooLarge),
    /// Git did not come to an end.
    #[error(transparent)]
    NotFinished(#[from] crate::process::NotFinished),
    /// A file or folder of the runner cannot be used.
    #[error("the runner cannot use its folder: {0}")]
    Io(#[from] std::io::Error),
}

impl NoSources {
    fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}
