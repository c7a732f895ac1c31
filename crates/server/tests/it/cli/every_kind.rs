//! A folder that declares something of every kind that files can make, applied, read back, applied again.

use super::Desk;
use serde_json::{Value, json};

/// File by file, on purpose not in the order in which one leans on the other.
const FILES: [(&str, &str); 5] = [
    (
        "a-tenant.yaml",
        "
kind: meshTenant
metadata: { ownedByWorkspace: shop, ownedByProject: web }
spec:
  platformRef: { name: yard.dc }
  landingZoneRef: { name: small }
  platformTenantId: shop-web
  requestedQuotas: { cpu: { value: 3 } }
---
kind: meshLandingZone
metadata: { name: small, ownedByWorkspace: demo-partner, tags: {} }
spec:
  displayName: Small
  description: ''
  automateDeletionApproval: true
  automateDeletionReplication: true
  platformRef: { name: yard.dc }
  platformProperties: { type: custom, custom: {} }
  quotas: [{ key: cpu, value: 2 }]
  recommendedBuildingBlockRefs: [{ name: Parking space }]
",
    ),
    (
        "b-platform.yaml",
        "
kind: meshPlatform
metadata: { name: yard, ownedByWorkspace: demo-partner }
spec:
  displayName: Yard
  description: Where things stand
  endpoint: ''
  locationRef: { name: dc }
  availability: { restriction: PUBLIC, publicationState: PUBLISHED }
  quotaDefinitions:
    - { quotaKey: cpu, label: CPU, description: '', unit: core, minValue: 0, maxValue: 9, autoApprovalThreshold: 4 }
  config: { type: custom, custom: { platformTypeRef: { name: YARD } } }
---
kind: meshLocation
metadata: { name: dc, ownedByWorkspace: demo-partner }
spec: { displayName: Data centre, description: One }
---
kind: meshPlatformType
metadata: { name: YARD, ownedByWorkspace: demo-partner }
spec: { displayName: Yard, category: CUSTOM, icon: 'data:image/svg+xml;base64,PHN2Zy8+' }
",
    ),
    (
        "c-people.yaml",
        "
kind: meshProjectUserBinding
metadata: { name: web-lea }
roleRef: { name: Project Admin }
targetRef: { name: web, ownedByWorkspace: shop }
subject: { name: lea }
---
kind: meshProjectGroupBinding
metadata: { name: web-pickers }
roleRef: { name: auditor }
targetRef: { name: web, ownedByWorkspace: shop }
subject: { name: pickers }
---
kind: meshWorkspaceUserBinding
metadata: { name: shop-lea }
roleRef: { name: Workspace Manager }
targetRef: { name: shop }
subject: { name: lea }
expiryDate: '2097-01-31'
---
kind: meshWorkspaceGroupBinding
metadata: { name: shop-pickers }
roleRef: { name: Workspace Member }
targetRef: { name: shop }
subject: { name: pickers }
---
kind: meshWorkspaceUserGroup
metadata: { name: pickers, ownedByWorkspace: shop }
spec: { displayName: Pickers, members: [lea] }
---
kind: meshUser
metadata: { name: lea }
spec: { email: lea@fruit.example, firstName: Lea, lastName: Apfel, tags: { any: [thing] } }
---
kind: meshProjectRole
metadata: { name: auditor, tags: {} }
spec: { name: Auditor, rank: 20 }
",
    ),
    (
        "d-shop.yaml",
        "
kind: meshProject
metadata: { name: web, ownedByWorkspace: shop }
spec: { displayName: Web, tags: { stage: [test] }, paymentMethodIdentifier: shop-2031 }
---
kind: meshPaymentMethod
metadata: { name: shop-2031, ownedByWorkspace: shop }
spec: { displayName: Budget, amount: 25000, expirationDate: '2031-12-31' }
---
kind: meshWorkspace
metadata: { name: shop, tags: {} }
spec: { displayName: The shop }
---
kind: meshTagDefinition
metadata: { name: meshProject.stage }
spec: { targetKind: meshProject, key: stage, valueType: { string: {} }, displayName: Stage, description: '' }
",
    ),
    (
        "e-offer.json",
        r#"[
  { "kind": "meshBuildingBlockDefinition", "metadata": { "ownedByWorkspace": "demo-partner" },
    "spec": { "displayName": "Parking space", "description": "A place for a car", "targetType": "TENANT_LEVEL",
      "supportedPlatforms": [{ "name": "YARD" }] } },
  { "kind": "meshCommunicationDefinition",
    "spec": { "communication": { "title": "Closed on Sunday", "message": "Be _quick_.", "type": "NOTIFICATION" } } },
  { "kind": "meshCommunication", "spec": { "communicationDefinitionRef": { "name": "Closed on Sunday" },
      "targetMeshObjectRef": { "kind": "meshWorkspace", "name": "shop" } } },
  { "kind": "meshIntegration", "metadata": { "ownedByWorkspace": "demo-partner" },
    "spec": { "displayName": "Lab", "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example" } } } }
]"#,
    ),
];

