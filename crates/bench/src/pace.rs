//! How long and how often is measured.

use std::time::Duration;

/// Bounds of one run of the bench.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Rounds that do not count.
    pub warm_ups: usize,
    /// How long one of them is.
    pub warm_up: Duration,
    /// Rounds that count; the median is shown.
    pub rounds: usize,
    /// How long one of them is.
    pub span: Duration,
    /// Building blocks that are ordered before they are read.
    pub blocks: usize,
    /// Copies of each that lists and reads go over too.
    pub copies: usize,
    /// Most blocks ordered on one database.
    pub orders_max: usize,
    /// Tenants that lists go over; a tenth of them is made with a project and a binding each.
    pub tenants: usize,
    /// Objects of a declarative file.
    pub declared: usize,
    /// What hinders the deletion of a workspace.
    pub dependants: usize,
    /// How often a process is started.
    pub starts: usize,
    /// How often the wait for a claim is measured.
    pub waits: usize,
    /// Browsers that follow what happens.
    pub viewers: usize,
    /// How often something happens for them.
    pub happenings: usize,
    /// Objects that are made until all of them are listed.
    pub listed: usize,
    /// Copies of each of a thousand objects, to read the last page of.
    pub deep: usize,
}

impl Pace {
    /// What the published figures are made with.
    pub fn full() -> Self {
        Self {
            warm_ups: 3,
            warm_up: Duration::from_millis(500),
            rounds: 5,
            span: Duration::from_secs(2),
            blocks: 10_000,
            copies: 9,
            orders_max: 80_000,
            tenants: 100_000,
            declared: 5_000,
            dependants: 1_000,
            starts: 5,
            waits: 200,
            viewers: 200,
            happenings: 100,
            listed: 10_000,
            deep: 999,
        }
    }

    /// A look in passing.
    pub fn quick() -> Self {
        Self {
            warm_ups: 1,
            warm_up: Duration::from_millis(200),
            rounds: 3,
            span: Duration::from_millis(500),
            blocks: 2_400,
            copies: 9,
            orders_max: 10_000,
            tenants: 6_000,
            declared: 500,
            dependants: 200,
            starts: 3,
            waits: 20,
            viewers: 200,
            happenings: 20,
            listed: 1_000,
            deep: 49,
        }
    }
}
