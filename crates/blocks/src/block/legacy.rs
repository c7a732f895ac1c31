//! Version 1 of blocks: the same objects, those of tenants only, in an older dress
//! (`api-building-blocks.md` §9).

use super::model::{Block, Lifecycle, Status};
use super::order::Asked;
use super::target::Named;
use super::wire::{InputEntry, Metadata, ParentEntry, Reference, Spec, Wire as Newer};
use crate::secret;
use crate::version;
use serde::Deserialize;
use serde_json::{Value, json};
use stoa_base::Refusal;
use stoa_core::Outcome;
use stoa_core::objects::{self, Object};
use stoa_db::Tx;
use stoa_web::Request;
use utoipa::ToSchema;

/// Identity and target of a block, v1.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BuildingBlockV1Metadata)]
pub struct LegacyMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    pub uuid: Option<String>,
    /// The definition.
    pub definition_uuid: String,
    /// Number of the version.
    pub definition_version: i64,
    /// `<workspace>.<project>.<platform>.<location>`.
    pub tenant_identifier: String,
}

/// An input of a block, v1.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BuildingBlockV1Input)]
pub struct LegacyInput {
    /// Its key.
    pub key: String,
    /// The value; secrets come as plain text and never go back.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub value: Value,
    /// Must match the definition when given.
    #[schema(nullable = false)]
    pub value_type: Option<String>,
}

/// What is ordered, v1.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BuildingBlockV1Spec)]
pub struct LegacySpec {
    /// For people.
    pub display_name: String,
    /// What the caller supplies.
    pub inputs: Vec<LegacyInput>,
    /// Parents.
    pub parent_building_blocks: Option<Vec<ParentEntry>>,
}

/// A block on the wire, v1.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BuildingBlockV1)]
pub struct Wire {
    /// Identity and target.
    pub metadata: LegacyMetadata,
    /// What is ordered.
    pub spec: LegacySpec,
}

/// A request body that would be accepted.
pub fn example() -> Value {
    json!({
        "kind": super::KIND,
        "metadata": {
            "definitionUuid": "5b1f0b1e-7a53-4bb2-9c1e-2f6c1a0d3e10",
            "definitionVersion": 1,
            "tenantIdentifier": "shop.shop-dev.dockyard.dc-bergen",
        },
        "spec": {
            "displayName": "orders schema",
            "inputs": [{ "key": "schema_name", "value": "orders", "valueType": "STRING" }],
        },
    })
}

/// What a v1 request orders.
pub fn asked(tx: &mut Tx, request: &Request) -> Outcome<Asked> {
    let Wire { metadata, spec } = request.body()?;
    let named = format!("{}.{}", metadata.definition_uuid, metadata.definition_version);
    let found = match objects::by_key(tx, version::KIND, &named)? {
        Some(object) => version::by_id(tx, object.id)?,
        None => None,
    };
    let is_sensitive = |key: &str| {
        found
            .as_ref()
            .is_some_and(|(_, version)| version.inputs.get(key).is_some_and(|input| input.is_sensitive))
    };
    let mut inputs = std::collections::BTreeMap::new();
    for LegacyInput { key, value, value_type } in spec.inputs {
        let value = match value {
            Value::String(text) if is_sensitive(&key) => json!({ "plaintext": text }),
            other => other,
        };
        if inputs.insert(key.clone(), InputEntry { value, is_sensitive: None, value_type }).is_some() {
            return Err(Refusal::invalid("spec.inputs", format!("names `{key}` twice")).into());
        }
    }
    let version = found.as_ref().map_or(named, |(object, _)| object.id.to_string());
    Ok(Asked {
        version,
        found,
        target: Some(Named::TenantIdentifier(metadata.tenant_identifier)),
        wire: Newer {
            metadata: Metadata::default(),
            spec: Spec {
                building_block_definition_version_ref: Reference { kind: None, uuid: None, name: None },
                target_ref: Reference { kind: None, uuid: None, name: None },
                display_name: spec.display_name,
                inputs,
                parent_building_block_refs: None,
                parent_building_blocks: spec.parent_building_blocks,
            },
        },
    })
}

/// A block in v1; `tenant` is its tenant's identifier.
pub fn shown((object, block, status): (&Object, &Block, &Status), tenant: &str) -> Value {
    let inputs: Vec<Value> = block
        .inputs
        .iter()
        .map(|(key, row)| {
            let value = if secret::is_stored(&row.value) { &Value::Null } else { &row.value };
            json!({ "key": key, "value": value, "valueType": row.value_type })
        })
        .collect();
    let outputs: Vec<Value> = status
        .outputs
        .iter()
        .map(|(key, output)| json!({ "key": key, "value": output.value, "valueType": output.value_type }))
        .collect();
    let parents: Vec<Value> = block
        .parents
        .iter()
        .map(|parent| json!({ "buildingBlockUuid": parent.block, "definitionUuid": parent.definition }))
        .collect();
    let (marked_on, marked_by) = status.marked_for_deletion.clone().unzip();
    json!({
        "metadata": {
            "uuid": object.id,
            "definitionUuid": block.definition,
            "definitionVersion": block.version_number,
            "tenantIdentifier": tenant,
            "forcePurge": status.force_purge,
            "createdOn": object.created_at,
            "markedForDeletionOn": marked_on,
            "markedForDeletionBy": marked_by,
        },
        "spec": { "displayName": block.display_name, "inputs": inputs, "parentBuildingBlocks": parents },
        "status": { "status": status.status, "outputs": outputs },
    })
}

/// Whether v1 shows a block: it knows those of tenants only, and none that is gone.
pub fn knows(object: &Object) -> bool {
    let gone = object.status.get("lifecycle") == Some(&json!(Lifecycle::Deleted));
    object.doc.get("tenant").is_some() && !gone
}
