//! The byte layout of a sealed value, and both ways through it.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize as _, Zeroizing};

use crate::BadKey;

/// Bytes of the content key: AES-128.
const CONTENT_KEY: usize = 16;
/// Bytes that tell the length of the nonce.
const NONCE_LENGTH_FIELD: usize = 4;
/// Bytes of the authentication tag.
const TAG: usize = 16;

pub(crate) fn seal(key: &OaepPublicEncryptingKey, plaintext: &str) -> Result<String, BadKey> {
    if plaintext.is_empty() {
        return Ok(String::new());
    }
    let mut content_key = Zeroizing::new([0_u8; CONTENT_KEY]);
    rand::fill(&mut content_key[..]).map_err(|_| BadKey::Refused)?;
    let mut nonce = [0_u8; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| BadKey::Refused)?;

    let wrapped_length = key.ciphertext_size();
    let mut bytes = vec![0; wrapped_length];
    let written = key
        .encrypt(&OAEP_SHA1_MGF1SHA1, &content_key[..], &mut bytes, None)
        .map_err(|_| BadKey::Refused)?
        .len();
    if written != wrapped_length {
        return Err(BadKey::Refused);
    }

    bytes.reserve(NONCE_LENGTH_FIELD + NONCE_LEN + plaintext.len() + TAG);
    bytes.extend_from_slice(&u32::try_from(NONCE_LEN).expect("a nonce has twelve bytes").to_be_bytes());
    bytes.extend_from_slice(&nonce);
    let content = bytes.len();
    bytes.extend_from_slice(plaintext.as_bytes());
    let tag = content_cipher(&content_key[..])?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            bytes.get_mut(content..).ok_or(BadKey::Refused)?,
        )
        .map_err(|_| BadKey::Refused)?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(STANDARD.encode(bytes))
}

pub(crate) fn open(key: &OaepPrivateDecryptingKey, sealed: &str) -> Result<String, BadKey> {
    if sealed.is_empty() {
        return Ok(String::new());
    }
    let bytes = STANDARD.decode(sealed).map_err(|_| BadKey::MalformedEnvelope)?;
    let (wrapped, rest) = bytes.split_at_checked(key.min_output_size()).ok_or(BadKey::MalformedEnvelope)?;
    let (length, rest) = rest.split_first_chunk::<NONCE_LENGTH_FIELD>().ok_or(BadKey::MalformedEnvelope)?;
    if usize::try_from(u32::from_be_bytes(*length)) != Ok(NONCE_LEN) {
        // A key of another size puts the length field somewhere else, so this is how a stale secret shows.
        return Err(BadKey::MalformedEnvelope);
    }
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(BadKey::MalformedEnvelope)?;
    if ciphertext.len() < TAG {
        return Err(BadKey::MalformedEnvelope);
    }

    let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
    let content_key =
        key.decrypt(&OAEP_SHA1_MGF1SHA1, wrapped, &mut room, None).map_err(|_| BadKey::WrongKey)?;
    if content_key.len() != CONTENT_KEY {
        return Err(BadKey::WrongKey);
    }
    let mut content = Zeroizing::new(ciphertext.to_vec());
    let plaintext = content_cipher(content_key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut content)
        .map_err(|_| BadKey::WrongKey)?
        .to_vec();
    String::from_utf8(plaintext).map_err(|error| {
        error.into_bytes().zeroize();
        BadKey::NotText
    })
}

fn content_cipher(key: &[u8]) -> Result<LessSafeKey, BadKey> {
    UnboundKey::new(&AES_128_GCM, key).map(LessSafeKey::new).map_err(|_| BadKey::Refused)
}
