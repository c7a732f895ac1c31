//! Inputs out of the code of an OpenTofu module: its `variable` blocks, read without running anything. The parser bounds
//! how deep a text may nest.

use hcl::eval::{Context, Evaluate};
use hcl::{Body, Expression};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::Refusal;
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

/// What an expression means, if there is nothing to compute in it but what stands there.
fn meant(expression: &Expression) -> Option<Value> {
    let value = expression.evaluate(&Context::new()).ok()?;
    serde_json::to_value(value).ok()
}

/// An expression as code.
fn code(expression: &Expression) -> String {
    hcl::format::to_string(expression).unwrap_or_default().trim().to_owned()
}

/// `bucket_name` as "Bucket name".
fn words(name: &str) -> String {
    let said = name.replace(['_', '-'], " ");
    let mut letters = said.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn variable(name: &str, body: &Body) -> Variable {
    let of = |wanted: &str| {
        body.attributes().find(|attribute| attribute.key() == wanted).map(|attribute| &attribute.expr)
    };
    let kind = match of("type") {
        // The way types were written long ago.
        Some(Expression::String(kind)) => kind.clone(),
        Some(kind) => code(kind),
        None => "any".into(),
    };
    let description = of("description").and_then(meant).unwrap_or_default();
    let description = description.as_str().unwrap_or_default().trim().to_owned();
    let default = of("default").filter(|default| **default != Expression::Null);
    let is_sensitive = of("sensitive") == Some(&Expression::Bool(true));
    let known = default.and_then(meant);
    let (io_type, value) = match kind.as_str() {
        "string" => ("STRING", known.filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))),
        "bool" if !is_sensitive => ("BOOLEAN", known.filter(Value::is_boolean)),
        "number" if !is_sensitive && known.as_ref().is_none_or(Value::is_i64) => ("INTEGER", known),
        _ => ("CODE", default.map(code).map(Value::from)),
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
    Variable { name: name.to_owned(), description, kind, input }
}

/// The variables of a module; code that cannot be read is refused with the place where it breaks off.
pub fn read(text: &str) -> Result<Vec<Variable>, Refusal> {
    let body = hcl::parse(text).map_err(|error| {
        let said = error.to_string();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: String = said.chars().take(200).collect();
        Refusal::invalid("text", format!("is no code of OpenTofu: {said}"))
    })?;
    let declared = body.blocks().filter(|block| block.identifier() == "variable");
    let named = declared.filter_map(|block| match block.labels() {
        [name] => Some(variable(name.as_str(), block.body())),
        _ => None,
    });
    Ok(named.take(MOST).collect())
}

fn tell(_: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Definition, Action::Write)?;
    let Code { text } = request.body()?;
    Ok(Reply::ok(&serde_json::to_value(Found { variables: read(&text)? })?))
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
        )
        .unwrap();
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
                ("tags", "CODE", json!("{\n  a = \"b\"\n}")),
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
    fn broken_texts_are_refused_and_do_no_harm() {
        for text in ["variable", "variable \"", "variable \"x\" {", "\"", "/*", "<<A\n", "ä{variable"] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.to_string().contains("is no code of OpenTofu"), "{text}: {refusal}");
        }
        for deep in ["{", "[", "(", "!", "a = ", "variable \"x\" {", "variable \"x\" { default = ["] {
            assert!(read(&deep.repeat(20_000)).is_err());
        }
        let deep = format!("a = {}1{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(read(&deep).is_err());
        let long = format!("a = {}1", "1 + ".repeat(20_000));
        drop(read(&long));
        assert_eq!(read("variable {}").unwrap(), []);
    }
}
