//! Where a command writes: data to standard output, words to standard error.

use crate::args::{Format, Global};
use crate::failure::Failure;
use jiff::Timestamp;
use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};

/// The two streams of a command, and what is known about whoever reads them.
pub(crate) struct Console {
    out: Stream,
    err: Stream,
    /// How data is printed.
    pub(crate) format: Format,
    /// Only identifiers on standard output, only errors on standard error.
    pub(crate) quiet: bool,
    clock: fn() -> Timestamp,
}

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

struct Stream {
    to: Box<dyn Write + Send>,
    terminal: Option<Terminal>,
}

/// A screen that can be drawn on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Columns.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Whether colours are welcome.
    pub(crate) colours: bool,
}

impl Console {
    /// The console of this process.
    pub(crate) fn system(global: &Global) -> Self {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let screen = |found: Option<(terminal_size::Width, terminal_size::Height)>| {
            let (width, height) = found.map_or((80, 24), |(w, h)| (w.0.into(), h.0.into()));
            Terminal { width, height, colours }
        };
        let out = io::stdout();
        let err = io::stderr();
        let on_out = (!dumb && out.is_terminal()).then(|| screen(terminal_size::terminal_size_of(&out)));
        let on_err = (!dumb && err.is_terminal()).then(|| screen(terminal_size::terminal_size_of(&err)));
        Self {
            out: Stream { to: Box::new(out), terminal: on_out },
            err: Stream { to: Box::new(err), terminal: on_err },
            format: global.output,
            quiet: global.quiet,
            clock: Timestamp::now,
        }
    }

    /// A console that writes into the given places.
    #[cfg(test)]
    pub(crate) fn into(
        global: &Global,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            out: Stream { to: out, terminal: None },
            err: Stream { to: err, terminal: None },
            format: global.output,
            quiet: global.quiet,
            clock,
        }
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The screen behind a stream, if there is one.
    pub(crate) fn terminal(&self, channel: Channel) -> Option<Terminal> {
        match channel {
            Channel::Out => self.out.terminal,
            Channel::Err => self.err.terminal,
        }
    }

    /// Writes text as it is, and shows it at once.
    pub(crate) fn write(&mut self, channel: Channel, text: &str) -> Result<(), Failure> {
        let stream = match channel {
            Channel::Out => &mut self.out,
            Channel::Err => &mut self.err,
        };
        stream.to.write_all(text.as_bytes())?;
        stream.to.flush()?;
        Ok(())
    }

    /// A line of data.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        self.write(Channel::Out, &format!("{text}\n"))
    }

    /// A word to the person, left out when they asked for quiet.
    pub(crate) fn note(&mut self, text: impl Display) -> Result<(), Failure> {
        if self.quiet { Ok(()) } else { self.write(Channel::Err, &format!("{text}\n")) }
    }

    /// A word that the person should act on.
    pub(crate) fn warn(&mut self, text: impl Display) -> Result<(), Failure> {
        self.note(format_args!("warning: {text}"))
    }
}

/// Asks a person to confirm; anything but a yes is a no, and so is nobody there to answer.
pub(crate) fn confirmed(console: &mut Console, question: &str) -> Result<(), Failure> {
    console.write(Channel::Err, &format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    // Only a person's own return key ended the line.
    if !io::stdin().is_terminal() {
        console.write(Channel::Err, "\n")?;
    }
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::Operation("not confirmed, and nothing was changed; --yes does not ask".to_owned()))
}

/// Text of others, safe to show: escape sequences and control characters are taken out, lines and tabs stay.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            '\n' | '\t' => shown.push(c),
            // A carriage return starts the line over; what it hid was meant to be hidden.
            c if c.is_control() => {}
            c => shown.push(c),
        }
    }
    shown
}

/// Skips what follows an escape character: a control sequence, an operating-system command, or one character.
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        Some('[') => while rest.next_if(|c| !('\u{40}'..='\u{7e}').contains(c)).is_some() {},
        Some(']') => {
            while rest.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n')).is_some() {}
            if rest.next_if_eq(&'\u{1b}').is_some() {
                rest.next_if_eq(&'\\');
            } else {
                rest.next_if_eq(&'\u{7}');
            }
            return;
        }
        _ => return,
    }
    rest.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// [`plain`], on one line.
pub(crate) fn one_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_drive_the_terminal() {
        let cases = [
            ("plain", "plain"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("a\u{1b}", "a"),
            ("10%\r20%", "10%20%"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
            ("bell\u{7}", "bell"),
        ];
        for (given, shown) in cases {
            assert_eq!(plain(given), shown, "{given:?}");
        }
        assert_eq!(one_line(" a\n b\t c "), "a b c");
    }
}
