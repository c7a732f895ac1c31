//! Work that controllers have to look at: level-triggered rows with a due time and a lease. Losing or
//! repeating a wake-up is harmless; a lease that ran out gives the work to somebody else.

use crate::call::Call;
use crate::outcome::Outcome;
use std::time::Duration;
use stoa_base::Moment;
use stoa_db::{Sql, Tx};

/// How long one look may take before others may take it over.
pub const LEASE: Duration = Duration::from_secs(30);

/// What a controller does with one key: looks, acts, and says when to look again.
pub type Look = fn(&mut Tx, &Call, &str) -> Outcome<Option<Moment>>;

/// One piece of claimed work. The epoch fences off whoever held it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Who looks.
    pub controller: String,
    /// At what.
    pub key: String,
    /// How often it was tried without success.
    pub attempts: i64,
    /// Fence of this claim.
    pub epoch: i64,
}

const SCHEDULE: Sql = Sql::new(
    "INSERT INTO work (controller, key, due, attempts, epoch, leased_until) VALUES ($1, $2, $3, 0, 0, 0)
     ON CONFLICT (controller, key) DO UPDATE SET
        due = CASE WHEN work.leased_until > 0 OR excluded.due < work.due THEN excluded.due ELSE work.due END,
        epoch = CASE WHEN work.leased_until > 0 THEN work.epoch + 1 ELSE work.epoch END,
        leased_until = 0",
);

/// Asks `controller` to look at `key` at `due`, or earlier if that was asked before. Work that somebody
/// looks at right now is looked at again: what they saw may be out of date.
pub fn schedule(tx: &mut Tx, controller: &str, key: &str, due: Moment) -> Outcome<()> {
    tx.run(&SCHEDULE, &[controller.into(), key.into(), due.micros().into()])?;
    Ok(())
}

const CANCEL: Sql = Sql::new("DELETE FROM work WHERE controller = $1 AND key = $2");

/// Nothing to look at any more.
pub fn cancel(tx: &mut Tx, controller: &str, key: &str) -> Outcome<()> {
    tx.run(&CANCEL, &[controller.into(), key.into()])?;
    Ok(())
}

const CLAIM: Sql = Sql::differs(
    "UPDATE work SET leased_until = $2, epoch = epoch + 1 WHERE (controller, key) =
        (SELECT controller, key FROM work WHERE due <= $1 AND leased_until <= $1 ORDER BY due, key LIMIT 1)
     RETURNING controller, key, attempts, epoch",
    "UPDATE work SET leased_until = $2, epoch = epoch + 1 WHERE (controller, key) =
        (SELECT controller, key FROM work WHERE due <= $1 AND leased_until <= $1 ORDER BY due, key LIMIT 1
         FOR UPDATE SKIP LOCKED)
     RETURNING controller, key, attempts, epoch",
);

/// Claims what is due longest, if anything is.
pub fn claim(tx: &mut Tx, now: Moment) -> Outcome<Option<Claimed>> {
    Ok(tx.maybe(&CLAIM, &[now.micros().into(), (now + LEASE).micros().into()], |row| {
        Ok(Claimed { controller: row.get(0)?, key: row.get(1)?, attempts: row.get(2)?, epoch: row.get(3)? })
    })?)
}

const DONE: Sql = Sql::new("DELETE FROM work WHERE controller = $1 AND key = $2 AND epoch = $3");
const AGAIN: Sql = Sql::new(
    "UPDATE work SET due = $4, leased_until = 0, attempts = $5
     WHERE controller = $1 AND key = $2 AND epoch = $3",
);

/// Ends a claim: looked at for good, or look again at `next`. A claim that was taken over changes nothing.
pub fn finish(tx: &mut Tx, claimed: &Claimed, next: Option<Moment>) -> Outcome<()> {
    let Claimed { controller, key, epoch, .. } = claimed;
    match next {
        None => tx.run(&DONE, &[controller.into(), key.into(), (*epoch).into()])?,
        Some(at) => {
            tx.run(&AGAIN, &[controller.into(), key.into(), (*epoch).into(), at.micros().into(), 0.into()])?
        }
    };
    Ok(())
}

const POSTPONE: Sql = Sql::new(
    "UPDATE work SET due = $4, leased_until = 0, attempts = attempts + 1
     WHERE controller = $1 AND key = $2 AND epoch = $3",
);

/// Puts failed work back, later each time: 1 s, 2 s, 4 s … at most five minutes. A claim that was taken over
/// changes nothing.
pub fn postpone(tx: &mut Tx, claimed: &Claimed, now: Moment) -> Outcome<()> {
    let Claimed { controller, key, attempts, epoch } = claimed;
    let wait = Duration::from_secs(1 << (*attempts).clamp(0, 9)).min(Duration::from_mins(5));
    tx.run(&POSTPONE, &[controller.into(), key.into(), (*epoch).into(), (now + wait).micros().into()])?;
    Ok(())
}

/// The first row of an index each, however much work waits.
const NEXT: Sql = Sql::new(
    "SELECT min(at) FROM (
        SELECT min(due) AS at FROM work WHERE leased_until = 0
        UNION ALL
        SELECT min(CASE WHEN due > leased_until THEN due ELSE leased_until END) FROM work WHERE leased_until > 0
     ) open",
);

/// When the next piece of work is due.
pub fn next_due(tx: &mut Tx) -> Outcome<Option<Moment>> {
    Ok(tx.one(&NEXT, &[], |row| row.get::<Option<i64>>(0))?.map(Moment::from_micros))
}
