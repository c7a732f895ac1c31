//! Building blocks, what they are made of, and what runs them; keys; the event log.

use super::{Address, Called, DISPLAY_NAME, Kind, Writes};
use crate::table::{Cell, Column};

/// meshApiUser.
pub(crate) static API_USER: Kind = Kind {
    name: "meshApiUser",
    version: "v1-preview",
    collection: "meshapiusers",
    words: &["apiuser", "apiusers"],
    address: Address::Name,
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshApiKey.
pub(crate) static API_KEY: Kind = Kind {
    name: "meshApiKey",
    version: "v1-preview",
    collection: "meshapikeys",
    words: &["apikey", "apikeys", "key", "keys"],
    address: Address::Uuid(Called::Text(DISPLAY_NAME, Some("displayName"))),
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("PERMISSIONS", Cell::Count("/spec/permissions")),
        Column("EXPIRES", Cell::Text("/spec/expiresAt")),
    ],
};

/// meshBuildingBlockRunner.
pub(crate) static RUNNER: Kind = Kind {
    name: "meshBuildingBlockRunner",
    version: "v1-preview",
    collection: "meshbuildingblockrunners",
    words: &["runner", "runners"],
    address: Address::Uuid(Called::Text(DISPLAY_NAME, None)),
    workspace_filter: Some("ownedByWorkspace"),
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TYPE", Cell::Text("/spec/implementationType")),
        Column("RESTRICTION", Cell::Text("/spec/restriction")),
        Column("LAST SEEN", Cell::Age("/metadata/lastSeen")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshIntegration.
pub(crate) static INTEGRATION: Kind = Kind {
    name: "meshIntegration",
    version: "v1",
    collection: "meshintegrations",
    words: &["integration", "integrations"],
    address: Address::Uuid(Called::Text(DISPLAY_NAME, Some("displayName"))),
    workspace_filter: Some("ownedByWorkspace"),
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TYPE", Cell::Text("/spec/config/type")),
        Column("BUILT IN", Cell::Text("/status/isBuiltIn")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshBuildingBlockDefinition.
pub(crate) static DEFINITION: Kind = Kind {
    name: "meshBuildingBlockDefinition",
    version: "v1-preview",
    collection: "meshbuildingblockdefinitions",
    words: &["definition", "definitions", "bbd"],
    address: Address::Uuid(Called::Text(DISPLAY_NAME, None)),
    workspace_filter: Some("ownedByWorkspace"),
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TARGET", Cell::Text("/spec/targetType")),
        Column("RELEASED", Cell::Text("/status/latestReleasedVersion")),
        Column("LATEST", Cell::Text("/status/latestVersion")),
        Column("BLOCKS", Cell::Text("/status/usageCount")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshBuildingBlockDefinitionVersion.
pub(crate) static VERSION: Kind = Kind {
    name: "meshBuildingBlockDefinitionVersion",
    version: "v1-preview",
    collection: "meshbuildingblockdefinitionversions",
    words: &["version", "versions", "bbdv"],
    address: Address::Uuid(Called::Nothing),
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("DEFINITION", Cell::Text("/spec/buildingBlockDefinitionRef/uuid")),
        Column("VERSION", Cell::Text("/spec/versionNumber")),
        Column("STATE", Cell::Text("/spec/state")),
        Column("IMPLEMENTATION", Cell::Text("/spec/implementation/type")),
        Column("INPUTS", Cell::Count("/spec/inputs")),
        Column("OUTPUTS", Cell::Count("/spec/outputs")),
        Column("BLOCKS", Cell::Text("/status/usageCount")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshBuildingBlock.
pub(crate) static BLOCK: Kind = Kind {
    name: "meshBuildingBlock",
    version: "v2-preview",
    collection: "meshbuildingblocks",
    words: &["block", "blocks", "bb"],
    address: Address::Uuid(Called::Text(DISPLAY_NAME, Some("name"))),
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("STATUS", Cell::Text("/status/status")),
        Column("LIFECYCLE", Cell::Text("/status/lifecycle/state")),
        Column("LATEST RUN", Cell::Text("/status/latestRunUuid")),
        Column("WAITS FOR", Cell::Why("/status/waiting")),
    ],
};

/// meshBuildingBlockRun.
pub(crate) static RUN: Kind = Kind {
    name: "meshBuildingBlockRun",
    version: "v1",
    collection: "meshbuildingblockruns",
    words: &["run", "runs"],
    address: Address::Uuid(Called::Nothing),
    workspace_filter: None,
    writes: Writes::Never,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("BLOCK", Cell::Text("/spec/buildingBlock/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/spec/buildingBlock/spec/workspaceIdentifier")),
        Column("RUN", Cell::Text("/spec/runNumber")),
        Column("BEHAVIOR", Cell::Text("/spec/behavior")),
        Column("STATUS", Cell::Text("/status")),
        Column("REASON", Cell::Text("/spec/trigger/reason")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
        Column("WAITS FOR", Cell::Why("/waiting")),
    ],
};

/// meshEventLog.
pub(crate) static EVENT_LOG: Kind = Kind {
    name: "meshEventLog",
    version: "v1-preview",
    collection: "mesheventlogs",
    words: &["eventlog", "eventlogs", "event", "events"],
    address: Address::Uuid(Called::Nothing),
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Never,
    columns: &[
        Column("TIME", Cell::Text("/metadata/createdAt")),
        Column("EVENT", Cell::Text("/spec/eventType")),
        Column("TITLE", Cell::Text("/spec/title")),
        Column("WORKSPACE", Cell::Text("/spec/workspaceRef/name")),
        Column("AUTHOR", Cell::Text("/spec/author/identifier")),
        Column("DESCRIPTION", Cell::Text("/spec/description")),
    ],
};
