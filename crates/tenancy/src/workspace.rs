//! meshWorkspace: a team's home; it owns everything the team has (`api-core.md` §3.1).

use crate::payment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal, check_identifier};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_identity::{apikey, binding, group};
use stoa_web::kind::Deleted;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshWorkspace";
/// What goes away with its workspace, and so keeps nothing alive.
const DEPARTING: &[&str] =
    &[binding::WORKSPACE_USER, binding::WORKSPACE_GROUP, group::KIND, apikey::KIND, payment::KIND];

/// A workspace as stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Workspace {
    display_name: String,
    platform_builder_access_enabled: bool,
    tags: Map<String, Value>,
}

/// Name and tags of a workspace.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceMetadata {
    /// Identifier, unique among the living.
    name: String,
    /// Set by the server.
    #[schema(nullable = false)]
    created_on: Option<String>,
    /// Set by the server on deletion.
    #[schema(nullable = false)]
    deleted_on: Option<String>,
    /// Tags: lists of strings.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
}

/// Declared part of a workspace.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceSpec {
    /// For people.
    display_name: String,
    /// Whether the team may offer platforms and building blocks. Absent in a PUT keeps it.
    #[schema(nullable = false)]
    platform_builder_access_enabled: Option<bool>,
}

/// A workspace on the wire (v2; v1 is a view for readers with its tags in `spec`).
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Workspace)]
pub struct Wire {
    /// Name and tags.
    metadata: WorkspaceMetadata,
    /// Declared part.
    spec: WorkspaceSpec,
}

/// The living workspace with this identifier, or 404. Nobody deletes it before the transaction ends, so it may
/// be given something to own.
pub fn living(tx: &mut Tx, identifier: &str) -> Outcome<Object> {
    objects::hold(tx, KIND, identifier)?.ok_or_else(|| Refusal::missing(KIND, identifier).into())
}

/// The same, and whoever else changes its people waits until the transaction ends.
pub fn hold_alone(tx: &mut Tx, identifier: &str) -> Outcome<Object> {
    objects::hold_alone(tx, KIND, identifier)?.ok_or_else(|| Refusal::missing(KIND, identifier).into())
}

/// The living workspace with this identifier, created if need be: for the admin workspace.
pub fn ensure(tx: &mut Tx, call: &Call, identifier: &str, display_name: &str) -> Outcome<Object> {
    if let Some(found) = objects::by_key(tx, KIND, identifier)? {
        return Ok(found);
    }
    let wire = Wire {
        metadata: WorkspaceMetadata {
            name: identifier.into(),
            created_on: None,
            deleted_on: None,
            tags: Map::new(),
        },
        spec: WorkspaceSpec {
            display_name: display_name.into(),
            platform_builder_access_enabled: Some(true),
        },
    };
    Workspaces::make(tx, call, wire)
}

fn draft(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    wire: Wire,
    enabled: bool,
    old: Option<&Map<String, Value>>,
) -> Outcome<Draft> {
    let display_name = wire.spec.display_name;
    if display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    let given = wire.metadata.tags;
    let tags = tags::admit(tx, call, allowed, Target::Workspace, "metadata.tags", given, old)?;
    let facets = vec![("displayName", display_name.clone())];
    let workspace = Workspace { display_name, platform_builder_access_enabled: enabled, tags };
    Ok(Draft { doc: serde_json::to_value(workspace)?, status: json!({}), facets, ..Draft::default() })
}

