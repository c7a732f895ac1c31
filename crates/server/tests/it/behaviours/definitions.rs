//! Behaviours 1 to 7 and 20 to 22: definitions and their versions.

use crate::on_both;
use crate::stoa::{SHARED, Stoa, input, shared_key, text, version_body};
use serde_json::{Value, json};

const DEFINITION: &str = "meshBuildingBlockDefinition";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";

fn definition_body(owner: &str) -> Value {
    json!({
        "metadata": { "ownedByWorkspace": owner, "tags": {} },
        "spec": { "displayName": "Postgres schema", "description": "A schema in the shared cluster" },
    })
}

/// uuids of a new definition and of its draft.
async fn drafted(stoa: &Stoa, owner: &str) -> (String, String) {
    let created = stoa.admin.create(DEFINITION, &definition_body(owner)).await;
    (text(&created, "/metadata/uuid"), text(&created, "/status/latestVersionUuid"))
}

/// The versions of a definition, as a list shows them.
async fn versions(stoa: &Stoa, definition: &str) -> Vec<Value> {
    stoa.admin.list(VERSION, &format!("?buildingBlockDefinitionUuid={definition}")).await
}

fn states(definition: &Value) -> Vec<(i64, &str)> {
    let listed = definition["status"]["versions"].as_array().unwrap().iter();
    listed.map(|v| (v["versionNumber"].as_i64().unwrap(), v["state"].as_str().unwrap())).collect()
}

