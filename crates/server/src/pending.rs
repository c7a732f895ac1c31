//! Intent before effect for files: what the database will be told of is written down first, under another name,
//! and gets its own once the database has it. So no crash in between loses a key.

use crate::config::{ConfigError, read_if_there, write_private};
use std::path::{Path, PathBuf};

/// A file of the data folder that belongs to something in the database.
pub struct Pending {
    path: PathBuf,
    new: PathBuf,
}

/// What is found of it.
pub enum Written {
    /// The database has it.
    Settled(String),
    /// It was written down; whether the database has it is to be found out.
    Pending(String),
    /// Nothing.
    Nothing,
}

impl Pending {
    /// The file of this name.
    pub fn of(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(name), new: folder.join(format!("{name}.new")) }
    }

    /// Where it is once it is settled.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is there.
    pub fn read(&self) -> Result<Written, ConfigError> {
        if let Some(text) = read_if_there(&self.path)? {
            return Ok(Written::Settled(text));
        }
        Ok(read_if_there(&self.new)?.map_or(Written::Nothing, Written::Pending))
    }

    /// Writes it down, before the database is told.
    pub fn write(&self, content: &str) -> Result<(), ConfigError> {
        write_private(&self.new, content)
    }

    /// Removes it: it is of no use any more.
    pub fn remove(&self) -> Result<(), ConfigError> {
        std::fs::remove_file(&self.path)
            .map_err(|source| ConfigError::File { path: self.path.clone(), source })
    }

    /// Gives it its name, because the database has it, or drops it, because the database will never have it.
    pub fn settle(&self, taken: bool) -> Result<(), ConfigError> {
        let settled =
            if taken { std::fs::rename(&self.new, &self.path) } else { std::fs::remove_file(&self.new) };
        settled.map_err(|source| ConfigError::File { path: self.new.clone(), source })
    }
}
