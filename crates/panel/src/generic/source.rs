//! An object as YAML, as the command line takes it.

use serde_json::Value;
use std::fmt::Write as _;

fn is_plain(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
    let word = text.to_ascii_lowercase();
    !text.is_empty()
        && text.chars().all(safe)
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !matches!(word.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n")
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // JSON's quoted texts are YAML's.
        other => other.to_string(),
    }
}

fn write(out: &mut String, value: &Value, depth: usize, in_list: bool) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (place, (name, value)) in members.iter().enumerate() {
                let pad = if place == 0 && in_list { "" } else { pad.as_str() };
                let name = if is_plain(name) { name.clone() } else { Value::from(name.as_str()).to_string() };
                let _ = write!(out, "{pad}{name}:");
                nested(out, value, depth);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "{pad}- ");
                match item {
                    Value::Object(members) if !members.is_empty() => write(out, item, depth + 1, true),
                    other => {
                        let _ = writeln!(out, "{}", scalar(other));
                    }
                }
            }
        }
        other => {
            let _ = writeln!(out, "{pad}{}", scalar(other));
        }
    }
}

fn nested(out: &mut String, value: &Value, depth: usize) {
    let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty);
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty => {
            out.push('\n');
            write(out, value, depth + 1, false);
        }
        other => {
            let _ = writeln!(out, " {}", scalar(other));
        }
    }
}

/// The object without its links.
pub fn yaml(object: &Value) -> String {
    let mut object = object.clone();
    if let Value::Object(members) = &mut object {
        members.shift_remove("_links");
    }
    let mut out = String::new();
    write(&mut out, &object, 0, false);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_could_mean_something_else_is_quoted() {
        let object = json!({ "kind": "meshX", "spec": {
            "a": "yes", "b": "1", "c": "two words", "list": [{ "x": 1, "y": [] }, "z"], "none": {}, "n": null,
        }, "_links": {} });
        assert_eq!(
            yaml(&object),
            "kind: meshX\nspec:\n  a: \"yes\"\n  b: \"1\"\n  c: \"two words\"\n  list:\n    - x: 1\n      \"y\": []\n    - z\n  none: {}\n  \"n\": null\n"
        );
    }
}
