//! The server: configuration, assembly of the areas, start and stop.

pub mod assembly;
pub mod bootstrap;
pub mod config;
pub mod controllers;
pub mod embedded;
pub mod pending;
pub mod serve;

pub use config::{Config, ConfigError};
pub use serve::{Running, start};
