//! Users found by what they hold, directly or by a group: the filters of `api-core.md` §3.8 on workspaces, projects,
//! platforms and groups. What is over grants nothing and finds nobody.

use stoa_base::Moment;
use stoa_core::listing::Query;
use stoa_web::Request;

/// The holders of bindings that `conditions` narrow down, and the members of those that are groups.
fn holders(kinds: &str, conditions: &str) -> String {
    format!(
        "WITH bound AS (SELECT s.target AS principal FROM object b
            JOIN reference s ON s.source = b.id AND s.relation = 'subject'
            WHERE b.kind IN ({kinds}) AND b.deleted_at IS NULL {conditions})
         SELECT principal FROM bound UNION
         SELECT m.target FROM bound JOIN reference m ON m.source = bound.principal AND m.relation = 'member'"
    )
}

const IN_FORCE: &str =
    " AND NOT EXISTS (SELECT 1 FROM facet e WHERE e.object = b.id AND e.name = 'expiry' AND e.value < ?)";
const OF_WORKSPACE: &str = " AND b.workspace = ?";
const WITH_FACET: &str =
    " AND EXISTS (SELECT 1 FROM facet f WHERE f.object = b.id AND f.name = '{facet}' AND f.value = ?)";
const OF_ROLE: &str = " AND EXISTS (SELECT 1 FROM reference r JOIN object p ON p.id = r.target
    WHERE r.source = b.id AND r.relation = 'role' AND (p.key = ? OR EXISTS (SELECT 1 FROM facet n
        WHERE n.object = p.id AND n.name = 'name' AND n.value = ?)))";
const ON_PLATFORM: &str = " AND EXISTS (SELECT 1 FROM reference g
    JOIN reference h ON h.target = g.target AND h.relation = 'project'
    JOIN object t ON t.id = h.source AND t.kind = 'meshTenant' AND t.deleted_at IS NULL
    JOIN facet i ON i.object = t.id AND i.name = 'platformIdentifier' AND i.value = ?
    WHERE g.source = b.id AND g.relation = 'target')";

/// Narrows a list of users by what the request says they hold. A workspace, its project, its role, the project's
/// role and a platform have to go together: they are about the same workspace, the same project.
pub fn narrowed(mut query: Query, request: &Request, now: Moment) -> Query {
    let wanted = |name: &str| request.query(name).map(str::to_owned);
    if let Some(group) = wanted("workspaceUserGroupIdentifier") {
        query = query.within(
            "SELECT m.target FROM object g JOIN reference m ON m.source = g.id AND m.relation = 'member'
             WHERE g.kind = 'meshWorkspaceUserGroup' AND (g.key = ? OR EXISTS (SELECT 1 FROM facet f
                WHERE f.object = g.id AND f.name = 'name' AND f.value = ?))",
            vec![group.clone(), group],
        );
    }
    let (workspace, role) = (wanted("workspaceIdentifier"), wanted("workspaceRole"));
    if workspace.is_some() || role.is_some() {
        let (mut conditions, mut values) = (IN_FORCE.to_owned(), vec![now.day().to_string()]);
        if let Some(workspace) = &workspace {
            conditions.push_str(OF_WORKSPACE);
            values.push(workspace.clone());
        }
        if let Some(role) = role {
            conditions.push_str(&WITH_FACET.replace("{facet}", "role"));
            values.push(role);
        }
        let kinds = "'meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding'";
        query = query.within(holders(kinds, &conditions), values);
    }
    let (project, role, platform) =
        (wanted("projectIdentifier"), wanted("projectRole"), wanted("platformIdentifier"));
    if project.is_some() || role.is_some() || platform.is_some() {
        let (mut conditions, mut values) = (String::new(), Vec::new());
        if let Some(workspace) = &workspace {
            conditions.push_str(OF_WORKSPACE);
            values.push(workspace.clone());
        }
        if let (Some(workspace), Some(project)) = (&workspace, project) {
            conditions.push_str(&WITH_FACET.replace("{facet}", "project"));
            values.push(format!("{workspace}.{project}"));
        }
        if let Some(role) = role {
            conditions.push_str(OF_ROLE);
            values.extend([role.clone(), role]);
        }
        if let Some(platform) = platform {
            conditions.push_str(ON_PLATFORM);
            values.push(platform);
        }
        let kinds = "'meshProjectUserBinding', 'meshProjectGroupBinding'";
        query = query.within(holders(kinds, &conditions), values);
    }
    query
}
