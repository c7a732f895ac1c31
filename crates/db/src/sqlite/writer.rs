//! The writer thread: one commit, and so one sync, for all closures that are waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use rusqlite::Connection;

use super::checkpoint::Log;
use super::control;
use crate::job::Write;
use crate::{DbError, Hooks, Tx};

/// How many closures share a commit at most.
const GROUP: usize = 256;

/// The connection that writes.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) hooks: Hooks,
    pub(super) log: Log,
}

/// How long a group waits for more at most.
const LONGEST_PATIENCE: Duration = Duration::from_millis(1);

type Group = Vec<Box<dyn Write>>;

/// Why a group was rolled back.
enum Broken {
    /// Nobody in it could have been written.
    Together(DbError),
    /// One of them did it, and it cannot be told which.
    BySomeone(DbError),
}

/// Takes what is waiting. If more is expected, it waits a little: otherwise one caller who comes back first
/// gets a commit of its own, and all others wait for two.
fn gather(group: &mut Group, waiting: &Receiver<Box<dyn Write>>, expected: usize, until: Instant) {
    loop {
        group.extend(waiting.try_iter().take(GROUP - group.len()));
        if group.len() >= expected {
            return;
        }
        match waiting.recv_deadline(until) {
            Ok(job) => group.push(job),
            Err(_) => return,
        }
    }
}

impl Writer {
    /// Commits writes until their queue is closed and empty.
    pub(super) fn work(self, waiting: &Receiver<Box<dyn Write>>) {
        let mut group = Group::with_capacity(GROUP);
        let (mut expected, mut patience) = (0, Duration::ZERO);
        let mut relieved_at = 0;
        while let Ok(first) = waiting.recv() {
            group.push(first);
            gather(&mut group, waiting, expected, Instant::now() + patience);
            // Those who are answered now often come back at once, beside those who wait already.
            let answered = group.len();
            let begun = Instant::now();
            self.settle(&mut group);
            expected = (answered + waiting.len()).min(GROUP);
            patience = (begun.elapsed() / 8).min(LONGEST_PATIENCE);
            self.log.relieve(&self.connection, &mut relieved_at);
        }
    }

    /// Runs a group, commits it and answers everyone in it.
    fn settle(&self, group: &mut Group) {
        match self.commit(group) {
            Ok(kept) => {
                if kept > 0 {
                    self.hooks.committed();
                }
                for job in group.drain(..) {
                    job.answer();
                }
            }
            Err(Broken::BySomeone(_)) if group.len() > 1 => {
                for job in group.drain(..) {
                    self.settle(&mut vec![job]);
                }
            }
            Err(Broken::Together(error) | Broken::BySomeone(error)) => {
                tracing::error!(
                    writes = group.len(),
                    error = &error as &dyn std::error::Error,
                    "writes were not committed"
                );
                let mut error = error.split();
                for job in group.drain(..) {
                    job.fail(error());
                }
            }
        }
    }

    /// Runs a group in one transaction. Says how many closures were kept; nothing is left open.
    fn commit(&self, group: &mut Group) -> Result<usize, Broken> {
        let result = self.transact(group);
        if !self.connection.is_autocommit()
            && let Err(error) = control(&self.connection, "ROLLBACK")
        {
            tracing::error!(error = &error as &dyn std::error::Error, "could not roll back");
        }
        result
    }

    fn transact(&self, group: &mut Group) -> Result<usize, Broken> {
        self.control("BEGIN IMMEDIATE")?;
        let is_alone = group.len() == 1;
        let mut kept = 0;
        for job in group {
            if !is_alone {
                self.control("SAVEPOINT closure")?;
            }
            let keep = job.run(&mut Tx::sqlite(&self.connection));
            kept += usize::from(keep);
            if self.connection.is_autocommit() {
                // A full disk, for example, ends the whole transaction at once.
                return if is_alone { Ok(0) } else { Err(Broken::BySomeone(DbError::Spoiled)) };
            }
            if !is_alone {
                if !keep {
                    self.control("ROLLBACK TO SAVEPOINT closure")?;
                }
                self.control("RELEASE SAVEPOINT closure")?;
            }
        }
        if kept == 0 {
            return Ok(0);
        }
        if let Some(hook) = &self.hooks.before_commit {
            let mut tx = Tx::sqlite(&self.connection);
            catch_unwind(AssertUnwindSafe(|| hook(&mut tx)))
                .unwrap_or_else(|payload| Err(DbError::panicked(&*payload)))
                .and_then(|()| if tx.is_spoiled() { Err(DbError::Spoiled) } else { Ok(()) })
                .map_err(Broken::Together)?;
        }
        match control(&self.connection, "COMMIT") {
            Ok(()) => Ok(kept),
            // A foreign key that is checked only now.
            Err(DbError::ForeignKey) => Err(Broken::BySomeone(DbError::ForeignKey)),
            Err(error) => Err(Broken::Together(error)),
        }
    }

    fn control(&self, text: &'static str) -> Result<(), Broken> {
        control(&self.connection, text).map_err(Broken::Together)
    }
}
