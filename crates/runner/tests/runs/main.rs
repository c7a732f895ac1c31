//! The runner against a small stand-in of the server, with the real OpenTofu and real repositories.
//!
//! `STOA_TOFU` names the OpenTofu program; `make test` sets it.

#![expect(clippy::unwrap_used, reason = "a test that cannot arrange its case should stop")]

mod abort;
mod applying;
mod claiming;
mod hostile;
mod kinds;
mod origin;
mod pipelines;
mod planning;
mod reporting;
mod runner;
mod script;
mod setup;
mod ssh;
mod stand_in;
mod state;
#[path = "../systems/mod.rs"]
mod systems;
