//! The outputs of a module as outputs of a block.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use stoa_client::runs::{Output, OutputType};

#[derive(Deserialize)]
struct ModuleOutput {
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    value: Value,
}

/// Reads what `output -json` says: numbers, truth values and texts as such, everything else as code, null not at all.
pub(crate) fn typed(json: &[u8]) -> Result<BTreeMap<String, Output>, serde_json::Error> {
    let outputs: BTreeMap<String, ModuleOutput> = serde_json::from_slice(json)?;
    Ok(outputs.into_iter().filter_map(|(name, output)| Some((name, one(output)?))).collect())
}

fn one(ModuleOutput { sensitive, value }: ModuleOutput) -> Option<Output> {
    let (output_type, value) = match value {
        Value::Null => return None,
        Value::Bool(_) => (OutputType::Boolean, value),
        Value::Number(_) => (OutputType::Integer, value),
        Value::String(_) => (OutputType::String, value),
        Value::Array(_) | Value::Object(_) => {
            let text = serde_json::to_string_pretty(&value).unwrap_or_else(|_| value.to_string());
            (OutputType::Code, Value::String(text))
        }
    };
    Some(Output { value, output_type, is_sensitive: sensitive })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_client::runs::OutputType;

    use super::typed;

    #[test]
    fn every_type_has_its_counterpart() {
        let module = json!({
            "text": { "sensitive": false, "type": "string", "value": "x" },
            "number": { "sensitive": false, "type": "number", "value": 3 },
            "truth": { "sensitive": true, "type": "bool", "value": true },
            "list": { "sensitive": false, "type": ["list", "string"], "value": ["a"] },
            "nothing": { "sensitive": false, "type": "string", "value": null }
        });
        let outputs = typed(module.to_string().as_bytes()).unwrap();
        let seen =
            outputs.iter().map(|(name, output)| (name.as_str(), output.output_type, output.value.clone()));
        let seen: Vec<_> = seen.collect();
        assert_eq!(
            seen,
            [
                ("list", OutputType::Code, json!("[\n  \"a\"\n]")),
                ("number", OutputType::Integer, json!(3)),
                ("text", OutputType::String, json!("x")),
                ("truth", OutputType::Boolean, json!(true)),
            ]
        );
        assert!(outputs["truth"].is_sensitive);
        assert!(typed(b"nonsense").is_err());
    }
}
