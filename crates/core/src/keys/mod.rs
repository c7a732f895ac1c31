//! Keys of the installation. One master key, kept outside the database, wraps a ring of keys inside it; the ring
//! wraps values at rest, hashes secrets for comparison and signs tokens. Another master key wraps the same ring
//! anew; a new generation of the ring wraps what is written from then on, and the rest follows in the background.

mod envelope;
mod master;
pub mod rewrap;
pub mod ring;
mod vault;

pub use master::{BadMasterKey, Master};
pub use vault::Vault;
