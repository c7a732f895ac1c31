//! Signing in at an identity provider with OpenID Connect: authorization code with PKCE, discovery, rotating keys,
//! claims as each provider has them (`domain-organization.md` §3.2).

mod arrival;
mod claims;
mod config;
mod provider;
mod routes;
mod store;

pub use arrival::{lets_register, may_register};
pub use config::{Claims, Gate, Provider};
pub use provider::{BadProvider, Known, Providers};
pub use routes::{routes, schemas};
