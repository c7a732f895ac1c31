//! Bindings as stored: who holds which role where, directly or as a group (`api-core.md` §3.3 to §3.7). Their
//! kinds are in the tenancy area; here is what a person's life does to them.

use crate::{group, people, user};
use serde::{Deserialize, Serialize};
use stoa_base::ObjectId;
use stoa_core::objects::{self, COLUMNS, Object, Told};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::{Sql, Tx};

/// A user's role in a workspace.
pub const WORKSPACE_USER: &str = "meshWorkspaceUserBinding";
/// A group's role in a workspace.
pub const WORKSPACE_GROUP: &str = "meshWorkspaceGroupBinding";
/// A user's role in a project.
pub const PROJECT_USER: &str = "meshProjectUserBinding";
/// A group's role in a project.
pub const PROJECT_GROUP: &str = "meshProjectGroupBinding";
/// All kinds of bindings.
pub const KINDS: [&str; 4] = [WORKSPACE_USER, WORKSPACE_GROUP, PROJECT_USER, PROJECT_GROUP];

/// Relation to the user or group.
pub const SUBJECT: &str = "subject";
/// Relation to the workspace or project.
pub const TARGET: &str = "target";
/// Relation to the project role.
pub const ROLE: &str = "role";
/// Relation of a group to its members.
pub const MEMBER: &str = "member";
/// Facet with who is bound where, see [`holder`].
pub const HOLDER: &str = "holder";
/// Facet with the last day on which it is in force, as `YYYY-MM-DD`.
pub const EXPIRY: &str = "expiry";

/// Subject and target in one value of [`HOLDER`]: who has roles on what is found by it, however much either of them
/// is bound to.
pub fn holder(subject: ObjectId, target: ObjectId) -> String {
    format!("{subject} {target}")
}

/// Something named, as bindings refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// As it was sent.
    pub name: String,
}

/// Where the role is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Identifier of the workspace, or of the project in it.
    pub name: String,
    /// The project's workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by_workspace: Option<String>,
}

/// Who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The name when it was bound; people may be renamed.
    pub name: String,
    /// The user or group.
    pub uuid: ObjectId,
}

/// A binding as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The role.
    pub role_ref: Named,
    /// Where.
    pub target_ref: Target,
    /// Who.
    pub subject: Subject,
    /// The last day on which it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_date: Option<String>,
}

/// What an audit entry about another last day of a binding is called (`api-core.md` §4.3).
pub fn title_of_change(kind: &str) -> &'static str {
    match kind {
        WORKSPACE_USER => "Workspace User Role Changed",
        WORKSPACE_GROUP => "Workspace Group Role Changed",
        PROJECT_USER => "Project User Role Changed",
        _ => "Project Group Role Changed",
    }
}

/// What an audit entry about a binding is called (`api-core.md` §4.3).
pub fn title(kind: &str, added: bool) -> &'static str {
    match (kind, added) {
        (WORKSPACE_USER, true) => "Workspace User Role Added",
        (WORKSPACE_USER, false) => "Workspace User Role Removed",
        (WORKSPACE_GROUP, true) => "Workspace Group Role Added",
        (WORKSPACE_GROUP, false) => "Workspace Group Role Removed",
        (PROJECT_USER, true) => "Project User Role Added",
        (PROJECT_USER, false) => "Project User Role Removed",
        (_, true) => "Project Group Role Added",
        (_, false) => "Project Group Role Removed",
    }
}

/// What somebody is told who asks for the people of the binding's target: its workspace, or its project.
fn place(binding: &Binding) -> String {
    let Target { name, owned_by_workspace } = &binding.target_ref;
    owned_by_workspace.as_ref().map_or_else(|| name.clone(), |owner| format!("{owner}.{name}"))
}

/// One sentence about a binding.
pub fn sentence(binding: &Binding, deed: &str) -> String {
    let Binding { role_ref, subject, .. } = binding;
    format!("'{}' {deed} '{}' in '{}'.", subject.name, role_ref.name, place(binding))
}

/// Says that the people of a binding's target changed; once more when its time is over.
pub fn changed(tx: &mut Tx, call: &Call, binding: &Binding) -> Outcome<()> {
    people::changed(tx, call, &place(binding))
}

