//! Who may do what in a workspace or project right now: directly or by a group, without what is over
//! (`api-core.md` §3.3 to §3.7, `domain-organization.md` §6).

use serde::Deserialize;
use stoa_base::{Day, Moment, ObjectId};
use stoa_core::{Outcome, objects};
use stoa_db::{Sql, Tx, Value};

/// Somebody with roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub uuid: ObjectId,
    /// Username, as it is now.
    pub username: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// External user id.
    pub euid: Option<String>,
    /// What they are, each once, in alphabetical order.
    pub roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    first_name: String,
    last_name: String,
    email: String,
    #[serde(default)]
    euid: Option<String>,
}

/// `bound`: users and groups with a binding to the workspace `$1` that is in force on the day `$2`, and the role.
const BOUND: &str = "bound AS (SELECT s.target AS principal, f.value AS role FROM object b
        CROSS JOIN reference s
        CROSS JOIN facet f
        WHERE b.workspace = $1 AND b.kind IN ('meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding')
            AND b.deleted_at IS NULL AND s.source = b.id AND s.relation = 'subject'
            AND f.object = b.id AND f.name = 'role'
            AND NOT EXISTS (SELECT 1 FROM facet e
                WHERE e.object = b.id AND e.name = 'expiry' AND e.value < $2))";

/// `$3` is the project.
const OF_PROJECT: &str = "SELECT u.id, u.key, u.doc, x.role FROM (
        SELECT principal AS person, role FROM held UNION
        SELECT m.target, held.role FROM held JOIN reference m ON m.source = held.principal AND m.relation = 'member'
    ) x JOIN object u ON u.id = x.person AND u.kind = 'meshUser' ORDER BY u.id, x.role";

const HELD: &str = "here AS (SELECT principal FROM bound UNION
        SELECT m.target FROM bound JOIN reference m ON m.source = bound.principal AND m.relation = 'member'),
    held AS (SELECT s.target AS principal, p.key AS role FROM reference t
        JOIN object b ON b.id = t.source AND b.kind IN ('meshProjectUserBinding', 'meshProjectGroupBinding')
        JOIN reference s ON s.source = b.id AND s.relation = 'subject'
        JOIN reference r ON r.source = b.id AND r.relation = 'role'
        JOIN object p ON p.id = r.target
        WHERE t.relation = 'target' AND t.target = $3 AND s.target IN (SELECT principal FROM here))";

/// Rows of one person after the other put together.
fn people(tx: &mut Tx, sql: &Sql, values: &[Value]) -> Outcome<Vec<Person>> {
    let rows: Vec<(String, String, String, String)> =
        tx.all(sql, values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut people: Vec<Person> = Vec::new();
    for (id, username, doc, role) in rows {
        let uuid: ObjectId = id.parse().unwrap_or_default();
        if let Some(last) = people.last_mut().filter(|last| last.uuid == uuid) {
            last.roles.push(role);
            continue;
        }
        let User { first_name, last_name, email, euid } = serde_json::from_str(&doc)?;
        people.push(Person { uuid, username, first_name, last_name, email, euid, roles: vec![role] });
    }
    for person in &mut people {
        person.roles.sort();
        person.roles.dedup();
    }
    Ok(people)
}

/// Everybody with a role in a project, ordered by uuid; roles are identifiers of project roles. Who has no binding
/// to the workspace in force is nobody here.
pub fn of_project(tx: &mut Tx, now: Moment, workspace: &str, project: &str) -> Outcome<Vec<Person>> {
    let Some(target) = objects::by_key(tx, crate::project::KIND, &format!("{workspace}.{project}"))? else {
        return Ok(Vec::new());
    };
    let sql = Sql::built(format!("WITH {BOUND}, {HELD} {OF_PROJECT}"));
    people(tx, &sql, &[workspace.into(), now.day().to_string().into(), target.id.0.into()])
}

/// Everybody with a role in a workspace, ordered by uuid; roles are names of workspace roles.
pub fn of_workspace(tx: &mut Tx, now: Moment, workspace: &str) -> Outcome<Vec<Person>> {
    let rest = OF_PROJECT.replace("held", "bound");
    let sql = Sql::built(format!("WITH {BOUND} {rest}"));
    people(tx, &sql, &[workspace.into(), now.day().to_string().into()])
}

const NEXT: Sql = Sql::new(
    "SELECT min(e.value) FROM object b
     CROSS JOIN facet e
     WHERE b.workspace = $1 AND b.kind IN ('meshWorkspaceUserBinding', 'meshWorkspaceGroupBinding')
        AND b.deleted_at IS NULL AND e.object = b.id AND e.name = 'expiry' AND e.value >= $2",
);

/// When the next binding to a workspace is over, if time ends any.
pub fn next_expiry(tx: &mut Tx, now: Moment, workspace: &str) -> Outcome<Option<Moment>> {
    let values = [workspace.into(), now.day().to_string().into()];
    let day: Option<String> = tx.one(&NEXT, &values, |row| row.get(0))?;
    Ok(day.and_then(|day| day.parse::<Day>().ok()).map(Day::end))
}
