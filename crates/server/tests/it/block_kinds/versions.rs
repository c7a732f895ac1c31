//! §3.1, §3.2, §3.5 and §3.6: versions, their implementations and their states.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, block_body, input, media, merge, path, shared_key, text, version_body};
use reqwest::Method;
use serde_json::{Value, json};

const DEFINITION: &str = "meshBuildingBlockDefinition";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";

/// A draft: its definition, its path, and a body that would be accepted.
async fn draft(stoa: &Stoa, owner: &str) -> (String, String, Value) {
    let body = json!({
        "metadata": { "ownedByWorkspace": owner },
        "spec": { "displayName": "d", "description": "d" },
    });
    let created = stoa.admin.create(DEFINITION, &body).await;
    let definition = text(&created, "/metadata/uuid");
    let body = version_body(owner, &definition);
    (definition, format!("/{}", text(&created, "/status/latestVersionUuid")), body)
}

/// The body with this change of its spec; objects are merged, `null` removes.
fn with(body: &Value, change: Value) -> Value {
    let mut body = body.clone();
    merge(&mut body["spec"], &change);
    body
}

async fn integration(stoa: &Stoa, config: Value) -> String {
    let body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "ci", "config": config },
    });
    text(&stoa.admin.create("meshIntegration", &body).await, "/metadata/uuid")
}

