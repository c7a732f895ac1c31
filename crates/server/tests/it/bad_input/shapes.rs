//! The shapes of the kinds' bodies, and what does not fit them.

use crate::stoa::shared_key;
use serde_json::{Value, json};

/// Kind, a body that would be taken, and its members with values of other types.
pub type Shape = (&'static str, Value, Vec<(&'static str, Vec<Value>)>);

/// The kinds that are judged member by member: kind, a body that would be taken, and each member's wrong values.
pub fn shapes() -> Vec<Shape> {
    let no_text = || vec![json!(7), json!(true), json!([]), json!({}), json!(["x"]), json!(1.5)];
    let no_object = || vec![json!("x"), json!(7), json!(false), json!([])];
    let no_list = || vec![json!("PROJECT_LIST"), json!(7), json!({})];
    let no_flag = || vec![json!("true"), json!(1), json!({}), json!([])];
    vec![
        (
            "meshWorkspace",
            json!({ "metadata": { "name": "orchard", "tags": {} }, "spec": { "displayName": "O" } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/metadata/tags", no_object()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
                ("/spec/platformBuilderAccessEnabled", no_flag()),
            ],
        ),
        (
            "meshProject",
            json!({ "metadata": { "name": "web", "ownedByWorkspace": "shop" }, "spec": { "displayName": "W" } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/metadata/ownedByWorkspace", no_text()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
                ("/spec/tags", no_object()),
                ("/spec/paymentMethodIdentifier", no_text()),
                ("/spec/substitutePaymentMethodIdentifier", no_text()),
            ],
        ),
        (
            "meshApiKey",
            json!({ "metadata": { "ownedByWorkspace": "shop" }, "spec": { "displayName": "K", "permissions": [] } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/ownedByWorkspace", no_text()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
                ("/spec/permissions", no_list()),
                ("/spec/expiresAt", no_text()),
            ],
        ),
        (
            "meshApiUser",
            json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "B" } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
            ],
        ),
        (
            "meshUser",
            json!({ "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/spec", no_object()),
                ("/spec/email", no_text()),
                ("/spec/firstName", no_text()),
                ("/spec/lastName", no_text()),
                ("/spec/euid", no_text()),
                ("/spec/tags", no_object()),
            ],
        ),
        (
            "meshProjectRole",
            json!({ "metadata": { "name": "auditor" }, "spec": { "name": "A", "rank": 1 } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/metadata/tags", no_object()),
                ("/spec", no_object()),
                ("/spec/name", no_text()),
                ("/spec/description", no_text()),
                ("/spec/rank", vec![json!("1"), json!(1.5), json!({}), json!([]), json!(true)]),
            ],
        ),
        (
            "meshPaymentMethod",
            json!({ "metadata": { "name": "budget", "ownedByWorkspace": "shop" }, "spec": { "displayName": "B" } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/metadata/ownedByWorkspace", no_text()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
                ("/spec/amount", vec![json!("1"), json!({}), json!([]), json!(true)]),
                ("/spec/expirationDate", no_text()),
                ("/spec/tags", no_object()),
            ],
        ),
        (
            "meshWorkspaceUserBinding",
            json!({
                "metadata": { "name": "b" }, "roleRef": { "name": "Workspace Member" },
                "targetRef": { "name": "shop" }, "subject": { "name": "lea" },
            }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/roleRef", no_object()),
                ("/roleRef/name", no_text()),
                ("/targetRef", no_object()),
                ("/targetRef/name", no_text()),
                ("/targetRef/kind", no_text()),
                ("/subject", no_object()),
                ("/subject/name", no_text()),
                ("/subject/kind", no_text()),
                ("/expiryDate", no_text()),
            ],
        ),
        (
            "meshProjectUserBinding",
            json!({
                "metadata": { "name": "b" }, "roleRef": { "name": "reader" },
                "targetRef": { "name": "web", "ownedByWorkspace": "shop" }, "subject": { "name": "lea" },
            }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/name", no_text()),
                ("/roleRef", no_object()),
                ("/roleRef/name", no_text()),
                ("/targetRef", no_object()),
                ("/targetRef/name", no_text()),
                ("/targetRef/ownedByWorkspace", no_text()),
                ("/subject", no_object()),
                ("/subject/name", no_text()),
            ],
        ),
        (
            "meshIntegration",
            json!({ "metadata": { "ownedByWorkspace": "shop" }, "spec": { "displayName": "I",
                "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://x.example" } } } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/ownedByWorkspace", no_text()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
                ("/spec/config", no_object()),
                ("/spec/config/type", no_text()),
                ("/spec/config/gitlab", no_object()),
                ("/spec/config/gitlab/baseUrl", no_text()),
            ],
        ),
        (
            "meshBuildingBlockRunner",
            json!({ "metadata": { "ownedByWorkspace": "shop" }, "spec": { "displayName": "R",
                "publicKey": shared_key().public_pem(), "implementationType": "ALL" } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/ownedByWorkspace", no_text()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
                ("/spec/publicKey", no_text()),
                ("/spec/restriction", no_flag()),
            ],
        ),
        (
            "meshBuildingBlockDefinition",
            json!({ "metadata": { "ownedByWorkspace": "shop" }, "spec": { "displayName": "D", "description": "d" } }),
            vec![
                ("/metadata", no_object()),
                ("/metadata/ownedByWorkspace", no_text()),
                ("/metadata/tags", no_object()),
                ("/spec", no_object()),
                ("/spec/displayName", no_text()),
                ("/spec/description", no_text()),
                ("/spec/runTransparency", no_flag()),
            ],
        ),
    ]
}
