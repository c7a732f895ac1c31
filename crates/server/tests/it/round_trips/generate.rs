//! Bodies made up from a schema of the API description: required fields always, optional ones sometimes, null in
//! their place sometimes, texts in every script.

use serde_json::{Map, Value, json};
use stoa_chaos::random::Random;

/// What a field must be, where the schema does not say enough.
#[derive(Clone, Debug)]
pub enum Must {
    /// This.
    Be(Value),
    /// One of these.
    BeOneOf(Vec<Value>),
    /// This, if it is there at all.
    BeIfAny(Value),
    /// Something, also where the schema needs nothing.
    BeThere,
    /// A text with something to read in it, also where the schema takes an empty one.
    BeSaid,
    /// Nothing: the server sets it, or another row looks at it.
    BeAbsent,
    /// Tags of these keys.
    BeTags(&'static [&'static str]),
}

/// Rules by place: `/spec/displayName`, with `*` for any one segment, or `**/name` for a name anywhere.
pub type Rules = Vec<(&'static str, Must)>;

/// The generator for one body.
pub struct Generator<'a> {
    /// The API description.
    pub description: &'a Value,
    /// Rules of this body.
    pub rules: &'a Rules,
    /// Where numbers come from.
    pub random: &'a mut Random,
}

/// Texts as people write them, none too long for a name.
const TEXTS: [&str; 14] = [
    "plain",
    "  kept blanks  ",
    "Größe, Maß & Ärger",
    "日本語テキスト",
    "עברית ו-English",
    "emoji 🌱🧑‍🌾 and a joiner",
    "quotes \" ' ` and \\ backslash",
    "line\nbreak and\ttab",
    "<b>not a tag</b> {{ nor }} ${a} #{template}",
    "null",
    "0042",
    "a=b&c=d?e#f%20",
    "é (combined) and é (one letter)",
    "\u{202e}right to left\u{202c}",
];

fn matches(pattern: &str, place: &str) -> bool {
    if let Some(name) = pattern.strip_prefix("**/") {
        return place.ends_with(&format!("/{name}"));
    }
    let (pattern, place): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), place.split('/').collect());
    pattern.len() == place.len()
        && pattern.iter().zip(place).all(|(wanted, found)| *wanted == "*" || *wanted == found)
}

