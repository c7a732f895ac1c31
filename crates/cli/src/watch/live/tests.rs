//! A run drawn on a terminal, seen as the terminal shows it.

use super::super::event::RunEvent;
use super::super::progress::Progress;
use super::super::view::Logs;
use super::Live;
use crate::args::Global;
use crate::console::{Channel, Console, Terminal};
use crate::tests::Pipe;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A terminal as far as the drawing uses one: lines, going up, erasing what is below.
fn screen(written: &str) -> String {
    let mut rows = vec![String::new()];
    let mut row = 0;
    let mut rest = written;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\n' => {
                row += 1;
                if rows.len() <= row {
                    rows.push(String::new());
                }
            }
            '\r' => {}
            '\u{1b}' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                let (count, command) = (&rest[1..end], &rest[end..=end]);
                match command {
                    "A" => row -= count.parse::<usize>().unwrap(),
                    "J" => {
                        rows.truncate(row);
                        rows.push(String::new());
                    }
                    "m" => {}
                    other => panic!("the drawing uses {other}"),
                }
                rest = &rest[end + 1..];
            }
            letter => rows[row].push(letter),
        }
    }
    rows.join("\n")
}

/// What the terminal shows after each of the events.
fn shown(terminal: Terminal, logs: Logs, events: &[(&str, Value)]) -> Vec<String> {
    let pipe = Pipe::default();
    let clock = || "2031-02-11T10:00:00Z".parse::<Timestamp>().unwrap();
    let mut console =
        Console::into(&Global::default(), Box::new(pipe.clone()), Box::new(Pipe::default()), clock);
    let mut live = Live::new(Channel::Out, terminal, logs);
    let mut progress = Progress::new(console.now());
    let mut screens = Vec::new();
    for (name, data) in events {
        let event = RunEvent::read(name, data).unwrap();
        let now = console.now();
        let news = progress.take(event, now);
        live.news(&mut console, &progress, &news).unwrap();
        screens.push(screen(&pipe.text()));
    }
    screens
}

fn step(id: &str, status: &str, message: Option<&str>) -> (&'static str, Value) {
    let name = format!("Step {id}");
    (
        "step",
        json!({ "source": "r", "id": id, "displayName": name, "status": status, "userMessage": message }),
    )
}

fn log(id: &str, from: usize, text: &str) -> (&'static str, Value) {
    ("log", json!({ "source": "r", "id": id, "from": from, "text": text }))
}

const WIDE: Terminal = Terminal { width: 40, height: 24, colours: true };

#[test]
fn steps_stay_in_place_and_change_their_marks() {
    let screens = shown(
        WIDE,
        Logs::Hidden,
        &[
            ("run", json!({ "status": "PENDING", "message": null })),
            step("one", "PENDING", None),
            step("two", "PENDING", None),
            step("one", "IN_PROGRESS", None),
            log("one", 0, "Downloading something with a very long name\nmore"),
            step("one", "SUCCEEDED", None),
            step("two", "FAILED", Some("quota exceeded\nask for more")),
            ("end", json!({ "status": "FAILED", "warnings": [] })),
        ],
    );
    assert_eq!(screens[0], "  ⠋ waiting for a runner\n");
    assert_eq!(screens[2], "  · Step one\n  · Step two\n  ⠋ waiting for a runner\n");
    assert_eq!(screens[3], "  ⠋ Step one\n  · Step two\n");
    assert_eq!(screens[4], "  ⠋ Step one\n      more\n  · Step two\n");
    assert_eq!(
        screens[7],
        "  ✔ Step one\n  ✘ Step two FAILED\n      quota exceeded\n      ask for more\nFAILED\n"
    );
}

#[test]
fn log_lines_scroll_under_the_step_they_belong_to() {
    let screens = shown(
        WIDE,
        Logs::Shown,
        &[
            step("one", "IN_PROGRESS", None),
            log("one", 0, "a\nb"),
            log("one", 3, "c\n"),
            step("one", "SUCCEEDED", None),
            step("two", "IN_PROGRESS", None),
            log("two", 0, "d"),
            ("end", json!({ "status": "SUCCEEDED", "warnings": ["STEP_SUCCESS_MISSING"] })),
        ],
    );
    assert_eq!(screens[2], "  ▶ Step one\n      a\n      bc\n  ⠋ Step one\n");
    assert_eq!(
        screens[6],
        "  ▶ Step one\n      a\n      bc\n  ✔ Step one\n  ▶ Step two\n      d\n  … Step two\nSUCCEEDED\n\
         warning: the run succeeded, but not every step did\n"
    );
}

#[test]
fn a_small_screen_is_never_overdrawn() {
    let small = Terminal { width: 12, height: 7, colours: false };
    let steps: Vec<_> = (0..9).map(|number| step(&format!("number {number}"), "PENDING", None)).collect();
    let done = (0..9).map(|number| step(&format!("number {number}"), "SUCCEEDED", None));
    let events: Vec<_> = steps.iter().cloned().chain(done).collect();
    let screens = shown(small, Logs::Hidden, &events);
    assert_eq!(screens[8], "  · Step n…\n  · Step n…\n  · Step n…\n  · Step n…\n    … 6 mo…\n");
    assert!(screens.last().unwrap().starts_with("  ✔ Step number 0\n"), "what is over scrolls up whole");
}
