//! Sessions of people who signed in. They live on the server; a browser holds a random token, of which only the
//! digest is stored. One ends when it was not used for a while, when its day is over, when somebody ends it, and at
//! once when its person is disabled or deleted (`domain-organization.md` OI-08, US-02).

use crate::held::{About, Person};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::{Moment, ObjectId};
use stoa_core::secrets::{Vault, digest, new_secret};
use stoa_core::{Outcome, Settings, World};
use stoa_db::{Row, Sql, Tx};
use stoa_web::credential;

/// Provider of sessions that began with a password of a local account.
pub const LOCAL: &str = "local";
/// Longest description of a device in characters.
const DEVICE_MAX: usize = 200;

/// How somebody signed in.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    /// [`LOCAL`], or the name of a provider.
    pub provider: String,
    /// The browser, in its own words.
    pub device: String,
    /// The provider's proof, to be shown to it at the end.
    pub id_token: Option<String>,
}

/// A session that has begun.
#[derive(Clone, Debug)]
pub struct Started {
    /// Its id.
    pub id: ObjectId,
    /// The token for the browser; it is told this once.
    pub token: String,
}

/// A session and whose it is.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: ObjectId,
    /// Whose it is.
    pub person: Person,
}

const FORGET: Sql = Sql::new("DELETE FROM session WHERE ends_at <= $1 OR idle_ends_at <= $1");
const START: Sql = Sql::new(
    "INSERT INTO session (id, token, person, csrf, provider, device, created_at, seen_at, idle_ends_at, ends_at,
        id_token)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)",
);

/// Begins a session; always with a new token, so that no earlier one can be fixed.
pub fn start(
    tx: &mut Tx,
    world: &World,
    now: Moment,
    person: ObjectId,
    beginning: &Beginning,
) -> Outcome<Started> {
    tx.run(&FORGET, &[now.micros().into()])?;
    let (id, token) = (ObjectId::new(), new_secret()?);
    let id_token = beginning.id_token.as_ref().map(|token| world.vault.wrap(token.as_bytes())).transpose()?;
    let device: String = beginning.device.chars().filter(|c| !c.is_control()).take(DEVICE_MAX).collect();
    let values = [
        id.0.into(),
        digest(&token).into(),
        person.0.into(),
        credential::csrf_of(&token).into(),
        beginning.provider.as_str().into(),
        device.into(),
        now.micros().into(),
        (now + world.settings.session_idle).micros().into(),
        (now + world.settings.session_life).micros().into(),
        id_token.into(),
    ];
    tx.run(&START, &values)?;
    Ok(Started { id, token })
}

/// What a user's status says of their life.
#[derive(Deserialize, Default)]
struct Standing {
    #[serde(default)]
    state: Option<String>,
}

/// Whether a user's status lets them in.
pub fn may_enter(status: &Value) -> bool {
    Standing::deserialize(status).unwrap_or_default().state.as_deref() != Some(crate::user::DISABLED)
}

const FIND: Sql = Sql::new(
    "SELECT s.id, u.id, u.key, u.doc, u.status FROM session s JOIN object u ON u.id = s.person
     WHERE s.token = $1 AND s.ends_at > $2 AND s.idle_ends_at > $2 AND u.deleted_at IS NULL",
);

/// The session with this token, while it lasts.
pub fn find(tx: &mut Tx, token: &str, now: Moment) -> Outcome<Option<Session>> {
    let read = |row: &Row<'_>| {
        Ok((
            row.get::<String>(0)?,
            row.get::<String>(1)?,
            row.get::<String>(2)?,
            row.get::<String>(3)?,
            row.get::<String>(4)?,
        ))
    };
    let found = tx.maybe(&FIND, &[digest(token).into(), now.micros().into()], read)?;
    let Some((id, person, username, doc, status)) = found else { return Ok(None) };
    if !may_enter(&serde_json::from_str(&status)?) {
        return Ok(None);
    }
    let about: About = serde_json::from_str(&doc)?;
    let person = Person { id: person.parse().unwrap_or_default(), username, about };
    Ok(Some(Session { id: id.parse().unwrap_or_default(), person }))
}

