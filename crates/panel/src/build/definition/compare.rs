//! Two versions side by side.

use super::super::view::{Cell, Go, Grid, Page};
use super::super::{Named, named};
use super::{Editor, versions};
use crate::ctx::{Answer, Ctx};
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is not compared: it differs between any two versions.
const ASIDE: [&str; 4] =
    ["versionNumber", "state", "buildingBlockDefinitionRef", "dependencyDefinitionUuids"];

/// Every value within, by its path.
fn flat(at: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at} · {name}") };
    match value {
        Value::Object(members) if members.contains_key("hash") => {
            into.insert(at.to_owned(), fill(tr("secret {0}"), &[&short(&members["hash"])]));
        }
        Value::Object(members) => {
            for (name, value) in
                members.iter().filter(|(name, _)| !(at.is_empty() && ASIDE.contains(&name.as_str())))
            {
                flat(&below(name), value, into);
            }
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            into.insert(at.to_owned(), words.join(", "));
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                flat(&below(&(place + 1).to_string()), value, into);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            into.insert(at.to_owned(), text.clone());
        }
        other => {
            into.insert(at.to_owned(), other.to_string());
        }
    }
}

/// The end of a fingerprint: enough to tell two apart.
fn short(hash: &Value) -> String {
    let hash = hash.as_str().unwrap_or_default();
    hash.get(hash.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}

/// What differs: path, before, after.
fn differences(before: &Value, after: &Value) -> Vec<(String, String, String)> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flat("", before, &mut old);
    flat("", after, &mut new);
    let mut paths: Vec<&String> = old.keys().chain(new.keys()).collect();
    paths.sort();
    paths.dedup();
    let of = |map: &BTreeMap<String, String>, path: &String| map.get(path).cloned().unwrap_or_default();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| (path.clone(), of(&old, path), of(&new, path)))
        .collect()
}

/// The page.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let found = versions::all(&ctx, named(&path, "uuid")).await?;
    let pick = |name: &str| {
        let number = ctx.query(name).and_then(|number| number.parse::<i64>().ok());
        let version = found.iter().find(|version| version["spec"]["versionNumber"].as_i64() == number);
        version.cloned().ok_or_else(|| Problem::not_found(tr("The definition has no such version.")))
    };
    let (before, after) = (pick("a")?, pick("b")?);
    let say = |version: &Value| fill(tr("Version {0}"), &[&version["spec"]["versionNumber"].to_string()]);
    let shell = editor.shell(&ctx, tr("Compare")).crumb(editor.name(), editor.at("/versions"));
    let rows = differences(&before["spec"], &after["spec"])
        .into_iter()
        .map(|(path, old, new)| vec![Cell::text(path), Cell::text(old), Cell::text(new)]);
    let (old, new) = (say(&before), say(&after));
    Page::new(shell)
        .action(true, Go::to(tr("All versions"), editor.at("/versions"), "versions"))
        .with(
            Grid::new(&[tr("What"), old.as_str(), new.as_str()])
                .titled(tr("What differs"), tr("Secrets are compared by their fingerprints."))
                .rows(rows)
                .empty(tr("Nothing differs"), tr("Both versions say the same.")),
        )
        .shown(&ctx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({ "state": "RELEASED", "inputs": { "a": { "type": "STRING" }, "s": { "argument": { "hash": "x-1" } } } });
        let after = json!({ "state": "DRAFT", "inputs": { "a": { "type": "CODE" }, "s": { "argument": { "hash": "x-1" } } } });
        assert_eq!(
            differences(&before, &after),
            [("inputs · a · type".into(), "STRING".into(), "CODE".into())]
        );
    }
}
