//! Tables for people: aligned columns, upper-case headers, ages.

use crate::console::one_line;
use jiff::Timestamp;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// A column: its header and where its text comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column(pub(crate) &'static str, pub(crate) Cell);

/// Where a cell's text comes from: a JSON pointer and how to read what is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell {
    /// The value itself.
    Text(&'static str),
    /// How long ago that moment was.
    Age(&'static str),
    /// How many entries there are.
    Count(&'static str),
    /// Why an object stands still, in one line.
    Why(&'static str),
}

impl Cell {
    fn read(self, object: &Value, now: Timestamp) -> String {
        match self {
            Self::Text(pointer) => object.pointer(pointer).map_or_else(nothing, shown),
            Self::Age(pointer) => object
                .pointer(pointer)
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok())
                .map_or_else(nothing, |then| age(then, now)),
            Self::Count(pointer) => match object.pointer(pointer) {
                Some(Value::Array(items)) => items.len().to_string(),
                Some(Value::Object(entries)) => entries.len().to_string(),
                _ => nothing(),
            },
            Self::Why(pointer) => object.pointer(pointer).and_then(why).unwrap_or_else(nothing),
        }
    }
}

/// Reason, blocker and who can move it, of a `waiting` as the API tells it.
fn why(waiting: &Value) -> Option<String> {
    let text = |name: &str| waiting.get(name).and_then(Value::as_str).map(one_line);
    let blocker = text("blocker").map(|blocker| format!(": {blocker}")).unwrap_or_default();
    let who = text("who").map(|who| format!("; {who} can move it")).unwrap_or_default();
    Some(text("reason")? + &blocker + &who)
}

/// What stands where nothing is.
fn nothing() -> String {
    "-".to_owned()
}

/// A value on one line, as a person writes it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => nothing(),
        Value::String(text) if text.is_empty() => nothing(),
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    }
}

/// How long ago `then` was, in its two-digit-or-so largest unit: `45s`, `12m`, `5h`, `3d`, `2y`.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        172_800..63_072_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// The table of `objects`, each line ended.
pub(crate) fn of_objects(columns: &[Column], objects: &[Value], now: Timestamp) -> String {
    let rows: Vec<Vec<String>> = objects
        .iter()
        .map(|object| columns.iter().map(|column| column.1.read(object, now)).collect())
        .collect();
    let heads: Vec<&str> = columns.iter().map(|column| column.0).collect();
    render(&heads, &rows)
}

/// Aligns `rows` under `heads`, each line ended.
pub(crate) fn render(heads: &[&str], rows: &[Vec<String>]) -> String {
    const GAP: usize = 3;
    let mut widths: Vec<usize> = heads.iter().map(|head| head.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut owed = 0;
        for (cell, width) in cells.zip(&widths) {
            text.extend(std::iter::repeat_n(' ', owed));
            text.push_str(cell);
            owed = width - cell.width() + GAP;
        }
        text.push('\n');
    };
    line(&mut heads.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_aligned_also_under_wide_letters() {
        let rows = [vec!["ä".to_owned(), "1".to_owned()], vec!["日本".to_owned(), "22".to_owned()]];
        assert_eq!(render(&["NAME", "N"], &rows), "NAME   N\nä      1\n日本   22\n");
        assert_eq!(render(&["A"], &[]), "A\n");
    }

    #[test]
    fn why_something_stands_still_is_one_line() {
        let waiting =
            json!({ "reason": "RUN_QUEUED", "blocker": "run 1", "who": "runner\n2", "since": "now" });
        assert_eq!(why(&waiting).unwrap(), "RUN_QUEUED: run 1; runner 2 can move it");
        assert_eq!(why(&Value::Null), None);
    }

    #[test]
    fn ages_use_their_largest_unit() {
        let now: Timestamp = "2031-02-11T10:00:00Z".parse().unwrap();
        for (then, shown) in [
            ("2031-02-11T09:59:15Z", "45s"),
            ("2031-02-11T09:48:00Z", "12m"),
            ("2031-02-11T05:00:00Z", "5h"),
            ("2031-02-08T10:00:00Z", "3d"),
            ("2029-02-10T10:00:00Z", "2y"),
            ("2031-02-11T10:00:09Z", "0s"),
        ] {
            assert_eq!(age(then.parse().unwrap(), now), shown, "{then}");
        }
    }

    #[test]
    fn cells_read_what_is_there() {
        let now: Timestamp = "2031-02-11T10:00:00Z".parse().unwrap();
        let columns = [
            Column("NAME", Cell::Text("/name")),
            Column("ON", Cell::Text("/on")),
            Column("CODES", Cell::Count("/codes")),
            Column("AGE", Cell::Age("/at")),
        ];
        let objects = [
            json!({ "name": "a\nb", "on": true, "codes": [1, 2], "at": "2031-02-11T09:00:00Z" }),
            json!({ "name": null, "codes": {}, "at": "yesterday" }),
        ];
        assert_eq!(
            of_objects(&columns, &objects, now),
            "NAME   ON     CODES   AGE\na b    true   2       60m\n-      -      0       -\n"
        );
    }
}
