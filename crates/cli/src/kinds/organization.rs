//! Workspaces and projects, the people in them, their roles, tags and money, and messages to them.

use super::{Address, Called, Kind, Writes};
use crate::table::{Cell, Column};

/// meshWorkspace.
pub(crate) static WORKSPACE: Kind = Kind {
    name: "meshWorkspace",
    version: "v2",
    collection: "meshworkspaces",
    words: &["workspace", "workspaces", "ws"],
    address: Address::Name,
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("BUILDER", Cell::Text("/spec/platformBuilderAccessEnabled")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshProject.
pub(crate) static PROJECT: Kind = Kind {
    name: "meshProject",
    version: "v2",
    collection: "meshprojects",
    words: &["project", "projects"],
    address: Address::InWorkspace,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Freely,
    columns: &[
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("AGE", Cell::Age("/metadata/createdOn")),
    ],
};

/// meshUser.
pub(crate) static USER: Kind = Kind {
    name: "meshUser",
    version: "v2",
    collection: "meshusers",
    words: &["user", "users"],
    address: Address::Name,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("FIRST NAME", Cell::Text("/spec/firstName")),
        Column("LAST NAME", Cell::Text("/spec/lastName")),
        Column("EMAIL", Cell::Text("/spec/email")),
    ],
};

/// meshWorkspaceUserGroup.
pub(crate) static GROUP: Kind = Kind {
    name: "meshWorkspaceUserGroup",
    version: "v1",
    collection: "meshworkspaceusergroups",
    words: &["group", "groups"],
    address: Address::InWorkspace,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Import,
    columns: &[
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("MEMBERS", Cell::Count("/spec/members")),
    ],
};

/// meshWorkspaceUserBinding.
pub(crate) static WORKSPACE_USER_BINDING: Kind = Kind {
    name: "meshWorkspaceUserBinding",
    version: "v2",
    collection: "meshworkspacebindings/userbindings",
    words: &["workspaceuserbinding", "workspaceuserbindings", "wub"],
    address: Address::Name,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Once,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("WORKSPACE", Cell::Text("/targetRef/name")),
        Column("ROLE", Cell::Text("/roleRef/name")),
        Column("SUBJECT", Cell::Text("/subject/name")),
        Column("EXPIRES", Cell::Text("/expiryDate")),
    ],
};

/// meshWorkspaceGroupBinding.
pub(crate) static WORKSPACE_GROUP_BINDING: Kind = Kind {
    name: "meshWorkspaceGroupBinding",
    version: "v2",
    collection: "meshworkspacebindings/groupbindings",
    words: &["workspacegroupbinding", "workspacegroupbindings", "wgb"],
    address: Address::Name,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Once,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("WORKSPACE", Cell::Text("/targetRef/name")),
        Column("ROLE", Cell::Text("/roleRef/name")),
        Column("SUBJECT", Cell::Text("/subject/name")),
        Column("EXPIRES", Cell::Text("/expiryDate")),
    ],
};

/// meshProjectUserBinding.
pub(crate) static PROJECT_USER_BINDING: Kind = Kind {
    name: "meshProjectUserBinding",
    version: "v3",
    collection: "meshprojectbindings/userbindings",
    words: &["projectuserbinding", "projectuserbindings", "pub"],
    address: Address::Name,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Once,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("WORKSPACE", Cell::Text("/targetRef/ownedByWorkspace")),
        Column("PROJECT", Cell::Text("/targetRef/name")),
        Column("ROLE", Cell::Text("/roleRef/name")),
        Column("SUBJECT", Cell::Text("/subject/name")),
    ],
};

/// meshProjectGroupBinding.
pub(crate) static PROJECT_GROUP_BINDING: Kind = Kind {
    name: "meshProjectGroupBinding",
    version: "v3",
    collection: "meshprojectbindings/groupbindings",
    words: &["projectgroupbinding", "projectgroupbindings", "pgb"],
    address: Address::Name,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Once,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("WORKSPACE", Cell::Text("/targetRef/ownedByWorkspace")),
        Column("PROJECT", Cell::Text("/targetRef/name")),
        Column("ROLE", Cell::Text("/roleRef/name")),
        Column("SUBJECT", Cell::Text("/subject/name")),
    ],
};

