//! Inputs out of the code of an OpenTofu module: its `variable` blocks, read without running anything. The reader goes
//! through the text once and never calls itself, so no text can exhaust it.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{Action, Call, Outcome, Resource};
use stoa_db::Tx;
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Takes};
use stoa_web::{Reply, Request, Route, media};
use utoipa::ToSchema;

const TEXT_MAX: usize = 1 << 20;
/// Most variables that are told.
const MOST: usize = 500;

/// Code of a module.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TofuCode)]
struct Code {
    /// Text in the language of OpenTofu.
    text: String,
}

/// A variable of a module.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TofuVariable)]
pub struct Variable {
    /// Its name.
    name: String,
    /// What its author says of it.
    description: String,
    /// Its type as written.
    #[serde(rename = "type")]
    kind: String,
    /// The input that it would be, for `spec.inputs` of a version.
    #[schema(value_type = Object)]
    input: Value,
}

/// Variables of a module.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TofuVariables)]
struct Found {
    /// In the order of the text.
    variables: Vec<Variable>,
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Code>();
    schemas.add::<Found>();
}

/// Where a comment, a quoted string or a heredoc that begins at `at` ends; `at` itself where none begins.
fn skipped(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |end| from + end);
    if rest.starts_with('#') || rest.starts_with("//") {
        return line_end(at);
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(text.len(), |end| at + end + 2);
    }
    if rest.starts_with('"') {
        let mut is_escaped = false;
        for (place, c) in rest.char_indices().skip(1) {
            match c {
                '\n' => return at + place,
                '"' if !is_escaped => return at + place + 1,
                _ => is_escaped = c == '\\' && !is_escaped,
            }
        }
        return text.len();
    }
    if let Some(marker) = rest.strip_prefix("<<-").or_else(|| rest.strip_prefix("<<")) {
        let marker: String = marker.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !marker.is_empty() {
            let mut from = line_end(at);
            while from < text.len() {
                let end = line_end(from + 1);
                if text[from + 1..end].trim() == marker {
                    return end;
                }
                from = end;
            }
            return text.len();
        }
    }
    at
}

