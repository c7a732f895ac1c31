//! The catalogue of permission codes as one table (`api-core.md` §2.5).

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// What a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// meshApiKey, and meshApiUser.
    ApiKey,
    /// meshBuildingBlock.
    BuildingBlock,
    /// meshBuildingBlockDefinition and its versions.
    Definition,
    /// meshBuildingBlockRun.
    Run,
    /// meshBuildingBlockRunner.
    Runner,
    /// meshCommunicationDefinition.
    CommunicationDefinition,
    /// meshCommunication.
    Communication,
    /// meshEventLog.
    EventLog,
    /// meshIntegration.
    Integration,
    /// meshLandingZone.
    LandingZone,
    /// meshPaymentMethod.
    PaymentMethod,
    /// meshPlatform, meshPlatformType, meshLocation.
    Platform,
    /// meshProjectUserBinding, meshProjectGroupBinding.
    ProjectBinding,
    /// meshProjectRole.
    ProjectRole,
    /// meshProject.
    Project,
    /// meshServiceInstance.
    ServiceInstance,
    /// meshTagDefinition.
    TagDefinition,
    /// meshTenant.
    Tenant,
    /// OpenTofu state of building blocks.
    State,
    /// meshUser.
    User,
    /// meshWorkspaceUserBinding, meshWorkspaceGroupBinding.
    WorkspaceBinding,
    /// meshWorkspaceUserGroup.
    WorkspaceGroup,
    /// meshWorkspace.
    Workspace,
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// GET list and GET one.
    Read,
    /// POST and PUT.
    Write,
    /// DELETE.
    Delete,
    /// Approve or reject a publication.
    Review,
    /// Register status sources of runs and report to them.
    Source,
    /// Adopt an unmanaged tenant.
    Import,
}

/// One row of the catalogue: the codes that allow `action` on `resource`, by reach.
#[derive(Debug)]
pub struct Row {
    /// What it is about.
    pub resource: Resource,
    /// What is done.
    pub action: Action,
    /// Code that reaches the key's own workspace.
    pub workspace: Option<&'static str>,
    /// Code that reaches what derives from things the key's workspace owns.
    pub managed: Option<&'static str>,
    /// Code that reaches everything.
    pub admin: Option<&'static str>,
}

macro_rules! rows {
    ($($resource:ident $action:ident $workspace:tt $managed:tt $admin:tt;)*) => {
        /// Every permission code there is.
        pub const CATALOGUE: &[Row] = &[$(Row {
            resource: Resource::$resource,
            action: Action::$action,
            workspace: rows!(@ $workspace),
            managed: rows!(@ $managed),
            admin: rows!(@ $admin),
        }),*];
    };
    (@ _) => { None };
    (@ $code:literal) => { Some($code) };
}

