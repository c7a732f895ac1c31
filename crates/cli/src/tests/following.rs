//! Ordering, and following runs and blocks to their end.

use super::standin::{Answer, StandIn};
use super::{Outcome, stoa};
use serde_json::{Value, json};

const DEFINITION: &str = "5b1f0b1e-7a53-4bb2-9c1e-2f6c1a0d3e10";
const BLOCK: &str = "c4b4f0d2-6d2c-4c7d-9b0e-9f1d6f7e2a55";
const RUN: &str = "e0b7c1fa-8c0d-4a28-bb0b-1f0b1f6f9d77";
const ORDER: [&str; 6] = ["order", "Greeting", "--workspace", "shop", "--name", "hello"];

fn block(status: &str, run: Option<&str>) -> Value {
    json!({
        "apiVersion": "v2-preview", "kind": "meshBuildingBlock",
        "metadata": { "uuid": BLOCK, "ownedByWorkspace": "shop" },
        "spec": { "displayName": "hello", "targetRef": { "kind": "meshWorkspace", "name": "shop" }, "inputs": {} },
        "status": {
            "status": status, "forcePurge": false, "lifecycle": { "state": "ACTIVE" }, "latestRunUuid": run,
            "outputs": if status == "SUCCEEDED" {
                json!({ "text": { "value": "Hello, Ada", "valueType": "STRING", "assignmentType": "NONE" } })
            } else {
                json!({})
            }
        }
    })
}

fn step(id: &str, name: &str, status: &str, message: Option<&str>) -> (&'static str, Value) {
    (
        "step",
        json!({ "source": "r", "id": id, "displayName": name, "status": status, "userMessage": message }),
    )
}

fn good_run() -> Vec<(&'static str, Value)> {
    vec![
        ("run", json!({ "status": "PENDING", "message": null })),
        ("run", json!({ "status": "IN_PROGRESS", "message": null })),
        step("init", "Initialize", "PENDING", None),
        step("apply", "Apply", "PENDING", None),
        step("init", "Initialize", "IN_PROGRESS", None),
        ("log", json!({ "source": "r", "id": "init", "from": 0, "text": "one\ntw" })),
        ("log", json!({ "source": "r", "id": "init", "from": 6, "text": "o\n" })),
        step("init", "Initialize", "SUCCEEDED", None),
        step("apply", "Apply", "IN_PROGRESS", None),
        step("apply", "Apply", "SUCCEEDED", Some("1 added")),
        ("end", json!({ "status": "SUCCEEDED", "warnings": [] })),
    ]
}

const GOOD_LINES: &str = "\
2031-02-11T10:00:00Z run PENDING
2031-02-11T10:00:00Z run IN_PROGRESS
2031-02-11T10:00:00Z step `Initialize` IN_PROGRESS
2031-02-11T10:00:00Z step `Initialize` SUCCEEDED
2031-02-11T10:00:00Z step `Apply` IN_PROGRESS
2031-02-11T10:00:00Z step `Apply` SUCCEEDED: 1 added
2031-02-11T10:00:00Z run SUCCEEDED
";

fn events_of(run: &str) -> String {
    format!("GET /api/meshobjects/meshbuildingblockruns/{run}/events")
}

fn get_block() -> String {
    format!("GET /api/meshobjects/meshbuildingblocks/{BLOCK}")
}

/// A server that offers one definition.
async fn marketplace() -> StandIn {
    let server = StandIn::start().await;
    server.keep(
        &format!("meshbuildingblockdefinitions/{DEFINITION}"),
        json!({
            "kind": "meshBuildingBlockDefinition",
            "metadata": { "uuid": DEFINITION, "ownedByWorkspace": "platform" },
            "spec": { "displayName": "Greeting" }
        }),
    );
    server.keep("meshbuildingblockdefinitionversions/v1", json!({
        "kind": "meshBuildingBlockDefinitionVersion",
        "metadata": { "uuid": "v1", "ownedByWorkspace": "platform" },
        "spec": {
            "buildingBlockDefinitionRef": { "uuid": DEFINITION }, "versionNumber": 1, "state": "RELEASED",
            "inputs": {
                "who": { "type": "STRING", "assignmentType": "USER_INPUT", "isSensitive": false },
                "times": { "type": "INTEGER", "assignmentType": "USER_INPUT", "isSensitive": false, "defaultValue": 1 },
                "where": { "type": "MULTI_SELECT", "assignmentType": "USER_INPUT", "isSensitive": false, "defaultValue": [] },
                "key": { "type": "STRING", "assignmentType": "USER_INPUT", "isSensitive": true, "defaultValue": { "hash": "h" } }
            }
        }
    }));
    server
}

