//! States that OpenTofu could not save, kept on the runner's disk until the server has them.
//!
//! OpenTofu tries a few times and then leaves the state in the module's folder, which goes with the run: nobody would know
//! any more of what was made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::Failure;
use crate::folder::{Links, private_folder, read_of_others, write_new};
use crate::work::Work;

/// What OpenTofu calls such a state.
const LEFT_BEHIND: &str = "errored.tfstate";
/// The most of it that is read; the server takes less.
const MOST: u64 = 256 * 1024 * 1024;
/// Pauses between two attempts: from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Saves the state that OpenTofu left in a module's folder, if it did, at the server's address for it. Tries until the
/// server has answered, or the run is stopped. What the consumer is to know of it besides why the step failed.
pub(super) async fn save(work: &Work<'_>, folder: &Path, address: &str) -> Option<String> {
    let left = folder.join(LEFT_BEHIND);
    left.symlink_metadata().ok()?;
    let (kept, state) = match keep(work, &left) {
        Ok(kept) => kept,
        Err(error) => {
            tracing::error!(run.uuid = work.claimed.uuid, %error, "a state that nobody took cannot be kept");
            return Some(format!("The state could not be saved, and the runner cannot keep it: {error}"));
        }
    };
    work.progress
        .log("OpenTofu could not save the state; the runner keeps it and tries until the server takes it");
    let mut pause = FIRST_PAUSE;
    loop {
        let refused = match work.api.save_state(address, state.clone()).await {
            Ok(()) => {
                let _ = fs::remove_file(&kept);
                work.progress.log("The server has the state now");
                return Some("The state was saved after all. Please start the run again".to_owned());
            }
            Err(error) => error,
        };
        // Some answers stay the same however often one asks.
        let is_final = refused
            .status()
            .is_some_and(|status| (400..500).contains(&status) && ![423, 429].contains(&status));
        work.progress.log(&format!("The state cannot be saved: {refused}"));
        let gives_up = is_final
            || tokio::select! {
                () = tokio::time::sleep(pause) => false,
                _ = work.stop.heard() => true,
            };
        if gives_up {
            tracing::error!(
                run.uuid = work.claimed.uuid,
                file = %kept.display(),
                error = %refused,
                "a state that the server did not take is kept here"
            );
            return Some(format!(
                "The state could not be saved: {refused}. The runner keeps it as {}",
                kept.file_name().unwrap_or_default().display()
            ));
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Copies it to where it outlives the run.
fn keep(work: &Work<'_>, left: &Path) -> io::Result<(PathBuf, Vec<u8>)> {
    let state = read_of_others(left, Links::Refused, MOST)?;
    let folder = folder(&work.runner.config.work_dir);
    if !folder.is_dir() {
        private_folder(&folder)?;
    }
    let kept = folder.join(format!("{}.tfstate", work.claimed.uuid));
    write_new(&kept, &state)?;
    fs::File::open(&kept)?.sync_all()?;
    Ok((kept, state))
}

/// Where a runner keeps them.
fn folder(work_dir: &Path) -> PathBuf {
    work_dir.join("unsaved-states")
}

/// Says what an operator has to look after.
pub(crate) fn remind(work_dir: &Path) {
    let count = fs::read_dir(folder(work_dir)).into_iter().flatten().count();
    if count > 0 {
        tracing::warn!(
            folder = %folder(work_dir).display(),
            count,
            "states of earlier runs were never saved: without them nobody knows what those runs made"
        );
    }
}

impl Failure {
    /// The same with another sentence for the consumer.
    pub(super) fn with(self, sentence: Option<String>) -> Self {
        match (self, sentence) {
            (Self::Step(why), Some(sentence)) => Self::Step(format!("{why}\n\n{sentence}")),
            (same, _) => same,
        }
    }
}
