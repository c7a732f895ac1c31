//! Platform types, platforms of each type, landing zones on each, tenants.

use super::super::BODIES;
use super::super::generate::Must;
use super::{Row, TAGS, TYPES, World, owned};
use serde_json::json;

/// Their rows.
pub fn platforms(world: &World) -> Vec<Row> {
    let said = ("/spec/displayName", Must::BeSaid);
    let role = (
        "**/projectRoleRef",
        Must::BeOneOf(vec![
            json!({ "name": "admin" }),
            json!({ "kind": "meshProjectRole", "name": "reader" }),
            json!({ "name": "nobody-knows" }),
        ]),
    );
    let mut rows = Vec::new();
    let rules = vec![
        owned(),
        said.clone(),
        ("/spec/category", Must::Be(json!("CUSTOM"))),
        ("/spec/icon", Must::Be(json!("data:image/png;base64,iVBORw0KGgo="))),
        ("/status", Must::BeAbsent),
    ];
    let row = Row::new("meshPlatformType", "v1", "meshplatformtypes", rules);
    rows.push(row.finish(|body, number| body["metadata"]["name"] = json!(format!("TYPE-{number}"))));
    for kind in TYPES {
        let rules = vec![
            owned(),
            said.clone(),
            role.clone(),
            ("/spec/locationRef", Must::Be(json!({ "kind": "meshLocation", "name": "global" }))),
            ("/spec/contributingWorkspaces", Must::BeIfAny(json!(["demo-partner"]))),
            (
                "/spec/availability",
                Must::BeOneOf(vec![
                    json!({ "restriction": "PRIVATE", "publicationState": "UNPUBLISHED", "restrictedToWorkspaces": ["orchard"] }),
                    json!({ "restriction": "PUBLIC", "publicationState": "PUBLISHED" }),
                    json!({ "restriction": "RESTRICTED", "publicationState": "PUBLISHED", "restrictedToWorkspaces": ["demo-partner"] }),
                ]),
            ),
            ("/spec/quotaDefinitions/*/minValue", Must::Be(json!(0))),
            ("/spec/quotaDefinitions/*/maxValue", Must::Be(json!(9_007_199_254_740_993_i64))),
            ("/spec/config", Must::BeThere),
            ("/spec/config/type", Must::Be(json!(kind))),
            ("**/platformTypeRef", Must::Be(json!({ "name": "EDGE" }))),
            ("**/subscriptionOfferType", Must::BeOneOf(vec![json!("Production"), json!("DevTest")])),
            ("**/preProvisioned", Must::Be(json!({ "unusedSubscriptionNamePrefix": "unused-" }))),
            ("**/awsSso", if kind == "aws" { Must::BeAbsent } else { Must::BeSaid }),
        ];
        let row = Row::new("meshPlatform", "v2", "meshplatforms", rules).variant(kind);
        rows.push(row.finish(move |body, number| {
            body["metadata"]["name"] = json!(format!("{kind}-{number}"));
            let quotas = body["spec"]["quotaDefinitions"].as_array_mut();
            for (n, quota) in quotas.into_iter().flatten().enumerate() {
                quota["quotaKey"] = json!(format!("limits.{n}"));
            }
        }));
    }
    for kind in TYPES {
        let rules = vec![
            owned(),
            said.clone(),
            role.clone(),
            ("/metadata/tags", TAGS),
            ("/spec/platformRef", Must::Be(json!({ "kind": "meshPlatform", "uuid": world.platform(kind) }))),
            ("/spec/platformProperties/type", Must::Be(json!(kind))),
            ("/spec/quotas", Must::BeIfAny(json!([{ "key": "cpu", "value": 50 }]))),
            ("/spec/mandatoryBuildingBlockRefs", Must::BeIfAny(json!([]))),
            (
                "/spec/recommendedBuildingBlockRefs",
                if kind == "custom" {
                    Must::BeIfAny(
                        json!([{ "kind": "meshBuildingBlockDefinition", "uuid": world.tenant_level }]),
                    )
                } else {
                    Must::BeIfAny(json!([]))
                },
            ),
        ];
        let row = Row::new("meshLandingZone", "v1", "meshlandingzones", rules).variant(kind);
        rows.push(row.finish(move |body, number| {
            body["metadata"]["name"] = json!(format!("zone-{kind}-{number}"));
        }));
    }
    rows
}

/// A tenant in each of its versions; each body has a project of its own.
pub fn tenants(world: &World) -> Vec<Row> {
    let platform = json!({ "kind": "meshPlatform", "uuid": world.platform("custom") });
    let quotas = Must::BeIfAny(json!([{ "key": "cpu", "value": 50 }]));
    let of_version = |version, from: usize, rules: Vec<(&'static str, Must)>| {
        let mut row = Row::new("meshTenant", version, "meshtenants", rules);
        row.is_replaced = true;
        row.never_shown = vec!["/spec/requestedQuotas", "/spec/mandatoryBuildingBlockInputs"];
        row.filter = "&workspaceIdentifier=orchard";
        row.finish(move |body, number| {
            body["metadata"]["ownedByProject"] = json!(format!("plot-{}", from + number));
            let id = if version == "v3" { "localId" } else { "platformTenantId" };
            body["spec"][id] = json!(format!("plot ä 🌱 {}", from + number));
        })
    };
    vec![
        of_version(
            "v4",
            0,
            vec![
                owned(),
                ("/spec/platformRef", Must::Be(platform)),
                (
                    "/spec/landingZoneRef",
                    Must::Be(json!({ "kind": "meshLandingZone", "name": "zone-custom" })),
                ),
                ("/spec/requestedQuotas", Must::BeIfAny(json!({ "cpu": { "value": 50 } }))),
            ],
        ),
        of_version(
            "v4-preview",
            BODIES,
            vec![
                owned(),
                ("/spec/platformIdentifier", Must::Be(json!("yard-custom.global"))),
                ("/spec/landingZoneIdentifier", Must::Be(json!("zone-custom"))),
                ("/spec/quotas", quotas.clone()),
                ("/metadata/markedForDeletionOn", Must::BeAbsent),
            ],
        ),
        of_version(
            "v3",
            BODIES * 2,
            vec![
                owned(),
                ("/metadata/platformIdentifier", Must::Be(json!("yard-custom.global"))),
                ("/metadata/tenantIdentifier", Must::BeAbsent),
                ("/metadata/assignedTags", Must::BeAbsent),
                ("/metadata/deletionInfo", Must::BeAbsent),
                ("/spec/landingZoneIdentifier", Must::Be(json!("zone-custom"))),
                ("/spec/quotas", quotas),
            ],
        ),
    ]
}
