//! Request bodies: JSON into typed values, with errors that name the field (`api-core.md` §1.4).

use serde::de::DeserializeOwned;
use serde_json::Value;
use stoa_base::Refusal;

/// Longest string in characters, unless a kind exempts the field.
const STRING_MAX: usize = 255;
/// Deepest nesting of a body.
const DEPTH_MAX: usize = 64;

/// Parses a JSON object.
pub fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|bad| {
        Refusal::Malformed(format!("The body is not UTF-8: byte {} is not.", bad.valid_up_to()))
    })?;
    let value: Value = serde_json::from_str(text)
        .map_err(|bad| Refusal::Malformed(format!("The body is not JSON: {bad}.")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Refusal::Malformed("The body must be a JSON object.".into()))
    }
}

/// Removes members that are null: in requests null means absent.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Refuses strings over 255 characters, zero characters and absurd depth. `long` lists exempt fields, each a
/// dotted path where `*` stands for any one segment; a path exempts everything below it. What stands in `status`
/// may be as long as the server told it: clients send back what they read, and it is ignored (`api-core.md` §1.4).
pub fn check_strings(value: &Value, long: &[&str]) -> Result<(), Refusal> {
    walk(value, &mut Vec::new(), long)
}

fn walk<'v>(value: &'v Value, path: &mut Vec<&'v str>, long: &[&str]) -> Result<(), Refusal> {
    if path.len() > DEPTH_MAX {
        return Err(Refusal::Malformed(format!("The body is nested deeper than {DEPTH_MAX} levels.")));
    }
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(Refusal::invalid(path.join("."), "must not contain a zero character"))
        }
        Value::String(text) if text.len() > STRING_MAX && !is_exempt(path, long) => {
            let length = text.chars().count();
            if length <= STRING_MAX {
                return Ok(());
            }
            let problem = format!("must have at most {STRING_MAX} characters, not {length}");
            Err(Refusal::invalid(path.join("."), problem))
        }
        Value::Array(items) => items.iter().try_for_each(|item| {
            path.push("*");
            let result = walk(item, path, long);
            path.pop();
            result
        }),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            path.push(name);
            if name.len() > STRING_MAX * 4 {
                return Err(Refusal::Malformed("A member name in the body is too long.".into()));
            }
            let result = walk(member, path, long);
            path.pop();
            result
        }),
        _ => Ok(()),
    }
}

fn is_exempt(path: &[&str], long: &[&str]) -> bool {
    if matches!(path, ["status", _, ..]) {
        return true;
    }
    long.iter().any(|pattern| {
        let pattern: Vec<&str> = pattern.split('.').collect();
        pattern.len() <= path.len()
            && pattern.iter().zip(path).all(|(wanted, found)| *wanted == "*" || wanted == found)
    })
}

type Unread = serde_path_to_error::Error<serde_json::Error>;

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Unread> {
    serde_path_to_error::deserialize(without_nulls(value))
}

/// The required member that was not there, if that is the mistake.
fn missing_member(error: &Unread) -> Option<String> {
    let problem = error.inner().to_string();
    let member = problem.strip_prefix("missing field `")?.split('`').next()?;
    Some(if error.path().to_string() == "." {
        member.to_owned()
    } else {
        format!("{}.{member}", error.path())
    })
}

fn refusal(error: &Unread) -> Refusal {
    if let Some(field) = missing_member(error) {
        return Refusal::invalid(field, "is required");
    }
    let path = error.path().to_string();
    let field = if path == "." { "body".to_owned() } else { path };
    Refusal::invalid(field, format!("cannot be read: {}", without_text(&error.inner().to_string())))
}

/// What serde says, without the text that it found: that may be a secret at the wrong place.
fn without_text(problem: &str) -> String {
    let found = problem.split_once("string \"").and_then(|(before, rest)| {
        let (_, after) = rest.rsplit_once("\", ")?;
        Some(format!("{before}a text, {after}"))
    });
    found.unwrap_or_else(|| problem.to_owned())
}

/// A typed value out of JSON. Nulls count as absent; the refusal names field and rule.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    read(value).map_err(|error| refusal(&error))
}

/// Refuses JSON with members of other types than `T` has. What is missing is no matter of types, and is told
/// once it is clear that the caller may ask at all (`api-core.md` §1.3).
pub fn check_types<T: DeserializeOwned>(value: &Value) -> Result<(), Refusal> {
    match read::<T>(value.clone()) {
        Err(error) if missing_member(&error).is_none() => Err(refusal(&error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    struct Spec {
        #[serde(rename = "displayName")]
        _display_name: String,
        #[serde(rename = "sizes")]
        _sizes: Option<Vec<i64>>,
    }
    #[derive(Debug, Deserialize)]
    struct Whole {
        #[serde(rename = "spec")]
        _spec: Spec,
    }

    #[test]
    fn refusals_name_field_and_rule() {
        let why = |value| typed::<Whole>(value).map(|_| ()).unwrap_err().to_string();
        assert_eq!(why(json!({})), "`spec` is required");
        assert_eq!(why(json!({"spec": {}})), "`spec.displayName` is required");
        assert_eq!(why(json!({"spec": {"displayName": null}})), "`spec.displayName` is required");
        assert!(why(json!({"spec": {"displayName": 7}})).starts_with("`spec.displayName` cannot be read"));
        let wrong = json!({"spec": {"displayName": "x", "sizes": [1, "2"]}});
        assert_eq!(why(wrong), "`spec.sizes[1]` cannot be read: invalid type: a text, expected i64");
        let secret = json!({"spec": {"displayName": "x", "sizes": "s3c\", \"ret"}});
        assert!(!why(secret).contains("s3c"));
        assert!(typed::<Whole>(json!({"spec": {"displayName": "x", "more": 1}, "_links": {}})).is_ok());
    }

    #[test]
    fn long_strings_are_refused_unless_exempt() {
        let long = "ä".repeat(256);
        let body = json!({"spec": {"inputs": {"a": {"value": long}}, "name": "x"}});
        assert!(check_strings(&body, &[]).is_err());
        assert!(check_strings(&body, &["spec.inputs.*.value"]).is_ok());
        assert!(check_strings(&json!({"name": "ä".repeat(255)}), &[]).is_ok());
        assert!(check_strings(&json!({"name": "a\u{0}b"}), &["name"]).is_err());
        let long = body["spec"]["inputs"]["a"]["value"].clone();
        assert!(check_strings(&json!({"status": {"outputs": {"a": {"value": long}}}}), &[]).is_ok());
        assert!(check_strings(&json!({"status": long}), &[]).is_err());
        assert!(check_strings(&json!({"spec": {"status": {"a": long}}}), &[]).is_err());
    }

    #[test]
    fn bodies_must_be_json_objects_in_utf8() {
        for bad in [&b""[..], b"{", b"[]", b"\"x\"", b"{\"a\": \xff}", b"nul"] {
            assert!(parse(bad).is_err());
        }
        assert!(parse(b"{}").is_ok());
    }
}
