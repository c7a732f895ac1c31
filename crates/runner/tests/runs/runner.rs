//! A runner under test, and the runs it gets.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoa_client::Credential;
use stoa_runner::{Binaries, Config, RunnerError};
use stoa_seal::{PrivateKey, PublicKey};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::stand_in::{CLIENT_ID, CLIENT_SECRET, PATIENCE, StandIn};

pub const RUNNER_UUID: &str = "98520496-627d-43e6-82da-ce499179ff3f";

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(2048).unwrap());

/// A value sealed for the runner.
pub fn sealed(plaintext: &str) -> String {
    PublicKey::from_pem(&KEY.public_pem()).unwrap().seal(plaintext).unwrap()
}

pub struct Runner {
    pub work_dir: PathBuf,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RunnerError>>,
}

impl Runner {
    /// A runner for the stand-in, with its own folder.
    pub fn start(server: &StandIn) -> Self {
        Self::start_with(server, |_| {})
    }

    pub fn start_with(server: &StandIn, change: impl FnOnce(&mut Config)) -> Self {
        // Kept until the process ends: a runner may still be at work when its test is over.
        Self::start_in(server, tempfile::tempdir().unwrap().keep(), change)
    }

    pub fn start_in(server: &StandIn, work_dir: PathBuf, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(server, work_dir);
        change(&mut config);
        let work_dir = config.work_dir.clone();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(stoa_runner::run(config, shutdown.clone()));
        Self { work_dir, shutdown, task }
    }

    /// Asks it to stop, waits until it has, and looks whether it left anything.
    pub async fn stop(self) {
        let work_dir = self.stop_and_leave().await;
        let left: Vec<_> = fs::read_dir(work_dir.join("runs")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        fs::remove_dir_all(&work_dir).unwrap();
    }

    /// As `stop`, for a runner whose folder another one takes over.
    pub async fn stop_and_leave(self) -> PathBuf {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
        self.work_dir
    }

    /// Ends it as a power cut would.
    pub async fn kill(self) -> PathBuf {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.work_dir
    }
}

pub fn config(server: &StandIn, work_dir: PathBuf) -> Config {
    let tofu = std::env::var_os("STOA_TOFU");
    let tofu = tofu.expect("set STOA_TOFU to the path of an OpenTofu program; `make test` does");
    Config {
        base_url: server.url.clone(),
        credential: Credential::Key {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
        },
        runner_uuid: RUNNER_UUID.to_owned(),
        private_key_pem: KEY.to_pem(),
        work_dir,
        allow_local_repositories: true,
        binaries: Binaries { default: tofu.into(), ..Binaries::default() },
        push_interval: Duration::from_millis(50),
        heartbeat_interval: Duration::from_millis(500),
        shutdown_grace: Duration::ZERO,
        kill_grace: Duration::from_secs(3),
        ..Config::default()
    }
}

/// A run in the making.
pub struct Order(Value);

impl Order {
    /// A run of the module in the root of a repository.
    pub fn of(behavior: &str, repository_url: &str) -> Self {
        Self::with_implementation(
            behavior,
            json!({
                "type": "TERRAFORM", "terraformVersion": "1.6.2", "repositoryUrl": repository_url,
                "refName": "main", "async": false, "useMeshHttpBackendFallback": true
            }),
        )
    }

    pub fn with_implementation(behavior: &str, implementation: Value) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(json!({
            "apiVersion": "v1", "kind": "meshBuildingBlockRun",
            "metadata": { "uuid": format!("e0b7c1fa-8c0d-4a28-bb0b-{number:012}") },
            "spec": {
                "runNumber": number, "behavior": behavior,
                "buildingBlock": {
                    "uuid": format!("c4b4f0d2-6d2c-4c7d-9b0e-{number:012}"),
                    "spec": {
                        "displayName": "block", "workspaceIdentifier": "shop", "inputs": [], "parentBuildingBlocks": []
                    }
                },
                "buildingBlockDefinition": {
                    "uuid": "5b1f0b1e-7a53-4bb2-9c1e-2f6c1a0d3e10",
                    "spec": { "workspaceIdentifier": "team", "version": 1, "implementation": implementation }
                }
            }
        }))
    }

    /// The same block as an earlier run.
    pub fn for_block(mut self, uuid: &str) -> Self {
        self.0["spec"]["buildingBlock"]["uuid"] = json!(uuid);
        self
    }

    pub fn block(&self) -> String {
        self.0["spec"]["buildingBlock"]["uuid"].as_str().unwrap().to_owned()
    }

    /// Changes one field of the implementation.
    pub fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["spec"]["buildingBlockDefinition"]["spec"]["implementation"][field] = value.into();
        self
    }

    pub fn input(self, key: &str, input_type: &str, value: impl Into<Value>) -> Self {
        self.add(key, input_type, value.into(), false, false)
    }

    pub fn sealed_input(self, key: &str, input_type: &str, plaintext: &str) -> Self {
        self.add(key, input_type, sealed(plaintext).into(), true, false)
    }

    pub fn environment(self, key: &str, input_type: &str, value: impl Into<Value>) -> Self {
        self.add(key, input_type, value.into(), false, true)
    }

    pub fn sealed_environment(self, key: &str, plaintext: &str) -> Self {
        self.add(key, "STRING", sealed(plaintext).into(), true, true)
    }

    fn add(
        mut self,
        key: &str,
        input_type: &str,
        value: Value,
        is_sensitive: bool,
        is_environment: bool,
    ) -> Self {
        let input = json!({
            "key": key, "value": value, "type": input_type,
            "isSensitive": is_sensitive, "isEnvironment": is_environment
        });
        self.0["spec"]["buildingBlock"]["spec"]["inputs"].as_array_mut().unwrap().push(input);
        self
    }

    /// Replays the plan of an earlier run.
    pub fn replaying(mut self, detect_run: &str) -> Self {
        self.0["planOf"] = json!(detect_run);
        self
    }

    pub fn json(self) -> Value {
        self.0
    }

    pub fn at(self, server: &StandIn) -> String {
        server.queue(self.0)
    }
}

/// Whether a process is still there.
pub fn is_alive(pid: &str) -> bool {
    // A killed process that nobody waited for is a zombie, not alive.
    fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

/// Waits until a process is gone.
pub async fn gone(pid: &str) {
    eventually(&format!("the end of process {pid}"), || !is_alive(pid)).await;
}

/// Waits until something is so.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
