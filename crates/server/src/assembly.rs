//! The areas put together: routes, schemas, tables, and the database they live in.

use crate::{finding, importing};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stoa_core::feed::{self, Bell};
use stoa_core::work::Look;
use stoa_core::world::Leaving;
use stoa_core::{Resource, World};
use stoa_db::{Db, DbError, Hooks, Migration, Settings};
use stoa_identity::authenticate::Directory;
use stoa_identity::oidc::Providers;
use stoa_web::import;
use stoa_web::metrics::Metrics;
use stoa_web::openapi::Schemas;
use stoa_web::route::Router;
use stoa_web::system::{self, Indexed};
use stoa_web::{App, Route};
use tokio::sync::Notify;

/// All tables, in the order of their numbers.
pub fn migrations() -> Vec<Migration> {
    let mut all = stoa_core::schema::MIGRATIONS.to_vec();
    all.extend_from_slice(stoa_identity::MIGRATIONS);
    all.extend_from_slice(stoa_blocks::MIGRATIONS);
    all.extend_from_slice(stoa_platforms::MIGRATIONS);
    all.sort_by_key(|migration| migration.number);
    all
}

/// Kinds in the index of the API (`api-core.md` §2.11).
fn index() -> Vec<Indexed> {
    vec![
        ("meshworkspaces", "meshworkspaces", &[], Resource::Workspace),
        (
            "meshprojects",
            "meshprojects",
            &["workspaceIdentifier", "paymentIdentifier", "state"],
            Resource::Project,
        ),
        (
            "meshusers",
            "meshusers",
            &[
                "uuid",
                "workspaceIdentifier",
                "projectIdentifier",
                "platformIdentifier",
                "workspaceUserGroupIdentifier",
                "projectRole",
                "workspaceRole",
                "email",
                "firstName",
                "lastName",
                "username",
                "euid",
            ],
            Resource::User,
        ),
        ("meshtagdefinitions", "meshtagdefinitions", &[], Resource::TagDefinition),
        (
            "meshworkspaceusergroups",
            "meshworkspaceusergroups",
            &["workspaceIdentifier", "username"],
            Resource::WorkspaceGroup,
        ),
        (
            "meshworkspaceuserbindings",
            "meshworkspacebindings/userbindings",
            &["username", "workspaceRole", "workspaceIdentifier"],
            Resource::WorkspaceBinding,
        ),
        (
            "meshworkspacegroupbindings",
            "meshworkspacebindings/groupbindings",
            &["username", "workspaceRole", "workspaceIdentifier"],
            Resource::WorkspaceBinding,
        ),
        (
            "meshprojectuserbindings",
            "meshprojectbindings/userbindings",
            &["workspaceIdentifier", "projectIdentifier"],
            Resource::ProjectBinding,
        ),
        (
            "meshprojectgroupbindings",
            "meshprojectbindings/groupbindings",
            &["workspaceIdentifier", "projectIdentifier"],
            Resource::ProjectBinding,
        ),
        ("meshprojectroles", "meshprojectroles", &[], Resource::ProjectRole),
        ("meshpaymentmethods", "meshpaymentmethods", &["workspaceIdentifier"], Resource::PaymentMethod),
        ("meshapiusers", "meshapiusers", &[], Resource::ApiKey),
        ("meshapikeys", "meshapikeys", &["workspaceIdentifier", "displayName"], Resource::ApiKey),
        (
            "meshintegrations",
            "meshintegrations",
            &["displayName", "ownedByWorkspace", "type"],
            Resource::Integration,
        ),
        (
            "meshbuildingblockdefinitions",
            "meshbuildingblockdefinitions",
            &["ownedByWorkspace", "includeAllPublished"],
            Resource::Definition,
        ),
        (
            "meshbuildingblockdefinitionversions",
            "meshbuildingblockdefinitionversions",
            &["buildingBlockDefinitionUuid"],
            Resource::Definition,
        ),
        (
            "meshbuildingblocks",
            "meshbuildingblocks",
            &["workspaceIdentifier", "name", "definitionUuid", "versionUuid", "status"],
            Resource::BuildingBlock,
        ),
        ("meshbuildingblockruns", "meshbuildingblockruns", &["buildingBlockUuid"], Resource::Run),
        ("meshbuildingblockrunners", "meshbuildingblockrunners", &["ownedByWorkspace"], Resource::Runner),
        (
            "meshplatforms",
            "meshplatforms",
            &[
                "ownedByWorkspace",
                "identifier",
                "locationIdentifier",
                "displayName",
                "restriction",
                "publicationState",
                "contributingWorkspace",
                "platformTypeIdentifier",
            ],
            Resource::Platform,
        ),
        (
            "meshlandingzones",
            "meshlandingzones",
            &["identifier", "displayName", "platformUuid", "disabled", "restricted", "ownedByWorkspace"],
            Resource::LandingZone,
        ),
        ("meshplatformtypes", "meshplatformtypes", &["category", "lifecycleStatus"], Resource::Platform),
        ("meshlocations", "meshlocations", &["displayName"], Resource::Platform),
        (
            "meshtenants",
            "meshtenants",
            &["workspaceIdentifier", "projectIdentifier", "platformIdentifier"],
            Resource::Tenant,
        ),
        (
            "meshserviceinstances",
            "meshserviceinstances",
            &[
                "workspaceIdentifier",
                "projectIdentifier",
                "marketplaceIdentifier",
                "serviceIdentifier",
                "planIdentifier",
            ],
            Resource::ServiceInstance,
        ),
        (
            "meshcommunicationdefinitions",
            "meshcommunicationdefinitions",
            &["type"],
            Resource::CommunicationDefinition,
        ),
        (
            "meshcommunications",
            "meshcommunications",
            &["communicationDefinitionUuid", "resolutionStatus", "communicationType"],
            Resource::Communication,
        ),
        (
            "mesheventlogs",
            "mesheventlogs",
            &["from", "until", "title", "description", "eventType", "workspaceIdentifier", "excludeTitle"],
            Resource::EventLog,
        ),
    ]
}

