//! The rows of an old SQLite database in the same tables on PostgreSQL, as the same old program would have left them
//! there. It made its tables by the same statements on both.

use postgres::{Client, NoTls};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::fmt::Write as _;

/// Events that the program there had not come to number when it was killed.
const UNNUMBERED: usize = 3;

/// Everything in a database as statements of PostgreSQL: tables, rows in the order in which they were written, indexes.
pub fn statements_of(old: &Connection) -> String {
    let made = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    let mut made = old.prepare(made).unwrap();
    let tables = made.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let tables: Vec<(String, String)> = tables.map(Result::unwrap).collect();
    let mut all = String::new();
    for (name, statement) in &tables {
        writeln!(all, "{statement};").unwrap();
        rows_of(old, name, &mut all);
    }
    let made = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid";
    let mut made = old.prepare(made).unwrap();
    for statement in made.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        writeln!(all, "{};", statement.unwrap()).unwrap();
    }
    write!(
        all,
        "UPDATE event SET seq = NULL, previous = NULL, hash = NULL
         WHERE place > (SELECT max(place) FROM event) - {UNNUMBERED};"
    )
    .unwrap();
    all
}

fn rows_of(old: &Connection, table: &str, all: &mut String) {
    let types = format!("SELECT type FROM pragma_table_info('{table}') ORDER BY cid");
    let mut types = old.prepare(&types).unwrap();
    let types: Vec<String> = types.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut rows = old.prepare(&format!("SELECT * FROM {table} ORDER BY rowid")).unwrap();
    let mut rows = rows.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let values: Vec<String> = types
            .iter()
            .enumerate()
            .map(|(place, kind)| written(row.get_ref(place).unwrap(), kind))
            .collect();
        writeln!(all, "INSERT INTO {table} VALUES ({});", values.join(", ")).unwrap();
    }
}

/// A value as PostgreSQL writes it.
fn written(value: ValueRef<'_>, kind: &str) -> String {
    match value {
        // SQLite numbers such rows itself, without a column.
        ValueRef::Null if kind == "BIGSERIAL" => "DEFAULT".to_owned(),
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) if kind == "BOOLEAN" => (number != 0).to_string(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!("'{}'", std::str::from_utf8(text).unwrap().replace('\'', "''")),
        ValueRef::Blob(bytes) => {
            let mut hex = String::from("'\\x");
            for byte in bytes {
                write!(hex, "{byte:02x}").unwrap();
            }
            hex + "'"
        }
    }
}

/// Runs statements on a PostgreSQL database. Its client cannot live where an async test runs.
pub fn to(url: &str, statements: &str) {
    let run = || Client::connect(url, NoTls)?.batch_execute(statements);
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap().unwrap();
}
