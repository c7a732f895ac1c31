//! `stoa reference`: the server's API description as Markdown pages, one for each kind and each other area.

use crate::api::Api;
use crate::args::Reference;
use crate::console::Console;
use crate::describe::{Described, Description, Fields, Operation, Side};
use crate::failure::Failure;
use std::fmt::Write;
use std::path::Path;

/// Writes the pages, and one that leads to them.
pub(crate) async fn reference(api: &Api, console: &mut Console, asked: Reference) -> Result<(), Failure> {
    let description = Description::new(api.client().get("/api/openapi.json", "application/json").await?);
    let write = |name: &str, text: &str| {
        let path = asked.into.join(name);
        std::fs::write(&path, text)
            .map_err(|error| Failure::Operation(format!("cannot write `{}`: {error}", path.display())))
    };
    std::fs::create_dir_all(&asked.into)
        .map_err(|error| Failure::Operation(format!("cannot make `{}`: {error}", asked.into.display())))?;
    let pages = pages(&description);
    for (name, text) in &pages {
        write(name, text)?;
    }
    if let Some(summary) = &asked.summary {
        add_to_summary(summary, &asked.into, &description)?;
    }
    console.note(format_args!("{} pages in {}", pages.len(), asked.into.display()))
}

/// All pages: file name and text.
pub(crate) fn pages(description: &Description) -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), overview(description))];
    for group in ordered(description) {
        pages.push((file_of(group), page(description, &description.group(group))));
    }
    pages
}

/// Kinds by name, then the other areas by name.
fn ordered(description: &Description) -> Vec<&str> {
    let mut groups = description.groups();
    groups.sort_by_key(|group| (!group.starts_with("mesh"), *group));
    groups
}

fn file_of(group: &str) -> String {
    let name: String = group.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}.md", name.to_lowercase())
}

/// Links to all pages at the end of the book's table of contents.
fn add_to_summary(summary: &Path, into: &Path, description: &Description) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Operation(format!("cannot extend `{}`: {error}", summary.display()));
    let mut text = std::fs::read_to_string(summary).map_err(failed)?;
    let folder = into.file_name().and_then(|name| name.to_str()).unwrap_or("reference");
    let _ = write!(text, "\n# Reference\n\n- [The API, kind by kind]({folder}/README.md)\n");
    for group in ordered(description) {
        let _ = writeln!(text, "  - [{group}]({folder}/{})", file_of(group));
    }
    std::fs::write(summary, text).map_err(failed)
}

fn overview(description: &Description) -> String {
    let mut text = String::from(
        "# The API, kind by kind\n\n\
         Generated from the description that a server gives of itself at `/api/openapi.json`. The same words are \
         at hand in a terminal: `stoa explain project.spec.tags`.\n\n\
         | kind | versions | path |\n| --- | --- | --- |\n",
    );
    let mut others = String::new();
    for group in ordered(description) {
        let described = description.group(group);
        if group.starts_with("mesh") {
            let versions = described.versions.join(", ");
            let path = described.collection();
            let _ = writeln!(text, "| [{group}]({}) | {versions} | `{path}` |", file_of(group));
        } else {
            let _ = writeln!(others, "- [{group}]({})", file_of(group));
        }
    }
    let _ = write!(text, "\nBeside the kinds:\n\n{others}");
    text
}

fn page(description: &Description, group: &Described<'_>) -> String {
    let mut text = format!("# {}\n", group.name);
    let newest = group.versions.last();
    if let Some(about) = newest.map(|version| group.fields(description, version).description().to_owned())
        && !about.is_empty()
    {
        let _ = write!(text, "\n{}\n", prose(&about));
    }
    text.push_str(&paths(group));
    text.push_str(&filters(group));
    for version in group.versions.iter().rev() {
        text.push_str(&fields(description, group, version));
    }
    text.push_str(&examples(group));
    text
}

