//! What the program tells about kinds and fields, and the reference made from the same description.

use super::Desk;
use serde_json::Value;
use std::collections::BTreeSet;

/// The kinds in a description, with the versions that its media types name.
fn kinds(description: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for item in description["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let Some(kind) = operation["tags"][0].as_str().filter(|tag| tag.starts_with("mesh")) else {
                continue;
            };
            let answers = operation["responses"].as_object().unwrap().values();
            for content in answers.filter_map(|answer| answer["content"].as_object()) {
                let prefix = format!("application/vnd.meshcloud.api.{}.", kind.to_lowercase());
                let version =
                    |media: &String| Some(media.strip_prefix(&prefix)?.strip_suffix(".hal+json")?.to_owned());
                found.extend(content.keys().filter_map(version).map(|version| (kind.to_owned(), version)));
            }
        }
    }
    found
}

#[test]
fn every_kind_is_explained_in_every_version_down_to_its_fields() {
    let desk = Desk::new();
    let description = desk.says(&["openapi"]).json();
    let kinds = kinds(&description);
    assert!(kinds.len() >= 12, "{kinds:?}");
    for (kind, version) in &kinds {
        let told = desk.says(&["explain", kind, "--api-version", version, "-o", "json"]).json();
        assert_eq!((&told["kind"], &told["version"]), (&Value::from(&**kind), &Value::from(&**version)));
        let fields: Vec<&str> =
            told["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert!(fields.contains(&"metadata") || fields.contains(&"spec"), "{kind} {version}: {fields:?}");
        let metadata = format!("{kind}.metadata");
        if fields.contains(&"metadata") {
            let told = desk.says(&["explain", &metadata, "--api-version", version]).with(0);
            assert!(told.out.contains("FIELD     metadata <object>"), "{}", told.out);
        }
    }
    let tags = desk.says(&["explain", "project.spec.tags"]).with(0);
    assert!(tags.out.contains("spec.tags <map of list of string>"), "{}", tags.out);
    desk.says(&["explain", "projekt"]).fails(64, "did you mean `project`");
    desk.says(&["explain", "project.spec.displayNam"]).fails(64, "did you mean `displayName`?");
}

#[test]
fn the_reference_has_a_page_for_each_kind_and_words_for_each_field() {
    let desk = Desk::new();
    let into = desk.home.path().join("reference");
    desk.file("SUMMARY.md", "# Summary\n");
    desk.says(&["reference", "--into", "reference", "--summary", "SUMMARY.md"]).with(0);
    let read = |name: &str| std::fs::read_to_string(into.join(name)).unwrap();
    let overview = read("README.md");
    let summary = std::fs::read_to_string(desk.home.path().join("SUMMARY.md")).unwrap();
    let mut silent = Vec::new();
    for (kind, version) in kinds(&desk.says(&["openapi"]).json()) {
        let file = format!("{}.md", kind.to_lowercase());
        assert!(overview.contains(&format!("[{kind}]({file})")), "{overview}");
        assert!(summary.contains(&format!("  - [{kind}](reference/{file})\n")), "{summary}");
        let page = read(&file);
        assert!(page.contains(&format!("## Fields in {version}\n")), "{kind} {version}:\n{page}");
        assert!(page.contains("## Paths\n"), "{kind}");
        let of_fields = page.split("\n## ").filter(|section| section.starts_with("Fields in "));
        for row in of_fields.flat_map(|section| section.lines().filter(|line| line.starts_with("| `"))) {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            if cells.len() < 4 || cells[3].is_empty() {
                silent.push(format!("{kind} {version} {}", cells[0]));
            }
        }
    }
    assert!(silent.is_empty(), "fields without a word:\n{}", silent.join("\n"));
}
