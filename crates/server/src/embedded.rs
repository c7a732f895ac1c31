//! The runner inside the server: the same runner as outside, over the same HTTP.

use crate::bootstrap::EMBEDDED_KEY;
use crate::config::{Config, ConfigError};
use crate::pending::{Pending, Written};
use std::path::PathBuf;
use std::time::Duration;
use stoa_base::ObjectId;
use stoa_blocks::runner::SHARED;
use stoa_client::Credential;
use stoa_core::World;
use stoa_identity::token::Claims;
use stoa_seal::PrivateKey;

const KEY_BITS: u32 = 2048;
/// How long the embedded runner's token lives; permissions come from its key, which can be deleted.
const TOKEN_LIFE: Duration = Duration::from_hours(24 * 365);

/// The file of the shared runner's key pair.
pub fn key_file(config: &Config) -> Pending {
    Pending::of(&config.store.data_dir, "shared-runner.pem")
}

/// The key pair of the shared runner: the one in the data folder, or a new one. Says whether the file still has to
/// be settled.
pub fn key(config: &Config) -> Result<(PrivateKey, bool), ConfigError> {
    let file = key_file(config);
    let bad = |error| ConfigError::Other(format!("{}: {error}", file.path().display()));
    match file.read()? {
        Written::Settled(pem) => Ok((PrivateKey::from_pem(&pem).map_err(bad)?, false)),
        Written::Pending(pem) => Ok((PrivateKey::from_pem(&pem).map_err(bad)?, true)),
        Written::Nothing => {
            let key = PrivateKey::generate(KEY_BITS).map_err(bad)?;
            file.write(&key.to_pem())?;
            Ok((key, true))
        }
    }
}

/// What programs of runs do not see: everything of the server, wherever it was told to keep it.
fn hidden(config: &Config) -> Vec<PathBuf> {
    let mut hidden = config.hidden.clone();
    hidden.push(config.store.data_dir.clone());
    hidden.extend(config.store.master_key_file.clone());
    hidden.extend(config.sign_in_config.clone());
    hidden.extend(config.store.database_files());
    hidden
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
        work_dir: config.store.data_dir.join("runner"),
        parallel: config.runner_parallel,
        allow_local_repositories: config.allow_local_repositories,
        isolation: config.runner_isolation,
        hidden: hidden(config),
        confiner: config.confiner.clone(),
        prefer_base_url: true,
        binaries,
        ..stoa_runner::Config::default()
    })
}
