//! meshPlatform from outside: its wire types, what is checked when it is declared, who sees it
//! (`api-platforms.md` §5).

use super::availability;
use super::{
    Availability, Instance, KIND, Platform, PlatformStatus, Publication, PublicationStep, QuotaDefinition,
    full_identifier,
};
use crate::reference::{NameRef, known_workspace, owner};
use crate::shape;
use crate::{config, landing_zone, location, platform_type, tenant};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal, check_identifier};
use stoa_core::guard::{Reach, Visibility};
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::secrets::redacted;
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

const NAME_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 2000;
const MARKDOWN_BYTES_MAX: usize = 64 << 10;

/// Name and owner of a platform.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformMetadata {
    /// Identifier, unique within the location for ever.
    name: String,
    /// The workspace.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// Set by the server.
    #[schema(nullable = false)]
    deleted_on: Option<String>,
}

/// `type` and the member that it names, described by the tables of [`crate::config`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlatformConfig(Map<String, Value>);

impl utoipa::PartialSchema for PlatformConfig {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        shape::openapi(&config::CONFIG, "`type` and the one member that it names.")
    }
}

impl ToSchema for PlatformConfig {}

/// Declared part of a platform.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSpec {
    /// For people.
    display_name: String,
    /// One or two sentences; may be empty.
    #[schema(max_length = 2000)]
    description: String,
    /// Web console; may be empty.
    endpoint: String,
    /// Where help is.
    #[schema(nullable = false)]
    support_url: Option<String>,
    /// Where documentation is.
    #[schema(nullable = false)]
    documentation_url: Option<String>,
    /// Markdown for the people on its tenants.
    #[schema(nullable = false, max_length = 65536)]
    access_information: Option<String>,
    /// Markdown for the marketplace; absent in a PUT keeps it.
    #[schema(nullable = false, max_length = 65536)]
    readme: Option<String>,
    /// The location; cannot be changed.
    location_ref: NameRef,
    /// Workspaces that may add landing zones of their own.
    #[serde(default)]
    contributing_workspaces: Vec<String>,
    /// Who may use it, and whether it is offered.
    availability: Availability,
    /// Limits of its tenants.
    #[serde(default)]
    quota_definitions: Vec<QuotaDefinition>,
    /// How to reach it; required in requests, hidden from consumers.
    #[schema(nullable = false)]
    config: Option<PlatformConfig>,
}

/// A platform on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Platform)]
pub struct Wire {
    /// Name and owner.
    metadata: PlatformMetadata,
    /// Declared part.
    spec: PlatformSpec,
}

fn check_texts(spec: &PlatformSpec) -> Result<(), Refusal> {
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank"));
    }
    if spec.description.chars().count() > DESCRIPTION_MAX {
        return Err(Refusal::invalid(
            "spec.description",
            format!("must have at most {DESCRIPTION_MAX} characters"),
        ));
    }
    for (field, text) in [("spec.accessInformation", &spec.access_information), ("spec.readme", &spec.readme)]
    {
        if text.as_ref().is_some_and(|text| text.len() > MARKDOWN_BYTES_MAX) {
            return Err(Refusal::invalid(field, "must have at most 64 KiB"));
        }
    }
    Ok(())
}

fn check_quotas(quotas: &[QuotaDefinition]) -> Result<(), Refusal> {
    for (place, quota) in quotas.iter().enumerate() {
        let at = format!("spec.quotaDefinitions[{place}]");
        if quota.quota_key.trim().is_empty() {
            return Err(Refusal::invalid(format!("{at}.quotaKey"), "must not be blank"));
        }
        if quotas[..place].iter().any(|before| before.quota_key == quota.quota_key) {
            let problem = format!("is `{}`, which another definition has already", quota.quota_key);
            return Err(Refusal::invalid(format!("{at}.quotaKey"), problem));
        }
        if quota.min_value > quota.max_value {
            let problem = format!("must not be above maxValue: {} > {}", quota.min_value, quota.max_value);
            return Err(Refusal::invalid(format!("{at}.minValue"), problem));
        }
        if quota.description.chars().count() > DESCRIPTION_MAX {
            let problem = format!("must have at most {DESCRIPTION_MAX} characters");
            return Err(Refusal::invalid(format!("{at}.description"), problem));
        }
    }
    Ok(())
}

/// Refuses workspaces that do not exist; those that stand there already may be gone by now.
fn check_workspaces(tx: &mut Tx, field: &str, names: &[String], old: &[String]) -> Outcome<()> {
    for name in names.iter().filter(|name| !old.contains(name)) {
        known_workspace(tx, name, field)?;
    }
    Ok(())
}

