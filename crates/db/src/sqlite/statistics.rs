//! What SQLite's planner knows of tables. Without figures it takes every index for nearly as good as any other, and may
//! begin a join with a column that has one value in a hundred thousand rows.

use rusqlite::Connection;

use super::{control, error};
use crate::DbError;

/// Puts the given figures in place of all others. Connections that open afterwards plan by them, and so does this one.
pub(super) fn keep(connection: &Connection, figures: &str) -> Result<(), DbError> {
    let lines: Vec<(&str, &str, &str)> = figures.lines().filter_map(parts).collect();
    if lines.is_empty() {
        return Ok(());
    }
    control(connection, "BEGIN IMMEDIATE")?;
    let written = write(connection, &lines);
    control(connection, if written.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    written?;
    // Read again.
    control(connection, "ANALYZE sqlite_schema")
}

/// `<table> <index> <figures>`.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (table, rest) = line.trim().split_once(' ')?;
    let (index, figures) = rest.split_once(' ')?;
    Some((table, index, figures))
}

fn write(connection: &Connection, lines: &[(&str, &str, &str)]) -> Result<(), DbError> {
    // Makes the table, and measures nothing.
    control(connection, "ANALYZE sqlite_schema")?;
    control(connection, "DELETE FROM sqlite_stat1")?;
    let mut insert =
        connection.prepare("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)").map_err(error)?;
    for line in lines {
        insert.execute(*line).map_err(error)?;
    }
    Ok(())
}
