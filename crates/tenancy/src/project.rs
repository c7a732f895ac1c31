//! meshProject: an environment of a workspace (`api-core.md` §3.2).

use crate::{payment, tenant, workspace};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal, check_identifier};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_identity::binding;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshProject";

/// What goes away with its project, and so keeps it from nothing.
const LEAVING_WITH_IT: &[&str] = &[tenant::KIND, binding::PROJECT_USER, binding::PROJECT_GROUP];

/// A project as stored. Its key is `<workspace>.<project>`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    name: String,
    display_name: String,
    tags: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    substitute_payment_method_identifier: Option<String>,
}

/// Name and owner of a project.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectMetadata {
    /// Identifier, unique within the workspace.
    name: String,
    /// The workspace.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    created_on: Option<String>,
    /// Set by the server when its deletion was asked for.
    #[schema(nullable = false)]
    deleted_on: Option<String>,
}

/// Declared part of a project.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSpec {
    /// For people.
    display_name: String,
    /// Tags: lists of strings.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
    /// Who pays.
    #[schema(nullable = false)]
    payment_method_identifier: Option<String>,
    /// Who pays when the first cannot.
    #[schema(nullable = false)]
    substitute_payment_method_identifier: Option<String>,
}

/// A project on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Project)]
pub struct Wire {
    /// Name and owner.
    metadata: ProjectMetadata,
    /// Declared part.
    spec: ProjectSpec,
}

/// The living project with this identifier in a workspace, or 404; 409 when it is leaving. Nobody deletes it before
/// the transaction ends, so it may be given something.
pub fn living(tx: &mut Tx, workspace: &str, identifier: &str) -> Outcome<Object> {
    let key = format!("{workspace}.{identifier}");
    let found = objects::hold(tx, KIND, &key)?.ok_or_else(|| Refusal::missing(KIND, &key))?;
    refuse_leaving(&found)?;
    Ok(found)
}

/// Whether its deletion was asked for and waits for its tenants.
pub fn is_leaving(object: &Object) -> bool {
    object.status.get("deletion").is_some()
}

fn refuse_leaving(object: &Object) -> Result<(), Refusal> {
    if is_leaving(object) {
        return Err(Refusal::conflict(format!("Project '{}' is about to be deleted.", object.key)));
    }
    Ok(())
}

/// Ends a project that nothing lives in any more: its bindings go, its identifier is free again.
pub fn bury(tx: &mut Tx, call: &Call, allowed: Allowed, object: &mut Object) -> Outcome<()> {
    binding::dissolve_all_in(tx, call, object.id, "lost, with its project,")?;
    let old = object.key.clone();
    let told = Told::new("Project Deleted", format!("Project '{old}' was deleted."));
    objects::set_facet(tx, object.id, "state", "DELETED")?;
    // Buried first: only the living need keys of their own.
    objects::bury(tx, call, allowed, object, told)?;
    objects::rekey(tx, allowed, object, &format!("{old}-{}", call.now.seconds()))
}

/// Keeps a project whose deletion was declined by whoever answers for one of its tenants.
pub fn keep(tx: &mut Tx, call: &Call, allowed: Allowed, object: &Object) -> Outcome<Object> {
    if !is_leaving(object) {
        return Ok(object.clone());
    }
    let told = Told::new("Project Deletion Rejected", format!("Project '{}' stays.", object.key));
    restate(tx, call, allowed, object, (object.doc()?, json!({})), told)
}

/// Writes a project anew, with all that lists and others know of it.
fn restate(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    object: &Object,
    (project, status): (Project, Value),
    told: Told<'_>,
) -> Outcome<Object> {
    let leaving = status.get("deletion").is_some();
    let home = workspace::living(tx, object.owner())?;
    let draft = Draft { status, ..assembled(tx, project, home.id, leaving)? };
    objects::replace(tx, call, allowed, object, draft, told)
}

/// What is stored of a project, its status apart.
fn assembled(tx: &mut Tx, project: Project, home: ObjectId, leaving: bool) -> Outcome<Draft> {
    let state = if leaving { "PENDING_DELETION" } else { "ACTIVE" };
    let primary = project.payment_method_identifier.clone();
    let mut references = vec![("owner", home)];
    for (relation, method) in
        [(payment::PRIMARY, &primary), (payment::SUBSTITUTE, &project.substitute_payment_method_identifier)]
    {
        let Some(method) = method else { continue };
        references.extend(objects::by_key(tx, payment::KIND, method)?.map(|method| (relation, method.id)));
    }
    let facets = vec![("payment", primary.unwrap_or_default()), ("state", state.to_owned())];
    Ok(Draft { doc: serde_json::to_value(project)?, status: Value::Null, facets, references })
}

