//! What clients order: a definition whose module really runs, and writes down every execution outside of Stoa.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use stoa_client::{Client, media};

/// uuid of the shared runner.
pub const SHARED: &str = "98520496-627d-43e6-82da-ce499179ff3f";
/// The workspace that orders.
pub const SHOP: &str = "shop";
const OWNER: &str = "demo-partner";
/// How long a module works at most, in seconds.
const LONGEST_WORK: usize = 3;

/// What the modules did, as they themselves wrote it down.
#[derive(Clone, Debug)]
pub struct Ledger {
    file: PathBuf,
}

/// What the ledger says about one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executions {
    /// How often its work began.
    pub begun: usize,
    /// How often it was finished.
    pub ended: usize,
}

impl Ledger {
    /// Executions by run.
    pub fn read(&self) -> BTreeMap<String, Executions> {
        let mut runs: BTreeMap<String, Executions> = BTreeMap::new();
        for line in fs::read_to_string(&self.file).unwrap_or_default().lines() {
            let Some((word, run)) = line.split_once(' ') else { continue };
            let run = runs.entry(run.to_owned()).or_default();
            match word {
                "begin" => run.begun += 1,
                _ => run.ended += 1,
            }
        }
        runs
    }
}

/// The path of a kind's collection.
pub fn path(kind: &str, rest: &str) -> String {
    format!("/api/meshobjects/{}s{rest}", kind.to_lowercase())
}

/// The media type that this crate speaks about a kind.
pub fn media_of(kind: &str) -> String {
    let version = match kind {
        "meshWorkspace" => "v2",
        "meshBuildingBlockRun" => "v1",
        "meshBuildingBlock" => "v2-preview",
        _ => "v1-preview",
    };
    media(kind, version)
}

/// A text in an answer.
pub fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("no {pointer} in {value}"))?.to_owned())
}

/// A git repository with a module that needs nothing from outside, and the ledger it writes to.
pub fn module(folder: &Path) -> anyhow::Result<(PathBuf, Ledger)> {
    let (repository, ledger) = (folder.join("module"), folder.join("ledger"));
    fs::create_dir_all(&repository)?;
    let note = ledger.display();
    // The ledger is written by one `echo` each, so lines do not mix.
    let module = format!(
        r#"variable "meshstack_building_block_run_id" {{
  type    = string
  default = ""
}}

variable "size" {{
  type = number
}}

resource "terraform_data" "work" {{
  input            = var.size
  triggers_replace = [var.meshstack_building_block_run_id, var.size]

  provisioner "local-exec" {{
    command = "echo begin $RUN >> {note}; sleep ${{var.size % {LONGEST_WORK}}}; echo end $RUN >> {note}"
    environment = {{
      RUN = var.meshstack_building_block_run_id
    }}
  }}
}}

output "size" {{
  value = terraform_data.work.output
}}
"#
    );
    fs::write(repository.join("main.tf"), module)?;
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "."],
        &["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "A module"],
    ] {
        let status = Command::new("git").args(arguments).current_dir(&repository).status()?;
        ensure!(status.success(), "git {arguments:?} failed");
    }
    Ok((repository, Ledger { file: ledger }))
}

/// Makes the workspace and a released version of the module's definition; gives back the version.
pub async fn offer(admin: &Client, repository: &Path) -> anyhow::Result<String> {
    let create = async |kind: &str, body: Value| {
        admin
            .post(&path(kind, ""), &media_of(kind), &body)
            .await
            .with_context(|| format!("creating a {kind}"))
    };
    let shop = json!({ "metadata": { "name": SHOP, "tags": {} }, "spec": { "displayName": "Shop" } });
    create("meshWorkspace", shop).await?;
    let definition = json!({
        "metadata": { "ownedByWorkspace": OWNER },
        "spec": { "displayName": "Work", "description": "Work that takes a while" },
    });
    let definition = create("meshBuildingBlockDefinition", definition).await?;
    let version = text(&definition, "/status/latestVersionUuid")?;
    let body = json!({
        "metadata": { "ownedByWorkspace": OWNER },
        "spec": {
            "buildingBlockDefinitionRef": {
                "kind": "meshBuildingBlockDefinition", "uuid": text(&definition, "/metadata/uuid")?,
            },
            "state": "RELEASED",
            "onlyApplyOncePerTenant": false,
            "deletionMode": "DELETE",
            "implementation": { "type": "terraform", "terraform": {
                "terraformVersion": "1.6.2",
                "repositoryUrl": repository,
                "async": false,
                "useMeshHttpBackendFallback": true,
            } },
            "inputs": { "size": {
                "displayName": "Size", "type": "INTEGER", "assignmentType": "USER_INPUT", "isEnvironment": false,
                "isSensitive": false, "updateableByConsumer": true,
            } },
            "outputs": { "size": { "displayName": "Size", "type": "INTEGER", "assignmentType": "NONE" } },
        },
    });
    let kind = "meshBuildingBlockDefinitionVersion";
    admin
        .put(&path(kind, &format!("/{version}")), &media_of(kind), &body)
        .await
        .context("releasing the version")?;
    Ok(version)
}

/// The body of a block.
pub fn block(version: &str, size: i64) -> Value {
    json!({ "spec": {
        "buildingBlockDefinitionVersionRef": { "uuid": version },
        "targetRef": { "kind": "meshWorkspace", "name": SHOP },
        "displayName": "a block",
        "inputs": { "size": { "value": size, "isSensitive": false } },
    } })
}
