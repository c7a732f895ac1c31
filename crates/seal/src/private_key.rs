//! The private half: what only the runner has.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use crate::{BadKey, der, envelope};

/// A runner's private key: opens what was sealed with its public half.
pub struct PrivateKey {
    key: PrivateDecryptingKey,
}

impl PrivateKey {
    /// Makes a new RSA key of 2048, 3072, 4096 or 8192 bits. Runners use 4096.
    pub fn generate(bits: u32) -> Result<Self, BadKey> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            8192 => KeySize::Rsa8192,
            other => return Err(BadKey::UnsupportedSize(other)),
        };
        PrivateDecryptingKey::generate(size).map(|key| Self { key }).map_err(|_| BadKey::Refused)
    }

    /// Reads the first `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY` (PKCS#1) section.
    pub fn from_pem(pem: &str) -> Result<Self, BadKey> {
        let section = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes())
            .map_while(Result::ok)
            .find(|(kind, _)| matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey));
        let pkcs8 = match section {
            Some((SectionKind::PrivateKey, der)) => Zeroizing::new(der),
            Some((_, der)) => Zeroizing::new(der::pkcs8_around(&Zeroizing::new(der))),
            None => return Err(BadKey::NotPem { expected: "PRIVATE KEY or RSA PRIVATE KEY" }),
        };
        let key = PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|_| BadKey::NotRsa)?;
        Ok(Self { key })
    }

    /// The key as PKCS#8 in PEM, which every public runner can read. Whoever holds this text can open everything.
    pub fn to_pem(&self) -> String {
        let der: Pkcs8V1Der<'_> = self.key.as_der().expect("a key that was accepted can be written");
        to_pem("PRIVATE KEY", der.as_ref())
    }

    /// The public half as a `PUBLIC KEY` in PEM, to be registered at the server.
    pub fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> =
            self.key.public_key().as_der().expect("a key that was accepted can be written");
        to_pem("PUBLIC KEY", der.as_ref())
    }

    /// Opens one sealed value. The empty string stays empty.
    pub fn open(&self, sealed: &str) -> Result<String, BadKey> {
        let key = OaepPrivateDecryptingKey::new(self.key.clone()).map_err(|_| BadKey::Refused)?;
        envelope::open(&key, sealed)
    }
}

/// Never shows the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("bits", &self.key.key_size_bits()).finish_non_exhaustive()
    }
}

fn to_pem(label: &str, der: &[u8]) -> String {
    let text = Zeroizing::new(STANDARD.encode(der));
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}
