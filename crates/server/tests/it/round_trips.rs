//! What Terraform does all day, for every kind: create, read, list, write back what was read, find nothing changed,
//! delete. Bodies are made up from the API description; [`rows`] says of each kind what the description cannot.

mod generate;
mod rows;
mod versions;

use crate::on_both;
use crate::stoa::{PATIENCE, Stoa, media};
use crate::transcripts::compare::part_differences;
use generate::Generator;
use reqwest::Method;
use rows::{Row, World, rows};
use serde_json::{Map, Value, json};
use stoa_chaos::random::Random;

/// How many bodies of each row are tried.
pub const BODIES: usize = 5;

/// Calls with the media type of a row.
struct Door<'a> {
    stoa: &'a Stoa,
    row: &'a Row,
}

impl Door<'_> {
    async fn call(&self, method: Method, rest: &str, body: Option<&Value>) -> crate::stoa::Answer {
        let media = media(self.row.kind, self.row.version);
        let path = format!("/api/meshobjects/{}{rest}", self.row.collection);
        self.stoa
            .admin
            .raw(method, &path, |request| {
                let request = request.header("accept", &media);
                match body {
                    Some(body) => request.header("content-type", &media).body(body.to_string()),
                    None => request,
                }
            })
            .await
    }
}

/// What the event log knows of.
pub async fn changes(stoa: &Stoa) -> Vec<String> {
    let events = stoa.admin.list("meshEventLog", "?size=1000").await;
    events
        .iter()
        .map(|event| format!("{}: {}", event["spec"]["title"], event["spec"]["description"]))
        .collect()
}

/// What was sent, as it must come back: without nulls and empty tags, secrets as hashes.
fn echoed(sent: &Value, read: &Value) -> Value {
    match sent {
        Value::Object(members) if members.contains_key("plaintext") => read.clone(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            let kept = kept
                .map(|(name, value)| (name.clone(), echoed(value, read.get(name).unwrap_or(&Value::Null))));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let at = |n: usize| read.get(n).unwrap_or(&Value::Null);
            items.iter().enumerate().map(|(n, item)| echoed(item, at(n))).collect()
        }
        other => other.clone(),
    }
}

/// What was sent with the hashes that came back in place of secrets, as a client sends it again.
fn again(sent: &Value, read: &Value) -> Value {
    match sent {
        Value::Object(members) if members.contains_key("plaintext") => read.clone(),
        Value::Object(members) => {
            let null = Value::Null;
            let kept = members
                .iter()
                .map(|(name, value)| (name.clone(), again(value, read.get(name).unwrap_or(&null))));
            Value::Object(kept.collect())
        }
        Value::Array(items) => {
            let null = Value::Null;
            items.iter().enumerate().map(|(n, item)| again(item, read.get(n).unwrap_or(&null))).collect()
        }
        other => other.clone(),
    }
}

/// Whether a secret shows more than its hash.
fn shows_secrets(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("plaintext") || members.values().any(shows_secrets),
        Value::Array(items) => items.iter().any(shows_secrets),
        _ => false,
    }
}

