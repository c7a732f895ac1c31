//! The API description (`GET /api/openapi.json`): complete, consistent, with examples that are taken.

use crate::on_both;
use crate::stoa::{Stoa, shared_key};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

async fn description(stoa: &Stoa) -> Value {
    stoa.nobody().raw(Method::GET, "/api/openapi.json", |r| r).await.expect(200)
}

fn members(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

/// Calls `with` with every object within, and the pointer to it.
fn walk(value: &Value, at: &str, with: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            with(at, object);
            for (name, member) in object {
                walk(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), with);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                walk(item, &format!("{at}/{n}"), with);
            }
        }
        _ => {}
    }
}

/// Every operation: path, method, operation. Verbs that OpenAPI has no word for stand under `x-methods`.
fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let mut found = Vec::new();
    for (path, methods) in members(&description["paths"]) {
        for (method, operation) in members(methods) {
            if method == "x-methods" {
                found.extend(
                    members(operation)
                        .iter()
                        .map(|(method, operation)| (path.clone(), method.clone(), operation)),
                );
            } else {
                found.push((path.clone(), method.clone(), operation));
            }
        }
    }
    found
}

/// Members that a schema requires and a value does not have, followed through references and `allOf`.
fn missing(description: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return missing(description, description.pointer(&reference[1..]).unwrap(), value, at);
    }
    let mut found = Vec::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        found.extend(missing(description, part, value, at));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{at}/{name}"));
        }
    }
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(member) = value.get(name) {
            found.extend(missing(description, part, member, &format!("{at}/{name}")));
        }
    }
    found
}

