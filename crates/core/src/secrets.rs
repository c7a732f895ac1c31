//! Keys of the installation, derived from one master key: hashing secrets for comparison, signing tokens,
//! wrapping values at rest. Values sealed to runners are `stoa-seal`'s.

use crate::outcome::{Fault, Outcome};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;
use stoa_base::Refusal;
use subtle::ConstantTimeEq;

const KEY_BYTES: usize = 32;
/// Layout of a wrapped value: this byte, then nonce and wrapped data key, then nonce and content.
const FORMAT: u8 = 1;
const WRAPPED_KEY_BYTES: usize = NONCE_LEN + KEY_BYTES + 16;

/// The installation's keys.
pub struct Vault {
    wrap: LessSafeKey,
    hash: hmac::Key,
    sign: EncodingKey,
    verify: DecodingKey,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
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

impl Vault {
    /// Derives all keys from `master`, 32 bytes in base64.
    pub fn open(master: &str) -> Result<Self, BadMasterKey> {
        let master = STANDARD.decode(master.trim()).map_err(|_| BadMasterKey)?;
        if master.len() != KEY_BYTES {
            return Err(BadMasterKey);
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"stoa master key v1").extract(&master);
        let derive = |purpose: &'static str| -> Result<[u8; KEY_BYTES], BadMasterKey> {
            let mut key = [0; KEY_BYTES];
            let info = [purpose.as_bytes()];
            root.expand(&info, Length).and_then(|okm| okm.fill(&mut key)).map_err(|_| BadMasterKey)?;
            Ok(key)
        };
        let token = derive("tokens")?;
        Ok(Self {
            wrap: LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM, &derive("values at rest")?).map_err(|_| BadMasterKey)?,
            ),
            hash: hmac::Key::new(hmac::HMAC_SHA256, &derive("hashes")?),
            sign: EncodingKey::from_secret(&token),
            verify: DecodingKey::from_secret(&token),
        })
    }

    /// A new master key, as [`Self::open`] takes it.
    pub fn new_master_key() -> Outcome<String> {
        let mut key = [0; KEY_BYTES];
        rand::fill(&mut key).map_err(|_| Fault::Crypto { what: "random numbers" })?;
        Ok(STANDARD.encode(key))
    }

    /// What the API shows in place of a secret: stable per installation, useless elsewhere
    /// (`api-core.md` §1.14).
    pub fn hash(&self, secret: &str) -> String {
        format!("hmac-sha256:{}", hex(hmac::sign(&self.hash, secret.as_bytes()).as_ref()))
    }

    /// Wraps `plain` for storage: a data key of its own, wrapped by the installation's key.
    pub fn wrap(&self, plain: &[u8]) -> Outcome<Vec<u8>> {
        let fault = |_| Fault::Crypto { what: "wrapping a value" };
        let mut data_key = [0; KEY_BYTES];
        rand::fill(&mut data_key).map_err(fault)?;
        let content_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &data_key).map_err(fault)?);
        let mut out = Vec::with_capacity(1 + WRAPPED_KEY_BYTES + NONCE_LEN + plain.len() + 16);
        out.push(FORMAT);
        seal_into(&self.wrap, &data_key, &mut out)?;
        seal_into(&content_key, plain, &mut out)?;
        Ok(out)
    }

    /// Opens what [`Self::wrap`] made.
    pub fn unwrap(&self, wrapped: &[u8]) -> Outcome<Vec<u8>> {
        let corrupt = Fault::Corrupt { what: "wrapped value" };
        let Some((&FORMAT, rest)) = wrapped.split_first() else { return Err(corrupt.into()) };
        let Some((key, content)) = rest.split_at_checked(WRAPPED_KEY_BYTES) else {
            return Err(corrupt.into());
        };
        let data_key = open_from(&self.wrap, key)?;
        let content_key = LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, &data_key)
                .map_err(|_| Fault::Crypto { what: "opening a value" })?,
        );
        open_from(&content_key, content)
    }

    /// Signs a token that carries `claims`.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Outcome<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign)
            .map_err(|_| Fault::Crypto { what: "signing a token" }.into())
    }

    /// The claims of a token of ours. Whether they still hold is for the caller to decide.
    pub fn verify<C: DeserializeOwned + Clone>(&self, token: &str) -> Outcome<C> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false; // the clock is ours, see `Call::now`
        rules.required_spec_claims.clear();
        jsonwebtoken::decode(token, &self.verify, &rules)
            .map(|data| data.claims)
            .map_err(|_| Refusal::Unauthorized("The token is not one of ours.".into()).into())
    }
}

fn seal_into(key: &LessSafeKey, plain: &[u8], out: &mut Vec<u8>) -> Outcome<()> {
    let fault = |_| Fault::Crypto { what: "wrapping a value" };
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(fault)?;
    let mut content = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut content)
        .map_err(fault)?;
    out.extend_from_slice(&nonce);
    out.append(&mut content);
    Ok(())
}

fn open_from(key: &LessSafeKey, sealed: &[u8]) -> Outcome<Vec<u8>> {
    let fault = Fault::Crypto { what: "opening a value" };
    let Some((nonce, content)) = sealed.split_first_chunk::<NONCE_LEN>() else { return Err(fault.into()) };
    let mut content = content.to_vec();
    let Ok(plain) = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut content)
    else {
        return Err(fault.into());
    };
    let length = plain.len();
    content.truncate(length);
    Ok(content)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of a random secret, for storage: 256 random bits need no slow hash.
pub fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vault() -> Vault {
        Vault::open(&Vault::new_master_key().unwrap()).unwrap()
    }

    #[test]
    fn wrapped_values_open_only_here_and_only_whole() {
        let vault = vault();
        let wrapped = vault.wrap(b"state").unwrap();
        assert_eq!(vault.unwrap(&wrapped).unwrap(), b"state");
        assert!(super::tests::vault().unwrap(&wrapped).is_err());
        for cut in [0, 1, 20, wrapped.len() - 1] {
            assert!(vault.unwrap(&wrapped[..cut]).is_err(), "{cut}");
        }
        let mut flipped = wrapped.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(vault.unwrap(&flipped).is_err());
    }

    #[test]
    fn hashes_are_keyed_and_stable() {
        let vault = vault();
        assert_eq!(vault.hash("x"), vault.hash("x"));
        assert_ne!(vault.hash("x"), super::tests::vault().hash("x"));
        assert!(!vault.hash("x").contains(&digest("x")));
    }

    #[test]
    fn tokens_of_others_are_refused() {
        let vault = vault();
        let token = vault.sign(&json!({ "sub": "a" })).unwrap();
        assert_eq!(vault.verify::<Value>(&token).unwrap()["sub"], "a");
        assert!(super::tests::vault().verify::<Value>(&token).is_err());
        assert!(vault.verify::<Value>("no.to.ken").is_err());
    }

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
