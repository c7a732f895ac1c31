//! What can be asked for on the command line.

mod operator;

pub use operator::{
    Decision, EventFilter, Events, EventsCommand, PlatformCommand, QuotaRequest, StateCommand, TenantCommand,
};

use crate::kinds::Kind;
use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser as _};
use std::path::PathBuf;
use std::time::Duration;

/// Options of every client command: which server, who is asking, how to answer.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection and output")]
pub struct Global {
    /// Base URL of the server
    #[arg(long, global = true, env = "STOA_URL", value_name = "URL")]
    pub server: Option<String>,
    /// Use this stored server and key, whatever the other options and the environment say
    #[arg(long, global = true, env = "STOA_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,
    /// Client id of an API key
    #[arg(long, global = true, env = "STOA_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// Secret of the API key; better given through the environment than on the command line
    #[arg(long, global = true, env = "STOA_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub client_secret: Option<String>,
    /// A ready bearer token in place of an API key
    #[arg(long, global = true, env = "STOA_API_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub api_token: Option<String>,
    /// JSON file with `url`, `clientId` and `clientSecret`, such as the server's `admin-key.json`
    // An empty variable counts as absent, as the others do.
    #[arg(long, global = true, env = "STOA_KEY_FILE", value_name = "FILE",
        value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub key_file: Option<PathBuf>,
    /// How to print
    #[arg(long, short, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Print identifiers only, and nothing but errors besides
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// A way to print data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    #[default]
    Table,
    /// JSON, stable for programs
    Json,
    /// YAML, fit for `stoa apply`
    Yaml,
}

/// The client commands of `stoa`.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Command {
    /// Check an API key and store it with its server, as `--context` or under the host's name
    Login(Login),
    /// Show one or several things
    Get(Get),
    /// List things of one kind
    #[command(visible_alias = "ls")]
    List(List),
    /// Create or update what files declare
    Apply(Apply),
    /// Delete things
    Delete(Delete),
    /// Order a building block
    Order(Order),
    /// Watch and steer runs of building blocks
    #[command(subcommand, visible_alias = "run")]
    Runs(Runs),
    /// Make and end API keys
    #[command(subcommand, visible_alias = "apikeys")]
    Apikey(Apikey),
    /// Approve the first release of a definition
    Approve(Approve),
    /// Test, publish and withdraw platforms
    #[command(subcommand)]
    Platform(PlatformCommand),
    /// Decide about tenants: their deletion, their quotas, where they belong
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// See what changes, and look after the event log
    Events(Events),
    /// Look after OpenTofu states of building blocks and their locks
    #[command(subcommand, visible_alias = "states")]
    State(StateCommand),
    /// Choose among stored servers and keys
    #[command(subcommand, visible_alias = "contexts")]
    Context(ContextCommand),
    /// Tell what a kind or one of its fields is for
    Explain(Explain),
    /// Print the server's API description (OpenAPI 3.1)
    Openapi,
    /// Write the server's API description as Markdown pages
    #[command(hide = true)]
    Reference(Reference),
}

/// `stoa context`. `stoa login` stores contexts.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum ContextCommand {
    /// List stored contexts, without their secrets
    #[command(visible_alias = "ls")]
    List,
    /// Make a stored context the one in force
    Use {
        /// The context
        #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Forget contexts, with their keys
    Delete {
        /// The contexts
        #[arg(required = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        names: Vec<String>,
    },
}

/// `stoa explain`
#[derive(clap::Args, Clone, Debug)]
pub struct Explain {
    /// Kind, and the field if one is meant, for example `project` or `project.spec.tags`
    #[arg(value_name = "KIND[.FIELD...]", value_parser = NonEmptyStringValueParser::new())]
    pub field: String,
    /// Version of the kind; the newest if absent
    #[arg(long, value_name = "VERSION")]
    pub api_version: Option<String>,
}

