//! The ring in memory: what a server process wraps, opens, hashes and signs with.

use super::envelope::{self, Key, SEALED_KEY_BYTES};
use super::master::{BadMasterKey, Master};
use super::ring::Purpose;
use crate::outcome::{Fault, Outcome};
use crate::secrets::hex;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::hmac;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use stoa_base::{Moment, Refusal};

/// Layout of values from before the ring: this byte, then wrapped data key, then content. Their key is the first
/// generation.
const BARE: u8 = 1;
/// Layout of a wrapped value: this byte, four bytes of the generation, then wrapped data key, then content.
const WITH_GENERATION: u8 = 2;
/// Bytes that tell the generation of a wrapped value.
pub(super) const HEAD_BYTES: usize = 5;

/// One key of the ring, opened.
pub(super) struct Opened {
    pub(super) purpose: Purpose,
    pub(super) generation: u32,
    pub(super) active_at: Moment,
    pub(super) key: Key,
}

/// The ring, opened.
pub(super) struct Ring {
    values: BTreeMap<u32, LessSafeKey>,
    /// The generation that new values are wrapped with.
    current: u32,
    hash: hmac::Key,
    /// The newest first; one that is not active yet is not signed with.
    tokens: Vec<(EncodingKey, DecodingKey)>,
    signing: usize,
}

