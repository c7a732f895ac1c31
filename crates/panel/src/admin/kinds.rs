//! What the administration's lists and objects show, kind by kind.

use crate::generic::document::Look;
use crate::generic::kind::{Choice, Column, Kind};
use crate::text::tr;

fn column(label: &'static str, pointer: &'static str, look: Look) -> Column {
    Column { label, pointer, look }
}

fn choice(name: &'static str, label: &'static str, options: Vec<(&'static str, &'static str)>) -> Choice {
    Choice { name, label, options }
}

fn usual() -> Kind {
    Kind {
        name: "",
        collection: "",
        path: "",
        title: "",
        new: "",
        icon: "box",
        label: "/spec/displayName",
        identifier: "/metadata/name",
        columns: Vec::new(),
        choices: Vec::new(),
        codes: ["", "", ""],
        may_change: true,
        may_create: true,
        is_taggable: false,
        is_weighty: false,
        empty: "",
        consequence: tr("This cannot be undone."),
    }
}

/// Workspaces.
pub fn workspaces() -> Kind {
    Kind {
        name: "meshWorkspace",
        collection: "meshworkspaces",
        path: "/admin/workspaces",
        title: tr("Workspaces"),
        new: tr("New workspace"),
        icon: "building-community",
        columns: vec![
            column(tr("Platform builder"), "/spec/platformBuilderAccessEnabled", Look::Flag),
            column(tr("Tags"), "/metadata/tags", Look::Count),
            column(tr("Created"), "/metadata/createdOn", Look::Ago),
        ],
        codes: ["ADM_WORKSPACE_LIST", "ADM_WORKSPACE_SAVE", "ADM_WORKSPACE_DELETE"],
        is_weighty: true,
        is_taggable: true,
        empty: tr("A workspace is the home of a team: its projects, people and building blocks."),
        consequence: tr(
            "Its roles, groups, API keys and payment methods go with it. Projects and building blocks must be gone before.",
        ),
        ..usual()
    }
}

fn projects() -> Kind {
    Kind {
        name: "meshProject",
        collection: "meshprojects",
        path: "/admin/projects",
        title: tr("Projects"),
        new: tr("New project"),
        icon: "folders",
        columns: vec![
            column(tr("Workspace"), "/metadata/ownedByWorkspace", Look::Workspace),
            column(tr("Payment method"), "/spec/paymentMethodIdentifier", Look::Plain),
            column(tr("Tags"), "/spec/tags", Look::Count),
            column(tr("Created"), "/metadata/createdOn", Look::Ago),
        ],
        choices: vec![choice("workspaceIdentifier", tr("Workspace"), Vec::new())],
        codes: ["ADM_PROJECT_LIST", "ADM_PROJECT_SAVE", "ADM_PROJECT_DELETE"],
        is_weighty: true,
        is_taggable: true,
        empty: tr("Teams create projects in their workspaces."),
        consequence: tr("Its tenants are deleted first, then the project."),
        ..usual()
    }
}

fn payment_methods() -> Kind {
    Kind {
        name: "meshPaymentMethod",
        collection: "meshpaymentmethods",
        path: "/admin/payment-methods",
        title: tr("Payment methods"),
        new: tr("New payment method"),
        icon: "credit-card",
        columns: vec![
            column(tr("Workspace"), "/metadata/ownedByWorkspace", Look::Workspace),
            column(tr("Amount"), "/spec/amount", Look::Plain),
            column(tr("Expires"), "/spec/expirationDate", Look::Plain),
        ],
        choices: vec![choice("workspaceIdentifier", tr("Workspace"), Vec::new())],
        codes: ["ADM_PAYMENTMETHOD_LIST", "ADM_PAYMENTMETHOD_SAVE", "ADM_PAYMENTMETHOD_DELETE"],
        is_taggable: true,
        empty: tr("A payment method says who pays for the projects of a workspace."),
        consequence: tr("Projects that it pays for fall back to their substitute."),
        ..usual()
    }
}

fn locations() -> Kind {
    Kind {
        name: "meshLocation",
        collection: "meshlocations",
        path: "/admin/locations",
        title: tr("Locations"),
        new: tr("New location"),
        icon: "map-pin",
        columns: vec![
            column(tr("Owned by"), "/metadata/ownedByWorkspace", Look::Workspace),
            column(tr("Description"), "/spec/description", Look::Plain),
        ],
        codes: ["", "ADM_PLATFORMINSTANCE_SAVE", "ADM_PLATFORMINSTANCE_DELETE"],
        empty: tr("A location groups platforms, such as a data centre or a region."),
        ..usual()
    }
}

/// People.
pub fn users() -> Kind {
    Kind {
        name: "meshUser",
        collection: "meshusers",
        path: "/admin/users",
        title: tr("Users"),
        new: tr("New user"),
        icon: "user",
        label: "/none",
        columns: vec![
            column(tr("E-mail address"), "/spec/email", Look::Plain),
            column(tr("External id"), "/spec/euid", Look::Plain),
        ],
        codes: ["ADM_USER_LIST", "ADM_USER_SAVE", "ADM_USER_DELETE"],
        is_weighty: true,
        is_taggable: true,
        empty: tr("People come here by hand, or from your identity provider."),
        consequence: tr("All their roles end, and their sessions with them."),
        ..usual()
    }
}

