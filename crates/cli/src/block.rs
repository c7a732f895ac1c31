//! A building block as a page: what it is, how it is, why it waits, what went in and what came out.

use crate::console::{one_line, plain};
use crate::table::{self, age, shown};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::fmt::Write;

/// The page of a block.
pub(crate) fn page(block: &Value, now: Timestamp) -> String {
    let at = |pointer: &str| block.pointer(pointer).map_or_else(|| "-".to_owned(), shown);
    let mut page = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{name:<12}{value}");
    };
    line("Name:", &at("/spec/displayName"));
    line("UUID:", &at("/metadata/uuid"));
    line("Workspace:", &at("/metadata/ownedByWorkspace"));
    line("Target:", &target(block));
    line("Version:", &at("/spec/buildingBlockDefinitionVersionRef/uuid"));
    line("Status:", &at("/status/status"));
    for (name, value) in waiting(block, now) {
        line(&format!("  {name}:"), &value);
    }
    line("Lifecycle:", &lifecycle(block));
    line("Latest run:", &at("/status/latestRunUuid"));
    if let Some(run) = block.pointer("/status/latestDryRunUuid").filter(|run| !run.is_null()) {
        line("Dry run:", &shown(run));
    }
    for parent in
        block.pointer("/spec/parentBuildingBlockRefs").and_then(Value::as_array).into_iter().flatten()
    {
        line("Parent:", &shown(&parent["uuid"]));
    }
    let inputs = entries(block, "/spec/inputs");
    if !inputs.is_empty() {
        page.push_str("\nInputs:\n");
        page.push_str(&indented(&table::render(&["KEY", "TYPE", "FROM", "VALUE"], &rows(&inputs))));
    }
    let outputs = outputs(block);
    if !outputs.is_empty() {
        page.push_str("\nOutputs:\n");
        page.push_str(&indented(&outputs));
    }
    page
}

/// The table of a block's outputs; empty when there are none.
pub(crate) fn outputs(block: &Value) -> String {
    let outputs = entries(block, "/status/outputs");
    if outputs.is_empty() {
        return String::new();
    }
    table::render(&["OUTPUT", "TYPE", "USE", "VALUE"], &rows(&outputs))
}

/// Why a block waits, in one line; the status itself when the server says no more.
pub(crate) fn why(block: &Value) -> String {
    let status = block.pointer("/status/status").map_or_else(|| "-".to_owned(), shown);
    let waiting = block.pointer("/status/waiting");
    let text = |key: &str| waiting.and_then(|waiting| waiting.get(key)).and_then(brief);
    let about: Vec<_> =
        [text("reason").filter(|reason| *reason != status), text("blocker")].into_iter().flatten().collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(": ")) };
    let who = text("who").map(|who| format!("; {who} can move it")).unwrap_or_default();
    status + &about + &who
}

fn waiting(block: &Value, now: Timestamp) -> Vec<(&'static str, String)> {
    let Some(waiting) = block.pointer("/status/waiting").and_then(Value::as_object) else {
        return Vec::new();
    };
    let text = |key: &str| waiting.get(key).and_then(brief);
    let moment = |key: &str| text(key).and_then(|text| text.parse::<Timestamp>().ok());
    let since = moment("since").map(|since| format!("{} ago", age(since, now)));
    let next = moment("nextLook")
        .map(|next| if next > now { format!("in {}", age(now, next)) } else { "now".to_owned() });
    [
        ("reason", text("reason")),
        ("blocker", text("blocker")),
        ("who", text("who")),
        ("since", since.or_else(|| text("since"))),
        ("next look", next.or_else(|| text("nextLook"))),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| (name, value)))
    .collect()
}

/// A word about a value that may be a reference or a list.
fn brief(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(one_line(text)),
        Value::Array(items) => {
            let parts: Vec<_> = items.iter().filter_map(brief).collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        }
        Value::Object(entries) => {
            let parts: Vec<_> = ["kind", "name", "uuid", "key"]
                .iter()
                .filter_map(|key| entries.get(*key).and_then(brief))
                .collect();
            Some(if parts.is_empty() { one_line(&value.to_string()) } else { parts.join(" ") })
        }
        other => Some(other.to_string()),
    }
}

fn target(block: &Value) -> String {
    let target = block.pointer("/spec/targetRef").unwrap_or(&Value::Null);
    let kind = target["kind"].as_str().unwrap_or("-").trim_start_matches("mesh").to_lowercase();
    let id = if target["name"].is_string() { &target["name"] } else { &target["uuid"] };
    format!("{kind} {}", shown(id))
}

