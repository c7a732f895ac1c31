//! Runs that people do. Unless the runner is told to let them wait, they succeed with their inputs as outputs.

use std::collections::BTreeMap;

use stoa_client::runs::{Input, InputType, Output, OutputType, Run};

use crate::config::ManualRuns;
use crate::dispatch::StepName;
use crate::work::{Done, Work};

/// The only step.
pub(crate) const STEPS: &[StepName] = &[("manual", "Manual Block Run")];

/// Completes the run, or leaves it to an operator.
pub(crate) fn execute(work: &Work<'_>, run: &Run) -> Done {
    work.begin("manual");
    match work.runner.config.manual {
        ManualRuns::Complete => {
            work.progress.give_outputs(outputs(&run.building_block.inputs));
            Done::succeeded()
        }
        ManualRuns::Wait => {
            work.progress.tell_user("An operator has to do this by hand and will report the end");
            Done::waiting()
        }
    }
}

/// Inputs as outputs. Sensitive ones stay sealed.
fn outputs(inputs: &[Input]) -> BTreeMap<String, Output> {
    let output = |input: &Input| Output {
        value: input.value.clone(),
        output_type: match input.input_type {
            InputType::String | InputType::File | InputType::SingleSelect => OutputType::String,
            InputType::Code | InputType::List | InputType::MultiSelect => OutputType::Code,
            InputType::Integer => OutputType::Integer,
            InputType::Boolean => OutputType::Boolean,
        },
        is_sensitive: input.is_sensitive,
    };
    inputs.iter().map(|input| (input.key.clone(), output(input))).collect()
}
