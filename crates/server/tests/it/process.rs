//! The real program in a process of its own, to be killed and started again.

use crate::stoa::{Caller, shared_key};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The program that cargo built for these tests.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_stoa");
const PATIENCE: Duration = Duration::from_mins(2);

/// A command of the program that knows nothing of this machine's settings.
pub fn stoa() -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("STOA_") || name.to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

/// A server process.
pub struct Process {
    /// Base URL.
    pub url: String,
    child: Child,
    log: mpsc::Receiver<String>,
    said: Vec<String>,
}

/// Lines that a process writes into a pipe, told one by one; the pipe is read to its end.
pub fn lines(pipe: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Whoever has heard enough does not stop the process.
            let _ = tell.send(line);
        }
    });
    told
}

impl Process {
    /// Starts a server without a runner and waits until it serves.
    pub fn serve(folder: &Path, database: &str) -> Self {
        Self::serve_with(folder, database, &["--no-runner"])
    }

    /// The same with these options.
    pub fn serve_with(folder: &Path, database: &str, options: &[&str]) -> Self {
        Self::started(Self::command(folder, database, options))
    }

    /// The command that starts a server.
    pub fn command(folder: &Path, database: &str, options: &[&str]) -> Command {
        let key = folder.join("shared-runner.pem");
        if !key.exists() {
            std::fs::write(key, shared_key().to_pem()).unwrap();
        }
        let mut command = stoa();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database, "--data-dir"]);
        command.arg(folder).args(["--database-readers", "2", "--database-writers", "3"]).args(options);
        command.env("STOA_LOG", "warn,stoa_server=info,stoa_runner=info");
        command
    }

    /// Waits until the server that this command starts serves.
    pub fn started(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = lines(child.stderr.take().unwrap());
        let mut process = Self { url: String::new(), child, log, said: Vec::new() };
        while process.url.is_empty() {
            let line = process.log.recv_timeout(PATIENCE);
            let said = &process.said;
            let line = line.unwrap_or_else(|_| panic!("the server did not start: {said:#?}"));
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if entry["fields"]["message"] == "serving" {
                process.url = format!("http://{}", entry["fields"]["address"].as_str().unwrap());
            }
            process.said.push(line);
        }
        process
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged up to now.
    pub fn said(&mut self) -> String {
        self.said.extend(self.log.try_iter());
        self.said.join("\n")
    }

    /// The first administrator, signed in.
    pub async fn admin(&self, folder: &Path) -> Caller {
        let file = std::fs::read_to_string(folder.join("admin-key.json")).unwrap();
        let key: Value = serde_json::from_str(&file).unwrap();
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        Caller::nobody(&self.url).login(&text("clientId"), &text("clientSecret")).await
    }

    /// Asks the process to stop and waits until it has.
    pub fn terminate(mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap()
    }

    /// Ends the process at once, as a loss of power would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
