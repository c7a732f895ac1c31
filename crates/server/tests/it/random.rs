//! Numbers that look random and can be had again: a failure prints the seed, `STOA_TEST_SEED` sets it.

/// A generator (SplitMix64). While a test fails, it tells its seed.
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

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// Another generator that goes its own way.
    pub fn branch(&mut self) -> Self {
        Self { seed: self.seed, state: self.next() }
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this failed with STOA_TEST_SEED={}", self.seed);
        }
    }
}
