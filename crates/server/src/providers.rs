//! Identity providers as an operator configures them: a TOML file, or one provider by flags. Secrets come from the
//! environment or from files.

use crate::config::{Config, ConfigError, read_if_there};
use serde::Deserialize;
use std::path::Path;
use stoa_identity::oidc::{Provider, Providers};

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Providers, in the order in which they are offered.
    #[serde(default)]
    provider: Vec<Provider>,
}

fn wrong(path: &Path, problem: impl std::fmt::Display) -> ConfigError {
    ConfigError::Other(format!("{}: {problem}", path.display()))
}

/// The providers of a configuration, with their secrets.
pub fn configured(config: &Config) -> Result<Providers, ConfigError> {
    let mut providers = match &config.sign_in_config {
        Some(path) => {
            let text = read_if_there(path)?.ok_or_else(|| wrong(path, "the file does not exist"))?;
            let file: File = toml::from_str(&text).map_err(|error| wrong(path, error))?;
            file.provider
        }
        None => Vec::new(),
    };
    if let (Some(issuer), Some(client_id)) = (&config.oidc_issuer, &config.oidc_client_id) {
        providers.push(Provider::plain("oidc", issuer, client_id, config.oidc_client_secret.clone()));
    }
    for provider in &mut providers {
        if let Some(name) = &provider.client_secret_env {
            let missing = || {
                ConfigError::Other(format!(
                    "identity provider `{}`: the environment has no {name}",
                    provider.name
                ))
            };
            provider.client_secret = Some(std::env::var(name).map_err(|_| missing())?);
        }
        if let Some(path) = &provider.client_secret_file {
            let text = read_if_there(path)?.ok_or_else(|| wrong(path, "the file does not exist"))?;
            provider.client_secret = Some(text.trim().to_owned());
        }
    }
    Providers::new(providers).map_err(|error| ConfigError::Other(error.to_string()))
}
