//! Running one statement on SQLite, and what its errors mean.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Statement, ffi};

use crate::tx::Stop;
use crate::{Cell, DbError, Row, Shape, Value};

/// Runs a statement without rows; says how many rows it changed.
pub(crate) fn run(connection: &Connection, text: &str, values: &[Value]) -> Result<u64, DbError> {
    let mut statement = connection.prepare_cached(text).map_err(error)?;
    bind(&mut statement, values)?;
    let changed = statement.raw_execute().map_err(|cause| named(connection, cause))?;
    Ok(changed as u64)
}

/// Reads the rows of a statement.
pub(crate) fn each(
    connection: &Connection,
    text: &str,
    values: &[Value],
    read: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
) -> Result<(), Stop> {
    let mut statement = connection.prepare_cached(text).map_err(|cause| Stop::Statement(error(cause)))?;
    bind(&mut statement, values).map_err(Stop::Statement)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|cause| Stop::Statement(named(connection, cause)))? {
        read(&Row::sqlite(row)).map_err(Stop::Reader)?;
    }
    Ok(())
}

/// What a statement takes and gives.
pub(crate) fn shape(connection: &Connection, text: &str) -> Result<Shape, DbError> {
    let statement = connection.prepare_cached(text).map_err(error)?;
    let columns = statement.column_names().map(ToOwned::to_owned).collect();
    Ok(Shape { parameters: statement.parameter_count(), columns })
}

/// Runs a statement that begins, ends or divides a transaction.
pub(crate) fn control(connection: &Connection, text: &'static str) -> Result<(), DbError> {
    let mut statement = connection.prepare_cached(text).map_err(error)?;
    statement.raw_execute().map(|_| ()).map_err(error)
}

/// What a column holds, or the name of what cannot be read.
pub(crate) fn cell<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> Result<Cell<'a>, String> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Ok(Cell::Null),
        Ok(ValueRef::Integer(number)) => Ok(Cell::Int(number)),
        Ok(ValueRef::Text(text)) => {
            std::str::from_utf8(text).map(Cell::Text).map_err(|_| "broken text".to_owned())
        }
        Ok(ValueRef::Blob(bytes)) => Ok(Cell::Bytes(bytes)),
        Ok(ValueRef::Real(_)) => Err("a floating point number".to_owned()),
        Err(_) => Err("no such column".to_owned()),
    }
}

/// Binds values by the number in the parameter's name. SQLite itself numbers `$2` by where it stands.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), DbError> {
    let wanted = statement.parameter_count();
    if wanted != values.len() {
        return Err(DbError::other(format!("the statement takes {wanted} values, not {}", values.len())));
    }
    for slot in 1..=wanted {
        let value = statement
            .parameter_name(slot)
            .and_then(|name| name.get(1..)?.parse::<usize>().ok())
            .and_then(|number| values.get(number.checked_sub(1)?))
            .ok_or_else(|| DbError::other("parameters are numbered from $1 without a gap"))?;
        statement.raw_bind_parameter(slot, value).map_err(error)?;
    }
    Ok(())
}

/// What an error means.
pub(crate) fn error(cause: rusqlite::Error) -> DbError {
    let rusqlite::Error::SqliteFailure(failure, message) = &cause else {
        return DbError::other(cause);
    };
    match (failure.code, failure.extended_code) {
        (
            _,
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID,
        ) => DbError::Unique { constraint: message.clone().unwrap_or_default() },
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => DbError::ForeignKey,
        // `ON DELETE RESTRICT` is a trigger inside.
        (_, ffi::SQLITE_CONSTRAINT_TRIGGER)
            if message.as_deref() == Some("FOREIGN KEY constraint failed") =>
        {
            DbError::ForeignKey
        }
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => DbError::Locked,
        (ErrorCode::DiskFull, _) => DbError::Full,
        _ => DbError::other(cause),
    }
}

/// Like [`error`], with the constraint's name in place of SQLite's words about it.
fn named(connection: &Connection, cause: rusqlite::Error) -> DbError {
    match error(cause) {
        DbError::Unique { constraint } => {
            DbError::Unique { constraint: constraint_name(connection, &constraint).unwrap_or(constraint) }
        }
        other => other,
    }
}

/// The name of the constraint in `UNIQUE constraint failed: table.a, table.b`.
fn constraint_name(connection: &Connection, message: &str) -> Option<String> {
    let (_, subject) = message.split_once(": ")?;
    if let Some(index) = subject.strip_prefix("index '") {
        return Some(index.trim_end_matches('\'').to_owned());
    }
    let (table, _) = subject.split_once('.')?;
    let columns: Vec<&str> =
        subject.split(", ").map(|column| column.split_once('.').map_or(column, |(_, name)| name)).collect();
    let mut indexes = connection
        .prepare_cached(
            r#"SELECT name, origin FROM pragma_index_list($1) WHERE "unique" ORDER BY origin, name"#,
        )
        .ok()?;
    let mut columns_of =
        connection.prepare_cached("SELECT name FROM pragma_index_info($1) ORDER BY seqno").ok()?;
    let indexes = indexes
        .query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .ok()?
        .collect::<Result<Vec<_>, _>>()
        .ok()?;
    for (index, origin) in indexes {
        let found = columns_of
            .query_map([&index], |row| row.get::<_, Option<String>>(0))
            .ok()?
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        if found.iter().map(|name| name.as_deref()).eq(columns.iter().map(|name| Some(*name))) {
            return Some(match origin.as_str() {
                "c" => index,
                "pk" => format!("{table}_pkey"),
                _ => format!("{table}_{}_key", columns.join("_")),
            });
        }
    }
    // A whole-number primary key has no index of its own.
    Some(format!("{table}_pkey"))
}
