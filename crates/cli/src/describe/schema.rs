//! One field of an object: what its schema says when it is asked for and when it is answered.

use super::Description;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A place in an object, with its schema in requests and its schema in answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    description: &'a Description,
    ask: Option<&'a Value>,
    answer: Option<&'a Value>,
}

/// Who sets a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It stands in requests and answers.
    Both,
    /// It stands in requests only.
    Ask,
    /// It stands in answers only.
    Answer,
}

/// The parts of a schema that matter, with references followed and parts put together.
#[derive(Debug, Default)]
struct Flat<'a> {
    types: Vec<&'a str>,
    description: Option<&'a str>,
    values: Vec<&'a Value>,
    required: BTreeSet<&'a str>,
    properties: Vec<(&'a str, &'a Value)>,
    items: Option<&'a Value>,
    entries: Option<&'a Value>,
    variants: Vec<&'a Value>,
    facets: Vec<(&'a str, &'a Value)>,
}

/// What else is worth telling.
const FACETS: [&str; 10] = [
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "default",
    "deprecated",
];

impl<'a> Flat<'a> {
    fn of(description: &'a Description, schema: Option<&'a Value>) -> Self {
        let mut flat = Self::default();
        if let Some(schema) = schema {
            flat.take(description, schema, 0);
        }
        flat
    }

