//! How a run is shown while it happens: drawn on a terminal, as dated lines, as JSON lines, or not at all.

use super::live::Live;
use super::progress::{News, Progress, Step};
use crate::bar::Bar;
use crate::console::{Channel, Console, one_line, plain};
use crate::failure::Failure;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What the watcher wants to see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Where to show it; `None` shows nothing.
    pub(crate) channel: Option<Channel>,
    /// As JSON lines.
    pub(crate) json: bool,
    /// With log lines.
    pub(crate) logs: bool,
}

/// A way to show a run.
#[derive(Debug)]
pub(crate) enum View {
    /// Redrawn in place.
    Live(Live),
    /// Dated lines.
    Plain(Channel, Logs),
    /// The server's messages, one JSON object a line.
    Json(Channel, Logs),
    /// What is waited for, on standard error, each time that changes; on a screen also how long by now.
    Reasons(String, Bar),
    /// Nothing.
    Silent,
}

/// Whether log lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logs {
    /// They are.
    Shown,
    /// They are not.
    Hidden,
}

impl View {
    /// The way that suits the wish and the reader.
    pub(crate) fn new(console: &Console, wish: Wish) -> Self {
        let logs = if wish.logs { Logs::Shown } else { Logs::Hidden };
        match wish.channel {
            None => Self::Silent,
            Some(channel) if wish.json => Self::Json(channel, logs),
            Some(channel) => match console.terminal(channel) {
                Some(terminal) => Self::Live(Live::new(channel, terminal, logs)),
                None => Self::Plain(channel, logs),
            },
        }
    }

    /// The way that says nothing but what is waited for; nothing at all to whoever asked for quiet.
    pub(crate) fn reasons(console: &Console) -> Self {
        if console.quiet {
            Self::Silent
        } else {
            Self::Reasons(String::new(), Bar::waiting(console, "waiting"))
        }
    }

    /// Shows a message of the server as it came.
    pub(crate) fn message(&mut self, console: &mut Console, name: &str, data: &Value) -> Result<(), Failure> {
        let Self::Json(channel, logs) = self else {
            return Ok(());
        };
        if name == "log" && *logs == Logs::Hidden {
            return Ok(());
        }
        let mut line = json!({ "at": moment(console.now()), "event": name });
        if let (Value::Object(line), Value::Object(data)) = (&mut line, data) {
            line.extend(data.clone());
        }
        console.write(*channel, &format!("{line}\n"))
    }

    /// Shows what a message meant.
    pub(crate) fn news(
        &mut self,
        console: &mut Console,
        progress: &Progress,
        news: &[News],
    ) -> Result<(), Failure> {
        match self {
            Self::Live(live) => live.news(console, progress, news),
            Self::Plain(channel, logs) => {
                let now = console.now();
                let text: String =
                    news.iter().flat_map(|news| plain_lines(progress, news, *logs, now)).collect();
                if text.is_empty() { Ok(()) } else { console.write(*channel, &text) }
            }
            Self::Reasons(told, bar) if news.contains(&News::Run) => {
                let state = with_message(&progress.status, progress.message.as_deref());
                reason(console, (told, bar), &format!("run {}", one_line(&state)))
            }
            Self::Reasons(..) | Self::Json(..) | Self::Silent => Ok(()),
        }
    }

    /// Lets moving parts move.
    pub(crate) fn tick(&mut self, console: &mut Console, progress: &Progress) -> Result<(), Failure> {
        if let Self::Live(live) = self { live.redraw(console, progress) } else { Ok(()) }
    }

    /// Shows the state of a block whose run cannot be seen.
    pub(crate) fn block(&mut self, console: &mut Console, text: &str, data: &Value) -> Result<(), Failure> {
        match self {
            Self::Live(live) => live.state(console, text),
            Self::Plain(channel, _) => {
                let line = format!("{} block {}\n", moment(console.now()), one_line(text));
                console.write(*channel, &line)
            }
            Self::Json(..) => self.message(console, "block", data),
            Self::Reasons(told, bar) => reason(console, (told, bar), &format!("block {}", one_line(text))),
            Self::Silent => Ok(()),
        }
    }

    /// Lets moving parts move while nothing but a state is known.
    pub(crate) fn waiting(&mut self, console: &mut Console, state: &str) -> Result<(), Failure> {
        if let Self::Live(live) = self { live.state(console, state) } else { Ok(()) }
    }

    /// Shows the state in which a block stays.
    pub(crate) fn settled(&mut self, console: &mut Console, text: &str, data: &Value) -> Result<(), Failure> {
        match self {
            Self::Live(live) => live.settled(console, text),
            _ => self.block(console, text, data),
        }
    }

    /// Leaves the screen as it should stay when nothing more comes.
    pub(crate) fn leave(&mut self, console: &mut Console) -> Result<(), Failure> {
        if let Self::Live(live) = self { live.clear(console) } else { Ok(()) }
    }
}

/// Says what is waited for, unless that was said last.
fn reason(console: &mut Console, (told, bar): (&mut String, &Bar), text: &str) -> Result<(), Failure> {
    if told == text {
        return Ok(());
    }
    text.clone_into(told);
    bar.say(text);
    let at = moment(console.now());
    bar.aside(|| console.note(format_args!("{at} {text}")))
}

/// A moment to the second.
fn moment(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn plain_lines(progress: &Progress, news: &News, logs: Logs, now: Timestamp) -> Vec<String> {
    let at = moment(now);
    match news {
        News::Run => {
            vec![format!("{at} run {}\n", with_message(&progress.status, progress.message.as_deref()))]
        }
        News::Step(place) => {
            let step = &progress.steps[*place];
            // That a step is still to come is no news.
            if step.status == "PENDING" && step.user_message.is_none() && step.ended.is_none() {
                return Vec::new();
            }
            let state = with_message(&step_state(step, now), step.user_message.as_deref());
            vec![format!("{at} step `{}` {state}\n", one_line(&step.name))]
        }
        News::Log(..) if logs == Logs::Hidden => Vec::new(),
        News::Log(_, lines) => lines.iter().map(|line| format!("{at}     {line}\n")).collect(),
        News::End => {
            let mut lines = vec![format!("{at} run {}\n", ending(progress, now))];
            lines.extend(progress.warnings.iter().map(|text| format!("{at} warning: {}\n", one_line(text))));
            lines
        }
    }
}

/// A step's status, and how long it took once it is over.
fn step_state(step: &Step, now: Timestamp) -> String {
    match step.seconds(now) {
        Some(seconds) if step.ended.is_some() => format!("{} after {seconds}s", step.status),
        _ => step.status.clone(),
    }
}

/// How a run ended, and after how long.
pub(super) fn ending(progress: &Progress, now: Timestamp) -> String {
    let seconds = now.as_second() - progress.since.as_second();
    if seconds > 0 { format!("{} after {seconds}s", progress.status) } else { progress.status.clone() }
}

fn with_message(state: &str, message: Option<&str>) -> String {
    match message {
        None => state.to_owned(),
        Some(message) => format!("{state}: {}", plain(message).trim_end().replace('\n', "\n    ")),
    }
}
