//! meshBuildingBlockRunner: who executes runs, and the key that secrets are sealed for
//! (`api-building-blocks.md` §8).

use crate::version::implementation;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Call, Outcome, Resource, Scope, World};
use stoa_db::Tx;
use stoa_seal::PublicKey;
use stoa_tenancy::workspace;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshBuildingBlockRunner";
/// uuid of the shared runner that comes with every installation.
pub const SHARED: &str = "98520496-627d-43e6-82da-ce499179ff3f";

/// What a runner can execute (§3.5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ImplementationType {
    /// OpenTofu or Terraform.
    Terraform,
    /// GitHub workflows.
    GithubWorkflow,
    /// GitLab pipelines.
    GitlabPipeline,
    /// Azure DevOps pipelines.
    AzureDevopsPipeline,
    /// Nothing but people.
    Manual,
    /// All of them.
    All,
}

/// Who may name a runner in a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Restriction {
    /// The owning workspace only.
    Private,
    /// Everybody.
    Public,
}

/// Audience and token path in one cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FederatedToken {
    /// Audience of the token.
    audience: String,
    /// File the token is mounted at.
    token_path: String,
}

/// How run jobs sign in to clouds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Federation {
    /// OIDC issuer of the cluster.
    issuer: String,
    /// Subject pattern.
    subject: String,
    /// Google Cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    gcp: Option<FederatedToken>,
    /// AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    aws: Option<FederatedToken>,
    /// Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    azure: Option<FederatedToken>,
}

/// A runner as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Runner {
    /// For people.
    pub display_name: String,
    /// PEM, verbatim.
    pub public_key: String,
    /// What it can execute.
    pub implementation_type: ImplementationType,
    /// Who may use it.
    pub restriction: Restriction,
    /// Cloud sign-in of its jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_identity_federation: Option<Federation>,
}

impl Runner {
    /// Whether it can execute versions of this `spec.implementation.type` (§3.5.7).
    pub fn executes(&self, kind: &str) -> bool {
        self.implementation_type == ImplementationType::All
            || implementation::shape(kind).is_some_and(|shape| shape.runs_on == self.implementation_type)
    }
}

/// Owner of a runner.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunnerMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// The workspace that operates it.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    created_on: Option<String>,
    /// Time of its last claim, successful or empty.
    #[schema(nullable = false)]
    last_seen: Option<String>,
}

/// Declared part of a runner.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunnerSpec {
    /// For people.
    display_name: String,
    /// PEM: `CERTIFICATE` or `PUBLIC KEY`, RSA.
    public_key: String,
    /// What it can execute; cannot be changed.
    implementation_type: ImplementationType,
    /// Who may use it; absent in a PUT keeps it.
    #[schema(nullable = false)]
    restriction: Option<Restriction>,
    /// Set by the server.
    #[schema(nullable = false)]
    is_self_hosted: Option<bool>,
    /// Cloud sign-in of its jobs.
    #[schema(nullable = false)]
    workload_identity_federation: Option<Federation>,
}

/// A runner on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BuildingBlockRunner)]
pub struct Wire {
    /// Owner.
    metadata: RunnerMetadata,
    /// Declared part.
    spec: RunnerSpec,
}

/// The uuid that `uuid` stands for: retired uuids of the shared runner name it still (§12).
pub fn canonical(world: &World, uuid: &str) -> String {
    let retired = world.settings.shared_runner_aliases.iter().any(|alias| alias == uuid);
    if retired { SHARED.to_owned() } else { uuid.to_owned() }
}

/// The runner with this uuid, with its document.
pub fn by_uuid(tx: &mut Tx, call: &Call, uuid: &str) -> Outcome<Option<(Object, Runner)>> {
    let Some(object) = objects::by_uuid_text(tx, KIND, &canonical(&call.world, uuid))? else {
        return Ok(None);
    };
    let runner = object.doc()?;
    Ok(Some((object, runner)))
}

/// Remembers that the runner asked for work; to the second, so that idle polling costs next to nothing.
pub fn seen(tx: &mut Tx, object: &Object, now: Moment, by: &Value) -> Outcome<()> {
    let last: Option<Moment> =
        object.status.get("lastSeen").and_then(Value::as_str).and_then(|text| text.parse().ok());
    if last.is_some_and(|last| now.since(last) < Duration::from_secs(1)) {
        return Ok(());
    }
    objects::note(tx, object.id, &json!({ "lastSeen": now.to_string(), "by": by }))
}

fn draft(tx: &mut Tx, owner: &str, runner: &Runner) -> Outcome<Draft> {
    if runner.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    PublicKey::from_pem(&runner.public_key).map_err(|bad| {
        Refusal::invalid("spec.publicKey", format!("must be a PEM CERTIFICATE or RSA PUBLIC KEY: {bad}"))
    })?;
    if let Some(federation) = &runner.workload_identity_federation
        && federation.gcp.is_none()
        && federation.aws.is_none()
        && federation.azure.is_none()
    {
        let problem = "needs at least one of gcp, aws and azure";
        return Err(Refusal::invalid("spec.workloadIdentityFederation", problem).into());
    }
    let home = workspace::living(tx, owner)?;
    Ok(Draft { doc: serde_json::to_value(runner)?, references: vec![("owner", home.id)], ..Draft::default() })
}

