//! The table of kinds that the declarative import takes (`api-core.md` §5): one row each.

use serde_json::Value;
use stoa_base::ObjectId;
use stoa_core::{Call, Outcome};
use stoa_db::Tx;
use stoa_identity::group::{self, Groups};
use stoa_identity::user::Users;
use stoa_platforms::platform;
use stoa_platforms::tenant::Tenants;
use stoa_services::instance::ServiceInstances;
use stoa_tenancy::binding::{self, Bindings, ProjectGroup, ProjectUser, WorkspaceGroup, WorkspaceUser};
use stoa_tenancy::payment::PaymentMethods;
use stoa_tenancy::project::Projects;
use stoa_tenancy::workspace::Workspaces;
use stoa_web::import::{self, Importer, by_name, in_workspace};
use stoa_web::kind;

/// What names a tenant: workspace, project, and its platform in whichever way the version says it.
fn tenant_key(object: &Value) -> Option<String> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let platform = ["/metadata/platformIdentifier", "/spec/platformIdentifier", "/spec/platformRef/uuid"];
    let platform = platform.into_iter().find_map(text)?;
    Some(format!("{}.{}.{platform}", text("/metadata/ownedByWorkspace")?, text("/metadata/ownedByProject")?))
}

/// Tenants are looked for by their identifier, which holds the name of the platform.
fn tenant(tx: &mut Tx, call: &Call, body: &Value, version: &'static str, key: &str) -> Outcome<()> {
    let uuid = body.pointer("/spec/platformRef/uuid").and_then(Value::as_str);
    let mut key = key.to_owned();
    if let Some(id) = uuid.and_then(|uuid| uuid.parse::<ObjectId>().ok())
        && let Some(platform) = platform::by_id(tx, id)?
    {
        let owners = key.rsplit_once('.').map_or("", |(owners, _)| owners);
        key = format!("{owners}.{}", platform.full_identifier());
    }
    kind::apply::<Tenants>(tx, call, body, version, &key).map(|_| ())
}

/// A kind of binding, in its older shape too.
fn bindings<F: binding::Form>(versions: &'static [(&'static str, &'static str)]) -> Importer {
    Importer::of::<Bindings<F>>(versions, by_name).reshaped(import::binding).applied(binding::import::<F>)
}

/// Kinds of the declarative import (`api-core.md` §5): versions taken, and the one that each is applied as.
pub fn importers() -> Vec<Importer> {
    const V1: &[(&str, &str)] = &[("v1", "v1")];
    const V2: &[(&str, &str)] = &[("v2", "v2")];
    const V3_OR_V2: &[(&str, &str)] = &[("v3", "v3"), ("v2", "v3")];
    const TENANTS: &[(&str, &str)] = &[("v4", "v4"), ("v4-preview", "v4-preview"), ("v3", "v3")];
    const V2_OR_V1: &[(&str, &str)] = &[("v2", "v2"), ("v1", "v2")];
    let id = |object: &Value| Some(object.pointer("/metadata/instanceId")?.as_str()?.to_owned());
    let binding_id = |object: &Value| Some(object.pointer("/metadata/bindingId")?.as_str()?.to_owned());
    let date = |object: &Value| Some(object.get("date")?.as_str()?.to_owned());
    vec![
        Importer::of::<Users>(V2_OR_V1, by_name),
        Importer::of::<Workspaces>(V2_OR_V1, by_name).reshaped(import::workspace),
        Importer::of::<PaymentMethods>(V2, by_name),
        Importer::of::<Projects>(V2, in_workspace),
        Importer::of::<Groups>(V1, in_workspace).applied(group::import).removed(group::drop_missing),
        bindings::<WorkspaceUser>(V2_OR_V1).member::<Bindings<WorkspaceUser>>(),
        bindings::<WorkspaceGroup>(V2).member::<Bindings<WorkspaceGroup>>(),
        bindings::<ProjectUser>(V3_OR_V2),
        bindings::<ProjectGroup>(V3_OR_V2),
        Importer::of::<Tenants>(TENANTS, tenant_key).applied(tenant),
        Importer::of::<ServiceInstances>(V2, id),
        Importer::later("meshServiceInstanceBinding", V1, binding_id),
        Importer::later("meshExchangeRate", V1, date),
    ]
}
