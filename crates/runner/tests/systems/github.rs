//! A stand-in of GitHub: one app, one repository, its workflows and their runs.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::{Asked, Said, Served, System, nods, says};

pub const APP_ID: &str = "4711";
pub const OWNER: &str = "fruit";
pub const REPOSITORY: &str = "press";
pub const BRANCH: &str = "main";
const INSTALLATION: u64 = 88;

static APP_KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

/// The app's private key as GitHub hands it out: PKCS#1.
pub fn app_pem() -> String {
    // The other form holds this one behind a head of known length.
    pem("RSA PRIVATE KEY", &APP_KEY.as_der().unwrap().as_ref()[26..])
}

/// The app's private key as other programs write it: PKCS#8.
pub fn converted_app_pem() -> String {
    pem("PRIVATE KEY", APP_KEY.as_der().unwrap().as_ref())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub struct GitHub {
    /// Whether it tells which run a dispatch made, as Enterprise Servers do not.
    pub tells_runs: bool,
    /// Whether the workflows name their runs after the address of the block's run.
    pub titles_runs: bool,
    /// How long a run takes to appear.
    pub appears_after: Duration,
    /// How a run ends after it was looked at twice; none goes on until somebody ends it.
    pub ends: Option<&'static str>,
    pub installed: bool,
    pub tokens: BTreeSet<String>,
    /// Bodies of dispatches that were obeyed, with the workflow's file.
    pub dispatches: Vec<(String, Value)>,
    pub runs: Vec<WorkflowRun>,
    pub cancelled: Vec<u64>,
}

pub struct WorkflowRun {
    pub id: u64,
    pub file: String,
    pub title: String,
    pub actor: String,
    pub status: &'static str,
    pub conclusion: Option<&'static str>,
    /// Name, status and conclusion of each job.
    pub jobs: Vec<(&'static str, &'static str, Option<&'static str>)>,
    visible_from: Instant,
    looks: usize,
    ends: Option<&'static str>,
}

impl Served<GitHub> {
    /// A GitHub that knows the app by its public key.
    pub async fn github() -> Self {
        Self::start(GitHub {
            tells_runs: true,
            titles_runs: true,
            appears_after: Duration::ZERO,
            ends: Some("success"),
            installed: true,
            tokens: BTreeSet::new(),
            dispatches: Vec::new(),
            runs: Vec::new(),
            cancelled: Vec::new(),
        })
        .await
    }
}

impl GitHub {
    /// Somebody else's run of a workflow.
    pub fn other_run(&mut self, title: &str, actor: &str) {
        self.add("apply.yml", title.to_owned(), actor);
    }

    /// Ends the run that was made last.
    pub fn end(&mut self, conclusion: &'static str) {
        let run = self.runs.last_mut().expect("a run");
        (run.status, run.conclusion) = ("completed", Some(conclusion));
        for job in &mut run.jobs {
            (job.1, job.2) = ("completed", Some(conclusion));
        }
    }

    fn add(&mut self, file: &str, title: String, actor: &str) -> u64 {
        let id = 9_000_000_000 + self.runs.len() as u64;
        self.runs.push(WorkflowRun {
            id,
            file: file.to_owned(),
            title,
            actor: actor.to_owned(),
            status: "queued",
            conclusion: None,
            jobs: vec![("plan", "queued", None), ("press", "queued", None)],
            visible_from: Instant::now() + self.appears_after,
            looks: 0,
            ends: self.ends,
        });
        id
    }

    fn is_proven(asked: &Asked) -> bool {
        let Some(proof) = asked.header("authorization").strip_prefix("Bearer ") else { return false };
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_issuer(&[APP_ID]);
        rules.leeway = 0;
        let key = DecodingKey::from_rsa_der(APP_KEY.public_key().as_ref());
        let Ok(proof) = jsonwebtoken::decode::<Value>(proof, &key, &rules) else { return false };
        let at = |name: &str| proof.claims[name].as_u64().expect("a moment");
        at("exp") - at("iat") <= 600
    }

    fn is_known(&self, asked: &Asked) -> bool {
        let token = asked.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        self.tokens.contains(token)
    }

    fn dispatch(&mut self, file: &str, body: Value, url: &str) -> Said {
        let unprocessable =
            |message: &str| says(422, json!({ "message": message, "documentation_url": "x" }));
        let keys = body.as_object().expect("an object").keys();
        let unknown = keys.clone().find(|key| {
            !(["ref", "inputs"].contains(&key.as_str()) || (self.tells_runs && *key == "return_run_details"))
        });
        if let Some(key) = unknown {
            return unprocessable(&format!("Invalid request.\n\n\"{key}\" is not a permitted key."));
        }
        if body["ref"] != BRANCH {
            return unprocessable(&format!("No ref found for: {}", body["ref"].as_str().unwrap_or_default()));
        }
        let declared = [
            "buildingBlockRun",
            "buildingBlockRunUrl",
            "MESHSTACK_API_TOKEN",
            "MESHSTACK_RUN_TOKEN",
            "MESHSTACK_ENDPOINT",
        ];
        let inputs = body["inputs"].as_object().expect("inputs");
        assert!(inputs.values().all(Value::is_string), "inputs are texts");
        if let Some(input) = inputs.keys().find(|key| !declared.contains(&key.as_str())) {
            return unprocessable(&format!("Unexpected inputs provided: [\"{input}\"]"));
        }
        let title = match inputs.get("buildingBlockRunUrl").and_then(Value::as_str) {
            Some(address) if self.titles_runs => format!("Press {address}"),
            _ => "Press".to_owned(),
        };
        let wants_details = body["return_run_details"] == true;
        self.dispatches.push((file.to_owned(), body));
        let id = self.add(file, title, "stoa-test[bot]");
        if !wants_details {
            return nods(204);
        }
        says(
            200,
            json!({
                "workflow_run_id": id,
                "run_url": format!("{url}/repos/{OWNER}/{REPOSITORY}/actions/runs/{id}"),
                "html_url": format!("https://github.example.org/{OWNER}/{REPOSITORY}/actions/runs/{id}"),
            }),
        )
    }

    fn list(&self, file: &str, asked: &Asked) -> Said {
        assert_eq!(asked.query["event"], "workflow_dispatch");
        let visible = |run: &&WorkflowRun| run.file == file && run.visible_from <= Instant::now();
        let runs: Vec<Value> = self.runs.iter().rev().filter(visible).map(shown).collect();
        says(200, json!({ "total_count": runs.len(), "workflow_runs": runs }))
    }
}

fn shown(run: &WorkflowRun) -> Value {
    json!({
        "id": run.id, "name": "Press", "display_title": run.title, "event": "workflow_dispatch",
        "head_branch": BRANCH, "status": run.status, "conclusion": run.conclusion, "run_attempt": 1,
        "html_url": format!("https://github.example.org/{OWNER}/{REPOSITORY}/actions/runs/{}", run.id),
        "actor": { "login": run.actor, "type": "Bot" }, "triggering_actor": { "login": run.actor },
    })
}

impl System for GitHub {
    fn answer(&mut self, asked: &Asked, url: &str) -> Said {
        let missing = || says(404, json!({ "message": "Not Found", "status": "404" }));
        let bad = || says(401, json!({ "message": "Bad credentials", "status": "401" }));
        if asked.header("user-agent").is_empty() {
            return says(403, json!({ "message": "Request forbidden by administrative rules." }));
        }
        assert_eq!(asked.header("accept"), "application/vnd.github+json");
        assert_eq!(asked.header("x-github-api-version"), "2022-11-28");
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        // Enterprise Servers have their API below their pages.
        let path = path.strip_prefix(&["api", "v3"]).unwrap_or(&path);
        match (asked.method.as_str(), path) {
            ("GET", ["repos", OWNER, REPOSITORY, "installation"]) => {
                if !Self::is_proven(asked) {
                    return says(401, json!({ "message": "A JSON web token could not be decoded" }));
                }
                if !self.installed {
                    return missing();
                }
                says(200, json!({ "id": INSTALLATION, "app_id": 4711, "app_slug": "stoa-test" }))
            }
            ("POST", ["app", "installations", id, "access_tokens"]) => {
                assert_eq!(*id, INSTALLATION.to_string());
                if !Self::is_proven(asked) {
                    return says(401, json!({ "message": "A JSON web token could not be decoded" }));
                }
                let body = asked.json();
                assert_eq!(body["repositories"], json!([REPOSITORY]));
                assert_eq!(body["permissions"], json!({ "actions": "write" }));
                let token = format!("ghs_installation-token-{}", self.tokens.len());
                self.tokens.insert(token.clone());
                says(201, json!({ "token": token, "expires_at": "2031-01-01T00:00:00Z" }))
            }
            (_, ["repos", OWNER, REPOSITORY, ..]) if !self.is_known(asked) => bad(),
            ("POST", ["repos", _, _, "actions", "workflows", file, "dispatches"]) => {
                if !["apply.yml", "destroy.yml"].contains(file) {
                    return missing();
                }
                self.dispatch(file, asked.json(), url)
            }
            ("GET", ["repos", _, _, "actions", "workflows", file, "runs"]) => {
                if !["apply.yml", "destroy.yml"].contains(file) {
                    return missing();
                }
                self.list(file, asked)
            }
            ("GET", ["repos", _, _, "actions", "runs", id]) => {
                let Some(run) = self.runs.iter_mut().find(|run| run.id.to_string() == *id) else {
                    return missing();
                };
                run.looks += 1;
                match (run.looks, run.ends) {
                    (2, _) if run.status == "queued" => {
                        run.status = "in_progress";
                        run.jobs[0] = ("plan", "completed", Some("success"));
                        run.jobs[1] = ("press", "in_progress", None);
                    }
                    (3.., Some(ends)) if run.status == "in_progress" => {
                        (run.status, run.conclusion) = ("completed", Some(ends));
                        run.jobs[1] = ("press", "completed", Some(ends));
                    }
                    _ => {}
                }
                says(200, shown(run))
            }
            ("GET", ["repos", _, _, "actions", "runs", id, "jobs"]) => {
                let Some(run) = self.runs.iter().find(|run| run.id.to_string() == *id) else {
                    return missing();
                };
                let jobs: Vec<Value> = run.jobs.iter().enumerate().map(|(number, (name, status, end))| json!({
                    "id": number + 1, "name": name, "status": status, "conclusion": end,
                    "html_url": format!("https://github.example.org/job/{number}"),
                    "steps": [{ "name": "Set up job", "status": status, "conclusion": end, "number": 1 }],
                })).collect();
                says(200, json!({ "total_count": jobs.len(), "jobs": jobs }))
            }
            ("POST", ["repos", _, _, "actions", "runs", id, "cancel"]) => {
                let Some(run) = self.runs.iter_mut().find(|run| run.id.to_string() == *id) else {
                    return missing();
                };
                if run.status == "completed" {
                    return says(
                        409,
                        json!({ "message": "Cannot cancel a workflow run that is completed." }),
                    );
                }
                (run.status, run.conclusion) = ("completed", Some("cancelled"));
                self.cancelled.push(run.id);
                says(202, json!({}))
            }
            _ => missing(),
        }
    }
}
