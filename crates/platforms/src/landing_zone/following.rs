//! What happens to landing zones when something else changes: their platform, a definition that they list, their
//! place in its life (`api-platforms.md` §5.3, §5.5, §6.3).

use super::{KIND, LandingZone, Zone, ZoneStatus, of_platform};
use crate::platform::{Instance, availability};
use crate::{platform, tenant};
use stoa_base::ObjectId;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::Tx;

const MOST: i64 = 1_000_000;

/// Workspaces besides the owner that see a landing zone, `*` for all: the platform's owner, and those whom the
/// platform is offered to while they may use the zone.
pub fn audience(platform: Option<&Instance>, zone: &LandingZone, disabled: bool) -> Vec<String> {
    let Some(platform) = platform else { return Vec::new() };
    let mut audience = vec![platform.object.owner().to_owned()];
    if !zone.restricted && !disabled {
        audience.extend(availability::offered_to(&platform.platform.availability));
    }
    audience
}

fn facets(zone: &LandingZone, status: &ZoneStatus) -> Vec<(&'static str, String)> {
    let mut facets = vec![
        ("platformUuid", zone.platform.to_string()),
        ("displayName", zone.display_name.clone()),
        ("disabled", status.disabled.to_string()),
        ("restricted", zone.restricted.to_string()),
    ];
    facets.extend(status.audience.iter().map(|name| ("seenBy", name.clone())));
    facets
}

/// A landing zone as it is written to the store. `home` is the owning workspace; a disabled zone keeps none alive.
pub fn draft(zone: &LandingZone, status: &ZoneStatus, home: Option<ObjectId>) -> Outcome<Draft> {
    let mut references = vec![("platform", zone.platform)];
    references.extend(home.filter(|_| !status.disabled).map(|home| ("owner", home)));
    references.extend(zone.mandatory.iter().map(|id| ("mandatory", *id)));
    references.extend(zone.recommended.iter().map(|id| ("recommended", *id)));
    Ok(Draft {
        doc: serde_json::to_value(zone)?,
        status: serde_json::to_value(status)?,
        facets: facets(zone, status),
        references,
    })
}

fn home_of(tx: &mut Tx, object: &Object) -> Outcome<Option<ObjectId>> {
    Ok(objects::by_key(tx, stoa_tenancy::workspace::KIND, object.owner())?.map(|home| home.id))
}

fn system(call: &Call) -> Outcome<(Call, Allowed)> {
    let system = call.as_system();
    let allowed = system.may(Resource::LandingZone, Action::Write, &Scope::installation())?;
    Ok((system, allowed))
}

/// The platform was changed: quotas that it no longer defines go from its landing zones, and those see them whom
/// it is offered to by now.
pub fn platform_changed(tx: &mut Tx, call: &Call, platform: &Instance) -> Outcome<()> {
    let (system, allowed) = system(call)?;
    for Zone { object, mut zone, disabled } in of_platform(tx, platform.object.id)? {
        let before = zone.quotas.len();
        zone.quotas.retain(|key, _| platform.quota(key).is_some());
        let status = ZoneStatus { disabled, audience: audience(Some(platform), &zone, disabled) };
        if zone.quotas.len() < before {
            let home = home_of(tx, &object)?;
            let told = Told::new(
                "Landing Zone Changed",
                format!("Landing zone '{}' lost quotas that its platform no longer defines.", object.key),
            );
            objects::replace(tx, &system, allowed, &object, draft(&zone, &status, home)?, told)?;
            tenant::settings_changed(tx, call, object.id)?;
        } else if object.status::<ZoneStatus>()? != status {
            objects::note(tx, object.id, &serde_json::to_value(&status)?)?;
            objects::refile(tx, &object, &facets(&zone, &status))?;
        }
    }
    Ok(())
}

/// The platform goes: nobody gets a tenant from its landing zones any more.
pub fn platform_deleted(tx: &mut Tx, call: &Call, platform: &Instance) -> Outcome<()> {
    let (system, allowed) = system(call)?;
    for zone in of_platform(tx, platform.object.id)? {
        set_disabled(tx, &system, allowed, &zone, None, true)?;
    }
    Ok(())
}

/// The platform and the landing zones of its former owner belong to another workspace.
pub fn platform_moved(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    platform: &Instance,
    former: &str,
    home: &Object,
) -> Outcome<()> {
    for Zone { object, zone, disabled } in of_platform(tx, platform.object.id)? {
        if object.owner() != former {
            continue;
        }
        let status = ZoneStatus { disabled, audience: audience(Some(platform), &zone, disabled) };
        let told = Told::new(
            "Landing Zone Owner Changed",
            format!(
                "Landing zone '{}' moved from '{former}' to '{}' with its platform.",
                object.key, home.key
            ),
        );
        let draft = draft(&zone, &status, Some(home.id))?;
        objects::hand_over(tx, call, allowed, &object, &home.key, draft, told.to_managers(&[former]))?;
    }
    Ok(())
}

/// Switches a landing zone off, or on again.
pub fn set_disabled(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    zone: &Zone,
    platform: Option<&Instance>,
    disabled: bool,
) -> Outcome<Object> {
    let home = home_of(tx, &zone.object)?;
    let status = ZoneStatus { disabled, audience: audience(platform, &zone.zone, disabled) };
    let (title, text) = if disabled {
        ("Landing Zone Disabled", format!("Landing zone '{}' was disabled.", zone.object.key))
    } else {
        ("Landing Zone Enabled", format!("Landing zone '{}' was enabled.", zone.object.key))
    };
    objects::replace(
        tx,
        call,
        allowed,
        &zone.object,
        draft(&zone.zone, &status, home)?,
        Told::new(title, text),
    )
}

/// A definition goes: no landing zone lists it any more.
pub fn definition_deleted(tx: &mut Tx, call: &Call, definition: &Object) -> Outcome<()> {
    let (system, allowed) = system(call)?;
    let mut zones = Vec::new();
    for relation in ["mandatory", "recommended"] {
        zones.extend(objects::referrers(tx, definition.id, Some(relation), MOST)?);
    }
    for object in zones.into_iter().filter(|object| object.kind == KIND) {
        let Zone { object, mut zone, disabled } = Zone::of(object)?;
        for list in [&mut zone.mandatory, &mut zone.recommended] {
            list.retain(|id| *id != definition.id);
        }
        let platform = platform::by_id(tx, zone.platform)?;
        let status = ZoneStatus { disabled, audience: audience(platform.as_ref(), &zone, disabled) };
        let home = home_of(tx, &object)?;
        let told = Told::new(
            "Landing Zone Changed",
            format!(
                "Landing zone '{}' no longer lists the deleted definition {}.",
                object.key, definition.id
            ),
        );
        objects::replace(tx, &system, allowed, &object, draft(&zone, &status, home)?, told)?;
    }
    Ok(())
}
