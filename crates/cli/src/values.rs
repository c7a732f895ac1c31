//! Values from the command line, given the type that a definition declares for them.

use crate::failure::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

/// `key=value`, or `key:=JSON`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    /// What gets the value.
    pub(crate) key: String,
    /// The value as written.
    pub(crate) given: Given,
}

/// A value as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// Text, to be typed.
    Text(String),
    /// JSON, taken as it is.
    Json(Value),
    /// Content of a file.
    File {
        /// Guessed from the name.
        mime: &'static str,
        /// The content.
        bytes: Vec<u8>,
    },
}

impl Assignment {
    /// Reads `key=value` or `key:=JSON`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Failure::Usage(format!("`{text}` must be written as key=value, or key:=JSON")));
        };
        let (key, given) = match key.strip_suffix(':') {
            None => (key, Given::Text(value.to_owned())),
            Some(key) => {
                let value = serde_json::from_str(value)
                    .map_err(|error| Failure::Usage(format!("`{key}` is not valid JSON: {error}")))?;
                (key, Given::Json(value))
            }
        };
        if key.is_empty() {
            return Err(Failure::Usage(format!("`{text}` names no key")));
        }
        Ok(Self { key: key.to_owned(), given })
    }

    /// `key` gets what is in the file, or what comes from standard input when `path` is `-`.
    pub(crate) fn from_file(key: &str, path: &str) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let read = if path == "-" {
            std::io::stdin().read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
        };
        read.map_err(|error| Failure::Usage(format!("`{key}`: cannot read `{path}`: {error}")))?;
        Ok(Self { key: key.to_owned(), given: Given::File { mime: mime_of(path), bytes } })
    }
}

/// What a definition's version says about one input or output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declaration {
    /// Type of the value, for example `STRING`.
    pub(crate) io_type: String,
    /// Whether it is a secret.
    pub(crate) sensitive: bool,
}

impl Declaration {
    /// Reads an entry of `spec.inputs` or `spec.outputs` of a version.
    pub(crate) fn read(entry: &Value) -> Self {
        Self {
            io_type: entry["type"].as_str().unwrap_or("STRING").to_owned(),
            sensitive: entry["isSensitive"].as_bool().unwrap_or(false),
        }
    }
}

/// The value as it goes over the wire. Without a declaration, text stays text.
pub(crate) fn typed(assignment: &Assignment, declared: Option<&Declaration>) -> Result<Value, Failure> {
    let refuse = |problem: &str| Err(Failure::Usage(format!("`{}` {problem}", assignment.key)));
    let io_type = declared.map_or("STRING", |declared| declared.io_type.as_str());
    let value = match &assignment.given {
        Given::Json(value) => return Ok(value.clone()),
        Given::File { mime, bytes } if io_type == "FILE" => {
            json!(format!("data:{mime};base64,{}", STANDARD.encode(bytes)))
        }
        Given::File { bytes, .. } => match std::str::from_utf8(bytes) {
            Ok(text) => return from_text(assignment, io_type, text).map(|value| sealed(value, declared)),
            Err(_) => return refuse(&format!("takes {io_type}, and the file is not text in UTF-8")),
        },
        Given::Text(text) => from_text(assignment, io_type, text)?,
    };
    Ok(sealed(value, declared))
}

fn from_text(assignment: &Assignment, io_type: &str, text: &str) -> Result<Value, Failure> {
    let refuse = |problem: String| Err(Failure::Usage(format!("`{}` {problem}", assignment.key)));
    match io_type {
        "INTEGER" => match text.trim().parse::<i64>() {
            Ok(number) => Ok(json!(number)),
            Err(_) => refuse(format!("must be a whole number, not `{text}`")),
        },
        "BOOLEAN" => match text.trim() {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => refuse(format!("must be `true` or `false`, not `{text}`")),
        },
        "MULTI_SELECT" => {
            Ok(text.split(',').map(str::trim).filter(|choice| !choice.is_empty()).map(Value::from).collect())
        }
        "FILE" if !text.starts_with("data:") => {
            refuse("is a file: give its path with `--input-file`, or a data URL".to_owned())
        }
        _ => Ok(json!(text)),
    }
}

