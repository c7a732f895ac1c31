//! meshApiKey: a workspace's credential for machines (`api-core.md` §2.4 and §3.15).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use stoa_base::{Day, Moment, ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Allowed, Call, Outcome, Permission, PermissionSet, Resource, Scope, secrets};
use stoa_db::Tx;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshApiKey";

/// A key as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// For people.
    pub display_name: String,
    /// Codes, sorted.
    pub permissions: Vec<String>,
    /// Last day it is valid, exactly as the caller wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Digest of the secret; the `$` keeps it out of events and history.
    #[serde(rename = "$secret")]
    pub secret: String,
}

impl ApiKey {
    /// The codes as a set.
    pub fn permission_set(&self) -> PermissionSet {
        self.permissions.iter().filter_map(|code| code.parse::<Permission>().ok()).collect()
    }

    /// When it stops being valid.
    pub fn ends(&self) -> Option<Moment> {
        self.expires_at.as_ref().and_then(|day| day.parse::<Day>().ok()).map(Day::end)
    }
}

/// Declared part of a key's request.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeySpec {
    /// For people.
    display_name: String,
    /// Permission codes; a set.
    permissions: Vec<String>,
    /// Last day it is valid (`YYYY-MM-DD`, UTC); absent means for ever.
    #[schema(nullable = false)]
    expires_at: Option<String>,
}

/// Whose key.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// The workspace that owns it.
    owned_by_workspace: String,
}

/// What the server says of a key.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyStatus {
    /// Client id, the same as `metadata.uuid`.
    client_id: String,
    /// Only in the answer that made or rotated it.
    #[schema(nullable = false)]
    client_secret: Option<String>,
}

/// A key on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct Wire {
    /// Whose.
    metadata: ApiKeyMetadata,
    /// What.
    spec: ApiKeySpec,
    /// Set by the server; ignored in requests.
    #[serde(skip)]
    #[schema(nullable = false, value_type = Option<ApiKeyStatus>)]
    _status: (),
}

/// The kind.
pub struct ApiKeys;

/// Member of an object's status that carries a fresh secret to the answer; it is never stored.
const FRESH: &str = "$fresh";

/// The codes asked for, sorted. Only codes that the caller holds can be given, also with an update: its secret
/// may go to the caller.
fn granted(call: &Call, spec: &ApiKeySpec) -> Outcome<Vec<String>> {
    let mut unknown = None;
    for code in &spec.permissions {
        match code.parse::<Permission>() {
            Err(error) => unknown = unknown.or(Some(error)),
            Ok(permission) if call.actor.permissions.covers(permission) => {}
            Ok(_) => {
                return Err(Refusal::Forbidden(format!(
                    "you don't have sufficient permissions: `{code}` can be given only by those who hold it"
                ))
                .into());
            }
        }
    }
    if let Some(error) = unknown {
        return Err(Refusal::invalid("spec.permissions", format!("holds an unknown code: {error}")).into());
    }
    let mut permissions = spec.permissions.clone();
    permissions.sort();
    permissions.dedup();
    Ok(permissions)
}

fn check_name(spec: &ApiKeySpec) -> Outcome<()> {
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    Ok(())
}

fn check_expiry(call: &Call, expires_at: Option<&str>) -> Outcome<()> {
    const FIELD: &str = "spec.expiresAt";
    let end = expires_at
        .map(|day| day.parse::<Day>().map(Day::end))
        .transpose()
        .map_err(|_| Refusal::invalid(FIELD, "must be a date of the form YYYY-MM-DD"))?;
    if end.is_some_and(|end| end <= call.now) {
        return Err(Refusal::invalid(FIELD, "must not be in the past").into());
    }
    if let Some(most) = call.world.settings.api_key_max_life
        && end.is_none_or(|end| end.since(call.now) > most + Duration::from_hours(24))
    {
        let days = most.as_secs() / 86_400;
        return Err(Refusal::invalid(FIELD, format!("must be at most {days} days ahead")).into());
    }
    Ok(())
}

/// Creates a key with a known id and secret: for the first administrator.
pub fn create_known(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    (id, secret): (ObjectId, &str),
    workspace: &Object,
    key: (String, Vec<String>, Option<String>),
) -> Outcome<Object> {
    let (display_name, permissions, expires_at) = key;
    let stored = ApiKey { display_name, permissions, expires_at, secret: secrets::digest(secret) };
    let told = Told::new("API Key Created", format!("API key '{}' was created.", stored.display_name));
    let draft = Draft {
        doc: serde_json::to_value(&stored)?,
        status: json!({}),
        facets: vec![("displayName", stored.display_name.clone())],
        references: vec![("owner", workspace.id)],
    };
    objects::insert(tx, call, allowed, (id, KIND, &id.to_string(), Some(&workspace.key)), draft, told)
}

