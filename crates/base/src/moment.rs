//! Points in time, as the API shows them: RFC 3339 in UTC with whole seconds (`api-core.md` §1.10).

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

/// A point in time, microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The moment `micros` microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The day, in UTC.
    pub fn day(self) -> Day {
        Day(self.timestamp().to_zoned(TimeZone::UTC).date())
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = Timestamp::from_second(self.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
        write!(f, "{whole}")
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self(text.parse::<Timestamp>()?.as_microsecond()))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A calendar day in UTC, written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// The first moment after this day: what is valid "through the end of the day" ends here.
    pub fn end(self) -> Moment {
        let next = self.0.tomorrow().unwrap_or(self.0);
        let start = next.to_zoned(TimeZone::UTC).map_or(i64::MAX, |z| z.timestamp().as_microsecond());
        Moment(start)
    }
}

impl Add<Duration> for Day {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.checked_add(span).unwrap_or(Date::MAX))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Day {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        // jiff also reads other ISO forms; the API knows this one only, and nothing parses as a date from "".
        let text = if text.len() == 10 { text } else { "" };
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_show_whole_seconds_in_utc() {
        let moment: Moment = "2026-03-02T08:15:00.987654Z".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-03-02T08:15:00Z");
        assert_eq!((moment + Duration::from_mins(1)).to_string(), "2026-03-02T08:16:00Z");
    }

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let day: Day = "2027-06-30".parse().unwrap();
        assert_eq!(day.end().to_string(), "2027-07-01T00:00:00Z");
        assert!("2027-6-30".parse::<Day>().is_err());
        assert!("20270630".parse::<Day>().is_err());
        assert!("2027-02-30".parse::<Day>().is_err());
    }
}
