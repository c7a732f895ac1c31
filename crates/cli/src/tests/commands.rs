//! Commands that ask and answer once.

use super::standin::{Answer, StandIn};
use super::{Outcome, run_in, stoa};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::tempdir;

const UUID: &str = "5b1f0b1e-7a53-4bb2-9c1e-2f6c1a0d3e10";

fn workspace(name: &str) -> Value {
    json!({
        "apiVersion": "v2", "kind": "meshWorkspace",
        "metadata": { "name": name, "createdOn": "2031-02-11T09:00:00Z", "tags": {} },
        "spec": { "displayName": name.to_uppercase(), "platformBuilderAccessEnabled": false }
    })
}

#[tokio::test]
async fn lists_are_tables_json_yaml_or_names() {
    let server = StandIn::start().await;
    server.keep("meshworkspaces/shop", workspace("shop"));
    server.keep("meshworkspaces/warehouse", workspace("warehouse"));
    let table = "NAME        DISPLAY NAME   BUILDER   AGE\n\
                 shop        SHOP           false     60m\n\
                 warehouse   WAREHOUSE      false     60m\n";
    assert_eq!(stoa(&server, &["list", "ws"]).await, Outcome::new(0, table, ""));
    assert_eq!(stoa(&server, &["get", "workspaces"]).await.out, table);
    assert_eq!(stoa(&server, &["get", "ws", "-q"]).await.out, "shop\nwarehouse\n");
    let json: Value = serde_json::from_str(&stoa(&server, &["list", "ws", "-o", "json"]).await.out).unwrap();
    assert_eq!(json, json!([workspace("shop"), workspace("warehouse")]));
    let yaml = stoa(&server, &["list", "ws", "-o", "yaml"]).await.out;
    assert_eq!(yaml.matches("kind: meshWorkspace").count(), 2);
    assert!(yaml.contains("\n---\n"), "documents that apply can read: {yaml}");
    assert_eq!(
        stoa(&server, &["list", "runners"]).await,
        Outcome::new(0, "", "no meshbuildingblockrunners found\n")
    );
    let one: Value =
        serde_json::from_str(&stoa(&server, &["get", "ws", "shop", "-o", "json"]).await.out).unwrap();
    assert_eq!(one, workspace("shop"));
}

#[tokio::test]
async fn all_pages_of_a_list_are_read() {
    let server = StandIn::start().await;
    for page in 0..3 {
        let items = json!([workspace(&format!("ws{page}"))]);
        server.answer(
            &format!("GET /api/meshobjects/meshworkspaces?page={page}&size=200"),
            Answer::Json(200, json!({ "_embedded": { "meshWorkspaces": items }, "page": { "totalPages": 3, "number": page } })),
        );
    }
    assert_eq!(stoa(&server, &["list", "ws", "-q"]).await.out, "ws0\nws1\nws2\n");
    server.answer(
        "GET /api/meshobjects/meshworkspaces?page=0&size=2",
        Answer::Json(200, json!({ "_embedded": { "meshWorkspaces": [workspace("a"), workspace("b")] }, "page": { "totalPages": 2 } })),
    );
    assert_eq!(stoa(&server, &["list", "ws", "-q", "--limit", "2"]).await.out, "a\nb\n");
}

#[tokio::test]
async fn filters_go_to_the_server() {
    let server = StandIn::start().await;
    stoa(&server, &["list", "blocks", "-w", "shop", "--definition", UUID, "-F", "status=FAILED"]).await;
    server.keep(
        &format!("meshbuildingblockdefinitions/{UUID}"),
        json!({ "kind": "meshBuildingBlockDefinition", "metadata": { "uuid": UUID } }),
    );
    stoa(&server, &["list", "blocks", "-w", "shop", "--definition", UUID, "-F", "status=FAILED"]).await;
    let last = server.asked().pop().unwrap().what;
    assert_eq!(
        last,
        format!(
            "GET /api/meshobjects/meshbuildingblocks?page=0&size=200&workspaceIdentifier=shop&definitionUuid={UUID}&status=FAILED"
        )
    );
    assert_eq!(stoa(&server, &["list", "ws", "-w", "shop"]).await.code, 64);
    assert_eq!(stoa(&server, &["list", "versions"]).await.code, 64);
}

