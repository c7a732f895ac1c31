//! §7: runs as people read them, and who reads what.

use crate::on_both;
use crate::stoa::{Caller, Stoa, shared_key, text};
use serde_json::{Value, json};

const RUN: &str = "meshBuildingBlockRun";

/// A runner of workspace `data`.
async fn runner_of_data(stoa: &Stoa) -> String {
    let body = json!({
        "metadata": { "ownedByWorkspace": "data" },
        "spec": {
            "displayName": "r", "publicKey": shared_key().public_pem(),
            "implementationType": "ALL", "restriction": "PUBLIC",
        },
    });
    text(&stoa.admin.create("meshBuildingBlockRunner", &body).await, "/metadata/uuid")
}

async fn make_transparent(stoa: &Stoa, definition: &str) {
    let path = format!("/{definition}");
    let mut body = stoa.admin.get("meshBuildingBlockDefinition", &path).await.expect(200);
    body["spec"]["runTransparency"] = json!(true);
    stoa.admin.put("meshBuildingBlockDefinition", &path, &body).await.expect(200);
}

/// What a reader gets of a run: the status of reading it, whether logs hold user and system messages.
async fn seen(reader: &Caller, run: &str) -> (u16, Option<(bool, bool)>) {
    let read = reader.get(RUN, &format!("/{run}")).await.status;
    let logs = reader.get(RUN, &format!("/{run}/logs")).await;
    let step = &logs.json()["steps"][0];
    let messages =
        (logs.status == 200).then(|| (step["userMessage"].is_string(), step["systemMessage"].is_string()));
    (read, messages)
}

