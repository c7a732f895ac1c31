//! Workspaces, projects, people, tags, money.

use super::super::generate::Must;
use super::{Row, TAGS, owned};
use serde_json::{Value, json};

/// Their rows.
pub fn organization() -> Vec<Row> {
    let said = ("/spec/displayName", Must::BeSaid);
    let mut rows = vec![
        Row::new("meshWorkspace", "v2", "meshworkspaces", vec![said.clone(), ("/metadata/tags", TAGS)])
            .named("ws"),
        Row::new(
            "meshProject",
            "v2",
            "meshprojects",
            vec![
                owned(),
                ("/spec/displayName", Must::Be(json!("Größe 🌱 & \"more\""))),
                ("/spec/tags", TAGS),
                ("/spec/paymentMethodIdentifier", Must::Be(json!("orchard-2031"))),
                ("/spec/substitutePaymentMethodIdentifier", Must::BeIfAny(json!("orchard-2031"))),
            ],
        )
        .named("project"),
        Row::new(
            "meshUser",
            "v2",
            "meshusers",
            vec![
                ("/spec/email", Must::Be(json!("tom@fruit.example"))),
                ("/spec/firstName", Must::BeSaid),
                ("/spec/lastName", Must::BeSaid),
                ("/spec/euid", Must::BeSaid),
                ("/spec/tags", Must::BeTags(&["anything", "goes"])),
            ],
        )
        .named("tom"),
        Row::new(
            "meshProjectRole",
            "v1",
            "meshprojectroles",
            vec![("/metadata/tags", TAGS), ("/spec/name", Must::BeSaid)],
        )
        .finish(|body, number| {
            body["metadata"]["name"] = json!(format!("role-{number}"));
            let name = format!("{} {number}", body["spec"]["name"].as_str().unwrap());
            body["spec"]["name"] = json!(name);
        }),
        Row::new(
            "meshPaymentMethod",
            "v2",
            "meshpaymentmethods",
            vec![
                owned(),
                said.clone(),
                ("/spec/tags", TAGS),
                ("/spec/amount", Must::BeOneOf(vec![Value::Null, json!(0), json!(25_000), json!(17.25)])),
                (
                    "/spec/expirationDate",
                    Must::BeOneOf(vec![Value::Null, json!("2025-12-31"), json!("2096-02-29")]),
                ),
            ],
        )
        .named("budget"),
        Row::new(
            "meshLocation",
            "v1",
            "meshlocations",
            vec![owned(), said.clone(), ("/spec/description", Must::BeSaid)],
        )
        .named("place"),
        Row::new("meshApiUser", "v1-preview", "meshapiusers", vec![said.clone()]).named("robot"),
    ];
    let robot = rows.last_mut().unwrap();
    (robot.shows_once, robot.rotates) = (true, true);
    for (member, value) in [
        ("string", json!({})),
        ("string", json!({ "defaultValue": "a", "validationRegex": "[a-z]+" })),
        ("email", json!({ "defaultValue": "no address", "validationRegex": ".*" })),
        ("integer", json!({ "defaultValue": -7 })),
        ("number", json!({ "defaultValue": 2.5 })),
        ("singleSelect", json!({ "options": ["3", "1", "ä 🌱"], "defaultValue": "1" })),
        ("multiSelect", json!({ "options": ["b", "a"], "defaultValue": ["a", "b"] })),
        ("multiSelect", json!({ "options": ["b"], "defaultValue": null })),
    ] {
        let row = Row::new(
            "meshTagDefinition",
            "v1",
            "meshtagdefinitions",
            vec![
                said.clone(),
                ("/spec/targetKind", Must::Be(json!("meshProject"))),
                ("/spec/replicationKey", Must::BeSaid),
                // Otherwise the other rows could not write projects meanwhile.
                ("/spec/mandatory", Must::Be(json!(false))),
                ("/spec/valueType", Must::Be(json!({ "string": null, "email": null, member: value }))),
            ],
        );
        rows.push(row.variant(member).finish(|body, number| {
            body["spec"]["key"] = json!(format!("key_{number}"));
            body["metadata"]["name"] = json!(format!("meshProject.key_{number}"));
        }));
    }
    let binding = |kind, version, collection, subject: &str, role: &str| {
        let mut row = Row::new(
            kind,
            version,
            collection,
            vec![
                ("/targetRef/displayName", Must::BeAbsent),
                ("/roleRef", Must::Be(json!({ "name": role }))),
                ("/subject", Must::Be(json!({ "name": subject }))),
                ("/expiryDate", Must::BeIfAny(json!("2096-02-29"))),
                (
                    "/targetRef",
                    Must::Be(if version == "v2" {
                        json!({ "name": "orchard" })
                    } else {
                        json!({ "name": "press", "ownedByWorkspace": "orchard" })
                    }),
                ),
            ],
        );
        row.is_replaced = true;
        row.finish(|body, number| {
            body["metadata"]["name"] = json!(format!("Binding № {number}, {}", "long enough"))
        })
    };
    rows.push(binding(
        "meshWorkspaceUserBinding",
        "v2",
        "meshworkspacebindings/userbindings",
        "lea",
        "Workspace Manager",
    ));
    rows.push(binding(
        "meshWorkspaceGroupBinding",
        "v2",
        "meshworkspacebindings/groupbindings",
        "pickers",
        "Workspace Manager",
    ));
    rows.push(binding(
        "meshProjectUserBinding",
        "v3",
        "meshprojectbindings/userbindings",
        "lea",
        "Project Admin",
    ));
    rows.push(binding(
        "meshProjectGroupBinding",
        "v3",
        "meshprojectbindings/groupbindings",
        "pickers",
        "reader",
    ));
    rows
}
