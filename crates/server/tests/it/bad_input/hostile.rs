//! Requests that are well-formed and mean ill: packed bodies, very long reports, patterns that explode, noise.

use super::refused;
use crate::on_both;
use crate::stoa::{block_body, input, media, path, text};
use reqwest::Method;
use serde_json::{Map, Value, json};
use stoa_chaos::random::Random;

const RUN: &str = "meshBuildingBlockRun";

/// Any JSON at all, mostly at the names that reports have.
fn noise(random: &mut Random, depth: usize) -> Value {
    const NAMES: [&str; 14] = [
        "status",
        "steps",
        "id",
        "displayName",
        "userMessage",
        "systemMessage",
        "outputs",
        "value",
        "type",
        "isSensitive",
        "artifact",
        "changesDetected",
        "summary",
        "source",
    ];
    const TEXTS: [&str; 8] =
        ["", "SUCCEEDED", "IN_PROGRESS", "STRING", "\u{202e}\u{1f511}", "%s%n", "{\"a\":", "AAAA"];
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.next() as i64),
        3 => json!(f64::from_bits(random.next())),
        4 => json!(TEXTS[random.below(TEXTS.len())]),
        5 => (0..random.below(4)).map(|_| noise(random, depth - 1)).collect(),
        _ => {
            let mut members = Map::new();
            for _ in 0..random.below(6) {
                members.insert(NAMES[random.below(NAMES.len())].to_owned(), noise(random, depth - 1));
            }
            Value::Object(members)
        }
    }
}

on_both! {
    async fn packed_bodies_are_refused_unopened(stoa) {
        let (media, list) = (media("meshWorkspace", "v2"), path("meshWorkspace", ""));
        // The beginning of a gzip stream: what it would unpack to is of no interest.
        let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 4096]].concat();
        for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
            let answer = stoa.admin.raw(Method::POST, &list, |request| {
                let request = request.header("accept", &media).header("content-type", &media);
                request.header("content-encoding", encoding).body(bomb.clone())
            });
            let answer = answer.await;
            refused(&answer, 415, encoding);
            assert!(answer.text.contains("Content-Encoding"), "{}", answer.text);
        }
        let plain = json!({ "metadata": { "name": "w" }, "spec": { "displayName": "W" } });
        let answer = stoa.admin.raw(Method::POST, &list, |request| {
            let request = request.header("accept", &media).header("content-type", &media);
            request.header("content-encoding", "identity").body(plain.to_string())
        });
        answer.await.expect(201);
    }

    async fn reports_of_very_many_steps_are_taken_as_far_as_they_go(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        let many: Vec<Value> = (0..100_000).map(|number| json!({ "id": format!("s{number}") })).collect();
        let body = json!({ "source": { "id": "r" }, "steps": many });
        run.runner.register(&run.id, &body).await.expect(200);
        let steps = stoa.admin.logs(&run.id).await["steps"].as_array().unwrap().len();
        assert_eq!(steps, 1000);
        // One step, told of again and again.
        let again = vec![json!({ "id": "s0", "userMessage": "again" }); 100_000];
        run.runner.report(&run.id, "r", &json!({ "steps": again })).await.expect(200);
        run.runner.report(&run.id, "r", &json!({ "status": "SUCCEEDED" })).await.expect(200);
        assert_eq!(stoa.admin.status_of(&run.id).await, "SUCCEEDED");
    }

    async fn noise_in_reports_never_makes_the_server_fail(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.claim().await;
        let mut random = Random::seeded();
        for _ in 0..200 {
            let mut body = noise(&mut random, 4);
            // It goes on for all of them.
            if let Some(status) = body.get_mut("status").filter(|status| status.is_string()) {
                *status = json!("IN_PROGRESS");
            }
            let answer = run.runner.report(&run.id, "r", &body).await;
            assert!([200, 400].contains(&answer.status), "{body}: {} {}", answer.status, answer.text);
            let answer = run.runner.register(&run.id, &body).await;
            assert!([200, 400].contains(&answer.status), "{body}: {} {}", answer.status, answer.text);
        }
        run.runner.report(&run.id, "r", &json!({ "status": "SUCCEEDED" })).await.expect(200);
        assert_eq!(stoa.admin.status_of(&run.id).await, "SUCCEEDED");
        assert_eq!(stoa.admin.get(RUN, &format!("/{}/logs", run.id)).await.status, 200);
    }

    async fn patterns_that_explode_are_refused_or_harmless(stoa) {
        stoa.workspace("shop").await;
        let body = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "Patterns", "description": "For tests" },
        });
        let definition = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
        let uuid = text(&definition, "/metadata/uuid");
        let version = format!("/{}", text(&definition, "/status/latestVersionUuid"));
        let mut body = crate::stoa::version_body("demo-partner", &uuid);
        for pattern in ["(((a{100}){100}){100}){100}", "(\\p{L}{1000}){1000}", "(?=a)b", "(a)\\1"] {
            body["spec"]["inputs"]["word"] = input(json!({ "valueValidationRegex": pattern }));
            stoa.admin
                .put("meshBuildingBlockDefinitionVersion", &version, &body)
                .await
                .refused(400, "valueValidationRegex");
        }
        body["spec"]["state"] = json!("RELEASED");
        body["spec"]["inputs"]["word"] = input(json!({ "valueValidationRegex": "(a|a?)+(a+)+" }));
        stoa.admin.put("meshBuildingBlockDefinitionVersion", &version, &body).await.expect(200);
        let word = format!("{}!", "a".repeat(200_000));
        let inputs = json!({ "word": { "value": word, "isSensitive": false } });
        let ordered = block_body(&version[1..], "shop", inputs);
        stoa.admin.post("meshBuildingBlock", "", &ordered).await.refused(400, "word");
    }
}
