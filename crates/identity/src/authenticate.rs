//! From a credential to an actor. Permissions come from the stored key at the time of the request, so that
//! changes and deletions bite at once (`api-core.md` §2.2).

use crate::apikey::{self, ApiKey};
use crate::apiuser;
use crate::token::Claims;
use crate::{held, session};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use stoa_base::{Moment, ObjectId, Refusal, RunId};
use stoa_core::actor::RunGrant;
use stoa_core::{Actor, Outcome, PermissionSet, Principal, World, objects, secrets};
use stoa_db::Tx;
use stoa_web::app::Authenticator;
use stoa_web::credential::Credential;

/// Whether a run's tokens still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The run is not final.
    Active,
    /// It ended minutes ago; late reports are still taken.
    Late,
    /// It is over, or gone.
    Over,
}

/// Tells how a run stands; the area that keeps runs provides it.
pub type RunStanding = fn(&mut Tx, RunId, Moment) -> Outcome<Standing>;

/// Knows who is who.
pub struct Directory {
    run_standing: RunStanding,
    /// Keys as read before, by uuid; trusted only while the stored version is the same.
    keys: Mutex<HashMap<ObjectId, (i64, Known)>>,
    /// What tokens say that were verified before.
    tokens: Mutex<Tokens>,
    /// When the use of a session was noted here, by the digest of its token.
    seen: Mutex<HashMap<String, Moment>>,
}

#[derive(Clone)]
struct Known {
    name: String,
    home: String,
    permissions: PermissionSet,
    expires: Option<Moment>,
}

/// Tokens verified under the keys of the vault as they were at one time, by their digest.
#[derive(Default)]
struct Tokens {
    /// What the vault says of its changes.
    under: u64,
    known: HashMap<[u8; 32], Claims>,
}

const KEYS_KEPT: usize = 10_000;
/// How often the use of a session is noted.
const SEEN_EVERY: Duration = Duration::from_mins(1);

fn unauthorized(message: &str) -> stoa_core::Error {
    Refusal::Unauthorized(message.into()).into()
}

impl Directory {
    /// A directory that asks `run_standing` about runs.
    pub fn new(run_standing: RunStanding) -> Self {
        Self { run_standing, keys: Mutex::default(), tokens: Mutex::default(), seen: Mutex::default() }
    }

    fn key(&self, tx: &mut Tx, id: ObjectId, now: Moment) -> Outcome<Actor> {
        let gone = || unauthorized("The API key of this token does not exist any more.");
        let version = objects::version_of(tx, apikey::KIND, id)?.ok_or_else(gone)?;
        let cached = self.keys.lock().ok().and_then(|keys| keys.get(&id).cloned());
        let known = match cached {
            Some((seen, known)) if seen == version => known,
            _ => {
                let object = objects::by_id(tx, apikey::KIND, id)?.ok_or_else(gone)?;
                let key: ApiKey = object.doc()?;
                let known = Known {
                    home: object.owner().to_owned(),
                    permissions: key.permission_set(),
                    expires: key.ends(),
                    name: key.display_name,
                };
                if let Ok(mut keys) = self.keys.lock() {
                    if keys.len() >= KEYS_KEPT {
                        keys.clear();
                    }
                    keys.insert(id, (object.version, known.clone()));
                }
                known
            }
        };
        if known.expires.is_some_and(|end| end <= now) {
            return Err(unauthorized("The API key has expired."));
        }
        Ok(Actor {
            principal: Principal::ApiKey { id, name: known.name },
            home: Some(known.home),
            permissions: known.permissions,
            projects: None,
            session: None,
        })
    }

