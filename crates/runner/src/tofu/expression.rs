//! Values as HCL: reading the literals people write into code inputs, writing values so that they mean themselves.

use hcl::expr::{Expression, ObjectKey, Operation, UnaryOperator};
use serde_json::{Map, Number, Value};

/// The value that a text means as JSON or as an HCL literal. A text with anything to compute in it, such as a
/// reference, a call, an interpolation, or a date that looks like a subtraction, means no value.
pub(crate) fn literal(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    value_of(text.trim().parse().ok()?)
}

fn value_of(expression: Expression) -> Option<Value> {
    Some(match expression {
        Expression::Null => Value::Null,
        Expression::Bool(value) => Value::Bool(value),
        Expression::Number(number) => Value::Number(number_of(&number)?),
        Expression::String(text) => Value::String(text),
        Expression::Array(items) => Value::Array(items.into_iter().map(value_of).collect::<Option<_>>()?),
        Expression::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| Some((key_of(key)?, value_of(value)?)));
            Value::Object(fields.collect::<Option<Map<_, _>>>()?)
        }
        Expression::Parenthesis(inner) => value_of(*inner)?,
        Expression::TemplateExpr(template) => Value::String(plain_template(&template)?),
        Expression::Operation(operation) => match *operation {
            Operation::Unary(unary) if unary.operator == UnaryOperator::Neg => match value_of(unary.expr)? {
                Value::Number(number) => Value::Number(negative(&number)?),
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    })
}

fn key_of(key: ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Identifier(name) => Some(name.to_string()),
        ObjectKey::Expression(expression) => match value_of(expression)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a quoted string or heredoc without interpolations.
fn plain_template(template: &hcl::expr::TemplateExpr) -> Option<String> {
    let template = hcl::Template::from_expr(template).ok()?;
    let mut text = String::new();
    for element in template.elements() {
        match element {
            hcl::template::Element::Literal(part) => text.push_str(part),
            _ => return None,
        }
    }
    Some(text)
}

fn number_of(number: &hcl::Number) -> Option<Number> {
    match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => Some(whole.into()),
        (None, Some(whole)) => Some(whole.into()),
        (None, None) => Number::from_f64(number.as_f64()?),
    }
}

fn negative(number: &Number) -> Option<Number> {
    match number.as_i64() {
        Some(whole) => Some(whole.checked_neg()?.into()),
        None => Number::from_f64(-number.as_f64()?),
    }
}

/// A value as HCL expression on one line.
pub(crate) fn written(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                out.push_str(if position == 0 { "" } else { ", " });
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (position, (key, value)) in fields.iter().enumerate() {
                out.push_str(if position == 0 { " " } else { ", " });
                write_text(key, out);
                out.push_str(" = ");
                write(value, out);
            }
            out.push_str(" }");
        }
    }
}

/// A quoted text in which nothing is left to interpolate.
fn write_text(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => out.extend([c, c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{literal, written};

    #[test]
    fn literals_of_both_languages_are_read() {
        for (text, value) in [
            ("{\"a\": [1, 2.5, null]}", json!({"a": [1, 2.5, null]})),
            ("[\"a\", \"b\",]", json!(["a", "b"])),
            ("{ a = 1, \"b c\" = { d = true } }", json!({"a": 1, "b c": {"d": true}})),
            ("{\n  a = 1\n  b = -2\n}", json!({"a": 1, "b": -2})),
            ("(\"x\")", json!("x")),
            ("42", json!(42)),
            ("null", json!(null)),
        ] {
            assert_eq!(literal(text), Some(value), "{text}");
        }
    }

    #[test]
    fn everything_else_is_text() {
        for text in [
            "",
            "hello",
            "var.x",
            "file(\"/etc/passwd\")",
            "[\"a ${b}\",]",
            "2024-01-01",
            "1 + 1",
            "true ? 1 : 2",
            "1.2.3",
            "[for x in [1]: x]",
            "{a = b}",
            "a: 1\nb: 2",
            "#!/bin/sh\necho hi\n",
            "[1, 2",
            "!true",
        ] {
            assert_eq!(literal(text), None, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_text_and_does_no_harm() {
        assert!(literal(&format!("{}{}", "[".repeat(60), "]".repeat(60))).is_some());
        for open in ["[", "{a=", "(", "!", "-", "a?b:", "\"${"] {
            assert_eq!(literal(&open.repeat(100_000)), None, "{open}");
        }
    }

    #[test]
    fn nothing_is_left_to_interpolate() {
        assert_eq!(
            written(&json!("${a} %{b} $c $${d} \"\\\n\u{7}")),
            r#""$${a} %%{b} $c $$${d} \"\\\n\u0007""#
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[${%\"\\\\}]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[ -~]{0,6}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in values()) {
            let text = written(&value);
            prop_assert!(!text.contains('\n'));
            let expression: hcl::Expression = text.parse().unwrap();
            prop_assert_eq!(super::value_of(expression), Some(value), "{}", text);
        }
    }
}
