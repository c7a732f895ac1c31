//! The variables a process of a run sees: a short list from the runner, and what the run brings along.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What every process of a run inherits from the runner.
const INHERITED: &[&str] = &[
    "HOME",
    "PATH",
    "PWD",
    "TMPDIR",
    "TMP",
    "TEMP",
    "SSH_KNOWN_HOSTS",
    "NIX_CONFIG",
    "MESHSTACK_ENDPOINT",
    "MESHSTACK_SKIP_VERSION_CHECK",
    "CUSTOM_CA_CERTS_PATH",
    "TF_LOG",
    "TF_LOG_CORE",
    "TF_LOG_PROVIDER",
    "TF_LOG_PATH",
    "CHECKPOINT_DISABLE",
    "TF_IN_AUTOMATION",
];

/// What git also inherits, because it goes out on the runner's own behalf.
const INHERITED_BY_GIT: &[&str] = &[
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "SSH_AUTH_SOCK",
];

/// Variables by name.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// For OpenTofu and scripts of a run.
    pub(crate) fn of_run(passed: &[String]) -> Self {
        Self::inherited(INHERITED.iter().copied().chain(passed.iter().map(String::as_str)))
    }

    /// For git.
    pub(crate) fn of_git() -> Self {
        Self::inherited(INHERITED.iter().chain(INHERITED_BY_GIT).copied())
    }

    fn inherited<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let variables = names.filter_map(|name| std::env::var_os(name).map(|value| (name.into(), value)));
        Self { variables: variables.collect() }
    }

    /// Sets a variable, in place of what was there.
    pub(crate) fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.variables.insert(name.into(), value.into());
    }

    /// Sets a variable that is not there yet.
    pub(crate) fn set_default(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.entry(name.into()).or_insert_with(|| value.into());
    }

    /// Puts a folder in front of all others that are searched for programs.
    pub(crate) fn search_first(&mut self, folder: &Path) {
        let mut path = folder.as_os_str().to_owned();
        if let Some(rest) = self.variables.get(OsStr::new("PATH")).filter(|rest| !rest.is_empty()) {
            path.push(":");
            path.push(rest);
        }
        self.set("PATH", path);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter()
    }
}
