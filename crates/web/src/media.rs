//! Versioned media types and their negotiation (`api-core.md` §1.2 and §1.3).

/// Content type of plain JSON answers, errors among them.
pub const JSON: &str = "application/json";
const PREFIX: &str = "application/vnd.meshcloud.api.";
const SUFFIX: &str = ".hal+json";

/// The media type of a kind in a version, as responses carry it.
pub fn of(kind: &str, version: &str) -> String {
    format!("{PREFIX}{}.{version}{SUFFIX}", kind.to_ascii_lowercase())
}

/// A media type without its parameters, in lower case.
fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Which of `versions` of `kind` a `Content-Type` names.
pub fn version_of<'v>(content_type: &str, kind: &str, versions: &[&'v str]) -> Option<&'v str> {
    let found = essence(content_type);
    versions.iter().find(|version| of(kind, version) == found).copied()
}

/// How much the sender of a part of an `Accept` likes it.
fn quality(part: &str) -> f32 {
    part.split(';')
        .filter_map(|parameter| parameter.trim().strip_prefix("q="))
        .find_map(|q| q.trim().parse().ok())
        .unwrap_or(1.0)
}

/// Whether an `Accept` names this very media type.
pub fn accepts(accept: &str, wanted: &str) -> bool {
    accept.split(',').any(|part| is(part, wanted) && quality(part) > 0.0)
}

/// Which of `versions` of `kind` an `Accept` prefers: the highest q, then the first listed.
pub fn accepted<'v>(accept: &str, kind: &str, versions: &[&'v str]) -> Option<&'v str> {
    let mut best: Option<(f32, &'v str)> = None;
    for part in accept.split(',') {
        let Some(version) = version_of(part, kind, versions) else { continue };
        let q = quality(part);
        if q > 0.0 && best.is_none_or(|(highest, _)| q > highest) {
            best = Some((q, version));
        }
    }
    best.map(|(_, version)| version)
}

/// Whether a `Content-Type` is this plain one, parameters aside.
pub fn is(content_type: &str, wanted: &str) -> bool {
    essence(content_type) == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: &[&str] = &["v1", "v2-preview"];
    const V1: &str = "application/vnd.meshcloud.api.meshbuildingblock.v1.hal+json";
    const V2: &str = "application/vnd.meshcloud.api.meshBuildingBlock.v2-preview.hal+json";

    #[test]
    fn case_and_parameters_do_not_matter() {
        let version = |text: &str| version_of(text, "meshBuildingBlock", VERSIONS);
        assert_eq!(version(V1), Some("v1"));
        assert_eq!(version(V2), Some("v2-preview"));
        assert_eq!(version(&format!("{} ; charset=UTF-8", V1.to_uppercase())), Some("v1"));
        for bad in ["", "*/*", "application/json", "application/vnd.meshcloud.api.meshproject.v1.hal+json"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_highest_q_wins_and_then_the_first() {
        let pick = |text: &str| accepted(text, "meshBuildingBlock", VERSIONS);
        assert_eq!(pick(&format!("{V1};q=0.5, {V2}")), Some("v2-preview"));
        assert_eq!(pick(&format!("{V2}, {V1}")), Some("v2-preview"));
        assert_eq!(pick(&format!("{V1}, {V2}")), Some("v1"));
        assert_eq!(pick(&format!("*/*, {V1};q=0.1")), Some("v1"));
        assert_eq!(pick(&format!("{V1};q=0")), None);
        assert!(accepts(&format!("*/*, {V2};charset=utf-8"), V2.to_ascii_lowercase().as_str()));
        assert!(!accepts(&format!("{V1}, {V2};q=0"), V2.to_ascii_lowercase().as_str()));
    }
}
