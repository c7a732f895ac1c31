//! The rules that admit a change of tags, as one pure function (`api-core.md` §1.13).

use super::definition::{Rule, check_length};
use super::{Target, known::find};
use serde_json::{Map, Value};
use std::sync::Arc;
use stoa_base::Refusal;

/// Longest key (`api-core.md` §1.11).
const KEY_MAX: usize = 100;

/// Tags as they are to be stored: keys with at least one value, each a list of texts in the order given.
/// `old` is what is stored, none when the object is created.
pub fn admitted(
    rules: &[Arc<Rule>],
    target: Target,
    by_admin: bool,
    field: &str,
    given: Map<String, Value>,
    old: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Refusal> {
    let given = normal(given, field)?;
    let before = |key: &str| old.and_then(|old| old.get(key)).map(texts).unwrap_or_default();
    let default_of = |rule: &Rule| {
        let injected = old.is_none() && target.gets_defaults() && rule.definition.restricted;
        let mut values = if injected { rule.definition.value_type.default_values() } else { Vec::new() };
        values.retain(|value| !value.is_empty());
        values
    };
    let mut refused = Refused { field, forbidden: Vec::new(), problems: Vec::new() };
    let mut stored: Vec<(String, Vec<String>)> = Vec::new();
    let mut settled: Vec<&str> = Vec::new();
    for (key, values) in &given {
        let was = before(key);
        let Some(rule) = find(rules, key) else {
            // What is stored without a definition lost it just now, and goes with it.
            if !target.is_free() && !values.is_empty() && *values != was {
                refused.problem(key, format!("has no tag definition for {target}"));
            }
            let long = values.iter().find_map(|value| check_length(value).err());
            if let Some(problem) = long {
                refused.problem(key, problem);
            }
            if target.is_free() {
                stored.push((key.clone(), values.clone()));
            }
            continue;
        };
        let definition = &rule.definition;
        if definition.restricted && !by_admin {
            // Nobody else decides against the default either.
            if old.is_none() && values.is_empty() {
                continue;
            }
            let due = if old.is_none() { default_of(rule) } else { was.clone() };
            if *values != due {
                refused.forbidden.push(key.clone());
                settled.push(key);
                continue;
            }
        }
        if *values != was {
            if definition.immutable && !was.is_empty() {
                refused.problem(key, "is immutable: what was set once stays".into());
            } else if let Err(problem) = rule.check(values) {
                refused.problem(key, problem);
            }
        }
        settled.push(key);
        stored.push((key.clone(), values.clone()));
    }
    for rule in rules {
        let (definition, key) = (&rule.definition, &rule.definition.key);
        if !settled.contains(&key.as_str()) {
            let was = before(key);
            if definition.restricted {
                stored.push((key.clone(), if old.is_some() { was } else { default_of(rule) }));
            } else if definition.immutable && !was.is_empty() {
                refused.problem(key, "is immutable: what was set once stays".into());
                continue;
            }
        }
        let missing = !stored.iter().any(|(stored, values)| stored == key && !values.is_empty());
        if definition.mandatory && missing && !refused.forbidden.contains(key) {
            refused.problem(key, "is mandatory: it needs at least one value".into());
        }
    }
    refused.or_nothing(target)?;
    let listed = |values: Vec<String>| Value::Array(values.into_iter().map(Value::String).collect());
    let filled = stored.into_iter().filter(|(_, values)| !values.is_empty());
    Ok(filled.map(|(key, values)| (key, listed(values))).collect())
}

/// Everything wrong with a request's tags.
struct Refused<'a> {
    field: &'a str,
    forbidden: Vec<String>,
    problems: Vec<(String, String)>,
}

impl Refused<'_> {
    fn problem(&mut self, key: &str, problem: String) {
        self.problems.push((key.to_owned(), problem));
    }

    fn or_nothing(mut self, target: Target) -> Result<(), Refusal> {
        if target == Target::LandingZone {
            // There it is a matter of validity (`api-platforms.md` §6.4).
            for key in std::mem::take(&mut self.forbidden) {
                self.problem(&key, "is restricted: only administrators set or change it".into());
            }
        }
        if let Some(key) = self.forbidden.first() {
            let at = format!("{}.{key}", self.field);
            return Err(Refusal::Forbidden(format!(
                "Tag `{at}` is restricted: only administrators set or change it."
            )));
        }
        let mut problems = self.problems.into_iter();
        let Some((key, first)) = problems.next() else { return Ok(()) };
        let others = problems.map(|(other, problem)| format!("`{}.{other}` {problem}", self.field));
        let all: Vec<String> = std::iter::once(first).chain(others).collect();
        Err(Refusal::invalid(format!("{}.{key}", self.field), all.join("; ")))
    }
}

