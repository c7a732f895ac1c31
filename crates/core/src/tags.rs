//! Tags and the rules that admit changes to them (`api-core.md` §1.13, definitions in §3.11).

use crate::call::Call;
use crate::guard::Allowed;
use crate::outcome::Outcome;
use serde_json::{Map, Value};
use stoa_base::Refusal;
use stoa_db::Tx;

/// Which definitions apply: the `targetKind` of tag definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Tags of a request as they are to be stored, admitted against the definitions of `target`. `field` is where
/// they stand in the request, `old` what is stored (none on create), `allowed` the proof of this very write.
pub fn admit(
    _tx: &mut Tx,
    _call: &Call,
    _allowed: Allowed,
    _target: Target,
    field: &str,
    given: Map<String, Value>,
    _old: Option<&Map<String, Value>>,
) -> Outcome<Map<String, Value>> {
    Ok(normal(given, field)?)
}

/// Tags as stored: lists of strings, numbers and booleans written as text, keys without values left out.
fn normal(tags: Map<String, Value>, field: &str) -> Result<Map<String, Value>, Refusal> {
    let mut stored = Map::new();
    for (key, values) in tags {
        let at = format!("{field}.{key}");
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        if !plain || key.len() > 100 || !key.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            let problem = "must have a key of letters, digits, `_`, `.` and `-`, at most 100";
            return Err(Refusal::invalid(at, problem));
        }
        let Value::Array(values) = values else {
            return Err(Refusal::invalid(at, "must be a list of strings"));
        };
        let mut texts = Vec::new();
        for value in values {
            texts.push(match value {
                Value::String(text) => Value::String(text),
                Value::Number(number) => Value::String(number.to_string()),
                Value::Bool(truth) => Value::String(truth.to_string()),
                _ => return Err(Refusal::invalid(at, "must be a list of strings")),
            });
        }
        if !texts.is_empty() {
            stored.insert(key, Value::Array(texts));
        }
    }
    Ok(stored)
}
