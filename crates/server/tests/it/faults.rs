//! Servers that are killed at any moment: what was answered stays true, and nothing stays stuck.

mod clients;
mod facts;

use crate::patience::until;
use crate::process::{Process, stoa};
use crate::random::Random;
use crate::stoa::{SHARED, Stoa, text};
use clients::Clients;
use facts::Facts;
use serde_json::json;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use stoa_core::feed;
use stoa_db::testing::{TestDatabase, fresh};
use stoa_db::{Engine, Sql};
use tempfile::TempDir;

const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_on_sqlite_keeps_what_it_answered() {
    killed_again_and_again(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_on_postgresql_keeps_what_it_answered() {
    killed_again_and_again(Engine::Postgres).await;
}

async fn killed_again_and_again(engine: Engine) {
    let Some(database) = fresh(engine) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::seeded();
    let mut facts = Facts::default();
    cut_short(&folder, &database, &mut random);
    let mut process = Process::serve(folder.path(), &database.url);
    let admin = process.admin(folder.path()).await;
    let version = prepared(&admin).await;
    for _ in 0..ROUNDS {
        let admin = process.admin(folder.path()).await;
        let clients = Clients::start(&process.url, &admin, &version, &mut random, facts);
        let life = clients.count() + 30 + random.below(90);
        until("clients are told enough", async || clients.count() >= life).await;
        process.kill();
        facts = clients.join().await;
        process = Process::serve(folder.path(), &database.url);
        facts.hold(&process.url, &process.admin(folder.path()).await).await;
    }
    process.kill();
    nothing_is_stuck(folder, database, facts).await;
}

/// Kills a few starts on the empty database on their way.
fn cut_short(folder: &TempDir, database: &TestDatabase, random: &mut Random) {
    for _ in 0..4 {
        let mut command = stoa();
        command.args(["serve", "--no-runner", "--listen", "127.0.0.1:0", "--database-url", &database.url]);
        command.arg("--data-dir").arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut start = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(u64::try_from(random.below(250)).unwrap()));
        start.kill().unwrap();
        start.wait().unwrap();
    }
}

/// A workspace, and a version with an input that may change and an output.
async fn prepared(admin: &crate::stoa::Caller) -> String {
    let shop = json!({ "metadata": { "name": "shop", "tags": {} }, "spec": { "displayName": "Shop" } });
    admin.create("meshWorkspace", &shop).await;
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "Definition", "description": "For tests" },
    });
    let definition = admin.create("meshBuildingBlockDefinition", &body).await;
    let version = text(&definition, "/status/latestVersionUuid");
    let mut body = crate::stoa::version_body("demo-partner", &text(&definition, "/metadata/uuid"));
    body["spec"]["state"] = json!("RELEASED");
    body["spec"]["inputs"]["size"] = crate::stoa::input(json!({ "type": "INTEGER" }));
    body["spec"]["outputs"]["url"] = json!({ "displayName": "URL", "type": "STRING" });
    admin.put("meshBuildingBlockDefinitionVersion", &format!("/{version}"), &body).await.expect(200);
    version
}

/// Everything can be finished: by those who hold it, and by others once those are silent for long whose claim
/// was never answered.
async fn nothing_is_stuck(folder: TempDir, database: TestDatabase, mut facts: Facts) {
    let stoa = Stoa::with(Arc::new(database), Arc::new(folder), |_| {}).await;
    let db = &stoa.running.app.db;
    let step = json!({ "id": "s", "status": "SUCCEEDED", "outputs": { "url": { "value": "u" } } });
    let report = json!({ "status": "SUCCEEDED", "steps": [step] });
    for held in std::mem::take(&mut facts.held) {
        // Whoever was handed a run can still finish it.
        let answer = stoa.nobody().bearer(&held.token).report(&held.id, "r", &report).await;
        assert_eq!(answer.expect(200), json!({ "runAborted": false }));
        facts.ended.insert(held.id, ("SUCCEEDED", held.log));
    }
    stoa.advance(Duration::from_mins(11));
    let admin = stoa.again(&stoa.admin).await;
    until("every run can be claimed and finished", async || {
        while let Some(run) = admin.claim_for(SHARED).await {
            run.runner.report(&run.id, "last", &report).await.expect(200);
        }
        let open = Sql::new("SELECT count(*) FROM run WHERE state IN ('QUEUED', 'IN_PROGRESS', 'PENDING')");
        db.read(move |tx| tx.one(&open, &[], |row| row.get::<i64>(0))).await.unwrap() == 0
    })
    .await;
    facts.hold(&stoa.url, &admin).await;
    for page in 0.. {
        let blocks = admin.list("meshBuildingBlock", &format!("?size=500&page={page}")).await;
        for block in &blocks {
            let state = text(block, "/status/status");
            assert!(["SUCCEEDED", "FAILED"].contains(&state.as_str()), "{block:#}");
            assert!(block["status"]["waiting"].is_null(), "{block:#}");
        }
        if blocks.is_empty() {
            break;
        }
    }

    let count = |sql: &'static str| async move {
        db.read(move |tx| tx.one(&Sql::new(sql), &[], |row| row.get::<i64>(0))).await.unwrap()
    };
    until("every event has its number", async || {
        count("SELECT count(*) FROM event WHERE seq IS NULL").await == 0
    })
    .await;
    assert_eq!(db.read(feed::verify).await.unwrap(), None, "the chain of events is broken");
    assert_eq!(
        count("SELECT count(*) FROM event").await,
        count("SELECT coalesce(max(seq), 0) FROM event").await
    );
    let lost = "SELECT count(*) FROM object o WHERE NOT EXISTS
        (SELECT 1 FROM event e WHERE e.object = o.id AND e.action = 'Created')";
    assert_eq!(count(lost).await, 0, "an object without an event");
    let lost = "SELECT count(*) FROM object o WHERE NOT EXISTS
        (SELECT 1 FROM history h WHERE h.object = o.id AND h.version = o.version)";
    assert_eq!(count(lost).await, 0, "an object without its history");
    if db.engine() == Engine::Sqlite {
        let sound = Sql::new("PRAGMA quick_check");
        let said = db.read(move |tx| tx.all(&sound, &[], |row| row.get::<String>(0))).await.unwrap();
        assert_eq!(said, ["ok"]);
    }
}
