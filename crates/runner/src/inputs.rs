//! The inputs of a run, with everything opened that was sealed for this runner.

use serde_json::Value;
use stoa_client::runs::{Input, InputType};
use stoa_seal::PrivateKey;
use zeroize::Zeroize;

/// One input in the clear. Sensitive values are overwritten when it is dropped.
pub(crate) struct OpenInput {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) input_type: InputType,
    pub(crate) is_sensitive: bool,
    pub(crate) is_environment: bool,
}

impl OpenInput {
    /// The value as it stands in the environment: texts as they are, everything else as JSON.
    pub(crate) fn as_text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

impl Drop for OpenInput {
    fn drop(&mut self) {
        if let (true, Value::String(text)) = (self.is_sensitive, &mut self.value) {
            text.zeroize();
        }
    }
}

/// Opens all sealed inputs. Says which one could not be opened.
pub(crate) fn open(inputs: &[Input], key: &PrivateKey) -> Result<Vec<OpenInput>, String> {
    inputs.iter().map(|input| open_one(input, key)).collect()
}

fn open_one(input: &Input, key: &PrivateKey) -> Result<OpenInput, String> {
    let value = match (&input.value, input.is_sensitive) {
        (Value::String(sealed), true) => {
            let opened = key.open(sealed).map_err(|error| {
                let name = &input.key;
                format!("The sensitive input `{name}` cannot be read by this runner: {error}. Please enter it again")
            })?;
            Value::String(opened)
        }
        (value, _) => value.clone(),
    };
    Ok(OpenInput {
        key: input.key.clone(),
        value,
        input_type: input.input_type,
        is_sensitive: input.is_sensitive,
        is_environment: input.is_environment,
    })
}
