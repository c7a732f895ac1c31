//! What the server tells about a run while it happens.

use serde_json::Value;

/// One message of the run's event stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RunEvent {
    /// The run's own state.
    Run {
        /// Its status.
        status: String,
        /// A word about it.
        message: Option<String>,
    },
    /// A step's state.
    Step(StepEvent),
    /// More of a step's log.
    Log {
        /// Which step.
        step: StepId,
        /// How many bytes came before.
        from: usize,
        /// What comes now.
        text: String,
    },
    /// The run is over.
    End {
        /// How it ended.
        status: String,
        /// What to keep an eye on although it ended so.
        warnings: Vec<String>,
    },
}

/// A step's state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepEvent {
    /// Which step.
    pub(crate) step: StepId,
    /// What people call it.
    pub(crate) name: String,
    /// Its status.
    pub(crate) status: String,
    /// What the one who ordered should know.
    pub(crate) user_message: Option<String>,
}

/// A step of a run: its source and its id there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepId {
    /// Who reports it.
    pub(crate) source: String,
    /// Its id among those of the source.
    pub(crate) id: String,
}

impl RunEvent {
    /// Reads a message; `None` for messages of a kind this command does not know.
    pub(crate) fn read(name: &str, data: &Value) -> Option<Self> {
        let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
        let step =
            || StepId { source: text("source").unwrap_or_default(), id: text("id").unwrap_or_default() };
        match name {
            "run" => Some(Self::Run { status: text("status")?, message: filled(text("message")) }),
            "step" => Some(Self::Step(StepEvent {
                step: step(),
                name: filled(text("displayName")).or_else(|| text("id"))?,
                status: text("status")?,
                user_message: filled(text("userMessage")),
            })),
            "log" => {
                let from = data.get("from").and_then(Value::as_u64).unwrap_or(0);
                Some(Self::Log { step: step(), from: usize::try_from(from).ok()?, text: text("text")? })
            }
            "end" => Some(Self::End { status: text("status")?, warnings: warnings(data.get("warnings")) }),
            _ => None,
        }
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// Warnings of a run as sentences; they come as codes or as objects with more to say.
pub(crate) fn warnings(list: Option<&Value>) -> Vec<String> {
    let sentence = |warning: &Value| match warning {
        Value::String(code) if code == "STEP_SUCCESS_MISSING" => {
            "the run succeeded, but not every step did".to_owned()
        }
        Value::String(text) => text.clone(),
        other => match (other["message"].as_str(), other["code"].as_str()) {
            (Some(message), _) => message.to_owned(),
            (None, Some(code)) => code.to_owned(),
            (None, None) => other.to_string(),
        },
    };
    list.and_then(Value::as_array).into_iter().flatten().map(sentence).collect()
}

/// Whether nothing can follow this status of a run or step.
pub(crate) fn is_final(status: &str) -> bool {
    matches!(status, "SUCCEEDED" | "FAILED" | "ABORTED")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_read_and_unknown_ones_left_alone() {
        let step = StepId { source: "r".to_owned(), id: "init".to_owned() };
        let cases = [
            (
                "run",
                json!({ "status": "PENDING", "message": null }),
                Some(RunEvent::Run { status: "PENDING".to_owned(), message: None }),
            ),
            (
                "step",
                json!({ "source": "r", "id": "init", "displayName": "Init", "status": "FAILED", "userMessage": "no" }),
                Some(RunEvent::Step(StepEvent {
                    step: step.clone(),
                    name: "Init".to_owned(),
                    status: "FAILED".to_owned(),
                    user_message: Some("no".to_owned()),
                })),
            ),
            (
                "log",
                json!({ "source": "r", "id": "init", "from": 7, "text": "x\n" }),
                Some(RunEvent::Log { step, from: 7, text: "x\n".to_owned() }),
            ),
            (
                "end",
                json!({ "status": "SUCCEEDED", "warnings": ["STEP_SUCCESS_MISSING", { "code": "C", "message": "m" }] }),
                Some(RunEvent::End {
                    status: "SUCCEEDED".to_owned(),
                    warnings: vec!["the run succeeded, but not every step did".to_owned(), "m".to_owned()],
                }),
            ),
            ("weather", json!({}), None),
            ("run", json!({}), None),
        ];
        for (name, data, event) in cases {
            assert_eq!(RunEvent::read(name, &data), event, "{name} {data}");
        }
    }
}
