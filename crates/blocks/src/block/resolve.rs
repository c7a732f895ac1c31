//! From declared inputs and supplied values to the rows a run gets, and to the reason when something is
//! missing (`api-building-blocks.md` §3.3, §4.3, §5.1).

use super::KIND;
use super::model::{Block, BlockState, Ordered, Row, Waiting};
use super::target::Target;
use crate::version::wire::{Assignment, Input, Version};
use serde_json::{Value, json};
use stoa_base::ObjectId;
use stoa_core::{Call, Outcome, objects};
use stoa_db::Tx;

/// What resolving found missing, if anything.
pub struct Missing {
    /// The state that follows.
    pub state: BlockState,
    /// Keys of the missing inputs.
    pub keys: Vec<String>,
    /// Whether the tenant's id on its platform is among them.
    pub lacks_tenant_id: bool,
}

impl Missing {
    /// The reason as people and machines read it.
    pub fn waiting(&self, call: &Call, operator: &str) -> Waiting {
        let (reason, who) = match self.state {
            BlockState::WaitingForUserInput => ("USER_INPUT_MISSING", "the consuming workspace".to_owned()),
            BlockState::WaitingForDependentInput if self.lacks_tenant_id => {
                ("PLATFORM_TENANT_ID_MISSING", "whatever gives the tenant its id on the platform".to_owned())
            }
            BlockState::WaitingForOperatorInput => {
                ("OPERATOR_INPUT_MISSING", format!("the operators in workspace {operator}"))
            }
            _ => ("PARENT_OUTPUT_MISSING", "whoever makes the parent block succeed".to_owned()),
        };
        Waiting {
            reason: reason.into(),
            blocker: format!("inputs {}", self.keys.join(", ")),
            who,
            since: call.now.to_string(),
            next_look: None,
        }
    }
}

/// Resolves every input of `version` for `block`; fills `block.inputs`.
pub fn resolve(
    tx: &mut Tx,
    call: &Call,
    (id, target): (ObjectId, &Target),
    block: &mut Block,
    version: &Version,
) -> Outcome<Option<Missing>> {
    let tenant = target.tenant.as_ref();
    let mut parents = Vec::new();
    for parent in &block.parents {
        if let Some(object) = objects::by_id(tx, KIND, parent.block)? {
            parents.push((parent.definition, Ordered::read(object)?));
        }
    }
    let mut rows = Vec::new();
    let mut missing: [(BlockState, Vec<String>); 3] = [
        (BlockState::WaitingForUserInput, Vec::new()),
        (BlockState::WaitingForOperatorInput, Vec::new()),
        (BlockState::WaitingForDependentInput, Vec::new()),
    ];
    for (key, input) in version.ordered_inputs() {
        let value = match input.assignment_type {
            Assignment::UserInput | Assignment::PlatformOperatorManualInput => {
                block.supplied.get(key).cloned().unwrap_or_else(|| input.default_value.clone())
            }
            Assignment::Static => input.argument.clone(),
            Assignment::BuildingBlockOutput => from_parent(input, &parents),
            Assignment::WorkspaceIdentifier => json!(target.workspace),
            Assignment::TenantBuildingBlockUuid => json!(id),
            Assignment::Author => json!(block.author.to_string()),
            Assignment::UserPermissions => target.people(tx, call.now)?,
            Assignment::PlatformTenantId => json!(tenant.and_then(|t| t.status.platform_tenant_id.as_ref())),
            Assignment::MeshstackTenantUuid => json!(tenant.map(|t| t.object.id)),
            Assignment::ProjectIdentifier => json!(tenant.map(|t| &t.tenant.project)),
            Assignment::FullPlatformIdentifier => json!(tenant.map(|t| &t.tenant.platform_identifier)),
        };
        if value.is_null() {
            let place = match input.assignment_type {
                Assignment::UserInput => 0,
                Assignment::PlatformOperatorManualInput => 1,
                _ => 2,
            };
            missing[place].1.push(key.clone());
            if input.assignment_type != Assignment::UserInput {
                continue; // only unset user inputs show as null rows (§4.3)
            }
        }
        let row = Row {
            value,
            value_type: input.io_type,
            assignment_type: input.assignment_type,
            is_sensitive: input.is_sensitive,
        };
        rows.push((key.clone(), row));
    }
    block.inputs = rows;
    let first = missing.into_iter().find(|(_, keys)| !keys.is_empty());
    Ok(first.map(|(state, keys)| {
        let takes_id = |key: &String| {
            version.inputs.get(key).is_some_and(|input| input.assignment_type == Assignment::PlatformTenantId)
        };
        Missing { state, lacks_tenant_id: keys.iter().any(takes_id), keys }
    }))
}

fn from_parent(input: &Input, parents: &[(ObjectId, Ordered)]) -> Value {
    let (definition, output) =
        input.argument.as_str().and_then(|text| text.split_once('.')).unwrap_or_default();
    let parent = parents.iter().find(|(of, _)| of.to_string() == definition);
    parent
        .and_then(|(_, parent)| parent.status.outputs.get(output))
        .map_or(Value::Null, |output| output.value.clone())
}
