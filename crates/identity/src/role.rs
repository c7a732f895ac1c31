//! What roles of people allow: admin roles and workspace roles as permission codes (`domain-organization.md` §5.1 and
//! §5.2). Whoever acts in a workspace holds the codes of their roles there and nothing else; whoever acts without one
//! holds the codes of their admin roles (AD-02).

use std::fmt;
use std::str::FromStr;
use stoa_core::{Action, Permission, PermissionSet, Resource, permission};

/// A role in the administration. It is bound in the admin workspace, under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdminRole {
    /// Everything, including who is an administrator.
    OrganizationAdmin,
    /// Everything but policies, tag definitions and who is an administrator.
    OrganizationUser,
    /// Operates platforms.
    PlatformEngineer,
    /// Quotas, restrictions, deletions.
    OpsSupport,
    /// Money.
    FinOpsManager,
    /// Helps people in.
    OnboardingSupport,
    /// Policies and tags.
    ComplianceManager,
    /// Reads tenants, runs again.
    ReplicationOperator,
    /// Reads the event log.
    Auditor,
}

use AdminRole::{
    Auditor as AU, ComplianceManager as CM, FinOpsManager as FM, OnboardingSupport as ON, OpsSupport as OS,
    OrganizationAdmin as OA, OrganizationUser as OU, PlatformEngineer as PE, ReplicationOperator as RO,
};

/// All admin roles, the mightiest first, with code and name.
const ADMIN_ROLES: [(AdminRole, &str, &str); 9] = [
    (OA, "OA", "Organization Admin"),
    (OU, "OU", "Organization User"),
    (PE, "PE", "Platform Engineer"),
    (OS, "OS", "Ops Support"),
    (FM, "FM", "FinOps Manager"),
    (ON, "ON", "Onboarding Support"),
    (CM, "CM", "Compliance Manager"),
    (RO, "RO", "Replication Operator"),
    (AU, "AU", "Auditor"),
];

/// Who holds which admin codes: resource, actions, roles.
const ADMIN_CODES: &[(Resource, &[Action], &[AdminRole])] = {
    use Action::{Delete, Import, Read, Review, Source, Write};
    use Resource as R;
    &[
        (R::Workspace, &[Read], &[OA, OU, PE, OS, FM, ON, CM, RO]),
        (R::Workspace, &[Write, Delete], &[OA, OU]),
        (R::Project, &[Read], &[OA, OU, PE, OS, FM, ON, CM, RO]),
        (R::Project, &[Write], &[OA, OU]),
        (R::Project, &[Delete], &[OA, OU, PE, OS, ON]),
        (R::User, &[Read], &[OA, OU, ON]),
        (R::User, &[Write, Delete], &[OA, OU]),
        (R::WorkspaceGroup, &[Read], &[OA, OU, ON]),
        (R::WorkspaceBinding, &[Read], &[OA, OU, ON]),
        (R::WorkspaceBinding, &[Write, Delete], &[OA, OU]),
        (R::ProjectBinding, &[Read], &[OA, OU, ON]),
        (R::ProjectBinding, &[Write, Delete], &[OA, OU]),
        (R::ProjectRole, &[Write, Delete], &[OA]),
        (R::PaymentMethod, &[Read, Write, Delete], &[OA, OU, FM]),
        (R::Platform, &[Read], &[OA, OU, PE, OS, RO]),
        (R::Platform, &[Write, Delete], &[OA, OU]),
        (R::LandingZone, &[Read], &[OA, OU, PE, OS, RO]),
        (R::LandingZone, &[Write, Delete], &[OA, OU, PE]),
        (R::Tenant, &[Read, Write], &[OA, OU, PE, OS, RO]),
        (R::Tenant, &[Delete], &[OA, OU, PE, OS, ON]),
        (R::Tenant, &[Import], &[OA]),
        (R::Definition, &[Read, Write], &[OA, OU, PE, OS, RO]),
        (R::Definition, &[Delete], &[OA, OU, PE]),
        (R::Definition, &[Review], &[OA, OU]),
        (R::BuildingBlock, &[Read, Write], &[OA, OU, PE, OS, RO]),
        (R::BuildingBlock, &[Delete], &[OA, OU, PE]),
        (R::Run, &[Read, Write], &[OA, OU, PE, OS, RO]),
        (R::Run, &[Source], &[OA, OU, PE]),
        (R::State, &[Read, Write, Delete], &[OA, OU, PE]),
        (R::ServiceInstance, &[Read, Write], &[OA, OU, PE, OS, RO]),
        (R::ServiceInstance, &[Delete], &[OA, OU, PE]),
        (R::Runner, &[Read], &[OA, OU, PE, OS, RO]),
        (R::Runner, &[Write, Delete], &[OA, OU, PE]),
        (R::Integration, &[Read], &[OA, OU, PE, OS, RO]),
        (R::Integration, &[Write, Delete], &[OA, OU, PE]),
        (R::ApiKey, &[Read, Write, Delete], &[OA]),
        (R::TagDefinition, &[Read], &[OA, OU, CM]),
        (R::TagDefinition, &[Write, Delete], &[OA, CM]),
        (R::EventLog, &[Read], &[OA, OU, CM, AU]),
        (R::CommunicationDefinition, &[Read, Write, Delete], &[OA, OU, PE]),
        (R::Communication, &[Read, Write, Delete], &[OA, OU, PE]),
    ]
};

