//! Bindings: a user's or group's role in a workspace or project (`api-core.md` §3.3 to §3.7). Four kinds of one
//! shape: what each adds is in its [`Form`].

mod rules;
mod wire;

use crate::{project, workspace};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::marker::PhantomData;
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Call, Fault, Outcome, Resource, Scope, work};
use stoa_db::{Sql, Tx};
use stoa_identity::appointment::{self, Going};
use stoa_identity::binding::{self, Binding, EXPIRY, ROLE, SUBJECT, Subject, TARGET};
use stoa_identity::people;
use stoa_identity::role::AdminRole;
use stoa_web::import::is_made_up;
use stoa_web::kind::{self, Deleted, Writes, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request, body};
use utoipa::ToSchema;
use wire::{Asked, OfProject, OfWorkspace};

/// Roles in a workspace (`api-core.md` §2.7).
pub const WORKSPACE_ROLES: [&str; 3] = [rules::OWNER, "Workspace Manager", "Workspace Member"];

/// What tells one kind of binding from the others.
pub trait Form: Send + Sync + 'static {
    /// The kind.
    const NAME: &'static str;
    /// Version served.
    const VERSIONS: &'static [&'static str];
    /// Path of the collection.
    const COLLECTION: &'static str;
    /// What its permissions are about.
    const RESOURCE: Resource;
    /// Filters of the list.
    const FILTERS: &'static [(&'static str, &'static str)];
    /// Name of its schema.
    const SCHEMA: &'static str;
    /// Whether groups are bound rather than users.
    const OF_GROUP: bool;
    /// A body on the wire.
    type Wire: DeserializeOwned + ToSchema + Into<Asked>;
    /// A body that would be accepted.
    fn example() -> Value;
}

const WORKSPACE_FILTERS: &[(&str, &str)] = &[
    ("username", "Of this user; bindings of groups: of a group that the user belongs to"),
    ("workspaceRole", "Exact name of the role"),
    ("workspaceIdentifier", "In this workspace"),
];
const PROJECT_FILTERS: &[(&str, &str)] = &[
    ("workspaceIdentifier", "In projects of this workspace"),
    ("projectIdentifier", "In this project of workspaceIdentifier"),
];

/// meshWorkspaceUserBinding.
pub struct WorkspaceUser;
/// meshWorkspaceGroupBinding.
pub struct WorkspaceGroup;
/// meshProjectUserBinding.
pub struct ProjectUser;
/// meshProjectGroupBinding.
pub struct ProjectGroup;

impl Form for WorkspaceUser {
    const NAME: &'static str = binding::WORKSPACE_USER;
    const VERSIONS: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshworkspacebindings/userbindings";
    const RESOURCE: Resource = Resource::WorkspaceBinding;
    const FILTERS: &'static [(&'static str, &'static str)] = WORKSPACE_FILTERS;
    const SCHEMA: &'static str = "WorkspaceBinding";
    const OF_GROUP: bool = false;
    type Wire = OfWorkspace;

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": Self::NAME,
            "metadata": { "name": "orchard-mgr-lea" },
            "roleRef": { "name": "Workspace Manager" },
            "targetRef": { "name": "orchard" },
            "subject": { "name": "lea@fruit.example" },
        })
    }
}

impl Form for WorkspaceGroup {
    const NAME: &'static str = binding::WORKSPACE_GROUP;
    const VERSIONS: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshworkspacebindings/groupbindings";
    const RESOURCE: Resource = Resource::WorkspaceBinding;
    const FILTERS: &'static [(&'static str, &'static str)] = WORKSPACE_FILTERS;
    const SCHEMA: &'static str = "WorkspaceBinding";
    const OF_GROUP: bool = true;
    type Wire = OfWorkspace;

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": Self::NAME,
            "metadata": { "name": "orchard-members-pickers" },
            "roleRef": { "name": "Workspace Member" },
            "targetRef": { "name": "orchard" },
            "subject": { "name": "pickers" },
        })
    }
}

impl Form for ProjectUser {
    const NAME: &'static str = binding::PROJECT_USER;
    const VERSIONS: &'static [&'static str] = &["v3"];
    const COLLECTION: &'static str = "meshprojectbindings/userbindings";
    const RESOURCE: Resource = Resource::ProjectBinding;
    const FILTERS: &'static [(&'static str, &'static str)] = PROJECT_FILTERS;
    const SCHEMA: &'static str = "ProjectBinding";
    const OF_GROUP: bool = false;
    type Wire = OfProject;

    fn example() -> Value {
        json!({
            "apiVersion": "v3",
            "kind": Self::NAME,
            "metadata": { "name": "press-dev-lea" },
            "roleRef": { "name": "Project Admin" },
            "targetRef": { "name": "press-dev", "ownedByWorkspace": "orchard" },
            "subject": { "name": "lea@fruit.example" },
        })
    }
}

