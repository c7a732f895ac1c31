//! Targets for libFuzzer, and what they share.

#[cfg(feature = "server")]
mod stage;

#[cfg(feature = "server")]
pub use stage::Stage;
