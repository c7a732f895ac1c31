//! What the provider's acceptance tests rely on: `api-building-blocks.md` §11, one test each. Number 16 needs
//! a tenant.

mod definitions;
mod orders;
