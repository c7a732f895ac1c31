//! Documents read from files, folders and standard input.

use crate::failure::Failure;
use crate::kinds::{Kind, Writes};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// One declared object.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Where it stands, for messages.
    pub(super) origin: String,
    /// The folder of its file, to which other files are relative.
    pub(super) folder: PathBuf,
    /// Its kind.
    pub(super) kind: &'static Kind,
    /// What it says.
    pub(super) body: Value,
}

/// Reads all `sources`, sorted so that what others refer to comes first.
pub(super) fn read(sources: &[PathBuf]) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    for source in sources {
        if source.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Failure::Configuration(format!("cannot read standard input: {error}")))?;
            documents.extend(parse("standard input", Path::new("."), &text)?);
        } else if source.is_dir() {
            for file in files_of(source)? {
                documents.extend(read_file(&file)?);
            }
        } else {
            documents.extend(read_file(source)?);
        }
    }
    if documents.is_empty() {
        return Err(Failure::Configuration("there is nothing in these files".to_owned()));
    }
    documents.sort_by_key(|document| document.kind.rank());
    Ok(documents)
}

/// The manifests directly in a folder, by name.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::Configuration(format!("cannot read `{}`: {error}", folder.display()));
    let is_manifest = |path: &Path| {
        path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml" || ending == "json")
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() && is_manifest(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(file: &Path) -> Result<Vec<Document>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Configuration(format!("cannot read `{}`: {error}", file.display())))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parse(&file.display().to_string(), folder, &text)
}

/// The documents in `text`: YAML documents, JSON, or lists of either.
pub(super) fn parse(origin: &str, folder: &Path, text: &str) -> Result<Vec<Document>, Failure> {
    // Files of thousands of objects are fine; a bomb of aliases is not.
    let budget = serde_saphyr::budget! {
        max_documents: 100_000,
        max_nodes: 4_000_000,
        max_events: 8_000_000,
    };
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false, budget: budget };
    let values: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Failure::Configuration(format!("`{origin}` is not readable: {error}")))?;
    let flat = values.into_iter().flat_map(|value| match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        other => vec![other],
    });
    flat.enumerate().map(|(index, body)| check(origin, folder, index + 1, body)).collect()
}

fn check(origin: &str, folder: &Path, number: usize, body: Value) -> Result<Document, Failure> {
    let origin = format!("{origin}, document {number}");
    let refuse = |problem: &str| Err(Failure::Configuration(format!("{origin}: {problem}")));
    let Some(name) = body.get("kind").and_then(Value::as_str) else {
        return refuse("`kind` is missing");
    };
    let kind = match Kind::parse(name) {
        Ok(kind) if kind.name == name => kind,
        _ => return refuse(&format!("`kind` names `{name}`, which is not a kind this command knows")),
    };
    if kind.writes == Writes::Never {
        return refuse(&format!("a {name} is not made by files"));
    }
    match body.get("apiVersion") {
        None | Some(Value::Null) => {}
        Some(version) if version == kind.version => {}
        Some(version) => {
            return refuse(&format!("`apiVersion` must be \"{}\" for {name}, not {version}", kind.version));
        }
    }
    Ok(Document { origin, folder: folder.to_owned(), kind, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn a_file_may_hold_thousands_of_documents_but_no_bomb() {
        let many = "---\nkind: meshWorkspace\nmetadata: { name: shop }\n".repeat(5000);
        assert_eq!(parse("a.yaml", Path::new("."), &many).unwrap().len(), 5000);
        let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            format!("{text}a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)
        });
        assert!(parse("a.yaml", Path::new("."), &bomb).is_err());
    }

    #[test]
    fn yaml_and_json_hold_one_or_many_documents() {
        let yaml = "kind: meshWorkspace\nmetadata: {name: no}\n---\n# nothing\n---\nkind: meshProject\n";
        let found = parse("a.yaml", Path::new("."), yaml).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].body["metadata"]["name"], "no", "YAML 1.2: a word is a word");
        assert_eq!(*found[1].kind, kinds::PROJECT);

        let json = r#"[{"kind": "meshWorkspace", "apiVersion": "v2"}, {"kind": "meshProject"}]"#;
        assert_eq!(parse("a.json", Path::new("."), json).unwrap().len(), 2);
    }

    #[test]
    fn a_bad_document_is_named_with_its_place() {
        for (text, problem) in [
            ("metadata: {}", "a.yaml, document 1: `kind` is missing"),
            (
                "kind: meshCake",
                "a.yaml, document 1: `kind` names `meshCake`, which is not a kind this command knows",
            ),
            (
                "kind: meshWorkspace\napiVersion: v1",
                "a.yaml, document 1: `apiVersion` must be \"v2\" for meshWorkspace, not \"v1\"",
            ),
        ] {
            let failure = parse("a.yaml", Path::new("."), text).unwrap_err();
            assert_eq!((failure.code(), failure.to_string().as_str()), (78, problem));
        }
        let failure = parse("a.yaml", Path::new("."), "a: [1").unwrap_err();
        assert!(failure.to_string().starts_with("`a.yaml` is not readable: "), "{failure}");
        assert!(failure.to_string().contains("line 1"), "{failure}");
    }
}