rows! {
    ApiKey Read "APIKEY_LIST" _ "ADM_APIKEY_LIST";
    ApiKey Write "APIKEY_SAVE" _ "ADM_APIKEY_SAVE";
    ApiKey Delete "APIKEY_DELETE" _ "ADM_APIKEY_DELETE";
    BuildingBlock Read "BUILDINGBLOCK_LIST" "MANAGED_BUILDINGBLOCK_LIST" "ADM_BUILDINGBLOCK_LIST";
    BuildingBlock Write "BUILDINGBLOCK_SAVE" "MANAGED_BUILDINGBLOCK_SAVE" "ADM_BUILDINGBLOCK_SAVE";
    BuildingBlock Delete "BUILDINGBLOCK_DELETE" _ "ADM_BUILDINGBLOCK_DELETE";
    Definition Read "BUILDINGBLOCKDEFINITION_LIST" _ "ADM_BUILDINGBLOCKDEFINITION_LIST";
    Definition Write "BUILDINGBLOCKDEFINITION_SAVE" _ "ADM_BUILDINGBLOCKDEFINITION_SAVE";
    Definition Delete "BUILDINGBLOCKDEFINITION_DELETE" _ "ADM_BUILDINGBLOCKDEFINITION_DELETE";
    Definition Review _ _ "ADM_REVIEW_PUBLICATION";
    Run Read _ "MANAGED_BUILDINGBLOCKRUN_LIST" "ADM_BUILDINGBLOCKRUN_LIST";
    Run Write _ "MANAGED_BUILDINGBLOCKRUN_SAVE" "ADM_BUILDINGBLOCKRUN_SAVE";
    Run Source _ "MANAGED_BUILDINGBLOCKRUNSOURCE_SAVE" "ADM_BUILDINGBLOCKRUNSOURCE_SAVE";
    Runner Read "BUILDINGBLOCKRUNNER_LIST" _ "ADM_BUILDINGBLOCKRUNNER_LIST";
    Runner Write "BUILDINGBLOCKRUNNER_SAVE" _ "ADM_BUILDINGBLOCKRUNNER_SAVE";
    Runner Delete "BUILDINGBLOCKRUNNER_DELETE" _ "ADM_BUILDINGBLOCKRUNNER_DELETE";
    CommunicationDefinition Read "COMMUNICATIONDEFINITION_LIST" _ "ADM_COMMUNICATIONDEFINITION_LIST";
    CommunicationDefinition Write "COMMUNICATIONDEFINITION_SAVE" _ "ADM_COMMUNICATIONDEFINITION_SAVE";
    CommunicationDefinition Delete "COMMUNICATIONDEFINITION_DELETE" _ "ADM_COMMUNICATIONDEFINITION_DELETE";
    Communication Read "COMMUNICATION_LIST" _ "ADM_COMMUNICATION_LIST";
    Communication Write "COMMUNICATION_SAVE" _ "ADM_COMMUNICATION_SAVE";
    Communication Delete "COMMUNICATION_DELETE" _ "ADM_COMMUNICATION_DELETE";
    EventLog Read "EVENTLOG_LIST" _ "ADM_EVENTLOG_LIST";
    Integration Read "INTEGRATION_LIST" _ "ADM_INTEGRATION_LIST";
    Integration Write "INTEGRATION_SAVE" _ "ADM_INTEGRATION_SAVE";
    Integration Delete "INTEGRATION_DELETE" _ "ADM_INTEGRATION_DELETE";
    LandingZone Read "LANDINGZONE_LIST" _ "ADM_LANDINGZONE_LIST";
    LandingZone Write "LANDINGZONE_SAVE" _ "ADM_LANDINGZONE_SAVE";
    LandingZone Delete "LANDINGZONE_DELETE" _ "ADM_LANDINGZONE_DELETE";
    PaymentMethod Read "PAYMENTMETHOD_LIST" _ "ADM_PAYMENTMETHOD_LIST";
    PaymentMethod Write _ _ "ADM_PAYMENTMETHOD_SAVE";
    PaymentMethod Delete _ _ "ADM_PAYMENTMETHOD_DELETE";
    Platform Read "PLATFORMINSTANCE_LIST" _ "ADM_PLATFORMINSTANCE_LIST";
    Platform Write "PLATFORMINSTANCE_SAVE" _ "ADM_PLATFORMINSTANCE_SAVE";
    Platform Delete "PLATFORMINSTANCE_DELETE" _ "ADM_PLATFORMINSTANCE_DELETE";
    ProjectBinding Read "PROJECTPRINCIPALROLE_LIST" _ "ADM_PROJECTPRINCIPALROLE_LIST";
    ProjectBinding Write "PROJECTPRINCIPALROLE_SAVE" _ "ADM_PROJECTPRINCIPALROLE_SAVE";
    ProjectBinding Delete "PROJECTPRINCIPALROLE_DELETE" _ "ADM_PROJECTPRINCIPALROLE_DELETE";
    ProjectRole Write _ _ "ADM_PROJECTROLE_SAVE";
    ProjectRole Delete _ _ "ADM_PROJECTROLE_DELETE";
    Project Read "PROJECT_LIST" _ "ADM_PROJECT_LIST";
    Project Write "PROJECT_SAVE" _ "ADM_PROJECT_SAVE";
    Project Delete "PROJECT_DELETE" _ "ADM_PROJECT_DELETE";
    ServiceInstance Read "SERVICEINSTANCE_LIST" _ "ADM_SERVICEINSTANCE_LIST";
    ServiceInstance Write "SERVICEINSTANCE_SAVE" _ "ADM_SERVICEINSTANCE_SAVE";
    ServiceInstance Delete "SERVICEINSTANCE_DELETE" _ "ADM_SERVICEINSTANCE_DELETE";
    TagDefinition Read _ _ "ADM_TAGDEFINITION_LIST";
    TagDefinition Write _ _ "ADM_TAGDEFINITION_SAVE";
    TagDefinition Delete _ _ "ADM_TAGDEFINITION_DELETE";
    Tenant Read "TENANT_LIST" _ "ADM_TENANT_LIST";
    Tenant Write "TENANT_SAVE" _ "ADM_TENANT_SAVE";
    Tenant Import _ "MANAGED_TENANT_IMPORT" "ADM_TENANT_IMPORT";
    Tenant Delete "TENANT_DELETE" _ "ADM_TENANT_DELETE";
    State Read "TFSTATE_LIST" "MANAGED_TFSTATE_LIST" "ADM_TFSTATE_LIST";
    State Write "TFSTATE_SAVE" "MANAGED_TFSTATE_SAVE" "ADM_TFSTATE_SAVE";
    State Delete "TFSTATE_DELETE" "MANAGED_TFSTATE_DELETE" "ADM_TFSTATE_DELETE";
    User Read _ _ "ADM_USER_LIST";
    User Write _ _ "ADM_USER_SAVE";
    User Delete _ _ "ADM_USER_DELETE";
    WorkspaceBinding Read "WORKSPACEPRINCIPALBINDING_LIST" _ "ADM_WORKSPACEPRINCIPALBINDING_LIST";
    WorkspaceBinding Write "WORKSPACEPRINCIPALBINDING_SAVE" _ "ADM_WORKSPACEPRINCIPALBINDING_SAVE";
    WorkspaceBinding Delete "WORKSPACEPRINCIPALBINDING_DELETE" _ "ADM_WORKSPACEPRINCIPALBINDING_DELETE";
    WorkspaceGroup Read "WORKSPACEUSERGROUP_LIST" _ "ADM_WORKSPACEUSERGROUP_LIST";
    Workspace Read "WORKSPACE_LIST" _ "ADM_WORKSPACE_LIST";
    Workspace Write "WORKSPACE_SAVE" _ "ADM_WORKSPACE_SAVE";
    Workspace Delete "WORKSPACE_DELETE" _ "ADM_WORKSPACE_DELETE";
}

