//! Workspaces and the projects in them.

pub mod people;
pub mod project;
pub mod tenant;
pub mod workspace;

use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = kind::routes::<workspace::Workspaces>();
    routes.extend(kind::routes::<project::Projects>());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    workspace::Workspaces::schemas(schemas);
    project::Projects::schemas(schemas);
}
