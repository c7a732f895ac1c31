//! meshServiceInstance: what a service broker runs for a project (`api-core.md` §3.16). Brokers come later: until
//! then instances are recorded by the declarative import, and read by everybody who may.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_tenancy::{project, workspace};
use stoa_web::kind::{Deleted, Writes, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshServiceInstance";
/// Whose names nobody may use as creator.
const RESERVED: [&str; 3] = ["system", "stoa", "unknown"];
/// How a creator reads that nobody knows (any more).
const UNKNOWN: &str = "Unknown";

/// Where a page puts the creator's name.
const CREATOR: &str = "creator";

/// An instance as stored. Its key is the client-chosen id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    project: String,
    marketplace: String,
    display_name: String,
    service_id: String,
    plan_id: String,
    /// Who had it made, if that is a user we know; names may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<ObjectId>,
    parameters: Map<String, Value>,
}

/// Where an instance belongs.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceInstanceMetadata {
    /// The workspace.
    owned_by_workspace: String,
    /// The project within it.
    owned_by_project: String,
    /// Marketplace, for example `global`.
    marketplace_identifier: String,
    /// Chosen by the client, unique.
    instance_id: String,
}

/// Declared part of an instance.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceInstanceSpec {
    /// For people.
    display_name: String,
    /// Id in the broker's catalogue.
    service_id: String,
    /// A plan of that service.
    plan_id: String,
    /// Username of who had it made; `Unknown` when nobody has that name any more.
    creator: String,
    /// Any JSON values.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
}

/// An instance on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ServiceInstance)]
pub struct Wire {
    /// Where it belongs.
    metadata: ServiceInstanceMetadata,
    /// Declared part.
    spec: ServiceInstanceSpec,
}

impl Wire {
    /// What a body declares. Its parameters keep their nulls, which elsewhere count as absent.
    fn read(request: &Request) -> Outcome<Self> {
        let mut wire: Self = request.body()?;
        let parameters = request.json.as_ref().and_then(|body| body.pointer("/spec/parameters"));
        if let Some(Value::Object(parameters)) = parameters {
            wire.spec.parameters.clone_from(parameters);
        }
        Ok(wire)
    }
}

fn draft(tx: &mut Tx, wire: Wire, creator: Option<ObjectId>) -> Outcome<Draft> {
    let Wire { metadata, spec } = wire;
    for (field, text) in [
        ("metadata.marketplaceIdentifier", &metadata.marketplace_identifier),
        ("metadata.instanceId", &metadata.instance_id),
        ("spec.displayName", &spec.display_name),
        ("spec.serviceId", &spec.service_id),
        ("spec.planId", &spec.plan_id),
        ("spec.creator", &spec.creator),
    ] {
        if text.trim().is_empty() {
            return Err(Refusal::invalid(field, "must not be blank").into());
        }
    }
    let home = workspace::living(tx, &metadata.owned_by_workspace)?;
    let key = format!("{}.{}", metadata.owned_by_workspace, metadata.owned_by_project);
    let project = objects::by_key(tx, project::KIND, &key)?;
    let project = project.ok_or_else(|| Refusal::missing(project::KIND, &key))?;
    let facets = vec![
        ("serviceId", spec.service_id.clone()),
        ("planId", spec.plan_id.clone()),
        ("project", metadata.owned_by_project.clone()),
        ("marketplace", metadata.marketplace_identifier.clone()),
    ];
    let instance = Instance {
        project: metadata.owned_by_project,
        marketplace: metadata.marketplace_identifier,
        display_name: spec.display_name,
        service_id: spec.service_id,
        plan_id: spec.plan_id,
        creator,
        parameters: spec.parameters,
    };
    Ok(Draft {
        doc: serde_json::to_value(instance)?,
        status: json!({}),
        facets,
        references: vec![("owner", home.id), ("project", project.id)],
    })
}

/// The kind. Over HTTP it is read; the import records instances through [`Kind::create`] and [`Kind::update`].
pub struct ServiceInstances;

