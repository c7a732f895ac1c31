//! Typed values of inputs and outputs (`api-building-blocks.md` §1.4).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Total size of all inputs, and of all outputs, of one block in bytes.
pub const TOTAL_MAX: usize = 16 << 20;

/// Type of an input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IoType {
    /// Text.
    String,
    /// Text that is code or data in some notation.
    Code,
    /// Whole number.
    Integer,
    /// True or false.
    Boolean,
    /// `data:<mime>;base64,<data>`.
    File,
    /// JSON text; deprecated.
    List,
    /// One of a few texts.
    SingleSelect,
    /// Several of a few texts.
    MultiSelect,
}

impl IoType {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Code => "CODE",
            Self::Integer => "INTEGER",
            Self::Boolean => "BOOLEAN",
            Self::File => "FILE",
            Self::List => "LIST",
            Self::SingleSelect => "SINGLE_SELECT",
            Self::MultiSelect => "MULTI_SELECT",
        }
    }

    /// Whether it is one of the two that choose.
    pub fn is_select(self) -> bool {
        matches!(self, Self::SingleSelect | Self::MultiSelect)
    }

    /// Whether a secret may have this type.
    pub fn may_be_sensitive(self) -> bool {
        matches!(self, Self::String | Self::Code | Self::File)
    }

    /// Type of the output that a manual definition derives from an input of this type (§3.4).
    #[must_use]
    pub fn derived_output(self) -> Self {
        match self {
            Self::SingleSelect => Self::String,
            Self::MultiSelect | Self::List => Self::Code,
            other => other,
        }
    }

    /// Whether an output of type `found` can feed an input of this type (§3.3).
    pub fn takes(self, found: Self) -> bool {
        let plain = |io| match io {
            Self::Code | Self::List | Self::File => Self::String,
            other => other,
        };
        plain(self) == plain(found)
    }

    /// Completes "must be …" when `value` has not this type. `options` are the selectable values.
    pub fn mismatch(self, value: &Value, options: &[String]) -> Option<String> {
        let chosen = |value: &Value| value.as_str().is_some_and(|text| options.iter().any(|o| o == text));
        let options = || options.join(", ");
        match self {
            Self::String | Self::Code | Self::List if value.is_string() => None,
            Self::String => Some("a text".into()),
            Self::Code | Self::List => Some("a text that holds the code, not the code itself".into()),
            Self::Integer if value.as_i64().is_some() || value.as_u64().is_some() => None,
            Self::Integer => Some("a whole number".into()),
            Self::Boolean if value.is_boolean() => None,
            Self::Boolean => Some("true or false".into()),
            Self::File if value.as_str().is_some_and(is_data_url) => None,
            Self::File => Some("a data URL of the form data:<mime>;base64,<data>".into()),
            Self::SingleSelect if chosen(value) => None,
            Self::SingleSelect => Some(format!("one of {}", options())),
            Self::MultiSelect if value.as_array().is_some_and(|all| all.iter().all(chosen)) => None,
            Self::MultiSelect => Some(format!("a list of some of {}", options())),
        }
    }
}

fn is_data_url(text: &str) -> bool {
    text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).is_some_and(|(mime, data)| {
        let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        mime.contains('/') && data.bytes().all(base64)
    })
}

/// How many bytes a value takes, roughly as it travels.
pub fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_type_takes_its_own() {
        let options = ["a".to_owned(), "b".to_owned()];
        let fits = |io: IoType, value: Value| io.mismatch(&value, &options).is_none();
        for (io, good, bad) in [
            (IoType::String, json!("x"), json!(1)),
            (IoType::Code, json!("{}"), json!({})),
            (IoType::Integer, json!(3), json!(3.5)),
            (IoType::Integer, json!(-3), json!("3")),
            (IoType::Boolean, json!(false), json!("false")),
            (IoType::File, json!("data:text/plain;base64,aGk="), json!("hi")),
            (IoType::List, json!("[]"), json!([])),
            (IoType::SingleSelect, json!("a"), json!("c")),
            (IoType::MultiSelect, json!(["b", "a"]), json!(["c"])),
            (IoType::MultiSelect, json!([]), json!("a")),
        ] {
            assert!(fits(io, good.clone()), "{io:?} takes {good}");
            assert!(!fits(io, bad.clone()), "{io:?} refuses {bad}");
        }
    }

    #[test]
    fn text_and_code_feed_each_other() {
        assert!(IoType::String.takes(IoType::Code));
        assert!(IoType::Code.takes(IoType::String));
        assert!(!IoType::Integer.takes(IoType::String));
    }
}
