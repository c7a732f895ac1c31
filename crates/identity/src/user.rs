//! meshUser: a person (`api-core.md` §3.8).

use crate::appointment::{self, Going};
use crate::{binding, group, holding, people, session};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::{Sql, Tx};
use stoa_web::kind::Deleted;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request, hal};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshUser";
/// State of a user who cannot sign in.
pub const DISABLED: &str = "DISABLED";
/// Declared part of a user.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserSpec {
    /// E-mail address; several users may share one.
    email: String,
    /// First name.
    first_name: String,
    /// Last name.
    last_name: String,
    /// External user id, unique when set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    euid: Option<String>,
    /// Tags; people may be tagged freely.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
}

/// A user as stored.
#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    #[serde(flatten)]
    spec: &'a UserSpec,
}

/// Name of a user.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UserMetadata {
    /// Username. In a PUT another name renames.
    name: String,
    /// Set by the server, stable over renames.
    #[schema(nullable = false)]
    uuid: Option<String>,
}

/// A user on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = User)]
pub struct Wire {
    /// Name.
    metadata: UserMetadata,
    /// Declared part.
    spec: UserSpec,
}

fn checked(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    wire: &mut Wire,
    old: Option<&Object>,
) -> Outcome<Draft> {
    let own = old.map(|old| old.id);
    let name = &wire.metadata.name;
    if name.trim().is_empty() || name.contains('/') || name.chars().any(char::is_control) {
        return Err(Refusal::invalid("metadata.name", "must be printable, not blank and without `/`").into());
    }
    let spec = &mut wire.spec;
    let plausible = spec.email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !spec.email.contains(' ')
    });
    if !plausible {
        return Err(Refusal::invalid("spec.email", "must be an e-mail address").into());
    }
    let given = std::mem::take(&mut spec.tags);
    let before = old.and_then(|old| old.doc.get("tags")).and_then(Value::as_object);
    spec.tags = tags::admit(tx, call, allowed, Target::Principal, "spec.tags", given, before)?;
    let mut facets = vec![
        ("email", spec.email.clone()),
        ("firstName", spec.first_name.clone()),
        ("lastName", spec.last_name.clone()),
    ];
    spec.euid = spec.euid.take().filter(|euid| !euid.is_empty());
    if let Some(euid) = &spec.euid {
        refuse_taken(tx, euid, own)?;
        facets.push(("euid", euid.clone()));
    }
    let doc = serde_json::to_value(User { name, spec })?;
    // What was observed of somebody stays.
    let status = if old.is_some() { Value::Null } else { json!({}) };
    Ok(Draft { doc, status, facets, references: Vec::new() })
}

/// Whoever gives or takes an external id does so alone; the writer of SQLite is alone anyway.
const ALONE: Sql = Sql::differs("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7305809)) held");

/// A conflict when somebody else has this external id.
fn refuse_taken(tx: &mut Tx, euid: &str, own: Option<ObjectId>) -> Outcome<()> {
    tx.all(&ALONE, &[], |_| Ok(()))?;
    let seen = Visibility { all: true, ..Visibility::default() };
    let same = listing::list(tx, &Query::of(KIND, seen).with("euid", Some(euid)), &Page::first(2))?;
    if same.items.iter().any(|other| Some(other.id) != own) {
        return Err(Refusal::conflict(format!("Another user has the euid '{euid}'.")).into());
    }
    Ok(())
}

/// Somebody to be known from now on.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Username.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// External user id.
    pub euid: Option<String>,
}

/// Makes somebody known who signs in for the first time.
pub fn provision(tx: &mut Tx, call: &Call, newcomer: Newcomer) -> Outcome<Object> {
    let call = call.as_system();
    let allowed = call.may(Resource::User, Action::Write, &Scope::installation())?;
    let Newcomer { username, email, first_name, last_name, euid } = newcomer;
    let spec = UserSpec { email, first_name, last_name, euid, tags: Map::new() };
    let mut wire = Wire { metadata: UserMetadata { name: username.clone(), uuid: None }, spec };
    let draft = checked(tx, &call, allowed, &mut wire, None)?;
    let told = Told::new("User Created", format!("User '{username}' was created at the first sign-in."));
    objects::insert(tx, &call, allowed, (ObjectId::new(), KIND, &username, None), draft, told)
}

/// Takes over what an identity provider says of somebody (US-08). Another username is for those who are linked to it,
/// if nobody else has it; an external id that somebody else has is left alone.
pub fn refresh(
    tx: &mut Tx,
    call: &Call,
    object: &Object,
    said: Newcomer,
    may_rename: bool,
) -> Outcome<Object> {
    let call = call.as_system();
    let allowed = call.may(Resource::User, Action::Write, &Scope::installation())?;
    let mut object = object.clone();
    if may_rename && said.username != object.key && objects::by_key(tx, KIND, &said.username)?.is_none() {
        objects::rekey(tx, allowed, &mut object, &said.username)?;
    }
    let mut spec: UserSpec = object.doc()?;
    let before = spec.clone();
    spec.email = said.email;
    for (field, given) in [(&mut spec.first_name, said.first_name), (&mut spec.last_name, said.last_name)] {
        if !given.is_empty() {
            *field = given;
        }
    }
    if let Some(euid) = said.euid.filter(|euid| before.euid.as_ref() != Some(euid)) {
        spec.euid = refuse_taken(tx, &euid, Some(object.id)).map_or(before.euid.clone(), |()| Some(euid));
    }
    let mut wire = Wire { metadata: UserMetadata { name: object.key.clone(), uuid: None }, spec };
    let draft = checked(tx, &call, allowed, &mut wire, Some(&object))?;
    let told = Told::new("User Changed", format!("User '{}' was changed at sign-in.", object.key));
    let changed = objects::replace(tx, &call, allowed, &object, draft, told)?;
    if changed.version != object.version {
        people::changed_everywhere(tx, &call, object.id)?;
    }
    Ok(changed)
}

