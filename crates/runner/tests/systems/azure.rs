//! A stand-in of Azure DevOps: one pipeline with parameters, its runs and their timelines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Asked, Said, Served, System, nods, says};

pub const ORGANIZATION: &str = "fruit";
pub const PROJECT: &str = "Press Works";
pub const PIPELINE: &str = "12";
pub const TOKEN: &str = "pat-0123456789abcdefghijklmnop";

pub struct Azure {
    /// The parameters that the pipeline declares.
    pub declared: Vec<&'static str>,
    /// How a run ends after it was looked at twice; none goes on until somebody ends it.
    pub ends: Option<&'static str>,
    pub runs: Vec<PipelineRun>,
    pub cancelled: Vec<u64>,
}

pub struct PipelineRun {
    pub id: u64,
    pub body: Value,
    pub state: &'static str,
    pub result: Option<&'static str>,
    looks: usize,
}

impl Served<Azure> {
    pub async fn azure() -> Self {
        Self::start(Azure {
            declared: vec!["MESHSTACK_BEHAVIOR", "name", "count", "block", "password"],
            ends: Some("succeeded"),
            runs: Vec::new(),
            cancelled: Vec::new(),
        })
        .await
    }
}

impl Azure {
    fn shown(run: &PipelineRun) -> Value {
        json!({
            "id": run.id, "name": format!("2031.{}", run.id), "state": run.state, "result": run.result,
            "templateParameters": run.body["templateParameters"], "pipeline": { "id": 12, "name": "press" },
            "url": "https://azure.example.org/x", "createdDate": "2031-01-01T00:00:00Z",
            "_links": { "web": { "href": format!("https://azure.example.org/fruit/_build/results?buildId={}", run.id) } },
        })
    }

    fn run(&mut self, body: Value) -> Said {
        let wrong = |message: &str| {
            says(400, json!({ "$id": "1", "message": message, "typeKey": "PipelineValidationException" }))
        };
        let given = body["templateParameters"].as_object().cloned().unwrap_or_else(Map::new);
        assert!(given.values().all(Value::is_string), "parameters are texts");
        if let Some(name) = given.keys().find(|name| !self.declared.contains(&name.as_str())) {
            return wrong(&format!("Unexpected parameter '{name}'"));
        }
        let branch = &body["resources"]["repositories"]["self"]["refName"];
        if !branch.is_null() && branch != "refs/heads/main" {
            return wrong(&format!("Could not find branch {branch}"));
        }
        let id = 700 + self.runs.len() as u64;
        self.runs.push(PipelineRun { id, body, state: "inProgress", result: None, looks: 0 });
        says(200, Self::shown(&self.runs[self.runs.len() - 1]))
    }
}

impl System for Azure {
    fn answer(&mut self, asked: &Asked, _: &str) -> Said {
        let missing = || says(404, json!({ "$id": "1", "message": "Pipeline 99 does not exist." }));
        if asked.header("authorization") != format!("Basic {}", STANDARD.encode(format!(":{TOKEN}"))) {
            // As the real one: no error, but a page to sign in.
            return Said { status: 203, content_type: "text/html", body: "<html>Sign In</html>".to_owned() };
        }
        assert_eq!(asked.query["api-version"], "7.0");
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("POST", [ORGANIZATION, PROJECT, "_apis", "pipelines", PIPELINE, "runs"]) => {
                self.run(asked.json())
            }
            ("GET", [ORGANIZATION, PROJECT, "_apis", "build", "builds"]) => {
                assert_eq!(asked.query["queryOrder"], "queueTimeDescending");
                let listed = asked.query["definitions"] == PIPELINE;
                let runs = self.runs.iter().rev().filter(|_| listed);
                let builds: Vec<Value> =
                    runs.map(|run| json!({ "id": run.id, "status": "inProgress" })).collect();
                says(200, json!({ "count": builds.len(), "value": builds }))
            }
            ("GET", [ORGANIZATION, PROJECT, "_apis", "pipelines", PIPELINE, "runs", id]) => {
                let ends = self.ends;
                let Some(run) = self.runs.iter_mut().find(|run| run.id.to_string() == *id) else {
                    return missing();
                };
                run.looks += 1;
                if let (3.., Some(ends), "inProgress") = (run.looks, ends, run.state) {
                    (run.state, run.result) = ("completed", Some(ends));
                }
                says(200, Self::shown(run))
            }
            ("GET", [ORGANIZATION, PROJECT, "_apis", "build", "builds", id, "timeline"]) => {
                let Some(run) = self.runs.iter().find(|run| run.id.to_string() == *id) else {
                    return missing();
                };
                if run.looks < 2 {
                    return nods(204);
                }
                let (state, result) =
                    if run.state == "completed" { ("completed", run.result) } else { ("inProgress", None) };
                says(
                    200,
                    json!({ "records": [
                    { "id": "s1", "type": "Stage", "name": "Prepare", "order": 1, "state": "completed", "result": "succeeded" },
                    { "id": "s2", "type": "Stage", "name": "Press", "order": 2, "state": state, "result": result },
                    { "id": "j", "parentId": "s2", "type": "Job", "name": "Press it", "state": state, "result": result },
                ] }),
                )
            }
            ("PATCH", [ORGANIZATION, PROJECT, "_apis", "build", "builds", id]) => {
                assert_eq!(asked.json(), json!({ "status": "cancelling" }));
                let Some(run) = self.runs.iter_mut().find(|run| run.id.to_string() == *id) else {
                    return missing();
                };
                (run.state, run.result) = ("completed", Some("canceled"));
                self.cancelled.push(run.id);
                says(200, json!({ "id": run.id, "status": "cancelling" }))
            }
            _ => missing(),
        }
    }
}