#[tokio::test]
async fn an_order_is_typed_by_its_definition_and_printed() {
    let server = marketplace().await;
    server.answer("POST /api/meshobjects/meshbuildingblocks", Answer::Json(201, block("PENDING", Some(RUN))));
    let words = [
        &ORDER[..],
        &["-i", "who=Ada", "-i", "times=3", "-i", "where=a,b", "-i", "key=k3y", "--parent", BLOCK],
    ]
    .concat();
    let outcome = stoa(&server, &words).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.out.starts_with(&format!("Name:       hello\nUUID:       {BLOCK}\n")), "{}", outcome.out);
    assert_eq!(outcome.err, format!("ordered `Greeting` v1 for workspace shop as {BLOCK}\n"));
    assert_eq!(
        server.body("POST /api/meshobjects/meshbuildingblocks")["spec"],
        json!({
            "buildingBlockDefinitionVersionRef": { "kind": "meshBuildingBlockDefinitionVersion", "uuid": "v1" },
            "targetRef": { "kind": "meshWorkspace", "name": "shop" },
            "displayName": "hello",
            "inputs": {
                "who": { "value": "Ada", "isSensitive": false },
                "times": { "value": 3, "isSensitive": false },
                "where": { "value": ["a", "b"], "isSensitive": false },
                "key": { "value": { "plaintext": "k3y" }, "isSensitive": true }
            },
            "parentBuildingBlockRefs": [{ "kind": "meshBuildingBlock", "uuid": BLOCK }]
        })
    );
    let quiet = stoa(&server, &[&ORDER[..], &["-q"]].concat()).await;
    assert_eq!(quiet, Outcome::new(0, &format!("{BLOCK}\n"), ""));
}

#[tokio::test]
async fn a_wrong_order_is_refused_before_anything_is_sent() {
    let server = marketplace().await;
    for words in [
        &["-i", "times=many"][..],
        &["-i", "nothing=1"],
        &["-i", "times"],
        &["--input-file", "who=/no/such/file"],
    ] {
        let outcome = stoa(&server, &[&ORDER[..], words].concat()).await;
        assert_eq!(outcome.code, 64, "{outcome:?}");
    }
    let unknown = stoa(&server, &["order", "greet", "-w", "shop", "-n", "x"]).await;
    assert_eq!(
        unknown,
        Outcome::new(1, "", "error: there is no definition named `greet`; there is `Greeting`\n")
    );
    assert_eq!(server.writes(), [""; 0]);
}

#[tokio::test]
async fn a_watched_order_ends_with_its_outputs() {
    let server = marketplace().await;
    server.answer("POST /api/meshobjects/meshbuildingblocks", Answer::Json(201, block("PENDING", Some(RUN))));
    server.answer(&get_block(), Answer::Json(200, block("PENDING", Some(RUN))));
    server.answer(&get_block(), Answer::Json(200, block("SUCCEEDED", Some(RUN))));
    server.answer(&events_of(RUN), Answer::Events(good_run()));
    let outcome = stoa(&server, &[&ORDER[..], &["-i", "who=Ada", "--watch"]].concat()).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let outputs = "\nOUTPUT   TYPE     USE    VALUE\ntext     STRING   NONE   Hello, Ada\n";
    assert_eq!(outcome.out, format!("{GOOD_LINES}{outputs}"));

    server.answer(&get_block(), Answer::Json(200, block("SUCCEEDED", Some(RUN))));
    let waited = stoa(&server, &[&ORDER[..], &["-i", "who=Ada", "--wait", "-o", "json"]].concat()).await;
    let printed: Value = serde_json::from_str(&waited.out).unwrap();
    assert_eq!(printed["status"]["outputs"]["text"]["value"], "Hello, Ada");
}

