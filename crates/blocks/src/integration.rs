//! meshIntegration: external systems that building blocks use (`api-core.md` §3.14).

use crate::runner::{self, Restriction, SHARED};
use crate::secret::Keeper;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::secrets::redacted;
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_tenancy::workspace;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshIntegration";
/// uuid of the built-in replicator.
pub const REPLICATOR: &str = "c8f4e7d2-3b1a-4c9e-8d5f-6a2b7c8d9e0f";
/// uuid of the built-in metering.
pub const METERING: &str = "a1b2c3d4-5e6f-7a8b-9c0d-1e2f3a4b5c6d";

/// What one type of integration is made of: plain fields, and its secret if it has one.
struct Shape {
    /// `spec.config.type`.
    name: &'static str,
    /// Value of the `type` filter.
    filter: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    secret: Option<&'static str>,
    has_runner: bool,
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "github",
        filter: "GITHUB",
        required: &["owner", "baseUrl", "appId"],
        optional: &[],
        secret: Some("appPrivateKey"),
        has_runner: true,
    },
    Shape {
        name: "gitlab",
        filter: "GITLAB",
        required: &["baseUrl"],
        optional: &[],
        secret: None,
        has_runner: true,
    },
    Shape {
        name: "azuredevops",
        filter: "AZURE_DEVOPS",
        required: &["baseUrl", "organization"],
        optional: &[],
        secret: Some("personalAccessToken"),
        has_runner: true,
    },
    Shape {
        name: "entraid",
        filter: "ENTRA_ID",
        required: &["tenantId", "clientId"],
        optional: &["redirectUrl"],
        secret: Some("clientSecret"),
        has_runner: false,
    },
];

/// Owner of an integration.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// The workspace that owns it.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    created_on: Option<String>,
}

/// Declared part of an integration.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationSpec {
    /// For people.
    display_name: String,
    /// `type` and the member that it names: `github`, `gitlab`, `azuredevops` or `entraid`.
    config: Map<String, Value>,
}

/// An integration on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Integration)]
pub struct Wire {
    /// Owner.
    metadata: IntegrationMetadata,
    /// Declared part.
    spec: IntegrationSpec,
}

/// The runner that an integration names, and with it who keeps its secrets.
pub fn runner_of(integration: &Object) -> &str {
    let config = &integration.doc["config"];
    let kind = config["type"].as_str().unwrap_or_default();
    config[kind]["runnerRef"]["uuid"].as_str().unwrap_or(SHARED)
}

