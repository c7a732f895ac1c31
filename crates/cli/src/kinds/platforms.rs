//! Platforms: where they stand, how they are offered, and the tenants on them.

use super::{Address, Called, Kind, Writes};
use crate::table::{Cell, Column};

/// meshPlatformType.
pub(crate) static PLATFORM_TYPE: Kind = Kind {
    name: "meshPlatformType",
    version: "v1",
    collection: "meshplatformtypes",
    words: &["platformtype", "platformtypes"],
    address: Address::Name,
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("CATEGORY", Cell::Text("/spec/category")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("STATE", Cell::Text("/status/lifecycle/state")),
        Column("WAITS FOR", Cell::Why("/status/waiting")),
    ],
};

/// meshLocation.
pub(crate) static LOCATION: Kind = Kind {
    name: "meshLocation",
    version: "v1",
    collection: "meshlocations",
    words: &["location", "locations"],
    address: Address::Name,
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("PUBLIC", Cell::Text("/status/isPublic")),
    ],
};

/// meshPlatform.
pub(crate) static PLATFORM: Kind = Kind {
    name: "meshPlatform",
    version: "v2",
    collection: "meshplatforms",
    words: &["platform", "platforms"],
    address: Address::Uuid(Called::PlatformInLocation),
    workspace_filter: Some("ownedByWorkspace"),
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/metadata/name")),
        Column("LOCATION", Cell::Text("/spec/locationRef/name")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TYPE", Cell::Text("/spec/config/type")),
        Column("FOR", Cell::Text("/spec/availability/restriction")),
        Column("PUBLICATION", Cell::Text("/spec/availability/publicationState")),
        Column("STATE", Cell::Text("/status/platform")),
    ],
};

/// meshLandingZone.
pub(crate) static LANDING_ZONE: Kind = Kind {
    name: "meshLandingZone",
    version: "v1",
    collection: "meshlandingzones",
    words: &["landingzone", "landingzones", "lz"],
    address: Address::Name,
    workspace_filter: Some("ownedByWorkspace"),
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TYPE", Cell::Text("/spec/platformProperties/type")),
        Column("RESTRICTED", Cell::Text("/status/restricted")),
        Column("DISABLED", Cell::Text("/status/disabled")),
    ],
};

/// meshTenant.
pub(crate) static TENANT: Kind = Kind {
    name: "meshTenant",
    version: "v4",
    collection: "meshtenants",
    words: &["tenant", "tenants"],
    address: Address::Uuid(Called::TenantName),
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Once,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/status/tenantName")),
        Column("TYPE", Cell::Text("/status/platformTypeIdentifier")),
        Column("LANDING ZONE", Cell::Text("/spec/landingZoneRef/name")),
        Column("PLATFORM ID", Cell::Text("/spec/platformTenantId")),
        Column("STATE", Cell::Text("/status/lifecycle/state")),
    ],
};
