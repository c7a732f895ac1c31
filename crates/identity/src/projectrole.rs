//! meshProjectRole: what people may be in a project (`api-core.md` §3.10).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal, check_identifier};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::{Sql, Tx};
use stoa_web::kind::Deleted;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshProjectRole";
/// Longest identifier.
const IDENTIFIER_MAX: usize = 64;
/// Facet with the display name.
const NAME: &str = "name";

/// Roles that every installation begins with: identifier, name, rank.
const SEEDS: [(&str, &str, i64); 3] =
    [("admin", "Project Admin", 100), ("user", "Project User", 50), ("reader", "Project Reader", 10)];

/// Declared part of a project role.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProjectRoleSpec {
    /// For people, and what bindings refer to.
    name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// Orders roles: higher is more privileged.
    rank: i64,
}

/// A project role as stored.
#[derive(Debug, Serialize, Deserialize)]
struct ProjectRole {
    #[serde(flatten)]
    spec: ProjectRoleSpec,
    tags: Map<String, Value>,
}

/// Identifier and tags of a project role.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectRoleMetadata {
    /// Identifier, unique in the installation.
    name: String,
    /// Tags: lists of strings.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
    /// Set by the server when it is marked for deletion.
    #[schema(nullable = false)]
    deleted_at: Option<String>,
}

/// A project role on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ProjectRole)]
pub struct Wire {
    /// Identifier and tags.
    metadata: ProjectRoleMetadata,
    /// Declared part.
    spec: ProjectRoleSpec,
}

const CALLED: Sql = Sql::new(
    "SELECT o.key FROM facet f JOIN object o ON o.id = f.object
     WHERE f.name = 'name' AND f.value = $1 AND o.kind = 'meshProjectRole' AND o.deleted_at IS NULL
     ORDER BY f.created_at, f.object LIMIT 1",
);

/// The role that bindings mean by `name`: the one called so, the oldest if there are several, else the one with
/// this identifier (`api-core.md` §3.6). It is not deleted before the transaction ends.
pub fn hold_named(tx: &mut Tx, name: &str) -> Outcome<Option<Object>> {
    let called = tx.maybe(&CALLED, &[name.into()], |row| row.get::<String>(0))?;
    objects::hold(tx, KIND, called.as_deref().unwrap_or(name))
}

/// Makes the roles that every installation begins with, except those that are there.
pub fn seed(tx: &mut Tx, call: &Call) -> Outcome<()> {
    for (identifier, name, rank) in SEEDS {
        if objects::by_key(tx, KIND, identifier)?.is_none() {
            let spec = ProjectRoleSpec { name: name.into(), description: None, rank };
            let metadata =
                ProjectRoleMetadata { name: identifier.into(), tags: Map::new(), deleted_at: None };
            ProjectRoles::make(tx, call, Wire { metadata, spec })?;
        }
    }
    Ok(())
}

fn draft(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    wire: Wire,
    old: Option<&Map<String, Value>>,
) -> Outcome<Draft> {
    if wire.spec.name.trim().is_empty() {
        return Err(Refusal::invalid("spec.name", "must not be blank").into());
    }
    let given = wire.metadata.tags;
    let tags = tags::admit(tx, call, allowed, Target::ProjectRole, "metadata.tags", given, old)?;
    let facets = vec![(NAME, wire.spec.name.clone())];
    let doc = serde_json::to_value(ProjectRole { spec: wire.spec, tags })?;
    Ok(Draft { doc, status: json!({}), facets, references: Vec::new() })
}

/// The kind.
pub struct ProjectRoles;

impl ProjectRoles {
    fn make(tx: &mut Tx, call: &Call, wire: Wire) -> Outcome<Object> {
        let allowed = call.may(Resource::ProjectRole, Action::Write, &Scope::installation())?;
        let name = wire.metadata.name.clone();
        check_identifier(&name, IDENTIFIER_MAX)
            .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
        let draft = draft(tx, call, allowed, wire, None)?;
        let told = Told::new("Project Role Created", format!("Project role '{name}' was created."));
        objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &name, None), draft, told)
    }
}

impl Kind for ProjectRoles {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1"];
    const COLLECTION: &'static str = "meshprojectroles";
    const RESOURCE: Resource = Resource::ProjectRole;
    const OPEN_READ: bool = true;
    const REQUEST: &'static str = "ProjectRole";
    const RESPONSE: &'static str = "ProjectRole";
    const ID: &'static str = "identifier";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": { "name": "auditor", "tags": {} },
            "spec": { "name": "Project Auditor", "description": "Read-only plus logs", "rank": 20 },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, KIND, id)
    }

    fn query(_: &Call, _: &Request, seen: Visibility) -> Outcome<Query> {
        Ok(Query::of(KIND, seen))
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let role: ProjectRole = object.doc()?;
        let metadata = json!({ "name": object.key, "tags": role.tags });
        Ok(json!({ "metadata": metadata, "spec": role.spec }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        Self::make(tx, call, request.body()?)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let allowed = call.may(Resource::ProjectRole, Action::Write, &Scope::installation())?;
        let wire: Wire = request.body()?;
        if wire.metadata.name != id {
            return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
        }
        let Some(object) = found else { return Self::make(tx, call, wire) };
        let old: ProjectRole = object.doc()?;
        let draft = draft(tx, call, allowed, wire, Some(&old.tags))?;
        let told = Told::new("Project Role Changed", format!("Project role '{id}' was changed."));
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::ProjectRole, Action::Delete, &Scope::installation())?;
        let told = Told::new("Project Role Deleted", format!("Project role '{}' was deleted.", object.key));
        // Whoever is bound to it keeps it, and so does a platform that maps it.
        objects::remove(tx, call, allowed, &object, told)?;
        Ok(Deleted::Now)
    }
}