/// meshProjectRole.
pub(crate) static PROJECT_ROLE: Kind = Kind {
    name: "meshProjectRole",
    version: "v1",
    collection: "meshprojectroles",
    words: &["role", "roles", "projectrole", "projectroles"],
    address: Address::Name,
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/name")),
        Column("RANK", Cell::Text("/spec/rank")),
        Column("DESCRIPTION", Cell::Text("/spec/description")),
    ],
};

/// meshTagDefinition.
pub(crate) static TAG_DEFINITION: Kind = Kind {
    name: "meshTagDefinition",
    version: "v1",
    collection: "meshtagdefinitions",
    words: &["tagdefinition", "tagdefinitions", "tag", "tags"],
    address: Address::Name,
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("MANDATORY", Cell::Text("/spec/mandatory")),
        Column("RESTRICTED", Cell::Text("/spec/restricted")),
        Column("IMMUTABLE", Cell::Text("/spec/immutable")),
    ],
};

/// meshPaymentMethod.
pub(crate) static PAYMENT_METHOD: Kind = Kind {
    name: "meshPaymentMethod",
    version: "v2",
    collection: "meshpaymentmethods",
    words: &["paymentmethod", "paymentmethods", "pm"],
    address: Address::Name,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Freely,
    columns: &[
        Column("NAME", Cell::Text("/metadata/name")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("DISPLAY NAME", Cell::Text("/spec/displayName")),
        Column("AMOUNT", Cell::Text("/spec/amount")),
        Column("EXPIRES", Cell::Text("/spec/expirationDate")),
    ],
};

/// meshServiceInstance.
pub(crate) static SERVICE_INSTANCE: Kind = Kind {
    name: "meshServiceInstance",
    version: "v2",
    collection: "meshserviceinstances",
    words: &["serviceinstance", "serviceinstances", "si"],
    address: Address::InstanceId,
    workspace_filter: Some("workspaceIdentifier"),
    writes: Writes::Never,
    columns: &[
        Column("INSTANCE", Cell::Text("/metadata/instanceId")),
        Column("NAME", Cell::Text("/spec/displayName")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("PROJECT", Cell::Text("/metadata/ownedByProject")),
        Column("SERVICE", Cell::Text("/spec/serviceId")),
        Column("PLAN", Cell::Text("/spec/planId")),
    ],
};

/// meshCommunicationDefinition.
pub(crate) static COMMUNICATION_DEFINITION: Kind = Kind {
    name: "meshCommunicationDefinition",
    version: "v1-preview",
    collection: "meshcommunicationdefinitions",
    words: &["communicationdefinition", "communicationdefinitions"],
    address: Address::Uuid(Called::Text("/spec/communication/title", None)),
    workspace_filter: None,
    writes: Writes::Freely,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("TITLE", Cell::Text("/spec/communication/title")),
        Column("TYPE", Cell::Text("/spec/communication/type")),
        Column("SENT", Cell::Text("/status/communicationsTotal")),
        Column("OPEN", Cell::Text("/status/communicationsOpen")),
    ],
};

/// meshCommunication.
pub(crate) static COMMUNICATION: Kind = Kind {
    name: "meshCommunication",
    version: "v1-preview",
    collection: "meshcommunications",
    words: &["communication", "communications", "message", "messages"],
    address: Address::Uuid(Called::Sent),
    workspace_filter: None,
    writes: Writes::Once,
    columns: &[
        Column("UUID", Cell::Text("/metadata/uuid")),
        Column("TITLE", Cell::Text("/status/meshCommunicationDefinition/title")),
        Column("WORKSPACE", Cell::Text("/metadata/ownedByWorkspace")),
        Column("TO", Cell::Text("/spec/targetMeshObjectRef/kind")),
        Column("NAME", Cell::Text("/spec/targetMeshObjectRef/name")),
        Column("RESOLUTION", Cell::Text("/status/resolutionStatus")),
    ],
};
