//! A tag definition as stored, and what it demands of values (`api-core.md` §3.11).

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::collections::HashSet;
use stoa_base::{Refusal, is_email};

/// Longest value in characters (`api-core.md` §1.11).
const VALUE_MAX: usize = 255;
/// How large a compiled pattern may become, in bytes: hostile ones are refused, not tried.
const PATTERN_SIZE: usize = 1 << 20;

/// A definition as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Whose tags it defines, as [`super::Target::word`].
    pub target_kind: String,
    /// The tag's key.
    pub key: String,
    /// What values are like.
    pub value_type: ValueType,
    /// For people.
    pub display_name: String,
    /// For people; may be empty.
    pub description: String,
    /// Where forms and tables show it.
    pub sort_order: i64,
    /// Whether each object needs a value.
    pub mandatory: bool,
    /// Whether a value stays once it is set.
    pub immutable: bool,
    /// Whether only administrators set it.
    pub restricted: bool,
    /// Its key on platforms; none is not replicated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication_key: Option<String>,
}

/// What values are like: the member of `spec.valueType`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ValueType {
    /// Any text.
    String {
        /// What restricted tags begin with.
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<String>,
        /// Matches whole values.
        #[serde(skip_serializing_if = "Option::is_none")]
        validation_regex: Option<String>,
    },
    /// An e-mail address, or what the pattern says.
    Email {
        /// What restricted tags begin with.
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<String>,
        /// Matches whole values.
        #[serde(skip_serializing_if = "Option::is_none")]
        validation_regex: Option<String>,
    },
    /// A whole number.
    Integer {
        /// What restricted tags begin with.
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<i64>,
    },
    /// A decimal number.
    Number {
        /// What restricted tags begin with.
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<Number>,
    },
    /// At most one of the options.
    SingleSelect {
        /// In the order people see.
        options: Vec<String>,
        /// What restricted tags begin with.
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<String>,
    },
    /// Any of the options.
    MultiSelect {
        /// In the order people see.
        options: Vec<String>,
        /// What restricted tags begin with.
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<Vec<String>>,
    },
}

impl ValueType {
    /// The member's name.
    pub fn word(&self) -> &'static str {
        match self {
            Self::String { .. } => "string",
            Self::Email { .. } => "email",
            Self::Integer { .. } => "integer",
            Self::Number { .. } => "number",
            Self::SingleSelect { .. } => "singleSelect",
            Self::MultiSelect { .. } => "multiSelect",
        }
    }

    fn pattern(&self) -> Option<&str> {
        match self {
            Self::String { validation_regex, .. } | Self::Email { validation_regex, .. } => {
                validation_regex.as_deref().filter(|pattern| !pattern.is_empty())
            }
            Self::Integer { .. }
            | Self::Number { .. }
            | Self::SingleSelect { .. }
            | Self::MultiSelect { .. } => None,
        }
    }

    fn options(&self) -> &[String] {
        match self {
            Self::SingleSelect { options, .. } | Self::MultiSelect { options, .. } => options,
            Self::String { .. } | Self::Email { .. } | Self::Integer { .. } | Self::Number { .. } => &[],
        }
    }

    /// The default as values of a tag; empty when there is none.
    pub fn default_values(&self) -> Vec<String> {
        match self {
            Self::String { default_value, .. }
            | Self::Email { default_value, .. }
            | Self::SingleSelect { default_value, .. } => default_value.iter().cloned().collect(),
            Self::Integer { default_value } => default_value.iter().map(ToString::to_string).collect(),
            Self::Number { default_value } => default_value.iter().map(ToString::to_string).collect(),
            Self::MultiSelect { default_value, .. } => default_value.clone().unwrap_or_default(),
        }
    }
}

/// A definition ready to judge values.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What was declared.
    pub definition: Definition,
    pattern: Option<Regex>,
}

/// The pattern over whole values; what cannot stand alone is refused before it is put between anchors.
fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    let build = |text: &str| {
        RegexBuilder::new(text).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).nest_limit(50).build()
    };
    build(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}

