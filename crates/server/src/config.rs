//! Configuration of `stoa serve`: flags, each with its environment variable.

use crate::store::Store;
use clap::builder::BoolishValueParser;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use stoa_runner::Isolation;

/// Settings of a server process.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Data folder, database and master key
    #[command(flatten)]
    pub store: Store,
    /// Address to listen on
    #[arg(long, env = "STOA_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: String,
    /// Base URL that clients reach this server by; http://ADDRESS when absent
    #[arg(long, env = "STOA_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Do not execute runs of the shared runner in this process
    #[arg(long, env = "STOA_NO_RUNNER", value_parser = BoolishValueParser::new())]
    pub no_runner: bool,
    /// How many runs the embedded runner executes at once
    #[arg(long, env = "STOA_RUNNER_PARALLEL", default_value_t = 4, value_name = "N")]
    pub runner_parallel: usize,
    /// Let the embedded runner read git repositories from local paths: for trying things out
    #[arg(long, env = "STOA_ALLOW_LOCAL_REPOSITORIES", value_parser = BoolishValueParser::new())]
    pub allow_local_repositories: bool,
    /// OpenTofu program of the embedded runner; `tofu` from the PATH when absent
    #[arg(long, env = "STOA_TOFU", value_name = "PATH")]
    pub tofu: Option<PathBuf>,
    /// Whether the embedded runner starts programs in namespaces of their own: auto, required or off
    #[arg(
        long,
        env = "STOA_RUNNER_ISOLATION",
        default_value = "auto",
        value_name = "HOW",
        value_parser = isolation
    )]
    pub runner_isolation: Isolation,
    /// The program that starts programs in namespaces; this one, where it is the one that serves.
    #[arg(skip)]
    pub confiner: Option<PathBuf>,
    /// Further places that programs of runs do not see.
    #[arg(skip)]
    pub hidden: Vec<PathBuf>,
    /// Let tests of repositories and platforms reach loopback, link-local and private addresses
    #[arg(long, env = "STOA_ALLOW_PRIVATE_ADDRESSES", value_parser = BoolishValueParser::new())]
    pub allow_private_addresses: bool,
    /// Identifier of the admin workspace
    #[arg(long, env = "STOA_ADMIN_WORKSPACE", default_value = "demo-partner", value_name = "NAME")]
    pub admin_workspace: String,
    /// Client id of the first admin API key; made up and written to admin-key.json when absent
    #[arg(long, env = "STOA_ADMIN_CLIENT_ID", value_name = "UUID", requires = "admin_client_secret")]
    pub admin_client_id: Option<String>,
    /// Its secret
    #[arg(long, env = "STOA_ADMIN_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub admin_client_secret: Option<String>,
    /// Retired uuid of a shared runner that still names it; may be repeated
    #[arg(
        long = "shared-runner-alias",
        env = "STOA_SHARED_RUNNER_ALIASES",
        value_delimiter = ',',
        value_name = "UUID"
    )]
    pub shared_runner_aliases: Vec<String>,
    /// A location that the installation comes with, besides `global`; may be repeated
    #[arg(long = "location", env = "STOA_LOCATIONS", value_delimiter = ',', value_name = "NAME")]
    pub locations: Vec<String>,
    /// A workspace role that is given for so many days at most; may be repeated
    #[arg(
        long = "recertify",
        env = "STOA_RECERTIFY",
        value_delimiter = ',',
        value_name = "ROLE=DAYS",
        value_parser = recertified
    )]
    pub recertify: Vec<(String, u32)>,
    /// Nobody signs in with a password that Stoa keeps
    #[arg(long, env = "STOA_NO_LOCAL_ACCOUNTS", value_parser = BoolishValueParser::new())]
    pub no_local_accounts: bool,
    /// TOML file with identity providers to sign in at
    #[arg(long, env = "STOA_SIGN_IN_CONFIG", value_name = "FILE")]
    pub sign_in_config: Option<PathBuf>,
    /// Issuer of an identity provider, named `oidc`; a file may name several
    #[arg(long, env = "STOA_OIDC_ISSUER", value_name = "URL", requires = "oidc_client_id")]
    pub oidc_issuer: Option<String>,
    /// Client id at this provider
    #[arg(long, env = "STOA_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// Client secret at this provider; better in the environment
    #[arg(long, env = "STOA_OIDC_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<String>,
    /// Minutes after which a session that is not used ends
    #[arg(long, env = "STOA_SESSION_IDLE_MINUTES", default_value_t = 60, value_name = "N")]
    pub session_idle_minutes: u64,
    /// Minutes after which every session ends
    #[arg(long, env = "STOA_SESSION_MINUTES", default_value_t = 720, value_name = "N")]
    pub session_minutes: u64,
    /// Seconds a client may take for the head of a request, and between two pieces of its body
    #[arg(long, env = "STOA_CLIENT_PATIENCE_SECONDS", default_value_t = 60, value_name = "N")]
    pub client_patience_seconds: u64,
    /// Take callers' addresses from X-Forwarded-For: a proxy in front of this server sets it
    #[arg(long, env = "STOA_BEHIND_PROXY", value_parser = BoolishValueParser::new())]
    pub behind_proxy: bool,
    /// Minutes without a sign of life after which a claimed run is offered again
    #[arg(long, env = "STOA_RUN_INACTIVITY_MINUTES", default_value_t = 180, value_name = "N")]
    pub run_inactivity_minutes: u64,
    /// DANGER, development only: do not wait for the disk; a crash of the machine loses what was answered
    #[arg(long, env = "STOA_UNSAFE_NO_FSYNC", value_parser = BoolishValueParser::new())]
    pub unsafe_no_fsync: bool,
    /// Read connections to the database
    #[arg(long, env = "STOA_DATABASE_READERS", default_value_t = 4, value_name = "N")]
    pub database_readers: usize,
    /// Write connections to PostgreSQL; SQLite has one
    #[arg(long, env = "STOA_DATABASE_WRITERS", default_value_t = 8, value_name = "N")]
    pub database_writers: usize,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or folder.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The master key.
    #[error("{place}: {source}")]
    MasterKey {
        /// The file, or the variable.
        place: String,
        /// What is wrong.
        source: stoa_core::keys::BadMasterKey,
    },
    /// Something else, told in a sentence.
    #[error("{0}")]
    Other(String),
}

