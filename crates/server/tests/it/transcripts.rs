//! What clients send and what they must get, as files: every file in `transcripts/` is replayed against a fresh
//! server, on both databases. Whatever turns out to be incompatible one day becomes one more file.
//!
//! A file is YAML or JSON: `about` says whose conversation it is, `steps` holds pairs of request and response.
//!
//! ```yaml
//! about: What the Terraform provider 0.25 says about workspaces
//! steps:
//!   - name: create
//!     as: nobody                  # the administrator's key when absent; `api-user`: Basic authentication
//!     request:
//!       method: POST
//!       path: /api/meshobjects/meshworkspaces
//!       media: meshWorkspace.v2   # Accept, and with a body Content-Type; `headers` for others
//!       body: { … }               # JSON; `text` for a body as it is
//!     response:
//!       status: 201
//!       headers: { Content-Type: … }
//!       body: { … }               # the whole body, but for what `ignore` names
//!       part: { … }               # or what must be in it
//!       absent: [/spec/readme]    # and what must not
//!       ignore: [/_links]
//!       capture: { uuid: /metadata/uuid }
//!     until: true                 # asked again until the response is as told
//! ```
//!
//! `${name}` stands for what was captured, and for `${base}`, `${admin.id}`, `${admin.secret}`. In expected
//! bodies `<any>`, `<uuid>`, `<instant>`, `<string>`, `<number>` and `<hash>` stand for values that differ.

pub mod compare;

use crate::stoa::{Answer, Caller, PATIENCE, Stoa};
use compare::{differences, part_differences};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;
use stoa_db::Engine;

/// The files, by name.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml" || ending == "json"));
    files.sort();
    files
}

/// A conversation in progress.
struct Replay {
    stoa: Stoa,
    api_user: Option<Caller>,
    known: Map<String, Value>,
}

impl Replay {
    fn new(stoa: Stoa) -> Self {
        let known = json!({
            "base": stoa.url,
            "admin.id": stoa.admin.client_id,
            "admin.secret": stoa.admin.client_secret,
        });
        Self { stoa, api_user: None, known: known.as_object().unwrap().clone() }
    }

