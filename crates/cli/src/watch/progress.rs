//! What is known about a run so far, and what each message adds to it.

use super::event::{RunEvent, StepEvent, StepId, is_final};
use crate::console::plain;
use jiff::Timestamp;

/// A run as far as it has been seen.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Its status; empty until the first message.
    pub(crate) status: String,
    /// A word about it.
    pub(crate) message: Option<String>,
    /// Its steps, in the order in which they became known.
    pub(crate) steps: Vec<Step>,
    /// Warnings at its end.
    pub(crate) warnings: Vec<String>,
    /// When watching began.
    pub(crate) since: Timestamp,
    /// Whether the stream said that this is the end.
    pub(crate) ended: bool,
}

/// A step as far as it has been seen.
#[derive(Debug)]
pub(crate) struct Step {
    id: StepId,
    /// What people call it.
    pub(crate) name: String,
    /// Its status.
    pub(crate) status: String,
    /// What the one who ordered should know.
    pub(crate) user_message: Option<String>,
    /// When it was seen to start.
    pub(crate) started: Option<Timestamp>,
    /// When it was seen to end.
    pub(crate) ended: Option<Timestamp>,
    log: Log,
}

/// The log of a step: all of it, and how much of it has been shown.
#[derive(Debug, Default)]
struct Log {
    text: String,
    shown: usize,
}

/// What a message added.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// The run has another status or message.
    Run,
    /// The step at this place has another status or message.
    Step(usize),
    /// The step at this place has these new complete log lines.
    Log(usize, Vec<String>),
    /// The run is over.
    End,
}

impl Progress {
    /// Nothing yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            status: String::new(),
            message: None,
            steps: Vec::new(),
            warnings: Vec::new(),
            since: now,
            ended: false,
        }
    }

    /// Takes in a message.
    pub(crate) fn take(&mut self, event: RunEvent, now: Timestamp) -> Vec<News> {
        match event {
            RunEvent::Run { status, message } => {
                let changed = self.status != status || self.message != message;
                self.status = status;
                self.message = message;
                if changed { vec![News::Run] } else { Vec::new() }
            }
            RunEvent::Step(event) => self.step(event, now),
            RunEvent::Log { step, from, text } => {
                let place = self.place(&step);
                let log = &mut self.steps[place].log;
                log.add(from, &text);
                let lines = log.complete_lines();
                if lines.is_empty() { Vec::new() } else { vec![News::Log(place, lines)] }
            }
            RunEvent::End { status, warnings } => {
                self.status = status;
                self.warnings = warnings;
                self.ended = true;
                let mut news = self.last_lines();
                news.push(News::End);
                news
            }
        }
    }

    fn step(&mut self, event: StepEvent, now: Timestamp) -> Vec<News> {
        let place = self.place(&event.step);
        let step = &mut self.steps[place];
        let changed = step.status != event.status || step.user_message != event.user_message;
        if step.status != event.status {
            if is_final(&event.status) {
                step.ended = Some(now);
            } else if event.status == "IN_PROGRESS" {
                step.started = Some(now);
                step.ended = None;
            }
        }
        step.name = event.name;
        step.status = event.status;
        step.user_message = event.user_message;
        let mut news = Vec::new();
        if is_final(&step.status) {
            let rest = step.log.rest();
            if !rest.is_empty() {
                news.push(News::Log(place, rest));
            }
        }
        if changed {
            news.push(News::Step(place));
        }
        news
    }

    /// Log lines without an end, now that nothing will end them.
    fn last_lines(&mut self) -> Vec<News> {
        let rest = |(place, step): (usize, &mut Step)| {
            let lines = step.log.rest();
            (!lines.is_empty()).then_some(News::Log(place, lines))
        };
        self.steps.iter_mut().enumerate().filter_map(rest).collect()
    }

    fn place(&mut self, id: &StepId) -> usize {
        if let Some(place) = self.steps.iter().position(|step| step.id == *id) {
            return place;
        }
        self.steps.push(Step {
            id: id.clone(),
            name: id.id.clone(),
            status: String::new(),
            user_message: None,
            started: None,
            ended: None,
            log: Log::default(),
        });
        self.steps.len() - 1
    }
}

