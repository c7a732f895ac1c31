//! Every kind that can be created, with each of its variants, and the objects that they lean on.

mod blocks;
mod organization;
mod platforms;

use super::generate::{Must, Rules};
use crate::stoa::{Stoa, text};
use serde_json::{Value, json};

/// The last touch to a body.
type Finish = Box<dyn Fn(&mut Value, usize)>;

/// A kind, or a variant of one.
pub struct Row {
    /// For example `meshPlatform`.
    pub kind: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Which variant, in a word.
    pub variant: String,
    /// Path of its collection.
    pub collection: &'static str,
    /// What the schema does not say about its fields.
    pub rules: Rules,
    /// The last touch to a body: its number makes names unique.
    pub finish: Finish,
    /// Whether it has no PUT.
    pub is_replaced: bool,
    /// Whether each PUT makes a new secret.
    pub rotates: bool,
    /// Whether its status goes on by itself, and where it then comes to rest.
    pub comes_to: Option<(&'static str, &'static str)>,
    /// Whether the answer to the creation shows more than later reads.
    pub shows_once: bool,
    /// What is asked for and never shown.
    pub never_shown: Vec<&'static str>,
    /// Further query of its list.
    pub filter: &'static str,
}

impl Row {
    fn new(kind: &'static str, version: &'static str, collection: &'static str, rules: Rules) -> Self {
        let mut rules = rules;
        for place in ["uuid", "createdOn", "deletedOn", "deletedAt", "lastSeen"] {
            let place: &'static str = match place {
                "uuid" => "/metadata/uuid",
                "createdOn" => "/metadata/createdOn",
                "deletedOn" => "/metadata/deletedOn",
                "deletedAt" => "/metadata/deletedAt",
                _ => "/metadata/lastSeen",
            };
            rules.push((place, Must::BeAbsent));
        }
        rules.push(("/kind", Must::BeAbsent));
        rules.push(("/apiVersion", Must::BeAbsent));
        rules.push(("/_links", Must::BeAbsent));
        rules.push(("/status", Must::Be(Value::Null)));
        Self {
            kind,
            version,
            variant: String::new(),
            collection,
            rules,
            finish: Box::new(|_, _| {}),
            is_replaced: false,
            rotates: false,
            comes_to: None,
            shows_once: false,
            never_shown: Vec::new(),
            filter: "",
        }
    }

    /// Its name in messages.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.kind, self.version, self.variant).trim().to_owned()
    }

    fn variant(mut self, variant: &str) -> Self {
        self.variant = variant.to_owned();
        self
    }

    fn finish(mut self, finish: impl Fn(&mut Value, usize) + 'static) -> Self {
        self.finish = Box::new(finish);
        self
    }

    /// Names made of a word and the number of the body.
    fn named(self, word: &'static str) -> Self {
        self.finish(move |body, number| body["metadata"]["name"] = json!(format!("{word}-{number}")))
    }
}

/// The path segment that names an object, as its own link says.
pub fn id_of(object: &Value) -> String {
    object["_links"]["self"]["href"].as_str().unwrap_or_default().rsplit('/').next().unwrap().to_owned()
}

