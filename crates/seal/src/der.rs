//! The little DER that is needed: the way to a certificate's public key, and the wrapping of a PKCS#1 key.

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;

/// `AlgorithmIdentifier` of rsaEncryption with NULL parameters.
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// One element: its tag, its content, and all its bytes.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

/// Splits the first element off `input`.
fn element(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after_tag) = input.split_first()?;
    let (&first, after_first) = after_tag.split_first()?;
    let (length, body) = if first < 0x80 {
        (usize::from(first), after_first)
    } else {
        let digits = usize::from(first & 0x7f);
        if !(1..=4).contains(&digits) || after_first.len() < digits {
            return None;
        }
        let (digits, body) = after_first.split_at(digits);
        (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), body)
    };
    if body.len() < length {
        return None;
    }
    let header = input.len() - body.len();
    let (whole, rest) = input.split_at(header + length);
    Some((Element { tag, content: &whole[header..], whole }, rest))
}

/// The bytes of the `SubjectPublicKeyInfo` of an X.509 certificate, whatever its dates, issuer and version.
pub(crate) fn certificate_public_key(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(certificate).filter(|(e, _)| e.tag == SEQUENCE)?;
    let (to_be_signed, _) = element(certificate.content).filter(|(e, _)| e.tag == SEQUENCE)?;
    let mut rest = to_be_signed.content;
    if let Some((version, after)) = element(rest)
        && version.tag == EXPLICIT_VERSION
    {
        rest = after;
    }
    for expected in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        let (field, after) = element(rest)?;
        if field.tag != expected {
            return None;
        }
        rest = after;
    }
    let (key, _) = element(rest).filter(|(e, _)| e.tag == SEQUENCE)?;
    Some(key.whole)
}

/// A PKCS#8 document around a PKCS#1 RSA private key.
pub(crate) fn pkcs8_around(pkcs1: &[u8]) -> Vec<u8> {
    let mut content = vec![INTEGER, 1, 0];
    content.extend_from_slice(&RSA_ENCRYPTION);
    content.extend_from_slice(&wrapped(OCTET_STRING, pkcs1));
    wrapped(SEQUENCE, &content)
}

fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    match digits {
        [short] if *short < 0x80 => element.push(*short),
        digits => {
            element.push(0x80 | u8::try_from(digits.len()).expect("a length has at most eight digits"));
            element.extend_from_slice(digits);
        }
    }
    element.extend_from_slice(content);
    element
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{certificate_public_key, element, wrapped};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_wrapped_is_found_again(content in proptest::collection::vec(any::<u8>(), 0..70_000), rest in any::<[u8; 3]>()) {
            let mut input = wrapped(0x04, &content);
            let length = input.len();
            input.extend_from_slice(&rest);
            let (found, after) = element(&input).unwrap();
            prop_assert_eq!(found.content, &content[..]);
            prop_assert_eq!(found.whole.len(), length);
            prop_assert_eq!(after, &rest[..]);
        }

        #[test]
        fn noise_is_refused_quietly(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = certificate_public_key(&noise);
        }
    }
}
