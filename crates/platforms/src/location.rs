//! meshLocation: a label that groups platforms, and the second half of their identity (`api-core.md` §3.13,
//! `api-platforms.md` §4).

use crate::platform;
use crate::reference::owner;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::{ObjectId, Refusal, check_identifier};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshLocation";
const NAME_MAX: usize = 64;
const DESCRIPTION_MAX: usize = 2000;

/// Name and owner of a location.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationMetadata {
    /// Identifier, unique among the living.
    name: String,
    /// The workspace.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
}

/// Declared part of a location.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationSpec {
    /// For people.
    display_name: String,
    /// One or two sentences.
    #[serde(default)]
    #[schema(max_length = 2000)]
    description: String,
}

/// A location on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Location)]
pub struct Wire {
    /// Name and owner.
    metadata: LocationMetadata,
    /// Declared part.
    spec: LocationSpec,
}

fn draft(spec: LocationSpec, home: ObjectId, status: Value) -> Outcome<Draft> {
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    if spec.description.chars().count() > DESCRIPTION_MAX {
        let problem = format!("must have at most {DESCRIPTION_MAX} characters");
        return Err(Refusal::invalid("spec.description", problem).into());
    }
    Ok(Draft {
        facets: vec![("displayName", spec.display_name.clone())],
        doc: serde_json::to_value(spec)?,
        status,
        references: vec![("owner", home)],
    })
}

/// The living location with this name.
pub fn by_name(tx: &mut Tx, name: &str) -> Outcome<Option<Object>> {
    objects::by_key(tx, KIND, name)
}

/// The living location with this name, kept from others who change what stands in it until the transaction ends.
pub fn held(tx: &mut Tx, name: &str) -> Outcome<Option<Object>> {
    let Some(found) = by_name(tx, name)? else { return Ok(None) };
    let held = objects::by_id_for_update(tx, KIND, found.id)?;
    Ok(held.filter(|location| location.deleted_at.is_none()))
}

/// Tells a location whether a public platform stands in it. The caller holds it.
pub fn look_around(tx: &mut Tx, call: &Call, mut location: Object) -> Outcome<()> {
    let seen = Visibility { all: true, ..Visibility::default() };
    let query = Query::of(platform::KIND, seen)
        .with("locationIdentifier", Some(&location.key))
        .with("restriction", Some("PUBLIC"));
    let is_public = !listing::list(tx, &query, &Page::first(1))?.items.is_empty();
    objects::observe(tx, call, &mut location, json!({ "isPublic": is_public }), &[], None)
}

/// Creates the locations that come with Stoa, unless they are there or were deleted.
pub fn create_built_ins(tx: &mut Tx, call: &Call, home: &Object) -> Outcome<()> {
    let allowed = call.may(Resource::Platform, Action::Write, &Scope::installation())?;
    for name in call.world.settings.locations.clone() {
        if objects::by_key_even_deleted(tx, KIND, &name)?.is_some() {
            continue;
        }
        let display_name = if name == "global" { "Global".to_owned() } else { name.clone() };
        let spec = LocationSpec { display_name, description: String::new() };
        let told = Told::new("Location Created", format!("The location '{name}' comes with Stoa."));
        let draft = draft(spec, home.id, json!({ "isPublic": false }))?;
        let place = (ObjectId::new(), KIND, name.as_str(), Some(home.key.as_str()));
        objects::insert(tx, call, allowed, place, draft, told)?;
    }
    Ok(())
}

/// The kind.
pub struct Locations;

impl Kind for Locations {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1"];
    const COLLECTION: &'static str = "meshlocations";
    const RESOURCE: Resource = Resource::Platform;
    const OPEN_READ: bool = true;
    const LONG: &'static [&'static str] = &["spec.description"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("displayName", "Exact display name")];
    const REQUEST: &'static str = "Location";
    const RESPONSE: &'static str = "Location";
    const ID: &'static str = "identifier";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": { "name": "fra-dc1", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "Frankfurt DC 1", "description": "On-premises data centre" },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        by_name(tx, id)
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        Ok(Query::of(KIND, seen).with("displayName", request.query("displayName")))
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        Ok(json!({
            "metadata": { "name": object.key, "ownedByWorkspace": object.owner(), "uuid": object.id },
            "spec": object.doc,
            "status": object.status,
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let Wire { metadata, spec } = request.body()?;
        let LocationMetadata { name, owned_by_workspace, .. } = metadata;
        let allowed = call.may(Resource::Platform, Action::Write, &Scope::owned(&owned_by_workspace))?;
        check_identifier(&name, NAME_MAX)
            .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
        let home = owner(tx, &owned_by_workspace)?;
        let draft = draft(spec, home.id, json!({ "isPublic": false }))?;
        let told = Told::new("Location Created", format!("Location '{name}' was created."));
        let place = (ObjectId::new(), KIND, name.as_str(), Some(owned_by_workspace.as_str()));
        objects::insert(tx, call, allowed, place, draft, told)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(Resource::Platform, Action::Write, &Self::scope(&object))?;
        let Wire { metadata, spec } = request.body()?;
        if metadata.name != object.key {
            return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
        }
        if metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        let home = owner(tx, object.owner())?;
        let draft = draft(spec, home.id, Value::Null)?;
        let told = Told::new("Location Changed", format!("Location '{id}' was changed."));
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, mut object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Platform, Action::Delete, &Self::scope(&object))?;
        objects::refuse_in_use(tx, &object, &[])?;
        let told = Told::new("Location Deleted", format!("Location '{}' was deleted.", object.key));
        objects::bury(tx, call, allowed, &mut object, told)?;
        Ok(Deleted::Now)
    }
}
