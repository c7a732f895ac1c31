//! Tenants that a new project begins with (panel.md §9.2): which platforms it can have, and ordering them once the project
//! is there.

use crate::ctx::Ctx;
use crate::form::Fields;
use crate::input::Input;
use crate::problem::Problem;
use crate::tenant::offer::{self, Offer, Zone};
use crate::text::{fill, tr};
use serde_json::json;

/// A platform that a project can begin with.
pub struct Plan {
    /// The platform.
    pub offer: Offer,
    /// Landing zones whose tenants ask for nothing more.
    pub zones: Vec<Zone>,
    /// Why it cannot be had now; empty when it can.
    pub obstacle: String,
}

impl Plan {
    /// Name of the field that says the landing zone.
    pub fn zone_field(&self) -> String {
        format!("zone.{}", self.offer.uuid)
    }

    /// Whether a form chooses it.
    pub fn is_chosen(&self, fields: &Fields) -> bool {
        self.obstacle.is_empty() && fields.all("tenant").contains(&self.offer.uuid.as_str())
    }

    /// The landing zone that a form says, or the only one.
    fn zone(&self, fields: &Fields) -> Option<&Zone> {
        match self.zones.as_slice() {
            [only] => Some(only),
            zones => zones.iter().find(|zone| zone.name == fields.get(&self.zone_field())),
        }
    }

    /// Platform and landing zone.
    pub fn line(&self, fields: &Fields) -> String {
        let zone = self.zone(fields).map(|zone| format!(" · {}", zone.label));
        format!("{}{}", self.offer.name, zone.unwrap_or_default())
    }
}

/// What became of one.
pub struct Ordered {
    /// Platform and landing zone.
    pub name: String,
    /// uuid of the platform.
    pub platform: String,
    /// Why there is no tenant; empty when it is ordered.
    pub refusal: String,
}

/// Platforms that a new project can begin with.
pub async fn plans(ctx: &Ctx) -> Result<Vec<Plan>, Problem> {
    let (offers, _) = offer::offers(ctx, &[]).await?;
    let mut plans = Vec::new();
    for offer in offers {
        let all = offer::zones(ctx, &offer.uuid).await?;
        let (mut zones, are_some) = (Vec::new(), !all.is_empty());
        for zone in all {
            let comes = offer::included(ctx, Some(&zone)).await?;
            if !comes.iter().flat_map(|one| &one.inputs).any(Input::is_required) {
                zones.push(zone);
            }
        }
        let obstacle = if offer.obstacle.is_empty() && are_some && zones.is_empty() {
            tr("It asks for more. Add it once the project is there.").to_owned()
        } else {
            offer.obstacle.clone()
        };
        plans.push(Plan { offer, zones, obstacle });
    }
    Ok(plans)
}

/// What is wrong with what a form chooses.
pub fn problem(plans: &[Plan], fields: &Fields) -> Option<Problem> {
    let unknown =
        |uuid: &&str| !plans.iter().any(|plan| plan.offer.uuid == **uuid && plan.obstacle.is_empty());
    if fields.all("tenant").iter().any(unknown) {
        return Some(Problem::invalid("tenant", tr("One of the platforms cannot be had any more.")));
    }
    let open = plans
        .iter()
        .find(|plan| plan.is_chosen(fields) && !plan.zones.is_empty() && plan.zone(fields).is_none())?;
    let said = fill(tr("Choose a landing zone of {0}."), &[&open.offer.name]);
    Some(Problem::invalid(&open.zone_field(), said))
}

/// Orders what a form chooses, each by itself.
pub async fn order(ctx: &Ctx, plans: &[Plan], fields: &Fields) -> Vec<Ordered> {
    let mut ordered = Vec::new();
    for plan in plans.iter().filter(|plan| plan.is_chosen(fields)) {
        let mut body = json!({
            "metadata": { "ownedByWorkspace": ctx.home(), "ownedByProject": fields.get("name") },
            "spec": { "platformRef": { "kind": "meshPlatform", "uuid": plan.offer.uuid } },
        });
        if let Some(zone) = plan.zone(fields) {
            body["spec"]["landingZoneRef"] = json!({ "kind": "meshLandingZone", "name": zone.name });
        }
        let refusal = ctx.api.post("/api/meshobjects/meshtenants", &body).await.err();
        ordered.push(Ordered {
            name: plan.line(fields),
            platform: plan.offer.uuid.clone(),
            refusal: refusal.map(|problem| problem.message).unwrap_or_default(),
        });
    }
    ordered
}
