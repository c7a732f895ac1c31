//! meshPaymentMethod: who pays for the projects of a workspace (`api-core.md` §3.12).

use crate::{project, workspace};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};
use stoa_base::{Day, Moment, ObjectId, Refusal, check_identifier};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope, work};
use stoa_db::Tx;
use stoa_web::kind::Deleted;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshPaymentMethod";
/// Name of the controller that looks at one payment method when its last day is over, by its uuid.
pub const EXPIRY: &str = "payment-expiry";
/// Relation of a project to the method that pays for it.
pub const PRIMARY: &str = "payment";
/// Relation of a project to the method that pays when the first cannot.
pub const SUBSTITUTE: &str = "substitute";
/// Longest identifier.
const IDENTIFIER_MAX: usize = 64;

/// Declared part of a payment method.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentMethodSpec {
    /// For people.
    display_name: String,
    /// Budget in EUR.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<f64>)]
    amount: Option<Number>,
    /// Last day on which it pays (`YYYY-MM-DD`, UTC); it may be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expiration_date: Option<String>,
    /// Tags: lists of strings.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
}

impl PaymentMethodSpec {
    /// When its last day is over.
    fn ends(&self) -> Option<Moment> {
        self.expiration_date.as_ref().and_then(|day| day.parse::<Day>().ok()).map(Day::end)
    }
}

/// Name and owner of a payment method.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentMethodMetadata {
    /// Identifier, unique among the living.
    name: String,
    /// The workspace.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    created_on: Option<String>,
    /// Set by the server on deletion.
    #[schema(nullable = false)]
    deleted_on: Option<String>,
}

/// A payment method on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub struct Wire {
    /// Name and owner.
    metadata: PaymentMethodMetadata,
    /// Declared part.
    spec: PaymentMethodSpec,
}

/// An amount as it is stored and shown: whole numbers without a fraction, whatever the client wrote.
fn plain(amount: Number) -> Result<Number, Refusal> {
    /// Whole numbers up to here are exact in every client.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = amount.as_f64().unwrap_or(f64::INFINITY);
    if !value.is_finite() || value < 0.0 {
        return Err(Refusal::invalid("spec.amount", "must not be negative"));
    }
    if amount.is_f64() && value.fract() == 0.0 && value <= EXACT {
        // Exact, because it is whole and small enough.
        return format!("{value:.0}")
            .parse()
            .map_err(|_| Refusal::invalid("spec.amount", "must be a number"));
    }
    Ok(amount)
}

fn draft(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    (mut spec, owner): (PaymentMethodSpec, ObjectId),
    old: Option<&Map<String, Value>>,
) -> Outcome<Draft> {
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    if spec.expiration_date.is_some() && spec.ends().is_none() {
        let problem = "must be a date of the form YYYY-MM-DD";
        return Err(Refusal::invalid("spec.expirationDate", problem).into());
    }
    spec.amount = spec.amount.map(plain).transpose()?;
    let given = std::mem::take(&mut spec.tags);
    spec.tags = tags::admit(tx, call, allowed, Target::PaymentMethod, "spec.tags", given, old)?;
    Ok(Draft {
        doc: serde_json::to_value(spec)?,
        status: json!({}),
        facets: Vec::new(),
        references: vec![("owner", owner)],
    })
}

/// Asks for a look when the method's last day is over, if that is still to come. What is over already when it is
/// declared stays as it is.
fn watch(tx: &mut Tx, call: &Call, object: &Object) -> Outcome<()> {
    let key = object.id.to_string();
    work::cancel(tx, EXPIRY, &key)?;
    match object.doc::<PaymentMethodSpec>()?.ends() {
        Some(end) if end > call.now => work::schedule(tx, EXPIRY, &key, end),
        _ => Ok(()),
    }
}

/// Once its last day is over, a method does not pay any more.
pub fn look(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let Some(id) = key.parse().ok() else { return Ok(None) };
    let Some(object) = objects::by_id_for_update(tx, KIND, id)? else { return Ok(None) };
    let end = object.doc::<PaymentMethodSpec>()?.ends();
    if let (None, Some(end)) = (object.deleted_at, end) {
        if end > call.now {
            return Ok(Some(end));
        }
        detach(tx, call, &object)?;
    }
    Ok(None)
}

/// Takes a method from every project: its substitute pays then, if it has one.
fn detach(tx: &mut Tx, call: &Call, method: &Object) -> Outcome<()> {
    for relation in [SUBSTITUTE, PRIMARY] {
        for project in objects::referrers(tx, method.id, Some(relation), i64::MAX)? {
            let Some(project) = objects::by_id_for_update(tx, project::KIND, project.id)? else { continue };
            project::without_payment(tx, call, &project, &method.key)?;
        }
    }
    Ok(())
}

