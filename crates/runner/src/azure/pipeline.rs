//! One pipeline: run with parameters, found among the others, looked at with its stages, cancelled.

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stoa_client::runs::{AzureDevops, Run};
use zeroize::Zeroizing;

use super::{TRIGGER, timeline};
use crate::failure::Failure;
use crate::pipeline::{
    Answer, Before, Caller, End, External, Followed, Forwarded, Found, Pipeline, Start, Trouble, View, Words,
    open_secret,
};
use crate::work::Work;

/// The version of the API that is spoken: one that servers of one's own know, too.
const API_VERSION: (&str, &str) = ("api-version", "7.0");
/// How many of the newest runs of a pipeline are searched.
const SEARCHED: &str = "50";

/// A pipeline, ready to be run for one run of a block.
pub(super) struct AzurePipeline {
    caller: Caller,
    token: Zeroizing<String>,
    organization: String,
    project: String,
    pipeline: String,
    body: Value,
    parameters: Map<String, Value>,
    block_uuid: String,
}

impl AzurePipeline {
    /// Everything that is needed to run it.
    pub(super) fn of(work: &Work<'_>, run: &Run, of: &AzureDevops) -> Result<Self, Failure> {
        let token = open_secret(work, &of.personal_access_token, "The access token of Azure DevOps")?;
        let caller = Caller::new(&of.azure_dev_ops_base_url).map_err(|trouble| {
            Failure::step(format!("The Azure DevOps pipeline cannot be started: {trouble}"))
        })?;
        let mut parameters = Forwarded::new(work, run)?.plain_object();
        parameters.insert("MESHSTACK_BEHAVIOR".to_owned(), json!(run.behavior.as_str()));
        let mut body = json!({ "templateParameters": parameters });
        if let Some(name) = of.ref_name.as_deref().filter(|name| !name.is_empty()) {
            let full = if name.starts_with("refs/") { name.to_owned() } else { format!("refs/heads/{name}") };
            body["resources"] = json!({ "repositories": { "self": { "refName": full } } });
        }
        Ok(Self {
            caller,
            token,
            organization: of.organization.clone(),
            project: of.project.clone(),
            pipeline: of.pipeline_id.clone(),
            body,
            parameters,
            block_uuid: run.building_block.uuid.clone(),
        })
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        finish: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Trouble> {
        let parts = [&[self.organization.as_str(), self.project.as_str(), "_apis"], path].concat();
        let request = self.caller.request(method, &parts).query(&[API_VERSION]);
        let request = request.basic_auth("", Some(self.token.as_str())).header("accept", "application/json");
        let sign_in = || Trouble::Refused {
            status: 203,
            told: "Azure DevOps wants somebody to sign in: the personal access token is not valid".to_owned(),
        };
        match self.caller.ask(finish(request)).await {
            // Tokens that are not valid get a page to sign in instead of an error.
            Ok(answer) if answer.status == 203 => Err(sign_in()),
            Err(Trouble::Refused { status: 302, .. }) => Err(sign_in()),
            Err(Trouble::Unclear(why)) if why.contains("203 is not JSON") => Err(sign_in()),
            answer => answer,
        }
    }

    async fn listed(&self) -> Result<Vec<u64>, Trouble> {
        #[derive(Deserialize)]
        struct Builds {
            value: Vec<Build>,
        }
        #[derive(Deserialize)]
        struct Build {
            id: u64,
        }
        let query = [
            ("definitions", self.pipeline.as_str()),
            ("queryOrder", "queueTimeDescending"),
            ("$top", SEARCHED),
        ];
        let answer = self.ask(Method::GET, &["build", "builds"], |request| request.query(&query)).await?;
        let builds = Builds::deserialize(&answer.json)
            .map_err(|error| Trouble::Unclear(format!("the list of runs is not understood: {error}")))?;
        Ok(builds.value.into_iter().map(|build| build.id).collect())
    }

    async fn run(&self, id: u64) -> Result<AzureRun, Trouble> {
        let path = ["pipelines", &self.pipeline, "runs", &id.to_string()];
        understood(&self.ask(Method::GET, &path, |request| request).await?)
    }

    /// Whether the parameters name the block, so that no other block's run can have the same.
    fn is_marked(&self) -> bool {
        self.parameters
            .values()
            .any(|value| value.as_str().is_some_and(|text| text.contains(&self.block_uuid)))
    }

    fn is_ours(&self, run: &AzureRun) -> bool {
        self.parameters.iter().all(|(name, value)| run.template_parameters.get(name) == Some(value))
    }
}

fn understood(answer: &Answer) -> Result<AzureRun, Trouble> {
    AzureRun::deserialize(&answer.json)
        .map_err(|error| Trouble::Unclear(format!("the run is not understood: {error}")))
}

impl Pipeline for AzurePipeline {
    const WORDS: Words = Words { trigger: TRIGGER, one: "Azure DevOps pipeline" };

    fn place(&self) -> String {
        format!("pipeline {} of {}/{}", self.pipeline, self.organization, self.project)
    }

    async fn before(&self) -> Result<Before, Trouble> {
        let newest = self.listed().await?.into_iter().max().unwrap_or(0);
        Ok(Before { newest, ours: None })
    }

    async fn start(&self) -> Result<Option<External>, Trouble> {
        let path = ["pipelines", &self.pipeline, "runs"];
        let answer = self.ask(Method::POST, &path, |request| request.json(&self.body)).await?;
        Ok(Some(understood(&answer)?.external()))
    }

    async fn find(&self, newest: u64, _start: Start) -> Result<Found, Trouble> {
        if !self.is_marked() {
            return Ok(Found::Nothing);
        }
        let mut ours = Vec::new();
        for id in self.listed().await?.into_iter().filter(|id| *id > newest) {
            let run = self.run(id).await?;
            if self.is_ours(&run) {
                ours.push(run);
            }
        }
        Ok(match ours.pop() {
            None => Found::Nothing,
            Some(only) if ours.is_empty() => Found::One(only.external()),
            Some(_) => Found::Several(ours.len() + 1),
        })
    }
}

impl Followed for AzurePipeline {
    async fn look(&self, external: &External) -> Result<View, Trouble> {
        let run = self.run(external.id).await?;
        let path = ["build", "builds", &external.id.to_string(), "timeline"];
        let steps = match self.ask(Method::GET, &path, |request| request).await {
            Ok(answer) => timeline::stages(&answer.json),
            // A run that waits for an agent has none yet.
            Err(Trouble::Refused { status: 404, .. }) => Vec::new(),
            Err(trouble) => return Err(trouble),
        };
        let end = (run.state == "completed").then(|| match run.result.as_deref() {
            Some("succeeded") => End::Good,
            other => End::Bad(other.unwrap_or("no result").to_owned()),
        });
        Ok(View { steps, end })
    }

    async fn cancel(&self, external: &External) -> Result<(), Trouble> {
        let path = ["build", "builds", &external.id.to_string()];
        let body = json!({ "status": "cancelling" });
        self.ask(Method::PATCH, &path, |request| request.json(&body)).await.map(drop)
    }
}

/// A run of a pipeline.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzureRun {
    id: u64,
    #[serde(default)]
    state: String,
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    template_parameters: Map<String, Value>,
    #[serde(rename = "_links", default)]
    links: Value,
}

impl AzureRun {
    fn external(self) -> External {
        let url = self.links.pointer("/web/href").and_then(Value::as_str).unwrap_or_default();
        External { id: self.id, url: url.to_owned() }
    }
}
