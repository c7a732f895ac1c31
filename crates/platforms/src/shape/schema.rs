//! The API description of a [`Shape`].

use super::{Field, Mode, Shape, Variant};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};

/// The JSON schema of a shape.
pub fn schema(shape: &Shape) -> Value {
    match shape {
        Shape::Text | Shape::Pattern(_) => json!({ "type": "string", "maxLength": 255 }),
        Shape::Form(pattern, _) => json!({ "type": "string", "maxLength": 255, "pattern": pattern }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Whole => json!({ "type": "integer", "format": "int64" }),
        Shape::Choice(choices) => json!({ "type": "string", "enum": choices }),
        Shape::Secret => json!({
            "type": "object",
            "description": "A credential: written as plaintext, shown as hash.",
            "properties": {
                "plaintext": { "type": "string", "description": "Sets or rotates it; in requests only." },
                "hash": { "type": "string", "description": "What is stored; in requests it keeps that." },
            },
        }),
        Shape::Texts(least) => {
            json!({ "type": "array", "items": { "type": "string", "maxLength": 255 }, "minItems": least })
        }
        Shape::Named(kind) => json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "kind": { "type": "string", "enum": [kind], "description": "Its kind; implied when absent." },
                "name": { "type": "string", "description": "Its identifier." },
            },
        }),
        Shape::Object(members) => object(members),
        Shape::List(members) => json!({ "type": "array", "items": object(members) }),
        Shape::Union(variants) => union(variants),
    }
}

/// The schema of a shape with a sentence about it.
pub fn described(shape: &Shape, about: &str) -> Value {
    let mut schema = schema(shape);
    schema["description"] = json!(about);
    schema
}

/// The same for types that stand beside it in the description.
pub fn openapi(shape: &Shape, about: &str) -> RefOr<Schema> {
    serde_json::from_value(described(shape, about)).unwrap_or_else(|_| RefOr::T(Schema::default()))
}

fn object(members: &[Field]) -> Value {
    let mut properties = Map::new();
    for Field { name, mode, shape, about } in members {
        let mut property = described(shape, about);
        match mode {
            Mode::OrFalse => property["default"] = json!(false),
            Mode::Or(number) => property["default"] = json!(number),
            Mode::OrNone => property["default"] = json!([]),
            Mode::Must | Mode::May | Mode::OrEmpty => {}
        }
        properties.insert((*name).into(), property);
    }
    let required: Vec<&str> =
        members.iter().filter(|field| field.mode == Mode::Must).map(|field| field.name).collect();
    let mut whole = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        whole["required"] = json!(required);
    }
    whole
}

fn union(variants: &[Variant]) -> Value {
    let names: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
    let mut properties = Map::new();
    properties.insert("type".into(), json!({ "type": "string", "enum": names }));
    for variant in variants {
        if let Some(shape) = &variant.shape {
            properties.insert(variant.name.into(), described(shape, variant.about));
        }
    }
    json!({ "type": "object", "required": ["type"], "properties": properties })
}