/// The texts of a stored list.
fn texts(values: &Value) -> Vec<String> {
    let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

/// Lists of texts: numbers and booleans written out, keys checked.
fn normal(tags: Map<String, Value>, field: &str) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let mut normal = Vec::with_capacity(tags.len());
    for (key, values) in tags {
        let at = format!("{field}.{key}");
        check_key(&key).map_err(|problem| Refusal::invalid(&at, problem))?;
        let Value::Array(values) = values else {
            return Err(Refusal::invalid(at, "must be a list of strings"));
        };
        let mut texts = Vec::with_capacity(values.len());
        for value in values {
            texts.push(match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                _ => return Err(Refusal::invalid(at, "must be a list of strings")),
            });
        }
        normal.push((key, texts));
    }
    Ok(normal)
}

/// Whether a key may be one of a tag (`api-core.md` §1.11); the error completes the sentence "`field` …".
pub fn check_key(key: &str) -> Result<(), &'static str> {
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if plain && key.len() <= KEY_MAX && key.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err("must have a key of letters, digits, `_`, `.` and `-`, at most 100")
    }
}

#[cfg(test)]
mod tests {
    use super::super::definition::tests::definition;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const ADMIN: bool = true;
    const TEAM: bool = false;

    fn rules(list: &[(&str, Value, &[&str])]) -> Vec<Arc<Rule>> {
        list.iter()
            .map(|(key, value_type, flags)| Arc::new(Rule::new(definition(key, value_type, flags)).unwrap()))
            .collect()
    }

