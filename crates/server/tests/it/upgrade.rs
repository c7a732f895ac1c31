//! A data folder of an older program, with runs in every state, under this one: nothing is lost, and everything goes
//! on where it was.
//!
//! `fixtures/upgrade` was left by the program of 2026.40.0 when it was killed: its SQLite database as statements, its
//! keys, and the blocks by what they were in. On PostgreSQL the same rows are in the tables that it made there.

mod moved;

use crate::patience::until;
use crate::stoa::{SHARED, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use stoa_base::Moment;
use stoa_chaos::facts::{is_final, silence};
use stoa_core::feed;
use stoa_db::testing::fresh;
use stoa_db::{Engine, Sql};

const BLOCK: &str = "meshBuildingBlock";
const RUN: &str = "meshBuildingBlockRun";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/upgrade").join(name)
}

/// This program on that folder, and what the blocks were in. None where PostgreSQL is not offered.
async fn upgraded(engine: Engine) -> Option<(Stoa, Value)> {
    let database = fresh(engine)?;
    let statements = std::fs::read_to_string(fixture("stoa.sql")).unwrap();
    let place = match engine {
        Engine::Sqlite => database.url.trim_start_matches("sqlite:"),
        Engine::Postgres => ":memory:",
    };
    let old = rusqlite::Connection::open(place).unwrap();
    old.execute_batch(&statements).unwrap();
    if engine == Engine::Postgres {
        moved::to(&database.url, &moved::statements_of(&old));
    }
    drop(old);
    let folder = tempfile::tempdir().unwrap();
    for key in ["master.key", "shared-runner.pem", "admin-key.json"] {
        std::fs::copy(fixture(key), folder.path().join(key)).unwrap();
    }
    let stoa = Stoa::with(Arc::new(database), Arc::new(folder), |_| {}).await;
    Some((stoa, serde_json::from_str(&std::fs::read_to_string(fixture("blocks.json")).unwrap()).unwrap()))
}

/// Moves the clock to a day after the old program's end, if it is not as late as that anyway.
fn a_day_later(stoa: &Stoa, made_on: &str) {
    let over = made_on.parse::<Moment>().unwrap() + Duration::from_hours(25);
    stoa.advance(over.since(stoa.running.app.world.clock.now()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_data_folder_with_runs_in_every_state_goes_on_under_this_program() {
    goes_on(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_postgresql_with_runs_in_every_state_goes_on_under_this_program() {
    goes_on(Engine::Postgres).await;
}

async fn goes_on(engine: Engine) {
    let Some((stoa, old)) = upgraded(engine).await else { return };
    a_day_later(&stoa, old["madeOn"].as_str().unwrap());
    let admin = stoa.again(&stoa.admin).await;
    let uuid = |name: &str, what: &str| text(&old, &format!("/blocks/{name}/{what}"));

    // What was over is as it was, with outputs, logs, and the state under the old keys.
    for (name, state) in [("succeeded", "SUCCEEDED"), ("failed", "FAILED"), ("aborted", "ABORTED")] {
        let block = admin.block(&uuid(name, "block")).await;
        assert_eq!(block["status"]["status"], state);
        let run = uuid(name, "run");
        assert_eq!(admin.status_of(&run).await, state);
        assert_eq!(admin.logs(&run).await["steps"][0]["systemMessage"], format!("log of {name}\n"));
    }
    let block = uuid("succeeded", "block");
    assert_eq!(admin.block(&block).await["status"]["outputs"]["url"]["value"], "https://succeeded");
    let path = format!("/api/terraform/state/workspace/shop/buildingBlock/{block}");
    let state = admin.raw(Method::GET, &path, |request| request).await.expect(200);
    assert_eq!((&state["serial"], &state["lineage"]), (&json!(1), &json!(format!("l{block}"))));
    let gone = admin.block(&uuid("deleted", "block")).await;
    assert_eq!(gone["status"]["lifecycle"]["state"], "DELETED");

    // What was open is offered to runners, stopped, or waits for somebody, and says so.
    let claimed = ["being deleted", "in progress", "waiting for a pipeline", "dry run", "claimed"];
    for name in claimed {
        let run = uuid(name, "run");
        let offered = admin.until(RUN, &run, |found| found["waiting"]["reason"] == "RUN_OFFERED_AGAIN").await;
        assert_eq!(offered["status"], "PENDING", "{name}");
    }
    admin.until(RUN, &uuid("to be stopped", "run"), |found| found["status"] == "ABORTED").await;
    let wants = admin.block(&uuid("wants an input", "block")).await;
    assert_eq!(wants["status"]["waiting"]["reason"], "USER_INPUT_MISSING");
    for run in admin.list(RUN, "?size=500").await {
        assert_eq!(silence(&text(&run, "/status"), &run["waiting"]), None, "{run:#}");
    }

    // All of it can be finished, and what failed can be tried again.
    let mut finished = Vec::new();
    while let Some(run) = admin.claim_for(SHARED).await {
        assert!(!run.input("secret")["value"].as_str().unwrap_or_default().is_empty(), "{:#}", run.run);
        run.deliver(json!({ "url": "https://later" })).await;
        finished.push(run.id);
    }
    for name in claimed.into_iter().chain(["queued"]) {
        assert!(finished.contains(&uuid(name, "run")), "{name} was not offered: {finished:?}");
    }
    admin.trigger(&uuid("failed", "block")).await.expect(202);
    admin.delete(BLOCK, &format!("/{}", uuid("deletion failed", "block"))).await.expect(202);
    while let Some(run) = admin.claim_for(SHARED).await {
        run.deliver(json!({ "url": "https://again" })).await;
    }
    for name in ["failed", "in progress", "waiting for a pipeline", "claimed", "queued", "dry run"] {
        let block = admin.block(&uuid(name, "block")).await;
        assert_eq!(block["status"]["status"], "SUCCEEDED", "{name}: {block:#}");
    }
    for name in ["being deleted", "deletion failed"] {
        let block = admin.block(&uuid(name, "block")).await;
        assert_eq!(block["status"]["lifecycle"]["state"], "DELETED", "{name}: {block:#}");
    }
    until("every run is over", async || {
        admin.list(RUN, "?size=500").await.iter().all(|run| is_final(run["status"].as_str().unwrap()))
    })
    .await;
    let db = &stoa.running.app.db;
    until("every event has its number", async || {
        let open = Sql::new("SELECT count(*) FROM event WHERE seq IS NULL");
        db.read(move |tx| tx.one(&open, &[], |row| row.get::<i64>(0))).await.unwrap() == 0
    })
    .await;
    assert_eq!(db.read(feed::verify).await.unwrap(), None, "the chain of events is broken");
}