fn isolation(text: &str) -> Result<Isolation, String> {
    match text {
        "auto" => Ok(Isolation::Auto),
        "required" => Ok(Isolation::Required),
        "off" => Ok(Isolation::Off),
        other => Err(format!("must be auto, required or off, not `{other}`")),
    }
}

/// A workspace role and the days for which it is given at most.
fn recertified(text: &str) -> Result<(String, u32), String> {
    let (role, days) = text.split_once('=').ok_or("must be of the form ROLE=DAYS")?;
    let known = stoa_tenancy::binding::WORKSPACE_ROLES;
    if !known.contains(&role) {
        return Err(format!("knows the roles {}, not `{role}`", known.join(", ")));
    }
    match days.parse() {
        Ok(days) if days > 0 => Ok((role.to_owned(), days)),
        _ => Err(format!("must be a number of days, not `{days}`")),
    }
}

impl Config {
    /// The base URL, without a trailing slash; `bound` is where the server really listens.
    pub fn public_url(&self, bound: &str) -> String {
        let url = self.public_url.clone().unwrap_or_else(|| format!("http://{bound}"));
        url.trim_end_matches('/').to_owned()
    }
}

/// The content of a file, or none when it does not exist.
pub fn read_if_there(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::File { path: path.to_owned(), source }),
    }
}

/// Writes a file that only this user can read, whole or not at all, to last.
pub fn write_private(path: &Path, content: &str) -> Result<(), ConfigError> {
    let fail = |source| ConfigError::File { path: path.to_owned(), source };
    let mut partial = path.to_owned().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .map_err(fail)?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&partial, path).map_err(fail)?;
    // A name lasts only once its folder is written too.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)
}
