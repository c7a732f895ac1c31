//! Platforms and what teams get on them: locations, platform types, platforms, landing zones, tenants.

pub mod landing_zone;
pub mod platform;
pub mod reference;
pub mod tenant;

use stoa_core::work::Look;
use stoa_web::Route;
use stoa_web::openapi::Schemas;

/// The area's controllers.
pub const CONTROLLERS: &[(&str, Look)] = &[(stoa_tenancy::tenant::CONTROLLER, tenant::look)];

/// The area's routes.
pub fn routes() -> Vec<Route> {
    Vec::new()
}

/// The area's schemas.
pub fn schemas(_schemas: &mut Schemas) {}