/// A payment method does not pay any more, and whatever it paid for is paid by the substitute, if there is one.
pub(crate) fn without_payment(tx: &mut Tx, call: &Call, object: &Object, method: &str) -> Outcome<()> {
    let call = call.as_system();
    let allowed = call.may(Resource::Project, Action::Write, &Scope::installation())?;
    let mut project: Project = object.doc()?;
    let is = |identifier: &Option<String>| identifier.as_deref() == Some(method);
    if is(&project.substitute_payment_method_identifier) {
        project.substitute_payment_method_identifier = None;
    }
    if is(&project.payment_method_identifier) {
        project.payment_method_identifier = project.substitute_payment_method_identifier.take();
    }
    let why = format!("Payment method '{method}' does not pay for project '{}' any more.", object.key);
    let told = Told::new("Project Payment Method Changed", why);
    restate(tx, &call, allowed, object, (project, (*object.status).clone()), told).map(|_| ())
}

/// The living project of a tenant.
pub fn of_tenant(tx: &mut Tx, held: &crate::tenant::Held) -> Outcome<Option<Object>> {
    objects::by_key(tx, KIND, &format!("{}.{}", held.workspace(), held.tenant.project))
}

fn draft(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    wire: Wire,
    old: Option<&Map<String, Value>>,
) -> Outcome<Draft> {
    let ProjectSpec { display_name, tags, payment_method_identifier, substitute_payment_method_identifier } =
        wire.spec;
    let most = call.world.settings.project_identifier_max;
    let length = display_name.chars().count();
    if display_name.trim().is_empty() || length > most {
        let problem = format!("must not be blank and have at most {most} characters");
        return Err(Refusal::invalid("spec.displayName", problem).into());
    }
    let owner = &wire.metadata.owned_by_workspace;
    for (field, method) in [
        ("spec.paymentMethodIdentifier", &payment_method_identifier),
        ("spec.substitutePaymentMethodIdentifier", &substitute_payment_method_identifier),
    ] {
        let Some(method) = method else { continue };
        let found = objects::hold(tx, payment::KIND, method)?;
        if found.is_none_or(|found| found.owner() != owner.as_str()) {
            let problem = format!("names no payment method of workspace '{owner}'");
            return Err(Refusal::invalid(field, problem).into());
        }
    }
    if payment_method_identifier.is_none() && substitute_payment_method_identifier.is_some() {
        let field = "spec.substitutePaymentMethodIdentifier";
        return Err(Refusal::invalid(field, "needs spec.paymentMethodIdentifier beside it").into());
    }
    let home = workspace::living(tx, owner)?;
    let project = Project {
        name: wire.metadata.name,
        display_name,
        tags: tags::admit(tx, call, allowed, Target::Project, "spec.tags", tags, old)?,
        payment_method_identifier,
        substitute_payment_method_identifier,
    };
    Ok(Draft { status: json!({}), ..assembled(tx, project, home.id, false)? })
}

/// What an audit entry about a change is called: by the most visible part that changed.
fn title_of(old: &Project, new: &Value) -> &'static str {
    if new["displayName"] != json!(old.display_name) {
        "Project Name Changed"
    } else if new["tags"] != json!(old.tags) {
        "Project Tags Changed"
    } else if old.payment_method_identifier.is_none() {
        "Project Payment Method Added"
    } else {
        "Project Payment Method Changed"
    }
}

/// The kind.
pub struct Projects;

