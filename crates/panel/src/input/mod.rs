//! Inputs of building blocks as fields of forms: what a version asks for, read from its definition, and what
//! somebody typed, as the API takes it.

use crate::api::text_at;
use crate::form::Fields;
use crate::text::{fill, tr};
use regex::RegexBuilder;
use serde_json::{Value, json};

/// A hostile pattern must not eat the server's memory.
const PATTERN_MAX: usize = 1 << 20;
/// So many optional inputs stand open; more of them are folded away (panel.md OF-03).
const OPEN: usize = 6;

/// An input of a version, as a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub label: String,
    /// Markdown about it.
    pub help: String,
    /// `STRING`, `INTEGER`, `BOOLEAN`, `SINGLE_SELECT`, `MULTI_SELECT`, `LIST`, `CODE` or `FILE`.
    pub kind: String,
    /// Who supplies it.
    pub source: String,
    /// Whether its value is a secret.
    pub is_sensitive: bool,
    /// Whether consumers may change it later.
    pub is_updateable: bool,
    /// What may be chosen.
    pub choices: Vec<String>,
    /// What applies when nobody says anything; null for nothing.
    pub default: Value,
    /// What the whole value must match.
    pub pattern: Option<String>,
    /// What to say when it does not.
    pub pattern_message: String,
    /// Whether a value is there already, which an empty field keeps.
    pub is_set: bool,
}

/// What a field of a form says.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Nothing: the default, or what was there, stays.
    Nothing,
    /// A value as the API takes it.
    Value(Value),
    /// Something that cannot be taken, and why.
    Wrong(String),
}

impl Input {
    /// Reads an input of a version.
    pub fn read(key: &str, input: &Value) -> Self {
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let choices = input["selectableValues"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            key: key.to_owned(),
            label: text("displayName"),
            help: text("description"),
            kind: text("type"),
            source: text("assignmentType"),
            is_sensitive: input["isSensitive"] == json!(true),
            is_updateable: input["updateableByConsumer"] == json!(true),
            choices: choices.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            default: input["defaultValue"].clone(),
            pattern: input["valueValidationRegex"].as_str().map(str::to_owned),
            pattern_message: text("validationRegexErrorMessage"),
            is_set: false,
        }
    }

    /// All inputs of a version, in the order people see them.
    pub fn all(version: &Value) -> Vec<Self> {
        let Some(inputs) = version["spec"]["inputs"].as_object() else { return Vec::new() };
        let mut found: Vec<(i64, Self)> = inputs
            .iter()
            .map(|(key, input)| (input["displayOrder"].as_i64().unwrap_or(i64::MAX), Self::read(key, input)))
            .collect();
        found.sort_by(|a, b| (a.0, &a.1.key).cmp(&(b.0, &b.1.key)));
        found.into_iter().map(|(_, input)| input).collect()
    }

    /// What whoever orders a block of a version is asked for.
    pub fn asked(version: &Value) -> Vec<Self> {
        Self::all(version).into_iter().filter(|input| input.source == "USER_INPUT").collect()
    }

    /// Name of its field.
    pub fn name(&self) -> String {
        format!("in.{}", self.key)
    }

    /// Whether something must be said.
    pub fn is_required(&self) -> bool {
        self.default.is_null() && !self.is_set && self.kind != "BOOLEAN" && self.kind != "MULTI_SELECT"
    }

