//! meshLandingZone (`api-platforms.md` §6).

use super::{at, changes, custom, platform, quota, tenant_definition, uuid, with, zone};
use crate::core_kinds::{names, names_of, without};
use crate::on_both;
use crate::stoa::Stoa;
use serde_json::{Value, json};

const KIND: &str = "meshLandingZone";

fn role(name: &str) -> Value {
    json!({ "kind": "meshProjectRole", "name": name })
}

/// The properties of each type with every member, and those that may be missing with what stands for them then.
fn properties() -> Vec<(Value, Vec<(&'static str, Value)>)> {
    let clusters = json!({ "kubernetesRoleMappings": [{ "projectRoleRef": role("admin"), "platformRoles": ["admin", "x"] }] });
    vec![
        (
            json!({ "type": "aws", "aws": {
            "awsTargetOrgUnitId": "ou-abcd-12345678", "awsEnrollAccount": true, "awsLambdaArn": "arn:aws:lambda:x",
            "awsRoleMappings": [{ "projectRoleRef": role("admin"), "platformRole": "admin", "policies": ["p1", "p2"] }],
        } }),
            vec![("/aws/awsLambdaArn", Value::Null)],
        ),
        (
            json!({ "type": "azure", "azure": {
            "azureManagementGroupId": "landing", "azureFunction": { "azureFunctionUrl": "https://f.example", "azureFunctionScope": "s" },
            "azureRoleMappings": [{ "projectRoleRef": role("admin"), "azureGroupSuffix": "adm", "azureRoleDefinitions": [
                { "azureRoleDefinitionId": "r", "abacCondition": "x" },
            ] }],
        } }),
            vec![
                ("/azure/azureRoleMappings", json!([])),
                ("/azure/azureRoleMappings/0/azureRoleDefinitions/0/abacCondition", Value::Null),
                ("/azure/azureFunction", Value::Null),
                ("/azure/azureFunction/azureFunctionScope", Value::Null),
            ],
        ),
        (
            json!({ "type": "azurerg", "azurerg": {
            "azureRgLocation": "westeurope", "azureFunction": { "azureFunctionUrl": "https://f.example", "azureFunctionScope": "s" },
            "azureRgRoleMappings": [
                { "projectRoleRef": role("admin"), "azureGroupSuffix": "adm", "azureRoleDefinitionIds": ["r1", "r2"] },
            ],
        } }),
            vec![("/azurerg/azureFunction", Value::Null)],
        ),
        (
            json!({ "type": "gcp", "gcp": {
            "gcpFolderId": "1", "gcpCloudFunctionUrl": "https://f.example", "gcpTemplateUrl": "https://t.example",
            "gcpRoleMappings": [{ "projectRoleRef": role("unknown-role"), "platformRoles": ["roles/editor"] }],
        } }),
            vec![
                ("/gcp/gcpFolderId", Value::Null),
                ("/gcp/gcpCloudFunctionUrl", Value::Null),
                ("/gcp/gcpTemplateUrl", Value::Null),
                ("/gcp/gcpRoleMappings/0/platformRoles", json!([])),
            ],
        ),
        (json!({ "type": "kubernetes", "kubernetes": clusters }), vec![]),
        (json!({ "type": "aks", "aks": clusters }), vec![]),
        (json!({ "type": "openshift", "openshift": {} }), vec![]),
        (json!({ "type": "custom", "custom": {} }), vec![]),
    ]
}

/// The shortest configuration of a platform of a type.
fn config(kind: &str) -> Value {
    match kind {
        "custom" => custom(),
        "kubernetes" | "aks" | "openshift" => {
            json!({ "type": kind, kind: { "baseUrl": "https://x.example" } })
        }
        "azure" | "azurerg" => json!({ "type": kind, kind: { "entraTenant": "t" } }),
        _ => json!({ "type": kind, kind: {} }),
    }
}

fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, member) in object {
                found.push(format!("{at}/{name}"));
                members(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                members(item, &format!("{at}/{place}"), found);
            }
        }
        _ => {}
    }
}

fn field(pointer: &str) -> String {
    pointer.split('/').skip(1).fold("spec.platformProperties".to_owned(), |path, part| {
        if part.parse::<usize>().is_ok() { format!("{path}[{part}]") } else { format!("{path}.{part}") }
    })
}

