//! Sealing with a key of 32 bytes: nonce, then content with its tag, bound to a context.

use crate::outcome::{Fault, Outcome};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;

/// Length of a key.
pub(super) const KEY_BYTES: usize = 32;
/// Length of a sealed key.
pub(super) const SEALED_KEY_BYTES: usize = NONCE_LEN + KEY_BYTES + 16;

/// A key as its bytes.
pub(super) type Key = [u8; KEY_BYTES];

/// A new key.
pub(super) fn new_key() -> Outcome<Key> {
    let mut key = [0; KEY_BYTES];
    rand::fill(&mut key).map_err(|_| Fault::Crypto { what: "random numbers" })?;
    Ok(key)
}

/// The key as the cipher takes it.
pub(super) fn cipher(key: &Key) -> Outcome<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Fault::Crypto { what: "reading a key" })?;
    Ok(LessSafeKey::new(key))
}

/// Appends `plain`, sealed.
pub(super) fn seal_into(key: &LessSafeKey, about: &[u8], plain: &[u8], out: &mut Vec<u8>) -> Outcome<()> {
    let fault = |_| Fault::Crypto { what: "wrapping a value" };
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(fault)?;
    out.extend_from_slice(&nonce);
    let start = out.len();
    out.extend_from_slice(plain);
    let (_, content) = out.split_at_mut(start);
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), content)
        .map_err(fault)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// Opens what [`seal_into`] appended.
pub(super) fn open_from(key: &LessSafeKey, about: &[u8], sealed: &[u8]) -> Outcome<Vec<u8>> {
    let fault = Fault::Crypto { what: "opening a value" };
    let Some((nonce, content)) = sealed.split_first_chunk::<NONCE_LEN>() else { return Err(fault.into()) };
    let mut content = content.to_vec();
    let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(about), &mut content);
    let Ok(plain) = opened else { return Err(fault.into()) };
    let length = plain.len();
    content.truncate(length);
    Ok(content)
}

/// A key out of [`open_from`].
pub(super) fn open_key(key: &LessSafeKey, about: &[u8], sealed: &[u8]) -> Outcome<Key> {
    let opened = open_from(key, about, sealed)?;
    Ok(opened.try_into().map_err(|_| Fault::Corrupt { what: "key" })?)
}
