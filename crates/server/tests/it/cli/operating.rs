//! What operators do beside declaring things: platforms, tenants, states, the feed, runners.

use super::Desk;
use crate::stoa::version_body;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// A workspace with a project, a platform for everybody that is operated by hand, and a tenant on it.
const PLACES: &str = "
kind: meshWorkspace
metadata: {name: shop}
spec: {displayName: Shop, platformBuilderAccessEnabled: true}
---
kind: meshWorkspace
metadata: {name: dock}
spec: {displayName: Dock}
---
kind: meshProject
metadata: {name: web, ownedByWorkspace: shop}
spec: {displayName: Web}
---
kind: meshPlatform
metadata: {name: harbour, ownedByWorkspace: dock}
spec:
  displayName: Harbour
  description: Berths for everybody
  endpoint: ''
  locationRef: {kind: meshLocation, name: global}
  contributingWorkspaces: []
  availability: {restriction: PRIVATE, publicationState: UNPUBLISHED, restrictedToWorkspaces: [dock]}
  quotaDefinitions: []
  config: {type: kubernetes, kubernetes: {baseUrl: 'https://api.harbour.example:6443', disableSslValidation: false}}
---
kind: meshLandingZone
metadata: {name: berth, ownedByWorkspace: dock, tags: {}}
spec:
  displayName: Berth
  description: ''
  automateDeletionApproval: false
  automateDeletionReplication: false
  platformRef: {kind: meshPlatform, uuid: PLATFORM}
  platformProperties: {type: kubernetes, kubernetes: {kubernetesRoleMappings: []}}
  mandatoryBuildingBlockRefs: []
  recommendedBuildingBlockRefs: []
  quotas: []
";

/// The platform's uuid.
fn harbour(desk: &Desk) -> String {
    let (before, zone) = PLACES.rsplit_once("---\n").unwrap();
    desk.hears(&["apply", "-f", "-"], before).with(0);
    let platforms = desk.says(&["list", "platforms", "-o", "json"]).json();
    let found = platforms.as_array().unwrap().iter().find(|found| found["metadata"]["name"] == "harbour");
    let uuid = found.unwrap()["metadata"]["uuid"].as_str().unwrap().to_owned();
    desk.hears(&["apply", "-f", "-"], &zone.replace("PLATFORM", &uuid)).with(0);
    uuid
}

fn platform(desk: &Desk) -> Value {
    desk.says(&["get", "platform", "harbour.global", "-o", "json"]).json()
}

#[test]
fn a_platform_is_published_reviewed_and_given_away() {
    let desk = Desk::new();
    harbour(&desk);
    let state = |desk: &Desk| platform(desk)["spec"]["availability"]["publicationState"].clone();

    let asked = desk.says(&["platform", "publish", "harbour.global", "--message", "Ready for all"]).with(0);
    assert!(asked.err.contains("publication of harbour.global requested"), "{asked:#?}");
    assert_eq!(state(&desk), "REQUESTED");
    desk.says(&["platform", "publish", "harbour.global"]).fails(1, "Conflict");
    desk.says(&["platform", "review", "harbour.global", "maybe"]).with(64);
    let rejected =
        desk.says(&["platform", "review", "harbour.global", "reject", "-c", "Name a contact"]).with(0);
    assert!(rejected.err.contains("harbour.global not published"), "{rejected:#?}");
    assert_ne!(state(&desk), "PUBLISHED");
    desk.says(&["platform", "publish", "harbour.global"]).with(0);
    let told = desk.says(&["platform", "review", "harbour.global", "approve", "-o", "json"]).with(0);
    assert!(told.out.is_empty() || serde_json::from_str::<Value>(&told.out).is_ok(), "{told:#?}");
    assert_eq!(state(&desk), "PUBLISHED");

    let given = desk.says(&["platform", "transfer", "harbour.global", "--workspace", "shop"]).with(0);
    assert!(given.err.contains("now belongs to shop"), "{given:#?}");
    assert_eq!(platform(&desk)["metadata"]["ownedByWorkspace"], "shop");
    desk.says(&["platform", "transfer", "harbour.global", "--workspace", "nowhere"]).fails(1, "nowhere");
}

