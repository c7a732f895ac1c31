//! Runs that an Azure DevOps pipeline does (`runner-protocol.md` §13.3).

mod pipeline;
mod timeline;

use stoa_client::runs::{AzureDevops, Run};

use crate::dispatch::StepName;
use crate::failure::Failure;
use crate::pipeline::{follow, hand_over};
use crate::work::{Done, Work};
use pipeline::AzurePipeline;

/// The step that the runner takes itself; those of the stages come as they appear.
pub(crate) const STEPS: &[StepName] = &[TRIGGER];
const TRIGGER: StepName = ("azure-devops-trigger", "Trigger Azure DevOps Pipeline");

/// Starts the pipeline. It reports by itself, or is followed to its end.
pub(crate) async fn execute(work: &Work<'_>, run: &Run, of: &AzureDevops) -> Result<Done, Failure> {
    let pipeline = AzurePipeline::of(work, run, of)?;
    if of.is_async { hand_over(work, &pipeline).await } else { follow(work, &pipeline).await }
}
