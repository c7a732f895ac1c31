//! meshWorkspaceUserGroup: people who hold roles together (`api-core.md` §3.9, `domain-organization.md` §2.2).
//! Clients only read it; the declarative import writes it with [`save`] and [`delete`].

use crate::{appointment, binding, people, user};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use stoa_base::{ObjectId, Refusal, check_identifier};
use stoa_core::feed::{self, Deed, Entry};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::secrets::redacted;
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Call, Fault, Outcome, Resource, Scope};
use stoa_db::{Sql, Tx};
use stoa_web::kind::{Deleted, Writes};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request, body};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshWorkspaceUserGroup";
/// Owner of global groups, which may be bound in every workspace.
pub const GLOBAL: &str = "meshcloud-global-partner";
/// Longest identifier.
const IDENTIFIER_MAX: usize = 64;
/// Facet with the bare identifier.
const NAME: &str = "name";

/// A group as stored. Its key is `<workspace>.<group>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    egid: Option<String>,
    members: Vec<ObjectId>,
    tags: Map<String, Value>,
}

/// Name and owner of a group.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupMetadata {
    /// Identifier, unique within its owner.
    name: String,
    /// The workspace, or `meshcloud-global-partner`.
    owned_by_workspace: String,
}

/// Declared part of a group.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupSpec {
    /// For people.
    display_name: String,
    /// External group id, unique when set.
    #[schema(nullable = false)]
    egid: Option<String>,
    /// Usernames.
    members: Vec<String>,
    /// Tags; groups may be tagged freely.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
}

/// A group on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WorkspaceUserGroup)]
pub struct Wire {
    /// Name and owner.
    metadata: GroupMetadata,
    /// Declared part.
    spec: GroupSpec,
}

/// Whoever gives an external id does so alone; the writer of SQLite is alone anyway.
const ALONE: Sql = Sql::differs("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7305811)) held");

/// A conflict when another group has this external id.
fn refuse_taken(tx: &mut Tx, egid: &str, own: Option<ObjectId>) -> Outcome<()> {
    tx.all(&ALONE, &[], |_| Ok(()))?;
    let seen = Visibility { all: true, ..Visibility::default() };
    let same = listing::list(tx, &Query::of(KIND, seen).with("egid", Some(egid)), &Page::first(2))?;
    if same.items.iter().any(|other| Some(other.id) != own) {
        return Err(Refusal::conflict(format!("Another group has the egid '{egid}'.")).into());
    }
    Ok(())
}

/// The users with these names, each once, in this order; whom nobody knows is named in the refusal.
fn members(tx: &mut Tx, names: &[String]) -> Outcome<Vec<ObjectId>> {
    const FIELD: &str = "spec.members";
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in names {
        match objects::hold(tx, user::KIND, name)? {
            Some(user) if found.contains(&user.id) => {}
            Some(user) => found.push(user.id),
            None => unknown.push(format!("'{name}'")),
        }
    }
    if unknown.is_empty() {
        return Ok(found);
    }
    Err(Refusal::invalid(FIELD, format!("names nobody by {}", unknown.join(", "))).into())
}

/// Whoever is in a group of administrators is one, so those are for organization admins.
fn refuse_admins_by_others(tx: &mut Tx, call: &Call, owner: &str, key: &str) -> Outcome<()> {
    let admins = &call.world.settings.admin_workspace;
    let mut administers = owner == admins.as_str();
    if let Some(group) = objects::by_key(tx, KIND, key)?.filter(|_| !administers) {
        let held = objects::referrers(tx, group.id, Some(binding::SUBJECT), 500)?;
        administers = held.iter().any(|binding| binding.owner() == admins.as_str());
    }
    if administers { Ok(appointment::refuse_admin_by_others(call)?) } else { Ok(()) }
}