impl Form for ProjectGroup {
    const NAME: &'static str = binding::PROJECT_GROUP;
    const VERSIONS: &'static [&'static str] = &["v3"];
    const COLLECTION: &'static str = "meshprojectbindings/groupbindings";
    const RESOURCE: Resource = Resource::ProjectBinding;
    const FILTERS: &'static [(&'static str, &'static str)] = PROJECT_FILTERS;
    const SCHEMA: &'static str = "ProjectBinding";
    const OF_GROUP: bool = true;
    type Wire = OfProject;

    fn example() -> Value {
        json!({
            "apiVersion": "v3",
            "kind": Self::NAME,
            "metadata": { "name": "press-dev-pickers" },
            "roleRef": { "name": "Project Reader" },
            "targetRef": { "name": "press-dev", "ownedByWorkspace": "orchard" },
            "subject": { "name": "pickers" },
        })
    }
}

/// A kind of binding.
pub struct Bindings<F>(PhantomData<F>);

/// Bindings of a user, or of the groups a user belongs to.
const OF_USER: &str = "SELECT s.source FROM object u
    JOIN reference s ON s.target = u.id AND s.relation = 'subject'
    WHERE u.kind = 'meshUser' AND u.key = ? AND u.deleted_at IS NULL";
const OF_USERS_GROUPS: &str = "SELECT s.source FROM object u
    JOIN reference m ON m.target = u.id AND m.relation = 'member'
    JOIN reference s ON s.target = m.source AND s.relation = 'subject'
    WHERE u.kind = 'meshUser' AND u.key = ? AND u.deleted_at IS NULL";

/// The workspace or project that a binding is about.
fn target<F: Form>(tx: &mut Tx, asked: &Asked) -> Outcome<Object> {
    if F::RESOURCE == Resource::ProjectBinding {
        project::living(tx, asked.workspace(), &asked.target.name)
    } else {
        workspace::living(tx, asked.workspace())
    }
}

/// A binding as stored, with those told who look at what people may do.
fn draft<F: Form>(
    tx: &mut Tx,
    call: &Call,
    home: &str,
    binding: &Binding,
    role: rules::Role,
    target: &Object,
) -> Outcome<Draft> {
    let holder = binding::holder(binding.subject.uuid, target.id);
    let mut facets = vec![("role", role.name), (binding::HOLDER, holder)];
    let mut references = vec![(SUBJECT, binding.subject.uuid), (TARGET, target.id)];
    if F::RESOURCE == Resource::ProjectBinding {
        facets.push(("project", target.key.clone()));
    }
    references.extend(role.object.map(|role| (ROLE, role)));
    if let Some(day) = &binding.expiry_date {
        facets.push((EXPIRY, day.clone()));
        work::schedule(tx, people::CHANGED, home, rules::end_of(day)?)?;
    }
    binding::changed(tx, call, binding)?;
    Ok(Draft { doc: serde_json::to_value(binding)?, status: json!({}), facets, references })
}

/// The declarative import of a binding (`api-core.md` §5). One that has no name of its own may be there under
/// another one.
pub fn import<F: Form>(
    tx: &mut Tx,
    call: &Call,
    given: &Value,
    version: &'static str,
    name: &str,
) -> Outcome<()> {
    call.may_at_all(F::RESOURCE, Action::Write)?;
    let mut there = None;
    if is_made_up(name) && objects::by_key(tx, F::NAME, name)?.is_none() {
        let asked: Asked = body::typed::<F::Wire>(given.clone())?.into();
        let (subject, target) = (rules::subject::<F>(tx, &asked)?, target::<F>(tx, &asked)?);
        let role = rules::role::<F>(tx, call, &asked)?;
        there = rules::same::<F>(tx, (&subject, &target), &role.name)?;
    }
    kind::apply::<Bindings<F>>(tx, call, given, version, there.as_deref().unwrap_or(name)).map(|_| ())
}

