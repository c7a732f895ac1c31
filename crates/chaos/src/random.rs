//! Numbers that look random and can be had again: a failure prints the seed, `STOA_TEST_SEED` sets it.

use std::time::Duration;

/// A generator (SplitMix64). While a test fails, it tells its seed.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// A generator with the seed of the environment, or a new one.
    pub fn seeded() -> Self {
        let given = std::env::var("STOA_TEST_SEED").ok().and_then(|text| text.parse().ok());
        Self::from(given.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0)))
    }

    /// A generator with this seed.
    pub fn from(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// What it began with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// A span between these, in whole milliseconds.
    pub fn span(&mut self, least: Duration, most: Duration) -> Duration {
        let width = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX).max(1);
        least + Duration::from_millis(self.next() % width)
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).copied()
    }

    /// Another generator that goes its own way.
    #[must_use]
    pub fn branch(&mut self) -> Self {
        Self { seed: self.seed, state: self.next() }
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(self.seed);
        }
    }
}

fn tell(seed: u64) {
    use std::io::Write as _;
    // Nobody is there to be told that nobody is there.
    let _ = writeln!(std::io::stderr(), "this failed with STOA_TEST_SEED={seed}");
}
