//! What fuzzing begins with, over HTTP: whatever it is, it is taken or refused. The targets lie in `fuzz/`; this is
//! what needs none of them.

use crate::on_both;
use crate::stoa::{Stoa, media, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

/// The seeds of a target by name, with ids in their places.
fn seeds(target: &str, ids: [(&str, &str); 4]) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let seed = std::fs::read_to_string(&path).unwrap();
            let placed = ids.iter().fold(seed, |seed, (place, id)| seed.replace(place, id));
            (path.file_name().unwrap().to_string_lossy().into_owned(), placed)
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no seeds for {target}");
    found
}

/// Sends it as JSON of this type; nothing may fail over it.
async fn survives(
    stoa: &Stoa,
    method: Method,
    path: &str,
    media: &str,
    (name, seed): &(String, String),
) -> u16 {
    let answer = stoa.admin.raw(method.clone(), path, |request| {
        request.header("accept", media).header("content-type", media).body(seed.clone())
    });
    let answer = answer.await;
    assert!(answer.status < 500, "{name}, {method} {path}: {} {}", answer.status, answer.text);
    answer.status
}

on_both! {
    async fn every_seed_is_taken_or_refused(stoa) {
        stoa.workspace("shop").await;
        let body = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "Database", "description": "For seeds" },
        });
        let made = stoa.admin.create("meshBuildingBlockDefinition", &body).await;
        let (definition, version) = (text(&made, "/metadata/uuid"), text(&made, "/status/latestVersionUuid"));
        let ids = |block: &'static str, run: &'static str| {
            [("@definition@", definition.as_str()), ("@version@", version.as_str()), ("@block@", block), ("@run@", run)]
        };
        let of = |name: &str, seeds: &[(String, String)]| -> Value {
            let (_, seed) = seeds.iter().find(|(known, _)| known == name).unwrap();
            serde_json::from_str(seed).unwrap()
        };
        let bodies = seeds("bodies", ids("", ""));
        let path = format!("/{version}");
        stoa.admin.put("meshBuildingBlockDefinitionVersion", &path, &of("version.json", &bodies)).await.expect(200);
        let block = stoa.admin.create("meshBuildingBlock", &of("block.json", &bodies)).await;
        let run = stoa.claim().await;
        let block = text(&block, "/metadata/uuid");

        let mut taken = 0;
        for seed in &bodies {
            let said: Value = serde_json::from_str(&seed.1).unwrap();
            let kind = text(&said, "/kind");
            let media = media(&kind, &text(&said, "/apiVersion"));
            let path = crate::stoa::path(&kind, "");
            taken += usize::from(survives(&stoa, Method::POST, &path, &media, seed).await == 201);
        }
        assert!(taken > 5, "only {taken} seeds are bodies that are taken");
        let own = format!("/api/meshobjects/meshbuildingblockruns/{}", run.id);
        let of_runs = media("meshBuildingBlockRun", "v1");
        for seed in &seeds("reports", ids("", "")) {
            survives(&stoa, Method::PATCH, &format!("{own}/status/source/r"), &of_runs, seed).await;
            survives(&stoa, Method::POST, &format!("{own}/status/source"), &of_runs, seed).await;
        }
        let state = format!("/api/terraform/state/workspace/shop/buildingBlock/{block}");
        for seed in &seeds("states", ids("", "")) {
            for method in ["POST", "LOCK", "UNLOCK"] {
                survives(&stoa, method.parse().unwrap(), &state, "application/json", seed).await;
            }
        }
    }
}
