//! Reading JSON by its [`Shape`]: what is missing or of another form is refused with its path, secrets are sealed,
//! defaults are filled in, unknown members are left out.

use super::{Field, Mode, Shape, Variant};
use crate::template;
use regex::Regex;
use serde_json::{Map, Value, json};
use stoa_base::Refusal;
use stoa_blocks::secret::Keeper;
use stoa_core::{Outcome, World};

/// Longest text in characters (`api-platforms.md` §1).
const TEXT_MAX: usize = 255;
/// Longest credential in bytes.
const SECRET_MAX: usize = 64 << 10;

fn invalid(at: &str, problem: impl Into<String>) -> Refusal {
    Refusal::invalid(at, problem)
}

fn below(at: &str, name: &str) -> String {
    format!("{at}.{name}")
}

fn kind_of(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::Form(..) | Shape::Pattern(_) | Shape::Choice(_) => "a string",
        Shape::Flag => "true or false",
        Shape::Whole => "a whole number",
        Shape::Secret | Shape::Named(_) | Shape::Object(_) | Shape::Union(_) => "an object",
        Shape::Texts(_) => "a list of strings",
        Shape::List(_) => "a list of objects",
    }
}

/// Refuses members of other JSON types than the shape has, at any depth; what is missing is no matter of types
/// (`api-core.md` §1.3).
pub fn check_types(shape: &Shape, value: &Value, at: &str) -> Result<(), Refusal> {
    let fits = match shape {
        Shape::Text | Shape::Form(..) | Shape::Pattern(_) | Shape::Choice(_) => value.is_string(),
        Shape::Flag => value.is_boolean(),
        Shape::Whole => value.as_i64().is_some(),
        Shape::Secret | Shape::Named(_) | Shape::Object(_) | Shape::Union(_) => value.is_object(),
        Shape::Texts(_) | Shape::List(_) => value.is_array(),
    };
    if !fits {
        return Err(invalid(at, format!("must be {}", kind_of(shape))));
    }
    let member = |name: &str| value.get(name).filter(|member| !member.is_null());
    let fields = |fields: &[Field], value: &Value, at: &str| {
        fields.iter().try_for_each(|field| match value.get(field.name) {
            None | Some(Value::Null) => Ok(()),
            Some(member) => check_types(&field.shape, member, &below(at, field.name)),
        })
    };
    match shape {
        Shape::Object(members) => fields(members, value, at),
        Shape::List(members) => {
            value.as_array().into_iter().flatten().enumerate().try_for_each(|(place, item)| {
                let at = format!("{at}[{place}]");
                if item.is_object() {
                    fields(members, item, &at)
                } else {
                    Err(invalid(&at, "must be an object"))
                }
            })
        }
        Shape::Texts(_) => {
            value.as_array().into_iter().flatten().enumerate().try_for_each(|(place, item)| {
                if item.is_string() {
                    Ok(())
                } else {
                    Err(invalid(&format!("{at}[{place}]"), "must be a string"))
                }
            })
        }
        Shape::Union(variants) => {
            if member("type").is_some_and(|name| !name.is_string()) {
                return Err(invalid(&below(at, "type"), "must be a string"));
            }
            variants.iter().try_for_each(|variant| match (member(variant.name), &variant.shape) {
                (Some(member), Some(shape)) => check_types(shape, member, &below(at, variant.name)),
                _ => Ok(()),
            })
        }
        Shape::Secret | Shape::Named(_) => {
            for name in ["plaintext", "hash", "kind", "name"] {
                if member(name).is_some_and(|text| !text.is_string()) {
                    return Err(invalid(&below(at, name), "must be a string"));
                }
            }
            Ok(())
        }
        Shape::Text | Shape::Form(..) | Shape::Pattern(_) | Shape::Choice(_) | Shape::Flag | Shape::Whole => {
            Ok(())
        }
    }
}