/// Every route there is.
pub fn routes(providers: &Arc<Providers>) -> Vec<Route> {
    let mut routes = system::routes(index());
    routes.extend(import::routes(importing::importers()));
    routes.extend(finding::routes());
    routes.extend(stoa_identity::routes(providers));
    routes.extend(stoa_tenancy::routes());
    routes.extend(stoa_blocks::routes());
    routes.extend(stoa_governance::routes());
    routes.extend(stoa_platforms::routes());
    routes.extend(stoa_services::routes());
    routes
}

/// Who is told when an object of a kind goes.
pub const LEAVING: &[(&str, Leaving)] = stoa_platforms::LEAVING;

/// Every controller there is, by name.
pub fn controllers() -> impl Iterator<Item = (&'static str, Look)> {
    [
        stoa_core::keys::rewrap::CONTROLLERS,
        stoa_tenancy::CONTROLLERS,
        stoa_blocks::CONTROLLERS,
        stoa_platforms::CONTROLLERS,
        stoa_governance::CONTROLLERS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

fn schemas() -> Schemas {
    let mut schemas = Schemas::default();
    stoa_web::finding::schemas(&mut schemas);
    stoa_identity::schemas(&mut schemas);
    stoa_tenancy::schemas(&mut schemas);
    stoa_blocks::schemas(&mut schemas);
    stoa_governance::schemas(&mut schemas);
    stoa_platforms::schemas(&mut schemas);
    stoa_services::schemas(&mut schemas);
    schemas
}

/// The database with its feed: on SQLite events are numbered within each commit, on PostgreSQL the sequencer
/// is told that there is something to number.
pub fn open(settings: Settings, bell: &Bell, nudge: &Arc<Notify>) -> Result<Db, DbError> {
    let (bell, nudge) = (bell.clone(), Arc::clone(nudge));
    let hooks = Hooks {
        before_commit: Some(Arc::new(|tx| {
            while feed::sequence(tx)? > 0 {}
            Ok(())
        })),
        after_commit: Some(Arc::new(move || {
            bell.ring();
            nudge.notify_one();
        })),
    };
    Db::open(Settings { hooks, statistics: stoa_core::schema::STATISTICS, ..settings }, &migrations())
}

/// The application over an open database.
pub fn app(db: Db, world: Arc<World>, bell: Bell, providers: &Arc<Providers>) -> anyhow::Result<App> {
    Ok(App {
        db,
        world,
        bell,
        authenticator: Arc::new(Directory::new(stoa_blocks::run::standing)),
        router: Router::new(routes(providers))?,
        schemas: schemas(),
        metrics: Metrics::default(),
        draining: AtomicBool::new(false),
        closing: AtomicBool::new(false),
    })
}
