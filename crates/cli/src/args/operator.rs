//! What operators can ask for about platforms and tenants.

use super::pair;
use crate::kinds::Kind;
use clap::builder::NonEmptyStringValueParser;

/// `stoa events`.
#[derive(clap::Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Events {
    /// Which of them to show.
    #[command(flatten)]
    pub filter: EventFilter,
    /// Something else.
    #[command(subcommand)]
    pub command: Option<EventsCommand>,
}

/// Which changes to show.
#[derive(clap::Args, Clone, Debug)]
pub struct EventFilter {
    /// Only changes of this kind, for example `block`, `run`, `project`
    #[arg(long, value_parser = Kind::parse)]
    pub kind: Option<&'static Kind>,
    /// Only changes of this object: its uuid, or `KIND/NAME`
    #[arg(long, value_name = "UUID|KIND/NAME", value_parser = NonEmptyStringValueParser::new())]
    pub object: Option<String>,
    /// Only changes of what this workspace owns
    #[arg(long, short)]
    pub workspace: Option<String>,
    /// Begin after the change with this number
    #[arg(long, value_name = "NUMBER", conflicts_with = "last")]
    pub since: Option<u64>,
    /// Look at so many changes before now; 100, or none with `--follow`
    #[arg(long, value_name = "N")]
    pub last: Option<u64>,
    /// Go on with what happens from now on
    #[arg(long, short)]
    pub follow: bool,
}

/// `stoa state`. A block is a uuid or a display name.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum StateCommand {
    /// List the states that building blocks have
    #[command(visible_alias = "ls")]
    List {
        /// Only of blocks of this workspace
        #[arg(long, short)]
        workspace: Option<String>,
    },
    /// Show the versions of a state and who holds its lock
    Show {
        /// The building block
        #[arg(value_name = "BLOCK", value_parser = NonEmptyStringValueParser::new())]
        block: String,
        /// Workspace in which names are looked up
        #[arg(long, short)]
        workspace: Option<String>,
        /// Print the state itself, secrets included
        #[arg(long)]
        content: bool,
        /// An older state, by its number
        #[arg(long, value_name = "N", requires = "content")]
        version: Option<u64>,
    },
    /// Release a lock that nobody works under any more
    Unlock {
        /// The building block
        #[arg(value_name = "BLOCK", value_parser = NonEmptyStringValueParser::new())]
        block: String,
        /// Workspace in which names are looked up
        #[arg(long, short)]
        workspace: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// `stoa events` with a word behind it.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum EventsCommand {
    /// Check the chain of hashes over the whole event log; exit with 1 if it does not hold
    Verify,
}

/// `stoa platform`. A platform is `NAME.LOCATION` or a uuid.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum PlatformCommand {
    /// Test whether a platform can be reached and used; exit with 1 if a check fails
    Test {
        /// The platform
        #[arg(value_name = "NAME.LOCATION|UUID", value_parser = NonEmptyStringValueParser::new())]
        platform: String,
    },
    /// Ask for the publication of a platform
    Publish {
        /// The platform
        #[arg(value_name = "NAME.LOCATION|UUID", value_parser = NonEmptyStringValueParser::new())]
        platform: String,
        /// What the reviewer should know
        #[arg(long, short)]
        message: Option<String>,
    },
    /// Decide about a publication
    Review {
        /// The platform
        #[arg(value_name = "NAME.LOCATION|UUID", value_parser = NonEmptyStringValueParser::new())]
        platform: String,
        /// What is decided
        #[arg(value_enum)]
        decision: Decision,
        /// Why
        #[arg(long, short)]
        comment: Option<String>,
    },
    /// Take no new tenants
    Deprecate {
        /// The platform
        #[arg(value_name = "NAME.LOCATION|UUID", value_parser = NonEmptyStringValueParser::new())]
        platform: String,
        /// Take new tenants again
        #[arg(long)]
        undo: bool,
    },
    /// Give a platform to another workspace
    Transfer {
        /// The platform
        #[arg(value_name = "NAME.LOCATION|UUID", value_parser = NonEmptyStringValueParser::new())]
        platform: String,
        /// The workspace that will own it
        #[arg(long, short)]
        workspace: String,
    },
    /// List the tenants on a platform, of all workspaces
    Tenants {
        /// The platform
        #[arg(value_name = "NAME.LOCATION|UUID", value_parser = NonEmptyStringValueParser::new())]
        platform: String,
    },
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Decision {
    /// Yes
    #[value(alias = "APPROVE")]
    Approve,
    /// No
    #[value(aliases = ["decline", "REJECT", "DECLINE"])]
    Reject,
}

/// `stoa tenant`. A tenant is `WORKSPACE.PROJECT.PLATFORM.LOCATION` or a uuid.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum TenantCommand {
    /// List deletions that were asked for
    Deletions {
        /// Only those in this state
        #[arg(long)]
        status: Option<String>,
    },
    /// Approve the deletion of a tenant
    Approve {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// Why
        #[arg(long, short)]
        comment: Option<String>,
    },
    /// Decline the deletion of a tenant, which stays
    Decline {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// Why
        #[arg(long, short)]
        comment: Option<String>,
    },
    /// Say that a tenant is gone from its platform
    Confirm {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
    },
    /// Bring the platform to what is declared about a tenant
    Replicate {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
    },
    /// List what was replicated of a tenant, and how that went
    Replications {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
    },
    /// Give a tenant to another project
    Move {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// Workspace of the project
        #[arg(long, short)]
        workspace: String,
        /// The project
        #[arg(long, short)]
        project: String,
    },
    /// Set quotas of a tenant without a request
    SetQuota {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// Quotas
        #[arg(required = true, value_name = "KEY=NUMBER", value_parser = pair)]
        quotas: Vec<(String, String)>,
    },
    /// Say which id a tenant has on its platform
    SetId {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// The id
        #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Ask for quotas, and decide about that
    #[command(subcommand)]
    Quota(QuotaRequest),
}

/// `stoa tenant quota`
#[derive(clap::Subcommand, Clone, Debug)]
pub enum QuotaRequest {
    /// Ask for other quotas
    Request {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// Quotas
        #[arg(required = true, value_name = "KEY=NUMBER", value_parser = pair)]
        quotas: Vec<(String, String)>,
    },
    /// List the requests of a tenant
    #[command(visible_alias = "ls")]
    List {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
    },
    /// Decide about a request
    Decide {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// The request
        #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        id: String,
        /// What is decided
        #[arg(value_enum)]
        decision: Decision,
        /// Why; needed when other quotas are given than were asked for
        #[arg(long, short)]
        comment: Option<String>,
        /// A quota other than asked for; repeatable
        #[arg(long = "quota", value_name = "KEY=NUMBER", value_parser = pair)]
        quotas: Vec<(String, String)>,
    },
    /// Take a request back
    Cancel {
        /// The tenant
        #[arg(value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// The request
        #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}
