//! §3.7 and the chains of §6.3: definitions that lean on others, and blocks that follow their parents.

use crate::on_both;
use crate::stoa::{Caller, Stoa, block_body, input, text, version_body};
use serde_json::{Value, json};

const BLOCK: &str = "meshBuildingBlock";
const VERSION: &str = "meshBuildingBlockDefinitionVersion";

fn outputs(io_type: &str) -> Value {
    json!({ "host": { "displayName": "Host", "type": io_type } })
}

/// The change that makes a version take `host` of another definition.
fn takes_host(parent: &str, io_type: &str) -> Value {
    let host = json!({
        "assignmentType": "BUILDING_BLOCK_OUTPUT", "type": io_type, "argument": format!("{parent}.host"),
    });
    json!({ "dependencyDefinitionRefs": [{ "uuid": parent }], "inputs": { "host": input(host) } })
}

fn child_body(version: &str, parents: &[&str]) -> Value {
    let mut body = block_body(version, "shop", json!({}));
    body["spec"]["parentBuildingBlockRefs"] =
        parents.iter().map(|uuid| json!({ "kind": BLOCK, "uuid": uuid })).collect();
    body
}

async fn tenant_level(stoa: &Stoa) -> (String, String) {
    let created = stoa
        .admin
        .create(
            "meshBuildingBlockDefinition",
            &json!({
                "metadata": { "ownedByWorkspace": "demo-partner" },
                "spec": {
                    "displayName": "d", "description": "d", "targetType": "TENANT_LEVEL",
                    "supportedPlatforms": [{ "name": "AZURE" }],
                },
            }),
        )
        .await;
    (text(&created, "/metadata/uuid"), text(&created, "/status/latestVersionUuid"))
}

async fn wait_for(caller: &Caller, block: &str, status: &str) -> Value {
    caller.until(BLOCK, block, |found| found["status"]["status"] == status).await
}

