//! Where a server under test keeps everything: a folder and a database of its own, gone with it.

use anyhow::Context;
use std::path::Path;
use stoa_db::Engine;
use stoa_db::testing::{TestDatabase, fresh};
use tempfile::TempDir;

/// An empty folder, and on PostgreSQL an empty database.
pub struct Ground {
    /// What the database is.
    pub engine: Engine,
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Ground {
    /// A fresh one in this folder.
    pub fn new(engine: Engine, folder: &Path) -> anyhow::Result<Self> {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(fresh(engine).context("STOA_TEST_POSTGRES names no server")?),
        };
        Ok(Self { engine, folder: tempfile::tempdir_in(folder)?, database })
    }

    /// The server's data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of the database, where it is not the server's own file.
    pub fn url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// The address of the database, also of the file.
    pub fn database(&self) -> String {
        self.url()
            .map_or_else(|| format!("sqlite:{}", self.folder().join("stoa.db").display()), str::to_owned)
    }
}
