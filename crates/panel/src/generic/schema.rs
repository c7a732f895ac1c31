//! The schema of a kind's request body, from the description of the API that the server publishes.

use crate::api::Api;
use crate::problem::Problem;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

static DESCRIPTION: OnceLock<Arc<Value>> = OnceLock::new();

/// The description; it does not change while the server runs.
pub async fn description(api: &Api) -> Result<Arc<Value>, Problem> {
    if let Some(known) = DESCRIPTION.get() {
        return Ok(Arc::clone(known));
    }
    let read = Arc::new(api.get("/api/openapi.json").await?);
    Ok(Arc::clone(DESCRIPTION.get_or_init(|| read)))
}

/// What a schema is, references followed; its own words about itself come first.
pub fn followed<'v>(whole: &'v Value, schema: &'v Value) -> &'v Value {
    let mut schema = schema;
    for _ in 0..8 {
        let part = ["allOf", "oneOf", "anyOf"].into_iter().find_map(|name| {
            let parts = schema.get(name)?.as_array()?;
            parts.iter().find(|part| part["type"] != "null")
        });
        let next = match (schema["$ref"].as_str(), part) {
            (Some(name), _) => name.strip_prefix('#').and_then(|pointer| whole.pointer(pointer)),
            (None, Some(part)) if schema.get("properties").is_none() && schema.get("type").is_none() => {
                Some(part)
            }
            _ => None,
        };
        match next {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// The schema of what a POST on this collection takes.
pub fn request<'v>(whole: &'v Value, path: &str) -> &'v Value {
    let content = &whole["paths"][path]["post"]["requestBody"]["content"];
    // The newest version stands last.
    let schema = content.as_object().and_then(|content| content.values().next_back());
    let schema = schema.map_or(&Value::Null, |content| &content["schema"]);
    followed(whole, schema)
}