/// The role's name is not one of an admin role.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no admin role `{0}`")]
pub struct UnknownRole(pub String);

impl FromStr for AdminRole {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let found = ADMIN_ROLES.iter().find(|(_, _, known)| *known == name);
        found.map(|(role, ..)| *role).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

impl fmt::Display for AdminRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl AdminRole {
    /// All of them, the mightiest first.
    pub fn all() -> impl Iterator<Item = Self> {
        ADMIN_ROLES.iter().map(|(role, ..)| *role)
    }

    fn words(self) -> (&'static str, &'static str) {
        let found = ADMIN_ROLES.iter().find(|(role, ..)| *role == self);
        found.map_or(("", ""), |(_, code, name)| (code, name))
    }

    /// Two letters, for example `OA`.
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// The name that bindings say.
    pub fn name(self) -> &'static str {
        self.words().1
    }

    /// The codes it gives.
    pub fn permissions(self) -> PermissionSet {
        let held = ADMIN_CODES.iter().filter(|(.., roles)| roles.contains(&self));
        held.flat_map(|(resource, actions, _)| actions.iter().map(|action| (*resource, *action)))
            .filter_map(|(resource, action)| permission::row(resource, action)?.admin?.parse().ok())
            .collect()
    }
}

/// A role in a workspace; the greater one allows what the lesser one does (WR-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkspaceRole {
    /// Works in projects they are bound to.
    Member,
    /// Runs the workspace.
    Manager,
    /// Answers for it.
    Owner,
}

impl FromStr for WorkspaceRole {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        [Self::Member, Self::Manager, Self::Owner]
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

/// What people of a workspace do in the platform builder.
const BUILDER: [Resource; 5] = [
    Resource::Definition,
    Resource::Platform,
    Resource::LandingZone,
    Resource::Runner,
    Resource::Integration,
];
/// What members read: what they work with, and what they could order.
const MEMBER_READS: [Resource; 8] = [
    Resource::Workspace,
    Resource::Project,
    Resource::ProjectBinding,
    Resource::Tenant,
    Resource::BuildingBlock,
    Resource::Definition,
    Resource::Platform,
    Resource::LandingZone,
];

impl WorkspaceRole {
    /// The name that bindings say.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "Workspace Owner",
            Self::Manager => "Workspace Manager",
            Self::Member => "Workspace Member",
        }
    }

    /// `Owner`, `Manager` or `Member`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Manager => "Manager",
            Self::Member => "Member",
        }
    }

    /// The codes it gives in a workspace, where the platform builder may be switched on.
    pub fn permissions(self, builder: bool) -> PermissionSet {
        use Action::Read;
        let mut held: Vec<&str> = Vec::new();
        for row in permission::CATALOGUE {
            let builds = BUILDER.contains(&row.resource) && row.action != Read;
            let own = match self {
                Self::Owner => !builds || builder,
                Self::Manager => {
                    (!builds || builder)
                        && (row.resource, row.action) != (Resource::Workspace, Action::Delete)
                }
                Self::Member => match (row.resource, row.action) {
                    // In projects that they are bound to (MK-20); the guard sees to that.
                    (Resource::ServiceInstance, _)
                    | (Resource::BuildingBlock, Action::Write | Action::Delete) => true,
                    (Resource::Runner | Resource::Integration, Read) => builder,
                    (resource, Read) => MEMBER_READS.contains(&resource),
                    _ => false,
                },
            };
            held.extend(row.workspace.filter(|_| own));
            // Operating what others ordered is part of the platform builder; members read there.
            held.extend(row.managed.filter(|_| builder && (self > Self::Member || row.action == Read)));
        }
        let reads_states = |code: &&str| self > Self::Member || !code.contains("TFSTATE");
        held.into_iter().filter(reads_states).filter_map(|code| code.parse::<Permission>().ok()).collect()
    }
}

