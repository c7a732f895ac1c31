//! meshApiUser: a machine that signs in with a password (`api-core.md` §2.3). Managing them over the API is an
//! extension of Stoa's; the kind is guarded by the admin codes of API keys.

use crate::held;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Actor, Call, Outcome, PermissionSet, Principal, Resource, Scope, secrets};
use stoa_db::Tx;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshApiUser";
const FRESH: &str = "$fresh";

/// An API user as stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiUser {
    display_name: String,
    #[serde(rename = "$password")]
    password: String,
}

/// Name of an API user.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct ApiUserMetadata {
    /// The user name of its credential.
    name: String,
}

/// Declared part of an API user.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiUserSpec {
    /// For people.
    display_name: String,
}

/// An API user on the wire. The answer that creates it, or a PUT of it, carries `status.password`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ApiUser)]
pub struct Wire {
    /// Name.
    metadata: ApiUserMetadata,
    /// Declared part.
    spec: ApiUserSpec,
}

/// The API user with this name and password.
pub fn sign_in(tx: &mut Tx, name: &str, password: &str) -> Outcome<Actor> {
    let wrong = || Refusal::Unauthorized("User and password do not match an API user.".into());
    let object = objects::by_key(tx, KIND, name)?.ok_or_else(wrong)?;
    let user: ApiUser = object.doc()?;
    if !secrets::matches(password, &user.password) {
        return Err(wrong().into());
    }
    Ok(Actor {
        principal: Principal::ApiUser { name: object.key },
        home: None,
        permissions: PermissionSet::administrator(),
        projects: None,
        session: None,
    })
}

/// An API user may do everything, so only those who may do everything get the password of one.
fn check_grant(call: &Call) -> Outcome<()> {
    if held::is_everything(call.actor.permissions) {
        return Ok(());
    }
    let problem = "you don't have sufficient permissions: an API user's password is for those who hold every admin code";
    Err(Refusal::Forbidden(problem.into()).into())
}

fn draft(spec: ApiUserSpec) -> Outcome<(Draft, String)> {
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    let password = secrets::new_secret()?;
    let user = ApiUser { display_name: spec.display_name, password: secrets::digest(&password) };
    let draft = Draft { doc: serde_json::to_value(user)?, status: json!({}), ..Draft::default() };
    Ok((draft, password))
}

/// The kind.
pub struct ApiUsers;

impl Kind for ApiUsers {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1-preview"];
    const COLLECTION: &'static str = "meshapiusers";
    const RESOURCE: Resource = Resource::ApiKey;
    const REQUEST: &'static str = "ApiUser";
    const RESPONSE: &'static str = "ApiUser";
    const ID: &'static str = "name";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({ "metadata": { "name": "extractor" }, "spec": { "displayName": "Data extractor" } })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, KIND, id)
    }

    fn query(_: &Call, _: &Request, seen: Visibility) -> Outcome<Query> {
        Ok(Query::of(KIND, seen))
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let user: ApiUser = object.doc()?;
        let mut status = json!({});
        if let Some(password) = object.status.get(FRESH) {
            status["password"] = password.clone();
        }
        Ok(json!({
            "metadata": { "name": object.key, "createdOn": object.created_at },
            "spec": { "displayName": user.display_name },
            "status": status,
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let allowed = call.may(Resource::ApiKey, Action::Write, &Scope::installation())?;
        check_grant(call)?;
        let wire: Wire = request.body()?;
        let name = wire.metadata.name;
        if name.trim().is_empty() || name.contains([':', '/']) || name.chars().any(char::is_control) {
            let problem = "must be printable, not blank and without `:` and `/`";
            return Err(Refusal::invalid("metadata.name", problem).into());
        }
        let (draft, password) = draft(wire.spec)?;
        let told = Told::new("API User Created", format!("API user '{name}' was created."));
        let id = ObjectId::new();
        let mut object = objects::insert(tx, call, allowed, (id, KIND, &name, None), draft, told)?;
        object.status[FRESH] = json!(password);
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
        let allowed = call.may(Resource::ApiKey, Action::Write, &Scope::installation())?;
        check_grant(call)?;
        let wire: Wire = request.body()?;
        if wire.metadata.name != object.key {
            return Err(Refusal::invalid("metadata.name", "cannot be changed").into());
        }
        let (draft, password) = draft(wire.spec)?;
        let told = Told::new("API User Password Rotated", format!("API user '{id}' got a new password."));
        let mut object = objects::replace(tx, call, allowed, &object, draft, told)?;
        object.status[FRESH] = json!(password);
        Ok(object)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::ApiKey, Action::Delete, &Scope::installation())?;
        let told = Told::new("API User Deleted", format!("API user '{}' was deleted.", object.key));
        objects::remove(tx, call, allowed, &object, told)?;
        Ok(Deleted::Now)
    }
}
