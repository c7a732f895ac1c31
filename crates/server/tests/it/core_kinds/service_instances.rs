//! meshServiceInstance, the side that is read (`api-core.md` §3.16); instances come in by import.

use super::{names, with};
use crate::on_both;
use crate::stoa::{Stoa, media, text};
use reqwest::Method;
use serde_json::{Value, json};

const KIND: &str = "meshServiceInstance";

fn body(id: &str) -> Value {
    json!({
        "apiVersion": "v2", "kind": KIND,
        "metadata": {
            "ownedByWorkspace": "orchard", "ownedByProject": "press-dev", "marketplaceIdentifier": "global",
            "instanceId": id,
        },
        "spec": {
            "displayName": "Press DB", "serviceId": "svc-mariadb", "planId": "plan-s", "creator": "lea",
            "parameters": { "storageGb": 20, "zones": ["a", "b"] },
        },
    })
}

async fn set(stoa: &Stoa) {
    for name in ["orchard", "shop"] {
        stoa.workspace(name).await;
        for project in ["press-dev", "web"] {
            let body = json!({
                "metadata": { "name": project, "ownedByWorkspace": name }, "spec": { "displayName": "P" },
            });
            stoa.admin.create("meshProject", &body).await;
        }
    }
    let lea = json!({ "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } });
    stoa.admin.create("meshUser", &lea).await;
}

/// The result of importing one object.
async fn import(stoa: &Stoa, body: &Value) -> Value {
    let media = "application/vnd.meshcloud.api.meshobjects.v1+json";
    let answer = stoa.admin.raw(Method::PUT, "/api/meshobjects", |request| {
        let request = request.header("accept", media).header("content-type", media);
        request.body(json!([body]).to_string())
    });
    answer.await.expect(200)[0].clone()
}

async fn refused(stoa: &Stoa, body: &Value, code: &str, says: &str) {
    let result = import(stoa, body).await;
    assert_eq!((&result["status"], &result["resultCode"]), (&json!("FAILED"), &json!(code)), "{result}");
    assert!(result["message"].as_str().unwrap().contains(says), "{says}: {result}");
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        set(&stoa).await;
        stoa.import(&[body("si-3c1d")]).await;
        let answer = stoa.admin.get(KIND, "/si-3c1d").await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v2"));
        let shown = answer.expect(200);
        let mut expected = body("si-3c1d");
        let href = format!("{}/api/meshobjects/meshserviceinstances/si-3c1d", stoa.url);
        expected["_links"] = json!({ "self": { "href": href } });
        assert_eq!(shown, expected);
        assert_eq!(stoa.admin.list(KIND, "").await, std::slice::from_ref(&shown));
        // Imported again, nothing changes.
        stoa.import(&[body("si-3c1d")]).await;
        assert_eq!(stoa.admin.list("meshEventLog", "?title=Service%20Instance").await.len(), 1);
        stoa.admin.get(KIND, "/si-0").await.refused(404, "si-0");
        // Brokers come later.
        for (method, path, body) in [
            (Method::POST, "", Some(&shown)),
            (Method::PUT, "/si-3c1d", Some(&shown)),
            (Method::DELETE, "/si-3c1d", None),
        ] {
            let answer = stoa.admin.send(method, KIND, path, body).await;
            assert_eq!(answer.headers["allow"], "GET");
            answer.refused(405, "GET");
        }
    }

    async fn parameters_keep_their_types(stoa) {
        set(&stoa).await;
        let parameters = json!({
            "string": "x", "empty": "", "integer": 10000, "float": 1.5, "whole": 2.0, "yes": true, "no": false,
            "null": null, "list": [1, "2", null, [], {}], "object": { "nested": { "null": null } },
            "long": "x".repeat(3000),
        });
        stoa.import(&[with(body("si-1"), "/spec/parameters", parameters.clone())]).await;
        let shown = stoa.admin.get(KIND, "/si-1").await;
        assert!(shown.text.contains(&format!("\"parameters\":{parameters}")), "{}", shown.text);
        let mut bare = body("si-2");
        bare["spec"].as_object_mut().unwrap().shift_remove("parameters");
        stoa.import(&[bare]).await;
        assert_eq!(stoa.admin.get(KIND, "/si-2").await.expect(200)["spec"]["parameters"], json!({}));
    }

    async fn what_is_recorded_is_checked(stoa) {
        set(&stoa).await;
        for pointer in [
            "/metadata/ownedByWorkspace", "/metadata/ownedByProject", "/metadata/marketplaceIdentifier",
            "/spec/displayName", "/spec/serviceId", "/spec/planId", "/spec/creator",
        ] {
            let field = pointer[1..].replace('/', ".");
            refused(&stoa, &with(body("si-1"), pointer, Value::Null), "BadRequest", &field).await;
            if pointer.ends_with("ByWorkspace") || pointer.ends_with("ByProject") {
                refused(&stoa, &with(body("si-1"), pointer, json!("nowhere")), "NotFound", "nowhere").await;
            } else {
                refused(&stoa, &with(body("si-1"), pointer, json!(" ")), "BadRequest", &field).await;
                refused(&stoa, &with(body("si-1"), pointer, json!("x".repeat(256))), "BadRequest", &field).await;
            }
        }
        for parameters in [json!("x"), json!([])] {
            refused(&stoa, &with(body("si-1"), "/spec/parameters", parameters), "BadRequest", "spec.parameters").await;
        }
        refused(&stoa, &with(body("si-1"), "/spec/creator", json!("system")), "BadRequest", "spec.creator").await;
        assert!(stoa.admin.list(KIND, "").await.is_empty());
        stoa.import(&[body("si-1")]).await;
        for (pointer, value) in [
            ("/metadata/ownedByProject", "web"),
            ("/metadata/marketplaceIdentifier", "local"),
            ("/spec/serviceId", "svc-redis"),
            ("/spec/creator", "tom"),
        ] {
            let field = pointer[1..].replace('/', ".");
            refused(&stoa, &with(body("si-1"), pointer, json!(value)), "BadRequest", &field).await;
        }
        let mut changed = body("si-1");
        changed["spec"]["displayName"] = json!("DB");
        changed["spec"]["planId"] = json!("plan-l");
        changed["spec"]["parameters"] = json!({ "storageGb": 40 });
        stoa.import(std::slice::from_ref(&changed)).await;
        assert_eq!(stoa.admin.get(KIND, "/si-1").await.expect(200)["spec"], changed["spec"]);
        // It keeps its project and workspace alive.
        stoa.admin.delete("meshProject", "/orchard.press-dev").await.refused(409, "meshServiceInstance[si-1]");
        stoa.admin.delete("meshProject", "/orchard.web").await.expect(204);
        stoa.admin.delete("meshWorkspace", "/orchard").await.refused(409, "orchard");
    }

    async fn creators_are_people_or_unknown(stoa) {
        set(&stoa).await;
        let ghost = with(body("si-2"), "/spec/creator", json!("ghost"));
        stoa.import(&[body("si-1"), ghost.clone()]).await;
        let creator = async |id: &str| {
            text(&stoa.admin.get(KIND, &format!("/{id}")).await.expect(200), "/spec/creator")
        };
        assert_eq!((creator("si-1").await, creator("si-2").await), ("lea".into(), "Unknown".into()));
        stoa.import(&[ghost]).await;
        // Names change, people go.
        let renamed = json!({ "metadata": { "name": "lena" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } });
        stoa.admin.put("meshUser", "/lea", &renamed).await.expect(200);
        assert_eq!(creator("si-1").await, "lena");
        stoa.admin.delete("meshUser", "/lena").await.expect(204);
        assert_eq!(creator("si-1").await, "Unknown");
    }

    async fn filters_need_their_companions(stoa) {
        set(&stoa).await;
        let of = |id: &str, workspace: &str, project: &str, marketplace: &str, service: &str, plan: &str| {
            let mut body = body(id);
            body["metadata"]["ownedByWorkspace"] = json!(workspace);
            body["metadata"]["ownedByProject"] = json!(project);
            body["metadata"]["marketplaceIdentifier"] = json!(marketplace);
            body["spec"]["serviceId"] = json!(service);
            body["spec"]["planId"] = json!(plan);
            body
        };
        stoa.import(&[
            of("1", "orchard", "press-dev", "global", "db", "s"),
            of("2", "orchard", "web", "global", "db", "l"),
            of("3", "shop", "web", "local", "db", "s"),
            of("4", "shop", "web", "local", "queue", "s"),
        ])
        .await;
        let found = async |query: &str| {
            let found = stoa.admin.list(KIND, query).await;
            found.iter().map(|found| text(found, "/metadata/instanceId")).collect::<String>()
        };
        for (query, expected) in [
            ("", "1234"),
            ("?workspaceIdentifier=orchard", "12"),
            ("?workspaceIdentifier=nobody", ""),
            ("?workspaceIdentifier=shop&projectIdentifier=web", "34"),
            ("?marketplaceIdentifier=local", "34"),
            ("?serviceIdentifier=db", "123"),
            ("?serviceIdentifier=db&planIdentifier=s", "13"),
            ("?workspaceIdentifier=shop&serviceIdentifier=db&planIdentifier=s", "3"),
            ("?workspaceIdentifier=&serviceIdentifier=queue", "4"),
        ] {
            assert_eq!(found(query).await, expected, "{query}");
        }
        names(stoa.admin.get(KIND, "?projectIdentifier=web").await, "projectIdentifier");
        names(stoa.admin.get(KIND, "?planIdentifier=s").await, "planIdentifier");
        // A team sees its own.
        let shop = stoa.key("shop", &["SERVICEINSTANCE_LIST"]).await;
        assert_eq!(shop.list(KIND, "").await.len(), 2);
        assert!(shop.list(KIND, "?workspaceIdentifier=orchard").await.is_empty());
        shop.get(KIND, "/3").await.expect(200);
        shop.get(KIND, "/1").await.refused(403, "ADM_SERVICEINSTANCE_LIST");
        let poor = stoa.key("shop", &[]).await;
        poor.get(KIND, "").await.refused(403, "SERVICEINSTANCE_LIST");
        poor.get(KIND, "/0").await.refused(403, "SERVICEINSTANCE_LIST");
    }
}
