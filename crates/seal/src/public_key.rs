//! The public half: what the server keeps of a runner.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use rustls_pki_types::pem::{PemObject, SectionKind};

use crate::{BadKey, der, envelope};

/// A runner's public key: seals values that only this runner can read.
#[derive(Debug)]
pub struct PublicKey {
    key: OaepPublicEncryptingKey,
    subject_public_key_info: Vec<u8>,
}

impl PublicKey {
    /// Reads the first `CERTIFICATE` or `PUBLIC KEY` section. A certificate lends its key only: validity dates,
    /// issuer and extensions are ignored. Refuses everything but RSA.
    pub fn from_pem(pem: &str) -> Result<Self, BadKey> {
        let expected = BadKey::NotPem { expected: "CERTIFICATE or PUBLIC KEY" };
        let section = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes())
            .map_while(Result::ok)
            .find(|(kind, _)| matches!(kind, SectionKind::Certificate | SectionKind::PublicKey));
        match section {
            Some((SectionKind::Certificate, der)) => {
                Self::from_der(der::certificate_public_key(&der).ok_or(BadKey::BadCertificate)?)
            }
            Some((_, der)) => Self::from_der(&der),
            None => Err(expected),
        }
    }

    pub(crate) fn from_der(subject_public_key_info: &[u8]) -> Result<Self, BadKey> {
        let key = PublicEncryptingKey::from_der(subject_public_key_info).map_err(|_| BadKey::NotRsa)?;
        if key.key_size_bits() % 8 != 0 {
            return Err(BadKey::NotRsa);
        }
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| BadKey::NotRsa)?;
        Ok(Self { key, subject_public_key_info: subject_public_key_info.to_vec() })
    }

    /// Seals one value. Sealing the same value twice gives two different texts; the empty string stays empty.
    pub fn seal(&self, plaintext: &str) -> Result<String, BadKey> {
        envelope::seal(&self.key, plaintext)
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`, in hexadecimal: the same for a certificate and for its bare key.
    pub fn fingerprint(&self) -> String {
        use std::fmt::Write as _;
        digest(&SHA256, &self.subject_public_key_info).as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