/// The shared runner, created with this public key if it is not there; its key as stored.
pub fn ensure_shared(tx: &mut Tx, call: &Call, public_key: &str) -> Outcome<String> {
    if let Some((_, runner)) = by_uuid(tx, call, SHARED)? {
        return Ok(runner.public_key);
    }
    let owner = call.world.settings.admin_workspace.clone();
    let allowed = call.may(Resource::Runner, Action::Write, &Scope::installation())?;
    let runner = Runner {
        display_name: "Shared runner".into(),
        public_key: public_key.to_owned(),
        implementation_type: ImplementationType::All,
        restriction: Restriction::Public,
        workload_identity_federation: None,
    };
    let mut draft = draft(tx, &owner, &runner)?;
    draft.status = json!({});
    let id: ObjectId =
        SHARED.parse().map_err(|_| stoa_core::Fault::Corrupt { what: "shared runner's uuid" })?;
    let told = Told::new("Building Block Runner Created", "The shared runner was created.");
    objects::insert(tx, call, allowed, (id, KIND, SHARED, Some(&owner)), draft, told)?;
    Ok(runner.public_key)
}

/// A key whose private half nobody kept.
const EXAMPLE_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtpaFMU8jcz/RUTq42Z+r\n\
fb9INPLK9gu33XJhwDn6zQ46KdwoQHcY7qA9h0CNNfTjVH964IGfnzqlBqB4C2XE\n\
1o3pPVul3r8IW0wwlpLIWt6YLAcjmuZTD0AE6MeZZIHwhFsyHVpyXO8R2GPpAZ2E\n\
qXKLN1Jcssgn4f8aPQ6cD6DYiirfaHQxPBBV5LxLnNu85eSaUcXNnjAcC+AwSOZZ\n\
jWI0U+MqRCESowpPZgsPGafub+c/cRheh4t9YRKZA8vPllzJLk01VQ679AOQzswt\n\
RvLajCqj/BM07yI2e3vUfLoP5NEYLLoiRuHffTsu7bJeyDwuNde2Wi3gdGsyMbBE\n\
GwIDAQAB\n\
-----END PUBLIC KEY-----\n";

/// The kind.
pub struct Runners;

impl Kind for Runners {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1-preview"];
    const COLLECTION: &'static str = "meshbuildingblockrunners";
    const RESOURCE: Resource = Resource::Runner;
    const LONG: &'static [&'static str] = &["spec.publicKey", "spec.workloadIdentityFederation"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("ownedByWorkspace", "Owning workspace")];
    const REQUEST: &'static str = "BuildingBlockRunner";
    const RESPONSE: &'static str = "BuildingBlockRunner";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1-preview",
            "kind": KIND,
            "metadata": { "ownedByWorkspace": "data-platform" },
            "spec": {
                "displayName": "dba cluster runner",
                "publicKey": EXAMPLE_KEY,
                "implementationType": "ALL",
            },
        })
    }

    fn find(tx: &mut Tx, call: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_uuid_text(tx, KIND, &canonical(&call.world, id))
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let mut query = Query::of(KIND, seen);
        query.workspace = request.query("ownedByWorkspace").map(Into::into);
        Ok(query)
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let mut metadata = json!({
            "uuid": object.id,
            "ownedByWorkspace": object.owner(),
            "createdOn": object.created_at,
        });
        if let Some(seen) = object.status.get("lastSeen") {
            metadata["lastSeen"] = seen.clone();
        }
        let mut spec = (*object.doc).clone();
        spec["isSelfHosted"] = json!(object.id.to_string() != SHARED);
        Ok(json!({ "metadata": metadata, "spec": spec }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let Wire { metadata, spec } = request.body()?;
        let owner = metadata.owned_by_workspace;
        let allowed = call.may(Resource::Runner, Action::Write, &Scope::owned(&owner))?;
        if metadata.uuid.is_some() {
            return Err(Refusal::invalid("metadata.uuid", "is given by the server").into());
        }
        let restriction = spec.restriction.unwrap_or(Restriction::Private);
        if restriction == Restriction::Public && !allowed.operates() {
            return Err(Refusal::Forbidden("Only administrators may make a runner PUBLIC.".into()).into());
        }
        let runner = Runner {
            display_name: spec.display_name,
            public_key: spec.public_key,
            implementation_type: spec.implementation_type,
            restriction,
            workload_identity_federation: spec.workload_identity_federation,
        };
        let draft = draft(tx, &owner, &runner)?;
        let told = Told::new(
            "Building Block Runner Created",
            format!("Runner '{}' was created.", runner.display_name),
        );
        let id = ObjectId::new();
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
        let allowed = call.may(Resource::Runner, Action::Write, &Self::scope(&object))?;
        let old: Runner = object.doc()?;
        let Wire { metadata, spec } = request.body()?;
        if metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        let named = metadata.uuid.map(|uuid| canonical(&call.world, &uuid));
        if named.is_some_and(|uuid| uuid != object.id.to_string()) {
            return Err(Refusal::invalid("metadata.uuid", "must be the one in the path").into());
        }
        if spec.implementation_type != old.implementation_type {
            return Err(Refusal::invalid("spec.implementationType", "cannot be changed").into());
        }
        let restriction = spec.restriction.unwrap_or(old.restriction);
        if restriction != old.restriction && !allowed.operates() {
            return Err(Refusal::Forbidden(
                "Only administrators may change the restriction of a runner.".into(),
            )
            .into());
        }
        let runner = Runner {
            display_name: spec.display_name,
            public_key: spec.public_key,
            implementation_type: old.implementation_type,
            restriction,
            workload_identity_federation: spec.workload_identity_federation,
        };
        let draft = draft(tx, object.owner(), &runner)?;
        let told = Told::new(
            "Building Block Runner Changed",
            format!("Runner '{}' was changed.", runner.display_name),
        );
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Runner, Action::Delete, &Self::scope(&object))?;
        if object.id.to_string() == SHARED {
            return Err(Refusal::conflict("The shared runner cannot be deleted.").into());
        }
        let told =
            Told::new("Building Block Runner Deleted", format!("Runner '{id}' was deleted.", id = object.id));
        objects::remove(tx, call, allowed, &object, told)?;
        Ok(Deleted::Now)
    }
}
