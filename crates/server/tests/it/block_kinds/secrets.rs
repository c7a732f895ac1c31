//! §1.3: secrets of blocks, and what a change of runner or key does to them.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, block_body, input, shared_key, text, version_body};
use serde_json::{Value, json};
use stoa_seal::PrivateKey;

const BLOCK: &str = "meshBuildingBlock";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";
const OTHER_KEY: &str = include_str!("../../../../seal/tests/fixtures/pkcs8.key");

fn secret(plain: &str) -> Value {
    json!({ "word": { "value": { "plaintext": plain }, "isSensitive": true } })
}

fn word() -> Value {
    json!({ "inputs": { "word": input(json!({ "isSensitive": true, "updateableByConsumer": false })) } })
}

/// Another runner with a key of its own: its uuid and its private key.
async fn other_runner(stoa: &Stoa) -> (String, PrivateKey) {
    let key = PrivateKey::from_pem(OTHER_KEY).unwrap();
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "other", "publicKey": key.public_pem(), "implementationType": "ALL" },
    });
    (text(&stoa.admin.create("meshBuildingBlockRunner", &body).await, "/metadata/uuid"), key)
}

on_both! {
    async fn a_secret_of_a_block_shows_as_a_hash_and_is_kept_by_it(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", word()).await;
        for (given, why) in [
            (json!({ "word": { "value": { "hash": "hmac-sha256:00" }, "isSensitive": true } }), "plaintext"),
            (json!({ "word": { "value": "bare", "isSensitive": true } }), "sensitive"),
            (json!({ "word": { "value": {}, "isSensitive": true } }), "plaintext"),
            (json!({ "word": { "value": { "plaintext": "  " }, "isSensitive": true } }), "blank"),
            (json!({ "word": { "value": { "plaintext": 7 }, "isSensitive": true } }), "plaintext"),
            (json!({ "word": { "value": { "plaintext": "x" }, "isSensitive": false } }), "isSensitive"),
        ] {
            stoa.admin.post(BLOCK, "", &block_body(&version, "shop", given)).await.refused(400, why);
        }
        let mut block = stoa.order(&stoa.admin, &version, "shop", secret("s3cret")).await;
        let path = format!("/{}", text(&block, "/metadata/uuid"));
        let row = block["spec"]["inputs"]["word"].clone();
        let hash = text(&row, "/value/hash");
        assert_eq!(row["value"], json!({ "hash": hash }));
        assert!(hash.starts_with("hmac-sha256:"));
        let run = stoa.claim().await;
        assert_eq!(shared_key().open(&text(&run.input("word"), "/value")).unwrap(), "s3cret");
        run.end("SUCCEEDED").await;

        // The hash keeps it, and so does the same plaintext again; neither starts a run.
        let kept = stoa.admin.put(BLOCK, &path, &block).await.expect(200);
        assert_eq!(kept["status"]["latestRunUuid"], json!(run.id));
        let same = block_body(&version, "shop", secret("s3cret"));
        let kept = stoa.admin.put(BLOCK, &path, &same).await.expect(200);
        assert_eq!(kept["status"]["latestRunUuid"], json!(run.id));
        let consumer = stoa.key("shop", &["BUILDINGBLOCK_SAVE"]).await;
        consumer.put(BLOCK, &path, &same).await.expect(200);
        consumer.put(BLOCK, &path, &block_body(&version, "shop", secret("other"))).await.refused(403, "word");
        block["spec"]["inputs"]["word"]["value"] = json!({ "hash": "hmac-sha256:00" });
        stoa.admin.put(BLOCK, &path, &block).await.refused(409, "spec.inputs.word.value.hash");
        for wrong in [json!({}), json!({ "hash": null }), json!({ "hash": "" }), json!({ "plaintext": " " })] {
            block["spec"]["inputs"]["word"]["value"] = wrong;
            stoa.admin.put(BLOCK, &path, &block).await.refused(400, "spec.inputs.word.value");
        }

        let rotated =
            stoa.admin.put(BLOCK, &path, &block_body(&version, "shop", secret("other"))).await.expect(200);
        assert_ne!(text(&rotated, "/spec/inputs/word/value/hash"), hash);
        let run = stoa.claim().await;
        assert_eq!(shared_key().open(&text(&run.input("word"), "/value")).unwrap(), "other");
    }

    async fn plaintext_is_in_no_answer_log_or_event(stoa) {
        stoa.workspace("shop").await;
        let mut change = word();
        change["runnerRef"] = json!({ "uuid": SHARED });
        let (_, version) = stoa.definition("demo-partner", change).await;
        let block =
            text(&stoa.order(&stoa.admin, &version, "shop", secret("vErySecret")).await, "/metadata/uuid");
        let run = stoa.claim().await;
        for (kind, rest) in [
            (BLOCK, format!("/{block}")),
            (BLOCK, String::new()),
            ("meshBuildingBlockRun", format!("/{}", run.id)),
            ("meshBuildingBlockRun", format!("/{}/logs", run.id)),
            ("meshEventLog", "?size=1000".to_owned()),
        ] {
            let answer = stoa.admin.get(kind, &rest).await;
            assert_eq!(answer.status, 200, "{kind}{rest}: {}", answer.text);
            assert!(!answer.text.contains("vErySecret"), "{kind}{rest}");
        }
        let sealed = text(&run.input("word"), "/value");
        let log = stoa.admin.get("meshEventLog", "?size=1000").await.text;
        assert!(!log.contains(&sealed), "the ciphertext is nobody's business either");
    }

    async fn a_secret_default_applies_without_showing(stoa) {
        stoa.workspace("shop").await;
        let default = json!({ "isSensitive": true, "defaultValue": { "plaintext": "default" } });
        let (_, version) =
            stoa.definition("demo-partner", json!({ "inputs": { "word": input(default) } })).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        assert_eq!(block["status"]["status"], "PENDING");
        assert!(block["spec"]["inputs"]["word"]["value"]["hash"].is_string());
        let run = stoa.claim().await;
        assert_eq!(shared_key().open(&text(&run.input("word"), "/value")).unwrap(), "default");
    }

    async fn another_runner_needs_the_plaintext_again(stoa) {
        let (other, _) = other_runner(&stoa).await;
        let created = stoa
            .admin
            .create(
                "meshBuildingBlockDefinition",
                &json!({
                    "metadata": { "ownedByWorkspace": "demo-partner" },
                    "spec": { "displayName": "d", "description": "d" },
                }),
            )
            .await;
        let path = format!("/{}", text(&created, "/status/latestVersionUuid"));
        let mut body = version_body("demo-partner", &text(&created, "/metadata/uuid"));
        let fixed =
            json!({ "assignmentType": "STATIC", "isSensitive": true, "argument": { "plaintext": "x" } });
        body["spec"]["inputs"] = json!({ "word": input(fixed) });
        body["spec"]["implementation"]["terraform"]["sshPrivateKey"] = json!({ "plaintext": "pem" });
        let mut kept = stoa.admin.put(VERSION, &path, &body).await.expect(200);
        kept["spec"]["runnerRef"] = json!({ "uuid": other });
        stoa.admin.put(VERSION, &path, &kept).await.refused(400, "plaintext");
        kept["spec"]["implementation"]["terraform"]["sshPrivateKey"] = json!({ "plaintext": "pem" });
        stoa.admin.put(VERSION, &path, &kept).await.refused(400, "spec.inputs.word.argument.hash");
        kept["spec"]["inputs"]["word"]["argument"] = json!({ "plaintext": "x" });
        let changed = stoa.admin.put(VERSION, &path, &kept).await.expect(200);
        // The hash stands for the value, not for who can open it.
        let hash = |version: &Value| text(version, "/spec/inputs/word/argument/hash");
        assert_eq!(hash(&changed), hash(&stoa.admin.get(VERSION, &path).await.expect(200)));
    }

    async fn a_run_whose_secret_nobody_can_open_fails_with_the_reason(stoa) {
        stoa.workspace("shop").await;
        let (runner, _) = other_runner(&stoa).await;
        let mut change = word();
        change["runnerRef"] = json!({ "uuid": runner });
        let (_, version) = stoa.definition("demo-partner", change).await;
        let block = text(&stoa.order(&stoa.admin, &version, "shop", secret("old")).await, "/metadata/uuid");
        // The runner comes with another key.
        let mut body = stoa.admin.get("meshBuildingBlockRunner", &format!("/{runner}")).await.expect(200);
        body["spec"]["publicKey"] = json!(shared_key().public_pem());
        stoa.admin.put("meshBuildingBlockRunner", &format!("/{runner}"), &body).await.expect(200);
        let (_, plain) = stoa.definition("demo-partner", json!({ "runnerRef": { "uuid": runner } })).await;
        let next = text(&stoa.order(&stoa.admin, &plain, "shop", json!({})).await, "/metadata/uuid");
        let handed_out = stoa.admin.claimed_for(&runner).await;
        assert_eq!(handed_out.block(), next, "what cannot be opened is passed over");
        assert!(stoa.admin.claim_for(&runner).await.is_none());
        let failed = stoa.admin.block(&block).await;
        assert_eq!(failed["status"]["status"], "FAILED");
        let logs = stoa.admin.logs(&text(&failed, "/status/latestRunUuid")).await;
        assert!(text(&logs, "/summary").contains("word"), "{logs}");
        // Set again, it is sealed for the new key.
        stoa.admin
            .put(BLOCK, &format!("/{block}"), &block_body(&version, "shop", secret("old")))
            .await
            .expect(200);
        let run = stoa.admin.claimed_for(&runner).await;
        assert_eq!(shared_key().open(&text(&run.input("word"), "/value")).unwrap(), "old");
    }

    async fn the_runner_of_an_integration_keeps_the_secrets_of_its_versions(stoa) {
        stoa.workspace("shop").await;
        let (runner, key) = other_runner(&stoa).await;
        let integration = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "lab", "config": { "type": "gitlab", "gitlab": {
                "baseUrl": "https://lab.example.org", "runnerRef": { "uuid": runner },
            } } },
        });
        let integration = text(&stoa.admin.create("meshIntegration", &integration).await, "/metadata/uuid");
        let mut change = word();
        change["implementation"] = json!({ "type": "gitlabPipeline", "terraform": null, "gitlabPipeline": {
            "integrationRef": { "uuid": integration }, "projectId": "31", "refName": "main",
            "pipelineTriggerToken": { "plaintext": "glptt-1" },
        } });
        let (_, version) = stoa.definition("demo-partner", change).await;
        stoa.order(&stoa.admin, &version, "shop", secret("for the lab")).await;
        assert!(stoa.admin.claim_for(SHARED).await.is_none(), "the integration's runner executes it");
        let run = stoa.admin.claimed_for(&runner).await;
        assert_eq!(key.open(&text(run.implementation(), "/pipelineTriggerToken")).unwrap(), "glptt-1");
        assert_eq!(key.open(&text(&run.input("word"), "/value")).unwrap(), "for the lab");
    }
}