on_both! {
    async fn it_is_openapi_3_1_and_holds_every_route(stoa) {
        let description = description(&stoa).await;
        assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
        for pointer in ["/info/title", "/info/version", "/info/license/name"] {
            assert!(description.pointer(pointer).is_some_and(Value::is_string), "{pointer}");
        }
        assert_eq!(description["servers"][0]["url"], stoa.url);
        let described: BTreeSet<(String, String)> =
            operations(&description).into_iter().map(|(path, method, _)| (path, method)).collect();
        let served: BTreeSet<(String, String)> = stoa
            .running
            .app
            .router
            .all()
            .map(|route| (route.path.clone(), route.method.as_str().to_lowercase()))
            .collect();
        assert_eq!(described, served);
        for (path, methods) in members(&description["paths"]) {
            for method in members(methods).keys() {
                let known = ["get", "put", "post", "delete", "patch", "x-methods"].contains(&method.as_str());
                assert!(known, "{path} has a member `{method}` that OpenAPI does not know");
            }
        }
    }

    async fn every_reference_leads_somewhere(stoa) {
        let description = description(&stoa).await;
        let mut used = BTreeSet::new();
        walk(&description, "", &mut |at, object| {
            let Some(reference) = object.get("$ref") else { return };
            let target = reference.as_str().unwrap();
            let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{at} leads outside: {target}"));
            assert!(description.pointer(pointer).is_some(), "{at} leads nowhere: {target}");
            used.insert(pointer.to_owned());
        });
        for name in members(&description["components"]["schemas"]).keys() {
            assert!(used.contains(&format!("/components/schemas/{name}")), "nobody uses the schema {name}");
        }
    }

    async fn every_operation_is_told_in_full(stoa) {
        let description = description(&stoa).await;
        let mut names = BTreeMap::new();
        for (path, method, operation) in operations(&description) {
            let at = format!("{method} {path}");
            if operation["summary"] == "" && ["lock", "unlock"].contains(&method.as_str()) {
                continue;
            }
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(names.insert(id.to_owned(), at.clone()), None, "{id} stands twice");
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{at} has no summary");
            assert!(!operation["tags"][0].as_str().unwrap_or_default().is_empty(), "{at} has no tag");

            let parameters = operation["parameters"].as_array().unwrap();
            let mut seen = BTreeSet::new();
            for parameter in parameters {
                let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
                assert!(seen.insert((name, place)), "{at}: {name} stands twice");
                assert!(parameter["schema"].is_object(), "{at}: {name}");
                assert_eq!(parameter["required"] == true, place == "path", "{at}: {name}");
                assert!(
                    place == "path" || !parameter["description"].as_str().unwrap_or_default().is_empty(),
                    "{at}: {name}"
                );
            }
            let in_path: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            let told: BTreeSet<&str> =
                seen.iter().filter(|(_, place)| *place == "path").map(|(name, _)| *name).collect();
            assert_eq!(in_path, told, "{at}");

            let public = operation["security"] == json!([]);
            let responses = members(&operation["responses"]);
            assert!(responses.keys().any(|status| status.starts_with('2')), "{at} never succeeds");
            for (status, response) in responses {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{at} {status}");
                if !status.starts_with('2') && status != "423" {
                    let problem = &response["content"]["application/json"]["schema"]["$ref"];
                    assert_eq!(problem, "#/components/schemas/Problem", "{at} {status}");
                }
            }
            let mut due = vec!["500", "503"];
            if !public {
                due.push("401");
            }
            if path.contains('{') && method != "put" {
                due.push("404");
            }
            if path.starts_with("/api/meshobjects/") {
                due.extend(["403", "406"]);
            }
            // Old clients delete tenants without naming a version (`api-platforms.md` §7.8).
            let any_version = method == "delete" && path.starts_with("/api/meshobjects/meshtenants/");
            if any_version || path.ends_with("/plan-artifact") || path.ends_with("/events") {
                due.retain(|status| *status != "406");
            }
            if operation.get("requestBody").is_some() {
                due.extend(["400", "413"]);
                if path.starts_with("/api/meshobjects/") || path == "/api/login" {
                    due.push("415");
                }
            }
            for status in due {
                assert!(responses.contains_key(status), "{at} does not tell of {status}");
            }
        }
        assert!(members(&description["components"]["schemas"]["Problem"]).contains_key("example"));
    }

    async fn every_body_has_an_example_that_fits(stoa) {
        let description = description(&stoa).await;
        for (path, method, operation) in operations(&description) {
            let at = format!("{method} {path}");
            let takes = stoa.running.app.router.all().any(|route| {
                route.path == path
                    && route.method.as_str().eq_ignore_ascii_case(&method)
                    && route.takes != stoa_web::Takes::Nothing
            });
            assert_eq!(operation.get("requestBody").is_some(), takes, "{at}");
            let Some(body) = operation.get("requestBody") else { continue };
            assert!(body["required"].is_boolean());
            for (media, content) in members(&body["content"]) {
                assert!(content["schema"].is_object(), "{at} {media}");
                let example = content.get("example").unwrap_or_else(|| panic!("{at} {media} has no example"));
                let lacks = missing(&description, &content["schema"], example, "");
                assert!(lacks.is_empty(), "{at} {media}: the example lacks {lacks:?}");
            }
        }
    }

    async fn examples_of_core_kinds_are_taken(stoa) {
        let description = description(&stoa).await;
        stoa.workspace("data-platform").await;
        for (collection, kind) in [
            ("meshworkspaces", "meshWorkspace"),
            ("meshprojects", "meshProject"),
            ("meshapikeys", "meshApiKey"),
            ("meshapiusers", "meshApiUser"),
            ("meshusers", "meshUser"),
            ("meshprojectroles", "meshProjectRole"),
            ("meshpaymentmethods", "meshPaymentMethod"),
            ("meshworkspacebindings/userbindings", "meshWorkspaceUserBinding"),
            ("meshprojectbindings/userbindings", "meshProjectUserBinding"),
            ("meshintegrations", "meshIntegration"),
            ("meshbuildingblockdefinitions", "meshBuildingBlockDefinition"),
            ("meshbuildingblockrunners", "meshBuildingBlockRunner"),
        ] {
            let content = &description["paths"][format!("/api/meshobjects/{collection}")]["post"]["requestBody"]
                ["content"];
            let mut example = members(content).values().next().unwrap()["example"].clone();
            if kind == "meshBuildingBlockRunner" {
                example["spec"]["publicKey"] = json!(shared_key().public_pem());
            }
            stoa.admin.create(kind, &example).await;
        }
    }
}