/// The codes of several admin roles together.
pub fn of_admins(roles: &[AdminRole]) -> PermissionSet {
    union(roles.iter().map(|role| role.permissions()))
}

fn union(sets: impl Iterator<Item = PermissionSet>) -> PermissionSet {
    let sets: Vec<PermissionSet> = sets.collect();
    Permission::all().filter(|code| sets.iter().any(|set| set.has(*code))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(set: PermissionSet, code: &str) -> bool {
        set.has(code.parse().unwrap())
    }

    #[test]
    fn an_organization_admin_holds_every_admin_code() {
        assert_eq!(OA.permissions(), PermissionSet::administrator());
    }

    #[test]
    fn admin_roles_give_admin_codes_only_and_less_than_everything() {
        for role in AdminRole::all() {
            let codes: Vec<Permission> =
                Permission::all().filter(|code| role.permissions().has(*code)).collect();
            assert!(!codes.is_empty() && codes.iter().all(|code| code.is_admin()), "{role}");
            assert_eq!(role.name().parse(), Ok(role));
            assert!(role == OA || role.permissions() != PermissionSet::administrator());
        }
    }

    #[test]
    fn the_table_of_admin_roles_holds() {
        for (role, code, wanted) in [
            (OU, "ADM_TAGDEFINITION_SAVE", false),
            (OU, "ADM_APIKEY_SAVE", false),
            (OU, "ADM_WORKSPACE_DELETE", true),
            (OU, "ADM_PROJECTROLE_SAVE", false),
            (PE, "ADM_LANDINGZONE_SAVE", true),
            (PE, "ADM_PLATFORMINSTANCE_SAVE", false),
            (PE, "ADM_BUILDINGBLOCK_DELETE", true),
            (OS, "ADM_BUILDINGBLOCK_DELETE", false),
            (OS, "ADM_TENANT_DELETE", true),
            (FM, "ADM_PAYMENTMETHOD_SAVE", true),
            (FM, "ADM_TENANT_LIST", false),
            (ON, "ADM_USER_LIST", true),
            (ON, "ADM_USER_SAVE", false),
            (CM, "ADM_TAGDEFINITION_SAVE", true),
            (CM, "ADM_EVENTLOG_LIST", true),
            (RO, "ADM_TENANT_SAVE", true),
            (RO, "ADM_TENANT_DELETE", false),
            (AU, "ADM_EVENTLOG_LIST", true),
            (AU, "ADM_WORKSPACE_LIST", false),
        ] {
            assert_eq!(has(role.permissions(), code), wanted, "{role} {code}");
        }
    }

    #[test]
    fn the_table_of_workspace_roles_holds() {
        use WorkspaceRole::{Manager, Member, Owner};
        for (role, builder, code, wanted) in [
            (Owner, false, "WORKSPACE_DELETE", true),
            (Manager, false, "WORKSPACE_DELETE", false),
            (Manager, false, "WORKSPACE_SAVE", true),
            (Manager, false, "APIKEY_SAVE", true),
            (Manager, false, "PAYMENTMETHOD_LIST", true),
            (Manager, false, "BUILDINGBLOCKDEFINITION_SAVE", false),
            (Manager, true, "BUILDINGBLOCKDEFINITION_SAVE", true),
            (Manager, false, "MANAGED_BUILDINGBLOCK_LIST", false),
            (Manager, true, "MANAGED_BUILDINGBLOCKRUN_SAVE", true),
            (Member, false, "BUILDINGBLOCKDEFINITION_LIST", true),
            (Member, false, "BUILDINGBLOCK_SAVE", true),
            (Member, false, "PROJECT_SAVE", false),
            (Member, false, "TENANT_SAVE", false),
            (Member, false, "EVENTLOG_LIST", false),
            (Member, false, "WORKSPACEPRINCIPALBINDING_LIST", false),
            (Member, false, "PAYMENTMETHOD_LIST", false),
            (Member, true, "MANAGED_BUILDINGBLOCK_LIST", true),
            (Member, true, "MANAGED_BUILDINGBLOCK_SAVE", false),
            (Member, true, "MANAGED_TFSTATE_LIST", false),
            (Member, true, "TFSTATE_LIST", false),
            (Member, true, "PLATFORMINSTANCE_SAVE", false),
            (Member, true, "BUILDINGBLOCKRUNNER_LIST", true),
        ] {
            assert_eq!(has(role.permissions(builder), code), wanted, "{role:?} {builder} {code}");
        }
        for role in [Owner, Manager, Member] {
            assert!(Permission::all().all(|code| !(code.is_admin() && role.permissions(true).has(code))));
        }
    }
}
