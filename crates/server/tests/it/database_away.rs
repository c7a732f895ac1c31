//! A database that somebody else holds, or that is gone, for a while: callers are told so, and what was answered is
//! true afterwards.

use crate::patience::until;
use crate::process::Process;
use crate::stoa::{Answer, Caller};
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use stoa_chaos::faults::hold_lock;
use stoa_chaos::proxy::{Proxy, Wire};
use stoa_db::Engine;
use stoa_db::testing::fresh;

/// Longer than the server waits for a lock, so that somebody is told no.
const AWAY: Duration = Duration::from_secs(12);

async fn make(admin: &Caller, name: &str) -> Answer {
    let body = json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": "W" } });
    admin.post("meshWorkspace", "", &body).await
}

/// Asks for workspaces one after the other until this is over. Each is made, or the caller is told why not.
async fn ask_until(
    admin: &Caller,
    asker: usize,
    reason: &str,
    away: impl Fn() -> bool,
) -> (Vec<String>, usize) {
    let (mut made, mut refused, mut round) = (Vec::new(), 0, 0);
    while !away() {
        round += 1;
        let name = format!("w{asker}-{round}");
        let answer = make(admin, &name).await;
        match answer.status {
            201 => made.push(name),
            _ => {
                assert_eq!(answer.headers.get("retry-after").map(|value| value.as_bytes()), Some(&b"1"[..]));
                answer.refused(503, reason);
                refused += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    (made, refused)
}

async fn all_well_again(process: &Process, admin: &Caller, made: &[(Vec<String>, usize)]) {
    until("the server is ready again", async || {
        process_is_ready(process).await && make(admin, "afterwards").await.status != 503
    })
    .await;
    for name in made.iter().flat_map(|(made, _)| made) {
        admin.get("meshWorkspace", &format!("/{name}")).await.expect(200);
    }
    let refused: usize = made.iter().map(|(_, refused)| refused).sum();
    assert!(refused > 0, "nobody noticed that the database was away");
}

async fn process_is_ready(process: &Process) -> bool {
    let nobody = Caller::nobody(&process.url);
    nobody.raw(reqwest::Method::GET, "/readyz", |request| request).await.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_sqlite_file_is_waited_for_and_then_told_of() {
    let database = fresh(Engine::Sqlite).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let process = Process::serve(folder.path(), &database.url);
    let admin = process.admin(folder.path()).await;
    let locked = tokio::spawn({
        let url = database.url.clone();
        async move { hold_lock(&url, AWAY).await.unwrap() }
    });
    let asking = (0..4).map(|asker| {
        ask_until(&admin, asker, "Another program holds the server's database", || locked.is_finished())
    });
    let made = join_all(asking).await;
    // Reading went on all the time; nothing is lost and nothing is stuck.
    all_well_again(&process, &admin, &made).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_is_gone_is_told_of_and_found_again() {
    let Some(database) = fresh(Engine::Postgres) else { return };
    let wire = Proxy::open().await.unwrap();
    let host = database.url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    wire.lead_to(vec![host.parse().unwrap()]);
    let folder = tempfile::tempdir().unwrap();
    let url = database.url.replacen(&host, &wire.address.to_string(), 1);
    let process = Process::serve(folder.path(), &url);
    let admin = process.admin(folder.path()).await;
    wire.set(Wire::Cut);
    let over = tokio::time::Instant::now() + AWAY;
    let asking = (0..4).map(|asker| {
        ask_until(&admin, asker, "cannot reach its database", move || tokio::time::Instant::now() > over)
    });
    let made = join_all(asking).await;
    wire.set(Wire::Whole);
    all_well_again(&process, &admin, &made).await;
}
