//! meshIntegration (`api-core.md` §3.14) as building blocks use it, and the payloads made of it (§3.5.6).

use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{SHARED, Stoa, shared_key, text, version_body};
use serde_json::{Value, json};

const INTEGRATION: &str = "meshIntegration";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";

fn body(owner: &str, config: Value) -> Value {
    json!({ "metadata": { "ownedByWorkspace": owner }, "spec": { "displayName": "ci", "config": config } })
}

fn github(base: &str) -> Value {
    json!({ "type": "github", "github": {
        "owner": "fruit", "baseUrl": base, "appId": "7", "appPrivateKey": { "plaintext": "-----BEGIN RSA" },
    } })
}

fn azure() -> Value {
    json!({ "type": "azuredevops", "azuredevops": {
        "baseUrl": "https://dev.azure.com/", "organization": "fruit",
        "personalAccessToken": { "plaintext": "pat" },
    } })
}

fn gitlab() -> Value {
    json!({ "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example.org/" } })
}

async fn created(stoa: &Stoa, config: Value) -> String {
    text(&stoa.admin.create(INTEGRATION, &body("demo-partner", config)).await, "/metadata/uuid")
}

/// A claimed run of a version with this implementation.
async fn run_of(stoa: &Stoa, kind: &str, fields: Value) -> Claimed {
    let change = json!({ "implementation": { "type": kind, "terraform": null, kind: fields } });
    let (_, version) = stoa.definition("demo-partner", change).await;
    stoa.order(&stoa.admin, &version, "shop", json!({})).await;
    stoa.claim().await
}

fn workflow(integration: &str) -> Value {
    json!({
        "integrationRef": { "uuid": integration }, "repository": "fruit/press", "branch": "main",
        "applyWorkflow": "apply.yml", "destroyWorkflow": "destroy.yml", "async": true,
        "omitRunObjectInput": true,
    })
}

