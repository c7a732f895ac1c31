//! Real runner processes for servers of this process, and modules for them to run.

use crate::process::PROGRAM;
use crate::stoa::{SHARED, Stoa, shared_key};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use stoa_chaos::worker::{Setup, Worker};

/// The OpenTofu program.
pub fn tofu() -> PathBuf {
    let tofu = std::env::var_os("STOA_TOFU");
    tofu.expect("set STOA_TOFU to the path of an OpenTofu program; `make test` does").into()
}

/// A runner of the shared runner's runs with a folder of its own, at work. `url` is the server as it reaches it,
/// `more` are further settings.
pub fn runner_at(stoa: &Stoa, url: &str, folder: &Path, tofu: &Path, more: &str) -> Worker {
    let setup = Setup {
        base_url: url.to_owned(),
        prefer_base_url: false,
        runner_uuid: SHARED.to_owned(),
        credential: (stoa.admin.client_id.clone(), stoa.admin.client_secret.clone()),
        private_key_pem: shared_key().to_pem(),
        tofu: tofu.to_owned(),
        parallel: 2,
    };
    let mut worker = Worker::new(Path::new(PROGRAM), folder, &setup, more).unwrap();
    worker.start().unwrap();
    worker
}

/// The same, at the server itself.
pub fn runner(stoa: &Stoa, folder: &Path, tofu: &Path, more: &str) -> Worker {
    runner_at(stoa, &stoa.url, folder, tofu, more)
}

/// A git repository with this module in its root.
pub fn repository(folder: &Path, module: &str) -> PathBuf {
    let path = folder.join("module");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("main.tf"), module).unwrap();
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "."],
        &["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "A module"],
    ] {
        assert!(Command::new("git").args(arguments).current_dir(&path).status().unwrap().success());
    }
    path
}

/// What a version says to run a module from there.
pub fn implementation(repository: impl AsRef<Path>) -> Value {
    json!({ "type": "terraform", "terraform": {
        "terraformVersion": "1.6.2",
        "repositoryUrl": repository.as_ref(),
        "async": false,
        "useMeshHttpBackendFallback": true,
    } })
}
