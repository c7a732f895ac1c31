//! The door: hands closures to database threads and answers back.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, TrySendError, bounded};

use crate::job::{self, Answer, Read, Write};
use crate::{DbError, Engine, Migration, Settings, Sql, Tx, postgresql, sqlite};

/// How many closures may wait for each kind of thread before new ones are refused.
const QUEUE: usize = 4096;

const PING: Sql = Sql::new("SELECT 1");

/// An open database; clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    engine: Engine,
    /// Taken away when the database closes: threads stop when they have done what is queued.
    queues: RwLock<Option<Queues>>,
    threads: Mutex<Option<Threads>>,
}

struct Queues {
    writes: Sender<Box<dyn Write>>,
    reads: Sender<Box<dyn Read>>,
}

/// The threads of an open database.
#[derive(Default)]
pub(crate) struct Threads {
    /// Those that stop when their queue is closed and empty.
    pub(crate) workers: Vec<JoinHandle<()>>,
    /// Keeps the housekeeper at work, and the housekeeper. It stops last.
    pub(crate) housekeeper: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Db {
    /// Opens the database and migrates it. This blocks.
    pub fn open(settings: Settings, migrations: &[Migration]) -> Result<Self, DbError> {
        let (writes, waiting_writes) = bounded(QUEUE);
        let (reads, waiting_reads) = bounded(QUEUE);
        let (engine, threads) = if settings.url.starts_with("sqlite:") {
            (Engine::Sqlite, sqlite::start(&settings, migrations, waiting_writes, waiting_reads)?)
        } else if settings.url.starts_with("postgres:") || settings.url.starts_with("postgresql:") {
            (Engine::Postgres, postgresql::start(&settings, migrations, waiting_writes, waiting_reads)?)
        } else {
            return Err(DbError::other("a database URL begins with `sqlite:` or `postgres:`"));
        };
        Ok(Self(Arc::new(Inner {
            engine,
            queues: RwLock::new(Some(Queues { writes, reads })),
            threads: Mutex::new(Some(threads)),
        })))
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// Runs a closure in a transaction, and answers when its changes are durable.
    ///
    /// Its error undoes its changes and nobody else's. It may run more than once, so everything it does must
    /// go through the [`Tx`]. If the caller stops waiting, the closure runs all the same.
    pub async fn write<T, E>(
        &self,
        closure: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let answer = self.queue_write(closure)?;
        answer.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Like [`Db::write`], for threads. Never call it from `async` code or from a closure.
    pub fn write_blocking<T, E>(
        &self,
        closure: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let answer = self.queue_write(closure)?;
        answer.blocking_recv().unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Runs a closure on one snapshot of the database, on a connection that cannot write. It sees whatever
    /// was answered before. If the caller stops waiting before it begins, it does not run.
    pub async fn read<T, E>(
        &self,
        closure: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let answer = self.queue_read(closure)?;
        answer.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Like [`Db::read`], for threads. Never call it from `async` code or from a closure.
    pub fn read_blocking<T, E>(
        &self,
        closure: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let answer = self.queue_read(closure)?;
        answer.blocking_recv().unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.read(|tx| tx.one(&PING, &[], |_| Ok(()))).await
    }

    /// Takes no new work, finishes what is queued, and waits for that. This blocks.
    pub fn close(&self) {
        self.0.close();
    }

    fn queue_write<T, E>(
        &self,
        closure: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Answer<T, E>, DbError>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = job::write(closure);
        self.0.queue(|queues| &queues.writes, job)?;
        Ok(answer)
    }

    fn queue_read<T, E>(
        &self,
        closure: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Answer<T, E>, DbError>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (job, answer) = job::read(closure);
        self.0.queue(|queues| &queues.reads, job)?;
        Ok(answer)
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.0.engine).finish()
    }
}

impl Inner {
    fn queue<J>(&self, which: impl FnOnce(&Queues) -> &Sender<J>, job: J) -> Result<(), DbError> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.as_ref().map(which).ok_or(DbError::Closed)?;
        queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => DbError::Busy,
            TrySendError::Disconnected(_) => DbError::Closed,
        })
    }

    fn close(&self) {
        drop(self.queues.write().unwrap_or_else(PoisonError::into_inner).take());
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(threads) = threads {
            threads.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Threads {
    /// Waits until all have stopped. Their queues must be closed.
    ///
    /// The last closure may own the last handle and drop it on the thread it runs on. That thread cannot wait
    /// for itself, nor for the housekeeper, who waits for it.
    pub(crate) fn join(self) {
        let me = thread::current().id();
        let mut is_one_of_them = false;
        for worker in self.workers {
            if worker.thread().id() == me {
                is_one_of_them = true;
            } else if worker.join().is_err() {
                tracing::error!("a database thread had died");
            }
        }
        if let Some((at_work, thread)) = self.housekeeper {
            drop(at_work);
            if !is_one_of_them && thread.join().is_err() {
                tracing::error!("the database's housekeeper had died");
            }
        }
    }
}
