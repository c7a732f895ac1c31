//! Setting up a new runner.

use std::os::unix::fs::PermissionsExt as _;

use stoa_client::Credential;
use stoa_runner::{Config, NewRunner, init};
use stoa_seal::PrivateKey;

use super::stand_in::{CLIENT_ID, CLIENT_SECRET, StandIn};

fn new_runner(server: &StandIn, folder: &std::path::Path, workspace: &str) -> NewRunner {
    NewRunner {
        base_url: server.url.clone(),
        credential: Credential::Key {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
        },
        workspace: workspace.to_owned(),
        display_name: "our runner".to_owned(),
        implementation_type: "TERRAFORM".to_owned(),
        config_file: folder.join("runner.toml"),
        work_dir: folder.join("work"),
    }
}

#[tokio::test]
async fn a_new_runner_is_registered_and_its_file_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let server = StandIn::start().await;
    let config = init(new_runner(&server, folder.path(), "team")).await.unwrap();
    assert_eq!(config.runner_uuid, "0f0e0d0c-0b0a-4908-8706-050403020100");
    let file = folder.path().join("runner.toml");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let read = Config::load(&file).unwrap();
    assert_eq!(read.runner_uuid, config.runner_uuid);
    assert_eq!(read.credential, config.credential);
    assert!(PrivateKey::from_pem(&read.private_key_pem).is_ok());

    let error = init(new_runner(&server, folder.path(), "team")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot use `{}`", file.display()));
}

#[tokio::test]
async fn a_runner_that_is_refused_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = StandIn::start().await;
    let error = init(new_runner(&server, folder.path(), "nobody")).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "no such workspace (404 Refused)");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
