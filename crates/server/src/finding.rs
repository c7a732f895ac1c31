//! The table of kinds that the search knows, in the order in which their hits stand.

use stoa_blocks::{block, definition, integration, run, runner, version};
use stoa_governance::communication::Communications;
use stoa_governance::communication_definition::CommunicationDefinitions;
use stoa_governance::tag_definition::TagDefinitions;
use stoa_identity::apikey::ApiKeys;
use stoa_identity::apiuser::ApiUsers;
use stoa_identity::group::Groups;
use stoa_identity::projectrole::ProjectRoles;
use stoa_identity::user::Users;
use stoa_platforms::landing_zone::kind::LandingZones;
use stoa_platforms::location::Locations;
use stoa_platforms::platform::kind::Platforms;
use stoa_platforms::platform_type::PlatformTypes;
use stoa_platforms::tenant::Tenants;
use stoa_services::instance::ServiceInstances;
use stoa_tenancy::binding::{Bindings, ProjectGroup, ProjectUser, WorkspaceGroup, WorkspaceUser};
use stoa_tenancy::payment::PaymentMethods;
use stoa_tenancy::project::Projects;
use stoa_tenancy::workspace::Workspaces;
use stoa_web::Route;
use stoa_web::finding::{self, Elsewhere, Finder, by_text, by_uuid};

fn finders() -> Vec<Finder> {
    vec![
        by_text::<Workspaces>(),
        by_text::<Projects>(),
        by_text::<Tenants>(),
        by_text::<block::Blocks>(),
        by_text::<definition::Definitions>(),
        by_text::<Platforms>(),
        by_text::<LandingZones>(),
        by_text::<Users>(),
        by_text::<Groups>(),
        by_text::<PaymentMethods>(),
        by_text::<ServiceInstances>(),
        by_text::<ApiKeys>(),
        by_text::<ApiUsers>(),
        by_text::<runner::Runners>(),
        by_text::<integration::Integrations>(),
        by_text::<TagDefinitions>(),
        by_text::<ProjectRoles>(),
        by_text::<Locations>(),
        by_text::<PlatformTypes>(),
        by_text::<Communications>(),
        by_text::<CommunicationDefinitions>(),
        by_uuid::<version::Versions>(),
        by_uuid::<Bindings<WorkspaceUser>>(),
        by_uuid::<Bindings<WorkspaceGroup>>(),
        by_uuid::<Bindings<ProjectUser>>(),
        by_uuid::<Bindings<ProjectGroup>>(),
    ]
}

const ELSEWHERE: &[Elsewhere] = &[run::found];

/// The routes of the search.
pub fn routes() -> Vec<Route> {
    finding::routes(finders(), ELSEWHERE)
}
