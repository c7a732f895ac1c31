//! What hides secrets: digests of those we only compare, new random ones, and documents without those they hold.
//! The installation's keys are in [`crate::keys`]; values sealed to runners are `stoa-seal`'s.

use crate::outcome::{Fault, Outcome};
use aws_lc_rs::rand;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use crate::keys::{BadMasterKey, Vault};

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of a random secret, for storage: 256 random bits need no slow hash.
pub fn digest(secret: &str) -> String {
    hex(&bytes_of_digest(secret))
}

/// The bytes of the same.
pub fn bytes_of_digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whether `secret` is the one whose [`digest`] is stored, in constant time.
pub fn matches(secret: &str, stored: &str) -> bool {
    digest(secret).as_bytes().ct_eq(stored.as_bytes()).into()
}

/// A new secret of 43 letters and digits, more than 250 random bits (`api-core.md` §2.1: alphanumeric only).
pub fn new_secret() -> Outcome<String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut secret = String::with_capacity(43);
    let mut bytes = [0; 64];
    while secret.len() < 43 {
        rand::fill(&mut bytes).map_err(|_| Fault::Crypto { what: "random numbers" })?;
        // 248 = 4 × 62: the rest would favour the first letters.
        let letters = bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(byte % 62)]);
        secret.extend(letters.take(43 - secret.len()).map(char::from));
    }
    Ok(secret)
}

/// Member that marks a stored secret: `{"$sealed": ciphertext, "key": fingerprint, "hash": …}`.
pub const SEALED: &str = "$sealed";

/// `document` as others may see it: stored secrets become `{"hash": …}`, members with `$` disappear.
pub fn redacted(document: &Value) -> Value {
    match document {
        Value::Object(members) if members.contains_key(SEALED) => {
            serde_json::json!({ "hash": members.get("hash").cloned().unwrap_or_default() })
        }
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !name.starts_with('$'))
            .map(|(name, value)| (name.clone(), redacted(value)))
            .collect(),
        Value::Array(items) => items.iter().map(redacted).collect(),
        other => other.clone(),
    }
}

/// A document as others may see it, as text; see [`redacted`].
pub fn shown(document: &Value) -> String {
    // Only documents with members that begin with `$` hold something back.
    let text = document.to_string();
    if text.contains("\"$") { redacted(document).to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_plain_letters_and_digits() {
        let secret = new_secret().unwrap();
        assert_eq!(secret.len(), 43);
        assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(matches(&secret, &digest(&secret)));
        assert!(!matches("other", &digest(&secret)));
    }

    #[test]
    fn redaction_leaves_hashes_only() {
        let stored =
            json!({"a": {"$sealed": "c", "key": "f", "hash": "h"}, "$digest": "d", "b": [{"$x": 1}]});
        assert_eq!(redacted(&stored), json!({"a": {"hash": "h"}, "b": [{}]}));
    }
}