impl Kind for Projects {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v2"];
    const COLLECTION: &'static str = "meshprojects";
    const RESOURCE: Resource = Resource::Project;
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("workspaceIdentifier", "Owning workspace"),
        ("paymentIdentifier", "Primary payment method; empty finds projects without one"),
        ("state", "Comma-separated of ACTIVE (default), PENDING_DELETION, DELETED"),
    ];
    const REQUEST: &'static str = "Project";
    const RESPONSE: &'static str = "Project";
    const ID: &'static str = "identifier";
    const IDENTIFIED: Option<&'static str> =
        Some("{$response.body#/metadata/ownedByWorkspace}.{$response.body#/metadata/name}");

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v2",
            "kind": KIND,
            "metadata": { "name": "press-dev", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "Press Dev", "tags": {} },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key_even_deleted(tx, KIND, id)
    }

    fn scope(object: &Object) -> Scope<'_> {
        Scope::in_project(object.owner(), object.key.split_once('.').map(|(_, project)| project))
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let states = request.query("state").unwrap_or("ACTIVE");
        let states: Vec<String> = states.split(',').map(|state| state.trim().to_owned()).collect();
        if let Some(bad) =
            states.iter().find(|state| !["ACTIVE", "PENDING_DELETION", "DELETED"].contains(&state.as_str()))
        {
            let problem = format!("knows ACTIVE, PENDING_DELETION and DELETED, not `{bad}`");
            return Err(Refusal::invalid("state", problem).into());
        }
        let mut query = Query::of(KIND, seen);
        query.even_deleted = states.iter().any(|state| state == "DELETED");
        query.workspace = request.query("workspaceIdentifier").map(Into::into);
        if let Some(payment) = request.query_even_empty("paymentIdentifier") {
            query.facets.push(("payment", vec![payment.trim().to_owned()]));
        }
        query.facets.push(("state", states));
        Ok(query)
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let project: Project = object.doc()?;
        // A deleted project shows under the name that its key was moved to.
        let name = object.key.split_once('.').map_or(project.name.as_str(), |(_, name)| name).to_owned();
        let mut metadata =
            json!({ "name": name, "ownedByWorkspace": object.owner(), "createdOn": object.created_at });
        // When its deletion was asked for, which may be long before it is over.
        if let Some(asked) = object.status.pointer("/deletion/at") {
            metadata["deletedOn"] = asked.clone();
        } else if let Some(deleted) = object.deleted_at {
            metadata["deletedOn"] = json!(deleted);
        }
        let mut spec = serde_json::to_value(project)?;
        if let Value::Object(spec) = &mut spec {
            spec.remove("name");
        }
        Ok(json!({ "metadata": metadata, "spec": spec }))
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        let (workspace, project) = object.key.split_once('.').unwrap_or_default();
        let mut links: Vec<_> = [
            ("meshtenants", "meshtenants"),
            ("meshusers", "meshusers"),
            ("meshprojectuserbindings", "meshprojectbindings/userbindings"),
            ("meshprojectgroupbindings", "meshprojectbindings/groupbindings"),
        ]
        .map(|(relation, path)| {
            let filter = format!("workspaceIdentifier={workspace}&projectIdentifier={project}");
            (relation, format!("/api/meshobjects/{path}?{filter}"))
        })
        .to_vec();
        if let Some(method) = object.doc.get("paymentMethodIdentifier").and_then(Value::as_str) {
            links.push(("activePaymentMethod", format!("/api/meshobjects/meshpaymentmethods/{method}")));
        }
        links
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let wire: Wire = request.body()?;
        let (owner, name) = (wire.metadata.owned_by_workspace.clone(), wire.metadata.name.clone());
        let allowed = call.may(Resource::Project, Action::Write, &Scope::owned(&owner))?;
        check_identifier(&name, call.world.settings.project_identifier_max)
            .map_err(|bad| Refusal::invalid("metadata.name", bad.to_string()))?;
        let draft = draft(tx, call, allowed, wire, None)?;
        let key = format!("{owner}.{name}");
        let told = Told::new("Project Created", format!("Project '{key}' was created."));
        objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &key, Some(&owner)), draft, told)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(Resource::Project, Action::Write, &Self::scope(&object))?;
        let wire: Wire = request.body()?;
        if object.deleted_at.is_some() {
            return Err(Refusal::conflict(format!("Project '{id}' is deleted and cannot change.")).into());
        }
        refuse_leaving(&object)?;
        let key = format!("{}.{}", wire.metadata.owned_by_workspace, wire.metadata.name);
        if key != object.key {
            return Err(
                Refusal::invalid("metadata.name", "and the workspace must be those in the path").into()
            );
        }
        let old: Project = object.doc()?;
        let draft = draft(tx, call, allowed, wire, Some(&old.tags))?;
        let told = Told::new(title_of(&old, &draft.doc), format!("Project '{key}' was changed."));
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, mut object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Project, Action::Delete, &Self::scope(&object))?;
        if object.deleted_at.is_some() {
            return Ok(Deleted::Now);
        }
        if is_leaving(&object) {
            return Ok(Deleted::Later);
        }
        objects::refuse_in_use(tx, &object, LEAVING_WITH_IT)?;
        if objects::referrers(tx, object.id, Some("project"), 1)?.is_empty() {
            bury(tx, call, allowed, &mut object)?;
            return Ok(Deleted::Now);
        }
        // Nothing but tenants is left: they go first.
        let status = json!({ "deletion": tenant::project_deletion(call, allowed.operates()) });
        let told = Told::new(
            "Project Deletion Request Submitted",
            format!("Project '{}' is to be deleted with its tenants.", object.key),
        );
        let project: Project = object.doc()?;
        let object = restate(tx, call, allowed, &object, (project, status), told)?;
        tenant::leave_with(tx, call, &object)?;
        Ok(Deleted::Later)
    }
}
