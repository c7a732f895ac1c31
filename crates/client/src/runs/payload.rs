//! What a claimed run holds.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::ClientError;

/// A run that is now ours to execute and to report.
#[derive(Clone)]
pub struct ClaimedRun {
    /// The run's uuid.
    pub uuid: String,
    /// The only credential for everything about this run.
    pub token: String,
    /// The payload exactly as it came.
    pub json: String,
    /// The payload understood, or why it could not be.
    pub run: Result<Run, String>,
}

/// Never shows the token or the inputs.
impl fmt::Debug for ClaimedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedRun").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

impl ClaimedRun {
    /// Reads a payload. Only one without uuid or token is refused: nothing could be reported about it.
    pub fn read(json: String) -> Result<Self, ClientError> {
        let value: Value = serde_json::from_str(&json)
            .map_err(|error| ClientError::Malformed(format!("the claimed run is not JSON: {error}")))?;
        let text = |path: &str| {
            let found = value.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
            found
                .map(str::to_owned)
                .ok_or_else(|| ClientError::Malformed(format!("the claimed run has no {path}")))
        };
        let (uuid, token) = (text("/metadata/uuid")?, text("/spec/runToken")?);
        let run = Payload::deserialize(&value).map(Run::from).map_err(|error| error.to_string());
        Ok(Self { uuid, token, json, run })
    }
}

/// What is to be done, for which block, from which definition.
#[derive(Clone)]
pub struct Run {
    /// Counts the runs of one block.
    pub number: u64,
    /// Apply, detect or destroy.
    pub behavior: Behavior,
    /// Why the run was started.
    pub trigger: Option<Trigger>,
    /// The block it works on.
    pub building_block: BuildingBlock,
    /// The definition version it follows.
    pub definition: Definition,
    /// Where the server wants to be called.
    pub links: Links,
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Behavior {
    /// Create or change.
    Apply,
    /// Only look what would change.
    Detect,
    /// Remove.
    Destroy,
}

impl Behavior {
    /// The word of the wire contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "APPLY",
            Self::Detect => "DETECT",
            Self::Destroy => "DESTROY",
        }
    }
}

/// Why and by whom a run was started.
#[derive(Clone, Debug, Deserialize)]
pub struct Trigger {
    /// The reason's name, such as `MANUAL_EXECUTION`.
    pub reason: String,
    /// The author, as the server describes it.
    #[serde(default)]
    pub author: Value,
}

/// The block a run works on.
#[derive(Clone)]
pub struct BuildingBlock {
    /// The block's uuid.
    pub uuid: String,
    /// Its name for people.
    pub display_name: String,
    /// The consuming workspace.
    pub workspace_identifier: String,
    /// The project, for blocks of a tenant.
    pub project_identifier: Option<String>,
    /// The platform, for blocks of a tenant.
    pub full_platform_identifier: Option<String>,
    /// What goes in; unset inputs are missing.
    pub inputs: Vec<Input>,
    /// The blocks it depends on.
    pub parents: Vec<ParentBuildingBlock>,
}

/// One input of a run. `Debug` is left out on purpose: values may be secret.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// The input's name.
    pub key: String,
    /// Its value; sealed text when sensitive.
    pub value: Value,
    /// Its type.
    #[serde(rename = "type")]
    pub input_type: InputType,
    /// Whether the value is sealed for the runner.
    #[serde(default)]
    pub is_sensitive: bool,
    /// Whether it goes to the environment instead of the variables.
    #[serde(default)]
    pub is_environment: bool,
}

/// The types an input can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// Text that may be an expression.
    Code,
    /// A file as data URL.
    File,
    /// As code, from older definitions.
    List,
    /// One of several texts.
    SingleSelect,
    /// Several of several texts.
    MultiSelect,
}

/// A block that another one depends on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentBuildingBlock {
    /// The block.
    pub building_block_uuid: String,
    /// Its definition.
    pub definition_uuid: String,
}

/// The definition version a run follows.
#[derive(Clone)]
pub struct Definition {
    /// The definition's uuid.
    pub uuid: String,
    /// The workspace that owns it.
    pub workspace_identifier: String,
    /// The version's number.
    pub version: u64,
    /// How it is to be executed.
    pub implementation: Implementation,
}

/// How a definition is executed.
#[derive(Clone, Deserialize)]
#[serde(tag = "type")]
pub enum Implementation {
    /// By people.
    #[serde(rename = "MANUAL")]
    Manual,
    /// By OpenTofu or Terraform.
    #[serde(rename = "TERRAFORM")]
    Terraform(Box<Terraform>),
    /// By a GitHub workflow.
    #[serde(rename = "GITHUB_WORKFLOW")]
    GithubWorkflow(Box<GithubWorkflow>),
    /// By a GitLab pipeline.
    #[serde(rename = "GITLAB_CICD")]
    GitlabCicd(Box<GitlabCicd>),
    /// By an Azure DevOps pipeline.
    #[serde(rename = "AZURE_DEVOPS")]
    AzureDevops(Box<AzureDevops>),
    /// By something this version does not know.
    #[serde(other)]
    Unknown,
}

/// How OpenTofu or Terraform is run. `Debug` is left out on purpose: it holds a sealed key.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terraform {
    /// The wanted version.
    #[serde(default)]
    pub terraform_version: Option<String>,
    /// Where the sources are.
    pub repository_url: String,
    /// The folder inside the repository.
    #[serde(default)]
    pub repository_path: Option<String>,
    /// Branch, tag or commit.
    #[serde(default)]
    pub ref_name: Option<String>,
    /// The sealed key for ssh; the empty string asks for ssh without a key of its own.
    #[serde(default)]
    pub ssh_private_key: Option<String>,
    /// The only host key to accept.
    #[serde(default)]
    pub known_host: Option<KnownHost>,
    /// Whether an external system reports the end.
    #[serde(rename = "async", default)]
    pub is_async: bool,
    /// Whether the server keeps the state of modules without a backend.
    #[serde(default)]
    pub use_mesh_http_backend_fallback: bool,
    /// A script to run before the work.
    #[serde(default)]
    pub pre_run_script: Option<String>,
}

