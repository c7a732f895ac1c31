//! Why something that is not in a final state stands still.

use serde::{Deserialize, Serialize};
use stoa_base::Moment;

/// Why an object that is not final stands still, and who can move it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Machine-readable reason.
    pub reason: String,
    /// What blocks it: input keys, a run, a runner.
    pub blocker: String,
    /// Who can move it.
    pub who: String,
    /// Since when.
    pub since: String,
    /// When Stoa looks at it next by itself; absent when only `who` can move it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_look: Option<String>,
}

impl Waiting {
    /// Waits since `now` for `who`, who alone can move it.
    pub fn new(
        now: Moment,
        reason: impl Into<String>,
        blocker: impl Into<String>,
        who: impl Into<String>,
    ) -> Self {
        Self {
            reason: reason.into(),
            blocker: blocker.into(),
            who: who.into(),
            since: now.to_string(),
            next_look: None,
        }
    }

    /// The same wait, begun when `before` began if that was for the same reason.
    #[must_use]
    pub fn going_on(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before.filter(|b| b.reason == self.reason && b.blocker == self.blocker) {
            self.since.clone_from(&before.since);
        }
        self
    }
}
