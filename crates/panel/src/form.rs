//! What a browser posted, and a form with its values and messages.

use crate::problem::Problem;
use std::collections::BTreeMap;

/// The fields of a form in their order; a name may stand several times.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(body: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(body)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of a field, trimmed; empty when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value as it was sent.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The first value, if it is not blank.
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Whether a box was ticked.
    pub fn is_on(&self, name: &str) -> bool {
        self.0.iter().any(|(key, value)| key == name && matches!(value.as_str(), "on" | "true" | "1"))
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim()).collect()
    }

    /// Fields whose names begin with `prefix`: the rest of the name, and the value.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Sets a field, in the place of all that have its name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.into()));
    }
}

/// A form as it is shown: values, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// What stands in its fields.
    pub fields: Fields,
    /// Messages by field.
    pub errors: BTreeMap<String, String>,
    /// What is wrong with the whole.
    pub problem: Option<Problem>,
}

impl Form {
    /// A form that is filled for the first time.
    pub fn filled<N: Into<String>, V: Into<String>>(values: impl IntoIterator<Item = (N, V)>) -> Self {
        let fields = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { fields: Fields(fields), ..Self::default() }
    }

    /// A form that was refused. `names` says which field of the form a field of the API is, by its path or the end of
    /// it (`spec.displayName`); messages about others stand above the form.
    pub fn refused(fields: Fields, problem: Problem, names: &[(&str, &str)]) -> Self {
        let mut errors = BTreeMap::new();
        for remark in &problem.remarks {
            let field = names
                .iter()
                .find(|(path, _)| remark == path || remark.ends_with(&format!(".{path}")))
                .map(|(_, field)| *field)
                .or_else(|| fields.0.iter().map(|(name, _)| name.as_str()).find(|name| name == remark));
            if let Some(field) = field {
                errors.insert(field.to_owned(), problem.message.clone());
            }
        }
        Self { fields, errors, problem: Some(problem) }
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> &str {
        self.fields.raw(name)
    }

    /// Whether one of a field's values is this one: for boxes and choices.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.fields.0.iter().any(|(key, found)| key == name && found == value)
    }

    /// Whether a box is ticked.
    pub fn is_on(&self, name: &str) -> bool {
        self.fields.is_on(name)
    }

    /// What is wrong with a field.
    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors.get(name).map(String::as_str)
    }

    /// `is-invalid` for a field with a message.
    pub fn class(&self, name: &str) -> &'static str {
        if self.errors.contains_key(name) { "is-invalid" } else { "" }
    }

    /// The message that belongs to no field.
    pub fn trouble(&self) -> Option<&Problem> {
        self.problem.as_ref().filter(|_| self.errors.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_finds_its_field() {
        let fields = Fields::parse(b"name=a+b&tag=1&tag=2&on=on");
        assert_eq!(
            (fields.get("name"), fields.all("tag"), fields.is_on("on")),
            ("a b", vec!["1", "2"], true)
        );
        let problem = Problem::invalid("spec.displayName", "is too long");
        let form = Form::refused(fields.clone(), problem.clone(), &[("displayName", "name")]);
        assert_eq!((form.error("name"), form.trouble()), (Some("is too long"), None));
        let form = Form::refused(fields, problem, &[]);
        assert!(form.trouble().is_some());
    }
}