/// Whether somebody may sign in from now on. Whoever may not is signed out at once.
pub fn set_state(tx: &mut Tx, call: &Call, object: &Object, enabled: bool) -> Outcome<Object> {
    let allowed = call.may(Resource::User, Action::Write, &Scope::installation())?;
    let (state, title, word) =
        if enabled { ("ACTIVE", "User Enabled", "enabled") } else { (DISABLED, "User Disabled", "disabled") };
    if !enabled {
        appointment::refuse_last_admin(tx, call, &Going::Person(object.id))?;
        session::end_all(tx, object.id, None)?;
    }
    let spec: UserSpec = object.doc()?;
    let mut facets =
        vec![("email", spec.email), ("firstName", spec.first_name), ("lastName", spec.last_name)];
    facets.extend(spec.euid.map(|euid| ("euid", euid)));
    let status = session::noted(&object.status, "state", json!(state));
    let draft = Draft { doc: (*object.doc).clone(), status, facets, references: Vec::new() };
    let told = Told::new(title, format!("User '{}' was {word}.", object.key));
    let changed = objects::replace(tx, call, allowed, object, draft, told)?;
    people::changed_everywhere(tx, call, object.id)?;
    Ok(changed)
}

/// The kind.
pub struct Users;

impl Kind for Users {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshusers";
    const RESOURCE: Resource = Resource::User;
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("uuid", "Exact uuid"),
        ("euid", "Exact external id"),
        ("username", "Exact username"),
        ("email", "Exact e-mail address"),
        ("firstName", "Exact first name"),
        ("lastName", "Exact last name"),
        ("workspaceIdentifier", "With any role in this workspace"),
        ("projectIdentifier", "With any role in this project of workspaceIdentifier"),
        ("platformIdentifier", "With access to a tenant on <platform>.<location>"),
        ("workspaceRole", "With this role in a workspace"),
        ("projectRole", "With this role in a project"),
        ("workspaceUserGroupIdentifier", "Members of this group; the only filter then"),
    ];
    const REQUEST: &'static str = "User";
    const RESPONSE: &'static str = "User";
    const ID: &'static str = "username";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": KIND,
            "metadata": { "name": "lea@fruit.example" },
            "spec": { "email": "lea@fruit.example", "firstName": "Lea", "lastName": "Apfel" },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, KIND, id)
    }

    fn query(call: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        if request.query("projectIdentifier").is_some() && request.query("workspaceIdentifier").is_none() {
            return Err(Refusal::invalid("projectIdentifier", "needs workspaceIdentifier beside it").into());
        }
        let given = Self::FILTERS.iter().filter(|(name, _)| request.query(name).is_some()).count();
        if request.query("workspaceUserGroupIdentifier").is_some() && given > 1 {
            return Err(Refusal::invalid("workspaceUserGroupIdentifier", "must be the only filter").into());
        }
        let mut query = Query::of(KIND, seen)
            .with("euid", request.query("euid"))
            .with("email", request.query("email"))
            .with("firstName", request.query("firstName"))
            .with("lastName", request.query("lastName"));
        query = holding::narrowed(query, request, call.now);
        query.key = request.query("username").map(Into::into);
        query.id = request.query("uuid").map(Into::into);
        Ok(query)
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let mut spec = (*object.doc).clone();
        if let Value::Object(spec) = &mut spec {
            spec.shift_remove("name");
        }
        Ok(json!({ "metadata": { "name": object.key, "uuid": object.id }, "spec": spec }))
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        let name = hal::encoded(&object.key);
        vec![("meshworkspaceusergroups", format!("/api/meshobjects/meshworkspaceusergroups?username={name}"))]
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let allowed = call.may(Resource::User, Action::Write, &Scope::installation())?;
        let mut wire: Wire = request.body()?;
        let draft = checked(tx, call, allowed, &mut wire, None)?;
        let name = wire.metadata.name;
        let told = Told::new("User Created", format!("User '{name}' was created."));
        objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &name, None), draft, told)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let allowed = call.may(Resource::User, Action::Write, &Scope::installation())?;
        let Some(mut object) = found else {
            let wire: Wire = request.body()?;
            if wire.metadata.name != id {
                return Err(Refusal::missing(KIND, id).into());
            }
            return Self::create(tx, call, request);
        };
        let mut wire: Wire = request.body()?;
        let draft = checked(tx, call, allowed, &mut wire, Some(&object))?;
        if wire.metadata.name != object.key {
            objects::rekey(tx, allowed, &mut object, &wire.metadata.name)?;
        }
        let told = Told::new("User Changed", format!("User '{}' was changed.", object.key));
        let changed = objects::replace(tx, call, allowed, &object, draft, told)?;
        if changed.version != object.version {
            people::changed_everywhere(tx, call, object.id)?;
        }
        Ok(changed)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::User, Action::Delete, &Scope::installation())?;
        appointment::refuse_last_admin(tx, call, &Going::Person(object.id))?;
        binding::dissolve_all_of(tx, call, object.id, "is deleted, and lost")?;
        group::leave_all(tx, call, object.id)?;
        let told = Told::new("User Deleted", format!("User '{}' was deleted.", object.key));
        objects::remove(tx, call, allowed, &object, told)?;
        Ok(Deleted::Now)
    }
}
