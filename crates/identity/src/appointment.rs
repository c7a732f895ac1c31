//! Who may give and take roles, beyond the permission to do so at all: administrators (AD-01, AD-03), owners and the
//! last ones who run a workspace (WR-02, WR-03, WR-05 of `domain-organization.md`).

use crate::held;
use crate::role::{AdminRole, WorkspaceRole};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Reach;
use stoa_core::{Action, Allowed, Call, Outcome, Principal, Resource, Scope};
use stoa_db::{Sql, Tx};

/// What is about to lose its roles.
#[derive(Clone, Copy, Debug)]
pub enum Going {
    /// A user: disabled, or deleted.
    Person(ObjectId),
    /// A binding: removed, or given a last day.
    Binding(ObjectId),
}

/// Organization admins who stay: active people with the role for good, directly or by a group, other than `$3`
/// and not by the binding `$4`.
const ADMINS: Sql = Sql::new(
    "SELECT count(*) FROM object u WHERE u.kind = 'meshUser' AND u.deleted_at IS NULL AND u.id <> $3
        AND u.status NOT LIKE '%\"DISABLED\"%' AND u.id IN (
            SELECT coalesce(m.target, s.target) FROM object b
            JOIN facet f ON f.object = b.id AND f.name = 'role' AND f.value = $2
            JOIN reference s ON s.source = b.id AND s.relation = 'subject'
            LEFT JOIN reference m ON m.source = s.target AND m.relation = 'member'
            WHERE b.workspace = $1 AND b.kind IN ('meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding')
                AND b.deleted_at IS NULL AND b.id <> $4
                AND NOT EXISTS (SELECT 1 FROM facet e WHERE e.object = b.id AND e.name = 'expiry'))",
);

fn admins_without(tx: &mut Tx, call: &Call, person: &str, binding: &str) -> Outcome<i64> {
    let values = [
        call.world.settings.admin_workspace.as_str().into(),
        AdminRole::OrganizationAdmin.name().into(),
        person.into(),
        binding.into(),
    ];
    Ok(tx.one(&ADMINS, &values, |row| row.get(0))?)
}

/// Refuses to let the last organization admin go (AD-03).
pub fn refuse_last_admin(tx: &mut Tx, call: &Call, going: &Going) -> Outcome<()> {
    let (person, binding) = match going {
        Going::Person(id) => (id.to_string(), String::new()),
        Going::Binding(id) => (String::new(), id.to_string()),
    };
    if admins_without(tx, call, &person, &binding)? > 0 || admins_without(tx, call, "", "")? == 0 {
        return Ok(());
    }
    let message =
        "This would leave the organization without an Organization Admin; appoint another one first.";
    Err(Refusal::Conflict { code: "ERR_LAST_ORG_ADMIN", message: message.into(), remarks: Vec::new() }.into())
}

/// Whether somebody has an admin role.
pub fn is_admin(tx: &mut Tx, call: &Call, person: ObjectId) -> Outcome<bool> {
    let home = &call.world.settings.admin_workspace;
    let roles = held::in_workspaces(tx, person, call.now, Some(home))?;
    Ok(!held::admin_roles(&roles, home).is_empty())
}

/// Whoever gives or takes an admin role holds everything that it could give.
pub fn refuse_admin_by_others(call: &Call) -> Result<(), Refusal> {
    if call.actor.principal == Principal::System || held::is_everything(call.actor.permissions) {
        return Ok(());
    }
    let problem = "you don't have sufficient permissions: admin roles are given and taken by an Organization Admin, \
                   or with every admin code";
    Err(Refusal::Forbidden(problem.into()))
}

/// People with a role in a workspace, in force on `$3`, directly or by a group, not counting the binding `$4`, and
/// not the person `$5`.
const HOLDERS: Sql = Sql::new(
    "SELECT count(*) FROM object b JOIN facet f ON f.object = b.id AND f.name = 'role' AND f.value = $2
     JOIN reference s ON s.source = b.id AND s.relation = 'subject'
     WHERE b.workspace = $1 AND b.kind IN ('meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding')
        AND b.deleted_at IS NULL AND b.id <> $4
        AND s.target <> $5
        AND (b.kind = 'meshWorkspaceUserBinding' OR EXISTS (SELECT 1 FROM reference m
            WHERE m.source = s.target AND m.relation = 'member' AND m.target <> $5))
        AND NOT EXISTS (SELECT 1 FROM facet e WHERE e.object = b.id AND e.name = 'expiry' AND e.value < $3)",
);

