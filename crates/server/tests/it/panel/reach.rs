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

/// Texts in the pages' sources that may be paths or ends of paths; a place that is filled in is `{}`.
fn texts() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../panel/src"), &mut files);
    let literal = regex::Regex::new(r#""([A-Za-z0-9_/{}.-]+)[?"]"#).unwrap();
    let place = regex::Regex::new(r"\{[^{}]*\}").unwrap();
    let mut texts = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        texts
            .extend(literal.captures_iter(code).map(|found| place.replace_all(&found[1], "{}").into_owned()));
    }
    texts
}

/// Whether a path of the pages is one of a pattern: the same words, and anything in its places.
fn is_of(named: &str, pattern: &str) -> bool {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (named.split('/').collect(), pattern.split('/').collect());
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| {
            *ours == theirs || *ours == "{}" || (theirs.starts_with('{') && !ours.is_empty())
        })
}

/// Whether the pages call a pattern: they name it whole, or the end of it that is its own.
fn is_reached(texts: &BTreeSet<String>, pattern: &str) -> bool {
    // `/api/meshobjects/{}` is any kind; which ones, their collections say.
    let whole = |text: &&String| text.starts_with("/api/") && !text.contains("/meshobjects/{}");
    if texts.iter().filter(whole).any(|text| is_of(text, pattern)) {
        return true;
    }
    let bare = pattern.rsplit_once("/{").map_or(pattern, |(before, _)| before);
    let end = match pattern.rsplit_once("}/") {
        Some((_, end)) if !end.contains('{') => end,
        _ => bare.trim_start_matches("/api/meshobjects/"),
    };
    let is_end = |text: &String| {
        text == end || text.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    texts.iter().any(is_end)
}

fn patterns() -> BTreeSet<String> {
    let all = routes(&Arc::new(Providers::default()));
    all.into_iter().map(|route| route.path).filter(|path| path.starts_with("/api/")).collect()
}

#[test]
fn pages_call_what_the_api_offers() {
    let patterns = patterns();
    let is_whole = |text: &String| text.starts_with("/api/") && !text.ends_with('/');
    // The beginning of a path that is put together is the beginning of a pattern.
    let begins = |text: &str| patterns.iter().any(|pattern| pattern.starts_with(&format!("{text}/")));
    let nowhere: Vec<String> = texts()
        .into_iter()
        .filter(is_whole)
        .map(|text| text.replace("{}{}", "{}"))
        .filter(|text| !begins(text) && !patterns.iter().any(|pattern| is_of(text, pattern)))
        .collect();
    assert!(nowhere.is_empty(), "pages name what is no route:\n{}", nowhere.join("\n"));
}

#[test]
fn what_no_page_calls_is_known() {
    let texts = texts();
    let unreached: BTreeSet<String> =
        patterns().into_iter().filter(|pattern| !is_reached(&texts, pattern)).collect();
    let lines = BEYOND.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let known: BTreeSet<String> =
        lines.map(|line| line.split_once(' ').expect("a pattern and a reason").0.to_owned()).collect();
    let new: Vec<&String> = unreached.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&unreached).collect();
    assert!(new.is_empty(), "no page calls these; write one, or say in reach.txt why not: {new:#?}");
    assert!(gone.is_empty(), "these are called by now, or gone; take them out of reach.txt: {gone:#?}");
}
