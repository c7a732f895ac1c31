//! Secret values of definitions, blocks, integrations and platforms: plaintext in, hash out, ciphertext in between
//! (`api-building-blocks.md` §1.3, `api-core.md` §1.14, `api-platforms.md` §2.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use stoa_base::Refusal;
use stoa_core::secrets::{self, SEALED, hex};
use stoa_core::{Fault, Outcome, World};
use stoa_seal::PublicKey;

/// Who will be able to open a secret.
pub enum Keeper {
    /// The runner with this public key; the server cannot.
    Runner(Box<PublicKey>, String),
    /// The server, with its own keys.
    Server,
}

/// What is corrupt when a runner's stored key cannot be read.
pub const KEY: &str = "public key of a runner";

/// Fingerprints by public key. A key never has another one, so what is here stays right.
static FINGERPRINTS: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);
/// How many of them are kept.
const FINGERPRINTS_KEPT: usize = 1000;

/// The fingerprint of the public key in `pem`. Every claim asks, and reading a key takes longer than the claim.
pub fn fingerprint(pem: &str) -> Outcome<String> {
    let mut known = FINGERPRINTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(pem) {
        return Ok(found.clone());
    }
    let fingerprint = PublicKey::from_pem(pem).map_err(|_| Fault::Corrupt { what: KEY })?.fingerprint();
    if known.len() >= FINGERPRINTS_KEPT {
        known.clear();
    }
    known.insert(pem.to_owned(), fingerprint.clone());
    Ok(fingerprint)
}

impl Keeper {
    /// The runner whose public key is in `pem`.
    pub fn runner(pem: &str) -> Outcome<Self> {
        let key = PublicKey::from_pem(pem).map_err(|_| Fault::Corrupt { what: KEY })?;
        let fingerprint = key.fingerprint();
        Ok(Self::Runner(Box::new(key), fingerprint))
    }

    /// What tells this keeper's secrets from others'.
    pub fn fingerprint(&self) -> &str {
        match self {
            Self::Runner(_, fingerprint) => fingerprint,
            Self::Server => "server",
        }
    }

    /// The secret as stored.
    pub fn keep(&self, world: &World, plaintext: &str) -> Outcome<Value> {
        let (sealed, hash) = match self {
            Self::Runner(key, _) => {
                let sealed =
                    key.seal(plaintext).map_err(|_| Fault::Crypto { what: "sealing for a runner" })?;
                (sealed, world.vault.hash(plaintext))
            }
            Self::Server => {
                let wrapped = world.vault.wrap(plaintext.as_bytes())?;
                (STANDARD.encode(&wrapped), format!("sha256:{}", hex(&Sha256::digest(&wrapped))))
            }
        };
        Ok(json!({ SEALED: sealed, "key": self.fingerprint(), "hash": hash }))
    }

    /// Whether `stored` is the secret `text`, kept by this keeper.
    fn holds(&self, world: &World, stored: &Value, text: &str) -> bool {
        if sealed_for(stored) != Some(self.fingerprint()) {
            return false;
        }
        match self {
            Self::Runner(..) => stored.get("hash").and_then(Value::as_str) == Some(&world.vault.hash(text)),
            Self::Server => {
                open(world, stored).is_ok_and(|kept| secrets::matches(text, &secrets::digest(&kept)))
            }
        }
    }

    /// Whether what a request sends is what is stored already: an equal value, the hash of the stored secret, or
    /// its plaintext once more.
    pub fn is_same(&self, world: &World, stored: &Value, given: &Value) -> bool {
        if !is_stored(stored) {
            return stored == given;
        }
        if let Some(text) = given.get("plaintext").and_then(Value::as_str) {
            return self.holds(world, stored, text);
        }
        let hash = stored.get("hash").and_then(Value::as_str);
        hash.is_some() && given.get("hash").and_then(Value::as_str) == hash
    }

    /// A secret out of a request: `{"plaintext"}` is kept, `{"hash"}` must be the one of `stored`: another one is a
    /// conflict, somebody rotated the secret meanwhile. `field` names it in refusals.
    pub fn take(&self, world: &World, given: &Value, stored: Option<&Value>, field: &str) -> Outcome<Value> {
        if let Some(plaintext) = given.get("plaintext").filter(|plaintext| !plaintext.is_null()) {
            let text = plaintext.as_str().filter(|text| !text.trim().is_empty());
            let text = text.ok_or_else(|| {
                Refusal::invalid(format!("{field}.plaintext"), "must be a text and not blank")
            })?;
            return match stored.filter(|stored| self.holds(world, stored, text)) {
                Some(stored) => Ok(stored.clone()),
                None => self.keep(world, text),
            };
        }
        let Some(hash) = given.get("hash").and_then(Value::as_str) else {
            return Err(Refusal::invalid(field, "must be {\"plaintext\": …} or {\"hash\": …}").into());
        };
        let at = format!("{field}.hash");
        let Some(stored) = stored.filter(|stored| is_stored(stored)) else {
            let problem = "names a secret, but none is stored here; send the plaintext to set one";
            return Err(Refusal::invalid(at, problem).into());
        };
        if hash.is_empty() {
            return Err(
                Refusal::invalid(at, "must not be empty; send the plaintext to set another secret").into()
            );
        }
        if stored.get("hash").and_then(Value::as_str) != Some(hash) {
            return Err(Refusal::Conflict {
                code: "Conflict",
                message: format!(
                    "`{at}` is not the hash of the stored secret: it was changed meanwhile. Read it again, or send \
                     the plaintext to set another one."
                ),
                remarks: vec![at],
            }
            .into());
        }
        if sealed_for(stored) != Some(self.fingerprint()) {
            let problem = "names a secret that was sealed for another runner key; send the plaintext again";
            return Err(Refusal::invalid(at, problem).into());
        }
        Ok(stored.clone())
    }
}

/// The plaintext of a secret that the server keeps itself.
pub fn open(world: &World, stored: &Value) -> Outcome<String> {
    let corrupt = || Fault::Corrupt { what: "secret kept by the server" };
    let sealed = ciphertext(stored).filter(|_| sealed_for(stored) == Some(Keeper::Server.fingerprint()));
    let wrapped = STANDARD.decode(sealed.ok_or_else(corrupt)?).map_err(|_| corrupt())?;
    Ok(String::from_utf8(world.vault.unwrap(&wrapped)?).map_err(|_| corrupt())?)
}

/// The ciphertext of a stored secret.
pub fn ciphertext(stored: &Value) -> Option<&str> {
    stored.get(SEALED).and_then(Value::as_str)
}

/// The fingerprint of the key that a stored secret was sealed for.
pub fn sealed_for(stored: &Value) -> Option<&str> {
    stored.get("key").and_then(Value::as_str)
}

/// Whether a stored value is a secret.
pub fn is_stored(value: &Value) -> bool {
    value.get(SEALED).is_some()
}
