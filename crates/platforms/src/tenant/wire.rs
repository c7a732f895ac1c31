//! Tenants on the wire, in all three versions (`api-platforms.md` §7.1, §7.2, §7.7, §7.8).

use crate::reference::{NameRef, UuidRef};
use crate::{landing_zone, platform};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use stoa_base::{ObjectId, Refusal};
use stoa_blocks::block::wire::InputEntry;
use stoa_core::Outcome;
use stoa_db::Tx;
use stoa_web::Request;
use utoipa::ToSchema;

/// The oldest version.
pub const V3: &str = "v3";
/// Its successor's preview.
pub const PREVIEW: &str = "v4-preview";
/// The current version.
pub const V4: &str = "v4";

/// Owner of a tenant, v4 and v4-preview.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantMetadata)]
pub struct Metadata {
    /// Set by the server.
    #[schema(nullable = false)]
    pub uuid: Option<String>,
    /// The workspace.
    pub owned_by_workspace: String,
    /// The project, by its identifier.
    pub owned_by_project: String,
    /// Set by the server.
    #[schema(nullable = false)]
    pub created_on: Option<String>,
}

/// A value of a quota.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantQuotaValue)]
pub struct QuotaValue {
    /// In the unit of the quota's definition.
    pub value: i64,
}

/// Declared part of a tenant, v4.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantSpec)]
pub struct Spec {
    /// The platform.
    pub platform_ref: UuidRef,
    /// The landing zone; the only one that fits when absent.
    pub landing_zone_ref: Option<NameRef>,
    /// Id on the platform: set adopts an existing one.
    pub platform_tenant_id: Option<String>,
    /// Quotas asked for; never returned.
    #[schema(nullable = false)]
    pub requested_quotas: Option<BTreeMap<String, QuotaValue>>,
    /// Inputs of mandatory building blocks, by uuid of their definition and key; never returned.
    #[schema(nullable = false)]
    pub mandatory_building_block_inputs: Option<BTreeMap<String, BTreeMap<String, InputEntry>>>,
}

/// Lifecycle of a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantLifecycle)]
pub struct Lifecycle {
    /// `ACTIVE`, `MARKED_FOR_DELETION` or `DELETED`.
    pub state: String,
    /// When its deletion was asked for: `{"timestamp"}`.
    #[schema(value_type = Option<Object>)]
    pub marked_for_deletion: Option<Value>,
}

/// How a tenant goes, set by the server.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantStatus)]
pub struct ShownStatus {
    /// `<workspace>.<project>.<platform>.<location>`.
    pub tenant_name: String,
    /// For example `KUBERNETES`.
    pub platform_type_identifier: String,
    /// Container of the workspace on the platform, where there is one.
    pub platform_workspace_id: Option<String>,
    /// Effective tags: those of the workspace, over them the payment method's, over them the project's.
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    pub tags: Map<String, Value>,
    /// Quotas in force.
    pub applied_quotas: BTreeMap<String, QuotaValue>,
    /// Whether it is there.
    pub lifecycle: Lifecycle,
    /// Where it stands: `REQUESTED`, `REPLICATING`, `READY`, `FAILED` and on the way out
    /// `DELETION_REQUESTED`, `DELETION_APPROVED`, `DELETION_BLOCKED`, `DELETED`.
    #[schema(nullable = false)]
    pub phase: Option<String>,
    /// Where to sign in.
    #[schema(nullable = false)]
    pub sign_in_url: Option<String>,
    /// Why it is not final, who can move it, since when.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub waiting: Option<Value>,
}

/// A tenant on the wire, v4.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Tenant)]
pub struct Wire {
    /// Owner.
    pub metadata: Metadata,
    /// Declared part.
    pub spec: Spec,
}

/// A tenant as answers show it, v4.
#[derive(Debug, ToSchema)]
#[schema(as = ShownTenant)]
pub struct Shown {
    /// Owner.
    pub metadata: Metadata,
    /// Declared part.
    pub spec: Spec,
    /// How it goes.
    pub status: ShownStatus,
}

/// One quota in a list.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantQuota)]
pub struct Quota {
    /// Key of its definition.
    pub key: String,
    /// In the unit of the definition.
    pub value: i64,
}

/// Declared part of a tenant, v4-preview.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantV4PreviewSpec)]
pub struct PreviewSpec {
    /// `<platform>.<location>`.
    pub platform_identifier: String,
    /// Name of the landing zone.
    pub landing_zone_identifier: Option<String>,
    /// Id on the platform: set adopts an existing one.
    pub platform_tenant_id: Option<String>,
    /// Quotas: those asked for, those in force.
    #[schema(nullable = false)]
    pub quotas: Option<Vec<Quota>>,
}

/// A tenant on the wire, v4-preview.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantV4Preview)]
pub struct PreviewWire {
    /// Owner.
    pub metadata: Metadata,
    /// Declared part.
    pub spec: PreviewSpec,
}

/// Owner and platform of a tenant, v3.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantV3Metadata)]
pub struct OldMetadata {
    /// The workspace.
    pub owned_by_workspace: String,
    /// The project, by its identifier.
    pub owned_by_project: String,
    /// `<platform>.<location>`.
    pub platform_identifier: String,
    /// Set by the server.
    #[schema(nullable = false)]
    pub tenant_identifier: Option<String>,
    /// Set by the server.
    #[schema(nullable = false, value_type = Option<std::collections::BTreeMap<String, Vec<String>>>)]
    pub assigned_tags: Option<Map<String, Value>>,
    /// Set by the server when its deletion was asked for.
    #[schema(nullable = false)]
    pub deleted_on: Option<String>,
}

