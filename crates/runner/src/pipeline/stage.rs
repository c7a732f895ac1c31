//! How far a run came whose work happens outside: written down before anything is done, and gone on from afterwards.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use crate::failure::Failure;
use crate::work::Work;

/// A run of another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct External {
    /// The system's number for it.
    pub(crate) id: u64,
    /// Where people see it.
    pub(crate) url: String,
}

/// How far a run came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Nothing was started.
    Ahead,
    /// A start may have been sent after this.
    Intended {
        /// The newest pipeline run that was there before.
        newest: u64,
    },
    /// This was started.
    Started {
        /// What.
        external: External,
        /// When, in seconds since 1970.
        since: u64,
    },
}

impl Stage {
    /// Started just now.
    pub(crate) fn started(external: External) -> Self {
        Self::Started { external, since: now() }
    }

    /// How long it is since the start.
    pub(crate) fn age(&self) -> Duration {
        match self {
            Self::Started { since, .. } => Duration::from_secs(now().saturating_sub(*since)),
            Self::Ahead | Self::Intended { .. } => Duration::ZERO,
        }
    }
}

/// Seconds since 1970, as other systems count them.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Work<'_> {
    /// Writes down how far the run came. What cannot be written down must not be done.
    pub(crate) fn note(&self, stage: &Stage) -> Result<(), Failure> {
        let report = self.progress.interrupted();
        let kept =
            self.runner.journal.keep_stage(self.claimed, &self.runner.config.runner_uuid, (&report, stage));
        kept.map_err(Failure::own_folder)
    }
}

/// Who is starting a pipeline at the moment: starts of the same one follow each other, so that what appears after a
/// start belongs to it.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for our turn; it lasts as long as the guard.
    pub(crate) async fn take(&self, place: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(place.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}
