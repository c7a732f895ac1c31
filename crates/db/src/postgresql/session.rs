//! Running statements over one connection, and what its errors mean.

use std::error::Error as _;
use std::io;

use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Statement};

use super::statement::Statements;
use crate::tx::Stop;
use crate::{Cell, DbError, Row, Shape, Value};

/// A connection with its prepared statements.
pub(crate) struct Session {
    client: Client,
    statements: Statements,
}

impl Session {
    pub(super) fn new(client: Client) -> Self {
        Self { client, statements: Statements::default() }
    }

    /// Runs a statement without rows; says how many rows it changed.
    pub(crate) fn run(&mut self, text: &str, values: &[Value]) -> Result<u64, DbError> {
        let statement = self.prepare(text)?;
        let values = bind(&statement, values)?;
        self.client.execute(&statement, &values).map_err(|cause| self.error(cause))
    }

    /// Reads the rows of a statement.
    pub(crate) fn each(
        &mut self,
        text: &str,
        values: &[Value],
        read: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
    ) -> Result<(), Stop> {
        let statement = self.prepare(text).map_err(Stop::Statement)?;
        let values = bind(&statement, values).map_err(Stop::Statement)?;
        let rows = self.client.query(&statement, &values);
        for row in rows.map_err(|cause| Stop::Statement(self.error(cause)))? {
            read(&Row::postgres(&row)).map_err(Stop::Reader)?;
        }
        Ok(())
    }

    /// What a statement takes and gives.
    pub(crate) fn shape(&mut self, text: &str) -> Result<Shape, DbError> {
        let statement = self.prepare(text)?;
        let columns = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        Ok(Shape { parameters: statement.params().len(), columns })
    }

    /// Runs statements without parameters and rows.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), DbError> {
        self.client.batch_execute(text).map_err(|cause| self.error(cause))
    }

    fn prepare(&mut self, text: &str) -> Result<Statement, DbError> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement);
        }
        let statement = self.client.prepare(text).map_err(|cause| self.error(cause))?;
        self.statements.keep(text, statement.clone());
        Ok(statement)
    }

    /// What an error means.
    fn error(&mut self, cause: postgres::Error) -> DbError {
        let Some(said) = cause.as_db_error() else {
            let is_lost = self.client.is_closed()
                || cause.is_closed()
                || cause.source().is_some_and(<dyn std::error::Error>::is::<io::Error>);
            return if is_lost { DbError::Gone } else { DbError::other(cause) };
        };
        match said.code() {
            &SqlState::UNIQUE_VIOLATION => {
                DbError::Unique { constraint: said.constraint().unwrap_or_default().to_owned() }
            }
            &SqlState::FOREIGN_KEY_VIOLATION | &SqlState::RESTRICT_VIOLATION => DbError::ForeignKey,
            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => DbError::Retry,
            // Another process has migrated a table under a prepared statement.
            &SqlState::FEATURE_NOT_SUPPORTED if said.message().starts_with("cached plan") => {
                self.statements = Statements::default();
                DbError::Retry
            }
            &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => {
                DbError::Gone
            }
            &SqlState::DISK_FULL => DbError::Full,
            code if code.code().starts_with("08") => DbError::Gone,
            _ => DbError::other(cause),
        }
    }
}

fn bind<'a>(statement: &Statement, values: &'a [Value]) -> Result<Vec<&'a (dyn ToSql + Sync)>, DbError> {
    let wanted = statement.params().len();
    if wanted != values.len() {
        return Err(DbError::other(format!("the statement takes {wanted} values, not {}", values.len())));
    }
    Ok(values.iter().map(|value| value as &(dyn ToSql + Sync)).collect())
}

/// What a column holds, or the name of what cannot be read.
pub(crate) fn cell(row: &postgres::Row, index: usize) -> Result<Cell<'_>, String> {
    let column = row.columns().get(index).ok_or("no such column")?;
    let broken = |error: postgres::Error| error.to_string();
    let cell = match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(index).map_err(broken)?.map(Cell::Int),
        Type::INT4 => row.try_get::<_, Option<i32>>(index).map_err(broken)?.map(|n| Cell::Int(n.into())),
        Type::INT2 => row.try_get::<_, Option<i16>>(index).map_err(broken)?.map(|n| Cell::Int(n.into())),
        Type::BOOL => row.try_get::<_, Option<bool>>(index).map_err(broken)?.map(Cell::Bool),
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(index).map_err(broken)?.map(Cell::Bytes),
        ref kind if <&str as postgres::types::FromSql<'_>>::accepts(kind) => {
            row.try_get::<_, Option<&str>>(index).map_err(broken)?.map(Cell::Text)
        }
        ref kind => return Err(format!("a {kind}")),
    };
    Ok(cell.unwrap_or(Cell::Null))
}
