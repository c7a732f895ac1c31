//! Sealed values and keys, as whoever writes to a runner or registers one may send them.

#![no_main]

use std::sync::OnceLock;
use stoa_seal::{PrivateKey, PublicKey};

const KEY: &str = include_str!("../../../crates/seal/tests/fixtures/pkcs8.key");

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static OWN: OnceLock<PrivateKey> = OnceLock::new();
    let own = OWN.get_or_init(|| PrivateKey::from_pem(KEY).expect("the fixture is a key"));
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Whatever it is: no panic, and nothing that was not sealed for this key opens.
    let _ = own.open(text);
    if let Ok(public) = PublicKey::from_pem(text) {
        let sealed = public.seal("a word").expect("a key that was accepted seals");
        assert_eq!(public.fingerprint().len(), 64);
        assert!(!sealed.is_empty());
    }
    if let Ok(private) = PrivateKey::from_pem(text) {
        let public = PublicKey::from_pem(&private.public_pem()).expect("its public half is a key");
        let sealed = public.seal("a word").expect("a key that was accepted seals");
        assert_eq!(private.open(&sealed).expect("it opens its own"), "a word");
    }
});
