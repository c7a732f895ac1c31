//! Who may do what: every route of the server by every kind of caller, against a matrix that people reviewed
//! (`api-core.md` §2.5 and §2.6, `api-building-blocks.md` §1.5, `runner-protocol.md` §2.3).

mod stage;

use crate::on_both;
use crate::stoa::Stoa;
use stage::{COLUMNS, Stage};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Rows are routes, columns are callers: what each gets. Requests ask for something that the server can refuse for
/// no other reason than access, or refuses last: 2xx, 400, 404 and 409 all mean that the caller was let in.
const MATRIX: &str = include_str!("access/matrix.txt");

/// The matrix: by method and path, one status per column.
fn matrix() -> BTreeMap<String, Vec<u16>> {
    let rows = MATRIX.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let rows = rows.map(|line| {
        let mut words = line.split_whitespace();
        let key = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        let statuses: Vec<u16> = words.map(|status| status.parse().unwrap()).collect();
        assert_eq!(statuses.len(), COLUMNS.len(), "{key} has not one status per caller");
        (key, statuses)
    });
    rows.collect()
}

/// A row as the file has it.
fn row(key: &str, statuses: &[u16]) -> String {
    let (method, path) = key.split_once(' ').unwrap();
    let mut line = format!("{method:<6} {path:<86}");
    for status in statuses {
        write!(line, " {status}").unwrap();
    }
    line
}

/// Routes that answer everybody.
const PUBLIC: [&str; 14] = [
    "GET /mesh/info",
    "GET /actuator/health",
    "GET /readyz",
    "GET /livez",
    "GET /metrics",
    "GET /api/openapi.json",
    "POST /api/login",
    "POST /api/stoa/v1/session",
    "POST /api/stoa/v1/welcome",
    "POST /api/stoa/v1/set-password",
    "GET /api/stoa/v1/links/{token}",
    "GET /api/stoa/v1/sign-in",
    "POST /api/stoa/v1/sign-in/{provider}",
    "POST /api/stoa/v1/sign-in/{provider}/return",
];

/// Paths about the person who asks: machines are refused whatever they name. People are in `signing_in`.
const OF_PEOPLE: [&str; 1] = ["/api/stoa/v1/sessions/{uuid}"];

/// Answers that something is absent to whoever may not see it.
const SILENT: &str = "/api/stoa/v1/resolve/{uuid}";

/// Kinds that everybody with a credential may read (`api-core.md` §2.5).
const OPEN: [&str; 4] = ["meshTagDefinition", "meshLocation", "meshProjectRole", "meshPlatformType"];

on_both! {
    async fn everybody_gets_exactly_what_is_due(stoa) {
        let stage = Stage::set(stoa).await;
        let expected = matrix();
        let mut differences = String::new();
        let mut keys = Vec::new();
        for route in stage.routes() {
            let key = format!("{} {}", route.method, route.path);
            keys.push(key.clone());
            let mut found = Vec::new();
            for caller in stage.columns() {
                found.push(stage.ask(&route, caller).await);
            }
            assert!(found.iter().all(|status| *status < 500), "{}", row(&key, &found));
            if expected.get(&key) != Some(&found) {
                writeln!(differences, "{}", row(&key, &found)).unwrap();
            }
            // Whoever has no valid credential learns that, and nothing else.
            let public = PUBLIC.contains(&key.as_str());
            for (name, stranger) in stage.strangers() {
                let status = stage.ask(&route, stranger).await;
                assert_eq!(status == 401, !public, "{key} answers {name} with {status}");
            }
        }
        for key in expected.keys().filter(|key| !keys.contains(key)) {
            writeln!(differences, "{key} is no route any more").unwrap();
        }
        assert!(differences.is_empty(), "these differ from access/matrix.txt:\n{differences}");
    }

    async fn who_has_no_right_at_all_does_not_learn_what_exists(stoa) {
        let stage = Stage::set(stoa).await;
        for route in stage.routes() {
            let Some(absent) = stage.absent(&route) else { continue };
            let key = format!("{} {}", route.method, route.path);
            if PUBLIC.contains(&key.as_str()) || OF_PEOPLE.contains(&route.path.as_str()) || route.path == SILENT {
                continue;
            }
            // Some kinds are open to everybody who is somebody.
            if route.method == http::Method::GET && matrix().get(&key).is_some_and(|row| row[0] == 200) {
                continue;
            }
            let (there, nothing) =
                (stage.ask(&route, stage.poor()).await, stage.ask_at(&absent, stage.poor()).await);
            // What everybody may read is no secret.
            let open = route.method == http::Method::GET && OPEN.contains(&route.about.tag);
            let expected = if open { (200, 404) } else { (403, 403) };
            assert_eq!((there, nothing), expected, "{key} tells a caller without rights what exists");
            let nothing = stage.ask_at(&absent, stage.admin()).await;
            // The administrator does, except where a PUT creates.
            assert!(
                nothing == 404 || route.method == http::Method::PUT && nothing == 400,
                "{key}: {nothing}"
            );
            for (name, stranger) in stage.strangers() {
                assert_eq!(stage.ask_at(&absent, stranger).await, 401, "{key} as {name}");
            }
        }
    }
}

