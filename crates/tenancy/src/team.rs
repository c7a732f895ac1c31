//! Who has a role in a workspace or project, as people look at it: by name, with what is about to end, and whoever
//! else could be given one (`domain-organization.md` §6, panel.md §4.1).

use crate::binding::{Bindings, Form, WorkspaceGroup, WorkspaceUser};
use crate::{project, workspace};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::Refusal;
use stoa_core::objects::{self, Object};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::{Row, Sql, Tx};
use stoa_identity::binding::{Binding, PROJECT_GROUP, WORKSPACE_GROUP, WORKSPACE_USER};
use stoa_identity::group;
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Takes};
use stoa_web::{Kind, Reply, Request, Route, hal, media};
use utoipa::ToSchema;

const BODY_MAX: usize = 4 << 10;
/// Whoever is found at once; who looks for somebody else says more of the name.
const FOUND_MOST: usize = 12;

/// A user or group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamSubject)]
pub struct Subject {
    /// `meshUser` or `meshWorkspaceUserGroup`.
    kind: &'static str,
    /// Username, or identifier of the group.
    name: String,
    /// First and last name, or the group's name for people.
    display_name: String,
    /// E-mail address, of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// How many are in it, of groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    members: Option<usize>,
    /// Whether they may not sign in.
    disabled: bool,
}

/// Somebody's role.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamMember)]
pub struct Member {
    /// Name of the binding.
    binding: String,
    /// Kind of the binding.
    kind: String,
    /// Who.
    subject: Subject,
    /// The role, as the binding says it.
    role: String,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expires: Option<String>,
    /// Since when.
    since: String,
    /// In how many projects of the workspace they have roles.
    projects: i64,
}

/// People and groups that were looked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeopleFound)]
struct Found {
    /// Those that fit, by kind and name.
    people: Vec<Subject>,
    /// Whether more would fit.
    more: bool,
}

/// Another last day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BindingExpiry)]
pub struct Expiry {
    /// The last day (`YYYY-MM-DD`, UTC); null means for ever.
    expiry_date: Option<String>,
}

fn subject(key: &str, doc: &Value, status: &Value, is_group: bool) -> Subject {
    let text = |name: &str| doc[name].as_str().unwrap_or_default();
    if is_group {
        return Subject {
            kind: group::KIND,
            name: key.split_once('.').map_or(key, |(_, name)| name).to_owned(),
            display_name: text("displayName").to_owned(),
            email: None,
            members: Some(doc["members"].as_array().map_or(0, Vec::len)),
            disabled: false,
        };
    }
    let name = format!("{} {}", text("firstName"), text("lastName"));
    let name = name.trim();
    Subject {
        kind: stoa_identity::user::KIND,
        name: key.to_owned(),
        display_name: if name.is_empty() { key.to_owned() } else { name.to_owned() },
        email: Some(text("email").to_owned()),
        members: None,
        disabled: status["state"] == "DISABLED",
    }
}

/// Bindings to the workspace or project `$1` of whoever has `$2` in a name or address, over on the day `$3` if that
/// is said.
const OF_TARGET: &str = "FROM reference t
    JOIN object b ON b.id = t.source AND b.deleted_at IS NULL AND b.kind IN ('meshWorkspaceUserBinding',
        'meshWorkspaceGroupBinding', 'meshProjectUserBinding', 'meshProjectGroupBinding')
    JOIN reference r ON r.source = b.id AND r.relation = 'subject'
    JOIN object s ON s.id = r.target
    LEFT JOIN facet e ON e.object = b.id AND e.name = 'expiry'
    WHERE t.relation = 'target' AND t.target = $1
        AND ($2 = '' OR lower(s.key) LIKE $2 ESCAPE '!' OR EXISTS (SELECT 1 FROM facet f WHERE f.object = s.id
            AND f.name IN ('email', 'firstName', 'lastName', 'name') AND lower(f.value) LIKE $2 ESCAPE '!'))
        AND ($3 = '' OR e.value <= $3)";
/// In how many projects of the same workspace a subject has roles.
const PROJECTS: &str = "(SELECT count(DISTINCT pt.target) FROM reference ps
    JOIN object pb ON pb.id = ps.source AND pb.workspace = b.workspace
        AND pb.kind IN ('meshProjectUserBinding', 'meshProjectGroupBinding')
    JOIN reference pt ON pt.source = pb.id AND pt.relation = 'target'
    WHERE ps.relation = 'subject' AND ps.target = s.id)";

/// A text as a pattern that finds it anywhere, in whatever case.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.trim().to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    if pattern == "%%" { String::new() } else { pattern }
}