#[tokio::test]
async fn a_failed_order_exits_with_1_and_says_where_to_look() {
    let server = marketplace().await;
    server.answer("POST /api/meshobjects/meshbuildingblocks", Answer::Json(201, block("PENDING", Some(RUN))));
    server.answer(&get_block(), Answer::Json(200, block("IN_PROGRESS", Some(RUN))));
    server.answer(&get_block(), Answer::Json(200, block("FAILED", Some(RUN))));
    let events = vec![
        step("apply", "Apply", "FAILED", Some("quota exceeded")),
        ("end", json!({ "status": "FAILED", "warnings": [] })),
    ];
    server.answer(&events_of(RUN), Answer::Events(events));
    let outcome = stoa(&server, &[&ORDER[..], &["-i", "who=Ada", "--watch"]].concat()).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.out.contains("step `Apply` FAILED: quota exceeded\n"), "{}", outcome.out);
    assert!(
        outcome.err.ends_with(&format!("error: run {RUN} failed; `stoa runs logs {RUN}` says more\n")),
        "{}",
        outcome.err
    );
}

#[tokio::test]
async fn a_block_whose_runs_are_hidden_is_followed_by_its_changes() {
    let server = marketplace().await;
    server.answer("POST /api/meshobjects/meshbuildingblocks", Answer::Json(201, block("PENDING", None)));
    for status in ["PENDING", "IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED"] {
        server.answer(&get_block(), Answer::Json(200, block(status, None)));
    }
    let change = ("change", json!({ "kind": "meshBuildingBlock", "uuid": BLOCK, "action": "Changed" }));
    let feed = format!("GET /api/events?uuid={BLOCK}");
    server.answer(&feed, Answer::Events(vec![change.clone(), change.clone(), change]));
    let outcome = stoa(&server, &[&ORDER[..], &["-i", "who=Ada", "--watch"]].concat()).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(
        outcome.out.starts_with(
            "2031-02-11T10:00:00Z block PENDING\n2031-02-11T10:00:00Z block IN_PROGRESS\n2031-02-11T10:00:00Z block SUCCEEDED\n\nOUTPUT"
        ),
        "{}",
        outcome.out
    );
}

#[tokio::test]
async fn an_order_that_waits_for_people_is_not_waited_for() {
    let server = marketplace().await;
    let mut waiting = block("WAITING_FOR_USER_INPUT", None);
    waiting["status"]["waiting"] = json!({ "reason": "INPUT_MISSING", "blocker": "who" });
    server.answer("POST /api/meshobjects/meshbuildingblocks", Answer::Json(201, waiting.clone()));
    server.answer(&get_block(), Answer::Json(200, waiting));
    let outcome = stoa(&server, &[&ORDER[..], &["--watch"]].concat()).await;
    assert_eq!(outcome.code, 1);
    assert_eq!(
        outcome.err,
        format!(
            "warning: `who` has no value: the block will wait for it\n\
             ordered `Greeting` v1 for workspace shop as {BLOCK}\n\
             error: the building block waits: WAITING_FOR_USER_INPUT (INPUT_MISSING: who)\n"
        )
    );
}

#[tokio::test]
async fn watching_takes_up_a_broken_stream_where_it_broke() {
    let server = StandIn::start().await;
    let whole = good_run();
    server.answer(&events_of(RUN), Answer::Events(whole[..6].to_vec()));
    server.answer(&events_of(RUN), Answer::Events(whole));
    let outcome = stoa(&server, &["runs", "watch", RUN, "--logs"]).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let logged = GOOD_LINES.replace(
        "2031-02-11T10:00:00Z step `Initialize` SUCCEEDED\n",
        "2031-02-11T10:00:00Z     one\n2031-02-11T10:00:00Z     two\n2031-02-11T10:00:00Z step `Initialize` SUCCEEDED\n",
    );
    assert_eq!(outcome.out, logged);
    let resumed: Vec<_> = server.asked().into_iter().map(|asked| asked.last_event_id).collect();
    assert_eq!(resumed, [None, Some("6".to_owned())]);
}