impl Rule {
    /// Compiles a definition, or says what is wrong with it.
    pub fn new(definition: Definition) -> Result<Self, Refusal> {
        let at = |member: &str| format!("spec.valueType.{}.{member}", definition.value_type.word());
        let pattern = definition.value_type.pattern().map(compiled).transpose().map_err(|bad| {
            let bad = bad.to_string();
            let why = bad.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Refusal::invalid(at("validationRegex"), format!("is no regular expression we can use: {why}"))
        })?;
        if let ValueType::SingleSelect { options, .. } | ValueType::MultiSelect { options, .. } =
            &definition.value_type
        {
            if options.is_empty() {
                return Err(Refusal::invalid(at("options"), "must have at least one entry"));
            }
            if options.iter().any(|option| option.trim().is_empty()) {
                return Err(Refusal::invalid(at("options"), "must not hold blank entries"));
            }
            if options.iter().collect::<HashSet<_>>().len() < options.len() {
                return Err(Refusal::invalid(at("options"), "must not hold an entry twice"));
            }
        }
        let rule = Self { definition, pattern };
        let values = rule.definition.value_type.default_values();
        rule.check(&values).map_err(|problem| {
            let at = format!("spec.valueType.{}.defaultValue", rule.definition.value_type.word());
            Refusal::invalid(at, problem)
        })?;
        Ok(rule)
    }

    /// Whether these values do; the error completes the sentence "`tag` …".
    pub fn check(&self, values: &[String]) -> Result<(), String> {
        if matches!(self.definition.value_type, ValueType::SingleSelect { .. }) && values.len() > 1 {
            return Err("must have at most one value".into());
        }
        values.iter().try_for_each(|value| self.check_one(value))
    }

    fn check_one(&self, value: &str) -> Result<(), String> {
        check_length(value)?;
        let right = match &self.definition.value_type {
            ValueType::String { .. } | ValueType::Email { .. } if self.pattern.is_some() => {
                self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(value))
            }
            ValueType::String { .. } => true,
            ValueType::Email { .. } => is_email(value),
            ValueType::Integer { .. } => value.parse::<i64>().is_ok(),
            ValueType::Number { .. } => is_decimal(value),
            select @ (ValueType::SingleSelect { .. } | ValueType::MultiSelect { .. }) => {
                select.options().iter().any(|option| option == value)
            }
        };
        if right { Ok(()) } else { Err(self.demand()) }
    }

    /// What values must be like.
    fn demand(&self) -> String {
        match &self.definition.value_type {
            kind @ (ValueType::String { .. } | ValueType::Email { .. }) => match kind.pattern() {
                Some(pattern) => format!("must match `{pattern}`"),
                None => "must be an e-mail address".into(),
            },
            ValueType::Integer { .. } => "must be a whole number".into(),
            ValueType::Number { .. } => "must be a number".into(),
            select @ (ValueType::SingleSelect { .. } | ValueType::MultiSelect { .. }) => {
                let options = select.options();
                let few: Vec<&str> = options.iter().take(10).map(String::as_str).collect();
                let more = if options.len() > few.len() { " and more" } else { "" };
                format!("must be one of {}{more}", few.join(", "))
            }
        }
    }
}

/// Whether a value is short enough, whatever its type.
pub fn check_length(value: &str) -> Result<(), String> {
    if value.len() > VALUE_MAX && value.chars().count() > VALUE_MAX {
        return Err(format!("must have values of at most {VALUE_MAX} characters"));
    }
    Ok(())
}