/// Declared part of a tenant, v3.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantV3Spec)]
pub struct OldSpec {
    /// Id on the platform: set adopts an existing one.
    #[schema(nullable = false)]
    pub local_id: Option<String>,
    /// Name of the landing zone.
    #[schema(nullable = false)]
    pub landing_zone_identifier: Option<String>,
    /// Quotas: those asked for, those in force.
    #[schema(nullable = false)]
    pub quotas: Option<Vec<Quota>>,
}

/// A tenant on the wire, v3.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TenantV3)]
pub struct OldWire {
    /// Owner and platform.
    pub metadata: OldMetadata,
    /// Declared part.
    #[serde(default)]
    pub spec: OldSpec,
}

/// How a request names the platform.
#[derive(Debug)]
pub enum PlatformName {
    /// By uuid.
    Uuid(String),
    /// By `<platform>.<location>`.
    Full(String),
}

impl PlatformName {
    /// The platform, if it exists.
    pub fn find(&self, tx: &mut Tx) -> Outcome<Option<platform::Instance>> {
        match self {
            Self::Uuid(uuid) => match uuid.parse::<ObjectId>() {
                Ok(id) => platform::by_id(tx, id),
                Err(_) => Ok(None),
            },
            Self::Full(identifier) => platform::by_full_identifier(tx, identifier),
        }
    }
}

/// What is ordered, in any version.
#[derive(Debug)]
pub struct Asked {
    /// The workspace.
    pub workspace: String,
    /// The project.
    pub project: String,
    /// The platform.
    pub platform: PlatformName,
    /// The platform's field, for refusals.
    pub platform_field: &'static str,
    /// Name of the landing zone.
    pub landing_zone: Option<String>,
    /// The landing zone's field, for refusals.
    pub landing_zone_field: &'static str,
    /// Id of an existing tenant of the platform.
    pub platform_tenant_id: Option<String>,
    /// That id's field, for refusals.
    pub id_field: &'static str,
    /// Quotas by key.
    pub quotas: BTreeMap<String, i64>,
    /// The quotas' field, for refusals.
    pub quota_field: &'static str,
    /// Inputs of mandatory building blocks, by uuid of their definition and key.
    pub inputs: BTreeMap<String, BTreeMap<String, InputEntry>>,
}

/// Refuses a body with members of other JSON types than this version's.
pub fn check_types(request: &Request) -> Result<(), Refusal> {
    match request.version {
        V3 => request.check_types::<OldWire>(),
        PREVIEW => request.check_types::<PreviewWire>(),
        _ => request.check_types::<Wire>(),
    }
}

fn by_key(quotas: Option<Vec<Quota>>) -> Outcome<BTreeMap<String, i64>> {
    let mut found = BTreeMap::new();
    for Quota { key, value } in quotas.unwrap_or_default() {
        if found.insert(key.clone(), value).is_some() {
            return Err(Refusal::invalid("spec.quotas", format!("names `{key}` twice")).into());
        }
    }
    Ok(found)
}

/// What a request orders.
pub fn asked(request: &Request) -> Outcome<Asked> {
    match request.version {
        V3 => {
            let OldWire { metadata, spec } = request.body()?;
            Ok(Asked {
                workspace: metadata.owned_by_workspace,
                project: metadata.owned_by_project,
                platform: PlatformName::Full(metadata.platform_identifier),
                platform_field: "metadata.platformIdentifier",
                landing_zone: spec.landing_zone_identifier,
                landing_zone_field: "spec.landingZoneIdentifier",
                platform_tenant_id: spec.local_id,
                id_field: "spec.localId",
                quotas: by_key(spec.quotas)?,
                quota_field: "spec.quotas",
                inputs: BTreeMap::new(),
            })
        }
        PREVIEW => {
            let PreviewWire { metadata, spec } = request.body()?;
            Ok(Asked {
                workspace: metadata.owned_by_workspace,
                project: metadata.owned_by_project,
                platform: PlatformName::Full(spec.platform_identifier),
                platform_field: "spec.platformIdentifier",
                landing_zone: spec.landing_zone_identifier,
                landing_zone_field: "spec.landingZoneIdentifier",
                platform_tenant_id: spec.platform_tenant_id,
                id_field: "spec.platformTenantId",
                quotas: by_key(spec.quotas)?,
                quota_field: "spec.quotas",
                inputs: BTreeMap::new(),
            })
        }
        _ => {
            let Wire { metadata, spec } = request.body()?;
            spec.platform_ref.of_kind(platform::KIND, "spec.platformRef")?;
            if let Some(zone) = &spec.landing_zone_ref {
                zone.clone().of_kind(landing_zone::KIND, "spec.landingZoneRef")?;
            }
            let quotas = spec.requested_quotas.unwrap_or_default();
            Ok(Asked {
                workspace: metadata.owned_by_workspace,
                project: metadata.owned_by_project,
                platform: PlatformName::Uuid(spec.platform_ref.uuid),
                platform_field: "spec.platformRef",
                landing_zone: spec.landing_zone_ref.map(|zone| zone.name),
                landing_zone_field: "spec.landingZoneRef",
                platform_tenant_id: spec.platform_tenant_id,
                id_field: "spec.platformTenantId",
                quotas: quotas.into_iter().map(|(key, quota)| (key, quota.value)).collect(),
                quota_field: "spec.requestedQuotas",
                inputs: spec.mandatory_building_block_inputs.unwrap_or_default(),
            })
        }
    }
}