on_both! {
    async fn every_type_keeps_its_fields_and_shows_no_secret(stoa) {
        for (config, kind, secret, filter) in [
            (github("https://github.com"), "github", Some("appPrivateKey"), "GITHUB"),
            (gitlab(), "gitlab", None, "GITLAB"),
            (azure(), "azuredevops", Some("personalAccessToken"), "AZURE_DEVOPS"),
            (
                json!({ "type": "entraid", "entraid": {
                "tenantId": "t", "clientId": "c", "clientSecret": { "plaintext": "s" },
            } }),
                "entraid",
                Some("clientSecret"),
                "ENTRA_ID",
            ),
        ] {
            let created = stoa.admin.create(INTEGRATION, &body("demo-partner", config.clone())).await;
            let shown = &created["spec"]["config"][kind];
            for (field, value) in config[kind].as_object().unwrap() {
                if Some(field.as_str()) == secret {
                    assert_eq!(shown[field].as_object().unwrap().keys().collect::<Vec<_>>(), ["hash"]);
                } else {
                    assert_eq!(&shown[field], value, "{kind}.{field} is kept verbatim");
                }
            }
            assert_eq!(created["status"], json!({ "isBuiltIn": false }));
            if kind == "entraid" {
                assert!(text(shown, "/redirectUrl").contains(&text(&created, "/metadata/uuid")));
            } else {
                assert_eq!(shown["runnerRef"], json!({ "uuid": SHARED, "kind": "meshBuildingBlockRunner" }));
            }
            // Sent back as it was read, nothing changes; not even the hash.
            let path = format!("/{}", text(&created, "/metadata/uuid"));
            assert_eq!(stoa.admin.put(INTEGRATION, &path, &created).await.expect(200), created);
            for query in [format!("?type={filter}"), format!("?type={kind}")] {
                assert_eq!(
                    stoa.admin.list(INTEGRATION, &query).await,
                    std::slice::from_ref(&created),
                    "{query}"
                );
            }
        }
        stoa.admin.get(INTEGRATION, "?type=JENKINS").await.refused(400, "type");
        assert_eq!(stoa.admin.list(INTEGRATION, "").await.len(), 6, "two are built in");
        assert_eq!(stoa.admin.list(INTEGRATION, "?displayName=ci").await.len(), 4);
    }

    async fn what_is_wrong_with_an_integration_is_named(stoa) {
        stoa.workspace("shop").await;
        let mut two = github("https://github.com");
        two["gitlab"] = json!({ "baseUrl": "https://lab.example.org" });
        let mut no_secret = github("https://github.com");
        no_secret["github"].as_object_mut().unwrap().remove("appPrivateKey");
        let mut hash = github("https://github.com");
        hash["github"]["appPrivateKey"] = json!({ "hash": "hmac-sha256:00" });
        let mut runner = gitlab();
        runner["gitlab"]["runnerRef"] = json!({ "uuid": "00000000-0000-4000-8000-000000000000" });
        for (config, field) in [
            (json!({ "type": "jenkins" }), "spec.config.type"),
            (json!({ "type": "github" }), "spec.config.github"),
            (json!({ "type": "gitlab", "github": {} }), "spec.config.github"),
            (two, "spec.config.gitlab"),
            (no_secret, "spec.config.github.appPrivateKey"),
            (hash, "spec.config.github.appPrivateKey"),
            (json!({ "type": "gitlab", "gitlab": { "baseUrl": "" } }), "spec.config.gitlab.baseUrl"),
            (runner, "spec.config.gitlab.runnerRef"),
        ] {
            stoa.admin.post(INTEGRATION, "", &body("demo-partner", config)).await.refused(400, field);
        }
        let entra = json!({ "type": "entraid", "entraid": {
            "tenantId": "t", "clientId": "c", "clientSecret": { "plaintext": "s" },
        } });
        stoa.admin
            .post(INTEGRATION, "", &body("shop", entra))
            .await
            .refused(400, "metadata.ownedByWorkspace");
        let created = created(&stoa, gitlab()).await;
        let path = format!("/{created}");
        stoa.admin
            .put(INTEGRATION, &path, &body("demo-partner", azure()))
            .await
            .refused(400, "spec.config.type");
        stoa.admin
            .put(INTEGRATION, &path, &body("shop", gitlab()))
            .await
            .refused(400, "metadata.ownedByWorkspace");
    }

    async fn what_is_in_use_or_built_in_stays(stoa) {
        let lab = created(&stoa, gitlab()).await;
        let change = json!({ "implementation": { "type": "gitlabPipeline", "terraform": null, "gitlabPipeline": {
            "integrationRef": { "uuid": lab }, "projectId": "1", "refName": "main",
            "pipelineTriggerToken": { "plaintext": "t" },
        } } });
        let (definition, _) = stoa.definition("demo-partner", change).await;
        stoa.admin.delete(INTEGRATION, &format!("/{lab}")).await.refused(409, "in use");
        stoa.admin.delete("meshBuildingBlockDefinition", &format!("/{definition}")).await.expect(204);
        stoa.admin.delete(INTEGRATION, &format!("/{lab}")).await.expect(204);
        for built_in in stoa.admin.list(INTEGRATION, "").await {
            let path = format!("/{}", text(&built_in, "/metadata/uuid"));
            assert_eq!(built_in["status"]["isBuiltIn"], true);
            assert!(built_in["status"]["workloadIdentityFederation"]["issuer"].is_string());
            stoa.admin.put(INTEGRATION, &path, &built_in).await.refused(403, "");
            stoa.admin.delete(INTEGRATION, &path).await.refused(403, "");
        }
    }

    async fn another_teams_integration_and_runner_are_not_for_use(stoa) {
        for name in ["data", "shop"] {
            stoa.workspace(name).await;
        }
        let theirs = stoa.admin.create(INTEGRATION, &body("data", gitlab())).await;
        let shop = stoa
            .key(
                "shop",
                &[
                    "BUILDINGBLOCKDEFINITION_SAVE",
                    "BUILDINGBLOCKDEFINITION_LIST",
                    "INTEGRATION_SAVE",
                    "INTEGRATION_LIST",
                ],
            )
            .await;
        let created = shop.create("meshBuildingBlockDefinition", &json!({
            "metadata": { "ownedByWorkspace": "shop" }, "spec": { "displayName": "d", "description": "d" },
        })).await;
        let mut version = version_body("shop", &text(&created, "/metadata/uuid"));
        version["spec"]["implementation"] = json!({ "type": "gitlabPipeline", "gitlabPipeline": {
            "integrationRef": { "uuid": theirs["metadata"]["uuid"] }, "projectId": "1", "refName": "main",
            "pipelineTriggerToken": { "plaintext": "t" },
        } });
        let path = format!("/{}", text(&created, "/status/latestVersionUuid"));
        shop.put(VERSION, &path, &version).await.refused(400, "integrationRef");
        stoa.admin.put(VERSION, &path, &version).await.expect(200);

        let runner = json!({
            "metadata": { "ownedByWorkspace": "data" },
            "spec": { "displayName": "r", "publicKey": shared_key().public_pem(), "implementationType": "ALL" },
        });
        let runner = stoa.admin.create("meshBuildingBlockRunner", &runner).await;
        let mut config = gitlab();
        config["gitlab"]["runnerRef"] = json!({ "uuid": runner["metadata"]["uuid"] });
        shop.post(INTEGRATION, "", &body("shop", config)).await.refused(400, "runnerRef");
    }

    async fn two_different_runners_are_refused_on_release(stoa) {
        let runner = |of: &str| {
            json!({
                "metadata": { "ownedByWorkspace": "demo-partner" },
                "spec": { "displayName": "r", "publicKey": shared_key().public_pem(), "implementationType": of },
            })
        };
        let mut uuids = Vec::new();
        for of in ["ALL", "GITLAB_PIPELINE", "TERRAFORM"] {
            uuids.push(text(
                &stoa.admin.create("meshBuildingBlockRunner", &runner(of)).await,
                "/metadata/uuid",
            ));
        }
        let lab_of = |runner: &str| {
            let mut config = gitlab();
            config["gitlab"]["runnerRef"] = json!({ "uuid": runner });
            config
        };
        let lab = created(&stoa, lab_of(&uuids[0])).await;
        let wrong = created(&stoa, lab_of(&uuids[2])).await;
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
        body["spec"]["implementation"] = json!({ "type": "gitlabPipeline", "gitlabPipeline": {
            "integrationRef": { "uuid": lab }, "projectId": "1", "refName": "main",
            "pipelineTriggerToken": { "plaintext": "t" },
        } });
        body["spec"]["runnerRef"] = json!({ "uuid": uuids[1] });
        stoa.admin.put(VERSION, &path, &body).await.expect(200);
        let mut released = body.clone();
        released["spec"]["state"] = json!("RELEASED");
        stoa.admin.put(VERSION, &path, &released).await.refused(400, "spec.runnerRef");
        // The draft's runs say so, too.
        let block = stoa.order(&stoa.admin, path.trim_start_matches('/'), "demo-partner", json!({})).await;
        assert!(stoa.admin.claim_for(&uuids[1]).await.is_none());
        let logs = stoa.admin.logs(&text(&block, "/status/latestRunUuid")).await;
        assert!(text(&logs, "/summary").contains("two different runners"), "{logs}");
        // A runner of an integration must be able to execute the version, too.
        body["spec"].as_object_mut().unwrap().remove("runnerRef");
        body["spec"]["implementation"]["gitlabPipeline"]["integrationRef"] = json!({ "uuid": wrong });
        stoa.admin.put(VERSION, &path, &body).await.refused(400, "integrationRef");
    }

    async fn github_runs_get_the_api_root_and_the_bare_repository(stoa) {
        stoa.workspace("shop").await;
        for (base, root) in [
            ("https://github.com", "https://api.github.com"),
            ("https://api.github.com", "https://api.github.com"),
            ("https://git.fruit.example", "https://git.fruit.example/api/v3"),
            ("https://git.fruit.example/api/v3/", "https://git.fruit.example/api/v3"),
        ] {
            let integration = created(&stoa, github(base)).await;
            let run = run_of(&stoa, "githubWorkflows", workflow(&integration)).await;
            let mut found = run.implementation().clone();
            let sealed = found.as_object_mut().unwrap().remove("appPem").unwrap();
            assert_eq!(shared_key().open(sealed.as_str().unwrap()).unwrap(), "-----BEGIN RSA");
            let expected = json!({
                "type": "GITHUB_WORKFLOW", "githubBaseUrl": root, "owner": "fruit", "appId": "7",
                "repository": "press", "branch": "main", "applyWorkflow": "apply.yml",
                "destroyWorkflow": "destroy.yml", "async": true, "omitRunObjectInput": true,
            });
            assert_eq!(found, expected, "{base}");
            // Whoever gets the run's address only needs its token as an input.
            let token = shared_key().open(&text(&run.input("MESHSTACK_RUN_TOKEN"), "/value")).unwrap();
            assert_eq!(token, text(&run.run, "/spec/runToken"));
        }
    }

    async fn the_run_token_is_an_input_only_where_nothing_else_brings_it(stoa) {
        stoa.workspace("shop").await;
        let integration = created(&stoa, github("https://github.com")).await;
        for (is_async, omit) in [(true, false), (false, true), (false, false)] {
            let mut fields = workflow(&integration);
            fields["async"] = json!(is_async);
            fields["omitRunObjectInput"] = json!(omit);
            let run = run_of(&stoa, "githubWorkflows", fields).await;
            assert!(run.input("MESHSTACK_RUN_TOKEN").is_null(), "async {is_async}, omit {omit}");
        }
    }

    async fn gitlab_and_azure_runs_get_their_fields(stoa) {
        stoa.workspace("shop").await;
        let lab = created(&stoa, gitlab()).await;
        let run = run_of(
            &stoa,
            "gitlabPipeline",
            json!({
                "integrationRef": { "uuid": lab }, "projectId": "31", "refName": "main",
                "pipelineTriggerToken": { "plaintext": "glptt" },
            }),
        )
        .await;
        let mut found = run.implementation().clone();
        let sealed = found.as_object_mut().unwrap().remove("pipelineTriggerToken").unwrap();
        assert_eq!(shared_key().open(sealed.as_str().unwrap()).unwrap(), "glptt");
        let expected = json!({
            "type": "GITLAB_CICD", "gitlabBaseUrl": "https://lab.example.org", "projectId": "31",
            "refName": "main",
        });
        assert_eq!(found, expected);

        let devops = created(&stoa, azure()).await;
        let run = run_of(
            &stoa,
            "azureDevOpsPipeline",
            json!({
                "integrationRef": { "uuid": devops }, "project": "press", "pipelineId": "12", "async": false,
            }),
        )
        .await;
        let mut found = run.implementation().clone();
        let sealed = found.as_object_mut().unwrap().remove("personalAccessToken").unwrap();
        assert_eq!(shared_key().open(sealed.as_str().unwrap()).unwrap(), "pat");
        let expected = json!({
            "type": "AZURE_DEVOPS", "azureDevOpsBaseUrl": "https://dev.azure.com", "organization": "fruit",
            "project": "press", "pipelineId": "12", "async": false,
        });
        assert_eq!(found, expected);
    }
}