/// `stoa reference`
#[derive(clap::Args, Clone, Debug)]
pub struct Reference {
    /// Folder for the pages
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
    /// Table of contents of a book, which gets links to the pages
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

/// `stoa login`. The context is stored under the name that `--context` gives, or that of the host.
#[derive(clap::Args, Clone, Debug)]
pub struct Login {
    /// Base URL of the server; may also come from the key file
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Read the secret of `--client-id` from standard input
    #[arg(long)]
    pub client_secret_stdin: bool,
}

/// `stoa get`
#[derive(clap::Args, Clone, Debug)]
pub struct Get {
    /// Kind, for example `workspace`, `definition`, `block`, `run`
    #[arg(value_parser = Kind::parse)]
    pub kind: &'static Kind,
    /// Names or uuids; a project is `WORKSPACE.PROJECT`, a version `DEFINITION@NUMBER`. None: all
    #[arg(value_name = "NAME|UUID", value_parser = NonEmptyStringValueParser::new())]
    pub ids: Vec<String>,
    /// Workspace in which names are looked up
    #[arg(long, short)]
    pub workspace: Option<String>,
}

/// `stoa list`
#[derive(clap::Args, Clone, Debug)]
pub struct List {
    /// Kind, for example `workspaces`, `definitions`, `blocks`, `runs`
    #[arg(value_parser = Kind::parse)]
    pub kind: &'static Kind,
    /// Only what this workspace owns
    #[arg(long, short)]
    pub workspace: Option<String>,
    /// Only what belongs to this definition (uuid or display name)
    #[arg(long)]
    pub definition: Option<String>,
    /// Only runs of this building block (uuid or display name)
    #[arg(long)]
    pub block: Option<String>,
    /// Any filter of the API, for example `status=FAILED`; repeatable
    #[arg(long = "filter", short = 'F', value_name = "KEY=VALUE", value_parser = pair)]
    pub filters: Vec<(String, String)>,
    /// At most this many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// `stoa apply`
#[derive(clap::Args, Clone, Debug)]
pub struct Apply {
    /// YAML or JSON file, folder of such files, or `-` for standard input; repeatable
    #[arg(long = "file", short, required = true, value_name = "FILE|DIR|-")]
    pub files: Vec<PathBuf>,
    /// Change nothing; print what would change and exit with 2 if anything would
    #[arg(long)]
    pub dry_run: bool,
}

/// `stoa delete`
#[derive(clap::Args, Clone, Debug)]
pub struct Delete {
    /// Kind of what is to go
    #[arg(value_parser = Kind::parse)]
    pub kind: &'static Kind,
    /// Names or uuids
    #[arg(required = true, value_name = "NAME|UUID", value_parser = NonEmptyStringValueParser::new())]
    pub ids: Vec<String>,
    /// Workspace in which names are looked up
    #[arg(long, short)]
    pub workspace: Option<String>,
    /// Follow the run that destroys a block until the block is gone
    #[arg(long, visible_alias = "wait")]
    pub watch: bool,
    /// Forget a block and leave what it made alone
    #[arg(long)]
    pub purge: bool,
    /// Stop waiting after this long, for example `90s`, `10m`
    #[arg(long, value_parser = span, value_name = "SPAN")]
    pub timeout: Option<Duration>,
}

/// `stoa order`
#[derive(clap::Args, Clone, Debug)]
pub struct Order {
    /// Definition, by uuid or display name
    pub definition: String,
    /// Number of the version; the newest released one if absent
    #[arg(long, value_name = "N", value_parser = version_number)]
    pub version: Option<u64>,
    /// Workspace that orders
    #[arg(long, short)]
    pub workspace: String,
    /// Display name of the new block
    #[arg(long, short)]
    pub name: String,
    /// An input, typed as the definition declares it; `key:=JSON` for raw JSON; repeatable
    #[arg(long = "input", short, value_name = "KEY=VALUE")]
    pub inputs: Vec<String>,
    /// An input whose value is the content of a file; repeatable
    #[arg(long = "input-file", value_name = "KEY=PATH", value_parser = pair)]
    pub input_files: Vec<(String, String)>,
    /// Block whose outputs the new one uses; repeatable
    #[arg(long = "parent", value_name = "UUID|NAME")]
    pub parents: Vec<String>,
    /// Find out what it would do, and apply nothing before `stoa runs start NAME --apply-plan`
    #[arg(long)]
    pub dry_run: bool,
    /// Wait for the end, and say only what is waited for
    #[arg(long, conflicts_with = "watch")]
    pub wait: bool,
    /// Follow the run live; exit with 0 only if it succeeds
    #[arg(long)]
    pub watch: bool,
    /// Show log lines while watching
    #[arg(long, requires = "watch")]
    pub logs: bool,
    /// Stop waiting after this long, for example `90s`, `10m`
    #[arg(long, value_parser = span, value_name = "SPAN")]
    pub timeout: Option<Duration>,
}

/// `stoa runs`
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Runs {
    /// List runs, newest first
    #[command(visible_alias = "ls")]
    List {
        /// Only runs of this building block (uuid or display name)
        #[arg(long)]
        block: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Follow a run live; exit with 0 only if it succeeds
    Watch {
        /// The run
        #[arg(value_name = "UUID", required_unless_present = "block", conflicts_with = "block",
            value_parser = NonEmptyStringValueParser::new())]
        run: Option<String>,
        /// The newest run of this building block (uuid or display name)
        #[arg(long)]
        block: Option<String>,
        /// Show log lines
        #[arg(long)]
        logs: bool,
        /// Stop watching after this long, for example `90s`, `10m`
        #[arg(long, value_parser = span, value_name = "SPAN")]
        timeout: Option<Duration>,
    },
    /// Run a building block again; its operator may also try what would change
    Start {
        /// The building block (uuid or display name)
        #[arg(value_name = "BLOCK", value_parser = NonEmptyStringValueParser::new())]
        block: String,
        /// Only find out what would change, and save the plan
        #[arg(long, conflicts_with = "apply_plan")]
        dry_run: bool,
        /// Apply the plan that the last dry run saved
        #[arg(long)]
        apply_plan: bool,
        /// Follow the run; exit with 0 only if it succeeds
        #[arg(long)]
        watch: bool,
        /// Show log lines
        #[arg(long, requires = "watch")]
        logs: bool,
        /// Stop watching after this long, for example `90s`, `10m`
        #[arg(long, value_parser = span, value_name = "SPAN")]
        timeout: Option<Duration>,
    },
    /// Print the messages and logs of a run, step by step
    Logs {
        /// The run
        #[arg(value_name = "UUID", value_parser = NonEmptyStringValueParser::new())]
        run: String,
    },
    /// Stop a run
    Abort {
        /// The run
        #[arg(value_name = "UUID", value_parser = NonEmptyStringValueParser::new())]
        run: String,
    },
    /// Give the operator's word for a manual run
    Complete {
        /// The run
        #[arg(value_name = "UUID", value_parser = NonEmptyStringValueParser::new())]
        run: String,
        /// How it ended
        #[arg(long, value_enum, default_value_t, ignore_case = true)]
        status: Verdict,
        /// What the one who ordered should read
        #[arg(long, short)]
        message: Option<String>,
        /// An output, typed as the definition declares it; `key:=JSON` for raw JSON; repeatable
        #[arg(long = "output-value", short = 'O', value_name = "KEY=VALUE")]
        outputs: Vec<String>,
    },
}

/// How an operator ends a manual run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Verdict {
    /// The work is done
    #[default]
    #[value(name = "SUCCEEDED", alias = "succeeded")]
    Succeeded,
    /// The work cannot be done
    #[value(name = "FAILED", alias = "failed")]
    Failed,
}

