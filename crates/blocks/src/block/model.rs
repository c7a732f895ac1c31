//! A building block as stored: what was ordered (`doc`) and how it goes (`status`).

use crate::run::model::Run;
use crate::value::IoType;
use crate::version::wire::{Assignment, OutputAssignment};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use stoa_base::{ObjectId, RunId};
use stoa_core::objects::Object;
use stoa_core::{Outcome, Scope};

pub use stoa_core::waiting::Waiting;

/// Where a block stands (`api-building-blocks.md` §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BlockState {
    /// A parent has no such output yet.
    WaitingForDependentInput,
    /// The operator has to supply an input.
    WaitingForOperatorInput,
    /// The consumer has to supply an input.
    WaitingForUserInput,
    /// A dry run has to be approved.
    WaitingForApproval,
    /// A run is queued.
    Pending,
    /// A run is being executed.
    InProgress,
    /// The last run succeeded.
    Succeeded,
    /// The last run failed.
    Failed,
    /// The last run was aborted.
    Aborted,
}

impl BlockState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::WaitingForDependentInput,
        Self::WaitingForOperatorInput,
        Self::WaitingForUserInput,
        Self::WaitingForApproval,
        Self::Pending,
        Self::InProgress,
        Self::Succeeded,
        Self::Failed,
        Self::Aborted,
    ];

    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::WaitingForDependentInput => "WAITING_FOR_DEPENDENT_INPUT",
            Self::WaitingForOperatorInput => "WAITING_FOR_OPERATOR_INPUT",
            Self::WaitingForUserInput => "WAITING_FOR_USER_INPUT",
            Self::WaitingForApproval => "WAITING_FOR_APPROVAL",
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
        }
    }

    /// Whether it cannot run because an input has no value.
    pub fn lacks_input(self) -> bool {
        matches!(
            self,
            Self::WaitingForDependentInput | Self::WaitingForOperatorInput | Self::WaitingForUserInput
        )
    }

    /// Whether the last run is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Aborted)
    }

    /// Whether somebody has to supply something first.
    pub fn is_waiting(self) -> bool {
        matches!(
            self,
            Self::WaitingForDependentInput
                | Self::WaitingForOperatorInput
                | Self::WaitingForUserInput
                | Self::WaitingForApproval
        )
    }
}

/// Whether a block is there (`api-building-blocks.md` §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lifecycle {
    /// It is.
    #[default]
    Active,
    /// It is being taken down.
    MarkedForDeletion,
    /// It was.
    Deleted,
}

/// One input as it reaches runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The value, a kept secret, or null.
    pub value: Value,
    /// Its type.
    pub value_type: IoType,
    /// Where it comes from.
    pub assignment_type: Assignment,
    /// Whether it is a secret.
    pub is_sensitive: bool,
}

/// A parent of a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent block.
    pub block: ObjectId,
    /// Its definition.
    pub definition: ObjectId,
}

/// The tenant that a block works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OnTenant {
    /// The tenant.
    pub uuid: ObjectId,
    /// Its project.
    #[serde(default)]
    pub project: String,
    /// Whether it came with the tenant, as its landing zone wants it, and goes with it.
    pub is_mandatory: bool,
}

/// What was ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// The definition.
    pub definition: ObjectId,
    /// The version.
    pub version: ObjectId,
    /// Its number.
    pub version_number: i64,
    /// The workspace that offers the definition.
    pub operator: String,
    /// For people.
    pub display_name: String,
    /// Values that people supplied, secrets kept.
    pub supplied: BTreeMap<String, Value>,
    /// Every input as resolved, in the order people see them.
    pub inputs: Vec<(String, Row)>,
    /// Parents.
    pub parents: Vec<Parent>,
    /// Who ordered it, as an author object.
    pub author: Value,
    /// The tenant it works on; none for blocks of a workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<OnTenant>,
}

impl Block {
    /// Whether a change of somebody's roles concerns it.
    pub fn takes_people(&self) -> bool {
        self.inputs.iter().any(|(_, row)| row.assignment_type == Assignment::UserPermissions)
    }

    /// Whether it came with its tenant.
    pub fn is_mandatory(&self) -> bool {
        self.tenant.as_ref().is_some_and(|tenant| tenant.is_mandatory)
    }
}

/// An output of a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockOutput {
    /// The value; null when the reporter flagged it as sensitive.
    pub value: Value,
    /// Its type.
    pub value_type: IoType,
    /// What it is used for.
    pub assignment_type: OutputAssignment,
}

/// How a block goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Where it stands.
    pub status: BlockState,
    /// Outputs of the last run that succeeded.
    #[serde(default)]
    pub outputs: BTreeMap<String, BlockOutput>,
    /// Purge asked for.
    #[serde(default)]
    pub force_purge: bool,
    /// Whether it is there.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// Newest run that changes things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_run: Option<RunId>,
    /// Newest run, if it is a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_dry_run: Option<RunId>,
    /// Whether nothing is applied before somebody says so: it was ordered with a dry run first, see
    /// [`super::preview`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_preview: bool,
    /// Why it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// When its deletion was asked for, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked_for_deletion: Option<(String, String)>,
}

/// A block taken apart.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// As stored.
    pub object: Object,
    /// What was ordered.
    pub block: Block,
    /// How it goes.
    pub status: Status,
}

impl Ordered {
    /// Takes a stored block apart.
    pub fn read(object: Object) -> Outcome<Self> {
        Ok(Self { block: object.doc()?, status: object.status()?, object })
    }

    /// The consuming workspace.
    pub fn workspace(&self) -> &str {
        self.object.owner()
    }

    /// Whether the block's status follows this run: its newest, unless inputs are missing since.
    pub fn shows(&self, run: &Run) -> bool {
        self.status.latest_run == Some(run.id) && !self.status.status.is_waiting()
    }

    /// Whether the block waits for what this run finds out: it is the newest look at an order.
    pub fn previews(&self, run: &Run) -> bool {
        self.status.latest_dry_run == Some(run.id) && self.is_undecided()
    }

    /// Whether somebody has to say that the order is applied, or discard it.
    pub fn is_undecided(&self) -> bool {
        self.status.is_preview && self.status.status == BlockState::WaitingForApproval
    }

    /// Where it belongs.
    pub fn scope(&self) -> Scope<'_> {
        Scope {
            owner: Some(self.workspace()),
            managers: vec![&self.block.operator],
            block: Some(self.object.id),
            project: self.block.tenant.as_ref().map(|tenant| tenant.project.as_str()),
            run: None,
        }
    }
}
