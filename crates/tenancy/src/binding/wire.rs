//! The four kinds of bindings on the wire (`api-core.md` §3.4 to §3.7).

use serde::{Deserialize, Serialize};
use stoa_identity::binding::{Named, Target};
use utoipa::ToSchema;

/// Name of a binding.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct BindingMetadata {
    /// Unique among bindings of the kind, at most 45 characters; made up when absent.
    #[schema(nullable = false)]
    name: Option<String>,
}

/// Reference to a role.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct RoleRef {
    /// Name of the role.
    name: String,
}

/// Reference to a workspace.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceTarget {
    /// `meshWorkspace`, if it is said.
    #[serde(skip_serializing)]
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Its identifier.
    name: String,
    /// Set by the server.
    #[schema(nullable = false)]
    display_name: Option<String>,
}

/// Reference to a project.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectTarget {
    /// `meshProject`, if it is said.
    #[serde(skip_serializing)]
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Its identifier.
    name: String,
    /// Its workspace.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    display_name: Option<String>,
}

/// Reference to a user or group.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct SubjectRef {
    /// The kind, if it is said.
    #[serde(skip_serializing)]
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Username, or identifier of the group.
    name: String,
}

/// A role in a workspace, on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkspaceBinding)]
pub struct OfWorkspace {
    /// Name.
    #[serde(default)]
    metadata: BindingMetadata,
    /// `Workspace Owner`, `Workspace Manager` or `Workspace Member`.
    role_ref: RoleRef,
    /// The workspace.
    target_ref: WorkspaceTarget,
    /// Who.
    subject: SubjectRef,
    /// The last day on which it is in force (`YYYY-MM-DD`, UTC); absent means for ever.
    #[schema(nullable = false)]
    expiry_date: Option<String>,
}

/// A role in a project, on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectBinding)]
pub struct OfProject {
    /// Name.
    #[serde(default)]
    metadata: BindingMetadata,
    /// Name of a project role, or its identifier.
    role_ref: RoleRef,
    /// The project.
    target_ref: ProjectTarget,
    /// Who: somebody who has a role in the workspace.
    subject: SubjectRef,
}

/// What a request asks for, whichever the kind.
pub struct Asked {
    /// Name, if the caller chose one.
    pub name: Option<String>,
    /// The role, as it was sent.
    pub role: Named,
    /// Where.
    pub target: Target,
    /// The kind of the target that the caller says it is.
    pub target_kind: Option<String>,
    /// Who.
    pub subject: String,
    /// The kind of the subject that the caller says it is.
    pub subject_kind: Option<String>,
    /// The last day.
    pub expiry: Option<String>,
}

impl Asked {
    /// The workspace it is about.
    pub fn workspace(&self) -> &str {
        self.target.owned_by_workspace.as_deref().unwrap_or(&self.target.name)
    }
}

impl From<OfWorkspace> for Asked {
    fn from(wire: OfWorkspace) -> Self {
        Self {
            name: wire.metadata.name,
            role: Named { name: wire.role_ref.name },
            target: Target { name: wire.target_ref.name, owned_by_workspace: None },
            target_kind: wire.target_ref.kind,
            subject: wire.subject.name,
            subject_kind: wire.subject.kind,
            expiry: wire.expiry_date,
        }
    }
}

impl From<OfProject> for Asked {
    fn from(wire: OfProject) -> Self {
        Self {
            name: wire.metadata.name,
            role: Named { name: wire.role_ref.name },
            target: Target {
                name: wire.target_ref.name,
                owned_by_workspace: Some(wire.target_ref.owned_by_workspace),
            },
            target_kind: wire.target_ref.kind,
            subject: wire.subject.name,
            subject_kind: wire.subject.kind,
            expiry: None,
        }
    }
}
