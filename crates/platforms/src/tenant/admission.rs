//! What a new tenant must fulfil, in the order in which callers are told (`api-platforms.md` §7.3).

use super::wire::Asked;
use super::{KIND, quotas};
use crate::landing_zone::{self, Zone};
use crate::platform::Instance;
use stoa_base::{ObjectId, Refusal};
use stoa_blocks::block::on_tenant::{self, Mandatory};
use stoa_core::guard::Reach;
use stoa_core::objects::{self, Object};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_tenancy::tenant;
use stoa_tenancy::{project, workspace};

/// Everything a tenant leans on, found and fit.
pub struct Admitted {
    /// The workspace.
    pub home: Object,
    /// The project.
    pub project: Object,
    /// The platform.
    pub platform: Instance,
    /// The landing zone.
    pub zone: Option<Zone>,
    /// Building blocks that it comes with.
    pub equipment: Vec<Mandatory>,
}

/// Checks a tenant that the caller may order at all (row 1).
pub fn admit(tx: &mut Tx, call: &Call, allowed: Allowed, asked: &Asked) -> Outcome<Admitted> {
    let is_admin = matches!(allowed.reach(), Reach::Admin | Reach::System);
    let (home, project) = owners(tx, asked)?; // 2
    let platform = asked.platform.find(tx)?; // 3
    let platform = platform.ok_or_else(|| Refusal::invalid(asked.platform_field, "names no platform"))?;
    if !platform.is_active() {
        let problem = "names a platform that takes no new tenants: it is deprecated";
        return Err(Refusal::invalid(asked.platform_field, problem).into());
    }
    if !is_admin && !platform.is_entitled(&asked.workspace) {
        // 4
        let problem = format!("Workspace '{}' may not use this platform.", asked.workspace);
        return Err(Refusal::Forbidden(problem).into());
    }
    let zone = zone(tx, &platform, asked, is_admin)?; // 5 to 7
    let full = platform.full_identifier();
    // Ids and numbers on the platform are given one after the other.
    tenant::hold_platform(tx, platform.object.id)?;
    let identifier = format!("{}.{}.{full}", asked.workspace, asked.project);
    if objects::by_key(tx, KIND, &identifier)?.is_some() {
        // 9
        let message = format!("Project '{}' has a tenant on platform '{full}' already.", project.key);
        return Err(Refusal::conflict(message).into());
    }
    let mandatory = zone.as_ref().map_or(&[][..], |zone| &zone.zone.mandatory);
    if let Some(id) = &asked.platform_tenant_id {
        import(tx, call, allowed, asked, (&platform, zone.as_ref(), id))?; // 10 to 12
    }
    let mut equipment = on_tenant::equipment(tx, &asked.workspace, mandatory)?;
    on_tenant::give(&mut equipment, asked.inputs.clone()).map_err(|uuid| {
        let problem = format!("names `{uuid}`, which is no mandatory building block of the landing zone");
        Refusal::invalid("spec.mandatoryBuildingBlockInputs", problem)
    })?;
    if let Some(obstacle) = equipment.iter().find_map(|one| one.obstacle(&equipment)) {
        // 13
        return Err(Refusal::invalid(asked.landing_zone_field, obstacle).into());
    }
    quotas::admit(&platform.platform, zone.as_ref(), &asked.quotas, asked.quota_field, is_admin)?; // 14 to 16
    Ok(Admitted { home, project, platform, zone, equipment })
}

/// Row 2: workspace and project, kept from deletion until the transaction ends.
fn owners(tx: &mut Tx, asked: &Asked) -> Outcome<(Object, Object)> {
    let workspace = &asked.workspace;
    let home = workspace::living(tx, workspace).map_err(|error| match error {
        stoa_core::Error::Refused(Refusal::Missing { .. }) => {
            Refusal::invalid("metadata.ownedByWorkspace", format!("names no workspace: `{workspace}`")).into()
        }
        other => other,
    })?;
    let refuse = |problem: String| Refusal::invalid("metadata.ownedByProject", problem);
    let key = format!("{workspace}.{}", asked.project);
    let held = objects::by_key_for_update(tx, project::KIND, &key)?;
    let held = held.ok_or_else(|| refuse(format!("names no project of workspace `{workspace}`")))?;
    if project::is_leaving(&held) {
        return Err(refuse("names a project that is being deleted".into()).into());
    }
    Ok((home, held))
}

/// Rows 5 to 7: the landing zone named, or the only one that fits.
fn zone(tx: &mut Tx, platform: &Instance, asked: &Asked, is_admin: bool) -> Outcome<Option<Zone>> {
    let field = asked.landing_zone_field;
    let may_use = |zone: &Zone| is_admin || !zone.zone.restricted || zone.object.owner() == asked.workspace;
    if let Some(name) = &asked.landing_zone {
        let found = landing_zone::by_name(tx, name)?;
        let found = found.filter(|zone| zone.zone.platform == platform.object.id);
        let zone = found.ok_or_else(|| {
            Refusal::invalid(
                field,
                format!("names no landing zone of platform {}", platform.full_identifier()),
            )
        })?;
        if zone.disabled {
            return Err(Refusal::invalid(field, format!("names `{name}`, which is disabled")).into());
        }
        if !may_use(&zone) {
            let problem = format!("Landing zone '{name}' is restricted to its owner and administrators.");
            return Err(Refusal::Forbidden(problem).into());
        }
        return Ok(Some(zone));
    }
    let mut fitting = landing_zone::of_platform(tx, platform.object.id)?;
    fitting.retain(|zone| !zone.disabled && may_use(zone));
    match fitting.len() {
        1 => Ok(fitting.pop()),
        _ if !platform.platform.needs_landing_zone() => Ok(None),
        0 => {
            Err(Refusal::invalid(field, "is required: the platform offers no landing zone to choose").into())
        }
        count => {
            let problem = format!("is required: the platform offers {count} landing zones to choose from");
            Err(Refusal::invalid(field, problem).into())
        }
    }
}

/// Rows 10 to 12: adopting what exists on the platform.
fn import(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    asked: &Asked,
    (platform, zone, id): (&Instance, Option<&Zone>, &str),
) -> Outcome<()> {
    let managers: Vec<&str> = zone.map(|zone| zone.object.owner()).into_iter().collect();
    let scope = Scope { managers, ..Scope::default() };
    let is_admin = matches!(allowed.reach(), Reach::Admin | Reach::System);
    if !is_admin {
        call.may(Resource::Tenant, Action::Import, &scope)?;
    }
    if id.trim().is_empty() {
        let problem = "must not be empty; leave it out to have a tenant made";
        return Err(Refusal::invalid(asked.id_field, problem).into());
    }
    if let Some(other) = tenant::with_platform_id(tx, &platform.full_identifier(), id)?.first() {
        let message = format!("The platform tenant id '{id}' is already in use by tenant '{}'.", other.key);
        return Err(Refusal::conflict(message).into());
    }
    let mandatory: &[ObjectId] = zone.map_or(&[], |zone| &zone.zone.mandatory);
    if platform.platform.config_type() == "custom" && !mandatory.is_empty() {
        let problem = "cannot be given on this landing zone: its mandatory building blocks would make a second \
                       tenant beside the one that is adopted";
        return Err(Refusal::invalid(asked.id_field, problem).into());
    }
    Ok(())
}
