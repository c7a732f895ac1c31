//! Which inputs and outputs a version may declare (`api-building-blocks.md` §3.3 and §3.4). Pure.

use super::wire::{AskedOutput, Assignment, Input, Output, OutputAssignment, Override, Version};
use crate::definition::TargetType;
use crate::value::IoType;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use stoa_base::{Refusal, check_key};

/// System inputs that every run may get; nobody may declare them (`runner-protocol.md` §4.4).
pub const RESERVED: [&str; 3] = ["MESHSTACK_API_TOKEN", "MESHSTACK_ENDPOINT", "MESHSTACK_RUN_TOKEN"];
/// A hostile pattern must not eat the server's memory.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A pattern that must match the whole value.
pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(REGEX_BYTES_MAX).build()
}

/// Checks one input but for its secrets and its parent's outputs.
pub fn check_input(key: &str, input: &Input, target: TargetType) -> Result<(), Refusal> {
    let at = |field: &str| format!("spec.inputs.{key}{field}");
    let refuse = |field: &str, problem: &str| Err(Refusal::invalid(at(field), problem));
    check_key(key).map_err(|bad| Refusal::invalid(at(""), bad.to_string()))?;
    if RESERVED.contains(&key) {
        return refuse("", "is a name that Stoa itself supplies to runs");
    }
    if input.display_name.trim().is_empty() {
        return refuse(".displayName", "must not be blank");
    }
    if input.is_environment && input.io_type == IoType::File {
        return refuse(".isEnvironment", "must be false for an input of type FILE");
    }
    let supplied = input.assignment_type.is_supplied();
    if input.is_sensitive {
        if !supplied && input.assignment_type != Assignment::Static {
            let problem = "is possible for USER_INPUT, PLATFORM_OPERATOR_MANUAL_INPUT and STATIC inputs only";
            return refuse(".isSensitive", problem);
        }
        if !input.io_type.may_be_sensitive() {
            return refuse(".isSensitive", "is possible for STRING, CODE and FILE only");
        }
    }
    if input.assignment_type.needs_tenant() && target == TargetType::WorkspaceLevel {
        return refuse(".assignmentType", "needs a tenant, but the definition is WORKSPACE_LEVEL");
    }
    match input.assignment_type {
        Assignment::Static if input.argument.is_null() && !input.is_sensitive => {
            return refuse(".argument", "is required for STATIC");
        }
        Assignment::BuildingBlockOutput
            if !input.argument.as_str().is_some_and(|text| text.contains('.')) =>
        {
            return refuse(".argument", "must be `<definitionUuid>.<outputName>`");
        }
        Assignment::Static | Assignment::BuildingBlockOutput => {}
        _ if !input.argument.is_null() => {
            return refuse(".argument", "is possible for STATIC and BUILDING_BLOCK_OUTPUT only");
        }
        Assignment::UserPermissions | Assignment::Author
            if !matches!(input.io_type, IoType::Code | IoType::List) =>
        {
            return refuse(".type", "must be CODE for this assignmentType");
        }
        Assignment::UserInput
        | Assignment::PlatformOperatorManualInput
        | Assignment::UserPermissions
        | Assignment::Author => {}
        _ if input.io_type != IoType::String => {
            return refuse(".type", "must be STRING for this assignmentType");
        }
        _ => {}
    }
    if !supplied && !input.default_value.is_null() {
        let problem = "is possible for USER_INPUT and PLATFORM_OPERATOR_MANUAL_INPUT only";
        return refuse(".defaultValue", problem);
    }
    match &input.selectable_values {
        Some(_) if !input.io_type.is_select() => {
            return refuse(".selectableValues", "is possible for SINGLE_SELECT and MULTI_SELECT only");
        }
        None if input.io_type.is_select() => return refuse(".selectableValues", "is required"),
        Some(values) if values.is_empty() => return refuse(".selectableValues", "must not be empty"),
        _ => {}
    }
    if let Some(pattern) = &input.value_validation_regex {
        whole(pattern).map_err(|bad| {
            Refusal::invalid(at(".valueValidationRegex"), format!("cannot be understood: {bad}"))
        })?;
    }
    if !input.is_sensitive {
        if input.assignment_type == Assignment::Static {
            check_value(&at(".argument"), input, &input.argument)?;
        }
        if !input.default_value.is_null() {
            check_value(&at(".defaultValue"), input, &input.default_value)?;
        }
    }
    Ok(())
}