on_both! {
    async fn a_version_with_the_least_has_every_default(stoa) {
        let (definition, draft, body) = draft(&stoa, "demo-partner").await;
        let version = stoa.admin.put(VERSION, &draft, &body).await.expect(200);
        let spec = &version["spec"];
        assert_eq!(spec["buildingBlockDefinitionRef"], json!({ "kind": DEFINITION, "uuid": definition }));
        assert_eq!((&spec["versionNumber"], &spec["state"]), (&json!(1), &json!("DRAFT")));
        assert_eq!(spec["runnerRef"], json!({ "kind": "meshBuildingBlockRunner", "uuid": SHARED }));
        for empty in ["permissions", "dependencyDefinitionRefs", "dependencyDefinitionUuids"] {
            assert_eq!(spec[empty], json!([]), "{empty}");
        }
        assert_eq!((&spec["inputs"], &spec["outputs"]), (&json!({}), &json!({})));
        let terraform = &spec["implementation"]["terraform"];
        for absent in ["repositoryPath", "refName", "sshPrivateKey", "sshKnownHost", "preRunScript"] {
            assert!(terraform.get(absent).is_none_or(Value::is_null), "{absent}");
        }
        assert_eq!(version["status"], json!({ "state": "DRAFT", "usageCount": 0 }));
        assert_eq!(version["metadata"]["ownedByWorkspace"], "demo-partner");
        assert_eq!(stoa.admin.get(VERSION, &draft).await.expect(200), version);
    }

    async fn what_is_wrong_with_a_version_is_named(stoa) {
        let (_, draft, body) = draft(&stoa, "demo-partner").await;
        let unknown = "00000000-0000-4000-8000-000000000000";
        let (foreign, ..) = crate::block_kinds::versions::draft(&stoa, "demo-partner").await;
        for (change, field) in [
            (json!({ "onlyApplyOncePerTenant": null }), "spec.onlyApplyOncePerTenant"),
            (json!({ "deletionMode": null }), "spec.deletionMode"),
            (json!({ "deletionMode": "KEEP" }), "spec.deletionMode"),
            (json!({ "inputs": null }), "spec.inputs"),
            (json!({ "outputs": null }), "spec.outputs"),
            (json!({ "implementation": null }), "spec.implementation"),
            (json!({ "state": "IN_REVIEW" }), "spec.state"),
            (json!({ "versionNumber": 2 }), "spec.versionNumber"),
            (json!({ "permissions": ["ADM_PROJECT_LIST"] }), "ADM_PROJECT_LIST"),
            (json!({ "permissions": ["PROJECT_EAT"] }), "PROJECT_EAT"),
            (json!({ "runnerRef": { "uuid": unknown } }), "spec.runnerRef"),
            (json!({ "runnerRef": { "uuid": SHARED, "kind": "meshProject" } }), "spec.runnerRef.kind"),
            (
                json!({ "dependencyDefinitionRefs": [{ "uuid": foreign, "kind": "meshProject" }] }),
                "Refs.kind",
            ),
            (json!({ "buildingBlockDefinitionRef": { "kind": "meshProject" } }), "DefinitionRef.kind"),
            (json!({ "buildingBlockDefinitionRef": { "uuid": foreign } }), "spec.buildingBlockDefinitionRef"),
            (json!({ "implementation": { "type": "ansible" } }), "spec.implementation.type"),
            (json!({ "implementation": { "manual": { "x": 1 } } }), "spec.implementation.manual"),
            (json!({ "implementation": { "terraform": { "terraformVersion": null } } }), "terraformVersion"),
            (json!({ "implementation": { "terraform": { "repositoryUrl": " " } } }), "repositoryUrl"),
            (
                json!({ "implementation": { "terraform": { "repositoryUrl": "--upload-pack=x" } } }),
                "repositoryUrl",
            ),
            (
                json!({ "implementation": { "terraform": { "repositoryUrl": "ext::sh -c x" } } }),
                "repositoryUrl",
            ),
            (json!({ "implementation": { "terraform": { "async": "no" } } }), "async"),
            (
                json!({ "implementation": { "terraform": { "useMeshHttpBackendFallback": null } } }),
                "useMeshHttp",
            ),
            (
                json!({ "implementation": { "terraform": { "sshKnownHost": { "host": "h" } } } }),
                "sshKnownHost",
            ),
            (json!({ "implementation": { "terraform": { "sshPrivateKey": "bare" } } }), "sshPrivateKey"),
        ] {
            stoa.admin.put(VERSION, &draft, &with(&body, change)).await.refused(400, field);
        }
        let mut other = body.clone();
        other["metadata"]["uuid"] = json!(unknown);
        stoa.admin.put(VERSION, &draft, &other).await.refused(400, "metadata.uuid");
        other["metadata"]["ownedByWorkspace"] = json!("somebody");
        stoa.admin.put(VERSION, &draft, &other).await.refused(400, "metadata.ownedByWorkspace");
        stoa.admin.put(VERSION, &format!("/{unknown}"), &body).await.refused(404, unknown);
        let lost = with(&body, json!({ "buildingBlockDefinitionRef": { "uuid": unknown } }));
        stoa.admin.post(VERSION, "", &lost).await.refused(404, unknown);
    }

    async fn terraform_keeps_all_its_fields(stoa) {
        let (_, draft, body) = draft(&stoa, "demo-partner").await;
        let fields = json!({
            "terraformVersion": "1.9.0", "repositoryUrl": "git@git.example.org:dba/module.git",
            "repositoryPath": "modules/schema", "refName": "v3", "async": true,
            "useMeshHttpBackendFallback": false,
            "sshKnownHost": { "host": "git.example.org", "keyType": "ssh-ed25519", "keyValue": "AAAAC3Nza" },
            "preRunScript": "#!/bin/bash\n".repeat(100),
        });
        let mut sent = with(&body, json!({ "implementation": { "terraform": fields } }));
        sent["spec"]["implementation"]["terraform"]["sshPrivateKey"] = json!({ "plaintext": "-----BEGIN" });
        let kept = stoa.admin.put(VERSION, &draft, &sent).await.expect(200);
        let mut kept = kept["spec"]["implementation"]["terraform"].clone();
        let key = kept.as_object_mut().unwrap().remove("sshPrivateKey").unwrap();
        assert_eq!(kept, fields);
        assert_eq!(key.as_object().unwrap().keys().collect::<Vec<_>>(), ["hash"]);
        // In a run the known host goes by another name, and the key travels sealed.
        stoa.workspace("shop").await;
        sent["spec"]["state"] = json!("RELEASED");
        stoa.admin.put(VERSION, &draft, &sent).await.expect(200);
        stoa.order(&stoa.admin, draft.trim_start_matches('/'), "shop", json!({})).await;
        let run = stoa.claim().await;
        assert_eq!(run.implementation()["knownHost"], fields["sshKnownHost"]);
        assert!(run.implementation().get("sshKnownHost").is_none());
        let sealed = text(run.implementation(), "/sshPrivateKey");
        assert_eq!(shared_key().open(&sealed).unwrap(), "-----BEGIN");
    }

    async fn pipelines_keep_all_their_fields(stoa) {
        let github = integration(
            &stoa,
            json!({ "type": "github", "github": {
            "owner": "fruit", "baseUrl": "https://github.com", "appId": "7",
            "appPrivateKey": { "plaintext": "pem" },
        } }),
        )
        .await;
        let gitlab = integration(
            &stoa,
            json!({ "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example.org" } }),
        )
        .await;
        let azure = integration(
            &stoa,
            json!({ "type": "azuredevops", "azuredevops": {
            "baseUrl": "https://dev.azure.com", "organization": "fruit",
            "personalAccessToken": { "plaintext": "pat" },
        } }),
        )
        .await;
        let reference = |uuid: &str| json!({ "kind": "meshIntegration", "uuid": uuid });
        let (_, draft, mut body) = draft(&stoa, "demo-partner").await;
        for (kind, fields) in [
            (
                "githubWorkflows",
                json!({
                    "integrationRef": reference(&github), "repository": "fruit/press", "branch": "main",
                    "applyWorkflow": "apply.yml", "destroyWorkflow": "destroy.yml", "async": true,
                    "omitRunObjectInput": false,
                }),
            ),
            (
                "azureDevOpsPipeline",
                json!({
                    "integrationRef": reference(&azure), "project": "press", "pipelineId": "12",
                    "refName": "main", "async": false,
                }),
            ),
            (
                "gitlabPipeline",
                json!({
                    "integrationRef": reference(&gitlab), "projectId": "31", "refName": "main",
                }),
            ),
        ] {
            body["spec"]["implementation"] = json!({ "type": kind, kind: fields });
            if kind == "gitlabPipeline" {
                stoa.admin.put(VERSION, &draft, &body).await.refused(400, "pipelineTriggerToken");
                body["spec"]["implementation"][kind]["pipelineTriggerToken"] =
                    json!({ "plaintext": "glptt" });
            }
            let kept = stoa.admin.put(VERSION, &draft, &body).await.expect(200);
            assert_eq!(kept["spec"]["implementation"]["type"], kind);
            for (field, value) in fields.as_object().unwrap() {
                assert_eq!(&kept["spec"]["implementation"][kind][field], value, "{kind}.{field}");
            }
            for field in fields.as_object().unwrap().keys() {
                if field == "destroyWorkflow" || (kind == "azureDevOpsPipeline" && field == "refName") {
                    continue;
                }
                let mut less = body.clone();
                less["spec"]["implementation"][kind].as_object_mut().unwrap().remove(field);
                stoa.admin.put(VERSION, &draft, &less).await.refused(400, field);
            }
            let mut wrong = body.clone();
            wrong["spec"]["implementation"][kind]["integrationRef"]["kind"] = json!("meshProject");
            stoa.admin.put(VERSION, &draft, &wrong).await.refused(400, "integrationRef.kind");
            let other = if kind == "gitlabPipeline" { &github } else { &gitlab };
            wrong["spec"]["implementation"][kind]["integrationRef"] = reference(other);
            stoa.admin.put(VERSION, &draft, &wrong).await.refused(400, "integrationRef");
        }
        // What destroys may be missing only when nothing is to be destroyed; the field is there nevertheless.
        let fields = json!({
            "integrationRef": reference(&github), "repository": "press", "branch": "main",
            "applyWorkflow": "apply.yml", "async": false, "omitRunObjectInput": true,
        });
        body["spec"]["implementation"] = json!({ "type": "githubWorkflows", "githubWorkflows": fields });
        stoa.admin.put(VERSION, &draft, &body).await.refused(400, "destroyWorkflow");
        body["spec"]["deletionMode"] = json!("PURGE");
        let kept = stoa.admin.put(VERSION, &draft, &body).await.expect(200);
        let kept = &kept["spec"]["implementation"]["githubWorkflows"];
        assert_eq!(kept.get("destroyWorkflow"), Some(&Value::Null));
    }

    async fn a_runner_must_be_able_to_execute_and_be_meant_for_the_team(stoa) {
        stoa.workspace("data").await;
        let (_, draft, body) = draft(&stoa, "data").await;
        let runner = |owner: &str, of: &str, restriction: &str| {
            json!({
                "metadata": { "ownedByWorkspace": owner },
                "spec": {
                    "displayName": "r", "publicKey": shared_key().public_pem(),
                    "implementationType": of, "restriction": restriction,
                },
            })
        };
        for (owner, of, restriction, fits) in [
            ("data", "TERRAFORM", "PRIVATE", true),
            ("data", "ALL", "PRIVATE", true),
            ("demo-partner", "TERRAFORM", "PUBLIC", true),
            ("demo-partner", "TERRAFORM", "PRIVATE", false),
            ("data", "MANUAL", "PRIVATE", false),
            ("data", "GITHUB_WORKFLOW", "PRIVATE", false),
        ] {
            let created = stoa.admin.create("meshBuildingBlockRunner", &runner(owner, of, restriction)).await;
            let uuid = text(&created, "/metadata/uuid");
            let answer =
                stoa.admin.put(VERSION, &draft, &with(&body, json!({ "runnerRef": { "uuid": uuid } }))).await;
            if fits {
                assert_eq!(answer.expect(200)["spec"]["runnerRef"]["uuid"], json!(uuid));
            } else {
                answer.refused(400, "spec.runnerRef");
            }
        }
        // Retired uuids of the shared runner still mean it.
        let retired = json!({ "runnerRef": { "uuid": "11111111-2222-4333-8444-555555555555" } });
        let kept = stoa.admin.put(VERSION, &draft, &with(&body, retired)).await.expect(200);
        assert_eq!(kept["spec"]["runnerRef"]["uuid"], SHARED);
    }

    async fn a_released_version_is_fixed_for_ever(stoa) {
        let key =
            json!({ "assignmentType": "STATIC", "isSensitive": true, "argument": { "plaintext": "a" } });
        let change = json!({ "inputs": {
            "name": input(json!({ "displayOrder": 3 })),
            "key": input(key),
        } });
        let (definition, version) = stoa.definition("demo-partner", change).await;
        let item = format!("/{version}");
        let released = stoa.admin.get(VERSION, &item).await.expect(200);
        let same = stoa.admin.put(VERSION, &item, &released).await.expect(200);
        assert_eq!(same, released);
        for change in [
            json!({ "state": "DRAFT" }),
            json!({ "deletionMode": "PURGE" }),
            json!({ "permissions": ["PROJECT_LIST"] }),
            json!({ "inputs": { "name": { "displayOrder": 4 } } }),
            json!({ "inputs": { "name": { "description": "new" } } }),
            json!({ "inputs": { "key": { "argument": { "plaintext": "b" } } } }),
            json!({ "outputs": { "url": { "displayName": "URL", "type": "STRING" } } }),
            json!({ "implementation": { "terraform": { "refName": "v2" } } }),
        ] {
            let answer = stoa.admin.put(VERSION, &item, &with(&released, change.clone())).await;
            assert_eq!(answer.json()["errorCode"], "BuildingBlockConflict", "{change}: {}", answer.text);
            answer.refused(409, "released");
        }
        assert_eq!(stoa.admin.get(VERSION, &item).await.expect(200), released);
        let shown = stoa.admin.get(DEFINITION, &format!("/{definition}")).await.expect(200);
        assert_eq!(shown["status"]["latestReleasedVersionUuid"], json!(version));
    }

    async fn there_is_one_draft_at_a_time_with_the_next_number(stoa) {
        let (definition, _) = stoa.definition("demo-partner", json!({})).await;
        let body = version_body("demo-partner", &definition);
        for wrong in [1, 3, 0] {
            let body = with(&body, json!({ "versionNumber": wrong }));
            stoa.admin.post(VERSION, "", &body).await.refused(400, "spec.versionNumber");
        }
        let second = stoa.admin.create(VERSION, &body).await;
        assert_eq!(second["spec"]["versionNumber"], 2);
        let answer = stoa.admin.post(VERSION, "", &with(&body, json!({ "versionNumber": 3 }))).await;
        assert_eq!(answer.json()["errorCode"], "BuildingBlockConflict");
        answer.refused(409, "draft");
        // Released as it is made: a draft is free again.
        let item = format!("/{}", text(&second, "/metadata/uuid"));
        stoa.admin.put(VERSION, &item, &with(&body, json!({ "state": "RELEASED" }))).await.expect(200);
        let third = stoa
            .admin
            .create(VERSION, &with(&body, json!({ "versionNumber": 3, "state": "RELEASED" })))
            .await;
        assert_eq!(
            (&third["spec"]["versionNumber"], &third["spec"]["state"]),
            (&json!(3), &json!("RELEASED"))
        );
    }

    async fn many_new_drafts_at_once_leave_one(stoa) {
        let (definition, _) = stoa.definition("demo-partner", json!({})).await;
        let body = version_body("demo-partner", &definition);
        let posts = (0..8).map(|_| stoa.admin.post(VERSION, "", &body));
        let statuses: Vec<u16> =
            futures_util::future::join_all(posts).await.iter().map(|a| a.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
        let shown = stoa.admin.get(DEFINITION, &format!("/{definition}")).await.expect(200);
        assert_eq!(shown["status"]["versions"].as_array().unwrap().len(), 2);
    }

    async fn a_draft_may_change_its_mind_about_everything(stoa) {
        let (_, draft, body) = draft(&stoa, "demo-partner").await;
        for change in [
            json!({ "inputs": { "a": input(json!({})) } }),
            json!({ "inputs": { "a": input(json!({ "type": "INTEGER", "defaultValue": 4 })) } }),
            json!({ "inputs": { "a": input(json!({ "type": "CODE", "isSensitive": true })) } }),
            json!({ "inputs": {}, "implementation": { "type": "manual", "terraform": null, "manual": {} } }),
        ] {
            let sent = with(&body, change);
            let kept = stoa.admin.put(VERSION, &draft, &sent).await.expect(200);
            let keys =
                |v: &Value| v["spec"]["inputs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&kept), keys(&sent));
            assert_eq!(kept["spec"]["implementation"]["type"], sent["spec"]["implementation"]["type"]);
        }
        let secret = input(json!({ "assignmentType": "STATIC", "isSensitive": true }));
        let sent = with(&body, json!({ "inputs": { "s": secret }, "state": "RELEASED" }));
        stoa.admin.put(VERSION, &draft, &sent).await.refused(400, "spec.inputs.s.argument");
    }

    async fn what_is_sensitive_in_a_released_version_stays_so(stoa) {
        for sensitive in [true, false] {
            let change = json!({ "inputs": { "a": input(json!({ "isSensitive": sensitive })) } });
            let (definition, _) = stoa.definition("demo-partner", change).await;
            let body = version_body("demo-partner", &definition);
            let toggled = json!({ "inputs": { "a": input(json!({ "isSensitive": !sensitive })) } });
            stoa.admin
                .post(VERSION, "", &with(&body, toggled))
                .await
                .refused(400, "spec.inputs.a.isSensitive");
            stoa.admin.post(VERSION, "", &with(&body, json!({ "inputs": {} }))).await.expect(201);
        }
    }

    async fn drafts_are_for_blocks_of_their_own_workspace(stoa) {
        stoa.workspace("shop").await;
        stoa.workspace("data").await;
        let (_, draft, body) = draft(&stoa, "data").await;
        stoa.admin.put(VERSION, &draft, &body).await.expect(200);
        let version = draft.trim_start_matches('/');
        for (caller, target) in
            [(stoa.key("shop", &["BUILDINGBLOCK_SAVE"]).await, "shop"), (stoa.admin.clone(), "shop")]
        {
            let answer = caller.post("meshBuildingBlock", "", &block_body(version, target, json!({}))).await;
            answer.refused(403, "draft");
        }
        let own = stoa.key("data", &["BUILDINGBLOCK_SAVE", "BUILDINGBLOCK_LIST"]).await;
        stoa.order(&own, version, "data", json!({})).await;
    }

    async fn lists_of_versions_are_by_definition(stoa) {
        stoa.workspace("shop").await;
        let (first, _) = stoa.definition("demo-partner", json!({})).await;
        stoa.definition("shop", json!({})).await;
        stoa.admin.create(VERSION, &version_body("demo-partner", &first)).await;
        let numbers = |versions: Vec<Value>| -> Vec<i64> {
            versions.iter().map(|version| version["spec"]["versionNumber"].as_i64().unwrap()).collect()
        };
        let of = |definition: &str| format!("?buildingBlockDefinitionUuid={definition}");
        assert_eq!(numbers(stoa.admin.list(VERSION, &of(&first)).await), [1, 2]);
        assert_eq!(stoa.admin.list(VERSION, "").await.len(), 3);
        for unknown in ["00000000-0000-4000-8000-000000000000", "no-uuid"] {
            assert!(stoa.admin.list(VERSION, &of(unknown)).await.is_empty());
        }
        let shop = stoa.key("shop", &["BUILDINGBLOCKDEFINITION_LIST"]).await;
        assert_eq!(numbers(shop.list(VERSION, "").await), [1], "of their own only");
    }

    async fn version_media_types_follow_the_contract(stoa) {
        let (_, draft, body) = draft(&stoa, "demo-partner").await;
        let url = path(VERSION, &draft);
        let good = media(VERSION, "v1-preview");
        for (accept, content, status) in [
            (good.as_str(), good.as_str(), 200),
            ("*/*", good.as_str(), 406),
            ("application/json", good.as_str(), 406),
            (good.as_str(), "application/json", 415),
            (
                good.as_str(),
                "application/vnd.meshcloud.api.meshbuildingblockdefinitionversion.v1.hal+json",
                415,
            ),
        ] {
            let send = |r: reqwest::RequestBuilder| {
                r.header("accept", accept).header("content-type", content).body(body.to_string())
            };
            let answer = stoa.admin.raw(Method::PUT, &url, send).await;
            assert_eq!(answer.status, status, "{accept} {content}: {}", answer.text);
        }
    }
}
