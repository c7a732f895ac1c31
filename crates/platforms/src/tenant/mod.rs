//! meshTenant: an isolated slice of a platform for one project (`api-platforms.md` §7). Its versions are views of
//! one stored object, see [`stoa_tenancy::tenant`].

mod admission;
pub mod controller;
pub mod deletion;
pub mod operators;
pub mod quotas;
mod view;
pub mod wire;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags;
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::{Sql, Tx};
use stoa_tenancy::tenant::{self, Held, Phase, Status, Tenant};
use stoa_tenancy::{project, workspace};
use stoa_web::kind::{Deleted, Writes, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::route::VersionSchemas;
use stoa_web::{Kind, Request, hal};
use view::View;
use wire::{Asked, V3};

pub use stoa_tenancy::tenant::KIND;

/// Most tenants that lean on one platform or landing zone.
const MOST: i64 = 1_000_000;
const STATES: [&str; 3] = ["ACTIVE", "MARKED_FOR_DELETION", "DELETED"];

/// Something that tenants lean on changed, a platform or a landing zone: each of them is looked at again.
pub fn settings_changed(tx: &mut Tx, call: &Call, target: ObjectId) -> Outcome<()> {
    for found in objects::referrers(tx, target, None, MOST)? {
        if found.kind == KIND {
            tenant::wake(tx, call, found.id)?;
        }
    }
    Ok(())
}

/// Removes every tenant of a platform from Stoa without touching the platform (`domain-platforms.md` §5.5).
pub fn purge_all_of(tx: &mut Tx, call: &Call, platform: ObjectId) -> Outcome<()> {
    for found in objects::referrers(tx, platform, Some("platform"), MOST)? {
        if found.kind == KIND {
            deletion::purge(tx, &call.as_system(), Held::read(found)?)?;
        }
    }
    Ok(())
}

/// The next number on a platform; whoever takes one holds the others up until the transaction ends.
fn next_number(tx: &mut Tx, platform: ObjectId) -> Outcome<i64> {
    const NEXT: Sql = Sql::new(
        "INSERT INTO tenant_number (platform, last) VALUES ($1, 1)
         ON CONFLICT (platform) DO UPDATE SET last = tenant_number.last + 1 RETURNING last",
    );
    Ok(tx.one(&NEXT, &[platform.0.into()], |row| row.get(0))?)
}

/// Tags as they count for a tenant: those of the workspace, over them the payment method's, over them the
/// project's (`api-core.md` §1.13).
fn effective_tags(tx: &mut Tx, held: &Held) -> Outcome<Value> {
    let owner = owner_of(&held.object);
    Ok(Owners::of(tx, std::slice::from_ref(&owner))?.tags(&owner).into())
}

/// Workspace, and key of the project.
fn owner_of(tenant: &Object) -> (String, String) {
    let (project, _) = tenant::names_in(&tenant.key);
    (tenant.owner().to_owned(), format!("{}.{project}", tenant.owner()))
}

/// What counts of a document that tags come from.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tagged {
    #[serde(default)]
    tags: Option<Map<String, Value>>,
    /// The payment method that a project names.
    #[serde(default)]
    payment_method_identifier: Option<String>,
}

/// Documents that the tags of some tenants come from, read together.
struct Owners {
    workspaces: HashMap<String, Tagged>,
    projects: HashMap<String, Tagged>,
    methods: HashMap<String, Tagged>,
}

impl Owners {
    /// Of tenants in these workspaces and projects.
    fn of(tx: &mut Tx, owners: &[(String, String)]) -> Outcome<Self> {
        let workspaces = owners.iter().map(|(workspace, _)| workspace.clone());
        let workspaces = objects::docs_by_keys(tx, workspace::KIND, workspaces)?;
        let projects: HashMap<String, Tagged> =
            objects::docs_by_keys(tx, project::KIND, owners.iter().map(|(_, key)| key.clone()))?;
        let methods = projects.values().filter_map(|project| project.payment_method_identifier.clone());
        let methods = objects::docs_by_keys(tx, "meshPaymentMethod", methods)?;
        Ok(Self { workspaces, projects, methods })
    }