fn checked(
    tx: &mut Tx,
    call: &Call,
    id: ObjectId,
    owner: &str,
    spec: IntegrationSpec,
    old: Option<&Object>,
) -> Outcome<Draft> {
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    let config = spec.config;
    let name = config.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == name) else {
        let problem = "must be one of github, gitlab, azuredevops, entraid";
        return Err(Refusal::invalid("spec.config.type", problem).into());
    };
    if let Some(other) = config.keys().find(|key| *key != "type" && *key != shape.name) {
        let problem = format!("does not belong to an integration of type {name}");
        return Err(Refusal::invalid(format!("spec.config.{other}"), problem).into());
    }
    let at = format!("spec.config.{name}");
    let given = config.get(name).and_then(Value::as_object);
    let given = given.ok_or_else(|| Refusal::invalid(at.as_str(), "is required"))?;
    if name == "entraid" {
        if owner != call.world.settings.admin_workspace {
            let problem = "of type entraid may be owned by the admin workspace only";
            return Err(Refusal::invalid("metadata.ownedByWorkspace", problem).into());
        }
        if !call.world.settings.entra_id {
            return Err(Refusal::invalid("spec.config.type", "entraid is switched off here").into());
        }
    }
    let before = old.map(|old| &old.doc["config"]);
    if before.is_some_and(|before| before["type"] != name) {
        return Err(Refusal::invalid("spec.config.type", "cannot be changed").into());
    }
    let before = before.map(|before| &before[name]);
    let mut stored = Map::new();
    let mut references = vec![("owner", workspace::living(tx, owner)?.id)];
    for field in shape.required {
        let text = given.get(*field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let text = text
            .ok_or_else(|| Refusal::invalid(format!("{at}.{field}"), "is required and must not be blank"))?;
        stored.insert((*field).into(), json!(text));
    }
    for field in shape.optional {
        if given.get(*field).is_some_and(|value| !value.is_string()) {
            return Err(Refusal::invalid(format!("{at}.{field}"), "must be a text").into());
        }
        if let Some(text) = given.get(*field).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            stored.insert((*field).into(), json!(text));
        }
    }
    let mut keeper = Keeper::Server;
    if shape.has_runner {
        let reference = given.get("runnerRef");
        if reference.and_then(|found| found.get("kind")).is_some_and(|kind| kind != runner::KIND) {
            let problem = format!("must be {}", runner::KIND);
            return Err(Refusal::invalid(format!("{at}.runnerRef.kind"), problem).into());
        }
        let reference = reference.and_then(|reference| reference.get("uuid"));
        let uuid = runner::canonical(&call.world, reference.and_then(Value::as_str).unwrap_or(SHARED));
        let Some((object, runner)) = runner::by_uuid(tx, call, &uuid)? else {
            return Err(Refusal::invalid(format!("{at}.runnerRef"), "names no runner").into());
        };
        if runner.restriction == Restriction::Private && object.owner() != owner {
            let problem = "names a PRIVATE runner of another workspace";
            return Err(Refusal::invalid(format!("{at}.runnerRef"), problem).into());
        }
        keeper = Keeper::runner(&runner.public_key)?;
        references.push(("runner", object.id));
        stored.insert("runnerRef".into(), json!({ "uuid": uuid, "kind": runner::KIND }));
    }
    if name == "entraid" && !stored.contains_key("redirectUrl") {
        let kept = before.and_then(|before| before.get("redirectUrl")).cloned();
        let url = call.link(&format!("/auth/callback/entraid/{id}"));
        stored.insert("redirectUrl".into(), kept.unwrap_or_else(|| json!(url)));
    }
    if let Some(secret) = shape.secret {
        let field = format!("{at}.{secret}");
        let given = given.get(secret).ok_or_else(|| Refusal::invalid(field.as_str(), "is required"))?;
        let kept = before.and_then(|before| before.get(secret));
        stored.insert(secret.into(), keeper.take(&call.world, given, kept, &field)?);
    }
    Ok(Draft {
        doc: json!({ "displayName": spec.display_name, "config": { "type": name, name: stored } }),
        status: json!({}),
        facets: vec![
            ("displayName", spec.display_name.clone()),
            ("type", shape.filter.to_owned()),
            ("type", name.to_owned()),
        ],
        references,
    })
}

fn is_built_in(object: &Object) -> bool {
    matches!(object.doc["config"]["type"].as_str(), Some("replicator" | "metering"))
}

/// Creates the two built-ins on the first start.
pub fn create_built_ins(tx: &mut Tx, call: &Call) -> Outcome<()> {
    let admin = call.world.settings.admin_workspace.clone();
    let allowed = call.may(Resource::Integration, Action::Write, &Scope::installation())?;
    for (uuid, name) in [(REPLICATOR, "replicator"), (METERING, "metering")] {
        let Ok(id) = uuid.parse::<ObjectId>() else { continue };
        if objects::by_id(tx, KIND, id)?.is_some() {
            continue;
        }
        let title = if name == "replicator" { "Replicator" } else { "Metering" };
        let draft = Draft {
            doc: json!({ "displayName": format!("{title} (built-in)"), "config": { "type": name } }),
            status: json!({}),
            facets: vec![
                ("type", name.to_owned()),
                ("type", name.to_uppercase()),
                ("built-in", "true".to_owned()),
            ],
            references: Vec::new(),
        };
        let told =
            Told::new("Integration Created", format!("The built-in integration '{name}' was created."));
        objects::insert(tx, call, allowed, (id, KIND, uuid, Some(&admin)), draft, told)?;
    }
    Ok(())
}

/// The kind.
pub struct Integrations;