/// Which GitHub workflow is run, and how. `Debug` is left out on purpose: it holds a sealed key.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GithubWorkflow {
    /// The root of the API.
    pub github_base_url: String,
    /// The account that owns the repository.
    pub owner: String,
    /// The GitHub App that starts the workflow.
    pub app_id: String,
    /// The sealed private key of the app, in PEM.
    pub app_pem: String,
    /// The repository, without its owner.
    pub repository: String,
    /// The branch or tag whose workflow is run.
    pub branch: String,
    /// The file of the workflow that creates and changes.
    pub apply_workflow: String,
    /// The file of the workflow that removes, if there is one.
    #[serde(default)]
    pub destroy_workflow: Option<String>,
    /// Whether the workflow reports its end itself.
    #[serde(rename = "async", default)]
    pub is_async: bool,
    /// Whether the workflow gets the run's address instead of the run.
    #[serde(default)]
    pub omit_run_object_input: bool,
}

/// Which GitLab pipeline is run. `Debug` is left out on purpose: it holds a sealed token.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitlabCicd {
    /// The address of GitLab.
    pub gitlab_base_url: String,
    /// The project, by number or by path.
    pub project_id: String,
    /// The branch or tag whose pipeline is run.
    pub ref_name: String,
    /// The sealed trigger token.
    pub pipeline_trigger_token: String,
}

/// Which Azure DevOps pipeline is run, and how. `Debug` is left out on purpose: it holds a sealed token.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureDevops {
    /// The address of Azure DevOps.
    pub azure_dev_ops_base_url: String,
    /// The organization.
    pub organization: String,
    /// The project.
    pub project: String,
    /// The pipeline's number.
    pub pipeline_id: String,
    /// The sealed personal access token.
    pub personal_access_token: String,
    /// The branch or tag; the pipeline's own default without it.
    #[serde(default)]
    pub ref_name: Option<String>,
    /// Whether the pipeline reports its end itself.
    #[serde(rename = "async", default)]
    pub is_async: bool,
}

/// One line of a known-hosts file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownHost {
    /// The host, as ssh writes it.
    pub host: String,
    /// The type of its key.
    pub key_type: String,
    /// The key.
    pub key_value: String,
}

/// The links of a run that a runner follows.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The server's own idea of its address.
    pub base_url: Option<String>,
    /// The plan to replay; only on an apply that has one.
    pub plan_artifact: Option<String>,
    /// The run itself.
    pub own: Option<String>,
    /// Where sources register.
    pub register_source: Option<String>,
    /// Where sources report, with `{sourceId}` for the source's id.
    pub update_source: Option<String>,
}

#[derive(Deserialize)]
struct Payload {
    spec: PayloadSpec,
    #[serde(rename = "_links", default)]
    links: PayloadLinks,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadSpec {
    #[serde(default)]
    run_number: u64,
    behavior: Behavior,
    #[serde(default)]
    trigger: Option<Trigger>,
    building_block: PayloadBlock,
    building_block_definition: PayloadDefinition,
}

#[derive(Deserialize)]
struct PayloadBlock {
    uuid: String,
    spec: PayloadBlockSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadBlockSpec {
    #[serde(default)]
    display_name: String,
    workspace_identifier: String,
    #[serde(default)]
    project_identifier: Option<String>,
    #[serde(default)]
    full_platform_identifier: Option<String>,
    #[serde(default)]
    inputs: Vec<Input>,
    #[serde(default)]
    parent_building_blocks: Vec<ParentBuildingBlock>,
}

#[derive(Deserialize)]
struct PayloadDefinition {
    uuid: String,
    spec: PayloadDefinitionSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadDefinitionSpec {
    #[serde(default)]
    workspace_identifier: String,
    #[serde(default)]
    version: u64,
    implementation: Implementation,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadLinks {
    #[serde(default)]
    meshstack_base_url: Option<Link>,
    #[serde(default)]
    plan_artifact: Option<Link>,
    #[serde(default, rename = "self")]
    own: Option<Link>,
    #[serde(default)]
    register_source: Option<Link>,
    #[serde(default)]
    update_source: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    href: String,
}

impl From<Payload> for Run {
    fn from(payload: Payload) -> Self {
        let block = payload.spec.building_block;
        let definition = payload.spec.building_block_definition;
        let href = |link: Option<Link>| link.map(|link| link.href).filter(|href| !href.is_empty());
        Self {
            number: payload.spec.run_number,
            behavior: payload.spec.behavior,
            trigger: payload.spec.trigger,
            building_block: BuildingBlock {
                uuid: block.uuid,
                display_name: block.spec.display_name,
                workspace_identifier: block.spec.workspace_identifier,
                project_identifier: block.spec.project_identifier,
                full_platform_identifier: block.spec.full_platform_identifier,
                inputs: block.spec.inputs,
                parents: block.spec.parent_building_blocks,
            },
            definition: Definition {
                uuid: definition.uuid,
                workspace_identifier: definition.spec.workspace_identifier,
                version: definition.spec.version,
                implementation: definition.spec.implementation,
            },
            links: Links {
                base_url: href(payload.links.meshstack_base_url),
                plan_artifact: href(payload.links.plan_artifact),
                own: href(payload.links.own),
                register_source: href(payload.links.register_source),
                update_source: href(payload.links.update_source),
            },
        }
    }
}
