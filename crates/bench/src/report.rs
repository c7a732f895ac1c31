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

/// One figure beside its baseline.
pub struct Row {
    what: String,
    database: &'static str,
    stoa: String,
    baseline: String,
    ratio: f64,
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

    /// Adds a figure: what, on which database, beside which baseline; `calls` are percentiles of single calls.
    pub fn add(
        &mut self,
        (what, database, baseline): (impl Into<String>, &'static str, &str),
        unit: Unit,
        pairs: &Pairs,
        calls: Option<(f64, f64)>,
    ) {
        self.rows.push(Row {
            what: what.into(),
            database,
            stoa: spread(pairs.stoa(), unit),
            baseline: format!("{} {baseline}", spread(pairs.baseline(), unit)),
            ratio: pairs.ratio(),
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
        let head =
            ["what", "database", "Stoa", "baseline of the same run", "ratio", "one call p50 / p99, ms"];
        let rows = self.side_by_side().into_iter().map(|row| {
            let Row { what, database, stoa, baseline, ratio, calls } = row;
            vec![
                what.clone(),
                (*database).to_owned(),
                stoa.clone(),
                baseline.clone(),
                format!("{} ×", number(*ratio)),
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
        report.add(("reads", "SQLite", "bare rows"), Unit::PerSecond, &pairs, Some((1.0, 2.0)));
        let page = report.page();
        assert!(page.starts_with("- kernel: Linux\n"), "{page}");
        assert!(
            page.contains("| reads | SQLite | 10.0/s | 40.0/s bare rows | 0.250 × | 1.00 / 2.00 |"),
            "{page}"
        );
    }
}
