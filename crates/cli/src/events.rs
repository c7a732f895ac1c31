//! `stoa events`: the feed of changes, and the chain of hashes over the log.

use crate::api::{Api, encoded, id_of};
use crate::args::{EventFilter, Events, EventsCommand, Format};
use crate::console::{Channel, Console, one_line};
use crate::failure::Failure;
use crate::kinds::Kind;
use crate::operator::told;
use crate::show;
use crate::watch::Link;
use futures_util::StreamExt;
use serde_json::Value;
use stoa_client::ServerEvent;

const JSON: &str = "application/json";
/// How many changes before now are looked at when nothing else is said.
const LAST: u64 = 100;

/// Shows changes, or checks the log.
pub(crate) async fn events(api: &Api, console: &mut Console, events: Events) -> Result<(), Failure> {
    match events.command {
        Some(EventsCommand::Verify) => verify(api, console).await,
        None => feed(api, console, events.filter).await,
    }
}

async fn verify(api: &Api, console: &mut Console) -> Result<(), Failure> {
    let answer = api.client().get("/api/stoa/v1/events/verification", JSON).await?;
    if answer["intact"] == true {
        return told(console, &answer, format_args!("{} events, all as they were written", answer["events"]));
    }
    let broken = &answer["firstBroken"];
    Err(Failure::Operation(format!("event {broken} of the log is not what was written")))
}

/// Shows what the feed tells. Following, a lost connection is taken up again behind the last change that was shown.
async fn feed(api: &Api, console: &mut Console, filter: EventFilter) -> Result<(), Failure> {
    let mut path = format!("/api/events?follow={}", filter.follow);
    let mut add = |name: &str, value: &str| {
        for part in ["&", name, "=", &encoded(value)] {
            path.push_str(part);
        }
    };
    if let Some(kind) = filter.kind {
        add("kind", kind.name);
    }
    if let Some(object) = &filter.object {
        add("uuid", &uuid_of(api, object, filter.workspace.as_deref()).await?);
    }
    if let Some(workspace) = &filter.workspace {
        add("workspace", workspace);
    }
    match (filter.since, filter.last) {
        (Some(since), _) => add("since", &since.to_string()),
        (None, Some(last)) => add("last", &last.to_string()),
        (None, None) if filter.follow => {}
        (None, None) => add("last", &LAST.to_string()),
    }
    let mut behind: Option<String> = None;
    let mut link = Link::new();
    loop {
        let mut stream = api.client().get_stream(&path, behind.as_deref()).await;
        let lost = loop {
            match stream.next().await {
                Some(Ok(event)) => {
                    link.is_well();
                    if event.event == "change" {
                        behind = Some(event.id.clone());
                        line(console, &event)?;
                    }
                }
                Some(Err(error)) => break Some(error),
                None if !filter.follow => return Ok(()),
                None => break None,
            }
        };
        let wait = link.lost(lost).map_err(|failure| failure.while_doing("the feed of changes"))?;
        tokio::time::sleep(wait).await;
    }
}

/// One change on one line; in YAML as a document of its own.
fn line(console: &mut Console, event: &ServerEvent) -> Result<(), Failure> {
    let change = event.json();
    let text = |name: &str| change[name].as_str().map(one_line);
    if console.quiet {
        return console.line(text("uuid").unwrap_or_default());
    }
    match console.format {
        Format::Json => console.line(&change),
        Format::Yaml => {
            console.write(Channel::Out, "---\n")?;
            show::document(console, &change)
        }
        Format::Table => {
            let of = |name: &str| text(name).unwrap_or_else(|| "-".to_owned());
            let workspace = text("workspace").map(|name| format!(" in {name}")).unwrap_or_default();
            let (at, action) = (of("at"), of("action"));
            console.line(format_args!(
                "{:>8} {at} {action:<8} {}/{}{workspace}",
                event.id,
                of("kind"),
                of("uuid")
            ))
        }
    }
}

/// The uuid of what a person means: a uuid, or `KIND/NAME`.
async fn uuid_of(api: &Api, word: &str, workspace: Option<&str>) -> Result<String, Failure> {
    if uuid::Uuid::try_parse(word).is_ok() {
        return Ok(word.to_owned());
    }
    let Some((kind, name)) = word.split_once('/') else {
        return Err(Failure::Usage(format!("`{word}` is neither a uuid nor KIND/NAME")));
    };
    let kind = Kind::parse(kind).map_err(Failure::Usage)?;
    let object = api.resolve(kind, name, workspace).await?;
    match object.pointer("/metadata/uuid").and_then(Value::as_str) {
        Some(uuid) => Ok(uuid.to_owned()),
        None => id_of(kind, &object),
    }
}
