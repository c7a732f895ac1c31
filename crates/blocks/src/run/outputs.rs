//! What a successful run must have delivered (`api-building-blocks.md` §6.5, `runner-protocol.md` §7.5).

use super::model::Run;
use super::store::{self, Reported};
use crate::block::model::BlockOutput;
use crate::value::{self, IoType, TOTAL_MAX};
use crate::version::wire::Version;
use serde_json::Value;
use std::collections::BTreeMap;
use stoa_core::Outcome;
use stoa_db::Tx;

/// The outputs as published on the block, or why the run failed after all.
pub fn validated(
    tx: &mut Tx,
    run: &Run,
    version: &Version,
) -> Outcome<Result<BTreeMap<String, BlockOutput>, String>> {
    let reported: BTreeMap<String, Reported> = store::outputs(tx, run.id)?.into_iter().collect();
    Ok(check(&reported, version))
}

fn check(
    reported: &BTreeMap<String, Reported>,
    version: &Version,
) -> Result<BTreeMap<String, BlockOutput>, String> {
    let missing: Vec<&str> =
        version.outputs.keys().filter(|key| !reported.contains_key(*key)).map(String::as_str).collect();
    if !missing.is_empty() {
        return Err(format!(
            "The run succeeded without delivering these declared outputs: {}.",
            missing.join(", ")
        ));
    }
    let mut outputs = BTreeMap::new();
    let mut size = 0;
    for (key, declared) in &version.outputs {
        let Some(found) = reported.get(key) else { continue };
        let value = if found.sensitive {
            Value::Null
        } else {
            fitted(declared.io_type, &found.value)
                .ok_or_else(|| format!("Output `{key}` is not of type {}.", declared.io_type.word()))?
        };
        size += value::size(&value);
        let output =
            BlockOutput { value, value_type: declared.io_type, assignment_type: declared.assignment_type };
        outputs.insert(key.clone(), output);
    }
    if size > TOTAL_MAX {
        return Err(format!("The outputs of the run take {size} bytes; {TOTAL_MAX} are possible."));
    }
    Ok(outputs)
}

/// A reported value as its declared type stores it.
fn fitted(declared: IoType, value: &Value) -> Option<Value> {
    match declared {
        IoType::Integer => match value {
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.clone()),
            // 3.0 is a whole number that a tool wrote with a fraction.
            Value::Number(number) => number
                .as_f64()
                .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)
                .and_then(|float| format!("{float:.0}").parse::<i64>().ok())
                .map(Value::from),
            _ => None,
        },
        IoType::Boolean => value.is_boolean().then(|| value.clone()),
        IoType::Code | IoType::List if value.is_array() || value.is_object() => {
            Some(Value::String(value.to_string()))
        }
        _ => value.is_string().then(|| value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_fit_their_declared_type() {
        for (declared, value, stored) in [
            (IoType::String, json!("x"), Some(json!("x"))),
            (IoType::Code, json!("x"), Some(json!("x"))),
            (IoType::Code, json!(["a"]), Some(json!("[\"a\"]"))),
            (IoType::Code, json!({"a": 1}), Some(json!("{\"a\":1}"))),
            (IoType::Integer, json!(3), Some(json!(3))),
            (IoType::Integer, json!(3.0), Some(json!(3))),
            (IoType::Integer, json!(3.5), None),
            (IoType::Integer, json!("3"), None),
            (IoType::Boolean, json!(true), Some(json!(true))),
            (IoType::Boolean, json!("true"), None),
            (IoType::String, json!(3), None),
            (IoType::File, json!("data:"), Some(json!("data:"))),
        ] {
            assert_eq!(fitted(declared, &value), stored, "{declared:?} {value}");
        }
    }
}
