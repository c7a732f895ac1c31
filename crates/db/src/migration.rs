//! The schema's history: numbered steps, forward only, never changed after release.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use crate::{DbError, Sql, Tx};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)";

const APPLIED: Sql = Sql::new("SELECT number, sha256 FROM migration ORDER BY number");

const RECORD: Sql =
    Sql::new("INSERT INTO migration (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)");

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place in the one order of the whole tree.
    pub number: u32,
    /// What it brings, in a word or two.
    pub name: &'static str,
    /// Portable statements, separated by `;`. Bytes are `BYTEA` on both engines.
    pub sql: &'static str,
}

impl Migration {
    /// The pinned hash of the text.
    pub fn sha256(&self) -> String {
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(self.sql) {
            // Writing to a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// Brings the database up to the newest migration. All new steps are one transaction.
pub(crate) fn migrate(tx: &mut Tx<'_>, migrations: &[Migration]) -> Result<(), DbError> {
    let known = in_order(migrations)?;
    tx.batch(TABLE)?;
    let applied: BTreeMap<u32, String> =
        tx.all(&APPLIED, &[], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect();
    let newest_known = known.keys().next_back().copied().unwrap_or(0);
    let newest_applied = applied.keys().next_back().copied().unwrap_or(0);
    if newest_applied > newest_known {
        return Err(DbError::TooNew { found: newest_applied, known: newest_known });
    }
    for (number, sha256) in &applied {
        if known.get(number).is_none_or(|migration| migration.sha256() != *sha256) {
            return Err(DbError::ChangedMigration { number: *number });
        }
    }
    for migration in known.into_values().filter(|migration| !applied.contains_key(&migration.number)) {
        if migration.number < newest_applied {
            return Err(DbError::ChangedMigration { number: migration.number });
        }
        tx.batch(migration.sql)?;
        tx.run(
            &RECORD,
            &[migration.number.into(), migration.name.into(), migration.sha256().into(), now().into()],
        )?;
        tracing::info!(
            migration.number = migration.number,
            migration.name = migration.name,
            "migrated the database"
        );
    }
    Ok(())
}

fn in_order(migrations: &[Migration]) -> Result<BTreeMap<u32, Migration>, DbError> {
    let mut known = BTreeMap::new();
    for migration in migrations {
        if known.insert(migration.number, *migration).is_some() {
            return Err(DbError::other(format!("two migrations have the number {}", migration.number)));
        }
    }
    Ok(known)
}

/// Microseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