    fn take(&mut self, description: &'a Description, schema: &'a Value, depth: usize) {
        if depth > 16 {
            return;
        }
        // Words beside a reference say more than the words behind it.
        self.description = self.description.or_else(|| schema["description"].as_str());
        if schema.get("$ref").is_some() {
            return self.take(description, description.resolved(schema), depth + 1);
        }
        match &schema["type"] {
            Value::String(name) => self.types.push(name),
            Value::Array(names) => self.types.extend(names.iter().filter_map(Value::as_str)),
            _ => {}
        }
        self.values.extend(schema["enum"].as_array().into_iter().flatten());
        self.values.extend(schema.get("const"));
        self.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if !self.properties.iter().any(|(known, _)| known == name) {
                self.properties.push((name, property));
            }
        }
        self.items = self.items.or_else(|| schema.get("items"));
        self.entries =
            self.entries.or_else(|| schema.get("additionalProperties").filter(|it| it.is_object()));
        self.facets.extend(FACETS.into_iter().filter_map(|name| Some((name, schema.get(name)?))));
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.take(description, part, depth + 1);
        }
        for key in ["oneOf", "anyOf"] {
            let variants: Vec<&Value> = schema[key].as_array().into_iter().flatten().collect();
            let real: Vec<&Value> = variants.iter().copied().filter(|one| one["type"] != "null").collect();
            match real.as_slice() {
                [only] => self.take(description, only, depth + 1),
                many => self.variants.extend(many),
            }
        }
        self.types.retain(|name| *name != "null");
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        description: &'a Description,
        ask: Option<&'a Value>,
        answer: Option<&'a Value>,
    ) -> Self {
        Self { description, ask, answer }
    }

    fn flat(&self) -> [Flat<'a>; 2] {
        [Flat::of(self.description, self.ask), Flat::of(self.description, self.answer)]
    }

    fn with(&self, ask: Option<&'a Value>, answer: Option<&'a Value>) -> Self {
        Self { description: self.description, ask, answer }
    }

    /// Whether requests and answers say nothing about it.
    pub(crate) fn is_unknown(&self) -> bool {
        self.ask.is_none() && self.answer.is_none()
    }

    /// Who sets it.
    pub(crate) fn side(&self) -> Side {
        match (self.ask, self.answer) {
            (Some(_), None) => Side::Ask,
            (None, Some(_)) => Side::Answer,
            _ => Side::Both,
        }
    }

    /// What it is for.
    pub(crate) fn description(&self) -> &'a str {
        let [ask, answer] = self.flat();
        ask.description.or(answer.description).unwrap_or_default()
    }

    /// The values it may have, if there are only so many.
    pub(crate) fn values(&self) -> Vec<String> {
        let [ask, answer] = self.flat();
        let mut values: Vec<String> = Vec::new();
        for value in ask.values.into_iter().chain(answer.values) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if !values.contains(&text) {
                values.push(text);
            }
        }
        values
    }

    /// Bounds, format, default.
    pub(crate) fn facets(&self) -> Map<String, Value> {
        let [ask, answer] = self.flat();
        let all = ask.facets.into_iter().chain(answer.facets);
        // Widths of numbers say nothing to people.
        let worth =
            |(name, value): &(&str, &Value)| *name != "format" || (*value != "int32" && *value != "int64");
        all.filter(worth).map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    /// Its type in words: `string`, `list of string`, `map of object`.
    pub(crate) fn kind(&self) -> String {
        let [ask, answer] = self.flat();
        let flat = if self.ask.is_some() { &ask } else { &answer };
        if let Some(items) = flat.items {
            return format!("list of {}", self.with(Some(items), None).kind());
        }
        if let Some(entries) = flat.entries.filter(|_| flat.properties.is_empty()) {
            return format!("map of {}", self.with(Some(entries), None).kind());
        }
        match flat.types.as_slice() {
            [] if !flat.properties.is_empty() => "object".to_owned(),
            [] if !flat.variants.is_empty() => self.variants_in_words(flat),
            [] if flat.values.is_empty() => "any".to_owned(),
            [] => "string".to_owned(),
            names => {
                let mut names = names.to_vec();
                names.sort_unstable();
                names.dedup();
                names.join(" or ")
            }
        }
    }

    fn variants_in_words(&self, flat: &Flat<'a>) -> String {
        let mut words: Vec<String> =
            flat.variants.iter().map(|variant| self.with(Some(variant), None).kind()).collect();
        words.dedup();
        words.join(" or ")
    }

    /// What it holds: names, whether a request must have them, and the fields themselves. A list holds what its
    /// items hold, and a map what its entries hold.
    pub(crate) fn children(&self) -> Vec<(String, bool, Self)> {
        let [ask, answer] = self.flat();
        let inner = self.inner(&ask, &answer);
        if let Some(inner) = inner.filter(|_| ask.properties.is_empty() && answer.properties.is_empty()) {
            return inner.children();
        }
        let mut children: Vec<(String, bool, Self)> = Vec::new();
        for (name, schema) in &ask.properties {
            let other = answer.properties.iter().find(|(known, _)| known == name).map(|(_, other)| *other);
            children.push(((*name).to_owned(), ask.required.contains(name), self.with(Some(schema), other)));
        }
        for (name, schema) in &answer.properties {
            if !children.iter().any(|(known, ..)| known == name) {
                children.push(((*name).to_owned(), false, self.with(None, Some(schema))));
            }
        }
        for variant in ask.variants.iter().chain(&answer.variants) {
            for (name, _, field) in self.with(Some(variant), None).children() {
                if !children.iter().any(|(known, ..)| *known == name) {
                    children.push((name, false, field));
                }
            }
        }
        children
    }

    /// What the items of a list or the entries of a map are.
    fn inner(&self, ask: &Flat<'a>, answer: &Flat<'a>) -> Option<Self> {
        let of = |flat: &Flat<'a>| flat.items.or(flat.entries);
        let inner = self.with(of(ask), of(answer));
        (!inner.is_unknown()).then_some(inner)
    }

    /// Whether it is a map, whose entries have names that people choose.
    pub(crate) fn is_map(&self) -> bool {
        let [ask, answer] = self.flat();
        [&ask, &answer].iter().any(|flat| flat.entries.is_some() && flat.properties.is_empty())
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        let [ask, answer] = self.flat();
        [&ask, &answer].iter().any(|flat| flat.items.is_some())
    }

    /// The field that a segment of a path names: a property, or any entry of a map. Lists are passed through.
    pub(crate) fn child(&self, name: &str) -> Option<(bool, Self)> {
        let plain = name.split('[').next().unwrap_or(name);
        let [ask, answer] = self.flat();
        let properties = ask.properties.iter().chain(&answer.properties);
        let is_property = properties.clone().any(|(known, _)| *known == plain);
        let in_variant = !ask.variants.is_empty() || !answer.variants.is_empty();
        if !is_property
            && !in_variant
            && let Some(inner) = self.inner(&ask, &answer)
        {
            return if self.is_map() { Some((false, inner)) } else { inner.child(name) };
        }
        let found = self.children().into_iter().find(|(known, ..)| known == plain);
        found.map(|(_, required, field)| (required, field))
    }

    /// Everything about it but its children, for programs.
    pub(crate) fn json(&self, required: bool) -> Value {
        let mut about =
            json!({ "type": self.kind(), "required": required, "description": self.description() });
        match self.side() {
            Side::Both => {}
            Side::Ask => about["writeOnly"] = json!(true),
            Side::Answer => about["readOnly"] = json!(true),
        }
        let values = self.values();
        if !values.is_empty() {
            about["enum"] = json!(values);
        }
        for (name, value) in self.facets() {
            about[name] = value;
        }
        about
    }
}
