//! `stoa state`: OpenTofu states of building blocks, their versions and locks (`runner-protocol.md` §12).

use crate::api::{Api, encoded};
use crate::args::{Format, StateCommand};
use crate::bar::Bar;
use crate::console::{Channel, Console, confirmed, one_line};
use crate::failure::Failure;
use crate::show;
use crate::table::{self, Cell, Column, age, shown};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

const JSON: &str = "application/json";
const PATH: &str = "/api/stoa/v1/states";
/// How many states to ask for at once.
const PAGE: usize = 200;

const STATES: &[Column] = &[
    Column("BLOCK", Cell::Text("/buildingBlock/uuid")),
    Column("NAME", Cell::Text("/buildingBlock/displayName")),
    Column("WORKSPACE", Cell::Text("/buildingBlock/workspace")),
    Column("VERSION", Cell::Text("/current/version")),
    Column("SERIAL", Cell::Text("/current/serial")),
    Column("WRITTEN", Cell::Age("/current/at")),
    Column("LOCKED BY", Cell::Text("/lock/who")),
];

const VERSIONS: &[Column] = &[
    Column("VERSION", Cell::Text("/version")),
    Column("SERIAL", Cell::Text("/serial")),
    Column("LINEAGE", Cell::Text("/lineage")),
    Column("WRITTEN", Cell::Age("/at")),
    Column("RUN", Cell::Text("/run")),
];

/// Lists, shows and unlocks states.
pub(crate) async fn state(api: &Api, console: &mut Console, command: StateCommand) -> Result<(), Failure> {
    match command {
        StateCommand::List { workspace } => list(api, console, workspace.as_deref()).await,
        StateCommand::Show { block, workspace, content: false, .. } => {
            let found = overview(api, &block, workspace.as_deref()).await?;
            show_overview(console, &found)
        }
        StateCommand::Show { block, workspace, content: true, version } => {
            let found = overview(api, &block, workspace.as_deref()).await?;
            content(api, console, &found, version).await
        }
        StateCommand::Unlock { block, workspace, yes } => {
            let found = overview(api, &block, workspace.as_deref()).await?;
            unlock(api, console, &found, yes).await
        }
    }
}

async fn list(api: &Api, console: &mut Console, workspace: Option<&str>) -> Result<(), Failure> {
    let filter = workspace.map(|name| format!("&workspaceIdentifier={}", encoded(name))).unwrap_or_default();
    let mut states: Vec<Value> = Vec::new();
    for page in 0_u64.. {
        let path = format!("{PATH}?page={page}&size={PAGE}{filter}");
        let mut answer = api.client().get(&path, JSON).await?;
        if let Value::Array(items) = answer["_embedded"]["states"].take() {
            states.extend(items);
        }
        if page + 1 >= answer["page"]["totalPages"].as_u64().unwrap_or(0) {
            break;
        }
    }
    if console.quiet {
        return states.iter().try_for_each(|state| console.line(shown(&state["buildingBlock"]["uuid"])));
    }
    match console.format {
        Format::Table if states.is_empty() => console.note("no states found"),
        Format::Table => {
            let text = table::of_objects(STATES, &states, console.now());
            console.write(Channel::Out, &text)
        }
        Format::Json | Format::Yaml => show::document(console, &Value::Array(states)),
    }
}

async fn overview(api: &Api, block: &str, workspace: Option<&str>) -> Result<Value, Failure> {
    let uuid = api.block_uuid(block, workspace).await?;
    let found = api.client().get(&format!("{PATH}/{}", encoded(&uuid)), JSON).await;
    found.map_err(|error| Failure::from(error).while_doing(&format!("state of block `{block}`")))
}

fn show_overview(console: &mut Console, state: &Value) -> Result<(), Failure> {
    if console.quiet {
        return console.line(shown(&state["buildingBlock"]["uuid"]));
    }
    if console.format != Format::Table {
        return show::document(console, state);
    }
    let now = console.now();
    let mut page = String::new();
    for (name, value) in [
        ("Block:", shown(&state["buildingBlock"]["displayName"])),
        ("UUID:", shown(&state["buildingBlock"]["uuid"])),
        ("Workspace:", shown(&state["buildingBlock"]["workspace"])),
        ("Lock:", holder(&state["lock"], now).unwrap_or_else(|| "nobody holds it".to_owned())),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{name:<12}{value}");
    }
    let versions = state["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !versions.is_empty() {
        page.push('\n');
        page.push_str(&table::of_objects(VERSIONS, versions, now));
    }
    console.write(Channel::Out, &page)
}

/// Who holds a lock, for what and since when.
fn holder(lock: &Value, now: Timestamp) -> Option<String> {
    let text = |name: &str| lock[name].as_str().map(one_line);
    let id = text("id")?;
    let who = text("who").unwrap_or_else(|| "somebody".to_owned());
    let operation = text("operation").map(|what| format!(" for {what}")).unwrap_or_default();
    let since = text("at").and_then(|at| at.parse().ok());
    let since = since.map(|at| format!(", {} ago", age(at, now))).unwrap_or_default();
    let run = text("run").map(|run| format!(", in run {run}")).unwrap_or_default();
    Some(format!("{who}{operation}{since}{run} (id {id})"))
}

async fn content(
    api: &Api,
    console: &mut Console,
    state: &Value,
    version: Option<u64>,
) -> Result<(), Failure> {
    let part = |name: &str| encoded(&shown(&state["buildingBlock"][name]));
    let query = version.map(|version| format!("?version={version}")).unwrap_or_default();
    let path =
        format!("/api/terraform/state/workspace/{}/buildingBlock/{}{query}", part("workspace"), part("uuid"));
    let bar = Bar::waiting(console, "reading the state");
    let content = api.client().get(&path, JSON).await?;
    drop(bar);
    if content.is_null() {
        return Err(Failure::Operation("there is no such state".to_owned()));
    }
    show::document(console, &content)
}

async fn unlock(api: &Api, console: &mut Console, state: &Value, yes: bool) -> Result<(), Failure> {
    let block = &state["buildingBlock"];
    let name = shown(&block["displayName"]);
    let Some(holder) = holder(&state["lock"], console.now()) else {
        return console.note(format_args!("the state of {name} is not locked"));
    };
    if !yes {
        console.note(format_args!("The state of {name} is locked by {holder}."))?;
        console.note("Whoever works under this lock can then no longer trust the state.")?;
        confirmed(console, "Release the lock?")?;
    }
    let id = encoded(&shown(&state["lock"]["id"]));
    let path = format!("{PATH}/{}/lock?id={id}", encoded(&shown(&block["uuid"])));
    api.client().delete(&path, JSON).await?;
    console.note(format_args!("the state of {name} is unlocked"))
}
