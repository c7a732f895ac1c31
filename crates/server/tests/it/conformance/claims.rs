//! Checks 1 to 5: who gets a run, and what is in it.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, input, shared_key, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use stoa_seal::PrivateKey;

const PKCS8_2048: &str = include_str!("../../../../seal/tests/fixtures/pkcs8.key");
const CERTIFICATE_2048: &str = include_str!("../../../../seal/tests/fixtures/certificate-v3.pem");
const PKCS8_4096: &str = include_str!("../fixtures/runner-4096.key");
const CERTIFICATE_4096: &str = include_str!("../fixtures/runner-4096.crt");

/// No null anywhere below `value`, but for what is null in the contract's own example.
fn assert_no_nulls(value: &Value, at: &str) {
    match value {
        Value::Null => panic!("{at} is null"),
        Value::Array(items) => items.iter().for_each(|item| assert_no_nulls(item, at)),
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| assert_no_nulls(member, &format!("{at}.{name}")));
        }
        _ => {}
    }
}

on_both! {
    async fn check_1_fifty_claims_on_ten_runs_hand_out_each_run_once(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        for _ in 0..10 {
            stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        }
        let claims = (0..50).map(|_| stoa.admin.claim_for(SHARED));
        let claimed = futures_util::future::join_all(claims).await;
        let ids: Vec<String> = claimed.into_iter().flatten().map(|run| run.id).collect();
        assert_eq!(ids.len(), 10);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 10, "a run was handed out twice: {ids:?}");
    }

    async fn check_2_a_block_with_an_active_run_offers_no_second_one(stoa) {
        stoa.workspace("shop").await;
        let (_, version) =
            stoa.definition("demo-partner", json!({ "inputs": { "size": input(json!({})) } })).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({ "size": { "value": "s" } })).await;
        let first = stoa.claim().await;
        let mut change = block.clone();
        change["spec"]["inputs"]["size"]["value"] = json!("m");
        let path = format!("/{}", text(&block, "/metadata/uuid"));
        let changed = stoa.admin.put("meshBuildingBlock", &path, &change).await.expect(200);
        let second = text(&changed, "/status/latestRunUuid");
        assert_ne!(second, first.id);

        assert!(stoa.admin.claim_for(SHARED).await.is_none(), "two runs of one block at a time");
        first.end("SUCCEEDED").await;
        assert_eq!(stoa.claim().await.id, second);
    }

    async fn check_3_login_takes_json_with_and_without_charset_and_a_form(stoa) {
        let json =
            json!({ "clientId": stoa.admin.client_id, "clientSecret": stoa.admin.client_secret }).to_string();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            stoa.admin.client_id, stoa.admin.client_secret
        );
        for (content_type, body) in [
            ("application/json", &json),
            ("application/json; charset=utf-8", &json),
            ("application/x-www-form-urlencoded", &form),
        ] {
            let send = |request: reqwest::RequestBuilder| {
                request.header("content-type", content_type).body(body.clone())
            };
            let answer = stoa.nobody().raw(Method::POST, "/api/login", send).await.expect(200);
            assert!(!text(&answer, "/access_token").is_empty());
            assert!(answer["expires_in"].as_i64().unwrap() > 30, "{content_type}: {answer}");
            let caller = stoa.nobody().bearer(&text(&answer, "/access_token"));
            caller.get("meshWorkspace", "").await.expect(200);
        }
    }

    async fn check_4_the_payload_holds_no_nulls_where_runners_cannot_read_them(stoa) {
        stoa.workspace("shop").await;
        let zones = json!({ "type": "MULTI_SELECT", "selectableValues": ["a", "b"], "displayOrder": 0 });
        let inputs = json!({
            "name": input(json!({ "displayOrder": 1 })),
            "zones": input(zones),
            "where": input(json!({ "assignmentType": "WORKSPACE_IDENTIFIER", "displayOrder": 2 })),
        });
        let (definition, version) = stoa.definition("demo-partner", json!({ "inputs": inputs })).await;
        let given = json!({ "name": { "value": "x" }, "zones": { "value": ["b", "a"] } });
        stoa.order(&stoa.admin, &version, "shop", given).await;

        let run = stoa.claim().await.run;
        assert_eq!(run["apiVersion"], "v1");
        assert_eq!(run["kind"], "meshBuildingBlockRun");
        assert_eq!(run["status"], "IN_PROGRESS");
        assert_no_nulls(&run["_links"], "_links");
        for (relation, link) in run["_links"].as_object().unwrap() {
            assert!(link["href"].as_str().unwrap().starts_with(&stoa.url), "{relation}: {link}");
        }
        assert!(run["_links"].get("planArtifact").is_none());
        assert_eq!(run["_links"]["updateSource"]["templated"], true);
        assert!(text(&run, "/_links/updateSource/href").ends_with("/status/source/{sourceId}"));
        assert_eq!(text(&run, "/_links/meshstackBaseUrl/href"), stoa.url);
        let spec = &run["spec"];
        assert_eq!(spec["runNumber"], 1);
        assert_eq!(spec["behavior"], "APPLY");
        assert!(!text(&run, "/spec/runToken").is_empty());
        assert_eq!(spec["trigger"]["reason"], "BUILDING_BLOCK_CREATION");
        let block = &spec["buildingBlock"]["spec"];
        assert_no_nulls(block, "buildingBlock");
        assert_eq!(block["workspaceIdentifier"], "shop");
        assert_eq!(block["parentBuildingBlocks"], json!([]));
        let of = |key, value, io_type| {
            json!({
                "key": key, "value": value, "type": io_type, "isSensitive": false, "isEnvironment": false,
            })
        };
        let expected = json!([
            of("zones", json!(["b", "a"]), "MULTI_SELECT"),
            of("name", json!("x"), "STRING"),
            of("where", json!("shop"), "STRING"),
        ]);
        assert_eq!(block["inputs"], expected);
        assert_eq!(spec["buildingBlockDefinition"]["uuid"], json!(definition));
        assert_no_nulls(&spec["buildingBlockDefinition"], "buildingBlockDefinition");
        let expected = json!({
            "type": "TERRAFORM", "terraformVersion": "1.6.2", "async": false,
            "useMeshHttpBackendFallback": true,
            "repositoryUrl": "https://git.example.org/module.git",
        });
        assert_eq!(spec["buildingBlockDefinition"]["spec"]["implementation"], expected);
    }

    async fn check_5_secrets_open_with_every_size_and_form_of_key(stoa) {
        stoa.workspace("shop").await;
        let small = PrivateKey::from_pem(PKCS8_2048).unwrap();
        let large = PrivateKey::from_pem(PKCS8_4096).unwrap();
        for (private, public) in [
            (&small, CERTIFICATE_2048.to_owned()),
            (&small, small.public_pem()),
            (&large, CERTIFICATE_4096.to_owned()),
            (&large, large.public_pem()),
        ] {
            let runner = json!({
                "metadata": { "ownedByWorkspace": "demo-partner" },
                "spec": { "displayName": "sealed", "publicKey": public, "implementationType": "ALL" },
            });
            let runner = text(&stoa.admin.create("meshBuildingBlockRunner", &runner).await, "/metadata/uuid");
            check_secrets(&stoa, &runner, private).await;
        }
    }

    async fn check_5_the_shared_runners_key_opens_them_too(stoa) {
        stoa.workspace("shop").await;
        check_secrets(&stoa, SHARED, shared_key()).await;
    }
}