/// A platform of a request, checked. `allowed` says whether an admin declares it.
fn checked(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    (name, home): (String, &str),
    spec: PlatformSpec,
    old: Option<&Platform>,
) -> Outcome<Platform> {
    let Some(PlatformConfig(given)) = &spec.config else {
        return Err(Refusal::invalid("spec.config", "is required").into());
    };
    if !matches!(allowed.reach(), Reach::Admin | Reach::System) {
        availability::check_owner(&spec.availability, old.map(|old| &old.availability))?;
    }
    availability::check(home, &spec.availability, old.is_none())?;
    check_texts(&spec)?;
    check_quotas(&spec.quota_definitions)?;
    let none = Vec::new();
    let before = old.map_or(&none, |old| &old.contributing_workspaces);
    check_workspaces(tx, "spec.contributingWorkspaces", &spec.contributing_workspaces, before)?;
    let before = old.map_or(&none, |old| &old.availability.restricted_to_workspaces);
    let listed = &spec.availability.restricted_to_workspaces;
    check_workspaces(tx, "spec.availability.restrictedToWorkspaces", listed, before)?;
    let config = config::read(&call.world, given, old.map(|old| &old.config))?;
    if old.is_none()
        && let Some(custom) = config.get("custom")
    {
        let at = "spec.config.custom.platformTypeRef.name";
        let name = custom["platformTypeRef"]["name"].as_str().unwrap_or_default();
        let found = platform_type::by_name(tx, name)?;
        let found = found
            .ok_or_else(|| Refusal::invalid(at, format!("names no platform type: there is no `{name}`")))?;
        if !platform_type::is_custom(&found) {
            return Err(
                Refusal::invalid(at, format!("names `{name}`, which is not of category CUSTOM")).into()
            );
        }
        if !platform_type::is_active(&found) {
            return Err(Refusal::invalid(at, format!("names `{name}`, which is deactivated")).into());
        }
    }
    Ok(Platform {
        name,
        display_name: spec.display_name,
        description: spec.description,
        endpoint: spec.endpoint,
        support_url: spec.support_url,
        documentation_url: spec.documentation_url,
        access_information: spec.access_information,
        readme: spec.readme.or_else(|| old.and_then(|old| old.readme.clone())),
        location_ref: spec.location_ref,
        contributing_workspaces: spec.contributing_workspaces,
        availability: spec.availability,
        quota_definitions: spec.quota_definitions,
        config,
    })
}

/// A platform as it is written to the store.
pub fn draft(
    platform: &Platform,
    status: &PlatformStatus,
    home: ObjectId,
    location: ObjectId,
) -> Outcome<Draft> {
    let Platform { name, location_ref, display_name, availability, .. } = platform;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut facets = vec![
        ("identifier", name.clone()),
        ("identifier", full_identifier(name, &location_ref.name)),
        ("locationIdentifier", location_ref.name.clone()),
        ("displayName", display_name.clone()),
        ("restriction", word(&json!(availability.restriction))),
        ("publicationState", word(&json!(availability.publication_state))),
        ("platformTypeIdentifier", platform.type_identifier().to_owned()),
    ];
    facets
        .extend(platform.contributing_workspaces.iter().map(|name| ("contributingWorkspace", name.clone())));
    facets.extend(availability::audience(platform).into_iter().map(|name| ("seenBy", name)));
    Ok(Draft {
        doc: serde_json::to_value(platform)?,
        status: serde_json::to_value(status)?,
        facets,
        references: vec![("owner", home), ("location", location)],
    })
}

/// Writes a changed platform, and lets everything follow that leans on it: its landing zones, its location, its
/// tenants. The caller holds it.
pub fn replace(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    old: &Instance,
    (platform, status): (&Platform, &PlatformStatus),
    told: Told<'_>,
) -> Outcome<Object> {
    let home = owner(tx, old.object.owner())?;
    let place = must_stand(tx, platform)?;
    let draft = draft(platform, status, home.id, place.id)?;
    let object = objects::replace(tx, call, allowed, &old.object, draft, told)?;
    let new = Instance { object: object.clone(), platform: platform.clone(), status: status.clone() };
    landing_zone::following::platform_changed(tx, call, &new)?;
    location::look_around(tx, call, place)?;
    if platform.quota_definitions != old.platform.quota_definitions {
        tenant::settings_changed(tx, call, object.id)?;
    }
    Ok(object)
}

/// The location that a platform stands in, held.
pub fn must_stand(tx: &mut Tx, platform: &Platform) -> Outcome<Object> {
    let name = &platform.location_ref.name;
    let found = location::held(tx, name)?;
    let unknown =
        || Refusal::invalid("spec.locationRef.name", format!("names no location: there is no `{name}`"));
    Ok(found.ok_or_else(unknown)?)
}

