//! Setting up a new runner: a key pair, an entry at the server, a configuration file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use stoa_client::{Client, ClientError, Credential, media};
use stoa_seal::PrivateKey;

use crate::{Config, RunnerError};

/// Bits of a runner's key.
const KEY_BITS: u32 = 4096;

/// What a new runner is to be.
#[derive(Clone, Debug)]
pub struct NewRunner {
    /// The server's address.
    pub base_url: String,
    /// Registers the runner, and is what the runner claims with later.
    pub credential: Credential,
    /// The workspace that owns the runner.
    pub workspace: String,
    /// The runner's name for people.
    pub display_name: String,
    /// Which runs it takes: `TERRAFORM`, `MANUAL`, `GITHUB_WORKFLOW`, `GITLAB_PIPELINE`, `AZURE_DEVOPS_PIPELINE`, or
    /// `ALL`.
    pub implementation_type: String,
    /// The configuration file to write. It must not exist.
    pub config_file: PathBuf,
    /// Where the runner will work.
    pub work_dir: PathBuf,
}

/// Makes a key pair, registers the runner and writes its configuration, readable by this user only. Nothing is
/// registered when the file cannot be written. The private key never leaves this machine.
pub async fn init(new: NewRunner) -> Result<Config, RunnerError> {
    let unusable = |source| RunnerError::File { path: new.config_file.clone(), source };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new.config_file)
        .map_err(unusable)?;
    let registered = register(&new).await;
    let written = registered.and_then(|config| {
        let text = toml::to_string(&config).map_err(|error| RunnerError::BadConfig(error.to_string()))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unusable)?;
        Ok(config)
    });
    if written.is_err() {
        // Only this call can have made it.
        let _ = std::fs::remove_file(&new.config_file);
    }
    written
}

async fn register(new: &NewRunner) -> Result<Config, RunnerError> {
    let key = tokio::task::spawn_blocking(|| PrivateKey::generate(KEY_BITS))
        .await
        .map_err(|error| RunnerError::BadConfig(format!("making a key broke off: {error}")))??;
    let runner = json!({
        "apiVersion": "v1-preview",
        "kind": "meshBuildingBlockRunner",
        "metadata": { "ownedByWorkspace": new.workspace },
        "spec": {
            "displayName": new.display_name,
            "publicKey": key.public_pem(),
            "implementationType": new.implementation_type,
        }
    });
    let client = Client::new(&new.base_url, new.credential.clone())?;
    let media = media("meshBuildingBlockRunner", "v1-preview");
    let answer = client.post("/api/meshobjects/meshbuildingblockrunners", &media, &runner).await?;
    let uuid = answer.pointer("/metadata/uuid").and_then(Value::as_str);
    let uuid = uuid.ok_or_else(|| ClientError::Malformed("the registered runner has no uuid".to_owned()))?;
    Ok(Config {
        base_url: client.base_url().to_owned(),
        credential: new.credential.clone(),
        runner_uuid: uuid.to_owned(),
        private_key_pem: key.to_pem(),
        work_dir: new.work_dir.clone(),
        ..Config::default()
    })
}
