//! Watching over what happens, and the rules for it: the audit trail, tag definitions, communications.

pub mod communication;
pub mod communication_definition;
pub mod eventlog;
pub mod settings;
pub mod tag_definition;

use communication_definition::CommunicationDefinitions;
use stoa_core::work::Look;
use stoa_core::{followers, tags};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};
use tag_definition::TagDefinitions;

/// The area's controllers.
pub const CONTROLLERS: &[(&str, Look)] =
    &[(tags::CONTROLLER, tags::look), (followers::CONTROLLER, communication::look)];

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = eventlog::routes();
    routes.extend(settings::routes());
    routes.extend(kind::routes::<TagDefinitions>());
    routes.extend(kind::routes::<CommunicationDefinitions>());
    routes.extend(communication::routes());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    eventlog::schemas(schemas);
    settings::schemas(schemas);
    TagDefinitions::schemas(schemas);
    CommunicationDefinitions::schemas(schemas);
    communication::Communications::schemas(schemas);
}
