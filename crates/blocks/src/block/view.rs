//! What answers show of a block in v2-preview (`api-building-blocks.md` §4.2).

use super::model::{Block, BlockOutput, BlockState, Lifecycle, OnTenant, Row, Status};
use super::target::Target;
use crate::run::logs;
use crate::value::IoType;
use crate::version::KIND as VERSION;
use crate::version::wire::Assignment;
use crate::{block, secret};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use stoa_base::{Moment, ObjectId, RunId};
use stoa_core::objects::Object;
use stoa_core::secrets::redacted;
use stoa_core::waiting::Waiting;
use stoa_core::{Call, Outcome, Scope};
use stoa_db::Tx;

/// `metadata`, `spec` and `status` of a block.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    metadata: Metadata<'a>,
    spec: Spec<'a>,
    status: ShownStatus<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    uuid: ObjectId,
    owned_by_workspace: &'a str,
    created_on: Moment,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    building_block_definition_version_ref: Reference,
    target_ref: Value,
    display_name: &'a str,
    #[serde(serialize_with = "inputs")]
    inputs: &'a [(String, Row)],
    parent_building_block_refs: Vec<Reference>,
    parent_building_blocks: Vec<Parent>,
}

#[derive(Debug, Serialize)]
struct Reference {
    kind: &'static str,
    uuid: ObjectId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parent {
    building_block_uuid: ObjectId,
    definition_uuid: ObjectId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownStatus<'a> {
    status: BlockState,
    outputs: &'a BTreeMap<String, BlockOutput>,
    force_purge: bool,
    lifecycle: State,
    latest_run_uuid: Option<RunId>,
    latest_dry_run_uuid: Option<RunId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_preview: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<&'a Waiting>,
}

#[derive(Debug, Serialize)]
struct State {
    state: Lifecycle,
}

fn inputs<S: Serializer>(rows: &&[(String, Row)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(rows.iter().map(|(key, row)| (key, Input(row))))
}

/// An input whose value is not a secret's.
struct Input<'a>(&'a Row);

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Shown<'a> {
            value: &'a Value,
            value_type: IoType,
            assignment_type: Assignment,
            is_sensitive: bool,
        }
        let Row { value, value_type, assignment_type, is_sensitive } = self.0;
        let hidden = secret::is_stored(value).then(|| redacted(value));
        let shown = Shown {
            value: hidden.as_ref().unwrap_or(value),
            value_type: *value_type,
            assignment_type: *assignment_type,
            is_sensitive: *is_sensitive,
        };
        shown.serialize(to)
    }
}

impl<'a> View<'a> {
    /// A block; `runs` says whether the uuids of its runs are for this reader.
    pub fn of((object, block, status): (&'a Object, &'a Block, &'a Status), runs: bool) -> Self {
        let run = |id: Option<RunId>| id.filter(|_| runs);
        Self {
            metadata: Metadata {
                uuid: object.id,
                owned_by_workspace: object.owner(),
                created_on: object.created_at,
            },
            spec: Spec {
                building_block_definition_version_ref: Reference { kind: VERSION, uuid: block.version },
                target_ref: Target::shown(block, object.owner()),
                display_name: &block.display_name,
                inputs: &block.inputs,
                parent_building_block_refs: block
                    .parents
                    .iter()
                    .map(|parent| Reference { kind: block::KIND, uuid: parent.block })
                    .collect(),
                parent_building_blocks: block
                    .parents
                    .iter()
                    .map(|parent| Parent {
                        building_block_uuid: parent.block,
                        definition_uuid: parent.definition,
                    })
                    .collect(),
            },
            status: ShownStatus {
                status: status.status,
                outputs: &status.outputs,
                force_purge: status.force_purge,
                lifecycle: State { state: status.lifecycle },
                latest_run_uuid: run(status.latest_run),
                latest_dry_run_uuid: run(status.latest_dry_run),
                is_preview: status.is_preview,
                waiting: status.waiting.as_ref(),
            },
        }
    }
}

/// Where a block belongs, as little of its document as that takes.
#[derive(Deserialize)]
struct Placed {
    definition: ObjectId,
    operator: String,
    #[serde(default)]
    tenant: Option<OnTenant>,
}

/// Finds out of each block whether the uuids of its runs are for the caller, for a page of them at once.
pub fn gather(tx: &mut Tx, call: &Call, objects: &mut [Object]) -> Outcome<()> {
    // Blocks of a definition, operator, workspace and project are alike in this.
    let mut known: HashMap<(ObjectId, String, String, Option<String>), bool> = HashMap::new();
    for object in objects {
        let Placed { definition, operator, tenant } = object.doc()?;
        let alike = (definition, operator, object.owner().to_owned(), tenant.map(|tenant| tenant.project));
        let runs = if let Some(runs) = known.get(&alike) {
            *runs
        } else {
            let scope = Scope {
                owner: object.workspace.as_deref(),
                managers: vec![&alike.1],
                block: Some(object.id),
                project: alike.3.as_deref(),
                run: None,
            };
            let runs = logs::view(tx, call, &scope, definition)?.is_some_and(logs::View::sees_system);
            known.insert(alike, runs);
            runs
        };
        object.gathered = Value::Bool(runs);
    }
    Ok(())
}