/// Ends what goes away with a workspace.
fn take_along(tx: &mut Tx, call: &Call, home: &Object) -> Outcome<()> {
    binding::dissolve_all_in(tx, call, home.id, "lost, with the workspace,")?;
    let why = format!("It went with workspace '{}'.", home.key);
    for kind in [group::KIND, apikey::KIND, payment::KIND] {
        loop {
            let owned = objects::owned_by(tx, &home.key, kind, 500)?;
            if owned.is_empty() {
                break;
            }
            for mut object in owned {
                match kind {
                    group::KIND => group::delete(tx, call, &object, "went with its workspace")?,
                    payment::KIND => {
                        let allowed =
                            call.may(Resource::PaymentMethod, Action::Delete, &Scope::installation())?;
                        payment::bury(tx, call, allowed, &mut object)?;
                    }
                    _ => {
                        let allowed = call.may(Resource::ApiKey, Action::Delete, &Scope::installation())?;
                        let told = Told::new("API Key Deleted", why.clone());
                        objects::remove(tx, call, allowed, &object, told)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// The kind.
pub struct Workspaces;

impl Workspaces {
    fn make(tx: &mut Tx, call: &Call, wire: Wire) -> Outcome<Object> {
        let allowed = call.may(Resource::Workspace, Action::Write, &Scope::installation())?;
        Self::admit(tx, call, allowed, wire)
    }

    /// A workspace that its owner to be registers. Its tags are admitted as an owner's.
    pub(crate) fn register(
        tx: &mut Tx,
        call: &Call,
        name: &str,
        display_name: &str,
        tags: Map<String, Value>,
    ) -> Outcome<Object> {
        let wire = Wire {
            metadata: WorkspaceMetadata { name: name.into(), created_on: None, deleted_on: None, tags },
            spec: WorkspaceSpec { display_name: display_name.into(), platform_builder_access_enabled: None },
        };
        let allowed = call.may(Resource::Workspace, Action::Write, &Scope::owned(name))?;
        Self::admit(tx, call, allowed, wire)
    }

    fn admit(tx: &mut Tx, call: &Call, allowed: Allowed, wire: Wire) -> Outcome<Object> {
        let name = wire.metadata.name.clone();
        if name == group::GLOBAL {
            return Err(Refusal::invalid("metadata.name", "is reserved").into());
        }
        check_identifier(&name, call.world.settings.workspace_identifier_max)
            .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
        let enabled = wire.spec.platform_builder_access_enabled.unwrap_or(false);
        let told = Told::new("Workspace Created", format!("Workspace '{name}' was created."));
        let draft = draft(tx, call, allowed, wire, enabled, None)?;
        objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &name, Some(&name)), draft, told)
    }
}

impl Kind for Workspaces {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1", "v2"];
    const WRITTEN: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshworkspaces";
    const RESOURCE: Resource = Resource::Workspace;
    const REQUEST: &'static str = "Workspace";
    const RESPONSE: &'static str = "Workspace";
    const ID: &'static str = "identifier";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": KIND,
            "metadata": { "name": "orchard", "tags": {} },
            "spec": { "displayName": "Orchard Team", "platformBuilderAccessEnabled": false },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key_even_deleted(tx, KIND, id)
    }

    fn query(_: &Call, _: &Request, seen: Visibility) -> Outcome<Query> {
        Ok(Query::of(KIND, seen))
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, version: &str) -> Outcome<Value> {
        let workspace: Workspace = object.doc()?;
        let mut metadata = json!({ "name": object.key, "createdOn": object.created_at });
        if let Some(deleted) = object.deleted_at {
            metadata["deletedOn"] = json!(deleted);
        }
        let mut spec = json!({ "displayName": workspace.display_name });
        if version == "v1" {
            spec["tags"] = Value::Object(workspace.tags);
        } else {
            metadata["tags"] = Value::Object(workspace.tags);
            spec["platformBuilderAccessEnabled"] = json!(workspace.platform_builder_access_enabled);
        }
        Ok(json!({ "metadata": metadata, "spec": spec }))
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        ["meshtenants", "meshprojects", "meshusers", "meshpaymentmethods", "meshworkspaceusergroups"]
            .map(|to| (to, format!("/api/meshobjects/{to}?workspaceIdentifier={}", object.key)))
            .to_vec()
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
        let wire: Wire = request.body()?;
        let living = found.filter(|object| object.deleted_at.is_none());
        let scope = living.as_ref().map_or_else(Scope::installation, Self::scope);
        let allowed = call.may(Resource::Workspace, Action::Write, &scope)?;
        if wire.metadata.name != id {
            return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
        }
        let Some(object) = living else { return Self::make(tx, call, wire) };
        let old: Workspace = object.doc()?;
        let enabled =
            wire.spec.platform_builder_access_enabled.unwrap_or(old.platform_builder_access_enabled);
        let renamed = wire.spec.display_name != old.display_name;
        let title = if renamed { "Workspace Name Changed" } else { "Workspace Tags Changed" };
        let told = Told::new(title, format!("Workspace '{id}' was changed."));
        let draft = draft(tx, call, allowed, wire, enabled, Some(&old.tags))?;
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, mut object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Workspace, Action::Delete, &Self::scope(&object))?;
        if object.deleted_at.is_some() {
            return Ok(Deleted::Now);
        }
        if object.key == call.world.settings.admin_workspace {
            return Err(Refusal::conflict("The admin workspace cannot be deleted.").into());
        }
        objects::refuse_in_use(tx, &object, DEPARTING)?;
        take_along(tx, &call.as_system(), &object)?;
        let told = Told::new("Workspace Deleted", format!("Workspace '{}' was deleted.", object.key));
        objects::bury(tx, call, allowed, &mut object, told)?;
        Ok(Deleted::Now)
    }
}
