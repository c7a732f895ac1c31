//! Values that people supply to a block: checked, and with their secrets kept (`api-building-blocks.md` §5.1, §5.2).

use super::insufficient;
use super::model::Block;
use super::wire::InputEntry;
use crate::secret::{self, Keeper};
use crate::value::{self, TOTAL_MAX};
use crate::version::rules;
use crate::version::wire::{Assignment, Input, Version};
use serde_json::Value;
use std::collections::BTreeMap;
use stoa_base::Refusal;
use stoa_core::guard::Reach;
use stoa_core::{Call, Outcome};

/// Values that people supply, checked and with their secrets kept. Only what differs from `old` counts as a
/// change, and only changes need the right to make them.
pub fn supply(
    call: &Call,
    version: &Version,
    keeper: &Keeper,
    given: BTreeMap<String, InputEntry>,
    old: Option<&Block>,
    reach: Reach,
) -> Outcome<BTreeMap<String, Value>> {
    let mut supplied = old.map(|old| old.supplied.clone()).unwrap_or_default();
    let operates = matches!(reach, Reach::Admin | Reach::Managed | Reach::System);
    let moved = old.is_some_and(|old| old.version_number != version.number);
    let same = |current: Option<&Value>, sent: &Value| {
        current.is_some_and(|current| keeper.is_same(&call.world, current, sent))
    };
    for (key, entry) in given {
        let field = format!("spec.inputs.{key}");
        let Some(input) = version.inputs.get(&key) else {
            return Err(Refusal::invalid(field, "is not an input of this version").into());
        };
        let current =
            old.and_then(|old| old.inputs.iter().find(|(name, _)| *name == key)).map(|(_, row)| &row.value);
        if !input.assignment_type.is_supplied() {
            // What was read may be sent back as it is (§5.2); anything else is no one's to supply.
            if old.is_some() && (entry.value.is_null() || same(current, &entry.value)) {
                continue;
            }
            return Err(
                Refusal::invalid(field, "is not defined as a customer or platform-operator input").into()
            );
        }
        let unchanged = entry.value.is_null() || same(current, &entry.value);
        let first = current.is_none_or(Value::is_null);
        match input.assignment_type {
            Assignment::PlatformOperatorManualInput if !unchanged && !operates => {
                return Err(insufficient(&format!("`{key}` is supplied by the operator")));
            }
            Assignment::UserInput if !unchanged && !operates && !first && !input.updateable_by_consumer => {
                return Err(insufficient(&format!("`{key}` cannot be changed by consumers")));
            }
            _ => {}
        }
        if entry.is_sensitive.is_some_and(|sensitive| sensitive != input.is_sensitive) {
            let problem = format!("must be {}, as the definition says", input.is_sensitive);
            return Err(Refusal::invalid(format!("{field}.isSensitive"), problem).into());
        }
        if entry.value_type.is_some_and(|word| word != input.io_type.word()) {
            let problem = format!("must be {}, as the definition says", input.io_type.word());
            return Err(Refusal::invalid(format!("{field}.valueType"), problem).into());
        }
        // What stays the same may still not fit another version.
        if entry.value.is_null() || (unchanged && (!moved || input.is_sensitive)) {
            continue;
        }
        let at = format!("{field}.value");
        let value = if input.is_sensitive {
            if !entry.value.is_object() {
                let problem = "is sensitive and must be {\"plaintext\": …} or {\"hash\": …}";
                return Err(Refusal::invalid(at, problem).into());
            }
            if let Some(plaintext) = entry.value.get("plaintext").filter(|text| text.is_string()) {
                rules::check_value(&at, input, plaintext)?;
            }
            keeper.take(&call.world, &entry.value, old.and_then(|old| old.supplied.get(&key)), &at)?
        } else {
            rules::check_value(&at, input, &entry.value)?;
            entry.value
        };
        if !unchanged {
            supplied.insert(key, value);
        }
    }
    supplied.retain(|key, value| {
        version
            .inputs
            .get(key)
            .is_some_and(|input| input.assignment_type.is_supplied() && (!moved || still_fits(input, value)))
    });
    let size: usize = supplied.values().map(value::size).sum();
    if size > TOTAL_MAX {
        return Err(Refusal::TooLarge { limit_bytes: TOTAL_MAX }.into());
    }
    Ok(supplied)
}

/// Whether a value supplied for an older version is one that this version would take.
fn still_fits(input: &Input, value: &Value) -> bool {
    match (input.is_sensitive, secret::is_stored(value)) {
        (true, stored) => stored,
        (false, true) => false,
        (false, false) => rules::check_value("", input, value).is_ok(),
    }
}
