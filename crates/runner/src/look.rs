//! How a runner does, looked at from its own machine by somebody who is not it.

use std::fs::{self, File};

use crate::config::Config;
use crate::isolation::Confinement;
use crate::journal::Journal;

/// What can be seen of a runner in its folder.
#[derive(Clone, Debug)]
pub struct Near {
    /// Whether a process works there.
    pub is_at_work: bool,
    /// Whether programs of runs get namespaces of their own here, or why not.
    pub isolation: Result<(), String>,
    /// Reports that no server has taken. While a process works there, also those of its runs.
    pub unsent: usize,
}

/// Looks, and changes nothing.
pub fn look(config: &Config) -> Near {
    let lock = File::open(config.work_dir.join("lock"));
    // Whoever holds the lock works there; a shared one asks without keeping a runner that starts now from it for long.
    let is_at_work = lock.is_ok_and(|lock| lock.try_lock_shared().is_err());
    let reports = config.work_dir.join("reports");
    let unsent = if reports.is_dir() { Journal::at(reports).unsent().len() } else { 0 };
    let mut config = config.clone();
    if let Ok(work_dir) = fs::canonicalize(&config.work_dir) {
        config.work_dir = work_dir;
    }
    Near { is_at_work, isolation: Confinement::tried(&config).map(|_| ()), unsent }
}
