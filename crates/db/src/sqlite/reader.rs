//! A reader thread: each closure sees one snapshot.

use crossbeam_channel::Receiver;
use rusqlite::Connection;

use super::control;
use crate::Tx;
use crate::job::Read;

/// Answers reads until their queue is closed and empty.
pub(super) fn answer(connection: &Connection, waiting: &Receiver<Box<dyn Read>>) {
    for job in waiting {
        if job.is_abandoned() {
            continue;
        }
        if let Err(error) = control(connection, "BEGIN") {
            job.fail(error);
            continue;
        }
        job.answer(&mut Tx::sqlite(connection));
        if let Err(error) = control(connection, "ROLLBACK") {
            tracing::error!(error = &error as &dyn std::error::Error, "could not end a read");
        }
    }
}
