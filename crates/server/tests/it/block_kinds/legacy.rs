//! §9: the legacy version v1, which knows blocks of tenants only.

use crate::on_both;
use crate::stoa::{media, path, text};
use reqwest::Method;
use serde_json::json;

const BLOCK: &str = "meshBuildingBlock";

on_both! {
    async fn v1_shows_no_block_of_a_workspace(stoa) {
        stoa.workspace("shop").await;
        let (definition, version) = stoa.definition("demo-partner", json!({})).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let item = format!("/{}", text(&block, "/metadata/uuid"));
        let v1 = media(BLOCK, "v1");
        let send = |method: Method, rest: &str, body: Option<String>| {
            let (admin, v1, url) = (stoa.admin.clone(), v1.clone(), path(BLOCK, rest));
            async move {
                admin
                    .raw(method, &url, |r| {
                        let r = r.header("accept", &v1);
                        match body {
                            Some(body) => r.header("content-type", &v1).body(body),
                            None => r,
                        }
                    })
                    .await
            }
        };
        send(Method::GET, &item, None).await.refused(404, "");
        send(Method::DELETE, &item, None).await.refused(404, "");
        let list = send(Method::GET, "", None).await;
        assert_eq!(list.headers["content-type"], v1.as_str());
        let list = list.expect(200);
        assert_eq!(list["_embedded"], json!({ "meshBuildingBlocks": [] }));
        assert_eq!(list["page"]["totalElements"], 0);
        let body = json!({
            "apiVersion": "v1", "kind": BLOCK,
            "metadata": {
                "definitionUuid": definition, "definitionVersion": 1, "tenantIdentifier": "shop.web.k8s.eu1",
            },
            "spec": { "displayName": "x", "inputs": [], "parentBuildingBlocks": [] },
        });
        send(Method::POST, "", Some(body.to_string())).await.refused(404, "shop.web.k8s.eu1");
        let put = send(Method::PUT, &item, Some(body.to_string())).await;
        assert_eq!(put.headers["allow"], "GET, DELETE");
        put.refused(405, "");
        let mut nowhere = body.clone();
        nowhere["metadata"].as_object_mut().unwrap().remove("tenantIdentifier");
        send(Method::POST, "", Some(nowhere.to_string())).await.refused(400, "metadata.tenantIdentifier");
        let mut newer = body;
        newer["apiVersion"] = json!("v2-preview");
        send(Method::POST, "", Some(newer.to_string())).await.refused(400, "apiVersion");
    }

    async fn an_accept_list_is_answered_in_the_version_it_prefers(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let url = path(BLOCK, &format!("/{}", text(&block, "/metadata/uuid")));
        let (v1, v2) = (media(BLOCK, "v1"), media(BLOCK, "v2-preview"));
        for (accept, status) in [
            (format!("{v1};q=0.5, {v2}"), 200),
            (format!("{v2}, {v1}"), 200),
            (format!("{v1}, {v2};q=0.9"), 404),
            (media(BLOCK, "v3"), 406),
            (media("meshProject", "v2"), 406),
        ] {
            let answer = stoa.admin.raw(Method::GET, &url, |r| r.header("accept", &accept)).await;
            assert_eq!(answer.status, status, "{accept}: {}", answer.text);
        }
    }
}
