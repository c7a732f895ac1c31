//! Runs that a GitHub workflow does (`runner-protocol.md` §13.1).

mod app;
mod workflow;

use stoa_client::runs::{GithubWorkflow, Run};

use crate::dispatch::StepName;
use crate::failure::Failure;
use crate::pipeline::{follow, hand_over};
use crate::work::{Done, Work};
use workflow::Workflow;

/// The step that the runner takes itself; those of the jobs come as they appear.
pub(crate) const STEPS: &[StepName] = &[TRIGGER];
const TRIGGER: StepName = ("gh-trigger", "Trigger GitHub Action");

/// Starts the workflow. It reports by itself, or is followed to its end.
pub(crate) async fn execute(
    work: &Work<'_>,
    run: &Run,
    implementation: &GithubWorkflow,
) -> Result<Done, Failure> {
    let workflow = Workflow::of(work, run, implementation)?;
    if implementation.is_async { hand_over(work, &workflow).await } else { follow(work, &workflow).await }
}
