//! The envelope in which secrets travel to a runner: sealed with its public key, opened only with its private key.
//!
//! Each value gets an AES-128-GCM key of its own, and that key is wrapped with RSA-OAEP (SHA-1 and MGF1 with
//! SHA-1, as the wire contract of the public runners demands). The text form is standard Base64 of
//! `wrapped key ‖ length of the nonce (4 bytes, big endian) ‖ nonce ‖ ciphertext and tag`.
//! The empty string stays empty on both sides; it is never sealed.
//!
//! Nothing here does I/O.

mod bad_key;
mod der;
mod envelope;
mod private_key;
mod public_key;

pub use bad_key::BadKey;
pub use private_key::PrivateKey;
pub use public_key::PublicKey;
