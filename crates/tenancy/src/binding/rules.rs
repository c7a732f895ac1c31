//! What has to hold of a new binding (`api-core.md` §3.3 to §3.7).

use super::wire::Asked;
use super::{Form, WORKSPACE_ROLES};
use crate::{project, workspace};
use stoa_base::{Day, Moment, ObjectId, Refusal};
use stoa_core::objects::Object;
use stoa_core::{Allowed, Call, Outcome, Resource};
use stoa_db::{Sql, Tx};
use stoa_identity::role::AdminRole;
use stoa_identity::{appointment, binding, group, projectrole, user};

/// Longest name of a binding in characters (§1.11).
const NAME_MAX: usize = 45;
/// Who answers for a workspace.
pub const OWNER: &str = "Workspace Owner";

/// A role that a binding gives.
pub struct Role {
    /// What it is called among bindings: a workspace role's name, a project role's identifier.
    pub name: String,
    /// The project role.
    pub object: Option<ObjectId>,
}

/// Refuses names and references that cannot be meant.
pub fn check_form<F: Form>(asked: &Asked) -> Result<(), Refusal> {
    if let Some(name) = &asked.name {
        let length = name.chars().count();
        if name.trim().is_empty() || length > NAME_MAX {
            let problem = format!("must not be blank and have at most {NAME_MAX} characters");
            return Err(Refusal::invalid("metadata.name", problem));
        }
    }
    let target = if F::RESOURCE == Resource::ProjectBinding { project::KIND } else { workspace::KIND };
    let subject = if F::OF_GROUP { group::KIND } else { user::KIND };
    for (field, given, expected) in
        [("targetRef.kind", &asked.target_kind, target), ("subject.kind", &asked.subject_kind, subject)]
    {
        if given.as_deref().is_some_and(|given| given != expected) {
            return Err(Refusal::invalid(field, format!("must be {expected}, or absent")));
        }
    }
    Ok(())
}

/// The end of a day that was checked before.
pub fn end_of(day: &str) -> Result<Moment, Refusal> {
    day.parse::<Day>()
        .map(Day::end)
        .map_err(|_| Refusal::invalid("expiryDate", "must be a date of the form YYYY-MM-DD"))
}

/// The last day of the binding as it is to be stored: what the caller wrote, or what recertification of the role
/// demands (§3.4).
pub fn expiry(call: &Call, asked: &Asked) -> Result<Option<String>, Refusal> {
    const FIELD: &str = "expiryDate";
    let recertified = call.world.settings.recertification.get(&asked.role.name);
    let latest = recertified.map(|span| call.now.day() + *span);
    let Some(day) = &asked.expiry else { return Ok(latest.map(|day| day.to_string())) };
    if end_of(day)? <= call.now {
        return Err(Refusal::invalid(FIELD, "must not be in the past"));
    }
    if let Some(latest) = latest
        && day.as_str() > latest.to_string().as_str()
    {
        return Err(Refusal::invalid(FIELD, format!("must not be after {latest}")));
    }
    Ok(Some(day.clone()))
}

/// Owners are people, and who appoints them is decided apart; so it is with administrators.
pub fn check_appointment<F: Form>(tx: &mut Tx, call: &Call, asked: &Asked, allowed: Allowed) -> Outcome<()> {
    if asked.role.name.parse::<AdminRole>().is_ok() {
        appointment::refuse_admin_by_others(call)?;
    }
    if asked.role.name != OWNER {
        return Ok(());
    }
    if F::OF_GROUP {
        return Err(Refusal::invalid("roleRef.name", format!("cannot be {OWNER}: owners are users")).into());
    }
    appointment::check_owner(tx, call, asked.workspace(), allowed)
}

