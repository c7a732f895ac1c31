//! Which OpenTofu or Terraform does the work: the wanted version if it is there, the runner's own otherwise.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::config::Binaries;
use crate::environment::Environment;
use crate::folder::RunFolder;
use crate::process::{AskedToEnd, Output, Processes, Program, find};
use crate::stop::Stop;

/// The last version that is called Terraform and nothing else.
const LAST_TERRAFORM: [u64; 3] = [1, 5, 5];
/// How long a program may take to say its version.
const SAYING_A_VERSION: Duration = Duration::from_secs(30);

/// The programs of a runner.
pub(crate) struct Tools {
    default: Option<PathBuf>,
    default_name: PathBuf,
    versions: BTreeMap<String, PathBuf>,
    /// Such as `OpenTofu v1.6.2`; asked once.
    default_title: OnceCell<String>,
}

/// The program for one run.
pub(crate) struct Tool {
    pub(crate) path: PathBuf,
    /// A line for the log: which one it is, and why.
    pub(crate) remark: String,
    version: Option<[u64; 3]>,
}

impl Tools {
    pub(crate) fn new(binaries: &Binaries) -> Self {
        let default = find(&binaries.default);
        if default.is_none() {
            tracing::warn!(program = %binaries.default.display(), "the default OpenTofu program was not found");
        }
        Self {
            default,
            default_name: binaries.default.clone(),
            versions: binaries.versions.clone(),
            default_title: OnceCell::new(),
        }
    }

    /// The program for the wanted version. Says what is missing if there is none at all.
    pub(crate) async fn pick(&self, wanted: Option<&str>, processes: &Processes) -> Result<Tool, String> {
        let wanted =
            wanted.map(|wanted| wanted.trim().trim_start_matches('v')).filter(|wanted| !wanted.is_empty());
        if let Some((version, path)) = wanted.and_then(|wanted| self.versions.get_key_value(wanted)) {
            let path = find(path).ok_or_else(|| {
                format!(
                    "`{}`, the program for version {version}, was not found on this runner",
                    path.display()
                )
            })?;
            return Ok(Tool {
                path,
                remark: format!("Using version {version}, as wanted"),
                version: parsed(version),
            });
        }
        let path = self.default.clone().ok_or_else(|| {
            format!("`{}`, the OpenTofu program of this runner, was not found", self.default_name.display())
        })?;
        let title = self.default_title.get_or_try_init(|| title_of(&path, processes)).await?;
        let version =
            title.split_whitespace().last().and_then(|version| parsed(version.trim_start_matches('v')));
        let is_wanted = wanted.is_none_or(|wanted| parsed(wanted).is_some() && parsed(wanted) == version);
        let remark = match wanted {
            Some(wanted) if !is_wanted => {
                format!("Version {wanted} is not installed on this runner. Using {title}")
            }
            _ => format!("Using {title}"),
        };
        Ok(Tool { path, remark, version })
    }
}

impl Tool {
    /// A folder in which the program has the names that scripts know it by.
    pub(crate) fn named(&self, folder: &RunFolder) -> io::Result<PathBuf> {
        let names = folder.folder("bin")?;
        symlink(&self.path, names.join("terraform"))?;
        if self.version.is_none_or(|version| version > LAST_TERRAFORM) {
            symlink(&self.path, names.join("tofu"))?;
        }
        Ok(names)
    }
}

fn parsed(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split(['.', '-']).map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// The first line of `version`.
async fn title_of(path: &Path, processes: &Processes) -> Result<String, String> {
    let mut environment = Environment::of_run(&[]);
    environment.set("CHECKPOINT_DISABLE", "1");
    let program = Program {
        path,
        arguments: vec!["version".into()],
        folder: Path::new("/"),
        environment: &environment,
        shown: Vec::new(),
        input: None,
        timeout: Some(SAYING_A_VERSION),
        asked_to_end: AskedToEnd::Program,
        output: Output::Kept(64 * 1024),
    };
    let result = processes.run(program, &Stop::new(), |_| {}).await;
    let finished = result.map_err(|error| format!("`{}` cannot be used: {error}", path.display()))?;
    let said = String::from_utf8_lossy(&finished.output);
    let title = said.lines().next().map(str::trim).filter(|_| finished.is_success());
    title
        .map(str::to_owned)
        .ok_or_else(|| format!("`{}` does not say its version: {}", path.display(), finished.errors.trim()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::{Tools, parsed};
    use crate::config::{Binaries, Limits};
    use crate::folder::RunFolder;
    use crate::process::Processes;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parsed("1.10.0") > parsed("1.9.3"));
        assert_eq!(parsed("1.6.0-beta1"), Some([1, 6, 0]));
        assert_eq!(parsed("1.6"), None);
        assert_eq!(parsed("newest"), None);
    }

    #[tokio::test]
    async fn the_wanted_version_is_used_if_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str, title: &str| {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\necho {title}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let tools = Tools::new(&Binaries {
            default: program("default", "OpenTofu v1.9.1"),
            versions: [("1.5.5".to_owned(), program("old", "Terraform v1.5.5"))].into(),
        });
        let processes = Processes::new(&Limits::default(), Duration::from_secs(1));
        let old = tools.pick(Some("v1.5.5"), &processes).await.unwrap();
        assert_eq!(old.remark, "Using version 1.5.5, as wanted");
        let names = |run: &RunFolder, names: std::path::PathBuf| {
            let mut found: Vec<_> =
                fs::read_dir(names).unwrap().map(|name| name.unwrap().file_name()).collect();
            found.sort();
            assert!(run.path().is_dir());
            found
        };
        let run = RunFolder::create(folder.path(), "a").unwrap();
        assert_eq!(names(&run, old.named(&run).unwrap()), ["terraform"]);
        for (wanted, remark) in [
            (Some("1.9.1"), "Using OpenTofu v1.9.1"),
            (None, "Using OpenTofu v1.9.1"),
            (Some("1.8.0"), "Version 1.8.0 is not installed on this runner. Using OpenTofu v1.9.1"),
        ] {
            assert_eq!(tools.pick(wanted, &processes).await.unwrap().remark, remark);
        }
        let tool = tools.pick(None, &processes).await.unwrap();
        let run = RunFolder::create(folder.path(), "b").unwrap();
        assert_eq!(names(&run, tool.named(&run).unwrap()), ["terraform", "tofu"]);
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let tools = Tools::new(&Binaries { default: "/no/such/tofu".into(), versions: [].into() });
        let processes = Processes::new(&Limits::default(), Duration::from_secs(1));
        let message = tools.pick(None, &processes).await.err().unwrap();
        assert_eq!(message, "`/no/such/tofu`, the OpenTofu program of this runner, was not found");
    }
}
