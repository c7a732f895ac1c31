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

use http::Method;
use stoa_core::work::Look;
use stoa_core::world::Leaving;
use stoa_db::Migration;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};

/// The area's tables.
pub const MIGRATIONS: &[Migration] =
    &[Migration { number: 20, name: "tenant", sql: include_str!("../schema/0020_tenant.sql") }];

/// The area's controllers.
pub const CONTROLLERS: &[(&str, Look)] = &[
    (stoa_tenancy::tenant::CONTROLLER, tenant::controller::look),
    (stoa_tenancy::tenant::LEAVING_PROJECT, tenant::deletion::look_at_project),
    (tenant::controller::QUOTAS, tenant::controller::look_at_quotas),
];

/// What happens here when objects of other areas go.
pub const LEAVING: &[(&str, Leaving)] =
    &[(stoa_blocks::definition::KIND, landing_zone::following::definition_deleted)];

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = kind::routes::<platform_type::PlatformTypes>();
    routes.extend(kind::routes::<location::Locations>());
    routes.extend(kind::routes::<platform::kind::Platforms>());
    routes.extend(kind::routes::<landing_zone::kind::LandingZones>());
    routes.extend(platform::operating::routes());
    // Whoever operates a tenant may purge it, so its DELETE asks for permission itself.
    routes
        .extend(kind::routes::<tenant::Tenants>().into_iter().filter(|route| route.method != Method::DELETE));
    routes.push(tenant::deletion::route());
    routes.extend(tenant::operators::routes());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    platform_type::PlatformTypes::schemas(schemas);
    location::Locations::schemas(schemas);
    platform::kind::Platforms::schemas(schemas);
    landing_zone::kind::LandingZones::schemas(schemas);
    platform::operating::schemas(schemas);
    tenant::Tenants::schemas(schemas);
    tenant::operators::schemas(schemas);
}
