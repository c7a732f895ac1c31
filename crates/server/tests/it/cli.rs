//! The program at a person's fingertips: every command in a process of its own against a server in another.

mod declaring;
mod every_kind;
mod explaining;
mod failing;
mod offering;
mod operating;
mod running;

use crate::process::{Process, stoa};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use stoa_db::Engine;
use stoa_db::testing::{TestDatabase, fresh};
use tempfile::TempDir;

/// A server, and a person with a home and settings of their own.
struct Desk {
    server: Process,
    folder: TempDir,
    home: TempDir,
    _database: TestDatabase,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Asserts the exit code.
    #[track_caller]
    fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts success and gives what was printed as JSON.
    #[track_caller]
    fn json(self) -> Value {
        let said = self.with(0);
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:#?}"))
    }

    /// Asserts a failure told in one line, and what that line says.
    #[track_caller]
    fn fails(self, code: i32, says: &str) {
        let said = self.with(code);
        let told: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(told.len() == 1 && told[0].contains(says), "no `{says}` in {said:#?}");
    }
}

impl Desk {
    /// A server without a runner, and the administrator signed in as `admin`.
    fn new() -> Self {
        let database = fresh(Engine::Sqlite).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let server = Process::serve(folder.path(), &database.url);
        let desk = Self { server, folder, home: tempfile::tempdir().unwrap(), _database: database };
        let key = desk.folder.path().join("admin-key.json");
        let url = desk.server.url.clone();
        desk.says(&["login", &url, "--context", "admin", "--key-file", key.to_str().unwrap()]).with(0);
        desk
    }

    /// A command of this person's.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = stoa();
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null());
        command.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path().join("settings"));
        command
    }

    fn says(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// The same with something on standard input.
    fn hears(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Said::of(child.wait_with_output().unwrap())
    }

    /// A file in the person's home.
    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A block of the workspace `shop`, as JSON.
    fn block(&self, name: &str) -> Value {
        self.says(&["get", "block", name, "--workspace", "shop", "-o", "json"]).json()
    }

    /// Waits until something is so.
    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = std::time::Instant::now();
        while !holds(self) {
            assert!(started.elapsed() < crate::stoa::PATIENCE * 2, "it did not come to pass: {what}");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}

/// Only its owner may read it.
#[track_caller]
fn is_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
}
