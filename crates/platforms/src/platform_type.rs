//! meshPlatformType: what kind of platform one is, with its name and icon (`api-platforms.md` §3).

use crate::reference::owner;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::Deleted;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshPlatformType";
/// Category of all types that are not built in.
pub const CUSTOM: &str = "CUSTOM";
/// Categories of the built-in types, which are also their names.
pub const BUILT_IN: [&str; 10] = [
    "OPENSTACK",
    "CLOUDFOUNDRY",
    "SERVICEREGISTRY",
    "AWS",
    "OPENSHIFT",
    "KUBERNETES",
    "AZURE",
    "GCP",
    "AZURE_KUBERNETES_SERVICE",
    "AZURE_RESOURCE_GROUP",
];
/// A custom type that published modules name without making it.
const SEEDED: &str = "STACKIT";
/// Icon of the types that come with Stoa: a plain square.
const ICON: &str = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCI+PHBhdGggZD0iTTMgM2gxOHYxOEgzeiIgZmlsbD0iIzJmN2Q2ZCIvPjwvc3ZnPg==";
const NAME_MAX: usize = 150;
const ICON_BYTES_MAX: usize = 512 << 10;

/// Name and owner of a platform type.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformTypeMetadata {
    /// Capital letters, digits and single inner dashes; unique for ever.
    #[schema(max_length = 150)]
    name: String,
    /// The workspace.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// Set by the server.
    #[schema(nullable = false)]
    created_on: Option<String>,
}

/// Declared part of a platform type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformTypeSpec {
    /// For people.
    display_name: String,
    /// `CUSTOM`; the others are those of built-in types.
    category: String,
    /// What `endpoint` of new platforms begins as.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    default_endpoint: Option<String>,
    /// A data URI of an image in base64.
    icon: String,
}

/// Where a platform type is in its life.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlatformTypeLifecycle {
    /// `ACTIVE` or `DEACTIVATED`; `ACTIVE` in a request reactivates.
    state: Option<String>,
}

/// Status of a platform type.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlatformTypeStatus {
    /// Where it is in its life.
    lifecycle: Option<PlatformTypeLifecycle>,
}

/// A platform type on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PlatformType)]
pub struct Wire {
    /// Name and owner.
    metadata: PlatformTypeMetadata,
    /// Declared part.
    spec: PlatformTypeSpec,
    /// Status.
    #[schema(nullable = false)]
    status: Option<PlatformTypeStatus>,
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if name.len() > NAME_MAX || !name.split('-').all(plain) {
        let problem = format!("must match ^[A-Z0-9]+(-[A-Z0-9]+)*$ and have at most {NAME_MAX} characters");
        return Err(Refusal::invalid("metadata.name", problem));
    }
    Ok(())
}

fn check(spec: &PlatformTypeSpec) -> Result<(), Refusal> {
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank"));
    }
    if spec.category != CUSTOM {
        return Err(Refusal::invalid("spec.category", format!("must be {CUSTOM}: the others are built in")));
    }
    let image = spec.icon.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    let is_subtype = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    let is_base64 =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    if !image.is_some_and(|(subtype, data)| is_subtype(subtype) && is_base64(data)) {
        return Err(Refusal::invalid("spec.icon", "must be a data URI: data:image/<subtype>;base64,…"));
    }
    if spec.icon.len() > ICON_BYTES_MAX {
        return Err(Refusal::invalid("spec.icon", "must have at most 512 KiB"));
    }
    Ok(())
}

fn state_of(object: &Object) -> &str {
    object.status.pointer("/lifecycle/state").and_then(Value::as_str).unwrap_or("ACTIVE")
}

fn category_of(object: &Object) -> &str {
    object.doc.get("category").and_then(Value::as_str).unwrap_or_default()
}

/// Whether new platforms may be of this type: it is of category `CUSTOM` and active.
pub fn is_custom(object: &Object) -> bool {
    category_of(object) == CUSTOM
}

/// Whether the type is active.
pub fn is_active(object: &Object) -> bool {
    state_of(object) == "ACTIVE"
}

/// The type with this name, also a deactivated one.
pub fn by_name(tx: &mut Tx, name: &str) -> Outcome<Option<Object>> {
    objects::by_key(tx, KIND, name)
}

fn draft(spec: &PlatformTypeSpec, state: &str, home: Option<ObjectId>) -> Outcome<Draft> {
    Ok(Draft {
        doc: serde_json::to_value(spec)?,
        status: json!({ "lifecycle": { "state": state } }),
        facets: vec![("category", spec.category.clone()), ("lifecycleStatus", state.to_owned())],
        // A deactivated type keeps no workspace alive.
        references: home.map(|home| ("owner", home)).into_iter().collect(),
    })
}

/// Creates the types that come with Stoa where they are missing.
pub fn create_built_ins(tx: &mut Tx, call: &Call, home: &Object) -> Outcome<()> {
    let allowed = call.may(Resource::Platform, Action::Write, &Scope::installation())?;
    for name in BUILT_IN.into_iter().chain([SEEDED]) {
        if by_name(tx, name)?.is_some() {
            continue;
        }
        let spec = PlatformTypeSpec {
            display_name: title(name).into(),
            category: if name == SEEDED { CUSTOM } else { name }.into(),
            default_endpoint: None,
            icon: ICON.into(),
        };
        let told = Told::new("Platform Type Created", format!("The platform type '{name}' comes with Stoa."));
        let place = (ObjectId::new(), KIND, name, Some(home.key.as_str()));
        objects::insert(tx, call, allowed, place, draft(&spec, "ACTIVE", Some(home.id))?, told)?;
    }
    Ok(())
}

