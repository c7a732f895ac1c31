//! What a round found.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What a round found. It is good when the four lists are empty.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Requests that were answered.
    pub operations: usize,
    /// Requests without an answer, or with the word that the server cannot now.
    pub unanswered: usize,
    /// Runs in the end.
    pub runs: usize,
    /// How often a module's work began.
    pub executions: usize,
    /// Runs that were offered again, and say so.
    pub offered_again: usize,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, usize>,
    /// How long the longest fault lasted.
    pub longest: Duration,
    /// What was answered and is not true any more, or was answered wrongly.
    pub losses: Vec<String>,
    /// Runs whose work was done more than once without anybody being told.
    pub doubles: Vec<String>,
    /// What did not come to its end.
    pub stuck: Vec<String>,
    /// What stood still without saying why.
    pub untold: Vec<String>,
}

impl Verdict {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        [&self.losses, &self.doubles, &self.stuck, &self.untold].iter().all(|found| found.is_empty())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, found) in [
            ("loss", &self.losses),
            ("double", &self.doubles),
            ("stuck", &self.stuck),
            ("untold", &self.untold),
        ] {
            for one in found {
                writeln!(f, "{what}: {one}")?;
            }
        }
        let kinds: Vec<String> = self.faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(
            f,
            "operations {} ({} more unanswered), runs {}, executions {}, offered again {}",
            self.operations, self.unanswered, self.runs, self.executions, self.offered_again
        )?;
        let (count, longest) = (self.faults.values().sum::<usize>(), self.longest.as_secs());
        writeln!(f, "faults {count} ({}), the longest {longest} s", kinds.join(", "))?;
        write!(
            f,
            "losses {}, doubles {}, stuck {}, untold {}",
            self.losses.len(),
            self.doubles.len(),
            self.stuck.len(),
            self.untold.len()
        )
    }
}
