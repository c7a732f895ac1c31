//! Modules in real git repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Origin {
    folder: tempfile::TempDir,
}

impl Origin {
    /// A repository whose only commit holds these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let origin = Self { folder: tempfile::tempdir().unwrap() };
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin.commit(files);
        origin
    }

    pub fn commit(&self, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = self.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "change"]);
    }

    pub fn git(&self, arguments: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// A file beside the repository's own, for what modules leave behind.
    pub fn note(&self, name: &str) -> PathBuf {
        self.path().join(".git").join(name)
    }
}
