//! §2.4 and §4.4: what the tokens of a run open, and until when.

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Caller, Stoa, shared_key, text};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const RUN: &str = "meshBuildingBlockRun";

/// A claimed run of a definition of `data` in `shop`, with these permissions for its automation.
async fn claimed(stoa: &Stoa, permissions: Value) -> Claimed {
    for name in ["shop", "data"] {
        stoa.workspace(name).await;
    }
    let (_, version) = stoa.definition("data", json!({ "permissions": permissions })).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

/// Whoever holds the run's API token.
fn automation(stoa: &Stoa, run: &Claimed) -> Caller {
    let token = shared_key().open(&text(&run.input("MESHSTACK_API_TOKEN"), "/value")).unwrap();
    stoa.nobody().bearer(&token)
}

fn project(workspace: &str) -> Value {
    json!({
        "metadata": { "name": "web", "ownedByWorkspace": workspace },
        "spec": { "displayName": "Web", "tags": {} },
    })
}

on_both! {
    async fn a_run_token_opens_its_run_and_nothing_else(stoa) {
        let run = claimed(&stoa, json!([])).await;
        let token = text(&run.run, "/spec/runToken");
        assert!(token.bytes().all(|b| b.is_ascii_graphic()), "it must survive as a password");
        run.runner.get(RUN, &format!("/{}", run.id)).await.expect(200);
        run.runner.get(RUN, &format!("/{}/logs", run.id)).await.expect(200);
        run.runner.get(RUN, "").await.refused(403, "");
        run.runner.get("meshBuildingBlock", &format!("/{}", run.block())).await.refused(403, "");
        run.runner.get("meshWorkspace", "/shop").await.refused(403, "");
        run.runner.post("meshProject", "", &project("shop")).await.refused(403, "");
        let claim = format!("/create?forRunnerUuid={}", crate::stoa::SHARED);
        run.runner.act(RUN, &claim).await.refused(401, "");
        run.runner.act(RUN, &format!("/{}/abort", crate::stoa::SHARED)).await.refused(404, "");
    }

    async fn a_run_token_ends_with_the_run_but_for_last_words(stoa) {
        let run = claimed(&stoa, json!([])).await;
        run.end("SUCCEEDED").await;
        run.runner.get(RUN, &format!("/{}", run.id)).await.refused(401, "ended");
        run.tell(json!({ "steps": [{ "id": "a", "systemMessage": "last words" }] })).await;
        stoa.advance(Duration::from_secs(301));
        run.runner.report(&run.id, "r", &json!({})).await.refused(401, "ended");
        run.runner.register(&run.id, &json!({ "source": { "id": "r" } })).await.refused(401, "ended");
    }

    async fn an_api_token_acts_in_the_consumers_workspace_with_what_was_granted(stoa) {
        let run = claimed(&stoa, json!(["PROJECT_LIST", "PROJECT_SAVE", "BUILDINGBLOCK_LIST"])).await;
        let automation = automation(&stoa, &run);
        let created = automation.create("meshProject", &project("shop")).await;
        assert_eq!(created["metadata"]["ownedByWorkspace"], "shop");
        automation.get("meshProject", "/shop.web").await.expect(200);
        assert_eq!(automation.list("meshBuildingBlock", "").await.len(), 1);
        automation.get("meshBuildingBlock", &format!("/{}", run.block())).await.expect(200);
        // Not beyond what was granted, nor beyond the workspace.
        automation.delete("meshProject", "/shop.web").await.refused(403, "PROJECT_DELETE");
        automation.post("meshProject", "", &project("data")).await.refused(403, "");
        automation.get("meshBuildingBlockDefinition", "").await.refused(403, "");
        automation.trigger(&run.block()).await.refused(403, "BUILDINGBLOCK_SAVE");
        automation.report(&run.id, "r", &json!({})).await.refused(403, "");
        run.end("SUCCEEDED").await;
        stoa.advance(Duration::from_secs(301));
        automation.get("meshProject", "/shop.web").await.refused(401, "ended");
    }

    async fn the_tokens_of_every_claim_differ_and_die_together(stoa) {
        let first = claimed(&stoa, json!(["PROJECT_LIST"])).await;
        stoa.advance(Duration::from_secs(660));
        let admin = stoa.again(&stoa.admin).await;
        admin.until(RUN, &first.id, |found| found["status"] == "PENDING").await;
        let second = admin.claimed_for(crate::stoa::SHARED).await;
        let (old, new) = (automation(&stoa, &first), automation(&stoa, &second));
        for token in [&old, &new] {
            token.get("meshProject", "").await.expect(200);
        }
        second.end("FAILED").await;
        stoa.advance(Duration::from_secs(301));
        for token in [&old, &new] {
            token.get("meshProject", "").await.refused(401, "ended");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_and_links_are_the_public_address() {
    for engine in stoa_db::testing::ENGINES {
        let Some(database) = stoa_db::testing::fresh(engine) else { continue };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shared-runner.pem"), shared_key().to_pem()).unwrap();
        let stoa = Stoa::with(Arc::new(database), Arc::new(folder), |config| {
            config.public_url = Some("https://stoa.example.org/".into());
        })
        .await;
        let run = claimed(&stoa, json!(["PROJECT_LIST"])).await;
        assert_eq!(run.input("MESHSTACK_ENDPOINT")["value"], "https://stoa.example.org");
        assert_eq!(text(&run.run, "/_links/meshstackBaseUrl/href"), "https://stoa.example.org");
        let own = format!("https://stoa.example.org/api/meshobjects/meshbuildingblockruns/{}", run.id);
        assert_eq!(text(&run.run, "/_links/self/href"), own);
        assert_eq!(text(&run.run, "/_links/registerSource/href"), format!("{own}/status/source"));
    }
}