#[tokio::test]
async fn exit_codes_say_what_kind_of_failure_it_was() {
    let server = StandIn::start().await;
    for (status, code) in [(400, 1), (401, 77), (403, 77), (404, 1), (409, 1), (429, 75), (500, 1), (503, 75)]
    {
        let body = json!({ "errorCode": "Code", "message": "Words." });
        let name = format!("w{status}");
        server.answer(&format!("GET /api/meshobjects/meshworkspaces/{name}"), Answer::Json(status, body));
        let expected = format!("error: workspace `{name}`: Code: Words. ({status})\n");
        assert_eq!(stoa(&server, &["get", "ws", &name]).await, Outcome::new(code, "", &expected));
    }
    let nowhere = Path::new("no-contexts");
    let gone = run_in(nowhere, &["get", "ws", "--server", "http://127.0.0.1:1", "--api-token", "t"]).await;
    assert_eq!(gone.code, 69, "{gone:?}");
    assert!(
        gone.err.starts_with("error: cannot list meshworkspaces: no answer from http://127.0.0.1:1: "),
        "{gone:?}"
    );
    assert_eq!(run_in(nowhere, &["get", "ws"]).await.code, 78);
    assert_eq!(run_in(nowhere, &["get", "ws", "--server", "ftp://x"]).await.code, 78);
    for words in [&["get"][..], &["get", "pod"], &["order"], &["frobnicate"], &["apply"]] {
        assert_eq!(run_in(nowhere, words).await.code, 64, "{words:?}");
    }
    assert_eq!(stoa(&server, &["get", "project", "web"]).await.code, 64, "a project needs its workspace");
}

#[tokio::test]
async fn things_are_found_by_their_display_names() {
    let server = StandIn::start().await;
    let runner = |uuid: &str, owner: &str| json!({ "kind": "meshBuildingBlockRunner", "metadata": { "uuid": uuid, "ownedByWorkspace": owner }, "spec": { "displayName": "Tofu" } });
    server.keep("meshbuildingblockrunners/u1", runner("u1", "a"));
    assert_eq!(stoa(&server, &["get", "runner", "Tofu", "-q"]).await.out, "u1\n");
    server.keep("meshbuildingblockrunners/u2", runner("u2", "b"));
    assert_eq!(stoa(&server, &["get", "runner", "Tofu", "-q", "-w", "b"]).await.out, "u2\n");
    let outcome = stoa(&server, &["get", "runner", "Tofu"]).await;
    let expected = "error: 2 meshbuildingblockrunners are named `Tofu`; use a uuid: u1 in a, u2 in b\n";
    assert_eq!(outcome, Outcome::new(1, "", expected));
    let outcome = stoa(&server, &["delete", "runner", "Nothing"]).await;
    assert_eq!(outcome, Outcome::new(1, "", "error: there is no runner named `Nothing`\n"));
    assert_eq!(stoa(&server, &["delete", "runner", "Tofu", "-w", "a"]).await.code, 0);
    assert_eq!(server.writes(), ["DELETE /api/meshobjects/meshbuildingblockrunners/u1"]);
}