/// `stoa apikey`
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Apikey {
    /// Make a key; its secret is shown once
    Create {
        /// Workspace that owns the key
        #[arg(long, short)]
        workspace: String,
        /// Display name
        #[arg(long, short)]
        name: String,
        /// A permission code, for example `BUILDINGBLOCK_SAVE`; repeatable, or comma-separated
        #[arg(long = "permission", short, value_delimiter = ',', value_name = "CODE")]
        permissions: Vec<String>,
        /// Last day on which the key works
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<String>,
        /// Write address, id and secret into this file, readable by you alone, for `--key-file`
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
    },
    /// List keys
    #[command(visible_alias = "ls")]
    List {
        /// Only keys of this workspace
        #[arg(long, short)]
        workspace: Option<String>,
    },
    /// Delete keys; they end at once
    Delete {
        /// Uuids or display names
        #[arg(required = true, value_name = "UUID|NAME")]
        ids: Vec<String>,
        /// Workspace in which names are looked up
        #[arg(long, short)]
        workspace: Option<String>,
    },
    /// Give a key a new secret, by giving it another last day
    Rotate {
        /// Uuid or display name
        #[arg(value_name = "UUID|NAME")]
        id: String,
        /// Workspace in which names are looked up
        #[arg(long, short)]
        workspace: Option<String>,
        /// New last day
        #[arg(long, value_name = "YYYY-MM-DD", required_unless_present = "never_expires")]
        expires: Option<String>,
        /// No last day any more
        #[arg(long, conflicts_with = "expires")]
        never_expires: bool,
        /// Write address, id and secret into this file, readable by you alone, for `--key-file`
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
    },
}

/// `stoa approve`
#[derive(clap::Args, Clone, Debug)]
pub struct Approve {
    /// Uuid of the version, or `DEFINITION@NUMBER`, or a definition for its newest version
    pub version: String,
    /// Workspace in which names are looked up
    #[arg(long, short)]
    pub workspace: Option<String>,
}

/// `key=value`, split at the first `=`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as key=value".to_owned()),
    }
}

/// A version number, with or without the letter: `3`, `v3`.
fn version_number(text: &str) -> Result<u64, String> {
    text.strip_prefix('v').unwrap_or(text).parse().map_err(|_| "write a number, such as 3".to_owned())
}

/// A span of time: `90s`, `10m`, `2h`, or bare seconds.
fn span(text: &str) -> Result<Duration, String> {
    let (number, seconds) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| "write a span such as 90s, 10m or 2h".to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}