/// Creates or replaces a group, members and all; says whether it was created. The declarative import calls it,
/// and whoever may import may do this.
pub fn save(tx: &mut Tx, call: &Call, given: Value) -> Outcome<(Object, bool)> {
    let allowed = call.may(Resource::Workspace, Action::Write, &Scope::installation())?;
    let wire: Wire = body::typed(given)?;
    let GroupMetadata { name, owned_by_workspace: owner } = wire.metadata;
    check_identifier(&name, IDENTIFIER_MAX)
        .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
    if wire.spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    refuse_admins_by_others(tx, call, &owner, &format!("{owner}.{name}"))?;
    let members = members(tx, &wire.spec.members)?;
    let mut references: Vec<_> = members.iter().map(|member| (binding::MEMBER, *member)).collect();
    if owner != GLOBAL {
        let home = objects::hold(tx, "meshWorkspace", &owner)?;
        let home = home.ok_or_else(|| Refusal::missing("meshWorkspace", &owner))?;
        references.push(("owner", home.id));
    }
    let key = format!("{owner}.{name}");
    let old = match objects::by_key(tx, KIND, &key)? {
        Some(old) => objects::by_id_for_update(tx, KIND, old.id)?,
        None => None,
    };
    let before: Option<Group> = old.as_ref().map(Object::doc).transpose()?;
    let mut facets = vec![(NAME, name.clone())];
    let egid = wire.spec.egid.filter(|egid| !egid.is_empty());
    if let Some(egid) = &egid {
        refuse_taken(tx, egid, old.as_ref().map(|old| old.id))?;
        facets.push(("egid", egid.clone()));
    }
    let stored = before.as_ref().map(|before| &before.tags);
    let tags = tags::admit(tx, call, allowed, Target::Principal, "spec.tags", wire.spec.tags, stored)?;
    let group = Group { name, display_name: wire.spec.display_name, egid, members, tags };
    let draft = Draft { doc: serde_json::to_value(&group)?, status: json!({}), facets, references };
    let (Some(old), Some(before)) = (old, before) else {
        let told = Told::new("Workspace Group Members Added", format!("Group '{key}' was created."));
        let made =
            objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &key, Some(&owner)), draft, told)?;
        return Ok((made, true));
    };
    if before == group {
        return Ok((old, false));
    }
    let gone: Vec<ObjectId> =
        before.members.iter().filter(|member| !group.members.contains(member)).copied().collect();
    let came = group.members.iter().any(|member| !before.members.contains(member));
    let title = match (came, gone.is_empty()) {
        (false, false) => "Workspace Group Members Removed",
        (true, _) | (false, true) => "Workspace Group Members Added",
    };
    let told = Told::new(title, format!("Group '{key}' was changed."));
    let object = objects::replace(tx, call, allowed, &old, draft, told)?;
    if came && !gone.is_empty() {
        let entry = Entry {
            title: Some("Workspace Group Members Removed"),
            description: format!("{} left group '{key}'.", gone.len()),
            content: redacted(&object.doc).to_string(),
            previous: Some(redacted(&old.doc).to_string()),
            ..Entry::plain(KIND, object.id, object.workspace.as_deref(), Deed::Changed)
        };
        feed::record(tx, call, entry)?;
    }
    for home in people::homes(tx, object.id)? {
        for member in &gone {
            binding::prune(tx, call, &home, *member)?;
        }
        people::changed(tx, call, &home)?;
    }
    Ok((object, false))
}

/// The declarative import of a group.
pub fn import(tx: &mut Tx, call: &Call, given: &Value, _: &'static str, _: &str) -> Outcome<()> {
    body::check_strings(given, Groups::LONG)?;
    save(tx, call, given.clone()).map(|_| ())
}

/// Deletes the group of this key because an import of its collection misses it.
pub fn drop_missing(tx: &mut Tx, call: &Call, _: &'static str, key: &str) -> Outcome<()> {
    call.may(Resource::Workspace, Action::Write, &Scope::installation())?;
    match objects::by_key(tx, KIND, key)? {
        Some(group) => delete(tx, call, &group, "is missing from its collection"),
        None => Ok(()),
    }
}

