//! What a person holds: roles in workspaces and projects that are in force, directly or by a group, and the actor
//! that this makes of them.

use crate::role::{self, AdminRole, WorkspaceRole};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::{Actor, Outcome, PermissionSet, Principal, World};
use stoa_db::{Row, Sql, Tx};

/// A person.
#[derive(Clone, Debug)]
pub struct Person {
    /// `metadata.uuid`.
    pub id: ObjectId,
    /// Username.
    pub username: String,
    /// What is declared.
    pub about: About,
}

/// What is declared of a person.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// E-mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// External user id.
    #[serde(default)]
    pub euid: Option<String>,
}

impl Person {
    /// As an actor knows them.
    pub fn principal(&self) -> Principal {
        let About { email, first_name, last_name, euid } = &self.about;
        let name = format!("{first_name} {last_name}").trim().to_owned();
        Principal::User {
            id: self.id,
            name: self.username.clone(),
            display_name: if name.is_empty() { self.username.clone() } else { name },
            email: email.clone(),
            euid: euid.clone(),
        }
    }
}

/// A role in a workspace.
#[derive(Clone, Debug)]
pub struct InWorkspace {
    /// The workspace.
    pub workspace: String,
    /// What it is called.
    pub display_name: String,
    /// Whether its platform builder is switched on.
    pub builder: bool,
    /// Name of the role.
    pub role: String,
    /// The last day on which it is in force.
    pub expires: Option<String>,
    /// The group that gives it, `<workspace>.<group>`.
    pub group: Option<String>,
}

const IN_WORKSPACES: Sql = Sql::new(
    "SELECT b.workspace, w.doc, f.value, e.value, g.key
     FROM reference s JOIN object b ON b.id = s.source
        AND b.kind IN ('meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding')
     JOIN facet f ON f.object = b.id AND f.name = 'role'
     JOIN object w ON w.kind = 'meshWorkspace' AND w.key = b.workspace AND w.deleted_at IS NULL
     LEFT JOIN facet e ON e.object = b.id AND e.name = 'expiry'
     LEFT JOIN object g ON g.id = s.target AND g.kind = 'meshWorkspaceUserGroup'
     WHERE s.relation = 'subject' AND s.target IN (SELECT CAST($1 AS TEXT) UNION
            SELECT m.source FROM reference m WHERE m.target = $1 AND m.relation = 'member')
        AND ($3 = '' OR b.workspace = $3) AND (e.value IS NULL OR e.value >= $2)
     ORDER BY b.workspace, f.value, b.id",
);

/// Roles in a workspace, or in all of them, that are in force.
pub fn in_workspaces(
    tx: &mut Tx,
    person: ObjectId,
    now: Moment,
    workspace: Option<&str>,
) -> Outcome<Vec<InWorkspace>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Workspace {
        display_name: String,
        platform_builder_access_enabled: bool,
    }
    let values = [person.0.into(), now.day().to_string().into(), workspace.unwrap_or_default().into()];
    let read = |row: &Row<'_>| {
        let held = InWorkspace {
            workspace: row.get(0)?,
            display_name: String::new(),
            builder: false,
            role: row.get(2)?,
            expires: row.get(3)?,
            group: row.get(4)?,
        };
        Ok((held, row.get::<String>(1)?))
    };
    let rows = tx.all(&IN_WORKSPACES, &values, read)?;
    rows.into_iter()
        .map(|(held, doc)| {
            let about: Workspace = serde_json::from_str(&doc)?;
            let builder = about.platform_builder_access_enabled;
            Ok(InWorkspace { display_name: about.display_name, builder, ..held })
        })
        .collect()
}

/// A role in a project.
#[derive(Clone, Debug)]
pub struct InProject {
    /// The workspace.
    pub workspace: String,
    /// The project, `<workspace>.<project>`.
    pub project: String,
    /// Identifier of the project role.
    pub role: String,
    /// The last day on which it is in force.
    pub expires: Option<String>,
    /// The group that gives it, `<workspace>.<group>`.
    pub group: Option<String>,
}

