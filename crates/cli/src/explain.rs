//! `stoa explain`: what a kind or a field is for, from the description that the server gives of its API.

use crate::api::Api;
use crate::args::{Explain, Format};
use crate::console::{Console, plain};
use crate::describe::{Described, Description, Fields, Side};
use crate::failure::Failure;
use crate::kinds::Kind;
use crate::{near, show};
use serde_json::{Value, json};
use std::fmt::Write;

/// Explains what was asked for.
pub(crate) async fn explain(api: &Api, console: &mut Console, asked: Explain) -> Result<(), Failure> {
    let description = Description::new(api.client().get("/api/openapi.json", "application/json").await?);
    let mut segments = asked.field.split('.').filter(|segment| !segment.is_empty());
    let word = segments.next().unwrap_or_default();
    let kind = kind(&description, word)?;
    let version = version(&kind, asked.api_version.as_deref())?;
    let mut path: Vec<&str> = Vec::new();
    let mut field = kind.fields(&description, &version);
    let mut required = false;
    if field.is_unknown() {
        let problem = format!("the server does not describe objects of {} {version}", kind.name);
        return Err(Failure::Operation(problem));
    }
    for segment in segments {
        let Some((needed, child)) = field.child(segment) else {
            return Err(no_field(&kind, &path, segment, &field));
        };
        path.push(segment);
        (required, field) = (needed, child);
    }
    let told = Told { kind: &kind, version: &version, path: &path.join("."), required, field };
    match console.format {
        Format::Table => console.write(crate::console::Channel::Out, &told.text()),
        Format::Json | Format::Yaml => show::document(console, &told.json()),
    }
}

/// The kind that a person means: by the words of the other commands, or by its name in the API.
fn kind<'a>(description: &'a Description, word: &str) -> Result<Described<'a>, Failure> {
    let kinds = description.kinds();
    let meant = Kind::parse(word).map_or(word, |kind| kind.name);
    if let Some(name) = kinds.iter().find(|name| name.eq_ignore_ascii_case(meant)) {
        return Ok(description.group(name));
    }
    let words = Kind::words_of_all();
    let near = near::to(word, words.iter().copied().chain(kinds.iter().copied()));
    Err(Failure::Usage(if near.is_empty() {
        format!("there is no kind `{word}`; there are {}", near::listed(&kinds))
    } else {
        format!("there is no kind `{word}`; did you mean {}?", near::listed(&near))
    }))
}

/// The version asked for, or the newest.
fn version(kind: &Described<'_>, asked: Option<&str>) -> Result<String, Failure> {
    let usual = Kind::parse(kind.name).ok().map(|known| known.version.to_owned());
    let newest =
        usual.filter(|usual| kind.versions.contains(usual)).or_else(|| kind.versions.last().cloned());
    match asked {
        None => {
            newest.ok_or_else(|| Failure::Operation(format!("the server names no version of {}", kind.name)))
        }
        Some(asked) if kind.versions.iter().any(|version| version == asked) => Ok(asked.to_owned()),
        Some(asked) => {
            let there_are = kind.versions.join(", ");
            Err(Failure::Usage(format!("{} has no version `{asked}`; there is {there_are}", kind.name)))
        }
    }
}

fn no_field(kind: &Described<'_>, path: &[&str], segment: &str, field: &Fields<'_>) -> Failure {
    let place = std::iter::once(kind.name).chain(path.iter().copied()).collect::<Vec<_>>().join(".");
    let children = field.children();
    let names: Vec<&str> = children.iter().map(|(name, ..)| name.as_str()).collect();
    let near = near::to(segment, names.iter().copied());
    Failure::Usage(if names.is_empty() {
        format!("`{place}` is {} and has no fields, so no `{segment}`", article(&field.kind()))
    } else if near.is_empty() {
        format!("`{place}` has no field `{segment}`; there are {}", near::listed(&names))
    } else {
        format!("`{place}` has no field `{segment}`; did you mean {}?", near::listed(&near))
    })
}

fn article(words: &str) -> String {
    let an = words.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {words}", if an { "an" } else { "a" })
}

/// What there is to tell.
struct Told<'a> {
    kind: &'a Described<'a>,
    version: &'a str,
    path: &'a str,
    required: bool,
    field: Fields<'a>,
}

/// Who sets a field, in a word or two.
fn standing(required: bool, side: Side) -> &'static str {
    match side {
        Side::Answer => "set by the server",
        Side::Ask if required => "required, never shown",
        Side::Ask => "never shown",
        Side::Both if required => "required",
        Side::Both => "",
    }
}

impl Told<'_> {
    fn json(&self) -> Value {
        let mut about = json!({
            "kind": self.kind.name,
            "version": self.version,
            "versions": self.kind.versions,
            "field": self.path,
        });
        if let (Some(about), Value::Object(rest)) = (about.as_object_mut(), self.field.json(self.required)) {
            about.extend(rest);
        }
        let fields = self.field.children().into_iter().map(|(name, required, field)| {
            let mut one = json!({ "name": name });
            if let (Some(one), Value::Object(rest)) = (one.as_object_mut(), field.json(required)) {
                one.extend(rest);
            }
            one
        });
        about["fields"] = fields.collect();
        about
    }

    fn text(&self) -> String {
        let mut text = format!("KIND      {}\nVERSION   {}", self.kind.name, self.version);
        let others: Vec<&str> =
            self.kind.versions.iter().map(String::as_str).filter(|other| *other != self.version).collect();
        if !others.is_empty() {
            let _ = write!(text, " (also {})", others.join(", "));
        }
        text.push('\n');
        if self.path.is_empty() {
            let _ = writeln!(text, "PATH      {}", self.kind.collection());
        } else {
            let standing = standing(self.required, self.field.side());
            let standing = if standing.is_empty() { String::new() } else { format!(", {standing}") };
            let _ = writeln!(text, "FIELD     {} <{}>{standing}", self.path, self.field.kind());
        }
        text.push_str(&section("DESCRIPTION", self.field.description()));
        let values = self.field.values();
        if !values.is_empty() {
            text.push_str(&section("VALUES", &values.join("\n")));
        }
        let facets = self.field.facets();
        if !facets.is_empty() {
            let lines: Vec<String> = facets.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            text.push_str(&section("RULES", &lines.join("\n")));
        }
        let children = self.field.children();
        if !children.is_empty() {
            let heading = match () {
                () if self.field.is_list() => "FIELDS OF EACH ITEM",
                () if self.field.is_map() => "FIELDS OF EACH ENTRY",
                () => "FIELDS",
            };
            let _ = writeln!(text, "\n{heading}");
            for (name, required, field) in children {
                text.push_str(&child(&name, required, &field));
            }
        }
        text
    }
}

fn child(name: &str, required: bool, field: &Fields<'_>) -> String {
    let standing = standing(required, field.side());
    let standing = if standing.is_empty() { String::new() } else { format!("  {standing}") };
    let mut text = format!("  {name}  <{}>{standing}\n", field.kind());
    for line in plain(field.description()).lines() {
        let _ = writeln!(text, "      {line}");
    }
    let values = field.values();
    if !values.is_empty() {
        let _ = writeln!(text, "      one of {}", values.join(", "));
    }
    text
}

fn section(heading: &str, body: &str) -> String {
    let body = plain(body);
    if body.trim().is_empty() {
        return String::new();
    }
    let lines: Vec<String> = body.lines().map(|line| format!("  {line}\n")).collect();
    format!("\n{heading}\n{}", lines.concat())
}
