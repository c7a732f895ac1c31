//! A writer thread: a transaction per closure, repeated when it collides with others.

use std::time::Duration;

use crossbeam_channel::Receiver;

use super::connection::{Line, pause};
use crate::job::Write;
use crate::tx::Harm;
use crate::{DbError, Hooks, Tx};

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// How often a closure is repeated that collides with others.
const COLLISIONS: u32 = 8;

/// How often a closure is repeated whose connection was lost before the commit.
const LOSSES: u32 = 1;

/// A connection that writes.
pub(super) struct Writer {
    line: Line,
    hooks: Hooks,
}

/// How one run of a closure ended.
enum Outcome {
    Committed,
    /// The closure said no; its changes are undone.
    Refused,
    /// Undone by a collision with another transaction.
    Collided,
    /// The connection was lost before the commit.
    Lost,
    Failed(DbError),
}

impl Writer {
    pub(super) fn new(line: Line, hooks: Hooks) -> Self {
        Self { line, hooks }
    }

    /// Commits writes until their queue is closed and empty.
    pub(super) fn work(&mut self, waiting: &Receiver<Box<dyn Write>>) {
        for job in waiting {
            self.carry_out(job);
        }
    }

    fn carry_out(&mut self, mut job: Box<dyn Write>) {
        let (mut collisions, mut losses) = (0, 0);
        loop {
            match self.transact(&mut *job) {
                Outcome::Committed => {
                    self.hooks.committed();
                    return job.answer();
                }
                Outcome::Refused => return job.answer(),
                Outcome::Failed(error) => return job.fail(error),
                Outcome::Collided if collisions < COLLISIONS => {
                    pause(collisions, Duration::from_millis(1));
                    collisions += 1;
                }
                Outcome::Lost if losses < LOSSES => losses += 1,
                Outcome::Collided => return job.fail(DbError::Retry),
                Outcome::Lost => return job.fail(DbError::Gone),
            }
        }
    }

    fn transact(&mut self, job: &mut dyn Write) -> Outcome {
        let session = match self.line.begin(BEGIN) {
            Ok(session) => session,
            Err(error) => return Outcome::Failed(error),
        };
        let mut tx = Tx::postgres(session);
        let keep = job.run(&mut tx);
        match tx.harm() {
            Harm::Lost => {
                self.line.lose();
                return Outcome::Lost;
            }
            Harm::Collided => {
                self.line.roll_back();
                return Outcome::Collided;
            }
            Harm::None | Harm::Spoiled if !keep => {
                self.line.roll_back();
                return Outcome::Refused;
            }
            Harm::None | Harm::Spoiled => {}
        }
        match session.batch("COMMIT") {
            Ok(()) => Outcome::Committed,
            Err(DbError::Retry) => Outcome::Collided,
            Err(error @ DbError::Gone) => {
                // Whether the commit arrived is not known.
                self.line.lose();
                Outcome::Failed(error)
            }
            Err(error) => Outcome::Failed(error),
        }
    }
}
