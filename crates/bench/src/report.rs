//! The figures as a page of Markdown.

use crate::figures::{Pairs, Spread};
use std::fmt::Write;

/// What a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Times per second; more is better.
    PerSecond,
    /// Milliseconds; less is better.
    Milliseconds,
    /// Mebibytes; less is better.
    Mebibytes,
    /// Megabytes; less is better.
    Megabytes,
}

impl Unit {
    fn word(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => " ms",
            Self::Mebibytes => " MiB",
            Self::Megabytes => " MB",
        }
    }
}

/// What a row has to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// Nothing; it is there to be compared.
    Nothing,
    /// At least so much of the baseline.
    Share(f64),
    /// At most so many times the baseline.
    Times(f64),
    /// At most this, whatever the baseline is.
    Most(f64),
    /// One call in a hundred may take longer than so many milliseconds.
    Worst(f64),
}

impl Wanted {
    /// What is wanted, and whether it is there.
    fn said(self, pairs: &Pairs, unit: Unit, calls: Option<(f64, f64)>) -> String {
        let (wanted, is_met) = match self {
            Self::Nothing => return String::new(),
            Self::Share(share) => (format!("≥ {share} ×"), pairs.ratio() >= share),
            Self::Times(times) => (format!("≤ {times} ×"), pairs.ratio() <= times),
            Self::Most(most) => (format!("≤ {most}{}", unit.word()), pairs.stoa().median <= most),
            Self::Worst(most) => (format!("p99 ≤ {most} ms"), calls.is_some_and(|(_, worst)| worst <= most)),
        };
        format!("{wanted}, {}", if is_met { "met" } else { "missed" })
    }
}

/// One figure beside its baseline.
pub struct Row {
    what: String,
    database: &'static str,
    stoa: String,
    baseline: String,
    ratio: f64,
    wanted: String,
    calls: String,
}

/// The whole page.
#[derive(Default)]
pub struct Report {
    machine: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    details: Vec<Details>,
}

/// A table of single values below the main one.
pub struct Details {
    /// Heading.
    pub title: String,
    /// Names of the columns; the first is that of the rows.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

/// A number with three digits that count.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        at_least if at_least >= 100.0 => 0,
        at_least if at_least >= 10.0 => 1,
        at_least if at_least >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

fn spread(found: Spread, unit: Unit) -> String {
    let Spread { median, least, most } = found;
    let middle = format!("{}{}", number(median), unit.word());
    if (most - least).abs() < f64::EPSILON {
        return middle;
    }
    format!("{middle} ({}–{})", number(least), number(most))
}

impl Report {
    /// An empty page.
    pub fn new(machine: Vec<(&'static str, String)>) -> Self {
        Self { machine, ..Self::default() }
    }

    /// Adds a line about the machine.
    pub fn note(&mut self, name: &'static str, value: String) {
        self.machine.push((name, value));
    }

    /// Adds a figure: what, on which database, beside which baseline, with what it has to reach; `calls` are
    /// percentiles of single calls.
    pub fn add(
        &mut self,
        (what, database, baseline): (impl Into<String>, &'static str, &str),
        unit: Unit,
        pairs: &Pairs,
        calls: Option<(f64, f64)>,
        wanted: Wanted,
    ) {
        self.rows.push(Row {
            what: what.into(),
            database,
            stoa: spread(pairs.stoa(), unit),
            baseline: format!("{} {baseline}", spread(pairs.baseline(), unit)),
            ratio: pairs.ratio(),
            wanted: wanted.said(pairs, unit, calls),
            calls: calls
                .map_or_else(String::new, |(usual, worst)| format!("{} / {}", number(usual), number(worst))),
        });
    }

    /// Adds a table of single values.
    pub fn detail(&mut self, details: Details) {
        self.details.push(details);
    }

    /// Rows about the same thing beside each other, databases in their order.
    fn side_by_side(&self) -> Vec<&Row> {
        let first = |row: &Row| self.rows.iter().position(|other| other.what == row.what);
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| first(row));
        rows
    }

    /// The page.
    pub fn page(&self) -> String {
        let mut page = String::new();
        for (name, value) in &self.machine {
            line(&mut page, &format!("- {name}: {value}"));
        }
        line(&mut page, "");
        let head = [
            "what",
            "database",
            "Stoa",
            "baseline of the same run",
            "ratio",
            "wanted",
            "one call p50 / p99, ms",
        ];
        let rows = self.side_by_side().into_iter().map(|row| {
            let Row { what, database, stoa, baseline, ratio, wanted, calls } = row;
            vec![
                what.clone(),
                (*database).to_owned(),
                stoa.clone(),
                baseline.clone(),
                format!("{} ×", number(*ratio)),
                wanted.clone(),
                calls.clone(),
            ]
        });
        table(&mut page, &head.map(str::to_owned), &rows.collect::<Vec<_>>());
        for Details { title, columns, rows } in &self.details {
            line(&mut page, &format!("\n{title}\n"));
            table(&mut page, columns, rows);
        }
        page
    }
}

fn line(page: &mut String, text: &str) {
    // A text takes everything.
    let _ = writeln!(page, "{text}");
}

fn table(page: &mut String, columns: &[String], rows: &[Vec<String>]) {
    line(page, &format!("| {} |", columns.join(" | ")));
    line(page, &format!("|{}", " --- |".repeat(columns.len())));
    for row in rows {
        line(page, &format!("| {} |", row.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, text) in [(12_345.6, "12346"), (45.67, "45.7"), (1.234, "1.23"), (0.045_67, "0.046")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_row_stands_beside_its_baseline() {
        let mut report = Report::new(vec![("kernel", "Linux".into())]);
        let mut pairs = Pairs::default();
        pairs.add(10.0, 40.0);
        let calls = Some((1.0, 2.0));
        report.add(("reads", "SQLite", "bare rows"), Unit::PerSecond, &pairs, calls, Wanted::Share(0.2));
        let page = report.page();
        assert!(page.starts_with("- kernel: Linux\n"), "{page}");
        let row = "| reads | SQLite | 10.0/s | 40.0/s bare rows | 0.250 × | ≥ 0.2 ×, met | 1.00 / 2.00 |";
        assert!(page.contains(row), "{page}");
    }

    #[test]
    fn a_row_says_whether_it_reaches_what_is_wanted() {
        let mut pairs = Pairs::default();
        pairs.add(10.0, 40.0);
        let said = |wanted: Wanted| wanted.said(&pairs, Unit::Milliseconds, Some((1.0, 30.0)));
        for (wanted, text) in [
            (Wanted::Nothing, ""),
            (Wanted::Share(0.4), "≥ 0.4 ×, missed"),
            (Wanted::Times(1.5), "≤ 1.5 ×, met"),
            (Wanted::Most(9.0), "≤ 9 ms, missed"),
            (Wanted::Most(10.0), "≤ 10 ms, met"),
            (Wanted::Worst(25.0), "p99 ≤ 25 ms, missed"),
            (Wanted::Worst(30.0), "p99 ≤ 30 ms, met"),
        ] {
            assert_eq!(said(wanted), text);
        }
    }
}