on_both! {
    async fn behaviour_1_a_new_definition_has_one_draft_and_lists_show_what_was_just_written(stoa) {
        stoa.workspace("shop").await;
        let created = stoa.admin.create(DEFINITION, &definition_body("demo-partner")).await;
        assert_eq!(states(&created), [(1, "DRAFT")]);
        let uuid = text(&created, "/metadata/uuid");
        let listed = versions(&stoa, &uuid).await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["metadata"]["uuid"], created["status"]["latestVersionUuid"]);
        let spec = &listed[0]["spec"];
        assert_eq!(spec["deletionMode"], "DELETE");
        assert_eq!(spec["runnerRef"], json!({ "kind": "meshBuildingBlockRunner", "uuid": SHARED }));
        assert_eq!((&spec["inputs"], &spec["outputs"]), (&json!({}), &json!({})));
        assert_eq!(spec["implementation"]["type"], "manual");

        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let runner = json!({
            "metadata": { "ownedByWorkspace": "shop" },
            "spec": { "displayName": "r", "publicKey": shared_key().public_pem(), "implementationType": "ALL" },
        });
        let integration = json!({
            "metadata": { "ownedByWorkspace": "shop" },
            "spec": { "displayName": "lab", "config": {
                "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example.org" },
            } },
        });
        let runner = stoa.admin.create("meshBuildingBlockRunner", &runner).await;
        let integration = stoa.admin.create("meshIntegration", &integration).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        for (kind, object) in [
            (DEFINITION, &created),
            ("meshBuildingBlockRunner", &runner),
            ("meshIntegration", &integration),
            ("meshBuildingBlock", &block),
        ] {
            let list = stoa.admin.list(kind, "").await;
            let found = list.iter().find(|found| found["metadata"]["uuid"] == object["metadata"]["uuid"]);
            assert_eq!(found, Some(object), "{kind}");
        }
        assert_eq!(stoa.admin.runs(&text(&block, "/metadata/uuid")).await.len(), 1);
    }

    async fn behaviour_2_declared_tags_come_back_unchanged(stoa) {
        stoa.tags(DEFINITION, &["confidentiality", "zones", "empty", "number"]).await;
        let mut body = definition_body("demo-partner");
        body["metadata"]["tags"] = json!({ "confidentiality": ["internal"], "zones": ["b", "a", "b"] });
        let created = stoa.admin.create(DEFINITION, &body).await;
        assert_eq!(created["metadata"]["tags"], body["metadata"]["tags"]);
        let path = format!("/{}", text(&created, "/metadata/uuid"));
        body["metadata"]["tags"] = json!({ "zones": ["c"], "empty": [], "number": [7] });
        let changed = stoa.admin.put(DEFINITION, &path, &body).await.expect(200);
        assert_eq!(changed["metadata"]["tags"], json!({ "zones": ["c"], "number": ["7"] }));
        body["metadata"].as_object_mut().unwrap().remove("tags");
        let changed = stoa.admin.put(DEFINITION, &path, &body).await.expect(200);
        assert_eq!(changed["metadata"]["tags"], json!({}));
    }

    async fn behaviour_3_what_was_put_is_what_is_listed(stoa) {
        let (definition, version) = drafted(&stoa, "demo-partner").await;
        let mut body = version_body("demo-partner", &definition);
        body["spec"]["permissions"] = json!(["PROJECT_LIST", "BUILDINGBLOCK_LIST"]);
        body["spec"]["inputs"] = json!({
            "first": input(json!({ "displayOrder": 0, "defaultValue": "x", "description": "Lower case" })),
            "second": input(json!({ "displayOrder": 1, "type": "INTEGER" })),
            "unplaced": input(json!({})),
            "file.tfvars": input(json!({ "type": "FILE", "displayOrder": 3 })),
        });
        body["spec"]["outputs"] =
            json!({ "url": { "displayName": "URL", "type": "STRING", "displayOrder": 0 } });
        let put = stoa.admin.put(VERSION, &format!("/{version}"), &body).await.expect(200);
        let listed = versions(&stoa, &definition).await;
        assert_eq!(listed, std::slice::from_ref(&put));
        let spec = &put["spec"];
        assert_eq!(spec["inputs"]["first"]["displayOrder"], 0);
        assert_eq!(spec["outputs"]["url"]["displayOrder"], 0);
        assert!(spec["inputs"]["unplaced"]["displayOrder"].is_i64());
        for (key, sent) in body["spec"]["inputs"].as_object().unwrap() {
            for (field, value) in sent.as_object().unwrap() {
                assert_eq!(&spec["inputs"][key][field], value, "{key}.{field}");
            }
        }
        let mut permissions: Vec<&str> =
            spec["permissions"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        permissions.sort_unstable();
        assert_eq!(permissions, ["BUILDINGBLOCK_LIST", "PROJECT_LIST"]);
        // Sent again as it was read, it is the same again.
        let again = stoa.admin.put(VERSION, &format!("/{version}"), &put).await.expect(200);
        assert_eq!(again["spec"], put["spec"]);
    }

    async fn behaviour_4_a_teams_first_release_waits_for_approval_and_no_other_does(stoa) {
        stoa.workspace("data").await;
        let team = stoa.key("data", &["BUILDINGBLOCKDEFINITION_SAVE", "BUILDINGBLOCKDEFINITION_LIST"]).await;
        let created = team.create(DEFINITION, &definition_body("data")).await;
        let (definition, first) =
            (text(&created, "/metadata/uuid"), text(&created, "/status/latestVersionUuid"));
        let mut body = version_body("data", &definition);
        body["spec"]["state"] = json!("RELEASED");
        let answer = team.put(VERSION, &format!("/{first}"), &body).await.expect(200);
        assert_eq!(
            (&answer["spec"]["state"], &answer["status"]["state"]),
            (&json!("DRAFT"), &json!("DRAFT"))
        );
        team.act(VERSION, &format!("/{first}/approve")).await.refused(403, "ADM_REVIEW_PUBLICATION");
        // A new PUT takes the request back; asking again and a refusal do no harm.
        body["spec"]["state"] = json!("DRAFT");
        team.put(VERSION, &format!("/{first}"), &body).await.expect(200);
        stoa.admin.act(VERSION, &format!("/{first}/approve")).await.refused(409, "review");
        body["spec"]["state"] = json!("RELEASED");
        team.put(VERSION, &format!("/{first}"), &body).await.expect(200);
        let declined = stoa.admin.act(VERSION, &format!("/{first}/decline")).await.expect(200);
        assert_eq!(declined["spec"]["state"], "DRAFT");
        team.put(VERSION, &format!("/{first}"), &body).await.expect(200);
        let approved = stoa.admin.act(VERSION, &format!("/{first}/approve")).await.expect(200);
        assert_eq!(approved["spec"]["state"], "RELEASED");

        body["spec"]["state"] = json!("DRAFT");
        let second = text(&team.create(VERSION, &body).await, "/metadata/uuid");
        body["spec"]["state"] = json!("RELEASED");
        let answer = team.put(VERSION, &format!("/{second}"), &body).await.expect(200);
        assert_eq!(
            (&answer["spec"]["state"], &answer["status"]["state"]),
            (&json!("RELEASED"), &json!("RELEASED"))
        );
    }

    async fn behaviour_4_the_admin_workspace_releases_at_once(stoa) {
        let team =
            stoa.key("demo-partner", &["BUILDINGBLOCKDEFINITION_SAVE", "BUILDINGBLOCKDEFINITION_LIST"]).await;
        let (definition, first) = drafted(&stoa, "demo-partner").await;
        let mut body = version_body("demo-partner", &definition);
        body["spec"]["state"] = json!("RELEASED");
        let answer = team.put(VERSION, &format!("/{first}"), &body).await.expect(200);
        assert_eq!(answer["spec"]["state"], "RELEASED");
    }

    async fn behaviour_5_a_new_draft_leaves_the_released_version_alone(stoa) {
        let (definition, first) = stoa.definition("demo-partner", json!({})).await;
        let before = stoa.admin.get(VERSION, &format!("/{first}")).await.expect(200);
        let mut body = version_body("demo-partner", &definition);
        body["spec"]["versionNumber"] = json!(2);
        body["spec"]["state"] = json!("DRAFT");
        body["spec"]["inputs"] = json!({ "more": input(json!({})) });
        let second = stoa.admin.create(VERSION, &body).await;
        assert_eq!(
            (&second["spec"]["versionNumber"], &second["spec"]["state"]),
            (&json!(2), &json!("DRAFT"))
        );
        assert_eq!(versions(&stoa, &definition).await, [before, second.clone()]);
        let shown = stoa.admin.get(DEFINITION, &format!("/{definition}")).await.expect(200);
        assert_eq!(states(&shown), [(1, "RELEASED"), (2, "DRAFT")]);
        assert_eq!(shown["status"]["latestVersion"], 2);
        assert_eq!(shown["status"]["latestVersionUuid"], second["metadata"]["uuid"]);
        assert_eq!(shown["status"]["latestReleasedVersion"], 1);
        assert_eq!(shown["status"]["latestReleasedVersionUuid"], json!(first));
    }

    async fn behaviour_6_a_secret_is_kept_by_its_hash_and_rotated_by_plaintext(stoa) {
        stoa.workspace("shop").await;
        let (definition, draft) = drafted(&stoa, "demo-partner").await;
        let mut body = version_body("demo-partner", &definition);
        let key = json!({ "type": "STRING", "assignmentType": "STATIC", "isSensitive": true });
        body["spec"]["inputs"] = json!({ "PASSWORD": input(key) });
        let secret =
            |body: &mut Value, secret: Value| body["spec"]["inputs"]["PASSWORD"]["argument"] = secret;
        let hash_of = |version: &Value| text(version, "/spec/inputs/PASSWORD/argument/hash");

        secret(&mut body, json!({ "plaintext": "s3cret" }));
        let first = stoa.admin.put(VERSION, &format!("/{draft}"), &body).await.expect(200);
        let hash = hash_of(&first);
        assert_eq!(first["spec"]["inputs"]["PASSWORD"]["argument"], json!({ "hash": hash }));
        assert!(!first.to_string().contains("s3cret"));
        secret(&mut body, json!({ "hash": hash }));
        body["spec"]["state"] = json!("RELEASED");
        let released = stoa.admin.put(VERSION, &format!("/{draft}"), &body).await.expect(200);
        assert_eq!(hash_of(&released), hash);
        body["spec"]["state"] = json!("DRAFT");
        let second = stoa.admin.create(VERSION, &body).await;
        assert_eq!(hash_of(&second), hash, "identical when carried to the next draft");

        let path = format!("/{}", text(&second, "/metadata/uuid"));
        secret(&mut body, json!({ "plaintext": "other" }));
        let rotated = hash_of(&stoa.admin.put(VERSION, &path, &body).await.expect(200));
        assert_ne!(rotated, hash);
        secret(&mut body, json!({ "hash": hash }));
        stoa.admin.put(VERSION, &path, &body).await.refused(409, "spec.inputs.PASSWORD.argument.hash");
        secret(&mut body, json!({ "plaintext": " " }));
        stoa.admin.put(VERSION, &path, &body).await.refused(400, "blank");
        secret(&mut body, json!({ "plaintext": "s3cret" }));
        assert_eq!(
            hash_of(&stoa.admin.put(VERSION, &path, &body).await.expect(200)),
            hash,
            "stable per value"
        );
        // What runs get is the released version's value.
        stoa.order(&stoa.admin, &draft, "shop", json!({})).await;
        let sealed = text(&stoa.claim().await.input("PASSWORD"), "/value");
        assert_eq!(shared_key().open(&sealed).unwrap(), "s3cret");
    }

    async fn behaviour_7_a_sensitive_static_input_shows_as_its_hash(stoa) {
        stoa.workspace("shop").await;
        let key = json!({
            "assignmentType": "STATIC", "isSensitive": true, "isEnvironment": true,
            "argument": { "plaintext": "pw" },
        });
        let (_, version) =
            stoa.definition("demo-partner", json!({ "inputs": { "PGPASSWORD": input(key) } })).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let shown = stoa.admin.get(VERSION, &format!("/{version}")).await.expect(200);
        let expected = json!({
            "value": shown["spec"]["inputs"]["PGPASSWORD"]["argument"],
            "valueType": "STRING", "assignmentType": "STATIC", "isSensitive": true,
        });
        assert_eq!(block["spec"]["inputs"]["PGPASSWORD"], expected);
        assert!(expected["value"]["hash"].is_string());
    }

    async fn behaviour_20_others_may_not_list_versions_but_see_which_there_are(stoa) {
        stoa.workspace("shop").await;
        let (definition, _) = stoa.definition("demo-partner", json!({})).await;
        let body = version_body("demo-partner", &definition);
        stoa.admin.create(VERSION, &body).await;
        let other = stoa.key("shop", &["BUILDINGBLOCKDEFINITION_LIST"]).await;
        other.get(VERSION, &format!("?buildingBlockDefinitionUuid={definition}")).await.refused(403, "");
        let seen = other.get(DEFINITION, &format!("/{definition}")).await.expect(200);
        assert_eq!(states(&seen), [(1, "RELEASED"), (2, "DRAFT")]);
        assert_eq!(seen["status"]["usageCount"], Value::Null);
        let listed = other.list(DEFINITION, "?includeAllPublished=true").await;
        assert_eq!(states(&listed[0]), [(1, "RELEASED"), (2, "DRAFT")]);
    }

    async fn behaviour_21_notification_subscribers_are_a_set(stoa) {
        let mut body = definition_body("demo-partner");
        body["spec"]["notificationSubscriberUsernames"] = json!(["user:ada", "email:dba@example.org"]);
        let created = stoa.admin.create(DEFINITION, &body).await;
        let kept = created["spec"]["notificationSubscriberUsernames"].as_array().unwrap();
        assert!(kept.iter().all(|name| name == "user:ada" || name == "email:dba@example.org"), "{kept:?}");
        body["spec"]["notificationSubscriberUsernames"] = json!(["ada"]);
        stoa.admin.post(DEFINITION, "", &body).await.refused(400, "notificationSubscriberUsernames");
    }

    async fn behaviour_22_a_manual_definition_derives_one_output_per_input(stoa) {
        let created = stoa.admin.create(DEFINITION, &definition_body("demo-partner")).await;
        let (definition, version) =
            (text(&created, "/metadata/uuid"), text(&created, "/status/latestVersionUuid"));
        let path = format!("/{version}");
        let mut body = version_body("demo-partner", &definition);
        body["spec"]["implementation"] = json!({ "type": "manual" });
        body["spec"]["inputs"] = json!({
            "size": input(json!({ "type": "SINGLE_SELECT", "selectableValues": ["s"], "displayOrder": 9 })),
            "zones": input(json!({ "type": "MULTI_SELECT", "selectableValues": ["a"], "displayOrder": 2 })),
            "plan": input(json!({ "type": "FILE", "displayOrder": 2, "displayName": "The plan" })),
            "list": input(json!({ "type": "LIST", "displayOrder": 1 })),
            "count": input(json!({ "type": "INTEGER", "displayOrder": 20 })),
        });
        let output = |name: &str, io_type: &str, assignment: &str, order: i64| {
            json!({
                "displayName": name, "type": io_type, "assignmentType": assignment, "displayOrder": order,
            })
        };
        let derived = json!({
            "list": output("An input", "CODE", "NONE", 0),
            "plan": output("The plan", "FILE", "NONE", 1),
            "zones": output("An input", "CODE", "NONE", 2),
            "size": output("An input", "STRING", "NONE", 3),
            "count": output("An input", "INTEGER", "NONE", 4),
        });
        let put = stoa.admin.put(VERSION, &path, &body).await.expect(200);
        assert_eq!(put["spec"]["outputs"], derived);
        assert_eq!(versions(&stoa, &definition).await[0]["spec"]["outputs"], derived);

        // Overrides are honoured, empty ones mean derived, and they stay when a later PUT leaves them out.
        body["spec"]["outputs"] = json!({
            "size": { "displayName": "How large", "assignmentType": "SUMMARY", "displayOrder": 0, "type": "" },
            "count": { "displayName": "", "assignmentType": "", "type": "INTEGER" },
        });
        let mut expected = derived;
        expected["size"] = output("How large", "STRING", "SUMMARY", 0);
        let put = stoa.admin.put(VERSION, &path, &body).await.expect(200);
        assert_eq!(put["spec"]["outputs"], expected);
        body["spec"]["outputs"] = json!({});
        let put = stoa.admin.put(VERSION, &path, &body).await.expect(200);
        assert_eq!(put["spec"]["outputs"], expected);
        for (outputs, why) in
            [(json!({ "unknown": {} }), "unknown"), (json!({ "size": { "type": "INTEGER" } }), "size")]
        {
            body["spec"]["outputs"] = outputs;
            stoa.admin.put(VERSION, &path, &body).await.refused(400, why);
        }
        // The next draft carries them on.
        body["spec"]["outputs"] = json!({});
        body["spec"]["state"] = json!("RELEASED");
        stoa.admin.put(VERSION, &path, &body).await.expect(200);
        body["spec"]["state"] = json!("DRAFT");
        let next = stoa.admin.create(VERSION, &body).await;
        assert_eq!(next["spec"]["outputs"], expected);
    }
}
