//! Every word that the panel shows goes through here. The key of a text is the English text itself; the catalogue
//! `text/en.po` lists them all, for translators and for whoever wants to read the panel in one go.

/// The text in the language of the reader. English is all there is so far.
pub fn tr(text: &'static str) -> &'static str {
    text
}

/// A text with its places `{0}`, `{1}`… filled in.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(place, after)| {
            let value = place.parse::<usize>().ok().and_then(|place| values.get(place))?;
            Some((value, after))
        });
        if let Some((value, after)) = value {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::fs;
    use std::path::{Path, PathBuf};

    #[test]
    fn places_are_filled() {
        assert_eq!(fill("{1} of {0}: {x} {", &["a", "b"]), "b of a: {x} {");
        assert_eq!(fill("{0}", &["{0}"]), "{0}");
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|end| end == "html" || end == "rs") {
                found.push(path);
            }
        }
    }

    fn sources() -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        found.sort();
        found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    }

    /// `scripts/strings` writes what this compares.
    #[test]
    fn the_catalogue_holds_every_text() {
        let marked =
            regex::Regex::new(r#""((?:[^"\\]|\\.)+)"\s*\|\s*t\b|\btr\(\s*"((?:[^"\\]|\\.)+)"\s*,?\s*\)"#)
                .unwrap();
        let mut texts = BTreeSet::new();
        for (path, source) in sources() {
            if !path.ends_with("text.rs") {
                texts.extend(
                    marked.captures_iter(&source).filter_map(|found| {
                        found.get(1).or(found.get(2)).map(|text| text.as_str().to_owned())
                    }),
                );
            }
        }
        let mut catalogue = String::from("# Every text of the panel. Written by scripts/strings.\n");
        for text in texts {
            write!(catalogue, "\nmsgid \"{text}\"\nmsgstr \"\"\n").unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("text/en.po");
        if std::env::var_os("STOA_WRITE_STRINGS").is_some() {
            fs::write(&path, &catalogue).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == catalogue, "text/en.po is stale: run scripts/strings");
    }

    #[test]
    fn no_template_shows_a_text_past_the_catalogue() {
        let tags =
            regex::Regex::new(r"(?s)\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<!doctype html>").unwrap();
        let shown = regex::Regex::new(
            r#"(?s)<[a-zA-Z/][^>]*?\s(?:placeholder|title|aria-label|alt)="([^"]*[A-Za-z][^"]*)"[^>]*>|<[a-zA-Z/][^>]*>"#,
        )
        .unwrap();
        let entities = regex::Regex::new(r"&[a-z]+;").unwrap();
        let mut past = Vec::new();
        for (path, source) in sources() {
            if path.extension().is_some_and(|end| end == "html") {
                let bare = tags.replace_all(&source, " ");
                let labels =
                    shown.captures_iter(&bare).filter_map(|found| found.get(1)).map(|text| text.as_str());
                let labels: Vec<String> = labels.map(str::to_owned).collect();
                let rest = shown.replace_all(&bare, "\n");
                let rest = entities.replace_all(&rest, " ").into_owned();
                let words = rest.lines().map(str::to_owned).chain(labels);
                past.extend(
                    words
                        .filter(|line| line.replace("Stoa", "").chars().any(char::is_alphabetic))
                        .map(|line| format!("{}: {}", path.display(), line.trim())),
                );
            }
        }
        assert!(past.is_empty(), "texts that are not in the catalogue:\n{}", past.join("\n"));
    }
}
