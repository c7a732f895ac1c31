//! meshTagDefinition (`api-core.md` §3.11).

use super::{names, names_of, with, without};
use crate::on_both;
use crate::stoa::media;
use serde_json::{Value, json};

const KIND: &str = "meshTagDefinition";

fn body(target: &str, key: &str, value_type: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": KIND,
        "metadata": { "name": format!("{target}.{key}") },
        "spec": {
            "targetKind": target,
            "key": key,
            "valueType": value_type,
            "description": "Lifecycle stages",
            "displayName": "Stage",
            "sortOrder": 10,
            "mandatory": false,
            "immutable": false,
            "restricted": false,
            "replicationKey": "stage",
        },
    })
}

fn text() -> Value {
    body("meshProject", "stage", json!({ "string": {} }))
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        let value_type = json!({ "multiSelect": { "options": ["dev", "qa", "prod"], "defaultValue": ["dev"] } });
        let sent = body("meshProject", "stage", value_type);
        let answer = stoa.admin.post(KIND, "", &sent).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v1"));
        let made = answer.expect(201);
        let mut expected = sent.clone();
        let href = format!("{}/api/meshobjects/meshtagdefinitions/meshProject.stage", stoa.url);
        expected["_links"] = json!({ "self": { "href": href } });
        assert_eq!(made, expected);
        assert_eq!(stoa.admin.get(KIND, "/meshProject.stage").await.expect(200), made);
        assert_eq!(stoa.admin.list(KIND, "").await, std::slice::from_ref(&made));
        // What was read is taken back, and is no change.
        assert_eq!(stoa.admin.put(KIND, "/meshProject.stage", &made).await.expect(200), made);
        assert!(stoa.admin.list("meshEventLog", "?title=Tag%20Definition%20Changed").await.is_empty());
        stoa.admin.post(KIND, "", &sent).await.refused(409, "meshProject.stage");
        stoa.admin.get(KIND, "/meshProject.nothing").await.refused(404, "meshProject.nothing");
    }

    async fn required_and_optional_fields(stoa) {
        for (missing, field) in [
            ("/metadata", "metadata"),
            ("/metadata/name", "metadata.name"),
            ("/spec", "spec"),
            ("/spec/targetKind", "spec.targetKind"),
            ("/spec/key", "spec.key"),
            ("/spec/valueType", "spec.valueType"),
            ("/spec/displayName", "spec.displayName"),
            ("/spec/description", "spec.description"),
        ] {
            names(stoa.admin.post(KIND, "", &without(text(), missing)).await, field);
            names(stoa.admin.post(KIND, "", &with(text(), missing, Value::Null)).await, field);
        }
        for (pointer, wrong, field) in [
            ("/metadata/name", json!("meshProject.other"), "metadata.name"),
            ("/metadata/name", json!("stage"), "metadata.name"),
            ("/spec/targetKind", json!("meshTenant"), "spec.targetKind"),
            ("/spec/targetKind", json!("meshproject"), "spec.targetKind"),
            ("/spec/targetKind", json!("meshWorkspace"), "metadata.name"),
            ("/spec/key", json!("-a"), "spec.key"),
            ("/spec/key", json!("a b"), "spec.key"),
            ("/spec/key", json!(""), "spec.key"),
            ("/spec/key", json!("other"), "metadata.name"),
            ("/spec/displayName", json!(" "), "spec.displayName"),
            ("/spec/displayName", json!("x".repeat(256)), "spec.displayName"),
            ("/spec/sortOrder", json!("1"), "spec.sortOrder"),
            ("/spec/sortOrder", json!(1.5), "spec.sortOrder"),
            ("/spec/mandatory", json!("yes"), "spec.mandatory"),
            ("/spec/immutable", json!(1), "spec.immutable"),
            ("/spec/restricted", json!([]), "spec.restricted"),
            ("/spec/replicationKey", json!(7), "spec.replicationKey"),
            ("/spec/valueType", json!({}), "spec.valueType"),
            ("/spec/valueType", json!({ "date": {} }), "spec.valueType"),
            ("/spec/valueType", json!({ "string": {}, "email": {} }), "spec.valueType"),
            ("/spec/valueType", json!({ "string": null }), "spec.valueType"),
        ] {
            names(stoa.admin.post(KIND, "", &with(text(), pointer, wrong)).await, field);
        }
        // What is optional may be left out, or null.
        let defaults = json!({ "sortOrder": 9999, "mandatory": false, "immutable": false, "restricted": false });
        for (key, absent) in [("left-out", None), ("null", Some(Value::Null))] {
            let mut sparse = body("meshPrincipal", key, json!({ "string": {}, "email": null }));
            sparse["spec"]["description"] = json!("");
            for field in ["sortOrder", "mandatory", "immutable", "restricted", "replicationKey"] {
                sparse = match &absent {
                    None => without(sparse, &format!("/spec/{field}")),
                    Some(null) => with(sparse, &format!("/spec/{field}"), null.clone()),
                };
            }
            let made = stoa.admin.create(KIND, &sparse).await;
            for (field, value) in defaults.as_object().unwrap() {
                assert_eq!(&made["spec"][field], value, "{field}");
            }
            assert_eq!(made["spec"].get("replicationKey"), None);
            assert_eq!(made["spec"]["description"], "");
            assert_eq!(made["spec"]["valueType"], json!({ "string": {} }));
        }
        for target in [
            "meshWorkspace", "meshLandingZone", "meshPaymentMethod", "meshBuildingBlockDefinition", "meshProjectRole",
        ] {
            stoa.admin.create(KIND, &body(target, &"k".repeat(100), json!({ "string": {} }))).await;
        }
        let long = body("meshProject", &"k".repeat(101), json!({ "string": {} }));
        names(stoa.admin.post(KIND, "", &long).await, "spec.key");
    }

    async fn value_types_come_back_as_they_were_sent(stoa) {
        for (place, value_type) in [
            json!({ "string": {} }),
            json!({ "string": { "defaultValue": "x", "validationRegex": "[a-z]+" } }),
            json!({ "email": {} }),
            json!({ "email": { "defaultValue": "none", "validationRegex": ".*" } }),
            json!({ "email": { "defaultValue": "a@b.example" } }),
            json!({ "integer": {} }),
            json!({ "integer": { "defaultValue": 10000 } }),
            json!({ "integer": { "defaultValue": -9_223_372_036_854_775_808_i64 } }),
            json!({ "number": {} }),
            json!({ "number": { "defaultValue": 1.5 } }),
            json!({ "number": { "defaultValue": 3 } }),
            json!({ "singleSelect": { "options": ["c", "a", "b"] } }),
            json!({ "singleSelect": { "options": ["3", "1", "2"], "defaultValue": "1" } }),
            json!({ "multiSelect": { "options": ["c", "a", "b"] } }),
            json!({ "multiSelect": { "options": ["c", "a", "b"], "defaultValue": ["b", "c"] } }),
            json!({ "multiSelect": { "options": ["c"], "defaultValue": [] } }),
        ]
        .into_iter()
        .enumerate()
        {
            let key = format!("k{place}");
            let answer = stoa.admin.post(KIND, "", &body("meshProject", &key, value_type.clone())).await;
            // As text: integers have no fraction, options keep their order, empty members stay.
            let text = answer.text.clone();
            let made = answer.expect(201);
            assert!(text.contains(&format!("\"valueType\":{value_type}")), "{value_type}: {text}");
            let path = format!("/meshProject.{key}");
            assert_eq!(stoa.admin.put(KIND, &path, &made).await.expect(200), made);
            assert_eq!(stoa.admin.get(KIND, &path).await.text, text);
        }
        assert!(stoa.admin.get(KIND, "").await.text.contains("\"sortOrder\":10,"));
    }

    async fn value_types_are_checked(stoa) {
        for (value_type, member) in [
            (json!({ "string": { "validationRegex": "(" } }), "string.validationRegex"),
            (json!({ "string": { "validationRegex": "(a{9999}){9999}" } }), "string.validationRegex"),
            (json!({ "string": { "validationRegex": "a+", "defaultValue": "b" } }), "string.defaultValue"),
            (json!({ "string": { "defaultValue": 7 } }), "string.defaultValue"),
            (json!({ "email": { "defaultValue": "nobody" } }), "email.defaultValue"),
            (json!({ "integer": { "defaultValue": "7" } }), "integer.defaultValue"),
            (json!({ "integer": { "defaultValue": 1.5 } }), "integer.defaultValue"),
            (json!({ "number": { "defaultValue": "7" } }), "number.defaultValue"),
            (json!({ "singleSelect": {} }), "singleSelect.options"),
            (json!({ "singleSelect": { "options": [] } }), "singleSelect.options"),
            (json!({ "singleSelect": { "options": [1, 2] } }), "singleSelect.options[0]"),
            (json!({ "singleSelect": { "options": ["a"], "defaultValue": "b" } }), "singleSelect.defaultValue"),
            (json!({ "multiSelect": {} }), "multiSelect.options"),
            (json!({ "multiSelect": { "options": ["a", true] } }), "multiSelect.options[1]"),
            (json!({ "multiSelect": { "options": ["a", "a"] } }), "multiSelect.options"),
            (json!({ "multiSelect": { "options": ["a"], "defaultValue": ["b"] } }), "multiSelect.defaultValue"),
            (json!({ "multiSelect": { "options": ["a"], "defaultValue": "a" } }), "multiSelect.defaultValue"),
        ] {
            let sent = body("meshProject", "stage", value_type);
            names(stoa.admin.post(KIND, "", &sent).await, &format!("spec.valueType.{member}"));
        }
        assert!(stoa.admin.list(KIND, "").await.is_empty());
    }

    async fn a_put_creates_or_replaces_within_the_same_type(stoa) {
        let made = stoa.admin.put(KIND, "/meshProject.stage", &text()).await.expect(200);
        let mut wanted = text();
        wanted["spec"]["valueType"] = json!({ "string": { "validationRegex": "[a-z]+" } });
        for (field, value) in [
            ("displayName", json!("Steps")),
            ("description", json!("")),
            ("sortOrder", json!(-3)),
            ("mandatory", json!(true)),
            ("immutable", json!(true)),
            ("restricted", json!(true)),
            ("replicationKey", json!("step")),
        ] {
            wanted["spec"][field] = value;
        }
        let changed = stoa.admin.put(KIND, "/meshProject.stage", &wanted).await.expect(200);
        assert_eq!(changed["spec"], wanted["spec"]);
        // What is absent falls back.
        for field in ["sortOrder", "mandatory", "immutable", "restricted", "replicationKey"] {
            wanted = without(wanted, &format!("/spec/{field}"));
        }
        let changed = stoa.admin.put(KIND, "/meshProject.stage", &wanted).await.expect(200);
        assert_eq!(changed["spec"]["sortOrder"], 9999);
        assert_eq!(changed["spec"].get("replicationKey"), None);
        for (value_type, field) in [
            (json!({ "integer": {} }), "spec.valueType"),
            (json!({ "email": {} }), "spec.valueType"),
            (json!({ "singleSelect": { "options": ["a"] } }), "spec.valueType"),
        ] {
            let other = with(text(), "/spec/valueType", value_type);
            names(stoa.admin.put(KIND, "/meshProject.stage", &other).await, field);
        }
        names(stoa.admin.put(KIND, "/meshProject.other", &made).await, "metadata.name");
        // Deleted and made anew, it may be anything.
        stoa.admin.delete(KIND, "/meshProject.stage").await.expect(204);
        stoa.admin.delete(KIND, "/meshProject.stage").await.refused(404, "meshProject.stage");
        stoa.admin.create(KIND, &body("meshProject", "stage", json!({ "integer": {} }))).await;
    }

    async fn everybody_reads_and_administrators_write(stoa) {
        stoa.workspace("shop").await;
        stoa.tags("meshProject", &["stage"]).await;
        stoa.tags("meshWorkspace", &["stage"]).await;
        let poor = stoa.key("shop", &[]).await;
        assert_eq!(names_of(&poor.list(KIND, "").await), ["meshProject.stage", "meshWorkspace.stage"]);
        poor.get(KIND, "/meshProject.stage").await.expect(200);
        poor.get(KIND, "/meshProject.nothing").await.refused(404, "nothing");
        poor.post(KIND, "", &text()).await.refused(403, "ADM_TAGDEFINITION_SAVE");
        poor.put(KIND, "/meshProject.stage", &text()).await.refused(403, "ADM_TAGDEFINITION_SAVE");
        poor.delete(KIND, "/meshProject.stage").await.refused(403, "ADM_TAGDEFINITION_DELETE");
        stoa.nobody().get(KIND, "").await.refused(401, "credential");
        let keeper = stoa.key("shop", &["ADM_TAGDEFINITION_SAVE"]).await;
        keeper.put(KIND, "/meshProject.stage", &text()).await.expect(200);
        keeper.delete(KIND, "/meshProject.stage").await.refused(403, "ADM_TAGDEFINITION_DELETE");
    }

    async fn there_are_at_most_256(stoa) {
        let keys: Vec<String> = (0..256).map(|n| format!("k{n}")).collect();
        for key in &keys {
            stoa.tags("meshPrincipal", &[key]).await;
        }
        names(stoa.admin.post(KIND, "", &text()).await, "metadata.name");
        names(stoa.admin.put(KIND, "/meshProject.stage", &text()).await, "metadata.name");
        // Those there are may change, and one that goes makes room.
        let same = stoa.admin.get(KIND, "/meshPrincipal.k7").await.expect(200);
        let renamed = with(same, "/spec/displayName", json!("Seven"));
        stoa.admin.put(KIND, "/meshPrincipal.k7", &renamed).await.expect(200);
        stoa.admin.delete(KIND, "/meshPrincipal.k7").await.expect(204);
        stoa.admin.create(KIND, &text()).await;
    }

    async fn changes_are_told(stoa) {
        stoa.admin.create(KIND, &text()).await;
        stoa.admin.put(KIND, "/meshProject.stage", &with(text(), "/spec/displayName", json!("S"))).await.expect(200);
        stoa.admin.delete(KIND, "/meshProject.stage").await.expect(204);
        let told = stoa.admin.list("meshEventLog", "?title=Tag%20Definition").await;
        let titles: Vec<_> = told.iter().map(|event| event["spec"]["title"].as_str().unwrap()).collect();
        assert_eq!(titles, ["Tag Definition Created", "Tag Definition Changed", "Tag Definition Deleted"]);
        assert_eq!(told[1]["spec"]["previousContent"]["displayName"], "Stage");
        assert_eq!(told[1]["spec"].get("workspaceRef"), None);
    }
}
