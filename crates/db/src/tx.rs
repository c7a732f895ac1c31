//! A transaction, as a closure sees it.

use crate::postgresql::Session;
use crate::{DbError, Engine, FromValue, Sql, Value, postgresql, sqlite};

/// A transaction over either engine.
///
/// A statement that failed spoils it: the closure should pass the error on. If it does not, its changes are
/// rolled back all the same, and its caller gets [`DbError::Spoiled`].
pub struct Tx<'a> {
    connection: Connection<'a>,
    harm: Harm,
}

enum Connection<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut Session),
}

/// What failed statements did to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// Nothing failed.
    None,
    /// A statement failed.
    Spoiled,
    /// The transaction collided with another one; a repetition may succeed.
    Collided,
    /// The connection is lost.
    Lost,
}

/// Why reading rows stopped: by the database's word or by the reader's own.
pub(crate) enum Stop {
    Statement(DbError),
    Reader(DbError),
}

/// What a statement takes and gives; see [`Tx::shape`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many parameters it takes.
    pub parameters: usize,
    /// The names of the columns it gives.
    pub columns: Vec<String>,
}

impl<'a> Tx<'a> {
    pub(crate) fn sqlite(connection: &'a rusqlite::Connection) -> Self {
        Self { connection: Connection::Sqlite(connection), harm: Harm::None }
    }

    pub(crate) fn postgres(session: &'a mut Session) -> Self {
        Self { connection: Connection::Postgres(session), harm: Harm::None }
    }

    /// The engine below. Only statements that are built at run time need to ask.
    pub fn engine(&self) -> Engine {
        match self.connection {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement without rows; says how many rows it changed.
    pub fn run(&mut self, sql: &Sql, values: &[Value]) -> Result<u64, DbError> {
        self.step(|connection| match connection {
            Connection::Sqlite(connection) => sqlite::run(connection, sql.text(Engine::Sqlite), values),
            Connection::Postgres(session) => session.run(sql.text(Engine::Postgres), values),
        })
    }

    /// All rows of a statement.
    pub fn all<T>(
        &mut self,
        sql: &Sql,
        values: &[Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The row of a statement that gives at most one.
    pub fn maybe<T>(
        &mut self,
        sql: &Sql,
        values: &[Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        let mut found = None;
        self.each(sql, values, &mut |row| {
            if found.is_some() {
                return Err(DbError::ManyRows);
            }
            found = Some(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The row of a statement that gives exactly one.
    pub fn one<T>(
        &mut self,
        sql: &Sql,
        values: &[Value],
        read: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.maybe(sql, values, read)?.ok_or(DbError::NoRow)
    }

    /// Runs a part whose failure undoes only that part. It costs a savepoint.
    pub fn attempt<T, E: From<DbError>>(
        &mut self,
        part: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.control("SAVEPOINT attempt")?;
        let result = part(self);
        if result.is_ok() && self.harm == Harm::None {
            self.control("RELEASE SAVEPOINT attempt")?;
            return result;
        }
        if matches!(self.harm, Harm::Collided | Harm::Lost) {
            return result.and(Err(DbError::Spoiled.into()));
        }
        let overlooked = result.is_ok();
        self.harm = Harm::None;
        self.control("ROLLBACK TO SAVEPOINT attempt")?;
        self.control("RELEASE SAVEPOINT attempt")?;
        if overlooked { Err(DbError::Spoiled.into()) } else { result }
    }

    /// Prepares a statement without running it, so that a test can compare what both engines make of it.
    pub fn shape(&mut self, sql: &Sql) -> Result<Shape, DbError> {
        self.step(|connection| match connection {
            Connection::Sqlite(connection) => sqlite::shape(connection, sql.text(Engine::Sqlite)),
            Connection::Postgres(session) => session.shape(sql.text(Engine::Postgres)),
        })
    }

    /// Runs several statements, separated by `;`, without parameters.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), DbError> {
        self.step(|connection| match connection {
            Connection::Sqlite(connection) => connection.execute_batch(text).map_err(sqlite::error),
            Connection::Postgres(session) => session.batch(text),
        })
    }

    /// Whether a statement failed, so that nothing of this transaction may be kept.
    pub(crate) fn is_spoiled(&self) -> bool {
        self.harm != Harm::None
    }

    pub(crate) fn harm(&self) -> Harm {
        self.harm
    }

    fn control(&mut self, text: &'static str) -> Result<(), DbError> {
        self.step(|connection| match connection {
            Connection::Sqlite(connection) => sqlite::control(connection, text),
            Connection::Postgres(session) => session.batch(text),
        })
    }

    fn each(
        &mut self,
        sql: &Sql,
        values: &[Value],
        read: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let mut refused = None;
        self.step(|connection| {
            let read_all = match connection {
                Connection::Sqlite(connection) => {
                    sqlite::each(connection, sql.text(Engine::Sqlite), values, read)
                }
                Connection::Postgres(session) => session.each(sql.text(Engine::Postgres), values, read),
            };
            match read_all {
                Ok(()) => Ok(()),
                Err(Stop::Statement(error)) => Err(error),
                Err(Stop::Reader(error)) => {
                    refused = Some(error);
                    Ok(())
                }
            }
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// Runs a statement unless an earlier one failed, and remembers the harm if this one does.
    fn step<T>(
        &mut self,
        statement: impl FnOnce(&mut Connection<'a>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if self.harm != Harm::None {
            return Err(DbError::Spoiled);
        }
        let result = statement(&mut self.connection);
        if let Err(error) = &result {
            self.harm = match error {
                DbError::Retry => Harm::Collided,
                DbError::Gone => Harm::Lost,
                _ => Harm::Spoiled,
            };
        }
        result
    }
}

/// A row of an answer.
pub struct Row<'a>(Cells<'a>);

enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a postgres::Row),
}

impl<'a> Row<'a> {
    pub(crate) fn sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self(Cells::Sqlite(row))
    }

    pub(crate) fn postgres(row: &'a postgres::Row) -> Self {
        Self(Cells::Postgres(row))
    }

    /// The value of a column, counted from 0.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, DbError> {
        let cell = match self.0 {
            Cells::Sqlite(row) => sqlite::cell(row, index),
            Cells::Postgres(row) => postgresql::cell(row, index),
        };
        let cell = cell.map_err(|found| DbError::Unreadable { column: index, wanted: T::NAME, found })?;
        T::from_column(cell, index)
    }
}
