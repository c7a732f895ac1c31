//! Servers that are killed at any moment: what was answered stays true, and nothing stays stuck.

mod clients;
mod facts;

use crate::listening::{Ear, From};
use crate::patience::until;
use crate::process::{Process, stoa};
use crate::stoa::{SHARED, Stoa, text};
use clients::Clients;
use facts::Facts;
use serde_json::json;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use stoa_chaos::random::Random;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_servers_dies_and_the_other_goes_on() {
    let Some(database) = fresh(Engine::Postgres) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::seeded();
    let mut facts = Facts::default();
    let mut living = Process::serve(folder.path(), &database.url);
    let version = prepared(&living.admin(folder.path()).await).await;
    for _ in 0..2 {
        let dying = living;
        living = Process::serve(folder.path(), &database.url);
        let admin = living.admin(folder.path()).await;
        let mut feed = Ear::open(&admin, &format!("{}/api/events", living.url), From::Now).await;
        let clients = Clients::start(&dying.url, &admin, &version, &mut random, facts);
        let life = clients.count() + 20 + random.below(40);
        until("clients are told enough", async || clients.count() >= life).await;
        dying.kill();
        facts = clients.join().await;
        facts.hold(&living.url, &admin).await;
        // What the dead one changed is told by the living one, and so is what comes next.
        let last = json!({ "metadata": { "name": format!("last{}", random.below(1 << 30)), "tags": {} },
            "spec": { "displayName": "Last" } });
        admin.create("meshWorkspace", &last).await;
        let mut before = None;
        loop {
            let heard = feed.next().await.unwrap();
            assert!(before.is_none_or(|before| heard.id == Some(before + 1)), "{before:?} {heard:?}");
            before = heard.id;
            if heard.data["workspace"] == last["metadata"]["name"] {
                break;
            }
        }
    }
    living.kill();
    nothing_is_stuck(folder, database, facts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_the_database_that_break_lose_nothing_that_was_answered() {
    const BREAK: Sql = Sql::new(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    let Some(stoa) = Stoa::on(Engine::Postgres).await else { return };
    let mut random = Random::seeded();
    let makers = (0..6).map(|maker| {
        let admin = stoa.admin.clone();
        let mut random = random.branch();
        async move {
            let (mut made, mut failed) = (Vec::new(), 0);
            while made.len() < 25 {
                assert!(failed < 5_000, "connections do not come back");
                let name = format!("w{maker}-{}", made.len() + failed);
                let body =
                    json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": "W" } });
                match admin.post("meshWorkspace", "", &body).await.status {
                    201 => made.push(name),
                    500 | 503 => {
                        failed += 1;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    status => panic!("{status}"),
                }
                if random.below(20) == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            (made, failed)
        }
    });
    let db = &stoa.running.app.db;
    let breaking = async {
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            // It may be one of the others that is broken first.
            let _ = db.write(|tx| tx.all(&BREAK, &[], |_| Ok(()))).await;
        }
    };
    let (made, ()) = tokio::join!(futures_util::future::join_all(makers), breaking);
    until("the server is well again", async || {
        stoa.nobody().raw(reqwest::Method::GET, "/readyz", |request| request).await.status == 200
    })
    .await;
    let names: Vec<String> = made.iter().flat_map(|(made, _)| made.clone()).collect();
    assert_eq!(names.len(), 6 * 25);
    for name in &names {
        stoa.admin.get("meshWorkspace", &format!("/{name}")).await.expect(200);
    }
    events_are_whole(&stoa).await;
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

    events_are_whole(&stoa).await;
    if db.engine() == Engine::Sqlite {
        let sound = Sql::new("PRAGMA quick_check");
        let said = db.read(move |tx| tx.all(&sound, &[], |row| row.get::<String>(0))).await.unwrap();
        assert_eq!(said, ["ok"]);
    }
}

/// Every change has its event and its history, and the events are one unbroken chain.
async fn events_are_whole(stoa: &Stoa) {
    let db = &stoa.running.app.db;
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
}