/// Deletes a group, and what it holds everywhere with it.
pub fn delete(tx: &mut Tx, call: &Call, object: &Object, why: &str) -> Outcome<()> {
    let homes = people::homes(tx, object.id)?;
    let group: Group = object.doc()?;
    binding::dissolve_all_of(tx, call, object.id, "is deleted, and lost")?;
    let call = call.as_system();
    let allowed = call.may(Resource::Workspace, Action::Write, &Scope::installation())?;
    let told = Told::new("Workspace Group Members Removed", format!("Group '{}' {why}.", object.key));
    objects::remove(tx, &call, allowed, object, told)?;
    for home in homes {
        for member in &group.members {
            binding::prune(tx, &call, &home, *member)?;
        }
        people::changed(tx, &call, &home)?;
    }
    Ok(())
}

/// Takes a user out of every group; what groups hold is not the user's any more.
pub fn leave_all(tx: &mut Tx, call: &Call, user: ObjectId) -> Outcome<()> {
    let call = call.as_system();
    let allowed = call.may(Resource::Workspace, Action::Write, &Scope::installation())?;
    for found in objects::referrers(tx, user, Some(binding::MEMBER), i64::MAX)? {
        let Some(object) = objects::by_id_for_update(tx, KIND, found.id)? else { continue };
        let mut group: Group = object.doc()?;
        group.members.retain(|member| *member != user);
        let draft = redrafted(tx, &object, &group)?;
        let told = Told::new(
            "Workspace Group Members Removed",
            format!("A deleted user left group '{}'.", object.key),
        );
        objects::replace(tx, &call, allowed, &object, draft, told)?;
        people::changed_everywhere(tx, &call, object.id)?;
    }
    Ok(())
}

/// The global groups that a user is a member of.
pub fn global_of(tx: &mut Tx, user: ObjectId) -> Outcome<Vec<Object>> {
    let found = objects::referrers(tx, user, Some(binding::MEMBER), i64::MAX)?;
    Ok(found.into_iter().filter(|object| object.kind == KIND && object.owner() == GLOBAL).collect())
}

/// The global groups with this identifier or external id.
pub fn global_named(tx: &mut Tx, named: &str) -> Outcome<Vec<Object>> {
    let mut found: Vec<Object> =
        objects::by_key(tx, KIND, &format!("{GLOBAL}.{named}"))?.into_iter().collect();
    let seen = Visibility { all: true, ..Visibility::default() };
    let mut by_egid = Query::of(KIND, seen).with("egid", Some(named));
    by_egid.workspace = Some(GLOBAL.into());
    found.extend(listing::list(tx, &by_egid, &Page::first(1))?.items);
    found.dedup_by_key(|object| object.id);
    Ok(found)
}

/// Puts a user into a group, or takes them out; says whether that changed anything.
pub fn set_member(
    tx: &mut Tx,
    call: &Call,
    group: ObjectId,
    user: ObjectId,
    is_member: bool,
) -> Outcome<bool> {
    let call = call.as_system();
    let allowed = call.may(Resource::Workspace, Action::Write, &Scope::installation())?;
    let Some(object) = objects::by_id_for_update(tx, KIND, group)? else { return Ok(false) };
    let mut group: Group = object.doc()?;
    if group.members.contains(&user) == is_member {
        return Ok(false);
    }
    let (title, deed) = if is_member {
        group.members.push(user);
        ("Workspace Group Members Added", "joined")
    } else {
        group.members.retain(|member| *member != user);
        ("Workspace Group Members Removed", "left")
    };
    let told = Told::new(title, format!("A user {deed} group '{}' at sign-in.", object.key));
    let draft = redrafted(tx, &object, &group)?;
    objects::replace(tx, &call, allowed, &object, draft, told)?;
    for home in people::homes(tx, object.id)? {
        if !is_member {
            binding::prune(tx, &call, &home, user)?;
        }
        people::changed(tx, &call, &home)?;
    }
    Ok(true)
}

