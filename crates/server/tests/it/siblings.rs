//! Several server processes on one PostgreSQL database: no work is done twice, and everybody sees one story.

use crate::listening::{Ear, From};
use crate::patience::until;
use crate::stoa::{Caller, SHARED, Stoa, block_body, input, text};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use stoa_core::feed;
use stoa_db::{Engine, Sql};
use tokio::time::timeout;

/// Three servers on one database; none when no PostgreSQL is offered.
async fn three() -> Option<[Stoa; 3]> {
    let first = Stoa::on(Engine::Postgres).await?;
    let (second, third) = (first.sibling().await, first.sibling().await);
    Some([first, second, third])
}

/// The callers of all servers, again and again.
fn around(servers: &[Stoa], count: usize) -> impl Iterator<Item = Caller> + '_ {
    servers.iter().map(|server| server.admin.clone()).cycle().take(count)
}

async fn numbers(stoa: &Stoa, sql: &'static str) -> Vec<i64> {
    stoa.running.app.db.read(move |tx| tx.all(&Sql::built(sql.into()), &[], |row| row.get(0))).await.unwrap()
}

/// Waits until every event has its number, then checks that numbers have no gap and the chain holds.
async fn settled(stoa: &Stoa) -> i64 {
    let unnumbered = "SELECT count(*) FROM event WHERE seq IS NULL";
    until("every event has its number", async || numbers(stoa, unnumbered).await == [0]).await;
    let all = numbers(stoa, "SELECT count(*) FROM event").await[0];
    assert_eq!(numbers(stoa, "SELECT max(seq) FROM event").await, [all], "the numbers have gaps");
    assert_eq!(stoa.running.app.db.read(feed::verify).await.unwrap(), None, "the chain is broken");
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_claims_over_three_servers_hand_out_each_of_twenty_runs_once() {
    let Some(servers) = three().await else { return };
    servers[0].workspace("shop").await;
    let (_, version) = servers[0].definition("demo-partner", json!({})).await;
    let body = block_body(&version, "shop", json!({}));
    let orders = around(&servers, 20).map(|caller| {
        let body = body.clone();
        async move { caller.create("meshBuildingBlock", &body).await }
    });
    join_all(orders).await;

    let claim = format!("/create?forRunnerUuid={SHARED}");
    let claims = around(&servers, 40).map(|caller| {
        let claim = claim.clone();
        async move { caller.act("meshBuildingBlockRun", &claim).await }
    });
    let mut runs = Vec::new();
    for answer in join_all(claims).await {
        match answer.status {
            404 => {}
            _ => runs.push(answer.expect(201)),
        }
    }
    let ids: BTreeSet<String> = runs.iter().map(|run| text(run, "/metadata/uuid")).collect();
    assert_eq!((runs.len(), ids.len()), (20, 20));

    // Each is finished at another server than the one that handed it out.
    let reports = runs.iter().zip(servers.iter().cycle().skip(1)).map(|(run, server)| {
        let runner = server.nobody().bearer(&text(run, "/spec/runToken"));
        let path = format!("/{}/status/source/r", text(run, "/metadata/uuid"));
        async move {
            runner.patch("meshBuildingBlockRun", &path, &json!({ "status": "SUCCEEDED" })).await.expect(200)
        }
    });
    join_all(reports).await;
    for block in servers[2].admin.list("meshBuildingBlock", "").await {
        assert_eq!(block["status"]["status"], "SUCCEEDED");
    }
    assert_eq!(numbers(&servers[0], "SELECT count(*) FROM run WHERE epoch <> 1").await, [0]);
    settled(&servers[1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_at_one_server_sees_every_change_of_all_once_and_in_order() {
    let Some(servers) = three().await else { return };
    let before = settled(&servers[2]).await;
    let url = format!("{}/api/events", servers[2].url);
    let mut ear = Ear::open(&servers[2].admin, &url, From::Now).await;

    let writers = around(&servers, 18).enumerate().map(|(place, caller)| async move {
        for round in 0..3 {
            let name = format!("w{place}-{round}");
            let body =
                json!({ "metadata": { "name": name, "tags": {} }, "spec": { "displayName": "first" } });
            caller.create("meshWorkspace", &body).await;
            let mut body = body;
            body["spec"]["displayName"] = json!("second");
            caller.put("meshWorkspace", &format!("/{name}"), &body).await.expect(200);
        }
    });
    join_all(writers).await;
    let newest = settled(&servers[0]).await;
    assert_eq!(newest - before, 18 * 3 * 2);

    let mut actions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for seq in before + 1..=newest {
        let heard = ear.next().await.unwrap();
        assert_eq!(heard.id, Some(seq));
        assert_eq!(heard.data["seq"], seq);
        actions.entry(text(&heard.data, "/uuid")).or_default().push(text(&heard.data, "/action"));
    }
    assert_eq!(actions.len(), 18 * 3);
    assert!(actions.values().all(|actions| *actions == ["Created", "Changed"]), "{actions:?}");

    // Whoever heard half of it at one server hears the other half at another.
    let middle = before + (newest - before) / 2;
    let mut ear =
        Ear::open(&servers[1].admin, &format!("{}/api/events", servers[1].url), From::After(middle)).await;
    for seq in middle + 1..=newest {
        assert_eq!(ear.next().await.unwrap().id, Some(seq));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_object_changed_everywhere_at_once_has_one_history() {
    let Some(servers) = three().await else { return };
    let shop = servers[0].workspace("shop").await;
    let changes = around(&servers, 24).enumerate().map(|(place, caller)| {
        let mut body = shop.clone();
        body["spec"]["displayName"] = json!(format!("name {place}"));
        async move { caller.put("meshWorkspace", "/shop", &body).await.expect(200) }
    });
    join_all(changes).await;
    settled(&servers[0]).await;

    let versions = "SELECT h.version FROM history h JOIN object o ON o.id = h.object \
        WHERE o.kind = 'meshWorkspace' AND o.key = 'shop' ORDER BY h.version";
    assert_eq!(numbers(&servers[0], versions).await, (1..=25).collect::<Vec<i64>>());
    // Each change tells of the state that the one before it left.
    let story = "SELECT e.content, e.previous FROM event e JOIN object o ON o.id = e.object \
        WHERE o.kind = 'meshWorkspace' AND o.key = 'shop' ORDER BY e.seq";
    let told: Vec<(Value, Option<Value>)> = servers[0]
        .running
        .app
        .db
        .read(move |tx| {
            tx.all(&Sql::built(story.into()), &[], |row| {
                let json = |text: String| serde_json::from_str(&text).unwrap();
                Ok((json(row.get(0)?), row.get::<Option<String>>(1)?.map(json)))
            })
        })
        .await
        .unwrap();
    for pair in told.windows(2) {
        assert_eq!(pair[1].1.as_ref(), Some(&pair[0].0), "a change tells of a state that was gone");
    }
    let now = servers[1].admin.get("meshWorkspace", "/shop").await.expect(200);
    assert_eq!(now["spec"]["displayName"], told.last().unwrap().0["displayName"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controllers_of_three_servers_do_each_piece_of_work_once() {
    let Some(servers) = three().await else { return };
    servers[0].workspace("shop").await;
    let manual = json!({ "implementation": { "type": "manual", "manual": {}, "terraform": null } });
    let (_, version) = servers[0].definition("demo-partner", manual).await;
    let (_, claimed) = servers[0].definition("demo-partner", json!({})).await;
    let orders = around(&servers, 30).enumerate().map(|(place, caller)| {
        let version = if place < 20 { &version } else { &claimed };
        let body = block_body(version, "shop", json!({}));
        async move { caller.create("meshBuildingBlock", &body).await }
    });
    let blocks = join_all(orders).await;
    for block in &blocks[..20] {
        let id = text(block, "/metadata/uuid");
        servers[1]
            .admin
            .until("meshBuildingBlock", &id, |block| block["status"]["status"] == "SUCCEEDED")
            .await;
    }
    let ended = "SELECT count(*) FROM event WHERE kind = 'meshBuildingBlockRun' AND content LIKE '%SUCCEEDED%' \
        AND content NOT LIKE '%steps%' GROUP BY object";
    assert_eq!(numbers(&servers[0], ended).await, [1; 20], "each run ended once");
    assert_eq!(numbers(&servers[0], "SELECT count(*) FROM run WHERE attempts > 1").await, [0]);

    // Claims that nobody is heard of any more come back to the queue, each once.
    let claim = format!("/create?forRunnerUuid={SHARED}");
    let claims = around(&servers, 10).map(|caller| {
        let claim = claim.clone();
        async move { caller.act("meshBuildingBlockRun", &claim).await.expect(201) }
    });
    let runs = join_all(claims).await;
    for server in &servers {
        server.advance(Duration::from_mins(11));
    }
    let later = servers[0].admin.login(&servers[0].admin.client_id, &servers[0].admin.client_secret).await;
    for run in &runs {
        let id = text(run, "/metadata/uuid");
        later.until("meshBuildingBlockRun", &id, |run| run["status"] == "PENDING").await;
    }
    let offered =
        "SELECT count(*) FROM event WHERE action = 'Queued' AND content LIKE '%PENDING%' GROUP BY object";
    assert_eq!(numbers(&servers[0], offered).await, [1; 10], "each run was offered again once");
    settled(&servers[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_at_rest_wake_nobody() {
    let Some(servers) = three().await else { return };
    settled(&servers[0]).await;
    until("the bell is still for a while", async || {
        let mut bell = servers[1].running.app.bell.listen();
        bell.mark_unchanged();
        timeout(Duration::from_millis(300), bell.changed()).await.is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_claims_and_reports_of_the_same_blocks_at_once_get_along() {
    let Some(servers) = three().await else { return };
    servers[0].workspace("shop").await;
    let inputs = json!({ "size": input(json!({ "type": "INTEGER" })) });
    let (_, version) = servers[0].definition("demo-partner", json!({ "inputs": inputs })).await;
    let mut blocks = Vec::new();
    for size in 0..4 {
        let inputs = json!({ "size": { "value": size, "isSensitive": false } });
        blocks.push(servers[0].order(&servers[0].admin, &version, "shop", inputs).await);
    }
    let changers = around(&servers, 6).enumerate().map(|(place, caller)| {
        let mut block = blocks[place % 4].clone();
        async move {
            let id = format!("/{}", text(&block, "/metadata/uuid"));
            for round in 0..8 {
                block["spec"]["inputs"]["size"]["value"] = json!(100 * place + round);
                caller.put("meshBuildingBlock", &id, &block).await.expect(200);
            }
        }
        .boxed()
    });
    let runners = servers.iter().cycle().take(6).map(|server| {
        async move {
            for _ in 0..12 {
                work_once(server).await;
            }
        }
        .boxed()
    });
    join_all(changers.chain(runners)).await;

    while work_once(&servers[0]).await {}
    for block in servers[1].admin.list("meshBuildingBlock", "").await {
        assert_eq!(block["status"]["status"], "SUCCEEDED");
    }
    let open = "SELECT count(*) FROM run WHERE state IN ('QUEUED', 'IN_PROGRESS', 'PENDING')";
    assert_eq!(numbers(&servers[2], open).await, [0]);
    // Everybody locks a block before its runs, so nobody waits for each other.
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(numbers(&servers[2], deadlocks).await, [0]);
    settled(&servers[2]).await;
}

/// Claims a run and finishes it; says whether there was one.
async fn work_once(server: &Stoa) -> bool {
    let claim = format!("/create?forRunnerUuid={SHARED}");
    let answer = server.admin.act("meshBuildingBlockRun", &claim).await;
    if answer.status == 404 {
        return false;
    }
    let run = answer.expect(201);
    let runner = server.nobody().bearer(&text(&run, "/spec/runToken"));
    let path = format!("/{}/status/source/r", text(&run, "/metadata/uuid"));
    let step = json!([{ "id": "apply", "status": "SUCCEEDED", "systemMessage": "done" }]);
    for status in ["IN_PROGRESS", "SUCCEEDED"] {
        let report = json!({ "status": status, "steps": step });
        runner.patch("meshBuildingBlockRun", &path, &report).await.expect(200);
    }
    true
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_ordered_once_is_ordered_once() {
    let Some(servers) = three().await else { return };
    servers[0].workspace("shop").await;
    let (_, version) = servers[0].definition("demo-partner", json!({ "onlyApplyOncePerTenant": true })).await;
    let body = block_body(&version, "shop", json!({}));
    let orders = around(&servers, 12).map(|caller| {
        let body = body.clone();
        async move { caller.post("meshBuildingBlock", "", &body).await.status }
    });
    let mut statuses = join_all(orders).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![201], vec![409; 11]].concat());
}
