//! The server does not look at its own network for anybody: what builders and operators name is asked only where it is
//! an address of the public network, unless the installation allows more.

use crate::process::Process;
use crate::stoa::{Caller, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use stoa_db::Engine;
use stoa_db::testing::fresh;
use tokio::net::TcpListener;

const VERSION: &str = "meshBuildingBlockDefinitionVersion";

/// A test of the repository at this address, asked for by a builder.
async fn tested(stoa: &Stoa, repository: &str) -> Value {
    tested_by(&stoa.admin, repository).await
}

async fn tested_by(admin: &Caller, repository: &str) -> Value {
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "Looks around", "description": "For tests" },
    });
    let definition = admin.create("meshBuildingBlockDefinition", &body).await;
    let version = text(&definition, "/status/latestVersionUuid");
    let mut body = crate::stoa::version_body("demo-partner", &text(&definition, "/metadata/uuid"));
    body["spec"]["implementation"]["terraform"]["repositoryUrl"] = json!(repository);
    admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
    let path = format!("/api/stoa/v1/definitions/versions/{version}/check");
    admin.raw(Method::POST, &path, |request| request).await.expect(200)["checks"][0].clone()
}

/// Something in the server's own network, and how often it was visited.
async fn neighbour() -> (u16, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap().port(), listener)
}

async fn was_visited(listener: &TcpListener) -> bool {
    tokio::time::timeout(Duration::from_millis(20), listener.accept()).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_addresses_are_not_asked_however_they_are_written() {
    let stoa = Stoa::on_with(Engine::Sqlite, |config| config.allow_private_addresses = false).await.unwrap();
    let (port, listener) = neighbour().await;
    for host in ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[0:0:0:0:0:ffff:7f00:1]", "0.0.0.0"] {
        let check = tested(&stoa, &format!("https://{host}:{port}/modules.git")).await;
        assert_eq!(check["result"], "FAIL", "{host}: {check}");
        assert!(text(&check, "/message").contains("private address"), "{host}: {check}");
        assert!(!was_visited(&listener).await, "{host}");
    }
    // Open or closed, there or not: the answer is the same, so it tells nothing about the network.
    let closed = tested(&stoa, "https://127.0.0.1:9/modules.git").await;
    let open = tested(&stoa, &format!("https://127.0.0.1:{port}/modules.git")).await;
    assert_eq!(open, closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_may_allow_them() {
    let stoa = Stoa::on_with(Engine::Sqlite, |config| config.allow_private_addresses = true).await.unwrap();
    let (port, listener) = neighbour().await;
    let visit = tokio::spawn(async move { was_visited_and_hung_up(&listener).await });
    let check = tested(&stoa, &format!("https://127.0.0.1:{port}/modules.git")).await;
    assert!(visit.await.unwrap());
    assert_eq!(text(&check, "/message"), "It cannot be reached from Stoa's server.");
}

/// A proxy would ask whatever it is told, also where the server itself would not look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_the_environment_is_not_asked() {
    let database = fresh(Engine::Sqlite).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (proxy, listener) = neighbour().await;
    let mut command =
        Process::command(folder.path(), &database.url, &["--no-runner", "--allow-private-addresses"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, format!("http://127.0.0.1:{proxy}"));
    }
    let process = Process::started(command);
    let admin = process.admin(folder.path()).await;
    let (port, named) = neighbour().await;
    let visit = tokio::spawn(async move { was_visited_and_hung_up(&named).await });
    let check = tested_by(&admin, &format!("https://127.0.0.1:{port}/modules.git")).await;
    assert!(visit.await.unwrap(), "the address itself was not asked: {check}");
    assert!(!was_visited(&listener).await);
}

async fn was_visited_and_hung_up(listener: &TcpListener) -> bool {
    tokio::time::timeout(crate::stoa::PATIENCE, listener.accept()).await.is_ok_and(|visit| visit.is_ok())
}

/// A test of the pipeline system at this address, asked for by a builder.
async fn system_tested(stoa: &Stoa, address: &str) -> Vec<Value> {
    let own = json!({ "ownedByWorkspace": "demo-partner" });
    let config = json!({ "type": "gitlab", "gitlab": { "baseUrl": address } });
    let body = json!({ "metadata": own, "spec": { "displayName": "Lab", "config": config } });
    let integration = stoa.admin.create("meshIntegration", &body).await;
    let body = json!({ "metadata": own, "spec": { "displayName": "Pipes", "description": "For tests" } });
    let definition = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
    let version = text(&definition, "/status/latestVersionUuid");
    let mut body = crate::stoa::version_body("demo-partner", &text(&definition, "/metadata/uuid"));
    body["spec"]["implementation"] = json!({ "type": "gitlabPipeline", "gitlabPipeline": {
        "integrationRef": { "uuid": integration["metadata"]["uuid"] }, "projectId": "7", "refName": "main",
        "pipelineTriggerToken": { "plaintext": "glptt-1" },
    } });
    stoa.admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
    let path = format!("/api/stoa/v1/definitions/versions/{version}/check");
    let told = stoa.admin.raw(Method::POST, &path, |request| request).await.expect(200);
    assert_eq!(told["repository"], address);
    told["checks"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipeline_systems_are_asked_where_integrations_say_they_are() {
    let stoa = Stoa::on_with(Engine::Sqlite, |config| config.allow_private_addresses = true).await.unwrap();
    let (port, listener) = neighbour().await;
    let visit = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let size = stream.read(&mut request).await.unwrap();
        // Where it sends strangers is its own affair.
        let answer =
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/sign-in\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        String::from_utf8_lossy(&request[..size]).into_owned()
    });
    let checks = system_tested(&stoa, &format!("http://127.0.0.1:{port}/lab")).await;
    assert_eq!(
        (&checks[0]["check"], &checks[0]["result"]),
        (&json!("REACHABLE"), &json!("PASS")),
        "{checks:?}"
    );
    assert!(text(&checks[0], "/message").contains("302"), "{checks:?}");
    assert_eq!((&checks[1]["check"], &checks[1]["result"]), (&json!("CREDENTIALS"), &json!("SKIPPED")));
    let asked = visit.await.unwrap();
    assert!(asked.starts_with("GET /lab ") && !asked.contains("glptt-1"), "{asked}");
    let checks = system_tested(&stoa, "http://127.0.0.1:9").await;
    assert_eq!(text(&checks[0], "/message"), "It cannot be reached from Stoa's server.");
    assert!(text(&checks[0], "/advice").contains("address of the integration"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_pipeline_systems_are_not_asked() {
    let stoa = Stoa::on_with(Engine::Sqlite, |config| config.allow_private_addresses = false).await.unwrap();
    let (port, listener) = neighbour().await;
    let checks = system_tested(&stoa, &format!("http://127.0.0.1:{port}")).await;
    assert_eq!(checks[0]["result"], "FAIL");
    assert!(text(&checks[0], "/message").contains("private address"), "{checks:?}");
    assert!(!was_visited(&listener).await);
}
