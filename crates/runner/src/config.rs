//! How a runner is set up: one TOML file, or values set by the server that embeds it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stoa_client::Credential;

use crate::RunnerError;
use crate::isolation::Isolation;

/// Everything a runner needs to know. Missing values in a file take the defaults.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server's address.
    pub base_url: String,
    /// What this runner claims runs with. After a claim only the run's own token is used.
    #[serde(with = "credential_table", skip_serializing_if = "is_nobody")]
    pub credential: Credential,
    /// Which runner this is; several processes may be the same runner.
    pub runner_uuid: String,
    /// The private key whose public half is registered at the server, in PEM.
    pub private_key_pem: String,
    /// Where run folders, mirrors and unsent reports live. One process only.
    pub work_dir: PathBuf,
    /// How many runs are worked on at once.
    pub parallel: usize,
    /// Whether sources may come from local paths and `file://` addresses.
    pub allow_local_repositories: bool,
    /// Whether state and saved plans are reached at `base_url` instead of the address that the server gives out.
    /// For runners that sit beside a server whose public address they cannot reach.
    pub prefer_base_url: bool,
    /// The OpenTofu and Terraform programs.
    pub binaries: Binaries,
    /// What happens to runs of manual definitions.
    pub manual: ManualRuns,
    /// What a process of a run may use.
    pub limits: Limits,
    /// Whether programs of runs are started in namespaces of their own.
    pub isolation: Isolation,
    /// Files and folders that programs of runs do not see, besides the runner's own.
    pub hidden: Vec<PathBuf>,
    /// The program that answers [`CONFINE`](crate::CONFINE); without it there are no namespaces. The program that
    /// embeds the runner names itself here.
    #[serde(skip)]
    pub confiner: Option<PathBuf>,
    /// Names of further variables that processes of runs inherit from this process.
    pub pass_environment: Vec<String>,
    /// Pause between two questions for work when nothing wakes the runner earlier.
    #[serde(rename = "poll_interval_seconds", with = "seconds")]
    pub poll_interval: Duration,
    /// Pause between two signs of life of a run without news.
    #[serde(rename = "heartbeat_interval_seconds", with = "seconds")]
    pub heartbeat_interval: Duration,
    /// Shortest pause between two reports of one run.
    #[serde(rename = "push_interval_seconds", with = "seconds")]
    pub push_interval: Duration,
    /// Longest time for a whole run.
    #[serde(rename = "run_timeout_seconds", with = "seconds")]
    pub run_timeout: Duration,
    /// Longest time for one fetch of a repository.
    #[serde(rename = "fetch_timeout_seconds", with = "seconds")]
    pub fetch_timeout: Duration,
    /// Longest time for one attempt to initialize.
    #[serde(rename = "init_timeout_seconds", with = "seconds")]
    pub init_timeout: Duration,
    /// Longest time to select a workspace.
    #[serde(rename = "workspace_timeout_seconds", with = "seconds")]
    pub workspace_timeout: Duration,
    /// Pause between two looks at a pipeline; the first ones come sooner, those after an error later.
    #[serde(rename = "pipeline_poll_interval_seconds", with = "seconds")]
    pub pipeline_poll_interval: Duration,
    /// How long a pipeline that was started is looked for, and a system that cannot be reached is tried again.
    #[serde(rename = "pipeline_find_timeout_seconds", with = "seconds")]
    pub pipeline_find_timeout: Duration,
    /// Longest time for a pipeline that the runner follows.
    #[serde(rename = "pipeline_timeout_seconds", with = "seconds")]
    pub pipeline_timeout: Duration,
    /// How long runs may go on after the runner was told to stop.
    #[serde(rename = "shutdown_grace_seconds", with = "seconds")]
    pub shutdown_grace: Duration,
    /// How long a process may take to end before it is killed.
    #[serde(rename = "kill_grace_seconds", with = "seconds")]
    pub kill_grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:8080".to_owned(),
            credential: Credential::None,
            runner_uuid: String::new(),
            private_key_pem: String::new(),
            work_dir: PathBuf::from("stoa-runner"),
            parallel: 4,
            allow_local_repositories: false,
            prefer_base_url: false,
            binaries: Binaries::default(),
            manual: ManualRuns::default(),
            limits: Limits::default(),
            isolation: Isolation::default(),
            hidden: Vec::new(),
            confiner: None,
            pass_environment: Vec::new(),
            poll_interval: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(10),
            push_interval: Duration::from_millis(250),
            run_timeout: Duration::from_hours(1),
            fetch_timeout: Duration::from_mins(10),
            init_timeout: Duration::from_mins(3),
            workspace_timeout: Duration::from_mins(5),
            pipeline_poll_interval: Duration::from_secs(10),
            pipeline_find_timeout: Duration::from_mins(2),
            pipeline_timeout: Duration::from_mins(30),
            shutdown_grace: Duration::from_secs(10),
            kill_grace: Duration::from_secs(10),
        }
    }
}