/// What the rows lean on.
pub struct World {
    /// uuid of a platform by type of configuration.
    platforms: Vec<(&'static str, String)>,
    /// A definition for blocks and its released version.
    version: String,
    /// A definition that supports the custom platform type.
    tenant_level: String,
}

const TYPES: [&str; 8] = ["aws", "azure", "azurerg", "gcp", "kubernetes", "aks", "openshift", "custom"];

impl World {
    /// Makes it.
    pub async fn new(stoa: &Stoa) -> Self {
        let admin = &stoa.admin;
        stoa.workspace("orchard").await;
        for target in [
            "meshWorkspace",
            "meshProject",
            "meshLandingZone",
            "meshPaymentMethod",
            "meshBuildingBlockDefinition",
            "meshProjectRole",
        ] {
            for key in ["stage", "note"] {
                let body = json!({
                    "metadata": { "name": format!("{target}.{key}") },
                    "spec": { "targetKind": target, "key": key, "valueType": { "string": {} },
                        "displayName": key, "description": "" },
                });
                admin.create("meshTagDefinition", &body).await;
            }
        }
        let body = json!({ "metadata": { "name": "orchard-2031", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Budget" } });
        admin.create("meshPaymentMethod", &body).await;
        let body = json!({ "metadata": { "name": "press", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Press" } });
        admin.create("meshProject", &body).await;
        for number in 0..super::BODIES * 3 {
            let name = format!("plot-{number}");
            let body = json!({ "metadata": { "name": name, "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Plot" } });
            admin.create("meshProject", &body).await;
        }
        let body = json!({ "metadata": { "name": "lea" }, "spec": { "email": "lea@fruit.example", "firstName": "Lea", "lastName": "Apfel" } });
        admin.create("meshUser", &body).await;
        let body = json!({ "metadata": { "name": "member" }, "roleRef": { "name": "Workspace Member" },
            "targetRef": { "name": "orchard" }, "subject": { "name": "lea" } });
        admin.create("meshWorkspaceUserBinding", &body).await;
        import(
            stoa,
            &json!({ "apiVersion": "v1", "kind": "meshWorkspaceUserGroup",
            "metadata": { "name": "pickers", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "Pickers", "members": ["lea"] } }),
        )
        .await;
        let body = json!({ "metadata": { "name": "group" }, "roleRef": { "name": "Workspace Member" },
            "targetRef": { "name": "orchard" }, "subject": { "name": "pickers" } });
        admin.create("meshWorkspaceGroupBinding", &body).await;

        let body = json!({ "metadata": { "name": "EDGE", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "Edge", "category": "CUSTOM", "icon": "data:image/svg+xml;base64,PHN2Zy8+" } });
        admin.create("meshPlatformType", &body).await;
        let mut platforms = Vec::new();
        for kind in TYPES {
            let config = match kind {
                "azure" | "azurerg" => json!({ "entraTenant": "t" }),
                "kubernetes" | "aks" | "openshift" => json!({ "baseUrl": "https://k8s.example:6443" }),
                "custom" => json!({ "platformTypeRef": { "name": "EDGE" } }),
                _ => json!({}),
            };
            let platform = json!({
                "metadata": { "name": format!("yard-{kind}"), "ownedByWorkspace": "orchard" },
                "spec": {
                    "displayName": "Yard", "description": "", "endpoint": "", "locationRef": { "name": "global" },
                    "availability": { "restriction": "PUBLIC", "publicationState": "PUBLISHED" },
                    "quotaDefinitions": [{ "quotaKey": "cpu", "label": "CPU", "description": "", "unit": "m",
                        "minValue": 0, "maxValue": 100_000, "autoApprovalThreshold": 10 }],
                    "config": { "type": kind, kind: config },
                },
            });
            let made = admin.create("meshPlatform", &platform).await;
            platforms.push((kind, text(&made, "/metadata/uuid")));
        }
        let body = json!({
            "metadata": { "name": "zone-custom", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "Zone", "description": "", "automateDeletionApproval": true, "automateDeletionReplication": true,
                "platformRef": { "uuid": platforms[7].1 }, "platformProperties": { "type": "custom", "custom": {} } },
        });
        admin.create("meshLandingZone", &body).await;
        let (_, version) = stoa
            .definition("demo-partner", json!({ "implementation": { "type": "manual", "manual": {}, "terraform": null }, "inputs": { "size": {
                "displayName": "Size", "type": "STRING", "assignmentType": "USER_INPUT", "isEnvironment": false,
                "isSensitive": false, "updateableByConsumer": true } } }))
            .await;
        let body = json!({ "metadata": { "ownedByWorkspace": "demo-partner" }, "spec": { "displayName": "On tenants",
            "description": "Something", "targetType": "TENANT_LEVEL", "supportedPlatforms": [{ "name": "EDGE" }] } });
        let made = admin.create("meshBuildingBlockDefinition", &body).await;
        let tenant_level = text(&made, "/metadata/uuid");
        Self { platforms, version, tenant_level }
    }

    fn platform(&self, kind: &str) -> &str {
        &self.platforms.iter().find(|(name, _)| *name == kind).unwrap().1
    }
}

async fn import(stoa: &Stoa, object: &Value) {
    const MEDIA: &str = "application/vnd.meshcloud.api.meshobjects.v1+json";
    let body = json!([object]).to_string();
    let answer = stoa
        .admin
        .raw(reqwest::Method::PUT, "/api/meshobjects", |request| {
            request.header("accept", MEDIA).header("content-type", MEDIA).body(body)
        })
        .await
        .expect(200);
    assert_eq!(answer[0]["status"], "SUCCESS", "{answer}");
}

fn owned() -> (&'static str, Must) {
    ("/metadata/ownedByWorkspace", Must::Be(json!("orchard")))
}

const TAGS: Must = Must::BeTags(&["stage", "note"]);

/// All rows.
pub fn rows(world: &World) -> Vec<Row> {
    let mut rows = organization::organization();
    rows.extend(blocks::blocks());
    rows.extend(platforms::platforms(world));
    rows.extend(blocks::definitions_and_blocks(world));
    rows.extend(platforms::tenants(world));
    rows
}
