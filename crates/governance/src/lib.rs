//! Watching over what happens: the audit trail.

pub mod eventlog;

use stoa_web::Route;
use stoa_web::openapi::Schemas;

/// The area's routes.
pub fn routes() -> Vec<Route> {
    eventlog::routes()
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    eventlog::schemas(schemas);
}