    fn tags(&self, (workspace, project): &(String, String)) -> Map<String, Value> {
        let project = self.projects.get(project);
        let method = project.and_then(|project| project.payment_method_identifier.as_ref());
        let method = method.and_then(|method| self.methods.get(method));
        let sources = [self.workspaces.get(workspace), method, project];
        let sources: Vec<_> =
            sources.into_iter().flatten().filter_map(|source| source.tags.as_ref()).collect();
        tags::merged(&sources)
    }
}

fn draft_of(
    held: (&Tenant, &Status),
    (home, project, zone): (ObjectId, ObjectId, Option<ObjectId>),
) -> Outcome<Draft> {
    let (tenant, status) = held;
    let mut references = vec![("owner", home), ("project", project), ("platform", tenant.platform)];
    references.extend(zone.map(|zone| ("landingZone", zone)));
    Ok(Draft {
        doc: serde_json::to_value(tenant)?,
        status: serde_json::to_value(status)?,
        facets: tenant::facets(&tenant.project, tenant, status),
        references,
    })
}

/// The kind.
pub struct Tenants;

impl Tenants {
    /// Makes a tenant with everything that its landing zone wants it to come with.
    fn make(tx: &mut Tx, call: &Call, asked: Asked) -> Outcome<Object> {
        let allowed = call.may(Resource::Tenant, Action::Write, &Scope::owned(&asked.workspace))?;
        let admitted = admission::admit(tx, call, allowed, &asked)?;
        let admission::Admitted { home, project, platform, zone, equipment } = admitted;
        let tenant = Tenant {
            project: asked.project.clone(),
            platform: platform.object.id,
            platform_identifier: platform.full_identifier(),
            platform_type: platform.type_identifier().to_owned(),
            is_custom: platform.platform.config_type() == "custom",
            landing_zone: zone.as_ref().map(|zone| zone.object.key.clone()),
            imported: asked.platform_tenant_id.is_some(),
            number: next_number(tx, platform.object.id)?,
            random: random_letters()?,
            quotas: asked.quotas.clone(),
            author: call.actor.author_object(),
        };
        let mut status = Status {
            phase: Phase::Requested,
            platform_tenant_id: asked.platform_tenant_id.clone(),
            sign_in: None,
            applied_quotas: quotas::applied(&platform.platform, zone.as_ref(), &tenant.quotas),
            quota_requests: Vec::new(),
            waiting: None,
            marked: None,
        };
        let key = format!("{}.{}.{}", asked.workspace, asked.project, tenant.platform_identifier);
        let leans = (home.id, project.id, zone.as_ref().map(|zone| zone.object.id));
        let id = ObjectId::new();
        if equipment.is_empty() {
            // Where it stands is known at once: it is written, and told, once.
            (status.phase, status.waiting) =
                controller::standing(call, (id, &tenant, &status), &platform, zone.as_ref(), &[]);
        }
        let draft = draft_of((&tenant, &status), leans)?;
        let word = if tenant.imported { "imported" } else { "created" };
        let told = Told::new("Tenant Created", format!("Tenant '{key}' was {word}."))
            .to_managers(&[platform.object.owner()]);
        let of = (id, KIND, key.as_str(), Some(asked.workspace.as_str()));
        let object = objects::insert(tx, call, allowed, of, draft, told)?;
        let mut held = Held { object, tenant, status };
        if !equipment.is_empty() {
            stoa_blocks::block::on_tenant::equip(tx, call, &held, &equipment)?;
            controller::settle(tx, call, &mut held)?;
        }
        Ok(held.object)
    }
}

/// 100 lower-case letters and digits.
fn random_letters() -> Outcome<String> {
    let mut letters = String::new();
    while letters.len() < 100 {
        letters.push_str(&stoa_core::secrets::new_secret()?.to_ascii_lowercase());
    }
    letters.truncate(100);
    Ok(letters)
}

