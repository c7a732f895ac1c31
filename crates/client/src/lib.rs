//! The API client that the runner, the command line and the whole-system tests share.
//!
//! [`Client`] speaks JSON under Stoa's versioned media types, renews its bearer token before it expires, and reads
//! server-sent events. [`runs`] holds the typed half of the run protocol: claiming, registering, reporting.
//! Redirects are never followed, because the server never sends one.

mod client;
mod credential;
mod error;
mod events;
pub mod runs;

pub use client::{Client, media};
pub use credential::Credential;
pub use error::ClientError;
pub use events::ServerEvent;
