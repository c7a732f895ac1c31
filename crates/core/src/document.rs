//! A JSON document as stored: text, until somebody asks for one of its members.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

/// A document that was read as text, or made as a value. It is taken apart when somebody looks into it, and only then:
/// a list prints most documents straight from what its kind's type reads of the text.
#[derive(Clone, Default)]
pub struct Document {
    /// As stored; none once it was made or changed here.
    text: Option<String>,
    /// What the text says, once somebody looked.
    parsed: OnceLock<Value>,
    /// What was made or changed here.
    made: Option<Value>,
}

impl Document {
    /// A document as it is stored. What is no JSON counts as `null`.
    pub fn stored(text: String) -> Self {
        Self { text: Some(text), ..Self::default() }
    }

    /// The document as a type.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.text {
            Some(text) if self.parsed.get().is_none() => serde_json::from_str(text),
            _ => T::deserialize(&**self),
        }
    }

    /// The document as text.
    pub fn text(&self) -> Cow<'_, str> {
        self.text.as_deref().map_or_else(|| Cow::Owned((**self).to_string()), Cow::Borrowed)
    }

    fn parse(&self) -> Value {
        self.text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

impl Deref for Document {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.made.as_ref().unwrap_or_else(|| self.parsed.get_or_init(|| self.parse()))
    }
}

impl DerefMut for Document {
    fn deref_mut(&mut self) -> &mut Value {
        if self.made.is_none() {
            self.made = Some(self.parsed.take().unwrap_or_else(|| self.parse()));
        }
        self.text = None;
        self.made.get_or_insert_default()
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self { made: Some(value), ..Self::default() }
    }
}

impl From<Document> for Value {
    fn from(mut document: Document) -> Self {
        std::mem::take(&mut *document)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        (self.text.is_some() && self.text == other.text) || **self == **other
    }
}

impl PartialEq<Value> for Document {
    fn eq(&self, other: &Value) -> bool {
        **self == *other
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_and_value_are_the_same_document() {
        let stored = Document::stored(r#"{"a":[1,2]}"#.into());
        assert_eq!(stored.read::<Value>().unwrap(), json!({ "a": [1, 2] }));
        assert_eq!(stored, Document::from(json!({ "a": [1, 2] })));
        assert_eq!(stored["a"][1], 2);
        assert_eq!(stored.text(), r#"{"a":[1,2]}"#);
        assert_eq!(Value::from(stored), json!({ "a": [1, 2] }));
    }

    #[test]
    fn a_change_counts_for_every_way_of_reading() {
        let mut document = Document::stored(r#"{"a":1}"#.into());
        document["b"] = json!(2);
        assert_eq!(document.text(), r#"{"a":1,"b":2}"#);
        assert_eq!(document.read::<Value>().unwrap(), json!({ "a": 1, "b": 2 }));
    }

    #[test]
    fn what_is_no_json_is_null() {
        let broken = Document::stored("{".into());
        assert!(broken.is_null());
        assert!(broken.read::<i64>().is_err());
        assert_eq!(Document::default(), json!(null));
    }
}
