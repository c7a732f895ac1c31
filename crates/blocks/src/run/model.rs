//! What a run is, and how its state may move (`runner-protocol.md` §7.4 and §8.1).

use serde_json::Value;
use stoa_base::{Moment, ObjectId, RunId};
use stoa_core::{Fault, Scope};
use stoa_db::{DbError, Row};

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// Make it so.
    Apply,
    /// Find out what would change.
    Detect,
    /// Take it down.
    Destroy,
}

impl Behavior {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Apply => "APPLY",
            Self::Detect => "DETECT",
            Self::Destroy => "DESTROY",
        }
    }
}

/// Why a run was started (`api-building-blocks.md` §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The block is new.
    Creation,
    /// Somebody asked for it.
    Manual,
    /// Inputs changed.
    InputsUpdate,
    /// The version changed.
    Upgrade,
    /// A parent finished that the block waited for.
    ParentSucceeded,
    /// An output of a parent changed.
    DependencyChanged,
    /// The tenant's id on its platform came or changed.
    TenantIdUpdate,
    /// Somebody's roles in the project changed.
    ProjectPermissions,
    /// Somebody's roles in the workspace changed.
    WorkspacePermissions,
    /// A dry run was approved.
    PreflightSucceeded,
    /// The block is being deleted.
    Deletion,
}

impl Reason {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creation => "BUILDING_BLOCK_CREATION",
            Self::Manual => "MANUAL_EXECUTION",
            Self::InputsUpdate => "BUILDING_BLOCK_INPUTS_UPDATE",
            Self::Upgrade => "BUILDING_BLOCK_UPGRADE",
            Self::ParentSucceeded => "PARENT_RUN_SUCCEEDED",
            Self::DependencyChanged => "DEPENDENCY_OUTPUT_CHANGED",
            Self::TenantIdUpdate => "PLATFORM_TENANT_ID_UPDATE",
            Self::ProjectPermissions => "PROJECT_PERMISSIONS_CHANGE",
            Self::WorkspacePermissions => "WORKSPACE_PERMISSION_CHANGE",
            Self::PreflightSucceeded => "PREFLIGHT_SUCCEEDED",
            Self::Deletion => "BUILDING_BLOCK_DELETION",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Waits for a runner; the API shows `PENDING`.
    Queued,
    /// Claimed, and waits for an external system.
    Waiting,
    /// Claimed and being worked on.
    InProgress,
    /// Over: it worked.
    Succeeded,
    /// Over: it did not.
    Failed,
    /// Over: somebody stopped it.
    Aborted,
}

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// A runner takes it.
    Claim,
    /// A source says that it is being worked on.
    Progress,
    /// A source says that it waits for an external system.
    Wait,
    /// It is offered again after a silence.
    Requeue,
    /// It worked.
    Succeed,
    /// It did not.
    Fail,
    /// Somebody stopped it.
    Abort,
}

impl RunState {
    /// The state after `event`; none when nothing changes any more.
    pub fn after(self, event: RunEvent) -> Option<Self> {
        use {RunEvent as E, RunState as S};
        match (self, event) {
            (S::Succeeded | S::Failed | S::Aborted, _)
            | (S::Waiting | S::InProgress, E::Claim)
            | (S::Queued, E::Requeue) => None,
            // After a timeout the earlier attempt may still report: then the run leaves the queue with it.
            (S::Queued, E::Claim) | (S::Queued | S::Waiting | S::InProgress, E::Progress) => {
                Some(S::InProgress)
            }
            (S::Queued | S::Waiting | S::InProgress, E::Wait) => Some(S::Waiting),
            (S::Waiting | S::InProgress, E::Requeue) => Some(S::Queued),
            (S::Queued | S::Waiting | S::InProgress, E::Succeed) => Some(S::Succeeded),
            (S::Queued | S::Waiting | S::InProgress, E::Fail) => Some(S::Failed),
            (S::Queued | S::Waiting | S::InProgress, E::Abort) => Some(S::Aborted),
        }
    }

