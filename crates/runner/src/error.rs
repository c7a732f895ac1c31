//! Why a runner cannot start, or cannot go on.

use std::path::PathBuf;

/// What keeps a runner from its work. Failures of single runs are reported to the server instead.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// A setting is missing or makes no sense.
    #[error("the runner's configuration is not usable: {0}")]
    BadConfig(String),
    /// The private key is not usable.
    #[error("the runner's private key is not usable")]
    BadKey(#[from] stoa_seal::BadKey),
    /// A file or folder of the runner cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Runs cannot be isolated as far as the configuration wants it.
    #[error("runs cannot be isolated by namespaces, which `isolation = \"required\"` asks for: {0}")]
    NotIsolated(String),
    /// Another process works in the same folder.
    #[error("another runner works in `{}`: give each its own folder", .0.display())]
    WorkDirInUse(PathBuf),
    /// The server refused, or did not answer.
    #[error("the server did not do what was asked")]
    Server(#[from] stoa_client::ClientError),
}
