//! People and credentials: users, groups, project roles, what bindings are, API keys, API users, tokens, signing in.

pub mod apikey;
pub mod apiuser;
pub mod authenticate;
pub mod binding;
pub mod group;
mod holding;
pub mod login;
pub mod people;
pub mod projectrole;
pub mod token;
pub mod user;

use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};

/// The area's routes.
pub fn routes() -> Vec<Route> {
    let mut routes = vec![login::route()];
    routes.extend(kind::routes::<apikey::ApiKeys>());
    routes.extend(kind::routes::<apiuser::ApiUsers>());
    routes.extend(kind::routes::<user::Users>());
    routes.extend(kind::routes::<group::Groups>());
    routes.extend(kind::routes::<projectrole::ProjectRoles>());
    routes
}

/// The area's schemas.
pub fn schemas(schemas: &mut Schemas) {
    apikey::ApiKeys::schemas(schemas);
    apiuser::ApiUsers::schemas(schemas);
    user::Users::schemas(schemas);
    group::Groups::schemas(schemas);
    projectrole::ProjectRoles::schemas(schemas);
    schemas.add::<login::Granted>();
    schemas.add::<login::Asked>();
}