/// Checks a plain value against an input's type, choices and pattern. `field` names it in the refusal.
pub fn check_value(field: &str, input: &Input, value: &Value) -> Result<(), Refusal> {
    let options = input.selectable_values.as_deref().unwrap_or_default();
    if let Some(wanted) = input.io_type.mismatch(value, options) {
        return Err(Refusal::invalid(field, format!("must be {wanted}")));
    }
    let (Some(pattern), Some(text)) = (&input.value_validation_regex, value.as_str()) else { return Ok(()) };
    if whole(pattern).is_ok_and(|regex| regex.is_match(text)) {
        return Ok(());
    }
    let problem = input
        .validation_regex_error_message
        .clone()
        .unwrap_or_else(|| format!("must match the pattern {pattern}"));
    Err(Refusal::invalid(field, problem))
}

/// Gives inputs without a position the next free one, in the order of their keys.
pub fn assign_positions(inputs: &mut BTreeMap<String, Input>) {
    let next = inputs.values().filter_map(|input| input.display_order).max().map_or(0, |max| max + 1);
    let without = inputs.values_mut().filter(|input| input.display_order.is_none());
    for (input, position) in without.zip(next..) {
        input.display_order = Some(position);
    }
}

fn parsed<'de, T: Deserialize<'de>>(field: String, text: &'de str) -> Result<T, Refusal> {
    let of = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
    T::deserialize(of).map_err(|_| Refusal::invalid(field, format!("knows no `{text}`")))
}

/// The outputs of a version that is not manual.
pub fn outputs(
    asked: BTreeMap<String, AskedOutput>,
    target: TargetType,
) -> Result<BTreeMap<String, Output>, Refusal> {
    let mut outputs = BTreeMap::new();
    let mut next = asked.values().filter_map(|output| output.display_order).max().map_or(0, |max| max + 1);
    for (key, asked) in asked {
        let at = |field: &str| format!("spec.outputs.{key}{field}");
        check_key(&key).map_err(|bad| Refusal::invalid(at(""), bad.to_string()))?;
        let word = asked.io_type.ok_or_else(|| Refusal::invalid(at(".type"), "is required"))?;
        let io_type: IoType = parsed(at(".type"), &word)?;
        if !matches!(io_type, IoType::String | IoType::Code | IoType::Integer | IoType::Boolean) {
            return Err(Refusal::invalid(at(".type"), "must be STRING, CODE, INTEGER or BOOLEAN"));
        }
        let assignment_type = match asked.assignment_type.filter(|word| !word.is_empty()) {
            Some(word) => parsed(at(".assignmentType"), &word)?,
            None => OutputAssignment::None,
        };
        let display_order = asked.display_order.unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        let display_name = asked.display_name.filter(|name| !name.trim().is_empty());
        let display_name = display_name.ok_or_else(|| Refusal::invalid(at(".displayName"), "is required"))?;
        outputs.insert(
            key,
            Output { display_name, io_type, assignment_type, display_order: Some(display_order) },
        );
    }
    check_assignments(&outputs, target)?;
    Ok(outputs)
}

fn check_assignments(outputs: &BTreeMap<String, Output>, target: TargetType) -> Result<(), Refusal> {
    let ids: Vec<&String> = outputs
        .iter()
        .filter(|(_, output)| output.assignment_type == OutputAssignment::PlatformTenantId)
        .map(|(key, _)| key)
        .collect();
    match ids.as_slice() {
        [key] if target == TargetType::WorkspaceLevel => Err(Refusal::invalid(
            format!("spec.outputs.{key}.assignmentType"),
            "PLATFORM_TENANT_ID needs a TENANT_LEVEL definition",
        )),
        [] | [_] => Ok(()),
        [_, second, ..] => Err(Refusal::invalid(
            format!("spec.outputs.{second}.assignmentType"),
            "PLATFORM_TENANT_ID is possible for one output only",
        )),
    }
}

