//! meshLandingZone from outside: its wire types, what is checked when it is declared, who sees it
//! (`api-platforms.md` §6).

use super::following::{audience, draft, set_disabled};
use super::{KIND, LandingZone, Zone, ZoneStatus, by_name, properties};
use crate::platform::{self, Instance};
use crate::reference::{UuidRef, owner};
use crate::{shape, tenant};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use stoa_base::{ObjectId, Refusal, check_identifier};
use stoa_blocks::definition::{self, TargetType};
use stoa_core::guard::{Reach, Visibility};
use stoa_core::listing::Query;
use stoa_core::objects::{self, Object, Told};
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::Deleted;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

const NAME_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 2000;

/// Name, owner and tags of a landing zone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LandingZoneMetadata {
    /// Identifier, unique for ever.
    name: String,
    /// The platform's owner, or a contributor.
    owned_by_workspace: String,
    /// Tags: lists of strings.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
}

/// `type` and the member that it names, described by the tables of [`super::properties`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LandingZoneProperties(Map<String, Value>);

impl utoipa::PartialSchema for LandingZoneProperties {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        shape::openapi(
            &properties::PROPERTIES,
            "`type`, which is that of the platform, and the member that it names.",
        )
    }
}

impl ToSchema for LandingZoneProperties {}

/// A limit that tenants begin with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = LandingZoneQuota)]
pub struct ZoneQuota {
    /// Key of a quota definition of the platform.
    key: String,
    /// Value within its bounds.
    value: i64,
}

/// Declared part of a landing zone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LandingZoneSpec {
    /// For people.
    display_name: String,
    /// One or two sentences; may be empty.
    #[schema(max_length = 2000)]
    description: String,
    /// Whether deletions of its tenants need no approval.
    automate_deletion_approval: bool,
    /// Whether tenants are deleted on the platform too.
    automate_deletion_replication: bool,
    /// Whether only admins and its owner may use it; absent in a PUT keeps it.
    #[schema(nullable = false)]
    restricted: Option<bool>,
    /// Where more is told.
    #[schema(nullable = false)]
    info_link: Option<String>,
    /// The platform; cannot be changed.
    platform_ref: UuidRef,
    /// What it decides on the platform.
    platform_properties: LandingZoneProperties,
    /// Limits that tenants begin with.
    #[serde(default)]
    quotas: Vec<ZoneQuota>,
    /// Definitions of blocks that every tenant gets.
    #[serde(default)]
    mandatory_building_block_refs: Vec<UuidRef>,
    /// Definitions of blocks that are suggested.
    #[serde(default)]
    recommended_building_block_refs: Vec<UuidRef>,
}

/// A landing zone on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LandingZone)]
pub struct Wire {
    /// Name, owner and tags.
    metadata: LandingZoneMetadata,
    /// Declared part.
    spec: LandingZoneSpec,
}

/// The quotas of a request. Values that stand there already may be out of bounds that were narrowed since.
fn quotas(
    platform: &Instance,
    given: &[ZoneQuota],
    old: Option<&LandingZone>,
) -> Result<BTreeMap<String, i64>, Refusal> {
    let mut quotas = BTreeMap::new();
    for (place, ZoneQuota { key, value }) in given.iter().enumerate() {
        let at = format!("spec.quotas[{place}]");
        let Some(definition) = platform.quota(key) else {
            let problem = format!("is `{key}`, which the platform does not define");
            return Err(Refusal::invalid(format!("{at}.key"), problem));
        };
        let (min, max) = (definition.min_value, definition.max_value);
        let is_kept = old.is_some_and(|old| old.quotas.get(key) == Some(value));
        if !is_kept && !(min..=max).contains(value) {
            let problem = format!("is out of range [{min}, {max}] of quota '{key}': {value}");
            return Err(Refusal::invalid(format!("{at}.value"), problem));
        }
        if quotas.insert(key.clone(), *value).is_some() {
            return Err(Refusal::invalid(format!("{at}.key"), format!("is `{key}`, which is there twice")));
        }
    }
    Ok(quotas)
}