const TENANT: &str = "shop.web.harbour.global";

/// A tenant on the platform, and its uuid.
fn tenant(desk: &Desk) -> String {
    harbour(desk);
    desk.says(&["platform", "publish", "harbour.global"]).with(0);
    desk.says(&["platform", "review", "harbour.global", "approve"]).with(0);
    let manifest = "
kind: meshTenant
metadata: {ownedByWorkspace: shop, ownedByProject: web}
spec:
  platformRef: {kind: meshPlatform, name: harbour.global}
  landingZoneRef: {kind: meshLandingZone, name: berth}
";
    desk.hears(&["apply", "-f", "-"], manifest).with(0);
    let found = desk.says(&["get", "tenant", TENANT, "-o", "json"]).json();
    found["metadata"]["uuid"].as_str().unwrap().to_owned()
}

#[test]
fn the_end_of_a_tenant_is_declined_approved_and_confirmed() {
    let desk = Desk::new();
    let uuid = tenant(&desk);
    let named = desk.says(&["tenant", "set-id", TENANT, "ns-web"]).with(0);
    assert!(named.err.contains("is `ns-web` on its platform"), "{named:#?}");
    let found = || desk.says(&["get", "tenant", &uuid, "-o", "json"]).json();
    assert_eq!(found()["spec"]["platformTenantId"], "ns-web", "{:#}", found());
    desk.says(&["tenant", "approve", TENANT]).fails(1, "deletion");

    // What an administrator deletes needs no decision; what its own workspace deletes does.
    let own = desk.home.path().join("own.json");
    let make = ["apikey", "create", "-w", "shop", "-n", "Own", "-p", "TENANT_LIST,TENANT_DELETE", "--save"];
    desk.says(&[&make[..], &[own.to_str().unwrap()]].concat()).with(0);
    let delete = ["delete", "tenant", TENANT, "--key-file", own.to_str().unwrap()];
    desk.says(&delete).with(0);
    let waiting = desk.says(&["tenant", "deletions"]).with(0);
    assert!(waiting.out.contains(TENANT), "{waiting:#?}");
    let declined = desk.says(&["tenant", "decline", TENANT, "--comment", "Still in use"]).with(0);
    assert!(declined.err.contains("deletion of shop.web.harbour.global declined"), "{declined:#?}");
    assert!(!desk.says(&["tenant", "deletions"]).with(0).out.contains(TENANT));

    desk.says(&delete).with(0);
    let approved = desk.says(&["tenant", "approve", TENANT, "-c", "Nobody needs it"]).with(0);
    assert!(approved.err.contains("approved"), "{approved:#?}");
    desk.until("the tenant waits for its operator's word", |desk| {
        desk.says(&["tenant", "confirm", TENANT]).code == Some(0)
    });
    desk.until("the tenant is gone", |desk| {
        let told = desk.says(&["get", "tenant", &uuid, "-o", "json"]);
        told.code != Some(0) || told.out.contains("\"DELETED\"")
    });
    desk.says(&["tenant", "set-id", TENANT, "ns-web"]).with(1);
}

/// A block of the workspace `shop` whose only run is claimed by us: its uuid, and the run's token.
fn claimed(desk: &Desk) -> (String, String) {
    let manifest = "kind: meshWorkspace\nmetadata: {name: shop}\nspec: {displayName: Shop}\n";
    desk.hears(&["apply", "-f", "-"], manifest).with(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let admin = desk.server.admin(desk.folder.path()).await;
        let body = json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "Kept", "description": "For tests" },
        });
        let definition = admin.create("meshBuildingBlockDefinition", &body).await;
        let version = definition["status"]["latestVersionUuid"].as_str().unwrap();
        let mut body = version_body("demo-partner", definition["metadata"]["uuid"].as_str().unwrap());
        body["spec"]["state"] = json!("RELEASED");
        admin.put("meshBuildingBlockDefinitionVersion", &format!("/{version}"), &body).await.expect(200);
        let body = crate::stoa::block_body(version, "shop", json!({}));
        let block = admin.create("meshBuildingBlock", &body).await;
        let run = admin.claimed_for(crate::stoa::SHARED).await;
        let uuid = block["metadata"]["uuid"].as_str().unwrap().to_owned();
        (uuid, run.run["spec"]["runToken"].as_str().unwrap().to_owned())
    })
}

