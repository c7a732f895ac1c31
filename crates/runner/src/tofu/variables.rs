//! How inputs reach a module: as variables, as files, as environment.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use stoa_client::runs::InputType;

use super::expression::{literal, written};
use super::module::Module;
use crate::environment::Environment;
use crate::folder::write_new;
use crate::inputs::OpenInput;

/// The file of variables. It sorts before all others of its sort, so that everything else wins over it.
const VARIABLES_FILE: &str = "aaaaaa_meshstack-e48f8924-a6c0-4ff0-9528-ff3c1f6f94d8.auto.tfvars";
/// The file that declares what the module does not declare itself.
const DECLARATIONS_FILE: &str = "meshStack_run_vars.tf";
/// Environment inputs with this prefix are variables.
const VARIABLE_PREFIX: &str = "TF_VAR_";

const BLOCK_ID: &str = "meshstack_building_block_id";
const RUN_ID: &str = "meshstack_building_block_run_id";
const RUN_JSON: &str = "meshstack_building_block_run_b64";

/// What a module is told about its own run.
pub(crate) struct RunFacts<'a> {
    pub(crate) block_uuid: &'a str,
    /// Uuid and JSON of the run; left out when only looking, or when a saved plan is replayed: there they would
    /// count as a change.
    pub(crate) run: Option<(&'a str, &'a str)>,
}

/// Writes variables and files into the module's folder and the rest into the environment. Returns remarks for the
/// log. Refuses inputs that cannot be handed over.
pub(crate) fn hand_over(
    inputs: &[OpenInput],
    facts: &RunFacts<'_>,
    module: &Module,
    folder: &Path,
    environment: &mut Environment,
) -> Result<Vec<String>, String> {
    let mut remarks = Vec::new();
    let mut variables = BTreeMap::new();
    for input in inputs.iter().filter(|input| !input.is_environment && input.input_type == InputType::File) {
        write_file(input, folder)?;
        remarks.push(format!("File {} written", input.key));
    }
    for input in inputs.iter().filter(|input| input.is_environment) {
        match input.key.strip_prefix(VARIABLE_PREFIX) {
            Some(name) => {
                variables.insert(name.to_owned(), value_for(input, module.wants_text(name)));
            }
            None => set(environment, input)?,
        }
    }
    // A plain input wins over one from the environment.
    for input in inputs.iter().filter(|input| !input.is_environment && input.input_type != InputType::File) {
        variables.insert(input.key.clone(), value_for(input, module.wants_text(&input.key)));
    }
    variables.retain(|name, _| {
        let is_name = is_variable_name(name);
        if !is_name {
            remarks.push(format!("Input {name} is left out: a variable cannot have this name"));
        }
        is_name
    });
    variables.insert(BLOCK_ID.to_owned(), facts.block_uuid.into());
    if let Some((uuid, json)) = facts.run {
        variables.insert(RUN_ID.to_owned(), uuid.into());
        variables.insert(RUN_JSON.to_owned(), STANDARD.encode(json).into());
    }
    let lines = variables.iter().map(|(name, value)| {
        format!(
            "{name} = {}
",
            written(value)
        )
    });
    let text = lines.collect::<Vec<_>>().concat();
    write_new(&folder.join(VARIABLES_FILE), text.as_bytes())
        .map_err(|error| cannot_write(VARIABLES_FILE, &error))?;
    declare(module, folder)?;
    remarks.push(format!("{} variables handed over", variables.len()));
    Ok(remarks)
}

/// The value a variable gets.
fn value_for(input: &OpenInput, wants_text: bool) -> Value {
    let text = match (&input.value, input.input_type) {
        (Value::String(text), InputType::Code | InputType::List) => text,
        (Value::String(_), _) => return input.value.clone(),
        (other, _) if wants_text => return other.to_string().into(),
        (other, _) => return other.clone(),
    };
    match literal(text) {
        None => text.clone().into(),
        Some(value) if !wants_text || value.is_string() => value,
        // JSON stays as it was written; HCL becomes JSON.
        Some(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => text.clone().into(),
        Some(value) => value.to_string().into(),
    }
}

fn set(environment: &mut Environment, input: &OpenInput) -> Result<(), String> {
    let (key, value) = (&input.key, input.as_text());
    if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
        return Err(format!("The input `{key}` cannot be put into the environment"));
    }
    environment.set(key, value);
    Ok(())
}

fn is_variable_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Decodes a file input into a file named after its key.
fn write_file(input: &OpenInput, folder: &Path) -> Result<(), String> {
    let key = &input.key;
    let is_name = !matches!(key.as_str(), "" | "." | "..") && !key.contains(['/', '\0']);
    if !is_name {
        return Err(format!("The file input `{key}` cannot be written: its key is not a file name"));
    }
    let url = input.value.as_str().unwrap_or_default();
    let content = decoded(url).ok_or_else(|| format!("The file input `{key}` does not hold a data URL"))?;
    write_new(&folder.join(key), &content).map_err(|error| cannot_write(key, &error))
}

/// The content of a data URL.
fn decoded(url: &str) -> Option<Vec<u8>> {
    let (kind, content) = url.strip_prefix("data:")?.split_once(',')?;
    if kind.ends_with(";base64") {
        STANDARD.decode(content.trim()).ok()
    } else {
        Some(percent_encoding::percent_decode_str(content).collect())
    }
}

/// Declares the variables about the run, unless the module or an existing file does.
fn declare(module: &Module, folder: &Path) -> Result<(), String> {
    let file = folder.join(DECLARATIONS_FILE);
    if file.symlink_metadata().is_ok() {
        return Ok(());
    }
    let nullable = [(BLOCK_ID, false), (RUN_ID, true), (RUN_JSON, true)];
    let missing = nullable.iter().filter(|(name, _)| !module.declares(name));
    let blocks = missing.map(|(name, nullable)| {
        let default = if *nullable { "  default  = null\n  nullable = true\n" } else { "" };
        format!("variable \"{name}\" {{\n  type     = string\n{default}}}\n\n")
    });
    let text = blocks.collect::<Vec<_>>().concat();
    if text.is_empty() {
        return Ok(());
    }
    write_new(&file, text.as_bytes()).map_err(|error| cannot_write(DECLARATIONS_FILE, &error))
}

fn cannot_write(name: &str, error: &io::Error) -> String {
    format!("The file {name} cannot be written: {error}")
}

#[cfg(test)]
mod tests;
