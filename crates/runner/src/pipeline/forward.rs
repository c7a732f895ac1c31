//! The run as a pipeline gets it: with its inputs in the clear, without what only the runner needs
//! (`runner-protocol.md` §13).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stoa_client::runs::Run;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::inputs::{OpenInput, open};
use crate::work::Work;

/// Opens a credential of the definition or its integration. From now on it appears in no message.
pub(crate) fn open_secret(work: &Work<'_>, sealed: &str, name: &str) -> Result<Zeroizing<String>, Failure> {
    let secret = work.runner.private_key.open(sealed).map_err(|error| {
        work.progress.log(&format!("{name} cannot be opened: {error}"));
        Failure::step(format!("{name} cannot be read by this runner. Please enter it again"))
    })?;
    let secret = Zeroizing::new(secret);
    work.progress.keep_secret([secret.as_str()]);
    Ok(secret)
}

/// What a pipeline can be told about its run.
pub(crate) struct Forwarded {
    inputs: Vec<OpenInput>,
    run: Value,
}

impl Forwarded {
    /// Opens the inputs of a run.
    pub(crate) fn new(work: &Work<'_>, run: &Run) -> Result<Self, Failure> {
        let inputs = open(&run.building_block.inputs, &work.runner.private_key).map_err(Failure::Step)?;
        let secret =
            inputs.iter().filter(|input| input.is_sensitive).filter_map(|input| input.value.as_str());
        work.progress.keep_secret(secret);
        let run = serde_json::from_str(&work.claimed.json)
            .map_err(|error| Failure::step(format!("This runner does not understand the run: {error}")))?;
        Ok(Self { inputs, run })
    }

    /// The run object.
    pub(crate) fn run_object(&self) -> Value {
        let mut run = self.run.clone();
        let opened: BTreeMap<&str, &Value> =
            self.inputs.iter().map(|input| (input.key.as_str(), &input.value)).collect();
        let listed = run.pointer_mut("/spec/buildingBlock/spec/inputs").and_then(Value::as_array_mut);
        for input in listed.into_iter().flatten() {
            let value = input.get("key").and_then(Value::as_str).and_then(|key| opened.get(key));
            if let Some(value) = value {
                input["value"] = (*value).clone();
            }
        }
        if let Some(implementation) = run.pointer_mut("/spec/buildingBlockDefinition/spec/implementation") {
            *implementation = json!({ "type": implementation.get("type") });
        }
        if let Some(spec) = run.get_mut("spec").and_then(Value::as_object_mut) {
            spec.shift_remove("trigger");
        }
        run
    }

    /// One input as text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.inputs.iter().find(|input| input.key == key).map(OpenInput::as_text)
    }

    /// The inputs for the environment, as texts.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&str, String)> {
        self.texts(true)
    }

    /// The other inputs, as texts.
    pub(crate) fn plain(&self) -> impl Iterator<Item = (&str, String)> {
        self.texts(false)
    }

    /// The other inputs as an object of texts.
    pub(crate) fn plain_object(&self) -> Map<String, Value> {
        self.plain().map(|(key, text)| (key.to_owned(), Value::String(text))).collect()
    }

    fn texts(&self, is_environment: bool) -> impl Iterator<Item = (&str, String)> {
        let wanted = self.inputs.iter().filter(move |input| input.is_environment == is_environment);
        wanted.map(|input| (input.key.as_str(), input.as_text()))
    }
}
