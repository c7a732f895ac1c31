//! Workspaces, the projects in them, who may do what there, and who pays.

pub mod binding;
pub mod payment;
pub mod people;
pub mod project;
pub mod register;
pub mod team;
pub mod tenant;
pub mod workspace;

use binding::{Bindings, ProjectGroup, ProjectUser, WorkspaceGroup, WorkspaceUser};
use stoa_core::work::Look;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};

/// The area's controllers.
pub const CONTROLLERS: &[(&str, Look)] = &[(payment::EXPIRY, payment::look)];

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = kind::routes::<workspace::Workspaces>();
    routes.extend(kind::routes::<project::Projects>());
    routes.extend(kind::routes::<Bindings<WorkspaceUser>>());
    routes.extend(kind::routes::<Bindings<WorkspaceGroup>>());
    routes.extend(kind::routes::<Bindings<ProjectUser>>());
    routes.extend(kind::routes::<Bindings<ProjectGroup>>());
    routes.extend(kind::routes::<payment::PaymentMethods>());
    routes.extend(register::routes());
    routes.extend(team::routes());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    workspace::Workspaces::schemas(schemas);
    project::Projects::schemas(schemas);
    Bindings::<WorkspaceUser>::schemas(schemas);
    Bindings::<ProjectUser>::schemas(schemas);
    payment::PaymentMethods::schemas(schemas);
    register::schemas(schemas);
    team::schemas(schemas);
}
