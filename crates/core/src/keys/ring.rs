//! The ring in the database: set up, unlocked, wrapped by another master key, given a new generation.

use super::envelope;
use super::master::Master;
use super::rewrap;
use super::vault::{Opened, Ring, Vault};
use crate::outcome::{Fault, Outcome};
use std::time::Duration;
use stoa_base::Moment;
use stoa_db::{Engine, Sql, Tx};

/// How long other servers get to load a new generation before the first value is wrapped with it.
const SPREAD: Duration = Duration::from_mins(1);
/// How often a server says that it holds the ring, and looks for new generations.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long tokens signed with an earlier key are still taken after the next one came into use: longer than they live.
const TOKENS: Duration = Duration::from_hours(25);

/// What a key of the ring is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Wrapping values at rest.
    Values,
    /// Hashing secrets for comparison. It has one generation, so that hashes are stable.
    Hashes,
    /// Signing tokens.
    Tokens,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Values, Self::Hashes, Self::Tokens];

    /// As stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Hashes => "hashes",
            Self::Tokens => "tokens",
        }
    }
}

/// Why the ring stays locked.
#[derive(Debug, PartialEq, Eq)]
pub enum Locked {
    /// The database has no ring, and nobody asked to make one.
    NotSetUp,
    /// It is wrapped by another master key.
    OtherMaster {
        /// Fingerprint of the key that opens it, unless the database is older than the ring.
        wanted: Option<String>,
    },
}

/// Several processes may come to one ring at once: one after the other.
const ALONE: Sql = Sql::differs("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7305807)) held");

/// Keeps other processes that set up or change the ring waiting until this transaction ends.
pub fn alone(tx: &mut Tx) -> Outcome<()> {
    tx.all(&ALONE, &[], |_| Ok(()))?;
    Ok(())
}

struct Stored {
    purpose: Purpose,
    generation: u32,
    created_at: Moment,
    active_at: Moment,
    master: String,
    sealed: Vec<u8>,
}

impl Stored {
    fn context(&self) -> String {
        context(self.purpose, self.generation)
    }

    fn open(&self, master: &Master) -> Outcome<Opened> {
        let key = master.unwrap(&self.context(), &self.sealed)?;
        Ok(Opened { purpose: self.purpose, generation: self.generation, active_at: self.active_at, key })
    }
}

fn context(purpose: Purpose, generation: u32) -> String {
    format!("{}/{generation}", purpose.word())
}

const RING: Sql = Sql::new(
    "SELECT purpose, generation, created_at, active_at, master, sealed FROM ring_key ORDER BY purpose, generation",
);

fn stored(tx: &mut Tx) -> Outcome<Vec<Stored>> {
    let rows = tx.all(&RING, &[], |row| {
        let purpose: String = row.get(0)?;
        let known = Purpose::ALL.into_iter().find(|known| known.word() == purpose);
        // A purpose of a newer program is not ours to open.
        let Some(purpose) = known else { return Ok(None) };
        Ok(Some(Stored {
            purpose,
            generation: row.get(1)?,
            created_at: Moment::from_micros(row.get(2)?),
            active_at: Moment::from_micros(row.get(3)?),
            master: row.get(4)?,
            sealed: row.get(5)?,
        }))
    })?;
    Ok(rows.into_iter().flatten().collect())
}

const ADD: Sql = Sql::new(
    "INSERT INTO ring_key (purpose, generation, created_at, active_at, master, sealed)
     VALUES ($1, $2, $3, $4, $5, $6)",
);

fn add(
    tx: &mut Tx,
    (purpose, generation): (Purpose, u32),
    (now, active_at): (Moment, Moment),
    master: &Master,
    key: &envelope::Key,
) -> Outcome<()> {
    let sealed = master.wrap(&context(purpose, generation), key)?;
    let row = [
        purpose.word().into(),
        generation.into(),
        now.micros().into(),
        active_at.micros().into(),
        master.fingerprint().into(),
        sealed.into(),
    ];
    tx.run(&ADD, &row)?;
    Ok(())
}

const CHECK: Sql = Sql::new("SELECT value FROM setting WHERE name = 'master-key-check'");
const DROP_CHECK: Sql = Sql::new("DELETE FROM setting WHERE name = 'master-key-check'");

/// Opens the ring of the database for `vault`. A database from before the ring is taken over: the keys that it
/// derived from its master key become the first of the ring. An empty one gets a ring if it `may_set_up`. Says
/// whether this was the first start.
pub fn unlock(tx: &mut Tx, now: Moment, vault: &Vault, may_set_up: bool) -> Outcome<Result<bool, Locked>> {
    alone(tx)?;
    let mut is_first = false;
    let mut rows = stored(tx)?;
    if rows.is_empty() {
        let Some(master) = vault.masters().first() else { return Ok(Err(Locked::NotSetUp)) };
        let check = tx.maybe(&CHECK, &[], |row| row.get::<String>(0))?;
        match &check {
            Some(check) if *check != vault.hash("stoa") => {
                return Ok(Err(Locked::OtherMaster { wanted: None }));
            }
            None if !may_set_up => return Ok(Err(Locked::NotSetUp)),
            _ => {}
        }
        for purpose in Purpose::ALL {
            let key = match check {
                Some(_) => master.derived(purpose).map_err(|_| Fault::Crypto { what: "deriving a key" })?,
                None => envelope::new_key()?,
            };
            add(tx, (purpose, 1), (now, now), master, &key)?;
        }
        tx.run(&DROP_CHECK, &[])?;
        is_first = check.is_none();
        rows = stored(tx)?;
    }
    Ok(open(&rows, now, vault)?.map(|()| is_first))
}