fn holders(
    tx: &mut Tx,
    call: &Call,
    workspace: &str,
    role: WorkspaceRole,
    (binding, person): (&str, &str),
) -> Outcome<i64> {
    let values = [
        workspace.into(),
        role.name().into(),
        call.now.day().to_string().into(),
        binding.into(),
        person.into(),
    ];
    Ok(tx.one(&HOLDERS, &values, |row| row.get(0))?)
}

fn conflict(code: &'static str, message: String) -> stoa_core::Error {
    Refusal::Conflict { code, message, remarks: Vec::new() }.into()
}

/// Refuses owners by anybody but an owner or an administrator; where there is no owner, a manager appoints one
/// (WR-03).
pub fn check_owner(tx: &mut Tx, call: &Call, workspace: &str, allowed: Allowed) -> Outcome<()> {
    if matches!(allowed.reach(), Reach::Admin | Reach::System) {
        return Ok(());
    }
    if !call.actor.is_person() {
        let needed = "ADM_WORKSPACEPRINCIPALBINDING_SAVE";
        return Err(Refusal::Forbidden(format!(
            "you don't have sufficient permissions: this needs {needed}, because it appoints an owner"
        ))
        .into());
    }
    // Only owners may delete a workspace.
    let is_owner = call.may(Resource::Workspace, Action::Delete, &Scope::owned(workspace)).is_ok();
    if is_owner || holders(tx, call, workspace, WorkspaceRole::Owner, ("", ""))? == 0 {
        return Ok(());
    }
    let problem = "you don't have sufficient permissions: only an owner appoints or removes an owner";
    Err(Refusal::Forbidden(problem.into()).into())
}

/// What may be taken away of a workspace's roles: owners by owners and administrators only (WR-03), the last owner by
/// nobody in person, whatever they administer (WR-02), and one's own part in running it only when somebody else is left
/// to (WR-05). Keys of administrators take away everything: whoever declares a workspace takes it down piece by piece.
pub fn check_removal(
    tx: &mut Tx,
    call: &Call,
    workspace: &str,
    (binding, subject, role): (ObjectId, ObjectId, &str),
    allowed: Allowed,
) -> Outcome<()> {
    let person = match &call.actor.principal {
        Principal::User { id, .. } => Some(id),
        _ => None,
    };
    let role: Option<WorkspaceRole> = role.parse().ok();
    let binding = binding.to_string();
    if role == Some(WorkspaceRole::Owner) {
        if person.is_none() && allowed.reach() == Reach::Own {
            let needed = "ADM_WORKSPACEPRINCIPALBINDING_DELETE";
            return Err(Refusal::Forbidden(format!(
                "you don't have sufficient permissions: this needs {needed}, because it removes an owner"
            ))
            .into());
        }
        check_owner(tx, call, workspace, allowed)?;
        if person.is_some() && holders(tx, call, workspace, WorkspaceRole::Owner, (&binding, ""))? == 0 {
            let message = format!("'{workspace}' must keep an owner; appoint another one first.");
            return Err(conflict("ERR_LAST_OWNER", message));
        }
    }
    let Some(own) = person.filter(|_| allowed.reach() == Reach::Own) else { return Ok(()) };
    if subject == *own && role.is_some_and(|role| role > WorkspaceRole::Member) {
        let own = own.to_string();
        let mut others = 0;
        for role in [WorkspaceRole::Owner, WorkspaceRole::Manager] {
            others += holders(tx, call, workspace, role, (&binding, &own))?;
        }
        if others == 0 {
            let message = format!("Nobody else runs '{workspace}'; appoint another owner or manager first.");
            return Err(conflict("ERR_LAST_OWNER", message));
        }
    }
    Ok(())
}
