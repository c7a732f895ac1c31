//! Numbers out of rounds: medians, spreads, percentiles, ratios.

use std::time::Duration;

/// Median and extremes of some rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() {
            0 => 0.0,
            even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        };
        Self {
            median,
            least: sorted.first().copied().unwrap_or(0.0),
            most: sorted.last().copied().unwrap_or(0.0),
        }
    }
}

/// What was measured, and what its baseline gave right after it, round by round.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    stoa: Vec<f64>,
    baseline: Vec<f64>,
}

impl Pairs {
    /// One round.
    pub fn add(&mut self, stoa: f64, baseline: f64) {
        self.stoa.push(stoa);
        self.baseline.push(baseline);
    }

    /// Stoa's values.
    pub fn stoa(&self) -> Spread {
        Spread::of(&self.stoa)
    }

    /// The baseline's values.
    pub fn baseline(&self) -> Spread {
        Spread::of(&self.baseline)
    }

    /// The median of the rounds' ratios: what slowed the machine down for a round slowed both.
    pub fn ratio(&self) -> f64 {
        let ratios = self
            .stoa
            .iter()
            .zip(&self.baseline)
            .map(|(stoa, baseline)| stoa / baseline.max(f64::MIN_POSITIVE));
        Spread::of(&ratios.collect::<Vec<_>>()).median
    }
}

/// How long single calls took.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// One call.
    pub fn add(&mut self, took: Duration) {
        self.0.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// Those of somebody else.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// The value that `part` of all calls stay below, in milliseconds.
    pub fn percentile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a length is a place"
        )]
        let place = ((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1);
        sorted.get(place).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }

    /// The 50th and the 99th percentile in milliseconds.
    pub fn usual_and_worst(&self) -> (f64, f64) {
        (self.percentile(0.5), self.percentile(0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_middles() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0]), Spread { median: 2.5, least: 1.0, most: 4.0 });
    }

    #[test]
    fn ratios_are_made_within_a_round() {
        let mut pairs = Pairs::default();
        for (stoa, baseline) in [(10.0, 100.0), (1.0, 10.0), (20.0, 100.0)] {
            pairs.add(stoa, baseline);
        }
        assert!((pairs.ratio() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut latencies = Latencies::default();
        (1..=100).for_each(|ms| latencies.add(Duration::from_millis(ms)));
        assert_eq!(latencies.usual_and_worst(), (50.0, 99.0));
        assert_eq!(Latencies::default().usual_and_worst(), (0.0, 0.0));
    }
}