    /// What kind of field it is: `line`, `secret`, `number`, `switch`, `one`, `many`, `code` or `file`.
    pub fn widget(&self) -> &'static str {
        match self.kind.as_str() {
            "INTEGER" => "number",
            "BOOLEAN" => "switch",
            "SINGLE_SELECT" => "one",
            "MULTI_SELECT" => "many",
            "CODE" | "LIST" => "code",
            "FILE" => "file",
            _ if self.is_sensitive => "secret",
            _ => "line",
        }
    }

    /// What a type is called.
    pub fn kind_word(&self) -> &'static str {
        match self.kind.as_str() {
            "INTEGER" => tr("Whole number"),
            "BOOLEAN" => tr("Yes or no"),
            "SINGLE_SELECT" => tr("One of several"),
            "MULTI_SELECT" => tr("Some of several"),
            "CODE" => tr("Code"),
            "LIST" => tr("List"),
            "FILE" => tr("File"),
            _ if self.is_sensitive => tr("Secret"),
            _ => tr("Text"),
        }
    }

    /// The fields that show a value.
    pub fn shown(&self, value: &Value) -> Vec<(String, String)> {
        if self.is_sensitive {
            return Vec::new();
        }
        let one = |text: String| vec![(self.name(), text)];
        match value {
            Value::Null => Vec::new(),
            Value::String(text) => one(text.clone()),
            Value::Array(many) => {
                many.iter().filter_map(Value::as_str).map(|choice| (self.name(), choice.to_owned())).collect()
            }
            other => one(other.to_string()),
        }
    }

    /// What a form says about it.
    pub fn given(&self, fields: &Fields) -> Given {
        let name = self.name();
        let text = fields.raw(&name).replace("\r\n", "\n");
        let value = match self.widget() {
            "switch" => return Given::Value(json!(fields.is_on(&name))),
            "many" => {
                let chosen = fields.all(&name);
                if let Some(bad) = chosen.iter().find(|chosen| !self.choices.iter().any(|c| c == *chosen)) {
                    return Given::Wrong(fill(tr("{0} is not one of the choices."), &[bad]));
                }
                return Given::Value(json!(chosen));
            }
            _ if text.trim().is_empty() => {
                return if self.is_required() {
                    Given::Wrong(fill(tr("{0} is needed."), &[&self.label]))
                } else {
                    Given::Nothing
                };
            }
            "number" => match text.trim().parse::<i64>() {
                Ok(number) => json!(number),
                Err(_) => return Given::Wrong(tr("This must be a whole number.").into()),
            },
            "one" if !self.choices.contains(&text) => {
                return Given::Wrong(fill(tr("{0} is not one of the choices."), &[&text]));
            }
            "code" if self.kind == "LIST" && serde_json::from_str::<Vec<Value>>(&text).is_err() => {
                return Given::Wrong(tr("This must be a list in JSON, as [\"a\", \"b\"].").into());
            }
            "file" => json!(data_url(&text)),
            _ => json!(text),
        };
        if let (Some(pattern), Some(text)) = (&self.pattern, value.as_str())
            && self.kind != "FILE"
            && !matches(pattern, text)
        {
            return Given::Wrong(if self.pattern_message.is_empty() {
                fill(tr("This must match {0}."), &[pattern])
            } else {
                self.pattern_message.clone()
            });
        }
        Given::Value(if self.is_sensitive { json!({ "plaintext": value }) } else { value })
    }

    /// A value of it as one line; secrets are never told.
    pub fn line(&self, value: &Value) -> String {
        if self.is_sensitive {
            return tr("secret").into();
        }
        match value {
            Value::Null => String::new(),
            Value::Bool(true) => tr("Yes").into(),
            Value::Bool(false) => tr("No").into(),
            Value::String(text) if self.kind == "FILE" => {
                fill(tr("a file of about {0} bytes"), &[&(text.len() * 3 / 4).to_string()])
            }
            Value::String(text) => text.clone(),
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        }
    }
}

/// A file as the API takes it: what the browser read, or a text that somebody pasted.
fn data_url(text: &str) -> String {
    if text.starts_with("data:") && text.contains(";base64,") {
        return text.trim().to_owned();
    }
    format!("data:text/plain;base64,{}", base64(text.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for place in 0..4 {
            let sign = (bits >> (18 - 6 * place)) & 63;
            text.push(if place <= three.len() { SIGNS[sign as usize] as char } else { '=' });
        }
    }
    text
}

/// Whether a whole text matches; a pattern that cannot be understood is left to the API.
fn matches(pattern: &str, text: &str) -> bool {
    let whole = RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(PATTERN_MAX).build();
    whole.is_ok_and(|whole| whole.is_match(text))
        || RegexBuilder::new(pattern).size_limit(PATTERN_MAX).build().is_err()
}

/// Inputs as a form shows them: those that stand open, and those that are folded away.
#[derive(Clone, Debug, Default)]
pub struct Fieldset {
    /// What must be said, and what may when there is little of it.
    pub open: Vec<Input>,
    /// What may be said, when there is much of it.
    pub folded: Vec<Input>,
}

impl Fieldset {
    /// Sorts inputs into those that stand open and the rest; their order stays.
    pub fn of(inputs: Vec<Input>) -> Self {
        let optional = inputs.iter().filter(|input| !input.is_required()).count();
        if optional <= OPEN {
            return Self { open: inputs, folded: Vec::new() };
        }
        let (open, folded) = inputs.into_iter().partition(Input::is_required);
        Self { open, folded }
    }

    /// Whether one of the folded ones is in this set of messages.
    pub fn is_wrong_inside(&self, form: &crate::form::Form) -> bool {
        self.folded.iter().any(|input| form.error(&input.name()).is_some())
    }
}

/// Values by the key of their input.
pub type Values = Vec<(String, Value)>;
/// Messages by the name of their field.
pub type Wrong = Vec<(String, String)>;

/// What a whole form says: values for the API, and what is wrong.
pub fn read(inputs: &[Input], fields: &Fields) -> (Values, Wrong) {
    let (mut values, mut wrong) = (Vec::new(), Vec::new());
    for input in inputs {
        match input.given(fields) {
            Given::Nothing => {}
            Given::Value(value) => values.push((input.key.clone(), value)),
            Given::Wrong(message) => wrong.push((input.name(), message)),
        }
    }
    (values, wrong)
}

/// Inputs as the API takes them.
pub fn supplied(inputs: &[Input], values: &[(String, Value)]) -> Value {
    let mut supplied = serde_json::Map::new();
    for (key, value) in values {
        let is_sensitive = inputs.iter().any(|input| input.key == *key && input.is_sensitive);
        supplied.insert(key.clone(), json!({ "value": value, "isSensitive": is_sensitive }));
    }
    Value::Object(supplied)
}

/// Which field a refusal of the API is about: `spec.inputs.KEY` and `spec.inputs.KEY.value` are `in.KEY`.
pub fn field_of(remark: &str) -> Option<String> {
    let key = remark.strip_prefix("spec.inputs.")?;
    let key = key.strip_suffix(".value").unwrap_or(key);
    Some(format!("in.{key}"))
}

/// What a source of inputs is called.
pub fn source_word(source: &str) -> &'static str {
    match source {
        "USER_INPUT" => tr("Yours"),
        "PLATFORM_OPERATOR_MANUAL_INPUT" => tr("From the platform team"),
        "STATIC" => tr("Fixed by the service"),
        "BUILDING_BLOCK_OUTPUT" => tr("From another building block"),
        _ => tr("From Stoa itself"),
    }
}

