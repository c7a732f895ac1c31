//! `stoa runner status`: is a runner there, what waits for it, and how does it keep runs apart.

use crate::api::{Api, encoded, id_of};
use crate::args::Format;
use crate::console::{Channel, Console};
use crate::failure::Failure;
use crate::kinds;
use crate::show;
use crate::table::{age, shown};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write;

const JSON: &str = "application/json";
/// A runner that was silent for longer is not there (`domain-platforms.md` §9.5).
const SILENCE_SECONDS: i64 = 300;

/// What can be told of a runner on its own machine.
#[derive(Clone, Debug)]
pub struct Local {
    /// Whether a process works in its folder.
    pub is_at_work: bool,
    /// How programs of runs are isolated here: `namespaces`, or why by less.
    pub isolation: Result<(), String>,
    /// Reports that no server has taken yet.
    pub unsent: usize,
}

/// Tells how a runner does; an error when nobody heard of it lately.
pub(crate) async fn status(
    api: &Api,
    console: &mut Console,
    word: &str,
    local: Option<Local>,
) -> Result<(), Failure> {
    let runner = api.resolve(&kinds::RUNNER, word, None).await?;
    let uuid = id_of(&kinds::RUNNER, &runner)?;
    let queue = api.client().get(&format!("/api/stoa/v1/runners/{}/queue", encoded(&uuid)), JSON).await?;
    let seen = runner.pointer("/metadata/lastSeen").and_then(Value::as_str);
    let seen: Option<Timestamp> = seen.and_then(|text| text.parse().ok());
    let now = console.now();
    let alive = seen.is_some_and(|seen| now.as_second() - seen.as_second() <= SILENCE_SECONDS);
    if console.quiet {
        console.line(&uuid)?;
    } else if console.format == Format::Table {
        let text = page(&runner, &queue, seen.map(|seen| age(seen, now)), local.as_ref());
        console.write(Channel::Out, &text)?;
    } else {
        let local = local.as_ref().map(|local| {
            json!({
                "atWork": local.is_at_work,
                "isolation": if local.isolation.is_ok() { "namespaces" } else { "process-group" },
                "isolationProblem": local.isolation.as_ref().err(),
                "unsentReports": local.unsent,
            })
        });
        let status = json!({ "runner": runner, "queue": queue, "alive": alive, "local": local });
        show::document(console, &status)?;
    }
    if alive {
        return Ok(());
    }
    let problem = match seen {
        Some(seen) => format!("was last heard of {} ago", age(seen, now)),
        None => "was never heard of".to_owned(),
    };
    Err(Failure::Operation(format!("the runner {problem}")))
}

fn page(runner: &Value, queue: &Value, seen: Option<String>, local: Option<&Local>) -> String {
    let of = |pointer: &str| runner.pointer(pointer).map_or_else(|| "-".to_owned(), shown);
    let mut page = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{name:<12}{value}");
    };
    line("Runner:", &of("/spec/displayName"));
    line("UUID:", &of("/metadata/uuid"));
    line("Workspace:", &of("/metadata/ownedByWorkspace"));
    line("Executes:", &of("/spec/implementationType"));
    line("Last seen:", &seen.map_or_else(|| "never".to_owned(), |age| format!("{age} ago")));
    line("Waiting:", &shown(&queue["queued"]));
    line("Running:", &shown(&queue["running"]));
    if let Some(local) = local {
        line("Here:", if local.is_at_work { "a process is at work" } else { "no process is at work" });
        let isolation = match &local.isolation {
            Ok(()) => "namespaces, process groups, a clean environment".to_owned(),
            Err(why) => format!("process groups and a clean environment only: {why}"),
        };
        line("Isolation:", &isolation);
        line("Unsent:", &local.unsent.to_string());
    }
    page
}
