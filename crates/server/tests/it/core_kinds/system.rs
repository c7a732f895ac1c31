//! What an installation says about itself (`api-core.md` §2.10 to §2.12).

use crate::on_both;
use crate::stoa::{Answer, Caller};
use reqwest::Method;
use serde_json::{Value, json};

async fn get(caller: &Caller, path: &str, accept: Option<&str>) -> Answer {
    caller
        .raw(Method::GET, path, |request| match accept {
            Some(accept) => request.header("accept", accept),
            None => request,
        })
        .await
}

on_both! {
    async fn mesh_info_gates_clients(stoa) {
        for accept in [None, Some("application/json"), Some("text/html")] {
            let answer = get(&stoa.nobody(), "/mesh/info", accept).await;
            assert_eq!(answer.headers["content-type"], "application/json");
            let info = answer.expect(200);
            assert_eq!(
                info.as_object().unwrap().keys().collect::<Vec<_>>(),
                ["version", "is4EPEnabled", "metadata", "adminWorkspaceIdentifier"]
            );
            let version = info["version"].as_str().unwrap();
            let numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
            assert!(numbers.len() == 3 && numbers >= [2026, 34, 0].to_vec(), "{version}");
            assert_eq!(info["is4EPEnabled"], false);
            assert_eq!(info["adminWorkspaceIdentifier"], "demo-partner");
            let metadata = info["metadata"].as_object().unwrap();
            assert!(metadata.values().all(Value::is_string));
        }
        // A broken credential is nobody's business here.
        get(&stoa.nobody().bearer("garbage"), "/mesh/info", None).await.expect(200);
    }

    async fn it_tells_how_it_is(stoa) {
        let up = json!({ "status": "UP", "components": { "db": { "status": "UP" } } });
        for path in ["/actuator/health", "/readyz"] {
            let answer = get(&stoa.nobody(), path, None).await;
            assert_eq!(answer.headers["content-type"], "application/json");
            assert_eq!(answer.expect(200), up, "{path}");
        }
        get(&stoa.nobody(), "/livez", None).await.expect(200);
        // Stopping: alive, and not ready for more.
        stoa.running.app.draining.store(true, std::sync::atomic::Ordering::Relaxed);
        get(&stoa.nobody(), "/readyz", None).await.expect(503);
        get(&stoa.nobody(), "/livez", None).await.expect(200);
    }

    async fn it_tells_when_its_database_is_gone(stoa) {
        let database = stoa.running.app.db.clone();
        tokio::task::spawn_blocking(move || database.close()).await.unwrap();
        let down = json!({ "status": "DOWN", "components": { "db": { "status": "DOWN" } } });
        let answer = get(&stoa.nobody(), "/actuator/health", None).await;
        assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.expect(503), down);
        get(&stoa.nobody(), "/livez", None).await.expect(200);
    }

    async fn figures_are_counted_by_route(stoa) {
        stoa.workspace("orchard").await;
        stoa.admin.get("meshWorkspace", "/orchard").await.expect(200);
        stoa.admin.get("meshWorkspace", "/nothing").await.expect(404);
        get(&stoa.nobody(), "/nowhere/orchard", None).await.expect(404);
        for method in ["BREW", "BREWED", "BREWING"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            stoa.nobody().raw(method, "/livez", |r| r).await.expect(405);
        }
        let answer = get(&stoa.nobody(), "/metrics", None).await;
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
        let route = r#"route="/api/meshobjects/meshworkspaces/{identifier}""#;
        for (method, status) in [("GET", 200), ("GET", 404)] {
            let line =
                format!(r#"stoa_http_requests_total{{method="{method}",{route},status="{status}"}} 1"#);
            assert!(answer.text.contains(&line), "{line} is not in\n{}", answer.text);
        }
        // Neither names of things nor words of strangers become labels.
        for word in ["orchard", "nowhere", "BREW"] {
            assert!(!answer.text.contains(word), "{word} is in\n{}", answer.text);
        }
        assert!(answer.text.contains("stoa_http_request_duration_seconds_bucket"));
        assert!(answer.text.ends_with("# EOF\n"));
    }
}
