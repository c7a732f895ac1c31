//! What an installation says about itself (`api-core.md` §2.10 to §2.12).

use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, media};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn get(caller: &Caller, path: &str, accept: Option<&str>) -> Answer {
    caller
        .raw(Method::GET, path, |request| match accept {
            Some(accept) => request.header("accept", accept),
            None => request,
        })
        .await
}

/// What everybody may list (`api-core.md` §2.5).
const OPEN: [&str; 4] = ["meshtagdefinitions", "meshlocations", "meshprojectroles", "meshplatformtypes"];

/// The index of kinds as a caller sees it: relations without `self`, and the variables of each.
async fn index(stoa: &Stoa, caller: &Caller) -> Vec<(String, Vec<String>)> {
    let body = get(caller, "/api/meshobjects", Some(&media("meshobjects", "v2"))).await.expect(200);
    let mut links = body["_links"].as_object().unwrap().clone();
    let base = format!("{}/api/meshobjects", stoa.url);
    assert_eq!(links.shift_remove("self"), Some(json!({ "href": base })));
    let parts = links.iter().map(|(relation, link)| {
        let href = link["href"].as_str().unwrap();
        let (path, variables) = href.split_once("{?").unwrap_or((href, ""));
        assert_eq!(path, format!("{base}/{}", place_of(relation)));
        let variables: Vec<String> = variables
            .trim_end_matches('}')
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        assert_eq!(link.get("templated").is_some(), !variables.is_empty(), "{link}");
        (relation.clone(), variables)
    });
    parts.collect()
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

    async fn the_root_links_the_index(stoa) {
        let root = "application/vnd.meshcloud.api.v1.hal+json";
        stoa.workspace("orchard").await;
        let poor = stoa.key("orchard", &[]).await;
        for caller in [&stoa.admin, &poor] {
            let answer = get(caller, "/api", Some(root)).await;
            assert_eq!(answer.headers["content-type"], root);
            assert_eq!(
                answer.expect(200),
                json!({ "_links": {
                "self": { "href": format!("{}/api", stoa.url) },
                "meshobjects": { "href": format!("{}/api/meshobjects", stoa.url) },
            } })
            );
        }
        for path in ["/api", "/api/meshobjects"] {
            get(&stoa.nobody(), path, Some(root)).await.refused(401, "credential");
            for accept in [
                None,
                Some("*/*"),
                Some("application/json"),
                Some("application/vnd.meshcloud.api.meshobjects.v1.hal+json"),
            ] {
                get(&stoa.admin, path, accept).await.refused(406, "application/vnd.meshcloud.api.");
            }
        }
    }

    async fn the_index_shows_what_the_caller_may_list(stoa) {
        let all = index(&stoa, &stoa.admin).await;
        let variables = |relation: &str| {
            let found = all.iter().find(|(name, _)| name == relation);
            found.map(|(_, variables)| variables.iter().map(String::as_str).collect::<BTreeSet<_>>())
        };
        for (relation, expected) in [
            ("meshworkspaces", ""),
            ("meshtagdefinitions", ""),
            ("meshprojects", "workspaceIdentifier,paymentIdentifier,state"),
            (
                "meshusers",
                "uuid,workspaceIdentifier,projectIdentifier,platformIdentifier,workspaceUserGroupIdentifier,projectRole,workspaceRole,email,firstName,lastName,username,euid",
            ),
            ("meshworkspaceusergroups", "workspaceIdentifier,username"),
            ("meshworkspaceuserbindings", "username,workspaceRole,workspaceIdentifier"),
            ("meshworkspacegroupbindings", "username,workspaceRole,workspaceIdentifier"),
            ("meshprojectuserbindings", "workspaceIdentifier,projectIdentifier"),
            ("meshprojectgroupbindings", "workspaceIdentifier,projectIdentifier"),
            ("meshpaymentmethods", "workspaceIdentifier"),
            ("meshintegrations", "displayName,ownedByWorkspace,type"),
            (
                "mesheventlogs",
                "from,until,title,description,authorType,authorIdentifier,eventType,workspaceName,workspaceIdentifier,excludeTitle",
            ),
        ] {
            let expected = expected.split(',').filter(|name| !name.is_empty()).collect();
            assert_eq!(variables(relation), Some(expected), "{relation}");
        }
        for relation in [
            "meshapikeys",
            "meshbuildingblockdefinitions",
            "meshbuildingblockdefinitionversions",
            "meshbuildingblocks",
            "meshbuildingblockruns",
            "meshbuildingblockrunners",
        ] {
            assert!(variables(relation).is_some(), "{relation}");
        }
        stoa.workspace("orchard").await;
        let reader = stoa.key("orchard", &["PROJECT_LIST", "INTEGRATION_LIST", "WORKSPACE_SAVE"]).await;
        let seen = index(&stoa, &reader).await;
        let beyond = |seen: &[(String, Vec<String>)]| {
            let relations = seen.iter().map(|(relation, _)| relation.clone());
            relations.filter(|relation| !OPEN.contains(&relation.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(beyond(&seen), ["meshprojects", "meshintegrations"]);
        let poor = index(&stoa, &stoa.key("orchard", &[]).await).await;
        assert!(beyond(&poor).is_empty() && !poor.is_empty(), "{poor:?}");
        // Each link leads to a list.
        for (relation, _) in all {
            let kind = media(&relation[..relation.len() - 1], version_of(&relation));
            let path = format!("/api/meshobjects/{}", place_of(&relation));
            get(&stoa.admin, &path, Some(&kind)).await.expect(200);
        }
    }
}

/// The path of a relation's collection: bindings live in folders of their own.
fn place_of(relation: &str) -> String {
    relation
        .replace("workspaceuserb", "workspacebindings/userb")
        .replace("workspacegroupb", "workspacebindings/groupb")
        .replace("projectuserb", "projectbindings/userb")
        .replace("projectgroupb", "projectbindings/groupb")
}

/// The newest version of the kind behind a relation.
fn version_of(relation: &str) -> &'static str {
    match relation {
        "meshprojectuserbindings" | "meshprojectgroupbindings" => "v3",
        "meshworkspaceuserbindings" | "meshworkspacegroupbindings" | "meshpaymentmethods" => "v2",
        "meshworkspaceusergroups" | "meshprojectroles" => "v1",
        "meshworkspaces" | "meshprojects" | "meshusers" | "meshplatforms" => "v2",
        "meshbuildingblocks" => "v2-preview",
        "meshintegrations"
        | "meshtagdefinitions"
        | "meshbuildingblockruns"
        | "meshlocations"
        | "meshplatformtypes"
        | "meshlandingzones" => "v1",
        _ => "v1-preview",
    }
}
