//! Where an installation keeps its things: data folder, database, master key. Shared by the server and by commands
//! that work on the same database.

use crate::config::{ConfigError, read_if_there, write_private};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use stoa_core::keys::{Master, Vault};

/// Places of an installation.
#[derive(Clone, Debug, clap::Args)]
pub struct Store {
    /// Folder for the database, keys and the runner's work; created if need be
    #[arg(long, env = "STOA_DATA_DIR", default_value = "./stoa-data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// sqlite:PATH or postgres://…; SQLite in the data folder when absent
    #[arg(long, env = "STOA_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// File with the master key; master.key in the data folder when absent
    #[arg(long, env = "STOA_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
    /// The master key itself, 32 bytes in base64, in place of a file; better as environment variable
    #[arg(
        long,
        env = "STOA_MASTER_KEY",
        value_name = "KEY",
        hide_env_values = true,
        conflicts_with = "master_key_file"
    )]
    pub master_key: Option<String>,
}

/// A file that has the name of another, and this behind it.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.to_owned().into_os_string();
    path.push(ending);
    path.into()
}

impl Store {
    /// The database.
    pub fn database_url(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("stoa.db").display()))
    }

    /// The file of a SQLite database.
    fn database_file(&self) -> Option<PathBuf> {
        let url = self.database_url();
        let path = url.strip_prefix("sqlite:")?;
        Some(path.strip_prefix("//").unwrap_or(path).into())
    }

    /// The files of a SQLite database, those included that come and go.
    pub fn database_files(&self) -> Vec<PathBuf> {
        let Some(database) = self.database_file() else { return Vec::new() };
        let others = ["-wal", "-shm", ".lock"].map(|ending| beside(&database, ending));
        others.into_iter().chain([database]).collect()
    }

    /// Takes hold of a SQLite database: a second process on one file is refused, since neither would hear of the
    /// other's changes. PostgreSQL takes several.
    pub fn hold(&self) -> Result<Option<File>, ConfigError> {
        let Some(database) = self.database_file() else {
            let url = self.database_url();
            let known = ["postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme));
            let problem = "the database URL must begin with `sqlite:` or `postgres:`";
            return if known { Ok(None) } else { Err(ConfigError::Other(problem.into())) };
        };
        let path = beside(&database, ".lock");
        let fail = |source| ConfigError::File { path: path.clone(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {
                let database = database.display();
                Err(ConfigError::Other(format!("{database}: another server process uses this database")))
            }
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    /// Makes the data folder, for this user only.
    pub fn prepare(&self) -> Result<(), ConfigError> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.data_dir)
            .map_err(|source| ConfigError::File { path: self.data_dir.clone(), source })
    }

    /// The file of the master key when no other place is named.
    pub fn own_key_file(&self) -> PathBuf {
        self.data_dir.join("master.key")
    }

    /// The next master key, while it is not certain that the database knows it.
    pub fn next_key_file(&self) -> PathBuf {
        self.data_dir.join("master.key.new")
    }

    /// Whether the master key lies in the data folder, and a rotation may change its file.
    pub fn owns_key(&self) -> bool {
        self.master_key.is_none() && self.master_key_file.is_none()
    }

    /// Where the master key comes from, for people.
    pub fn key_place(&self) -> String {
        match (&self.master_key, &self.master_key_file) {
            (Some(_), _) => "STOA_MASTER_KEY".into(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => self.own_key_file().display().to_string(),
        }
    }

    /// The installation's keys, still locked, and whether a master key was made for them now, as the first start
    /// does where `may_make` says so. `next` is a further master key that may have wrapped the ring already.
    pub fn vault(&self, may_make: bool, next: Option<Master>) -> Result<(Vault, bool), ConfigError> {
        if let Some(text) = &self.master_key {
            return Ok((vault(self.key_place(), text, next)?, false));
        }
        if let Some(file) = &self.master_key_file {
            let missing =
                || ConfigError::Other(format!("{}: the master key file does not exist", file.display()));
            let text = read_if_there(file)?.ok_or_else(missing)?;
            return Ok((vault(self.key_place(), &text, next)?, false));
        }
        let pending = read_if_there(&self.next_key_file())?;
        let (text, made) = match (read_if_there(&self.own_key_file())?, &pending) {
            (Some(text), _) => (text, false),
            // A rotation was cut short between its two renames.
            (None, Some(pending)) => (pending.clone(), false),
            (None, None) if may_make => {
                let key = Master::generate().map_err(|error| ConfigError::Other(error.to_string()))?;
                write_private(&self.own_key_file(), &key)?;
                (key, true)
            }
            (None, None) => {
                return Err(ConfigError::Other(format!("{}: there is no master key", self.key_place())));
            }
        };
        let pending = pending.and_then(|text| Master::parse(&text).ok());
        Ok((vault(self.key_place(), &text, next.or(pending))?, made))
    }

    /// Gives the master key of the data folder its name, where a rotation has wrapped the ring with the next one.
    /// The earlier key stays under its fingerprint: backups from before open with it only.
    pub fn settle(&self, vault: &Vault) -> Result<(), ConfigError> {
        let (own, next) = (self.own_key_file(), self.next_key_file());
        let Some(pending) = read_if_there(&next)?.filter(|_| self.owns_key()) else { return Ok(()) };
        let used = vault.master().map(Master::fingerprint);
        let pending = Master::parse(&pending).ok();
        if used.is_none() || pending.as_ref().map(Master::fingerprint) != used {
            return Ok(());
        }
        let rename = |from: &Path, to: &Path| {
            std::fs::rename(from, to).map_err(|source| ConfigError::File { path: from.to_owned(), source })
        };
        if let Some(earlier) = read_if_there(&own)?.and_then(|text| Master::parse(&text).ok()) {
            rename(&own, &self.data_dir.join(format!("master.key.{}", earlier.fingerprint())))?;
        }
        rename(&next, &own)?;
        let synced = File::open(&self.data_dir).and_then(|folder| folder.sync_all());
        synced.map_err(|source| ConfigError::File { path: self.data_dir.clone(), source })
    }
}

fn vault(place: String, text: &str, next: Option<Master>) -> Result<Vault, ConfigError> {
    Master::parse(text)
        .and_then(|master| Vault::with(master, next))
        .map_err(|source| ConfigError::MasterKey { place, source })
}
