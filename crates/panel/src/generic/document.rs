//! An object as people read it: facts by group, and what changed between two versions.

use crate::api::{Api, segment, text_at};
use crate::problem::Problem;
use crate::text::tr;
use serde_json::Value;

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it is.
    Plain,
    /// How long ago.
    Ago,
    /// A state with its icon.
    State,
    /// A workspace's identifier, as a link.
    Workspace,
    /// A person's username, as a link.
    User,
    /// Yes or no.
    Flag,
    /// How many there are of something.
    Count,
    /// Something to copy.
    Copy,
}

/// A value on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Where it leads; empty for nowhere.
    pub href: String,
    /// `text`, `ago`, `state`, `copy`, `code`, `picture` or `none`.
    pub kind: &'static str,
}

impl Cell {
    /// A value in a look.
    pub fn of(value: &Value, look: Look) -> Self {
        let text = said(value);
        let plain = |kind| Self { text: text.clone(), href: String::new(), kind };
        if text.is_empty() && look != Look::Flag && look != Look::Count {
            return plain("none");
        }
        match look {
            Look::Plain => plain("text"),
            Look::Ago => plain("ago"),
            Look::State => plain("state"),
            Look::Copy => plain("copy"),
            Look::Workspace => {
                Self { href: format!("/admin/workspaces/{}", segment(&text)), ..plain("text") }
            }
            Look::User => Self { href: format!("/admin/users/{}", segment(&text)), ..plain("text") },
            Look::Flag => Self { text: if value == true { "yes" } else { "no" }.into(), ..plain("flag") },
            Look::Count => {
                let count = match value {
                    Value::Array(items) => items.len(),
                    Value::Object(members) => members.len(),
                    _ => 0,
                };
                Self { text: count.to_string(), ..plain("text") }
            }
        }
    }

    /// A value in the look that its name and content suggest.
    fn guessed(name: &str, value: &Value) -> Self {
        let text = said(value);
        let look = match (name, value) {
            (_, Value::Bool(_)) => Look::Flag,
            ("ownedByWorkspace" | "workspaceIdentifier", _) => Look::Workspace,
            (
                "state" | "status" | "publicationState" | "lifecycleStatus" | "resolutionStatus",
                Value::String(_),
            ) => Look::State,
            _ if text.parse::<jiff::Timestamp>().is_ok() => Look::Ago,
            ("uuid" | "name" | "identifier" | "key", _) => Look::Copy,
            _ => Look::Plain,
        };
        let cell = Self::of(value, look);
        if text.starts_with("data:image/") {
            return Self { kind: "picture", ..cell };
        }
        if name != "uuid" || cell.kind == "none" { cell } else { Self { kind: "copy", ..cell } }
    }
}

/// A value as text: lists with commas, objects as JSON.
fn said(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(said).collect::<Vec<_>>().join(", ")
        }
        Value::Array(_) | Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

/// A line of facts.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is about.
    pub label: String,
    /// What it is.
    pub cell: Cell,
}

/// Facts under one heading.
#[derive(Clone, Debug)]
pub struct Group {
    /// The heading.
    pub title: String,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// A name of the API as words: `displayName` as `Display name`.
pub fn words(name: &str) -> String {
    let mut words = String::new();
    let mut was_capital = false;
    for c in name.chars() {
        // Capitals that follow each other are one word.
        if c.is_uppercase() && !was_capital && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        was_capital = c.is_uppercase();
        if words.is_empty() {
            words.extend(c.to_uppercase());
        } else if c == '_' || c == '-' {
            words.push(' ');
        } else {
            words.extend(c.to_lowercase());
        }
    }
    words
}

fn add(facts: &mut Vec<Fact>, label: &str, name: &str, value: &Value) {
    match value {
        Value::Object(members) if members.is_empty() => {}
        Value::Object(members) if members.contains_key("uuid") && members.len() <= 3 => {
            // A reference to something else.
            let uuid = text_at(value, "/uuid");
            let cell = Cell { text: uuid.to_owned(), href: format!("/go/{}", segment(uuid)), kind: "text" };
            facts.push(Fact { label: label.to_owned(), cell });
        }
        Value::Object(members) => {
            for (name, value) in members {
                add(facts, &format!("{label} · {}", words(name)), name, value);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) if items.iter().any(Value::is_object) => {
            facts.push(Fact {
                label: label.to_owned(),
                cell: Cell { kind: "code", ..Cell::of(value, Look::Plain) },
            });
        }
        other => facts.push(Fact { label: label.to_owned(), cell: Cell::guessed(name, other) }),
    }
}

/// Everything that an object says, by group.
pub fn groups(object: &Value) -> Vec<Group> {
    let mut groups = Vec::new();
    for (part, value) in object.as_object().into_iter().flatten() {
        if matches!(part.as_str(), "kind" | "apiVersion" | "_links") {
            continue;
        }
        let mut facts = Vec::new();
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    add(&mut facts, &words(name), name, value);
                }
            }
            other => add(&mut facts, &words(part), part, other),
        }
        if !facts.is_empty() {
            let title = match part.as_str() {
                "metadata" => tr("Identity").to_owned(),
                "spec" => tr("Details").to_owned(),
                other => words(other),
            };
            groups.push(Group { title, facts });
        }
    }
    groups
}