/// The outputs of a manual version: one per input, with what the author changed now or earlier. Writing back what is
/// derived anyway changes nothing.
pub fn manual_outputs(
    version: &mut Version,
    asked: BTreeMap<String, AskedOutput>,
    target: TargetType,
) -> Result<(), Refusal> {
    let keys: Vec<String> = version.ordered_inputs().into_iter().map(|(key, _)| key.clone()).collect();
    let positions: BTreeMap<String, i64> = keys.iter().cloned().zip(0..).collect();
    for (key, asked) in asked {
        let at = |field: &str| format!("spec.outputs.{key}{field}");
        let Some(input) = version.inputs.get(&key) else {
            return Err(Refusal::invalid(at(""), "has no input of the same key, as a manual output must"));
        };
        let derived = input.io_type.derived_output().word();
        if asked.io_type.as_ref().is_some_and(|word| !word.is_empty() && word != derived) {
            return Err(Refusal::invalid(
                at(".type"),
                format!("is derived from the input and must be {derived}"),
            ));
        }
        let mine = version.manual_overrides.entry(key.clone()).or_default();
        if let Some(name) = asked.display_name.filter(|name| !name.is_empty())
            && (mine.display_name.is_some() || name != input.display_name)
        {
            mine.display_name = Some(name);
        }
        if let Some(word) = asked.assignment_type.filter(|word| !word.is_empty()) {
            let assignment: OutputAssignment = parsed(at(".assignmentType"), &word)?;
            if mine.assignment_type.is_some() || assignment != OutputAssignment::default() {
                mine.assignment_type = Some(assignment);
            }
        }
        if asked.display_order.is_some()
            && (mine.display_order.is_some() || asked.display_order != positions.get(&key).copied())
        {
            mine.display_order = asked.display_order;
        }
    }
    let none = Override::default();
    version.manual_overrides.retain(|key, mine| version.inputs.contains_key(key) && *mine != none);
    version.outputs = keys
        .into_iter()
        .zip(0..)
        .map(|(key, position)| {
            let input = &version.inputs[&key];
            let Override { display_name, assignment_type, display_order } =
                version.manual_overrides.get(&key).cloned().unwrap_or_default();
            let output = Output {
                display_name: display_name.unwrap_or_else(|| input.display_name.clone()),
                io_type: input.io_type.derived_output(),
                assignment_type: assignment_type.unwrap_or_default(),
                display_order: Some(display_order.unwrap_or(position)),
            };
            (key, output)
        })
        .collect();
    check_assignments(&version.outputs, target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(changes: Value) -> Input {
        let mut whole = json!({
            "displayName": "x", "type": "STRING", "assignmentType": "USER_INPUT", "isEnvironment": false,
            "isSensitive": false, "updateableByConsumer": false,
        });
        for (name, value) in changes.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn the_table_of_inputs() {
        let refused = |changes: Value| check_input("k", &input(changes), TargetType::WorkspaceLevel).is_err();
        for bad in [
            json!({"type": "FILE", "isEnvironment": true}),
            json!({"assignmentType": "WORKSPACE_IDENTIFIER", "isSensitive": true}),
            json!({"type": "INTEGER", "isSensitive": true}),
            json!({"assignmentType": "STATIC"}),
            json!({"argument": "x"}),
            json!({"assignmentType": "STATIC", "argument": "x", "defaultValue": "y"}),
            json!({"type": "SINGLE_SELECT"}),
            json!({"type": "SINGLE_SELECT", "selectableValues": []}),
            json!({"selectableValues": ["a"]}),
            json!({"type": "SINGLE_SELECT", "selectableValues": ["a"], "defaultValue": "b"}),
            json!({"valueValidationRegex": "["}),
            json!({"valueValidationRegex": "[a-z]+", "defaultValue": "aB"}),
            json!({"valueValidationRegex": "((a{1000}){1000}){1000}"}),
            json!({"assignmentType": "PROJECT_IDENTIFIER"}),
            json!({"assignmentType": "AUTHOR"}),
            json!({"assignmentType": "BUILDING_BLOCK_OUTPUT", "argument": "x"}),
            json!({"displayName": " "}),
        ] {
            assert!(refused(bad.clone()), "{bad}");
        }
        for good in [
            json!({}),
            json!({"assignmentType": "STATIC", "argument": "x"}),
            json!({"type": "MULTI_SELECT", "selectableValues": ["a", "b"], "defaultValue": ["b"]}),
            json!({"valueValidationRegex": "[a-z]+", "defaultValue": "ab"}),
            json!({"assignmentType": "AUTHOR", "type": "CODE"}),
        ] {
            assert!(!refused(good.clone()), "{good}");
        }
        assert!(check_input("MESHSTACK_RUN_TOKEN", &input(json!({})), TargetType::TenantLevel).is_err());
    }

    #[test]
    fn patterns_match_the_whole_value() {
        let input =
            input(json!({"valueValidationRegex": "a|b", "validationRegexErrorMessage": "use a or b"}));
        assert!(check_value("f", &input, &json!("a")).is_ok());
        assert_eq!(check_value("f", &input, &json!("ab")).unwrap_err().to_string(), "`f` use a or b");
    }

    #[test]
    fn positions_are_given_once() {
        let mut inputs: BTreeMap<String, Input> = ["a", "b", "c"]
            .map(|key| {
                (key.to_owned(), input(if key == "b" { json!({"displayOrder": 0}) } else { json!({}) }))
            })
            .into();
        assign_positions(&mut inputs);
        let order = |key: &str| inputs[key].display_order;
        assert_eq!((order("a"), order("b"), order("c")), (Some(1), Some(0), Some(2)));
    }
}
