//! A reader thread: each closure sees one snapshot.

use crossbeam_channel::Receiver;

use super::connection::Line;
use crate::Tx;
use crate::job::Read;
use crate::tx::Harm;

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Answers reads until their queue is closed and empty.
pub(super) fn answer(line: &mut Line, waiting: &Receiver<Box<dyn Read>>) {
    for job in waiting {
        if job.is_abandoned() {
            continue;
        }
        let session = match line.begin(BEGIN) {
            Ok(session) => session,
            Err(error) => {
                job.fail(error);
                continue;
            }
        };
        let mut tx = Tx::postgres(session);
        job.answer(&mut tx);
        if tx.harm() == Harm::Lost {
            line.lose();
        } else {
            line.roll_back();
        }
    }
}