/// The row for one action on one resource, if the catalogue has it.
pub fn row(resource: Resource, action: Action) -> Option<&'static Row> {
    CATALOGUE.iter().find(|row| row.resource == resource && row.action == action)
}

/// One permission code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(u8);

/// No permission has this code.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a permission code")]
pub struct UnknownPermission(pub String);

/// Every code with its place in the catalogue: each decision looks some up.
static PLACES: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| codes().zip(0..=u8::MAX).collect());

fn codes() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().flat_map(|row| [row.workspace, row.managed, row.admin]).flatten()
}

impl Permission {
    /// Every permission, in the order of the catalogue.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).zip(codes()).map(|(index, _)| Self(index))
    }

    /// The code, for example `ADM_PROJECT_SAVE`.
    pub fn code(self) -> &'static str {
        codes().nth(usize::from(self.0)).unwrap_or_default()
    }

    /// Whether this code reaches beyond what any workspace owns.
    pub fn is_admin(self) -> bool {
        self.code().starts_with("ADM_")
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        PLACES.get(text).map(|place| Self(*place)).ok_or_else(|| UnknownPermission(text.to_owned()))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u128);

impl PermissionSet {
    /// Nothing.
    pub const EMPTY: Self = Self(0);

    /// Every admin code; these count as holding the narrower codes too (`api-core.md` §2.4).
    pub fn administrator() -> Self {
        Permission::all().filter(|permission| permission.is_admin()).collect()
    }

    /// Whether the set has this very code.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission.0) != 0
    }

    /// Whether the set has the code named.
    pub fn has_code(self, code: Option<&str>) -> bool {
        code.and_then(|code| code.parse().ok()).is_some_and(|permission| self.has(permission))
    }

    /// Whether a holder of this set may give `permission` away: has it, or its admin form.
    pub fn covers(self, permission: Permission) -> bool {
        let code = permission.code();
        let rest = code.strip_prefix("MANAGED_").unwrap_or(code);
        self.has(permission) || self.has_code(Some(&format!("ADM_{rest}")))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | (1 << permission.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_catalogue_has_the_published_numbers() {
        let all: Vec<&str> = codes().collect();
        assert_eq!(all.len(), all.iter().collect::<HashSet<_>>().len(), "a code stands twice");
        let count = |prefix: &str| all.iter().filter(|code| code.starts_with(prefix)).count();
        let (managed, admin) = (count("MANAGED_"), count("ADM_"));
        assert_eq!((all.len() - managed - admin, managed, admin), (51, 9, 66));
    }

    #[test]
    fn every_code_parses_back() {
        for permission in Permission::all() {
            assert_eq!(permission.code().parse(), Ok(permission));
        }
        assert!("PROJECT_LSIT".parse::<Permission>().is_err());
    }

    #[test]
    fn admin_codes_cover_the_narrower_ones() {
        let set: PermissionSet = ["ADM_BUILDINGBLOCK_LIST".parse().unwrap()].into_iter().collect();
        assert!(set.covers("BUILDINGBLOCK_LIST".parse().unwrap()));
        assert!(set.covers("MANAGED_BUILDINGBLOCK_LIST".parse().unwrap()));
        assert!(!set.covers("BUILDINGBLOCK_SAVE".parse().unwrap()));
    }
}
