//! §3.3 and §9.2: every run ends, whatever its runner does.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{SHARED, Stoa, text};
use serde_json::json;
use std::time::Duration;

const RUN: &str = "meshBuildingBlockRun";
const MINUTE: Duration = Duration::from_secs(60);

/// A claimed run, and the block of another that waits: what is due earlier is looked at earlier, so the other
/// tells when nothing else will happen by itself.
async fn claimed(stoa: &Stoa) -> (Claimed, String) {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", json!({})).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    let run = stoa.claim().await;
    let other = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    (run, text(&other, "/metadata/uuid"))
}

/// Moves the clock and makes sure that the run has not been offered again by then.
async fn still_held_after(stoa: &Stoa, other: &str, span: Duration) {
    stoa.advance(span - 11 * MINUTE);
    let marker = stoa.again(&stoa.admin).await.claimed_for(SHARED).await;
    assert_eq!(marker.block(), other, "the run was offered too early");
    stoa.advance(11 * MINUTE);
    let admin = stoa.again(&stoa.admin).await;
    admin.until(RUN, &marker.id, |found| found["status"] == "PENDING").await;
    assert_eq!(admin.claimed_for(SHARED).await.id, marker.id, "the run was offered too early");
    stoa.advance(11 * MINUTE);
    let admin = stoa.again(&stoa.admin).await;
    admin.until(RUN, &marker.id, |found| found["status"] == "PENDING").await;
}

/// Moves the clock until the run is offered again, and claims it.
async fn offered_after(stoa: &Stoa, run: &Claimed, span: Duration) -> Claimed {
    stoa.advance(span);
    let admin = stoa.again(&stoa.admin).await;
    // A run that waits for a pipeline reads PENDING, too; its block does not.
    admin.until("meshBuildingBlock", &run.block(), |found| found["status"]["status"] == "PENDING").await;
    let again = admin.claimed_for(SHARED).await;
    assert_eq!(again.id, run.id, "the same run is offered again");
    again
}

on_both! {
    async fn a_claim_that_is_never_followed_up_is_offered_again_after_ten_minutes(stoa) {
        let (run, _) = claimed(&stoa).await;
        let again = offered_after(&stoa, &run, 11 * MINUTE).await;
        let admin = stoa.again(&stoa.admin).await;
        let logs = admin.logs(&run.id).await;
        assert_eq!(logs["warnings"], json!(["RUN_OFFERED_AGAIN"]));
        assert!(text(&logs, "/summary").contains("offered again"));
        again.end("SUCCEEDED").await;
        assert_eq!(admin.block(&run.block()).await["status"]["status"], "SUCCEEDED");
    }

    async fn ten_minutes_are_ten_minutes(stoa) {
        let (first, _) = claimed(&stoa).await;
        stoa.advance(2 * MINUTE);
        let second = stoa.again(&stoa.admin).await.claimed_for(SHARED).await;
        stoa.advance(9 * MINUTE);
        let admin = stoa.again(&stoa.admin).await;
        admin.until(RUN, &first.id, |found| found["status"] == "PENDING").await;
        assert_eq!(admin.status_of(&second.id).await, "IN_PROGRESS", "nine minutes are not ten");
    }

    async fn a_registration_or_report_keeps_a_claim_for_three_hours(stoa) {
        let (run, other) = claimed(&stoa).await;
        run.runner.register(&run.id, &json!({ "source": { "id": "r" }, "steps": [] })).await.expect(200);
        still_held_after(&stoa, &other, 150 * MINUTE).await;
        run.tell(json!({})).await; // any report is a sign of life
        still_held_after(&stoa, &other, 150 * MINUTE).await;
        run.tell(json!({ "steps": [{ "id": "a" }] })).await;
        still_held_after(&stoa, &other, 150 * MINUTE).await;
        offered_after(&stoa, &run, 20 * MINUTE).await;
    }

    async fn an_external_pipeline_has_three_hours_as_well(stoa) {
        let (run, other) = claimed(&stoa).await;
        run.tell(json!({ "status": "PENDING" })).await;
        still_held_after(&stoa, &other, 150 * MINUTE).await;
        run.tell(json!({ "status": "PENDING" })).await;
        offered_after(&stoa, &run, 185 * MINUTE).await;
    }

    async fn it_goes_on_until_somebody_finishes(stoa) {
        let (mut run, _) = claimed(&stoa).await;
        for _ in 0..3 {
            run = offered_after(&stoa, &run, 11 * MINUTE).await;
            assert_eq!(run.run["spec"]["runNumber"], 1);
        }
        let admin = stoa.again(&stoa.admin).await;
        assert_eq!(admin.runs(&run.block()).await.len(), 1);
        run.end("FAILED").await;
        assert_eq!(admin.status_of(&run.id).await, "FAILED");
    }

    async fn a_run_in_the_queue_may_be_finished_by_whoever_had_it(stoa) {
        let (run, other) = claimed(&stoa).await;
        stoa.advance(11 * MINUTE);
        let admin = stoa.again(&stoa.admin).await;
        admin.until(RUN, &run.id, |found| found["status"] == "PENDING").await;
        let status = admin.block(&run.block()).await["status"].clone();
        assert_eq!(status["status"], "PENDING");
        assert_eq!(status["waiting"]["reason"], "RUN_OFFERED_AGAIN");
        // The runner was only slow: with its report the run leaves the queue again.
        run.tell(json!({ "status": "IN_PROGRESS" })).await;
        assert_eq!(admin.claimed_for(SHARED).await.block(), other);
        assert_eq!(admin.block(&run.block()).await["status"]["status"], "IN_PROGRESS");
        run.end("SUCCEEDED").await;
        assert_eq!(admin.block(&run.block()).await["status"]["status"], "SUCCEEDED");
    }

    async fn a_run_in_the_queue_may_end_there(stoa) {
        let (run, other) = claimed(&stoa).await;
        stoa.advance(11 * MINUTE);
        let admin = stoa.again(&stoa.admin).await;
        admin.until(RUN, &run.id, |found| found["status"] == "PENDING").await;
        run.end("FAILED").await;
        assert_eq!(admin.status_of(&run.id).await, "FAILED");
        assert_eq!(admin.claimed_for(SHARED).await.block(), other);
    }

    async fn a_token_ends_after_a_day(stoa) {
        let (run, _) = claimed(&stoa).await;
        for _ in 0..9 {
            stoa.advance(150 * MINUTE);
            run.tell(json!({ "status": "IN_PROGRESS" })).await;
        }
        stoa.advance(100 * MINUTE);
        run.runner.report(&run.id, "r", &json!({ "status": "SUCCEEDED" })).await.refused(401, "");
        // Whoever may wait longer reports with a key.
        let admin = stoa.again(&stoa.admin).await;
        admin.report(&run.id, "r", &json!({ "status": "SUCCEEDED" })).await.expect(200);
        assert_eq!(admin.status_of(&run.id).await, "SUCCEEDED");
    }
}
