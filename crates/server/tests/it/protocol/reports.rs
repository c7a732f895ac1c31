//! §7 and §8: what a report changes, state by state and field by field.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Stoa, text};
use serde_json::{Value, json};

/// Moves a fresh run to a state.
async fn run_in(stoa: &Stoa, state: &str) -> Claimed {
    let (_, version) = stoa.definition("demo-partner", json!({})).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    let run = stoa.claim().await;
    match state {
        "CLAIMED" => {}
        "ABORTED" => assert!(run.aborted_after(&json!({ "status": "ABORTED" })).await),
        other => run.end(other).await,
    }
    run
}

async fn states(stoa: &Stoa, run: &Claimed) -> (String, String) {
    let block = stoa.admin.block(&run.block()).await;
    (stoa.admin.status_of(&run.id).await, text(&block, "/status/status"))
}

on_both! {
    async fn every_state_meets_every_word(stoa) {
        stoa.workspace("shop").await;
        let words = [
            Value::Null,
            json!("IN_PROGRESS"),
            json!("PENDING"),
            json!("SUCCEEDED"),
            json!("FAILED"),
            json!("ABORTED"),
        ];
        for state in ["CLAIMED", "IN_PROGRESS", "PENDING"] {
            for word in &words {
                let run = run_in(&stoa, state).await;
                let aborted = run.aborted_after(&json!({ "status": word })).await;
                let expected = match word.as_str() {
                    None if state == "PENDING" => ("PENDING", "IN_PROGRESS"),
                    None | Some("IN_PROGRESS") => ("IN_PROGRESS", "IN_PROGRESS"),
                    Some("PENDING") => ("PENDING", "IN_PROGRESS"),
                    Some(end) => (end, end),
                };
                let found = states(&stoa, &run).await;
                assert_eq!((found.0.as_str(), found.1.as_str()), expected, "{state} {word}");
                assert_eq!(aborted, word == "ABORTED", "{state} {word}");
            }
        }
        for state in ["SUCCEEDED", "FAILED", "ABORTED"] {
            let run = run_in(&stoa, state).await;
            for word in &words {
                assert_eq!(
                    run.aborted_after(&json!({ "status": word })).await,
                    state == "ABORTED",
                    "{state} {word}"
                );
                let found = states(&stoa, &run).await;
                assert_eq!((found.0.as_str(), found.1.as_str()), (state, state), "{state} {word}");
            }
        }
    }

    async fn a_run_nobody_claimed_takes_no_reports(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let id = text(&block, "/status/latestRunUuid");
        for word in [Value::Null, json!("IN_PROGRESS"), json!("SUCCEEDED"), json!("FAILED")] {
            stoa.admin.report(&id, "r", &json!({ "status": word })).await.refused(409, "claimed");
        }
        stoa.admin.register(&id, &json!({ "source": { "id": "r" } })).await.refused(409, "claimed");
        assert_eq!(stoa.admin.status_of(&id).await, "PENDING");
        let answer = stoa.admin.report(&id, "r", &json!({ "status": "ABORTED" })).await.expect(200);
        assert_eq!(answer, json!({ "runAborted": true }));
        assert_eq!(stoa.admin.status_of(&id).await, "ABORTED");
        assert_eq!(stoa.admin.block(&text(&block, "/metadata/uuid")).await["status"]["status"], "ABORTED");
    }

    async fn steps_change_field_by_field(stoa) {
        stoa.workspace("shop").await;
        let run = run_in(&stoa, "CLAIMED").await;
        let step = || async { stoa.admin.logs(&run.id).await["steps"][0].clone() };
        for (change, field, value) in [
            (json!({ "displayName": "One" }), "displayName", json!("One")),
            (json!({ "status": "IN_PROGRESS" }), "status", json!("IN_PROGRESS")),
            (json!({ "userMessage": "u1" }), "userMessage", json!("u1")),
            (json!({ "systemMessage": "line 1\n" }), "systemMessage", json!("line 1\n")),
            (json!({ "systemMessage": "line 1\nline 2\n" }), "systemMessage", json!("line 1\nline 2\n")),
            (json!({ "systemMessage": "anew" }), "systemMessage", json!("anew")),
            (json!({ "userMessage": "u2" }), "userMessage", json!("u2")),
            (
                json!({ "systemMessage": "grün \u{1b}[31mrot\u{1b}[0m \u{1F331}" }),
                "systemMessage",
                json!("grün \u{1b}[31mrot\u{1b}[0m \u{1F331}"),
            ),
            (json!({ "status": "FAILED" }), "status", json!("FAILED")),
            (json!({ "status": "IN_PROGRESS" }), "status", json!("IN_PROGRESS")),
            (json!({ "status": "ABORTED" }), "status", json!("ABORTED")),
            (json!({ "status": "SUCCEEDED" }), "status", json!("SUCCEEDED")),
        ] {
            let before = if field == "displayName" { Value::Null } else { step().await };
            let mut report = change;
            report["id"] = json!("one");
            run.tell(json!({ "steps": [report] })).await;
            let after = step().await;
            assert_eq!(after[field], value);
            // When a step began and ended is told by its status.
            let may_change =
                |name: &str| name == field || (field == "status" && ["startedOn", "endedOn"].contains(&name));
            for (other, kept) in before.as_object().into_iter().flatten().filter(|(name, _)| !may_change(name)) {
                assert_eq!(&after[other], kept, "{field} changed {other}");
            }
        }
        // Steps that a report leaves out stay as they are, in the order they came.
        run.tell(json!({ "steps": [{ "id": "two", "status": "SUCCEEDED" }] })).await;
        run.tell(json!({ "steps": [{ "id": "three" }, { "id": "one", "userMessage": "u3" }] })).await;
        let logs = stoa.admin.logs(&run.id).await;
        let names: Vec<&str> = logs["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["displayName"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["One", "two", "three"]);
    }

    async fn steps_are_left_as_reported_when_the_run_ends(stoa) {
        stoa.workspace("shop").await;
        for end in ["SUCCEEDED", "FAILED", "ABORTED"] {
            let run = run_in(&stoa, "CLAIMED").await;
            let steps = json!([
                { "id": "a", "status": "IN_PROGRESS" }, { "id": "b" }, { "id": "c", "status": "FAILED" },
            ]);
            run.tell(json!({ "steps": steps })).await;
            run.aborted_after(&json!({ "status": end })).await;
            let logs = stoa.admin.logs(&run.id).await;
            let states: Vec<&Value> =
                logs["steps"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
            assert_eq!(json!(states), json!(["IN_PROGRESS", "PENDING", "FAILED"]), "{end}");
            let warnings = if end == "SUCCEEDED" { json!(["STEP_SUCCESS_MISSING"]) } else { json!([]) };
            assert_eq!(logs["warnings"], warnings, "{end}");
        }
        let run = run_in(&stoa, "SUCCEEDED").await;
        assert_eq!(stoa.admin.logs(&run.id).await["warnings"], json!([]), "a run without steps is no worry");
    }

    async fn long_messages_are_kept_by_their_ends(stoa) {
        stoa.workspace("shop").await;
        let run = run_in(&stoa, "CLAIMED").await;
        let long = format!("HEAD{}TAIL", "ä".repeat(3 << 20));
        let step = json!({ "id": "a", "userMessage": "ü".repeat(40 << 10), "systemMessage": long });
        run.tell(json!({ "steps": [step] })).await;
        let step = stoa.admin.logs(&run.id).await["steps"][0].clone();
        let kept = text(&step, "/systemMessage");
        assert!(kept.len() <= 4 << 20 && kept.len() > 4_000_000, "{} bytes", kept.len());
        assert!(kept.starts_with("HEAD") && kept.ends_with("TAIL") && kept.contains("bytes left out"));
        assert_eq!(text(&step, "/userMessage").len(), 64 << 10);
        // More than enough steps are ignored, not refused.
        let steps: Vec<Value> = (0..1100).map(|n| json!({ "id": format!("s{n}") })).collect();
        run.tell(json!({ "status": "SUCCEEDED", "steps": steps })).await;
        assert_eq!(stoa.admin.logs(&run.id).await["steps"].as_array().unwrap().len(), 1000);
    }

    async fn late_reports_count_for_five_minutes(stoa) {
        stoa.workspace("shop").await;
        let outputs = json!({ "outputs": { "url": { "displayName": "URL", "type": "STRING" } } });
        let (_, version) = stoa.definition("demo-partner", outputs).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        run.tell(json!({ "steps": [{ "id": "slow" }] })).await;
        run.deliver(json!({ "url": "first" })).await;
        let of = |url: &str, message: &str| {
            json!({ "steps": [{
            "id": "slow", "status": "SUCCEEDED", "systemMessage": message,
            "outputs": { "url": { "value": url, "type": "STRING" } },
        }] })
        };
        stoa.advance(std::time::Duration::from_secs(240));
        run.tell(of("second", "in time")).await;
        let admin = stoa.again(&stoa.admin).await;
        let url = |block: Value| text(&block, "/status/outputs/url/value");
        assert_eq!(url(admin.block(&run.block()).await), "second");
        assert_eq!(admin.logs(&run.id).await["steps"][0]["systemMessage"], "in time");
        assert_eq!(admin.logs(&run.id).await["warnings"], json!([]));

        stoa.advance(std::time::Duration::from_secs(120));
        run.runner.report(&run.id, "r", &of("third", "too late")).await.refused(401, "ended");
        let admin = stoa.again(&stoa.admin).await;
        let answer = admin.report(&run.id, "r", &of("third", "too late")).await.expect(200);
        assert_eq!(answer, json!({ "runAborted": false }));
        assert_eq!(admin.logs(&run.id).await["steps"][0]["systemMessage"], "in time");
        assert_eq!(url(admin.block(&run.block()).await), "second");
    }

    async fn late_outputs_are_the_newest_successful_runs_only(stoa) {
        stoa.workspace("shop").await;
        let outputs = json!({ "outputs": { "url": { "displayName": "URL", "type": "STRING" } } });
        let (_, version) = stoa.definition("demo-partner", outputs).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let old = stoa.claim().await;
        old.deliver(json!({ "url": "old" })).await;
        stoa.admin.trigger(&old.block()).await.expect(202);
        let failed = stoa.claim().await;
        failed.end("FAILED").await;
        let of = |url: &str| {
            let url = json!({ "value": url, "type": "STRING" });
            json!({ "steps": [{ "id": "x", "outputs": { "url": url } }] })
        };
        old.tell(of("from the older run")).await;
        failed.tell(of("from the failed run")).await;
        let block = stoa.admin.block(&old.block()).await;
        assert_eq!(block["status"]["outputs"]["url"]["value"], "old");
        assert_eq!(block["status"]["status"], "FAILED");
    }
}