on_both! {
    async fn each_reader_sees_what_is_meant_for_them(stoa) {
        for name in ["shop", "press", "data"] {
            stoa.workspace(name).await;
        }
        let runner = runner_of_data(&stoa).await;
        let change = json!({ "runnerRef": { "uuid": runner } });
        let (definition, version) = stoa.definition("demo-partner", change).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid");
        let run = stoa.admin.claimed_for(&runner).await;
        let step = json!({ "id": "a", "status": "SUCCEEDED", "userMessage": "u", "systemMessage": "s" });
        run.tell(json!({ "status": "SUCCEEDED", "steps": [step] })).await;

        let consumer = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        let operator =
            stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCKRUN_LIST", "MANAGED_BUILDINGBLOCK_LIST"]).await;
        let executor = stoa.key("data", &["MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        let stranger = stoa.key("press", &["BUILDINGBLOCK_LIST", "MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        let powerless = stoa.key("shop", &["PROJECT_LIST"]).await;
        let everything = (200, Some((true, true)));
        for reader in [&stoa.admin, &operator, &executor] {
            assert_eq!(seen(reader, &run.id).await, everything);
        }
        assert_eq!(seen(&consumer, &run.id).await, (403, Some((true, false))));
        assert_eq!(seen(&stranger, &run.id).await, (403, None));
        assert_eq!(seen(&powerless, &run.id).await, (403, None));
        assert_eq!(consumer.block(&block).await["status"]["latestRunUuid"], Value::Null);
        assert_eq!(operator.block(&block).await["status"]["latestRunUuid"], json!(run.id));
        consumer.get(RUN, &format!("?buildingBlockUuid={block}")).await.refused(403, "");

        make_transparent(&stoa, &definition).await;
        assert_eq!(seen(&consumer, &run.id).await, everything);
        assert_eq!(consumer.block(&block).await["status"]["latestRunUuid"], json!(run.id));
        assert_eq!(consumer.runs(&block).await.len(), 1);
        assert_eq!(seen(&stranger, &run.id).await, (403, None));
        let unknown = "/00000000-0000-4000-8000-000000000000";
        for rest in [unknown.to_owned(), format!("{unknown}/logs")] {
            consumer.get(RUN, &rest).await.refused(404, "");
            powerless.get(RUN, &rest).await.refused(403, "");
        }
    }

    async fn lists_of_runs_are_newest_first_and_by_right(stoa) {
        for name in ["shop", "data"] {
            stoa.workspace(name).await;
        }
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let (_, other) = stoa.definition("data", json!({})).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid");
        stoa.claim().await.end("SUCCEEDED").await;
        for _ in 0..2 {
            stoa.admin.trigger(&block).await.expect(202);
            stoa.claim().await.end("SUCCEEDED").await;
        }
        let foreign = text(&stoa.order(&stoa.admin, &other, "shop", json!({})).await, "/metadata/uuid");
        let numbers = |runs: Vec<Value>| {
            runs.iter().map(|run| run["spec"]["runNumber"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(stoa.admin.runs(&block).await), [3, 2, 1]);
        assert_eq!(stoa.admin.list(RUN, "").await.len(), 4);
        let operator = stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        assert_eq!(operator.list(RUN, "").await.len(), 4, "the shared runner is theirs, too");
        let offering = stoa.key("data", &["MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        assert_eq!(offering.list(RUN, "").await.len(), 1);
        assert_eq!(offering.runs(&foreign).await.len(), 1);
        assert!(offering.runs(&block).await.is_empty());
        let page =
            stoa.admin.get(RUN, &format!("?buildingBlockUuid={block}&size=2&page=1")).await.expect(200);
        assert_eq!(page["page"], json!({ "size": 2, "totalElements": 3, "totalPages": 2, "number": 1 }));
        assert_eq!(numbers(page["_embedded"]["meshBuildingBlockRuns"].as_array().unwrap().clone()), [1]);
        assert!(stoa.admin.list(RUN, "?buildingBlockUuid=no-uuid").await.is_empty());
        // A consumer's right to a transparent block is not lost by holding managed rights besides.
        make_transparent(&stoa, &definition).await;
        let both = stoa.key("shop", &["BUILDINGBLOCK_LIST", "MANAGED_BUILDINGBLOCKRUN_LIST"]).await;
        assert_eq!(numbers(both.runs(&block).await), [3, 2, 1]);
        assert!(both.runs(&foreign).await.is_empty());
    }

    async fn a_run_reads_like_the_contract(stoa) {
        stoa.workspace("shop").await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let id = text(&block, "/status/latestRunUuid");
        let queued = stoa.admin.get(RUN, &format!("/{id}")).await.expect(200);
        assert_eq!((&queued["apiVersion"], &queued["kind"]), (&json!("v1"), &json!(RUN)));
        assert_eq!(queued["status"], "PENDING", "a plain text");
        assert!(text(&queued, "/metadata/createdOn").ends_with('Z'));
        assert_eq!(queued["spec"]["runToken"], "");
        assert_eq!(queued["spec"]["buildingBlock"]["uuid"], block["metadata"]["uuid"]);
        assert_eq!(queued["spec"]["buildingBlock"]["spec"]["displayName"], "a block");
        assert_eq!(queued["spec"]["buildingBlockDefinition"]["uuid"], json!(definition));
        let owner = &queued["spec"]["buildingBlockDefinition"]["spec"]["workspaceIdentifier"];
        assert_eq!(owner, "demo-partner");
        let author = &queued["spec"]["trigger"]["author"];
        assert_eq!(
            (&author["type"], &author["identifier"]),
            (&json!("ApiKey"), &json!(stoa.admin.client_id))
        );
        for link in ["self", "registerSource", "updateSource", "downloadLogs", "meshstackBaseUrl"] {
            assert!(queued["_links"][link]["href"].is_string(), "{link}");
        }
        let run = stoa.claim().await;
        let mut read = run.runner.get(RUN, &format!("/{id}")).await.expect(200);
        read["spec"]["runToken"] = run.run["spec"]["runToken"].clone();
        let waiting = read.as_object_mut().unwrap().remove("waiting").unwrap();
        assert_eq!(text(&waiting, "/reason"), "RUN_IN_PROGRESS", "what a claimed run waits for is told beside it");
        assert_eq!(read, run.run, "the run itself reads what it was given");
        // The links it was given are the ones that work.
        for link in ["self", "downloadLogs"] {
            run.runner
                .raw(reqwest::Method::GET, &text(&run.run, &format!("/_links/{link}/href")), |r| {
                    r.header("accept", crate::stoa::media(RUN, "v1"))
                })
                .await
                .expect(200);
        }
    }
}