/// What can be listed without saying which.
const KINDS: [&str; 18] = [
    "tagdefinitions",
    "workspaces",
    "users",
    "groups",
    "workspaceuserbindings",
    "workspacegroupbindings",
    "paymentmethods",
    "projects",
    "projectuserbindings",
    "projectgroupbindings",
    "locations",
    "platforms",
    "landingzones",
    "tenants",
    "definitions",
    "communicationdefinitions",
    "communications",
    "apikeys",
];

#[test]
fn a_folder_of_every_kind_is_made_read_back_and_left_alone() {
    let desk = Desk::new();
    for (name, text) in FILES {
        desk.file(&format!("all/{name}"), text);
    }
    let planned = desk.says(&["apply", "-f", "all", "--dry-run"]).with(2);
    assert!(planned.out.contains("+ meshTenant/shop.web\n"), "{}", planned.out);
    assert!(planned.out.contains("    + spec.platformRef.uuid: \"(known after apply)\""), "{}", planned.out);
    let made = desk.says(&["apply", "-f", "all"]).with(0);
    let objects = FILES.iter().map(|(_, text)| text.matches("kind: mesh").count()).sum::<usize>() + 4;
    assert_eq!(made.out.matches(" created\n").count(), objects, "{}", made.out);
    let again = desk.says(&["apply", "-f", "all"]).with(0);
    assert_eq!(again.out.matches(" unchanged\n").count(), objects, "{}", again.out);
    desk.says(&["apply", "-f", "all", "--dry-run"]).with(0);

    for kind in KINDS {
        let read = desk.says(&["list", kind, "-o", "yaml"]).with(0);
        let file = desk.file(&format!("{kind}.yaml"), &read.out);
        let planned = desk.says(&["apply", "-f", file.to_str().unwrap(), "--dry-run"]);
        assert_eq!(planned.code, Some(0), "{kind} would change: {planned:#?}\n{}", read.out);
        desk.says(&["apply", "-f", file.to_str().unwrap()]).with(0);
    }
}

#[test]
fn operators_have_their_commands() {
    let desk = Desk::new();
    for (name, text) in FILES {
        desk.file(&format!("all/{name}"), text);
    }
    desk.says(&["apply", "-f", "all"]).with(0);
    let tenant = "shop.web.yard.dc";
    let json = |words: &[&str]| -> Value { desk.says(&[words, &["-o", "json"]].concat()).json() };
    assert_eq!(json(&["get", "tenant", tenant])["status"]["appliedQuotas"], json!({ "cpu": { "value": 3 } }));

    // Quotas: asked for, decided, set.
    let request = json(&["tenant", "quota", "request", tenant, "cpu=8"]);
    assert_eq!(request["state"], "PENDING", "{request}");
    let id = request["id"].to_string();
    let listed = desk.says(&["tenant", "quota", "list", tenant]).with(0);
    assert!(listed.out.contains("PENDING"), "{}", listed.out);
    desk.says(&["tenant", "quota", "decide", tenant, &id, "approve"]).with(0);
    assert_eq!(json(&["get", "tenant", tenant])["status"]["appliedQuotas"]["cpu"]["value"], 8);
    desk.says(&["tenant", "set-quota", tenant, "cpu=5"]).with(0);
    assert_eq!(json(&["get", "tenant", tenant])["status"]["appliedQuotas"]["cpu"]["value"], 5);
    desk.says(&["tenant", "set-quota", tenant, "cpu=10"]).fails(1, "is out of range");
    desk.says(&["tenant", "set-quota", tenant, "cpu=many"]).fails(64, "must be a whole number, not `many`");

    // The platform: deprecated and back, its tenants, its checks.
    desk.says(&["platform", "deprecate", "yard.dc"]).with(0);
    assert_eq!(json(&["get", "platform", "yard.dc"])["status"]["platform"], "DEPRECATED");
    desk.says(&["platform", "deprecate", "yard.dc", "--undo"]).with(0);
    let tenants = desk.says(&["platform", "tenants", "yard.dc"]).with(0);
    assert!(tenants.out.contains(tenant), "{}", tenants.out);
    let tested = desk.says(&["platform", "test", "yard.dc"]);
    assert!(tested.out.contains("TYPE_ACTIVE") && tested.out.contains("PASS"), "{tested:?}");

    // A tenant moves, and goes.
    let project = json!({ "kind": "meshProject", "metadata": { "name": "app", "ownedByWorkspace": "shop" },
        "spec": { "displayName": "App", "tags": {} } });
    desk.hears(&["apply", "-f", "-"], &project.to_string()).with(0);
    desk.says(&["tenant", "move", tenant, "-w", "shop", "-p", "app"]).with(0);
    let moved = "shop.app.yard.dc";
    assert_eq!(json(&["get", "tenant", moved])["metadata"]["ownedByProject"], "app");
    desk.says(&["tenant", "deletions"]).with(0);
    let gone = desk.says(&["delete", "tenant", moved]).with(0);
    assert!(gone.err.contains("marked for deletion"), "{}", gone.err);
}