#[tokio::test]
async fn programs_get_the_messages_as_json_lines() {
    let server = StandIn::start().await;
    server.keep(&format!("meshbuildingblocks/{BLOCK}"), block("IN_PROGRESS", Some(RUN)));
    let events = vec![
        step("apply", "Apply", "SUCCEEDED", None),
        ("log", json!({ "source": "r", "id": "apply", "from": 0, "text": "hidden" })),
        ("end", json!({ "status": "SUCCEEDED", "warnings": ["STEP_SUCCESS_MISSING"] })),
    ];
    server.answer(&events_of(RUN), Answer::Events(events));
    let outcome = stoa(&server, &["runs", "watch", "--block", BLOCK, "-o", "json"]).await;
    let lines: Vec<Value> = outcome.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines,
        [
            json!({ "at": "2031-02-11T10:00:00Z", "event": "step", "source": "r", "id": "apply", "displayName": "Apply", "status": "SUCCEEDED", "userMessage": null }),
            json!({ "at": "2031-02-11T10:00:00Z", "event": "end", "status": "SUCCEEDED", "warnings": ["STEP_SUCCESS_MISSING"] }),
        ]
    );
}

#[tokio::test]
async fn a_run_that_may_not_be_seen_is_not_tried_again() {
    let server = StandIn::start().await;
    let refusal = json!({ "errorCode": "Forbidden", "message": "Not yours." });
    server.answer(&events_of(RUN), Answer::Json(403, refusal));
    let outcome = stoa(&server, &["runs", "watch", RUN]).await;
    assert_eq!(outcome, Outcome::new(77, "", &format!("error: run `{RUN}`: Forbidden: Not yours. (403)\n")));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn patience_ends_with_75() {
    let server = StandIn::start().await;
    server.answer(&events_of(RUN), Answer::Events(Vec::new()));
    let outcome = stoa(&server, &["runs", "watch", RUN, "--timeout", "1s"]).await;
    assert_eq!(outcome.code, 75, "{outcome:?}");
}

#[tokio::test]
async fn a_deletion_is_watched_through_its_destroy_run_to_the_end() {
    const DESTROY: &str = "e0b7c1fa-8c0d-4a28-bb0b-1f0b1f6f9d78";
    let leaving = |status: &str, lifecycle: &str| {
        let mut block = block(status, Some(DESTROY));
        block["status"]["lifecycle"]["state"] = json!(lifecycle);
        block
    };
    let server = StandIn::start().await;
    server.answer(
        &format!("DELETE /api/meshobjects/meshbuildingblocks/{BLOCK}"),
        Answer::Json(202, Value::Null),
    );
    server.answer(&get_block(), Answer::Json(200, block("SUCCEEDED", Some(RUN))));
    server.answer(&get_block(), Answer::Json(200, leaving("PENDING", "MARKED_FOR_DELETION")));
    server.answer(&get_block(), Answer::Json(200, leaving("SUCCEEDED", "DELETED")));
    server.answer(&events_of(DESTROY), Answer::Events(good_run()));
    let outcome = stoa(&server, &["delete", "block", BLOCK, "--watch"]).await;
    assert_eq!(outcome, Outcome::new(0, GOOD_LINES, &format!("meshBuildingBlock/{BLOCK} deleted\n")));

    let server = StandIn::start().await;
    server.answer(
        &format!("DELETE /api/meshobjects/meshbuildingblocks/{BLOCK}"),
        Answer::Json(202, Value::Null),
    );
    server.answer(&get_block(), Answer::Json(200, leaving("FAILED", "MARKED_FOR_DELETION")));
    let outcome = stoa(&server, &["delete", "block", BLOCK, "--watch"]).await;
    assert_eq!(
        outcome,
        Outcome::new(
            1,
            "2031-02-11T10:00:00Z block MARKED_FOR_DELETION, FAILED\n",
            "error: the building block is not deleted: its destroy run failed\n"
        )
    );
    assert_eq!(stoa(&server, &["delete", "ws", "shop", "--purge"]).await.code, 64);
}

#[tokio::test]
async fn a_purge_asks_for_the_purge() {
    let server = StandIn::start().await;
    let path = format!("DELETE /api/meshobjects/meshbuildingblocks/{BLOCK}/purge");
    server.answer(&path, Answer::Json(202, Value::Null));
    let outcome = stoa(&server, &["delete", "block", BLOCK, "--purge"]).await;
    assert_eq!(outcome, Outcome::new(0, "", &format!("meshBuildingBlock/{BLOCK} marked for deletion\n")));
    assert_eq!(server.writes(), [path]);
}