/// The definitions of a list in a request. Those that stand there already may have changed since.
fn definitions(
    tx: &mut Tx,
    platform: &Instance,
    list: &str,
    given: &[UuidRef],
    old: Option<&LandingZone>,
) -> Outcome<Vec<ObjectId>> {
    let mut ids: Vec<ObjectId> = Vec::new();
    for (place, reference) in given.iter().enumerate() {
        let at = format!("spec.{list}[{place}]");
        let unknown = || Refusal::invalid(format!("{at}.uuid"), "names no building block definition");
        let id = reference.of_kind(definition::KIND, &at)?.ok_or_else(unknown)?;
        if ids.contains(&id) {
            return Err(Refusal::invalid(format!("{at}.uuid"), "is there twice").into());
        }
        ids.push(id);
        if old.is_some_and(|old| old.mandatory.contains(&id) || old.recommended.contains(&id)) {
            continue;
        }
        let (_, definition) = definition::by_id(tx, id)?.ok_or_else(unknown)?;
        if definition.target_type != TargetType::TenantLevel {
            return Err(Refusal::invalid(
                format!("{at}.uuid"),
                "names a definition that is not TENANT_LEVEL",
            )
            .into());
        }
        let kind = platform.type_identifier();
        if !definition.supported_platforms.iter().flatten().any(|supported| supported.name == kind) {
            let problem = format!("names a definition that does not support platforms of type {kind}");
            return Err(Refusal::invalid(format!("{at}.uuid"), problem).into());
        }
    }
    Ok(ids)
}

/// A landing zone of a request, checked against its platform.
fn checked(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    platform: &Instance,
    wire: Wire,
    old: Option<&LandingZone>,
) -> Outcome<LandingZone> {
    let Wire { metadata, spec } = wire;
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    if spec.description.chars().count() > DESCRIPTION_MAX {
        let problem = format!("must have at most {DESCRIPTION_MAX} characters");
        return Err(Refusal::invalid("spec.description", problem).into());
    }
    let LandingZoneProperties(given) = &spec.platform_properties;
    let platform_properties = properties::read(&call.world, given, platform.platform.config_type())?;
    let quotas = quotas(platform, &spec.quotas, old)?;
    let mandatory =
        definitions(tx, platform, "mandatoryBuildingBlockRefs", &spec.mandatory_building_block_refs, old)?;
    let recommended = definitions(
        tx,
        platform,
        "recommendedBuildingBlockRefs",
        &spec.recommended_building_block_refs,
        old,
    )?;
    if let Some(both) = recommended.iter().find(|id| mandatory.contains(id)) {
        let problem = format!("names {both}, which is mandatory already");
        return Err(Refusal::invalid("spec.recommendedBuildingBlockRefs", problem).into());
    }
    let before = old.map(|old| &old.tags);
    let tags = tags::admit(tx, call, allowed, Target::LandingZone, "metadata.tags", metadata.tags, before)?;
    Ok(LandingZone {
        display_name: spec.display_name,
        description: spec.description,
        automate_deletion_approval: spec.automate_deletion_approval,
        automate_deletion_replication: spec.automate_deletion_replication,
        restricted: spec.restricted.or(old.map(|old| old.restricted)).unwrap_or(false),
        info_link: spec.info_link,
        platform: platform.object.id,
        platform_properties,
        quotas,
        mandatory,
        recommended,
        tags,
    })
}

fn references(ids: &[ObjectId]) -> Vec<UuidRef> {
    ids.iter().map(|id| UuidRef::to(definition::KIND, *id)).collect()
}

/// The kind.
pub struct LandingZones;

