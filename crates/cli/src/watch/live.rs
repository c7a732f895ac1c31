//! A run drawn on a terminal: its steps stay in place and change their marks, what is over scrolls up.

use super::event::is_final;
use super::progress::{News, Progress, Step};
use super::view::{Logs, ending};
use crate::console::{Channel, Console, Terminal, one_line, plain};
use crate::failure::Failure;
use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

#[cfg(test)]
mod tests;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The drawing.
#[derive(Debug)]
pub(crate) struct Live {
    channel: Channel,
    terminal: Terminal,
    logs: Logs,
    /// Rows on the screen that will be drawn anew.
    drawn: usize,
    frame: usize,
    /// How many steps from the first have left the drawing for good.
    left: Vec<bool>,
    /// The step whose log lines were written last.
    heading: Option<usize>,
    /// What to say when there are no steps.
    state: String,
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Good,
    Bad,
    Active,
    Faint,
    Usual,
}

impl Live {
    pub(super) fn new(channel: Channel, terminal: Terminal, logs: Logs) -> Self {
        let state = "waiting for the first message".to_owned();
        Self { channel, terminal, logs, drawn: 0, frame: 0, left: Vec::new(), heading: None, state }
    }

    /// Draws what a message changed.
    pub(super) fn news(
        &mut self,
        console: &mut Console,
        progress: &Progress,
        news: &[News],
    ) -> Result<(), Failure> {
        self.left.resize(progress.steps.len(), false);
        let mut lasting = Vec::new();
        for news in news {
            match news {
                News::Run => self.state = state_of(progress),
                News::Log(place, lines) if self.logs == Logs::Shown => {
                    self.head(progress, *place, &mut lasting);
                    lasting.extend(lines.iter().map(|line| format!("      {line}")));
                }
                News::Log(..) => {}
                News::Step(place) => self.stepped(console.now(), progress, *place, &mut lasting),
                News::End => return self.end(console, progress, lasting),
            }
        }
        self.draw(console, progress, lasting)
    }

    /// Draws the same again, a moment later.
    pub(super) fn redraw(&mut self, console: &mut Console, progress: &Progress) -> Result<(), Failure> {
        self.frame += 1;
        self.draw(console, progress, Vec::new())
    }

    /// Draws a state without steps.
    pub(super) fn state(&mut self, console: &mut Console, text: &str) -> Result<(), Failure> {
        one_line(text).clone_into(&mut self.state);
        let nothing = Progress::new(console.now());
        self.redraw(console, &nothing)
    }

    /// Puts a state that lasts in place of the drawing.
    pub(super) fn settled(&mut self, console: &mut Console, text: &str) -> Result<(), Failure> {
        let look = if matches!(text, "SUCCEEDED" | "DELETED") { Look::Good } else { Look::Bad };
        let text = self.erase() + &lines(&[self.paint(look, &one_line(text))]);
        console.write(self.channel, &text)
    }

    /// Takes the drawing away.
    pub(super) fn clear(&mut self, console: &mut Console) -> Result<(), Failure> {
        let erased = self.erase();
        if erased.is_empty() { Ok(()) } else { console.write(self.channel, &erased) }
    }

    /// A step that is over leaves the drawing at once when log lines are shown, because they belong above it.
    fn stepped(&mut self, now: Timestamp, progress: &Progress, place: usize, lasting: &mut Vec<String>) {
        let step = &progress.steps[place];
        if !is_final(&step.status) {
            self.left[place] = false;
        } else if self.logs == Logs::Shown || self.left[place] {
            lasting.extend(self.lasting_rows(step, now));
            self.left[place] = true;
            self.heading = None;
        }
    }

    /// Says whose log lines follow.
    fn head(&mut self, progress: &Progress, place: usize, lasting: &mut Vec<String>) {
        if self.heading != Some(place) {
            let name = one_line(&progress.steps[place].name);
            lasting.push(format!("  {} {name}", self.paint(Look::Active, "▶")));
            self.heading = Some(place);
        }
    }

    fn end(
        &mut self,
        console: &mut Console,
        progress: &Progress,
        mut lasting: Vec<String>,
    ) -> Result<(), Failure> {
        let now = console.now();
        for (place, step) in progress.steps.iter().enumerate() {
            if !self.left[place] {
                lasting.extend(self.lasting_rows(step, now));
            }
        }
        let look = if progress.status == "SUCCEEDED" { Look::Good } else { Look::Bad };
        lasting.push(self.paint(look, &ending(progress, now)));
        if let Some(message) = &progress.message {
            lasting.push(plain(message).trim_end().to_owned());
        }
        for warning in &progress.warnings {
            lasting.push(self.paint(Look::Bad, &format!("warning: {}", one_line(warning))));
        }
        let text = self.erase() + &lines(&lasting);
        console.write(self.channel, &text)
    }