fn member(row: &Row<'_>) -> Result<(Member, String), stoa_db::DbError> {
    let (binding, kind, since): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (doc, key): (String, String) = (row.get(3)?, row.get(5)?);
    let (about, status): (String, String) = (row.get(6)?, row.get(7)?);
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let is_group = kind == WORKSPACE_GROUP || kind == PROJECT_GROUP;
    let member = Member {
        subject: subject(&key, &read(&about), &read(&status), is_group),
        role: String::new(),
        expires: row.get(4)?,
        since: stoa_base::Moment::from_micros(since).to_string(),
        projects: row.get(8)?,
        binding,
        kind,
    };
    Ok((member, doc))
}

/// One page of the people of a workspace or project.
fn page(tx: &mut Tx, call: &Call, request: &Request, target: &Object) -> Outcome<Reply> {
    let until = match request.query("expiresWithin") {
        None => String::new(),
        Some(days) => {
            let days: u64 =
                days.parse().map_err(|_| Refusal::invalid("expiresWithin", "must be a number of days"))?;
            let span = std::time::Duration::from_hours(days.min(36_500) * 24);
            (call.now + span).day().to_string()
        }
    };
    let values =
        vec![target.id.0.into(), pattern(request.query("q").unwrap_or_default()).into(), until.into()];
    let page = request.page();
    let total = tx.one(&page.counting(OF_TARGET), &values, |row| row.get(0))?;
    let sql = Sql::built(format!(
        "SELECT b.key, b.kind, b.created_at, b.doc, e.value, s.key, s.doc, s.status, {PROJECTS} {OF_TARGET}
         ORDER BY s.kind DESC, s.key, b.created_at, b.id LIMIT $4 OFFSET $5"
    ));
    let mut values = values;
    values.extend([page.size.into(), page.number.saturating_mul(page.size).into()]);
    let mut members = Vec::new();
    for (mut member, doc) in tx.all(&sql, &values, member)? {
        let binding: Binding = serde_json::from_str(&doc)?;
        member.role = binding.role_ref.name;
        members.push(serde_json::to_value(member)?);
    }
    Ok(Reply::ok(&hal::page_of(call, request, "members", members, &page, (total, None))))
}

fn of_workspace(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::WorkspaceBinding, Action::Read)?;
    let name = request.param(0);
    call.may(Resource::WorkspaceBinding, Action::Read, &Scope::owned(name))?;
    let found = objects::by_key(tx, workspace::KIND, name)?;
    let target = found.ok_or_else(|| Refusal::missing(workspace::KIND, name))?;
    page(tx, call, request, &target)
}

fn of_project(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::ProjectBinding, Action::Read)?;
    let name = request.param(0);
    let (workspace, project) = name.split_once('.').unwrap_or((name, ""));
    call.may(Resource::ProjectBinding, Action::Read, &Scope::in_project(workspace, Some(project)))?;
    let found = objects::by_key(tx, project::KIND, name)?;
    let target = found.ok_or_else(|| Refusal::missing(project::KIND, name))?;
    page(tx, call, request, &target)
}

/// Users, and groups that may be bound in a workspace, with `$1` in a name or address.
const SEARCH: Sql = Sql::new(
    "SELECT o.kind, o.key, o.doc, o.status FROM object o
     WHERE o.deleted_at IS NULL AND (o.kind = 'meshUser'
            OR (o.kind = 'meshWorkspaceUserGroup' AND o.workspace IN ($2, 'meshcloud-global-partner')))
        AND ($1 = '' OR lower(o.key) LIKE $1 ESCAPE '!' OR EXISTS (SELECT 1 FROM facet f WHERE f.object = o.id
            AND f.name IN ('email', 'firstName', 'lastName', 'name') AND lower(f.value) LIKE $1 ESCAPE '!'))
     ORDER BY o.kind, o.key LIMIT 200",
);

