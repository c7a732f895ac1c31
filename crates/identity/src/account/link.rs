//! Links that work once: to become the first administrator, and to set a password. Only the digest of a link's token
//! is stored.

use std::time::Duration;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::Outcome;
use stoa_core::secrets::digest;
use stoa_db::{Sql, Tx};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To become the first administrator.
    Welcome,
    /// To set the password of an account.
    SetPassword,
}

/// How long a link to set a password works.
pub const LIFE: Duration = Duration::from_hours(7 * 24);

impl Purpose {
    /// As it is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Welcome => "WELCOME",
            Self::SetPassword => "SET_PASSWORD",
        }
    }

    /// Where a link leads.
    pub fn path(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::SetPassword => "set-password",
        }
    }
}

const DROP: Sql = Sql::new("DELETE FROM one_time_link WHERE person = $1 OR ends_at <= $2");
const OFFER: Sql = Sql::new(
    "INSERT INTO one_time_link (token, purpose, person, created_at, ends_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING",
);

/// Makes a link with this token work once; earlier ones of the same person work no more.
pub fn offer(
    tx: &mut Tx,
    token: &str,
    (purpose, person): (Purpose, Option<ObjectId>),
    now: Moment,
    ends: Moment,
) -> Outcome<()> {
    if let Some(person) = person {
        tx.run(&DROP, &[person.0.into(), now.micros().into()])?;
    }
    let person = person.map(|person| person.0);
    let values = [
        digest(token).into(),
        purpose.word().into(),
        person.into(),
        now.micros().into(),
        ends.micros().into(),
    ];
    tx.run(&OFFER, &values)?;
    Ok(())
}

const LOOK: Sql = Sql::new(
    "SELECT l.purpose, l.person, u.key FROM one_time_link l LEFT JOIN object u ON u.id = l.person
     WHERE l.token = $1 AND l.used_at IS NULL AND l.ends_at > $2",
);

/// What a link is for, and whom: uuid and username.
#[derive(Clone, Debug)]
pub struct Offered {
    /// What for.
    pub purpose: Purpose,
    /// For whom, by uuid and username.
    pub person: Option<(ObjectId, String)>,
}

fn over() -> Refusal {
    Refusal::Absent("This link does not work, or not any more.".into())
}

/// A link that still works.
pub fn look(tx: &mut Tx, token: &str, now: Moment) -> Outcome<Offered> {
    let read = |row: &stoa_db::Row<'_>| {
        Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?, row.get::<Option<String>>(2)?))
    };
    let found = tx.maybe(&LOOK, &[digest(token).into(), now.micros().into()], read)?;
    let (purpose, person, username) = found.ok_or_else(over)?;
    let purposes = [Purpose::Welcome, Purpose::SetPassword];
    let purpose = purposes.into_iter().find(|known| known.word() == purpose).ok_or_else(over)?;
    let person = person.and_then(|id| id.parse().ok()).zip(username);
    Ok(Offered { purpose, person })
}

/// Whether a link still works.
pub fn works(tx: &mut Tx, token: &str, now: Moment) -> Outcome<bool> {
    match look(tx, token, now) {
        Ok(_) => Ok(true),
        Err(stoa_core::Error::Refused(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

const USE: Sql = Sql::new(
    "UPDATE one_time_link SET used_at = $2 WHERE token = $1 AND purpose = $3 AND used_at IS NULL AND ends_at > $2",
);

/// Uses a link up; of several at a time one does.
pub fn use_up(tx: &mut Tx, token: &str, purpose: Purpose, now: Moment) -> Outcome<Offered> {
    let offered = look(tx, token, now)?;
    let values = [digest(token).into(), now.micros().into(), purpose.word().into()];
    if tx.run(&USE, &values)? == 1 { Ok(offered) } else { Err(over().into()) }
}
