//! Differences between two objects, field by field, as people read them.

use super::overlay::is_secret;
use crate::console::plain;
use serde_json::{Map, Value, json};

/// Lists whose order says nothing.
const SETS: [&str; 28] = [
    "permissions",
    "supportedPlatforms",
    "selectableValues",
    "dependencyDefinitionRefs",
    "dependencyDefinitionUuids",
    "parentBuildingBlockRefs",
    "parentBuildingBlocks",
    "notificationSubscriberUsernames",
    "assignedWorkspaces",
    "members",
    "contributingWorkspaces",
    "restrictedToWorkspaces",
    "quotaDefinitions",
    "quotas",
    "mandatoryBuildingBlockRefs",
    "recommendedBuildingBlockRefs",
    "tagMappers",
    "awsRoleMappings",
    "azureRoleMappings",
    "azureRgRoleMappings",
    "azureRoleDefinitions",
    "azureRoleDefinitionIds",
    "gcpRoleMappings",
    "kubernetesRoleMappings",
    "openshiftRoleMappings",
    "platformRoles",
    "policies",
    "subscriptionOwnerObjectIds",
];

/// One field that changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// The field in the API's spelling.
    pub(super) path: String,
    /// What happens to it.
    pub(super) change: Change,
}

/// What happens to a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// It gets a value.
    Set(Value),
    /// It gets another value.
    Alter {
        /// The value it has.
        from: Value,
        /// The value it gets.
        to: Value,
    },
    /// It loses its value.
    Clear(Value),
    /// Its secret is written again. Whether it is another one cannot be seen.
    Secret,
}

/// The differences from `current` to `wanted`.
pub(super) fn between(current: &Value, wanted: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut String::new(), "", current, wanted, &mut found);
    found
}

/// Every field of a new object.
pub(super) fn of_new(wanted: &Value) -> Vec<Difference> {
    let mut wanted = wanted.clone();
    if let Some(object) = wanted.as_object_mut() {
        for named_already in ["apiVersion", "kind", "status", "_links"] {
            object.remove(named_already);
        }
    }
    between(&Value::Object(Map::new()), &wanted)
}

fn compare(path: &mut String, key: &str, current: &Value, wanted: &Value, found: &mut Vec<Difference>) {
    let mut note = |change| found.push(Difference { path: path.clone(), change });
    match (current, wanted) {
        (_, Value::Object(new)) if new.contains_key("plaintext") => note(Change::Secret),
        (Value::Object(old), Value::Object(new)) if !is_secret(new) => walk(path, old, new, found),
        (old, Value::Object(new)) if is_empty(old) && !new.is_empty() && !is_secret(new) => {
            walk(path, &Map::new(), new, found);
        }
        (old, new) if is_same(key, old, new) => {}
        (old, new) if is_empty(old) => note(Change::Set(new.clone())),
        (old, new) if is_empty(new) => note(Change::Clear(old.clone())),
        (old, new) => note(Change::Alter { from: old.clone(), to: new.clone() }),
    }
}

fn walk(path: &mut String, old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<Difference>) {
    let removed = old.keys().filter(|key| !new.contains_key(*key));
    let length = path.len();
    for key in new.keys().chain(removed) {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        let side = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
        compare(path, key, &side(old), &side(new), found);
        path.truncate(length);
    }
}

/// Absent, `null`, `[]` and `{}` say the same.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.values().all(is_empty),
        _ => false,
    }
}

fn is_same(key: &str, old: &Value, new: &Value) -> bool {
    if is_empty(old) && is_empty(new) {
        return true;
    }
    match (old, new) {
        (Value::Array(old), Value::Array(new)) if SETS.contains(&key) => {
            old.iter().all(|item| new.iter().any(|other| is_part(other, item)))
                && new.iter().all(|item| old.iter().any(|other| is_part(item, other)))
        }
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_part(new, old))
        }
        (Value::Number(old), Value::Number(new)) => old == new || old.as_f64() == new.as_f64(),
        (old, new) => old == new,
    }
}

/// Whether `wanted` says nothing that `current` does not say: references may come without their kind.
fn is_part(wanted: &Value, current: &Value) -> bool {
    match (wanted, current) {
        (Value::Object(wanted), Value::Object(current)) => {
            wanted.iter().all(|(key, value)| is_same(key, current.get(key).unwrap_or(&Value::Null), value))
        }
        (wanted, current) => is_same("", current, wanted),
    }
}

impl Difference {
    /// Whether this is certainly a change. A secret written again may be the same one.
    pub(super) fn is_certain(&self) -> bool {
        self.change != Change::Secret
    }

