//! The kinds of building blocks over HTTP: `api-building-blocks.md` section by section. What needs tenants is
//! left out.

mod changes;
mod concurrency;
mod definitions;
mod deletion;
mod dependencies;
mod inputs;
mod integrations;
mod legacy;
mod listing;
mod orders;
mod outputs;
mod runners;
mod secrets;
mod versions;
mod visibility;