/// The catalogue, read off the matrix: each code alone opens what it names and nothing else.
mod codes {
    use super::*;
    use crate::stoa::{Caller, text};
    use serde_json::{Value, json};

    /// A caller's statuses for list, get, create, replace and delete of a kind's object.
    async fn tries(caller: &Caller, kind: &str, id: &str, body: &Value) -> [u16; 5] {
        let at = format!("/{id}");
        [
            caller.get(kind, "").await.status,
            caller.get(kind, &at).await.status,
            caller.post(kind, "", body).await.status,
            caller.put(kind, &at, body).await.status,
            caller.delete(kind, &at).await.status,
        ]
    }

    on_both! {
        async fn each_code_alone_opens_what_it_names(stoa) {
            for name in ["shop", "rival"] {
                stoa.workspace(name).await;
            }
            let refused_last = |workspace: &str| json!({
                "metadata": { "name": "web", "ownedByWorkspace": workspace },
                "spec": { "displayName": " ", "permissions": [], "config": {}, "description": "d", "publicKey": "x",
                    "implementationType": "ALL" },
            });
            for (kind, code) in [
                ("meshProject", "PROJECT"),
                ("meshApiKey", "APIKEY"),
                ("meshIntegration", "INTEGRATION"),
                ("meshBuildingBlockDefinition", "BUILDINGBLOCKDEFINITION"),
                ("meshBuildingBlockRunner", "BUILDINGBLOCKRUNNER"),
            ] {
                for (scope, workspace, foreign) in [("", "shop", "rival"), ("ADM_", "rival", "shop")] {
                    for (action, opened) in [("LIST", [0, 1].as_slice()), ("SAVE", &[2, 3]), ("DELETE", &[4])] {
                        let id = make(&stoa, kind, workspace).await;
                        let caller = stoa.key("shop", &[&format!("{scope}{code}_{action}")]).await;
                        let found = tries(&caller, kind, &id, &refused_last(workspace)).await;
                        for (place, status) in found.into_iter().enumerate() {
                            let what = format!("{scope}{code}_{action} on {kind}, action {place}: {status}");
                            assert_eq!(status != 403, opened.contains(&place), "{what}");
                            assert!(status < 500 && status != 401, "{what}");
                        }
                        // The same in the other workspace: only the admin code reaches it.
                        let id = make(&stoa, kind, foreign).await;
                        let found = tries(&caller, kind, &id, &refused_last(foreign)).await;
                        for place in opened.iter().filter(|place| **place > 0) {
                            assert_eq!(found[*place] != 403, scope == "ADM_", "{scope}{code}_{action} abroad: {found:?}");
                        }
                        stoa.admin.delete("meshApiKey", &format!("/{}", caller.client_id)).await.expect(204);
                    }
                }
            }
        }
    }

    /// A fresh object of a kind in a workspace; its id.
    async fn make(stoa: &Stoa, kind: &str, workspace: &str) -> String {
        let spec = match kind {
            "meshApiKey" => json!({ "displayName": "K", "permissions": [] }),
            "meshIntegration" => {
                json!({ "displayName": "I", "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://x.example" } } })
            }
            "meshBuildingBlockRunner" => json!({
                "displayName": "R", "publicKey": crate::stoa::shared_key().public_pem(), "implementationType": "ALL",
            }),
            _ => json!({ "displayName": "D", "description": "d" }),
        };
        let mut body = json!({ "metadata": { "ownedByWorkspace": workspace }, "spec": spec });
        if kind == "meshProject" {
            let name = format!("p{}", stoa.admin.list(kind, "?state=ACTIVE,DELETED").await.len());
            body["metadata"]["name"] = json!(name);
            stoa.admin.create(kind, &body).await;
            return format!("{workspace}.{name}");
        }
        text(&stoa.admin.create(kind, &body).await, "/metadata/uuid")
    }
}