impl Kind for Tenants {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &[V3, wire::PREVIEW, wire::V4];
    const COLLECTION: &'static str = "meshtenants";
    const RESOURCE: Resource = Resource::Tenant;
    const WRITES: Writes = Writes::NoUpdate;
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("workspaceIdentifier", "Owning workspace"),
        ("projectIdentifier", "Project; may be repeated"),
        ("platformIdentifier", "<platform>.<location>"),
        ("platformTypeIdentifier", "Platform type, such as AWS"),
        ("landingZoneIdentifier", "Landing zone"),
        ("platformTenantId", "Exact id on the platform"),
        ("state", "ACTIVE (default), MARKED_FOR_DELETION, DELETED; may be repeated"),
        ("deletionState", "The same, as v3 calls it"),
    ];
    const REQUEST: &'static str = "Tenant";
    const RESPONSE: &'static str = "ShownTenant";
    const VIEWS: &'static [VersionSchemas] =
        &[(V3, "TenantV3", "TenantV3"), (wire::PREVIEW, "TenantV4Preview", "TenantV4Preview")];

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<wire::Wire>();
        schemas.add::<wire::Shown>();
        schemas.add::<wire::PreviewWire>();
        schemas.add::<wire::OldWire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v4",
            "kind": KIND,
            "metadata": { "ownedByWorkspace": "billing-app", "ownedByProject": "invoices-dev" },
            "spec": {
                "platformRef": { "kind": "meshPlatform", "uuid": "6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11" },
                "landingZoneRef": { "kind": "meshLandingZone", "name": "dockyard-dev" },
                "requestedQuotas": { "limits.cpu": { "value": 4000 } },
            },
        })
    }

    fn example_of(version: &str) -> Value {
        let owner = json!({ "ownedByWorkspace": "billing-app", "ownedByProject": "invoices-dev" });
        let platform = "dockyard.dc-bergen";
        let quotas = json!([{ "key": "limits.cpu", "value": 4000 }]);
        match version {
            V3 => json!({
                "apiVersion": V3,
                "kind": KIND,
                "metadata": {
                    "ownedByWorkspace": "billing-app",
                    "ownedByProject": "invoices-dev",
                    "platformIdentifier": platform,
                },
                "spec": { "landingZoneIdentifier": "dockyard-dev", "quotas": quotas },
            }),
            wire::PREVIEW => json!({
                "apiVersion": wire::PREVIEW,
                "kind": KIND,
                "metadata": owner,
                "spec": {
                    "platformIdentifier": platform,
                    "landingZoneIdentifier": "dockyard-dev",
                    "quotas": quotas,
                },
            }),
            _ => Self::example(),
        }
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        wire::check_types(request)
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        // Identifiers hold dots, uuids do not: each names one tenant whatever the version.
        if let Ok(uuid) = id.parse::<ObjectId>() {
            return objects::by_id(tx, KIND, uuid);
        }
        objects::by_key_even_deleted(tx, KIND, id)
    }

    fn scope(object: &Object) -> Scope<'_> {
        Scope::in_project(object.owner(), Some(tenant::names_in(&object.key).0))
    }

    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        // What a caller may not see is not there (`api-platforms.md` §1.2).
        let hidden = |_| Refusal::missing(KIND, object.key.as_str()).into();
        call.may(Resource::Tenant, Action::Read, &Self::scope(object)).map(|_| ()).map_err(hidden)
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let mut states: Vec<String> = ["state", "deletionState"]
            .iter()
            .flat_map(|name| request.query_all(name))
            .flat_map(|value| value.split(','))
            .map(|state| state.trim().to_owned())
            .filter(|state| !state.is_empty())
            .collect();
        if let Some(bad) = states.iter().find(|state| !STATES.contains(&state.as_str())) {
            let problem = format!("knows {}, not `{bad}`", STATES.join(", "));
            return Err(Refusal::invalid("state", problem).into());
        }
        if states.is_empty() {
            states.push("ACTIVE".into());
        }
        states.sort();
        states.dedup();
        let mut query = Query::of(KIND, seen)
            .with("platformTenantId", request.query("platformTenantId"))
            .with("landingZoneIdentifier", request.query("landingZoneIdentifier"))
            .with("platformIdentifier", request.query("platformIdentifier"))
            .with("platformTypeIdentifier", request.query("platformTypeIdentifier"));
        let projects = request.query_all("projectIdentifier").into_iter().filter(|name| !name.is_empty());
        let projects: Vec<String> = projects.map(str::to_owned).collect();
        match projects.len() {
            0 => {}
            1 => query.facets.push(("projectIdentifier", projects)),
            several => {
                let marks = vec!["?"; several].join(", ");
                let of = "SELECT p.object FROM facet p WHERE p.name = 'projectIdentifier' AND p.value IN";
                query = query.within(format!("{of} ({marks})"), projects);
            }
        }
        query.workspace = request.query("workspaceIdentifier").map(Into::into);
        query.even_deleted = states.iter().any(|state| state == "DELETED");
        if states.len() < STATES.len() {
            query.facets.push(("state", states));
        }
        Ok(query)
    }

    fn id_of(object: &Object, version: &str) -> String {
        if version == V3 { object.key.clone() } else { object.id.to_string() }
    }

    fn gather(tx: &mut Tx, _: &Call, objects: &mut [Object]) -> Outcome<()> {
        let owners: Vec<_> = objects.iter().map(owner_of).collect();
        let known = Owners::of(tx, &owners)?;
        for (object, owner) in objects.iter_mut().zip(&owners) {
            object.gathered = Value::Object(known.tags(owner));
        }
        Ok(())
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, version: &str) -> Outcome<Value> {
        let (tenant, status) = (object.doc()?, object.status()?);
        Ok(serde_json::to_value(View::of(object, (&tenant, &status), &object.gathered, version))?)
    }

    fn print(_: &mut Tx, _: &Call, object: &Object, version: &str) -> Outcome<String> {
        let (tenant, status) = (object.doc()?, object.status()?);
        Ok(serde_json::to_string(&View::of(object, (&tenant, &status), &object.gathered, version))?)
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        let (project, platform) = tenant::names_in(&object.key);
        let users = format!(
            "/api/meshobjects/meshusers?workspaceIdentifier={}&projectIdentifier={}&platformIdentifier={}",
            object.owner(),
            hal::encoded(project),
            hal::encoded(platform),
        );
        vec![("meshusers", users)]
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        Self::make(tx, call, wire::asked(request)?)
    }

    /// Not offered over HTTP: the declarative import overwrites quotas this way (`api-platforms.md` §7.8).
    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let asked = wire::asked(request)?;
        let Some(object) = found.filter(|object| object.deleted_at.is_none()) else {
            return Self::make(tx, call, asked);
        };
        let allowed = call.may(Resource::Tenant, Action::Write, &Self::scope(&object))?;
        let held = Held::read(must_exist::<Self>(Some(object), id)?)?;
        quotas::overwrite(tx, call, allowed, held, asked.quotas)
    }

    fn delete(tx: &mut Tx, call: &Call, request: &Request, object: Object) -> Outcome<Deleted> {
        deletion::delete(tx, call, request, Held::read(object)?)?;
        Ok(Deleted::Later)
    }
}

/// Writes what is declared of a tenant.
fn replace(tx: &mut Tx, call: &Call, allowed: Allowed, held: Held, title: &str) -> Outcome<Object> {
    let home = workspace::living(tx, held.workspace())?;
    let project = project::of_tenant(tx, &held)?;
    let project = project.ok_or(stoa_core::Fault::Corrupt { what: "project of a tenant" })?;
    let zone = match &held.tenant.landing_zone {
        Some(name) => crate::landing_zone::by_name(tx, name)?.map(|zone| zone.object.id),
        None => None,
    };
    let draft = draft_of((&held.tenant, &held.status), (home.id, project.id, zone))?;
    let told = Told::new(title, format!("Tenant '{}' was changed.", held.object.key));
    objects::replace(tx, call, allowed, &held.object, draft, told)
}
