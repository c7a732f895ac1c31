//! Blocks on the wire, in both versions (`api-building-blocks.md` §4.2 and §9).

use super::model::{Block, Row, Status};
use super::target::Target;
use crate::version::KIND as VERSION;
use crate::{block, secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use stoa_core::objects::Object;
use stoa_core::secrets::redacted;
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

/// What only readers with more rights see.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Whether the uuids of runs are for this reader.
    pub runs: bool,
}

fn row(row: &Row) -> Value {
    json!({
        "value": if secret::is_stored(&row.value) { redacted(&row.value) } else { row.value.clone() },
        "valueType": row.value_type,
        "assignmentType": row.assignment_type,
        "isSensitive": row.is_sensitive,
    })
}

/// A block in v2-preview.
pub fn v2((object, block, status): (&Object, &Block, &Status), shown: Shown) -> Value {
    let inputs: Map<String, Value> =
        block.inputs.iter().map(|(key, found)| (key.clone(), row(found))).collect();
    let refs: Vec<Value> =
        block.parents.iter().map(|parent| json!({ "kind": block::KIND, "uuid": parent.block })).collect();
    let entries: Vec<Value> = block
        .parents
        .iter()
        .map(|parent| json!({ "buildingBlockUuid": parent.block, "definitionUuid": parent.definition }))
        .collect();
    let run = |id: Option<stoa_base::RunId>| id.filter(|_| shown.runs);
    let mut whole = json!({
        "metadata": {
            "uuid": object.id,
            "ownedByWorkspace": object.owner(),
            "createdOn": object.created_at,
        },
        "spec": {
            "buildingBlockDefinitionVersionRef": { "kind": VERSION, "uuid": block.version },
            "targetRef": Target::shown(block, object.owner()),
            "displayName": block.display_name,
            "inputs": inputs,
            "parentBuildingBlockRefs": refs,
            "parentBuildingBlocks": entries,
        },
        "status": {
            "status": status.status,
            "outputs": status.outputs,
            "forcePurge": status.force_purge,
            "lifecycle": { "state": status.lifecycle },
            "latestRunUuid": run(status.latest_run),
            "latestDryRunUuid": run(status.latest_dry_run),
        },
    });
    if let Some(waiting) = &status.waiting {
        whole["status"]["waiting"] = json!(waiting);
    }
    whole
}
