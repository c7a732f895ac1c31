//! The installation: its settings, its clock, its keys.

use crate::call::Call;
use crate::objects::Object;
use crate::outcome::Outcome;
use crate::secrets::Vault;
use crate::tags::Known;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stoa_base::Moment;
use stoa_db::Tx;

/// Settings that operations need.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base URL that callers reach us by, without a trailing slash.
    pub public_url: String,
    /// Identifier of the admin workspace.
    pub admin_workspace: String,
    /// Retired uuids of the shared runner that still name it (`api-building-blocks.md` §12).
    pub shared_runner_aliases: Vec<String>,
    /// Longest workspace identifier (`api-core.md` §1.11).
    pub workspace_identifier_max: usize,
    /// Longest project identifier.
    pub project_identifier_max: usize,
    /// API keys per workspace (`api-core.md` §2.4).
    pub api_keys_per_workspace: usize,
    /// Owners that a workspace may have at a time (`api-core.md` §2.7).
    pub owners_per_workspace: usize,
    /// Workspace roles that are given for a time only, and for how long at most (`api-core.md` §3.4).
    pub recertification: BTreeMap<String, Duration>,
    /// Longest life an API key may be given, if that is limited.
    pub api_key_max_life: Option<Duration>,
    /// Locations that come with the installation (`api-platforms.md` §4).
    pub locations: Vec<String>,
    /// Whether integrations of type `entraid` are offered.
    pub entra_id: bool,
    /// How long a run may be silent before it is offered again (`runner-protocol.md` §9.2).
    pub run_inactivity: Duration,
    /// Whether people may sign in with passwords that Stoa keeps.
    pub local_accounts: bool,
    /// How long a session lasts without being used.
    pub session_idle: Duration,
    /// How long a session lasts at most.
    pub session_life: Duration,
    /// Whether callers' addresses are taken from `X-Forwarded-For`, because a proxy stands in front.
    pub behind_proxy: bool,
    /// Whether what callers name may be looked up at loopback, link-local and private addresses.
    pub private_addresses: bool,
    /// How long an access token from `/api/login` lives.
    pub access_token_life: Duration,
}

impl Settings {
    /// Defaults for an installation reached at `public_url`.
    pub fn new(public_url: impl Into<String>) -> Self {
        Self {
            public_url: public_url.into().trim_end_matches('/').to_owned(),
            admin_workspace: "demo-partner".into(),
            shared_runner_aliases: Vec::new(),
            workspace_identifier_max: 16,
            project_identifier_max: 30,
            api_keys_per_workspace: 10,
            owners_per_workspace: 2,
            recertification: BTreeMap::new(),
            api_key_max_life: None,
            locations: vec!["global".into()],
            entra_id: true,
            run_inactivity: Duration::from_hours(3),
            local_accounts: true,
            session_idle: Duration::from_hours(1),
            session_life: Duration::from_hours(12),
            behind_proxy: false,
            private_addresses: false,
            access_token_life: Duration::from_mins(5),
        }
    }
}

/// The one place that asks the system for the time. Tests move it forward.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_micros: AtomicI64,
}

impl Clock {
    /// Now.
    pub fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Moment::from_micros(micros + self.ahead_micros.load(Ordering::Relaxed))
    }

    /// Moves this clock forward for good.
    pub fn advance(&self, span: Duration) {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        self.ahead_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// What an area does when an object goes that things of its own name.
pub type Leaving = fn(&mut Tx, &Call, &Object) -> Outcome<()>;

/// The installation.
#[derive(Debug)]
pub struct World {
    /// Its settings.
    pub settings: Settings,
    /// Its clock.
    pub clock: Clock,
    /// Its keys.
    pub vault: Vault,
    /// The tag definitions as last read.
    pub tags: Known,
    /// Who is told when an object of a kind goes.
    pub leaving: &'static [(&'static str, Leaving)],
}
