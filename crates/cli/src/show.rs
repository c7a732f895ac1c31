//! Objects printed as tables, JSON or YAML.

use crate::api::id_of;
use crate::args::Format;
use crate::block;
use crate::console::{Channel, Console};
use crate::failure::Failure;
use crate::kinds::{self, Kind};
use crate::table;
use serde_json::Value;

/// Prints a list. In YAML each object is a document of its own, so that `stoa apply` can read it.
pub(crate) fn list(console: &mut Console, kind: &Kind, objects: &[Value]) -> Result<(), Failure> {
    if console.quiet {
        return ids(console, kind, objects);
    }
    match console.format {
        Format::Table if objects.is_empty() => console.note(format_args!("no {} found", kind.collection)),
        Format::Table => {
            let text = table::of_objects(kind.columns, objects, console.now());
            console.write(Channel::Out, &text)
        }
        Format::Json => document(console, &Value::Array(objects.to_vec())),
        Format::Yaml => {
            let mut texts = Vec::new();
            for object in objects {
                texts.push(yaml(object)?);
            }
            console.write(Channel::Out, &texts.join("---\n"))
        }
    }
}

/// Prints one object; a building block as a page rather than a row.
pub(crate) fn one(console: &mut Console, kind: &Kind, object: &Value) -> Result<(), Failure> {
    if console.quiet {
        return ids(console, kind, std::slice::from_ref(object));
    }
    match console.format {
        Format::Table if *kind == kinds::BLOCK => {
            let page = block::page(object, console.now());
            console.write(Channel::Out, &page)
        }
        Format::Table => list(console, kind, std::slice::from_ref(object)),
        Format::Json | Format::Yaml => document(console, object),
    }
}

/// Prints a value as one JSON or YAML document; JSON also when a table was asked for and there is none.
pub(crate) fn document(console: &mut Console, value: &Value) -> Result<(), Failure> {
    match console.format {
        Format::Table | Format::Json => {
            let text = serde_json::to_string_pretty(value).map_err(|error| unprintable(&error))?;
            console.line(text)
        }
        Format::Yaml => console.write(Channel::Out, &yaml(value)?),
    }
}

fn ids(console: &mut Console, kind: &Kind, objects: &[Value]) -> Result<(), Failure> {
    for object in objects {
        console.line(id_of(kind, object)?)?;
    }
    Ok(())
}

fn yaml(value: &Value) -> Result<String, Failure> {
    serde_saphyr::to_string(value).map_err(|error| unprintable(&error))
}

fn unprintable(error: &dyn std::fmt::Display) -> Failure {
    Failure::Operation(format!("the answer cannot be printed: {error}"))
}
