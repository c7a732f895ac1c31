//! Blocks on the wire, in both versions (`api-building-blocks.md` §4.2 and §9).

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A reference by uuid; the kind is implied.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BlockReference)]
pub struct Reference {
    /// Kind.
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// uuid; null where a name says it.
    pub uuid: Option<String>,
    /// Name, of workspaces; null where a uuid says it.
    pub name: Option<String>,
}

/// A parent in the deprecated form.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ParentBuildingBlock)]
pub struct ParentEntry {
    /// The parent block.
    pub building_block_uuid: String,
}

/// A supplied input.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BuildingBlockInput)]
pub struct InputEntry {
    /// The value; `{"plaintext"}` or `{"hash"}` for secrets.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub value: Value,
    /// Must match the definition.
    #[schema(nullable = false)]
    pub is_sensitive: Option<bool>,
    /// Must match the definition when given.
    #[schema(nullable = false)]
    pub value_type: Option<String>,
}

/// What is ordered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BuildingBlockSpec)]
pub struct Spec {
    /// The version.
    pub building_block_definition_version_ref: Reference,
    /// The workspace by name, or the tenant by uuid.
    pub target_ref: Reference,
    /// For people.
    pub display_name: String,
    /// What the caller supplies.
    #[serde(default)]
    pub inputs: BTreeMap<String, InputEntry>,
    /// Parents.
    pub parent_building_block_refs: Option<Vec<Reference>>,
    /// Parents in the deprecated form.
    pub parent_building_blocks: Option<Vec<ParentEntry>>,
}

/// uuid of a block.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = BuildingBlockMetadata)]
pub struct Metadata {
    /// Set by the server.
    #[schema(nullable = false)]
    pub uuid: Option<String>,
}

/// A block on the wire, v2-preview.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BuildingBlock)]
pub struct Wire {
    /// Its uuid.
    #[serde(default)]
    pub metadata: Metadata,
    /// What is ordered.
    pub spec: Spec,
}
