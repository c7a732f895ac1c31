//! Connections to a SQLite file.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error;
use crate::{DbError, Settings};

/// How long to wait for another process that holds the file, such as a backup. Callers wait as long, and the runners
/// of the protocol no longer than ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 512;

/// Where the file is, and how to treat it.
#[derive(Clone)]
pub(super) struct Source {
    path: PathBuf,
    fsync: bool,
}

impl Source {
    /// Reads `sqlite:PATH`, also with the two slashes of a URL without a host.
    pub(super) fn of(settings: &Settings) -> Result<Self, DbError> {
        let path = settings.url.strip_prefix("sqlite:").unwrap_or(&settings.url);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(":memory:") {
            return Err(DbError::other("a SQLite URL names a file, `sqlite:PATH`"));
        }
        Ok(Self { path: path.into(), fsync: settings.fsync })
    }

    /// Makes the file if there is none, readable by this user only.
    pub(super) fn create(&self) -> Result<(), DbError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(DbError::other(format!("cannot make `{}`: {error}", self.path.display()))),
        }
    }

    /// A connection that writes. It leaves checkpoints to others.
    pub(super) fn writer(&self) -> Result<Connection, DbError> {
        let connection = self.open("PRAGMA cache_size = -32768;")?;
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(error)?;
        if mode != "wal" {
            return Err(DbError::other(format!("`{}` cannot have a write-ahead log", self.path.display())));
        }
        Ok(connection)
    }

    /// A connection that cannot write.
    pub(super) fn reader(&self) -> Result<Connection, DbError> {
        self.open("PRAGMA cache_size = -8192; PRAGMA query_only = ON;")
    }

    /// A connection that only copies the log into the file.
    pub(super) fn housekeeper(&self) -> Result<Connection, DbError> {
        self.open("")
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self, more: &str) -> Result<Connection, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(error)?;
        connection.busy_timeout(PATIENCE).map_err(error)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A misspelt column in double quotes is an error, as on PostgreSQL, not a text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).map_err(error)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false).map_err(error)?;
        // A plan follows the statement, not its values: else a bound LIMIT has it planned anew at each use.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error)?;
        let sync = if self.fsync { "FULL" } else { "OFF" };
        connection
            .execute_batch(&format!(
                "PRAGMA synchronous = {sync};
                 PRAGMA wal_autocheckpoint = 0;
                 PRAGMA journal_size_limit = 67108864;
                 PRAGMA foreign_keys = ON;
                 PRAGMA case_sensitive_like = ON;
                 PRAGMA temp_store = MEMORY;
                 PRAGMA trusted_schema = OFF;
                 {more}"
            ))
            .map_err(error)?;
        Ok(connection)
    }
}
