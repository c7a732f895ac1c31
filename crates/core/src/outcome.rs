//! How an operation ends: with a value, a refusal for the caller, or a fault of ours for the log.

use stoa_base::Refusal;
use stoa_db::DbError;

/// What went wrong with us. It goes to the log; the caller learns only that something did.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database failed.
    #[error("the database failed")]
    Db(#[source] DbError),
    /// Something stored cannot be read back.
    #[error("stored {what} is unreadable")]
    Corrupt {
        /// What was read.
        what: &'static str,
    },
    /// A cryptographic operation failed.
    #[error("{what} failed")]
    Crypto {
        /// Which one.
        what: &'static str,
    },
}

/// Either family, as operations return it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The answer is no, and the caller is told why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// We failed.
    #[error(transparent)]
    Failed(#[from] Fault),
}

/// Result of an operation.
pub type Outcome<T> = Result<T, Error>;

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error {
            // Nothing was done in either case, so trying again is safe.
            DbError::Busy | DbError::Retry => {
                Refusal::Unavailable("The server has more work than it can take; try again.".into()).into()
            }
            DbError::Locked => Refusal::Unavailable(
                "Another program holds the server's database, so nothing was changed; try again.".into(),
            )
            .into(),
            DbError::Full => Refusal::Unavailable(
                "The server's disk is full, so nothing was changed. Try again when there is room.".into(),
            )
            .into(),
            // If the connection broke during the commit, nobody knows.
            DbError::Gone => Refusal::Unavailable(
                "The server cannot reach its database. Whether something was changed is not known: look before \
                 you try again."
                    .into(),
            )
            .into(),
            other => Fault::Db(other).into(),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(_: serde_json::Error) -> Self {
        Fault::Corrupt { what: "document" }.into()
    }
}

impl Error {
    /// Whether the database refused a second row with the same unique key.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Failed(Fault::Db(DbError::Unique { .. })))
    }
}
