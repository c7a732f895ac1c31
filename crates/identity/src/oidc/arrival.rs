//! Who it is that an identity provider vouches for: somebody linked to it, known by name or address, or new
//! (`domain-organization.md` OI-04, US-08).

use super::claims::Described;
use super::store;
use crate::session::{self, noted};
use crate::user::{self, Newcomer};
use crate::{group, people};
use serde_json::{Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Object};
use stoa_core::{Call, Outcome, Principal};
use stoa_db::Tx;

/// Where a user's status says whether they may create workspaces.
const MAY_CREATE: &str = "mayCreateWorkspaces";

fn refused(code: &'static str, message: impl Into<String>) -> stoa_core::Error {
    Refusal::ForbiddenAs { code, message: message.into() }.into()
}

/// Finds or makes the user, and takes over what the provider says of them.
pub fn welcome(tx: &mut Tx, call: &Call, issuer: &str, who: &Described) -> Outcome<Object> {
    let found = find(tx, issuer, who)?;
    let user = match found {
        Some(known) => {
            let user = objects::by_id_for_update(tx, user::KIND, known.id)?;
            let user = user.ok_or_else(|| Refusal::missing(user::KIND, known.key.as_str()))?;
            if !session::may_enter(&user.status) {
                return Err(refused(
                    "ERR_USER_DISABLED",
                    "Your account is disabled. Ask your administrator.",
                ));
            }
            let is_linked = store::linked(tx, issuer, &who.subject)? == Some(user.id);
            user::refresh(tx, call, &user, newcomer(who), is_linked)?
        }
        None => user::provision(tx, call, newcomer(who))?,
    };
    store::link(tx, (issuer, &who.subject), user.id, call.now)?;
    let status = noted(&user.status, MAY_CREATE, json!(who.may_create_workspaces));
    objects::note(tx, user.id, &status)?;
    if let Some(groups) = &who.groups {
        follow(tx, call, user.id, groups)?;
    }
    Ok(Object { status: status.into(), ..user })
}

fn newcomer(who: &Described) -> Newcomer {
    Newcomer {
        username: who.username.clone(),
        email: who.email.clone(),
        first_name: who.first_name.clone(),
        last_name: who.last_name.clone(),
        euid: who.euid.clone(),
    }
}

/// Linked subject, then username, then verified address.
fn find(tx: &mut Tx, issuer: &str, who: &Described) -> Outcome<Option<Object>> {
    if let Some(person) = store::linked(tx, issuer, &who.subject)? {
        return objects::by_id(tx, user::KIND, person);
    }
    let ambiguous = || {
        let message = format!(
            "It is not clear which account here is yours: '{}' or the address {} belongs to somebody else already. \
             Ask your administrator.",
            who.username, who.email
        );
        refused("ERR_AMBIGUOUS_ACCOUNT", message)
    };
    if let Some(named) = objects::by_key(tx, user::KIND, &who.username)? {
        // Somebody else of the same provider has this account.
        if store::links(tx, named.id, Some(issuer))? > 0 {
            return Err(ambiguous());
        }
        return Ok(Some(named));
    }
    if !who.is_verified {
        return Ok(None);
    }
    let seen = Visibility { all: true, ..Visibility::default() };
    let same = Query::of(user::KIND, seen).with("email", Some(&who.email));
    let mut candidates = Vec::new();
    for candidate in listing::list(tx, &same, &Page::first(20))?.items {
        if store::links(tx, candidate.id, None)? == 0 {
            candidates.push(candidate);
        }
    }
    match candidates.len() {
        0 | 1 => Ok(candidates.pop()),
        _ => Err(ambiguous()),
    }
}

/// Makes somebody a member of the global groups that the provider names, and of no other ones.
fn follow(tx: &mut Tx, call: &Call, person: ObjectId, named: &[String]) -> Outcome<()> {
    let is_named = |object: &Object| {
        let egid = object.doc.get("egid").and_then(Value::as_str);
        let name = object.key.split_once('.').map(|(_, name)| name);
        named.iter().any(|wanted| Some(wanted.as_str()) == egid || Some(wanted.as_str()) == name)
    };
    let mut left = Vec::new();
    for object in group::global_of(tx, person)? {
        if !is_named(&object) {
            left.push(object);
        }
    }
    for object in &left {
        group::set_member(tx, call, object.id, person, false)?;
    }
    let mut came = false;
    for wanted in named {
        for object in group::global_named(tx, wanted)? {
            came |= group::set_member(tx, call, object.id, person, true)?;
        }
    }
    if came || !left.is_empty() {
        people::changed_everywhere(tx, call, person)?;
    }
    Ok(())
}

/// Whether a user's status lets them create workspaces.
pub fn lets_register(status: &Value) -> bool {
    status.get(MAY_CREATE) != Some(&json!(false))
}

/// Refuses people whom their identity provider does not let create workspaces (OI-06).
pub fn may_register(tx: &mut Tx, call: &Call) -> Outcome<()> {
    let Principal::User { id, .. } = &call.actor.principal else { return Ok(()) };
    let user = objects::by_id(tx, user::KIND, *id)?;
    if user.is_some_and(|user| !lets_register(&user.status)) {
        return Err(refused(
            "ERR_NOT_ALLOWED_TO_REGISTER",
            "You are not among those who may create workspaces.",
        ));
    }
    Ok(())
}
