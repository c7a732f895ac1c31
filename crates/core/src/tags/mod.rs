//! Tags and the rules that admit changes to them (`api-core.md` §1.13, definitions in §3.11).

mod admission;
mod definition;
mod known;
mod removal;

pub use admission::check_key;
pub use definition::{Definition, Rule, ValueType};
pub use known::{Known, MOST, changed, count};
pub use removal::{CONTROLLER, look, remove_values};

use crate::call::Call;
use crate::guard::{Allowed, Reach};
use crate::outcome::Outcome;
use serde_json::{Map, Value};
use std::fmt;
use stoa_db::Tx;

/// Which definitions apply: the `targetKind` of tag definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// meshWorkspace.
    Workspace,
    /// meshProject.
    Project,
    /// meshLandingZone.
    LandingZone,
    /// meshBuildingBlockDefinition.
    Definition,
    /// meshPaymentMethod.
    PaymentMethod,
    /// meshProjectRole.
    ProjectRole,
    /// meshUser and meshWorkspaceUserGroup: freely taggable.
    Principal,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Workspace,
        Self::Project,
        Self::LandingZone,
        Self::PaymentMethod,
        Self::Definition,
        Self::ProjectRole,
        Self::Principal,
    ];

    /// As `spec.targetKind` says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Workspace => "meshWorkspace",
            Self::Project => "meshProject",
            Self::LandingZone => "meshLandingZone",
            Self::Definition => "meshBuildingBlockDefinition",
            Self::PaymentMethod => "meshPaymentMethod",
            Self::ProjectRole => "meshProjectRole",
            Self::Principal => "meshPrincipal",
        }
    }

    /// The target that a word of `spec.targetKind` means.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.word() == word)
    }

    /// The kinds whose objects carry these tags.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Workspace => &["meshWorkspace"],
            Self::Project => &["meshProject"],
            Self::LandingZone => &["meshLandingZone"],
            Self::Definition => &["meshBuildingBlockDefinition"],
            Self::PaymentMethod => &["meshPaymentMethod"],
            Self::ProjectRole => &["meshProjectRole"],
            Self::Principal => &["meshUser", "meshWorkspaceUserGroup"],
        }
    }

    /// Whether tags without a definition are taken.
    fn is_free(self) -> bool {
        self == Self::Principal
    }

    /// Whether what is created gets the defaults of restricted tags.
    fn gets_defaults(self) -> bool {
        matches!(self, Self::Project | Self::LandingZone | Self::Definition)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Tags of a request as they are to be stored, admitted against the definitions of `target`. `field` is where
/// they stand in the request, `old` what is stored (none on create), `allowed` the proof of this very write.
/// Stored documents keep their tags in a member `tags`, from where they go when their definition does.
pub fn admit(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    target: Target,
    field: &str,
    given: Map<String, Value>,
    old: Option<&Map<String, Value>>,
) -> Outcome<Map<String, Value>> {
    let rules = call.world.tags.rules(tx)?;
    let by_admin = matches!(allowed.reach(), Reach::Admin | Reach::System);
    Ok(admission::admitted(rules.of(target), target, by_admin, field, given, old)?)
}

/// Facet by which lists find objects with a value of a tag; see [`facets`].
pub const FACET: &str = "tag";

/// What lists find these tags by: `key:value` of each value.
pub fn facets(tags: &Map<String, Value>) -> Vec<String> {
    let values = |(key, values): (&String, &Value)| {
        let values = values.as_array().cloned().unwrap_or_default();
        let key = key.clone();
        values.into_iter().filter_map(move |value| Some(format!("{key}:{}", value.as_str()?)))
    };
    tags.iter().flat_map(values).collect()
}

/// Tags that hold where several levels meet: later parts win, key by key (tenants: workspace, payment method,
/// project).
pub fn merged(parts: &[&Map<String, Value>]) -> Map<String, Value> {
    let mut whole = Map::new();
    for part in parts {
        for (key, values) in *part {
            whole.insert(key.clone(), values.clone());
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_value_is_a_facet() {
        let tags = json!({ "a": ["x", "y: z"], "b": [], "c": ["1"] });
        assert_eq!(facets(tags.as_object().unwrap()), ["a:x", "a:y: z", "c:1"]);
    }

    #[test]
    fn every_target_reads_back() {
        for target in Target::ALL {
            assert_eq!(Target::of(target.word()), Some(target));
            assert!(!target.kinds().is_empty());
        }
        assert_eq!(Target::of("meshTenant"), None);
        assert_eq!(Target::of("meshUser"), None);
    }

    #[test]
    fn later_parts_win_key_by_key() {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        let workspace = map(json!({ "a": ["w"], "b": ["w"], "c": ["w"] }));
        let payment = map(json!({ "b": ["p"], "c": ["p", "p"] }));
        let project = map(json!({ "c": ["x"], "d": ["x"] }));
        assert_eq!(
            Value::Object(merged(&[&workspace, &payment, &project])),
            json!({ "a": ["w"], "b": ["p"], "c": ["x"], "d": ["x"] })
        );
        assert!(merged(&[]).is_empty());
    }
}
