//! The steps of a run of a module.

use stoa_client::runs::{Behavior, Terraform};

use crate::dispatch::StepName;

/// The steps of a run, as they are registered.
pub(crate) fn steps(terraform: &Terraform, behavior: Behavior) -> Vec<StepName> {
    if terraform.is_async {
        return vec![("trigger", "Prepare Run")];
    }
    let execute = match behavior {
        Behavior::Apply => "Run Terraform Apply",
        Behavior::Detect => "Run Terraform Plan",
        Behavior::Destroy => "Run Terraform Destroy",
    };
    let mut steps = vec![
        ("sources", "Prepare Run and download Sources"),
        ("input", "Initialize Inputs"),
        ("init_tf", "Initialize Terraform and select Workspace"),
        ("pre_run_script", "Execute Pre-Run Script"),
        ("execute_tf", execute),
    ];
    if behavior != Behavior::Detect {
        steps.push(("output", "Collect Outputs and clean up"));
    }
    steps
}