/// Shows where the runner belongs, never its key or credential.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url)
            .field("runner_uuid", &self.runner_uuid)
            .field("work_dir", &self.work_dir)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A commented configuration file with every setting at its default.
    pub const DEFAULT_FILE: &str = include_str!("../runner.default.toml");

    /// Reads a configuration file, and hides it from runs: it holds the key. Unknown names are refused, so that a typing error does not pass for a setting.
    pub fn load(file: &Path) -> Result<Self, RunnerError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| RunnerError::File { path: file.to_owned(), source: error })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|error| RunnerError::BadConfig(format!("{}: {error}", file.display())))?;
        config.hidden.push(file.to_owned());
        Ok(config)
    }
}

/// The programs that do the work, by version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Binaries {
    /// Used when no program is named for exactly the wanted version. A name without a slash is searched in `PATH`.
    pub default: PathBuf,
    /// Programs by exact version, such as `1.9.0`.
    pub versions: BTreeMap<String, PathBuf>,
}

impl Default for Binaries {
    fn default() -> Self {
        Self { default: PathBuf::from("tofu"), versions: BTreeMap::new() }
    }
}

/// What happens to runs of manual definitions that reach a runner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManualRuns {
    /// They wait for an operator's word.
    #[default]
    Wait,
    /// They succeed at once, with the inputs as outputs.
    Complete,
}

/// What each process of a run, and a run as a whole, may use; 0 sets no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open files.
    pub open_files: u64,
    /// Bytes of one written file.
    pub file_bytes: u64,
    /// Bytes of data memory of one process.
    pub memory_bytes: u64,
    /// Seconds of processor time of one process.
    pub cpu_seconds: u64,
    /// Processes of the user the runner runs as, all together.
    pub processes: u64,
    /// Processes and threads of one program and all it started, where it has a process namespace and Linux is 6.14 or
    /// newer.
    pub program_processes: u64,
    /// Bytes of a repository with its history, and of its files once they are checked out.
    pub source_bytes: u64,
    /// Files and folders of what is checked out.
    pub source_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            open_files: 4096,
            file_bytes: 8 * GIB,
            memory_bytes: 4 * GIB,
            cpu_seconds: 0,
            processes: 0,
            program_processes: 4096,
            source_bytes: 4 * GIB,
            source_files: 200_000,
        }
    }
}

/// Spans as seconds, with fractions.
mod seconds {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(span.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }
}

fn is_nobody(credential: &Credential) -> bool {
    *credential == Credential::None
}

/// The credential as a table with the names of one kind of credential.
mod credential_table {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use stoa_client::Credential;

    #[derive(Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Table {
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_secret: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        password: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    }

    pub(super) fn serialize<S: Serializer>(credential: &Credential, to: S) -> Result<S::Ok, S::Error> {
        let mut table = Table::default();
        match credential.clone() {
            Credential::Key { client_id, client_secret } => {
                (table.client_id, table.client_secret) = (Some(client_id), Some(client_secret));
            }
            Credential::Basic { user, password } => {
                (table.user, table.password) = (Some(user), Some(password));
            }
            Credential::Token(token) => table.token = Some(token),
            Credential::None => {}
        }
        table.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Credential, D::Error> {
        let Table { client_id, client_secret, user, password, token } = Table::deserialize(from)?;
        match (client_id, client_secret, user, password, token) {
            (Some(client_id), Some(client_secret), None, None, None) => {
                Ok(Credential::Key { client_id, client_secret })
            }
            (None, None, Some(user), Some(password), None) => Ok(Credential::Basic { user, password }),
            (None, None, None, None, Some(token)) => Ok(Credential::Token(token)),
            (None, None, None, None, None) => Ok(Credential::None),
            _ => Err(D::Error::custom(
                "give `client_id` and `client_secret`, or `user` and `password`, or `token`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stoa_client::Credential;

    use super::{Config, ManualRuns};

    #[test]
    fn a_written_configuration_reads_back() {
        let config = Config {
            credential: Credential::Key { client_id: "id".to_owned(), client_secret: "secret".to_owned() },
            private_key_pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_owned(),
            poll_interval: Duration::from_millis(1500),
            manual: ManualRuns::Wait,
            ..Config::default()
        };
        let text = toml::to_string(&config).unwrap();
        let again: Config = toml::from_str(&text).unwrap();
        assert_eq!(toml::to_string(&again).unwrap(), text);
        assert_eq!(again.poll_interval, config.poll_interval);
        assert_eq!(again.credential, config.credential);
        assert!(!format!("{again:?}").contains("AAAA"));
    }

    #[test]
    fn the_default_file_names_every_setting_with_its_default() {
        let written: toml::Table = toml::from_str(Config::DEFAULT_FILE).unwrap();
        assert_eq!(written, toml::Table::try_from(Config::default()).unwrap());
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        assert!(toml::from_str::<Config>("paralel = 3").is_err());
        assert!(toml::from_str::<Config>("[credential]\nclient_id = \"x\"").is_err());
        assert!(toml::from_str::<Config>("poll_interval_seconds = -1").is_err());
    }
}