impl Generator<'_> {
    fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    /// A text that is not blank.
    pub fn said(&mut self) -> String {
        let text = TEXTS[self.random.below(TEXTS.len())];
        let number = self.random.below(1000);
        if self.chance(50) { text.to_owned() } else { format!("{text}-{number}") }
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(target) => self.resolved(self.description.pointer(&target[1..]).unwrap()),
            None => {
                let variants = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
                let real = variants.and_then(|all| all.iter().find(|one| one["type"] != "null"));
                real.map_or(schema, |one| self.resolved(one))
            }
        }
    }

    fn rule(&self, place: &str) -> Option<Must> {
        self.rules.iter().find(|(pattern, _)| matches(pattern, place)).map(|(_, must)| must.clone())
    }

    /// A value of this schema for this place; none for a field to leave out.
    pub fn value(&mut self, schema: &Value, place: &str, needed: bool) -> Option<Value> {
        let rule = self.rule(place);
        match rule {
            Some(Must::Be(value)) => return Some(value),
            Some(Must::BeAbsent) => return None,
            Some(Must::BeThere) => {
                let schema = self.resolved(schema).clone();
                return Some(self.of_type(&schema, place));
            }
            Some(Must::BeOneOf(values)) => return Some(values[self.random.below(values.len())].clone()),
            _ => {}
        }
        if !needed && !self.chance(60) {
            // Clients write null where they have nothing to say.
            return self.chance(40).then_some(Value::Null);
        }
        match rule {
            Some(Must::BeIfAny(value)) => return Some(value),
            Some(Must::BeSaid) => return Some(json!(self.said())),
            Some(Must::BeTags(keys)) => return Some(self.tags(keys)),
            _ => {}
        }
        let schema = self.resolved(schema).clone();
        Some(self.of_type(&schema, place))
    }

    fn tags(&mut self, keys: &[&str]) -> Value {
        let mut tags = Map::new();
        for key in keys {
            if self.chance(60) {
                let many = 1 + self.random.below(3);
                // Order and duplicates stay.
                tags.insert((*key).to_owned(), (0..many).map(|_| json!(self.said())).collect());
            }
        }
        Value::Object(tags)
    }

    fn of_type(&mut self, schema: &Value, place: &str) -> Value {
        if let Some(values) = schema["enum"].as_array() {
            return values[self.random.below(values.len())].clone();
        }
        if schema["properties"].is_object() {
            return self.object(schema, place);
        }
        let names = match &schema["type"] {
            Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
            name => name.as_str(),
        };
        match names {
            Some("boolean") => json!(self.chance(50)),
            Some("integer") => {
                let least = schema["minimum"].as_i64().unwrap_or(0);
                json!(least + i64::try_from(self.random.below(100_000)).unwrap())
            }
            Some("number") => json!(self.random.below(1000)),
            Some("array") => {
                let least = usize::try_from(schema["minItems"].as_u64().unwrap_or(0)).unwrap();
                let many = least + self.random.below(3);
                let item = self.resolved(&schema["items"]).clone();
                let mut items: Vec<Value> = Vec::new();
                for number in 0..many {
                    let item = self.value(&item, &format!("{place}/{number}"), true);
                    items.extend(item.filter(|item| !items.contains(item)));
                }
                Value::Array(items)
            }
            Some("object") => json!({}),
            _ => self.text(schema, place),
        }
    }

    fn text(&mut self, schema: &Value, place: &str) -> Value {
        let name = place.rsplit('/').next().unwrap_or_default();
        match schema["pattern"].as_str() {
            Some("^prod-") => return json!(format!("prod-{}", self.said())),
            Some("^C") => return json!(format!("C{}", self.said())),
            Some("^[^A-Z ]+$") => return json!("germanywestcentral"),
            Some(pattern) if pattern.starts_with("^[0-9]{4}-") => return json!("2031-02"),
            Some(pattern) => panic!("{place} has a pattern that nobody knows a text for: {pattern}"),
            None => {}
        }
        if name.ends_with("Pattern") && name != "valuePattern" {
            return json!("#{workspaceIdentifier}-#{projectIdentifier}");
        }
        if self.chance(10) { json!("") } else { json!(self.said()) }
    }

    fn object(&mut self, schema: &Value, place: &str) -> Value {
        let properties = schema["properties"].as_object().unwrap().clone();
        let is_secret =
            properties.len() == 2 && properties.contains_key("plaintext") && properties.contains_key("hash");
        if is_secret {
            return json!({ "plaintext": format!("s3cret {}", self.said()) });
        }
        let choices: Vec<String> = properties
            .get("type")
            .and_then(|kind| kind["enum"].as_array())
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let is_union =
            !choices.is_empty() && properties.keys().all(|name| name == "type" || choices.contains(name));
        if is_union {
            return self.union(&properties, &choices, place);
        }
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, property) in &properties {
            if let Some(value) = self.value(property, &format!("{place}/{name}"), required.contains(&&**name))
            {
                object.insert(name.clone(), value);
            }
        }
        Value::Object(object)
    }

    /// `type` and the member that it names; null for some of the others.
    fn union(&mut self, properties: &Map<String, Value>, choices: &[String], place: &str) -> Value {
        let chosen = match self.rule(&format!("{place}/type")) {
            Some(Must::Be(Value::String(chosen))) => chosen,
            _ => choices[self.random.below(choices.len())].clone(),
        };
        let mut union = Map::new();
        union.insert("type".into(), json!(chosen));
        for (name, property) in properties.iter().filter(|(name, _)| *name != "type") {
            if *name == chosen {
                let value = self.value(property, &format!("{place}/{name}"), true);
                union.extend(value.map(|value| (name.clone(), value)));
            } else if self.chance(50) {
                union.insert(name.clone(), Value::Null);
            }
        }
        Value::Object(union)
    }
}
