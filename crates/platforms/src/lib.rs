//! Platforms and what teams get on them: locations, platform types, platforms, landing zones, tenants.

pub mod config;
pub mod landing_zone;
pub mod location;
pub mod platform;
pub mod platform_type;
pub mod reference;
pub mod shape;
pub mod template;
pub mod tenant;

use stoa_core::work::Look;
use stoa_core::world::Leaving;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route};

/// The area's controllers.
pub const CONTROLLERS: &[(&str, Look)] = &[(stoa_tenancy::tenant::CONTROLLER, tenant::look)];

/// What happens here when objects of other areas go.
pub const LEAVING: &[(&str, Leaving)] =
    &[(stoa_blocks::definition::KIND, landing_zone::following::definition_deleted)];

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = stoa_web::kind::routes::<platform_type::PlatformTypes>();
    routes.extend(stoa_web::kind::routes::<location::Locations>());
    routes.extend(stoa_web::kind::routes::<platform::kind::Platforms>());
    routes.extend(stoa_web::kind::routes::<landing_zone::kind::LandingZones>());
    routes.extend(platform::operating::routes());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    platform_type::PlatformTypes::schemas(schemas);
    location::Locations::schemas(schemas);
    platform::kind::Platforms::schemas(schemas);
    landing_zone::kind::LandingZones::schemas(schemas);
    platform::operating::schemas(schemas);
}
