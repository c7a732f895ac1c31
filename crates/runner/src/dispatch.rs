//! Which part of the runner does which kind of run.

use stoa_client::runs::{Implementation, Run};

use crate::failure::Failure;
use crate::work::{Done, Work};
use crate::{azure, github, gitlab, manual, tofu};

/// A step's id and its name for people.
pub(crate) type StepName = (&'static str, &'static str);

/// The steps of a run that nothing here can execute.
const UNSUPPORTED: &[StepName] = &[("validation", "Validate Run")];

/// The steps of a run whose payload was not understood.
pub(crate) const UNREADABLE: &[StepName] = UNSUPPORTED;

/// The steps of a run, as they are registered.
pub(crate) fn steps(run: &Run) -> Vec<StepName> {
    match &run.definition.implementation {
        Implementation::Terraform(terraform) => tofu::steps(terraform, run.behavior),
        Implementation::Manual => manual::STEPS.to_vec(),
        Implementation::GithubWorkflow(_) => github::STEPS.to_vec(),
        Implementation::GitlabCicd(_) => gitlab::STEPS.to_vec(),
        Implementation::AzureDevops(_) => azure::STEPS.to_vec(),
        Implementation::Unknown => UNSUPPORTED.to_vec(),
    }
}

/// Does what a run asks for.
pub(crate) async fn execute(work: &Work<'_>) -> Result<Done, Failure> {
    let run = match &work.claimed.run {
        Ok(run) => run,
        Err(problem) => {
            return Err(Failure::step(format!("This runner does not understand the run: {problem}")));
        }
    };
    match &run.definition.implementation {
        Implementation::Terraform(terraform) => tofu::execute(work, run, terraform).await,
        Implementation::Manual => Ok(manual::execute(work, run)),
        Implementation::GithubWorkflow(workflow) => github::execute(work, run, workflow).await,
        Implementation::GitlabCicd(pipeline) => gitlab::execute(work, run, pipeline).await,
        Implementation::AzureDevops(pipeline) => azure::execute(work, run, pipeline).await,
        Implementation::Unknown => {
            Err(Failure::step("Runs of this kind are not supported by this runner yet"))
        }
    }
}
