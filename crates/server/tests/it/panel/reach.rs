//! Panel and API reach the same: the pages call nothing that the API does not offer, and what no page calls is
//! written down in `reach.txt` with its reason.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stoa_identity::oidc::Providers;
use stoa_server::assembly::routes;

/// Patterns of the API that no page calls, as reviewed: `<pattern> <reason>`.
const BEYOND: &str = include_str!("reach.txt");

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Paths that the pages' sources name, without query; a place that is filled in is `{}`.
fn named() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../panel/src"), &mut files);
    let literal = regex::Regex::new(r#""(/api/[^"?]*)"#).unwrap();
    let place = regex::Regex::new(r"\{[^{}]*\}").unwrap();
    let mut named = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for found in literal.captures_iter(code) {
            named.insert(place.replace_all(&found[1], "{}").into_owned());
        }
    }
    named
}

/// Whether a path of the pages is one of a pattern. A place may stand for several segments at the end only.
fn is_of(named: &str, pattern: &str) -> bool {
    let (mut ours, mut theirs) = (named.split('/'), pattern.split('/'));
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(ours), Some(theirs)) => {
                let is_place = theirs.starts_with('{') && !ours.is_empty();
                if ours != theirs && !is_place {
                    // `/api/x/{}{}`: the second place is a tail such as `/approval`.
                    return false;
                }
                if ours.contains("{}{}") {
                    return true;
                }
            }
            _ => return false,
        }
    }
}

fn patterns() -> BTreeSet<String> {
    let all = routes(&Arc::new(Providers::default()));
    all.into_iter().map(|route| route.path).filter(|path| path.starts_with("/api/")).collect()
}

fn is_general(named: &str) -> bool {
    // Made of a kind's collection: said of each kind in the list.
    named.contains("/meshobjects/{}")
}

#[test]
fn pages_call_what_the_api_offers() {
    let patterns = patterns();
    let nowhere: Vec<String> = named()
        .into_iter()
        .filter(|named| !is_general(named) && !named.ends_with('/'))
        .filter(|named| !patterns.iter().any(|pattern| is_of(named, pattern)))
        .collect();
    assert!(nowhere.is_empty(), "pages name what is no route:\n{}", nowhere.join("\n"));
}

#[test]
fn what_no_page_calls_is_known() {
    let named = named();
    let unreached: BTreeSet<String> = patterns()
        .into_iter()
        .filter(|pattern| !named.iter().any(|named| !is_general(named) && is_of(named, pattern)))
        .collect();
    let lines = BEYOND.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let known: BTreeSet<String> =
        lines.map(|line| line.split_once(' ').expect("a pattern and a reason").0.to_owned()).collect();
    let new: Vec<&String> = unreached.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&unreached).collect();
    assert!(new.is_empty(), "no page calls these; write one, or say in reach.txt why not: {new:#?}");
    assert!(gone.is_empty(), "these are called by now, or gone; take them out of reach.txt: {gone:#?}");
}
