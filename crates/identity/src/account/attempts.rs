//! Attempts to sign in: after some that fail, an account and an address have to wait, longer each time. They are
//! kept in the database, so that neither a restart nor another server forgets them.

use std::net::IpAddr;
use std::time::Duration;
use stoa_base::{Moment, Refusal};
use stoa_core::Outcome;
use stoa_core::secrets::digest;
use stoa_db::{Row, Sql, Tx};

/// Failures that an account, and an address, are granted.
const OF_ACCOUNT: i64 = 5;
const OF_ADDRESS: i64 = 30;
/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// After so long without a failure they are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(2);

/// Whose attempts are counted together.
pub struct Subjects([Option<(String, i64)>; 2]);

impl Subjects {
    /// The account of a name, whether there is one or not, and the address.
    pub fn of(username: &str, address: Option<IpAddr>) -> Self {
        // An IPv6 user has a whole /64.
        let address = address.map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("{:x?}", &address.segments()[..4]),
        });
        Self([
            Some((format!("account {}", digest(&username.to_lowercase())), OF_ACCOUNT)),
            address.map(|address| (format!("address {address}"), OF_ADDRESS)),
        ])
    }
}

const FORGET: Sql = Sql::new("DELETE FROM sign_in_attempt WHERE last_at < $1");
/// Counts before it is known how the attempt ends, and keeps others of the subject waiting: many at a time are as many.
const COUNT: Sql = Sql::new(
    "INSERT INTO sign_in_attempt (subject, failures, last_at, blocked_until) VALUES ($1, 1, $2, 0)
     ON CONFLICT (subject) DO UPDATE SET failures = sign_in_attempt.failures + 1, last_at = $2
     RETURNING failures, blocked_until",
);
const BLOCK: Sql = Sql::new("UPDATE sign_in_attempt SET blocked_until = $2 WHERE subject = $1");

fn wait_after(failures: i64, granted: i64) -> Option<Duration> {
    let beyond = u32::try_from(failures - granted).ok()?;
    let factor = 2_u32.saturating_pow(beyond.min(16));
    Some(FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT))
}

/// Takes note of an attempt, or refuses it because too many failed.
pub fn begin(tx: &mut Tx, subjects: &Subjects, now: Moment) -> Outcome<()> {
    tx.run(&FORGET, &[(now - FORGOTTEN_AFTER).micros().into()])?;
    let mut until = None;
    let mut waits = Vec::new();
    for (subject, granted) in subjects.0.iter().flatten() {
        let read = |row: &Row<'_>| Ok((row.get::<i64>(0)?, Moment::from_micros(row.get(1)?)));
        let (failures, blocked) = tx.one(&COUNT, &[subject.into(), now.micros().into()], read)?;
        until = until.max(Some(blocked).filter(|blocked| *blocked > now));
        waits.extend(wait_after(failures, *granted).map(|wait| (subject, wait)));
    }
    // The refusal undoes the count.
    if let Some(until) = until {
        let retry_after = until.since(now).max(Duration::from_secs(1));
        return Err(Refusal::TooMany { retry_after }.into());
    }
    for (subject, wait) in waits {
        tx.run(&BLOCK, &[subject.into(), (now + wait).micros().into()])?;
    }
    Ok(())
}

const CLEAR: Sql = Sql::new("DELETE FROM sign_in_attempt WHERE subject = $1");
const TAKE_BACK: Sql = Sql::new(
    "UPDATE sign_in_attempt SET failures = failures - 1, blocked_until = 0 WHERE subject = $1 AND failures > 0",
);

/// The attempt was none: it succeeded. The account's failures are forgotten; of the address's only this one, so
/// that nobody buys new attempts with an account of their own.
pub fn succeeded(tx: &mut Tx, subjects: &Subjects) -> Outcome<()> {
    let [account, address] = &subjects.0;
    if let Some((subject, _)) = account {
        tx.run(&CLEAR, &[subject.into()])?;
    }
    if let Some((subject, _)) = address {
        tx.run(&TAKE_BACK, &[subject.into()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_end() {
        let waits: Vec<_> = (1..=12).map(|n| wait_after(n, 5).map(|wait| wait.as_secs())).collect();
        let none = [None; 4];
        let some = [30, 60, 120, 240, 480, 900, 900, 900].map(Some);
        assert_eq!(waits, [&none[..], &some[..]].concat());
        assert_eq!(wait_after(i64::MAX, 5), None, "nobody gets that far");
        assert_eq!(wait_after(5_000_000, 5), Some(LONGEST_WAIT));
    }
}