/// A secret goes over the wire in its own shape.
fn sealed(value: Value, declared: Option<&Declaration>) -> Value {
    if declared.is_some_and(|declared| declared.sensitive) { json!({ "plaintext": value }) } else { value }
}

/// The media type that goes with a file's name.
fn mime_of(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "txt" | "log" | "conf" | "env" | "tfvars" => "text/plain",
        "json" => "application/json",
        "yaml" | "yml" => "application/yaml",
        "xml" => "application/xml",
        "csv" => "text/csv",
        "md" => "text/markdown",
        "pem" | "crt" | "cer" => "application/x-pem-file",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(io_type: &str, sensitive: bool) -> Declaration {
        Declaration { io_type: io_type.to_owned(), sensitive }
    }

    #[test]
    fn values_take_the_declared_type() {
        for (text, io_type, sensitive, value) in [
            ("k=orders", "STRING", false, json!("orders")),
            ("k=a=b", "STRING", false, json!("a=b")),
            ("k=", "STRING", false, json!("")),
            ("k=3", "STRING", false, json!("3")),
            ("k=3", "INTEGER", false, json!(3)),
            ("k=-3", "INTEGER", false, json!(-3)),
            ("k=true", "BOOLEAN", false, json!(true)),
            ("k=b,a, c", "MULTI_SELECT", false, json!(["b", "a", "c"])),
            ("k=", "MULTI_SELECT", false, json!([])),
            ("k=small", "SINGLE_SELECT", false, json!("small")),
            ("k={\"a\":1}", "CODE", false, json!("{\"a\":1}")),
            ("k=s3cret", "STRING", true, json!({ "plaintext": "s3cret" })),
            ("k=data:text/plain;base64,aGk=", "FILE", false, json!("data:text/plain;base64,aGk=")),
            ("k:=[1,2]", "STRING", false, json!([1, 2])),
            ("main.auto-x=1", "INTEGER", false, json!(1)),
        ] {
            let assignment = Assignment::parse(text).unwrap();
            assert_eq!(
                typed(&assignment, Some(&declared(io_type, sensitive))).unwrap(),
                value,
                "{text} {io_type}"
            );
        }
        assert_eq!(typed(&Assignment::parse("k=3").unwrap(), None).unwrap(), json!("3"));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_a_usage_error_that_names_the_key() {
        for (text, io_type, problem) in [
            ("size=big", "INTEGER", "`size` must be a whole number, not `big`"),
            ("size=1.5", "INTEGER", "`size` must be a whole number, not `1.5`"),
            ("on=yes", "BOOLEAN", "`on` must be `true` or `false`, not `yes`"),
            ("cert=x.pem", "FILE", "`cert` is a file: give its path with `--input-file`, or a data URL"),
        ] {
            let failure =
                typed(&Assignment::parse(text).unwrap(), Some(&declared(io_type, false))).unwrap_err();
            assert_eq!((failure.code(), failure.to_string().as_str()), (64, problem));
        }
        for text in ["no-value", "=x", ":=1", "k:=nope"] {
            assert_eq!(Assignment::parse(text).unwrap_err().code(), 64, "{text}");
        }
    }

    #[test]
    fn files_become_data_urls_or_text() {
        let file = |bytes: &[u8]| Assignment {
            key: "k".to_owned(),
            given: Given::File { mime: "text/plain", bytes: bytes.to_vec() },
        };
        let typed_as =
            |bytes: &[u8], io_type, sensitive| typed(&file(bytes), Some(&declared(io_type, sensitive)));
        assert_eq!(typed_as(b"hi", "FILE", false).unwrap(), json!("data:text/plain;base64,aGk="));
        assert_eq!(
            typed_as(b"hi", "FILE", true).unwrap(),
            json!({ "plaintext": "data:text/plain;base64,aGk=" })
        );
        assert_eq!(typed_as(b"a: 1\n", "CODE", false).unwrap(), json!("a: 1\n"));
        assert_eq!(typed_as(&[0xff], "CODE", false).unwrap_err().code(), 64);
    }
}
