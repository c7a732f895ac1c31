//! The kinds that everything else leans on, row by row of their field tables (`api-core.md` §3 and §4.3), and
//! what all lists and answers have in common.

mod api_keys;
mod bindings;
mod cast;
mod communications;
mod description;
mod event_log;
mod groups;
mod integrations;
mod lists;
mod login;
mod payment_methods;
mod people;
mod project_bindings;
mod project_roles;
mod projects;
mod roots;
mod service_instances;
mod system;
mod tag_definitions;
mod tags;
mod users;
mod workspace_bindings;
mod workspaces;

use crate::stoa::Answer;
use serde_json::{Value, json};

/// Whether a value is an instant as the API writes them: UTC, whole seconds, `Z`.
pub fn is_instant(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let pattern = "dddd-dd-ddTdd:dd:ddZ";
    text.len() == pattern.len()
        && text.chars().zip(pattern.chars()).all(|(found, wanted)| match wanted {
            'd' => found.is_ascii_digit(),
            other => found == other,
        })
}

/// Whether a value is a uuid in lower case.
pub fn is_uuid(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 36
        && text.char_indices().all(|(place, letter)| match place {
            8 | 13 | 18 | 23 => letter == '-',
            _ => letter.is_ascii_digit() || ('a'..='f').contains(&letter),
        })
}

/// `value` with its instants and uuids at these pointers replaced by words, once they are what they must be.
#[track_caller]
fn redacted(mut value: Value, pointers: &[&str]) -> Value {
    for pointer in pointers {
        let found = value.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        *found = match found {
            _ if is_instant(found) => json!("<instant>"),
            _ if is_uuid(found) => json!("<uuid>"),
            _ => panic!("{pointer} is neither instant nor uuid: {found}"),
        };
    }
    value
}

/// `value` with another value at a pointer whose parent exists.
pub fn with(mut value: Value, pointer: &str, other: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap()[name] = other;
    value
}

/// `value` without the member at a pointer.
pub fn without(mut value: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name);
    value
}

/// Asserts a 400 that names exactly this field in message and remarks.
#[track_caller]
pub fn names(answer: Answer, field: &str) {
    let body = answer.json();
    assert_eq!(answer.status, 400, "unexpected answer: {}", answer.text);
    assert_eq!(body["remarks"], json!([field]), "{body}");
    answer.refused(400, &format!("`{field}`"));
}

/// The names of a list's items.
pub fn names_of(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}
