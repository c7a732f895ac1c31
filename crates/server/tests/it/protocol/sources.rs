//! §2.3, §6 and the concurrency of §7.4: several sources of one run, and who may be one.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Stoa, shared_key, text};
use serde_json::{Value, json};

async fn claimed(stoa: &Stoa) -> Claimed {
    let (_, version) = stoa.definition("demo-partner", json!({})).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

on_both! {
    async fn sources_keep_their_steps_apart_and_their_order(stoa) {
        stoa.workspace("shop").await;
        let run = claimed(&stoa).await;
        let source = |id: &str, steps: Value| json!({ "source": { "id": id }, "steps": steps });
        let steps = json!([{ "id": "a", "displayName": "A of r" }, { "id": "b", "displayName": "B of r" }]);
        run.runner.register(&run.id, &source("r", steps)).await.expect(200);
        let steps = json!([{ "id": "a", "displayName": "A of github" }]);
        run.runner.register(&run.id, &source("github", steps)).await.expect(200);
        let report = json!({ "steps": [{ "id": "a", "status": "SUCCEEDED" }] });
        run.runner.report(&run.id, "github", &report).await.expect(200);
        run.tell(json!({ "steps": [{ "id": "c", "displayName": "C of r" }] })).await;
        let logs = stoa.admin.logs(&run.id).await;
        let seen: Vec<(&Value, &Value, &Value)> = logs["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| (&step["source"], &step["displayName"], &step["status"]))
            .collect();
        assert_eq!(
            json!(seen),
            json!([
                ["r", "A of r", "PENDING"],
                ["r", "B of r", "PENDING"],
                ["r", "C of r", "PENDING"],
                ["github", "A of github", "SUCCEEDED"],
            ])
        );
        // Ids of sources may need encoding in the path.
        run.runner.report(&run.id, "my%20pipeline", &report).await.expect(200);
        let sources = stoa.admin.logs(&run.id).await["sources"].clone();
        let ids: Vec<&Value> = sources.as_array().unwrap().iter().map(|source| &source["id"]).collect();
        assert_eq!(json!(ids), json!(["r", "github", "my pipeline"]));
    }

    async fn the_first_final_word_wins(stoa) {
        stoa.workspace("shop").await;
        for (first, second) in [("SUCCEEDED", "FAILED"), ("FAILED", "SUCCEEDED")] {
            let run = claimed(&stoa).await;
            run.runner.report(&run.id, "github", &json!({ "status": first })).await.expect(200);
            run.end(second).await;
            assert_eq!(stoa.admin.status_of(&run.id).await, first);
        }
    }

    async fn nobody_registers_at_a_run_that_is_over(stoa) {
        stoa.workspace("shop").await;
        let run = claimed(&stoa).await;
        stoa.admin.act("meshBuildingBlockRun", &format!("/{}/abort", run.id)).await.expect(202);
        let registration = json!({ "source": { "id": "r" }, "steps": [] });
        run.runner.register(&run.id, &registration).await.expect(200); // asked to stop, not over
        assert!(run.aborted_after(&json!({})).await);
        run.runner.register(&run.id, &registration).await.refused(410, "ABORTED");
    }

    async fn reports_at_once_are_all_taken(stoa) {
        stoa.workspace("shop").await;
        let run = claimed(&stoa).await;
        let reports: Vec<Value> = (0..24)
            .map(|n| {
                json!({ "status": "IN_PROGRESS", "steps": [{
                "id": format!("s{n}"), "status": "SUCCEEDED", "systemMessage": "x".repeat(n + 1),
                "outputs": { format!("o{n}"): { "value": "v", "type": "STRING" } },
            }] })
            })
            .collect();
        let sources = ["r", "github", "third"];
        let sent =
            reports.iter().enumerate().map(|(n, report)| run.runner.report(&run.id, sources[n % 3], report));
        for answer in futures_util::future::join_all(sent).await {
            assert_eq!(answer.expect(200), json!({ "runAborted": false }));
        }
        let ends = ["SUCCEEDED", "FAILED", "SUCCEEDED", "FAILED"].map(|end| json!({ "status": end }));
        let sent = ends.iter().map(|end| run.runner.report(&run.id, "r", end));
        for answer in futures_util::future::join_all(sent).await {
            answer.expect(200);
        }
        let logs = stoa.admin.logs(&run.id).await;
        let steps = logs["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 24);
        for step in steps {
            let n: usize = text(step, "/id")[1..].parse().unwrap();
            assert_eq!(text(step, "/systemMessage").len(), n + 1);
        }
    }

    async fn only_those_with_a_part_in_a_run_report_about_it(stoa) {
        for name in ["shop", "data", "press"] {
            stoa.workspace(name).await;
        }
        let runner = json!({
            "metadata": { "ownedByWorkspace": "data" },
            "spec": {
                "displayName": "r", "publicKey": shared_key().public_pem(),
                "implementationType": "ALL", "restriction": "PUBLIC",
            },
        });
        let runner = text(&stoa.admin.create("meshBuildingBlockRunner", &runner).await, "/metadata/uuid");
        let (_, version) = stoa.definition("demo-partner", json!({ "runnerRef": { "uuid": runner } })).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let code = "MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE";
        let executor = stoa.key("data", &["MANAGED_BUILDINGBLOCKRUN_SAVE", code]).await;
        let run = executor.claimed_for(&runner).await;
        let body = json!({ "steps": [{ "id": "a" }] });
        let registration = json!({ "source": { "id": "r" }, "steps": [] });
        let owner = stoa.key("demo-partner", &[code]).await;
        for reporter in [&executor, &owner, &stoa.admin, &run.runner] {
            reporter.register(&run.id, &registration).await.expect(200);
            reporter.report(&run.id, "r", &body).await.expect(200);
        }
        let (_, other) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &other, "shop", json!({})).await;
        let elsewhere = stoa.claim().await;
        for (stranger, status) in [
            (stoa.key("shop", &[code, "BUILDINGBLOCK_SAVE"]).await, 403),
            (stoa.key("press", &[code]).await, 403),
            (stoa.key("demo-partner", &["MANAGED_BUILDINGBLOCKRUN_SAVE"]).await, 403),
            (elsewhere.runner.clone(), 403),
            (stoa.nobody(), 401),
            (stoa.nobody().bearer("nonsense"), 401),
            (stoa.nobody().basic("x", "nonsense"), 401),
        ] {
            stranger.register(&run.id, &registration).await.refused(status, "");
            stranger.report(&run.id, "r", &body).await.refused(status, "");
        }
    }
}
