//! Watching over what happens, and the rules for it: the audit trail, tag definitions.

pub mod eventlog;
pub mod tag_definition;

use stoa_core::tags;
use stoa_core::work::Look;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};
use tag_definition::TagDefinitions;

/// The area's controllers.
pub const CONTROLLERS: &[(&str, Look)] = &[(tags::CONTROLLER, tags::look)];

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = eventlog::routes();
    routes.extend(kind::routes::<TagDefinitions>());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    eventlog::schemas(schemas);
    TagDefinitions::schemas(schemas);
}