    fn some() -> Vec<Arc<Rule>> {
        rules(&[
            ("free", json!({ "string": {} }), &[]),
            ("must", json!({ "string": {} }), &["mandatory"]),
            ("count", json!({ "integer": {} }), &[]),
            ("stage", json!({ "singleSelect": { "options": ["dev", "prod"] } }), &[]),
            ("zones", json!({ "multiSelect": { "options": ["a", "b"] } }), &[]),
            ("fixed", json!({ "string": {} }), &["immutable"]),
            ("class", json!({ "string": { "defaultValue": "internal" } }), &["restricted"]),
            ("owner", json!({ "email": {} }), &["restricted"]),
        ])
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    /// The tags stored, or the status and text of the refusal.
    fn admit(target: Target, admin: bool, given: Value, old: Option<Value>) -> Result<Value, (u16, String)> {
        let old = old.map(map);
        admitted(&some(), target, admin, "spec.tags", map(given), old.as_ref()).map(Value::Object).map_err(
            |refusal| {
                let status = match refusal {
                    Refusal::Invalid { .. } => 400,
                    Refusal::Forbidden(_) => 403,
                    _ => 0,
                };
                (status, refusal.to_string())
            },
        )
    }

    #[test]
    fn what_is_created() {
        let project = |admin, given| admit(Target::Project, admin, given, None);
        for (admin, given, stored) in [
            (TEAM, json!({ "must": ["x"] }), json!({ "must": ["x"], "class": ["internal"] })),
            (ADMIN, json!({ "must": ["x"] }), json!({ "must": ["x"], "class": ["internal"] })),
            (
                ADMIN,
                json!({ "must": ["x"], "class": ["secret"] }),
                json!({ "must": ["x"], "class": ["secret"] }),
            ),
            (ADMIN, json!({ "must": ["x"], "class": [] }), json!({ "must": ["x"] })),
            (TEAM, json!({ "must": ["x"], "class": [] }), json!({ "must": ["x"], "class": ["internal"] })),
            (
                TEAM,
                json!({ "must": ["x"], "class": ["internal"] }),
                json!({ "must": ["x"], "class": ["internal"] }),
            ),
            (TEAM, json!({ "must": ["x"], "owner": [] }), json!({ "must": ["x"], "class": ["internal"] })),
            (
                TEAM,
                json!({ "must": [1332, true, 1.5, "x", "x", ""], "count": [5], "nobody-knows": [] }),
                json!({ "must": ["1332", "true", "1.5", "x", "x", ""], "count": ["5"], "class": ["internal"] }),
            ),
            (
                TEAM,
                json!({ "zones": ["b", "a", "b"], "must": ["x"], "stage": [], "fixed": ["1", "2"] }),
                json!({ "zones": ["b", "a", "b"], "must": ["x"], "fixed": ["1", "2"], "class": ["internal"] }),
            ),
        ] {
            assert_eq!(project(admin, given.clone()), Ok(stored), "{given}");
        }
        for (admin, given, status, contains) in [
            (TEAM, json!({}), 400, "`spec.tags.must` is mandatory"),
            (ADMIN, json!({ "must": [] }), 400, "`spec.tags.must` is mandatory"),
            (ADMIN, json!({ "must": ["x"], "nope": ["x"] }), 400, "`spec.tags.nope` has no tag definition"),
            (ADMIN, json!({ "must": "x" }), 400, "`spec.tags.must` must be a list of strings"),
            (ADMIN, json!({ "must": [["x"]] }), 400, "`spec.tags.must` must be a list of strings"),
            (ADMIN, json!({ "must": [null] }), 400, "`spec.tags.must` must be a list of strings"),
            (ADMIN, json!({ "must": ["x"], "-a": ["x"] }), 400, "must have a key of letters"),
            (ADMIN, json!({ "must": ["x"], "count": ["1", "x"] }), 400, "`spec.tags.count` must be a whole"),
            (ADMIN, json!({ "must": ["x"], "stage": ["dev", "prod"] }), 400, "at most one value"),
            (ADMIN, json!({ "must": ["x"], "stage": ["test"] }), 400, "must be one of dev, prod"),
            (ADMIN, json!({ "must": ["x"], "zones": ["a", "c"] }), 400, "must be one of a, b"),
            (ADMIN, json!({ "must": ["x"], "owner": ["x"] }), 400, "`spec.tags.owner` must be an e-mail"),
            (
                TEAM,
                json!({ "must": ["x"], "owner": ["a@b.example"] }),
                403,
                "`spec.tags.owner` is restricted",
            ),
            (TEAM, json!({ "must": ["x"], "class": ["secret"] }), 403, "`spec.tags.class` is restricted"),
            (TEAM, json!({ "class": ["secret"], "count": ["x"] }), 403, "`spec.tags.class` is restricted"),
            (
                TEAM,
                json!({ "count": ["x"] }),
                400,
                "`spec.tags.count` must be a whole number; `spec.tags.must` is mandatory",
            ),
        ] {
            let (found, why) = project(admin, given.clone()).unwrap_err();
            assert!(found == status && why.contains(contains), "{given}: {found} {why}");
        }
    }

    #[test]
    fn what_changes() {
        let old = || json!({ "must": ["m"], "fixed": ["f"], "class": ["secret"], "gone": ["g"] });
        let put = |admin, given| admit(Target::Project, admin, given, Some(old()));
        let kept = json!({ "must": ["m"], "fixed": ["f"], "class": ["secret"] });
        for (admin, given, stored) in [
            // What was read is taken back, what lost its definition goes.
            (TEAM, old(), kept.clone()),
            // Restricted tags stay where nobody speaks of them, whoever is silent.
            (TEAM, json!({ "must": ["m"], "fixed": ["f"] }), kept.clone()),
            (ADMIN, json!({ "must": ["m"], "fixed": ["f"] }), kept),
            (
                ADMIN,
                json!({ "must": ["m"], "fixed": ["f"], "class": [] }),
                json!({ "must": ["m"], "fixed": ["f"] }),
            ),
            (
                ADMIN,
                json!({ "must": ["n"], "fixed": ["f"], "class": ["x"], "owner": ["a@b.c"] }),
                json!({ "must": ["n"], "fixed": ["f"], "class": ["x"], "owner": ["a@b.c"] }),
            ),
        ] {
            assert_eq!(put(admin, given.clone()), Ok(stored), "{given}");
        }
        for (admin, given, status, contains) in [
            (ADMIN, json!({ "must": ["m"] }), 400, "`spec.tags.fixed` is immutable"),
            (ADMIN, json!({ "must": ["m"], "fixed": [] }), 400, "`spec.tags.fixed` is immutable"),
            (ADMIN, json!({ "must": ["m"], "fixed": ["f", "f"] }), 400, "`spec.tags.fixed` is immutable"),
            (ADMIN, json!({ "fixed": ["f"] }), 400, "`spec.tags.must` is mandatory"),
            (
                ADMIN,
                json!({ "must": ["m"], "fixed": ["f"], "gone": ["h"] }),
                400,
                "`spec.tags.gone` has no tag",
            ),
            (
                TEAM,
                json!({ "must": ["m"], "fixed": ["f"], "class": [] }),
                403,
                "`spec.tags.class` is restricted",
            ),
            (TEAM, json!({ "must": ["m"], "fixed": ["f"], "class": ["x"] }), 403, "is restricted"),
        ] {
            let (found, why) = put(admin, given.clone()).unwrap_err();
            assert!(found == status && why.contains(contains), "{given}: {found} {why}");
        }
        // An immutable tag without a value is set once.
        let set = json!({ "must": ["m"], "fixed": ["f"] });
        assert_eq!(admit(Target::Workspace, TEAM, set.clone(), Some(json!({ "must": ["m"] }))), Ok(set));
        // What a definition no longer offers stays where it is, and is not taken anew.
        let stale = json!({ "must": ["m"], "stage": ["test"], "count": ["many"] });
        assert_eq!(admit(Target::Workspace, TEAM, stale.clone(), Some(stale.clone())), Ok(stale.clone()));
        assert!(admit(Target::Workspace, TEAM, stale, Some(json!({ "must": ["m"] }))).is_err());
    }

    #[test]
    fn targets_differ() {
        for target in Target::ALL {
            let made = admit(target, ADMIN, json!({ "must": ["x"] }), None).unwrap();
            let gets = matches!(target, Target::Project | Target::LandingZone | Target::Definition);
            assert_eq!(made.get("class").is_some(), gets, "{target}");
            let unknown = json!({ "must": ["x"], "unknown": [7], "empty": [] });
            let free = admit(target, TEAM, unknown, None);
            if target == Target::Principal {
                assert_eq!(free, Ok(json!({ "must": ["x"], "unknown": ["7"] })));
            } else {
                assert_eq!(free.unwrap_err().0, 400, "{target}");
            }
            let refused = admit(target, TEAM, json!({ "must": ["x"], "class": ["y"] }), None);
            let status = if target == Target::LandingZone { 400 } else { 403 };
            assert_eq!(refused.unwrap_err().0, status, "{target}");
        }
        assert!(
            admit(Target::Principal, ADMIN, json!({ "must": ["x"], "free-key": ["y".repeat(256)] }), None)
                .is_err()
        );
    }

    fn any_tags() -> impl Strategy<Value = Value> {
        let keys = prop::sample::select(vec![
            "free", "must", "count", "stage", "zones", "fixed", "class", "owner", "other", "",
        ]);
        let values = prop::sample::select(vec!["", "x", "1", "dev", "a", "b", "internal", "a@b.c"]);
        prop::collection::vec((keys, prop::collection::vec(values, 0..3)), 0..6).prop_map(|list| {
            Value::Object(list.into_iter().map(|(key, values)| (key.to_owned(), json!(values))).collect())
        })
    }

    proptest! {
        /// Whatever was taken is taken again as it was read, by whoever wrote it, and nothing changes.
        #[test]
        fn what_is_read_is_taken_back(
            given in any_tags(), old in prop::option::of(any_tags()), admin: bool, team: bool,
            target in prop::sample::select(Target::ALL.to_vec()),
        ) {
            let old = old.and_then(|old| admit(target, ADMIN, old, None).ok());
            if let Ok(stored) = admit(target, admin, given, old.clone()) {
                prop_assert_eq!(admit(target, team, stored.clone(), Some(stored.clone())), Ok(stored.clone()));
                for (key, values) in stored.as_object().unwrap() {
                    prop_assert!(!values.as_array().unwrap().is_empty(), "{} is empty", key);
                    prop_assert!(values.as_array().unwrap().iter().all(Value::is_string));
                }
            }
        }

        /// A team never changes what is restricted, nobody what is immutable.
        #[test]
        fn what_is_kept_from_callers_stays(given in any_tags(), old in any_tags(), admin: bool) {
            let Ok(old) = admit(Target::Project, ADMIN, old, None) else { return Ok(()) };
            if let Ok(stored) = admit(Target::Project, admin, given, Some(old.clone())) {
                if !admin {
                    prop_assert_eq!(stored.get("class"), old.get("class"));
                    prop_assert_eq!(stored.get("owner"), old.get("owner"));
                }
                if old.get("fixed").is_some() {
                    prop_assert_eq!(stored.get("fixed"), old.get("fixed"));
                }
                prop_assert!(stored.get("must").is_some());
            }
        }
    }
}