/// `given` as it is to be stored. `stored` is what is there now, which its secrets are compared with; `at` is the
/// path of it in the request.
pub fn read(world: &World, shape: &Shape, given: &Value, stored: Option<&Value>, at: &str) -> Outcome<Value> {
    let wrong = || invalid(at, format!("must be {}", kind_of(shape)));
    Ok(match shape {
        Shape::Text => json!(text(given, at)?),
        Shape::Form(pattern, rule) => {
            let text = text(given, at)?;
            if !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text)) {
                return Err(invalid(at, *rule).into());
            }
            json!(text)
        }
        Shape::Pattern(names) => {
            let text = text(given, at)?;
            template::check(text, *names).map_err(|problem| invalid(at, problem))?;
            json!(text)
        }
        Shape::Flag => json!(given.as_bool().ok_or_else(wrong)?),
        Shape::Whole => json!(given.as_i64().ok_or_else(wrong)?),
        Shape::Choice(choices) => {
            let text = text(given, at)?;
            if !choices.contains(&text) {
                return Err(invalid(at, format!("must be one of {}", choices.join(", "))).into());
            }
            json!(text)
        }
        Shape::Secret => {
            if given.get("plaintext").and_then(Value::as_str).is_some_and(|text| text.len() > SECRET_MAX) {
                return Err(invalid(&below(at, "plaintext"), "must have at most 64 KiB").into());
            }
            Keeper::Server.take(world, given, stored, at)?
        }
        Shape::Texts(least) => {
            let items = given.as_array().ok_or_else(wrong)?;
            if items.len() < *least {
                return Err(invalid(at, format!("must have at least {least} entry")).into());
            }
            let texts = items.iter().enumerate().map(|(place, item)| text(item, &format!("{at}[{place}]")));
            json!(texts.collect::<Result<Vec<_>, _>>()?)
        }
        Shape::Named(kind) => {
            let name = given.get("name").ok_or_else(|| invalid(&below(at, "name"), "is required"))?;
            let name = text(name, &below(at, "name"))?;
            stoa_blocks::reference::check_kind(given.get("kind").and_then(Value::as_str), kind, at)?;
            json!({ "kind": kind, "name": name })
        }
        Shape::Object(members) => {
            let given = given.as_object().ok_or_else(wrong)?;
            Value::Object(object(world, members, given, stored, at)?)
        }
        Shape::List(members) => {
            let items = given.as_array().ok_or_else(wrong)?;
            let mut list = Vec::with_capacity(items.len());
            for (place, item) in items.iter().enumerate() {
                let at = format!("{at}[{place}]");
                let item = item.as_object().ok_or_else(|| invalid(&at, "must be an object"))?;
                // Lists have no order that secrets could be told apart by; none of them holds any.
                list.push(Value::Object(object(world, members, item, None, &at)?));
            }
            Value::Array(list)
        }
        Shape::Union(variants) => {
            let given = given.as_object().ok_or_else(wrong)?;
            Value::Object(union(world, variants, given, stored, at)?)
        }
    })
}

fn text<'v>(given: &'v Value, at: &str) -> Result<&'v str, Refusal> {
    let text = given.as_str().ok_or_else(|| invalid(at, "must be a string"))?;
    let length = text.chars().count();
    if length > TEXT_MAX {
        return Err(invalid(at, format!("must have at most {TEXT_MAX} characters, not {length}")));
    }
    Ok(text)
}

fn object(
    world: &World,
    members: &[Field],
    given: &Map<String, Value>,
    stored: Option<&Value>,
    at: &str,
) -> Outcome<Map<String, Value>> {
    let mut whole = Map::new();
    for field in members {
        let at = below(at, field.name);
        let stored = stored.and_then(|stored| stored.get(field.name));
        let value = match given.get(field.name).filter(|value| !value.is_null()) {
            Some(value) => read(world, &field.shape, value, stored, &at)?,
            None => match field.mode {
                Mode::Must => return Err(invalid(&at, "is required").into()),
                Mode::May => continue,
                Mode::OrFalse => json!(false),
                Mode::Or(number) => json!(number),
                Mode::OrNone => json!([]),
                Mode::OrEmpty => read(world, &field.shape, &json!({}), stored, &at)?,
            },
        };
        whole.insert(field.name.into(), value);
    }
    Ok(whole)
}

fn union(
    world: &World,
    variants: &[Variant],
    given: &Map<String, Value>,
    stored: Option<&Value>,
    at: &str,
) -> Outcome<Map<String, Value>> {
    let names = || variants.iter().map(|variant| variant.name).collect::<Vec<_>>().join(", ");
    let at_type = below(at, "type");
    let is_set = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
    let name = given.get("type").filter(|name| !name.is_null());
    let name = name.ok_or_else(|| invalid(&at_type, format!("is required: one of {}", names())))?;
    let name = text(name, &at_type)?;
    let Some(variant) = variants.iter().find(|variant| variant.name == name) else {
        return Err(invalid(&at_type, format!("must be one of {}, not `{name}`", names())).into());
    };
    if let Some(other) = variants.iter().find(|other| other.name != name && is_set(other.name)) {
        let problem = format!("must not be set when {at_type} is {name}");
        return Err(invalid(&below(at, other.name), problem).into());
    }
    let mut whole = Map::new();
    whole.insert("type".into(), json!(name));
    let at = below(at, name);
    match (&variant.shape, given.get(name).filter(|value| !value.is_null())) {
        (None, _) => {}
        (Some(_), None) => {
            return Err(invalid(&at, format!("is required when {at_type} is {name}")).into());
        }
        (Some(shape), Some(value)) => {
            let stored = stored.and_then(|stored| stored.get(name));
            whole.insert(name.into(), read(world, shape, value, stored, &at)?);
        }
    }
    Ok(whole)
}
