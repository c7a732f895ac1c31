//! Signing in, declaring things in files, reading them back, keys.

use super::{Desk, is_private};
use serde_json::{Value, json};

const SHOP: &str = "
kind: meshTagDefinition
metadata: { name: meshWorkspace.stage }
spec: { targetKind: meshWorkspace, key: stage, valueType: { string: {} }, displayName: Stage, description: '' }
---
kind: meshWorkspace
metadata: { name: shop, tags: { stage: [test] } }
spec: { displayName: The shop }
---
kind: meshProject
metadata: { name: web, ownedByWorkspace: shop }
spec: { displayName: Web }
";

const OFFER: &str = "
kind: meshBuildingBlockDefinition
metadata: { ownedByWorkspace: demo-partner }
spec: { displayName: Parking space, description: A place for a car }
---
kind: meshBuildingBlockDefinitionVersion
metadata: { ownedByWorkspace: demo-partner }
spec:
  buildingBlockDefinitionRef: { kind: meshBuildingBlockDefinition, name: Parking space }
  state: RELEASED
  onlyApplyOncePerTenant: false
  deletionMode: DELETE
  implementation: { type: manual, manual: {} }
  inputs:
    plate:
      displayName: Plate
      type: STRING
      assignmentType: USER_INPUT
      isEnvironment: false
      isSensitive: false
      updateableByConsumer: true
  outputs:
    plate: { displayName: Plate, type: STRING, assignmentType: NONE }
";