/// Where the block, list or call that is open at `from` ends: behind its last bracket.
fn closed(text: &str, from: usize) -> usize {
    let mut depth = 1_usize;
    let mut at = from;
    while at < text.len() {
        let over = skipped(text, at);
        if over > at {
            at = over;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            _ => {}
        }
        at += c.len_utf8();
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Attributes of a block's body: name and expression as written.
fn attributes(body: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let over = skipped(body, at);
        if over > at {
            at = over;
            continue;
        }
        let Some(c) = body[at..].chars().next() else { break };
        if !(c.is_alphabetic() || c == '_') {
            // A block within: validation and the like.
            at = if c == '{' { closed(body, at + 1) } else { at + c.len_utf8() };
            continue;
        }
        let length = body[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
        let name_end = length.map_or(body.len(), |length| at + length);
        let name = &body[at..name_end];
        let rest = body[name_end..].trim_start_matches([' ', '\t']);
        at = name_end;
        if !rest.starts_with('=') || rest.starts_with("==") {
            continue;
        }
        let from = body.len() - rest.len() + 1;
        let mut end = from;
        while end < body.len() {
            if body[end..].starts_with('#') || body[end..].starts_with("//") {
                break;
            }
            let over = skipped(body, end);
            if over > end {
                end = over;
                continue;
            }
            let Some(c) = body[end..].chars().next() else { break };
            match c {
                '\n' => break,
                '{' | '[' | '(' => end = closed(body, end + 1),
                _ => end += c.len_utf8(),
            }
        }
        found.push((name, body[from..end].trim()));
        at = end;
    }
    found
}

/// The text of a quoted string or heredoc; none of anything else.
fn text_of(expression: &str) -> Option<String> {
    if let Some(rest) = expression.strip_prefix("<<") {
        let (marker, rest) = rest.split_once('\n')?;
        let marker = marker.trim_start_matches('-').trim();
        let lines: Vec<&str> = rest.lines().filter(|line| line.trim() != marker).map(str::trim).collect();
        return Some(lines.join("\n"));
    }
    let inner = expression.strip_prefix('"')?;
    let inner = &inner[..skipped(expression, 0).checked_sub(2)?];
    // JSON knows the same escapes; one that it does not know is left as it is.
    Some(serde_json::from_str(&format!("\"{inner}\"")).unwrap_or_else(|_| inner.to_owned()))
}

/// `bucket_name` as "Bucket name".
fn words(name: &str) -> String {
    let said = name.replace(['_', '-'], " ");
    let mut letters = said.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn variable(name: &str, body: &str) -> Variable {
    let attributes = attributes(body);
    let of = |wanted: &str| attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let kind = of("type").unwrap_or("any");
    let description = of("description").and_then(text_of).unwrap_or_default();
    let default = of("default").filter(|value| *value != "null");
    let is_sensitive = of("sensitive") == Some("true");
    let plain = kind.trim_matches('"');
    let (io_type, value) = match plain {
        "string" => ("STRING", default.and_then(text_of).filter(|text| !text.is_empty()).map(Value::from)),
        "bool" if !is_sensitive => {
            ("BOOLEAN", default.and_then(|text| text.parse::<bool>().ok()).map(Value::from))
        }
        "number" if !is_sensitive && default.is_none_or(|text| text.parse::<i64>().is_ok()) => {
            ("INTEGER", default.and_then(|text| text.parse::<i64>().ok()).map(Value::from))
        }
        _ => ("CODE", default.map(Value::from)),
    };
    let mut input = json!({
        "displayName": words(name),
        "type": io_type,
        "assignmentType": "USER_INPUT",
        "isEnvironment": false,
        "isSensitive": is_sensitive,
        "updateableByConsumer": false,
        "argument": null,
        // A secret that stands in code is none.
        "defaultValue": value.filter(|_| !is_sensitive),
    });
    if !description.is_empty() {
        input["description"] = json!(description.chars().take(255).collect::<String>());
    }
    Variable { name: name.to_owned(), description, kind: kind.to_owned(), input }
}

/// The variables of a module.
pub fn read(text: &str) -> Vec<Variable> {
    let text = text.replace("\r\n", "\n");
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() && found.len() < MOST {
        let over = skipped(&text, at);
        if over > at {
            at = over;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        if c == '{' {
            at = closed(&text, at + 1);
            continue;
        }
        let Some(rest) =
            text[at..].strip_prefix("variable").filter(|rest| rest.starts_with([' ', '\t', '"']))
        else {
            at += c.len_utf8();
            continue;
        };
        let head = rest.find('{').map_or(rest, |end| &rest[..end]);
        let name = head.trim().trim_matches('"');
        let from = text.len() - rest.len() + head.len() + 1;
        if from > text.len() {
            break;
        }
        let end = closed(&text, from);
        if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            let body = text.get(from..end.saturating_sub(1)).unwrap_or_default();
            found.push(variable(name, body));
        }
        at = end.max(at + 1);
    }
    found
}

fn tell(_: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Definition, Action::Write)?;
    let Code { text } = request.body()?;
    Ok(Reply::ok(&serde_json::to_value(Found { variables: read(&text) })?))
}

/// `POST /api/stoa/v1/tofu/variables`, an extension of Stoa's.
pub fn route() -> Route {
    Route::read(Method::POST, "/api/stoa/v1/tofu/variables", tell).takes(Takes::Json(TEXT_MAX)).about(About {
        summary: "Read the variables of an OpenTofu module out of its code",
        tag: "definitions",
        request: Some("TofuCode"),
        example: Some(json!({ "text": "variable \"region\" {\n  type = string\n}\n" })),
        response: Some("TofuVariables"),
        produces: Some(media::JSON),
        success: &[200],
        errors: &[400, 403],
        ..About::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_inputs() {
        let found = read(
            r#"
# variable "commented" {}
variable "bucket_name" {
  description = "What it is called, \"quoted\""
  type        = string
  default     = "logs"
  validation {
    condition     = length(var.bucket_name) > 3
    error_message = "Too short } {"
  }
}
variable "size" { type = number }
variable "public" {
  type    = bool
  default = false # never
}
variable "tags" {
  type = map(object({ a = string }))
  default = {
    a = "b"
  }
}
variable "password" {
  type      = string
  default   = "hunter2"
  sensitive = true
}
variable old {
  description = <<-EOT
    Many
    lines
  EOT
}
resource "x" "y" { variable = "no" }
"#,
        );
        let told: Vec<_> = found
            .iter()
            .map(|one| {
                (one.name.as_str(), one.input["type"].as_str().unwrap(), one.input["defaultValue"].clone())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("bucket_name", "STRING", json!("logs")),
                ("size", "INTEGER", Value::Null),
                ("public", "BOOLEAN", json!(false)),
                ("tags", "CODE", json!("{\n    a = \"b\"\n  }")),
                ("password", "STRING", Value::Null),
                ("old", "CODE", Value::Null),
            ]
        );
        assert_eq!(found[0].description, "What it is called, \"quoted\"");
        assert_eq!(found[0].input["displayName"], "Bucket name");
        assert_eq!(found[5].description, "Many\nlines");
        assert_eq!(found[4].input["isSensitive"], true);
    }

    #[test]
    fn broken_texts_do_no_harm() {
        for text in [
            "variable",
            "variable \"",
            "variable \"x\" {",
            "variable \"x\" {{{{",
            "\"",
            "/*",
            "<<A\n",
            "variable {}",
            "ä{variable",
        ] {
            let _ = read(text);
        }
        assert!(read(&"{".repeat(100_000)).is_empty());
        assert!(read(&"variable \"x\" { default = [".repeat(1_000)).len() <= 1);
    }
}
