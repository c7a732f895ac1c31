//! Tables of signing in at identity providers.

use std::time::Duration;
use stoa_base::{Moment, ObjectId};
use stoa_core::Outcome;
use stoa_core::secrets::digest;
use stoa_db::{Sql, Tx};

/// How long somebody may take at the provider.
pub const PATIENCE: Duration = Duration::from_mins(15);

/// A sign-in under way. Of state and browser only digests are stored.
#[derive(Clone, Debug)]
pub struct UnderWay {
    /// What comes back with the browser.
    pub state: String,
    /// What the browser's cookie says.
    pub browser: String,
    /// The provider.
    pub provider: String,
    /// What its proof must repeat.
    pub nonce: String,
    /// What proves that the code is ours.
    pub verifier: String,
    /// Where to go then.
    pub next: String,
}

const FORGET: Sql = Sql::new("DELETE FROM oidc_request WHERE ends_at <= $1");
const BEGIN: Sql = Sql::new(
    "INSERT INTO oidc_request (state, browser, provider, nonce, verifier, next, ends_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

/// Remembers that somebody went to a provider.
pub fn begin(tx: &mut Tx, way: &UnderWay, now: Moment) -> Outcome<()> {
    tx.run(&FORGET, &[now.micros().into()])?;
    let values = [
        digest(&way.state).into(),
        digest(&way.browser).into(),
        way.provider.as_str().into(),
        way.nonce.as_str().into(),
        way.verifier.as_str().into(),
        way.next.as_str().into(),
        (now + PATIENCE).micros().into(),
    ];
    tx.run(&BEGIN, &values)?;
    Ok(())
}

const TAKE: Sql = Sql::new(
    "DELETE FROM oidc_request WHERE state = $1 AND browser = $2 AND provider = $3 AND ends_at > $4
     RETURNING nonce, verifier, next",
);

/// Takes a sign-in that the same browser began, once: nonce, verifier and where to go.
pub fn take(
    tx: &mut Tx,
    (state, browser, provider): (&str, &str, &str),
    now: Moment,
) -> Outcome<Option<(String, String, String)>> {
    let values = [digest(state).into(), digest(browser).into(), provider.into(), now.micros().into()];
    Ok(tx.maybe(&TAKE, &values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}

const LINKED: Sql = Sql::new("SELECT person FROM oidc_subject WHERE issuer = $1 AND subject = $2");

/// Whom a subject of an issuer is linked to.
pub fn linked(tx: &mut Tx, issuer: &str, subject: &str) -> Outcome<Option<ObjectId>> {
    let person: Option<String> = tx.maybe(&LINKED, &[issuer.into(), subject.into()], |row| row.get(0))?;
    Ok(person.and_then(|id| id.parse().ok()))
}

const LINKS: Sql =
    Sql::new("SELECT count(*) FROM oidc_subject WHERE person = $1 AND (issuer = $2 OR $2 = '')");

/// How many subjects of an issuer, or of any, are linked to somebody.
pub fn links(tx: &mut Tx, person: ObjectId, issuer: Option<&str>) -> Outcome<i64> {
    Ok(tx.one(&LINKS, &[person.0.into(), issuer.unwrap_or_default().into()], |row| row.get(0))?)
}

const LINK: Sql = Sql::new(
    "INSERT INTO oidc_subject (issuer, subject, person, linked_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (issuer, subject) DO NOTHING",
);

/// Links a subject to somebody.
pub fn link(tx: &mut Tx, (issuer, subject): (&str, &str), person: ObjectId, now: Moment) -> Outcome<()> {
    tx.run(&LINK, &[issuer.into(), subject.into(), person.0.into(), now.micros().into()])?;
    Ok(())
}
