//! §6.5: what a successful run must have delivered.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Stoa, text};
use serde_json::{Value, json};

async fn run_with(stoa: &Stoa, outputs: Value) -> Claimed {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", json!({ "outputs": outputs })).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

fn output(io_type: &str) -> Value {
    json!({ "displayName": "O", "type": io_type })
}

/// One step that brings outputs as reported, and the end of the run.
async fn report(run: &Claimed, outputs: Value) {
    let step = json!({ "id": "output", "status": "SUCCEEDED", "outputs": outputs });
    run.tell(json!({ "status": "SUCCEEDED", "steps": [step] })).await;
}

on_both! {
    async fn values_must_fit_what_was_declared(stoa) {
        stoa.workspace("shop").await;
        for (declared, reported, kept) in [
            ("STRING", json!({ "value": "x", "type": "STRING" }), Some(json!("x"))),
            ("STRING", json!({ "value": "{}", "type": "CODE" }), Some(json!("{}"))),
            (
                "STRING",
                json!({ "value": "data:text/plain;base64,aGk=", "type": "FILE" }),
                Some(json!("data:text/plain;base64,aGk=")),
            ),
            ("STRING", json!({ "value": 7, "type": "INTEGER" }), None),
            ("CODE", json!({ "value": "x", "type": "STRING" }), Some(json!("x"))),
            ("CODE", json!({ "value": { "a": [1] }, "type": "CODE" }), Some(json!("{\"a\":[1]}"))),
            ("CODE", json!({ "value": ["a", "b"], "type": "MULTI_SELECT" }), Some(json!("[\"a\",\"b\"]"))),
            ("INTEGER", json!({ "value": 7, "type": "INTEGER" }), Some(json!(7))),
            ("INTEGER", json!({ "value": 7.5, "type": "INTEGER" }), None),
            ("INTEGER", json!({ "value": "7", "type": "STRING" }), None),
            ("BOOLEAN", json!({ "value": true, "type": "BOOLEAN" }), Some(json!(true))),
            ("BOOLEAN", json!({ "value": "true", "type": "STRING" }), None),
            (
                "STRING",
                json!({ "value": "secret", "type": "STRING", "isSensitive": true }),
                Some(Value::Null),
            ),
            (
                "INTEGER",
                json!({ "value": "cipher", "type": "STRING", "isSensitive": true }),
                Some(Value::Null),
            ),
            ("STRING", json!({ "value": null, "type": "STRING" }), None),
        ] {
            let (_, version) =
                stoa.definition("demo-partner", json!({ "outputs": { "o": output(declared) } })).await;
            stoa.order(&stoa.admin, &version, "shop", json!({})).await;
            let run = stoa.claim().await;
            report(&run, json!({ "o": reported })).await;
            let block = stoa.admin.block(&run.block()).await;
            let Some(kept) = kept else {
                assert_eq!(block["status"]["status"], "FAILED", "{declared} {reported}");
                let logs = stoa.admin.logs(&run.id).await;
                assert!(text(&logs, "/summary").contains('o'), "{logs}");
                continue;
            };
            assert_eq!(block["status"]["status"], "SUCCEEDED", "{declared} {reported}");
            let expected = json!({ "value": kept, "valueType": declared, "assignmentType": "NONE" });
            assert_eq!(block["status"]["outputs"]["o"], expected, "{declared} {reported}");
            assert!(
                !stoa
                    .admin
                    .get("meshBuildingBlockRun", &format!("/{}/logs", run.id))
                    .await
                    .text
                    .contains("cipher")
            );
        }
    }

    async fn outputs_are_the_union_over_steps_and_sources(stoa) {
        let declared = json!({ "a": output("STRING"), "b": output("STRING"), "c": output("STRING") });
        let run = run_with(&stoa, declared).await;
        let value = |value: &str| json!({ "value": value, "type": "STRING" });
        run.tell(json!({ "steps": [{ "id": "one", "outputs": { "a": value("1"), "b": value("1") } }] }))
            .await;
        assert_eq!(
            stoa.admin.block(&run.block()).await["status"]["outputs"],
            json!({}),
            "nothing before the end"
        );
        let body = json!({ "steps": [{ "id": "two", "outputs": { "b": value("2"), "other": value("x") } }] });
        run.runner.report(&run.id, "github", &body).await.expect(200);
        run.tell(json!({ "steps": [{ "id": "three", "outputs": { "c": value("3") } }] })).await;
        run.end("SUCCEEDED").await;
        let outputs = &stoa.admin.block(&run.block()).await["status"]["outputs"];
        let values: Value =
            outputs.as_object().unwrap().iter().map(|(k, o)| (k.clone(), o["value"].clone())).collect();
        assert_eq!(values, json!({ "a": "1", "b": "2", "c": "3" }), "the last word wins, undeclared ones go");
    }

    async fn a_failed_run_keeps_what_was_there(stoa) {
        let run = run_with(&stoa, json!({ "a": output("STRING") })).await;
        run.deliver(json!({ "a": "1" })).await;
        for end in ["FAILED", "ABORTED"] {
            stoa.admin.trigger(&run.block()).await.expect(202);
            let next = stoa.claim().await;
            let step = json!({ "id": "x", "outputs": { "a": { "value": "2", "type": "STRING" } } });
            next.aborted_after(&json!({ "status": end, "steps": [step] })).await;
            let block = stoa.admin.block(&run.block()).await;
            assert_eq!(block["status"]["status"], end);
            assert_eq!(block["status"]["outputs"]["a"]["value"], "1", "{end}");
        }
    }

    async fn too_many_bytes_fail_the_run_and_not_the_report(stoa) {
        let run = run_with(&stoa, json!({ "a": output("STRING"), "b": output("STRING") })).await;
        let half = "x".repeat((8 << 20) + 1);
        let value = json!({ "value": half, "type": "STRING" });
        report(&run, json!({ "a": value, "b": value })).await;
        assert_eq!(stoa.admin.status_of(&run.id).await, "FAILED");
        assert!(text(&stoa.admin.logs(&run.id).await, "/summary").contains("16777216"));
    }

    async fn every_use_of_an_output_shows(stoa) {
        let uses = ["NONE", "SIGN_IN_URL", "RESOURCE_URL", "SUMMARY"];
        let declared: Value = uses
            .iter()
            .map(|u| ((*u).to_owned(), json!({ "displayName": "O", "type": "STRING", "assignmentType": u })))
            .collect();
        let run = run_with(&stoa, declared).await;
        run.deliver(uses.iter().map(|u| ((*u).to_owned(), json!("v"))).collect()).await;
        let outputs = &stoa.admin.block(&run.block()).await["status"]["outputs"];
        for u in uses {
            assert_eq!(outputs[u], json!({ "value": "v", "valueType": "STRING", "assignmentType": u }));
        }
    }
}