impl Ring {
    /// The ring of these keys as it is used at `now`.
    pub(super) fn of(mut keys: Vec<Opened>, now: Moment) -> Outcome<Self> {
        keys.sort_by_key(|key| std::cmp::Reverse(key.generation));
        let corrupt = Fault::Corrupt { what: "key ring" };
        let hash = keys.iter().find(|key| key.purpose == Purpose::Hashes);
        let Some(hash) = hash.map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key.key)) else {
            return Err(corrupt.into());
        };
        let of = |purpose| keys.iter().filter(move |key| key.purpose == purpose);
        let is_active = |key: &&Opened| key.active_at <= now;
        let current = of(Purpose::Values).find(is_active).map(|key| key.generation);
        let signing = of(Purpose::Tokens).position(|key| is_active(&key));
        let (Some(current), Some(signing)) = (current, signing) else { return Err(corrupt.into()) };
        let tokens = of(Purpose::Tokens)
            .map(|key| (EncodingKey::from_secret(&key.key), DecodingKey::from_secret(&key.key)))
            .collect();
        let values = of(Purpose::Values)
            .map(|key| Ok((key.generation, envelope::cipher(&key.key)?)))
            .collect::<Outcome<_>>()?;
        Ok(Self { values, current, hash, tokens, signing })
    }

    fn derived(master: &Master) -> Result<Self, BadMasterKey> {
        let keys = Purpose::ALL.into_iter().map(|purpose| {
            let active_at = Moment::from_micros(0);
            Ok(Opened { purpose, generation: 1, active_at, key: master.derived(purpose)? })
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Self::of(keys, Moment::from_micros(0)).map_err(|_| BadMasterKey)
    }
}

/// The installation's keys. Until [`super::ring::unlock`] has opened the ring of the database, they are those that
/// derive from the master key itself.
pub struct Vault {
    masters: Vec<Master>,
    open: RwLock<(Arc<Ring>, usize)>,
    /// How often another ring was taken.
    taken: AtomicU64,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    /// Keys under `master`, 32 bytes in base64.
    pub fn open(master: &str) -> Result<Self, BadMasterKey> {
        Self::with(Master::parse(master)?, None)
    }

    /// Keys under `master`, or under `next` where a rotation got as far as the database but no further.
    pub fn with(master: Master, next: Option<Master>) -> Result<Self, BadMasterKey> {
        let ring = Arc::new(Ring::derived(&master)?);
        let masters = std::iter::once(master).chain(next).collect();
        Ok(Self { masters, open: RwLock::new((ring, 0)), taken: AtomicU64::new(0) })
    }

    /// A new master key, as [`Self::open`] takes it.
    pub fn new_master_key() -> Outcome<String> {
        Master::generate()
    }

    pub(super) fn masters(&self) -> &[Master] {
        &self.masters
    }

    /// Uses this ring from now on, opened by that master key.
    pub(super) fn take(&self, ring: Ring, master: usize) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(ring), master);
        self.taken.fetch_add(1, Ordering::Release);
    }

    /// Grows whenever other keys are in use: what was verified before has to be verified again.
    pub fn changes(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.open.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// The master key that opened the ring.
    pub fn master(&self) -> Option<&Master> {
        let place = self.open.read().unwrap_or_else(PoisonError::into_inner).1;
        self.masters.get(place)
    }

    /// Whether the ring was opened by the key that was offered second.
    pub fn is_rotated(&self) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).1 > 0
    }

    /// The generation that new values are wrapped with.
    pub fn generation(&self) -> u32 {
        self.ring().current
    }

    /// What the API shows in place of a secret that is sealed for a runner: stable per installation, useless
    /// elsewhere (`api-core.md` §1.14).
    pub fn hash(&self, secret: &str) -> String {
        format!("hmac-sha256:{}", hex(hmac::sign(&self.ring().hash, secret.as_bytes()).as_ref()))
    }

    /// Wraps `plain` for storage: a data key of its own, wrapped by the newest generation of the ring.
    pub fn wrap(&self, plain: &[u8]) -> Outcome<Vec<u8>> {
        let data_key = envelope::new_key()?;
        let mut out = self.head(&data_key, plain.len() + 64)?;
        envelope::seal_into(&envelope::cipher(&data_key)?, &[], plain, &mut out)?;
        Ok(out)
    }

    fn head(&self, data_key: &Key, more: usize) -> Outcome<Vec<u8>> {
        let ring = self.ring();
        let key = ring.values.get(&ring.current).ok_or(Fault::Corrupt { what: "key ring" })?;
        let mut out = Vec::with_capacity(HEAD_BYTES + SEALED_KEY_BYTES + more);
        out.push(WITH_GENERATION);
        out.extend_from_slice(&ring.current.to_be_bytes());
        let context = out.clone();
        envelope::seal_into(key, &context, data_key, &mut out)?;
        Ok(out)
    }

    /// Opens what [`Self::wrap`] made, whatever the generation.
    pub fn unwrap(&self, wrapped: &[u8]) -> Outcome<Vec<u8>> {
        let (data_key, content) = self.data_key(wrapped)?;
        envelope::open_from(&envelope::cipher(&data_key)?, &[], content)
    }

    fn data_key<'a>(&self, wrapped: &'a [u8]) -> Outcome<(Key, &'a [u8])> {
        let corrupt = Fault::Corrupt { what: "wrapped value" };
        let Some((generation, head)) = generation_of(wrapped) else { return Err(corrupt.into()) };
        let (about, rest) = wrapped.split_at(head);
        let Some((key, content)) = rest.split_at_checked(SEALED_KEY_BYTES) else {
            return Err(corrupt.into());
        };
        let ring = self.ring();
        let what = "opening a value of a key generation that this server does not hold";
        let wrap = ring.values.get(&generation).ok_or(Fault::Crypto { what })?;
        let about = if head == HEAD_BYTES { about } else { &[] };
        Ok((envelope::open_key(wrap, about, key)?, content))
    }

    /// Whether a value that begins so is wrapped by the generation in use.
    pub(super) fn is_current(&self, head: &[u8]) -> bool {
        matches!(generation_of(head), Some((generation, HEAD_BYTES)) if generation == self.generation())
    }

    /// The same value under the generation in use: its data key is wrapped anew, its content stays.
    pub(super) fn rewrap(&self, wrapped: &[u8]) -> Outcome<Vec<u8>> {
        let (data_key, content) = self.data_key(wrapped)?;
        let mut out = self.head(&data_key, content.len())?;
        out.extend_from_slice(content);
        Ok(out)
    }

    /// Signs a token that carries `claims`.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Outcome<String> {
        let ring = self.ring();
        let fault = Fault::Crypto { what: "signing a token" };
        let Some((key, _)) = ring.tokens.get(ring.signing) else { return Err(fault.into()) };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, key).map_err(|_| fault.into())
    }

    /// The claims of a token of ours. Whether they still hold is for the caller to decide.
    pub fn verify<C: DeserializeOwned + Clone>(&self, token: &str) -> Outcome<C> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false; // the clock is ours, see `Call::now`
        rules.required_spec_claims.clear();
        let ring = self.ring();
        let mut verified = ring.tokens.iter().map(|(_, key)| jsonwebtoken::decode(token, key, &rules));
        verified
            .find_map(Result::ok)
            .map(|data| data.claims)
            .ok_or_else(|| Refusal::Unauthorized("The token is not one of ours.".into()).into())
    }
}

