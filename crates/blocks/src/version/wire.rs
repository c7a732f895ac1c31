//! Versions on the wire and as stored; both have the same shape, but for secrets
//! (`api-building-blocks.md` §3.2 to §3.5).

use crate::value::IoType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use stoa_base::ObjectId;
use utoipa::ToSchema;

/// Where a version stands. The API shows `IN_REVIEW` as `DRAFT` (§3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Being worked on.
    Draft,
    /// Waits for an administrator to approve the first release.
    InReview,
    /// Fixed for ever.
    Released,
}

impl State {
    /// As the API shows it.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Draft | Self::InReview => "DRAFT",
            Self::Released => "RELEASED",
        }
    }
}

/// What a caller may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AskedState {
    /// Stay a draft.
    Draft,
    /// Release it.
    Released,
}

/// What happens to a block's resources when it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeletionMode {
    /// They are destroyed by a run.
    Delete,
    /// They are left alone.
    Purge,
}

/// Who supplies an input (§3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Assignment {
    /// The consumer.
    UserInput,
    /// The operator of the definition.
    PlatformOperatorManualInput,
    /// The version itself.
    Static,
    /// An output of a parent block.
    BuildingBlockOutput,
    /// The platform's own id of the tenant.
    PlatformTenantId,
    /// uuid of the tenant.
    MeshstackTenantUuid,
    /// The consuming workspace.
    WorkspaceIdentifier,
    /// The tenant's project.
    ProjectIdentifier,
    /// `<platform>.<location>` of the tenant.
    FullPlatformIdentifier,
    /// uuid of the block.
    TenantBuildingBlockUuid,
    /// Who has which role.
    UserPermissions,
    /// Who created the block.
    Author,
}

impl Assignment {
    /// Whether people supply it, per block.
    pub fn is_supplied(self) -> bool {
        matches!(self, Self::UserInput | Self::PlatformOperatorManualInput)
    }

    /// Whether it makes sense for tenants only.
    pub fn needs_tenant(self) -> bool {
        matches!(
            self,
            Self::PlatformTenantId
                | Self::MeshstackTenantUuid
                | Self::ProjectIdentifier
                | Self::FullPlatformIdentifier
        )
    }
}

/// An input of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// For people.
    pub display_name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// Type.
    #[serde(rename = "type")]
    pub io_type: IoType,
    /// Who supplies it.
    pub assignment_type: Assignment,
    /// Environment variable rather than module variable.
    pub is_environment: bool,
    /// Whether it is a secret.
    pub is_sensitive: bool,
    /// Value of `STATIC`, source of `BUILDING_BLOCK_OUTPUT`.
    #[serde(default)]
    pub argument: Value,
    /// What applies when nobody supplies it.
    #[serde(default)]
    pub default_value: Value,
    /// Whether consumers may change it later.
    pub updateable_by_consumer: bool,
    /// What may be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub selectable_values: Option<Vec<String>>,
    /// What the whole value must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value_validation_regex: Option<String>,
    /// What to say when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub validation_regex_error_message: Option<String>,
    /// Position in forms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub display_order: Option<i64>,
}

/// What an output is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutputAssignment {
    /// Shown, and for child blocks.
    #[default]
    None,
    /// Becomes the tenant's platform id.
    PlatformTenantId,
    /// Sign-in link of the tenant.
    SignInUrl,
    /// Link of the block.
    ResourceUrl,
    /// Markdown summary of the block.
    Summary,
}

/// An output of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// For people.
    pub display_name: String,
    /// Type.
    #[serde(rename = "type")]
    pub io_type: IoType,
    /// What it is used for.
    #[serde(default)]
    pub assignment_type: OutputAssignment,
    /// Position.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub display_order: Option<i64>,
}

/// An output in a request: of manual definitions most may be left out.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedOutput {
    /// For people.
    pub display_name: Option<String>,
    /// Type.
    #[serde(rename = "type")]
    pub io_type: Option<String>,
    /// What it is used for.
    pub assignment_type: Option<String>,
    /// Position.
    pub display_order: Option<i64>,
}

/// A reference by uuid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UuidRef {
    /// Kind; implied when absent.
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// uuid.
    pub uuid: String,
}

