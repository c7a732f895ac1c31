//! Roles of people and groups, whatever they are bound to: another role in one step.

use crate::api::{Api, segment, text_at};
use crate::problem::Problem;
use serde_json::{Value, json};

/// Gives somebody another role in the place of the one that a binding of this collection gives, with this last day. A
/// role is a binding, so there is another one: first the new one, so that nobody falls out in between.
pub async fn exchange(
    api: &Api,
    collection: &str,
    binding: &str,
    role: &str,
    day: Option<&str>,
) -> Result<(), Problem> {
    let old = api.get(&format!("{collection}/{}", segment(binding))).await?;
    if text_at(&old, "/roleRef/name") == role {
        return Ok(());
    }
    let mut body = json!({
        "roleRef": { "name": role },
        "targetRef": { "name": old["targetRef"]["name"] },
        "subject": { "name": old["subject"]["name"] },
    });
    if let Value::String(owner) = &old["targetRef"]["ownedByWorkspace"] {
        body["targetRef"]["ownedByWorkspace"] = json!(owner);
    }
    if let Some(day) = day {
        body["expiryDate"] = json!(day);
    }
    let made = api.post(collection, &body).await?;
    let gone = api.delete(&format!("{collection}/{}", segment(binding))).await;
    if let Err(problem) = gone {
        // The old role stays, so the new one goes again.
        let name = text_at(&made, "/metadata/name");
        api.delete(&format!("{collection}/{}", segment(name))).await?;
        return Err(problem);
    }
    Ok(())
}
