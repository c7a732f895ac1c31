//! A list as a file for a spreadsheet: everything that its filters let through (panel.md UX-30).

use super::kind::{Column, Kind};
use crate::api::{text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::parts::csv;
use crate::text::tr;
use serde_json::Value;
use std::sync::Arc;

/// Objects that are asked for at once.
const SIZE: &str = "1000";

/// The text of a cell; of tags their values, which a list only counts.
fn cell(object: &Value, column: &Column) -> String {
    let value = object.pointer(column.pointer).unwrap_or(&Value::Null);
    match value {
        Value::Object(tags) if column.pointer.ends_with("/tags") => {
            let values = |values: &Value| {
                let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
                values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            };
            tags.iter().map(|(key, all)| format!("{key}: {}", values(all))).collect::<Vec<_>>().join("; ")
        }
        value => super::Cell::of(value, column.look).text,
    }
}

/// The file.
pub async fn file(ctx: Ctx, kind: Arc<Kind>) -> Answer {
    super::pages::readable(&ctx, &kind)?;
    let mut heads = vec![tr("Name"), tr("Identifier")];
    heads.extend(kind.columns.iter().map(|column| column.label));
    let line = |fields: &[String]| fields.iter().map(|field| csv::field(field)).collect::<Vec<_>>().join(",");
    let mut text = line(&heads.iter().map(|&head| head.to_owned()).collect::<Vec<_>>());
    text.push_str("\r\n");
    for number in 0_u64.. {
        let mut pairs: Vec<(&str, String)> = kind
            .choices
            .iter()
            .map(|choice| choice.name)
            .chain(["q", "sort"])
            .filter_map(|name| Some((name, ctx.query(name)?.to_owned())))
            .collect();
        pairs.extend([("page", number.to_string()), ("size", SIZE.to_owned())]);
        let found = ctx.api.list(&with_query(&kind.api(), pairs)).await?;
        for object in &found.items {
            let mut fields = vec![kind.name_of(object), text_at(object, kind.identifier).to_owned()];
            fields.extend(kind.columns.iter().map(|column| cell(object, column)));
            text.push_str(&line(&fields));
            text.push_str("\r\n");
        }
        if number + 1 >= found.pages {
            break;
        }
    }
    Ok(csv::file(kind.collection, text))
}
