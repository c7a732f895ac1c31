//! Large values, wrapped at rest: saved plans, archived states.

use crate::call::Call;
use crate::outcome::Outcome;
use stoa_base::{Moment, new_uuid};
use stoa_db::{Sql, Tx};

const INSERT: Sql = Sql::new("INSERT INTO blob (id, created_at, expires_at, sealed) VALUES ($1, $2, $3, $4)");
const READ: Sql = Sql::new("SELECT sealed FROM blob WHERE id = $1");
const EXPIRE: Sql = Sql::new("DELETE FROM blob WHERE expires_at IS NOT NULL AND expires_at <= $1");

/// Keeps `content` until `expires`, if ever; returns its id.
pub fn keep(tx: &mut Tx, call: &Call, content: &[u8], expires: Option<Moment>) -> Outcome<String> {
    let id = new_uuid().to_string();
    let sealed = call.world.vault.wrap(content)?;
    tx.run(
        &INSERT,
        &[id.as_str().into(), call.now.micros().into(), expires.map(Moment::micros).into(), sealed.into()],
    )?;
    Ok(id)
}

/// The content kept under `id`, unless it expired.
pub fn read(tx: &mut Tx, call: &Call, id: &str) -> Outcome<Option<Vec<u8>>> {
    let sealed = tx.maybe(&READ, &[id.into()], |row| row.get::<Vec<u8>>(0))?;
    sealed.map(|sealed| call.world.vault.unwrap(&sealed)).transpose()
}

/// Drops what expired; returns how many.
pub fn expire(tx: &mut Tx, now: Moment) -> Outcome<u64> {
    Ok(tx.run(&EXPIRE, &[now.micros().into()])?)
}
