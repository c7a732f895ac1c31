//! How a database is opened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::{DbError, Tx};

/// Runs inside a group's transaction just before its commit.
pub type BeforeCommit = Arc<dyn Fn(&mut Tx<'_>) -> Result<(), DbError> + Send + Sync>;

/// Runs after a commit.
pub type AfterCommit = Arc<dyn Fn() + Send + Sync>;

/// What else happens when something is committed. Hooks run on database threads: they must be quick, and
/// must not wait for the same database.
#[derive(Clone, Default)]
pub struct Hooks {
    /// SQLite only: runs once per group of closures, inside their transaction, just before the commit. Its
    /// error rolls the group back and is answered to everyone in it.
    pub before_commit: Option<BeforeCommit>,
    /// Runs after each durable commit, before those who wait for it are answered.
    pub after_commit: Option<AfterCommit>,
}

impl Hooks {
    /// Tells of a commit. A hook that panics is logged; the commit stands.
    pub(crate) fn committed(&self) {
        let Some(hook) = &self.after_commit else { return };
        if catch_unwind(AssertUnwindSafe(|| hook())).is_err() {
            tracing::error!("the hook after a commit panicked");
        }
    }
}

/// Which database to open, and with how many connections.
#[derive(Clone)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://user:password@host/database`. PostgreSQL is spoken to in the clear unless
    /// the URL says `sslmode=require`; then the server's certificate must be one the system trusts.
    pub url: String,
    /// How many connections read.
    pub readers: usize,
    /// How many connections write, on PostgreSQL; SQLite has one.
    pub writers: usize,
    /// Whether an answer waits until the change is on disk. Without, a crash of the machine may lose changes
    /// that were already answered: for development only.
    pub fsync: bool,
    /// What else happens at a commit.
    pub hooks: Hooks,
    /// What SQLite plans by, in place of measuring: a line for each index, `<table> <index> <figures>`, the figures
    /// as in `sqlite_stat1`: rows, then rows for each value of the first column, of the first two, and so on. They
    /// tell of a large installation, so that plans are those that scale, and the same in every installation.
    /// PostgreSQL measures for itself.
    pub statistics: &'static str,
}

impl Settings {
    /// The usual settings for a database.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), readers: 4, writers: 8, fsync: true, hooks: Hooks::default(), statistics: "" }
    }
}