impl<F: Form> Kind for Bindings<F> {
    const NAME: &'static str = F::NAME;
    const VERSIONS: &'static [&'static str] = F::VERSIONS;
    const COLLECTION: &'static str = F::COLLECTION;
    const RESOURCE: Resource = F::RESOURCE;
    const WRITES: Writes = Writes::NoUpdate;
    const FILTERS: &'static [(&'static str, &'static str)] = F::FILTERS;
    const REQUEST: &'static str = F::SCHEMA;
    const RESPONSE: &'static str = F::SCHEMA;
    const ID: &'static str = "name";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<F::Wire>();
    }

    fn example() -> Value {
        F::example()
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<F::Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, F::NAME, id)
    }

    fn scope(object: &Object) -> Scope<'_> {
        let of_project = F::RESOURCE == Resource::ProjectBinding;
        let name = object.doc.pointer("/targetRef/name").and_then(Value::as_str);
        Scope::in_project(object.owner(), name.filter(|_| of_project))
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let mut query = Query::of(F::NAME, seen);
        let workspace = request.query("workspaceIdentifier");
        query.workspace = workspace.map(Into::into);
        if F::RESOURCE == Resource::ProjectBinding {
            if let Some(project) = request.query("projectIdentifier") {
                let Some(workspace) = workspace else {
                    let problem = "needs workspaceIdentifier beside it";
                    return Err(Refusal::invalid("projectIdentifier", problem).into());
                };
                query = query.with("project", Some(&format!("{workspace}.{project}")));
            }
            return Ok(query);
        }
        query = query.with("role", request.query("workspaceRole"));
        if let Some(username) = request.query("username") {
            let bindings = if F::OF_GROUP { OF_USERS_GROUPS } else { OF_USER };
            query = query.within(bindings, vec![username.to_owned()]);
        }
        Ok(query)
    }

    fn gather(tx: &mut Tx, _: &Call, objects: &mut [Object]) -> Outcome<()> {
        if objects.is_empty() {
            return Ok(());
        }
        let places: Vec<String> = (1..=objects.len()).map(|place| format!("${place}")).collect();
        let sql = Sql::built(format!(
            "SELECT r.source, r.relation, o.key, o.doc FROM reference r JOIN object o ON o.id = r.target
             WHERE r.relation IN ('subject', 'target') AND r.source IN ({})",
            places.join(", ")
        ));
        let values: Vec<_> = objects.iter().map(|object| object.id.0.into()).collect();
        let mut found: HashMap<(String, String), (String, String)> = HashMap::new();
        for (source, relation, key, doc) in
            tx.all(&sql, &values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        {
            found.insert((source, relation), (key, doc));
        }
        for object in objects {
            let mut of = |relation: &str| {
                let leaning = found.remove(&(object.id.to_string(), relation.to_owned()));
                leaning.ok_or(Fault::Corrupt { what: "binding" })
            };
            let ((mut subject, _), (_, target)) = (of(SUBJECT)?, of(TARGET)?);
            if F::OF_GROUP {
                subject = subject.split_once('.').map_or(subject.clone(), |(_, name)| name.to_owned());
            }
            let target: Value = serde_json::from_str(&target)?;
            object.gathered = json!({ "subject": subject, "displayName": target["displayName"] });
        }
        Ok(())
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let Binding { role_ref, target_ref, expiry_date, .. } = object.doc()?;
        let mut target = json!({ "name": target_ref.name, "displayName": object.gathered["displayName"] });
        if let Some(owner) = target_ref.owned_by_workspace {
            target["ownedByWorkspace"] = json!(owner);
        }
        let mut shown = json!({
            "metadata": { "name": object.key },
            "roleRef": role_ref,
            "targetRef": target,
            "subject": { "name": object.gathered["subject"] },
        });
        if let Some(day) = expiry_date {
            shown["expiryDate"] = json!(day);
        }
        Ok(shown)
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let asked: Asked = request.body::<F::Wire>()?.into();
        let home = asked.workspace().to_owned();
        let allowed = call.may(F::RESOURCE, Action::Write, &Scope::owned(&home))?;
        let of_project = F::RESOURCE == Resource::ProjectBinding;
        rules::check_form::<F>(&asked)?;
        let expiry = rules::expiry(call, &asked)?;
        if !of_project {
            rules::check_appointment::<F>(tx, call, &asked, allowed)?;
        }
        // What is not there is told before what does not fit.
        let target = target::<F>(tx, &asked)?;
        let role = rules::role::<F>(tx, call, &asked)?;
        let subject = rules::subject::<F>(tx, &asked)?;
        // From here on, one after the other in each workspace.
        let held = workspace::hold_alone(tx, &home)?;
        if of_project {
            rules::refuse_strangers::<F>(tx, call, &asked, (&subject, &held))?;
        } else {
            rules::refuse_too_many_owners(tx, call, &asked)?;
        }
        rules::refuse_twice::<F>(tx, (&subject, &target), &role.name)?;

        let name = asked.name.clone().unwrap_or_else(|| ObjectId::new().to_string());
        let binding = Binding {
            role_ref: asked.role,
            target_ref: asked.target,
            subject: Subject { name: asked.subject, uuid: subject.id },
            expiry_date: expiry,
        };
        let draft = draft::<F>(tx, call, &home, &binding, role, &target)?;
        let told = Told::new(binding::title(F::NAME, true), binding::sentence(&binding, "became"));
        objects::insert(tx, call, allowed, (ObjectId::new(), F::NAME, &name, Some(&home)), draft, told)
    }

    /// No path leads here, but the declarative import: another last day is a change, anything else is another
    /// binding.
    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(F::RESOURCE, Action::Write, &Self::scope(&object))?;
        let asked: Asked = request.body::<F::Wire>()?.into();
        rules::check_form::<F>(&asked)?;
        let mut binding: Binding = object.doc()?;
        let subject = rules::subject::<F>(tx, &asked)?;
        let is_same = binding.role_ref.name == asked.role.name
            && binding.target_ref.name == asked.target.name
            && binding.target_ref.owned_by_workspace == asked.target.owned_by_workspace
            && binding.subject.uuid == subject.id;
        if !is_same {
            return Err(Refusal::WrongMethod { allow: "GET, DELETE".into() }.into());
        }
        if asked.expiry == binding.expiry_date {
            return Ok(object);
        }
        if F::RESOURCE == Resource::WorkspaceBinding {
            rules::check_appointment::<F>(tx, call, &asked, allowed)?;
        }
        binding.expiry_date = rules::expiry(call, &asked)?;
        if binding.expiry_date.is_some() {
            Self::refuse_last_admin(tx, call, &object, &binding)?;
        }
        let target = target::<F>(tx, &asked)?;
        let role = rules::role::<F>(tx, call, &asked)?;
        let home = asked.workspace().to_owned();
        workspace::hold_alone(tx, &home)?;
        let draft = draft::<F>(tx, call, &home, &binding, role, &target)?;
        let told = Told::new(
            binding::title_of_change(F::NAME),
            binding::sentence(&binding, "is, until another day,"),
        );
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let subject = Self::end(tx, call, &object)?;
        Self::prune(tx, call, object.owner(), subject)?;
        Ok(Deleted::Now)
    }

    fn remake(tx: &mut Tx, call: &Call, request: &Request, object: Object) -> Outcome<Object> {
        let subject = Self::end(tx, call, &object)?;
        let made = Self::create(tx, call, request)?;
        // Who has another role in the workspace now has not left it in between.
        Self::prune(tx, call, object.owner(), subject)?;
        Ok(made)
    }
}

