//! What can go wrong between a transaction and its answer.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Another row already holds these values.
    #[error("another row already holds the values of `{constraint}`")]
    Unique {
        /// The name of the unique index, the same on both engines. What has no name of its own is called
        /// as PostgreSQL calls it: `<table>_pkey`, `<table>_<columns>_key`.
        constraint: String,
    },
    /// A row refers to one that does not exist, or is still referred to.
    #[error("a row refers to one that does not exist, or is still referred to")]
    ForeignKey,
    /// Too much work is waiting; nothing was done.
    #[error("too much work is waiting for the database")]
    Busy,
    /// The transaction collided with others, again and again; nothing was done.
    #[error("the transaction collided with others too often")]
    Retry,
    /// Another program holds the database, and did not let go of it in time; nothing was done.
    #[error("another program holds the database")]
    Locked,
    /// The disk is full; nothing was done.
    #[error("the disk of the database is full")]
    Full,
    /// The connection was lost. If that happened during the commit, nobody knows its outcome.
    #[error("the connection to the database was lost")]
    Gone,
    /// The database was closed before the work began.
    #[error("the database is closed")]
    Closed,
    /// A newer program has migrated this database.
    #[error(
        "the database is at migration {found}, this program knows up to {known}; start the newer program"
    )]
    TooNew {
        /// The newest migration in the database.
        found: u32,
        /// The newest migration of this program.
        known: u32,
    },
    /// The database was made with another text of this migration, or without it.
    #[error("migration {number} is not the one this database was made with")]
    ChangedMigration {
        /// The migration's number.
        number: u32,
    },
    /// [`Tx::one`](crate::Tx::one) found nothing.
    #[error("no row where there must be one")]
    NoRow,
    /// [`Tx::one`](crate::Tx::one) or [`Tx::maybe`](crate::Tx::maybe) found several rows.
    #[error("several rows where there may be only one")]
    ManyRows,
    /// A column does not hold what was asked for.
    #[error("column {column} holds {found}, not {wanted}")]
    Unreadable {
        /// The column's index.
        column: usize,
        /// What the caller wanted.
        wanted: &'static str,
        /// What is there.
        found: String,
    },
    /// An earlier statement of this transaction failed, and the closure went on as if it had not.
    #[error("an earlier statement of this transaction failed")]
    Spoiled,
    /// Anything else; the cause is in the chain.
    #[error("the database refused the work")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl DbError {
    /// Wraps any other cause, or says one in words.
    pub fn other(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(cause.into())
    }

    /// What remains of a panic in a closure.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let said = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Self::Other(Box::new(Panicked(said)))
    }

    /// Splits the error into one for each of several callers.
    pub(crate) fn split(self) -> impl FnMut() -> Self {
        let shared = Shared(Arc::new(self));
        move || match &*shared.0 {
            Self::Unique { constraint } => Self::Unique { constraint: constraint.clone() },
            Self::ForeignKey => Self::ForeignKey,
            Self::Busy => Self::Busy,
            Self::Retry => Self::Retry,
            Self::Locked => Self::Locked,
            Self::Full => Self::Full,
            Self::Gone => Self::Gone,
            Self::Closed => Self::Closed,
            Self::Spoiled => Self::Spoiled,
            _ => Self::Other(Box::new(shared.clone())),
        }
    }
}

/// A closure panicked; its transaction was rolled back.
#[derive(Debug)]
struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the transaction panicked: {}", self.0)
    }
}

impl Error for Panicked {}

/// One error told to several callers.
#[derive(Clone, Debug)]
struct Shared(Arc<DbError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
