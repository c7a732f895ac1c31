//! Runs of modules: sources, inputs, initialization, the pre-run script, the work itself, outputs.

mod execution;
mod expression;
mod module;
mod outputs;
mod said;
mod script;
mod state;
mod steps;
mod tools;
mod unsaved;
mod variables;

pub(crate) use execution::execute;
pub(crate) use steps::steps;
pub(crate) use tools::Tools;
pub(crate) use unsaved::remind;
