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
kind: meshProjectUserBinding
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

const TENANT: &str = "
kind: meshTenant
metadata: { ownedByWorkspace: shop, ownedByProject: web }
spec:
  platformRef: { name: yard.dc }
  landingZoneRef: { name: small }
  requestedQuotas: { cpu: { value: 3 } }
";

/// A platform, and nothing on it.
async fn with_platform() -> StandIn {
    let server = StandIn::start().await;
    server.keep(
        "meshplatforms/6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11",
        json!({ "kind": "meshPlatform",
            "metadata": { "name": "yard", "uuid": "6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11", "ownedByWorkspace": "ops" },
            "spec": { "locationRef": { "kind": "meshLocation", "name": "dc" } } }),
    );
    server
}

#[tokio::test]
async fn what_cannot_be_changed_is_made_once_and_then_told_to_be_replaced() {
    let server = with_platform().await;
    let file = Manifest::new(TENANT);
    let made = stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let place = "POST /api/meshobjects/meshtenants";
    assert_eq!(server.body(place)["spec"]["platformRef"]["uuid"], "6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11");
    assert_eq!(server.body(place)["spec"]["requestedQuotas"], json!({ "cpu": { "value": 3 } }));

    // As the server shows it: without what was only asked for, with what it chose.
    let uuid = "00000000-0000-4000-8000-000000000001";
    let mut tenant = server.kept(&format!("meshtenants/{uuid}"));
    tenant["spec"].as_object_mut().unwrap().remove("requestedQuotas");
    tenant["spec"]["platformTenantId"] = json!("t-1");
    tenant["status"] = json!({ "tenantName": "shop.web.yard.dc", "lifecycle": { "state": "ACTIVE" } });
    server.keep(&format!("meshtenants/{uuid}"), tenant);
    let again = stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!(again, Outcome::new(0, &format!("meshTenant/{uuid} (shop.web.yard.dc) unchanged\n"), ""));

    let other = Manifest::new(&TENANT.replace("small", "large"));
    let planned = stoa(&server, &["apply", "-f", &other.path, "--dry-run"]).await;
    assert_eq!(
        (planned.code, planned.out.as_str()),
        (
            2,
            "! meshTenant/shop.web (cannot be changed: delete it first, then apply again)\n    \
             ~ spec.landingZoneRef.name: \"small\" -> \"large\"\n"
        )
    );
    let refused = stoa(&server, &["apply", "-f", &other.path]).await;
    assert_eq!(refused.code, 1);
    let says = format!("meshTenant/{uuid} is there already, otherwise than declared, and cannot be changed");
    assert!(refused.err.contains(&says), "{}", refused.err);
    assert!(refused.err.contains(&format!("`stoa delete tenant {uuid}`")), "{}", refused.err);
    assert_eq!(server.writes().len(), 1, "made once, and nothing since");
}

#[tokio::test]
async fn groups_go_through_the_import() {
    let server = StandIn::start().await;
    let group = json!({ "kind": "meshWorkspaceUserGroup", "apiVersion": "v1",
        "metadata": { "name": "pickers", "ownedByWorkspace": "shop" },
        "spec": { "displayName": "Pickers", "members": ["lea", "tom"], "tags": {} } });
    let place = "/api/meshobjects/meshworkspaceusergroups/shop.pickers";
    server.answer(
        &format!("GET {place}"),
        Answer::Json(404, json!({ "errorCode": "NotFound", "message": "no" })),
    );
    server.answer(&format!("GET {place}"), Answer::Json(200, group.clone()));
    server.answer(
        "PUT /api/meshobjects",
        Answer::Json(
            200,
            json!([{ "meshObject": "meshWorkspaceUserGroup[shop.pickers]", "status": "SUCCESS" }]),
        ),
    );
    let file = Manifest::new(
        "kind: meshWorkspaceUserGroup\nmetadata: { name: pickers, ownedByWorkspace: shop }\n\
         spec: { displayName: Pickers, members: [tom, lea] }\n",
    );
    let made = stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!(made, Outcome::new(0, "meshWorkspaceUserGroup/shop.pickers created\n", ""));
    assert_eq!(server.body("PUT /api/meshobjects")[0]["spec"]["members"], json!(["tom", "lea"]));
    let again = stoa(&server, &["apply", "-f", &file.path]).await;
    assert_eq!(again.out, "meshWorkspaceUserGroup/shop.pickers unchanged\n", "{again:?}");
}

#[tokio::test]
async fn what_only_the_server_makes_is_refused() {
    let server = StandIn::start().await;
    let outcome = stoa(&server, &["apply", "-f", &Manifest::new("kind: meshEventLog\n").path]).await;
    assert_eq!(outcome.code, 78);
    assert!(outcome.err.contains("a meshEventLog is not made by files"), "{}", outcome.err);
}
