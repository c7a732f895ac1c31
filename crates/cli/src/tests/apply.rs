//! `stoa apply` from file to server.

use super::standin::{Answer, StandIn};
use super::{Manifest, Outcome, stoa};
use serde_json::{Value, json};

const OFFER: &str = "
kind: meshBuildingBlockDefinitionVersion
metadata: { ownedByWorkspace: platform }
spec:
  buildingBlockDefinitionRef: { name: Greeting }
  state: RELEASED
  onlyApplyOncePerTenant: false
  implementation:
    type: terraform
    terraform: { terraformVersion: 1.9.0, repositoryUrl: https://git.example.org/greeting, async: false }
  inputs:
    who: { displayName: Who, type: STRING, assignmentType: USER_INPUT, isSensitive: false }
  outputs:
    text: { displayName: Text, type: STRING }
---
kind: meshBuildingBlockDefinition
apiVersion: v1-preview
metadata: { ownedByWorkspace: platform }
spec: { displayName: Greeting, description: Says hello }
---
kind: meshWorkspace
metadata: { name: platform, tags: {} }
spec: { displayName: Platform }
";

#[tokio::test]
async fn what_is_missing_is_created_in_the_right_order_and_then_left_alone() {
    let server = StandIn::start().await;
    let file = Manifest::new(OFFER);
    let first = stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!(
        first,
        Outcome::new(
            0,
            "meshWorkspace/platform created\n\
             meshBuildingBlockDefinition/00000000-0000-4000-8000-000000000002 (Greeting) created\n\
             meshBuildingBlockDefinitionVersion/00000000-0000-4000-8000-000000000003 configured\n",
            ""
        )
    );
    let version = server.kept("meshbuildingblockdefinitionversions/00000000-0000-4000-8000-000000000003");
    assert_eq!(version["spec"]["state"], "RELEASED");
    assert_eq!(version["spec"]["deletionMode"], "DELETE", "what the document does not mention stays");
    assert_eq!(version["spec"]["implementation"]["terraform"]["terraformVersion"], "1.9.0");

    let writes = server.writes().len();
    let second = stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!(second.code, 0);
    assert_eq!(second.out.matches(" unchanged\n").count(), 3, "{}", second.out);
    assert_eq!(server.writes().len(), writes, "nothing is written when nothing changes");
}

#[tokio::test]
async fn a_released_version_is_followed_by_the_next() {
    let server = StandIn::start().await;
    stoa(&server, &["apply", "-f", &Manifest::new(OFFER).path]).await;
    let changed = OFFER.replace("displayName: Who,", "displayName: Whom,");
    let outcome = stoa(&server, &["apply", "-f", &Manifest::new(&changed).path]).await;
    assert!(outcome.out.ends_with(" created as the next version\n"), "{outcome:?}");
    let version = server.kept("meshbuildingblockdefinitionversions/00000000-0000-4000-8000-000000000004");
    assert_eq!(version["spec"]["versionNumber"], 2);
    assert_eq!(version["spec"]["state"], "RELEASED");
    assert_eq!(version["spec"]["inputs"]["who"]["displayName"], "Whom");
}

#[tokio::test]
async fn a_dry_run_changes_nothing_shows_what_would_change_and_exits_with_2() {
    let server = StandIn::start().await;
    let file = Manifest::new(OFFER);
    let empty = stoa(&server, &["apply", "-f", &file.path, "--dry-run"]).await;
    assert_eq!((empty.code, server.writes().len()), (2, 0), "{empty:?}");
    assert!(
        empty.out.contains("+ meshBuildingBlockDefinitionVersion/of (known after apply)\n"),
        "{}",
        empty.out
    );
    assert_eq!(empty.err, "3 of 3 documents would change something\n");

    stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!(stoa(&server, &["apply", "-f", &file.path, "--dry-run"]).await.code, 0);

    let writes = server.writes().len();
    let changed = Manifest::new(&OFFER.replace("displayName: Platform", "displayName: The platform"));
    let outcome = stoa(&server, &["apply", "-f", &changed.path, "--dry-run"]).await;
    assert_eq!(
        outcome,
        Outcome::new(
            2,
            "~ meshWorkspace/platform\n    ~ spec.displayName: \"Platform\" -> \"The platform\"\n",
            "1 of 3 documents would change something\n"
        )
    );
    let outcome = stoa(&server, &["apply", "-f", &changed.path, "--dry-run", "-o", "json"]).await;
    let rows: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(
        rows[0],
        json!({ "kind": "meshWorkspace", "name": "platform", "change": "update", "differences": [
            { "path": "spec.displayName", "from": "Platform", "to": "The platform" }
        ] })
    );
    assert_eq!(server.writes().len(), writes);
}

#[tokio::test]
async fn secrets_are_sent_but_never_shown_and_are_no_change_by_themselves() {
    let server = StandIn::start().await;
    let text = "
kind: meshIntegration
metadata: { ownedByWorkspace: platform }
spec:
  displayName: Hub
  config:
    type: github
    github: { owner: fruit, baseUrl: https://git.example.org, appId: '42', appPrivateKey: { plaintextFrom: { file: manifest.yaml } } }
";
    let file = Manifest::new(text);
    let dry = stoa(&server, &["apply", "-f", &file.path, "--dry-run"]).await;
    assert!(dry.out.contains("~ spec.config.github.appPrivateKey: (secret, written again)"), "{}", dry.out);
    stoa(&server, &["apply", "-f", &file.path]).await;
    let sent = server.body("POST /api/meshobjects/meshintegrations");
    assert_eq!(sent["spec"]["config"]["github"]["appPrivateKey"]["plaintext"], text.trim_end_matches('\n'));
    let again = stoa(&server, &["apply", "-f", &file.path, "--dry-run"]).await;
    assert_eq!(again.code, 0, "{again:?}");
}

#[tokio::test]
async fn the_first_failure_stops_the_rest_and_names_its_document() {
    let server = StandIn::start().await;
    let refusal = json!({ "errorCode": "BadRequest", "message": "`spec.displayName` is too long" });
    server.answer("POST /api/meshobjects/meshprojects", Answer::Json(400, refusal));
    let text = "
kind: meshWorkspace
metadata: { name: a }
spec: { displayName: A }
---
kind: meshProject
metadata: { name: p, ownedByWorkspace: a }
spec: { displayName: P }
---
kind: meshUser
metadata: { name: u }
";
    let file = Manifest::new(text);
    let outcome = stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (1, "meshWorkspace/a created\n"));
    assert_eq!(
        outcome.err,
        format!(
            "warning: stopped after 1 of 3 documents\n\
             error: {}, document 2: BadRequest: `spec.displayName` is too long (400)\n",
            file.path
        )
    );
}

#[tokio::test]
async fn an_approval_that_is_still_missing_is_pointed_out() {
    let server = StandIn::start().await;
    let draft = json!({
        "kind": "meshBuildingBlockDefinitionVersion",
        "metadata": { "uuid": "00000000-0000-4000-8000-000000000003" },
        "spec": { "state": "DRAFT", "versionNumber": 1 }
    });
    let place =
        "PUT /api/meshobjects/meshbuildingblockdefinitionversions/00000000-0000-4000-8000-000000000003";
    server.answer(place, Answer::Json(200, draft));
    let outcome = stoa(&server, &["apply", "-f", &Manifest::new(OFFER).path]).await;
    assert_eq!(outcome.code, 0);
    assert_eq!(
        outcome.err,
        "warning: this first release waits for approval: `stoa approve 00000000-0000-4000-8000-000000000003`\n"
    );
}
