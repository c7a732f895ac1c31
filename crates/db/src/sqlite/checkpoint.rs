//! Copying the write-ahead log into the database file, beside the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use rusqlite::Connection;

use super::error;
use crate::DbError;

/// How long a change may stay in the log only.
const PAUSE: Duration = Duration::from_secs(1);

/// How many pages the log grows before the housekeeper is called early.
const EARLY: usize = 4_000;

/// How many pages the log has before the writer itself waits for a checkpoint. Under a steady load the
/// housekeeper alone never catches up with the end of the log, and only then can the log start anew.
const LATE: usize = 24_000;

/// How far the log has grown.
#[derive(Clone)]
pub(super) struct Log {
    pages: Arc<AtomicUsize>,
    has_grown: Arc<AtomicBool>,
    call: Sender<()>,
}

impl Log {
    pub(super) fn new(call: Sender<()>) -> Self {
        Self { pages: Arc::default(), has_grown: Arc::default(), call }
    }

    /// Whether there was a commit since this was last taken back.
    pub(super) fn has_grown(&self) -> Arc<AtomicBool> {
        self.has_grown.clone()
    }

    /// Follows the writer's commits.
    pub(super) fn watch(&self, writer: &mut Connection) -> Result<(), DbError> {
        let log = self.clone();
        let mut called_at = 0;
        writer
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                let pages = usize::try_from(pages).unwrap_or(0);
                log.pages.store(pages, Ordering::Relaxed);
                log.has_grown.store(true, Ordering::Release);
                if pages < called_at {
                    called_at = 0;
                }
                if pages >= called_at + EARLY {
                    called_at = pages;
                    // Already called is as good.
                    let _ = log.call.try_send(());
                }
                Ok(())
            }))
            .map_err(error)
    }

    /// Lets the writer help when the log has grown too long.
    pub(super) fn relieve(&self, writer: &Connection, tried_at: &mut usize) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < *tried_at {
            *tried_at = 0;
        }
        if pages >= LATE && pages >= *tried_at + EARLY {
            *tried_at = pages;
            copy(writer, "PASSIVE");
        }
    }
}

/// Keeps the log short until nobody needs it any more.
pub(super) fn keep_house(connection: &Connection, has_grown: &AtomicBool, calls: &Receiver<()>) {
    loop {
        match calls.recv_timeout(PAUSE) {
            Err(RecvTimeoutError::Disconnected) => {
                copy(connection, "TRUNCATE");
                return;
            }
            Ok(()) | Err(RecvTimeoutError::Timeout) => {
                if has_grown.swap(false, Ordering::Acquire) && !copy(connection, "PASSIVE") {
                    has_grown.store(true, Ordering::Release);
                }
            }
        }
    }
}

/// Copies what readers do not hold back. Says whether that was everything.
fn copy(connection: &Connection, how: &str) -> bool {
    let copied = connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
        Ok(row.get::<_, i64>(1)? == row.get::<_, i64>(2)?)
    });
    copied.unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "could not copy the database log");
        false
    })
}