const TOUCH: Sql =
    Sql::new("UPDATE session SET seen_at = $2, idle_ends_at = $3 WHERE token = $1 AND seen_at < $2");

/// Notes that a session was used: it lasts a while longer.
pub fn touch(tx: &mut Tx, settings: &Settings, token: &str, now: Moment) -> Outcome<()> {
    let idle = now + settings.session_idle;
    tx.run(&TOUCH, &[digest(token).into(), now.micros().into(), idle.micros().into()])?;
    Ok(())
}

/// A session as its person sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct Shown {
    /// Its id.
    pub uuid: String,
    /// `local`, or the name of a provider.
    pub provider: String,
    /// The browser, in its own words.
    pub device: String,
    /// When it began.
    pub created_on: String,
    /// When it was used, to a minute.
    pub last_seen: String,
    /// When it ends at the latest.
    pub ends_on: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

const OF_PERSON: Sql = Sql::new(
    "SELECT id, provider, device, created_at, seen_at, ends_at FROM session
     WHERE person = $1 AND ends_at > $2 AND idle_ends_at > $2 ORDER BY created_at DESC, id LIMIT 200",
);

/// Somebody's sessions, the newest first.
pub fn of_person(tx: &mut Tx, person: ObjectId, current: &str, now: Moment) -> Outcome<Vec<Shown>> {
    let at = |micros: i64| Moment::from_micros(micros).to_string();
    let read = |row: &Row<'_>| {
        let uuid: String = row.get(0)?;
        Ok(Shown {
            is_current: uuid == current,
            uuid,
            provider: row.get(1)?,
            device: row.get(2)?,
            created_on: at(row.get(3)?),
            last_seen: at(row.get(4)?),
            ends_on: at(row.get(5)?),
        })
    };
    Ok(tx.all(&OF_PERSON, &[person.0.into(), now.micros().into()], read)?)
}

const ABOUT: Sql = Sql::new("SELECT csrf, provider, id_token FROM session WHERE id = $1");

/// What a session knows beside its person.
#[derive(Clone, Debug)]
pub struct Known {
    /// The proof that a request comes from our own pages.
    pub csrf: String,
    /// How it began.
    pub provider: String,
    /// The provider's proof.
    pub id_token: Option<String>,
}

/// What a session knows.
pub fn about(tx: &mut Tx, vault: &Vault, id: &str) -> Outcome<Option<Known>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<Option<Vec<u8>>>(2)?));
    let Some((csrf, provider, wrapped)) = tx.maybe(&ABOUT, &[id.into()], read)? else { return Ok(None) };
    let id_token = wrapped.map(|wrapped| vault.unwrap(&wrapped)).transpose()?;
    let id_token = id_token.and_then(|plain| String::from_utf8(plain).ok());
    Ok(Some(Known { csrf, provider, id_token }))
}

const END: Sql = Sql::new("DELETE FROM session WHERE id = $1 AND person = $2");

/// Ends one of a person's sessions; says whether it was there.
pub fn end(tx: &mut Tx, person: ObjectId, id: &str) -> Outcome<bool> {
    Ok(tx.run(&END, &[id.into(), person.0.into()])? > 0)
}

const END_TOKEN: Sql = Sql::new("DELETE FROM session WHERE token = $1");

/// Ends the session with this token, if there is one.
pub fn end_token(tx: &mut Tx, token: &str) -> Outcome<()> {
    tx.run(&END_TOKEN, &[digest(token).into()])?;
    Ok(())
}

const END_ALL: Sql = Sql::new("DELETE FROM session WHERE person = $1 AND id <> $2");

/// Ends all sessions of a person, but the one with the id `except`.
pub fn end_all(tx: &mut Tx, person: ObjectId, except: Option<&str>) -> Outcome<()> {
    tx.run(&END_ALL, &[person.0.into(), except.unwrap_or_default().into()])?;
    Ok(())
}

/// A status with something noted in it.
pub fn noted(status: &Value, name: &str, value: Value) -> Value {
    let mut status = if status.is_object() { status.clone() } else { json!({}) };
    status[name] = value;
    status
}