impl Step {
    /// How long it took or has been running, as far as that was seen, in whole seconds.
    pub(crate) fn seconds(&self, now: Timestamp) -> Option<i64> {
        let end = self.ended.unwrap_or(now);
        self.started.map(|started| end.as_second() - started.as_second()).filter(|seconds| *seconds > 0)
    }

    /// The last line of its log.
    pub(crate) fn last_line(&self) -> Option<String> {
        let last = self.log.text.trim_end().lines().next_back()?;
        let last = plain(last);
        (!last.trim().is_empty()).then_some(last)
    }
}

impl Log {
    /// Adds `text`, which starts `from` bytes into the log. A log may start again: what has been shown of the
    /// same text is not shown twice.
    fn add(&mut self, from: usize, text: &str) {
        if from == 0 && !self.text.is_empty() {
            let same = self.text.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
            self.shown = if same >= self.shown { self.shown } else { 0 };
            text.clone_into(&mut self.text);
        } else if from < self.text.len() {
            // Seen before, at least in part: a message repeated after a lost connection.
            let known = self.text.len() - from;
            self.text.push_str(text.get(known..).unwrap_or_default());
        } else {
            self.text.push_str(text);
        }
    }

    /// The complete lines that have not been shown.
    fn complete_lines(&mut self) -> Vec<String> {
        let end = self.text.rfind('\n').map_or(0, |at| at + 1);
        self.upto(end)
    }

    /// Everything that has not been shown.
    fn rest(&mut self) -> Vec<String> {
        self.upto(self.text.len())
    }

    fn upto(&mut self, end: usize) -> Vec<String> {
        let new = self.text.get(self.shown..end).unwrap_or_default();
        let lines = plain(new).lines().map(str::to_owned).collect();
        self.shown = self.shown.max(end);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(from: usize, text: &str) -> RunEvent {
        let step = StepId { source: "r".to_owned(), id: "s".to_owned() };
        RunEvent::Log { step, from, text: text.to_owned() }
    }

    fn step(status: &str) -> RunEvent {
        RunEvent::Step(StepEvent {
            step: StepId { source: "r".to_owned(), id: "s".to_owned() },
            name: "Step".to_owned(),
            status: status.to_owned(),
            user_message: None,
        })
    }

    fn lines(news: Vec<News>) -> Vec<String> {
        news.into_iter()
            .flat_map(|news| if let News::Log(_, lines) = news { lines } else { Vec::new() })
            .collect()
    }

    #[test]
    fn log_lines_are_shown_once_and_whole() {
        let now = Timestamp::UNIX_EPOCH;
        let mut progress = Progress::new(now);
        assert_eq!(lines(progress.take(log(0, "one\ntw"), now)), ["one"]);
        assert_eq!(lines(progress.take(log(6, "o\nthree"), now)), ["two"]);
        assert_eq!(lines(progress.take(log(6, "o\nthree"), now)), [""; 0], "repeated after a reconnect");
        assert_eq!(lines(progress.take(log(0, "one\ntwo\nthree\nfour\n"), now)), ["three", "four"]);
        assert_eq!(lines(progress.take(log(0, "other\nla"), now)), ["other"], "the log was written anew");
        assert_eq!(lines(progress.take(step("FAILED"), now)), ["la"], "the end of the step ends the line");
    }

    #[test]
    fn steps_are_timed_from_what_was_seen() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut progress = Progress::new(at(0));
        assert_eq!(progress.take(step("PENDING"), at(0)), [News::Step(0)]);
        assert_eq!(progress.take(step("PENDING"), at(1)), []);
        assert_eq!(progress.take(step("IN_PROGRESS"), at(2)), [News::Step(0)]);
        assert_eq!(progress.steps[0].seconds(at(5)), Some(3));
        assert_eq!(progress.take(step("SUCCEEDED"), at(9)), [News::Step(0)]);
        assert_eq!(progress.steps[0].seconds(at(100)), Some(7));

        let mut late = Progress::new(at(0));
        late.take(step("SUCCEEDED"), at(9));
        assert_eq!(late.steps[0].seconds(at(100)), None, "its start was not seen");
    }
}
