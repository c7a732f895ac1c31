//! The runner inside the server: the same runner as outside, over the same HTTP.

use crate::bootstrap::EMBEDDED_KEY;
use crate::config::{Config, ConfigError, read_if_there, write_private};
use std::time::Duration;
use stoa_base::ObjectId;
use stoa_blocks::runner::SHARED;
use stoa_client::Credential;
use stoa_core::World;
use stoa_identity::token::Claims;
use stoa_seal::PrivateKey;

const KEY_BITS: u32 = 2048;
const KEY_FILE: &str = "shared-runner.pem";
/// How long the embedded runner's token lives; permissions come from its key, which can be deleted.
const TOKEN_LIFE: Duration = Duration::from_hours(24 * 365);

/// The key pair of the shared runner: the one in the data folder, or a new one. A new one is kept only once
/// the database has taken it, see [`keep_key`].
pub fn key(config: &Config) -> Result<(PrivateKey, bool), ConfigError> {
    let path = config.data_dir.join(KEY_FILE);
    let bad = |error: stoa_seal::BadKey| ConfigError::Other(format!("{}: {error}", path.display()));
    match read_if_there(&path)? {
        Some(pem) => Ok((PrivateKey::from_pem(&pem).map_err(bad)?, false)),
        None => Ok((PrivateKey::generate(KEY_BITS).map_err(bad)?, true)),
    }
}

/// Keeps a new key pair.
pub fn keep_key(config: &Config, key: &PrivateKey) -> Result<(), ConfigError> {
    write_private(&config.data_dir.join(KEY_FILE), &key.to_pem())
}

/// The embedded runner's configuration.
pub fn config(
    config: &Config,
    world: &World,
    base_url: &str,
    key: &PrivateKey,
) -> anyhow::Result<stoa_runner::Config> {
    let sub: ObjectId = EMBEDDED_KEY.parse()?;
    let exp = (world.clock.now() + TOKEN_LIFE).seconds();
    let token = Claims::Access { sub, exp }.sign(world)?;
    let mut binaries = stoa_runner::Binaries::default();
    if let Some(tofu) = &config.tofu {
        binaries.default.clone_from(tofu);
    }
    Ok(stoa_runner::Config {
        base_url: base_url.to_owned(),
        credential: Credential::Token(token),
        runner_uuid: SHARED.into(),
        private_key_pem: key.to_pem(),
        work_dir: config.data_dir.join("runner"),
        parallel: config.runner_parallel,
        allow_local_repositories: config.allow_local_repositories,
        prefer_base_url: true,
        binaries,
        ..stoa_runner::Config::default()
    })
}