    fn draw(
        &mut self,
        console: &mut Console,
        progress: &Progress,
        mut lasting: Vec<String>,
    ) -> Result<(), Failure> {
        let now = console.now();
        let mut rows = self.rows(progress, now);
        // Too many for the screen: what is over may go first, then what is still to come is cut.
        let room = self.terminal.height.saturating_sub(2).max(3);
        while rows.len() > room {
            let over = |place: &usize| !self.left[*place] && is_final(&progress.steps[*place].status);
            let Some(place) = (0..progress.steps.len()).find(over) else {
                let more = rows.len() - room + 1;
                rows.truncate(room - 1);
                rows.push(self.paint(Look::Faint, &self.cut(&format!("    … {more} more"), 0)));
                break;
            };
            lasting.extend(self.lasting_rows(&progress.steps[place], now));
            self.left[place] = true;
            rows = self.rows(progress, now);
        }
        let text = self.erase() + &lines(&lasting) + &lines(&rows);
        self.drawn = rows.len();
        console.write(self.channel, &text)
    }

    fn erase(&mut self) -> String {
        let rows = std::mem::take(&mut self.drawn);
        if rows == 0 { String::new() } else { format!("\r\u{1b}[{rows}A\u{1b}[J") }
    }

    /// The rows to draw, each cut to the width of the screen.
    fn rows(&self, progress: &Progress, now: Timestamp) -> Vec<String> {
        let spinner = SPINNER[self.frame % SPINNER.len()];
        let mut rows = Vec::new();
        for (place, step) in progress.steps.iter().enumerate() {
            let waits = step.status == "PENDING" && self.logs == Logs::Shown;
            if self.left.get(place).is_some_and(|left| *left) || waits {
                continue;
            }
            let (look, mark) = mark(&step.status, spinner);
            let name = self.cut(&title(step, now), 4);
            rows.push(format!("  {} {name}", self.paint(look, mark)));
            let below = match &step.user_message {
                Some(message) => Some((Look::Usual, message.clone())),
                None if step.status == "IN_PROGRESS" && self.logs == Logs::Hidden => {
                    step.last_line().map(|line| (Look::Faint, line))
                }
                None => None,
            };
            if let Some((look, text)) = below {
                rows.push(format!("      {}", self.paint(look, &self.cut(&one_line(&text), 6))));
            }
        }
        let nothing_moves = !progress.steps.iter().any(|step| step.status == "IN_PROGRESS");
        if rows.is_empty() || nothing_moves {
            rows.push(format!("  {} {}", self.paint(Look::Active, spinner), self.cut(&self.state, 4)));
        }
        rows
    }

    /// A step as it stays on the screen.
    fn lasting_rows(&self, step: &Step, now: Timestamp) -> Vec<String> {
        let (look, mark) = mark(&step.status, "…");
        let mut rows = vec![format!("  {} {}", self.paint(look, mark), title(step, now))];
        if let Some(message) = &step.user_message {
            rows.extend(plain(message).trim_end().lines().map(|line| format!("      {line}")));
        }
        rows
    }

    /// As much of `text` as fits beside `used` columns.
    fn cut(&self, text: &str, used: usize) -> String {
        let room = self.terminal.width.saturating_sub(used + 1);
        if text.width() <= room {
            return text.to_owned();
        }
        let mut cut = String::new();
        let mut taken = 1;
        for letter in text.chars() {
            taken += letter.width().unwrap_or(0);
            if taken > room {
                break;
            }
            cut.push(letter);
        }
        cut + "…"
    }

    fn paint(&self, look: Look, text: &str) -> String {
        let code = match look {
            _ if !self.terminal.colours => return text.to_owned(),
            Look::Usual => return text.to_owned(),
            Look::Good => "32",
            Look::Bad => "31",
            Look::Active => "36",
            Look::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Lines of text, each ended.
fn lines(rows: &[String]) -> String {
    rows.iter().flat_map(|row| [row.as_str(), "\n"]).collect()
}

/// What a run without visible steps is doing.
fn state_of(progress: &Progress) -> String {
    let state = match progress.status.as_str() {
        "PENDING" => "waiting for a runner".to_owned(),
        "IN_PROGRESS" => "running".to_owned(),
        other => other.to_owned(),
    };
    match &progress.message {
        Some(message) => format!("{state}: {}", one_line(message)),
        None => state,
    }
}

/// A step's name, with its time, and in words what its mark says when it went badly.
fn title(step: &Step, now: Timestamp) -> String {
    let name = one_line(&step.name);
    let went_badly = matches!(step.status.as_str(), "FAILED" | "ABORTED");
    let status = if went_badly { format!(" {}", step.status) } else { String::new() };
    let time = step.seconds(now).map(|seconds| format!(" ({seconds}s)")).unwrap_or_default();
    name + &status + &time
}

fn mark<'a>(status: &str, spinner: &'a str) -> (Look, &'a str) {
    match status {
        "SUCCEEDED" => (Look::Good, "✔"),
        "FAILED" => (Look::Bad, "✘"),
        "ABORTED" => (Look::Bad, "■"),
        "IN_PROGRESS" => (Look::Active, spinner),
        _ => (Look::Faint, "·"),
    }
}
