//! What the program does not say, however much it is told to say.

use crate::patience::until;
use crate::process::Process;
use serde_json::json;
use stoa_db::Engine;
use stoa_db::testing::fresh;

const WORD: &str = "value-of-a-statement";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_postgresql_tells_no_values() {
    let Some(database) = fresh(Engine::Postgres) else { return };
    let folder = tempfile::tempdir().unwrap();
    for filter in ["trace", "warn,stoa_server=info,tokio_postgres=trace,tokio_postgres::query=trace"] {
        let mut command = Process::command(folder.path(), &database.url, &["--no-runner"]);
        command.env("STOA_LOG", format!("{filter},stoa_web=info"));
        let mut process = Process::started(command);
        let admin = process.admin(folder.path()).await;
        let body = json!({ "metadata": { "name": "shop", "tags": {} }, "spec": { "displayName": WORD } });
        admin.put("meshWorkspace", "/shop", &body).await;
        admin.post("meshWorkspace", "", &body).await;
        let mut said = String::new();
        until("the request is logged", async || {
            said = process.said();
            said.contains("/api/meshobjects/meshworkspaces")
        })
        .await;
        assert!(!said.contains(WORD), "a value is told");
        assert!(!said.contains("executing statement"), "statements are told");
        process.kill();
    }
}
