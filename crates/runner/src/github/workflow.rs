//! One workflow: dispatched for a run, found among the others, looked at with its jobs, cancelled.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stoa_client::runs::{Behavior, GithubWorkflow, Run, Status};

use super::TRIGGER;
use super::app::App;
use crate::failure::Failure;
use crate::pipeline::{
    Before, Caller, End, External, Followed, Forwarded, Found, Pipeline, Start, Trouble, View, Words,
    open_secret,
};
use crate::progress::OutsideStep;
use crate::work::Work;

/// GitHub takes no more than this for all inputs.
const LARGEST_INPUTS: usize = 65_535;
/// How many of the newest runs of a workflow are searched.
const SEARCHED: &str = "50";
/// Jobs are listed in pages of this size, up to this many.
const PAGE: usize = 100;
const PAGES: usize = 10;

static UUID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").expect("a constant expression"));

/// A workflow, ready to be dispatched for one run.
pub(super) struct Workflow<'a> {
    app: App<'a>,
    place: String,
    file: String,
    branch: String,
    inputs: Map<String, Value>,
    run_uuid: &'a str,
}

impl<'a> Workflow<'a> {
    /// Everything that is needed to dispatch it. Refuses what the definition cannot do.
    pub(super) fn of(work: &'a Work<'_>, run: &Run, of: &GithubWorkflow) -> Result<Self, Failure> {
        let file = match run.behavior {
            Behavior::Apply => Some(&of.apply_workflow),
            Behavior::Destroy => of.destroy_workflow.as_ref().filter(|file| !file.trim().is_empty()),
            // There is no workflow that only looks.
            Behavior::Detect => None,
        };
        let file = file.ok_or_else(|| {
            let what = if run.behavior == Behavior::Destroy { "deletion" } else { "dry runs" };
            Failure::step(format!("This definition names no GitHub workflow for {what}"))
        })?;
        // GitHub knows workflows by the name of their file.
        let file = file.rsplit('/').next().unwrap_or(file).to_owned();
        let pem = open_secret(work, &of.app_pem, "The key of the GitHub App")?;
        let unusable =
            |trouble: Trouble| Failure::step(format!("The GitHub workflow cannot be started: {trouble}"));
        let caller = Caller::new(&of.github_base_url).map_err(unusable)?;
        let repository = (of.owner.as_str(), of.repository.as_str());
        let app = App::new(caller, (&of.app_id, &pem), repository, work.progress).map_err(unusable)?;
        let inputs = inputs(&Forwarded::new(work, run)?, run, of)?;
        Ok(Self {
            app,
            place: format!("{file} of {}/{} on {}", of.owner, of.repository, of.branch),
            file,
            branch: of.branch.clone(),
            inputs,
            run_uuid: &work.claimed.uuid,
        })
    }

    async fn listed(&self) -> Result<Vec<Listed>, Trouble> {
        #[derive(Deserialize)]
        struct Runs {
            workflow_runs: Vec<Listed>,
        }
        let path = ["actions", "workflows", &self.file, "runs"];
        let query = [("event", "workflow_dispatch"), ("per_page", SEARCHED)];
        let answer = self.app.ask(Method::GET, &path, |request| request.query(&query)).await?;
        let runs = Runs::deserialize(&answer.json)
            .map_err(|error| Trouble::Unclear(format!("the list of runs is not understood: {error}")))?;
        Ok(runs.workflow_runs)
    }

    async fn jobs(&self, id: &str) -> Result<Vec<OutsideStep>, Trouble> {
        #[derive(Deserialize)]
        struct Jobs {
            jobs: Vec<Job>,
        }
        let mut steps = Vec::new();
        for page in 1..=PAGES {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let path = ["actions", "runs", id, "jobs"];
            let answer = self.app.ask(Method::GET, &path, |request| request.query(&query)).await?;
            let jobs = Jobs::deserialize(&answer.json)
                .map_err(|error| Trouble::Unclear(format!("the list of jobs is not understood: {error}")))?;
            let is_last = jobs.jobs.len() < PAGE;
            steps.extend(jobs.jobs.into_iter().map(Job::step));
            if is_last {
                break;
            }
        }
        Ok(steps)
    }

    async fn dispatch(&self, wants_details: bool) -> Result<Option<External>, Trouble> {
        let mut body = json!({ "ref": self.branch, "inputs": self.inputs });
        if wants_details {
            body["return_run_details"] = json!(true);
        }
        let path = ["actions", "workflows", &self.file, "dispatches"];
        let answer = self.app.ask(Method::POST, &path, |request| request.json(&body)).await?;
        let id = answer.json.get("workflow_run_id").and_then(Value::as_u64);
        let url = answer.json.get("html_url").and_then(Value::as_str).unwrap_or_default();
        Ok(id.map(|id| External { id, url: url.to_owned() }))
    }
}

/// What the workflow is told.
fn inputs(forwarded: &Forwarded, run: &Run, of: &GithubWorkflow) -> Result<Map<String, Value>, Failure> {
    let mut inputs = Map::new();
    if of.omit_run_object_input {
        let own = run.links.own.as_deref().unwrap_or_default();
        inputs.insert("buildingBlockRunUrl".to_owned(), json!(own));
        for name in ["MESHSTACK_API_TOKEN", "MESHSTACK_RUN_TOKEN"] {
            inputs.extend(forwarded.text(name).map(|text| (name.to_owned(), json!(text))));
        }
        if inputs.contains_key("MESHSTACK_API_TOKEN") {
            let name = "MESHSTACK_ENDPOINT";
            inputs.extend(forwarded.text(name).map(|text| (name.to_owned(), json!(text))));
        }
    } else {
        let object = STANDARD.encode(forwarded.run_object().to_string());
        inputs.insert("buildingBlockRun".to_owned(), json!(object));
    }
    let size = Value::Object(inputs.clone()).to_string().len();
    if size > LARGEST_INPUTS {
        return Err(Failure::step(format!(
            "The inputs of this run have {size} bytes; GitHub takes {LARGEST_INPUTS}. Set `omitRunObjectInput` in the \
             definition, and let the workflow read the run from its address"
        )));
    }
    Ok(inputs)
}