#[tokio::test]
async fn a_login_is_checked_kept_and_used() {
    let server = StandIn::start().await;
    let folder = tempdir().unwrap();
    let home = folder.path();
    let key_file = home.join("admin-key.json");
    let key = json!({ "url": server.url(), "clientId": "id-1", "clientSecret": "s3cret" });
    crate::context::write_private(&key_file, &key.to_string()).unwrap();
    server.answer("GET /mesh/info", Answer::Json(200, json!({ "version": "2026.40.0" })));
    let refusal = json!({ "errorCode": "Unauthorized", "message": "The key is not known." });
    server.answer("POST /api/login", Answer::Json(401, refusal));
    let file = key_file.display().to_string();

    let refused = run_in(home, &["login", "--key-file", &file]).await;
    assert_eq!(refused, Outcome::new(77, "", "error: the API key was refused: The key is not known.\n"));
    assert!(!home.join("contexts.toml").exists());

    let server_2 = StandIn::start().await;
    server_2.answer("GET /mesh/info", Answer::Json(200, json!({ "version": "2026.40.0" })));
    server_2.answer("POST /api/login", Answer::Json(200, json!({ "access_token": "t", "expires_in": 300 })));
    server_2.answer("GET /api", Answer::Json(200, json!({ "_links": {} })));
    server_2.keep("meshworkspaces/shop", workspace("shop"));
    let accepted = run_in(home, &["login", server_2.url(), "--key-file", &file, "--context", "two"]).await;
    assert_eq!(accepted.code, 0, "{accepted:?}");
    assert!(
        accepted.err.starts_with(&format!("signed in at {} (version 2026.40.0) as id-1\n", server_2.url()))
    );
    assert_eq!(run_in(home, &["get", "ws", "-q"]).await, Outcome::new(0, "shop\n", ""));
    assert_eq!(run_in(home, &["get", "ws", "-q", "--context", "two"]).await.out, "shop\n");
}

#[tokio::test]
async fn the_secret_of_a_key_is_shown_once_or_saved() {
    let server = StandIn::start().await;
    let made = json!({
        "kind": "meshApiKey", "metadata": { "uuid": UUID }, "spec": {},
        "status": { "clientId": UUID, "clientSecret": "s3cret" }
    });
    server.answer("POST /api/meshobjects/meshapikeys", Answer::Json(201, made.clone()));
    let words = [
        "apikey",
        "create",
        "-w",
        "shop",
        "-n",
        "ci",
        "-p",
        "BUILDINGBLOCK_LIST,BUILDINGBLOCK_SAVE",
        "--expires",
        "2031-06-30",
    ];
    let shown = stoa(&server, &words).await;
    let expected = format!("CLIENT ID       {UUID}\nCLIENT SECRET   s3cret\n");
    assert_eq!(shown, Outcome::new(0, &expected, "the secret is shown this once\n"));
    assert_eq!(
        server.body("POST /api/meshobjects/meshapikeys")["spec"],
        json!({ "displayName": "ci", "permissions": ["BUILDINGBLOCK_LIST", "BUILDINGBLOCK_SAVE"], "expiresAt": "2031-06-30" })
    );

    let folder = tempdir().unwrap();
    let file = folder.path().join("key.json");
    let saved = stoa(&server, &[&words[..], &["--save", &file.display().to_string()]].concat()).await;
    assert_eq!((saved.code, saved.out.as_str()), (0, ""));
    let key: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(key, json!({ "url": server.url(), "clientId": UUID, "clientSecret": "s3cret" }));

    let stored =
        json!({ "kind": "meshApiKey", "metadata": { "uuid": UUID }, "spec": { "expiresAt": "2031-06-30" } });
    server.keep(&format!("meshapikeys/{UUID}"), stored);
    let same = stoa(&server, &["apikey", "rotate", UUID, "--expires", "2031-06-30"]).await;
    assert_eq!(same.code, 64);
    server.answer(&format!("PUT /api/meshobjects/meshapikeys/{UUID}"), Answer::Json(200, made));
    assert_eq!(stoa(&server, &["apikey", "rotate", UUID, "--never-expires"]).await.out, expected);
    assert_eq!(
        server.body(&format!("PUT /api/meshobjects/meshapikeys/{UUID}"))["spec"]["expiresAt"],
        Value::Null
    );
}

