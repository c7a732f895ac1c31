//! Which part of the runner does which kind of run. Pipelines of GitHub, GitLab and Azure DevOps come here.

use stoa_client::runs::{Implementation, Run};

use crate::failure::Failure;
use crate::work::{Done, Work};
use crate::{manual, tofu};

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
        Implementation::GithubWorkflow
        | Implementation::GitlabCicd
        | Implementation::AzureDevops
        | Implementation::Unknown => UNSUPPORTED.to_vec(),
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
        Implementation::GithubWorkflow => Err(unsupported("GitHub workflows")),
        Implementation::GitlabCicd => Err(unsupported("GitLab pipelines")),
        Implementation::AzureDevops => Err(unsupported("Azure DevOps pipelines")),
        Implementation::Unknown => Err(unsupported("Runs of this kind")),
    }
}

fn unsupported(what: &str) -> Failure {
    Failure::step(format!("{what} are not supported by this runner yet"))
}