impl Kind for Integrations {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1"];
    const COLLECTION: &'static str = "meshintegrations";
    const RESOURCE: Resource = Resource::Integration;
    const LONG: &'static [&'static str] = &[
        "spec.config.github.appPrivateKey",
        "spec.config.azuredevops.personalAccessToken",
        "spec.config.entraid.clientSecret",
    ];
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("displayName", "Exact display name"),
        ("ownedByWorkspace", "Owning workspace"),
        ("type", "GITHUB, GITLAB, AZURE_DEVOPS, ENTRA_ID, REPLICATOR or METERING, or the type in lower case"),
    ];
    const REQUEST: &'static str = "Integration";
    const RESPONSE: &'static str = "Integration";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": { "ownedByWorkspace": "orchard" },
            "spec": {
                "displayName": "Orchard GitLab",
                "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://lab.fruit.example" } },
            },
        })
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_uuid_text(tx, KIND, id)
    }

    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        // Whoever may read any integration may read the built-ins.
        if is_built_in(object) {
            return Ok(());
        }
        call.may(Resource::Integration, Action::Read, &Self::scope(object)).map(|_| ())
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let kind = request.query("type");
        let known = |kind: &str| {
            SHAPES.iter().any(|shape| shape.name == kind || shape.filter == kind)
                || ["REPLICATOR", "METERING", "replicator", "metering"].contains(&kind)
        };
        if let Some(bad) = kind.filter(|kind| !known(kind)) {
            return Err(Refusal::invalid("type", format!("knows no `{bad}`")).into());
        }
        let mut query =
            Query::of(KIND, seen).with("displayName", request.query("displayName")).with("type", kind);
        query.workspace = request.query("ownedByWorkspace").map(Into::into);
        query.published = Some(("built-in", "true".into()));
        Ok(query)
    }

    fn show(_: &mut Tx, call: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let built_in = is_built_in(object);
        let mut status = json!({ "isBuiltIn": built_in });
        if built_in {
            let name = object.doc["config"]["type"].as_str().unwrap_or_default();
            status["workloadIdentityFederation"] = json!({
                "issuer": call.world.settings.public_url,
                "subject": format!("system:serviceaccount:stoa:{name}"),
                "gcp": { "audience": "gcp-workload-identity-provider:stoa" },
                "aws": { "audience": "aws-workload-identity-provider:stoa" },
                "azure": { "audience": "api://AzureADTokenExchange" },
            });
        }
        Ok(json!({
            "metadata": {
                "uuid": object.id,
                "ownedByWorkspace": object.owner(),
                "createdOn": object.created_at,
            },
            "spec": redacted(&object.doc),
            "status": status,
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let Wire { metadata, spec } = request.body()?;
        let owner = metadata.owned_by_workspace;
        let allowed = call.may(Resource::Integration, Action::Write, &Scope::owned(&owner))?;
        let id = ObjectId::new();
        let told =
            Told::new("Integration Created", format!("Integration '{}' was created.", spec.display_name));
        let draft = checked(tx, call, id, &owner, spec, None)?;
        objects::insert(tx, call, allowed, (id, KIND, &id.to_string(), Some(&owner)), draft, told)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(Resource::Integration, Action::Write, &Self::scope(&object))?;
        if is_built_in(&object) {
            return Err(Refusal::Forbidden("Built-in integrations cannot be changed.".into()).into());
        }
        let Wire { metadata, spec } = request.body()?;
        if metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        if metadata.uuid.is_some_and(|uuid| uuid != object.id.to_string()) {
            return Err(Refusal::invalid("metadata.uuid", "must be the one in the path").into());
        }
        let told =
            Told::new("Integration Changed", format!("Integration '{}' was changed.", spec.display_name));
        let draft = checked(tx, call, object.id, object.owner(), spec, Some(&object))?;
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Integration, Action::Delete, &Self::scope(&object))?;
        if is_built_in(&object) {
            return Err(Refusal::Forbidden("Built-in integrations cannot be deleted.".into()).into());
        }
        let told = Told::new("Integration Deleted", format!("Integration '{}' was deleted.", object.id));
        objects::remove(tx, call, allowed, &object, told)?;
        Ok(Deleted::Now)
    }
}
