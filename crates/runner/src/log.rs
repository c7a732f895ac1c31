//! The log of one step in bounded memory: its beginning and its end.

use std::collections::VecDeque;
use std::fmt::Write as _;

/// How much of the beginning is kept.
const HEAD: usize = 64 * 1024;
/// How much of the end is kept.
const TAIL: usize = 192 * 1024;
/// How much of one line is kept.
const LINE: usize = 16 * 1024;

/// Lines, of which the middle is dropped when there are too many.
#[derive(Default)]
pub(crate) struct Log {
    head: String,
    tail: VecDeque<String>,
    tail_bytes: usize,
    dropped_lines: usize,
}

impl Log {
    /// Adds a line, given without its end.
    pub(crate) fn add(&mut self, line: &str) {
        let line = shortened(line, LINE);
        if self.tail.is_empty() && self.head.len() + line.len() < HEAD {
            self.head.push_str(&line);
            self.head.push('\n');
            return;
        }
        self.tail_bytes += line.len() + 1;
        self.tail.push_back(line);
        while self.tail_bytes > TAIL {
            let Some(line) = self.tail.pop_front() else { break };
            self.tail_bytes -= line.len() + 1;
            self.dropped_lines += 1;
        }
    }

    /// Whether nothing was said yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    /// The log as one text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(self.head.len() + self.tail_bytes + 64);
        text.push_str(&self.head);
        if self.dropped_lines > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "[… {} lines left out …]", self.dropped_lines);
        }
        for line in &self.tail {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// At most `most` bytes of a text, with a mark where something is missing.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(most)];
    format!("{kept} [… {} bytes left out]", text.len() - kept.len())
}

/// The longest line that is taken in before it is cut.
const LONGEST_LINE: usize = 1024 * 1024;

/// Cuts a stream of bytes into lines. A carriage return ends a line too, as programs with progress bars do.
#[derive(Default)]
pub(crate) struct Lines {
    pending: Vec<u8>,
    after_carriage_return: bool,
}

impl Lines {
    /// Takes bytes and hands out the lines that are now whole.
    pub(crate) fn take(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_carriage_return) && *first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            let room = LONGEST_LINE.saturating_sub(self.pending.len());
            self.pending.extend_from_slice(&part[..part.len().min(room)]);
            rest = after;
            if let Some((ending, after)) = after.split_first() {
                line(&String::from_utf8_lossy(&self.pending));
                self.pending.clear();
                self.after_carriage_return = *ending == b'\r';
                rest = after;
            }
        }
    }

    /// Hands out what was said after the last line end.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.pending.is_empty() {
            line(&String::from_utf8_lossy(&self.pending));
            self.pending.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HEAD, LINE, Lines, Log, TAIL};

    #[test]
    fn a_short_log_is_kept_whole() {
        let mut log = Log::default();
        assert!(log.is_empty());
        log.add("one");
        log.add("");
        log.add("two");
        assert_eq!(log.text(), "one\n\ntwo\n");
    }

    #[test]
    fn lines_end_at_any_line_end() {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for chunk in ["a\r", "\nb", "c\rd\n\n", "e"] {
            lines.take(chunk.as_bytes(), |line| found.push(line.to_owned()));
        }
        lines.finish(|line| found.push(line.to_owned()));
        assert_eq!(found, ["a", "bc", "d", "", "e"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn memory_is_bounded_and_both_ends_stay(lengths in proptest::collection::vec(0_usize..40_000, 1..200)) {
            let mut log = Log::default();
            for (number, length) in lengths.iter().enumerate() {
                log.add(&format!("{number}:{}", "ü".repeat(*length)));
            }
            let text = log.text();
            prop_assert!(text.len() <= HEAD + TAIL + LINE + 200);
            prop_assert!(text.starts_with("0:"));
            let last = text.lines().last().unwrap();
            prop_assert!(last.starts_with(&format!("{}:", lengths.len() - 1)), "{}", &last[..10]);
        }
    }
}
