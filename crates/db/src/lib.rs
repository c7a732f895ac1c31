//! The one door to SQLite and PostgreSQL.
//!
//! Everything Stoa stores goes through [`Db`]: a transaction is a closure that runs on a database thread
//! with a [`Tx`], and the caller awaits its answer. The closure is not `async`, so a transaction can never
//! wait for the network. Nothing is answered before it is durable.
//!
//! On SQLite one thread writes. It takes the closures that are waiting, runs each in a savepoint, syncs
//! once for all of them and then answers; a few reader threads have connections of their own. On
//! PostgreSQL several threads write, one transaction per closure, repeated when transactions collide.
//!
//! # Portable SQL
//!
//! Statements are [`Sql`] with parameters `$1`, `$2`, bound by their number. Columns are `TEXT`, `BIGINT`,
//! `BOOLEAN` and `BYTEA`; everything else is written as one of these. Where the engines would differ
//! silently:
//!
//! - A failed statement spoils its transaction, on both engines: the closure must return an error. What may
//!   fail without harm goes into [`Tx::attempt`].
//! - A sum of `BIGINT` is a `NUMERIC` on PostgreSQL, which is not read: write `CAST(SUM(n) AS BIGINT)`.
//! - `NULL` sorts first on SQLite and last on PostgreSQL: write `NULLS FIRST` or `NULLS LAST`.
//! - `LIKE` tells cases apart on both (SQLite is told to), but only PostgreSQL has a default escape
//!   character: write `ESCAPE`.
//! - Text sorts by byte on SQLite and by the database's collation on PostgreSQL: make that database with
//!   the collation `C`.
//! - Unique indexes that callers tell apart have names (`CREATE UNIQUE INDEX`); see [`DbError::Unique`].
//!
//! ```
//! use stoa_db::{Db, DbError, Migration, Settings, Sql};
//!
//! const TABLE: Migration =
//!     Migration { number: 1, name: "fruit", sql: "CREATE TABLE fruit (name TEXT PRIMARY KEY, price BIGINT NOT NULL)" };
//! const ADD: Sql = Sql::new("INSERT INTO fruit (name, price) VALUES ($1, $2)");
//! const PRICE: Sql = Sql::new("SELECT price FROM fruit WHERE name = $1");
//!
//! # fn main() -> Result<(), DbError> {
//! # let path = std::env::temp_dir().join(format!("stoa-db-doc-{}.db", std::process::id()));
//! # let url = format!("sqlite:{}", path.display());
//! let db = Db::open(Settings::new(url), &[TABLE])?;
//! db.write_blocking(|tx| tx.run(&ADD, &["apple".into(), 3_i64.into()]))?;
//! let price: i64 = db.read_blocking(|tx| tx.one(&PRICE, &["apple".into()], |row| row.get(0)))?;
//! assert_eq!(price, 3);
//! db.close();
//! # std::fs::remove_file(path).ok();
//! # Ok(())
//! # }
//! ```

mod crew;
mod database;
mod error;
mod job;
mod migration;
mod postgresql;
mod settings;
mod sql;
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod value;

pub use database::Db;
pub use error::DbError;
pub use migration::Migration;
pub use settings::{AfterCommit, BeforeCommit, Hooks, Settings};
pub use sql::{Engine, Sql};
pub use tx::{Row, Shape, Tx};
pub use value::{Cell, FromValue, Value};
