//! §8: runners.

use crate::on_both;
use crate::stoa::{SHARED, shared_key, text};
use serde_json::{Value, json};

const RUNNER: &str = "meshBuildingBlockRunner";
const CERTIFICATE: &str = include_str!("../fixtures/runner-4096.crt");
const ELLIPTIC: &str = include_str!("../../../../seal/tests/fixtures/elliptic.pem");

fn body(owner: &str, change: Value) -> Value {
    let mut body = json!({
        "metadata": { "ownedByWorkspace": owner },
        "spec": { "displayName": "cluster", "publicKey": shared_key().public_pem(), "implementationType": "ALL" },
    });
    crate::stoa::merge(&mut body["spec"], &change);
    body
}

on_both! {
    async fn a_runner_is_kept_as_it_was_sent(stoa) {
        let federation = json!({
            "issuer": "https://oidc.example.org/cluster-7",
            "subject": "system:serviceaccount:ns:workspace.<bbd-workspace>.buildingblockdefinition.<bbd-uuid>",
            "azure": { "audience": "api://AzureADTokenExchange", "tokenPath": "/var/run/secrets/azure/token" },
            "gcp": { "audience": "gcp-workload-identity-provider:ns", "tokenPath": "/var/run/secrets/gcp/token" },
        });
        let sent = body(
            "demo-partner",
            json!({ "publicKey": CERTIFICATE, "workloadIdentityFederation": federation }),
        );
        let created = stoa.admin.create(RUNNER, &sent).await;
        assert_eq!(created["spec"]["publicKey"], CERTIFICATE, "verbatim");
        assert_eq!(created["spec"]["workloadIdentityFederation"], federation);
        assert_eq!(created["spec"]["implementationType"], "ALL");
        let uuid = text(&created, "/metadata/uuid");
        assert_eq!(stoa.admin.get(RUNNER, &format!("/{uuid}")).await.expect(200), created);
        // A PUT without it takes it away.
        let changed =
            stoa.admin.put(RUNNER, &format!("/{uuid}"), &body("demo-partner", json!({}))).await.expect(200);
        assert!(changed["spec"].get("workloadIdentityFederation").is_none_or(Value::is_null));
        assert_eq!(changed["metadata"]["createdOn"], created["metadata"]["createdOn"]);
        let listed = stoa.admin.list(RUNNER, "?ownedByWorkspace=demo-partner").await;
        assert_eq!(listed.len(), 2);
        assert!(stoa.admin.list(RUNNER, "?ownedByWorkspace=nobody").await.is_empty());
    }

    async fn what_is_wrong_with_a_runner_is_named(stoa) {
        for (change, field) in [
            (json!({ "displayName": "" }), "spec.displayName"),
            (json!({ "publicKey": null }), "spec.publicKey"),
            (json!({ "publicKey": "ssh-rsa AAAA" }), "spec.publicKey"),
            (json!({ "publicKey": ELLIPTIC }), "spec.publicKey"),
            (json!({ "publicKey": shared_key().to_pem() }), "spec.publicKey"),
            (json!({ "implementationType": "ANSIBLE" }), "spec.implementationType"),
            (json!({ "restriction": "SOME" }), "spec.restriction"),
            (
                json!({ "workloadIdentityFederation": { "issuer": "https://x", "subject": "s" } }),
                "spec.workloadIdentityFederation",
            ),
            (
                json!({ "workloadIdentityFederation": { "issuer": "https://x", "subject": "s", "gcp": {} } }),
                "spec.workloadIdentityFederation.gcp.audience",
            ),
        ] {
            stoa.admin.post(RUNNER, "", &body("demo-partner", change)).await.refused(400, field);
        }
        let mut with_uuid = body("demo-partner", json!({}));
        with_uuid["metadata"]["uuid"] = json!("00000000-0000-4000-8000-000000000000");
        stoa.admin.post(RUNNER, "", &with_uuid).await.refused(400, "metadata.uuid");
        let unknown = "/00000000-0000-4000-8000-000000000000";
        stoa.admin.put(RUNNER, unknown, &with_uuid).await.refused(404, "");
    }

    async fn owner_and_type_stay_and_only_admins_open_a_runner_to_all(stoa) {
        stoa.workspace("shop").await;
        stoa.workspace("data").await;
        let codes = ["BUILDINGBLOCKRUNNER_SAVE", "BUILDINGBLOCKRUNNER_LIST", "BUILDINGBLOCKRUNNER_DELETE"];
        let shop = stoa.key("shop", &codes).await;
        shop.post(RUNNER, "", &body("shop", json!({ "restriction": "PUBLIC" }))).await.refused(403, "PUBLIC");
        shop.post(RUNNER, "", &body("data", json!({}))).await.refused(403, "");
        let created = shop.create(RUNNER, &body("shop", json!({}))).await;
        let path = format!("/{}", text(&created, "/metadata/uuid"));
        let mut renamed = body("shop", json!({}));
        renamed["metadata"]["uuid"] = json!("00000000-0000-4000-8000-000000000000");
        for (change, status, why) in [
            (renamed, 400, "metadata.uuid"),
            (body("data", json!({})), 400, "metadata.ownedByWorkspace"),
            (body("shop", json!({ "implementationType": "MANUAL" })), 400, "spec.implementationType"),
            (body("shop", json!({ "restriction": "PUBLIC" })), 403, "restriction"),
        ] {
            shop.put(RUNNER, &path, &change).await.refused(status, why);
        }
        let public = body("shop", json!({ "restriction": "PUBLIC" }));
        stoa.admin.put(RUNNER, &path, &public).await.expect(200);
        shop.put(RUNNER, &path, &public).await.expect(200);
        shop.put(RUNNER, &path, &body("shop", json!({ "restriction": "PRIVATE" })))
            .await
            .refused(403, "restriction");
        assert_eq!(shop.list(RUNNER, "").await.len(), 1);
        let data = stoa.key("data", &codes).await;
        data.get(RUNNER, &path).await.refused(403, "");
        data.delete(RUNNER, &path).await.refused(403, "");
        shop.delete(RUNNER, &path).await.expect(204);
        shop.get(RUNNER, &path).await.refused(404, "");
    }

    async fn a_runner_in_use_stays(stoa) {
        let runner =
            text(&stoa.admin.create(RUNNER, &body("demo-partner", json!({}))).await, "/metadata/uuid");
        let (definition, _) =
            stoa.definition("demo-partner", json!({ "runnerRef": { "uuid": runner } })).await;
        let integration = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "lab", "config": { "type": "gitlab", "gitlab": {
                "baseUrl": "https://lab.example.org", "runnerRef": { "uuid": runner },
            } } },
        });
        let integration = text(&stoa.admin.create("meshIntegration", &integration).await, "/metadata/uuid");
        let path = format!("/{runner}");
        stoa.admin.delete(RUNNER, &path).await.refused(409, "in use");
        stoa.admin.delete("meshBuildingBlockDefinition", &format!("/{definition}")).await.expect(204);
        stoa.admin.delete(RUNNER, &path).await.refused(409, "in use");
        stoa.admin.delete("meshIntegration", &format!("/{integration}")).await.expect(204);
        stoa.admin.delete(RUNNER, &path).await.expect(204);
        stoa.admin.delete(RUNNER, &format!("/{SHARED}")).await.refused(409, "");
    }

    async fn claims_need_the_right_of_the_runners_owner(stoa) {
        stoa.workspace("shop").await;
        stoa.workspace("data").await;
        let runner = text(&stoa.admin.create(RUNNER, &body("data", json!({}))).await, "/metadata/uuid");
        let claim = format!("/create?forRunnerUuid={runner}");
        let own = stoa.key("data", &["MANAGED_BUILDINGBLOCKRUN_SAVE"]).await;
        assert!(own.claim_for(&runner).await.is_none());
        for (workspace, codes) in [
            ("shop", &["MANAGED_BUILDINGBLOCKRUN_SAVE"][..]),
            ("data", &["MANAGED_BUILDINGBLOCKRUN_LIST"][..]),
            ("data", &["BUILDINGBLOCK_SAVE"][..]),
        ] {
            let other = stoa.key(workspace, codes).await;
            other.act("meshBuildingBlockRun", &claim).await.refused(403, "MANAGED_BUILDINGBLOCKRUN_SAVE");
        }
        stoa.nobody().act("meshBuildingBlockRun", &claim).await.refused(401, "");
        own.act("meshBuildingBlockRun", "/create").await.refused(400, "forRunnerUuid");
        let unknown = "/create?forRunnerUuid=00000000-0000-4000-8000-000000000000";
        let distinct = own.act("meshBuildingBlockRun", unknown).await;
        distinct.refused(404, "No meshBuildingBlockRunner");
        own.act("meshBuildingBlockRun", &claim).await.refused(404, "No run is waiting");
        // A retired uuid of the shared runner claims for the shared runner.
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        assert!(stoa.admin.claim_for("11111111-2222-4333-8444-555555555555").await.is_some());
    }

    async fn a_runner_gets_only_what_was_meant_for_it(stoa) {
        stoa.workspace("shop").await;
        let mine = text(&stoa.admin.create(RUNNER, &body("demo-partner", json!({}))).await, "/metadata/uuid");
        let manual = json!({
            "implementation": { "type": "manual", "terraform": null }, "runnerRef": { "uuid": mine },
        });
        let (_, manual) = stoa.definition("demo-partner", manual).await;
        let (_, tofu) = stoa.definition("demo-partner", json!({ "runnerRef": { "uuid": mine } })).await;
        for version in [&manual, &tofu] {
            stoa.order(&stoa.admin, version, "shop", json!({})).await;
        }
        assert!(stoa.admin.claim_for(SHARED).await.is_none());
        // The stock OpenTofu runner gets nothing else; others get the oldest first.
        let claim = format!("/api/meshobjects/meshbuildingblockruns/create?forRunnerUuid={mine}");
        let media = crate::stoa::media("meshBuildingBlockRun", "v1");
        let run = stoa
            .admin
            .raw(reqwest::Method::POST, &claim, |r| {
                r.header("accept", &media)
                    .header("content-type", &media)
                    .header("x-meshcloud-runner-name", "tf-block-runner")
                    .header("x-meshcloud-runner-version", "1.2.3")
                    .header("x-block-runner-node-id", "node-1")
            })
            .await
            .expect(201);
        assert_eq!(run["spec"]["buildingBlockDefinition"]["spec"]["implementation"]["type"], "TERRAFORM");
        let run = stoa.admin.claimed_for(&mine).await;
        assert_eq!(run.implementation(), &json!({ "type": "MANUAL" }));
        assert!(stoa.admin.claim_for(&mine).await.is_none());
    }
}