/// What OpenTofu does: locks the state and writes it.
fn worked_on(desk: &Desk, block: &str, token: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let runner = crate::stoa::Caller::nobody(&desk.server.url).bearer(token);
        let path = format!("/api/terraform/state/workspace/shop/buildingBlock/{block}");
        let lock = json!({ "ID": "lock-1", "Who": "tofu@runner", "Operation": "OperationTypeApply" });
        let verb = reqwest::Method::from_bytes(b"LOCK").unwrap();
        runner.raw(verb, &path, |request| request.body(lock.to_string())).await.expect(200);
        for serial in [1, 2] {
            let state =
                json!({ "version": 4, "serial": serial, "lineage": "l", "secret": "s3cret-in-state" });
            let path = format!("{path}?ID=lock-1");
            let stored = runner.raw(reqwest::Method::POST, &path, |request| {
                request.header("content-type", "application/json").body(state.to_string())
            });
            stored.await.expect(200);
        }
    });
}

#[test]
fn states_are_listed_shown_and_unlocked() {
    let desk = Desk::new();
    let none = desk.says(&["state", "list"]).with(0);
    assert!(none.out.is_empty() && none.err.contains("no states found"), "{none:#?}");
    let (block, token) = claimed(&desk);
    worked_on(&desk, &block, &token);

    let listed = desk.says(&["state", "list", "--workspace", "shop"]).with(0);
    assert!(listed.out.contains(&block) && listed.out.contains("tofu@runner"), "{listed:#?}");
    assert!(desk.says(&["state", "list", "--workspace", "demo-partner", "-q"]).with(0).out.is_empty());
    assert_eq!(desk.says(&["states", "ls", "-q"]).with(0).out.trim(), block);
    let shown = desk.says(&["state", "show", "a block", "--workspace", "shop"]).with(0);
    for told in ["tofu@runner for OperationTypeApply", "id lock-1", "SERIAL", &block] {
        assert!(shown.out.contains(told), "no `{told}` in {shown:#?}");
    }
    let state = desk.says(&["state", "show", &block, "-o", "json"]).json();
    assert_eq!((state["versions"].as_array().unwrap().len(), &state["current"]["serial"]), (2, &json!(2)));
    assert_eq!(state["lock"]["id"], "lock-1");
    for said in [&listed, &shown] {
        assert!(
            !format!("{said:?}").contains("s3cret-in-state"),
            "only who asks for the content gets it: {said:#?}"
        );
    }
    assert!(!state.to_string().contains("s3cret-in-state"));
    let content = desk.says(&["state", "show", &block, "--content", "--version", "1"]).json();
    assert_eq!((&content["serial"], &content["secret"]), (&json!(1), &json!("s3cret-in-state")));
    desk.says(&["state", "show", &block, "--content", "--version", "9"]).fails(1, "no such state");

    // Nothing is unlocked without a word.
    let silent = desk.says(&["state", "unlock", &block]);
    assert!(silent.err.contains("is locked by tofu@runner"), "{silent:#?}");
    silent.fails(1, "not confirmed");
    desk.hears(&["state", "unlock", &block], "no\n").fails(1, "not confirmed");
    assert_eq!(desk.says(&["state", "show", &block, "-o", "json"]).json()["lock"]["id"], "lock-1");
    let done = desk.hears(&["state", "unlock", &block], "yes\n").with(0);
    assert!(done.err.contains("is unlocked"), "{done:#?}");
    let again = desk.says(&["state", "unlock", &block, "--yes"]).with(0);
    assert!(again.err.contains("is not locked"), "{again:#?}");
    // Whoever looks later sees who it was.
    let log = desk.says(&["list", "events", "-F", "title=State", "-o", "json"]);
    assert!(log.code != Some(0) || log.out.contains("Building Block State Unlocked"), "{log:#?}");

    // Whoever may not read states learns nothing of them.
    let poor = desk.home.path().join("poor.json");
    let make = ["apikey", "create", "-w", "shop", "-n", "Poor", "-p", "BUILDINGBLOCK_LIST", "--save"];
    desk.says(&[&make[..], &[poor.to_str().unwrap()]].concat()).with(0);
    let with = ["--key-file", poor.to_str().unwrap()];
    desk.says(&[&["state", "list"][..], &with].concat()).fails(77, "Forbidden");
    desk.says(&[&["state", "show", &block, "--content"][..], &with].concat()).fails(77, "Forbidden");
    desk.says(&[&["state", "unlock", &block, "--yes"][..], &with].concat()).fails(77, "Forbidden");
}

