//! How long to wait between two questions: short at first, as long as the system likes after an error.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::work::Work;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// Errors never make a pause longer than this, unless ordinary pauses are longer.
const LONGEST: Duration = Duration::from_mins(1);

/// Pauses that grow.
pub(crate) struct Pace {
    next: Duration,
    usual: Duration,
}

impl Pace {
    /// Up to the usual pause.
    pub(crate) fn new(usual: Duration) -> Self {
        Self { next: FIRST.min(usual), usual }
    }

    /// The pause after an answer.
    pub(crate) fn after_answer(&mut self) -> Duration {
        let pause = self.next.min(self.usual);
        self.next = (pause * 2).min(self.usual);
        pause
    }

    /// The pause after an error.
    pub(crate) fn after_error(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST.max(self.usual));
        pause
    }
}

impl Work<'_> {
    /// Waits, unless the run is stopped meanwhile.
    pub(crate) async fn pause(&self, pause: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = sleep(pause) => Ok(()),
            reason = self.stop.heard() => Err(Failure::Stopped(reason)),
        }
    }

    /// Waits, but not beyond `end`; false when that is reached.
    pub(crate) async fn pause_until(&self, pause: Duration, end: Instant) -> Result<bool, Failure> {
        let left = end.saturating_duration_since(Instant::now());
        self.pause(pause.min(left)).await?;
        Ok(pause <= left)
    }

    /// Does this, unless the run is stopped meanwhile.
    pub(crate) async fn unless_stopped<T>(&self, what: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            done = what => Ok(done),
            reason = self.stop.heard() => Err(Failure::Stopped(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn pauses_grow_to_the_usual_one_and_beyond_it_after_errors() {
        let mut pace = Pace::new(Duration::from_secs(10));
        let mut seconds: Vec<u64> = (0..6).map(|_| pace.after_answer().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 10, 10]);
        seconds = (0..5).map(|_| pace.after_error().as_secs()).collect();
        assert_eq!(seconds, [10, 20, 40, 60, 60]);
        assert_eq!(pace.after_answer().as_secs(), 10);
        let mut quick = Pace::new(Duration::from_millis(50));
        assert_eq!(quick.after_answer().as_millis(), 50);
    }
}