/// A group whose members changed, to be stored.
fn redrafted(tx: &mut Tx, object: &Object, group: &Group) -> Outcome<Draft> {
    let mut references: Vec<_> = group.members.iter().map(|member| (binding::MEMBER, *member)).collect();
    if let Some(home) = objects::by_key(tx, "meshWorkspace", object.owner())? {
        references.push(("owner", home.id));
    }
    let mut facets = vec![(NAME, group.name.clone())];
    facets.extend(group.egid.clone().map(|egid| ("egid", egid)));
    Ok(Draft { doc: serde_json::to_value(group)?, status: Value::Null, facets, references })
}

/// The kind.
pub struct Groups;

impl Kind for Groups {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1"];
    const COLLECTION: &'static str = "meshworkspaceusergroups";
    const RESOURCE: Resource = Resource::WorkspaceGroup;
    const WRITES: Writes = Writes::ReadOnly;
    const FILTERS: &'static [(&'static str, &'static str)] =
        &[("workspaceIdentifier", "Owning workspace"), ("username", "Groups of this user")];
    const REQUEST: &'static str = "WorkspaceUserGroup";
    const RESPONSE: &'static str = "WorkspaceUserGroup";
    const ID: &'static str = "identifier";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": { "name": "pickers", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "Pickers", "members": ["lea@fruit.example"] },
        })
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, KIND, id)
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let mut query = Query::of(KIND, seen);
        query.workspace = request.query("workspaceIdentifier").map(Into::into);
        if let Some(username) = request.query("username") {
            query = query.within(
                "SELECT m.source FROM object u JOIN reference m ON m.target = u.id AND m.relation = 'member'
                 WHERE u.kind = 'meshUser' AND u.key = ? AND u.deleted_at IS NULL",
                vec![username.to_owned()],
            );
        }
        Ok(query)
    }

    fn gather(tx: &mut Tx, _: &Call, objects: &mut [Object]) -> Outcome<()> {
        if objects.is_empty() {
            return Ok(());
        }
        let places: Vec<String> = (1..=objects.len()).map(|place| format!("${place}")).collect();
        let sql = Sql::built(format!(
            "SELECT DISTINCT u.id, u.key FROM reference m JOIN object u ON u.id = m.target
             WHERE m.relation = 'member' AND m.source IN ({})",
            places.join(", ")
        ));
        let values: Vec<_> = objects.iter().map(|object| object.id.0.into()).collect();
        let names: HashMap<String, String> =
            tx.all(&sql, &values, |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect();
        for object in objects {
            let group: Group = object.doc()?;
            let members: Vec<_> =
                group.members.iter().filter_map(|member| names.get(&member.to_string())).collect();
            object.gathered = json!({ "members": members });
        }
        Ok(())
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let group: Group = object.doc()?;
        let members = object.gathered.get("members").ok_or(Fault::Corrupt { what: "group" })?;
        let mut spec = json!({ "displayName": group.display_name, "members": members, "tags": group.tags });
        if let Some(egid) = group.egid {
            spec["egid"] = json!(egid);
        }
        Ok(json!({ "metadata": { "name": group.name, "ownedByWorkspace": object.owner() }, "spec": spec }))
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        let (owner, name) = object.key.split_once('.').unwrap_or_default();
        vec![
            ("meshworkspace", format!("/api/meshobjects/meshworkspaces/{owner}")),
            ("meshusers", format!("/api/meshobjects/meshusers?workspaceUserGroupIdentifier={name}")),
        ]
    }

    fn create(_: &mut Tx, _: &Call, _: &Request) -> Outcome<Object> {
        Err(Refusal::WrongMethod { allow: "GET".into() }.into())
    }

    fn delete(_: &mut Tx, _: &Call, _: &Request, _: Object) -> Outcome<Deleted> {
        Err(Refusal::WrongMethod { allow: "GET".into() }.into())
    }
}
