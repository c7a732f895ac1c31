//! Services of brokers: instances of them.

pub mod instance;

use instance::ServiceInstances;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};

/// The area's routes.
pub fn routes() -> Vec<Route> {
    kind::routes::<ServiceInstances>()
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    ServiceInstances::schemas(schemas);
}
