//! The master key: 32 bytes that a file or the environment holds. It wraps the ring and nothing else.

use super::envelope::{self, KEY_BYTES, Key};
use super::ring::Purpose;
use crate::outcome::Outcome;
use crate::secrets::hex;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::hkdf;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// A master key.
pub struct Master {
    root: hkdf::Prk,
    wrap: LessSafeKey,
    fingerprint: String,
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Master({})", self.fingerprint)
    }
}

/// The master key is not 32 bytes of base64.
#[derive(Debug, thiserror::Error)]
#[error("the master key must be 32 bytes in base64")]
pub struct BadMasterKey;

struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

fn derive(root: &hkdf::Prk, purpose: &str) -> Result<Key, BadMasterKey> {
    let mut key = [0; KEY_BYTES];
    let info = [purpose.as_bytes()];
    root.expand(&info, Length).and_then(|okm| okm.fill(&mut key)).map_err(|_| BadMasterKey)?;
    Ok(key)
}

impl Master {
    /// A master key out of its text.
    pub fn parse(text: &str) -> Result<Self, BadMasterKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| BadMasterKey)?;
        if bytes.len() != KEY_BYTES {
            return Err(BadMasterKey);
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stoa master key v1").extract(&bytes);
        let wrap = envelope::cipher(&derive(&root, "ring")?).map_err(|_| BadMasterKey)?;
        let fingerprint = hex(&derive(&root, "fingerprint")?[..8]);
        Ok(Self { root, wrap, fingerprint })
    }

    /// A new one, as [`Self::parse`] takes it.
    pub fn generate() -> Outcome<String> {
        Ok(STANDARD.encode(envelope::new_key()?))
    }

    /// What tells it from others, and tells nothing about it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The key that installations used before they had a ring.
    pub(super) fn derived(&self, purpose: Purpose) -> Result<Key, BadMasterKey> {
        derive(
            &self.root,
            match purpose {
                Purpose::Values => "values at rest",
                Purpose::Hashes => "hashes",
                Purpose::Tokens => "tokens",
            },
        )
    }

    /// Wraps a key of the ring; `context` says which one it is.
    pub(super) fn wrap(&self, context: &str, key: &Key) -> Outcome<Vec<u8>> {
        let mut out = Vec::with_capacity(envelope::SEALED_KEY_BYTES);
        envelope::seal_into(&self.wrap, context.as_bytes(), key, &mut out)?;
        Ok(out)
    }

    /// Opens what [`Self::wrap`] made.
    pub(super) fn unwrap(&self, context: &str, sealed: &[u8]) -> Outcome<Key> {
        envelope::open_key(&self.wrap, context.as_bytes(), sealed)
    }
}