/// Name of a version's implementation, for people.
pub fn implementation(version: &Value) -> &'static str {
    match text_at(version, "/spec/implementation/type") {
        "terraform" => tr("OpenTofu"),
        "githubWorkflows" => tr("GitHub workflow"),
        "gitlabPipeline" => tr("GitLab pipeline"),
        "azureDevOpsPipeline" => tr("Azure DevOps pipeline"),
        _ => tr("By hand"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: &str, more: Value) -> Input {
        let mut whole = json!({ "displayName": "K", "type": kind, "assignmentType": "USER_INPUT" });
        for (name, value) in more.as_object().unwrap() {
            whole[name] = value.clone();
        }
        Input::read("k", &whole)
    }

    fn given(input: &Input, body: &str) -> Given {
        input.given(&Fields::parse(body.as_bytes()))
    }

    #[test]
    fn each_type_is_read() {
        let none = json!({});
        let choices = json!({ "selectableValues": ["a", "b"] });
        for (input, body, value) in [
            (input("STRING", none.clone()), "in.k=x+y", json!("x y")),
            (input("INTEGER", none.clone()), "in.k=-3", json!(-3)),
            (input("BOOLEAN", none.clone()), "in.k=true", json!(true)),
            (input("BOOLEAN", none.clone()), "", json!(false)),
            (input("SINGLE_SELECT", choices.clone()), "in.k=b", json!("b")),
            (input("MULTI_SELECT", choices.clone()), "in.k=b&in.k=a", json!(["b", "a"])),
            (input("MULTI_SELECT", choices.clone()), "", json!([])),
            (input("CODE", none.clone()), "in.k=a%0D%0Ab", json!("a\nb")),
            (input("LIST", none.clone()), "in.k=%5B1%5D", json!("[1]")),
            (input("FILE", none.clone()), "in.k=hi", json!("data:text/plain;base64,aGk=")),
            (input("FILE", none.clone()), "in.k=data:a/b;base64,aGk=", json!("data:a/b;base64,aGk=")),
            (input("STRING", json!({ "isSensitive": true })), "in.k=s", json!({ "plaintext": "s" })),
        ] {
            assert_eq!(given(&input, body), Given::Value(value), "{} {body}", input.kind);
        }
        assert_eq!(given(&input("STRING", json!({ "defaultValue": "x" })), "in.k="), Given::Nothing);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let pattern = json!({ "valueValidationRegex": "[a-z]+", "validationRegexErrorMessage": "letters" });
        for (input, body, message) in [
            (input("STRING", json!({})), "in.k=+", "K is needed."),
            (input("INTEGER", json!({})), "in.k=1.5", "This must be a whole number."),
            (
                input("SINGLE_SELECT", json!({ "selectableValues": ["a"] })),
                "in.k=c",
                "c is not one of the choices.",
            ),
            (input("STRING", pattern), "in.k=a1", "letters"),
        ] {
            assert_eq!(given(&input, body), Given::Wrong(message.into()), "{body}");
        }
    }

    #[test]
    fn files_are_encoded() {
        for (plain, encoded) in
            [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let secret = input("STRING", json!({ "isSensitive": true }));
        assert!(secret.shown(&json!("s")).is_empty());
        assert_eq!(secret.line(&json!("s")), "secret");
    }
}
