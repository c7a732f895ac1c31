//! People and credentials: users, groups, project roles, what bindings are, API keys, API users, tokens, signing in.

pub mod account;
pub mod apikey;
pub mod apiuser;
pub mod appointment;
pub mod authenticate;
pub mod binding;
pub mod group;
pub mod held;
mod holding;
pub mod login;
pub mod me;
pub mod oidc;
pub mod people;
pub mod projectrole;
pub mod role;
pub mod session;
pub mod token;
pub mod user;

use std::sync::Arc;
use stoa_db::Migration;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Route, kind};

/// The area's tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 30, name: "sign_in", sql: include_str!("../schema/0030_sign_in.sql") },
    Migration { number: 50, name: "holder", sql: include_str!("../schema/0050_holder.sql") },
    Migration { number: 60, name: "oidc", sql: include_str!("../schema/0060_oidc.sql") },
];

/// The area's routes.
pub fn routes(providers: &Arc<oidc::Providers>) -> Vec<Route> {
    let mut routes = vec![login::route()];
    routes.extend(account::routes());
    routes.extend(me::routes());
    routes.extend(oidc::routes(providers));
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
    account::schemas(schemas);
    me::schemas(schemas);
    oidc::schemas(schemas);
    schemas.add::<login::Granted>();
    schemas.add::<login::Asked>();
}
