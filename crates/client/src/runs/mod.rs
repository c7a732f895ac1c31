//! The run protocol, typed: claim a run, register as its source, report, fetch a saved plan.

mod payload;
mod report;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

pub use payload::{
    AzureDevops, Behavior, BuildingBlock, ClaimedRun, Definition, GithubWorkflow, GitlabCicd, Implementation,
    Input, InputType, KnownHost, Links, ParentBuildingBlock, Run, Terraform, Trigger,
};
pub use report::{
    KnownSource, Output, OutputType, Registration, RunStatus, Status, StatusUpdate, StepStatus, StepUpdate,
};

use crate::client::{Body, CALL_TIMEOUT};
use crate::{Client, ClientError, Credential, ServerEvent, media};

/// How long a report may take that carries a saved plan, or the download of one.
const ARTIFACT_TIMEOUT: Duration = Duration::from_mins(10);
/// A report of this size or more gets that time.
const LARGE_REPORT: usize = 1024 * 1024;

/// A runner's view of the server: it asks for work with the runner's own credential.
#[derive(Clone, Debug)]
pub struct RunnerApi {
    client: Client,
}

impl RunnerApi {
    /// The runner's calls go out through this client, with its headers.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Claims the oldest run that waits for this runner; none when nothing waits or somebody else was faster.
    pub async fn claim(&self, runner_uuid: &str) -> Result<Option<ClaimedRun>, ClientError> {
        let media = media("meshBuildingBlockRun", "v1");
        let path = format!("/api/meshobjects/meshbuildingblockruns/create?forRunnerUuid={runner_uuid}");
        let body = Body { media: crate::client::header(&media)?, bytes: Bytes::new() };
        let response =
            match self.client.answered(Method::POST, &path, &media, Some(body), Some(CALL_TIMEOUT)).await {
                Ok(response) => response,
                Err(ClientError::Status { status: 404 | 409, .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
        let json = response.text().await.map_err(|error| self.client.unreachable(error))?;
        ClaimedRun::read(json).map(Some)
    }

    /// The changes that concern this runner, as they happen: each is a reason to ask for work at once.
    pub async fn wake_ups(
        &self,
        runner_uuid: &str,
    ) -> impl Stream<Item = Result<ServerEvent, ClientError>> + Send + Unpin + use<> {
        self.client.get_stream(&format!("/api/events?runner={runner_uuid}"), None).await.boxed()
    }

    /// The calls about one claimed run, made with its own token and nothing else.
    pub fn run(&self, run_uuid: &str, run_token: &str) -> RunApi {
        let client = self.client.with_credential(Credential::Token(run_token.to_owned()));
        RunApi {
            client,
            path: format!("/api/meshobjects/meshbuildingblockruns/{run_uuid}"),
            token: run_token.to_owned(),
        }
    }
}

/// The calls about one run.
#[derive(Clone, Debug)]
pub struct RunApi {
    client: Client,
    path: String,
    token: String,
}

#[derive(Deserialize)]
struct Acknowledgement {
    #[serde(rename = "runAborted", default)]
    run_aborted: bool,
}

impl RunApi {
    /// Announces a source of reports and its steps. Saying it twice does no harm.
    pub async fn register_source(&self, registration: &Registration) -> Result<(), ClientError> {
        let media = media("meshBuildingBlockRun", "v1");
        let path = format!("{}/status/source", self.path);
        let body = Body::json(registration, &media)?;
        match self.client.answered(Method::POST, &path, &media, Some(body), Some(CALL_TIMEOUT)).await {
            Ok(_) | Err(ClientError::Status { status: 409, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reports progress or the end. The answer tells whether somebody aborted the run.
    pub async fn patch_status(&self, source_id: &str, update: &StatusUpdate) -> Result<bool, ClientError> {
        let bytes = serde_json::to_vec(update)
            .map_err(|error| ClientError::Malformed(format!("the report cannot be written: {error}")))?;
        self.patch_status_json(source_id, bytes).await
    }

    /// Sends a report that was written earlier, such as one that was kept on disk.
    pub async fn patch_status_json(&self, source_id: &str, report: Vec<u8>) -> Result<bool, ClientError> {
        let media = media("meshBuildingBlockRun", "v1");
        let path = format!("{}/status/source/{source_id}", self.path);
        let timeout = if report.len() >= LARGE_REPORT { ARTIFACT_TIMEOUT } else { CALL_TIMEOUT };
        let body = Body { media: crate::client::header(&media)?, bytes: report.into() };
        let response = self.client.answered(Method::PATCH, &path, &media, Some(body), Some(timeout)).await?;
        let bytes = response.bytes().await.map_err(|error| self.client.unreachable(error))?;
        let acknowledgement: Acknowledgement = serde_json::from_slice(&bytes).map_err(|error| {
            ClientError::Malformed(format!("the answer to a report is not understood: {error}"))
        })?;
        Ok(acknowledgement.run_aborted)
    }

    /// Downloads the plan that an apply has to replay, from the link in its payload.
    pub async fn plan_artifact(&self, href: &str) -> Result<Bytes, ClientError> {
        let request = self.client.http().get(href).bearer_auth(&self.token).timeout(ARTIFACT_TIMEOUT);
        let response = request
            .header(reqwest::header::ACCEPT, "application/octet-stream")
            .send()
            .await
            .map_err(|error| self.client.unreachable(error))?;
        let status = response.status();
        if status == reqwest::StatusCode::OK {
            return response.bytes().await.map_err(|error| self.client.unreachable(error));
        }
        Err(ClientError::refusal(status, response.text().await.unwrap_or_default()))
    }

    /// Hands over a state of the run's block, as OpenTofu does, at the address where it is kept.
    pub async fn save_state(&self, address: &str, state: Vec<u8>) -> Result<(), ClientError> {
        let request = self.client.http().post(address).basic_auth("x", Some(&self.token)).body(state);
        let response = request
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .timeout(ARTIFACT_TIMEOUT)
            .send()
            .await
            .map_err(|error| self.client.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        Err(ClientError::refusal(status, response.text().await.unwrap_or_default()))
    }

    /// Who has registered as a source of this run so far.
    pub async fn sources(&self) -> Result<Vec<KnownSource>, ClientError> {
        let logs =
            self.client.get(&format!("{}/logs", self.path), &media("meshBuildingBlockRun", "v1")).await?;
        let sources = logs.get("sources").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
        serde_json::from_value(sources).map_err(|error| {
            ClientError::Malformed(format!("the sources of the run are not understood: {error}"))
        })
    }

    /// Reads the run as the server shows it to its own token.
    pub async fn read(&self) -> Result<Value, ClientError> {
        self.client.get(&self.path, &media("meshBuildingBlockRun", "v1")).await
    }
}
