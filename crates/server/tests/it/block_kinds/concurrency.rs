//! §6.4: several runs of one block.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, block_body, input, text};
use serde_json::{Value, json};
use std::collections::HashSet;

const BLOCK: &str = "meshBuildingBlock";

/// A definition with one text input, and a block of it.
async fn ordered(stoa: &Stoa) -> (String, String) {
    stoa.workspace("shop").await;
    let (_, version) =
        stoa.definition("demo-partner", json!({ "inputs": { "name": input(json!({})) } })).await;
    let block = stoa.order(&stoa.admin, &version, "shop", json!({ "name": { "value": "0" } })).await;
    (version, text(&block, "/metadata/uuid"))
}

async fn rename(stoa: &Stoa, version: &str, block: &str, value: &str) -> Value {
    let body = block_body(version, "shop", json!({ "name": { "value": value } }));
    stoa.admin.put(BLOCK, &format!("/{block}"), &body).await.expect(200)
}

on_both! {
    async fn a_queued_run_gives_way_to_a_newer_one(stoa) {
        let (version, block) = ordered(&stoa).await;
        for value in ["1", "2"] {
            rename(&stoa, &version, &block, value).await;
        }
        let runs = stoa.admin.runs(&block).await;
        let states: Vec<&str> = runs.iter().map(|run| run["status"].as_str().unwrap()).collect();
        assert_eq!(states, ["PENDING", "FAILED", "FAILED"]);
        for old in &runs[1..] {
            let logs = stoa.admin.logs(&text(old, "/metadata/uuid")).await;
            assert!(text(&logs, "/summary").contains("newer run"), "{logs}");
        }
        let run = stoa.claim().await;
        assert_eq!(run.input("name")["value"], "2");
        assert!(stoa.admin.claim_for(SHARED).await.is_none());
    }

    async fn a_running_run_is_left_to_finish(stoa) {
        let (version, block) = ordered(&stoa).await;
        let first = stoa.claim().await;
        let changed = rename(&stoa, &version, &block, "1").await;
        assert_eq!(changed["status"]["status"], "PENDING");
        first
            .tell(json!({ "status": "IN_PROGRESS", "steps": [{ "id": "a", "status": "IN_PROGRESS" }] }))
            .await;
        assert_eq!(stoa.admin.block(&block).await["status"]["status"], "PENDING", "the newest run counts");
        first.end("FAILED").await;
        let now = stoa.admin.block(&block).await;
        assert_eq!(now["status"]["status"], "PENDING");
        assert_eq!(now["status"]["latestRunUuid"], changed["status"]["latestRunUuid"]);
        let second = stoa.claim().await;
        assert_eq!(second.input("name")["value"], "1");
        second.end("SUCCEEDED").await;
        assert_eq!(stoa.admin.block(&block).await["status"]["status"], "SUCCEEDED");
    }

    async fn blocks_do_not_wait_for_each_other(stoa) {
        let (version, _) = ordered(&stoa).await;
        stoa.order(&stoa.admin, &version, "shop", json!({ "name": { "value": "x" } })).await;
        let (first, second) = (stoa.claim().await, stoa.claim().await);
        assert_ne!(first.block(), second.block());
        second.end("SUCCEEDED").await;
        first.end("SUCCEEDED").await;
    }

    async fn the_oldest_run_is_offered_first(stoa) {
        let (version, first) = ordered(&stoa).await;
        let mut blocks = vec![first];
        for _ in 0..3 {
            let block = stoa.order(&stoa.admin, &version, "shop", json!({ "name": { "value": "x" } })).await;
            blocks.push(text(&block, "/metadata/uuid"));
        }
        for block in blocks {
            assert_eq!(stoa.claim().await.block(), block);
        }
    }

    async fn orders_and_the_end_of_their_definition_get_along(stoa) {
        stoa.workspace("shop").await;
        for _ in 0..6 {
            let (definition, version) = stoa.definition("demo-partner", json!({})).await;
            let body = block_body(&version, "shop", json!({}));
            let orders = (0..4).map(|_| stoa.admin.post(BLOCK, "", &body));
            let path = format!("/{definition}");
            let end = stoa.admin.delete("meshBuildingBlockDefinition", &path);
            let (orders, end) = tokio::join!(futures_util::future::join_all(orders), end);
            let taken = orders.iter().filter(|answer| answer.status == 201).count();
            for answer in &orders {
                assert!([201, 404, 409].contains(&answer.status), "{}", answer.text);
            }
            assert!([204, 409].contains(&end.status), "{}", end.text);
            assert_eq!(end.status == 204, taken == 0, "{} orders, {}", taken, end.text);
        }
    }

    async fn many_changes_at_once_leave_one_open_run(stoa) {
        let (version, block) = ordered(&stoa).await;
        let path = format!("/{block}");
        let bodies: Vec<Value> = (1..9)
            .map(|n| block_body(&version, "shop", json!({ "name": { "value": n.to_string() } })))
            .collect();
        let puts = bodies.iter().map(|body| stoa.admin.put(BLOCK, &path, body));
        let claims = (0..4).map(|_| stoa.admin.claim_for(SHARED));
        let (answers, claimed) =
            tokio::join!(futures_util::future::join_all(puts), futures_util::future::join_all(claims));
        for answer in answers {
            answer.expect(200);
        }
        assert!(claimed.iter().flatten().count() <= 1, "one block, one active run");
        let runs = stoa.admin.runs(&block).await;
        let numbers: HashSet<i64> =
            runs.iter().map(|run| run["spec"]["runNumber"].as_i64().unwrap()).collect();
        assert_eq!(numbers.len(), runs.len(), "numbers are given once");
        let of = |state: &str| runs.iter().filter(|run| run["status"] == state).count();
        assert!(of("PENDING") <= 1 && of("IN_PROGRESS") <= 1, "{runs:#?}");
        // Whatever was last is what runs last.
        let last = stoa.admin.block(&block).await;
        if let Some(run) = claimed.into_iter().flatten().next() {
            run.end("SUCCEEDED").await;
        }
        if let Some(run) = stoa.admin.claim_for(SHARED).await {
            assert_eq!(run.input("name")["value"], last["spec"]["inputs"]["name"]["value"]);
        }
    }
}