    /// The lines that show it, marked `+`, `~` or `-`.
    pub(super) fn lines(&self) -> Vec<String> {
        let path = &self.path;
        match &self.change {
            Change::Set(value) => text_lines("+", path, value),
            Change::Clear(value) => text_lines("-", path, value),
            Change::Secret => vec![format!("~ {path}: (secret, written again)")],
            Change::Alter { from: Value::String(from), to: Value::String(to) }
                if is_long(from) || is_long(to) =>
            {
                let mut lines = vec![format!("~ {path}:")];
                lines.extend(changed_lines(from, to));
                lines
            }
            Change::Alter { from, to } => vec![format!("~ {path}: {} -> {}", brief(from), brief(to))],
        }
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        match &self.change {
            Change::Set(to) => json!({ "path": self.path, "to": to }),
            Change::Clear(from) => json!({ "path": self.path, "from": from }),
            Change::Alter { from, to } => json!({ "path": self.path, "from": from, "to": to }),
            Change::Secret => json!({ "path": self.path, "secret": true }),
        }
    }
}

fn is_long(text: &str) -> bool {
    text.trim_end().contains('\n')
}

fn text_lines(mark: &str, path: &str, value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if is_long(text) => {
            let head = format!("{mark} {path}:");
            std::iter::once(head)
                .chain(plain(text).lines().map(|line| format!("    {mark} {line}")))
                .collect()
        }
        value => vec![format!("{mark} {path}: {}", brief(value))],
    }
}

/// The lines that differ, without the ones before and after that are the same.
fn changed_lines(from: &str, to: &str) -> Vec<String> {
    let (from, to) = (plain(from), plain(to));
    let (from, to): (Vec<_>, Vec<_>) = (from.lines().collect(), to.lines().collect());
    let before = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let (old, new) = (&from[before..], &to[before..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let gone = old[..old.len() - after].iter().map(|line| format!("    - {line}"));
    let come = new[..new.len() - after].iter().map(|line| format!("    + {line}"));
    gone.chain(come).collect()
}

/// A value on one line, long text cut.
fn brief(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}… ({} bytes)", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(current: &Value, wanted: &Value) -> Vec<String> {
        between(current, wanted).iter().flat_map(Difference::lines).collect()
    }

    #[test]
    fn each_changed_field_is_named() {
        let current = json!({ "spec": { "a": 1, "b": "x", "c": [1], "gone": true, "deep": { "er": 1 } } });
        let wanted =
            json!({ "spec": { "a": 1.0, "b": "y", "c": [1, 2], "deep": { "er": 2 }, "new": { "k": "v" } } });
        assert_eq!(
            lines(&current, &wanted),
            [
                "~ spec.b: \"x\" -> \"y\"",
                "~ spec.c: [1] -> [1,2]",
                "~ spec.deep.er: 1 -> 2",
                "+ spec.new.k: \"v\"",
                "- spec.gone: true",
            ]
        );
    }

    #[test]
    fn nothing_is_nothing_in_every_spelling() {
        let current = json!({ "a": null, "b": [], "c": {}, "e": { "f": null } });
        let wanted = json!({ "a": [], "b": {}, "d": null, "e": null });
        assert_eq!(between(&current, &wanted), []);
    }

    #[test]
    fn sets_have_no_order_and_references_need_no_kind() {
        let current = json!({
            "permissions": ["A", "B"],
            "order": ["A", "B"],
            "dependencyDefinitionRefs": [{ "kind": "k", "uuid": "1" }, { "kind": "k", "uuid": "2" }]
        });
        let wanted = json!({
            "permissions": ["B", "A", "B"],
            "order": ["B", "A"],
            "dependencyDefinitionRefs": [{ "uuid": "2" }, { "uuid": "1" }]
        });
        assert_eq!(lines(&current, &wanted), ["~ order: [\"A\",\"B\"] -> [\"B\",\"A\"]"]);
    }

    #[test]
    fn secrets_are_never_shown() {
        let current = json!({ "key": { "hash": "h1" }, "kept": { "hash": "h2" }, "token": null });
        let wanted = json!({ "key": { "plaintext": "s3cret" }, "kept": { "hash": "h2" }, "token": { "plaintext": "t" } });
        let found = between(&current, &wanted);
        assert_eq!(
            lines(&current, &wanted),
            ["~ key: (secret, written again)", "~ token: (secret, written again)"]
        );
        assert!(found.iter().all(|difference| !difference.is_certain()));
        let fresh = of_new(&json!({ "kind": "k", "spec": { "key": { "plaintext": "s3cret" } } }));
        assert_eq!(
            fresh.iter().flat_map(Difference::lines).collect::<Vec<_>>(),
            ["~ spec.key: (secret, written again)"]
        );
    }

    #[test]
    fn long_texts_show_the_lines_that_differ() {
        let current = json!({ "script": "set -e\necho one\nexit 0\n" });
        let wanted = json!({ "script": "set -e\necho two\necho three\nexit 0\n" });
        assert_eq!(
            lines(&current, &wanted),
            ["~ script:", "    - echo one", "    + echo two", "    + echo three"]
        );
    }
}
