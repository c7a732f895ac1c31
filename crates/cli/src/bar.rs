//! How far long work is, drawn on standard error while it goes on. Where nobody looks nothing is drawn: what is said in
//! lines is said there, too.

use crate::console::{Channel, Console, one_line};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// How often what moves by itself moves.
const FRAME: Duration = Duration::from_millis(100);
const COUNTED: &str = "{wide_bar} {pos}/{len} {msg}";
const WAITED: &str = "{spinner} {wide_msg} ({elapsed})";

/// A drawing of one line, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Of so many pieces, each of which takes its time.
    pub(crate) fn counting(console: &Console, total: usize, what: &str) -> Self {
        // One piece is not worth a drawing.
        let target = if total > 1 { target(console) } else { ProgressDrawTarget::hidden() };
        Self::counted_on(target, total, what)
    }

    /// Of something whose end nobody knows.
    pub(crate) fn waiting(console: &Console, what: &str) -> Self {
        let bar = Self::waited_on(target(console), what);
        bar.0.enable_steady_tick(FRAME);
        bar
    }

    fn counted_on(target: ProgressDrawTarget, total: usize, what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(u64::try_from(total).ok(), target);
        bar.set_style(style(COUNTED, ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        Self(bar)
    }

    fn waited_on(target: ProgressDrawTarget, what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(WAITED, ProgressStyle::default_spinner()));
        bar.set_message(one_line(what));
        Self(bar)
    }

    /// One piece more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// What is waited for now.
    pub(crate) fn say(&self, what: &str) {
        self.0.set_message(one_line(what));
    }

    /// Whether somebody sees it.
    pub(crate) fn is_seen(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Lets something be written where the drawing is.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Standard error, where it is a screen of somebody who did not ask for quiet.
fn target(console: &Console) -> ProgressDrawTarget {
    if console.quiet || console.terminal(Channel::Err).is_none() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    }
}

fn style(template: &str, otherwise: ProgressStyle) -> ProgressStyle {
    otherwise.template(template).expect("the template is a constant")
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{InMemoryTerm, TermLike};

    fn screen() -> (InMemoryTerm, ProgressDrawTarget) {
        let screen = InMemoryTerm::new(4, 40);
        (screen.clone(), ProgressDrawTarget::term_like(Box::new(screen)))
    }

    #[test]
    fn pieces_are_counted_and_lines_stay_above() {
        let (screen, target) = screen();
        let bar = Bar::counted_on(target, 3, "documents");
        bar.step();
        bar.0.tick();
        let drawn = screen.contents();
        assert!(drawn.ends_with(" 1/3 documents"), "{drawn}");
        bar.aside(|| screen.clone().write_line("project/shop.web created").unwrap());
        bar.step();
        bar.0.tick();
        let drawn = screen.contents();
        assert!(
            drawn.starts_with("project/shop.web created\n") && drawn.ends_with(" 2/3 documents"),
            "{drawn}"
        );
        drop(bar);
        assert_eq!(screen.contents(), "project/shop.web created");
    }

    #[test]
    fn what_is_waited_for_is_said_on_one_line() {
        let (screen, target) = screen();
        let bar = Bar::waited_on(target, "a run\nand more");
        bar.0.tick();
        assert!(screen.contents().contains("a run and more"), "{}", screen.contents());
        bar.say("the block");
        bar.0.tick();
        assert!(screen.contents().contains("the block") && !screen.contents().contains("run"));
        drop(bar);
        assert_eq!(screen.contents(), "");
    }

    #[test]
    fn nothing_is_drawn_where_nobody_looks() {
        let bar = Bar::counted_on(ProgressDrawTarget::hidden(), 3, "documents");
        assert!(!bar.is_seen());
    }
}