/// A decimal as JSON or people write it: digits, at most one point, perhaps an exponent; not `inf` or `nan`.
fn is_decimal(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A definition of a project's tag `k` with this value type and these flags.
    pub fn definition(key: &str, value_type: &Value, flags: &[&str]) -> Definition {
        let mut whole = json!({
            "targetKind": "meshProject", "key": key, "valueType": value_type, "displayName": key,
            "description": "", "sortOrder": 1, "mandatory": false, "immutable": false, "restricted": false,
        });
        for flag in flags {
            whole[*flag] = json!(true);
        }
        serde_json::from_value(whole).unwrap()
    }

    fn rule(value_type: Value) -> Result<Rule, String> {
        Rule::new(definition("k", &value_type, &[])).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn each_type_takes_its_values_only() {
        let long = "ä".repeat(255);
        let table: &[(Value, &[&str], &[&str])] = &[
            (json!({ "string": {} }), &["", "x", " ", "ä\n", &long], &["ääää"][..0]),
            (json!({ "string": { "validationRegex": "" } }), &["", "x"], &[]),
            (json!({ "string": { "validationRegex": "a|ab" } }), &["a", "ab"], &["", "abc", "ba", "a\n"]),
            (
                json!({ "string": { "validationRegex": "^[0-9]{4}$" } }),
                &["7710"],
                &["77100", "771", "7710\n"],
            ),
            (json!({ "email": {} }), &["a@b.example", "a@b"], &["", "a", "@b", "a@", "a@b@c", "a b@c"]),
            (json!({ "email": { "validationRegex": ".*" } }), &["none", ""], &[]),
            (json!({ "email": { "validationRegex": ".*@fruit[.]example" } }), &["l@fruit.example"], &["l@f"]),
            (
                json!({ "integer": {} }),
                &["0", "-1", "+5", "9223372036854775807"],
                &["", "1.0", "1e3", "x", " 1", "9223372036854775808"],
            ),
            (
                json!({ "number": {} }),
                &["0", "-1.5", "1e3", ".5", "12345678901234567890"],
                &["", "inf", "nan", "1,5", "0x10", "1e999", "-"],
            ),
            (json!({ "singleSelect": { "options": ["1", "b"] } }), &["1", "b"], &["", "B", "c", "1b"]),
            (json!({ "multiSelect": { "options": ["1", "b"] } }), &["1", "b"], &["", "B", "c", "1,b"]),
        ];
        for (value_type, good, bad) in table {
            let rule = rule(value_type.clone()).unwrap();
            for value in *good {
                assert_eq!(rule.check(&[(*value).to_owned()]), Ok(()), "{value_type} `{value}`");
            }
            for value in *bad {
                assert!(rule.check(&[(*value).to_owned()]).is_err(), "{value_type} `{value}`");
            }
            assert!(rule.check(&["x".repeat(256)]).is_err(), "{value_type}");
            assert_eq!(rule.check(&[]), Ok(()));
            let twice = [good[0].to_owned(), good[0].to_owned()];
            let single = value_type.get("singleSelect").is_some();
            assert_eq!(rule.check(&twice).is_err(), single, "{value_type}");
        }
    }

    #[test]
    fn definitions_are_checked() {
        for (value_type, why) in [
            (json!({ "string": { "validationRegex": "(" } }), "spec.valueType.string.validationRegex"),
            (json!({ "string": { "validationRegex": "a)(b" } }), "spec.valueType.string.validationRegex"),
            (json!({ "string": { "validationRegex": "(?=x)" } }), "spec.valueType.string.validationRegex"),
            (
                json!({ "email": { "validationRegex": "((((a{999}){999}){999}){999})" } }),
                "spec.valueType.email.validationRegex",
            ),
            (
                json!({ "string": { "validationRegex": "[0-9]+", "defaultValue": "x" } }),
                "spec.valueType.string.defaultValue",
            ),
            (json!({ "email": { "defaultValue": "x" } }), "spec.valueType.email.defaultValue"),
            (json!({ "singleSelect": { "options": [] } }), "spec.valueType.singleSelect.options"),
            (json!({ "multiSelect": { "options": ["a", "a"] } }), "spec.valueType.multiSelect.options"),
            (json!({ "multiSelect": { "options": ["a", " "] } }), "spec.valueType.multiSelect.options"),
            (
                json!({ "singleSelect": { "options": ["a"], "defaultValue": "b" } }),
                "spec.valueType.singleSelect.defaultValue",
            ),
            (
                json!({ "multiSelect": { "options": ["a"], "defaultValue": ["a", "b"] } }),
                "spec.valueType.multiSelect.defaultValue",
            ),
        ] {
            let problem = rule(value_type.clone()).unwrap_err();
            assert!(problem.starts_with(&format!("`{why}`")), "{value_type}: {problem}");
        }
        for value_type in [
            json!({ "string": { "validationRegex": "a{1,20}|[äö]+(?i)x", "defaultValue": "aa" } }),
            json!({ "email": { "validationRegex": ".*", "defaultValue": "none" } }),
            json!({ "integer": { "defaultValue": -5 } }),
            json!({ "number": { "defaultValue": 0.5 } }),
            json!({ "multiSelect": { "options": ["b", "a"], "defaultValue": [] } }),
        ] {
            assert!(rule(value_type.clone()).is_ok(), "{value_type}");
        }
    }

    #[test]
    fn what_is_stored_reads_back_as_it_was() {
        for value_type in [
            json!({ "string": {} }),
            json!({ "integer": { "defaultValue": 10000 } }),
            json!({ "number": { "defaultValue": 1.5 } }),
            json!({ "multiSelect": { "options": ["2", "1"], "defaultValue": ["1"] } }),
        ] {
            let stored = serde_json::to_value(definition("k", &value_type, &[])).unwrap();
            assert_eq!(stored["valueType"].to_string(), value_type.to_string());
            assert!(stored.get("replicationKey").is_none());
        }
    }
}
