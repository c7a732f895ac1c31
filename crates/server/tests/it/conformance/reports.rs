//! Checks 6 to 15: what runners and pipelines report, and what people read of it.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Stoa, text};
use serde_json::{Value, json};

/// A claimed run of a block in workspace `shop`, of a definition with this change.
async fn claimed(stoa: &Stoa, change: Value) -> Claimed {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", change).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

fn with_output(key: &str) -> Value {
    json!({ "outputs": { key: { "displayName": key, "type": "STRING" } } })
}

on_both! {
    async fn check_6_registering_twice_keeps_what_is_known(stoa) {
        let run = claimed(&stoa, json!({})).await;
        let registration = json!({
            "source": { "id": "r" },
            "steps": [
                { "id": "init", "displayName": "Initialize" },
                { "id": "apply", "displayName": "Apply", "status": null },
            ],
        });
        let first = run.runner.register(&run.id, &registration).await.expect(200);
        let steps = json!([
            { "id": "init", "displayName": "Initialize", "status": "PENDING" },
            { "id": "apply", "displayName": "Apply", "status": "PENDING" },
        ]);
        assert_eq!(first["source"]["id"], "r");
        assert_eq!(first["steps"], steps);
        run.tell(json!({ "steps": [{ "id": "init", "status": "SUCCEEDED", "userMessage": "ready" }] })).await;

        let more = json!({
            "source": { "id": "r", "externalRunId": "7" },
            "steps": [
                { "id": "init", "displayName": "Initialize" },
                { "id": "output", "displayName": "Outputs", "status": "PENDING" },
            ],
        });
        run.runner.register(&run.id, &more).await.expect(200);
        let logs = stoa.admin.logs(&run.id).await;
        let seen: Vec<(&Value, &Value)> = logs["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| (&step["displayName"], &step["status"]))
            .collect();
        assert_eq!(
            json!(seen),
            json!([["Initialize", "SUCCEEDED"], ["Apply", "PENDING"], ["Outputs", "PENDING"]])
        );
        assert_eq!(logs["steps"][0]["userMessage"], "ready");
    }

    async fn check_7_external_ids_come_as_number_and_text_under_two_names(stoa) {
        let run = claimed(&stoa, json!({})).await;
        for (given, kept) in [
            (json!({ "externalRunId": 4711, "externalRunUrl": "https://ci.example.org/1" }), "4711"),
            (json!({ "externalRunId": "4712" }), "4712"),
            (json!({ "externalId": "x-1", "externalUrl": "https://ci.example.org/2" }), "x-1"),
            (json!({ "externalId": 9 }), "9"),
        ] {
            let mut source = given.clone();
            source["id"] = json!("github");
            let answer =
                run.runner.register(&run.id, &json!({ "source": source, "steps": [] })).await.expect(200);
            assert_eq!(answer["source"]["externalRunId"], kept, "{given}");
        }
        let sources = &stoa.admin.logs(&run.id).await["sources"];
        assert_eq!(
            sources[0]["externalRunUrl"], "https://ci.example.org/2",
            "an absent link keeps the last one"
        );
    }

    async fn check_8_empty_texts_nulls_and_objects_overwrite_nothing(stoa) {
        let run = claimed(&stoa, with_output("url")).await;
        let step = json!({
            "id": "apply", "displayName": "Apply", "status": "IN_PROGRESS", "userMessage": "half way",
            "systemMessage": "line 1\n", "outputs": { "url": { "value": "https://x", "type": "STRING" } },
        });
        run.tell(json!({ "status": "IN_PROGRESS", "steps": [step] })).await;
        let before = stoa.admin.logs(&run.id).await;
        let empty = json!({
            "id": "apply", "displayName": "", "status": "",
            "userMessage": "", "systemMessage": "", "outputs": {},
        });
        let nulls = json!({
            "id": "apply", "displayName": null, "status": null,
            "userMessage": null, "systemMessage": null, "outputs": null,
        });
        for body in [
            json!({ "status": "", "summary": "", "steps": [empty] }),
            json!({ "status": null, "summary": null, "steps": [nulls], "artifact": null }),
            json!({ "status": null, "steps": null, "type": null, "source": null }),
            json!({ "steps": [] }),
            json!({ "steps": [{ "id": "apply" }] }),
            json!({}),
        ] {
            run.tell(body.clone()).await;
            assert_eq!(stoa.admin.logs(&run.id).await, before, "{body}");
        }
        run.end("SUCCEEDED").await;
        let block = stoa.admin.block(&run.block()).await;
        assert_eq!(block["status"]["outputs"]["url"]["value"], "https://x");
    }

    async fn check_9_reports_need_neither_steps_nor_registration(stoa) {
        let run = claimed(&stoa, json!({})).await;
        run.tell(json!({ "status": "IN_PROGRESS" })).await;
        let step = json!({ "id": "create-schema", "status": "SUCCEEDED" });
        run.runner.report(&run.id, "never-registered", &json!({ "steps": [step] })).await.expect(200);
        let step = &stoa.admin.logs(&run.id).await["steps"][0];
        assert_eq!(step["displayName"], "create-schema");
        assert_eq!(step["status"], "SUCCEEDED");
        run.end("SUCCEEDED").await;
        assert_eq!(stoa.admin.status_of(&run.id).await, "SUCCEEDED");
    }

    async fn check_10_reports_after_the_end_change_no_state(stoa) {
        let run = claimed(&stoa, json!({})).await;
        run.end("FAILED").await;
        for status in ["SUCCEEDED", "IN_PROGRESS", "PENDING", "ABORTED", "FAILED"] {
            run.tell(json!({ "status": status })).await;
            assert_eq!(stoa.admin.status_of(&run.id).await, "FAILED", "{status}");
            assert_eq!(stoa.admin.block(&run.block()).await["status"]["status"], "FAILED", "{status}");
        }
    }

    async fn check_11_a_late_hand_over_does_not_reopen_what_another_source_finished(stoa) {
        let run = claimed(&stoa, json!({})).await;
        run.tell(json!({ "status": "IN_PROGRESS", "steps": [{ "id": "trigger", "status": "IN_PROGRESS" }] }))
            .await;
        let done = json!({ "status": "SUCCEEDED", "steps": [{ "id": "trigger", "status": "SUCCEEDED" }] });
        run.runner.report(&run.id, "github", &done).await.expect(200);
        run.tell(json!({ "status": "IN_PROGRESS", "steps": [{ "id": "trigger", "status": "SUCCEEDED" }] }))
            .await;
        assert_eq!(stoa.admin.status_of(&run.id).await, "SUCCEEDED");
        let logs = stoa.admin.logs(&run.id).await;
        assert_eq!(
            logs["steps"].as_array().unwrap().len(),
            2,
            "one id in two sources is two steps: {logs:#}"
        );
        assert_eq!(logs["warnings"], json!([]));
    }

    async fn check_12_an_abort_is_told_with_the_next_report(stoa) {
        let run = claimed(&stoa, json!({})).await;
        run.tell(json!({ "status": "IN_PROGRESS" })).await;
        stoa.admin.act("meshBuildingBlockRun", &format!("/{}/abort", run.id)).await.expect(202);
        assert_eq!(stoa.admin.status_of(&run.id).await, "IN_PROGRESS");
        let answer = run.runner.report(&run.id, "r", &json!({ "status": "IN_PROGRESS" })).await;
        assert!(answer.headers["content-type"].to_str().unwrap().contains("json"));
        assert_eq!(answer.expect(200), json!({ "runAborted": true }));
        assert_eq!(stoa.admin.status_of(&run.id).await, "ABORTED");
        assert_eq!(stoa.admin.block(&run.block()).await["status"]["status"], "ABORTED");
    }

    async fn check_13_a_missing_declared_output_fails_the_run(stoa) {
        let run = claimed(&stoa, with_output("jdbc_url")).await;
        run.deliver(json!({ "other": "x" })).await;
        assert_eq!(stoa.admin.status_of(&run.id).await, "FAILED");
        let block = stoa.admin.block(&run.block()).await;
        assert_eq!(block["status"]["status"], "FAILED");
        assert_eq!(block["status"]["outputs"], json!({}));
        let logs = stoa.admin.logs(&run.id).await;
        assert!(text(&logs, "/summary").contains("jdbc_url"), "{logs:#}");
    }

    async fn check_14_a_step_that_never_reported_is_a_warning_for_both_audiences(stoa) {
        let run = claimed(&stoa, json!({})).await;
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        let steps = json!([{ "id": "a", "displayName": "First" }, { "id": "b", "displayName": "Second" }]);
        run.runner.register(&run.id, &json!({ "source": { "id": "r" }, "steps": steps })).await.expect(200);
        run.tell(json!({ "status": "SUCCEEDED", "steps": [{ "id": "a", "status": "SUCCEEDED" }] })).await;
        for reader in [&stoa.admin, &consumer] {
            let logs = reader.logs(&run.id).await;
            assert_eq!(logs["warnings"], json!(["STEP_SUCCESS_MISSING"]));
            let sentence = text(&logs, "/warningDetails/0/message");
            assert!(sentence.contains("Second") && !sentence.contains("First"), "{sentence}");
        }
        assert_eq!(stoa.admin.block(&run.block()).await["status"]["status"], "SUCCEEDED");
        run.tell(json!({ "steps": [{ "id": "b", "status": "SUCCEEDED" }] })).await;
        assert_eq!(consumer.logs(&run.id).await["warnings"], json!([]), "late success clears it");
    }

    async fn check_15_logs_hide_system_messages_without_transparency(stoa) {
        let run = claimed(&stoa, json!({})).await;
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        let step = json!({
            "id": "a", "status": "FAILED", "userMessage": "quota exceeded", "systemMessage": "Error: 42",
        });
        run.tell(json!({ "status": "FAILED", "summary": "secret detail", "steps": [step] })).await;
        let seen = consumer.logs(&run.id).await;
        assert_eq!(seen["steps"][0]["userMessage"], "quota exceeded");
        assert_eq!(seen["steps"][0]["systemMessage"], Value::Null);
        assert!(seen.get("summary").is_none());
        let seen = stoa.admin.logs(&run.id).await;
        assert_eq!(seen["steps"][0]["systemMessage"], "Error: 42");
        assert_eq!(seen["summary"], "secret detail");
    }
}