#[tokio::test]
async fn a_release_is_approved_by_definition_and_number() {
    let server = StandIn::start().await;
    let version = json!({
        "kind": "meshBuildingBlockDefinitionVersion", "metadata": { "uuid": "v1" },
        "spec": { "buildingBlockDefinitionRef": { "uuid": UUID }, "versionNumber": 1, "state": "DRAFT" }
    });
    server.keep("meshbuildingblockdefinitionversions/v1", version.clone());
    server.keep(&format!("meshbuildingblockdefinitions/{UUID}"), json!({
        "kind": "meshBuildingBlockDefinition", "metadata": { "uuid": UUID }, "spec": { "displayName": "DB" }
    }));
    let path = "POST /api/meshobjects/meshbuildingblockdefinitionversions/v1/approve";
    server.answer(path, Answer::Json(200, version));
    for word in ["DB@1", "DB"] {
        let outcome = stoa(&server, &["approve", word]).await;
        assert_eq!(
            outcome,
            Outcome::new(0, "", "meshBuildingBlockDefinitionVersion/v1 approved\n"),
            "{word}"
        );
    }
    assert_eq!(server.writes(), [path, path]);
}

#[tokio::test]
async fn logs_are_printed_step_by_step() {
    let server = StandIn::start().await;
    let logs = json!({
        "steps": [
            { "displayName": "Prepare", "status": "SUCCEEDED", "userMessage": null, "systemMessage": "cloned \u{1b}[1mv3\u{1b}[0m\n" },
            { "displayName": "Apply", "status": "FAILED", "userMessage": "quota exceeded", "systemMessage": null }
        ],
        "warnings": ["STEP_SUCCESS_MISSING"]
    });
    server
        .answer(&format!("GET /api/meshobjects/meshbuildingblockruns/{UUID}/logs"), Answer::Json(200, logs));
    assert_eq!(
        stoa(&server, &["runs", "logs", UUID]).await,
        Outcome::new(
            0,
            "== Prepare (SUCCEEDED)\ncloned v3\n== Apply (FAILED)\nquota exceeded\n",
            "warning: the run succeeded, but not every step did\n"
        )
    );
}

#[tokio::test]
async fn a_manual_run_is_completed_with_typed_outputs() {
    let server = StandIn::start().await;
    server.keep(
        &format!("meshbuildingblockruns/{UUID}"),
        json!({
            "kind": "meshBuildingBlockRun", "metadata": { "uuid": UUID }, "status": "IN_PROGRESS",
            "spec": { "buildingBlockDefinition": { "uuid": "d1", "spec": { "version": 1 } } }
        }),
    );
    server.keep(
        "meshbuildingblockdefinitionversions/v1",
        json!({
            "kind": "meshBuildingBlockDefinitionVersion", "metadata": { "uuid": "v1" },
            "spec": {
                "buildingBlockDefinitionRef": { "uuid": "d1" }, "versionNumber": 1,
                "outputs": { "size": { "type": "INTEGER" }, "host": { "type": "STRING" } }
            }
        }),
    );
    let path = format!("POST /api/meshobjects/meshbuildingblockruns/{UUID}/complete");
    server.answer(&path, Answer::Json(200, json!({})));
    let words = ["runs", "complete", UUID, "-m", "racked", "-O", "size=3", "-O", "host=h1"];
    let outcome = stoa(&server, &words).await;
    assert_eq!(outcome, Outcome::new(0, "", &format!("run {UUID} is completed: SUCCEEDED\n")));
    assert_eq!(
        server.body(&path),
        json!({ "status": "SUCCEEDED", "message": "racked", "outputs": { "size": 3, "host": "h1" } })
    );
    assert_eq!(stoa(&server, &["runs", "complete", UUID, "-O", "colour=red"]).await.code, 64);
}

#[tokio::test]
async fn the_api_description_is_printed() {
    let server = StandIn::start().await;
    server.answer("GET /api/openapi.json", Answer::Json(200, json!({ "openapi": "3.1.0" })));
    assert_eq!(stoa(&server, &["openapi"]).await, Outcome::new(0, "{\n  \"openapi\": \"3.1.0\"\n}\n", ""));
    assert_eq!(stoa(&server, &["openapi", "-o", "yaml"]).await.out, "openapi: \"3.1.0\"\n");
}