fn lifecycle(block: &Value) -> String {
    let state = block.pointer("/status/lifecycle/state").map_or_else(|| "-".to_owned(), shown);
    match block.pointer("/status/forcePurge") {
        Some(Value::Bool(true)) => format!("{state} (purge)"),
        _ => state,
    }
}

fn entries(block: &Value, pointer: &str) -> Map<String, Value> {
    block.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn rows(entries: &Map<String, Value>) -> Vec<Vec<String>> {
    let row = |(key, entry): (&String, &Value)| {
        vec![key.clone(), shown(&entry["valueType"]), shown(&entry["assignmentType"]), value(entry)]
    };
    entries.iter().map(row).collect()
}

/// A value for people: text as it is, a secret by its hash, nothing as a dash.
fn value(entry: &Value) -> String {
    const LONGEST: usize = 160;
    let value = &entry["value"];
    if entry["isSensitive"] == Value::Bool(true) {
        return match value["hash"].as_str() {
            Some(hash) => format!("(secret {})", one_line(hash)),
            None => "-".to_owned(),
        };
    }
    let text = match value {
        Value::String(text) if text.starts_with("data:") => {
            let kind = text.split([';', ',']).next().unwrap_or_default().trim_start_matches("data:");
            return format!("(file, {}, {} bytes)", one_line(kind), decoded_size(text));
        }
        Value::String(text) => plain(text),
        other => shown(other),
    };
    let text = text.trim_end().replace('\n', "\\n");
    if text.chars().count() > LONGEST {
        return text.chars().take(LONGEST).chain(['…']).collect();
    }
    text
}

/// How many bytes a base64 data URL stands for.
fn decoded_size(url: &str) -> usize {
    let data = url.split_once(',').map_or("", |(_, data)| data).trim_end_matches('=');
    data.len() * 3 / 4
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "  {line}");
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_says_how_the_block_is_and_why_it_waits() {
        let block = json!({
            "metadata": { "uuid": "b-1", "ownedByWorkspace": "shop" },
            "spec": {
                "displayName": "orders",
                "buildingBlockDefinitionVersionRef": { "uuid": "v-1" },
                "targetRef": { "kind": "meshWorkspace", "name": "shop", "uuid": null },
                "inputs": {
                    "size": { "value": 3, "valueType": "INTEGER", "assignmentType": "USER_INPUT", "isSensitive": false },
                    "password": { "value": { "hash": "hmac-sha256:77c0" }, "valueType": "STRING", "assignmentType": "STATIC", "isSensitive": true },
                    "cert": { "value": "data:text/plain;base64,aGk=", "valueType": "FILE", "assignmentType": "USER_INPUT", "isSensitive": false },
                    "later": { "value": null, "valueType": "STRING", "assignmentType": "USER_INPUT", "isSensitive": false }
                },
                "parentBuildingBlockRefs": [{ "kind": "meshBuildingBlock", "uuid": "p-1" }]
            },
            "status": {
                "status": "WAITING_FOR_USER_INPUT",
                "waiting": {
                    "reason": "INPUT_MISSING", "blocker": "later", "who": { "kind": "meshWorkspace", "name": "shop" },
                    "since": "2031-02-11T09:55:00Z", "nextLook": null
                },
                "outputs": { "url": { "value": "https://x", "valueType": "STRING", "assignmentType": "RESOURCE_URL" } },
                "forcePurge": false,
                "lifecycle": { "state": "ACTIVE" },
                "latestRunUuid": null
            }
        });
        let now = "2031-02-11T10:00:00Z".parse().unwrap();
        let expected = "\
Name:       orders
UUID:       b-1
Workspace:  shop
Target:     workspace shop
Version:    v-1
Status:     WAITING_FOR_USER_INPUT
  reason:   INPUT_MISSING
  blocker:  later
  who:      meshWorkspace shop
  since:    5m ago
Lifecycle:  ACTIVE
Latest run: -
Parent:     p-1

Inputs:
  KEY        TYPE      FROM         VALUE
  size       INTEGER   USER_INPUT   3
  password   STRING    STATIC       (secret hmac-sha256:77c0)
  cert       FILE      USER_INPUT   (file, text/plain, 2 bytes)
  later      STRING    USER_INPUT   -

Outputs:
  OUTPUT   TYPE     USE            VALUE
  url      STRING   RESOURCE_URL   https://x
";
        assert_eq!(page(&block, now), expected);
        assert_eq!(
            why(&block),
            "WAITING_FOR_USER_INPUT (INPUT_MISSING: later); meshWorkspace shop can move it"
        );
    }
}