const IN_PROJECTS: Sql = Sql::new(
    "SELECT b.workspace, p.value, f.value, e.value, g.key
     FROM reference s JOIN object b ON b.id = s.source
        AND b.kind IN ('meshProjectUserBinding', 'meshProjectGroupBinding')
     JOIN facet p ON p.object = b.id AND p.name = 'project'
     JOIN facet f ON f.object = b.id AND f.name = 'role'
     LEFT JOIN facet e ON e.object = b.id AND e.name = 'expiry'
     LEFT JOIN object g ON g.id = s.target AND g.kind = 'meshWorkspaceUserGroup'
     WHERE s.relation = 'subject' AND s.target IN (SELECT CAST($1 AS TEXT) UNION
            SELECT m.source FROM reference m WHERE m.target = $1 AND m.relation = 'member')
        AND ($3 = '' OR b.workspace = $3) AND (e.value IS NULL OR e.value >= $2)
     ORDER BY p.value, f.value, b.id",
);

/// Roles in the projects of a workspace, or of all of them. They count only beside a role in the workspace (BI-03).
pub fn in_projects(
    tx: &mut Tx,
    person: ObjectId,
    now: Moment,
    workspace: Option<&str>,
) -> Outcome<Vec<InProject>> {
    let values = [person.0.into(), now.day().to_string().into(), workspace.unwrap_or_default().into()];
    let read = |row: &Row<'_>| {
        Ok(InProject {
            workspace: row.get(0)?,
            project: row.get(1)?,
            role: row.get(2)?,
            expires: row.get(3)?,
            group: row.get(4)?,
        })
    };
    Ok(tx.all(&IN_PROJECTS, &values, read)?)
}

/// The admin roles among roles, each once, the mightiest first.
pub fn admin_roles(roles: &[InWorkspace], admin_workspace: &str) -> Vec<AdminRole> {
    let mut found: Vec<AdminRole> = roles
        .iter()
        .filter(|held| held.workspace == admin_workspace)
        .filter_map(|held| held.role.parse().ok())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The greatest role among roles in one workspace.
pub fn greatest<'a>(roles: impl IntoIterator<Item = &'a InWorkspace>) -> Option<WorkspaceRole> {
    roles.into_iter().filter_map(|held| held.role.parse().ok()).max()
}

/// The actor that a person is in a workspace, or in the administration.
pub fn actor(
    tx: &mut Tx,
    world: &World,
    now: Moment,
    person: &Person,
    workspace: Option<&str>,
) -> Outcome<Actor> {
    let admin_workspace = &world.settings.admin_workspace;
    let roles = in_workspaces(tx, person.id, now, Some(workspace.unwrap_or(admin_workspace)))?;
    let Some(home) = workspace else {
        return Ok(Actor {
            principal: person.principal(),
            home: None,
            permissions: role::of_admins(&admin_roles(&roles, admin_workspace)),
            projects: None,
            session: None,
        });
    };
    let stranger = || Refusal::Forbidden(format!("You have no role in workspace '{home}'."));
    let greatest = greatest(&roles).ok_or_else(stranger)?;
    let builder = roles.iter().any(|held| held.builder);
    let projects = if greatest == WorkspaceRole::Member {
        let projects = in_projects(tx, person.id, now, Some(home))?;
        let projects: BTreeSet<String> = projects.into_iter().map(|held| held.project).collect();
        Some(Arc::new(projects))
    } else {
        None
    };
    Ok(Actor {
        principal: person.principal(),
        home: Some(home.to_owned()),
        permissions: greatest.permissions(builder),
        projects,
        session: None,
    })
}

/// Whether nobody holds more than this set: that of an organization admin.
pub fn is_everything(permissions: PermissionSet) -> bool {
    let all = PermissionSet::administrator();
    stoa_core::Permission::all().filter(|code| all.has(*code)).all(|code| permissions.has(code))
}