/// What people call a type that comes with Stoa.
fn title(name: &'static str) -> &'static str {
    match name {
        "OPENSTACK" => "OpenStack",
        "CLOUDFOUNDRY" => "Cloud Foundry",
        "SERVICEREGISTRY" => "Service Registry",
        "OPENSHIFT" => "OpenShift",
        "KUBERNETES" => "Kubernetes",
        "AZURE" => "Azure",
        "GCP" => "Google Cloud",
        "AZURE_KUBERNETES_SERVICE" => "Azure Kubernetes Service",
        "AZURE_RESOURCE_GROUP" => "Azure Resource Group",
        other => other,
    }
}

/// The kind.
pub struct PlatformTypes;

impl PlatformTypes {
    fn make(tx: &mut Tx, call: &Call, wire: Wire) -> Outcome<Object> {
        let Wire { metadata, spec, .. } = wire;
        let allowed =
            call.may(Resource::Platform, Action::Write, &Scope::owned(&metadata.owned_by_workspace))?;
        check_name(&metadata.name)?;
        check(&spec)?;
        let home = owner(tx, &metadata.owned_by_workspace)?;
        let told =
            Told::new("Platform Type Created", format!("Platform type '{}' was created.", metadata.name));
        let place =
            (ObjectId::new(), KIND, metadata.name.as_str(), Some(metadata.owned_by_workspace.as_str()));
        objects::insert(tx, call, allowed, place, draft(&spec, "ACTIVE", Some(home.id))?, told)
    }
}

impl Kind for PlatformTypes {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1"];
    const COLLECTION: &'static str = "meshplatformtypes";
    const RESOURCE: Resource = Resource::Platform;
    const OPEN_READ: bool = true;
    const LONG: &'static [&'static str] = &["spec.icon"];
    const FILTERS: &'static [(&'static str, &'static str)] =
        &[("category", "Category, for example CUSTOM"), ("lifecycleStatus", "ACTIVE or DEACTIVATED")];
    const REQUEST: &'static str = "PlatformType";
    const RESPONSE: &'static str = "PlatformType";
    const ID: &'static str = "name";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": { "name": "EDGE-CLUSTER", "ownedByWorkspace": "orchard" },
            "spec": {
                "displayName": "Edge Cluster",
                "category": CUSTOM,
                "defaultEndpoint": "https://edge.fruit.example",
                "icon": "data:image/svg+xml;base64,PHN2Zy8+",
            },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        by_name(tx, id)
    }

    fn scope(_: &Object) -> Scope<'_> {
        // Types are shared: changing and deactivating one is for admins (`api-platforms.md` §1.2).
        Scope::installation()
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let category = request.query("category");
        if let Some(bad) = category.filter(|name| *name != CUSTOM && !BUILT_IN.contains(name)) {
            return Err(Refusal::invalid("category", format!("knows no `{bad}`")).into());
        }
        let state = request.query("lifecycleStatus");
        if let Some(bad) = state.filter(|state| !["ACTIVE", "DEACTIVATED"].contains(state)) {
            return Err(Refusal::invalid(
                "lifecycleStatus",
                format!("knows ACTIVE and DEACTIVATED, not `{bad}`"),
            )
            .into());
        }
        Ok(Query::of(KIND, seen).with("category", category).with("lifecycleStatus", state))
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        Ok(json!({
            "metadata": {
                "name": object.key,
                "ownedByWorkspace": object.owner(),
                "uuid": object.id,
                "createdOn": object.created_at,
            },
            "spec": object.doc,
            "status": { "lifecycle": { "state": state_of(object) } },
        }))
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
        let Some(object) = found else {
            let wire: Wire = request.body()?;
            if wire.metadata.name != id {
                return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
            }
            return Self::make(tx, call, wire);
        };
        let allowed = call.may(Resource::Platform, Action::Write, &Self::scope(&object))?;
        if !is_custom(&object) {
            return Err(Refusal::Forbidden("Built-in platform types cannot be changed.".into()).into());
        }
        let Wire { metadata, spec, status } = request.body()?;
        if metadata.name != object.key {
            return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
        }
        if metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        check(&spec)?;
        let asked = status.and_then(|status| status.lifecycle).and_then(|lifecycle| lifecycle.state);
        let active = is_active(&object) || asked.as_deref() == Some("ACTIVE");
        let home = if active { Some(owner(tx, object.owner())?.id) } else { None };
        let state = if active { "ACTIVE" } else { "DEACTIVATED" };
        let told = Told::new("Platform Type Changed", format!("Platform type '{id}' was changed."));
        objects::replace(tx, call, allowed, &object, draft(&spec, state, home)?, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Platform, Action::Delete, &Self::scope(&object))?;
        if !is_custom(&object) {
            return Err(Refusal::Forbidden("Built-in platform types cannot be deactivated.".into()).into());
        }
        let told = Told::new(
            "Platform Type Deactivated",
            format!("Platform type '{}' was deactivated.", object.key),
        );
        let spec: PlatformTypeSpec = object.doc()?;
        objects::replace(tx, call, allowed, &object, draft(&spec, "DEACTIVATED", None)?, told)?;
        Ok(Deleted::Now)
    }
}
