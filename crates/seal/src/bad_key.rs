//! Why a key or an envelope was refused.

/// What was wrong with a key, or with an envelope opened with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// The text holds no PEM section of the kind that was asked for.
    #[error("expected a PEM section `{expected}`")]
    NotPem {
        /// The sections that would have been accepted.
        expected: &'static str,
    },
    /// The certificate cannot be read as X.509.
    #[error("the certificate is not readable")]
    BadCertificate,
    /// The key is not an RSA key of 2048 to 8192 bits.
    #[error("only RSA keys of 2048 to 8192 bits are supported")]
    NotRsa,
    /// A size was asked for that is never generated.
    #[error("cannot generate an RSA key of {0} bits: choose 2048, 3072, 4096 or 8192")]
    UnsupportedSize(u32),
    /// The sealed text is not Base64, or too short, or its parts do not fit together.
    #[error("the sealed value is malformed")]
    MalformedEnvelope,
    /// The sealed text is whole, but this key does not open it, or somebody changed it.
    #[error("the sealed value was not made for this key, or it was altered")]
    WrongKey,
    /// The envelope opened, but what it holds is not UTF-8 text.
    #[error("the sealed value is not text")]
    NotText,
    /// The cryptographic library refused an operation that cannot fail with valid input.
    #[error("the cryptographic library refused the operation")]
    Refused,
}