/// The step that a change of availability adds to the history of publications.
pub fn step(call: &Call, state: Publication, comment: Option<String>) -> PublicationStep {
    PublicationStep { state, at: call.now.to_string(), by: call.actor.author(), comment }
}

/// Whether the caller sees how a platform is reached: admins, its owner, its contributors.
fn sees_config(call: &Call, object: &Object, platform: &Platform) -> bool {
    let scope = Platforms::scope(object);
    let reaches = |action| call.may(Resource::Platform, action, &scope).is_ok();
    [Action::Read, Action::Write, Action::Delete].into_iter().any(reaches)
        || call.actor.home.as_deref().is_some_and(|home| platform.has_contributor(home))
}

/// The kind.
pub struct Platforms;

impl Kind for Platforms {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshplatforms";
    const RESOURCE: Resource = Resource::Platform;
    const LONG: &'static [&'static str] = &[
        "spec.description",
        "spec.readme",
        "spec.accessInformation",
        "spec.quotaDefinitions.*.description",
        // The tables of the config know the lengths of its texts, and its secrets are longer.
        "spec.config",
    ];
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("ownedByWorkspace", "Owning workspace"),
        ("identifier", "Name, or name and location as <name>.<location>"),
        ("locationIdentifier", "Location"),
        ("displayName", "Exact display name"),
        ("restriction", "PUBLIC, RESTRICTED or PRIVATE"),
        ("publicationState", "PUBLISHED, UNPUBLISHED, REQUESTED or REJECTED"),
        ("contributingWorkspace", "A contributing workspace; repeated, any of them"),
        ("platformTypeIdentifier", "Platform type, for example KUBERNETES"),
    ];
    const REQUEST: &'static str = "Platform";
    const RESPONSE: &'static str = "Platform";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": KIND,
            "metadata": { "name": "dockyard", "ownedByWorkspace": "orchard" },
            "spec": {
                "displayName": "Dockyard Kubernetes",
                "description": "Shared cluster for internal services",
                "endpoint": "https://console.dockyard.example",
                "locationRef": { "kind": location::KIND, "name": "global" },
                "contributingWorkspaces": [],
                "availability": {
                    "restriction": "PRIVATE",
                    "publicationState": "UNPUBLISHED",
                    "restrictedToWorkspaces": ["orchard"],
                },
                "quotaDefinitions": [{
                    "quotaKey": "limits.cpu",
                    "label": "CPU",
                    "description": "Sum of CPU limits",
                    "unit": "m",
                    "minValue": 0,
                    "maxValue": 64000,
                    "autoApprovalThreshold": 8000,
                }],
                "config": config::example(),
            },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()?;
        match request.json.as_ref().and_then(|body| body.pointer("/spec/config")) {
            Some(config) if !config.is_null() => shape::check_types(&config::CONFIG, config, config::AT),
            _ => Ok(()),
        }
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        Ok(objects::by_uuid_text(tx, KIND, id)?.filter(|object| object.deleted_at.is_none()))
    }

    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        if call.may(Resource::Platform, Action::Read, &Self::scope(object)).is_ok() {
            return Ok(());
        }
        let platform: Platform = object.doc()?;
        let home = call.actor.home.as_deref();
        if home.is_some_and(|home| platform.has_contributor(home) || platform.is_offered_to(home)) {
            return Ok(());
        }
        Err(Refusal::missing(KIND, object.id.to_string()).into())
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let known = |filter: &str, choices: &[&str]| match request.query(filter) {
            Some(bad) if !choices.contains(&bad) => {
                Err(Refusal::invalid(filter, format!("knows {}, not `{bad}`", choices.join(", "))))
            }
            _ => Ok(()),
        };
        known("restriction", &["PUBLIC", "RESTRICTED", "PRIVATE"])?;
        known("publicationState", &["PUBLISHED", "UNPUBLISHED", "REQUESTED", "REJECTED"])?;
        let managed = seen.own.clone();
        let mut query = Query::of(KIND, Visibility { managed, ..seen });
        for filter in ["identifier", "displayName"] {
            query = query.with(filter, request.query(filter));
        }
        let contributors: Vec<String> = request
            .query_all("contributingWorkspace")
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(Into::into)
            .collect();
        if !contributors.is_empty() {
            query.facets.push(("contributingWorkspace", contributors));
        }
        for filter in ["locationIdentifier", "platformTypeIdentifier", "publicationState", "restriction"] {
            query = query.with(filter, request.query(filter));
        }
        query.workspace = request.query("ownedByWorkspace").map(Into::into);
        query.manager_facet = "seenBy";
        query.published = Some(("seenBy", "*".into()));
        Ok(query)
    }

    fn id_of(object: &Object, _: &str) -> String {
        object.id.to_string()
    }

    fn show(_: &mut Tx, call: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let platform: Platform = object.doc()?;
        let status: PlatformStatus = object.status()?;
        let mut spec = redacted(&object.doc);
        if let Value::Object(spec) = &mut spec {
            spec.shift_remove("name");
            if !sees_config(call, object, &platform) {
                spec.shift_remove("config");
            }
        }
        Ok(json!({
            "metadata": { "name": platform.name, "ownedByWorkspace": object.owner(), "uuid": object.id },
            "spec": spec,
            "status": {
                "platform": if status.deprecated { "DEPRECATED" } else { "ACTIVE" },
                "metering": config::metering(&platform.config),
                "availability": { "publicationState": platform.availability.publication_state },
            },
        }))
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        vec![("owner", format!("/api/meshobjects/meshworkspaces/{}", object.owner()))]
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let Wire { metadata, mut spec } = request.body()?;
        let PlatformMetadata { name, owned_by_workspace: home, .. } = metadata;
        let allowed = call.may(Resource::Platform, Action::Write, &Scope::owned(&home))?;
        check_identifier(&name, NAME_MAX)
            .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
        let owning = owner(tx, &home)?;
        spec.location_ref = spec.location_ref.of_kind(location::KIND, "spec.locationRef")?;
        let platform = checked(tx, call, allowed, (name, &home), spec, None)?;
        let place = must_stand(tx, &platform)?;
        let key = full_identifier(&platform.name, &platform.location_ref.name);
        if objects::by_key_even_deleted(tx, KIND, &key)?.is_some() {
            return Err(Refusal::conflict(format!(
                "A {KIND} with identifier '{key}' already exists or existed: identifiers are never used again."
            ))
            .into());
        }
        let mut status = PlatformStatus::default();
        if platform.availability.publication_state == Publication::Published {
            status.publication.push(step(call, Publication::Published, None));
        }
        let draft = draft(&platform, &status, owning.id, place.id)?;
        let told = Told::new("Platform Created", format!("Platform '{key}' was created."));
        let object =
            objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &key, Some(&home)), draft, told)?;
        location::look_around(tx, call, place)?;
        Ok(object)
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
        let old = Instance::of(object)?;
        let Wire { metadata, mut spec } = request.body()?;
        if metadata.name != old.platform.name {
            return Err(Refusal::invalid("metadata.name", "cannot be changed").into());
        }
        if metadata.owned_by_workspace != old.object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        if metadata.uuid.is_some_and(|uuid| uuid != old.object.id.to_string()) {
            return Err(Refusal::invalid("metadata.uuid", "must be the one in the path").into());
        }
        spec.location_ref = spec.location_ref.of_kind(location::KIND, "spec.locationRef")?;
        if spec.location_ref != old.platform.location_ref {
            let problem = "cannot be changed: it is half of the platform's identity";
            return Err(Refusal::invalid("spec.locationRef", problem).into());
        }
        let home = old.object.owner().to_owned();
        let platform = checked(tx, call, allowed, (metadata.name, &home), spec, Some(&old.platform))?;
        let mut status = old.status.clone();
        let state = platform.availability.publication_state;
        if state != old.platform.availability.publication_state {
            // Admins may set any state; owners submit what somebody could use.
            if state == Publication::Requested && !matches!(allowed.reach(), Reach::Admin | Reach::System) {
                super::review::check_ready(tx, &old)?;
            }
            status.publication.push(step(call, state, None));
        }
        let told =
            Told::new("Platform Changed", format!("Platform '{}' was changed.", old.full_identifier()));
        replace(tx, call, allowed, &old, (&platform, &status), told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Platform, Action::Delete, &Self::scope(&object))?;
        let old = Instance::of(object)?;
        let name = old.full_identifier();
        let blocks = objects::referrers_of_referrers(tx, old.object.id, ("platform", "tenant"), 6)?;
        if !blocks.is_empty() {
            let names: Vec<String> =
                blocks.iter().take(5).map(|block| format!("{}[{}]", block.kind, block.key)).collect();
            let more = if blocks.len() > names.len() { " and more" } else { "" };
            return Err(Refusal::Conflict {
                code: "Conflict",
                message: format!(
                    "Platform '{name}' cannot be deleted: its tenants hold {}{more}.",
                    names.join(", ")
                ),
                remarks: names,
            }
            .into());
        }
        tenant::purge_all_of(tx, call, old.object.id)?;
        landing_zone::following::platform_deleted(tx, call, &old)?;
        let place = must_stand(tx, &old.platform)?;
        let told = Told::new("Platform Deleted", format!("Platform '{name}' was deleted."));
        let mut object = old.object;
        objects::bury(tx, call, allowed, &mut object, told)?;
        location::look_around(tx, call, place)?;
        Ok(Deleted::Now)
    }
}
