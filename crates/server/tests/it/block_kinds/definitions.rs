//! §2: definitions, their fields, filters and deletion.

use crate::on_both;
use crate::stoa::{Caller, input, merge, text, version_body};
use serde_json::{Value, json};

const DEFINITION: &str = "meshBuildingBlockDefinition";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";

fn body(change: Value) -> Value {
    let mut body = json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "Postgres schema", "description": "A schema" },
    });
    merge(&mut body, &change);
    body
}

async fn names(caller: &Caller, query: &str) -> Vec<String> {
    let list = caller.list(DEFINITION, query).await;
    let mut names: Vec<String> = list.iter().map(|found| text(found, "/spec/displayName")).collect();
    names.sort();
    names
}

on_both! {
    async fn a_definition_with_the_least_has_every_default(stoa) {
        let created = stoa.admin.create(DEFINITION, &body(json!({}))).await;
        assert_eq!(created["apiVersion"], "v1-preview");
        assert_eq!(created["kind"], DEFINITION);
        let metadata = &created["metadata"];
        assert_eq!(metadata["tags"], json!({}));
        assert!(text(&created, "/metadata/createdOn").ends_with('Z'));
        assert_eq!(created["spec"]["targetType"], "WORKSPACE_LEVEL");
        assert_eq!(created["spec"]["runTransparency"], false);
        assert_eq!(created["spec"]["useInLandingZonesOnly"], false);
        assert_eq!(created["spec"]["notificationSubscriberUsernames"], json!([]));
        assert!(text(&created, "/spec/symbol").starts_with("data:image/"), "an icon comes with it");
        for absent in ["readme", "supportUrl", "documentationUrl", "supportedPlatforms"] {
            assert!(created["spec"].get(absent).is_none_or(Value::is_null), "{absent}");
        }
        let status = &created["status"];
        assert_eq!(status["usageCount"], 0);
        assert_eq!((&status["latestVersion"], &status["latestReleasedVersion"]), (&json!(1), &Value::Null));
        assert_eq!(status["latestReleasedVersionUuid"], Value::Null);
    }

    async fn every_field_is_kept_as_it_was_sent(stoa) {
        let spec = json!({
            "displayName": "Schema", "description": "d".repeat(255), "readme": "# Title\n".repeat(100),
            "targetType": "TENANT_LEVEL", "runTransparency": true, "useInLandingZonesOnly": true,
            "supportedPlatforms": [{ "kind": "meshPlatformType", "name": "KUBERNETES" }],
            "supportUrl": "https://help.example.org", "documentationUrl": "https://docs.example.org/x?y=1",
            "notificationSubscriberUsernames": ["user:ada"], "symbol": "https://icons.example.org/db.svg",
        });
        let created = stoa.admin.create(DEFINITION, &body(json!({ "spec": spec }))).await;
        assert_eq!(created["spec"], spec);
        let path = format!("/{}", text(&created, "/metadata/uuid"));
        // A PUT replaces the whole: what is left out goes back to its default.
        let least = body(json!({ "spec": {
            "targetType": "TENANT_LEVEL", "supportedPlatforms": [{ "name": "AZURE" }],
            "readme": "", "supportUrl": null,
        } }));
        let changed = stoa.admin.put(DEFINITION, &path, &least).await.expect(200);
        for absent in ["readme", "supportUrl", "documentationUrl"] {
            assert!(changed["spec"].get(absent).is_none_or(Value::is_null), "{absent}: {changed}");
        }
        assert_eq!(
            changed["spec"]["supportedPlatforms"],
            json!([{ "kind": "meshPlatformType", "name": "AZURE" }])
        );
        assert_eq!(changed["spec"]["notificationSubscriberUsernames"], json!([]));
        assert_eq!(changed["spec"]["runTransparency"], false);
        assert!(text(&changed, "/spec/symbol").starts_with("data:"));
        assert_eq!(changed["metadata"]["createdOn"], created["metadata"]["createdOn"]);
    }

    async fn what_is_wrong_with_a_definition_is_named(stoa) {
        let platforms = json!([{ "name": "AZURE" }]);
        for (change, field) in [
            (json!({ "displayName": null }), "spec.displayName"),
            (json!({ "displayName": " " }), "spec.displayName"),
            (json!({ "displayName": "x".repeat(256) }), "spec.displayName"),
            (json!({ "description": null }), "spec.description"),
            (json!({ "description": "x".repeat(256) }), "spec.description"),
            (json!({ "targetType": "PLANET_LEVEL" }), "spec.targetType"),
            (json!({ "targetType": "TENANT_LEVEL" }), "spec.supportedPlatforms"),
            (json!({ "targetType": "TENANT_LEVEL", "supportedPlatforms": [] }), "spec.supportedPlatforms"),
            (json!({ "supportedPlatforms": platforms }), "spec.supportedPlatforms"),
            (
                json!({
                    "targetType": "TENANT_LEVEL", "supportedPlatforms": [{ "kind": "meshPlatform", "name": "A" }],
                }),
                "spec.supportedPlatforms.kind",
            ),
            (json!({ "runTransparency": "yes" }), "spec.runTransparency"),
            (json!({ "supportUrl": "javascript:alert(1)" }), "spec.supportUrl"),
            (json!({ "documentationUrl": "not a url" }), "spec.documentationUrl"),
            (json!({ "notificationSubscriberUsernames": ["ada"] }), "spec.notificationSubscriberUsernames"),
            (json!({ "symbol": "ftp://icons.example.org/x" }), "spec.symbol"),
            (json!({ "symbol": format!("data:image/png;base64,{}", "A".repeat(140_000)) }), "spec.symbol"),
        ] {
            let answer = stoa.admin.post(DEFINITION, "", &body(json!({ "spec": change }))).await;
            assert!(answer.json()["remarks"].to_string().contains(field), "{change}: {}", answer.text);
            answer.refused(400, field);
        }
        let fits = format!("data:image/png;base64,{}", "A".repeat(136_000));
        stoa.admin.create(DEFINITION, &body(json!({ "spec": { "symbol": fits } }))).await;
        let wrong = body(json!({ "apiVersion": "v1" }));
        stoa.admin.post(DEFINITION, "", &wrong).await.refused(400, "apiVersion");
        let wrong = body(json!({ "kind": "meshBuildingBlock" }));
        stoa.admin.post(DEFINITION, "", &wrong).await.refused(400, "kind");
        stoa.admin
            .post(DEFINITION, "", &body(json!({ "unknown": 1, "spec": { "unknown": {} } })))
            .await
            .expect(201);
        let wrong = body(json!({ "metadata": { "ownedByWorkspace": "nobody" } }));
        stoa.admin.post(DEFINITION, "", &wrong).await.refused(404, "nobody");
    }

    async fn owner_and_target_type_stay(stoa) {
        stoa.workspace("shop").await;
        let created = stoa.admin.create(DEFINITION, &body(json!({}))).await;
        let path = format!("/{}", text(&created, "/metadata/uuid"));
        let moved = body(json!({ "metadata": { "ownedByWorkspace": "shop" } }));
        stoa.admin.put(DEFINITION, &path, &moved).await.refused(400, "metadata.ownedByWorkspace");
        let changed = body(json!({ "spec": {
            "targetType": "TENANT_LEVEL", "supportedPlatforms": [{ "name": "AZURE" }],
        } }));
        stoa.admin.put(DEFINITION, &path, &changed).await.refused(400, "spec.targetType");
        let renamed = body(json!({ "metadata": { "uuid": "00000000-0000-4000-8000-000000000000" } }));
        stoa.admin.put(DEFINITION, &path, &renamed).await.refused(400, "metadata.uuid");
        let unknown = "/00000000-0000-4000-8000-000000000000";
        stoa.admin.put(DEFINITION, unknown, &body(json!({}))).await.refused(404, "");
        stoa.admin.get(DEFINITION, "/no-uuid").await.refused(404, "no-uuid");
    }

    async fn lists_show_own_definitions_and_on_request_all_published(stoa) {
        for name in ["shop", "data"] {
            stoa.workspace(name).await;
            for released in [true, false] {
                let title = if released { format!("{name} released") } else { format!("{name} drafted") };
                let change =
                    json!({ "metadata": { "ownedByWorkspace": name }, "spec": { "displayName": title } });
                let created = stoa.admin.create(DEFINITION, &body(change)).await;
                if released {
                    let mut version = version_body(name, &text(&created, "/metadata/uuid"));
                    version["spec"]["state"] = json!("RELEASED");
                    let path = format!("/{}", text(&created, "/status/latestVersionUuid"));
                    stoa.admin.put(VERSION, &path, &version).await.expect(200);
                }
            }
        }
        let shop = stoa.key("shop", &["BUILDINGBLOCKDEFINITION_LIST"]).await;
        let own = ["shop drafted", "shop released"];
        assert_eq!(names(&shop, "").await, own);
        assert_eq!(names(&shop, "?includeAllPublished=false").await, own);
        let with_published = names(&shop, "?includeAllPublished=true").await;
        assert_eq!(with_published, ["data released", "shop drafted", "shop released"]);
        assert_eq!(names(&shop, "?ownedByWorkspace=data").await, [""; 0]);
        let query = "?ownedByWorkspace=data&includeAllPublished=true";
        assert_eq!(names(&shop, query).await, ["data released"]);
        assert_eq!(names(&stoa.admin, "?ownedByWorkspace=data").await, ["data drafted", "data released"]);
        assert_eq!(names(&stoa.admin, "").await.len(), 4);

        // Another team's draft is no secret, but not for reading; what it released is.
        for definition in stoa.admin.list(DEFINITION, "?ownedByWorkspace=data").await {
            let answer = shop.get(DEFINITION, &format!("/{}", text(&definition, "/metadata/uuid"))).await;
            let released = definition["status"]["latestReleasedVersion"].is_i64();
            assert_eq!(answer.status, if released { 200 } else { 403 });
        }
        let nothing = stoa.key("shop", &["BUILDINGBLOCK_LIST"]).await;
        nothing.get(DEFINITION, "").await.refused(403, "BUILDINGBLOCKDEFINITION_LIST");
    }

    async fn tags_narrow_the_list(stoa) {
        stoa.workspace("shop").await;
        stoa.tag(DEFINITION, "for", json!({ "multiSelect": { "options": ["web", "data: lake"] } }), &[]).await;
        stoa.tag(DEFINITION, "kind", json!({ "string": {} }), &[]).await;
        for (title, tags) in [
            ("both", json!({ "for": ["web", "data: lake"], "kind": ["db"] })),
            ("one", json!({ "for": ["data: lake"] })),
            ("none", json!({})),
        ] {
            let change = json!({
                "metadata": { "ownedByWorkspace": "shop", "tags": tags }, "spec": { "displayName": title },
            });
            stoa.admin.create(DEFINITION, &body(change)).await;
        }
        assert_eq!(names(&stoa.admin, "?tag=for%3Aweb").await, ["both"]);
        assert_eq!(names(&stoa.admin, "?tag=for%3Adata%3A%20lake").await, ["both", "one"]);
        assert_eq!(names(&stoa.admin, "?tag=for").await, [""; 0]);
        let mut one = stoa.admin.list(DEFINITION, "?tag=kind%3Adb").await.remove(0);
        one["metadata"]["tags"] = json!({ "for": ["web"] });
        stoa.admin.put(DEFINITION, &format!("/{}", text(&one, "/metadata/uuid")), &one).await.expect(200);
        assert_eq!(names(&stoa.admin, "?tag=for%3Adata%3A%20lake").await, ["one"]);
        // With its definition a tag goes from the list, too.
        stoa.admin.delete("meshTagDefinition", &format!("/{DEFINITION}.for")).await.expect(204);
        assert_eq!(names(&stoa.admin, "?tag=for%3Aweb").await, [""; 0]);
        assert_eq!(names(&stoa.admin, "").await.len(), 3);
    }

    async fn pages_are_stable_and_complete(stoa) {
        for n in 0..5 {
            let change = json!({ "spec": { "displayName": format!("d{n}") } });
            stoa.admin.create(DEFINITION, &body(change)).await;
        }
        let mut seen = Vec::new();
        for page in 0..3 {
            let answer = stoa.admin.get(DEFINITION, &format!("?page={page}&size=2")).await.expect(200);
            assert_eq!(
                answer["page"],
                json!({ "size": 2, "totalElements": 5, "totalPages": 3, "number": page })
            );
            for found in answer["_embedded"]["meshBuildingBlockDefinitions"].as_array().unwrap() {
                seen.push(text(found, "/spec/displayName"));
            }
        }
        assert_eq!(seen, ["d0", "d1", "d2", "d3", "d4"], "oldest first");
        let beyond = stoa.admin.get(DEFINITION, "?page=9&size=2").await.expect(200);
        assert_eq!(beyond["page"]["number"], 9);
        assert_eq!(beyond["_embedded"]["meshBuildingBlockDefinitions"], json!([]));
    }

    async fn usage_counts_blocks_that_are_there(stoa) {
        stoa.workspace("shop").await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let mut blocks = Vec::new();
        for _ in 0..2 {
            blocks.push(text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/metadata/uuid"));
        }
        let count = |kind: &'static str, id: String| {
            let admin = stoa.admin.clone();
            async move { admin.get(kind, &format!("/{id}")).await.expect(200)["status"]["usageCount"].clone() }
        };
        assert_eq!(count(DEFINITION, definition.clone()).await, 2);
        assert_eq!(count(VERSION, version.clone()).await, 2);
        stoa.admin.delete("meshBuildingBlock", &format!("/{}/purge", blocks[0])).await.expect(202);
        assert_eq!(count(DEFINITION, definition).await, 1);
        assert_eq!(count(VERSION, version).await, 1);
    }

    async fn a_definition_goes_when_nothing_needs_it(stoa) {
        stoa.workspace("shop").await;
        let (parent, parent_version) = stoa.definition("demo-partner", json!({})).await;
        let change = json!({ "dependencyDefinitionRefs": [{ "uuid": parent }] });
        let (child, child_version) = stoa.definition("demo-partner", change).await;
        let block =
            text(&stoa.order(&stoa.admin, &parent_version, "shop", json!({})).await, "/metadata/uuid");
        let delete = |id: String| {
            let admin = stoa.admin.clone();
            async move { admin.delete(DEFINITION, &format!("/{id}")).await }
        };
        let why = delete(parent.clone()).await;
        assert_eq!(why.json()["errorCode"], "BuildingBlockConflict");
        why.refused(409, "existing BuildingBlocks referencing it");
        stoa.admin.delete("meshBuildingBlock", &format!("/{block}/purge")).await.expect(202);
        delete(parent.clone()).await.refused(409, "depends on it");
        // Once the child's newest version does without it, older ones do not matter.
        let body = version_body("demo-partner", &child);
        stoa.admin.create(VERSION, &body).await;
        delete(parent.clone()).await.expect(204);
        for (kind, id) in [(DEFINITION, &parent), (VERSION, &parent_version), ("meshBuildingBlock", &block)] {
            stoa.admin.get(kind, &format!("/{id}")).await.refused(404, id);
        }
        delete(parent).await.refused(404, "");
        let old = stoa.admin.get(VERSION, &format!("/{child_version}")).await.expect(200);
        assert_eq!(old["spec"]["state"], "RELEASED", "it stays as it was released");
        stoa.admin.delete(VERSION, &format!("/{child_version}")).await.refused(405, "GET");
    }

    async fn writing_needs_the_right_of_the_owning_workspace(stoa) {
        stoa.workspace("shop").await;
        let codes = [
            "BUILDINGBLOCKDEFINITION_SAVE",
            "BUILDINGBLOCKDEFINITION_DELETE",
            "BUILDINGBLOCKDEFINITION_LIST",
        ];
        let shop = stoa.key("shop", &codes).await;
        let reader = stoa.key("demo-partner", &["BUILDINGBLOCKDEFINITION_LIST"]).await;
        let created = stoa.admin.create(DEFINITION, &body(json!({}))).await;
        let path = format!("/{}", text(&created, "/metadata/uuid"));
        let version = format!("/{}", text(&created, "/status/latestVersionUuid"));
        let mut changed = version_body("demo-partner", &text(&created, "/metadata/uuid"));
        changed["spec"]["inputs"] = json!({ "a": input(json!({})) });
        for caller in [&shop, &reader] {
            caller.post(DEFINITION, "", &body(json!({}))).await.refused(403, "");
            caller.put(DEFINITION, &path, &body(json!({}))).await.refused(403, "");
            caller.delete(DEFINITION, &path).await.refused(403, "");
            caller.put(VERSION, &version, &changed).await.refused(403, "");
            caller.post(VERSION, "", &changed).await.refused(403, "");
        }
        let own = body(json!({ "metadata": { "ownedByWorkspace": "shop" } }));
        let mine = shop.create(DEFINITION, &own).await;
        shop.delete(DEFINITION, &format!("/{}", text(&mine, "/metadata/uuid"))).await.expect(204);
        reader.get(VERSION, &version).await.expect(200);
        shop.get(VERSION, &version).await.refused(403, "");
    }
}
