//! The faults, and how they are inflicted.

use crate::proxy::Wire;
use crate::random::Random;
use crate::round::Round;
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};
use stoa_db::Engine;
use tokio::time::sleep;

/// What happens to an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A server gets SIGKILL, and is started again after a while.
    KillServer,
    /// A runner gets SIGKILL, and is started again after a while.
    KillRunner,
    /// Every server and runner gets SIGKILL at the same moment.
    KillBoth,
    /// A server is stopped by SIGSTOP for a while.
    PauseServer,
    /// A runner is stopped by SIGSTOP for a while; what it started goes on.
    PauseRunner,
    /// The runners' connections to the servers break for a while.
    CutRunners,
    /// Nothing gets through between runners and servers for a while.
    SilenceRunners,
    /// An OpenTofu process gets SIGKILL.
    KillTofu,
    /// Somebody else holds the lock of the SQLite file, or PostgreSQL is gone, for a while.
    LoseDatabase,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::KillServer,
        Self::KillRunner,
        Self::KillBoth,
        Self::PauseServer,
        Self::PauseRunner,
        Self::CutRunners,
        Self::SilenceRunners,
        Self::KillTofu,
        Self::LoseDatabase,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillServer => "server killed",
            Self::KillRunner => "runner killed",
            Self::KillBoth => "all killed",
            Self::PauseServer => "server paused",
            Self::PauseRunner => "runner paused",
            Self::CutRunners => "runners cut off",
            Self::SilenceRunners => "runners' packets lost",
            Self::KillTofu => "tofu killed",
            Self::LoseDatabase => "database gone",
        }
    }
}

impl Round {
    /// Inflicts a fault and mends it after `span`.
    pub(crate) async fn inflict(
        &mut self,
        fault: Fault,
        span: Duration,
        random: &mut Random,
    ) -> anyhow::Result<()> {
        // Nobody notices a longer absence of a process than of the one who starts it again.
        let down = span.min(Duration::from_secs(2));
        let begun = Instant::now();
        match fault {
            Fault::KillServer => {
                let place = random.below(self.servers.len());
                self.kill_server(place)?;
                sleep(down).await;
                self.start_server(place).await?;
            }
            Fault::KillRunner => {
                let place = random.below(self.workers.len());
                self.workers[place].kill();
                sleep(down).await;
                self.workers[place].start()?;
            }
            Fault::KillBoth => {
                for place in 0..self.servers.len() {
                    self.kill_server(place)?;
                }
                self.workers.iter_mut().for_each(crate::worker::Worker::kill);
                sleep(down).await;
                for place in 0..self.servers.len() {
                    self.start_server(place).await?;
                }
                for worker in &mut self.workers {
                    worker.start()?;
                }
            }
            Fault::PauseServer => {
                let place = random.below(self.servers.len());
                let server = self.servers[place].as_ref().context("the server is down")?;
                server.signal(Signal::STOP)?;
                sleep(span.min(Duration::from_secs(20))).await;
                server.signal(Signal::CONT)?;
            }
            Fault::PauseRunner => {
                let place = random.below(self.workers.len());
                self.workers[place].signal(Signal::STOP);
                sleep(span).await;
                self.workers[place].signal(Signal::CONT);
            }
            Fault::CutRunners | Fault::SilenceRunners => {
                let wire = if fault == Fault::CutRunners { Wire::Cut } else { Wire::Silent };
                self.back.set(wire);
                sleep(span).await;
                self.back.set(Wire::Whole);
            }
            Fault::KillTofu => {
                let found: Vec<u32> =
                    self.workers.iter().flat_map(|worker| worker.descendants("tofu")).collect();
                let pid =
                    random.one_of(&found).and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
                if let Some(pid) = pid {
                    // It may have come to its end meanwhile.
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            Fault::LoseDatabase => {
                let span = span.min(Duration::from_mins(1));
                match self.plan.engine {
                    Engine::Sqlite => hold_lock(&self.database.url, span).await?,
                    Engine::Postgres => {
                        self.database_wire.set(Wire::Cut);
                        sleep(span).await;
                        self.database_wire.set(Wire::Whole);
                    }
                }
            }
        }
        self.longest = self.longest.max(begun.elapsed());
        *self.faults.entry(fault.name()).or_default() += 1;
        Ok(())
    }
}

/// Holds the write lock of a SQLite file for a while, as a backup gone wrong would.
pub async fn hold_lock(url: &str, span: Duration) -> anyhow::Result<()> {
    let path = url.trim_start_matches("sqlite:").to_owned();
    tokio::task::spawn_blocking(move || {
        let connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        std::thread::sleep(span);
        connection.execute_batch("ROLLBACK")?;
        anyhow::Ok(())
    })
    .await?
    .context("holding the lock of the database")
}