on_both! {
    async fn dependencies_must_exist_be_visible_and_fit(stoa) {
        stoa.workspace("shop").await;
        stoa.workspace("data").await;
        let (parent, _) = stoa.definition("demo-partner", json!({ "outputs": outputs("STRING") })).await;
        let hidden = stoa.admin.create("meshBuildingBlockDefinition", &json!({
            "metadata": { "ownedByWorkspace": "data" }, "spec": { "displayName": "d", "description": "d" },
        })).await;
        let team = stoa.key("shop", &["BUILDINGBLOCKDEFINITION_SAVE", "BUILDINGBLOCKDEFINITION_LIST"]).await;
        let own = team.create("meshBuildingBlockDefinition", &json!({
            "metadata": { "ownedByWorkspace": "shop" }, "spec": { "displayName": "d", "description": "d" },
        })).await;
        let own_id = text(&own, "/metadata/uuid");
        let path = format!("/{}", text(&own, "/status/latestVersionUuid"));
        let (tenant, _) = tenant_level(&stoa).await;
        const FIELD: &str = "spec.dependencyDefinitionRefs";
        for (refs, why) in [
            (json!([{ "uuid": "00000000-0000-4000-8000-000000000000" }]), FIELD),
            (json!([{ "uuid": "no-uuid" }]), FIELD),
            (json!([{ "uuid": hidden["metadata"]["uuid"] }]), FIELD),
            (json!([{ "uuid": own_id }]), "itself"),
        ] {
            let mut body = version_body("shop", &own_id);
            body["spec"]["dependencyDefinitionRefs"] = refs;
            team.put(VERSION, &path, &body).await.refused(400, why);
        }
        let mut body = version_body("shop", &own_id);
        body["spec"]["dependencyDefinitionRefs"] = json!([{ "uuid": tenant }]);
        stoa.admin.put(VERSION, &path, &body).await.refused(400, "TENANT_LEVEL");
        // A tenant-level definition may lean on a workspace-level one.
        let (lower, lower_version) = tenant_level(&stoa).await;
        let mut body = version_body("demo-partner", &lower);
        body["spec"]["dependencyDefinitionRefs"] = json!([{ "uuid": parent }]);
        stoa.admin.put(VERSION, &format!("/{lower_version}"), &body).await.expect(200);
        // The deprecated list of uuids counts when the references are absent, and both are served.
        let mut body = version_body("shop", &own_id);
        body["spec"]["dependencyDefinitionUuids"] = json!([parent, parent]);
        let kept = team.put(VERSION, &path, &body).await.expect(200);
        let reference = json!({ "kind": "meshBuildingBlockDefinition", "uuid": parent });
        assert_eq!(kept["spec"]["dependencyDefinitionRefs"], json!([reference]));
        assert_eq!(kept["spec"]["dependencyDefinitionUuids"], json!([parent]));
        body["spec"]["dependencyDefinitionRefs"] = json!([]);
        let kept = team.put(VERSION, &path, &body).await.expect(200);
        assert_eq!(kept["spec"]["dependencyDefinitionUuids"], json!([]));
    }

    async fn cycles_over_newest_versions_are_refused(stoa) {
        let (a, _) = stoa.definition("demo-partner", json!({})).await;
        let on = |definition: &str| json!({ "dependencyDefinitionRefs": [{ "uuid": definition }] });
        let (b, _) = stoa.definition("demo-partner", on(&a)).await;
        let (c, _) = stoa.definition("demo-partner", on(&b)).await;
        let mut body = version_body("demo-partner", &a);
        body["spec"]["dependencyDefinitionRefs"] = json!([{ "uuid": c }]);
        stoa.admin.post(VERSION, "", &body).await.refused(400, "cycle");
        // When c's newest version does without b, a may lean on c.
        stoa.admin.create(VERSION, &version_body("demo-partner", &c)).await;
        stoa.admin.create(VERSION, &body).await;
    }

    async fn an_input_may_only_name_an_output_that_is_promised(stoa) {
        let (parent, _) = stoa.definition("demo-partner", json!({ "outputs": outputs("STRING") })).await;
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
        let source = |body: &mut Value, of: String, io_type: &str| {
            let change =
                json!({ "assignmentType": "BUILDING_BLOCK_OUTPUT", "type": io_type, "argument": of });
            body["spec"]["inputs"] = json!({ "host": input(change) });
        };
        source(&mut body, format!("{parent}.host"), "STRING");
        stoa.admin.put(VERSION, &path, &body).await.refused(400, "dependencyDefinitionRefs");
        body["spec"]["dependencyDefinitionRefs"] = json!([{ "uuid": parent }]);
        source(&mut body, format!("{parent}.port"), "STRING");
        stoa.admin.put(VERSION, &path, &body).await.refused(400, "port");
        for io_type in ["STRING", "CODE"] {
            source(&mut body, format!("{parent}.host"), io_type);
            stoa.admin.put(VERSION, &path, &body).await.expect(200);
        }
        // A type that does not fit is a matter of the release.
        source(&mut body, format!("{parent}.host"), "INTEGER");
        stoa.admin.put(VERSION, &path, &body).await.expect(200);
        body["spec"]["state"] = json!("RELEASED");
        stoa.admin.put(VERSION, &path, &body).await.refused(400, "spec.inputs.host.argument");
        // What the parent's draft promises counts for drafts, and not for a release.
        let mut next = version_body("demo-partner", &parent);
        next["spec"]["outputs"] = json!({ "port": { "displayName": "Port", "type": "STRING" } });
        stoa.admin.create(VERSION, &next).await;
        source(&mut body, format!("{parent}.port"), "STRING");
        stoa.admin.put(VERSION, &path, &body).await.refused(400, "port");
        body["spec"]["state"] = json!("DRAFT");
        stoa.admin.put(VERSION, &path, &body).await.expect(200);
    }

    async fn a_child_waits_for_its_parent_and_starts_when_it_has_succeeded(stoa) {
        stoa.workspace("shop").await;
        let (definition, parent_version) =
            stoa.definition("demo-partner", json!({ "outputs": outputs("STRING") })).await;
        let (_, version) = stoa.definition("demo-partner", takes_host(&definition, "STRING")).await;
        let parent =
            text(&stoa.order(&stoa.admin, &parent_version, "shop", json!({})).await, "/metadata/uuid");
        let child = stoa.admin.create(BLOCK, &child_body(&version, &[&parent])).await;
        let child_id = text(&child, "/metadata/uuid");
        assert_eq!(child["status"]["status"], "WAITING_FOR_DEPENDENT_INPUT");
        assert_eq!(child["status"]["waiting"]["reason"], "PARENT_OUTPUT_MISSING");
        assert!(child["spec"]["inputs"].get("host").is_none());
        assert_eq!(child["spec"]["parentBuildingBlockRefs"], json!([{ "kind": BLOCK, "uuid": parent }]));
        let entry = json!({ "buildingBlockUuid": parent, "definitionUuid": definition });
        assert_eq!(child["spec"]["parentBuildingBlocks"], json!([entry]));

        // A parent that fails wakes nobody.
        stoa.claim().await.end("FAILED").await;
        stoa.admin.trigger(&parent).await.expect(202);
        stoa.claim().await.deliver(json!({ "host": "pg1" })).await;
        wait_for(&stoa.admin, &child_id, "PENDING").await;
        let run = stoa.claim().await;
        assert_eq!(run.block(), child_id);
        assert_eq!(run.run["spec"]["trigger"]["reason"], "PARENT_RUN_SUCCEEDED");
        assert_eq!(run.run["spec"]["trigger"]["author"]["type"], "System");
        assert_eq!(run.input("host")["value"], "pg1");
        assert_eq!(run.run["spec"]["buildingBlock"]["spec"]["parentBuildingBlocks"], json!([entry]));
        run.end("SUCCEEDED").await;
        assert_eq!(stoa.admin.runs(&child_id).await.len(), 1);

        // The parent runs again: the same output leaves the child alone, another one does not.
        stoa.admin.trigger(&parent).await.expect(202);
        stoa.claim().await.deliver(json!({ "host": "pg1" })).await;
        stoa.admin.trigger(&parent).await.expect(202);
        stoa.claim().await.deliver(json!({ "host": "pg2" })).await;
        wait_for(&stoa.admin, &child_id, "PENDING").await;
        let run = stoa.claim().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "DEPENDENCY_OUTPUT_CHANGED");
        assert_eq!(run.run["spec"]["runNumber"], 2, "the unchanged output started nothing");
        assert_eq!(run.input("host")["value"], "pg2");
    }

    async fn a_change_runs_down_a_chain(stoa) {
        stoa.workspace("shop").await;
        let mut versions = Vec::new();
        let mut parent: Option<String> = None;
        for _ in 0..3 {
            let mut change = parent.as_ref().map_or(json!({}), |parent| takes_host(parent, "STRING"));
            change["outputs"] = outputs("STRING");
            let (definition, version) = stoa.definition("demo-partner", change).await;
            versions.push(version);
            parent = Some(definition);
        }
        let mut blocks: Vec<String> = Vec::new();
        for version in &versions {
            let parents: Vec<&str> = blocks.last().map(String::as_str).into_iter().collect();
            let block = stoa.admin.create(BLOCK, &child_body(version, &parents)).await;
            blocks.push(text(&block, "/metadata/uuid"));
        }
        for (value, reason) in [("a", "PARENT_RUN_SUCCEEDED"), ("b", "DEPENDENCY_OUTPUT_CHANGED")] {
            for (place, block) in blocks.iter().enumerate() {
                wait_for(&stoa.admin, block, "PENDING").await;
                let run = stoa.claim().await;
                assert_eq!(&run.block(), block);
                if place > 0 {
                    assert_eq!(run.run["spec"]["trigger"]["reason"], reason);
                    assert_eq!(run.input("host")["value"], value.repeat(place));
                }
                run.deliver(json!({ "host": value.repeat(place + 1) })).await;
            }
            stoa.admin.trigger(&blocks[0]).await.expect(202);
        }
    }

    async fn parents_must_be_there_and_one_for_each_input(stoa) {
        for name in ["shop", "data"] {
            stoa.workspace(name).await;
        }
        let (definition, parent_version) =
            stoa.definition("demo-partner", json!({ "outputs": outputs("STRING") })).await;
        let (_, version) = stoa.definition("demo-partner", takes_host(&definition, "STRING")).await;
        let (_, unrelated) = stoa.definition("demo-partner", json!({})).await;
        let parent = |version: &str, workspace: &'static str| {
            let (stoa, version) = (&stoa, version.to_owned());
            async move { text(&stoa.order(&stoa.admin, &version, workspace, json!({})).await, "/metadata/uuid") }
        };
        let (first, second) = (parent(&parent_version, "shop").await, parent(&parent_version, "shop").await);
        let (foreign, wrong) = (parent(&parent_version, "data").await, parent(&unrelated, "shop").await);
        let gone = parent(&parent_version, "shop").await;
        stoa.admin.delete(BLOCK, &format!("/{gone}/purge")).await.expect(202);
        let unknown = "00000000-0000-4000-8000-000000000000";
        for parents in [
            &[][..],
            &[first.as_str(), second.as_str()],
            &[foreign.as_str()],
            &[wrong.as_str()],
            &[gone.as_str()],
            &[unknown],
            &[first.as_str(), wrong.as_str()],
        ] {
            stoa.admin
                .post(BLOCK, "", &child_body(&version, parents))
                .await
                .refused(400, "parentBuildingBlockRefs");
        }
        // Both forms at once must name the same blocks; the deprecated one will do alone.
        let mut body = child_body(&version, &[&first]);
        body["spec"]["parentBuildingBlocks"] = json!([{ "buildingBlockUuid": second }]);
        stoa.admin.post(BLOCK, "", &body).await.refused(400, "parentBuildingBlocks");
        body["spec"]["parentBuildingBlocks"] = json!([{ "buildingBlockUuid": first }]);
        let child = stoa.admin.create(BLOCK, &body).await;
        body["spec"].as_object_mut().unwrap().remove("parentBuildingBlockRefs");
        stoa.admin.create(BLOCK, &body).await;
        // Parents change with the version only.
        let path = format!("/{}", text(&child, "/metadata/uuid"));
        stoa.admin
            .put(BLOCK, &path, &child_body(&version, &[&second]))
            .await
            .refused(400, "parentBuildingBlockRefs");
        stoa.admin.put(BLOCK, &path, &child_body(&version, &[&first])).await.expect(200);
    }

    async fn a_parent_output_that_vanishes_lets_the_child_wait(stoa) {
        stoa.workspace("shop").await;
        let (definition, parent_version) =
            stoa.definition("demo-partner", json!({ "outputs": outputs("STRING") })).await;
        let (_, version) = stoa.definition("demo-partner", takes_host(&definition, "STRING")).await;
        let parent =
            text(&stoa.order(&stoa.admin, &parent_version, "shop", json!({})).await, "/metadata/uuid");
        stoa.claim().await.deliver(json!({ "host": "pg1" })).await;
        let child =
            text(&stoa.admin.create(BLOCK, &child_body(&version, &[&parent])).await, "/metadata/uuid");
        let running = stoa.claim().await;
        assert_eq!(running.block(), child);

        let mut next = version_body("demo-partner", &definition);
        next["spec"]["state"] = json!("RELEASED");
        let next = text(&stoa.admin.create(VERSION, &next).await, "/metadata/uuid");
        stoa.admin.put(BLOCK, &format!("/{parent}"), &block_body(&next, "shop", json!({}))).await.expect(200);
        stoa.claim().await.end("SUCCEEDED").await;
        let waiting = wait_for(&stoa.admin, &child, "WAITING_FOR_DEPENDENT_INPUT").await;
        assert_eq!(waiting["status"]["waiting"]["reason"], "PARENT_OUTPUT_MISSING");
        // The run that was going on ends; the block still waits.
        running.end("SUCCEEDED").await;
        let after = stoa.admin.block(&child).await;
        assert_eq!(after["status"]["status"], "WAITING_FOR_DEPENDENT_INPUT");
        assert!(after["status"]["waiting"].is_object());
        stoa.admin.trigger(&child).await.refused(409, "WAITING_FOR_DEPENDENT_INPUT");
    }
}