    /// What a token of ours says. That it is ours is found out once; that it still holds, each time.
    fn claims(&self, world: &World, now: Moment, token: &str) -> Outcome<Claims> {
        let (under, digest) = (world.vault.changes(), secrets::bytes_of_digest(token));
        let known = self
            .tokens
            .lock()
            .ok()
            .and_then(|tokens| tokens.known.get(&digest).filter(|_| tokens.under == under).cloned());
        let claims = if let Some(claims) = known {
            claims
        } else {
            let claims: Claims = world.vault.verify(token)?;
            if let Ok(mut tokens) = self.tokens.lock() {
                if tokens.under != under || tokens.known.len() >= KEYS_KEPT {
                    *tokens = Tokens { under, known: HashMap::new() };
                }
                tokens.known.insert(digest, claims.clone());
            }
            claims
        };
        if claims.ends() <= now {
            return Err(unauthorized("The token has expired."));
        }
        Ok(claims)
    }

    fn bearer(&self, tx: &mut Tx, world: &World, now: Moment, token: &str) -> Outcome<Actor> {
        match self.claims(world, now, token)? {
            Claims::Access { sub, .. } => self.key(tx, sub, now),
            Claims::Run { run, block, workspace, epoch, .. } => {
                let standing = (self.run_standing)(tx, run, now)?;
                if standing == Standing::Over {
                    return Err(unauthorized("The run of this token has ended, and the token with it."));
                }
                let ended = standing == Standing::Late;
                let grant = RunGrant { run, block, workspace, epoch, ended };
                Ok(Actor { principal: Principal::Run(grant), ..Actor::anonymous() })
            }
            Claims::RunApi { run, workspace, permissions, .. } => {
                if (self.run_standing)(tx, run, now)? == Standing::Over {
                    return Err(unauthorized("The run of this token has ended, and the token with it."));
                }
                let permissions = permissions
                    .iter()
                    .filter_map(|code| code.parse().ok())
                    .filter(|permission: &stoa_core::Permission| !permission.is_admin());
                Ok(Actor {
                    principal: Principal::RunApi { run },
                    home: Some(workspace),
                    permissions: permissions.collect(),
                    projects: None,
                    session: None,
                })
            }
        }
    }
}

impl Authenticator for Directory {
    fn authenticate(
        &self,
        tx: &mut Tx,
        world: &World,
        now: Moment,
        credential: &Credential,
        by_password: bool,
    ) -> Outcome<Actor> {
        match credential {
            Credential::Bearer(token) => self.bearer(tx, world, now, token),
            // The state backend of OpenTofu knows Basic only: the token comes as the password.
            Credential::Basic { password, .. }
                if by_password && self.claims(world, now, password).is_ok() =>
            {
                self.bearer(tx, world, now, password)
            }
            Credential::Basic { user, password } => apiuser::sign_in(tx, user, password),
            Credential::Session { token, workspace } => {
                let over = || unauthorized("The session is over; sign in again.");
                let found = session::find(tx, token, now)?.ok_or_else(over)?;
                let mut actor = held::actor(tx, world, now, &found.person, workspace.as_deref())?;
                actor.session = Some(found.id.to_string());
                Ok(actor)
            }
        }
    }

    fn precheck(&self, world: &World, now: Moment, credential: &Credential) -> Outcome<()> {
        match credential {
            Credential::Bearer(token) => self.claims(world, now, token).map(|_| ()),
            Credential::Basic { .. } | Credential::Session { .. } => Ok(()),
        }
    }

    fn is_due(&self, now: Moment, credential: &Credential) -> bool {
        let Credential::Session { token, .. } = credential else { return false };
        let Ok(mut seen) = self.seen.lock() else { return false };
        let token = secrets::digest(token);
        if seen.get(&token).is_some_and(|last| now.since(*last) < SEEN_EVERY) {
            return false;
        }
        if seen.len() >= KEYS_KEPT {
            seen.clear();
        }
        seen.insert(token, now);
        true
    }

    fn touch(&self, tx: &mut Tx, world: &World, now: Moment, credential: &Credential) -> Outcome<()> {
        match credential {
            Credential::Session { token, .. } => session::touch(tx, &world.settings, token, now),
            Credential::Bearer(_) | Credential::Basic { .. } => Ok(()),
        }
    }
}