    /// A text with what is known in place of names. A text that is nothing but a name becomes the value.
    fn filled(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => {
                let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
                if let Some(value) = whole.and_then(|name| self.known.get(name)) {
                    return Ok(value.clone());
                }
                let mut filled = String::new();
                let mut rest = text.as_str();
                while let Some((before, after)) = rest.split_once("${") {
                    let (name, after) = after.split_once('}').ok_or(format!("`{text}` is not closed"))?;
                    let value = self.known.get(name).ok_or(format!("nothing is known of `{name}`"))?;
                    filled.push_str(before);
                    filled.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                    rest = after;
                }
                Value::String(filled + rest)
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.filled(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let mut filled = Map::new();
                for (name, member) in members {
                    let name = self.filled(&json!(name))?;
                    filled.insert(name.as_str().unwrap_or_default().to_owned(), self.filled(member)?);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }

    async fn speaker(&mut self, name: &Value) -> Result<Caller, String> {
        match name.as_str().unwrap_or("admin") {
            "admin" => Ok(self.stoa.admin.clone()),
            "nobody" => Ok(self.stoa.nobody()),
            "api-user" => {
                if self.api_user.is_none() {
                    let body = json!({ "metadata": { "name": "extractor" }, "spec": { "displayName": "Extractor" } });
                    let made = self.stoa.admin.create("meshApiUser", &body).await;
                    let password = made["status"]["password"].as_str().ok_or("no password was given")?;
                    self.api_user = Some(self.stoa.nobody().basic("extractor", password));
                }
                Ok(self.api_user.clone().unwrap())
            }
            other => Err(format!("nobody is called `{other}`")),
        }
    }

    async fn ask(&mut self, step: &Value) -> Result<Answer, String> {
        let caller = self.speaker(&step["as"]).await?;
        let request = self.filled(&step["request"])?;
        let method =
            request["method"].as_str().unwrap_or("GET").parse::<Method>().map_err(|e| e.to_string())?;
        let path = request["path"].as_str().ok_or("the request has no path")?.to_owned();
        let body = request.get("body").map(Value::to_string);
        let body = body.or_else(|| request["text"].as_str().map(str::to_owned));
        let mut headers: Vec<(String, String)> = Vec::new();
        if let Some(media) = request["media"].as_str() {
            let media = format!("application/vnd.meshcloud.api.{media}.hal+json");
            if body.is_some() {
                headers.push(("Content-Type".into(), media.clone()));
            }
            headers.push(("Accept".into(), media));
        }
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            headers.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
        }
        // A header of the file's own counts for more than the speaker's.
        let own = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let caller = if own { self.stoa.nobody() } else { caller };
        Ok(caller
            .raw(method, &path, |mut call| {
                for (name, value) in headers {
                    call = call.header(name, value);
                }
                match body {
                    Some(body) => call.body(body),
                    None => call,
                }
            })
            .await)
    }

    /// What is wrong with an answer.
    fn judge(&self, expected: &Value, answer: &Answer) -> Result<Vec<String>, String> {
        let mut wrong = Vec::new();
        let status = &expected["status"];
        let is_status = match status {
            Value::Array(statuses) => statuses.contains(&json!(answer.status)),
            status => *status == json!(answer.status),
        };
        if !is_status {
            wrong.push(format!("the status is {}, not {status}: {}", answer.status, answer.text));
        }
        for (name, value) in self.filled(&expected["headers"])?.as_object().into_iter().flatten() {
            let found = answer.headers.get(name.as_str()).map_or("", |found| found.to_str().unwrap_or("?"));
            wrong.extend(differences(&json!(found), value, name, &[]));
        }
        let ignore: Vec<String> = expected["ignore"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|pointer| pointer.as_str().map(str::to_owned))
            .collect();
        if let Some(body) = expected.get("body") {
            if body.is_null() {
                if !answer.text.is_empty() {
                    wrong.push(format!("there is a body: {}", answer.text));
                }
            } else {
                wrong.extend(differences(&answer.json(), &self.filled(body)?, "", &ignore));
            }
        }
        if let Some(part) = expected.get("part") {
            wrong.extend(part_differences(&answer.json(), &self.filled(part)?, ""));
        }
        if let Some(text) = expected["contains"].as_str()
            && !answer.text.contains(text)
        {
            wrong.push(format!("`{text}` is not in {}", answer.text));
        }
        for pointer in expected["absent"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if let Some(found) = answer.json().pointer(pointer) {
                wrong.push(format!("{pointer} is there: {found}"));
            }
        }
        Ok(wrong)
    }

    async fn step(&mut self, step: &Value) -> Result<(), String> {
        let started = Instant::now();
        let expected = &step["response"];
        let answer = loop {
            let answer = self.ask(step).await?;
            let wrong = self.judge(expected, &answer)?;
            if wrong.is_empty() {
                break answer;
            }
            if step["until"] != json!(true) || started.elapsed() > PATIENCE {
                return Err(wrong.join("\n    "));
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        let body = answer.json();
        for (name, pointer) in expected["capture"].as_object().into_iter().flatten() {
            let pointer = pointer.as_str().unwrap_or_default();
            let value = body.pointer(pointer).ok_or(format!("there is no {pointer} to capture in {body}"))?;
            self.known.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}

fn read(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(&text, options)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Replays all files; `None` when the engine is not offered.
async fn replay_all(engine: Engine) {
    let only = std::env::var("STOA_TRANSCRIPT").ok();
    let mut failed = Vec::new();
    for file in files() {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let transcript = read(&file);
        assert!(transcript["about"].is_string(), "{name} does not say what it is about");
        let steps = transcript["steps"].as_array().unwrap_or_else(|| panic!("{name} has no steps"));
        let Some(stoa) = Stoa::on(engine).await else { return };
        let mut replay = Replay::new(stoa);
        for (number, step) in steps.iter().enumerate() {
            if let Err(problem) = replay.step(step).await {
                let step = step["name"].as_str().unwrap_or("without a name");
                failed.push(format!("{name}, step {} ({step}):\n    {problem}", number + 1));
                break;
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

mod every_transcript_is_answered_as_recorded {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        replay_all(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        replay_all(Engine::Postgres).await;
    }
}