impl Kind for ApiKeys {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1-preview"];
    const COLLECTION: &'static str = "meshapikeys";
    const RESOURCE: Resource = Resource::ApiKey;
    const FILTERS: &'static [(&'static str, &'static str)] =
        &[("workspaceIdentifier", "Owning workspace"), ("displayName", "Exact display name")];
    const REQUEST: &'static str = "ApiKey";
    const RESPONSE: &'static str = "ApiKey";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1-preview",
            "kind": KIND,
            "metadata": { "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "pipeline", "permissions": ["PROJECT_LIST", "PROJECT_SAVE"] },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_uuid_text(tx, KIND, id)
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let mut query = Query::of(KIND, seen).with("displayName", request.query("displayName"));
        query.workspace = request.query("workspaceIdentifier").map(Into::into);
        Ok(query)
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let key: ApiKey = object.doc()?;
        let mut spec = json!({ "displayName": key.display_name, "permissions": key.permissions });
        if let Some(day) = key.expires_at {
            spec["expiresAt"] = json!(day);
        }
        let mut status = json!({ "clientId": object.id });
        if let Some(secret) = object.status.get(FRESH) {
            status["clientSecret"] = secret.clone();
        }
        Ok(json!({
            "metadata": { "uuid": object.id, "ownedByWorkspace": object.owner() },
            "spec": spec,
            "status": status,
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let wire: Wire = request.body()?;
        let owner = &wire.metadata.owned_by_workspace;
        let allowed = call.may(Resource::ApiKey, Action::Write, &Scope::owned(owner))?;
        let permissions = granted(call, &wire.spec)?;
        let workspace = objects::by_key(tx, "meshWorkspace", owner)?
            .ok_or_else(|| Refusal::missing("meshWorkspace", owner))?;
        // Locked, so that nobody else counts its keys or deletes it meanwhile.
        let workspace = objects::by_id_for_update(tx, "meshWorkspace", workspace.id)?
            .filter(|workspace| workspace.deleted_at.is_none())
            .ok_or_else(|| Refusal::missing("meshWorkspace", owner))?;
        check_name(&wire.spec)?;
        check_expiry(call, wire.spec.expires_at.as_deref())?;
        let most = call.world.settings.api_keys_per_workspace;
        let have = objects::count_owned(tx, owner, KIND)?;
        if usize::try_from(have).is_ok_and(|have| have >= most) {
            let problem = format!("has its {most} API keys already; delete one first");
            return Err(Refusal::invalid("metadata.ownedByWorkspace", problem).into());
        }
        let secret = secrets::new_secret()?;
        let key = (wire.spec.display_name, permissions, wire.spec.expires_at);
        let id = ObjectId::new();
        let mut object = create_known(tx, call, allowed, (id, &secret), &workspace, key)?;
        object.status[FRESH] = json!(secret);
        Ok(object)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(Resource::ApiKey, Action::Write, &Self::scope(&object))?;
        let wire: Wire = request.body()?;
        let permissions = granted(call, &wire.spec)?;
        if wire.metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        check_name(&wire.spec)?;
        let old: ApiKey = object.doc()?;
        let ApiKeySpec { display_name, expires_at, .. } = wire.spec;
        // An expiry that is over is no mistake when the caller leaves it as it is.
        if expires_at != old.expires_at {
            check_expiry(call, expires_at.as_deref())?;
        }
        // A changed expiry rotates the secret (§3.15).
        let fresh = (expires_at != old.expires_at).then(secrets::new_secret).transpose()?;
        let stored = ApiKey {
            display_name,
            permissions,
            expires_at,
            secret: fresh.as_ref().map_or(old.secret, |secret| secrets::digest(secret)),
        };
        let told = Told::new("API Key Changed", format!("API key '{}' was changed.", stored.display_name));
        let draft = Draft {
            doc: serde_json::to_value(&stored)?,
            status: Value::Null,
            facets: vec![("displayName", stored.display_name.clone())],
            references: references(tx, object.owner())?,
        };
        let mut object = objects::replace(tx, call, allowed, &object, draft, told)?;
        if let Some(secret) = fresh {
            object.status[FRESH] = json!(secret);
        }
        Ok(object)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::ApiKey, Action::Delete, &Self::scope(&object))?;
        let key: ApiKey = object.doc()?;
        let told = Told::new("API Key Deleted", format!("API key '{}' was deleted.", key.display_name));
        objects::remove(tx, call, allowed, &object, told)?;
        Ok(Deleted::Now)
    }
}

fn references(tx: &mut Tx, workspace: &str) -> Outcome<Vec<(&'static str, ObjectId)>> {
    Ok(objects::by_key(tx, "meshWorkspace", workspace)?
        .map(|owner| ("owner", owner.id))
        .into_iter()
        .collect())
}