/// The generation of a wrapped value, and how many bytes say so.
fn generation_of(wrapped: &[u8]) -> Option<(u32, usize)> {
    match wrapped.split_first()? {
        (&BARE, _) => Some((1, 1)),
        (&WITH_GENERATION, rest) => Some((u32::from_be_bytes(*rest.first_chunk()?), HEAD_BYTES)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::digest;
    use serde_json::{Value, json};

    fn vault() -> Vault {
        Vault::open(&Vault::new_master_key().unwrap()).unwrap()
    }

    fn ring(generations: u32, now: i64) -> Ring {
        let mut keys = vec![(Purpose::Hashes, 1)];
        for generation in 1..=generations {
            keys.extend([(Purpose::Values, generation), (Purpose::Tokens, generation)]);
        }
        let opened = |(purpose, generation): (Purpose, u32)| Opened {
            purpose,
            generation,
            active_at: Moment::from_micros(i64::from(generation) * 10),
            key: [u8::try_from(generation).unwrap(); 32],
        };
        Ring::of(keys.into_iter().map(opened).collect(), Moment::from_micros(now)).unwrap()
    }

    #[test]
    fn wrapped_values_open_only_here_and_only_whole() {
        let vault = vault();
        let wrapped = vault.wrap(b"state").unwrap();
        assert_eq!(vault.unwrap(&wrapped).unwrap(), b"state");
        assert!(super::tests::vault().unwrap(&wrapped).is_err());
        for cut in [0, 1, 4, 20, wrapped.len() - 1] {
            assert!(vault.unwrap(&wrapped[..cut]).is_err(), "{cut}");
        }
        for place in 0..wrapped.len() {
            let mut flipped = wrapped.clone();
            flipped[place] ^= 1;
            assert!(vault.unwrap(&flipped).is_err(), "{place}");
        }
    }

    /// Made by a program that knew no ring.
    #[test]
    fn values_from_before_the_ring_open_under_its_first_generation() {
        let vault = Vault::open("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let wrapped = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            include_str!("fixtures/bare.txt").trim(),
        );
        let wrapped = wrapped.unwrap();
        assert_eq!(vault.unwrap(&wrapped).unwrap(), b"from before");
        assert!(!vault.is_current(&wrapped[..HEAD_BYTES]));
        let rewrapped = vault.rewrap(&wrapped).unwrap();
        assert!(vault.is_current(&rewrapped[..HEAD_BYTES]));
        assert_eq!(vault.unwrap(&rewrapped).unwrap(), b"from before");
    }

    #[test]
    fn a_new_generation_wraps_once_it_is_active_and_earlier_ones_still_open() {
        let vault = vault();
        vault.take(ring(1, 10), 0);
        let (old, token) = (vault.wrap(b"x").unwrap(), vault.sign(&json!({ "sub": "a" })).unwrap());
        vault.take(ring(2, 19), 0);
        assert_eq!(vault.generation(), 1, "known, but not yet used");
        vault.take(ring(2, 20), 0);
        assert_eq!(vault.generation(), 2);
        assert_eq!(vault.unwrap(&old).unwrap(), b"x");
        assert!(!vault.is_current(&old) && vault.is_current(&vault.wrap(b"x").unwrap()));
        assert_eq!(vault.verify::<Value>(&token).unwrap()["sub"], "a");
        let new = vault.rewrap(&old).unwrap();
        vault.take(ring(1, 20), 0);
        assert!(vault.unwrap(&new).is_err(), "a generation that is not here");
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
}