impl Kind for ServiceInstances {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshserviceinstances";
    const RESOURCE: Resource = Resource::ServiceInstance;
    const WRITES: Writes = Writes::ReadOnly;
    const LONG: &'static [&'static str] = &["spec.parameters"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("workspaceIdentifier", "Owning workspace"),
        ("projectIdentifier", "Owning project; needs workspaceIdentifier"),
        ("marketplaceIdentifier", "Exact marketplace"),
        ("serviceIdentifier", "Exact service"),
        ("planIdentifier", "Exact plan; needs serviceIdentifier"),
    ];
    const REQUEST: &'static str = "ServiceInstance";
    const RESPONSE: &'static str = "ServiceInstance";
    const ID: &'static str = "instanceId";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": KIND,
            "metadata": {
                "ownedByWorkspace": "orchard",
                "ownedByProject": "press-dev",
                "marketplaceIdentifier": "global",
                "instanceId": "si-3c1d",
            },
            "spec": {
                "displayName": "Press DB",
                "serviceId": "svc-mariadb",
                "planId": "plan-s",
                "creator": "lea@fruit.example",
                "parameters": { "storageGb": 20, "zones": ["a", "b"] },
            },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, KIND, id)
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        for (name, companion) in
            [("projectIdentifier", "workspaceIdentifier"), ("planIdentifier", "serviceIdentifier")]
        {
            if request.query(name).is_some() && request.query(companion).is_none() {
                return Err(Refusal::invalid(name, format!("needs {companion} beside it")).into());
            }
        }
        let mut query = Query::of(KIND, seen)
            .with("planId", request.query("planIdentifier"))
            .with("project", request.query("projectIdentifier"))
            .with("serviceId", request.query("serviceIdentifier"))
            .with("marketplace", request.query("marketplaceIdentifier"));
        query.workspace = request.query("workspaceIdentifier").map(Into::into);
        Ok(query)
    }

    fn scope(object: &Object) -> Scope<'_> {
        Scope::in_project(object.owner(), object.doc.get("project").and_then(Value::as_str))
    }

    /// The names of their creators: few people make many.
    fn gather(tx: &mut Tx, _: &Call, objects: &mut [Object]) -> Outcome<()> {
        let mut names: HashMap<ObjectId, String> = HashMap::new();
        for object in objects {
            let Some(user) = object.doc::<Instance>()?.creator else {
                object.gathered = json!({ CREATOR: UNKNOWN });
                continue;
            };
            let name = match names.entry(user) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let found = objects::by_id(tx, "meshUser", user)?;
                    let living = found.filter(|user| user.deleted_at.is_none());
                    place.insert(living.map_or_else(|| UNKNOWN.to_owned(), |user| user.key))
                }
            };
            object.gathered = json!({ CREATOR: name });
        }
        Ok(())
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let instance: Instance = object.doc()?;
        Ok(json!({
            "metadata": {
                "ownedByWorkspace": object.owner(),
                "ownedByProject": instance.project,
                "marketplaceIdentifier": instance.marketplace,
                "instanceId": object.key,
            },
            "spec": {
                "displayName": instance.display_name,
                "serviceId": instance.service_id,
                "planId": instance.plan_id,
                "creator": object.gathered[CREATOR],
                "parameters": instance.parameters,
            },
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let wire = Wire::read(request)?;
        let owner = wire.metadata.owned_by_workspace.clone();
        let allowed = call.may(Resource::ServiceInstance, Action::Write, &Scope::owned(&owner))?;
        let id = wire.metadata.instance_id.clone();
        if RESERVED.contains(&wire.spec.creator.to_lowercase().as_str()) {
            let problem = format!("must not be `{}`, which is no person", wire.spec.creator);
            return Err(Refusal::invalid("spec.creator", problem).into());
        }
        let creator = objects::by_key(tx, "meshUser", &wire.spec.creator)?.map(|user| user.id);
        let draft = draft(tx, wire, creator)?;
        let told = Told::new("Service Instance Created", format!("Service instance '{id}' was created."));
        objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &id, Some(&owner)), draft, told)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let Some(object) = found else { return Self::create(tx, call, request) };
        let object = must_exist::<Self>(Some(object), id)?;
        let allowed = call.may(Resource::ServiceInstance, Action::Write, &Self::scope(&object))?;
        let wire = Wire::read(request)?;
        let old: Instance = object.doc()?;
        let mut shown = [object.clone()];
        Self::gather(tx, call, &mut shown)?;
        let creator = shown[0].gathered[CREATOR].as_str().unwrap_or_default();
        let metadata = &wire.metadata;
        for (field, given, kept) in [
            ("metadata.ownedByWorkspace", &metadata.owned_by_workspace, object.owner()),
            ("metadata.ownedByProject", &metadata.owned_by_project, old.project.as_str()),
            ("metadata.marketplaceIdentifier", &metadata.marketplace_identifier, old.marketplace.as_str()),
            ("metadata.instanceId", &metadata.instance_id, object.key.as_str()),
            ("spec.serviceId", &wire.spec.service_id, old.service_id.as_str()),
            ("spec.creator", &wire.spec.creator, creator),
        ] {
            // Nobody knows whose name it was.
            if given != kept && kept != UNKNOWN {
                return Err(Refusal::invalid(field, format!("cannot change: it is `{kept}`")).into());
            }
        }
        let draft = draft(tx, wire, old.creator)?;
        let told = Told::new("Service Instance Changed", format!("Service instance '{id}' was changed."));
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(_: &mut Tx, _: &Call, _: &Request, _: Object) -> Outcome<Deleted> {
        Err(Refusal::WrongMethod { allow: "GET".into() }.into())
    }
}
