//! §2.4 and §9.2: whoever lost a run to another claim changes nothing any more.

use crate::claimed::Claimed;
use crate::listening::{Ear, From, Heard};
use crate::on_both;
use crate::stoa::{Caller, SHARED, Stoa, block_body, input, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const RUN: &str = "meshBuildingBlockRun";

/// The same run in two hands: first the one that was silent, then the one that has it now.
async fn claimed_twice(stoa: &Stoa, change: Value) -> (Claimed, Claimed) {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", change).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    let old = stoa.claim().await;
    stoa.advance(Duration::from_secs(660));
    let admin = stoa.again(&stoa.admin).await;
    admin.until(RUN, &old.id, |found| found["status"] == "PENDING").await;
    let new = admin.claimed_for(SHARED).await;
    assert_eq!(old.id, new.id);
    (old, new)
}

fn password(run: &Claimed, nobody: &Caller) -> Caller {
    nobody.basic("x", &text(&run.run, "/spec/runToken"))
}

on_both! {
    async fn an_old_token_changes_nothing_and_is_told_to_stop(stoa) {
        let declared = json!({ "outputs": { "url": { "displayName": "URL", "type": "STRING" } } });
        let (old, new) = claimed_twice(&stoa, declared).await;
        let admin = stoa.again(&stoa.admin).await;
        let step = json!({ "id": "a", "displayName": "A", "status": "IN_PROGRESS", "systemMessage": "new" });
        new.tell(json!({ "steps": [step] })).await;
        let before = admin.logs(&new.id).await;
        let output = json!({ "url": { "value": "from the old", "type": "STRING" } });
        for body in [
            json!({}),
            json!({ "status": "IN_PROGRESS" }),
            json!({ "status": "SUCCEEDED", "steps": [{ "id": "a", "outputs": output }] }),
            json!({ "status": "FAILED", "summary": "old", "steps": [{ "id": "a", "systemMessage": "old" }] }),
            json!({ "status": "ABORTED" }),
            json!({ "steps": [{ "id": "other" }] }),
        ] {
            assert!(old.aborted_after(&body).await, "{body}");
            assert_eq!(admin.logs(&new.id).await, before, "{body}");
            assert_eq!(admin.status_of(&new.id).await, "IN_PROGRESS", "{body}");
        }
        let registration = json!({ "source": { "id": "late" }, "steps": [{ "id": "x" }] });
        old.runner.register(&old.id, &registration).await.expect(200);
        assert_eq!(admin.logs(&new.id).await, before, "a late registration leaves no source");
        // Reading is harmless, and the one who has the run goes on.
        old.runner.get(RUN, &format!("/{}", old.id)).await.expect(200);
        new.deliver(json!({ "url": "from the new" })).await;
        assert!(old.aborted_after(&json!({ "status": "FAILED" })).await);
        let block = admin.block(&new.block()).await;
        assert_eq!(block["status"]["status"], "SUCCEEDED");
        assert_eq!(block["status"]["outputs"]["url"]["value"], "from the new");
        assert!(old.aborted_after(&json!({ "steps": [{ "id": "a", "systemMessage": "late" }] })).await);
        assert_eq!(admin.logs(&new.id).await["steps"][0]["systemMessage"], "new");
    }

    async fn an_old_token_writes_no_state(stoa) {
        let (old, new) = claimed_twice(&stoa, json!({})).await;
        let path = format!("/api/terraform/state/workspace/shop/buildingBlock/{}", new.block());
        let state = |serial: i64| json!({ "version": 4, "serial": serial, "lineage": "l" }).to_string();
        let ended = new.runner.clone();
        let run = new.id.clone();
        let (old, new) = (password(&old, &stoa.nobody()), password(&new, &stoa.nobody()));
        new.raw(Method::POST, &path, |r| r.body(state(1))).await.expect(200);
        old.raw(Method::POST, &path, |r| r.body(state(2))).await.refused(409, "Another runner");
        old.raw(Method::DELETE, &path, |r| r).await.refused(409, "Another runner");
        let lock = |r: reqwest::RequestBuilder| r.body(json!({ "ID": "1" }).to_string());
        let verb = |name: &str| Method::from_bytes(name.as_bytes()).unwrap();
        old.raw(verb("LOCK"), &path, lock).await.refused(409, "Another runner");
        old.raw(verb("UNLOCK"), &path, lock).await.refused(409, "Another runner");
        let found = new.raw(Method::GET, &path, |r| r).await;
        assert_eq!(found.text, state(1));
        ended.report(&run, "r", &json!({ "status": "SUCCEEDED" })).await.expect(200);
        old.raw(Method::POST, &path, |r| r.body(state(3))).await.refused(409, "Another runner");

        // Each attempt is told to the operators, in the stream of the run.
        let admin = stoa.again(&stoa.admin).await;
        let url = format!("{}/api/meshobjects/meshbuildingblockruns/{run}/events", stoa.url);
        let told = Ear::open(&admin, &url, From::After(0)).await.rest().await;
        let refused = |heard: &&Heard| heard.data["message"] == "A state of an earlier attempt came late and was refused.";
        assert_eq!(told.iter().filter(refused).count(), 5, "{told:#?}");
    }

    async fn whoever_had_a_run_that_is_over_is_told_to_stop(stoa) {
        stoa.workspace("shop").await;
        let change = json!({ "inputs": { "name": input(json!({})) } });
        let (_, version) = stoa.definition("demo-partner", change).await;
        for (end, expected) in [("superseded", "FAILED"), ("purged", "ABORTED"), ("aborted", "ABORTED")] {
            let given = json!({ "name": { "value": "0" } });
            stoa.order(&stoa.again(&stoa.admin).await, &version, "shop", given).await;
            let old = stoa.again(&stoa.admin).await.claimed_for(SHARED).await;
            stoa.advance(Duration::from_secs(660));
            let admin = stoa.again(&stoa.admin).await;
            admin.until(RUN, &old.id, |found| found["status"] == "PENDING").await;
            let path = format!("/{}", old.block());
            match end {
                "superseded" => {
                    let body = block_body(&version, "shop", json!({ "name": { "value": "1" } }));
                    admin.put("meshBuildingBlock", &path, &body).await.expect(200);
                    assert_ne!(admin.claimed_for(SHARED).await.id, old.id);
                }
                "purged" => {
                    admin.delete("meshBuildingBlock", &format!("{path}/purge")).await.expect(202);
                }
                _ => {
                    admin.act(RUN, &format!("/{}/abort", old.id)).await.expect(202);
                }
            }
            for word in ["IN_PROGRESS", "SUCCEEDED"] {
                assert!(old.aborted_after(&json!({ "status": word })).await, "{end} {word}");
                assert_eq!(admin.status_of(&old.id).await, expected, "{end} {word}");
            }
        }
    }
}