#[test]
fn a_login_is_kept_for_later_and_can_be_left_aside() {
    let desk = Desk::new();
    is_private(&desk.home.path().join("settings/stoa/contexts.toml"));
    let workspace = desk.says(&["get", "workspace", "demo-partner", "-o", "json"]).json();
    assert_eq!(workspace["metadata"]["name"], "demo-partner");

    let made = desk
        .says(&[
            "apikey",
            "create",
            "-w",
            "demo-partner",
            "-n",
            "ci",
            "-p",
            "WORKSPACE_LIST,BUILDINGBLOCK_LIST",
        ])
        .with(0);
    let word = |name: &str| {
        let line = made.out.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let (id, secret) = (word("CLIENT ID"), word("CLIENT SECRET"));
    let url = desk.server.url.clone();
    let signed = desk.hears(
        &["login", &url, "--context", "ci", "--client-id", &id, "--client-secret-stdin"],
        &format!("{secret}\n"),
    );
    assert!(signed.with(0).err.contains("signed in"));
    // The context is in force until another one is named.
    desk.says(&["list", "projects"]).fails(77, "PROJECT_LIST");
    desk.says(&["list", "projects", "--context", "admin"]).with(0);
    // The environment counts for more than what is stored.
    let from_environment = |secret: &str| {
        let mut command = desk.command(&["get", "workspace", "demo-partner", "-q"]);
        command.env("STOA_URL", &url).env("STOA_CLIENT_ID", &id).env("STOA_CLIENT_SECRET", secret);
        super::Said::of(command.output().unwrap())
    };
    assert_eq!(from_environment(&secret).with(0).out, "demo-partner\n");
    from_environment("wrong").fails(77, "");
    desk.says(&["apikey", "delete", &id, "--context", "admin"]).with(0);
    from_environment(&secret).fails(77, "");
}

#[test]
fn keys_are_saved_into_private_files_and_made_anew() {
    let desk = Desk::new();
    let file = desk.home.path().join("keys.json");
    let path = file.to_str().unwrap();
    let create =
        ["apikey", "create", "-w", "demo-partner", "-n", "ci", "-p", "WORKSPACE_LIST", "--save", path];
    let said = desk.says(&create).with(0);
    is_private(&file);
    let key: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let secret = key["clientSecret"].as_str().unwrap();
    assert!(!format!("{said:?}").contains(secret), "what is saved is not shown");
    assert_eq!(key["url"], desk.server.url);
    let read = || desk.says(&["get", "workspace", "demo-partner", "-q", "--key-file", path]);
    read().with(0);
    let rotate = ["apikey", "rotate", "ci", "--expires", "2099-01-01", "--save", path];
    desk.says(&rotate).with(0);
    let renewed: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_ne!(renewed["clientSecret"], key["clientSecret"]);
    read().with(0);
    let listed = desk.says(&["apikey", "list", "-w", "demo-partner", "-o", "json"]).json();
    let ours: Vec<_> =
        listed.as_array().unwrap().iter().filter(|key| key["spec"]["displayName"] == "ci").collect();
    assert_eq!((ours.len(), &ours[0]["spec"]["expiresAt"]), (1, &json!("2099-01-01")));
    assert!(!listed.to_string().contains(secret));
}

#[test]
fn what_files_declare_is_made_changed_and_left_alone() {
    let desk = Desk::new();
    let folder = desk.file("manifests/shop.yaml", SHOP);
    let folder = folder.parent().unwrap().to_str().unwrap();
    desk.file("manifests/offer.yaml", OFFER);

    let planned = desk.says(&["apply", "-f", folder, "--dry-run"]).with(2);
    for line in
        ["+ meshWorkspace/shop", "+ meshProject/shop.web", "+ meshBuildingBlockDefinition/Parking space"]
    {
        assert!(planned.out.contains(line), "no `{line}` in {planned:#?}");
    }
    desk.says(&["get", "workspace", "shop"]).fails(1, "NotFound");

    let made = desk.says(&["apply", "-f", folder]).with(0);
    assert_eq!(made.out.matches(" created").count(), 4, "{made:#?}");
    assert_eq!(made.out.matches(" configured").count(), 1, "the draft of the definition: {made:#?}");
    desk.says(&["apply", "-f", folder, "--dry-run"]).with(0);
    let again = desk.says(&["apply", "-f", folder]).with(0);
    assert_eq!(again.out.matches(" unchanged").count(), 5, "{again:#?}");

    desk.file("manifests/shop.yaml", &SHOP.replace("The shop", "Our shop"));
    let planned = desk.says(&["apply", "-f", folder, "--dry-run", "-o", "json"]).with(2);
    let plan: Value = serde_json::from_str(&planned.out).unwrap();
    let changes: Vec<_> = plan.as_array().unwrap().iter().filter(|step| step["change"] != "none").collect();
    assert_eq!(
        (changes.len(), &changes[0]["name"], &changes[0]["change"]),
        (1, &json!("shop"), &json!("update"))
    );
    let applied = desk.says(&["apply", "-f", folder]).with(0);
    assert!(applied.out.contains("meshWorkspace/shop configured"), "{applied:#?}");
    let shop = desk.says(&["get", "ws", "shop", "-o", "json"]).json();
    assert_eq!(shop["spec"]["displayName"], "Our shop");

    assert!(desk.says(&["events", "verify"]).with(0).err.contains("as they were written"));

    // From standard input, as JSON.
    let body = json!({ "kind": "meshProject", "metadata": { "name": "app", "ownedByWorkspace": "shop" },
        "spec": { "displayName": "App" } });
    desk.hears(&["apply", "-f", "-"], &body.to_string()).with(0);
    assert_eq!(desk.says(&["list", "projects", "-w", "shop", "-q"]).with(0).out, "shop.web\nshop.app\n");
}

#[test]
fn what_is_read_as_yaml_can_be_applied_as_it_is() {
    let desk = Desk::new();
    let manifest = desk.file("all.yaml", &format!("{SHOP}---{OFFER}"));
    desk.says(&["apply", "-f", manifest.to_str().unwrap()]).with(0);
    desk.says(&["order", "Parking space", "-w", "shop", "-n", "Lot", "-i", "plate=AB-1"]).with(0);
    desk.until("the block is made", |desk| desk.block("Lot")["status"]["status"] == "SUCCEEDED");

    for kind in ["workspaces", "projects", "apikeys", "runners", "definitions", "blocks"] {
        let read = desk.says(&["list", kind, "-o", "yaml"]).with(0);
        let file = desk.file(&format!("{kind}.yaml"), &read.out);
        let planned = desk.says(&["apply", "-f", file.to_str().unwrap(), "--dry-run"]);
        assert_eq!(planned.code, Some(0), "{kind} would change: {planned:#?}\n{}", read.out);
        desk.says(&["apply", "-f", file.to_str().unwrap()]).with(0);
    }
    let version = desk.says(&["get", "version", "Parking space@1", "-o", "yaml"]).with(0);
    let file = desk.file("version.yaml", &version.out);
    desk.says(&["apply", "-f", file.to_str().unwrap(), "--dry-run"]).with(0);

    // A change to what was read is a change of the thing, not a second one.
    let block = desk.says(&["get", "block", "Lot", "-w", "shop", "-o", "yaml"]).with(0);
    let file = desk.file("block.yaml", &block.out.replace("AB-1", "AB-2"));
    desk.says(&["apply", "-f", file.to_str().unwrap()]).with(0);
    desk.until("the block is changed", |desk| {
        let block = desk.block("Lot");
        block["status"]["status"] == "SUCCEEDED" && block["status"]["outputs"]["plate"]["value"] == "AB-2"
    });
    assert_eq!(desk.says(&["list", "blocks", "-q"]).with(0).out.lines().count(), 1);
}

#[test]
fn the_program_tells_its_version_and_the_servers_api() {
    let desk = Desk::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(desk.says(&["version"]).with(0).out, format!("stoa {version}\n"));
    assert_eq!(desk.says(&["version", "--json"]).json(), json!({ "name": "stoa", "version": version }));
    let api = desk.says(&["openapi"]).json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(api["paths"]["/api/meshobjects/meshbuildingblocks"]["post"].is_object());
    let yaml = desk.says(&["openapi", "-o", "yaml"]).with(0);
    assert!(yaml.out.starts_with("openapi: "), "{}", &yaml.out[..200]);
}
