//! Whole commands against a stand-in for the server.

mod apply;
mod commands;
mod explaining;
mod following;
mod standin;

use crate::console::Console;
use crate::context::Store;
use crate::{Command, Global, execute, report};
use clap::Parser;
use jiff::Timestamp;
use standin::StandIn;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// The command line as the binary puts it together.
#[derive(Parser)]
#[command(name = "stoa")]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What a command left behind.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    code: u8,
    out: String,
    err: String,
}

impl Outcome {
    fn new(code: u8, out: &str, err: &str) -> Self {
        Self { code, out: out.to_owned(), err: err.to_owned() }
    }
}

/// Somewhere to write.
#[derive(Clone, Default)]
pub(crate) struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Pipe {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs `stoa` with these words against the stand-in.
async fn stoa(server: &StandIn, words: &[&str]) -> Outcome {
    let connection = ["--server", server.url(), "--api-token", "t0k"];
    run_in(Path::new("no-contexts"), &[words, &connection].concat()).await
}

/// Runs `stoa` with contexts in a folder.
async fn run_in(folder: &Path, words: &[&str]) -> Outcome {
    let line = match CommandLine::try_parse_from([&["stoa"], words].concat()) {
        Ok(line) => line,
        Err(error) => return Outcome::new(64, "", &error.to_string()),
    };
    let (out, err) = (Pipe::default(), Pipe::default());
    let clock = || "2031-02-11T10:00:00Z".parse::<Timestamp>().unwrap();
    let mut console = Console::into(&line.global, Box::new(out.clone()), Box::new(err.clone()), clock);
    let result = execute(line.command, &line.global, &Store::at(folder), &mut console).await;
    let code = match &result {
        Ok(()) => 0,
        Err(failure) => {
            report(&mut console, failure);
            failure.code()
        }
    };
    Outcome { code, out: out.text(), err: err.text() }
}

/// A manifest in a folder of this test's own, gone with the value.
struct Manifest {
    path: String,
    _folder: TempDir,
}

impl Manifest {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.yaml");
        std::fs::write(&path, text).unwrap();
        Self { path: path.display().to_string(), _folder: folder }
    }
}
