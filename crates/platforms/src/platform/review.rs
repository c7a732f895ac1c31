//! Publication with a review: an owner asks, a reviewer decides, the history stays (`api-platforms.md` §9,
//! `domain-platforms.md` §2.1 and §3).

use super::kind::{Platforms, replace, step};
use super::operating;
use super::{Availability, Instance, KIND, Publication, PublicationStep, Restriction};
use crate::landing_zone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_base::{ObjectId, Refusal};
use stoa_blocks::version::wire::{Output, OutputAssignment, Version};
use stoa_blocks::{definition, version};
use stoa_core::objects::Told;
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::{Kind, Reply, Request};
use utoipa::ToSchema;

/// What an owner says to the reviewers.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = PlatformPublicationRequest)]
pub struct Ask {
    /// For the reviewers.
    #[schema(nullable = false)]
    message: Option<String>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Decision {
    /// The platform is published.
    Approve,
    /// It is not.
    Reject,
}

/// What a reviewer decides.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PlatformPublicationReview)]
pub struct Review {
    /// The decision.
    decision: Decision,
    /// For the submitter.
    #[schema(nullable = false)]
    comment: Option<String>,
}

/// All rounds of a publication.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlatformPublication)]
pub struct History {
    /// Where it stands.
    publication_state: Publication,
    /// How it got there, oldest first.
    steps: Vec<PublicationStep>,
}

/// Whether one of the platform's landing zones makes tenants ready: it is enabled, and on custom platforms its
/// mandatory blocks tell the id of the tenant.
fn has_usable_zone(tx: &mut Tx, platform: &Instance) -> Outcome<bool> {
    for zone in landing_zone::of_platform(tx, platform.object.id)? {
        if zone.disabled {
            continue;
        }
        if platform.platform.config_type() != "custom" || id_outputs(tx, &zone.zone.mandatory)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many outputs of these definitions' newest versions become the id of the tenant.
pub fn id_outputs(tx: &mut Tx, definitions: &[ObjectId]) -> Outcome<usize> {
    let mut count = 0;
    for id in definitions {
        let Some(newest) = newest_version(tx, *id)? else { continue };
        let tells = |output: &&Output| output.assignment_type == OutputAssignment::PlatformTenantId;
        count += newest.outputs.values().filter(tells).count();
    }
    Ok(count)
}

/// The version of a definition that a landing zone orders: the released one, or the draft if there is none.
pub fn newest_version(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Version>> {
    let Some((object, _)) = definition::by_id(tx, id)? else { return Ok(None) };
    let listed = definition::versions(&object)?;
    let released = listed.iter().rev().find(|version| version.state == "RELEASED");
    let Some(newest) = released.or(listed.last()) else { return Ok(None) };
    Ok(version::by_id(tx, newest.version_uuid)?.map(|(_, version)| version))
}

/// Refuses to submit a platform that nobody could use (`domain-platforms.md` §2.1, steps 1 and 4).
pub fn check_ready(tx: &mut Tx, platform: &Instance) -> Outcome<()> {
    if platform.platform.needs_landing_zone() && !has_usable_zone(tx, platform)? {
        return Err(Refusal::conflict(if platform.platform.config_type() == "custom" {
            "The platform cannot be submitted: it needs an enabled landing zone whose mandatory building blocks have \
             a PLATFORM_TENANT_ID output."
        } else {
            "The platform cannot be submitted: it needs an enabled landing zone."
        })
        .into());
    }
    Ok(())
}

/// An owner asks for publication.
pub fn ask(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let (old, allowed) = operating::held(tx, call, request, Action::Write)?;
    let Ask { message } = operating::body_or_default(request)?;
    let state = old.platform.availability.publication_state;
    if !matches!(state, Publication::Unpublished | Publication::Rejected) {
        let state = json!(state);
        let problem =
            format!("A review can be asked for from UNPUBLISHED or REJECTED only, not from {state}.");
        return Err(Refusal::conflict(problem).into());
    }
    check_ready(tx, &old)?;
    let mut platform = old.platform.clone();
    platform.availability.publication_state = Publication::Requested;
    let mut status = old.status.clone();
    status.publication.push(step(call, Publication::Requested, message));
    let told = Told::new(
        "Platform Publication Requested",
        format!("Publication of platform '{}' was asked for.", old.full_identifier()),
    );
    let object = replace(tx, call, allowed, &old, (&platform, &status), told)?;
    operating::reply(tx, call, &object)
}

/// A reviewer decides.
pub fn decide(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let allowed = call.may(Resource::Definition, Action::Review, &Scope::installation())?;
    let old = operating::find_held(tx, request)?;
    let Review { decision, comment } = request.body()?;
    if old.platform.availability.publication_state != Publication::Requested {
        return Err(Refusal::conflict("Nobody asked for a review of this platform.").into());
    }
    let mut platform = old.platform.clone();
    let (state, title) = match decision {
        Decision::Approve => (Publication::Published, "Platform Publication Approved"),
        Decision::Reject => (Publication::Rejected, "Platform Publication Rejected"),
    };
    platform.availability.publication_state = state;
    if decision == Decision::Approve && platform.availability.restriction == Restriction::Private {
        platform.availability = Availability {
            restriction: Restriction::Public,
            publication_state: state,
            restricted_to_workspaces: Vec::new(),
        };
    }
    let mut status = old.status.clone();
    status.publication.push(step(call, state, comment));
    let told =
        Told::new(title, format!("The publication of platform '{}' was decided.", old.full_identifier()));
    let object = replace(tx, call, allowed, &old, (&platform, &status), told)?;
    operating::reply(tx, call, &object)
}

/// The history of all rounds, for both sides.
pub fn history(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let id = request.param(0);
    let reviewer = call.may(Resource::Definition, Action::Review, &Scope::installation()).is_ok();
    if !reviewer {
        call.may_at_all(Resource::Platform, Action::Read)?;
    }
    let missing = || Refusal::missing(KIND, id);
    let object = Platforms::find(tx, call, id, "v2")?.ok_or_else(missing)?;
    if !reviewer {
        Platforms::readable(call, &object)?;
        call.may(Resource::Platform, Action::Read, &Platforms::scope(&object))?;
    }
    let instance = Instance::of(object)?;
    let history = History {
        publication_state: instance.platform.availability.publication_state,
        steps: instance.status.publication,
    };
    Ok(Reply::ok(&serde_json::to_value(history)?))
}