fn paths(group: &Described<'_>) -> String {
    let mut text = String::from(
        "\n## Paths\n\n| method | path | what it does | permission | answers |\n| --- | --- | --- | --- | --- |\n",
    );
    for operation in &group.operations {
        let permissions: Vec<String> =
            operation.permissions().iter().map(|code| format!("`{code}`")).collect();
        let permissions = if permissions.is_empty() { "–".to_owned() } else { permissions.join(" or ") };
        let answers: Vec<&str> = operation.answers().into_iter().map(|(status, _)| status).collect();
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {permissions} | {} |",
            operation.method,
            operation.path,
            cell(operation.summary()),
            answers.join(", ")
        );
    }
    text
}

fn filters(group: &Described<'_>) -> String {
    let mut text = String::new();
    let with_query: Vec<&Operation<'_>> =
        group.operations.iter().filter(|operation| !operation.query().is_empty()).collect();
    for operation in &with_query {
        let _ = write!(
            text,
            "\n## Query of {} `{}`\n\n| parameter | meaning |\n| --- | --- |\n",
            operation.method, operation.path
        );
        for (name, meaning) in operation.query() {
            let _ = writeln!(text, "| `{name}` | {} |", cell(meaning));
        }
    }
    text
}

fn fields(description: &Description, group: &Described<'_>, version: &str) -> String {
    let root = group.fields(description, version);
    if root.is_unknown() || root.children().is_empty() {
        return String::new();
    }
    let mut text =
        format!("\n## Fields in {version}\n\n| field | type | | meaning |\n| --- | --- | --- | --- |\n");
    rows(&mut text, "", &root, 0);
    text
}

fn rows(text: &mut String, place: &str, field: &Fields<'_>, depth: usize) {
    const DEEPEST: usize = 14;
    if depth > DEEPEST {
        return;
    }
    for (name, required, child) in field.children() {
        let path = if place.is_empty() { name } else { format!("{place}.{name}") };
        let standing = match child.side() {
            Side::Answer => "server",
            Side::Ask if required => "required, write only",
            Side::Ask => "write only",
            Side::Both if required => "required",
            Side::Both => "",
        };
        let mut meaning = cell(child.description());
        let values = child.values();
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            let _ = write!(meaning, " One of {}.", values.join(", "));
        }
        for (name, value) in child.facets() {
            let _ = write!(meaning, " {name}: `{value}`.");
        }
        let _ = writeln!(text, "| `{path}` | {} | {standing} | {} |", child.kind(), meaning.trim());
        if path != "_links" {
            let below = match () {
                () if child.is_list() => format!("{path}[]"),
                () if child.is_map() => format!("{path}.*"),
                () => path,
            };
            rows(text, &below, &child, depth + 1);
        }
    }
}

fn examples(group: &Described<'_>) -> String {
    let mut text = String::new();
    let mut shown: Vec<String> = Vec::new();
    for operation in &group.operations {
        for (media, entry) in operation.takes().into_iter().flatten() {
            let example = &entry["example"];
            let body = match example {
                serde_json::Value::String(body) => body.clone(),
                other => serde_json::to_string_pretty(other).unwrap_or_default(),
            };
            if matches!(body.as_str(), "null" | "{}" | "") || shown.contains(&body) {
                continue;
            }
            let _ = write!(
                text,
                "\n## Example: {} `{}`\n\n`{media}`\n\n```json\n{body}\n```\n",
                operation.method, operation.path
            );
            shown.push(body);
        }
    }
    text
}

/// Text as one cell of a table.
fn cell(text: &str) -> String {
    prose(text).replace('|', "\\|")
}

/// Text on one line; what looks like a tag outside code is written so that Markdown shows it.
fn prose(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = line.split('`').enumerate();
    let shown: Vec<String> = parts
        .map(|(index, part)| if index % 2 == 0 { part.replace('<', "&lt;") } else { part.to_owned() })
        .collect();
    shown.join("`")
}
