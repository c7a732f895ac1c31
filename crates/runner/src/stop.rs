//! Why a run has to stop before its end, said once and heard everywhere.

use std::time::Duration;

use tokio::sync::watch;

/// What ends a run from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Somebody aborted it.
    Aborted,
    /// The server does not take our word on it any more: it was closed, or given to somebody else.
    Lost,
    /// This runner claimed it again, and goes on with it under the new claim.
    ClaimedAgain,
    /// It took longer than a run may take.
    TimedOut(Duration),
    /// The runner itself is stopping.
    ShuttingDown,
}

/// The word to stop. Clones are the same word; the first reason stays.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    word: watch::Sender<Option<StopReason>>,
}

impl Stop {
    pub(crate) fn new() -> Self {
        Self { word: watch::Sender::new(None) }
    }

    /// Says it.
    pub(crate) fn say(&self, reason: StopReason) {
        self.word.send_if_modified(|word| {
            let is_first = word.is_none();
            word.get_or_insert(reason);
            is_first
        });
    }

    /// What was said so far.
    pub(crate) fn said(&self) -> Option<StopReason> {
        *self.word.borrow()
    }

    /// Waits until it is said.
    pub(crate) async fn heard(&self) -> StopReason {
        let mut word = self.word.subscribe();
        loop {
            if let Some(reason) = *word.borrow_and_update() {
                return reason;
            }
            if word.changed().await.is_err() {
                // Cannot happen while `self` holds the sender; nobody will ever say anything.
                std::future::pending::<()>().await;
            }
        }
    }
}