    /// Whether it is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Aborted)
    }

    /// Whether a runner or pipeline has it.
    pub fn is_claimed(self) -> bool {
        matches!(self, Self::Waiting | Self::InProgress)
    }

    /// As stored.
    pub fn stored(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            other => other.shown(),
        }
    }

    /// As the API shows it.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Queued | Self::Waiting => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Waiting, Self::InProgress, Self::Succeeded, Self::Failed, Self::Aborted]
            .into_iter()
            .find(|state| state.stored() == text)
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its uuid.
    pub id: RunId,
    /// Its block.
    pub block: ObjectId,
    /// The block's definition.
    pub definition: ObjectId,
    /// The version it executes.
    pub version: ObjectId,
    /// Who has to execute it.
    pub runner: ObjectId,
    /// `TERRAFORM`, `MANUAL` and so on.
    pub implementation: String,
    /// Whether the runner's part ends before the run does.
    pub hands_over: bool,
    /// The consuming workspace.
    pub workspace: String,
    /// The workspace that offers the definition.
    pub owner: String,
    /// The workspace that operates the runner.
    pub runner_owner: String,
    /// Counts the block's runs from 1.
    pub number: i64,
    /// `APPLY`, `DETECT` or `DESTROY`.
    pub behavior: String,
    /// Why.
    pub reason: String,
    /// Who, as an author object.
    pub author: Value,
    /// Where it stands.
    pub state: RunState,
    /// Counts its claims; what an older claim reports changes nothing.
    pub epoch: i64,
    /// How often it was claimed.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Moment,
    /// When it was claimed last.
    pub claimed_at: Option<Moment>,
    /// Last report since the claim.
    pub reported_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// When somebody asked to stop it.
    pub abort_requested_at: Option<Moment>,
    /// Run-level text for operators.
    pub summary: Option<String>,
    /// What a dry run found.
    pub changes_detected: Option<bool>,
    /// Blob of a dry run's plan.
    pub artifact: Option<String>,
    /// The dry run whose plan this run replays.
    pub plan_of: Option<String>,
}

/// Columns of [`Run`], in the order [`Run::read`] expects.
pub const COLUMNS: &str = "r.id, r.block, r.definition, r.version, r.runner, r.implementation, r.hands_over, \
    r.workspace, r.owner, r.runner_owner, r.number, r.behavior, r.reason, r.author, r.state, r.epoch, \
    r.attempts, r.created_at, r.claimed_at, r.reported_at, r.ended_at, r.abort_requested_at, r.summary, \
    r.changes_detected, r.artifact, r.plan_of";

impl Run {
    /// Reads a row of [`COLUMNS`].
    pub fn read(row: &Row) -> Result<Self, DbError> {
        let object = |index| Ok::<_, DbError>(row.get::<String>(index)?.parse().unwrap_or_default());
        let moment = |index| Ok::<_, DbError>(row.get::<Option<i64>>(index)?.map(Moment::from_micros));
        let state = row.get::<String>(14)?;
        Ok(Self {
            id: row.get::<String>(0)?.parse().unwrap_or_default(),
            block: object(1)?,
            definition: object(2)?,
            version: object(3)?,
            runner: object(4)?,
            implementation: row.get(5)?,
            hands_over: row.get(6)?,
            workspace: row.get(7)?,
            owner: row.get(8)?,
            runner_owner: row.get(9)?,
            number: row.get(10)?,
            behavior: row.get(11)?,
            reason: row.get(12)?,
            author: serde_json::from_str(&row.get::<String>(13)?).unwrap_or_default(),
            state: RunState::parse(&state)
                .ok_or_else(|| DbError::Other(Box::new(Fault::Corrupt { what: "run state" })))?,
            epoch: row.get(15)?,
            attempts: row.get(16)?,
            created_at: Moment::from_micros(row.get(17)?),
            claimed_at: moment(18)?,
            reported_at: moment(19)?,
            ended_at: moment(20)?,
            abort_requested_at: moment(21)?,
            summary: row.get(22)?,
            changes_detected: row.get(23)?,
            artifact: row.get(24)?,
            plan_of: row.get(25)?,
        })
    }

    /// Where it belongs.
    pub fn scope(&self) -> Scope<'_> {
        Scope {
            owner: Some(&self.workspace),
            managers: vec![&self.owner, &self.runner_owner],
            run: Some(self.id),
            block: Some(self.block),
            project: None,
        }
    }

    /// The last sign of life since the claim.
    pub fn last_sign(&self) -> Moment {
        self.reported_at.max(self.claimed_at).unwrap_or(self.created_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATES: [RunState; 6] = [
        RunState::Queued,
        RunState::Waiting,
        RunState::InProgress,
        RunState::Succeeded,
        RunState::Failed,
        RunState::Aborted,
    ];
    const EVENTS: [RunEvent; 7] = [
        RunEvent::Claim,
        RunEvent::Progress,
        RunEvent::Wait,
        RunEvent::Requeue,
        RunEvent::Succeed,
        RunEvent::Fail,
        RunEvent::Abort,
    ];

    #[test]
    fn states_read_back() {
        for state in STATES {
            assert_eq!(RunState::parse(state.stored()), Some(state));
        }
    }

    proptest! {
        #[test]
        fn what_is_over_stays_over(events in prop::collection::vec(0..EVENTS.len(), 0..20)) {
            let mut state = RunState::Queued;
            let mut over = None;
            for event in events {
                state = state.after(EVENTS[event]).unwrap_or(state);
                if let Some(end) = over {
                    prop_assert_eq!(state, end);
                }
                if state.is_final() {
                    over = Some(state);
                }
            }
        }
    }
}