/// Deletes a method softly, and takes it from every project.
pub(crate) fn bury(tx: &mut Tx, call: &Call, allowed: Allowed, object: &mut Object) -> Outcome<()> {
    detach(tx, call, object)?;
    work::cancel(tx, EXPIRY, &object.id.to_string())?;
    let told = Told::new("Payment Method Deleted", format!("Payment method '{}' was deleted.", object.key));
    objects::bury(tx, call, allowed, object, told)
}

/// The kind.
pub struct PaymentMethods;

impl PaymentMethods {
    fn make(tx: &mut Tx, call: &Call, wire: Wire) -> Outcome<Object> {
        let allowed = call.may(Resource::PaymentMethod, Action::Write, &Scope::installation())?;
        let PaymentMethodMetadata { name, owned_by_workspace: owner, .. } = wire.metadata;
        check_identifier(&name, IDENTIFIER_MAX)
            .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
        let home = workspace::living(tx, &owner)?;
        let draft = draft(tx, call, allowed, (wire.spec, home.id), None)?;
        let told = Told::new("Payment Method Created", format!("Payment method '{name}' was created."));
        let id = ObjectId::new();
        let object = objects::insert(tx, call, allowed, (id, KIND, &name, Some(&owner)), draft, told)?;
        watch(tx, call, &object)?;
        Ok(object)
    }
}

impl Kind for PaymentMethods {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshpaymentmethods";
    const RESOURCE: Resource = Resource::PaymentMethod;
    const FILTERS: &'static [(&'static str, &'static str)] =
        &[("workspaceIdentifier", "Owning workspace; ignored for callers who see their own only")];
    const REQUEST: &'static str = "PaymentMethod";
    const RESPONSE: &'static str = "PaymentMethod";
    const ID: &'static str = "identifier";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": KIND,
            "metadata": { "name": "orchard-2026", "ownedByWorkspace": "orchard" },
            "spec": {
                "displayName": "Orchard Budget 2026",
                "amount": 25000,
                "expirationDate": "2026-12-31",
                "tags": {},
            },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key_even_deleted(tx, KIND, id)
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let filter = request.query("workspaceIdentifier").filter(|_| seen.all).map(Into::into);
        let mut query = Query::of(KIND, seen);
        query.workspace = filter;
        Ok(query)
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let mut metadata = json!({
            "name": object.key,
            "ownedByWorkspace": object.owner(),
            "createdOn": object.created_at,
        });
        if let Some(deleted) = object.deleted_at {
            metadata["deletedOn"] = json!(deleted);
        }
        Ok(json!({ "metadata": metadata, "spec": object.doc }))
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        vec![("meshprojects", format!("/api/meshobjects/meshprojects?paymentIdentifier={}", object.key))]
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        Self::make(tx, call, request.body()?)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let allowed = call.may(Resource::PaymentMethod, Action::Write, &Scope::installation())?;
        let wire: Wire = request.body()?;
        if wire.metadata.name != id {
            return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
        }
        let Some(object) = found.filter(|object| object.deleted_at.is_none()) else {
            return Self::make(tx, call, wire);
        };
        if wire.metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        let home = workspace::living(tx, object.owner())?;
        let old: PaymentMethodSpec = object.doc()?;
        let draft = draft(tx, call, allowed, (wire.spec, home.id), Some(&old.tags))?;
        let told = Told::new("Payment Method Changed", format!("Payment method '{id}' was changed."));
        let changed = objects::replace(tx, call, allowed, &object, draft, told)?;
        if changed.doc["expirationDate"] != object.doc["expirationDate"] {
            watch(tx, call, &changed)?;
        }
        Ok(changed)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, mut object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::PaymentMethod, Action::Delete, &Scope::installation())?;
        if object.deleted_at.is_none() {
            bury(tx, call, allowed, &mut object)?;
        }
        Ok(Deleted::Now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_amounts_are_written_without_a_fraction() {
        for (sent, shown) in [
            ("1500.0", "1500"),
            ("1500", "1500"),
            ("0.0", "0"),
            ("0", "0"),
            ("2.5e3", "2500"),
            ("19.99", "19.99"),
            ("9007199254740993", "9007199254740993"),
        ] {
            let amount = plain(serde_json::from_str(sent).unwrap()).unwrap();
            assert_eq!(amount.to_string(), shown, "{sent}");
        }
        assert!(plain(serde_json::from_str("-1").unwrap()).is_err());
    }
}
