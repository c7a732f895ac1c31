//! §6.6: taking blocks down, by a destroying run or without.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, block_body, input, text};
use reqwest::Method;
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";

async fn ordered(stoa: &Stoa, change: Value) -> String {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", change).await;
    text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid")
}

fn lifecycle(block: &Value) -> String {
    text(block, "/status/lifecycle/state")
}

async fn delete(stoa: &Stoa, block: &str) -> crate::stoa::Answer {
    stoa.admin.delete(BLOCK, &format!("/{block}")).await
}

on_both! {
    async fn a_block_under_work_is_not_deleted(stoa) {
        let block = ordered(&stoa, json!({})).await;
        let answer = delete(&stoa, &block).await;
        assert_eq!(answer.json()["errorCode"], "BuildingBlockConflict");
        answer.refused(409, "PENDING");
        let run = stoa.claim().await;
        delete(&stoa, &block).await.refused(409, "IN_PROGRESS");
        run.tell(json!({ "status": "PENDING" })).await;
        delete(&stoa, &block).await.refused(409, "IN_PROGRESS");
        assert_eq!(lifecycle(&stoa.admin.block(&block).await), "ACTIVE");
    }

    async fn what_never_ran_is_gone_at_once(stoa) {
        let block = ordered(&stoa, json!({ "inputs": { "a": input(json!({})) } })).await;
        let answer = delete(&stoa, &block).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        let gone = stoa.admin.block(&block).await;
        assert_eq!(lifecycle(&gone), "DELETED");
        assert_eq!(gone["status"]["status"], "WAITING_FOR_USER_INPUT");
        assert!(stoa.admin.claim_for(SHARED).await.is_none());
        delete(&stoa, &block).await.expect(202);
        stoa.admin.delete(BLOCK, &format!("/{block}/purge")).await.expect(202);
        assert_eq!(stoa.admin.block(&block).await, gone, "once is enough");
    }

    async fn a_destroy_that_fails_may_be_repeated(stoa) {
        let block = ordered(&stoa, json!({})).await;
        stoa.claim().await.end("SUCCEEDED").await;
        delete(&stoa, &block).await.expect(202);
        delete(&stoa, &block).await.expect(202); // under way already
        let run = stoa.claim().await;
        delete(&stoa, &block).await.expect(202);
        run.end("FAILED").await;
        let failed = stoa.admin.block(&block).await;
        assert_eq!(
            (text(&failed, "/status/status"), lifecycle(&failed)),
            ("FAILED".into(), "MARKED_FOR_DELETION".into())
        );
        assert_eq!(failed["status"]["forcePurge"], false);
        assert_eq!(stoa.admin.runs(&block).await.len(), 2, "no run for the repeated calls");
        assert_eq!(stoa.admin.list(BLOCK, "").await.len(), 1, "it is listed until it is gone");
        delete(&stoa, &block).await.expect(202);
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["behavior"], "DESTROY");
        run.end("SUCCEEDED").await;
        assert_eq!(lifecycle(&stoa.admin.block(&block).await), "DELETED");
    }

    async fn a_block_on_its_way_out_does_not_change(stoa) {
        let block = ordered(&stoa, json!({})).await;
        stoa.claim().await.end("SUCCEEDED").await;
        let mut body = stoa.admin.block(&block).await;
        delete(&stoa, &block).await.expect(202);
        body["spec"]["displayName"] = json!("other");
        for gone in [false, true] {
            let answer = stoa.admin.put(BLOCK, &format!("/{block}"), &body).await;
            assert_eq!(answer.json()["errorCode"], "BuildingBlockConflict");
            answer.refused(409, "deleted");
            stoa.admin.trigger(&block).await.refused(409, "");
            if !gone {
                stoa.claim().await.end("SUCCEEDED").await;
            }
        }
        // What was there stays readable.
        let gone = stoa.admin.block(&block).await;
        assert_eq!(gone["spec"]["displayName"], "a block");
        assert!(gone["status"].get("waiting").is_none());
    }

    async fn children_go_first(stoa) {
        stoa.workspace("shop").await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let change = json!({ "dependencyDefinitionRefs": [{ "uuid": definition }] });
        let (_, child_version) = stoa.definition("demo-partner", change).await;
        let parent = text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid");
        stoa.claim().await.end("SUCCEEDED").await;
        let mut body = block_body(&child_version, "shop", json!({}));
        body["spec"]["parentBuildingBlockRefs"] = json!([{ "uuid": parent }]);
        let child = text(&stoa.admin.create(BLOCK, &body).await, "/metadata/uuid");
        stoa.claim().await.end("SUCCEEDED").await;
        let purge = format!("/{parent}/purge");
        for _ in 0..2 {
            delete(&stoa, &parent).await.refused(409, &child);
            stoa.admin.delete(BLOCK, &purge).await.refused(409, &child);
            if lifecycle(&stoa.admin.block(&child).await) == "ACTIVE" {
                delete(&stoa, &child).await.expect(202);
            }
        }
        stoa.claim().await.end("SUCCEEDED").await;
        delete(&stoa, &parent).await.expect(202);
        stoa.claim().await.end("SUCCEEDED").await;
        assert_eq!(lifecycle(&stoa.admin.block(&parent).await), "DELETED");
    }

    async fn a_purge_leaves_resources_and_state_alone(stoa) {
        let block = ordered(&stoa, json!({})).await;
        let run = stoa.claim().await;
        let path = format!("/api/terraform/state/workspace/shop/buildingBlock/{block}");
        let state = json!({ "version": 4, "serial": 1, "lineage": "l" }).to_string();
        run.runner.raw(Method::POST, &path, |r| r.body(state)).await.expect(200);
        run.end("SUCCEEDED").await;
        delete(&stoa, &block).await.expect(202);
        stoa.admin.delete(BLOCK, &format!("/{block}/purge")).await.expect(202);
        let gone = stoa.admin.block(&block).await;
        assert_eq!(lifecycle(&gone), "DELETED");
        assert_eq!(gone["status"]["forcePurge"], true);
        assert!(stoa.admin.claim_for(SHARED).await.is_none(), "the destroying run was stopped");
        // The state is set aside, not lost.
        stoa.admin.raw(Method::GET, &path, |r| r).await.expect(204);
        let versions = stoa.admin.raw(Method::GET, &format!("{path}/versions"), |r| r).await.expect(200);
        assert!(versions["versions"][0]["archivedAt"].is_string(), "{versions}");
    }

    async fn who_may_delete(stoa) {
        stoa.workspace("data").await;
        let block = ordered(&stoa, json!({})).await;
        stoa.claim().await.end("SUCCEEDED").await;
        let path = format!("/{block}");
        for (workspace, codes) in [
            ("shop", &["BUILDINGBLOCK_SAVE"][..]),
            ("data", &["BUILDINGBLOCK_DELETE"][..]),
            ("demo-partner", &["MANAGED_BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_DELETE"][..]),
        ] {
            stoa.key(workspace, codes).await.delete(BLOCK, &path).await.refused(403, "BUILDINGBLOCK_DELETE");
        }
        let own = stoa.key("shop", &["BUILDINGBLOCK_DELETE"]).await;
        own.delete(BLOCK, &format!("{path}/purge")).await.refused(403, "ADM_BUILDINGBLOCK_DELETE");
        own.delete(BLOCK, &path).await.expect(202);
        own.delete(BLOCK, "/00000000-0000-4000-8000-000000000000").await.refused(404, "");
    }

    async fn deletes_come_without_accept_from_old_clients(stoa) {
        let block = ordered(&stoa, json!({ "inputs": { "a": input(json!({})) } })).await;
        let host = stoa.url.trim_start_matches("http://").to_owned();
        for (accept, status) in [("accept: text/html\r\n", 406), ("accept: */*\r\n", 406), ("", 202)] {
            let request = format!(
                "DELETE /api/meshobjects/meshbuildingblocks/{block} HTTP/1.1\r\nhost: {host}\r\n\
                 authorization: {}\r\n{accept}connection: close\r\n\r\n",
                stoa.admin.authorization.clone().unwrap(),
            );
            let answer = stoa.exchange(&request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{accept}{answer}");
        }
    }
}