/// A difference between two versions.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where.
    pub path: String,
    /// Before, if there was something.
    pub before: String,
    /// Afterwards, if there is something.
    pub after: String,
}

/// What differs between two values, member by member.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    fn walk(path: &str, before: &Value, after: &Value, found: &mut Vec<Change>) {
        if before == after {
            return;
        }
        let nothing = serde_json::Map::new();
        let (old, new) = (before.as_object(), after.as_object());
        if (old.is_some() || before.is_null()) && (new.is_some() || after.is_null()) {
            let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
            let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let dot = if path.is_empty() { "" } else { "." };
                let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                walk(&format!("{path}{dot}{name}"), &of(old), &of(new), found);
            }
            return;
        }
        found.push(Change { path: path.to_owned(), before: said(before), after: said(after) });
    }
    let mut found = Vec::new();
    walk("", before, after, &mut found);
    found
}

/// A version that an object had.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its number.
    pub version: i64,
    /// Since when.
    pub at: String,
    /// Who declared it.
    pub author: String,
    /// What it changed.
    pub changes: Vec<Change>,
}

/// The history of an object; none where there is none, or not for this reader.
pub async fn history_of(
    api: &Api,
    kind: &str,
    object: &Value,
    name: &str,
) -> Result<Option<Vec<Past>>, Problem> {
    let mut uuid = text_at(object, "/metadata/uuid").to_owned();
    if uuid.is_empty() {
        // Some kinds do not show one.
        let path =
            crate::api::with_query("/api/stoa/v1/search", [("q", name), ("kind", kind), ("limit", "10")]);
        let found = api.get(&path).await?;
        let hits = found["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
        let bare = name.rsplit('.').next().unwrap_or(name);
        let owner = name.rsplit_once('.').map(|(owner, _)| owner);
        let same = |hit: &&Value| {
            hit["identifier"] == bare && owner.is_none_or(|owner| hit["workspace"] == owner)
                || hit["identifier"] == name
        };
        let Some(hit) = hits.iter().find(same) else { return Ok(None) };
        text_at(hit, "/uuid").clone_into(&mut uuid);
    }
    let Some(past) = api.get_if_there(&format!("/api/stoa/v1/objects/{}/history", segment(&uuid))).await?
    else {
        return Ok(None);
    };
    let versions = past["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |past: &Value| Past {
        version: past["version"].as_i64().unwrap_or_default(),
        at: text_at(past, "/at").to_owned(),
        author: format!("{} {}", text_at(past, "/author/authorType"), text_at(past, "/author/identifier")),
        changes: past["changes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|change| Change {
                path: text_at(change, "/path").to_owned(),
                before: said(&change["before"]),
                after: said(&change["after"]),
            })
            .collect(),
    };
    Ok(Some(versions.iter().map(read).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_become_words() {
        assert_eq!(["displayName", "uuid", "clientURL"].map(words), ["Display name", "Uuid", "Client url"]);
    }

    #[test]
    fn facts_leave_nothing_out_and_references_lead_somewhere() {
        let object = json!({ "kind": "x", "metadata": { "name": "a" }, "spec": {
            "platformRef": { "kind": "meshPlatform", "uuid": "u" }, "list": ["a", "b"], "none": [],
            "deep": { "er": { "value": 1 } },
        } });
        let told: Vec<String> = groups(&object)
            .into_iter()
            .flat_map(|group| group.facts)
            .map(|fact| format!("{}={}", fact.label, fact.cell.text))
            .collect();
        assert_eq!(told, ["Name=a", "Platform ref=u", "List=a, b", "Deep · Er · Value=1"]);
    }
}