/// Orders a block with a secret of each type and opens what the runner gets.
async fn check_secrets(stoa: &Stoa, runner: &str, key: &PrivateKey) {
    let secrets = [
        ("word", "STRING", "pässwörd"),
        ("script", "CODE", "{\"a\": [1, 2]}\n"),
        ("file", "FILE", "data:text/plain;base64,aGVsbG8="),
    ];
    let inputs: Value = secrets
        .iter()
        .map(|(name, io_type, _)| (*name, input(json!({ "type": io_type, "isSensitive": true }))))
        .map(|(name, input)| (name.to_owned(), input))
        .collect();
    let change = json!({ "runnerRef": { "uuid": runner }, "inputs": inputs });
    let (_, version) = stoa.definition("demo-partner", change).await;
    let given: Value = secrets
        .iter()
        .map(|(name, _, plain)| {
            ((*name).to_owned(), json!({ "value": { "plaintext": plain }, "isSensitive": true }))
        })
        .collect();
    stoa.order(&stoa.admin, &version, "shop", given).await;
    let claimed = stoa.admin.claimed_for(runner).await;
    for (name, io_type, plain) in secrets {
        let input = claimed.input(name);
        assert_eq!(input["isSensitive"], true);
        assert_eq!(input["type"], io_type);
        let sealed = text(&input, "/value");
        assert!(!sealed.contains('\n'), "no line breaks");
        assert_eq!(key.open(&sealed).unwrap(), plain, "{name}");
    }
    claimed.end("SUCCEEDED").await;
    // Readers get the same ciphertext, and never the token.
    let read = stoa.admin.get("meshBuildingBlockRun", &format!("/{}", claimed.id)).await.expect(200);
    assert_eq!(read["spec"]["runToken"], "");
    assert_eq!(
        read["spec"]["buildingBlock"]["spec"]["inputs"],
        claimed.run["spec"]["buildingBlock"]["spec"]["inputs"]
    );
}
