//! Secret values of definitions, blocks and integrations: plaintext in, hash out, ciphertext in between
//! (`api-building-blocks.md` §1.3, `api-core.md` §1.14).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stoa_base::Refusal;
use stoa_core::secrets::SEALED;
use stoa_core::{Fault, Outcome, World};
use stoa_seal::PublicKey;

/// Who will be able to open a secret.
pub enum Keeper {
    /// The runner with this public key; the server cannot.
    Runner(Box<PublicKey>, String),
    /// The server, with its own keys.
    Server,
}

impl Keeper {
    /// The runner whose public key is in `pem`.
    pub fn runner(pem: &str) -> Outcome<Self> {
        let key = PublicKey::from_pem(pem).map_err(|_| Fault::Corrupt { what: "public key of a runner" })?;
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
        let sealed = match self {
            Self::Runner(key, _) => {
                key.seal(plaintext).map_err(|_| Fault::Crypto { what: "sealing for a runner" })?
            }
            Self::Server => STANDARD.encode(world.vault.wrap(plaintext.as_bytes())?),
        };
        Ok(json!({ SEALED: sealed, "key": self.fingerprint(), "hash": world.vault.hash(plaintext) }))
    }

    /// Whether what a request sends is what is stored already: an equal value, the hash of the stored secret, or
    /// its plaintext once more.
    pub fn is_same(&self, world: &World, stored: &Value, given: &Value) -> bool {
        if !is_stored(stored) {
            return stored == given;
        }
        let hash = stored.get("hash").and_then(Value::as_str);
        match given.get("plaintext") {
            Some(plaintext) => {
                plaintext.as_str().is_some_and(|text| hash == Some(&world.vault.hash(text)))
                    && sealed_for(stored) == Some(self.fingerprint())
            }
            None => hash.is_some() && given.get("hash").and_then(Value::as_str) == hash,
        }
    }

    /// A secret out of a request: `{"plaintext"}` is kept, `{"hash"}` must be the one of `stored`. `field`
    /// names it in refusals.
    pub fn take(&self, world: &World, given: &Value, stored: Option<&Value>, field: &str) -> Outcome<Value> {
        if let Some(plaintext) = given.get("plaintext") {
            let text = plaintext.as_str().filter(|text| !text.trim().is_empty());
            let text = text.ok_or_else(|| {
                Refusal::invalid(format!("{field}.plaintext"), "must be a text and not blank")
            })?;
            return match stored.filter(|stored| self.is_same(world, stored, given)) {
                Some(stored) => Ok(stored.clone()),
                None => self.keep(world, text),
            };
        }
        let Some(hash) = given.get("hash").and_then(Value::as_str) else {
            return Err(Refusal::invalid(field, "must be {\"plaintext\": …} or {\"hash\": …}").into());
        };
        let Some(stored) = stored.filter(|stored| stored.get("hash").and_then(Value::as_str) == Some(hash))
        else {
            return Err(Refusal::invalid(
                format!("{field}.hash"),
                "is not the hash of the stored secret; send the plaintext to set another one",
            )
            .into());
        };
        if stored.get("key").and_then(Value::as_str) != Some(self.fingerprint()) {
            return Err(Refusal::invalid(
                format!("{field}.hash"),
                "names a secret that was sealed for another runner key; send the plaintext again",
            )
            .into());
        }
        Ok(stored.clone())
    }
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