#[test]
fn changes_are_shown_by_kind_and_object_and_followed() {
    let desk = Desk::new();
    let workspace = |name: &str| {
        let manifest = format!("kind: meshWorkspace\nmetadata: {{name: {name}}}\nspec: {{displayName: W}}\n");
        desk.hears(&["apply", "-f", "-"], &manifest).with(0);
    };
    workspace("shop");
    workspace("dock");
    let all = desk.says(&["events", "--kind", "workspace", "-o", "json"]).with(0);
    let all: Vec<Value> = all.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shop = all.iter().find(|change| change["workspace"] == "shop").unwrap();
    assert!(all.iter().all(|change| change["kind"] == "meshWorkspace"), "{all:#?}");
    let (seq, uuid) = (shop["seq"].to_string(), shop["uuid"].as_str().unwrap());

    let one = desk.says(&["events", "--object", uuid]).with(0);
    assert_eq!(one.out.lines().count(), 1, "{one:#?}");
    assert!(one.out.contains(&format!("Created  meshWorkspace/{uuid} in shop")), "{one:#?}");
    assert_eq!(desk.says(&["events", "--object", uuid, "-q"]).with(0).out.trim(), uuid);
    assert!(desk.says(&["events", "--object", uuid, "--since", &seq]).with(0).out.is_empty());
    assert!(desk.says(&["events", "--last", "0"]).with(0).out.is_empty());
    desk.says(&["events", "--object", "nonsense"]).fails(64, "neither a uuid nor KIND/NAME");
    desk.says(&["events", "--kind", "nonsense"]).with(64);
    desk.says(&["events", "verify"]).with(0);

    let mut command = desk.command(&["events", "--follow", "--since", &seq, "--kind", "workspace"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains(" in dock"), "what was missed comes first");
    workspace("quay");
    assert!(next().contains(" in quay"), "then what happens");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_state_of_a_runner_is_told() {
    let desk = Desk::new();
    let init = ["runner", "init", "--workspace", "demo-partner", "--name", "Ours", "--config", "runner.toml"];
    desk.says(&init).with(0);
    let silent = desk.says(&["runner", "status", "--config", "runner.toml"]);
    for told in
        ["Ours", "Last seen:  never", "Waiting:    0", "no process is at work", "Isolation:", "Unsent:     0"]
    {
        assert!(silent.out.contains(told), "no `{told}` in {silent:#?}");
    }
    silent.fails(1, "was never heard of");
    desk.says(&["runner", "status", "--config", "nothing.toml"]).with(78);

    let mut command = desk.command(&["runner", "run", "--config", "runner.toml"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    desk.until("the runner is there", |desk| {
        desk.says(&["runner", "status", "--config", "runner.toml"]).code == Some(0)
    });
    let status = desk.says(&["runner", "status", "--config", "runner.toml", "-o", "json"]).json();
    assert_eq!((&status["alive"], &status["local"]["atWork"]), (&json!(true), &json!(true)), "{status:#}");
    let by_name = desk.says(&["runner", "status", "Ours"]).with(0);
    assert!(by_name.out.contains("Executes:   ALL") && !by_name.out.contains("Isolation:"), "{by_name:#?}");
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(desk.home.path().join("runner.toml")).unwrap();
    let key = text.lines().find(|line| line.len() == 64).unwrap();
    assert!(!format!("{status} {silent:?} {by_name:?}", silent = by_name.err).contains(key));
}
