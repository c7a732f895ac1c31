//! PostgreSQL: several writers with a transaction per closure, and readers that cannot write.

mod connection;
mod reader;
mod session;
mod statement;
mod writer;

use crossbeam_channel::Receiver;

use self::connection::{Line, Target};
use self::writer::Writer;
use crate::crew::hire;
use crate::database::Threads;
use crate::job::{Read, Write};
use crate::migration::migrate;
use crate::{DbError, Migration, Settings, Tx};

pub(crate) use self::session::{Session, cell};

/// The advisory lock that servers take turns with to migrate.
const MIGRATING: &str = "SELECT pg_advisory_xact_lock(1937010529)";

/// Connects, migrates, and starts the threads.
pub(crate) fn start(
    settings: &Settings,
    migrations: &[Migration],
    writes: Receiver<Box<dyn Write>>,
    reads: Receiver<Box<dyn Read>>,
) -> Result<Threads, DbError> {
    let target = Target::of(settings)?;
    if !settings.fsync {
        tracing::warn!("RUNNING WITHOUT FSYNC: a crash of the database server may lose answered changes");
    }
    let mut threads = Threads::default();
    for number in 0..settings.writers.max(1) {
        // The first writer migrates before anyone else connects.
        let migrations = (number == 0).then(|| migrations.to_vec());
        let (target, hooks, writes) = (target.clone(), settings.hooks.clone(), writes.clone());
        threads.workers.push(hire(
            &format!("stoa-db-write-{number}"),
            move || {
                let mut line = Line::open(target)?;
                if let Some(migrations) = migrations {
                    upgrade(line.session()?, &migrations)?;
                }
                Ok(Writer::new(line, hooks))
            },
            move |mut writer| writer.work(&writes),
        )?);
    }
    for number in 0..settings.readers.max(1) {
        let (target, reads) = (target.clone(), reads.clone());
        threads.workers.push(hire(
            &format!("stoa-db-read-{number}"),
            move || Line::open(target),
            move |mut line| reader::answer(&mut line, &reads),
        )?);
    }
    Ok(threads)
}

fn upgrade(session: &mut Session, migrations: &[Migration]) -> Result<(), DbError> {
    session.batch("BEGIN")?;
    let mut tx = Tx::postgres(session);
    let migrated = tx.batch(MIGRATING).and_then(|()| migrate(&mut tx, migrations));
    session.batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}