impl<F: Form> Bindings<F> {
    /// Ends a binding, and nothing that follows from it; says whose it was.
    fn end(tx: &mut Tx, call: &Call, object: &Object) -> Outcome<ObjectId> {
        let allowed = call.may(F::RESOURCE, Action::Delete, &Self::scope(object))?;
        let binding: Binding = object.doc()?;
        workspace::hold_alone(tx, object.owner())?;
        if F::RESOURCE == Resource::WorkspaceBinding {
            if binding.role_ref.name.parse::<AdminRole>().is_ok() {
                appointment::refuse_admin_by_others(call)?;
            }
            Self::refuse_last_admin(tx, call, object, &binding)?;
            let of = (object.id, binding.subject.uuid, binding.role_ref.name.as_str());
            appointment::check_removal(tx, call, object.owner(), of, allowed)?;
        }
        let told = Told::new(binding::title(F::NAME, false), binding::sentence(&binding, "is no longer"));
        objects::remove(tx, call, allowed, object, told)?;
        binding::changed(tx, call, &binding)?;
        Ok(binding.subject.uuid)
    }

    /// The organization keeps an administrator.
    fn refuse_last_admin(tx: &mut Tx, call: &Call, object: &Object, binding: &Binding) -> Outcome<()> {
        let is_admin = binding.role_ref.name == AdminRole::OrganizationAdmin.name();
        if F::RESOURCE == Resource::WorkspaceBinding && is_admin {
            appointment::refuse_last_admin(tx, call, &Going::Binding(object.id))?;
        }
        Ok(())
    }

    /// What follows for whoever may have lost the last binding to a workspace.
    fn prune(tx: &mut Tx, call: &Call, home: &str, subject: ObjectId) -> Outcome<()> {
        if F::RESOURCE == Resource::WorkspaceBinding {
            binding::prune(tx, call, home, subject)?;
        }
        Ok(())
    }
}