impl LandingZones {
    fn make(tx: &mut Tx, call: &Call, wire: Wire) -> Outcome<Object> {
        let (name, home) = (wire.metadata.name.clone(), wire.metadata.owned_by_workspace.clone());
        let allowed = call.may(Resource::LandingZone, Action::Write, &Scope::owned(&home))?;
        check_identifier(&name, NAME_MAX)
            .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
        let owning = owner(tx, &home)?;
        let id = wire.spec.platform_ref.of_kind(platform::KIND, "spec.platformRef")?;
        let platform = id.map(|id| platform::held(tx, id)).transpose()?.flatten();
        let platform =
            platform.ok_or_else(|| Refusal::invalid("spec.platformRef.uuid", "names no platform"))?;
        let is_admin = matches!(allowed.reach(), Reach::Admin | Reach::System);
        if !is_admin && platform.object.owner() != home && !platform.platform.has_contributor(&home) {
            return Err(Refusal::Forbidden(format!(
                "Landing zones of platform '{}' belong to its owner or to a workspace that contributes to it, which \
                 '{home}' does not.",
                platform.full_identifier()
            ))
            .into());
        }
        let zone = checked(tx, call, allowed, &platform, wire, None)?;
        let status = ZoneStatus { disabled: false, audience: audience(Some(&platform), &zone, false) };
        let told = Told::new("Landing Zone Created", format!("Landing zone '{name}' was created."));
        let draft = draft(&zone, &status, Some(owning.id))?;
        objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &name, Some(&home)), draft, told)
    }
}

