//! Secrets of a document that are kept elsewhere: `{plaintextFrom: {env: NAME}}` or
//! `{plaintextFrom: {file: PATH}}`, read here and now, and sent as `{plaintext: …}`.

use crate::failure::Failure;
use serde_json::{Value, json};
use std::path::Path;

/// Where secrets are read from.
pub(super) struct Sources<'a> {
    /// Folder to which file names are relative.
    pub(super) folder: &'a Path,
    /// The environment.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

/// Puts every secret of `document` in its place.
pub(super) fn resolve(document: &mut Value, sources: &Sources<'_>) -> Result<(), Failure> {
    replace("", document, sources)
}

fn replace(path: &str, value: &mut Value, sources: &Sources<'_>) -> Result<(), Failure> {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(entries) => {
            if let Some(from) = entries.get("plaintextFrom") {
                let text = read(from, sources).map_err(|problem| {
                    Failure::Configuration(format!("`{}` {problem}", below("plaintextFrom")))
                })?;
                *value = json!({ "plaintext": text });
                return Ok(());
            }
            entries.iter_mut().try_for_each(|(key, value)| replace(&below(key), value, sources))
        }
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, value)| replace(&below(&index.to_string()), value, sources)),
        _ => Ok(()),
    }
}

/// The secret's text, or what completes the sentence "`…plaintextFrom` …".
fn read(from: &Value, sources: &Sources<'_>) -> Result<String, String> {
    let named = |key| from.get(key).and_then(Value::as_str);
    match (named("env"), named("file")) {
        (Some(name), None) => (sources.env)(name)
            .ok_or_else(|| format!("names the environment variable `{name}`, which is not set")),
        (None, Some(file)) => {
            let path = sources.folder.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("names `{}`, which cannot be read: {error}", path.display()))?;
            Ok(text.strip_suffix('\n').map_or(text.clone(), |text| text.trim_end_matches('\r').to_owned()))
        }
        _ => Err("must have either `env` or `file`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_the_environment_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::write(folder.join("key.pem"), "line 1\nline 2\n").unwrap();
        let env = |name: &str| (name == "TOKEN").then(|| "t0k".to_owned());
        let sources = Sources { folder, env: &env };

        let mut document = json!({ "spec": { "a": { "plaintextFrom": { "env": "TOKEN" } }, "b": [{ "plaintextFrom": { "file": "key.pem" } }] } });
        resolve(&mut document, &sources).unwrap();
        assert_eq!(
            document,
            json!({ "spec": { "a": { "plaintext": "t0k" }, "b": [{ "plaintext": "line 1\nline 2" }] } })
        );

        for (from, problem) in [
            (
                json!({ "env": "NONE" }),
                "`spec.a.plaintextFrom` names the environment variable `NONE`, which is not set",
            ),
            (json!({}), "`spec.a.plaintextFrom` must have either `env` or `file`"),
        ] {
            let mut document = json!({ "spec": { "a": { "plaintextFrom": from } } });
            let failure = resolve(&mut document, &sources).unwrap_err();
            assert_eq!((failure.code(), failure.to_string().as_str()), (78, problem));
        }
    }
}