/// One body of a row through its whole life; what went wrong, if anything did.
async fn life(stoa: &Stoa, row: &Row, body: &Value) -> Result<(), String> {
    let door = Door { stoa, row };
    let made = door.call(Method::POST, "", Some(body)).await;
    if made.status != 201 {
        return Err(format!("not taken: {}\n  {body}", made.text));
    }
    let made_text = made.text.clone();
    let id = rows::id_of(&made.json());
    let wrong =
        |what: &str, found: &str| Err(format!("{what}:\n  sent {body}\n  made {made_text}\n  got  {found}"));

    let mut read = door.call(Method::GET, &format!("/{id}"), None).await;
    let started = std::time::Instant::now();
    while row.comes_to.is_some_and(|(at, state)| read.json().pointer(at) != Some(&json!(state))) {
        if started.elapsed() > PATIENCE {
            return wrong("it comes to no rest", &read.text);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        read = door.call(Method::GET, &format!("/{id}"), None).await;
    }
    let may_differ = row.shows_once || row.comes_to.is_some();
    if (read.status, &read.text) != (200, &made_text) && !may_differ {
        return wrong("the read is not the creation's answer", &read.text);
    }
    let object = read.json();
    if shows_secrets(&object) {
        return wrong("it shows a secret", &read.text);
    }
    let mut expected = echoed(body, &object);
    for pointer in &row.never_shown {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        if let Some(parent) = expected.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(name);
        }
    }
    let lost = part_differences(&object, &expected, "");
    if !lost.is_empty() {
        return wrong(&format!("what was sent does not come back: {}", lost.join("; ")), &read.text);
    }
    let list = door.call(Method::GET, &format!("?size=1000{}", row.filter), None).await;
    let items = list.json()["_embedded"][format!("{}s", row.kind)].clone();
    let listed = items.as_array().is_some_and(|items| items.contains(&object));
    if !listed {
        return wrong("the list does not hold it as it reads", &list.text);
    }
    if row.is_replaced {
        let put = door.call(Method::PUT, &format!("/{id}"), Some(&object)).await;
        if put.status != 405 {
            return wrong("there is a PUT", &put.text);
        }
    } else if !row.rotates {
        let before = changes(stoa).await;
        // Nothing but what was read; the same with nulls for what is absent; what was sent the first time.
        let mut with_nulls = object.clone();
        with_nulls["status"] = Value::Null;
        with_nulls["spec"]["noSuchField"] = Value::Null;
        for (what, sent) in
            [("read", object.clone()), ("read, with nulls", with_nulls), ("sent", again(body, &object))]
        {
            let put = door.call(Method::PUT, &format!("/{id}"), Some(&sent)).await;
            if (put.status, &put.text) != (200, &read.text) {
                return wrong(&format!("writing back what was {what} is a change"), &put.text);
            }
        }
        let now = door.call(Method::GET, &format!("/{id}"), None).await;
        if now.text != read.text {
            return wrong("it reads otherwise after writing back what was read", &now.text);
        }
        let after = changes(stoa).await;
        if after != before {
            let new: Vec<_> = after.iter().filter(|event| !before.contains(event)).collect();
            return wrong(&format!("writing back what was read left {new:?} of {} events", after.len()), "");
        }
    }
    let gone = door.call(Method::DELETE, &format!("/{id}"), None).await;
    if !matches!(gone.status, 202 | 204) || !gone.text.is_empty() {
        return wrong("it cannot be deleted", &gone.text);
    }
    let started = std::time::Instant::now();
    let goes_later = gone.status == 202;
    loop {
        if !goes_later {
            break;
        }
        let left = door.call(Method::GET, &format!("/{id}"), None).await;
        let state = left.json().pointer("/status/lifecycle/state").cloned();
        // Older versions have no lifecycle, and say when it ended.
        let ended = left.json().pointer("/metadata/deletedOn").is_some();
        if left.status == 404 || state == Some(json!("DELETED")) || ended {
            break;
        }
        if started.elapsed() > PATIENCE {
            return wrong("its deletion does not end", &left.text);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

on_both! {
    async fn what_was_read_can_be_written_back_unchanged(stoa) {
        let mut random = Random::seeded();
        let description = stoa.nobody().raw(Method::GET, "/api/openapi.json", |r| r).await.expect(200);
        let world = World::new(&stoa).await;
        let only = std::env::var("STOA_ROUND_TRIP").ok();
        let mut failed = Vec::new();
        for row in rows(&world) {
            if only.as_ref().is_some_and(|only| !row.name().contains(only.as_str())) {
                continue;
            }
            let path = format!("/api/meshobjects/{}", row.collection);
            let content = &description["paths"][&path]["post"]["requestBody"]["content"];
            let schema = &content[media(row.kind, row.version).to_lowercase()]["schema"];
            assert!(schema.is_object(), "{} cannot be created: {content}", row.name());
            for number in 0..BODIES {
                let mut generator =
                    Generator { description: &description, rules: &row.rules, random: &mut random };
                let mut body = generator.value(schema, "", true).unwrap();
                (row.finish)(&mut body, number);
                body["kind"] = json!(row.kind);
                body["apiVersion"] = json!(row.version);
                if let Err(problem) = life(&stoa, &row, &body).await {
                    failed.push(format!("{}: {problem}", row.name()));
                    break;
                }
            }
        }
        assert!(failed.is_empty(), "{} rows failed:\n{}", failed.len(), failed.join("\n"));
    }
}
