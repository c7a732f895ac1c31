//! Checks 16 to 22: states, runners, media types, plans, timing and transport.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Caller, SHARED, Stoa, input, media, shared_key, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

async fn ordered(stoa: &Stoa) -> String {
    stoa.workspace("shop").await;
    let (_, version) = stoa.definition("demo-partner", json!({})).await;
    text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid")
}

async fn claimed(stoa: &Stoa) -> Claimed {
    ordered(stoa).await;
    stoa.claim().await
}

fn state_path(workspace: &str, literal: &str, block: &str) -> String {
    format!("/api/terraform/state/workspace/{workspace}/{literal}/{block}")
}

/// The content of a saved plan, the same for the same length.
fn plan(length: usize) -> Vec<u8> {
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33).to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Starts a dry run and claims it.
async fn dry_run(stoa: &Stoa, block: &str) -> Claimed {
    stoa.admin
        .post("meshBuildingBlock", &format!("/{block}/trigger-run"), &json!({ "dryRun": true }))
        .await
        .expect(202);
    stoa.claim().await
}

on_both! {
    async fn check_16_a_state_follows_its_runs_token(stoa) {
        let run = claimed(&stoa).await;
        stoa.workspace("other").await;
        let runner = stoa.nobody().basic("x", &text(&run.run, "/spec/runToken"));
        let block = run.block();
        let path = state_path("shop", "buildingBlock", &block);
        runner.raw(Method::GET, &path, |r| r).await.expect(204);
        let state = json!({ "version": 4, "serial": 1, "lineage": "l", "resources": [] }).to_string();
        let post = |path: String| {
            let (runner, state) = (runner.clone(), state.clone());
            async move {
                runner
                    .raw(Method::POST, &path, |r| r.header("content-type", "application/json").body(state))
                    .await
            }
        };
        post(path.clone()).await.expect(200);
        for literal in ["buildingBlock", "buildingblock"] {
            let found = runner.raw(Method::GET, &state_path("shop", literal, &block), |r| r).await;
            assert_eq!(found.status, 200);
            assert_eq!(found.text, state, "{literal}");
        }
        let wrong = state_path("other", "buildingBlock", &block);
        runner.raw(Method::GET, &wrong, |r| r).await.refused(403, "");
        post(wrong).await.refused(403, "");
        stoa.nobody().raw(Method::GET, &path, |r| r).await.refused(401, "");
        run.end("SUCCEEDED").await;
        runner.raw(Method::GET, &path, |r| r).await.refused(401, "ended");
        post(path.clone()).await.refused(401, "ended");
        runner.raw(Method::DELETE, &path, |r| r).await.refused(401, "ended");
    }

    async fn check_17_a_runner_that_sends_no_restriction_stays_public(stoa) {
        let mut runner = json!({
            "apiVersion": "v1-preview", "kind": "meshBuildingBlockRunner",
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": {
                "displayName": "cluster", "publicKey": shared_key().public_pem(),
                "implementationType": "ALL", "restriction": "PUBLIC",
            },
        });
        let created = stoa.admin.create("meshBuildingBlockRunner", &runner).await;
        let uuid = text(&created, "/metadata/uuid");
        runner["metadata"]["uuid"] = json!(uuid);
        runner["spec"].as_object_mut().unwrap().remove("restriction");
        runner["spec"]["displayName"] = json!("cluster 2");
        // As run-controller signs in: with the rights of the owner only.
        let own = stoa.key("demo-partner", &["BUILDINGBLOCKRUNNER_SAVE"]).await;
        let kept = own.put("meshBuildingBlockRunner", &format!("/{uuid}"), &runner).await.expect(200);
        assert_eq!(kept["spec"]["restriction"], "PUBLIC");
        assert_eq!(kept["spec"]["displayName"], "cluster 2");
    }

    async fn check_18_media_types_come_in_any_case(stoa) {
        let run = claimed(&stoa).await;
        let lower = media("meshBuildingBlockRun", "v1");
        let camel = lower.replace("meshbuildingblockrun", "meshBuildingBlockRun");
        for sent in [lower.clone(), camel.clone(), format!("{camel}; charset=utf-8"), lower.to_uppercase()] {
            let answer = run
                .runner
                .raw(
                    Method::PATCH,
                    &format!("/api/meshobjects/meshbuildingblockruns/{}/status/source/r", run.id),
                    |r| {
                        r.header("accept", &sent)
                            .header("content-type", &sent)
                            .body(r#"{"status":"IN_PROGRESS"}"#)
                    },
                )
                .await;
            assert_eq!(answer.headers["content-type"], lower.as_str(), "{sent}");
            answer.expect(200);
        }
    }

    async fn check_19_a_saved_plan_comes_back_byte_for_byte(stoa) {
        let block = ordered(&stoa).await;
        stoa.claim().await.end("SUCCEEDED").await;
        let run = dry_run(&stoa, &block).await;
        assert_eq!(run.run["spec"]["behavior"], "DETECT");
        let content = plan(12 << 20);
        run.tell(
            json!({ "status": "SUCCEEDED", "artifact": STANDARD.encode(&content), "changesDetected": true }),
        )
        .await;
        stoa.admin.act("meshBuildingBlock", &format!("/{block}/approve-run")).await.expect(202);
        let apply = stoa.claim().await;
        assert_eq!(apply.run["spec"]["behavior"], "APPLY");
        assert_eq!(apply.run["spec"]["trigger"]["reason"], "PREFLIGHT_SUCCEEDED");
        let link = text(&apply.run, "/_links/planArtifact/href");
        assert!(link.contains(&apply.id), "the link may name the APPLY run: {link}");
        let got = reqwest::Client::new()
            .get(link)
            .header("authorization", apply.runner.authorization.clone().unwrap())
            .header("accept", "application/octet-stream")
            .send()
            .await
            .unwrap();
        assert_eq!(got.status(), 200);
        assert_eq!(got.headers()["content-type"], "application/octet-stream");
        assert!(got.bytes().await.unwrap() == content, "other bytes came back");
    }

    async fn check_19_a_report_over_192_mebibytes_is_refused(stoa) {
        let run = claimed(&stoa).await;
        // The length is enough to say no: nobody has to send so much.
        let host = stoa.url.trim_start_matches("http://").to_owned();
        let path = format!("/api/meshobjects/meshbuildingblockruns/{}/status/source/r", run.id);
        let media = media("meshBuildingBlockRun", "v1");
        let head = |length: u64| {
            format!(
                "PATCH {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {}\r\naccept: {media}\r\n\
                 content-type: {media}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{{",
                run.runner.authorization.clone().unwrap(),
            )
        };
        let answer = stoa.exchange(&head((192 << 20) + 1)).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.contains("PayloadTooLarge"), "{answer}");
        assert_eq!(stoa.admin.status_of(&run.id).await, "IN_PROGRESS");
    }

    async fn check_20_nothing_redirects_and_everything_answers_in_time(stoa) {
        let run = claimed(&stoa).await;
        let api = stoa.admin.raw(Method::GET, "/api/openapi.json", |r| r).await.expect(200);
        let nobody = stoa.nobody();
        let mut asked = 0;
        for (path, operations) in api["paths"].as_object().unwrap() {
            if path.ends_with("/events") {
                continue; // streams stay open
            }
            let filled =
                path.replace("{uuid}", &run.id).replace("{workspace}", "shop").replace("{sourceId}", "r");
            for method in operations.as_object().unwrap().keys() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
                for caller in [&nobody, &run.runner, &stoa.admin] {
                    for path in [filled.clone(), format!("{filled}/")] {
                        quick_and_direct(caller, method.clone(), &path).await;
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 200, "only {asked} requests");
    }

    async fn check_21_a_run_that_is_silent_for_three_hours_is_offered_again(stoa) {
        let run = claimed(&stoa).await;
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        run.tell(json!({ "status": "IN_PROGRESS" })).await;
        stoa.advance(3 * HOUR - Duration::from_secs(60));
        let admin = stoa.again(&stoa.admin).await;
        assert!(admin.claim_for(SHARED).await.is_none(), "three hours are not over");
        stoa.advance(Duration::from_secs(120));
        admin.until("meshBuildingBlockRun", &run.id, |found| found["status"] == "PENDING").await;
        let block = admin.block(&run.block()).await;
        assert_eq!(block["status"]["status"], "PENDING");
        assert_eq!(block["status"]["waiting"]["reason"], "RUN_OFFERED_AGAIN");
        let again = admin.claimed_for(SHARED).await;
        assert_eq!(again.id, run.id, "the same run is offered again");
        assert_ne!(again.runner.authorization, run.runner.authorization, "with a token of its own");
        for reader in [&admin, &stoa.again(&consumer).await] {
            assert_eq!(reader.logs(&run.id).await["warnings"], json!(["RUN_OFFERED_AGAIN"]));
        }
    }

    async fn check_21_a_silent_run_gives_way_to_a_newer_one(stoa) {
        stoa.workspace("shop").await;
        let (_, version) =
            stoa.definition("demo-partner", json!({ "inputs": { "size": input(json!({})) } })).await;
        let mut block = stoa.order(&stoa.admin, &version, "shop", json!({ "size": { "value": "s" } })).await;
        let path = format!("/{}", text(&block, "/metadata/uuid"));
        let silent = stoa.claim().await;
        silent.tell(json!({ "status": "IN_PROGRESS" })).await;
        block["spec"]["inputs"]["size"]["value"] = json!("m");
        let changed = stoa.admin.put("meshBuildingBlock", &path, &block).await.expect(200);
        stoa.advance(3 * HOUR + Duration::from_secs(60));
        let admin = stoa.again(&stoa.admin).await;
        admin.until("meshBuildingBlockRun", &silent.id, |found| found["status"] == "FAILED").await;
        assert_eq!(admin.claimed_for(SHARED).await.id, text(&changed, "/status/latestRunUuid"));
        assert!(silent.aborted_after(&json!({ "status": "SUCCEEDED" })).await, "closed by timeout");
        assert_eq!(admin.status_of(&silent.id).await, "FAILED");
    }

    async fn check_22_an_answer_has_one_framing(stoa) {
        ordered(&stoa).await;
        let host = stoa.url.trim_start_matches("http://").to_owned();
        let media = media("meshBuildingBlockRun", "v1");
        let request = format!(
            "POST /api/meshobjects/meshbuildingblockruns/create?forRunnerUuid={SHARED} HTTP/1.1\r\nhost: {host}\r\n\
             authorization: {}\r\naccept: {media}\r\ncontent-type: {media}\r\ncontent-length: 0\r\n\
             connection: close\r\n\r\n",
            stoa.admin.authorization.clone().unwrap(),
        );
        for expected in ["HTTP/1.1 201", "HTTP/1.1 404"] {
            let answer = stoa.exchange(&request).await;
            assert!(answer.starts_with(expected), "{answer}");
            let (head, _) = answer.split_once("\r\n\r\n").unwrap();
            let count =
                |name: &str| head.lines().filter(|line| line.to_ascii_lowercase().starts_with(name)).count();
            assert_eq!(count("transfer-encoding:") + count("content-length:"), 1, "{head}");
        }
    }
}

async fn quick_and_direct(caller: &Caller, method: Method, path: &str) {
    let started = Instant::now();
    let accept = "application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json";
    let answer = caller.raw(method.clone(), path, |r| r.header("accept", accept)).await;
    assert!(!(300..400).contains(&answer.status), "{method} {path} answers {}", answer.status);
    assert!(answer.status < 500, "{method} {path} answers {}: {}", answer.status, answer.text);
    assert!(started.elapsed() < Duration::from_secs(30), "{method} {path} took {:?}", started.elapsed());
}