fn open(rows: &[Stored], now: Moment, vault: &Vault) -> Outcome<Result<(), Locked>> {
    let wanted = rows.first().map(|row| row.master.as_str());
    let place = vault.masters().iter().position(|master| Some(master.fingerprint()) == wanted);
    let Some((place, master)) = place.and_then(|place| Some((place, vault.masters().get(place)?))) else {
        return Ok(Err(Locked::OtherMaster { wanted: wanted.map(Into::into) }));
    };
    let newest = rows.iter().rev().find(|row| row.purpose == Purpose::Tokens && row.active_at <= now);
    let newest = newest.map_or((0, now), |row| (row.generation, row.active_at));
    let is_over = |row: &&Stored| {
        row.purpose == Purpose::Tokens && row.generation < newest.0 && newest.1 + TOKENS <= now
    };
    let opened = rows.iter().filter(|row| !is_over(row)).map(|row| row.open(master));
    vault.take(Ring::of(opened.collect::<Outcome<_>>()?, now)?, place);
    Ok(Ok(()))
}

const FILL: Sql =
    Sql::new("UPDATE ring_key SET master = $3, sealed = $4 WHERE purpose = $1 AND generation = $2");

/// Wraps the ring with the master key `next`, all of it in this transaction. Says whether that changed anything.
pub fn rotate(tx: &mut Tx, vault: &Vault, next: &Master) -> Outcome<bool> {
    let Some(master) = vault.master() else { return Err(Fault::Crypto { what: "the key ring" }.into()) };
    if master.fingerprint() == next.fingerprint() {
        return Ok(false);
    }
    for row in stored(tx)? {
        let sealed = next.wrap(&row.context(), &row.open(master)?.key)?;
        let args =
            [row.purpose.word().into(), row.generation.into(), next.fingerprint().into(), sealed.into()];
        tx.run(&FILL, &args)?;
    }
    Ok(true)
}

/// Servers that hold the ring but could not load a new generation: they know another master key.
#[derive(Debug, PartialEq, Eq)]
pub struct Stale {
    /// How many.
    pub servers: usize,
}

/// Adds a generation of the keys for values and tokens. Running servers load it before it is used. What is
/// wrapped by earlier ones follows, by the controllers in `targets`. Says which generation it is, and since when
/// it is used.
pub fn renew(
    tx: &mut Tx,
    now: Moment,
    vault: &Vault,
    targets: &[&'static str],
) -> Outcome<Result<(u32, Moment), Stale>> {
    let Some(master) = vault.master() else { return Err(Fault::Crypto { what: "the key ring" }.into()) };
    let holders = holders(tx, now)?;
    let stale = holders.iter().filter(|holder| *holder != master.fingerprint()).count();
    if stale > 0 {
        return Ok(Err(Stale { servers: stale }));
    }
    let active_at = if holders.is_empty() { now } else { now + SPREAD };
    let mut generation = 0;
    for purpose in [Purpose::Tokens, Purpose::Values] {
        let rows = stored(tx)?;
        let newest = rows.iter().filter(|row| row.purpose == purpose).map(|row| row.generation).max();
        generation = newest.unwrap_or_default() + 1;
        add(tx, (purpose, generation), (now, active_at), master, &envelope::new_key()?)?;
    }
    for target in targets {
        rewrap::begin(tx, target, generation, active_at)?;
    }
    Ok(Ok((generation, active_at)))
}

const HOLD: Sql = Sql::new(
    "INSERT INTO ring_holder (server, master, seen_at) VALUES ($1, $2, $3)
     ON CONFLICT (server) DO UPDATE SET master = excluded.master, seen_at = excluded.seen_at",
);
const GONE: Sql = Sql::new("DELETE FROM ring_holder WHERE seen_at < $1 OR server = $2");
const HOLDERS: Sql = Sql::new("SELECT master FROM ring_holder WHERE seen_at >= $1");

fn holders(tx: &mut Tx, now: Moment) -> Outcome<Vec<String>> {
    let since = (now - 3 * HEARTBEAT).micros();
    Ok(tx.all(&HOLDERS, &[since.into()], |row| row.get(0))?)
}

/// Says that `server` holds the ring, and loads generations that came meanwhile. When the ring is wrapped by a
/// master key that this process does not know, what it holds stays.
pub fn beat(tx: &mut Tx, now: Moment, vault: &Vault, server: &str) -> Outcome<Result<(), Locked>> {
    alone(tx)?;
    let opened = open(&stored(tx)?, now, vault)?;
    let master = vault.master().map_or("", Master::fingerprint);
    tx.run(&HOLD, &[server.into(), master.into(), now.micros().into()])?;
    Ok(opened)
}

/// `server` holds the ring no more; neither do those that were silent for long.
pub fn leave(tx: &mut Tx, now: Moment, server: &str) -> Outcome<()> {
    tx.run(&GONE, &[(now - Duration::from_hours(24)).micros().into(), server.into()])?;
    Ok(())
}

/// One key of the ring, as it is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it is for.
    pub purpose: Purpose,
    /// Its generation.
    pub generation: u32,
    /// When it was made.
    pub created_at: Moment,
    /// Since when it is used.
    pub active_at: Moment,
    /// Fingerprint of the master key that wraps it.
    pub master: String,
}

/// The ring without its keys.
pub fn show(tx: &mut Tx) -> Outcome<Vec<Shown>> {
    let shown = |row: Stored| Shown {
        purpose: row.purpose,
        generation: row.generation,
        created_at: row.created_at,
        active_at: row.active_at,
        master: row.master,
    };
    Ok(stored(tx)?.into_iter().map(shown).collect())
}

/// Whether this engine lets other servers hold the ring at the same time.
pub fn is_shared(engine: Engine) -> bool {
    engine == Engine::Postgres
}