/// The role that is meant, or 422.
pub fn role<F: Form>(tx: &mut Tx, call: &Call, asked: &Asked) -> Outcome<Role> {
    let name = &asked.role.name;
    if F::RESOURCE == Resource::WorkspaceBinding {
        let administers = asked.workspace() == call.world.settings.admin_workspace;
        let is_admin_role = administers && name.parse::<AdminRole>().is_ok();
        if is_admin_role || WORKSPACE_ROLES.contains(&name.as_str()) {
            return Ok(Role { name: name.clone(), object: None });
        }
        let mut known: Vec<&str> = WORKSPACE_ROLES.to_vec();
        if administers {
            known.extend(AdminRole::all().map(AdminRole::name));
        }
        let known = known.join(", ");
        let message = format!("`roleRef.name`: there is no workspace role '{name}'; there are {known}.");
        return Err(Refusal::Impossible(message).into());
    }
    let found = projectrole::hold_named(tx, name)?;
    let found = found
        .ok_or_else(|| Refusal::Impossible(format!("`roleRef.name`: there is no project role '{name}'.")))?;
    Ok(Role { name: found.key, object: Some(found.id) })
}

/// Who is meant, or 422. Nobody deletes them before the transaction ends.
pub fn subject<F: Form>(tx: &mut Tx, asked: &Asked) -> Outcome<Object> {
    let name = &asked.subject;
    let (found, kind) = if F::OF_GROUP {
        (binding::hold_group(tx, asked.workspace(), name)?, "group")
    } else {
        (binding::hold_user(tx, name)?, "user")
    };
    found.ok_or_else(|| {
        let here = if F::OF_GROUP { format!(" in workspace '{}'", asked.workspace()) } else { String::new() };
        Refusal::Impossible(format!("`subject.name`: there is no {kind} '{name}'{here}.")).into()
    })
}

/// Roles in projects are for those who have one in the workspace.
pub fn refuse_strangers<F: Form>(
    tx: &mut Tx,
    call: &Call,
    asked: &Asked,
    (subject, home): (&Object, &Object),
) -> Outcome<()> {
    if binding::is_member(tx, home.id, subject.id, &call.now.day().to_string())? {
        return Ok(());
    }
    let (home, name) = (asked.workspace(), &asked.subject);
    let what = if F::OF_GROUP { "group" } else { "user" };
    let message =
        format!("`subject.name`: {what} '{name}' has no role in workspace '{home}'; bind it there first.");
    Err(Refusal::Impossible(message).into())
}

const OWNERS: Sql = Sql::new(
    "SELECT count(*) FROM object b
     CROSS JOIN facet f
     WHERE b.workspace = $1 AND b.kind = 'meshWorkspaceUserBinding' AND b.deleted_at IS NULL
        AND f.object = b.id AND f.name = 'role' AND f.value = $2
        AND NOT EXISTS (SELECT 1 FROM facet e WHERE e.object = b.id AND e.name = 'expiry' AND e.value < $3)",
);

/// A workspace has few owners at a time (§2.7).
pub fn refuse_too_many_owners(tx: &mut Tx, call: &Call, asked: &Asked) -> Outcome<()> {
    if asked.role.name != OWNER {
        return Ok(());
    }
    let (home, most) = (asked.workspace(), call.world.settings.owners_per_workspace);
    let values = [home.into(), OWNER.into(), call.now.day().to_string().into()];
    let have: i64 = tx.one(&OWNERS, &values, |row| row.get(0))?;
    if usize::try_from(have).is_ok_and(|have| have >= most) {
        let message = format!("Workspace '{home}' has its {most} owners already; remove one first.");
        return Err(Refusal::conflict(message).into());
    }
    Ok(())
}

const SAME: Sql = Sql::new(
    "SELECT b.key FROM facet h
     JOIN facet f ON f.object = h.object AND f.name = 'role' AND f.value = $2
     JOIN object b ON b.id = h.object AND b.kind = $3
     WHERE h.name = 'holder' AND h.value = $1 LIMIT 1",
);

/// The name of the binding that gives the same role to the same subject on the same target.
pub fn same<F: Form>(
    tx: &mut Tx,
    (subject, target): (&Object, &Object),
    role: &str,
) -> Outcome<Option<String>> {
    let values = [binding::holder(subject.id, target.id).into(), role.into(), F::NAME.into()];
    Ok(tx.maybe(&SAME, &values, |row| row.get(0))?)
}

/// The same role for the same subject on the same target is there once.
pub fn refuse_twice<F: Form>(tx: &mut Tx, parties: (&Object, &Object), role: &str) -> Outcome<()> {
    let Some(same) = same::<F>(tx, parties, role)? else { return Ok(()) };
    let message = format!("The same role is bound to the same subject on the same target by '{same}'.");
    Err(Refusal::conflict(message).into())
}