/// Ends a binding as a consequence of something else.
pub fn dissolve(tx: &mut Tx, call: &Call, object: &Object, why: &str) -> Outcome<()> {
    let call = call.as_system();
    let allowed = call.may(Resource::WorkspaceBinding, Action::Delete, &Scope::installation())?;
    let binding: Binding = object.doc()?;
    let told = Told::new(title(&object.kind, false), sentence(&binding, why));
    objects::remove(tx, &call, allowed, object, told)?;
    changed(tx, &call, &binding)
}

/// Ends everything that a user or group holds, everywhere.
pub fn dissolve_all_of(tx: &mut Tx, call: &Call, subject: ObjectId, why: &str) -> Outcome<()> {
    loop {
        let held = objects::referrers(tx, subject, Some(SUBJECT), 500)?;
        if held.is_empty() {
            return Ok(());
        }
        for binding in held {
            dissolve(tx, call, &binding, why)?;
        }
    }
}

/// Ends all bindings of a workspace or project.
pub fn dissolve_all_in(tx: &mut Tx, call: &Call, target: ObjectId, why: &str) -> Outcome<()> {
    loop {
        let held = objects::referrers(tx, target, Some(TARGET), 500)?;
        let held: Vec<Object> =
            held.into_iter().filter(|object| KINDS.contains(&object.kind.as_str())).collect();
        if held.is_empty() {
            return Ok(());
        }
        for binding in held {
            dissolve(tx, call, &binding, why)?;
        }
    }
}

/// Project bindings in a workspace, of a user or of a group and its members, whose holder has no binding to the
/// workspace any more: neither one in force nor one whose time is over.
const ORPHANS: &str = "FROM reference s JOIN object b ON b.id = s.source
    WHERE s.relation = 'subject' AND b.workspace = $1
        AND b.kind IN ('meshProjectUserBinding', 'meshProjectGroupBinding')
        AND s.target IN (SELECT CAST($2 AS TEXT) UNION
            SELECT m.target FROM reference m WHERE m.source = $2 AND m.relation = 'member')
        AND NOT EXISTS (SELECT 1 FROM object w
            CROSS JOIN reference h
            WHERE h.source = w.id AND h.relation = 'subject' AND w.deleted_at IS NULL
                AND w.workspace = $1 AND w.kind IN ('meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding')
                AND (h.target = s.target OR EXISTS (SELECT 1 FROM reference m
                    WHERE m.source = h.target AND m.relation = 'member' AND m.target = s.target)))";

/// Whoever has lost the last binding to a workspace loses those to its projects (`api-core.md` §3.4). `principal`
/// is the user or group concerned.
pub fn prune(tx: &mut Tx, call: &Call, workspace: &str, principal: ObjectId) -> Outcome<()> {
    let columns = COLUMNS.replace("o.", "b.");
    let sql = Sql::built(format!("SELECT {columns} {ORPHANS} ORDER BY b.created_at, b.id"));
    for orphan in tx.all(&sql, &[workspace.into(), principal.0.into()], Object::read)? {
        dissolve(tx, call, &orphan, "is no member of the workspace any more, and lost")?;
    }
    Ok(())
}

const FELLOW: Sql = Sql::new(
    "SELECT count(*) FROM (SELECT CAST($1 AS TEXT) AS id UNION ALL
            SELECT m.source FROM reference m WHERE m.target = $1 AND m.relation = 'member') p
     CROSS JOIN facet h
     WHERE h.name = 'holder' AND h.value = p.id || ' ' || CAST($2 AS TEXT)
        AND NOT EXISTS (SELECT 1 FROM facet e WHERE e.object = h.object AND e.name = 'expiry' AND e.value < $3)",
);

/// Whether a user or group has a binding to a workspace that is in force on `today`, directly or by a group.
pub fn is_member(tx: &mut Tx, workspace: ObjectId, principal: ObjectId, today: &str) -> Outcome<bool> {
    let values = [principal.0.into(), workspace.0.into(), today.into()];
    Ok(tx.one(&FELLOW, &values, |row| row.get::<i64>(0))? > 0)
}

/// The user with this name, who is not deleted before the transaction ends.
pub fn hold_user(tx: &mut Tx, name: &str) -> Outcome<Option<Object>> {
    objects::hold(tx, user::KIND, name)
}

/// The group with this identifier that may be bound in a workspace: its own, or a global one.
pub fn hold_group(tx: &mut Tx, workspace: &str, name: &str) -> Outcome<Option<Object>> {
    if let Some(own) = objects::hold(tx, group::KIND, &format!("{workspace}.{name}"))? {
        return Ok(Some(own));
    }
    objects::hold(tx, group::KIND, &format!("{}.{name}", group::GLOBAL))
}
