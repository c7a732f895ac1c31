//! meshLandingZone as stored: a preset that tenants are made from (`api-platforms.md` §6).

pub mod following;
pub mod kind;
pub mod properties;

use crate::platform;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use stoa_base::ObjectId;
use stoa_core::Outcome;
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Object};
use stoa_db::Tx;

/// The kind's name.
pub const KIND: &str = "meshLandingZone";
const MOST: i64 = 1_000_000;

/// A landing zone as declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LandingZone {
    /// For people.
    pub display_name: String,
    /// One or two sentences.
    pub description: String,
    /// Whether deletions of its tenants need no approval.
    pub automate_deletion_approval: bool,
    /// Whether the tenant is deleted on the platform too.
    pub automate_deletion_replication: bool,
    /// Whether only admins and its owner may use it.
    pub restricted: bool,
    /// Where more is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_link: Option<String>,
    /// The platform.
    pub platform: ObjectId,
    /// `type` and the member that it names.
    pub platform_properties: Map<String, Value>,
    /// Limits of its tenants by key.
    pub quotas: BTreeMap<String, i64>,
    /// Definitions of blocks that every tenant gets.
    pub mandatory: Vec<ObjectId>,
    /// Definitions of blocks that are suggested.
    pub recommended: Vec<ObjectId>,
    /// Tags.
    pub tags: Map<String, Value>,
}

/// What happened to a landing zone besides what is declared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ZoneStatus {
    /// Nobody orders it any more; its tenants live on.
    pub disabled: bool,
    /// Workspaces besides the owner that see it, `*` for all: follows the platform.
    pub audience: Vec<String>,
}

/// A landing zone with all that is known of it.
#[derive(Clone, Debug)]
pub struct Zone {
    /// As stored; its key is its name.
    pub object: Object,
    /// As declared.
    pub zone: LandingZone,
    /// Whether it takes no new tenants.
    pub disabled: bool,
}

impl Zone {
    /// The landing zone in an object of this kind.
    pub fn of(object: Object) -> Outcome<Self> {
        let ZoneStatus { disabled, .. } = object.status()?;
        Ok(Self { zone: object.doc()?, object, disabled })
    }
}

/// The landing zone with this name, disabled or not.
pub fn by_name(tx: &mut Tx, name: &str) -> Outcome<Option<Zone>> {
    objects::by_key(tx, KIND, name)?.map(Zone::of).transpose()
}

/// The landing zone with this uuid, disabled or not.
pub fn by_id(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Zone>> {
    objects::by_id(tx, KIND, id)?.map(Zone::of).transpose()
}

/// All landing zones of a platform, disabled ones included, oldest first.
pub fn of_platform(tx: &mut Tx, platform: ObjectId) -> Outcome<Vec<Zone>> {
    let seen = Visibility { all: true, ..Visibility::default() };
    let query = Query::of(KIND, seen).with("platformUuid", Some(&platform.to_string()));
    let found = listing::list(tx, &query, &Page::first(MOST))?;
    found.items.into_iter().map(Zone::of).collect()
}

/// The platform of a landing zone, unless it is deleted.
pub fn platform_of(tx: &mut Tx, zone: &LandingZone) -> Outcome<Option<platform::Instance>> {
    platform::by_id(tx, zone.platform)
}
