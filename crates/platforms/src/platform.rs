//! meshPlatform as stored: one connected installation that tenants are made on (`api-platforms.md` §5).

pub mod availability;
pub mod connection;
pub mod kind;
pub mod operating;
pub mod review;

use crate::reference::NameRef;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stoa_base::ObjectId;
use stoa_core::Outcome;
use stoa_core::objects::{self, Object};
use stoa_db::Tx;
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshPlatform";

/// Who may use a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Restriction {
    /// Everybody.
    Public,
    /// The workspaces listed.
    Restricted,
    /// Its owner.
    Private,
}

/// Whether a platform is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Publication {
    /// It is.
    Published,
    /// It is not.
    Unpublished,
    /// A review was asked for.
    Requested,
    /// A review said no.
    Rejected,
}

/// Who may use a platform, and whether it is offered (`api-platforms.md` §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlatformAvailability)]
pub struct Availability {
    /// Who may use it.
    pub restriction: Restriction,
    /// Whether it is offered.
    pub publication_state: Publication,
    /// The workspaces of `RESTRICTED`; the owner alone of `PRIVATE`.
    #[serde(default)]
    pub restricted_to_workspaces: Vec<String>,
}

/// A limit that a platform understands (`api-platforms.md` §5.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlatformQuotaDefinition)]
pub struct QuotaDefinition {
    /// Key that the platform itself understands.
    pub quota_key: String,
    /// Name for people.
    pub label: String,
    /// What it limits.
    pub description: String,
    /// Unit that the platform expects for the key.
    pub unit: String,
    /// Least value.
    pub min_value: i64,
    /// Greatest value.
    pub max_value: i64,
    /// Requests up to and including it need no approval; 0 means never.
    pub auto_approval_threshold: i64,
}

/// A platform as declared: what `spec` shows, with its secrets sealed, and its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Platform {
    /// First half of its identity, the location is the second.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// One or two sentences.
    pub description: String,
    /// Web console.
    pub endpoint: String,
    /// Where help is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_url: Option<String>,
    /// Where documentation is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation_url: Option<String>,
    /// Markdown for the people on its tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_information: Option<String>,
    /// Markdown for the marketplace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
    /// The location.
    pub location_ref: NameRef,
    /// Workspaces that may add landing zones of their own.
    pub contributing_workspaces: Vec<String>,
    /// Who may use it.
    pub availability: Availability,
    /// Limits of its tenants.
    pub quota_definitions: Vec<QuotaDefinition>,
    /// `type` and the member that it names.
    pub config: Map<String, Value>,
}

/// One round of a publication, or a part of it (`domain-platforms.md` §3: the history is kept).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlatformPublicationStep)]
pub struct PublicationStep {
    /// The state it led to.
    pub state: Publication,
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// What the submitter or the reviewer said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub comment: Option<String>,
}

/// What happened to a platform besides what is declared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlatformStatus {
    /// Nobody orders it any more; its tenants live on.
    pub deprecated: bool,
    /// How it was published, oldest first.
    pub publication: Vec<PublicationStep>,
    /// The latest connection tests, newest first.
    pub connection_tests: Vec<Value>,
}

/// A platform with all that is known of it.
#[derive(Clone, Debug)]
pub struct Instance {
    /// As stored.
    pub object: Object,
    /// As declared.
    pub platform: Platform,
    /// What happened to it.
    pub status: PlatformStatus,
}

impl Platform {
    /// `config.type`.
    pub fn config_type(&self) -> &str {
        self.config.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The member of `config` that its type names.
    pub fn settings(&self) -> Option<&Value> {
        self.config.get(self.config_type())
    }

    /// The platform type that its tenants report (`api-platforms.md` §5.4).
    pub fn type_identifier(&self) -> &str {
        match self.config_type() {
            "aws" => "AWS",
            "azure" => "AZURE",
            "azurerg" => "AZURE_RESOURCE_GROUP",
            "gcp" => "GCP",
            "kubernetes" => "KUBERNETES",
            "aks" => "AZURE_KUBERNETES_SERVICE",
            "openshift" => "OPENSHIFT",
            _ => self
                .settings()
                .and_then(|custom| custom.pointer("/platformTypeRef/name"))
                .and_then(Value::as_str)
                .unwrap_or("CUSTOM"),
        }
    }

    /// Whether its tenants need a landing zone (`domain-platforms.md` ZN-1).
    pub fn needs_landing_zone(&self) -> bool {
        !matches!(self.config_type(), "kubernetes" | "aks")
    }

    /// Whether consumers of a workspace are offered it: published, and to this workspace.
    pub fn is_offered_to(&self, workspace: &str) -> bool {
        let Availability { restriction, publication_state, restricted_to_workspaces } = &self.availability;
        *publication_state == Publication::Published
            && match restriction {
                Restriction::Public => true,
                Restriction::Restricted => restricted_to_workspaces.iter().any(|listed| listed == workspace),
                Restriction::Private => false,
            }
    }

    /// Whether a workspace contributes landing zones.
    pub fn has_contributor(&self, workspace: &str) -> bool {
        self.contributing_workspaces.iter().any(|listed| listed == workspace)
    }

    /// The definition of a quota.
    pub fn quota(&self, key: &str) -> Option<&QuotaDefinition> {
        self.quota_definitions.iter().find(|definition| definition.quota_key == key)
    }
}

impl Instance {
    /// The platform in an object of this kind.
    pub fn of(object: Object) -> Outcome<Self> {
        Ok(Self { platform: object.doc()?, status: object.status()?, object })
    }

    /// `<name>.<location>`.
    pub fn full_identifier(&self) -> String {
        full_identifier(&self.platform.name, &self.platform.location_ref.name)
    }

    /// The platform type that its tenants report (`api-platforms.md` §5.4).
    pub fn type_identifier(&self) -> &str {
        self.platform.type_identifier()
    }

    /// Whether a workspace may have tenants on it (`api-platforms.md` §7.3 row 4, without what admins may).
    pub fn is_entitled(&self, workspace: &str) -> bool {
        self.object.owner() == workspace
            || self.platform.has_contributor(workspace)
            || self.platform.is_offered_to(workspace)
    }

    /// Whether new tenants may be made on it: it is neither deprecated nor deleted.
    pub fn is_active(&self) -> bool {
        !self.status.deprecated && self.object.deleted_at.is_none()
    }

    /// The definition of a quota.
    pub fn quota(&self, key: &str) -> Option<&QuotaDefinition> {
        self.platform.quota(key)
    }
}

/// `<name>.<location>`, which names a platform for ever.
pub fn full_identifier(name: &str, location: &str) -> String {
    format!("{name}.{location}")
}

/// The platform with this uuid, unless it is deleted.
pub fn by_id(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Instance>> {
    let found = objects::by_id(tx, KIND, id)?.filter(|object| object.deleted_at.is_none());
    found.map(Instance::of).transpose()
}

/// The platform with this uuid, unless it is deleted; kept as it is until the transaction ends.
pub fn held(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Instance>> {
    let found = objects::by_id_for_update(tx, KIND, id)?.filter(|object| object.deleted_at.is_none());
    found.map(Instance::of).transpose()
}

/// The living platform named `<name>.<location>`.
pub fn by_full_identifier(tx: &mut Tx, identifier: &str) -> Outcome<Option<Instance>> {
    objects::by_key(tx, KIND, identifier)?.map(Instance::of).transpose()
}