fn set(mut value: Value, pointer: &str, other: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = other;
    value
}

async fn custom_platform(stoa: &Stoa, quotas: Value) -> Value {
    stoa.admin.create("meshPlatform", &with(platform("p", custom()), "/spec/quotaDefinitions", quotas)).await
}

on_both! {
    async fn it_says_what_was_said(stoa) {
        stoa.workspace("edge-ops").await;
        let mandatory = tenant_definition(&stoa, "edge-ops", &["KUBERNETES", "STACKIT"], json!({})).await;
        let recommended = tenant_definition(&stoa, "edge-ops", &["STACKIT"], json!({})).await;
        let quotas = json!([quota("limits.cpu", (0, 64000, 0)), quota("limits.memory", (0, 262_144, 0))]);
        let made = custom_platform(&stoa, quotas).await;
        let mut body = zone("dockyard-dev", "edge-ops", &uuid(&made));
        body["metadata"]["tags"] = json!({ "stage": ["dev"] });
        let spec = &mut body["spec"];
        spec["automateDeletionApproval"] = json!(true);
        spec["automateDeletionReplication"] = json!(true);
        spec["restricted"] = json!(false);
        spec["infoLink"] = json!("https://wiki.acme.test/dockyard/dev");
        spec["quotas"] = json!([{ "key": "limits.cpu", "value": 2000 }, { "key": "limits.memory", "value": 4096 }]);
        let definition = |uuid: &str| json!([{ "kind": "meshBuildingBlockDefinition", "uuid": uuid }]);
        spec["mandatoryBuildingBlockRefs"] = definition(&mandatory);
        spec["recommendedBuildingBlockRefs"] = definition(&recommended);
        for key in ["stage"] {
            let tag = json!({ "metadata": { "name": format!("meshLandingZone.{key}") }, "spec": {
                "targetKind": "meshLandingZone", "key": key, "displayName": key, "description": "",
                "valueType": { "string": {} },
            } });
            stoa.admin.create("meshTagDefinition", &tag).await;
        }
        let created = stoa.admin.create(KIND, &body).await;
        let mut expected = body.clone();
        expected["kind"] = json!(KIND);
        expected["apiVersion"] = json!("v1");
        expected["status"] = json!({ "disabled": false, "restricted": false });
        expected["_links"] = json!({
            "self": { "href": format!("{}/api/meshobjects/meshlandingzones/dockyard-dev", stoa.url) },
            "platformInstance": { "href": format!("{}/api/meshobjects/meshplatforms/{}", stoa.url, uuid(&made)) },
        });
        assert_eq!(created, expected);
        let path = "/dockyard-dev";
        assert_eq!(stoa.admin.get(KIND, path).await.expect(200), created);
        assert_eq!(stoa.admin.put(KIND, path, &created).await.expect(200), created);
        assert_eq!(changes(&stoa, "Landing Zone Changed").await, 0);
        // Everything that may be left out goes when it is, but not whether it is restricted.
        let restricted = with(created, "/spec/restricted", json!(true));
        let restricted = stoa.admin.put(KIND, path, &restricted).await.expect(200);
        assert_eq!(restricted["status"]["restricted"], true);
        let bare = zone("dockyard-dev", "edge-ops", &uuid(&made));
        let seen = stoa.admin.put(KIND, path, &bare).await.expect(200);
        assert_eq!(seen["metadata"]["tags"], json!({}));
        assert!(seen["spec"].get("infoLink").is_none());
        for list in ["quotas", "mandatoryBuildingBlockRefs", "recommendedBuildingBlockRefs"] {
            assert_eq!(seen["spec"][list], json!([]), "{list}");
        }
        assert_eq!((&seen["spec"]["restricted"], &seen["status"]["restricted"]), (&json!(true), &json!(true)));
        let open = with(seen, "/spec/restricted", json!(false));
        let open = stoa.admin.put(KIND, path, &open).await.expect(200);
        assert_eq!(open["status"]["restricted"], false);
        let null = with(open.clone(), "/spec/restricted", Value::Null);
        assert_eq!(stoa.admin.put(KIND, path, &null).await.expect(200), open);
    }

    async fn each_row_of_its_table_is_checked(stoa) {
        stoa.workspace("edge-ops").await;
        let made = custom_platform(&stoa, json!([quota("cpu", (1, 100, 0))])).await;
        let nothing = "6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11";
        let workspace_level = json!({
            "metadata": { "ownedByWorkspace": "edge-ops" }, "spec": { "displayName": "D", "description": "d" },
        });
        let workspace_level = uuid(&stoa.admin.create("meshBuildingBlockDefinition", &workspace_level).await);
        let other_type = tenant_definition(&stoa, "edge-ops", &["AWS"], json!({})).await;
        let good = tenant_definition(&stoa, "edge-ops", &["STACKIT"], json!({})).await;
        let body = || zone("z", "edge-ops", &uuid(&made));
        for (pointer, value, field) in [
            ("/metadata/name", Value::Null, "metadata.name"),
            ("/metadata/name", json!("Z"), "metadata.name"),
            ("/metadata/ownedByWorkspace", Value::Null, "metadata.ownedByWorkspace"),
            ("/metadata/ownedByWorkspace", json!("nowhere"), "metadata.ownedByWorkspace"),
            ("/spec/displayName", Value::Null, "spec.displayName"),
            ("/spec/displayName", json!(""), "spec.displayName"),
            ("/spec/description", Value::Null, "spec.description"),
            ("/spec/description", json!("x".repeat(2001)), "spec.description"),
            ("/spec/automateDeletionApproval", Value::Null, "spec.automateDeletionApproval"),
            ("/spec/automateDeletionReplication", Value::Null, "spec.automateDeletionReplication"),
            ("/spec/automateDeletionApproval", json!("true"), "spec.automateDeletionApproval"),
            ("/spec/restricted", json!("true"), "spec.restricted"),
            ("/spec/infoLink", json!(7), "spec.infoLink"),
            ("/spec/platformRef", Value::Null, "spec.platformRef"),
            ("/spec/platformRef", json!({}), "spec.platformRef.uuid"),
            ("/spec/platformRef", json!({ "uuid": nothing }), "spec.platformRef.uuid"),
            ("/spec/platformRef", json!({ "uuid": "nonsense" }), "spec.platformRef.uuid"),
            ("/spec/platformRef", json!({ "kind": "meshTenant", "uuid": nothing }), "spec.platformRef.kind"),
            ("/spec/platformProperties", Value::Null, "spec.platformProperties"),
            ("/spec/platformProperties", json!({}), "spec.platformProperties.type"),
            ("/spec/platformProperties", json!({ "type": "custom" }), "spec.platformProperties.custom"),
            ("/spec/platformProperties", json!({ "type": "openshift", "openshift": {} }), "spec.platformProperties.type"),
            ("/spec/platformProperties", json!({ "type": "custom", "custom": {}, "openshift": {} }), "spec.platformProperties.openshift"),
            ("/spec/quotas", json!([{ "key": "cpu" }]), "spec.quotas[0].value"),
            ("/spec/quotas", json!([{ "value": 1 }]), "spec.quotas[0].key"),
            ("/spec/quotas", json!([{ "key": "cpu", "value": 1.5 }]), "spec.quotas[0].value"),
            ("/spec/quotas", json!([{ "key": "mem", "value": 1 }]), "spec.quotas[0].key"),
            ("/spec/quotas", json!([{ "key": "cpu", "value": 0 }]), "spec.quotas[0].value"),
            ("/spec/quotas", json!([{ "key": "cpu", "value": 101 }]), "spec.quotas[0].value"),
            ("/spec/quotas", json!([{ "key": "cpu", "value": 1 }, { "key": "cpu", "value": 2 }]), "spec.quotas[1].key"),
            ("/spec/mandatoryBuildingBlockRefs", json!([{ "uuid": nothing }]), "spec.mandatoryBuildingBlockRefs[0].uuid"),
            ("/spec/mandatoryBuildingBlockRefs", json!([{ "uuid": workspace_level }]), "spec.mandatoryBuildingBlockRefs[0].uuid"),
            ("/spec/recommendedBuildingBlockRefs", json!([{ "uuid": good }, { "uuid": other_type }]), "spec.recommendedBuildingBlockRefs[1].uuid"),
            ("/spec/recommendedBuildingBlockRefs", json!([{ "kind": "meshPlatform", "uuid": good }]), "spec.recommendedBuildingBlockRefs[0].kind"),
        ] {
            let answer = stoa.admin.post(KIND, "", &with(body(), pointer, value.clone())).await;
            assert_eq!(answer.status, 400, "{pointer} = {value}: {}", answer.text);
            names(answer, field);
        }
        let mut both = body();
        both["spec"]["mandatoryBuildingBlockRefs"] = json!([{ "uuid": good }]);
        both["spec"]["recommendedBuildingBlockRefs"] = json!([{ "uuid": good }]);
        names(stoa.admin.post(KIND, "", &both).await, "spec.recommendedBuildingBlockRefs");
        for value in [1, 100] {
            let quotas = with(body(), "/spec/quotas", json!([{ "key": "cpu", "value": value }]));
            stoa.admin.put(KIND, "/z", &quotas).await.expect(200);
        }
        stoa.admin.post(KIND, "", &body()).await.refused(409, "'z'");
        let other = stoa.admin.create("meshPlatform", &platform("q", custom())).await;
        for (pointer, value, field) in [
            ("/metadata/name", json!("y"), "metadata.name"),
            ("/metadata/ownedByWorkspace", json!("demo-partner"), "metadata.ownedByWorkspace"),
            ("/spec/platformRef/uuid", json!(uuid(&other)), "spec.platformRef"),
        ] {
            names(stoa.admin.put(KIND, "/z", &with(body(), pointer, value)).await, field);
        }
    }

    async fn properties_of_all_types_come_back_as_they_were(stoa) {
        for (properties, optional) in properties() {
            let kind = properties["type"].as_str().unwrap();
            let made = stoa.admin.create("meshPlatform", &platform(&format!("p-{kind}"), config(kind))).await;
            let mut base = zone(&format!("z-{kind}"), "demo-partner", &uuid(&made));
            base["spec"]["platformProperties"] = properties.clone();
            let created = stoa.admin.create(KIND, &base).await;
            assert_eq!(created["spec"]["platformProperties"], properties);
            let path = format!("/z-{kind}");
            assert_eq!(stoa.admin.put(KIND, &path, &created).await.expect(200), created);
            let mut all = Vec::new();
            members(&properties, "", &mut all);
            for pointer in all {
                let pointer_in = format!("/spec/platformProperties{pointer}");
                let value = properties.pointer(&pointer).unwrap();
                let wrong = match value {
                    Value::String(_) => json!(7),
                    Value::Bool(_) => json!("true"),
                    Value::Array(_) => json!({}),
                    _ => json!("x"),
                };
                let answer = stoa.admin.put(KIND, &path, &set(base.clone(), &pointer_in, wrong)).await;
                assert_eq!(answer.status, 400, "{pointer}: {}", answer.text);
                names(answer, &field(&pointer));
                let gone = set(base.clone(), &pointer_in, Value::Null);
                if let Some((_, default)) = optional.iter().find(|(known, _)| *known == pointer) {
                    let seen = stoa.admin.put(KIND, &path, &gone).await.expect(200);
                    let seen = seen.pointer(&pointer_in).unwrap_or(&Value::Null);
                    assert_eq!(seen, default, "{pointer}");
                } else if !pointer.ends_with("/kind") {
                    names(stoa.admin.put(KIND, &path, &gone).await, &field(&pointer));
                }
            }
            // Nulls of other types count for nothing.
            let mut nulls = base.clone();
            for other in ["aws", "azure", "azurerg", "gcp", "kubernetes", "aks", "openshift", "custom"] {
                if other != kind {
                    nulls["spec"]["platformProperties"][other] = Value::Null;
                }
            }
            assert_eq!(stoa.admin.put(KIND, &path, &nulls).await.expect(200), created);
            assert_eq!(stoa.admin.put(KIND, &path, &base).await.expect(200), created);
        }
        let location = stoa.admin.get(KIND, "/z-azurerg").await.expect(200);
        let wrong = with(location, "/spec/platformProperties/azurerg/azureRgLocation", json!("West Europe"));
        names(stoa.admin.put(KIND, "/z-azurerg", &wrong).await, "spec.platformProperties.azurerg.azureRgLocation");
        let unit = stoa.admin.get(KIND, "/z-aws").await.expect(200);
        let unit = with(unit, "/spec/platformProperties/aws/awsTargetOrgUnitId", json!(""));
        assert_eq!(stoa.admin.put(KIND, "/z-aws", &unit).await.expect(200), unit);
    }

    async fn filters_narrow_the_list(stoa) {
        stoa.workspace("edge-ops").await;
        let one = stoa.admin.create("meshPlatform", &platform("one", custom())).await;
        let two = stoa.admin.create("meshPlatform", &platform("two", custom())).await;
        stoa.admin.create(KIND, &zone("a", "edge-ops", &uuid(&one))).await;
        stoa.admin.create(KIND, &with(zone("b", "demo-partner", &uuid(&one)), "/spec/restricted", json!(true))).await;
        stoa.admin.create(KIND, &zone("c", "edge-ops", &uuid(&two))).await;
        stoa.admin.delete(KIND, "/c").await.expect(204);
        let on_one = format!("?platformUuid={}", uuid(&one));
        for (query, expected) in [
            ("", &["a", "b", "c"][..]),
            ("?identifier=b", &["b"]),
            ("?identifier=B", &[]),
            ("?displayName=Zone%20c", &["c"]),
            (on_one.as_str(), &["a", "b"]),
            ("?platformUuid=nonsense", &[]),
            ("?disabled=true", &["c"]),
            ("?disabled=false", &["a", "b"]),
            ("?restricted=true", &["b"]),
            ("?restricted=false&disabled=false", &["a"]),
            ("?ownedByWorkspace=edge-ops", &["a", "c"]),
        ] {
            assert_eq!(names_of(&stoa.admin.list(KIND, query).await), expected, "{query}");
        }
        names(stoa.admin.get(KIND, "?disabled=yes").await, "disabled");
        names(stoa.admin.get(KIND, "?restricted=1").await, "restricted");
    }

    async fn a_put_makes_what_is_not_there_and_a_delete_switches_off(stoa) {
        stoa.workspace("edge-ops").await;
        let made = custom_platform(&stoa, json!([])).await;
        names(stoa.admin.put(KIND, "/y", &zone("z", "edge-ops", &uuid(&made))).await, "metadata.name");
        let created = stoa.admin.put(KIND, "/z", &zone("z", "edge-ops", &uuid(&made))).await.expect(200);
        assert_eq!(created["spec"]["restricted"], false);
        assert_eq!(changes(&stoa, "Landing Zone Created").await, 1);
        stoa.admin.delete("meshWorkspace", "/edge-ops").await.refused(409, "meshLandingZone[z]");
        for _ in 0..2 {
            let answer = stoa.admin.delete(KIND, "/z").await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        }
        assert_eq!(changes(&stoa, "Landing Zone Disabled").await, 1);
        let off = stoa.admin.get(KIND, "/z").await.expect(200);
        assert_eq!(off, with(created.clone(), "/status/disabled", json!(true)));
        stoa.admin.post(KIND, "", &zone("z", "edge-ops", &uuid(&made))).await.refused(409, "'z'");
        // It may still be edited, which does not switch it on.
        let edited = with(off, "/spec/description", json!("Old"));
        assert_eq!(stoa.admin.put(KIND, "/z", &edited).await.expect(200), edited);
        stoa.admin.delete(KIND, "/nothing").await.refused(404, "nothing");
        stoa.admin.get(KIND, "/nothing").await.refused(404, "nothing");
        // Switched off it keeps no workspace alive.
        stoa.admin.delete("meshWorkspace", "/edge-ops").await.expect(204);
        stoa.admin.get(KIND, "/z").await.expect(200);
    }

    async fn it_follows_the_quotas_of_its_platform(stoa) {
        let quotas = |quotas: Value| with(platform("p", custom()), "/spec/quotaDefinitions", quotas);
        let both = json!([quota("cpu", (0, 100, 0)), quota("mem", (0, 100, 0))]);
        let made = stoa.admin.create("meshPlatform", &quotas(both)).await;
        let defaults = json!([{ "key": "cpu", "value": 50 }, { "key": "mem", "value": 60 }]);
        let body = with(zone("z", "demo-partner", &uuid(&made)), "/spec/quotas", defaults.clone());
        let created = stoa.admin.create(KIND, &body).await;
        // Narrower bounds bind new values only.
        let narrow = json!([quota("cpu", (0, 10, 0)), quota("mem", (0, 100, 0))]);
        stoa.admin.put("meshPlatform", &at(&made), &quotas(narrow)).await.expect(200);
        assert_eq!(stoa.admin.put(KIND, "/z", &created).await.expect(200), created);
        let mut more = created.clone();
        more["spec"]["quotas"] = json!([{ "key": "cpu", "value": 51 }, { "key": "mem", "value": 60 }]);
        stoa.admin.put(KIND, "/z", &more).await.refused(400, "is out of range [0, 10]");
        assert_eq!(changes(&stoa, "Landing Zone Changed").await, 0);
        // A definition that goes takes the defaults with it.
        stoa.admin.put("meshPlatform", &at(&made), &quotas(json!([quota("mem", (0, 100, 0))]))).await.expect(200);
        let seen = stoa.admin.get(KIND, "/z").await.expect(200);
        assert_eq!(seen["spec"]["quotas"], json!([{ "key": "mem", "value": 60 }]));
        stoa.admin.put("meshPlatform", &at(&made), &quotas(json!([]))).await.expect(200);
        assert_eq!(stoa.admin.get(KIND, "/z").await.expect(200)["spec"]["quotas"], json!([]));
        assert_eq!(changes(&stoa, "Landing Zone Changed").await, 2);
    }

    async fn it_forgets_definitions_that_are_deleted(stoa) {
        stoa.workspace("edge-ops").await;
        let made = custom_platform(&stoa, json!([])).await;
        let gone = tenant_definition(&stoa, "edge-ops", &["STACKIT"], json!({})).await;
        let kept = tenant_definition(&stoa, "edge-ops", &["STACKIT"], json!({})).await;
        let reference = |uuid: &str| json!({ "kind": "meshBuildingBlockDefinition", "uuid": uuid });
        let mut on = zone("on", "edge-ops", &uuid(&made));
        on["spec"]["mandatoryBuildingBlockRefs"] = json!([{ "uuid": kept }, { "uuid": gone }]);
        let mut off = zone("off", "edge-ops", &uuid(&made));
        off["spec"]["recommendedBuildingBlockRefs"] = json!([{ "uuid": gone }]);
        stoa.admin.create(KIND, &on).await;
        stoa.admin.create(KIND, &off).await;
        stoa.admin.delete(KIND, "/off").await.expect(204);
        // A definition that stopped to support the platform may stay where it stands.
        let definition = stoa.admin.get("meshBuildingBlockDefinition", &format!("/{kept}")).await.expect(200);
        let other = with(definition, "/spec/supportedPlatforms", json!([{ "name": "AWS" }]));
        stoa.admin.put("meshBuildingBlockDefinition", &format!("/{kept}"), &other).await.expect(200);
        let seen = stoa.admin.get(KIND, "/on").await.expect(200);
        assert_eq!(stoa.admin.put(KIND, "/on", &seen).await.expect(200), seen);
        stoa.admin.delete("meshBuildingBlockDefinition", &format!("/{gone}")).await.expect(204);
        let on = stoa.admin.get(KIND, "/on").await.expect(200);
        assert_eq!(on["spec"]["mandatoryBuildingBlockRefs"], json!([reference(&kept)]));
        let off = stoa.admin.get(KIND, "/off").await.expect(200);
        assert_eq!(off["spec"]["recommendedBuildingBlockRefs"], json!([]));
        assert_eq!(off["status"]["disabled"], true);
        assert_eq!(stoa.admin.put(KIND, "/on", &on).await.expect(200), on);
    }

    async fn a_member_without_tags_has_none(stoa) {
        let made = custom_platform(&stoa, json!([])).await;
        let created = stoa.admin.create(KIND, &without(zone("z", "demo-partner", &uuid(&made)), "/metadata/tags")).await;
        assert_eq!(created["metadata"]["tags"], json!({}));
    }
}
