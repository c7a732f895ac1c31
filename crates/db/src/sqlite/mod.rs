//! SQLite: one writer that commits in groups, readers beside it, checkpoints off both.

mod checkpoint;
mod connection;
mod reader;
mod statement;
mod statistics;
mod writer;

use crossbeam_channel::{Receiver, bounded};

use self::checkpoint::Log;
use self::connection::Source;
use self::writer::Writer;
use crate::crew::hire;
use crate::database::Threads;
use crate::job::{Read, Write};
use crate::migration::migrate;
use crate::{DbError, Migration, Settings, Tx};

pub(crate) use self::statement::{cell, control, each, error, run, shape};

/// Opens the file, migrates it, and starts its threads.
pub(crate) fn start(
    settings: &Settings,
    migrations: &[Migration],
    writes: Receiver<Box<dyn Write>>,
    reads: Receiver<Box<dyn Read>>,
) -> Result<Threads, DbError> {
    let source = Source::of(settings)?;
    if !settings.fsync {
        tracing::warn!(
            database.path = %source.path().display(),
            "RUNNING WITHOUT FSYNC: a crash of this machine may lose answered changes or break the database"
        );
    }
    source.create()?;
    let mut threads = Threads::default();
    let (call, calls) = bounded(1);
    let log = Log::new(call.clone());

    let (opened, migrations, hooks) = (source.clone(), migrations.to_vec(), settings.hooks.clone());
    let watched = log.clone();
    let figures = settings.statistics;
    threads.workers.push(hire(
        "stoa-db-write",
        move || {
            let mut connection = opened.writer()?;
            upgrade(&connection, &migrations)?;
            statistics::keep(&connection, figures)?;
            watched.watch(&mut connection)?;
            Ok(Writer { connection, hooks, log: watched })
        },
        move |writer| writer.work(&writes),
    )?);
    let opened = source.clone();
    let has_grown = log.has_grown();
    let housekeeper = hire(
        "stoa-db-log",
        move || opened.housekeeper(),
        move |connection| checkpoint::keep_house(&connection, &has_grown, &calls),
    )?;
    threads.housekeeper = Some((call, housekeeper));
    for number in 0..settings.readers.max(1) {
        let (opened, reads) = (source.clone(), reads.clone());
        threads.workers.push(hire(
            &format!("stoa-db-read-{number}"),
            move || opened.reader(),
            move |connection| reader::answer(&connection, &reads),
        )?);
    }
    Ok(threads)
}

fn upgrade(connection: &rusqlite::Connection, migrations: &[Migration]) -> Result<(), DbError> {
    control(connection, "BEGIN IMMEDIATE")?;
    let migrated = migrate(&mut Tx::sqlite(connection), migrations);
    control(connection, if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}
