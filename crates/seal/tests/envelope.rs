//! The envelope through its public door: with both key sizes, every key format, and envelopes made elsewhere.
//!
//! The fixtures come from other programs: keys and certificates from OpenSSL (`certificate-v1.pem` is an X.509
//! version 1 certificate; both are expired), `sealed-elsewhere.txt` from the crypto library of Node.js.

#![expect(clippy::unwrap_used, reason = "a test that cannot arrange its case should stop")]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use stoa_seal::{BadKey, PrivateKey, PublicKey};

const PKCS1: &str = include_str!("fixtures/pkcs1.key");
const PKCS8: &str = include_str!("fixtures/pkcs8.key");
const PUBLIC: &str = include_str!("fixtures/public.pem");
const CERTIFICATE_V1: &str = include_str!("fixtures/certificate-v1.pem");
const CERTIFICATE_V3: &str = include_str!("fixtures/certificate-v3.pem");
const ELLIPTIC: &str = include_str!("fixtures/elliptic.pem");
const SEALED_ELSEWHERE: &str = include_str!("fixtures/sealed-elsewhere.txt");
const FINGERPRINT: &str = "1807995c1b046bf940a9ab193658868b38b831e98eda39baee39d2fc03835077";

static SMALL: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(2048).unwrap());
static LARGE: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(4096).unwrap());

fn public(key: &PrivateKey) -> PublicKey {
    PublicKey::from_pem(&key.public_pem()).unwrap()
}

#[test]
fn an_envelope_made_elsewhere_opens() {
    let key = PrivateKey::from_pem(PKCS8).unwrap();
    assert_eq!(key.open(SEALED_ELSEWHERE).unwrap(), "pa55 wörd — 🔑\nsecond line");
}

#[test]
fn every_form_of_one_key_is_the_same_key() {
    for private in [PKCS1, PKCS8] {
        let private = PrivateKey::from_pem(private).unwrap();
        assert_eq!(private.public_pem().trim(), PUBLIC.trim());
        assert_eq!(private.to_pem().trim(), PKCS8.trim());
        for public in [PUBLIC, CERTIFICATE_V1, CERTIFICATE_V3] {
            let public = PublicKey::from_pem(public).unwrap();
            assert_eq!(public.fingerprint(), FINGERPRINT);
            assert_eq!(
                private.open(&public.seal("data:text/plain;base64,aGk=").unwrap()).unwrap(),
                "data:text/plain;base64,aGk="
            );
        }
    }
}

#[test]
fn a_generated_key_survives_its_text_form() {
    let again = PrivateKey::from_pem(&LARGE.to_pem()).unwrap();
    assert_eq!(again.open(&public(&LARGE).seal("kept").unwrap()).unwrap(), "kept");
}

#[test]
fn the_layout_is_the_contract() {
    for (key, modulus) in [(&*SMALL, 256), (&*LARGE, 512)] {
        let bytes = STANDARD.decode(public(key).seal("abc").unwrap()).unwrap();
        assert_eq!(bytes.len(), modulus + 4 + 12 + 3 + 16);
        assert_eq!(bytes[modulus..modulus + 4], [0, 0, 0, 12]);
    }
}

#[test]
fn the_empty_string_is_never_sealed() {
    assert_eq!(public(&SMALL).seal("").unwrap(), "");
    assert_eq!(SMALL.open("").unwrap(), "");
}

#[test]
fn the_same_value_never_looks_the_same() {
    let public = public(&SMALL);
    assert_ne!(public.seal("again").unwrap(), public.seal("again").unwrap());
}

#[test]
fn keys_that_are_no_rsa_keys_are_refused() {
    assert_eq!(PublicKey::from_pem(ELLIPTIC).unwrap_err(), BadKey::NotRsa);
    assert_eq!(
        PublicKey::from_pem(PKCS8).unwrap_err(),
        BadKey::NotPem { expected: "CERTIFICATE or PUBLIC KEY" }
    );
    assert_eq!(
        PrivateKey::from_pem("").unwrap_err(),
        BadKey::NotPem { expected: "PRIVATE KEY or RSA PRIVATE KEY" }
    );
    assert_eq!(PrivateKey::generate(1024).unwrap_err(), BadKey::UnsupportedSize(1024));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(PublicKey::from_pem(broken).unwrap_err(), BadKey::BadCertificate);
}

#[test]
fn a_key_never_shows_itself_in_logs() {
    let shown = format!("{:?}", PrivateKey::from_pem(PKCS8).unwrap());
    assert_eq!(shown, "PrivateKey { bits: 2048, .. }");
}

#[test]
fn another_runners_key_opens_nothing() {
    let sealed = public(&SMALL).seal("mine").unwrap();
    assert_eq!(PrivateKey::from_pem(PKCS8).unwrap().open(&sealed).unwrap_err(), BadKey::WrongKey);
    assert_eq!(LARGE.open(&sealed).unwrap_err(), BadKey::MalformedEnvelope);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_sealed_is_what_is_opened(text in any::<String>(), large in any::<bool>()) {
        let key = if large { &LARGE } else { &SMALL };
        let sealed = public(key).seal(&text).unwrap();
        prop_assert!(!sealed.contains(['\n', ' ']));
        prop_assert_eq!(key.open(&sealed).unwrap(), text);
    }

    #[test]
    fn a_changed_byte_never_goes_unnoticed(text in ".{1,40}", position in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = STANDARD.decode(public(&SMALL).seal(&text).unwrap()).unwrap();
        let position = position.index(bytes.len());
        bytes[position] ^= flip;
        prop_assert!(SMALL.open(&STANDARD.encode(&bytes)).is_err());
    }

    #[test]
    fn noise_is_refused_quietly(noise in proptest::collection::vec(any::<u8>(), 1..600), text in ".{0,80}") {
        prop_assert!(SMALL.open(&STANDARD.encode(noise)).is_err());
        prop_assert!(text.is_empty() || SMALL.open(&text).is_err());
    }
}
