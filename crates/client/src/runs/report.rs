//! What a source says about a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The states a run and its steps can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not begun, or waiting for an external system.
    Pending,
    /// Being worked on.
    InProgress,
    /// Done.
    Succeeded,
    /// Could not be done.
    Failed,
    /// Stopped on request.
    Aborted,
}

/// The state of a run.
pub type RunStatus = Status;
/// The state of a step.
pub type StepStatus = Status;

/// Announces a source and its steps, in the order in which they are shown.
#[derive(Clone, Debug, Serialize)]
pub struct Registration {
    source: Source,
    steps: Vec<RegisteredStep>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_run_url: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RegisteredStep {
    id: String,
    display_name: String,
    status: StepStatus,
}

impl Registration {
    /// A source with `(id, display name)` of each step.
    pub fn new<'a>(source_id: &str, steps: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let steps = steps.into_iter().map(|(id, display_name)| RegisteredStep {
            id: id.to_owned(),
            display_name: display_name.to_owned(),
            status: Status::Pending,
        });
        let source = Source { id: source_id.to_owned(), external_run_id: None, external_run_url: None };
        Self { source, steps: steps.collect() }
    }

    /// Names the run of another system that does the work, and where people see it.
    #[must_use]
    pub fn with_external(mut self, id: String, url: String) -> Self {
        self.source.external_run_id = Some(id);
        self.source.external_run_url = Some(url).filter(|url| !url.is_empty());
        self
    }
}

/// A source of a run, as the server knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownSource {
    /// The source's id.
    pub id: String,
    /// The run of another system that reports as this source.
    #[serde(default)]
    pub external_run_id: Option<String>,
    /// Where people see it.
    #[serde(default)]
    pub external_run_url: Option<String>,
}

/// A report: what is left out stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusUpdate {
    /// The state of the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// Text about the whole run, for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The steps with news.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepUpdate>,
    /// The saved plan of a detect run, in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// Whether a detect run found something to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes_detected: Option<bool>,
}

/// What is new about one step. Messages replace what was there.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepUpdate {
    /// The step's name within its source.
    pub id: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StepStatus>,
    /// What the consumer should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_message: Option<String>,
    /// The technical log so far, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_message: Option<String>,
    /// Outputs by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Output>,
}

/// One output of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Its value, fitting its type.
    pub value: Value,
    /// Its type.
    #[serde(rename = "type")]
    pub output_type: OutputType,
    /// Whether the server must not keep the value.
    pub is_sensitive: bool,
}

/// The types an output can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OutputType {
    /// Text.
    String,
    /// A number.
    Integer,
    /// True or false.
    Boolean,
    /// Text that holds JSON.
    Code,
}
