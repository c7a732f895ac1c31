//! The server: configuration, assembly of the areas, start and stop.

pub mod assembly;
pub mod bootstrap;
pub mod config;
mod connections;
pub mod controllers;
pub mod embedded;
pub mod finding;
pub mod importing;
pub mod keys;
pub mod pending;
mod providers;
pub mod serve;
pub mod store;

pub use config::{Config, ConfigError};
pub use serve::{Running, start};
pub use store::Store;
