//! Building blocks: definitions and their versions, blocks, runs, runners, integrations, states.

pub mod block;
pub mod definition;
pub mod integration;
pub mod reference;
pub mod run;
pub mod runner;
pub mod secret;
pub mod state;
pub mod value;
pub mod version;

use stoa_core::work::Look;
use stoa_db::Migration;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};

/// The area's tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 10, name: "run", sql: include_str!("../schema/0010_run.sql") },
    Migration { number: 11, name: "state", sql: include_str!("../schema/0011_state.sql") },
    Migration { number: 40, name: "people", sql: include_str!("../schema/0040_people.sql") },
];

/// The area's controllers.
pub const CONTROLLERS: &[(&str, Look)] = &[
    (run::deadline::CONTROLLER, run::deadline::look),
    (run::manual::CONTROLLER, run::manual::look),
    (block::dependants::CONTROLLER, block::dependants::look),
    (stoa_identity::people::CHANGED, block::on_tenant::people_changed),
    (state::CONTROLLER, state::look),
    (state::REWRAP, state::rewrap),
];

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = kind::routes::<definition::Definitions>();
    routes.extend(kind::routes::<version::Versions>());
    routes.extend(version::review::routes());
    routes.push(version::variables::route());
    routes.push(version::reach::route());
    routes.extend(kind::routes::<block::Blocks>());
    routes.extend(block::routes());
    routes.extend(kind::routes::<runner::Runners>());
    routes.push(run::queue::route());
    routes.extend(kind::routes::<integration::Integrations>());
    routes.extend(run::routes());
    routes.extend(state::routes());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    definition::Definitions::schemas(schemas);
    version::Versions::schemas(schemas);
    block::Blocks::schemas(schemas);
    runner::Runners::schemas(schemas);
    integration::Integrations::schemas(schemas);
    version::review::schemas(schemas);
    version::variables::schemas(schemas);
    version::reach::schemas(schemas);
    run::queue::schemas(schemas);
    run::schemas(schemas);
    state::schemas(schemas);
}