/// A version as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Its definition.
    pub definition: ObjectId,
    /// Its number, from 1.
    pub number: i64,
    /// Where it stands.
    pub state: State,
    /// Whether a target may have one block of it only.
    pub only_apply_once_per_tenant: bool,
    /// What deletion does.
    pub deletion_mode: DeletionMode,
    /// Rights of the ephemeral API token of its runs.
    pub permissions: Vec<String>,
    /// Runner.
    pub runner: ObjectId,
    /// Definitions whose blocks may be parents.
    pub dependencies: Vec<ObjectId>,
    /// `{"type": t, t: {…}}`, secrets kept.
    pub implementation: Value,
    /// Inputs by key, secrets kept.
    pub inputs: BTreeMap<String, Input>,
    /// Outputs by key.
    pub outputs: BTreeMap<String, Output>,
    /// Outputs of a manual definition as its author changed them; they outlive later requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub manual_overrides: BTreeMap<String, Override>,
    /// Reviews of its release, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<Review>,
}

/// A step of a review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// `IN_REVIEW`, `WITHDRAWN`, `REJECTED` or `RELEASED`.
    pub state: String,
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Version {
    /// Where its review stands: `IN_REVIEW` or `REJECTED`; none when nobody waits for one and nobody said no.
    pub fn review(&self) -> Option<&'static str> {
        let last = self.reviews.last().map(|review| review.state.as_str());
        match (self.state, last) {
            (State::InReview, _) => Some("IN_REVIEW"),
            (State::Draft, Some("REJECTED")) => Some("REJECTED"),
            _ => None,
        }
    }

    /// `spec.implementation.type`.
    pub fn implementation_type(&self) -> &str {
        self.implementation["type"].as_str().unwrap_or_default()
    }

    /// The nested object of the implementation.
    pub fn implementation_body(&self) -> &Value {
        &self.implementation[self.implementation_type()]
    }

    /// Inputs in the order people and runs see them: `displayOrder`, then key.
    pub fn ordered_inputs(&self) -> Vec<(&String, &Input)> {
        let mut inputs: Vec<_> = self.inputs.iter().collect();
        inputs.sort_by_key(|(key, input)| (input.display_order.unwrap_or(i64::MAX), (*key).clone()));
        inputs
    }
}

/// What the author of a manual definition changed of a derived output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    /// Instead of the input's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Instead of `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignment_type: Option<OutputAssignment>,
    /// Instead of the input's position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_order: Option<i64>,
}

/// Owner of a version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    pub uuid: Option<String>,
    /// Owner of the definition.
    pub owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    pub created_on: Option<String>,
}

/// Declared part of a version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionSpec {
    /// Its definition; cannot be changed.
    pub building_block_definition_ref: UuidRef,
    /// The next free number; given when absent.
    pub version_number: Option<i64>,
    /// `RELEASED` in a PUT releases.
    pub state: Option<AskedState>,
    /// Whether a target may have one block of it only.
    pub only_apply_once_per_tenant: bool,
    /// What deletion does.
    pub deletion_mode: DeletionMode,
    /// Rights of the ephemeral API token of its runs.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Runner; the shared one when absent.
    pub runner_ref: Option<UuidRef>,
    /// Definitions whose blocks may be parents.
    pub dependency_definition_refs: Option<Vec<UuidRef>>,
    /// Deprecated twin of `dependencyDefinitionRefs`.
    pub dependency_definition_uuids: Option<Vec<String>>,
    /// `{"type": t, t: {…}}` with t of `manual`, `terraform`, `githubWorkflows`, `gitlabPipeline` and
    /// `azureDevOpsPipeline`.
    #[schema(value_type = Object)]
    pub implementation: Map<String, Value>,
    /// Inputs by key.
    pub inputs: BTreeMap<String, Input>,
    /// Outputs by key.
    pub outputs: BTreeMap<String, AskedOutput>,
}

/// A version on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BuildingBlockDefinitionVersion)]
pub struct Wire {
    /// Owner.
    pub metadata: VersionMetadata,
    /// Declared part.
    pub spec: VersionSpec,
}
