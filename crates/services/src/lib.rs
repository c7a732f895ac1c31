//! Services of brokers: instances of them.

use stoa_web::Route;
use stoa_web::openapi::Schemas;

/// The area's routes.
pub fn routes() -> Vec<Route> {
    Vec::new()
}

/// The area's schemas.
pub fn schemas(_schemas: &mut Schemas) {}