impl Kind for LandingZones {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1"];
    const COLLECTION: &'static str = "meshlandingzones";
    const RESOURCE: Resource = Resource::LandingZone;
    const LONG: &'static [&'static str] = &["spec.description"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("identifier", "Name"),
        ("displayName", "Exact display name"),
        ("platformUuid", "Platform"),
        ("disabled", "true or false"),
        ("restricted", "true or false"),
        ("ownedByWorkspace", "Owning workspace"),
    ];
    const REQUEST: &'static str = "LandingZone";
    const RESPONSE: &'static str = "LandingZone";
    const ID: &'static str = "name";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": { "name": "dockyard-dev", "ownedByWorkspace": "orchard", "tags": { "stage": ["dev"] } },
            "spec": {
                "displayName": "Dockyard development",
                "description": "Small namespaces, self-service deletion",
                "automateDeletionApproval": true,
                "automateDeletionReplication": true,
                "restricted": false,
                "platformRef": { "kind": platform::KIND, "uuid": "6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11" },
                "platformProperties": properties::example(),
                "quotas": [{ "key": "limits.cpu", "value": 2000 }],
                "mandatoryBuildingBlockRefs": [],
                "recommendedBuildingBlockRefs": [],
            },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()?;
        match request.json.as_ref().and_then(|body| body.pointer("/spec/platformProperties")) {
            Some(given) if !given.is_null() => {
                shape::check_types(&properties::PROPERTIES, given, properties::AT)
            }
            _ => Ok(()),
        }
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, KIND, id)
    }

    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        if call.may(Resource::LandingZone, Action::Read, &Self::scope(object)).is_ok() {
            return Ok(());
        }
        let ZoneStatus { audience, .. } = object.status()?;
        let home = call.actor.home.as_deref().unwrap_or_default();
        if audience.iter().any(|name| name == "*" || name == home) {
            return Ok(());
        }
        Err(Refusal::missing(KIND, &object.key).into())
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        for filter in ["disabled", "restricted"] {
            if let Some(bad) = request.query(filter).filter(|text| !["true", "false"].contains(text)) {
                return Err(Refusal::invalid(filter, format!("knows true and false, not `{bad}`")).into());
            }
        }
        let managed = seen.own.clone();
        let mut query = Query::of(KIND, Visibility { managed, ..seen });
        for filter in ["platformUuid", "displayName", "disabled", "restricted"] {
            query = query.with(filter, request.query(filter));
        }
        query.key = request.query("identifier").map(Into::into);
        query.workspace = request.query("ownedByWorkspace").map(Into::into);
        query.manager_facet = "seenBy";
        query.published = Some(("seenBy", "*".into()));
        Ok(query)
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let Zone { zone, disabled, .. } = Zone::of(object.clone())?;
        let quotas: Vec<ZoneQuota> =
            zone.quotas.into_iter().map(|(key, value)| ZoneQuota { key, value }).collect();
        let mut spec = json!({
            "displayName": zone.display_name,
            "description": zone.description,
            "automateDeletionApproval": zone.automate_deletion_approval,
            "automateDeletionReplication": zone.automate_deletion_replication,
            "restricted": zone.restricted,
            "platformRef": UuidRef::to(platform::KIND, zone.platform),
            "platformProperties": zone.platform_properties,
            "quotas": quotas,
            "mandatoryBuildingBlockRefs": references(&zone.mandatory),
            "recommendedBuildingBlockRefs": references(&zone.recommended),
        });
        if let Some(link) = zone.info_link {
            spec["infoLink"] = json!(link);
        }
        Ok(json!({
            "metadata": { "name": object.key, "ownedByWorkspace": object.owner(), "tags": zone.tags },
            "spec": spec,
            "status": { "disabled": disabled, "restricted": zone.restricted },
        }))
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        let platform = object.doc.get("platform").and_then(Value::as_str).unwrap_or_default();
        vec![("platformInstance", format!("/api/meshobjects/meshplatforms/{platform}"))]
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
        let allowed = call.may(Resource::LandingZone, Action::Write, &Self::scope(&object))?;
        let wire: Wire = request.body()?;
        if wire.metadata.name != object.key {
            return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
        }
        if wire.metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        let Zone { object, zone: old, disabled } = Zone::of(object)?;
        if wire.spec.platform_ref.of_kind(platform::KIND, "spec.platformRef")? != Some(old.platform) {
            return Err(Refusal::invalid("spec.platformRef", "cannot be changed").into());
        }
        let deleted = || Refusal::conflict(format!("The platform of landing zone '{id}' is deleted."));
        let platform = platform::held(tx, old.platform)?.ok_or_else(deleted)?;
        let zone = checked(tx, call, allowed, &platform, wire, Some(&old))?;
        let home = if disabled { None } else { Some(owner(tx, object.owner())?.id) };
        let status = ZoneStatus { disabled, audience: audience(Some(&platform), &zone, disabled) };
        let told = Told::new("Landing Zone Changed", format!("Landing zone '{id}' was changed."));
        let new = objects::replace(tx, call, allowed, &object, draft(&zone, &status, home)?, told)?;
        if zone.quotas != old.quotas {
            tenant::settings_changed(tx, call, object.id)?;
        }
        Ok(new)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::LandingZone, Action::Delete, &Self::scope(&object))?;
        let zone = Zone::of(object)?;
        let platform = platform::by_id(tx, zone.zone.platform)?;
        set_disabled(tx, call, allowed, &zone, platform.as_ref(), true)?;
        Ok(Deleted::Now)
    }
}

/// Enables a disabled landing zone again (`api-platforms.md` §9).
pub fn enable(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<stoa_web::Reply> {
    let id = request.param(0);
    call.may_at_all(Resource::LandingZone, Action::Write)?;
    let zone = by_name(tx, id)?.ok_or_else(|| Refusal::missing(KIND, id))?;
    let allowed = call.may(Resource::LandingZone, Action::Write, &Scope::owned(zone.object.owner()))?;
    let Some(platform) = platform::held(tx, zone.zone.platform)? else {
        return Err(Refusal::conflict(format!("The platform of landing zone '{id}' is deleted.")).into());
    };
    if objects::by_key(tx, stoa_tenancy::workspace::KIND, zone.object.owner())?.is_none() {
        return Err(Refusal::conflict(format!("The owner of landing zone '{id}' is deleted.")).into());
    }
    let object = set_disabled(tx, call, allowed, &zone, Some(&platform), false)?;
    Ok(stoa_web::Reply::ok(&stoa_web::kind::represent::<LandingZones>(tx, call, &object, "v1")?))
}