fn groups() -> Kind {
    Kind {
        name: "meshWorkspaceUserGroup",
        collection: "meshworkspaceusergroups",
        path: "/admin/groups",
        title: tr("Groups"),
        icon: "users-group",
        columns: vec![
            column(tr("Workspace"), "/metadata/ownedByWorkspace", Look::Workspace),
            column(tr("Members"), "/spec/members", Look::Count),
        ],
        choices: vec![choice("workspaceIdentifier", tr("Workspace"), Vec::new())],
        codes: ["ADM_USER_LIST", "-", "-"],
        may_change: false,
        may_create: false,
        empty: tr("Groups come with the declarative import or from your identity provider."),
        ..usual()
    }
}

fn project_roles() -> Kind {
    Kind {
        name: "meshProjectRole",
        collection: "meshprojectroles",
        path: "/admin/project-roles",
        title: tr("Project roles"),
        new: tr("New project role"),
        icon: "id",
        label: "/spec/name",
        columns: vec![
            column(tr("Description"), "/spec/description", Look::Plain),
            column(tr("Rank"), "/spec/rank", Look::Plain),
        ],
        codes: ["", "ADM_PROJECTROLE_SAVE", "ADM_PROJECTROLE_DELETE"],
        is_taggable: true,
        empty: tr("A project role says what people may do in the tenants of a project."),
        ..usual()
    }
}

/// Keys of machines.
pub fn keys() -> Kind {
    Kind {
        name: "meshApiKey",
        collection: "meshapikeys",
        path: "/admin/keys",
        title: tr("API keys"),
        new: tr("New API key"),
        icon: "key",
        identifier: "/metadata/uuid",
        columns: vec![
            column(tr("Workspace"), "/metadata/ownedByWorkspace", Look::Workspace),
            column(tr("Permissions"), "/spec/permissions", Look::Count),
            column(tr("Expires"), "/spec/expiresAt", Look::Plain),
            column(tr("Last used"), "/status/lastLogin", Look::Ago),
        ],
        choices: vec![choice("workspaceIdentifier", tr("Workspace"), Vec::new())],
        codes: ["ADM_APIKEY_LIST", "ADM_APIKEY_SAVE", "ADM_APIKEY_DELETE"],
        empty: tr("Machines sign in with API keys."),
        consequence: tr("Whatever signs in with it stops working at once."),
        ..usual()
    }
}

fn communications() -> Kind {
    Kind {
        name: "meshCommunication",
        collection: "meshcommunications",
        path: "/admin/communications",
        title: tr("Communications"),
        new: tr("New communication"),
        icon: "mail",
        label: "/status/meshCommunicationDefinition/title",
        identifier: "/metadata/uuid",
        columns: vec![
            column(tr("To"), "/metadata/ownedByWorkspace", Look::Workspace),
            column(tr("Due"), "/status/meshCommunicationDefinition/dueDate", Look::Plain),
            column(tr("Resolution"), "/status/resolutionStatus", Look::State),
        ],
        choices: vec![choice(
            "resolutionStatus",
            tr("Any resolution"),
            vec![("OPEN", tr("Open")), ("RESOLVED", tr("Resolved"))],
        )],
        codes: ["ADM_COMMUNICATION_LIST", "ADM_COMMUNICATION_SAVE", "ADM_COMMUNICATION_DELETE"],
        may_change: false,
        empty: tr("Tell teams what they have to do, or what is new."),
        ..usual()
    }
}

fn communication_definitions() -> Kind {
    Kind {
        name: "meshCommunicationDefinition",
        collection: "meshcommunicationdefinitions",
        path: "/admin/messages",
        title: tr("Messages"),
        new: tr("New message"),
        icon: "message",
        label: "/spec/communication/title",
        identifier: "/metadata/uuid",
        columns: vec![
            column(tr("Owned by"), "/metadata/ownedByWorkspace", Look::Workspace),
            column(tr("Type"), "/spec/communication/type", Look::State),
            column(tr("Due"), "/spec/communication/dueDate", Look::Plain),
        ],
        codes: [
            "ADM_COMMUNICATIONDEFINITION_LIST",
            "ADM_COMMUNICATIONDEFINITION_SAVE",
            "ADM_COMMUNICATIONDEFINITION_DELETE",
        ],
        empty: tr("A message is written once, and sent to many as communications."),
        ..usual()
    }
}

/// Definitions of tags; their form is one of its own.
pub fn tags() -> Kind {
    Kind {
        name: "meshTagDefinition",
        collection: "meshtagdefinitions",
        path: "/admin/tags",
        title: tr("Tags"),
        new: tr("New tag"),
        icon: "tags",
        columns: vec![
            column(tr("On"), "/spec/targetKind", Look::Plain),
            column(tr("Mandatory"), "/spec/mandatory", Look::Flag),
            column(tr("Restricted"), "/spec/restricted", Look::Flag),
            column(tr("Immutable"), "/spec/immutable", Look::Flag),
            column(tr("On platforms"), "/spec/replicationKey", Look::Plain),
        ],
        codes: ["ADM_TAGDEFINITION_LIST", "ADM_TAGDEFINITION_SAVE", "ADM_TAGDEFINITION_DELETE"],
        is_weighty: true,
        // Pages of their own.
        may_change: false,
        may_create: false,
        empty: tr("Define your first tag, such as a cost centre on workspaces or a stage on projects."),
        consequence: tr("All values of the tag are deleted with it."),
        ..usual()
    }
}

/// Every kind with generic pages.
pub fn all() -> Vec<Kind> {
    vec![
        workspaces(),
        projects(),
        payment_methods(),
        locations(),
        users(),
        groups(),
        project_roles(),
        keys(),
        communications(),
        communication_definitions(),
        tags(),
    ]
}