impl Pipeline for Workflow<'_> {
    const WORDS: Words = Words { trigger: TRIGGER, one: "GitHub workflow" };

    fn place(&self) -> String {
        self.place.clone()
    }

    async fn before(&self) -> Result<Before, Trouble> {
        let listed = self.listed().await?;
        let newest = listed.iter().map(|run| run.id).max().unwrap_or(0);
        let ours = listed.into_iter().find(|run| run.names(self.run_uuid) && run.status != "completed");
        Ok(Before { newest, ours: ours.map(Listed::external) })
    }

    async fn start(&self) -> Result<Option<External>, Trouble> {
        match self.dispatch(true).await {
            // Older GitHub Enterprise Servers do not know the word, and have done nothing.
            Err(Trouble::Refused { status: 400 | 422, told }) if told.contains("return_run_details") => {
                self.dispatch(false).await
            }
            answer => answer,
        }
    }

    async fn find(&self, newest: u64, start: Start) -> Result<Found, Trouble> {
        let listed = self.listed().await?;
        let mut newer: Vec<Listed> = listed.into_iter().filter(|run| run.id > newest).collect();
        if let Some(place) = newer.iter().position(|run| run.names(self.run_uuid)) {
            return Ok(Found::One(newer.swap_remove(place).external()));
        }
        if start == Start::InDoubt {
            return Ok(Found::Nothing);
        }
        let bot = self.app.bot();
        let branch = self.branch.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        newer.retain(|run| {
            !UUID.is_match(&run.titles())
                && run.head_branch.as_deref().is_none_or(|on| on == branch)
                && match (&run.actor, &bot) {
                    (Some(actor), Some(bot)) => actor.login == *bot,
                    (Some(_) | None, _) => true,
                }
        });
        Ok(match newer.pop() {
            None => Found::Nothing,
            Some(only) if newer.is_empty() => Found::One(only.external()),
            Some(_) => Found::Several(newer.len() + 1),
        })
    }
}

impl Followed for Workflow<'_> {
    async fn look(&self, external: &External) -> Result<View, Trouble> {
        let id = external.id.to_string();
        let answer = self.app.ask(Method::GET, &["actions", "runs", &id], |request| request).await?;
        let run = Listed::deserialize(&answer.json)
            .map_err(|error| Trouble::Unclear(format!("the run is not understood: {error}")))?;
        let end = (run.status == "completed").then(|| match run.conclusion.as_deref() {
            Some("success" | "neutral") => End::Good,
            other => End::Bad(other.unwrap_or("no conclusion").to_owned()),
        });
        let steps = self.jobs(&id).await?;
        Ok(View { steps, end })
    }

    async fn cancel(&self, external: &External) -> Result<(), Trouble> {
        let path = ["actions", "runs", &external.id.to_string(), "cancel"];
        match self.app.ask(Method::POST, &path, |request| request).await {
            // It is over already.
            Ok(_) | Err(Trouble::Refused { status: 409, .. }) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}

/// A run of a workflow.
#[derive(Deserialize)]
struct Listed {
    id: u64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    display_title: Option<String>,
    #[serde(default)]
    head_branch: Option<String>,
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    actor: Option<Actor>,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(default)]
    login: String,
}

impl Listed {
    /// What the workflow's author made of its inputs with `run-name`.
    fn titles(&self) -> String {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("{} {}", part(&self.display_title), part(&self.name))
    }

    fn names(&self, run_uuid: &str) -> bool {
        self.titles().contains(run_uuid)
    }

    fn external(self) -> External {
        External { id: self.id, url: self.html_url }
    }
}

#[derive(Deserialize)]
struct Job {
    id: u64,
    name: String,
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    steps: Vec<JobStep>,
}

#[derive(Deserialize)]
struct JobStep {
    name: String,
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
}

impl Job {
    /// The job as a step. Skipped and cancelled jobs are failed steps (`runner-protocol.md` §13.1).
    fn step(self) -> OutsideStep {
        let (status, user_message) = match (self.status.as_str(), self.conclusion.as_deref()) {
            ("completed", Some("success" | "neutral")) => (Status::Succeeded, None),
            ("completed", ended) => {
                (Status::Failed, Some(format!("This job ended with `{}`", ended.unwrap_or("no conclusion"))))
            }
            ("in_progress", _) => (Status::InProgress, None),
            _ => (Status::Pending, None),
        };
        let mut log: Vec<String> = self.html_url.into_iter().collect();
        log.extend(self.steps.into_iter().map(|step| {
            let word = step.conclusion.unwrap_or(step.status);
            format!("{}: {word}", step.name)
        }));
        OutsideStep {
            id: format!("gh-workflow-job-{}", self.id),
            display_name: format!("GitHub Job: {}", self.name),
            status,
            user_message,
            log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UUID;

    #[test]
    fn uuids_are_found_in_titles() {
        assert!(UUID.is_match("Apply https://x/runs/e0b7c1fa-8c0d-4a28-bb0b-1f0b1f6f9d77"));
        assert!(!UUID.is_match("Apply a machine"));
    }
}