/// People and groups by a part of a name or address, for whoever may give roles: few, so that nobody reads all.
fn search(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let resources = [Resource::WorkspaceBinding, Resource::ProjectBinding];
    if !resources.iter().any(|resource| call.actor.holds_any(*resource, Action::Write)) {
        call.may_at_all(Resource::WorkspaceBinding, Action::Write)?;
    }
    let asked = request.query("q").unwrap_or_default().trim().to_lowercase();
    let words: Vec<&str> = asked.split_whitespace().collect();
    let longest = words.iter().max_by_key(|word| word.len()).copied().unwrap_or_default();
    let home = call.actor.home.as_deref().or(request.query("workspace")).unwrap_or_default();
    let values = [pattern(longest).into(), home.into()];
    let rows: Vec<(String, String, String, String)> =
        tx.all(&SEARCH, &values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut found = Vec::new();
    for (kind, key, doc, status) in rows {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let one = subject(&key, &read(&doc), &read(&status), kind == group::KIND);
        let said = format!("{} {} {}", one.name, one.display_name, one.email.as_deref().unwrap_or_default());
        let said = said.to_lowercase();
        if words.iter().all(|word| said.contains(word)) {
            found.push(one);
        }
    }
    let more = found.len() > FOUND_MOST;
    found.truncate(FOUND_MOST);
    Ok(Reply::ok(&serde_json::to_value(Found { people: found, more })?))
}

/// A binding with another last day, by the rules of the declarative import (RC-05).
fn with_expiry<F: Form>(tx: &mut Tx, call: &Call, (object, expiry): (Object, Option<String>)) -> Outcome<()> {
    let binding: Binding = object.doc()?;
    let mut objects = [object];
    Bindings::<F>::gather(tx, call, &mut objects)?;
    let [object] = objects;
    let mut body = json!({
        "metadata": { "name": object.key },
        "roleRef": binding.role_ref,
        "targetRef": binding.target_ref,
        "subject": { "name": object.gathered["subject"] },
    });
    if let Some(day) = expiry {
        body["expiryDate"] = json!(day);
    }
    let request = Request { json: Some(body), ..Request::default() };
    let name = object.key.clone();
    Bindings::<F>::update(tx, call, &request, &name, Some(object)).map(|_| ())
}

fn set_expiry(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::WorkspaceBinding, Action::Write)?;
    let (home, name) = (request.param(0), request.param(1));
    call.may(Resource::WorkspaceBinding, Action::Write, &Scope::owned(home))?;
    let Expiry { expiry_date } = request.body()?;
    for kind in [WORKSPACE_USER, WORKSPACE_GROUP] {
        let found = objects::by_key(tx, kind, name)?.filter(|object| object.owner() == home);
        let Some(object) = found else { continue };
        if kind == WORKSPACE_USER {
            with_expiry::<WorkspaceUser>(tx, call, (object, expiry_date))?;
        } else {
            with_expiry::<WorkspaceGroup>(tx, call, (object, expiry_date))?;
        }
        return Ok(Reply::empty(http::StatusCode::NO_CONTENT));
    }
    Err(Refusal::missing(WORKSPACE_USER, name).into())
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let listed = |summary, tag| About {
        summary,
        tag,
        query: &[
            ("q", "In a name or address"),
            ("expiresWithin", "Over within so many days, or over already"),
            ("page", "Page"),
            ("size", "Page size"),
        ],
        response: Some("TeamMember"),
        embedded: Some("members"),
        produces: Some(media::JSON),
        success: &[200],
        errors: &[400, 403, 404],
        ..About::default()
    };
    vec![
        Route::read(Method::GET, "/api/stoa/v1/workspaces/{identifier}/team", of_workspace).about(About {
            permission: Some((Resource::WorkspaceBinding, Action::Read)),
            ..listed("Who has a role in a workspace", workspace::KIND)
        }),
        Route::read(Method::GET, "/api/stoa/v1/projects/{identifier}/team", of_project).about(About {
            permission: Some((Resource::ProjectBinding, Action::Read)),
            ..listed("Who has a role in a project", project::KIND)
        }),
        Route::read(Method::GET, "/api/stoa/v1/people", search).about(About {
            summary: "Users and groups that could be given a role, a few at a time",
            tag: "identity",
            query: &[("q", "In a name or address"), ("workspace", "Whose groups, of administrators")],
            response: Some("PeopleFound"),
            produces: Some(media::JSON),
            success: &[200],
            errors: &[403],
            permission: Some((Resource::WorkspaceBinding, Action::Write)),
            ..About::default()
        }),
        Route::write(Method::PUT, "/api/stoa/v1/workspaces/{identifier}/team/{binding}/expiry", set_expiry)
            .takes(Takes::Json(BODY_MAX))
            .about(About {
                summary: "Set the last day of a role in a workspace",
                tag: workspace::KIND,
                request: Some("BindingExpiry"),
                success: &[204],
                errors: &[400, 403, 404],
                permission: Some((Resource::WorkspaceBinding, Action::Write)),
                example: Some(json!({ "expiryDate": "2097-01-01" })),
                ..About::default()
            }),
    ]
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Subject>();
    schemas.add::<Found>();
    schemas.add::<Member>();
    schemas.add::<Expiry>();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_found_as_it_is() {
        assert_eq!(pattern(" Ada_! "), "%ada!_!!%");
        assert_eq!(pattern("  "), "");
    }
}
